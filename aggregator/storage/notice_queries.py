"""Notices: what people are told inside the product, one line a case until it is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, literal, select, tuple_, update

from aggregator.storage import ids
from aggregator.storage.account_tables import officers
from aggregator.storage.case_tables import cases
from aggregator.storage.db import Tx
from aggregator.storage.decision_tables import notices
from aggregator.storage.ledger_tables import ledger_entries
from aggregator.storage.upsert import inserting


def put(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """Tell each; where the same is unread still, it happened that often more."""
    if not rows:
        return
    statement = inserting(tx, notices)
    again = {
        "times": notices.c.times + statement.excluded.times,
        "at": statement.excluded.at,
        "entry_seq": statement.excluded.entry_seq,
    }
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["officer_id", "kind", "case_id"],
            index_where=notices.c.read_at.is_(None),
            set_=again,
        ),
        list(rows),
    )


def page(
    tx: Tx, officer_id: int, ward: str | None, after: tuple[datetime, int] | None, size: int
) -> list[Row[Any]]:
    """One more than `size` where there is a next page, the newest first, each with what it tells of."""
    entry, teller = ledger_entries, officers
    query = (
        select(notices, cases.c.code, cases.c.title, cases.c.legal, entry.c.data, teller.c.name.label("who"))
        .join(cases, cases.c.id == notices.c.case_id)
        .outerjoin(entry, (entry.c.chain == notices.c.ward_code) & (entry.c.seq == notices.c.entry_seq))
        .outerjoin(teller, teller.c.id == entry.c.officer_id)
        .where(notices.c.officer_id == officer_id)
    )
    if ward is not None:
        query = query.where(notices.c.ward_code == ward)
    if after is not None:
        edge = tuple_(literal(after[0], notices.c.at.type), literal(after[1]))
        query = query.where(tuple_(notices.c.at, notices.c.id) < edge)
    return list(tx.execute(query.order_by(notices.c.at.desc(), notices.c.id.desc()).limit(size + 1)))


def mark_read(tx: Tx, officer_id: int, at: datetime, notice_id: int | None) -> int:
    """One notice of this person, or all of them; how many were unread."""
    query = update(notices).where(notices.c.officer_id == officer_id, notices.c.read_at.is_(None))
    if notice_id is not None:
        query = query.where(notices.c.id == (notice_id if ids.possible(notice_id) else -1))
    return tx.execute(query.values(read_at=at)).rowcount


def outdate(tx: Tx, told: Iterable[tuple[int, int]], kinds: Sequence[str], at: datetime) -> None:
    """Mark as read what (officer, case) pairs have not read of these kinds: something newer is told."""
    for officer_id, case_id in sorted(set(told)):
        unread = (
            (notices.c.officer_id == officer_id)
            & (notices.c.case_id == case_id)
            & notices.c.read_at.is_(None)
        )
        tx.execute(update(notices).where(unread, notices.c.kind.in_(kinds)).values(read_at=at))


def outdate_kind(tx: Tx, officer_id: int, kind: str, at: datetime) -> None:
    """Mark as read what this person has not read of this kind: a newer one tells it all."""
    unread = (notices.c.officer_id == officer_id) & (notices.c.kind == kind) & notices.c.read_at.is_(None)
    tx.execute(update(notices).where(unread).values(read_at=at))


def forget_before(tx: Tx, at: datetime) -> int:
    return tx.execute(delete(notices).where(notices.c.at < at)).rowcount


def forget_case(tx: Tx, case_id: int) -> None:
    tx.execute(delete(notices).where(notices.c.case_id == case_id))


def people_of_units(tx: Tx, unit_ids: Iterable[int]) -> dict[int, list[int]]:
    """Unit -> the people who work in it."""
    query = select(officers.c.unit_id, officers.c.id).where(
        officers.c.unit_id.in_(sorted(set(unit_ids))), officers.c.active
    )
    found: dict[int, list[int]] = {}
    for unit, officer in tx.execute(query):
        found.setdefault(unit, []).append(officer)
    return found
