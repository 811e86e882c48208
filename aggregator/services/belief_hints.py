"""What helps a person with a difference that we cannot put right: the word to set, the new number to follow.

What may surprise: no connector can set a state without an answer, and to send the answer again only for its
state would double the words that a citizen reads. So who finds a report open at its source is told what to
set there, and has it read again. And a report that its source lists under another number is found by its
words and moment, not by a judgement of the matcher: two citizens who write of one problem are two reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.domain.beliefs import Kind, fingerprint
from aggregator.domain.workflow import ReplyKind, Status
from aggregator.sdk.discovery import Found
from aggregator.services.belief_views import Moved
from aggregator.services.carrying import told_by
from aggregator.storage import belief_queries
from aggregator.storage.db import Tx

#: Reports of one moment that are compared by their words.
MOST = 20
_ENDED_BY = {Status.RESOLVED: ReplyKind.RESULT, Status.REJECTED: ReplyKind.REFUSAL}


def closing_word(connectors: Mapping[str, Found], row: Any) -> str:
    """The source's word for the end that its report lacks; empty where it has none, or lacks no end."""
    found, kind = connectors.get(row.channel_kind), _ENDED_BY.get(Status(row.case_status))
    if row.kind != Kind.SOURCE_OPEN or kind is None:
        return ""
    return told_by(found.manifest, row.channel_options or {}, kind) if found and found.manifest else ""


def moved(tx: Tx, row: Any, ward: str | None, *, legal: bool) -> Moved | None:
    """The report with the same words and moment that its source has shown since; None: there is none."""
    if row.kind != Kind.REPORT_GONE or row.settled_at is not None:
        return None
    words = _words(row)
    for one in belief_queries.same_moment(tx, row, ward, legal=legal, limit=MOST):
        if _words(one) == words:
            return Moved(one.external_id, one.id, one.case_id, one.case_code)
    return None


def _words(report: Any) -> str:
    return fingerprint(f"{report.subject or ''}\n{report.body}")
