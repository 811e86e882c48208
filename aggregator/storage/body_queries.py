"""The bodies outside the ward to which citizens are directed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, or_, select, update

from aggregator.storage import ids
from aggregator.storage.cover_tables import bodies
from aggregator.storage.db import Tx


def offered(tx: Tx, ward: str | None) -> list[Row[Any]]:
    """Those of this ward and of every ward, by name; None: of all wards."""
    query = select(bodies).order_by(bodies.c.active.desc(), bodies.c.name, bodies.c.id)
    if ward is not None:
        query = query.where(or_(bodies.c.ward_code == ward, bodies.c.ward_code.is_(None)))
    return list(tx.execute(query))


def body(tx: Tx, body_id: int) -> Row[Any] | None:
    if not ids.possible(body_id):
        return None
    return tx.execute(select(bodies).where(bodies.c.id == body_id)).one_or_none()


def insert_bodies(tx: Tx, rows: list[dict[str, Any]]) -> None:
    tx.execute(insert(bodies), [{"active": True, "version": 1} | row for row in rows])


def change(tx: Tx, body_id: int, **values: Any) -> None:
    tx.execute(update(bodies).where(bodies.c.id == body_id).values(version=bodies.c.version + 1, **values))
