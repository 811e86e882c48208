"""What every change of a message takes with it, in the same transaction: its ledger entry, its case's
mark, the kept numbers, and whether a deadline fell into an outage of the source.

    message rows changed | ledger entry each | the next of each report lined up
      | cases.delivery_problem | counters | unreachable deadlines

`acknowledge` is the one change that a poll makes: the source shows our words, so they arrived.

What may surprise: taking a lease is no entry. It says nothing about the source, and the entry of the
try's outcome follows, or the one of the worker that looks after a dead one ("attempt" then skips a
number). Entries hold ids, states and hashes only, never an answer's words (I12).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from aggregator.services import counters, ledger, unreachable
from aggregator.storage import case_queries, outbox_queries
from aggregator.storage.db import Tx
from aggregator.storage.outbox_queries import Change

#: What evidence may put into the ledger: nothing that could name a person. Of a connector, and of a tick
#: by hand: when it was done, the picture's hash, what was said of it later.
_EVIDENCE = (
    "status", "bytes", "body_sha256",
    "done_at", "screenshot_sha256", "screenshot_bytes", "shown", "undone",
)  # fmt: skip


def record(
    tx: Tx,
    message_ids: Iterable[int],
    now: datetime,
    *,
    officer_id: int | None = None,
    evidence: Mapping[str, Any] | None = None,
    each: Mapping[int, Mapping[str, Any]] | None = None,
    kept: int | None = None,
) -> list[Change]:
    """Write down what these messages have become; call it after changing them.

    The caller locked the wards' chains first where it decides by what it reads. `evidence` is of all of
    them, `each` by message. `kept`: a case whose numbers the caller keeps (`counters.kept`).
    """
    changed = outbox_queries.changes(tx, message_ids)
    seen, own = evidence or {}, each or {}
    drafts = [_draft(change, now, officer_id, {**seen, **own.get(change.id, {})}) for change in changed]
    ledger.append(tx, drafts)
    outbox_queries.line_up(tx, {change.report_id for change in changed})
    refresh_problems(tx, {change.case_id for change in changed if change.case_id != kept})
    if kept is not None:
        outbox_queries.refresh_problem(tx, [kept])
    unreachable.weigh(tx, [change.id for change in changed], now)
    return changed


def acknowledge(tx: Tx, channel_id: int, seen: Mapping[int, Sequence[str]], now: datetime) -> list[Change]:
    """Confirm and record the messages whose words the source shows; `seen`: report id -> its answers."""
    found = outbox_queries.shown(tx, channel_id, seen)
    if not found:
        return []
    # The chain before the rows, as everybody who writes both does; and then asked again, because a batch
    # may have settled them while we waited for it.
    ledger.lock(tx, sorted(outbox_queries.wards_of(tx, found)))
    found = outbox_queries.shown(tx, channel_id, seen)
    outbox_queries.acknowledge(tx, found, now)
    return record(tx, found, now)


def refresh_problems(tx: Tx, case_ids: Iterable[int]) -> None:
    """Set the mark of these cases from their messages, and move the kept numbers with it.

    Not inside `counters.kept` of the same cases, which would count the change a second time: there
    `outbox_queries.refresh_problem` alone is right.
    """
    flips = {flip.case_id: flip.problem for flip in outbox_queries.refresh_problem(tx, case_ids)}
    if flips:
        after = case_queries.facts(tx, flips)
        before = [replace(facts, delivery_problem=not flips[id_]) for id_, facts in after.items()]
        counters.shift(tx, before, after.values())


def _draft(
    change: Change, now: datetime, officer_id: int | None, evidence: Mapping[str, Any]
) -> ledger.Draft:
    data: dict[str, Any] = {
        "outbox": change.id,
        "reply": change.reply_id,
        "report": change.report_id,
        "channel": change.channel_slug,
        "state": change.state.value,
        "attempt": change.attempts,
    }
    if change.error_code:
        data["error"] = change.error_code
    if kept := {name: evidence[name] for name in _EVIDENCE if name in evidence}:
        data["evidence"] = kept
    return ledger.Draft(
        change.ward_code, "delivery", now, data,
        case_id=change.case_id, officer_id=officer_id, channel_id=change.channel_id,
    )  # fmt: skip
