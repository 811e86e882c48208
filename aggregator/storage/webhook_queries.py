"""Sources' calls as rows, their count a day, and the one writer of a channel's tokens.

What may surprise: a call is claimed through its channel's lease, not by itself: calls of one channel
are taken in one after the other, as they came.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, literal_column, or_, select, update

from aggregator.storage.channel_tables import channel_schedule
from aggregator.storage.db import Tx
from aggregator.storage.upsert import inserting
from aggregator.storage.webhook_tables import channel_tokens, webhook_calls, webhook_days

# As literals, not parameters: SQLite uses a partial index only where it can prove that it fits.
_LEFT = webhook_calls.c.state != literal_column("'done'")
_WAITING = and_(_LEFT, webhook_calls.c.state == literal_column("'waiting'"))
_KEPT = and_(_LEFT, webhook_calls.c.state == literal_column("'kept'"))


@dataclass(frozen=True, slots=True)
class Day:
    """What the door of one channel counted in one day."""

    taken: int = 0
    repeated: int = 0
    refused: int = 0
    taken_at: datetime | None = None
    refused_at: datetime | None = None
    refused_why: str | None = None
    refused_why_vi: str | None = None


# At the door ----------------------------------------------------------------------------------------


def store(tx: Tx, row: dict[str, Any]) -> bool:
    """Keep a call. False where this delivery is known already; one that could not be read counts a try."""
    table = webhook_calls
    fresh = inserting(tx, table).values(**row).on_conflict_do_nothing().returning(table.c.id)
    if tx.scalar(fresh) is not None:
        return True
    same = and_(table.c.channel_id == row["channel_id"], table.c.delivery == row["delivery"], _KEPT)
    tx.execute(update(table).where(same).values(tries=table.c.tries + 1))
    return False


def is_full(tx: Tx, channel_id: int, most: int) -> bool:
    """Whether `most` calls of the channel are neither taken in nor given up."""
    left = select(webhook_calls.c.id).where(webhook_calls.c.channel_id == channel_id, _LEFT)
    return tx.scalar(left.order_by(webhook_calls.c.id).offset(most - 1).limit(1)) is not None


def count(tx: Tx, channel_id: int, day: str, what: str, values: dict[str, Any]) -> None:
    """One more call `taken`, `repeated` or `refused` that day, and the columns that go with it."""
    table = webhook_days
    fresh = {"channel_id": channel_id, "day": day, "taken": 0, "repeated": 0, "refused": 0}
    statement = inserting(tx, table).values(**{**fresh, what: 1, **values})
    more = {what: table.c[what] + 1, **values}
    tx.execute(statement.on_conflict_do_update(index_elements=["channel_id", "day"], set_=more))


# Taking in ------------------------------------------------------------------------------------------


def channels_waiting(tx: Tx) -> list[int]:
    """Channels that have calls to take in and are not paused, the longest waiting first."""
    schedule = channel_schedule
    query = (
        select(webhook_calls.c.channel_id)
        .join(schedule, schedule.c.channel_id == webhook_calls.c.channel_id)
        .where(_WAITING, schedule.c.paused.is_(False))
        .group_by(webhook_calls.c.channel_id)
        .order_by(func.min(webhook_calls.c.id))
    )
    return list(tx.scalars(query))


def waiting(tx: Tx, channel_id: int, limit: int) -> list[Row[Any]]:
    """The oldest calls that wait, oldest first."""
    query = select(webhook_calls).where(webhook_calls.c.channel_id == channel_id, _WAITING)
    return list(tx.execute(query.order_by(webhook_calls.c.id).limit(limit)))


def done(tx: Tx, call_id: int, now: datetime) -> None:
    """Its records are stored with their own bytes: the call's are let go."""
    values = {"state": "done", "content": None, "handled_at": now, "error_code": None, "error": None}
    tx.execute(update(webhook_calls).where(webhook_calls.c.id == call_id).values(**values))


def keep(tx: Tx, call_id: int, code: str, error: str, now: datetime) -> None:
    """It cannot be read: it waits, whole, for a person and a replay."""
    values = {"state": "kept", "handled_at": now, "error_code": code, "error": error}
    mine = webhook_calls.c.id == call_id
    tx.execute(update(webhook_calls).where(mine).values(tries=webhook_calls.c.tries + 1, **values))


# Looking --------------------------------------------------------------------------------------------


def kept(tx: Tx, channel_id: int, limit: int) -> list[Row[Any]]:
    """Calls that could not be read, newest first."""
    query = select(webhook_calls).where(webhook_calls.c.channel_id == channel_id, _KEPT)
    return list(tx.execute(query.order_by(webhook_calls.c.id.desc()).limit(limit)))


def kept_counts(tx: Tx, channel_ids: Iterable[int]) -> dict[int, int]:
    return _counts(tx, channel_ids, _KEPT)


def waiting_counts(tx: Tx, channel_ids: Iterable[int]) -> dict[int, int]:
    return _counts(tx, channel_ids, _WAITING)


def _counts(tx: Tx, channel_ids: Iterable[int], which: ColumnElement[bool]) -> dict[int, int]:
    query = (
        select(webhook_calls.c.channel_id, func.count())
        .where(webhook_calls.c.channel_id.in_(list(channel_ids)), which)
        .group_by(webhook_calls.c.channel_id)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def days(tx: Tx, channel_ids: Iterable[int], day: str) -> dict[int, Day]:
    """Channel -> what its door counted that day; a channel that was not called is missing."""
    table = webhook_days
    query = select(table).where(table.c.channel_id.in_(list(channel_ids)), table.c.day == day)
    return {row.channel_id: _day(row) for row in tx.execute(query)}


def newest_days(tx: Tx, channel_ids: Iterable[int]) -> dict[int, Day]:
    """Channel -> the last day on which anything came to its door."""
    table, newer = webhook_days, webhook_days.alias("newer")
    last = select(func.max(newer.c.day)).where(newer.c.channel_id == table.c.channel_id).scalar_subquery()
    query = select(table).where(table.c.channel_id.in_(list(channel_ids)), table.c.day == last)
    return {row.channel_id: _day(row) for row in tx.execute(query)}


def _day(row: Row[Any]) -> Day:
    return Day(
        row.taken, row.repeated, row.refused, row.taken_at, row.refused_at, row.refused_why,
        row.refused_why_vi,
    )  # fmt: skip


def again(tx: Tx, channel_id: int) -> int:
    """Let every kept call of the channel be tried again; how many."""
    mine = and_(webhook_calls.c.channel_id == channel_id, _KEPT)
    return tx.execute(update(webhook_calls).where(mine).values(state="waiting")).rowcount


def forget_before(tx: Tx, at: datetime) -> int:
    """Drop calls that were taken in before `at`; what could not be read stays."""
    old = and_(webhook_calls.c.received_at < at, webhook_calls.c.state == literal_column("'done'"))
    return tx.execute(delete(webhook_calls).where(old)).rowcount


# Tokens ---------------------------------------------------------------------------------------------


def tokens(tx: Tx, channel_id: int) -> bytes | None:
    """The channel's tokens, sealed."""
    query = select(channel_tokens.c.sealed).where(channel_tokens.c.channel_id == channel_id)
    found: bytes | None = tx.scalar(query)
    return found


def take_tokens(tx: Tx, channel_id: int, owner: str, now: datetime, until: datetime) -> bool:
    """Be the one who may change them until `until`; False while somebody else is."""
    table = channel_tokens
    tx.execute(inserting(tx, table).values(channel_id=channel_id).on_conflict_do_nothing())
    free = or_(table.c.owner.is_(None), table.c.until <= now)
    mine = update(table).where(table.c.channel_id == channel_id, free)
    return tx.execute(mine.values(owner=owner, until=until)).rowcount == 1


def save_tokens(tx: Tx, channel_id: int, sealed: bytes) -> None:
    """What was granted is stored, even by one whose time ran out: it was granted to nobody else."""
    mine = update(channel_tokens).where(channel_tokens.c.channel_id == channel_id)
    tx.execute(mine.values(sealed=sealed))


def leave_tokens(tx: Tx, channel_id: int, owner: str) -> None:
    mine = and_(channel_tokens.c.channel_id == channel_id, channel_tokens.c.owner == owner)
    tx.execute(update(channel_tokens).where(mine).values(owner=None, until=None))
