"""The units that work on a case beside the one that leads it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from aggregator.storage.account_tables import officers
from aggregator.storage.cover_tables import case_units
from aggregator.storage.db import Tx
from aggregator.storage.place_tables import units
from aggregator.storage.report_queries import chunks


def working(tx: Tx, case_id: int) -> list[Row[Any]]:
    """Those that have not left, in the order in which they joined."""
    query = (
        select(case_units, units.c.name.label("unit"), officers.c.name.label("who"))
        .join(units, units.c.id == case_units.c.unit_id)
        .outerjoin(officers, officers.c.id == case_units.c.done_by)
        .where(case_units.c.case_id == case_id, case_units.c.left_at.is_(None))
        .order_by(case_units.c.id)
    )
    return list(tx.execute(query))


def shared(tx: Tx, case_ids: Iterable[int]) -> set[int]:
    """Those of the cases on which several units work."""
    found: set[int] = set()
    for part in chunks(sorted(set(case_ids))):
        query = select(case_units.c.case_id).where(
            case_units.c.case_id.in_(part), case_units.c.left_at.is_(None)
        )
        found.update(tx.scalars(query))
    return found


def join(tx: Tx, row: dict[str, Any]) -> None:
    tx.execute(insert(case_units).values(**row))


def change(tx: Tx, case_id: int, unit_id: int, **values: Any) -> bool:
    """Set columns of the unit's present part; False where it has none."""
    mine = (case_units.c.case_id == case_id) & (case_units.c.unit_id == unit_id)
    changed = update(case_units).where(mine, case_units.c.left_at.is_(None))
    return tx.execute(changed.values(**values)).rowcount == 1


def all_leave(tx: Tx, case_id: int, at: datetime) -> bool:
    """Whether there was any to leave."""
    still = update(case_units).where(case_units.c.case_id == case_id, case_units.c.left_at.is_(None))
    return tx.execute(still.values(left_at=at)).rowcount > 0
