"""Deadlines: which rule holds for a report, and what its clock says.

Principles
    - The log of clock events is the truth (I6). `due` reads nothing else, so replaying a log gives the
      same deadline for ever; stored columns are copies of its result.
    - Each rule measures in its own unit. A clock is a number that grows while it runs and stands still
      while it is paused: seconds for minutes, working seconds for working hours and working days,
      midnights for calendar days. **The time left when a clock is paused is the time left when it
      resumes**; that is the whole theory of pauses.
    - The due instant is the first one at which the number reaches the rule's amount; it is due soon when
      `warn_percent` of the working time up to then (minutes: of plain time) is used.
    - In doubt the clock runs: of a pause and a resume in the same instant the resume counts, of a stop
      and a reopening the reopening.

How it works
    `events | sort by time, then by kind | runs (stretches in which the clock runs) | reach(amount)`
    Minutes and hours begin at the instant itself; for days the day of receipt is not counted and a
    deadline ends when the office closes (Civil Code 91/2015/QH13, art. 147 and 148, see `worktime`).

    ============== ================ =============================== ==================================
    unit           measured in      due, when never paused          a pause gives back
    ============== ================ =============================== ==================================
    minutes        seconds          by the clock, day and night     its length
    working_hours  working seconds  after that much working time    its working time
    working_days   working seconds  close of the n-th working day   its working time
    calendar_days  midnights        close of the n-th day, rolled   one day for each midnight in it
    ============== ================ =============================== ==================================

Events
    START begins; a START after a STOP begins afresh (the reopening policy "a new clock"); others are
    ignored. PAUSE, RESUME: a second PAUSE or an unneeded RESUME changes nothing. STOP ends everything,
    also an open pause, whose time is given back. VOID says that the open pause was a mistake: the clock
    reads as if it had never stopped. TAKEN_BACK says the same of what an answer told the clock (stop, resume,
    extend) at the instant that it names. REOPEN goes on where STOP left off; the time between is not counted.
    EXTEND adds `minutes` of the rule's own time (calendar days: whole days, 1440 minutes
    each, begun ones count), or sets the deadline to `due_at`. POLICY_CHANGE says that the rule passed in
    replaces an earlier one: pauses and added minutes stay, a date set before it does not. HAND_OVER moves no
    deadline; it says which unit the time from then on is spent by (`sla_units`). PAUSE, RESUME
    and EXTEND of a stopped clock are ignored: what was late stays late.

Known exceptions
    - A promised `due_at` stands exactly, even at night, until a later pause or reopening moves it by the
      rule's own time.
    - While a clock is paused, `due_at` is where it would end if it resumed at once. Pausing does not hide
      lateness: what was overdue when paused is OVERDUE, not PAUSED.
    - An answer in the very second of the deadline is in time, though from that second on the list says
      overdue.

Dropped
    Adding the length of a pause to the received instant (wrong around weekends); rounding pauses to
    minutes (they no longer add up); counting pauses of working-day rules in whole days (two minutes over
    a closing time would give a day away); deriving stages from a stored "remaining time" counter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from aggregator.domain.sla_clock import Clock, ClockEvent, ClockKind, Days, Meter, pace_of, replay
from aggregator.domain.sla_policy import Policy, Reopening, Step, Unit, choose
from aggregator.domain.sla_sentence import DayNote, Story
from aggregator.domain.worktime import Calendar, from_second, to_second

__all__ = [
    "ClockEvent",
    "ClockKind",
    "CountedPause",
    "DayNote",
    "Due",
    "Explanation",
    "Policy",
    "Reopening",
    "Stage",
    "Step",
    "Unit",
    "choose",
    "due",
    "explain",
    "next_change",
    "stage",
]


@dataclass(frozen=True, slots=True)
class Due:
    """What a clock says. `used_seconds` is the working time it ran up to its last event (minutes: plain
    time). `spans` is filled by `explain` only."""

    due_at: datetime
    due_soon_at: datetime
    paused: bool
    stopped_at: datetime | None
    used_seconds: int
    spans: tuple[tuple[datetime, datetime], ...] = ()
    paused_at: datetime | None = None

    @property
    def late(self) -> bool | None:
        """Whether the work was finished after its deadline; None while it is not finished."""
        return None if self.stopped_at is None else self.stopped_at > self.due_at


class Stage(StrEnum):
    """What a list shows about a deadline."""

    NONE = "none"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    PAUSED = "paused"
    DONE = "done"


def stage(due: Due, now: datetime) -> Stage:
    """The stage at `now`; due_soon and overdue begin in the very second they name."""
    if due.stopped_at is not None:
        return Stage.DONE
    if due.paused_at is not None:
        return Stage.OVERDUE if due.due_at <= due.paused_at else Stage.PAUSED
    if now >= due.due_at:
        return Stage.OVERDUE
    return Stage.DUE_SOON if now >= due.due_soon_at else Stage.NONE


def next_change(due: Due, now: datetime) -> datetime | None:
    """The next instant the stage changes without anybody's doing, None where it never will."""
    if due.stopped_at is not None or due.paused_at is not None or now >= due.due_at:
        return None
    return due.due_soon_at if now < due.due_soon_at else due.due_at


def due(policy: Policy, calendar: Calendar, events: Sequence[ClockEvent]) -> Due:
    """What the clock says by its log alone, in whatever order the events are given.

    Raises InputInvalid for a log without START, CalendarExhausted where no working time is left.
    """
    return _due(policy, calendar, replay(policy, calendar, events))


def _due(policy: Policy, calendar: Calendar, clock: Clock) -> Due:
    due_second = clock.due_second()
    pace = pace_of(policy, calendar)
    whole = _whole(policy, clock, pace, due_second)
    soon = clock.reach(pace, whole * policy.warn_percent // 100)
    return Due(
        due_at=from_second(due_second),
        due_soon_at=from_second(soon if soon < due_second else due_second),
        paused=clock.paused_at is not None,
        stopped_at=None if clock.stopped_at is None else from_second(clock.stopped_at),
        used_seconds=clock.spent(pace, clock.seen),
        paused_at=None if clock.paused_at is None else from_second(clock.paused_at),
    )


def _whole(policy: Policy, clock: Clock, pace: Meter, due_second: int) -> int:
    """The time from start to deadline in which the clock ran, told in `pace`."""
    if clock.promised is None and policy.unit is not Unit.CALENDAR_DAYS:
        return clock.budget + clock.added  # is counted in `pace` itself, so that much it is
    whole = clock.spent(pace, due_second)
    if clock.since is None and clock.runs[-1][1] < due_second:
        whole += pace.measure(clock.runs[-1][1], due_second)  # as if it went on from where it stands
    return whole


def _counted(clock: Clock, due_second: int) -> list[tuple[int, int]]:
    """The stretches counted towards the deadline: those the clock ran, the last one on to the deadline."""
    runs = clock.runs_until(due_second)
    if runs and clock.since is None and len(runs) == len(clock.runs):
        runs[-1] = (runs[-1][0], due_second)
    return runs


@dataclass(frozen=True, slots=True)
class CountedPause:
    """A stretch in which the clock stood still; `seconds` of its own time, None while it lasts."""

    start: datetime
    end: datetime | None
    seconds: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A deadline with its arithmetic. `unknown_years`: years it touches for which nobody entered days."""

    policy: Policy
    due: Due
    pauses: tuple[CountedPause, ...]
    skipped: tuple[DayNote, ...]
    made_up: tuple[DayNote, ...]
    unknown_years: tuple[int, ...]
    sentence_vi: str
    sentence_en: str


def explain(policy: Policy, calendar: Calendar, events: Sequence[ClockEvent]) -> Explanation:
    """The same deadline as `due`, with every span it counted, every pause and day off, and a sentence."""
    clock = replay(policy, calendar, events)
    plain = _due(policy, calendar, clock)
    result = replace(plain, spans=tuple(_spans(policy, calendar, _counted(clock, to_second(plain.due_at)))))
    pauses = _pauses(policy, calendar, clock)
    skipped, made_up = _special_days(policy, calendar, clock.began, to_second(plain.due_at))
    first, last = from_second(clock.began).astimezone(calendar.zone), plain.due_at.astimezone(calendar.zone)
    story = Story(
        amount=policy.amount,
        unit=policy.unit.value,
        start=first,
        due=last,
        skipped=skipped if policy.unit in _OFFICE_UNITS else (),
        made_up=made_up if policy.unit in _OFFICE_UNITS else (),
        rolled=_rolled(policy, calendar, clock, last),
        paused_seconds=sum(pause.seconds or 0 for pause in pauses if pause.start < plain.due_at),
        added_minutes=clock.added_minutes if clock.promised is None else 0,
        promised=clock.promised is not None,
        paused_at=plain.paused_at and plain.paused_at.astimezone(calendar.zone),
        stopped_at=plain.stopped_at and plain.stopped_at.astimezone(calendar.zone),
    )
    unknown = tuple(year for year in range(first.year, last.year + 1) if year not in calendar.years_decided)
    return Explanation(
        policy=policy,
        due=result,
        pauses=pauses,
        skipped=skipped,
        made_up=made_up,
        unknown_years=() if policy.unit is Unit.MINUTES else unknown,
        sentence_vi=story.vietnamese(),
        sentence_en=story.english(),
    )


_OFFICE_UNITS: Final = frozenset({Unit.WORKING_HOURS, Unit.WORKING_DAYS})


def _spans(
    policy: Policy, calendar: Calendar, runs: list[tuple[int, int]]
) -> Iterable[tuple[datetime, datetime]]:
    for start, end in runs:
        if policy.unit in _OFFICE_UNITS:
            yield from calendar.spans(from_second(start), from_second(end))
        else:
            yield from_second(start), from_second(end)


def _pauses(policy: Policy, calendar: Calendar, clock: Clock) -> tuple[CountedPause, ...]:
    """Pauses with the time they gave back; calendar days as whole days of 24 hours."""
    unit = 86_400 if isinstance(clock.meter, Days) else 1
    closed = [
        CountedPause(from_second(start), from_second(end), clock.meter.measure(start, end) * unit, reason)
        for start, end, reason in clock.pauses
    ]
    if clock.paused_at is not None:
        closed.append(CountedPause(from_second(clock.paused_at), None, None, clock.pause_reason))
    return tuple(closed)


def _special_days(
    policy: Policy, calendar: Calendar, began: int, due_second: int
) -> tuple[tuple[DayNote, ...], tuple[DayNote, ...]]:
    """Days off between start and deadline, and days worked against their weekday."""
    off: list[DayNote] = []
    made_up: list[DayNote] = []
    receipt_counts = policy.unit in {Unit.MINUTES, Unit.WORKING_HOURS}
    first = calendar.ordinal(began) + (not receipt_counts)
    for ordinal in range(first, calendar.ordinal(due_second) + 1):
        day = date.fromordinal(ordinal)
        row = calendar.override_on(day)
        if not calendar.is_working_day(day):
            off.append(DayNote(day, row.note if row else ""))
        elif row is not None and day.weekday() >= 5:
            made_up.append(DayNote(day, row.note))
    return tuple(off), tuple(made_up)


def _rolled(policy: Policy, calendar: Calendar, clock: Clock, due_local: datetime) -> bool:
    """Whether the last calendar day was a day off, so that the deadline moved to a later one."""
    if not isinstance(clock.meter, Days) or clock.promised is not None:
        return False
    paused = sum(clock.meter.measure(start, end) for start, end, _ in clock.pauses)
    nominal = calendar.ordinal(clock.began) + clock.budget + clock.added + paused
    return nominal < due_local.toordinal() and not calendar.is_working_day(date.fromordinal(nominal))
