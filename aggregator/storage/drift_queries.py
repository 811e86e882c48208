"""How a channel's polls have looked, its pinned reports, and what is stored of reports that changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, update

from aggregator.storage.channel_tables import channel_baselines, channel_canaries, quarantine, raw_payloads
from aggregator.storage.db import Tx
from aggregator.storage.report_queries import chunks
from aggregator.storage.report_tables import reports
from aggregator.storage.upsert import inserting


def baseline(tx: Tx, channel_id: int) -> Mapping[str, Any] | None:
    """The channel's look as JSON; None where nothing was read yet."""
    table = channel_baselines
    found: Mapping[str, Any] | None = tx.scalar(select(table.c.data).where(table.c.channel_id == channel_id))
    return found


def save_baseline(tx: Tx, channel_id: int, data: Mapping[str, Any], now: datetime) -> None:
    statement = inserting(tx, channel_baselines).values(channel_id=channel_id, data=data, updated_at=now)
    again = {"data": statement.excluded.data, "updated_at": statement.excluded.updated_at}
    tx.execute(statement.on_conflict_do_update(index_elements=["channel_id"], set_=again))


def stored_values(tx: Tx, report_ids: Iterable[int]) -> dict[int, Any]:
    """Report id -> the stored values that a source does not change by itself."""
    table, found = reports, dict[int, Any]()
    columns = (table.c.id, table.c.received_at, table.c.body, table.c.address, table.c.category_raw)
    for part in chunks(report_ids):
        for row in tx.execute(select(*columns).where(table.c.id.in_(part))):
            found[row.id] = row
    return found


def quarantined_before(tx: Tx, channel_id: int, hashes: Iterable[str]) -> set[str]:
    """Those of these contents (SHA-256) that the channel's quarantine knows."""
    found: set[str] = set()
    for part in chunks(set(hashes)):
        query = (
            select(raw_payloads.c.sha256)
            .join(quarantine, quarantine.c.raw_payload_id == raw_payloads.c.id)
            .where(raw_payloads.c.channel_id == channel_id, raw_payloads.c.sha256.in_(part))
        )
        found.update(tx.scalars(query))
    return found


# Pinned reports ---------------------------------------------------------------------------------------


def canaries(tx: Tx, channel_id: int) -> list[Row[Any]]:
    """The channel's pinned reports with what is stored of them, oldest pin first."""
    table = channel_canaries
    query = (
        select(table, reports.c.received_at, reports.c.subject, reports.c.body, reports.c.address)
        .outerjoin(
            reports,
            (reports.c.channel_id == table.c.channel_id) & (reports.c.external_id == table.c.external_id),
        )
        .where(table.c.channel_id == channel_id)
        .order_by(table.c.id)
    )
    return list(tx.execute(query))


def pin(tx: Tx, channel_id: int, external_id: str, officer_id: int | None, now: datetime) -> bool:
    """Pin a report; False where it is pinned already."""
    row = {
        "channel_id": channel_id, "external_id": external_id, "pinned_by": officer_id, "pinned_at": now,
    }  # fmt: skip
    statement = inserting(tx, channel_canaries).values(**row)
    return tx.execute(statement.on_conflict_do_nothing()).rowcount == 1


def unpin(tx: Tx, channel_id: int, external_id: str) -> bool:
    table = channel_canaries
    gone = delete(table).where(table.c.channel_id == channel_id, table.c.external_id == external_id)
    return tx.execute(gone).rowcount == 1


def checked(tx: Tx, channel_id: int, now: datetime | None) -> None:
    """The pinned reports were read again; None makes them due."""
    table = channel_canaries
    tx.execute(update(table).where(table.c.channel_id == channel_id).values(checked_at=now))


def is_stored(tx: Tx, channel_id: int, external_id: str) -> bool:
    query = select(reports.c.id).where(
        reports.c.channel_id == channel_id, reports.c.external_id == external_id
    )
    return tx.scalar(query) is not None
