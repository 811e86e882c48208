"""Calendars with their days and versions: what is read and changed when somebody edits one."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from aggregator.storage.db import Tx
from aggregator.storage.place_tables import calendar_days, calendar_versions, calendars


def next_number(tx: Tx) -> int:
    """The number of the next version of any calendar."""
    return int(tx.scalar(select(func.max(calendar_versions.c.number))) or 0) + 1


def insert_version(tx: Tx, row: dict[str, Any]) -> None:
    tx.execute(insert(calendar_versions).values(**row))


def version(tx: Tx, number: int) -> Row[Any] | None:
    return tx.execute(select(calendar_versions).where(calendar_versions.c.number == number)).one_or_none()


def versions(tx: Tx, calendar_id: int, limit: int) -> list[Row[Any]]:
    """The newest versions of a calendar, newest first, without what they say."""
    table = calendar_versions
    query = (
        select(table.c.number, table.c.at, table.c.officer_id, table.c.why)
        .where(table.c.calendar_id == calendar_id)
        .order_by(table.c.number.desc())
        .limit(limit)
    )
    return list(tx.execute(query))


def change_calendar(tx: Tx, calendar_id: int, **values: Any) -> None:
    tx.execute(update(calendars).where(calendars.c.id == calendar_id).values(**values))


def drop_calendar(tx: Tx, calendar_id: int) -> None:
    """The calendar and its own days; its versions stay, because deadlines were counted by them."""
    tx.execute(delete(calendar_days).where(calendar_days.c.calendar_id == calendar_id))
    tx.execute(delete(calendars).where(calendars.c.id == calendar_id))


def put_days(tx: Tx, rows: list[dict[str, Any]]) -> None:
    """Store these days in place of what was said of them; all of one calendar, or all shared."""
    if rows:
        drop_days(tx, rows[0]["calendar_id"], [row["day"] for row in rows])
        tx.execute(insert(calendar_days), rows)


def drop_days(tx: Tx, calendar_id: int | None, days: list[date]) -> int:
    """Forget what this calendar (None: every one) says of these days; how many it spoke of."""
    of = calendar_days.c.calendar_id
    mine = of.is_(None) if calendar_id is None else of == calendar_id
    return tx.execute(delete(calendar_days).where(mine, calendar_days.c.day.in_(days))).rowcount
