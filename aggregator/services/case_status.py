"""Setting a case's status, with what that means for its clock. A part of verbs, inside their frame.

What may surprise: closing meets every step that is still owed, whatever the sources know (I7), and while
the citizen is asked the clock stands still by itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aggregator.domain.people import Actor
from aggregator.domain.sla import ClockKind
from aggregator.domain.workflow import OPEN, Status
from aggregator.services import clock_log, deadlines, ledger, questions
from aggregator.services.deadlines import Deadlines
from aggregator.storage import case_queries
from aggregator.storage.db import Tx


def set_status(tx: Tx, clocks: Deadlines, actor: Actor, case: Any, to: Status, now: datetime) -> None:
    """Status, and what it means for the clock: closing stops it, reopening lets it go on, and while
    the citizen is asked it stands still."""
    members = [row.report_id for row in case_queries.living(tx, case.id)]
    closes, reopens = case.is_open and to not in OPEN, not case.is_open and to in OPEN
    informed = case.status == Status.NEEDS_INFO != to and not closes
    resumes = informed and clock_log.pause_reason(tx, case.id) == "needs_info"
    waits = to == Status.NEEDS_INFO != case.status and clock_log.pause_reason(tx, case.id) is None
    if closes:
        deadlines.close(tx, case.id, members, now, actor.id)
    elif reopens:
        deadlines.reopen(tx, clocks.book(tx), case.id, members, now, actor.id)
    elif resumes:
        clock_log.append(tx, case.id, ClockKind.RESUME, now, actor.id)
        ledger.record(tx, case, "resumed", actor, now, {})
    elif waits:
        clock_log.append(tx, case.id, ClockKind.PAUSE, now, actor.id, reason="needs_info")
        told = {"reason": "needs_info"}
        ledger.record(tx, case, "paused", actor, now, told)
    case_queries.change(
        tx, case.id, status=to.value, is_open=to in OPEN,
        closed_at=now if closes else (None if reopens else case.closed_at),
    )  # fmt: skip
    clocks.refresh(tx, case.id, now)
    if closes or reopens:
        questions.refresh(tx, [case.id])


def moved(case: Any, to: Status) -> dict[str, str]:
    """What a ledger entry says of a change of status; nothing where there is none."""
    return {} if case.status == to else {"from": case.status, "to": to.value}
