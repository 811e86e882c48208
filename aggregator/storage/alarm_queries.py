"""What waits for a person at a channel: one open row a channel, kind and name; each episode is told once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update

from aggregator.storage.channel_tables import channel_alarms, channels
from aggregator.storage.db import Tx
from aggregator.storage.upsert import inserting

_OPEN = channel_alarms.c.closed_at.is_(None)


def open_one(
    tx: Tx, channel_id: int, kind: str, data: Mapping[str, Any], now: datetime, about: str = ""
) -> bool:
    """Open an alarm; False where this episode has one already."""
    row = {"channel_id": channel_id, "kind": kind, "about": about, "opened_at": now, "data": dict(data)}
    statement = inserting(tx, channel_alarms).values(**row)
    once = statement.on_conflict_do_nothing(index_elements=["channel_id", "kind", "about"], index_where=_OPEN)
    return tx.scalar(once.returning(channel_alarms.c.id)) is not None


def close(tx: Tx, channel_id: int, kinds: Collection[str], now: datetime) -> int:
    """Close the open alarms of these kinds; how many there were."""
    mine = [channel_alarms.c.channel_id == channel_id, channel_alarms.c.kind.in_(list(kinds)), _OPEN]
    return tx.execute(update(channel_alarms).where(*mine).values(closed_at=now)).rowcount


def close_others(tx: Tx, channel_id: int, kind: str, about: Collection[str], now: datetime) -> int:
    """Close the open alarms of a kind but those of these names; how many there were."""
    mine = [channel_alarms.c.channel_id == channel_id, channel_alarms.c.kind == kind, _OPEN]
    gone = [*mine, channel_alarms.c.about.not_in(list(about))]
    return tx.execute(update(channel_alarms).where(*gone).values(closed_at=now)).rowcount


def open_of(tx: Tx, channel_ids: Iterable[int]) -> list[Row[Any]]:
    """The open alarms of these channels, oldest first."""
    table = channel_alarms
    query = select(table).where(_OPEN, table.c.channel_id.in_(list(channel_ids))).order_by(table.c.id)
    return list(tx.execute(query))


def open_in(tx: Tx, ward: str | None) -> list[Row[Any]]:
    """The open alarms of a ward's channels (None: of all), each with its channel's slug and title."""
    table = channel_alarms
    query = (
        select(table, channels.c.slug, channels.c.title)
        .join(channels, channels.c.id == table.c.channel_id)
        .where(_OPEN)
        .order_by(table.c.id)
    )
    return list(tx.execute(query if ward is None else query.where(channels.c.ward_code == ward)))
