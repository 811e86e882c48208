"""An answer that a person brings to its source: what is asked, when it is done, when it is reminded of.

Principles
    - What a person says of the past is kept beside when they said it. It lies between the writing of the
      answer and now; anything else is a slip, and is asked about again.
    - A tick is a claim. Where the source can be read, a day of reading that does not show the answer makes
      it a question again.
    - Who has to bring an answer is reminded in office hours only: two working hours after it was written,
      at the opening of each working day after that, and two working hours before the source's deadline.

How it works
    since, deadline, now  | reminders(...)       -> the newest moment that has come, and the next one
    tick, last reading    | sight(...)           -> wait until, or not shown

Known exception: a source that publishes only after somebody there has looked shows an answer days later;
its channel says so (option `shown_within_h`).

Tried and dropped: counting polls since the tick. A portal read every minute would be in doubt after three
minutes, one read once a night never; what tells is a reading later than the time that the source had.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from aggregator.domain import reminding
from aggregator.domain.local_time import moment_vi
from aggregator.domain.worktime import Calendar, CalendarExhausted, from_second, to_second
from aggregator.errors import InputInvalid


class Need(enum.IntEnum):
    """What is asked of a person, the most pressing first: the order of the list."""

    #: It may have arrived: look at the source and say.
    UNCLEAR = 1
    #: It was ticked off, and the source does not show it.
    UNSEEN = 2
    #: The source refused it.
    REFUSED = 3
    #: Bring it there.
    MANUAL = 4
    #: Nothing: it was ticked off, and the source has not confirmed it yet. May still be taken back.
    TICKED = 5

    @property
    def word(self) -> str:
        """As it stands in addresses."""
        return self.name.lower()


#: What waits for a person.
WAITING: Final = tuple(need for need in Need if need is not Need.TICKED)


# When it was done --------------------------------------------------------------------------------------


def when_done(said: datetime | None, written: datetime, now: datetime) -> datetime:
    """When an answer written at `written` was brought to its source; without a word of it, now.

    People say minutes: the minute of the writing is good, and so is this one. `InputInvalid` for a time
    before the answer was written, and for one that has not come.
    """
    if said is None:
        return now
    if _minute(said) > _minute(now):
        raise InputInvalid(
            "done_at lies in the future", field="done_at",
            message_vi="Thời điểm đã chuyển không được ở tương lai.",
        )  # fmt: skip
    if _minute(said) < _minute(written):
        raise InputInvalid(
            "done_at lies before the answer was written", field="done_at",
            message_vi="Thời điểm đã chuyển không được trước lúc viết phúc đáp "
            f"({moment_vi(written)}).",
        )  # fmt: skip
    return min(max(said, written), now)


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


# Reminding ---------------------------------------------------------------------------------------------

#: Working seconds from the writing to the first word about it.
FIRST: Final = 2 * 3600
#: Working seconds before the source's deadline at which it is told once more.
AHEAD: Final = 2 * 3600


@dataclass(frozen=True, slots=True)
class Turn:
    """`come`: the newest moment that has come, None before the first; `next`: when to look again.

    `close`: that moment is the one before the source's deadline.
    """

    come: datetime | None
    next: datetime | None
    close: bool = False


def reminders(calendar: Calendar, since: datetime, due_at: datetime | None, now: datetime) -> Turn:
    """When somebody is told of an answer that waits since `since`, as seen at `now`."""
    try:
        first = reminding.opening(calendar, calendar.add_seconds(since, FIRST))
        days = {_opening(calendar, now), _opening(calendar, now + timedelta(days=1))}
        moments = {first} | {day for day in days if day > first}
        near = _before(calendar, due_at, since) if due_at is not None and due_at > since else None
    except CalendarExhausted:
        return Turn(None, None)
    moments |= {near} if near is not None else set()
    come = max((moment for moment in moments if moment <= now), default=None)
    ahead = min((moment for moment in moments if moment > now), default=None)
    return Turn(come, ahead, close=come is not None and come == near)


def _opening(calendar: Calendar, at: datetime) -> datetime:
    day = at.astimezone(calendar.zone).date()
    return reminding.opening(calendar, datetime.combine(day, time.min, calendar.zone))


def _before(calendar: Calendar, due_at: datetime, since: datetime) -> datetime:
    at = from_second(calendar.instant(calendar.worked(to_second(due_at)) - AHEAD))
    return reminding.opening(calendar, max(at, since))


# Seen at the source ------------------------------------------------------------------------------------

#: How long a source has to show an answer that was ticked off.
SHOWN_WITHIN: Final = timedelta(hours=24)
#: How often to ask whether a source that was not read since has been read.
_AGAIN: Final = timedelta(hours=1)


def sight(
    expected: datetime, read_at: datetime | None, now: datetime, within: timedelta = SHOWN_WITHIN
) -> datetime | None:
    """When to look again whether the source shows what it was brought at `expected`; None: it does not.

    `read_at`: the end of the last good reading. A source that could not be read since is no witness.
    """
    due = expected + within
    if now < due:
        return due
    return now + _AGAIN if read_at is None or read_at < due else None
