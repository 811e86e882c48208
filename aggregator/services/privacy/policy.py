"""How long each kind is kept: versioned rules, and the switch of the nightly run.

Promise: every change is a new row and an entry in the installation's ledger, with who and why; nothing
unverified is called law. What may surprise: switching on asks for the dry run that the person saw. Where
more is due by then, they are asked to look again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.domain.people import Actor, Right
from aggregator.domain.retention import LONGEST, SHORTEST, Certainty, Kind, Rule, starting
from aggregator.domain.text import clean
from aggregator.errors import InputInvalid, NotAllowed, StaleWrite
from aggregator.services import ledger
from aggregator.services.clock import Clock
from aggregator.services.frame import require
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.storage import inbox_queries, request_queries, retention_queries
from aggregator.storage.db import Database, Tx

MOST_WORDS = 300


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule with who set it and when; both None for the starting set."""

    rule: Rule
    at: datetime | None
    who: str | None
    #: Earlier rules of this kind, newest first.
    before: tuple[RuleView, ...] = ()


@dataclass(frozen=True, slots=True)
class SwitchView:
    on: bool
    at: datetime | None = None
    who: str | None = None


def rules_in_force(tx: Tx) -> dict[Kind, Rule]:
    """The rule of every kind."""
    found = {kind: starting(kind) for kind in Kind}
    for row in reversed(retention_queries.rules(tx)):
        if row.kind in found:
            found[Kind(row.kind)] = _rule(row)
    return found


def is_on(tx: Tx) -> bool:
    row = retention_queries.switch(tx)
    return row is not None and bool(row.on)


class RetentionPolicy:
    """The verbs on rules and switch. An administrator's."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def rules(self, actor: Actor) -> tuple[RuleView, ...]:
        """The rule of every kind with its earlier versions."""
        require(actor, Right.OPERATE)
        with self._db.read() as tx:
            rows = retention_queries.rules(tx)
            names = inbox_queries.officer_names(tx, [row.officer_id for row in rows])
        return tuple(_history(kind, rows, names) for kind in Kind)

    def switch(self, actor: Actor) -> SwitchView:
        require(actor, Right.OPERATE)
        with self._db.read() as tx:
            row = retention_queries.switch(tx)
            names = inbox_queries.officer_names(tx, [row.officer_id] if row else [])
        return SwitchView(row.on, row.at, names.get(row.officer_id)) if row else SwitchView(on=False)

    def change(
        self, actor: Actor, kind: Kind, days: int | None, *, source: str = "", why: str,
        once: str | None = None,
    ) -> None:  # fmt: skip
        """Another period for one kind from now on; None keeps it without an end.

        With the paper that says so it is decided, without one it stays a proposal.
        """
        require(actor, Right.OPERATE)
        _of_the_whole(actor)
        if days is not None and not SHORTEST <= days <= LONGEST:
            raise InputInvalid(
                f"{days} days: between {SHORTEST} and {LONGEST}", field="days",
                message_vi=f"Thời hạn lưu từ {SHORTEST} đến {LONGEST} ngày.",
            )  # fmt: skip
        paper, reason = words(source), words(why)
        if not reason:
            raise InputInvalid("no reason is given", field="why", message_vi="Hãy nhập lý do thay đổi.")
        certainty = Certainty.DECIDED if paper else Certainty.PROPOSAL
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            if request_queries.result_of(tx, once, actor.id) is not None:
                return
            now, was = self._clock(), rules_in_force(tx)[kind]
            number = retention_queries.insert_rule(
                tx,
                {"kind": kind.value, "days": days, "certainty": certainty.value, "source": paper,
                 "why": reason, "at": now, "officer_id": actor.id or None},
            )  # fmt: skip
            told = {"rule": number, "kind": kind.value, "was": was.days, "days": days, "source": paper,
                    "why": reason}  # fmt: skip
            ledger.append(tx, [Draft(SYSTEM, "retention_rule", now, told, officer_id=actor.id or None)])
            request_queries.remember(tx, once, actor.id, now, {"result": None})

    def turn(self, actor: Actor, on: bool, seen: Mapping[str, int], due: Mapping[str, int]) -> None:
        """Switch the nightly run on or off. `seen`: what the person's dry run said; `due`: it says now."""
        require(actor, Right.OPERATE)
        _of_the_whole(actor)
        if on and any(due[kind] > seen.get(kind, -1) for kind in due):
            raise StaleWrite(
                "more is due than the dry run showed", hint="look at the plan again: motmoi retention plan",
                message_vi="Số liệu chạy thử đã thay đổi. Hãy xem lại rồi xác nhận.",
            )  # fmt: skip
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            if is_on(tx) == on:
                return
            now = self._clock()
            row = {"on": on, "seen": dict(seen), "at": now, "officer_id": actor.id or None}
            retention_queries.put_switch(tx, row)
            told = {"on": on, "seen": dict(seen)}
            ledger.append(tx, [Draft(SYSTEM, "retention_switch", now, told, officer_id=actor.id or None)])


def _of_the_whole(actor: Actor) -> None:
    """Periods hold for all wards: who runs one of them does not set them for the others."""
    if actor.ward is not None:
        raise NotAllowed(
            "retention holds for the whole installation: its administrator sets it",
            message_vi="Thời hạn lưu áp dụng cho toàn hệ thống: chỉ quản trị viên toàn hệ thống được đặt.",
        )


def words(text: str) -> str:
    return " ".join(clean(text).split())[:MOST_WORDS]


def _rule(row: Any) -> Rule:
    return Rule(Kind(row.kind), row.days, Certainty(row.certainty), row.source, row.why, row.id)


def _history(kind: Kind, rows: list[Any], names: Mapping[int, str]) -> RuleView:
    views = [
        RuleView(_rule(row), row.at, names.get(row.officer_id, "operator"))
        for row in rows
        if row.kind == kind
    ]
    views.append(RuleView(starting(kind), None, None))
    return RuleView(views[0].rule, views[0].at, views[0].who, tuple(views[1:]))
