"""What a person does to a case's clock, inside the frame of `Cases`: pause, resume, extend, hand over.

What may surprise: an extension sets a date and adds no days, because a date is what the citizen and the
source are told; it is given once. An extension moves the result only: a first answer that is late stays so.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from aggregator.domain.people import Actor
from aggregator.domain.sla import ClockKind, Step
from aggregator.domain.text import clean
from aggregator.domain.workflow import PAUSE_REASONS, Status
from aggregator.domain.worktime import VN, Calendar, from_second
from aggregator.errors import InputInvalid, MoveNotAllowed
from aggregator.services import clock_log, deadlines
from aggregator.services.deadlines import Deadlines
from aggregator.storage import case_queries
from aggregator.storage.db import Tx

#: An extension beyond a year is a slip of the keyboard.
LONGEST_EXTENSION = timedelta(days=366)
_NOTE = 4_000


def pause(tx: Tx, clocks: Deadlines, actor: Actor, case: Any, reason: str, now: datetime) -> Status:
    """Stop the clock for one of the allowed reasons; the status that the case has then."""
    if reason not in PAUSE_REASONS:
        raise InputInvalid(
            f"no such reason to pause: {reason}", field="reason", hint=f"one of {', '.join(PAUSE_REASONS)}",
            message_vi="Hãy chọn một lý do tạm dừng.",
        )  # fmt: skip
    if not case.is_open or clock_log.pause_reason(tx, case.id) is not None:
        raise MoveNotAllowed(
            "only a running clock can be paused",
            message_vi="Đồng hồ của vụ việc này không chạy nên không tạm dừng được.",
        )
    clock_log.append(tx, case.id, ClockKind.PAUSE, now, actor.id, reason=reason)
    status = Status.NEEDS_INFO if reason == "needs_info" else Status(case.status)
    case_queries.change(tx, case.id, status=status.value)
    clocks.refresh(tx, case.id, now)
    return status


def resume(tx: Tx, clocks: Deadlines, actor: Actor, case: Any, now: datetime) -> Status:
    """Let the clock run on, the time it stood still given back; the status that the case has then."""
    if not case.is_open or clock_log.pause_reason(tx, case.id) is None:
        raise MoveNotAllowed("the clock is not paused", message_vi="Đồng hồ của vụ việc này đang chạy.")
    clock_log.append(tx, case.id, ClockKind.RESUME, now, actor.id)
    status = Status.IN_PROGRESS if case.status == Status.NEEDS_INFO else Status(case.status)
    case_queries.change(tx, case.id, status=status.value)
    clocks.refresh(tx, case.id, now)
    return status


def extend(
    tx: Tx, clocks: Deadlines, actor: Actor, case: Any, until: date, reason: str, now: datetime
) -> dict[str, Any]:
    """Set the result's deadline, once, to the close of a working day; what the ledger is told of it."""
    why = clean(reason).strip()[:_NOTE]
    if not why:
        raise InputInvalid("an extension needs a reason", field="reason", message_vi="Hãy ghi lý do gia hạn.")
    members = [member.report_id for member in case_queries.living(tx, case.id)]
    if not case.is_open:
        raise MoveNotAllowed(
            "a finished case has no deadline to extend",
            message_vi="Vụ việc đã kết thúc nên không gia hạn được.",
        )
    if any(clock_log.extended(rows) for rows in clock_log.read(tx, members).values()):
        raise MoveNotAllowed(
            "the deadline was extended before", message_vi="Vụ việc này đã được gia hạn một lần.",
            hint="Report progress to the citizen, or ask who answers for the unit",
        )  # fmt: skip
    due_at = close_of(clocks.book(tx).calendar(case.ward_code, case.unit_id), until, now)
    results = [row for row in case_queries.deadlines_of(tx, members) if row.step == Step.RESULT]
    latest = max((row.due_at for row in results if row.origin == "policy"), default=None)
    if latest is None or due_at <= latest:
        raise InputInvalid(
            f"{until} is not after the present deadline", field="until",
            message_vi="Ngày gia hạn phải sau thời hạn hiện tại của vụ việc.",
        )  # fmt: skip
    clock_log.append(
        tx, case.id, ClockKind.EXTEND, now, actor.id, reason=why, due_at=due_at, step=Step.RESULT.value
    )
    clocks.refresh(tx, case.id, now)
    return {"reason": why, "was": latest.isoformat(), "due_at": due_at.isoformat()}


def close_of(calendar: Calendar, day: date, now: datetime) -> datetime:
    """When the office closes on that day; refuses days off, days past and days out of reach."""
    told = f"{day:%d/%m/%Y}"
    if day > (now + LONGEST_EXTENSION).date() or day < now.astimezone(VN).date():
        raise InputInvalid(
            f"{day} is past or more than a year away", field="until",
            message_vi=f"Ngày {told} đã qua hoặc quá xa (hơn một năm).",
        )  # fmt: skip
    if not calendar.is_working_day(day):
        raise InputInvalid(
            f"{day} is a day off", field="until",
            message_vi=f"Ngày {told} là ngày nghỉ. Hãy chọn một ngày làm việc.",
        )  # fmt: skip
    return from_second(calendar.day_close(day.toordinal(), roll=False))


def hand_over(tx: Tx, clocks: Deadlines, actor: Actor, case: Any, unit_id: int | None, now: datetime) -> None:
    """The work goes to another unit: its time begins, and what forwarding was owed is done."""
    members = [member.report_id for member in case_queries.living(tx, case.id)]
    if unit_id != case.unit_id:
        clock_log.append(tx, case.id, ClockKind.HAND_OVER, now, actor.id, unit_id=unit_id)
    if unit_id is not None:
        done(tx, members, (Step.CLASSIFY, Step.FORWARD), now)
    if case.is_open:
        clocks.refresh(tx, case.id, now)


def done(tx: Tx, report_ids: Sequence[int], steps: Sequence[Step], now: datetime) -> None:
    """These steps are met by what was just done."""
    for step in steps:
        deadlines.meet(tx, report_ids, step, now)
