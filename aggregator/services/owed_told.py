"""What an entry of the ledger says of a case's deadlines, so that they can be proven from it later.

The rows of `deadlines` move with every pause and change of rule; the entry keeps them as they stood when
it was written. What may surprise: the result that was due first is always the first of the list, because
it is what a case was in time or late by (I5).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aggregator.domain.ledger import instant
from aggregator.domain.sla import Step
from aggregator.services.rules import Book
from aggregator.storage import case_queries
from aggregator.storage.db import Tx

#: A flood's case has hundreds of reports; those that were due first tell it.
MOST = 40


def owed_told(tx: Tx, book: Book, report_ids: Sequence[int]) -> list[dict[str, Any]]:
    """The deadlines of these reports as stored now, at most `MOST`; call it after the clock's refresh."""
    rows = case_queries.deadlines_of(tx, report_ids)
    rows.sort(key=lambda row: (row.step != Step.RESULT, row.due_at, row.id))
    return [_told(book, row) for row in rows[:MOST]]


def _told(book: Book, row: Any) -> dict[str, Any]:
    policy = book.policies.get(row.policy_id) if row.policy_id is not None else None
    return {
        "report": row.report_id, "step": row.step, "origin": row.origin, "due_at": instant(row.due_at),
        "met_at": instant(row.met_at) if row.met_at else None,
        "rule": [policy.key, policy.version] if policy else None, "calendar": row.calendar_version,
    }  # fmt: skip
