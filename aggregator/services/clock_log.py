"""The log of clock events: what verbs append to it, and how it reads back (I6).

An event belongs to a case, and counts for each report while it lives there, or to one report alone.
What may surprise: nothing here derives a deadline; who appends also calls `Deadlines.refresh`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from aggregator.domain import sla_clock
from aggregator.domain.sla import ClockEvent, ClockKind, Step
from aggregator.storage import case_queries
from aggregator.storage.db import Tx


def start_row(case_id: int, report_id: int, received_at: datetime, unit_id: int | None) -> dict[str, Any]:
    return _row(case_id, ClockKind.START, received_at, report_id=report_id, unit_id=unit_id)


def append(
    tx: Tx, case_id: int, kind: ClockKind, at: datetime, officer_id: int | None, **told: Any
) -> None:  # fmt: skip
    """One event of the whole case; `told` names columns: reason, due_at, step, unit_id."""
    case_queries.insert_clock_events(tx, [_row(case_id, kind, at, officer_id=officer_id, **told)])


def append_for(
    tx: Tx, case_id: int, report_ids: Sequence[int], kind: ClockKind, at: datetime,
    officer_id: int | None = None, **told: Any,
) -> None:  # fmt: skip
    """The same event for each of these reports alone."""
    rows = [
        _row(case_id, kind, at, report_id=report_id, officer_id=officer_id, **told)
        for report_id in report_ids
    ]
    case_queries.insert_clock_events(tx, rows)


def _row(case_id: int, kind: ClockKind, at: datetime, **told: Any) -> dict[str, Any]:
    unsaid = {
        "report_id": None, "reason": "", "officer_id": None, "minutes": 0, "due_at": None, "step": None,
        "unit_id": None,
    }  # fmt: skip
    return {"case_id": case_id, "kind": kind.value, "at": at} | unsaid | told


def carry_pause(
    tx: Tx, case_id: int, report_ids: Sequence[int], *, was: str | None, now_in: str | None, at: datetime
) -> None:
    """A report that changes case takes on whether the new one's clock stands still, from now on.

    `was` and `now_in` are the pause reasons of the old and the new case, None where it runs.
    """
    if (was is None) != (now_in is None):
        kind = ClockKind.PAUSE if now_in is not None else ClockKind.RESUME
        append_for(tx, case_id, report_ids, kind, at, reason=now_in or "")


def pause_reason(tx: Tx, case_id: int) -> str | None:
    """Why the case's clock stands still now, None where it runs."""
    return pause_reasons(tx, [case_id]).get(case_id)


def pause_reasons(tx: Tx, case_ids: Iterable[int]) -> dict[int, str]:
    """Those of the cases whose clock stands still now, with why."""
    reasons: dict[int, str] = {}
    for event in sla_clock.standing(case_queries.clock_of_cases(tx, case_ids)):
        if event.kind == ClockKind.PAUSE:
            reasons[event.case_id] = event.reason
        elif event.kind in (ClockKind.RESUME, ClockKind.STOP, ClockKind.REOPEN, ClockKind.VOID):
            reasons.pop(event.case_id, None)
    return reasons


def read(tx: Tx, report_ids: Sequence[int]) -> dict[int, list[Any]]:
    """Report -> the rows of its clock, in their order, without what was taken back."""
    rows = case_queries.clock_of_reports(tx, report_ids)
    return {report_id: list(sla_clock.standing(found)) for report_id, found in rows.items()}


def of_step(rows: Sequence[Any], step: str) -> list[ClockEvent]:
    """What the rules read of one step's clock: extensions and changes of rule are about one step."""
    return [
        ClockEvent(ClockKind(row.kind), row.at, row.reason, row.minutes, row.due_at, row.unit_id)
        for row in rows
        if row.step is None or row.step == step
    ]


def started(rows: Sequence[Any]) -> datetime:
    """When the clock began for the first time."""
    found: datetime = next(row.at for row in rows if row.kind == ClockKind.START)
    return found


def extended(rows: Sequence[Any], step: str = Step.RESULT) -> bool:
    """Whether that step was extended since its clock last began."""
    latest = max((row.at for row in rows if row.kind == ClockKind.START), default=None)
    return any(
        row.kind == ClockKind.EXTEND and row.step in (None, step) and (latest is None or row.at >= latest)
        for row in rows
    )
