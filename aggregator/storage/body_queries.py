"""The bodies outside the ward to which citizens are directed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, func, insert, or_, select, update

from aggregator.storage import ids
from aggregator.storage.case_tables import cases, replies
from aggregator.storage.cover_tables import bodies
from aggregator.storage.db import Tx

#: Answers that are looked through for names: what a ward said longer ago is forgotten.
MOST_READ = 300
#: Legal matters whose answers only few may read.
_RESTRICTED = ("recognised", "confirmed")


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


def handed_to(tx: Tx, ward: str, limit: int) -> list[str]:
    """Names of the bodies that this ward's answers say go on with a matter, the newest first."""
    named = (
        select(replies.c.transfer_to, replies.c.id)
        .join(cases, cases.c.id == replies.c.case_id)
        .where(
            replies.c.transfer_to != "", replies.c.withdrawn_at.is_(None), cases.c.ward_code == ward,
            # Who is named there may tell what the matter is.
            or_(cases.c.legal.is_(None), cases.c.legal.not_in(_RESTRICTED)),
        )
        .order_by(replies.c.id.desc())
        .limit(MOST_READ)
        .subquery()
    )  # fmt: skip
    query = select(named.c.transfer_to).group_by(named.c.transfer_to).order_by(func.max(named.c.id).desc())
    return list(tx.scalars(query.limit(limit)))


def insert_bodies(tx: Tx, rows: list[dict[str, Any]]) -> None:
    tx.execute(insert(bodies), [{"active": True, "version": 1} | row for row in rows])


def change(tx: Tx, body_id: int, **values: Any) -> None:
    tx.execute(update(bodies).where(bodies.c.id == body_id).values(version=bodies.c.version + 1, **values))
