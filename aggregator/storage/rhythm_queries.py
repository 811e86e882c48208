"""How many reports came by themselves in which hour: what a channel's rhythm is learned from."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select

from aggregator.storage.channel_tables import channel_hours
from aggregator.storage.db import Tx
from aggregator.storage.upsert import inserting


def arrived(tx: Tx, channel_id: int, at: datetime, number: int) -> None:
    """Count new reports into the hour of `at`."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    row = inserting(tx, channel_hours).values(channel_id=channel_id, hour=hour, arrived=number)
    more = channel_hours.c.arrived + row.excluded.arrived
    tx.execute(row.on_conflict_do_update(index_elements=["channel_id", "hour"], set_={"arrived": more}))


def hours(tx: Tx, channel_id: int, since: datetime) -> list[tuple[datetime, int]]:
    """The hours in which something came, oldest first, and how much."""
    table = channel_hours
    query = select(table.c.hour, table.c.arrived).where(
        table.c.channel_id == channel_id, table.c.hour >= since
    )
    return [(row.hour, row.arrived) for row in tx.execute(query.order_by(table.c.hour))]


def forget_before(tx: Tx, at: datetime) -> int:
    return tx.execute(delete(channel_hours).where(channel_hours.c.hour < at)).rowcount
