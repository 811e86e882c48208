"""Certificates: numbered and kept, found by what is printed on them, and the entries they are made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, insert, or_, select, update

from aggregator.storage import ids
from aggregator.storage.account_tables import officers
from aggregator.storage.case_tables import memberships
from aggregator.storage.certificate_tables import certificates
from aggregator.storage.db import Tx
from aggregator.storage.ledger_tables import ledger_entries
from aggregator.storage.place_tables import units


def next_number(tx: Tx, ward: str, year: int) -> int:
    """The ward's next number of this year. Its chain must be locked."""
    table = certificates.c
    query = select(func.max(table.number)).where(table.ward_code == ward, table.year == year)
    return (tx.scalar(query) or 0) + 1


def add(tx: Tx, values: dict[str, Any]) -> int:
    key = tx.execute(insert(certificates).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def row(tx: Tx, certificate_id: int) -> Row[Any] | None:
    if not ids.possible(certificate_id):
        return None
    return tx.execute(select(certificates).where(certificates.c.id == certificate_id)).one_or_none()


def of_case(tx: Tx, case_id: int) -> list[Row[Any]]:
    """All of the case's, the newest first; one that is not withdrawn supersedes those before it."""
    query = select(certificates).where(certificates.c.case_id == case_id)
    return _rows(tx, query.order_by(certificates.c.id.desc()))


def printed(tx: Tx, code: str, token: str) -> Row[Any] | None:
    """The one with this serial, or this token."""
    query = select(certificates).where(or_(certificates.c.serial == code, certificates.c.token == token))
    return tx.execute(query).one_or_none()


def keep_bundle(tx: Tx, certificate_id: int, bundle: bytes) -> None:
    """The proof has come; the first one stays, because somebody may hold it already."""
    mine = (certificates.c.id == certificate_id) & certificates.c.bundle.is_(None)
    tx.execute(update(certificates).where(mine).values(bundle=bundle))


def withdraw(tx: Tx, certificate_id: int, at: datetime, by: int) -> bool:
    """False where it was withdrawn before."""
    mine = (certificates.c.id == certificate_id) & certificates.c.withdrawn_at.is_(None)
    return tx.execute(update(certificates).where(mine).values(withdrawn_at=at, withdrawn_by=by)).rowcount == 1


# What they are made of -----------------------------------------------------------------------------


def entries_of(tx: Tx, case_ids: Iterable[int], without: Collection[str] = ()) -> list[Row[Any]]:
    """Every entry of these cases, the first first, but of these kinds."""
    table = ledger_entries
    query = select(table).where(table.c.case_id.in_(list(case_ids)), table.c.kind.not_in(list(without)))
    return _rows(tx, query.order_by(table.c.id))


def homes_of(tx: Tx, report_ids: Iterable[int]) -> set[int]:
    """Every case that these reports live in, or lived in."""
    query = select(memberships.c.case_id).where(memberships.c.report_id.in_(list(report_ids)))
    return set(tx.scalars(query))


def staff(tx: Tx, officer_ids: Iterable[int]) -> dict[int, Row[Any]]:
    """Officer -> role, name, and the name of their unit."""
    query = (
        select(officers.c.id, officers.c.role, officers.c.name, units.c.name.label("unit"))
        .outerjoin(units, units.c.id == officers.c.unit_id)
        .where(officers.c.id.in_(list(officer_ids)))
    )
    return {row.id: row for row in _rows(tx, query)}


def outage_entries(tx: Tx, chain: str, channel_ids: Iterable[int], since: datetime) -> list[Row[Any]]:
    """What the ledger says of these channels' outages since then, the first first."""
    table = ledger_entries
    query = select(table).where(
        table.c.chain == chain,
        table.c.kind.in_(("outage_began", "outage_ended")),
        table.c.channel_id.in_(list(channel_ids)),
        table.c.at >= since,
    )
    return _rows(tx, query.order_by(table.c.id))


def _rows(tx: Tx, query: Select[Any]) -> list[Row[Any]]:
    return list(tx.execute(query))
