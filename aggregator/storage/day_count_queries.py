"""What is held of a channel's days, and what its source said of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from aggregator.storage.channel_tables import poll_runs, quarantine, source_counts
from aggregator.storage.db import Tx
from aggregator.storage.report_tables import reports
from aggregator.storage.upsert import inserting


@dataclass(frozen=True, slots=True)
class Counted:
    """One day as it was compared."""

    day: date
    source: int
    held: int
    quarantined: int
    counted_at: datetime


def held(tx: Tx, channel_id: int, since: datetime, until: datetime) -> int:
    """Reports of the channel that arose in this span."""
    mine = [reports.c.channel_id == channel_id, reports.c.received_at >= since, reports.c.received_at < until]
    return int(tx.scalar(select(func.count()).where(*mine)) or 0)


def held_in_all(tx: Tx, channel_id: int) -> int:
    return int(tx.scalar(select(func.count()).where(reports.c.channel_id == channel_id)) or 0)


def quarantined(tx: Tx, channel_id: int, since: datetime, until: datetime) -> int:
    """Records in quarantine that came in this span."""
    table = quarantine
    mine = [*_stuck(channel_id), table.c.created_at >= since, table.c.created_at < until]
    return int(tx.scalar(select(func.count()).where(*mine)) or 0)


def quarantined_in_all(tx: Tx, channel_id: int) -> int:
    return int(tx.scalar(select(func.count()).where(*_stuck(channel_id))) or 0)


def _stuck(channel_id: int) -> list[Any]:
    table = quarantine
    return [table.c.channel_id == channel_id, table.c.state == "open", table.c.scope == "record"]


def newest_total(tx: Tx, channel_id: int) -> tuple[int | None, datetime | None]:
    """How many reports the source said that it has, and when; None where it never did."""
    table = poll_runs
    query = (
        select(table.c.source_count, table.c.started_at)
        .where(table.c.channel_id == channel_id, table.c.kind == "poll", table.c.source_count.isnot(None))
        .order_by(table.c.id.desc())
        .limit(1)
    )
    row = tx.execute(query).one_or_none()
    return (None, None) if row is None else (row.source_count, row.started_at)


def put(tx: Tx, channel_id: int, day: date, values: dict[str, Any]) -> None:
    """The newest comparison of a day."""
    row = inserting(tx, source_counts).values(channel_id=channel_id, day=day, **values)
    tx.execute(row.on_conflict_do_update(index_elements=["channel_id", "day"], set_=values))


def kept(tx: Tx, channel_id: int, first: date, last: date) -> list[Counted]:
    """The comparisons of these days, newest day first."""
    table = source_counts
    query = select(table.c.day, table.c.source, table.c.held, table.c.quarantined, table.c.counted_at).where(
        table.c.channel_id == channel_id, table.c.day >= first, table.c.day <= last
    )
    return [Counted(*row) for row in tx.execute(query.order_by(table.c.day.desc()))]
