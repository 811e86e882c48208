"""Past runs, folded so that a poll a minute of five hundred channels does not fill the disk.

    ended runs older than a day -> totals a day; those that had nothing to tell are deleted

Kept: the last twenty runs of each channel, every run that stored or quarantined something (what it stored
refers to it), and failures for a year. What may surprise: a run is folded once, because the mark up to
which a channel's runs are folded moves in the same transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from aggregator.services.clock import Clock
from aggregator.services.connections import zone_of
from aggregator.settings import Settings
from aggregator.storage import channel_queries, run_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database

#: Runs that a channel's page shows.
SHOWN = 20
#: Runs that one transaction folds: each takes a moment of the one writer.
AT_ONCE = 1000
FAILURES_KEPT = timedelta(days=365)


class RunHistory:
    """Folds and forgets runs."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self._db = db
        self._clock = clock
        self._kept = timedelta(hours=settings.runs_kept_h)

    def prune(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Fold what is old enough; how many runs were deleted."""
        with self._db.read() as tx:
            channels = channel_queries.all_channels(tx)
        gone = 0
        for channel in channels:
            while not stop() and (part := self._fold(channel)) is not None:
                gone += part
            with self._db.write() as tx:
                gone += run_queries.forget_failed(tx, channel.id, self._clock() - FAILURES_KEPT)
        return gone

    def _fold(self, channel: ChannelRow) -> int | None:
        """One part of a channel's runs; None where nothing is left to fold."""
        with self._db.write() as tx:
            before = self._clock() - self._kept
            rows = run_queries.unfolded(tx, channel.id, before, SHOWN, AT_ONCE)
            if not rows or not run_queries.mark_folded(tx, channel.id, rows[0].id, rows[-1].id):
                return None
            for day, totals in _totals(channel, rows).items():
                run_queries.add_day(tx, channel.id, day, totals)
            return run_queries.forget(tx, [row.id for row in rows if _had_nothing_to_tell(row)])


def _totals(channel: ChannelRow, rows: list[Any]) -> dict[date, dict[str, int]]:
    """Day at the portal -> its totals. A replay counts as a run, and counts no record a second time."""
    zone = zone_of(channel)
    found: dict[date, dict[str, int]] = defaultdict(
        lambda: dict.fromkeys(("runs", "failures", *run_queries.COUNTED), 0)
    )
    for row in rows:
        totals = found[row.started_at.astimezone(zone).date()]
        totals["runs"] += 1
        totals["failures"] += row.outcome != "ok"
        for name in run_queries.COUNTED:
            totals[name] += 0 if row.kind == "replay" else getattr(row, name)
    return found


def _had_nothing_to_tell(row: Any) -> bool:
    return row.outcome == "ok" and not row.stored and not row.quarantined
