"""Watching for channels that have gone quiet: each by its own rhythm, told once an episode.

"Nothing was read" is another matter and another cause (`health`): here every poll may be a success and
still nobody's report arrives, because the portal changed its list, its filter or its feed.
"""

from __future__ import annotations

import logging
from collections.abc import Container
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from aggregator.domain import rhythm as habits
from aggregator.domain.polling import HELD
from aggregator.domain.rhythm import Silence
from aggregator.domain.worktime import Calendar
from aggregator.services.clock import Clock
from aggregator.services.connections import zone_of
from aggregator.services.poll_endings import SILENCE
from aggregator.services.rules import Rules
from aggregator.storage import alarm_queries, channel_queries, rhythm_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database, Tx

log = logging.getLogger(__name__)

#: Nothing shorter is looked into.
SHORTEST = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class _DaysOff(Container[date]):
    """The holidays of an office's calendar. Its weekends are not: the rhythm knows them."""

    calendar: Calendar

    def __contains__(self, day: object) -> bool:
        found = self.calendar.override_on(day) if isinstance(day, date) else None
        return found is not None and not found.works


class Watch:
    """Opens an alarm where a channel's silence breaks its habit; the next new report closes it."""

    def __init__(self, db: Database, rules: Rules, clock: Clock) -> None:
        self._db = db
        self._rules = rules
        self._clock = clock

    def tick(self) -> int:
        """Look at every channel that is being read; how many alarms were opened."""
        now = self._clock()
        with self._db.read() as tx:
            rows = channel_queries.all_channels(tx)
            told = {row.channel_id for row in alarm_queries.open_of(tx, [row.id for row in rows])}
            found = [
                (row, silence)
                for row in rows
                if row.id not in told and _is_read(row) and (silence := self.of(tx, row, now)) is not None
            ]
        return sum(self._tell(row, silence, now) for row, silence in found if silence.alarm)

    def of(self, tx: Tx, channel: ChannelRow, now: datetime) -> Silence | None:
        """What to think of the channel's silence; None where it is short, or little is known."""
        zone = zone_of(channel)
        hours = dict(rhythm_queries.hours(tx, channel.id, now - habits.LOOKED_BACK))
        if not hours or now - (last := max(hours)) < SHORTEST:
            return None
        calendar = self._rules.book(tx).calendar(channel.ward_code)
        known = habits.learn(hours, zone, _DaysOff(calendar))
        return None if known is None else habits.silence(known, last, now)

    def _tell(self, channel: ChannelRow, found: Silence, now: datetime) -> bool:
        usual = found.usual
        data = {"since": (now - timedelta(hours=found.hours)).isoformat()}
        told = {} if usual is None else {
            "weekday": usual.weekday, "part": usual.part, "low": usual.low, "high": usual.high,
        }  # fmt: skip
        with self._db.write() as tx:
            opened = alarm_queries.open_one(tx, channel.id, SILENCE, {**data, **told}, now)
        if opened:
            log.warning("channel %s: nothing new for %d hours, which is unusual", channel.slug, found.hours)
        return opened

    def prune(self) -> int:
        """Forget hours that no rhythm looks back on."""
        with self._db.write() as tx:
            return rhythm_queries.forget_before(tx, self._clock() - habits.LOOKED_BACK)


def _is_read(channel: ChannelRow) -> bool:
    """Polled and answering: where it is not, its silence is ours to explain."""
    polled = channel.next_due_at is not None and not channel.paused and channel.state not in HELD
    return polled and channel.last_error_code is None and channel.last_success_at is not None
