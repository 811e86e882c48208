"""The register of personal-data requests, what was done for each, and restrictions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, insert, select, update

from aggregator.storage import ids
from aggregator.storage.db import Tx
from aggregator.storage.ledger_tables import ledger_entries
from aggregator.storage.privacy_tables import privacy_acts, privacy_requests, restrictions
from aggregator.storage.report_queries import chunks

_REQUEST = privacy_requests.c


def enter(tx: Tx, values: dict[str, Any]) -> int:
    made = insert(privacy_requests).values(**values).returning(_REQUEST.id)
    return int(tx.execute(made).scalar_one())


def request(tx: Tx, request_id: int, *, lock: bool = False) -> Row[Any] | None:
    if not ids.possible(request_id):
        return None
    query = select(privacy_requests).where(_REQUEST.id == request_id)
    return tx.execute(query.with_for_update() if lock else query).one_or_none()


def requests(tx: Tx, ward: str | None, *, is_open: bool, before: int, limit: int) -> list[Row[Any]]:
    """Open ones by their term, closed ones newest first (behind `before`)."""
    query = select(privacy_requests)
    if ward is not None:
        query = query.where(_REQUEST.ward_code == ward)
    if is_open:
        query = query.where(_REQUEST.closed_at.is_(None)).order_by(_REQUEST.answer_due_at, _REQUEST.id)
    else:
        query = query.where(_REQUEST.closed_at.isnot(None), _REQUEST.id < before).order_by(_REQUEST.id.desc())
    return list(tx.execute(query.limit(limit)))


def all_open(tx: Tx) -> list[Row[Any]]:
    return list(tx.execute(select(privacy_requests).where(_REQUEST.closed_at.is_(None))))


def count_late(tx: Tx, ward: str | None, now: datetime) -> int:
    """Open requests whose answer or doing is overdue."""
    late = (_REQUEST.answered_at.is_(None) & (_REQUEST.answer_due_at < now)) | (_REQUEST.done_due_at < now)
    query: Select[Any] = select(func.count()).where(_REQUEST.closed_at.is_(None), late)
    return int(tx.scalar(query if ward is None else query.where(_REQUEST.ward_code == ward)) or 0)


def change(tx: Tx, request_id: int, **values: Any) -> None:
    more = {"version": _REQUEST.version + 1, **values}
    tx.execute(update(privacy_requests).where(_REQUEST.id == request_id).values(**more))


def told(tx: Tx, request_id: int, what: str) -> None:
    """Which reminder its leaders had last; no new version, nobody's page has changed."""
    tx.execute(update(privacy_requests).where(_REQUEST.id == request_id).values(told=what))


def acts(tx: Tx, request_id: int) -> list[Row[Any]]:
    query = select(privacy_acts).where(privacy_acts.c.request_id == request_id)
    return list(tx.execute(query.order_by(privacy_acts.c.id)))


# Restrictions ----------------------------------------------------------------------------------------


def restricted(tx: Tx, report_ids: Collection[int]) -> set[int]:
    """Those of the reports whose processing is restricted now."""
    found: set[int] = set()
    for part in chunks(sorted(report_ids)):
        query = select(restrictions.c.report_id).where(
            restrictions.c.report_id.in_(part), restrictions.c.lifted_at.is_(None)
        )
        found.update(tx.scalars(query))
    return found


def restrict(
    tx: Tx, request_id: int, report_ids: Sequence[int], now: datetime, officer_id: int | None
) -> None:
    row = {"request_id": request_id, "since": now, "officer_id": officer_id}
    tx.execute(insert(restrictions), [row | {"report_id": report_id} for report_id in report_ids])


def lift(tx: Tx, report_ids: Sequence[int], now: datetime, officer_id: int | None) -> None:
    living = restrictions.c.report_id.in_(report_ids), restrictions.c.lifted_at.is_(None)
    tx.execute(update(restrictions).where(*living).values(lifted_at=now, lifted_by=officer_id))


def restricted_by(tx: Tx, request_id: int) -> list[int]:
    """Reports that this request restricts still."""
    query = select(restrictions.c.report_id).where(
        restrictions.c.request_id == request_id, restrictions.c.lifted_at.is_(None)
    )
    return list(tx.scalars(query.order_by(restrictions.c.report_id)))


# For the person themselves ----------------------------------------------------------------------------


def looks(tx: Tx, case_ids: Collection[int]) -> list[Row[Any]]:
    """(case_id, at, data) of every look at who reported."""
    entry = ledger_entries.c
    found: list[Row[Any]] = []
    for part in chunks(sorted(case_ids)):
        query: Any = select(entry.case_id, entry.at, entry.data).where(
            entry.case_id.in_(part), entry.kind == "unmasked"
        )
        found += tx.execute(query.order_by(entry.id))
    return found
