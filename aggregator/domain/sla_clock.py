"""A clock's log read into the stretches it ran: the arithmetic under `aggregator.domain.sla`.

Promises that the order in which events are given does not matter, and that an event which does not fit
the clock's state changes nothing. What each event means, and why, is told in `aggregator.domain.sla`.

How it works
    `replay` keeps three things: the finished runs, the start of the open one, and the budget in the
    rule's own unit. `Clock.reach` walks the runs and finds the second at which an amount is used. A
    meter turns that unit into seconds and back; there is one for each way of measuring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Final, Protocol, TypeVar

from aggregator.domain.sla_policy import Policy, Unit
from aggregator.domain.worktime import Calendar, DayEnd, from_second, to_second
from aggregator.errors import InputInvalid

_DAY: Final = 86_400


class ClockKind(StrEnum):
    """What happened to a clock."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    EXTEND = "extend"
    STOP = "stop"
    REOPEN = "reopen"
    POLICY_CHANGE = "policy_change"
    HAND_OVER = "hand_over"
    VOID = "void"  # the pause that is on was a mistake: it never stopped
    TAKEN_BACK = "taken_back"  # the answer given at `due_at` was taken back: it never stopped the clock


#: Order of events of the same instant; within one save their order must not matter.
_ORDER: Final = {
    ClockKind.START: 0,
    ClockKind.POLICY_CHANGE: 1,
    ClockKind.PAUSE: 2,
    ClockKind.VOID: 3,
    ClockKind.RESUME: 4,
    ClockKind.EXTEND: 5,
    ClockKind.STOP: 6,
    ClockKind.REOPEN: 7,
    ClockKind.HAND_OVER: 8,
    ClockKind.TAKEN_BACK: 9,
}

#: What an answer tells a clock.
_OF_AN_ANSWER: Final = frozenset({ClockKind.STOP, ClockKind.RESUME, ClockKind.EXTEND})


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """One appended fact about a clock.

    `minutes` and `due_at` belong to EXTEND, `due_at` also to REOPEN and POLICY_CHANGE; of TAKEN_BACK it is
    the instant of what was taken back. `unit` belongs to START and HAND_OVER: who has the work from then on,
    None nobody.
    """

    kind: ClockKind
    at: datetime
    reason: str = ""
    minutes: int = 0
    due_at: datetime | None = None
    unit: int | None = None


class Meter(Protocol):
    """A clock's own unit: how much of it lies between two seconds, and when so much has passed."""

    def measure(self, start: int, end: int) -> int: ...
    def advance(self, start: int, amount: int) -> int: ...


class Plain:
    """Seconds, day and night."""

    def measure(self, start: int, end: int) -> int:
        return end - start

    def advance(self, start: int, amount: int) -> int:
        return start + max(amount, 0)


@dataclass(slots=True)
class Working:
    """Working seconds."""

    calendar: Calendar

    def measure(self, start: int, end: int) -> int:
        return self.calendar.worked(end) - self.calendar.worked(start)

    def advance(self, start: int, amount: int) -> int:
        return self.calendar.instant(self.calendar.worked(start) + amount) if amount > 0 else start


@dataclass(slots=True)
class Days:
    """Midnights. A deadline ends when the office closes, and never before the clock resumed."""

    calendar: Calendar

    def measure(self, start: int, end: int) -> int:
        return self.calendar.ordinal(end) - self.calendar.ordinal(start)

    def advance(self, start: int, amount: int) -> int:
        day = self.calendar.ordinal(start) + (amount if amount > 0 else 0)
        close = self.calendar.nth_working_day(day - 1, 1)[1]
        return close if close >= start else self.calendar.nth_working_day(day, 1)[1]


@dataclass(slots=True)
class DaysSameTime:
    """Seconds, but a deadline never falls on a day off."""

    calendar: Calendar

    def measure(self, start: int, end: int) -> int:
        return end - start

    def advance(self, start: int, amount: int) -> int:
        landed = from_second(start + max(amount, 0))
        return to_second(self.calendar.add_calendar_days(landed, 0, DayEnd.SAME_TIME))


PLAIN: Final = Plain()


def meter_of(policy: Policy, calendar: Calendar) -> Meter:
    if policy.unit is Unit.MINUTES:
        return PLAIN
    if policy.unit is Unit.CALENDAR_DAYS:
        return DaysSameTime(calendar) if policy.day_end is DayEnd.SAME_TIME else Days(calendar)
    return Working(calendar)


def pace_of(policy: Policy, calendar: Calendar) -> Meter:
    """What used time is told in, whatever the rule counts: working seconds (minutes: plain ones)."""
    return PLAIN if policy.unit is Unit.MINUTES else Working(calendar)


def _budget(policy: Policy, calendar: Calendar, start: int) -> int:
    """The rule's amount in its meter's unit, for a clock that began at `start`."""
    if policy.unit is Unit.MINUTES:
        return policy.amount * 60
    if policy.unit is Unit.WORKING_HOURS:
        return policy.amount * 3600
    if policy.unit is Unit.CALENDAR_DAYS:
        return policy.amount * (_DAY if policy.day_end is DayEnd.SAME_TIME else 1)
    if policy.day_end is DayEnd.SAME_TIME:
        begin = from_second(start)
        return calendar.between(begin, calendar.add_working_days(begin, policy.amount, policy.day_end))
    _, close = calendar.nth_working_day(calendar.ordinal(start), policy.amount)
    return calendar.worked(close) - calendar.worked(start)


@dataclass(slots=True)
class Clock:
    """The log read up to one event. `runs` are the finished stretches, `since` begins the open one."""

    meter: Meter
    began: int
    budget: int
    since: int | None
    seen: int
    runs: list[tuple[int, int]] = field(default_factory=list)
    paused_at: int | None = None
    pause_reason: str = ""
    stopped_at: int | None = None
    promised: int | None = None  # a due instant a person set
    left: int | None = None  # of the promised instant's time, while the clock stands still
    pauses: list[tuple[int, int, str]] = field(default_factory=list)
    added: int = 0  # by extensions, in the meter's unit
    added_minutes: int = 0

    def halt(self, at: int) -> None:
        if self.since is not None:
            self.runs.append((self.since, at))
            self.since = None
            self._keep_left(at)

    def go_on(self, at: int) -> None:
        """Runs again; what was promised for later than the halt moves by the rule's own time, and never
        forward: to a citizen who was told 20:00, the office's closing time is no excuse for 17:00."""
        self.since = at
        if self.promised is not None and self.left is not None:
            self.promised = max(self.promised, self.meter.advance(at, self.left))
        self.left = None

    def promise(self, at: int, due_at: datetime | None) -> None:
        """The due instant a person set, None to go back to the rule's own."""
        self.promised, self.left = None if due_at is None else to_second(due_at), None
        if self.since is None:
            self._keep_left(at)

    def _keep_left(self, at: int) -> None:
        if self.promised is not None and self.promised > at:
            self.left = self.meter.measure(at, self.promised)

    def add(self, amount: int) -> None:
        """So much more of the rule's own time; on top of a promised instant where there is one."""
        self.added += amount
        if self.promised is not None:
            self.promised = self.meter.advance(self.promised, amount)
        if self.left is not None:
            self.left += amount

    def unpause(self) -> None:
        """As if the pause that is on had never been."""
        self.since, _ = self.runs.pop()
        self.paused_at = self.left = None

    def runs_until(self, end: int) -> list[tuple[int, int]]:
        """The stretches the clock ran, cut at `end`."""
        runs = self.runs if self.since is None else [*self.runs, (self.since, end)]
        return [(start, min(stop, end)) for start, stop in runs if start < end]

    def spent(self, meter: Meter, until: int) -> int:
        """How much the clock ran, up to an instant."""
        total = 0
        for start, end in self.runs:
            if start < until:
                total += meter.measure(start, end if end < until else until)
        if self.since is not None and self.since < until:
            total += meter.measure(self.since, until)
        return total

    def reach(self, meter: Meter, amount: int) -> int:
        """The first second at which `amount` is used; past the last stretch, as if it went on."""
        second, last = self.began, self.since
        for start, end in self.runs:
            # A last day that moved off a weekend is not lost to a pause on that weekend.
            second = max(second, meter.advance(start, amount))
            if second <= end:
                return second
            amount -= meter.measure(start, end)
            if self.since is None:
                last = end
        return max(second, meter.advance(self.began if last is None else last, amount))

    def due_second(self) -> int:
        if self.promised is not None:
            return self.promised
        return self.reach(self.meter, self.budget + self.added)


class Told(Protocol):
    """An event, or a stored row of one."""

    @property
    def kind(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def due_at(self) -> datetime | None: ...


_T = TypeVar("_T", bound=Told)


def standing(events: Sequence[_T]) -> Sequence[_T]:
    """The events without what answers told the clock that were taken back."""
    undone = {event.due_at for event in events if event.kind == ClockKind.TAKEN_BACK}
    if not undone:
        return events
    return [event for event in events if event.kind not in _OF_AN_ANSWER or event.at not in undone]


def replay(policy: Policy, calendar: Calendar, events: Sequence[ClockEvent]) -> Clock:
    clock: Clock | None = None
    events = standing(events)
    # A log read from its table is in order already, and telling so costs less than sorting it.
    in_order = len(events) < 2 or all(one.at < other.at for one, other in pairwise(events))
    for event in events if in_order else sorted(events, key=_rank):
        at = to_second(event.at)
        if event.kind is ClockKind.START and (clock is None or clock.stopped_at is not None):
            clock = Clock(meter_of(policy, calendar), at, _budget(policy, calendar, at), since=at, seen=at)
        elif clock is not None:
            _apply(clock, policy, calendar, event, at)
            clock.seen = at
    if clock is None:
        raise InputInvalid(
            "a clock without a START event has no deadline",
            field="events",
            message_vi="Nhật ký chưa ghi lúc bắt đầu nên không tính được thời hạn.",
        )
    return clock


def _rank(event: ClockEvent) -> tuple[object, ...]:
    """By time, then kind, then content: of two extensions in one save the date that was set stands."""
    set_for = None if event.due_at is None else to_second(event.due_at)
    return event.at, _ORDER[event.kind], set_for is not None, set_for or 0, event.minutes, event.reason


def _apply(clock: Clock, policy: Policy, calendar: Calendar, event: ClockEvent, at: int) -> None:
    """One event of a clock that began; what does not fit the clock's state changes nothing."""
    if clock.stopped_at is not None:
        if event.kind is ClockKind.REOPEN:
            clock.pauses.append((clock.stopped_at, at, event.reason))
            clock.go_on(at)
            clock.stopped_at = None
            if event.due_at is not None:
                clock.promise(at, event.due_at)
        return
    match event.kind:
        case ClockKind.PAUSE if clock.paused_at is None:
            clock.halt(at)
            clock.paused_at, clock.pause_reason = at, event.reason
        case ClockKind.RESUME if clock.paused_at is not None:
            clock.go_on(at)
            _close_pause(clock, at)
        case ClockKind.VOID if clock.paused_at is not None:
            clock.unpause()
        case ClockKind.STOP:
            if clock.paused_at is not None:
                # Finished while paused: the pause is given back first, or it would count as lateness.
                clock.go_on(at)
                _close_pause(clock, at)
            clock.halt(at)
            clock.stopped_at = at
        case ClockKind.EXTEND:
            _extend(clock, policy, event, at)
        case ClockKind.POLICY_CHANGE:
            clock.promise(at, event.due_at)


def _close_pause(clock: Clock, at: int) -> None:
    if clock.paused_at is not None:
        clock.pauses.append((clock.paused_at, at, clock.pause_reason))
        clock.paused_at = None


def _extend(clock: Clock, policy: Policy, event: ClockEvent, at: int) -> None:
    if event.due_at is not None:
        clock.promise(at, event.due_at)
        return
    if event.minutes <= 0:
        raise InputInvalid(
            "an extension needs minutes above 0 or a due_at",
            field="minutes",
            message_vi="Gia hạn thì phải thêm ít nhất một phút, hoặc đặt ngày hạn mới.",
        )
    clock.add(_extra(policy, event.minutes))
    clock.added_minutes += event.minutes


def _extra(policy: Policy, minutes: int) -> int:
    if policy.unit is Unit.CALENDAR_DAYS:
        days = -(-minutes // 1440)
        return days * _DAY if policy.day_end is DayEnd.SAME_TIME else days
    return minutes * 60
