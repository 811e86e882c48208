"""When who is told of a deadline: the moments, and what one look at a case finds to tell.

Principles
    - A case has moments, all derived from its present deadline: due soon, due today, overdue, and one for
      each level of escalation. Each is told once for one deadline; a moved deadline has moments of its own.
    - Nobody is told outside office hours: a moment in the night is told at the next opening.
    - Only the newest of what has come counts. Who is told "overdue" needs no "due soon" beside it; leaders
      are other people, so escalation is told beside it.
    - What was told of a deadline that no longer holds is corrected, unless a new warning says so anyway.

How it works
    `moments(deadline, calendar) | look(moments, told, now) -> to tell, to correct, when to look again`

Known exceptions
    - `due_today` is the opening of the last working day before the deadline, so a source's deadline on a
      Sunday is told on Friday. It is left out where the warning itself comes later.
    - A moment that comes as the office closes (17:00) is told the next morning.
    - Told more than `GRACE` after its time, because no worker ran or the report came late, it is `late`: it
      goes into one summary for each person instead of a message of its own.

Dropped
    Writing a row for each future moment when a case opens: four rows a case that a moved deadline or a
    changed calendar must find and move, for cases most of which are answered in time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

from aggregator.domain.worktime import Calendar, from_second, to_second

#: What may have become of a mail to staff.
MAIL_STATES: Final = ("waiting", "sending", "sent", "dropped", "dead")
#: Told later than this after its time, a reminder is folded into a summary.
GRACE: Final = timedelta(minutes=15)


class Kind(StrEnum):
    """What a person is told of a deadline."""

    DUE_SOON = "due_soon"
    DUE_TODAY = "due_today"
    OVERDUE = "overdue"
    ESCALATED = "escalated"
    CHANGED = "deadline_changed"


@dataclass(frozen=True, slots=True)
class Moment:
    """`at`: when it is so. `tell_at`: the first instant of office hours from then on. `level`: 1 is the
    first leader up, 0 who has the work."""

    kind: Kind
    level: int
    at: datetime
    tell_at: datetime

    def late(self, now: datetime) -> bool:
        return now - self.tell_at > GRACE


@dataclass(frozen=True, slots=True)
class Told:
    """What was told before: of which deadline, and of which step of the work."""

    kind: Kind
    level: int
    due_at: datetime
    step: str


@dataclass(frozen=True, slots=True)
class Look:
    """What to tell now; whether what was told of another deadline has to be corrected; when to look again."""

    tell: tuple[Moment, ...]
    passed: tuple[Moment, ...]
    correct: bool
    next_at: datetime | None


def opening(calendar: Calendar, at: datetime) -> datetime:
    """The first instant from `at` on at which the office is open; closing time is not.

    Raises CalendarExhausted where nobody works any more.
    """
    return from_second(calendar.instant(calendar.worked(to_second(at)) + 1) - 1)


def day_opening(calendar: Calendar, at: datetime) -> datetime:
    """When the office opened, or opens, on the last working day that begins before `at`."""
    last = from_second(calendar.instant(calendar.worked(to_second(at))) - 1)
    return _opens_on(calendar, last)


def opens_the_day(calendar: Calendar, at: datetime) -> bool:
    """Whether `at` is the very second in which the office opens for the day."""
    return _opens_on(calendar, at) == at


def _opens_on(calendar: Calendar, at: datetime) -> datetime:
    day = at.astimezone(calendar.zone).date()
    return opening(calendar, datetime.combine(day, time.min, calendar.zone))


def moments(
    calendar: Calendar, due_at: datetime, due_soon_at: datetime, escalate_hours: Sequence[int]
) -> tuple[Moment, ...]:
    """Every moment of one deadline, in order of telling."""
    soon = opening(calendar, due_soon_at)
    today = day_opening(calendar, due_at)
    found = [Moment(Kind.DUE_SOON, 0, due_soon_at, soon)]
    if soon <= today < due_at:
        found.append(Moment(Kind.DUE_TODAY, 0, today, today))
    found.append(Moment(Kind.OVERDUE, 0, due_at, opening(calendar, due_at)))
    for level, hours in enumerate(escalate_hours, 1):
        at = calendar.add_seconds(due_at, hours * 3600)
        found.append(Moment(Kind.ESCALATED, level, at, opening(calendar, at)))
    return tuple(found)


def look(
    found: Iterable[Moment], told: Iterable[Told], due_at: datetime, step: str, now: datetime
) -> Look:  # fmt: skip
    """What the moments of a running deadline ask for at `now`; `told`: what was before, in its order."""
    known = list(told)
    done = {(one.kind, one.level) for one in known if one.due_at == due_at}
    ahead = [moment for moment in found if (moment.kind, moment.level) not in done]
    passed = [moment for moment in ahead if moment.tell_at <= now]
    own = [moment for moment in passed if not moment.level]
    # A warning that comes after "overdue" was told (two steps due in one second) says nothing new.
    newest = own[-1:] if own and not _outdone(own[-1], done) else []
    # Another step's deadline is no correction: the first answer was given, now the result is due.
    wrong = bool(known) and known[-1].due_at != due_at and known[-1].step == step
    corrected = any(one.kind is Kind.CHANGED and one.due_at == due_at for one in known)
    return Look(
        tell=(*newest, *(moment for moment in passed if moment.level)),
        passed=tuple(passed),
        correct=wrong and not newest and not corrected,
        next_at=min((moment.tell_at for moment in ahead if moment.tell_at > now), default=None),
    )


_ORDER: Final = (Kind.DUE_SOON, Kind.DUE_TODAY, Kind.OVERDUE)


def _outdone(moment: Moment, done: set[tuple[Kind, int]]) -> bool:
    later = _ORDER[_ORDER.index(moment.kind) + 1 :]
    return any((kind, 0) in done for kind in later)


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of the day in which a person gets no mail; `end` before `start` runs over midnight."""

    start: time
    end: time

    def holds(self, at: time) -> bool:
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


def mail_at(calendar: Calendar, now: datetime, quiet: Quiet | None) -> datetime:
    """The first instant from `now` on in office hours and outside a person's quiet hours.

    Where quiet hours leave no office hour free within a week, they give way to the opening.
    """
    first = at = opening(calendar, now)
    if quiet is None:
        return first
    for _ in range(14):
        local = at.astimezone(calendar.zone)
        if not quiet.holds(local.time()):
            return at
        ends = datetime.combine(local.date(), quiet.end, calendar.zone)
        at = opening(calendar, ends if ends > local else ends + timedelta(days=1))
    return first
