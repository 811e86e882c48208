"""The schedule as rows: claiming a channel, keeping it, and what a run leaves behind.

    claim ──> commit_batch ... commit_batch ──> finish          (each checks owner and fence)
      └────── the lease runs out ──> reap ──> claim by another worker

A claim is one conditional UPDATE. The lease on the row says who polls; the fence, which grows with
every claim, says whose commit counts: a worker that stalled past its lease finds zero rows and its
batch rolls back whole (I10).

What may surprise: times are given by the caller's one injected clock and not by the database's. The
same instant then stands on the schedule, the run and the ledger, SQLite and PostgreSQL behave alike,
and tests move time. Clocks of several machines may differ by seconds (they run NTP); a lease is two
minutes, and a lease taken too early is harmless because the fence decides, never the clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    Select,
    Update,
    and_,
    case,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from aggregator.domain.polling import HELD
from aggregator.domain.runs import Counts, Run, RunKind
from aggregator.errors import LeaseLost
from aggregator.storage.channel_tables import channel_schedule, channels, poll_runs
from aggregator.storage.db import Tx

# As literals, not parameters: SQLite uses a partial index only where it can prove that it fits.
_RUNNING = poll_runs.c.outcome == literal_column("'running'")
_NOT_LEASED: dict[str, Any] = {"lease_owner": None, "lease_until": None}


class HostTaken(Exception):
    """Another worker leased the same host in the same instant: claim again."""


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel with its schedule and health, as one value."""

    id: int
    slug: str
    kind: str
    title: str
    ward_code: str
    config: Mapping[str, Any]
    secrets: bytes | None
    options: Mapping[str, Any]
    created_at: datetime
    paused: bool
    interval_s: int
    next_due_at: datetime | None
    host_key: str
    lease_owner: str | None
    lease_until: datetime | None
    fence: int
    state: str
    failures: int
    last_error_code: str | None
    last_error: str | None
    last_error_vi: str | None
    down_since: datetime | None
    last_try_at: datetime | None
    last_success_at: datetime | None
    last_item_at: datetime | None
    write_failures: int
    write_open_until: datetime | None
    write_error_code: str | None
    write_error: str | None
    last_write_at: datetime | None
    cursor: Mapping[str, Any] | None
    connector_state: bytes | None
    breaker: str
    breaker_failures: int
    breaker_probes: int
    breaker_until: datetime | None


_COLUMNS = [
    channels.c[field.name] if field.name in channels.c else channel_schedule.c[field.name]
    for field in fields(ChannelRow)
]


# Channels -------------------------------------------------------------------------------------------


def insert_channel(tx: Tx, channel: dict[str, Any], schedule: dict[str, Any]) -> int:
    """A new channel and its schedule row; its id."""
    key = tx.execute(insert(channels).values(**channel)).inserted_primary_key
    assert key is not None
    fresh = {"paused": False, "fence": 0, "state": "ok", "failures": 0, "write_failures": 0}
    tx.execute(insert(channel_schedule).values(channel_id=key[0], **fresh, **schedule))
    return int(key[0])


def update_channel(tx: Tx, channel_id: int, channel: dict[str, Any], schedule: dict[str, Any]) -> None:
    if channel:
        tx.execute(update(channels).where(channels.c.id == channel_id).values(**channel))
    if schedule:
        tx.execute(_schedule(channel_id).values(**schedule))


def by_slug(tx: Tx, slug: str) -> ChannelRow | None:
    row = tx.execute(_channels().where(channels.c.slug == slug)).one_or_none()
    return None if row is None else ChannelRow(*row)


def by_id(tx: Tx, channel_id: int) -> ChannelRow:
    return ChannelRow(*tx.execute(_channels().where(channels.c.id == channel_id)).one())


def all_channels(tx: Tx, ward: str | None = None) -> list[ChannelRow]:
    """Every channel, or one ward's, in the order of their titles."""
    query = _channels().order_by(channels.c.title, channels.c.id)
    if ward is not None:
        query = query.where(channels.c.ward_code == ward)
    return [ChannelRow(*row) for row in tx.execute(query)]


def _channels() -> Select[Any]:
    return select(*_COLUMNS).join(channel_schedule, channel_schedule.c.channel_id == channels.c.id)


def _schedule(channel_id: int) -> Update:
    return update(channel_schedule).where(channel_schedule.c.channel_id == channel_id)


# Claiming -------------------------------------------------------------------------------------------


def claim(tx: Tx, owner: str, now: datetime, lease_until: datetime) -> ChannelRow | None:
    """Lease the most overdue channel whose host is free; None where nothing is due.

    Raises `HostTaken` where another worker took a channel of the same host at the same instant.
    """
    pick = channel_schedule.alias("pick")
    due = (
        select(pick.c.channel_id)
        .where(
            pick.c.next_due_at <= now,
            pick.c.paused.is_(False),
            pick.c.state.not_in([state.value for state in HELD]),
            or_(pick.c.breaker != "open", pick.c.breaker_until <= now),
            _free(pick, now),
            ~_host_busy(pick),
        )
        .order_by(pick.c.next_due_at, pick.c.channel_id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    mine = channel_schedule.c.channel_id == due.scalar_subquery()
    return _lease(tx, update(channel_schedule).where(mine), owner, lease_until, probe=True)


def claim_one(
    tx: Tx, channel_id: int, owner: str, now: datetime, lease_until: datetime, *, probe: bool = False
) -> ChannelRow | None:
    """Lease this channel, due or not; None where it or its host is being polled. May raise `HostTaken`.

    `probe`: the portal is asked whether it is back, where its breaker is open.
    """
    free = and_(_free(channel_schedule, now), ~_host_busy(channel_schedule))
    return _lease(tx, _schedule(channel_id).where(free), owner, lease_until, probe=probe)


def _free(table: FromClause, now: datetime) -> ColumnElement[bool]:
    return or_(table.c.lease_owner.is_(None), table.c.lease_until <= now)


def _host_busy(table: FromClause) -> ColumnElement[bool]:
    # An expired lease counts, too, until it is reaped: its holder may still be talking to the host.
    other = channel_schedule.alias("other")
    return exists().where(
        other.c.host_key == table.c.host_key,
        other.c.channel_id != table.c.channel_id,
        other.c.lease_owner.isnot(None),
    )


def _lease(tx: Tx, statement: Update, owner: str, lease_until: datetime, *, probe: bool) -> ChannelRow | None:
    values: dict[str, Any] = {
        "lease_owner": owner, "lease_until": lease_until, "fence": channel_schedule.c.fence + 1,
    }  # fmt: skip
    if probe:
        breaker = channel_schedule.c.breaker
        values["breaker"] = case((breaker == "open", "half_open"), else_=breaker)
    taken = statement.values(**values).returning(channel_schedule.c.channel_id)
    try:
        found = tx.scalar(taken)
    except IntegrityError as error:
        raise HostTaken from error
    return None if found is None else by_id(tx, found)


def release(tx: Tx, run: Run) -> None:
    """Give the lease back without a verdict on the channel."""
    tx.execute(_mine(run).values(**_NOT_LEASED))


def reap(tx: Tx, now: datetime) -> list[tuple[int, str]]:
    """Free leases that ran out and mark their runs abandoned; (run id, channel's slug) of each."""
    schedule = channel_schedule
    expired = and_(schedule.c.lease_owner.isnot(None), schedule.c.lease_until <= now)
    tx.execute(update(schedule).where(expired).values(**_NOT_LEASED))
    held = exists().where(
        schedule.c.channel_id == poll_runs.c.channel_id,
        schedule.c.fence == poll_runs.c.fence,
        schedule.c.lease_owner.isnot(None),
    )
    gone = (
        update(poll_runs)
        .where(_RUNNING, ~held)
        .values(outcome="abandoned", finished_at=now)
        .returning(poll_runs.c.id, poll_runs.c.channel_id)
    )
    rows = list(tx.execute(gone))
    slugs = {row.id: row.slug for row in tx.execute(select(channels.c.id, channels.c.slug))} if rows else {}
    return [(row.id, slugs[row.channel_id]) for row in rows]


# Runs -----------------------------------------------------------------------------------------------


def start_run(
    tx: Tx, channel: ChannelRow, kind: RunKind, cursor: Mapping[str, Any] | None, now: datetime
) -> int:
    """A run that begins, in the transaction of its claim; its id."""
    key = tx.execute(
        insert(poll_runs).values(
            channel_id=channel.id, kind=kind, fence=channel.fence, started_at=now, outcome="running",
            seen=0, stored=0, unchanged=0, revised=0, quarantined=0, requests=0, bytes=0,
            cursor_before=cursor,
        )
    ).inserted_primary_key  # fmt: skip
    assert key is not None
    return int(key[0])


def resume_run(tx: Tx, channel: ChannelRow, kind: RunKind, since: datetime, now: datetime) -> int:
    """The run of this kind that began at or after `since`, going on; a new one where there is none.

    What comes in single pieces all day long would else leave a row for each piece.
    """
    table = poll_runs
    last = select(func.max(table.c.id)).where(
        table.c.channel_id == channel.id, table.c.kind == kind, table.c.started_at >= since
    )
    going_on = (
        update(table)
        .where(table.c.id == last.scalar_subquery())
        .values(outcome="running", finished_at=None, fence=channel.fence)
        .returning(table.c.id)
    )
    found = tx.scalar(going_on)
    return int(found) if found is not None else start_run(tx, channel, kind, None, now)


def commit_batch(tx: Tx, run: Run, cursor: Mapping[str, Any] | None, counts: Counts) -> None:
    """The cursor, the lease and the run's counters, in the transaction that stores the batch (I1).

    A cursor of None stays where it was (replay). Raises `LeaseLost` where another worker has the
    channel by now: the caller's whole transaction rolls back.
    """
    values: dict[str, Any] = {}
    if cursor is not None:
        values["cursor"] = dict(cursor)
    if run.lease_until is not None:
        values["lease_until"] = run.lease_until
    values = values or {"fence": run.fence}  # an UPDATE all the same: it is the check and holds the row
    if tx.execute(_mine(run).values(**values)).rowcount != 1:
        raise _lost(run)
    table = poll_runs
    tx.execute(
        update(table)
        .where(table.c.id == run.run_id)
        .values(
            seen=table.c.seen + counts.seen,
            stored=table.c.stored + counts.stored,
            unchanged=table.c.unchanged + counts.unchanged,
            revised=table.c.revised + counts.revised,
            quarantined=table.c.quarantined + counts.quarantined,
        )
    )


def finish(
    tx: Tx,
    run: Run,
    schedule: dict[str, Any],
    outcome: dict[str, Any],
    due: tuple[datetime, datetime] | None = None,
) -> None:
    """End the lease and the run. `due`: when it was due as claimed, and when it is due next.

    A due time that a person changed meanwhile (poll now, another interval) stays as they set it;
    without `due` it stays, whatever it is. Raises `LeaseLost` where another worker has the channel.
    """
    values = {**_NOT_LEASED, **schedule}
    table = channel_schedule
    if due is not None:
        was, then = due
        values["next_due_at"] = case((table.c.next_due_at == was, then), else_=table.c.next_due_at)
    if tx.execute(_mine(run).values(**values)).rowcount != 1:
        raise _lost(run)
    cursor_after = select(table.c.cursor).where(table.c.channel_id == run.channel_id).scalar_subquery()
    tx.execute(
        update(poll_runs).where(poll_runs.c.id == run.run_id).values(cursor_after=cursor_after, **outcome)
    )


def save_state(tx: Tx, channel_id: int, sealed: bytes) -> None:
    """The connector's small values (its login), where no run is there to save them with."""
    tx.execute(_schedule(channel_id).values(connector_state=sealed))


def _mine(run: Run) -> Update:
    return _schedule(run.channel_id).where(
        channel_schedule.c.fence == run.fence, channel_schedule.c.lease_owner == run.owner
    )


def _lost(run: Run) -> LeaseLost:
    return LeaseLost(f"channel {run.channel_slug}: another worker took over from run {run.run_id}")


def runs_of(tx: Tx, channel_id: int, limit: int) -> list[Row[Any]]:
    """The newest runs, newest first; not backfills and counts, which are shown as what they are."""
    others = ("backfill", "count")
    query = select(poll_runs).where(poll_runs.c.channel_id == channel_id, poll_runs.c.kind.not_in(others))
    return list(tx.execute(query.order_by(poll_runs.c.id.desc()).limit(limit)))


def counts_since(tx: Tx, channel_ids: Iterable[int], since: datetime) -> dict[int, Counts]:
    """Channel -> what its polls, imports, calls and entries counted since then. A replay counts nothing
    twice."""
    table = poll_runs
    names = ("seen", "stored", "unchanged", "revised", "quarantined")
    query = (
        select(table.c.channel_id, *(func.sum(table.c[name]) for name in names))
        .where(
            table.c.channel_id.in_(list(channel_ids)), table.c.started_at >= since, table.c.kind != "replay"
        )
        .group_by(table.c.channel_id)
    )
    return {row[0]: Counts(*(int(value) for value in row[1:])) for row in tx.execute(query)}
