"""Complaints and denunciations among the reports: found, kept from curious eyes, decided by a person.

    words found | possible: flagged, the clock runs on     -> a person decides
                | clear: clock stopped, view restricted    -> a person decides
    a person    | confirmed: handed over under a number of the receiving book; the case is closed by that
                | dismissed, with a reason: feedback again, the clock reads as if it had never stopped
                | either can be undone

What may surprise: nothing here closes, joins or answers a case by itself. And a person's "it is feedback"
holds against the rule: only words that were not there when they decided raise the question again, and then
as a question, without stopping the clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from aggregator.domain.legal import Certainty, LegalKind, LegalReading, LegalState
from aggregator.domain.people import Actor, Right
from aggregator.domain.sla import ClockKind
from aggregator.domain.workflow import LEGAL_PAUSE, OPEN, Status
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed
from aggregator.services import clock_log, counters, ledger, questions, typed
from aggregator.services.deadlines import Deadlines
from aggregator.services.ledger import Draft
from aggregator.storage import case_queries, legal_queries
from aggregator.storage.db import Tx

MOST = 500


@dataclass(frozen=True, slots=True)
class Found:
    """A report whose words tell of a legal matter, and the case it lives in."""

    report_id: int
    case_id: int
    reading: LegalReading


@dataclass(frozen=True, slots=True)
class Confirm:
    """It is one, and was handed over: to whom, number and day in the receiving book."""

    kind: LegalKind
    handed_to: str
    register_no: str
    registered_on: date


@dataclass(frozen=True, slots=True)
class Dismiss:
    """It is feedback after all, because …"""

    reason: str


@dataclass(frozen=True, slots=True)
class Undo:
    """The decision was a mistake: the question is open again, because …"""

    reason: str


Decision = Confirm | Dismiss | Undo


def state_of(case: Any) -> LegalState | None:
    return LegalState(case.legal) if case.legal else None


def is_restricted(case: Any) -> bool:
    state = state_of(case)
    return state is not None and state.restricted


def may_read(actor: Actor, case: Any) -> bool:
    """Whether this person may read what the case says, and not only that there is one."""
    return not is_restricted(case) or actor.may(Right.LEGAL)


def check_may_read(actor: Actor, case: Any) -> None:
    if not may_read(actor, case):
        raise NotAllowed(
            f"case {case.id} is a restricted legal matter",
            message_vi="Vụ việc khiếu nại, tố cáo: chỉ lãnh đạo và cán bộ được lãnh đạo chỉ định mới xử lý.",
        )


def check_ordinary(case: Any) -> None:
    """Raise where the feedback procedure does not apply (any more), or not before a person decides."""
    state = state_of(case)
    if state is LegalState.CONFIRMED:
        raise MoveNotAllowed(
            f"case {case.id} was handed over as a legal matter",
            message_vi="Vụ việc đã chuyển giải quyết khiếu nại, tố cáo nên không xử lý như phản ánh.",
        )
    if state is LegalState.RECOGNISED:
        raise MoveNotAllowed(
            f"case {case.id} seems to be a legal matter: decide that first",
            message_vi="Vụ việc có dấu hiệu rõ là khiếu nại, tố cáo. Hãy xác nhận hoặc bác bỏ trước.",
        )


def check_decided(case: Any) -> None:
    """Raise where it may be a legal matter and nobody has said whether it is: not joined, not closed."""
    check_ordinary(case)
    if state_of(case) is LegalState.SUSPECTED:
        raise MoveNotAllowed(
            f"case {case.id} may be a legal matter: decide that first",
            message_vi="Vụ việc có thể là khiếu nại, tố cáo. Hãy quyết định điều đó trước.",
        )


def kind_of(tx: Tx, case: Any) -> LegalKind | None:
    """What an undecided or confirmed matter is taken for."""
    row = legal_queries.matter(tx, case.id) if case.legal else None
    return LegalKind(row.kind) if row is not None and state_of(case) is not LegalState.DISMISSED else None


# Found by rule -------------------------------------------------------------------------------------


def notice(tx: Tx, clocks: Deadlines, found: Sequence[Found], now: datetime) -> None:
    """Keep what was found in reports just stored, and flag or stop their cases.

    Part of intake's transaction: the cases exist, and the caller holds their wards' chains.
    """
    known = legal_queries.findings(tx, [one.report_id for one in found])
    for one in found:
        case = case_queries.row(tx, one.case_id)
        assert case is not None, f"case {one.case_id} of a report just stored"
        told_before = _told(known[one.report_id].spans) if one.report_id in known else set()
        _keep(tx, one, now)
        with counters.kept(tx, case.id):
            _flag(tx, clocks, case, one, told_before, now)


def _keep(tx: Tx, one: Found, now: datetime) -> None:
    spans = [span.document() for span in one.reading.spans]
    legal_queries.put_finding(
        tx,
        {"report_id": one.report_id, "kind": one.reading.kind.value, "spans": spans,
         "certainty": one.reading.certainty.value, "found_at": now},
    )  # fmt: skip


def _told(spans: Sequence[Mapping[str, Any]]) -> set[tuple[str, str]]:
    return {(span["reason"], span["kind"]) for span in spans}


def _flag(
    tx: Tx, clocks: Deadlines, case: Any, one: Found, told_before: set[tuple[str, str]], now: datetime
) -> None:
    was, reading = state_of(case), one.reading
    clear = reading.certainty is Certainty.CLEAR
    state = LegalState.RECOGNISED if clear else LegalState.SUSPECTED
    if was is LegalState.DISMISSED:
        if _told([span.document() for span in reading.spans]) <= told_before:
            legal_queries.set_matched(tx, [one.report_id], legal=False)
            return
        state = LegalState.SUSPECTED
    matter = legal_queries.matter(tx, case.id)
    if matter is None:
        legal_queries.open_matter(tx, case.id, reading.kind.value, now)
    elif was is not LegalState.CONFIRMED and reading.kind.secret:
        legal_queries.change_matter(tx, case.id, kind=reading.kind.value)
    if was in (LegalState.RECOGNISED, LegalState.CONFIRMED) or state is was:
        return
    _enter(tx, clocks, case, state, now, None)
    told = {"report": one.report_id, "kind": reading.kind.value,
            "reasons": sorted({span.reason for span in reading.spans})}  # fmt: skip
    ledger.append(tx, [Draft(case.ward_code, f"legal_{state.value}", now, told, case.id)])


def _enter(
    tx: Tx, clocks: Deadlines, case: Any, state: LegalState, now: datetime, officer_id: int | None
) -> None:
    """Into an undecided state; a restricted one stops the clock of a case at work."""
    case_queries.change(tx, case.id, legal=state.value, unread=True)
    questions.refresh(tx, [case.id])
    if state.restricted and case.status in OPEN:
        stops = now
        if clock_log.pause_reason(tx, case.id) is not None:
            # What the case waited for before is over; its own pause keeps its length.
            clock_log.append(tx, case.id, ClockKind.RESUME, now, officer_id)
            # Of a resume and a pause in one instant the resume would count.
            stops += timedelta(microseconds=1)
        clock_log.append(tx, case.id, ClockKind.PAUSE, stops, officer_id, reason=LEGAL_PAUSE)
        clocks.refresh(tx, case.id, now)


def inherit(tx: Tx, case: Any, home_id: int, report_ids: Sequence[int], now: datetime) -> None:
    """A case that was split off an undecided one is as undecided: each is then decided by itself."""
    matter = legal_queries.matter(tx, case.id)
    if matter is None or not case.legal or not LegalState(case.legal).undecided:
        return
    if legal_queries.matter(tx, home_id) is None:
        legal_queries.open_matter(tx, home_id, matter.kind, now)
    case_queries.change_quietly(tx, home_id, legal=case.legal)
    legal_queries.set_matched(tx, report_ids, legal=True)


# Decided by a person -------------------------------------------------------------------------------


def decide(tx: Tx, clocks: Deadlines, actor: Actor, case: Any, decision: Decision, now: datetime) -> None:
    """Confirm, dismiss or undo. `MoveNotAllowed` where there is nothing (more) to decide."""
    if isinstance(decision, Confirm):
        _confirm(tx, clocks, actor, case, decision, now)
    elif isinstance(decision, Dismiss):
        _dismiss(tx, clocks, actor, case, decision, now)
    else:
        _undo(tx, clocks, actor, case, decision, now)
    questions.refresh(tx, [case.id])


def _confirm(tx: Tx, clocks: Deadlines, actor: Actor, case: Any, said: Confirm, now: datetime) -> None:
    """Any case at work may be found to be one, whether or not the rule thought so; a closed one that was."""
    was = state_of(case)
    asked = was is not None and was.undecided
    if case.status == Status.MERGED or not (asked or (was is None and case.status in OPEN)):
        raise _nothing_to_decide(case)
    handed_to = typed.line(said.handed_to, MOST, "handed_to", "nơi tiếp nhận")
    register_no = typed.line(said.register_no, MOST, "register_no", "số vào sổ")
    if said.registered_on > now.date() + timedelta(days=1):
        raise InputInvalid(
            f"{said.registered_on} is in the future", field="registered_on",
            message_vi="Ngày vào sổ không thể ở tương lai.",
        )  # fmt: skip
    if legal_queries.matter(tx, case.id) is None:
        legal_queries.open_matter(tx, case.id, said.kind.value, now)
    legal_queries.change_matter(
        tx, case.id, kind=said.kind.value, state_before=was.value if was else None, decided_at=now,
        decided_by=actor.id, reason=None, handed_to=handed_to, register_no=register_no,
        registered_on=said.registered_on,
    )  # fmt: skip
    if was is not LegalState.RECOGNISED:
        _enter(tx, clocks, case, LegalState.RECOGNISED, now, actor.id)
    case_queries.change(
        tx, case.id, legal=LegalState.CONFIRMED.value, status=Status.HANDED_OVER.value,
        status_before=case.status, is_open=False, closed_at=case.closed_at or now,
    )  # fmt: skip
    legal_queries.set_matched(tx, _members(tx, case), legal=True)
    clocks.refresh(tx, case.id, now)
    told = {"kind": said.kind.value, "to": handed_to, "register_no": register_no,
            "registered_on": said.registered_on.isoformat()}  # fmt: skip
    ledger.record(tx, case, "legal_confirmed", actor, now, told)


def _dismiss(tx: Tx, clocks: Deadlines, actor: Actor, case: Any, said: Dismiss, now: datetime) -> None:
    was = state_of(case)
    if was is None or not was.undecided:
        raise _nothing_to_decide(case)
    reason = typed.line(said.reason, MOST, "reason", "lý do xử lý như phản ánh")
    legal_queries.change_matter(
        tx, case.id, state_before=was.value, decided_at=now, decided_by=actor.id, reason=reason
    )
    case_queries.change(tx, case.id, legal=LegalState.DISMISSED.value)
    if was.restricted and case.status in OPEN:
        clock_log.append(tx, case.id, ClockKind.VOID, now, actor.id, reason=LEGAL_PAUSE)
        clocks.refresh(tx, case.id, now)
    legal_queries.set_matched(tx, _members(tx, case), legal=False)
    told = {"reason": reason}
    ledger.record(tx, case, "legal_dismissed", actor, now, told)


def _undo(tx: Tx, clocks: Deadlines, actor: Actor, case: Any, said: Undo, now: datetime) -> None:
    was = state_of(case)
    matter = legal_queries.matter(tx, case.id)
    if was is None or was.undecided or matter is None:
        raise _nothing_to_decide(case)
    reason = typed.line(said.reason, MOST, "reason", "lý do làm lại")
    # A case that a person alone took for a legal matter goes back to the question, not to feedback:
    # its text stays restricted until somebody says that it may be read.
    back = LegalState(matter.state_before) if matter.state_before else LegalState.RECOGNISED
    if was is LegalState.CONFIRMED:
        back, status = LegalState.RECOGNISED, Status(case.status_before or Status.IN_PROGRESS)
        case_queries.change(
            tx, case.id, legal=back.value, status=status.value, status_before=None, is_open=status in OPEN,
            closed_at=None if status in OPEN else case.closed_at,
        )  # fmt: skip
        clocks.refresh(tx, case.id, now)
    else:
        _enter(tx, clocks, case, back, now, actor.id)
    legal_queries.change_matter(
        tx, case.id, state_before=None, decided_at=None, decided_by=None, reason=None, handed_to=None,
        register_no=None, registered_on=None,
    )  # fmt: skip
    legal_queries.set_matched(tx, _members(tx, case), legal=True)
    ledger.record(tx, case, "legal_undone", actor, now, {"reason": reason})


def _members(tx: Tx, case: Any) -> list[int]:
    return [row.report_id for row in case_queries.living(tx, case.id)]


def _nothing_to_decide(case: Any) -> MoveNotAllowed:
    return MoveNotAllowed(
        f"case {case.id} is {case.status}, legal matter: {case.legal or 'none'}",
        message_vi="Vụ việc không ở bước cần quyết định về khiếu nại, tố cáo.",
    )
