"""Wards, units, categories, calendars and deadline rules."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Table, func, insert, select, update

from aggregator.storage.db import Tx
from aggregator.storage.ledger_tables import ledger_heads
from aggregator.storage.place_tables import (
    calendar_days,
    calendars,
    categories,
    sla_policies,
    units,
    wards,
)
from aggregator.storage.upsert import inserting


def rules_mark(tx: Tx, chain: str) -> str:
    """What is another after every change of a rule: the newest hash of the installation's own chain.

    Not its length, which comes again after a rollback or a restored backup.
    """
    return tx.scalar(select(ledger_heads.c.hash).where(ledger_heads.c.chain == chain)) or ""


def all_rows(tx: Tx, table: Table) -> list[Row[Any]]:
    return list(tx.execute(select(table).order_by(*table.primary_key.columns)))


def all_policies(tx: Tx) -> list[Row[Any]]:
    return all_rows(tx, sla_policies)


def all_calendars(tx: Tx) -> list[Row[Any]]:
    return all_rows(tx, calendars)


def all_days(tx: Tx) -> list[Row[Any]]:
    return all_rows(tx, calendar_days)


def all_categories(tx: Tx) -> list[Row[Any]]:
    return all_rows(tx, categories)


def all_units(tx: Tx) -> list[Row[Any]]:
    return all_rows(tx, units)


def all_wards(tx: Tx) -> list[Row[Any]]:
    return all_rows(tx, wards)


def put_ward(tx: Tx, code: str, name: str) -> bool:
    """Make the ward; False where it was there (its name follows)."""
    if tx.execute(update(wards).where(wards.c.code == code).values(name=name)).rowcount:
        return False
    tx.execute(insert(wards).values(code=code, name=name))
    return True


def put_unit(tx: Tx, ward: str, name: str, codes: list[str]) -> int:
    """Make the unit or set which categories it answers for; its id."""
    found = tx.scalar(select(units.c.id).where(units.c.ward_code == ward, units.c.name == name))
    if found is not None:
        tx.execute(update(units).where(units.c.id == found).values(categories=codes, active=True))
        return int(found)
    key = tx.execute(
        insert(units).values(ward_code=ward, name=name, categories=codes, active=True)
    ).inserted_primary_key
    assert key is not None
    return int(key[0])


def put_category(tx: Tx, row: dict[str, Any]) -> None:
    statement = inserting(tx, categories)
    changed = {name: statement.excluded[name] for name in ("name_vi", "name_en", "aliases")}
    tx.execute(statement.on_conflict_do_update(index_elements=["code"], set_=changed), [row])


def has_calendar(tx: Tx) -> bool:
    return bool(tx.scalar(select(func.count()).select_from(calendars)))


def insert_calendar(tx: Tx, row: dict[str, Any]) -> int:
    key = tx.execute(insert(calendars).values(**row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def insert_policies(tx: Tx, rows: list[dict[str, Any]]) -> None:
    tx.execute(insert(sla_policies), rows)
