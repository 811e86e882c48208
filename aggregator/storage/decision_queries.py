"""Decisions about two cases, batches of them, and which case came back after which."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, cast, delete, func, insert, literal, or_, select, update

from aggregator.storage import ids
from aggregator.storage.case_tables import cases
from aggregator.storage.db import Tx
from aggregator.storage.decision_tables import batches, decisions, recurrences


def add(tx: Tx, values: dict[str, Any]) -> int:
    key = tx.execute(insert(decisions).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def row(tx: Tx, decision_id: int) -> Row[Any] | None:
    if not ids.possible(decision_id):
        return None
    return tx.execute(select(decisions).where(decisions.c.id == decision_id)).one_or_none()


def undo(tx: Tx, decision_id: int, at: datetime, by: int) -> bool:
    """False where somebody undid it before."""
    query = update(decisions).where(decisions.c.id == decision_id, decisions.c.undone_at.is_(None))
    return tx.execute(query.values(undone_at=at, undone_by=by)).rowcount == 1


def standing(tx: Tx, case_id: int, limit: int) -> list[Row[Any]]:
    """The newest decisions about this case that stand."""
    query = select(decisions).where(
        or_(decisions.c.case_id == case_id, decisions.c.other_id == case_id), decisions.c.undone_at.is_(None)
    )
    return list(tx.execute(query.order_by(decisions.c.id.desc()).limit(limit)))


def undoable(tx: Tx, decision_ids: Iterable[int]) -> set[int]:
    """Those of the decisions that stand."""
    query = select(decisions.c.id).where(
        decisions.c.id.in_(sorted(set(decision_ids))), decisions.c.undone_at.is_(None)
    )
    return set(tx.scalars(query))


# Batches


def add_batch(tx: Tx, values: dict[str, Any]) -> int:
    key = tx.execute(insert(batches).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def batch(tx: Tx, batch_id: int) -> Row[Any] | None:
    if not ids.possible(batch_id):
        return None
    return tx.execute(select(batches).where(batches.c.id == batch_id)).one_or_none()


def of_batch(tx: Tx, batch_id: int) -> list[Row[Any]]:
    query = select(decisions).where(decisions.c.batch_id == batch_id).order_by(decisions.c.id)
    return list(tx.execute(query))


# Recurrences


def link(tx: Tx, case_id: int, earlier_id: int, by: int, at: datetime) -> None:
    tx.execute(insert(recurrences).values(case_id=case_id, earlier_id=earlier_id, officer_id=by, at=at))


def unlink(tx: Tx, case_id: int, earlier_id: int) -> None:
    mine = (recurrences.c.case_id == case_id) & (recurrences.c.earlier_id == earlier_id)
    tx.execute(delete(recurrences).where(mine))


def forerunners(tx: Tx, case_id: int) -> list[int]:
    """The case's forerunner, that one's forerunner and so on: the first of all comes last."""
    return [case for _, case in _walked(tx, case_id, recurrences.c.case_id, recurrences.c.earlier_id)]


def family(tx: Tx, case_id: int, limit: int) -> list[Row[Any]]:
    """The first case of all and everything that came back after it, oldest first; empty for a lone one."""
    mine = or_(recurrences.c.case_id == case_id, recurrences.c.earlier_id == case_id)
    if tx.scalar(select(recurrences.c.case_id).where(mine).limit(1)) is None:
        return []
    first = (forerunners(tx, case_id) or [case_id])[-1]
    later = [case for _, case in _walked(tx, first, recurrences.c.earlier_id, recurrences.c.case_id)]
    if not later:
        return []
    query = select(cases).where(cases.c.id.in_([first, *later][:limit]))
    return list(tx.execute(query.order_by(cases.c.received_at, cases.c.id)))


def _walked(tx: Tx, start: int, here: Any, there: Any) -> list[tuple[int, int]]:
    """(steps, case) along the links from `here` to `there`; a few of them, whatever the links say."""
    walk = select(literal(0).label("steps"), cast(start, recurrences.c.case_id.type).label("case_id")).cte(
        "walk", recursive=True
    )
    onward = select(walk.c.steps + 1, there).join(walk, here == walk.c.case_id).where(walk.c.steps < _FAR)
    walk = walk.union_all(onward)
    query = select(func.min(walk.c.steps), walk.c.case_id).where(walk.c.steps > 0).group_by(walk.c.case_id)
    return sorted((found[0], found[1]) for found in tx.execute(query))


#: A problem that came back as often as this is known well enough.
_FAR = 50
