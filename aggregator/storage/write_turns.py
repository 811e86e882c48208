"""Whose turn it is to write to a host: one worker at a time, whatever workers there are.

    writable channels, the host served longest ago first | its turn, if it is free | ... | set free again

A turn is one row a host, taken by a worker with the messages that it carries, and set free with them. So
a polite pause between two requests holds over all processes: within a turn the worker keeps it, and
between two turns `free_at` does. A worker that dies keeps its hosts waiting until its turn runs out.

What may surprise: a turn says nothing about whose a message is; leases and fences on the messages do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, or_, select, update

from aggregator.storage.case_tables import outbox, write_turns
from aggregator.storage.channel_tables import channel_schedule, channels
from aggregator.storage.db import Tx
from aggregator.storage.upsert import inserting

#: Channel states in which nothing is written until a person has acted.
HELD_STATES = ("needs_reauth", "misconfigured")


@dataclass(frozen=True, slots=True)
class Turn:
    """A host that is one worker's to write to, as long as `fence` is the row's."""

    host_key: str
    fence: int


@dataclass(frozen=True, slots=True)
class Writable:
    """A channel that may be written to and has something due."""

    channel_id: int
    host_key: str
    kind: str
    options: dict[str, Any]
    write_failures: int


def writable(tx: Tx, now: datetime, *, channel_id: int | None = None) -> list[Writable]:
    """Channels that may be written to now and have something due, the host served longest ago first.

    With `channel_id` that channel alone, whoever has its host's turn. Few rows, one index probe each.
    """
    query = _writable(now)
    if channel_id is not None:
        query = query.where(channel_schedule.c.channel_id == channel_id)
    else:
        query = query.where(or_(write_turns.c.host_key.is_(None), write_turns.c.free_at <= now))
    found = [
        Writable(row.channel_id, row.host_key, row.kind, row.options or {}, row.write_failures)
        for row in tx.execute(query)
    ]
    _make_missing(tx, [one.host_key for one in found], now)
    return found


def others_wait(tx: Tx, turn: Turn, now: datetime) -> bool:
    """Whether another host is free and has something due."""
    free = or_(write_turns.c.host_key.is_(None), write_turns.c.free_at <= now)
    query = _writable(now).where(channel_schedule.c.host_key != turn.host_key, free)
    return tx.execute(query.limit(1)).first() is not None


def _writable(now: datetime) -> Select[Any]:
    schedule = channel_schedule
    # In this order one index serves; a plain EXISTS may read through all that a channel ever got.
    due = (
        select(outbox.c.id)
        .where(
            outbox.c.channel_id == schedule.c.channel_id,
            outbox.c.next_attempt_at <= now,
            ~outbox.c.behind,
        )
        .order_by(outbox.c.next_attempt_at, outbox.c.id)
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            schedule.c.channel_id, schedule.c.host_key, channels.c.kind, channels.c.options,
            schedule.c.write_failures,
        )
        .join(channels, channels.c.id == schedule.c.channel_id)
        .outerjoin(write_turns, write_turns.c.host_key == schedule.c.host_key)
        .where(
            schedule.c.paused.is_(False),
            schedule.c.state.not_in(HELD_STATES),
            or_(schedule.c.write_open_until.is_(None), schedule.c.write_open_until <= now),
            due.isnot(None),
        )
        .order_by(
            write_turns.c.free_at.asc().nulls_first(),
            schedule.c.last_write_at.asc().nulls_first(),
            schedule.c.channel_id,
        )
    )  # fmt: skip


def _make_missing(tx: Tx, host_keys: Iterable[str], now: datetime) -> None:
    """A row for each host that has none, free from now on."""
    wanted = sorted(set(host_keys))
    known = set(tx.scalars(select(write_turns.c.host_key).where(write_turns.c.host_key.in_(wanted))))
    missing = [{"host_key": key, "fence": 0, "free_at": now} for key in wanted if key not in known]
    if missing:
        tx.execute(inserting(tx, write_turns).on_conflict_do_nothing(), missing)


def seize(tx: Tx, host_key: str, now: datetime) -> Turn | None:
    """The host's next turn, held until commit and kept by `keep`; None where somebody has it."""
    query = (
        select(write_turns.c.fence)
        .where(write_turns.c.host_key == host_key, write_turns.c.free_at <= now)
        .with_for_update(skip_locked=True)
    )
    fence = tx.scalar(query)
    return None if fence is None else Turn(host_key, fence + 1)


def keep(tx: Tx, turn: Turn, until: datetime) -> None:
    """Take what `seize` found, until then."""
    mine = write_turns.c.host_key == turn.host_key
    tx.execute(update(write_turns).where(mine).values(fence=turn.fence, free_at=until))


def move(tx: Tx, turn: Turn, free_at: datetime) -> bool:
    """The turn goes on until `free_at`, or ends and leaves the host alone until then; False: it was over."""
    mine = (write_turns.c.host_key == turn.host_key) & (write_turns.c.fence == turn.fence)
    return tx.execute(update(write_turns).where(mine).values(free_at=free_at)).rowcount == 1
