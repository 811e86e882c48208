"""What is kept of past runs: totals a day, and the runs that had something to tell."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, and_, delete, exists, select, update

from aggregator.storage.channel_tables import channel_days, channel_schedule, poll_runs, quarantine
from aggregator.storage.db import Tx
from aggregator.storage.report_tables import report_revisions
from aggregator.storage.upsert import inserting

_RUNS = poll_runs
COUNTED = ("seen", "stored", "unchanged", "revised", "quarantined", "requests", "bytes")


def unfolded(tx: Tx, channel_id: int, before: datetime, keep: int, limit: int) -> list[Row[Any]]:
    """The next ended runs of a channel to be folded, oldest first; its newest `keep` are never among them."""
    newest = (
        select(_RUNS.c.id).where(_RUNS.c.channel_id == channel_id).order_by(_RUNS.c.id.desc())
        .offset(keep).limit(1).scalar_subquery()
    )  # fmt: skip
    folded = (
        select(channel_schedule.c.folded_run_id)
        .where(channel_schedule.c.channel_id == channel_id)
        .scalar_subquery()
    )
    query = select(
        _RUNS.c.id, _RUNS.c.kind, _RUNS.c.started_at, _RUNS.c.outcome, *(_RUNS.c[name] for name in COUNTED)
    ).where(
        _RUNS.c.channel_id == channel_id, _RUNS.c.id > folded, _RUNS.c.id <= newest,
        _RUNS.c.started_at < before, _RUNS.c.outcome != "running",
    )  # fmt: skip
    return list(tx.execute(query.order_by(_RUNS.c.id).limit(limit)))


def add_day(tx: Tx, channel_id: int, day: date, totals: dict[str, int]) -> None:
    """Add to the totals of a day."""
    row = inserting(tx, channel_days).values(channel_id=channel_id, day=day, **totals)
    more = {name: channel_days.c[name] + row.excluded[name] for name in totals}
    tx.execute(row.on_conflict_do_update(index_elements=["channel_id", "day"], set_=more))


def mark_folded(tx: Tx, channel_id: int, was_below: int, run_id: int) -> bool:
    """Everything up to this run stands in the totals; False where another worker was here first."""
    mine = and_(channel_schedule.c.channel_id == channel_id, channel_schedule.c.folded_run_id < was_below)
    return tx.execute(update(channel_schedule).where(mine).values(folded_run_id=run_id)).rowcount == 1


def forget(tx: Tx, run_ids: Iterable[int]) -> int:
    """Delete runs that nothing refers to; how many."""
    kept = exists().where(report_revisions.c.run_id == _RUNS.c.id)
    held = exists().where(quarantine.c.run_id == _RUNS.c.id)
    gone = delete(_RUNS).where(_RUNS.c.id.in_(list(run_ids)), ~kept, ~held)
    return tx.execute(gone).rowcount


def forget_failed(tx: Tx, channel_id: int, before: datetime) -> int:
    """Delete old runs that failed without storing anything; how many."""
    old = [
        _RUNS.c.channel_id == channel_id, _RUNS.c.started_at < before, _RUNS.c.stored == 0,
        _RUNS.c.quarantined == 0, _RUNS.c.outcome.in_(("failed", "abandoned")),
    ]  # fmt: skip
    ids = list(tx.scalars(select(_RUNS.c.id).where(*old)))
    return forget(tx, ids) if ids else 0


def days(tx: Tx, channel_id: int, since: date) -> list[Row[Any]]:
    """The totals of the days from `since` on, newest first."""
    table = channel_days
    query = select(table).where(table.c.channel_id == channel_id, table.c.day >= since)
    return list(tx.execute(query.order_by(table.c.day.desc())))
