"""Who is away and who stands in, who handles which field, and the people of a ward."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, delete, insert, select, update

from aggregator.storage import ids
from aggregator.storage.account_tables import officers
from aggregator.storage.cover_tables import absences, officer_fields
from aggregator.storage.db import Tx
from aggregator.storage.place_tables import units

_away = officers.alias("away")
_stands_in = officers.alias("stands_in")
_by = officers.alias("entered_by")


def _rows() -> Select[Any]:
    # Who has left the ward or the office stands in for nobody, whatever was entered.
    here = and_(_stands_in.c.active, _stands_in.c.ward_code == absences.c.ward_code)
    return (
        select(
            absences, _away.c.name.label("officer"), _away.c.login.label("login"),
            _stands_in.c.name.label("substitute"), here.label("here"), _by.c.name.label("who"),
        )
        .join(_away, _away.c.id == absences.c.officer_id)
        .outerjoin(_stands_in, _stands_in.c.id == absences.c.substitute_id)
        .outerjoin(_by, _by.c.id == absences.c.entered_by)
        .where(_away.c.active, _away.c.ward_code == absences.c.ward_code)
    )  # fmt: skip


def living(tx: Tx, ward: str | None, after: datetime, before: datetime) -> list[Row[Any]]:
    """The absences that hold at some instant from `after` up to and with `before`, soonest first."""
    query = _rows().where(
        absences.c.ended_at.is_(None), absences.c.ends_at > after, absences.c.starts_at <= before
    )
    query = query if ward is None else query.where(absences.c.ward_code == ward)
    return list(tx.execute(query.order_by(absences.c.starts_at, absences.c.id)))


def past(tx: Tx, ward: str | None, now: datetime, since: datetime, limit: int) -> list[Row[Any]]:
    """The absences that ended since then, or were taken back, newest first."""
    over = absences.c.ended_at.isnot(None) | (absences.c.ends_at <= now)
    query = _rows().where(over, absences.c.ends_at > since)
    query = query if ward is None else query.where(absences.c.ward_code == ward)
    return list(tx.execute(query.order_by(absences.c.ends_at.desc(), absences.c.id.desc()).limit(limit)))


def absence(tx: Tx, absence_id: int) -> Row[Any] | None:
    if not ids.possible(absence_id):
        return None
    return tx.execute(select(absences).where(absences.c.id == absence_id)).one_or_none()


def overlapping(tx: Tx, officer_id: int, starts_at: datetime, ends_at: datetime) -> Row[Any] | None:
    """An absence of this officer that shares some time with these instants."""
    query = select(absences).where(
        absences.c.officer_id == officer_id, absences.c.ended_at.is_(None),
        absences.c.starts_at < ends_at, absences.c.ends_at > starts_at,
    )  # fmt: skip
    return tx.execute(query.limit(1)).one_or_none()


def insert_absence(tx: Tx, row: dict[str, Any]) -> int:
    key = tx.execute(insert(absences).values(version=1, **row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def change_absence(tx: Tx, absence_id: int, **values: Any) -> None:
    changed = update(absences).where(absences.c.id == absence_id)
    tx.execute(changed.values(version=absences.c.version + 1, **values))


# People -------------------------------------------------------------------------------------------


def people(tx: Tx, wards: Iterable[str] | None) -> list[Row[Any]]:
    """The active officers and leaders of these wards (None: of all), with their units."""
    query = (
        select(
            officers.c.id, officers.c.login, officers.c.name, officers.c.role, officers.c.ward_code,
            officers.c.unit_id, units.c.name.label("unit"),
        )
        .outerjoin(units, units.c.id == officers.c.unit_id)
        .where(officers.c.active, officers.c.role != "admin", officers.c.ward_code.isnot(None))
        .order_by(officers.c.name, officers.c.id)
    )  # fmt: skip
    return list(tx.execute(query if wards is None else query.where(officers.c.ward_code.in_(sorted(wards)))))


def fields(tx: Tx, ward: str | None = None) -> list[Row[Any]]:
    """(ward_code, category_code, officer_id) of active officers, in their order."""
    query = (
        select(officers.c.ward_code, officer_fields.c.category_code, officer_fields.c.officer_id)
        .join(officers, officers.c.id == officer_fields.c.officer_id)
        .where(officers.c.active, officers.c.ward_code.isnot(None))
        .order_by(officer_fields.c.officer_id, officer_fields.c.category_code)
    )
    return list(tx.execute(query if ward is None else query.where(officers.c.ward_code == ward)))


def set_fields(tx: Tx, officer_id: int, codes: Sequence[str]) -> None:
    """The officer handles these categories from now on, and no others."""
    tx.execute(delete(officer_fields).where(officer_fields.c.officer_id == officer_id))
    if codes:
        rows = [{"officer_id": officer_id, "category_code": code} for code in codes]
        tx.execute(insert(officer_fields), rows)
