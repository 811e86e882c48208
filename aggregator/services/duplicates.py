"""What an officer says of two cases: the same, different, or come back; and taking it back.

    same        the younger case's reports join the older one (`joining.merge`)
    different   remembered for good: the two are not suggested again, through whichever of their reports
    come back   the earlier one is closed: both stay what they are, and each shows the other

Each is a decision with a number, by which it can be undone at any time after, as far as nothing built
on it. What may surprise: a decision counts both cases' versions up, so that a colleague whose page was
drawn before is told who was faster instead of overruling them unawares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.domain.people import Actor
from aggregator.domain.workflow import Status
from aggregator.errors import InputInvalid, MoveNotAllowed, StaleWrite
from aggregator.services import decisions, joining, ledger, notices, questions
from aggregator.services.answers import Answers
from aggregator.services.clock import Clock
from aggregator.services.deadlines import Deadlines
from aggregator.services.frame import Frame, not_found, seen
from aggregator.services.ledger import Draft
from aggregator.services.notices import Notice
from aggregator.storage import case_queries, decision_queries, question_queries
from aggregator.storage.db import Database, Tx


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, and the case to go on with."""

    id: int
    case_id: int


class Duplicates:
    """The verbs on two cases."""

    def __init__(self, db: Database, clocks: Deadlines, answers: Answers, clock: Clock) -> None:
        self._db = db
        self._clocks = clocks
        self._answers = answers
        self._do = Frame(db, clock).do

    def merge(
        self, actor: Actor, case_id: int, into_id: int, *, version: int | None = None, once: str | None = None
    ) -> Decided:
        """All reports of `case_id` join `into_id`, whichever came first."""

        def act(tx: Tx, case: Any, now: datetime) -> list[int]:
            into = seen(tx, actor, into_id, lock=True)
            return self._merged(tx, actor, case, into, now)

        return self._decided(actor, case_id, into_id, version, once, act)

    def same(
        self, actor: Actor, case_id: int, other_id: int, *,
        version: int | None = None, other_version: int | None = None, once: str | None = None,
    ) -> Decided:  # fmt: skip
        """The two are one problem: the older case stays, because citizens were told its code first."""

        def act(tx: Tx, case: Any, now: datetime) -> list[int]:
            other = _fresh(tx, actor, other_id, other_version)
            stays, goes = sorted((case, other), key=_age)
            return self._merged(tx, actor, goes, stays, now)

        return self._decided(actor, case_id, other_id, version, once, act)

    def _merged(self, tx: Tx, actor: Actor, goes: Any, stays: Any, now: datetime) -> list[int]:
        decision = joining.merge(tx, self._clocks, actor, goes, stays, now)
        self._answers.joined(tx, actor, [stays.id], now)
        return [decision, stays.id]

    def different(
        self, actor: Actor, case_id: int, other_id: int, *,
        version: int | None = None, other_version: int | None = None, once: str | None = None,
    ) -> Decided:  # fmt: skip
        """The two are not the same problem: remembered for good, never asked again (I4)."""

        def act(tx: Tx, case: Any, now: datetime) -> list[int]:
            other = _fresh(tx, actor, other_id, other_version)
            return [tell_apart(tx, actor, case, other, now), case_id]

        return self._decided(actor, case_id, other_id, version, once, act)

    def recurs(
        self, actor: Actor, case_id: int, other_id: int, *,
        version: int | None = None, other_version: int | None = None, once: str | None = None,
    ) -> Decided:  # fmt: skip
        """The problem of the closed case has come back as the open one, which keeps its own clock."""

        def act(tx: Tx, case: Any, now: datetime) -> list[int]:
            other = _fresh(tx, actor, other_id, other_version)
            earlier, later = sorted((case, other), key=_age)
            return [_link(tx, actor, later, earlier, now), case_id]

        return self._decided(actor, case_id, other_id, version, once, act)

    def undo(self, actor: Actor, decision_id: int, *, once: str | None = None) -> int:
        """Take a decision back, whoever made it; the case to go on with.

        `MoveNotAllowed` where it was undone before, or where something was built on it since.
        """
        with self._db.read() as tx:
            found = decision_queries.row(tx, decision_id)
        if found is None:
            raise not_found()

        def act(tx: Tx, _case: Any, now: datetime) -> int:
            seen(tx, actor, found.other_id)  # it may have gone to another ward since
            return take_back(tx, self._clocks, actor, decision_id, now)

        return int(self._do(actor, found.case_id, None, once, act, also=lambda tx: touched(tx, found)))

    def _decided(
        self, actor: Actor, case_id: int, other_id: int, version: int | None, once: str | None, act: Any
    ) -> Decided:
        if case_id == other_id:
            raise InputInvalid(
                "a case and itself", field="other_id", message_vi="Không thể gộp một vụ việc vào chính nó."
            )
        found = self._do(actor, case_id, version, once, act, also=lambda tx: [seen(tx, actor, other_id).id])
        return Decided(*found)


def tell_apart(tx: Tx, actor: Actor, case: Any, other: Any, now: datetime, batch: int | None = None) -> int:
    """Keep that these two cases are different; the decision."""
    pairs = _pairs(tx, case, other)
    before = decisions.say(tx, actor, pairs, "different", now)
    decision = decisions.record(tx, actor, "different", case, other, pairs[0], before, now, batch)
    _settled(tx, actor, "different", case, other, {"decision": decision}, now)
    return decision


def take_back(tx: Tx, clocks: Deadlines, actor: Actor, decision_id: int, now: datetime) -> int:
    """Undo a decision inside a transaction that keeps the counters of `touched`; the case to go on with."""
    decision = decision_queries.row(tx, decision_id)
    assert decision is not None, f"decision {decision_id} of a running change"
    if decision.undone_at is not None:
        raise MoveNotAllowed(
            f"decision {decision_id} was undone before",
            message_vi="Quyết định này đã được hoàn tác trước đó.",
        )
    if decision.kind == "same":
        joining.unmerge(tx, clocks, actor, decision, now)
    else:
        found = case_queries.rows(tx, [decision.case_id, decision.other_id])
        case, other = found[decision.case_id], found[decision.other_id]
        if decision.kind == "recurrence":
            decision_queries.unlink(tx, case.id, other.id)
        decisions.take_back(tx, decision)
        _settled(tx, actor, f"{decision.kind}_undone", case, other, {"undone": decision_id}, now)
    decision_queries.undo(tx, decision_id, now, actor.id)
    return int(decision.case_id)


def touched(tx: Tx, decision: Any) -> Iterable[int]:
    """Every case that undoing this decision may change."""
    homes = case_queries.earlier_cases(tx, decision.reports) if decision.kind == "same" else {}
    return {decision.case_id, decision.other_id, *(one for earlier in homes.values() for one in earlier)}


def _link(tx: Tx, actor: Actor, case: Any, earlier: Any, now: datetime) -> int:
    if not case.is_open or earlier.is_open or earlier.status == Status.MERGED:
        raise MoveNotAllowed(
            "only an open case can be the return of a closed, earlier one",
            message_vi="Chỉ ghi nhận tái diễn khi vụ việc cũ đã kết thúc và vụ việc mới đang mở.",
        )
    if forerunners := decision_queries.forerunners(tx, case.id):
        first = case_queries.rows(tx, [forerunners[0]])[forerunners[0]].code
        raise MoveNotAllowed(
            f"{case.code} is known already as the return of {first}",
            message_vi=f"{case.code} đã được ghi nhận là tái diễn của {first}.",
        )
    pairs = _pairs(tx, case, earlier)
    # Nor is it asked any more whether the problem of an even earlier time has come back.
    ancestors = case_queries.rows(tx, decision_queries.forerunners(tx, earlier.id)).values()
    older = [pair for one in ancestors if one.ward_code == case.ward_code for pair in _pairs(tx, case, one)]
    before = decisions.say(tx, actor, [*pairs, *older], "same", now, recurrence=True)
    decision = decisions.record(tx, actor, "recurrence", case, earlier, pairs[0], before, now)
    decision_queries.link(tx, case.id, earlier.id, actor.id, now)
    entry = _settled(tx, actor, "recurs", case, earlier, {"decision": decision}, now)
    told = [
        Notice(one, "recurred", earlier.id, case.ward_code, entry=entry)
        for one in notices.owners(tx, [earlier], now)
    ]
    notices.tell(tx, told, now, by=actor.id)
    return decision


def _settled(
    tx: Tx, actor: Actor, kind: str, case: Any, other: Any, data: Mapping[str, Any], now: datetime
) -> int:
    """Count both versions up, ask no more (or again), and tell both timelines; the other's entry."""
    for one in (case, other):
        case_queries.change(tx, one.id)
    questions.refresh(tx, [case.id, other.id])
    _, entry = ledger.append(tx, [
        Draft(case.ward_code, kind, now, {"other": other.code, **data}, case.id, actor.id),
        Draft(other.ward_code, f"{kind}_other", now, {"other": case.code, **data}, other.id, actor.id),
    ])  # fmt: skip
    return entry


def _pairs(tx: Tx, case: Any, other: Any) -> list[tuple[int, int]]:
    """The pairs of reports that speak for the two cases: all that the rule asked about, else the eldest."""
    if case.ward_code != other.ward_code:
        raise MoveNotAllowed(
            "cases of two wards are not compared", message_vi="Không so hai vụ việc của hai phường khác nhau."
        )
    mine, theirs = case_queries.living_in(tx, [case.id]), case_queries.living_in(tx, [other.id])
    if not mine or not theirs:
        gone = case if not mine else other
        raise MoveNotAllowed(
            f"case {gone.id} has no reports any more",
            message_vi=f"{gone.code} không còn phản ánh nào: đã được gộp vào vụ việc khác.",
        )
    both = {*mine, *theirs}
    asked = [
        (row.report_a, row.report_b)
        for row in question_queries.around(tx, mine)
        if row.report_a in both and row.report_b in both and (row.report_a in mine) != (row.report_b in mine)
    ]
    return asked or [(mine[0], theirs[0])]


def _fresh(tx: Tx, actor: Actor, case_id: int, version: int | None) -> Any:
    """The other case, locked; `StaleWrite` where it changed since the page was drawn."""
    case = seen(tx, actor, case_id, lock=True)
    if version is not None and case.version != version:
        raise StaleWrite(
            f"case {case_id} has changed since the page was drawn",
            message_vi=f"{case.code} vừa được người khác cập nhật. Hãy xem lại rồi thực hiện tiếp.",
        )
    return case


def _age(case: Any) -> tuple[datetime, int]:
    return case.received_at, case.id
