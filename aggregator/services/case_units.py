"""Several units on one case: one leads, each other has a task, a deadline of its own, and a done mark.

    second unit joins -> the case is counted by the rule for several units
    the last one leaves, or takes the lead alone -> by the rule for one again

The lead is the case's unit: its time is what is told of the clock, and it answers. What may surprise: a
unit's own deadline is a promise inside the office. It never moves the case's, may not lie beyond it while
that is still to come, and is no answer to the citizen; done means that the lead need not wait any more.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from aggregator.domain.people import Actor
from aggregator.domain.text import clean
from aggregator.errors import InputInvalid, MoveNotAllowed
from aggregator.services import clock_verbs, ledger, legal_matters
from aggregator.services.clock import Clock
from aggregator.services.deadlines import Deadlines
from aggregator.services.frame import Frame
from aggregator.storage import case_queries, case_unit_queries, inbox_queries
from aggregator.storage.db import Database, Tx

MOST_TASK = 500


class CaseUnits:
    """The verbs on the units of a case."""

    def __init__(self, db: Database, clocks: Deadlines, clock: Clock) -> None:
        self._clocks = clocks
        self._do = Frame(db, clock).do

    def join(
        self, actor: Actor, case_id: int, unit_id: int, task: str, until: date | None = None, *,
        version: int | None = None, once: str | None = None,
    ) -> None:  # fmt: skip
        """Another unit of the ward works on the case, with its task, to the close of `until`."""
        words = " ".join(clean(task).split())
        if not words or len(words) > MOST_TASK:
            raise InputInvalid(
                f"a task has 1 to {MOST_TASK} characters", field="task",
                message_vi=f"Hãy ghi việc giao cho đơn vị phối hợp, tối đa {MOST_TASK} ký tự.",
            )  # fmt: skip

        def act(tx: Tx, case: Any, now: datetime) -> None:
            name = _may_join(tx, case, unit_id)
            several = bool(case_unit_queries.shared(tx, [case_id]))
            if not several:
                _count_anew(tx, self._clocks, actor, case, now, several=True)
            due_at = self._due(tx, case, until, now)
            case_unit_queries.join(tx, {
                "case_id": case_id, "unit_id": unit_id, "task": words, "due_at": due_at, "joined_at": now,
                "joined_by": actor.id,
            })  # fmt: skip
            told = {"unit": name, "task": words, "due_at": due_at.isoformat() if due_at else None}
            ledger.record(tx, case, "unit_joined", actor, now, told)

        self._do(actor, case_id, version, once, act)

    def done(
        self, actor: Actor, case_id: int, unit_id: int, *, version: int | None = None, once: str | None = None
    ) -> None:
        """The unit has done its task."""

        def act(tx: Tx, case: Any, now: datetime) -> None:
            row = _working(tx, case_id, unit_id)
            if row.done_at is not None:
                raise MoveNotAllowed(
                    "the unit has done its task already", message_vi="Đơn vị này đã báo xong việc."
                )
            case_unit_queries.change(tx, case_id, unit_id, done_at=now, done_by=actor.id)
            case_queries.change(tx, case_id)
            ledger.record(tx, case, "unit_done", actor, now, {"unit": row.unit})

        self._do(actor, case_id, version, once, act)

    def leave(
        self, actor: Actor, case_id: int, unit_id: int, *, version: int | None = None, once: str | None = None
    ) -> None:
        """The unit works on the case no longer; alone, the lead is counted by the rule for one again."""

        def act(tx: Tx, case: Any, now: datetime) -> None:
            row = _working(tx, case_id, unit_id)
            case_unit_queries.change(tx, case_id, unit_id, left_at=now)
            if not case_unit_queries.shared(tx, [case_id]):
                _count_anew(tx, self._clocks, actor, case, now, several=False)
            case_queries.change(tx, case_id)
            ledger.record(tx, case, "unit_left", actor, now, {"unit": row.unit})

        self._do(actor, case_id, version, once, act)

    def _due(self, tx: Tx, case: Any, until: date | None, now: datetime) -> datetime | None:
        if until is None:
            return None
        due_at = clock_verbs.close_of(self._clocks.book(tx).calendar(case.ward_code), until, now)
        present = case_queries.row(tx, case.id)
        assert present is not None
        if present.due_at is not None and now < present.due_at < due_at:
            raise InputInvalid(
                f"{until} is after the case's own deadline", field="until",
                message_vi="Hạn của đơn vị phối hợp phải trước thời hạn của vụ việc.",
            )  # fmt: skip
        return due_at


def led_by(tx: Tx, clocks: Deadlines, actor: Actor, case: Any, unit_id: int | None, now: datetime) -> None:
    """A part of assigning: the unit that leads from now on works beside nobody but the others."""
    rows = case_unit_queries.working(tx, case.id)
    if not rows:
        return
    if unit_id is None:
        raise MoveNotAllowed(
            "several units need one that leads",
            message_vi="Vụ việc đang có đơn vị phối hợp nên phải có đơn vị chủ trì.",
        )
    if any(row.unit_id == unit_id for row in rows):
        case_unit_queries.change(tx, case.id, unit_id, left_at=now)
        if len(rows) == 1:
            _count_anew(tx, clocks, actor, case, now, several=False)


def end_all(tx: Tx, clocks: Deadlines, actor: Actor, case: Any, now: datetime) -> None:
    """A part of moving a case to another ward: the units of this one are done with it."""
    if case_unit_queries.all_leave(tx, case.id, now):
        _count_anew(tx, clocks, actor, case, now, several=False)


def _count_anew(tx: Tx, clocks: Deadlines, actor: Actor, case: Any, now: datetime, *, several: bool) -> None:
    if clocks.rechoose(tx, case.id, now, actor.id, several_units=several):
        clocks.refresh(tx, case.id, now)
    case_queries.change(tx, case.id)


def _may_join(tx: Tx, case: Any, unit_id: int) -> str:
    """The unit's name."""
    legal_matters.check_ordinary(case)
    if not case.is_open:
        raise MoveNotAllowed("the case is closed", message_vi="Vụ việc đã kết thúc.")
    if case.unit_id is None:
        raise MoveNotAllowed(
            "no unit leads the case yet", message_vi="Hãy giao đơn vị chủ trì trước khi mời đơn vị phối hợp."
        )
    name = inbox_queries.assignees(tx, case.ward_code, unit_id, None).unit
    if name is None:
        raise InputInvalid(
            "no such unit in this ward", field="unit_id",
            message_vi="Đơn vị này không thuộc phường của vụ việc.",
        )  # fmt: skip
    if unit_id == case.unit_id or any(
        row.unit_id == unit_id for row in case_unit_queries.working(tx, case.id)
    ):
        raise InputInvalid(
            "the unit works on the case already", field="unit_id",
            message_vi="Đơn vị này đang xử lý vụ việc rồi.",
        )  # fmt: skip
    return name


def _working(tx: Tx, case_id: int, unit_id: int) -> Any:
    for row in case_unit_queries.working(tx, case_id):
        if row.unit_id == unit_id:
            return row
    raise InputInvalid(
        "the unit does not work on this case", field="unit_id",
        message_vi="Đơn vị này không còn phối hợp xử lý vụ việc.",
    )  # fmt: skip
