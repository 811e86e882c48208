"""A channel's days as its source counts them, beside what we hold: does anything lack?

    for each day: ask the source for that day alone | what it says -> beside our own count of that day

A day is the portal's day in which the report arose. The source's number is what its list says of the day
(`source_count` of a backfill's first batch), else the whole list of the day is counted. Nothing is stored
but the numbers. What may surprise: a record in quarantine counts to the day on which it came, because the
day in which it arose is often what could not be read.

Where a source cannot be asked for days there is still its total: the newest poll's `source_count` beside
all that we hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from aggregator.domain.people import Actor
from aggregator.errors import InputInvalid, MoveNotAllowed
from aggregator.sdk.contract import Span
from aggregator.services.backfills import Backfills
from aggregator.services.channel_doors import may_look, may_operate, one_channel
from aggregator.services.clock import Clock
from aggregator.services.connections import zone_of
from aggregator.services.polling import Polling
from aggregator.services.views.channel import DayCount, Reconciliation
from aggregator.storage import day_count_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database

#: Days of one look: each is at least one request to the portal.
MOST_DAYS = 92
SHOWN_DAYS = 31


@dataclass(frozen=True, slots=True)
class _Day:
    day: date
    span: Span


class Reconciling:
    """Compares and keeps what was compared."""

    def __init__(self, db: Database, polling: Polling, backfills: Backfills, clock: Clock) -> None:
        self._db = db
        self._polling = polling
        self._backfills = backfills
        self._clock = clock

    def count(
        self,
        actor: Actor | None,
        slug: str,
        first: date,
        last: date,
        stop: Callable[[], bool] = lambda: False,
    ) -> tuple[DayCount, ...]:
        """Ask the source for these days, over the network; the days that were compared, newest first.

        Raises `MoveNotAllowed` where the source cannot be asked for days, `ChannelBusy` while it is being
        read, and the channel's own error where it does not answer.
        """
        with self._db.read() as tx:
            channel = one_channel(tx, actor, slug)
        may_operate(actor, channel.ward_code)
        if not self._backfills.ways(channel.kind).counts:
            raise MoveNotAllowed(
                f"channel {slug}: its source does not count by days",
                message_vi="Cổng của kênh này không cho hỏi số liệu theo ngày; chỉ so được tổng số.",
            )
        days = _days(channel, first, last, self._clock())
        for one, source in self._polling.counted(slug, [day.span for day in days], stop):
            self._keep(channel, next(day for day in days if day.span == one), source)
        with self._db.read() as tx:
            return tuple(_view(row) for row in day_count_queries.kept(tx, channel.id, first, last))

    def page(self, actor: Actor | None, slug: str) -> Reconciliation:
        """What was compared last of each of the newest days, and the totals."""
        may_look(actor)
        with self._db.read() as tx:
            channel = one_channel(tx, actor, slug)
            today = self._clock().astimezone(zone_of(channel)).date()
            rows = day_count_queries.kept(tx, channel.id, today - timedelta(days=SHOWN_DAYS), today)
            source, at = day_count_queries.newest_total(tx, channel.id)
            return Reconciliation(
                by_day=self._backfills.ways(channel.kind).counts,
                days=tuple(_view(row) for row in rows),
                today=today,
                total_source=source,
                total_at=at,
                total_held=day_count_queries.held_in_all(tx, channel.id),
                total_quarantined=day_count_queries.quarantined_in_all(tx, channel.id),
            )

    def _keep(self, channel: ChannelRow, day: _Day, source: int) -> None:
        assert day.span.since is not None and day.span.until is not None
        with self._db.write() as tx:
            held = day_count_queries.held(tx, channel.id, day.span.since, day.span.until)
            stuck = day_count_queries.quarantined(tx, channel.id, day.span.since, day.span.until)
            row = {"source": source, "held": held, "quarantined": stuck, "counted_at": self._clock()}
            day_count_queries.put(tx, channel.id, day.day, row)


def _days(channel: ChannelRow, first: date, last: date, now: datetime) -> list[_Day]:
    zone = zone_of(channel)
    last = min(last, now.astimezone(zone).date())
    number = (last - first).days + 1
    if not 1 <= number <= MOST_DAYS:
        raise InputInvalid(
            f"from {first} to {last} are {number} days; 1 to {MOST_DAYS} can be compared at once",
            field="first", message_vi=f"Mỗi lần đối soát từ 1 đến {MOST_DAYS} ngày, không sau hôm nay.",
        )  # fmt: skip
    found = []
    for offset in range(number):
        day = last - timedelta(days=offset)
        since, until = (datetime.combine(day + timedelta(days=n), time.min, zone) for n in (0, 1))
        found.append(_Day(day, Span(since, until)))
    return found


def _view(row: day_count_queries.Counted) -> DayCount:
    return DayCount(row.day, row.source, row.held, row.quarantined, row.counted_at)
