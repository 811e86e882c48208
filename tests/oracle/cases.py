"""Clocks nobody would think of: seeded random offices, rules and logs that like edges.

Offices have lunch breaks, several shifts, night shifts, half days, swaps, Tết and a hotline's day and night.
Logs begin, pause and end a second around the ends of shifts, at midnight, around Tết, on 2 and 10 January
2026, on make-up Saturdays, on 29 February and at the end of a year; they hold pauses of no length, pauses
nobody closed, work finished while paused, events in the last minute and the very second of the deadline,
and clocks that jumped: events before the start, and in the past of one another. The same seed gives the
same cases on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from random import Random

from aggregator.domain.shifts import ALWAYS, WARD_WEEK, DayOverride, Shift
from aggregator.domain.sla import ClockEvent, ClockKind, Policy, Unit
from aggregator.domain.worktime import Calendar, DayEnd
from tests.oracle.minutes import DAY, Office, Oracle, instant

#: The years that the calendars have rows for, and those that the oracle has painted around them.
YEARS, PAINTED = (2025, 2028), (2024, 2031)

Week = Mapping[int, tuple[Shift, ...]]


def _shifts(*hours: str) -> tuple[Shift, ...]:
    """'07:30-11:30' a shift; an end of 00:00 is midnight."""
    pairs = (one.split("-") for one in hours)
    return tuple(Shift(time.fromisoformat(start), time.fromisoformat(end)) for start, end in pairs)


_FULL = _shifts("07:30-11:30", "13:30-17:00")
_NIGHT = _shifts("00:00-06:00", "22:00-00:00")
#: Each week with the hours of its normal day, which a make-up day works that names no hours.
WEEKS: dict[str, tuple[Week, tuple[Shift, ...]]] = {
    "ward": (WARD_WEEK, _FULL),
    "hotline": (ALWAYS, _shifts("00:00-00:00")),
    "saturday morning": ({**WARD_WEEK, 5: _shifts("07:30-11:30")}, _FULL),
    "early friday": ({**WARD_WEEK, 4: _shifts("07:30-11:30", "13:00-15:00")}, _FULL),
    "three shifts": (
        dict.fromkeys(range(6), _shifts("06:00-10:00", "10:30-14:00", "18:00-00:00")),
        _shifts("06:00-10:00", "10:30-14:00", "18:00-00:00"),
    ),
    "shifts that touch": (
        dict.fromkeys(range(5), _shifts("07:00-11:30", "11:30-16:00")),
        _shifts("07:00-11:30", "11:30-16:00"),
    ),
    "night": (dict.fromkeys(range(7), _NIGHT), _NIGHT),
    "one hour a week": ({2: _shifts("08:00-09:00")}, _shifts("08:00-09:00")),
}  # fmt: skip

_OFF_2026 = (
    "2026-01-01", "2026-01-02", *(f"2026-02-{day}" for day in range(16, 21)), "2026-04-27", "2026-04-30",
    "2026-05-01", "2026-08-31", "2026-09-01", "2026-09-02", "2026-11-24", "2027-01-01", "2027-02-05",
    "2027-02-08", "2027-02-09", "2027-02-10", "2028-01-03",
)  # fmt: skip
_MADE_UP = ("2026-01-10", "2026-08-22")
_EDGE_DAYS = [
    date.fromisoformat(day)
    for day in (
        "2025-12-31", "2026-01-01", "2026-01-02", "2026-01-05", "2026-01-09", "2026-01-10", "2026-02-13",
        "2026-02-14", "2026-02-16", "2026-02-20", "2026-02-22", "2026-02-23", "2026-08-21", "2026-08-22",
        "2026-08-28", "2026-09-01", "2026-12-24", "2026-12-31", "2027-01-01", "2028-02-28", "2028-02-29",
        "2028-03-01", "2027-12-31",
    )
]  # fmt: skip
_ZERO = date(1970, 1, 1).toordinal()
_FIRST, _LAST = date(2025, 6, 1).toordinal() - _ZERO, date(2028, 6, 30).toordinal() - _ZERO


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """One office, as the engine knows it and as the oracle has painted it."""

    name: str
    week: Week
    rows: tuple[DayOverride, ...]
    calendar: Calendar
    office: Office
    edges: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One question; `events` come in no particular order, `now` is a wall second."""

    seed: str
    world: World
    policy: Policy
    events: tuple[ClockEvent, ...]
    now: int

    def told(self) -> str:
        """The case in words that can be pasted into a table."""
        rule = (
            f"{self.policy.amount} {self.policy.unit} ({self.policy.day_end}, {self.policy.warn_percent} %)"
        )
        events = "; ".join(
            f"{one.kind} {instant_text(one)}" for one in sorted(self.events, key=lambda one: one.at)
        )
        return f"case {self.seed}, {self.world.name}: {rule}: {events}; now {_local(self.now)}"


def instant_text(event: ClockEvent) -> str:
    more = f" +{event.minutes}" if event.minutes else ""
    if event.due_at:
        more += f" ={(event.due_at + timedelta(hours=7)):%a %Y-%m-%dT%H:%M:%S}"
    if event.unit is not None:
        more += f" unit {event.unit}"
    return f"{(event.at + timedelta(hours=7)):%a %Y-%m-%dT%H:%M:%S}{more}"


def _local(second: int) -> str:
    return f"{(instant(second) + timedelta(hours=7)):%a %Y-%m-%dT%H:%M:%S}"


def worlds(seed: str) -> list[World]:
    """One office for each kind of week, with days of its own."""
    chance = Random(f"worlds {seed}")
    made = []
    for name, (week, normal) in WEEKS.items():
        rows = [] if name == "hotline" and chance.random() < 0.5 else _rows(chance)
        calendar = Calendar(week, rows, first_year=YEARS[0], last_year=YEARS[1])
        shifts = [shift for day in week.values() for shift in day]
        at = {0, *(_second(shift.start) for shift in shifts), *(_second(shift.end) for shift in shifts)}
        office = Office(week, rows, PAINTED, normal)
        made.append(World(name, week, tuple(rows), calendar, office, tuple(sorted(at))))
    return made


def _second(at: time) -> int:
    return at.hour * 3600 + at.minute * 60


def _rows(chance: Random) -> list[DayOverride]:
    rows = {date.fromisoformat(day): DayOverride(date.fromisoformat(day), works=False) for day in _OFF_2026}
    rows |= {date.fromisoformat(day): DayOverride(date.fromisoformat(day), works=True) for day in _MADE_UP}
    half_day = date(2026, 12, 24)
    rows[half_day] = DayOverride(half_day, works=True, shifts=_shifts("07:30-11:30"))
    for _ in range(chance.randrange(40)):
        day = date.fromordinal(_ZERO + chance.randrange(_FIRST, _LAST))
        kind = chance.randrange(4)
        shifts = ((), (), _shifts("08:00-10:00"), _shifts("13:30-16:30", "20:00-00:00"))[kind]
        rows[day] = DayOverride(day, works=kind > 0, shifts=shifts)
    return list(rows.values())


def cases(seed: str, count: int) -> Iterator[Case]:
    """`count` cases in freshly made offices."""
    chance = Random(f"cases {seed}")
    offices = worlds(seed)
    for number in range(count):
        world = chance.choice(offices)
        policy = _policy(chance, world)
        events = _log(chance, world, policy)
        chance.shuffle(events)
        latest = max(int(one.at.timestamp()) for one in events) + 7 * 3600
        now = latest if chance.random() < 0.5 else latest + _gap(chance, world, latest)
        yield Case(f"{seed}/{number}", world, policy, tuple(events), now)


_AMOUNTS = {
    Unit.MINUTES: (1, 5, 60, 61, 1439, 1440, 10_000),
    Unit.WORKING_HOURS: (1, 2, 4, 8, 24, 40),
    Unit.WORKING_DAYS: (1, 2, 3, 5, 7, 10, 15),
    Unit.CALENDAR_DAYS: (1, 2, 3, 5, 7, 10, 15, 30),
}


def _policy(chance: Random, world: World) -> Policy:
    unit = chance.choice(tuple(Unit))
    amount = chance.choice(_AMOUNTS[unit])
    if world.name == "one hour a week":  # fifteen hours are fifteen weeks there
        amount = min(amount, 10) if unit is not Unit.MINUTES else amount
    return Policy(
        1, 1, "Kết quả", "result", amount, unit, date(2020, 1, 1),
        day_end=DayEnd.SAME_TIME if chance.random() < 0.3 else DayEnd.END_OF_DAY,
        warn_percent=chance.choice((80, 80, 80, 50, 33, 1, 99)),
    )  # fmt: skip


def _log(chance: Random, world: World, policy: Policy) -> list[ClockEvent]:
    at = _start(chance, world)
    events = [ClockEvent(ClockKind.START, instant(at), unit=chance.choice((None, 1, 2)))]
    taken = {(at, ClockKind.START)}
    state = "running"
    for _ in range(chance.choice((0, 1, 1, 2, 2, 3, 4, 6, 9))):
        if chance.random() < 0.1:  # the last minute before the deadline, the very second, the first after it
            due = Oracle(policy, world.office).answer(events, at).due
            at = due + chance.choice((-60, -59, -1, 0, 0, 1, 60))
        else:
            at += _gap(chance, world, at)
        kind, state = _next(chance, state)
        # Two of one kind in one second leave no room for a fair answer: who was told last?
        if _FIRST <= at // DAY <= _LAST + 400 and (at, kind) not in taken:
            taken.add((at, kind))
            events.append(_event(chance, kind, at, events))
    return events


def _start(chance: Random, world: World) -> int:
    if chance.random() < 0.5:
        day = chance.choice(_EDGE_DAYS).toordinal() - _ZERO
    else:
        day = chance.randrange(_FIRST + 30, _LAST)
    return day * DAY + _clock_time(chance, world)


def _clock_time(chance: Random, world: World) -> int:
    if chance.random() < 0.3:
        return chance.randrange(DAY)
    return chance.choice(world.edges) + chance.choice((0, 0, 0, 1, -1, 59, 60, -60, 1800))


def _gap(chance: Random, world: World, at: int) -> int:
    """To the next event: mostly a moment, an edge of a shift, some days; now and then backwards."""
    kind = chance.randrange(12)
    if kind < 2:
        return 0
    if kind < 4:
        return chance.choice((1, 59, 60, 61, 120, 3600, 4 * 3600))
    if kind < 9:
        day = at // DAY + chance.choice((0, 0, 1, 1, 2, 3, 5, 9))
        return max(0, day * DAY + _clock_time(chance, world) - at)
    if kind < 11:
        return chance.randrange(12 * DAY)
    return -chance.choice((1, 60, 3600, DAY, 3 * DAY))


# What comes next in a life, with what does not belong there mixed in.
_LIVES = {
    "running": ("pause", "pause", "pause", "pause", "stop", "stop", "extend", "extend", "hand_over",
                "hand_over", "policy_change", "resume", "reopen", "void", "start", "taken_back"),
    "paused": ("resume", "resume", "resume", "resume", "stop", "stop", "extend", "hand_over", "void", "void",
               "policy_change", "pause", "reopen", "start"),
    "stopped": ("reopen", "reopen", "reopen", "start", "hand_over", "pause", "resume", "extend", "stop",
                "policy_change", "void", "taken_back", "taken_back"),
}  # fmt: skip
_THEN = {
    "pause": "paused", "resume": "running", "stop": "stopped", "reopen": "running", "void": "running",
    "start": "running",
}  # fmt: skip


def _next(chance: Random, state: str) -> tuple[ClockKind, str]:
    word = chance.choice(_LIVES[state])
    return ClockKind(word), _THEN.get(word, state)


def _event(chance: Random, kind: ClockKind, at: int, before: list[ClockEvent]) -> ClockEvent:
    when = instant(at)
    if kind is ClockKind.TAKEN_BACK:  # mostly the newest, as people do
        meant = before[-1] if chance.random() < 0.7 else chance.choice(before)
        return ClockEvent(kind, when, due_at=meant.at)
    if chance.random() < 0.1:  # the fraction of a second is dropped, but tells what came first
        when += timedelta(microseconds=chance.randrange(1_000_000))
    if kind in (ClockKind.START, ClockKind.HAND_OVER):
        return ClockEvent(kind, when, unit=chance.choice((None, 1, 2, 3)))
    if kind is ClockKind.EXTEND and chance.random() < 0.5:
        return ClockEvent(kind, when, minutes=chance.choice((1, 30, 450, 1440, 1441, 2880)))
    if kind is ClockKind.EXTEND or (
        kind in (ClockKind.REOPEN, ClockKind.POLICY_CHANGE) and chance.random() < 0.3
    ):
        set_for = at + chance.choice((-DAY, 0, 3600, DAY, 3 * DAY, 9 * DAY)) + chance.choice((0, 1, 36_000))
        return ClockEvent(kind, when, due_at=instant(set_for))
    return ClockEvent(kind, when)
