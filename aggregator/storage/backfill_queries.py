"""Backfills: a cursor stream of their own beside the polls of their channel."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, exists, insert, or_, select, update

from aggregator.domain.polling import HELD
from aggregator.domain.runs import Counts
from aggregator.storage.channel_tables import backfills, channel_schedule
from aggregator.storage.db import Tx

_schedule = channel_schedule
_COUNTS = ("seen", "stored", "unchanged", "revised", "quarantined")


def add(tx: Tx, row: dict[str, Any]) -> int:
    """A new backfill, due at once; its id."""
    fresh = {"state": "active", "failures": 0, **dict.fromkeys(_COUNTS, 0)}
    key = tx.execute(insert(backfills).values(**fresh, **row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def one(tx: Tx, backfill_id: int) -> Row[Any] | None:
    return tx.execute(select(backfills).where(backfills.c.id == backfill_id)).one_or_none()


def of_channel(tx: Tx, channel_id: int, limit: int) -> list[Row[Any]]:
    """The newest backfills of a channel, newest first."""
    query = select(backfills).where(backfills.c.channel_id == channel_id).order_by(backfills.c.id.desc())
    return list(tx.execute(query.limit(limit)))


def due(tx: Tx, now: datetime, backfill_id: int | None = None) -> Row[Any] | None:
    """The backfill that waits longest and whose host nobody uses nor waits for; None where there is none."""
    other = channel_schedule.alias("other")
    wanted = exists().where(
        other.c.host_key == _schedule.c.host_key,
        or_(other.c.lease_owner.isnot(None), _waits(other, now)),
    )
    query = (
        select(backfills)
        .join(_schedule, _schedule.c.channel_id == backfills.c.channel_id)
        .where(
            backfills.c.next_due_at <= now,
            backfills.c.next_due_at.isnot(None),
            _schedule.c.paused.is_(False),
            _schedule.c.state.not_in([state.value for state in HELD]),
            _schedule.c.breaker == "closed",
            ~wanted,
        )
        .order_by(backfills.c.next_due_at, backfills.c.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=backfills)
    )
    if backfill_id is not None:
        query = query.where(backfills.c.id == backfill_id)
    return tx.execute(query).one_or_none()


def poll_waits(tx: Tx, host_key: str, now: datetime) -> bool:
    """Whether a poll of this host is due."""
    query = select(exists().where(_schedule.c.host_key == host_key, _waits(_schedule, now)))
    return bool(tx.scalar(query))


def _waits(table: Any, now: datetime) -> Any:
    return (
        (table.c.next_due_at <= now)
        & table.c.paused.is_(False)
        & table.c.state.not_in([state.value for state in HELD])
        & or_(table.c.breaker != "open", table.c.breaker_until <= now)
    )


def move(tx: Tx, backfill_id: int, **values: Any) -> bool:
    """Change an active backfill; False where a person has stopped it meanwhile."""
    mine = [backfills.c.id == backfill_id, backfills.c.state == "active"]
    return tx.execute(update(backfills).where(*mine).values(**values)).rowcount == 1


def steer(tx: Tx, backfill_id: int, was: tuple[str, ...], **values: Any) -> bool:
    """What a person decides; False where it is in none of the states `was`."""
    mine = [backfills.c.id == backfill_id, backfills.c.state.in_(was)]
    return tx.execute(update(backfills).where(*mine).values(**values)).rowcount == 1


def took(tx: Tx, backfill_id: int, cursor: Any, counts: Counts, total: int | None) -> None:
    """What one batch brought, in the transaction that stores the batch (I1)."""
    table = backfills
    values: dict[str, Any] = {name: table.c[name] + getattr(counts, name) for name in _COUNTS}
    values["failures"] = 0
    if cursor is not None:
        values["cursor"] = dict(cursor)
    if total is not None:
        values["total"] = total
    tx.execute(update(table).where(table.c.id == backfill_id).values(**values))
