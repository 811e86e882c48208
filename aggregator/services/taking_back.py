"""Taking an answer back before any of it has left.

    every message at once, before any was touched | clock and status as they were | what it settled besides

It is event-sourced: the clock's log gets an event that names the instant of the answer, and reads as if the
answer had never been given (`domain.sla`); the deadlines that the answer met are owed again. The row of the
answer keeps what it changed (`undo`).

What may surprise: an answer that a person carries by hand can be taken back as well, unless it was carried
already; and an answer can only be taken back before those given after it, because what a later one says
and meets builds on it. Of two people, or a person and a worker, at the same instant one wins: the messages
change in one conditional update, all of them or none (I10).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.domain.people import Actor
from aggregator.domain.sla import ClockKind
from aggregator.domain.workflow import OPEN, Status
from aggregator.errors import MoveNotAllowed
from aggregator.services import clock_log, ledger, questions
from aggregator.services.case_status import moved
from aggregator.services.deadlines import Deadlines
from aggregator.services.frame import not_found
from aggregator.services.ledger import Draft
from aggregator.storage import answer_queries, case_queries, outbox_queries, report_queries, street_queries
from aggregator.storage.db import Tx


@dataclass(frozen=True, slots=True)
class Guided:
    """What telling a citizen of another ward did besides: the questions it settled, what it taught."""

    #: Report -> what was thought of its place.
    guesses: Mapping[int, Any]
    #: The decisions about streets.
    decisions: Sequence[int]


def before(case: Any, target: Status, met: Sequence[int], guided: Guided | None) -> dict[str, Any]:
    """What giving back the state before the answer needs."""
    undo: dict[str, Any] = {
        "status": case.status, "after": target.value, "met": list(met),
        "closed_at": case.closed_at.isoformat() if case.closed_at else None,
    }  # fmt: skip
    if guided is not None:
        undo["decisions"] = list(guided.decisions)
        undo["guesses"] = {str(report): guess for report, guess in guided.guesses.items()}
    return undo


def may_undo(reply: Any, now: datetime) -> bool:
    return reply.undo_until is not None and now < reply.undo_until


def reply_of(tx: Tx, case: Any, reply_id: int) -> Any:
    reply = answer_queries.reply(tx, reply_id)
    if reply is None or reply.case_id != case.id:
        raise not_found()
    return reply


def take_back(tx: Tx, clocks: Deadlines, actor: Actor, case: Any, reply_id: int, now: datetime) -> int:
    """Nothing of it has left: it never was. The reply's id. Raises `MoveNotAllowed` where it is too
    late, or where a later answer stands."""
    reply = reply_of(tx, case, reply_id)
    if reply.withdrawn_at is not None:
        raise MoveNotAllowed(
            f"answer {reply_id} was taken back before", message_vi="Phúc đáp này đã được hoàn tác."
        )
    if answer_queries.later_stands(tx, case.id, reply_id):
        raise MoveNotAllowed(
            f"a later answer stands on {reply_id}",
            message_vi="Đã có phúc đáp sau phúc đáp này. Hãy hoàn tác phúc đáp sau trước.",
        )
    if not (may_undo(reply, now) and outbox_queries.withdraw(tx, reply_id)):
        raise MoveNotAllowed(
            f"answer {reply_id} may have left",
            hint="correct it instead",
            message_vi="Đã quá giờ hoàn tác: phúc đáp đang được gửi đi. Nếu có sai sót, hãy đính chính.",
        )
    undo = reply.undo or {}
    answer_queries.mark_withdrawn(tx, reply_id, now, actor.id)
    answer_queries.owe_again(tx, undo.get("met", ()), reply.at)
    clock_log.append(tx, case.id, ClockKind.TAKEN_BACK, now, actor.id, due_at=reply.at)
    status = _give_back(tx, clocks, actor, case, undo, now)
    outbox_queries.refresh_problem(tx, [case.id])
    told = {"reply": reply_id, "kind": reply.kind, "given_at": reply.at.isoformat()}
    entry = Draft(case.ward_code, "reply_withdrawn", now, told | moved(case, status), case.id, actor.id)
    ledger.append(tx, [entry])
    return reply_id


def _give_back(
    tx: Tx, clocks: Deadlines, actor: Actor, case: Any, undo: Mapping[str, Any], now: datetime
) -> Status:
    """The status as it was, unless a person has set another since; and what the answer settled besides."""
    status = Status(case.status)
    values: dict[str, Any] = {}
    if undo and case.status == undo["after"] != undo["status"]:
        status = Status(undo["status"])
        closed_at = undo["closed_at"]
        values = {
            "status": status.value, "is_open": status in OPEN,
            "closed_at": datetime.fromisoformat(closed_at) if closed_at else None,
        }  # fmt: skip
    case_queries.change(tx, case.id, **values)
    clocks.refresh(tx, case.id, now)
    if values and values["is_open"] != case.is_open:
        questions.refresh(tx, [case.id])
    for decision in undo.get("decisions", ()):
        street_queries.withdraw(tx, decision, now, actor.id)
    guesses = undo.get("guesses", {})
    report_queries.update_reports(
        tx, [{"id": int(report), "place_guess": guess} for report, guess in guesses.items()]
    )
    return status
