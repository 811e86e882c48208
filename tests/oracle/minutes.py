"""What a deadline is, counted minute by minute: the second opinion that the engine is held against.

Written from `docs/sla.md` and the promises on top of the engine's modules, not from its code. The office's
year is painted day by day, a byte a minute; working time is counted by looking at these bytes. There is no
table of sums, no bisect and no meter here: a stretch is measured day after day, and an amount is found by
walking days, then the hours and minutes of the last day, then the seconds of its last minute.

Where the documents leave a choice, an officer who is fair to both sides decides:

- A pause or a reopening never brings a deadline forward, least of all a date that a citizen was promised.
- The time left to a date that was set while the clock stood still is left when it goes on.
- What happened before a clock began, or does not fit its state, did not happen to it. Who had the case before
  the report came has it still, and a clock that begins afresh takes it from nobody.
- An extension on top of a promised date is counted from that date.
- Days that run out after the office has closed end when it next closes.

Times are whole seconds since 1 January 1970 on the office's own wall clock (Vietnam keeps UTC+7 and turns
no clocks), because that is what an officer counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from aggregator.domain.shifts import DayOverride, Shift
from aggregator.domain.sla import ClockEvent, ClockKind, Policy, Unit
from aggregator.domain.worktime import DayEnd

DAY, MINUTE = 86_400, 60
_WALL = 7 * 3600
_DAY_ZERO = date(1970, 1, 1).toordinal()
_OFF = bytes(1440)

Run = tuple[int, int]


def wall(instant: datetime) -> int:
    """The office's wall clock, in whole seconds."""
    return int(instant.timestamp() // 1) + _WALL


def instant(second: int) -> datetime:
    """The instant that the wall clock shows."""
    return datetime.fromtimestamp(second - _WALL, UTC)


class Office:
    """Years of days, each 1,440 bytes: 1 where somebody works in that minute."""

    def __init__(
        self,
        week: Mapping[int, Sequence[Shift]],
        overrides: Iterable[DayOverride],
        years: tuple[int, int],
        normal: Sequence[Shift],
    ) -> None:
        different = {row.day: row for row in overrides}
        painted = {weekday: _painted(shifts) for weekday, shifts in week.items()}
        self.first = date(years[0], 1, 1).toordinal() - _DAY_ZERO
        last = date(years[1], 12, 31).toordinal() - _DAY_ZERO
        self.days: list[bytes] = []
        for number in range(self.first, last + 1):
            day = date.fromordinal(number + _DAY_ZERO)
            row = different.get(day)
            if row is None:
                self.days.append(painted.get(day.weekday(), _OFF))
            elif not row.works:
                self.days.append(_OFF)
            else:
                usual = week.get(day.weekday(), ()) if day.weekday() < 5 else ()
                self.days.append(_painted(row.shifts or usual or normal))
        self.worked = [minutes.count(1) for minutes in self.days]

    def works(self, day: int) -> bool:
        return self.worked[day - self.first] > 0

    def measure(self, start: int, end: int) -> int:
        """Working seconds between two instants; none where they are the wrong way round."""
        if end <= start:
            return 0
        first, last = start // DAY, end // DAY
        if first == last:
            return self._in_day(first, start % DAY, end % DAY)
        seconds = self._in_day(first, start % DAY, DAY) + self._in_day(last, 0, end % DAY)
        for day in range(first + 1, last):
            seconds += self.worked[day - self.first] * MINUTE
        return seconds

    def _in_day(self, day: int, start: int, end: int) -> int:
        minutes = self.days[day - self.first]
        if start // MINUTE == end // MINUTE:
            return (end - start) * minutes[start // MINUTE] if end > start else 0
        seconds = minutes.count(1, -(-start // MINUTE), end // MINUTE) * MINUTE
        if start % MINUTE:
            seconds += (MINUTE - start % MINUTE) * minutes[start // MINUTE]
        if end % MINUTE:
            seconds += (end % MINUTE) * minutes[end // MINUTE]
        return seconds

    def reach(self, start: int, seconds: int) -> int:
        """The first instant at which so much was worked since `start`."""
        if seconds <= 0:
            return start
        day, second = divmod(start, DAY)
        here = self._in_day(day, second, DAY)
        while here < seconds:
            seconds -= here
            day, second = day + 1, 0
            here = self.worked[day - self.first] * MINUTE
        minutes = self.days[day - self.first]
        minute, begun = divmod(second, MINUTE)
        if begun:
            here = (MINUTE - begun) * minutes[minute]
            if seconds <= here:
                return day * DAY + second + seconds
            seconds, minute = seconds - here, minute + 1
        while (here := minutes.count(1, minute, minute + 60) * MINUTE) < seconds:
            seconds, minute = seconds - here, minute + 60
        while not minutes[minute] or seconds > MINUTE:
            seconds, minute = seconds - minutes[minute] * MINUTE, minute + 1
        return day * DAY + minute * MINUTE + seconds

    def close(self, day: int) -> int:
        """When the office closes that day, or on the next day that it works."""
        while not self.works(day):
            day += 1
        return day * DAY + (self.days[day - self.first].rindex(1) + 1) * MINUTE

    def last_worked(self, second: int) -> int:
        """The instant itself where somebody works up to it, else the last moment before when somebody did."""
        day, at = divmod(second - 1, DAY)
        if self.days[day - self.first][at // MINUTE]:
            return second
        while (minute := self.days[day - self.first].rfind(1, 0, at // MINUTE)) < 0:
            day, at = day - 1, DAY
        return day * DAY + (minute + 1) * MINUTE


def _painted(shifts: Iterable[Shift]) -> bytes:
    minutes = bytearray(1440)
    for shift in shifts:
        end = 1440 if shift.end == time.min else shift.end.hour * 60 + shift.end.minute
        for minute in range(shift.start.hour * 60 + shift.start.minute, end):
            minutes[minute] = 1
    return bytes(minutes)


@dataclass(slots=True)
class Answer:
    """What the office would say about a clock. `units`: working seconds by unit up to `now`."""

    due: int
    soon: int
    stage: str
    used: int
    late: bool | None
    next_change: int | None
    units: dict[int | None, int]


@dataclass(slots=True)
class _Watch:
    """A stopwatch and the dates written beside it."""

    began: int
    runs: list[Run] = field(default_factory=list)
    since: int | None = None
    halted: int | None = None
    paused: bool = False
    stopped: int | None = None
    added: int = 0
    #: A date that stands as it is, set by a person or because a pause may not bring a deadline forward.
    promised: int | None = None
    #: Working time left of the promised date when the clock halted; None where it does not move.
    left: int | None = None


class Oracle:
    """One rule in one office."""

    def __init__(self, policy: Policy, office: Office) -> None:
        self.policy, self.office = policy, office

    def answer(self, events: Sequence[ClockEvent], now: int) -> Answer:
        """Everything a screen could ask about this clock at `now`."""
        watch, last = self._read(events)
        going_on = watch.runs
        if watch.since is not None:
            going_on = [*watch.runs, (watch.since, 1 << 40)]
        elif watch.paused:
            assert watch.halted is not None
            going_on = [*watch.runs, (watch.halted, 1 << 40)]
        elif watch.stopped is not None:
            going_on = [*watch.runs, (watch.stopped, 1 << 40)]
        due = self._due(watch, going_on)
        soon = self._soon(going_on, watch.began, due)
        ran = [*watch.runs, (watch.since, last)] if watch.since is not None else watch.runs
        shown = self._stage(watch, due, soon, now)
        return Answer(
            due, soon, shown,
            sum(self._time(a, b) for a, b in ran),
            None if watch.stopped is None else watch.stopped > due,
            self._next(watch, due, soon, now),
            self._by_unit(events, now),
        )  # fmt: skip

    # The log ---------------------------------------------------------------------------------------

    def _read(self, events: Sequence[ClockEvent]) -> tuple[_Watch, int]:
        watch: _Watch | None = None
        last = 0
        for event in sorted(_believed(events), key=_in_order):
            at = last = wall(event.at)
            if event.kind is ClockKind.START:
                if watch is None or watch.stopped is not None:
                    watch = _Watch(at, since=at)
            elif watch is not None:
                self._apply(watch, event, at)
        assert watch is not None, "a log without a start has no answer"
        return watch, last

    def _apply(self, watch: _Watch, event: ClockEvent, at: int) -> None:
        kind, running, stopped = event.kind, watch.since is not None, watch.stopped is not None
        if kind is ClockKind.PAUSE and running:
            self._halt(watch, at)
            watch.paused = True
        elif kind is ClockKind.RESUME and watch.paused:
            self._go_on(watch, at)
        elif kind is ClockKind.VOID and watch.paused:
            watch.since, _ = watch.runs.pop()
            watch.halted, watch.left, watch.paused = None, None, False
        elif kind is ClockKind.STOP and not stopped:
            if watch.paused:
                self._go_on(watch, at)
            self._halt(watch, at)
            watch.stopped = at
        elif kind is ClockKind.REOPEN and stopped:
            self._go_on(watch, at)
            watch.stopped = None
            if event.due_at:
                watch.promised = wall(event.due_at)
        elif kind is ClockKind.EXTEND and not stopped:
            if event.due_at:
                self._promise(watch, at, wall(event.due_at))
            else:
                self._add(watch, event.minutes)
        elif kind is ClockKind.POLICY_CHANGE and not stopped:
            watch.promised = watch.left = None
            if event.due_at:
                self._promise(watch, at, wall(event.due_at))

    def _promise(self, watch: _Watch, at: int, date_set: int) -> None:
        watch.promised = date_set
        watch.left = self._own_time(at, date_set) if watch.paused and date_set > at else None

    def _halt(self, watch: _Watch, at: int) -> None:
        assert watch.since is not None
        due = self._due(watch, [*watch.runs, (watch.since, 1 << 40)])
        watch.runs.append((watch.since, at))
        watch.since, watch.halted = None, at
        watch.left = None
        if watch.promised is not None and watch.promised > at:
            watch.left = self._own_time(at, due)

    def _go_on(self, watch: _Watch, at: int) -> None:
        if watch.left is not None and watch.promised is not None:
            watch.promised = max(watch.promised, self._after(at, watch.left))
        watch.since, watch.halted, watch.left, watch.paused = at, None, None, False

    def _add(self, watch: _Watch, minutes: int) -> None:
        amount = self._amount(minutes)
        watch.added += amount
        if watch.promised is not None:
            watch.promised = self._after(watch.promised, amount)
            if watch.left is not None:
                watch.left += amount

    # The rule's own time ---------------------------------------------------------------------------

    def _amount(self, minutes: int) -> int:
        """Added minutes in what the rule counts: seconds, or days where begun ones count."""
        if self.policy.unit is not Unit.CALENDAR_DAYS:
            return minutes * MINUTE
        days = -(-minutes // 1440)
        return days if self.policy.day_end is DayEnd.END_OF_DAY else days * DAY

    def _own_time(self, start: int, end: int) -> int:
        unit = self.policy.unit
        if unit is Unit.MINUTES or self._plain_days:
            return max(0, end - start)
        if unit is Unit.CALENDAR_DAYS:
            return max(0, end // DAY - start // DAY)
        return self.office.measure(start, end)

    @property
    def _plain_days(self) -> bool:
        return self.policy.unit is Unit.CALENDAR_DAYS and self.policy.day_end is DayEnd.SAME_TIME

    def _after(self, start: int, amount: int) -> int:
        unit = self.policy.unit
        if unit is Unit.MINUTES:
            return start + amount
        if self._plain_days:
            due = start + amount
            while not self.office.works(due // DAY):
                due += DAY
            return due
        if unit is Unit.CALENDAR_DAYS:
            close = self.office.close(start // DAY + amount)
            return close if close >= start else self.office.close(start // DAY + 1)
        return self.office.reach(start, amount)

    def _budget(self, began: int) -> int:
        amount, unit, same_time = (
            self.policy.amount,
            self.policy.unit,
            self.policy.day_end is DayEnd.SAME_TIME,
        )
        if unit is Unit.MINUTES:
            return amount * MINUTE
        if unit is Unit.WORKING_HOURS:
            return amount * 60 * MINUTE
        if unit is Unit.CALENDAR_DAYS:
            return amount * DAY if same_time else amount
        day = began // DAY
        for _ in range(amount):
            day += 1
            while not self.office.works(day):
                day += 1
        end = self.office.close(day)
        if same_time:
            end = min(end, self.office.last_worked(day * DAY + began % DAY))
        return self.office.measure(began, end)

    # What it comes to ------------------------------------------------------------------------------

    def _due(self, watch: _Watch, runs: list[Run]) -> int:
        if watch.promised is not None:
            return watch.promised
        left = self._budget(watch.began) + watch.added
        no_earlier = 0
        for start, end in runs:
            due = max(no_earlier, self._after(start, left))
            if due <= end:
                return due
            left -= min(left, self._own_time(start, end))
            no_earlier = due
        raise AssertionError("the last run has no end")

    def _time(self, start: int, end: int) -> int:
        """Time that is told: plain for minutes, else worked."""
        if self.policy.unit is Unit.MINUTES:
            return max(0, end - start)
        return self.office.measure(start, end)

    def _soon(self, runs: list[Run], began: int, due: int) -> int:
        whole = sum(self._time(start, min(end, due)) for start, end in runs)
        left = whole * self.policy.warn_percent // 100
        if left == 0:
            return min(began, due)
        for start, end in runs:
            here = self._time(start, min(end, due))
            if left <= here:
                plain = self.policy.unit is Unit.MINUTES
                return start + left if plain else self.office.reach(start, left)
            left -= here
        raise AssertionError("more than the whole was asked for")

    def _stage(self, watch: _Watch, due: int, soon: int, now: int) -> str:
        if watch.stopped is not None:
            return "done"
        if watch.paused:
            assert watch.halted is not None
            return "overdue" if due <= watch.halted else "paused"
        if now >= due:
            return "overdue"
        return "due_soon" if now >= soon else "none"

    def _next(self, watch: _Watch, due: int, soon: int, now: int) -> int | None:
        if watch.since is None:
            return None
        return next((instant for instant in (soon, due) if now < instant), None)

    def _by_unit(self, events: Sequence[ClockEvent], now: int) -> dict[int | None, int]:
        known = [event for event in events if event.at <= instant(now)]
        if not any(event.kind is ClockKind.START for event in known):
            return {}
        watch, _ = self._read(known)
        ran = watch.runs if watch.since is None else [*watch.runs, (watch.since, now)]
        hands = _hands(known)
        ends = [at for at, _ in hands[1:]] + [1 << 40]
        units: dict[int | None, int] = {}
        for (taken, unit), given in zip(hands, ends, strict=True):
            for start, end in ran:
                time_here = self._time(max(start, taken), min(end, given))
                if time_here:
                    units[unit] = units.get(unit, 0) + time_here
        return units


def _hands(events: Sequence[ClockEvent]) -> list[tuple[int, int | None]]:
    """Who had the case from when on: whoever it was handed to, and until then whoever it began with."""
    given = sorted(
        ((wall(one.at), one.unit) for one in events if one.kind is ClockKind.HAND_OVER),
        key=lambda one: one[0],
    )
    first = min((one for one in events if one.kind is ClockKind.START), key=lambda one: one.at)
    return given if given and given[0][0] < wall(first.at) else [(wall(first.at), first.unit), *given]


# Of events in one instant: a new rule before what is done under it; what lets the clock run comes last.
_KINDS = (
    ClockKind.START,
    ClockKind.POLICY_CHANGE,
    ClockKind.PAUSE,
    ClockKind.VOID,
    ClockKind.RESUME,
    ClockKind.EXTEND,
    ClockKind.STOP,
    ClockKind.REOPEN,
    ClockKind.HAND_OVER,
    ClockKind.TAKEN_BACK,
)


def _believed(events: Sequence[ClockEvent]) -> Sequence[ClockEvent]:
    """Whoever takes an answer back wants the clock to forget what the answer told it."""
    believed = list(events)
    for back in events:
        if back.kind is ClockKind.TAKEN_BACK:
            forgotten = ("stop", "resume", "extend")
            believed = [one for one in believed if one.at != back.due_at or one.kind.value not in forgotten]
    return believed


def _in_order(event: ClockEvent) -> tuple[datetime, int]:
    return event.at, _KINDS.index(event.kind)
