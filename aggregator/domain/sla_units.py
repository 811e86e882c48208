"""Whose time it was: the time of one clock, shared out among the units that had the case.

Promises that the shares add up to `Due.used_seconds`, so that the last unit is not blamed for the
first one's days. What would surprise: a pause belongs to nobody, and time before any unit had the case
is nobody's (`None`) and told as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aggregator.domain.sla_clock import ClockEvent, ClockKind, pace_of, replay
from aggregator.domain.sla_policy import Policy
from aggregator.domain.worktime import Calendar, from_second, to_second


@dataclass(frozen=True, slots=True)
class UnitTime:
    """One unit's stretch with the case; `seconds` of working time (minutes: plain time) in which the
    clock ran."""

    unit: int | None
    start: datetime
    end: datetime | None
    seconds: int


def time_by_unit(
    policy: Policy, calendar: Calendar, events: Sequence[ClockEvent], now: datetime
) -> tuple[UnitTime, ...]:
    """The stretches in order up to `now`, or up to the stop; neighbours of one unit are one stretch.

    Raises InputInvalid for a log without START.
    """
    known = [event for event in events if event.at <= now]
    if events and not any(event.kind is ClockKind.START for event in known):
        return ()  # it begins later than `now`: nobody's time is used yet
    clock = replay(policy, calendar, known)
    pace = pace_of(policy, calendar)
    until = to_second(now) if clock.stopped_at is None else clock.stopped_at
    hands = _hands(events, until)
    runs = clock.runs_until(until)
    found = []
    for number, (second, unit) in enumerate(hands):
        last = number + 1 == len(hands)
        end = until if last else hands[number + 1][0]
        seconds = sum(
            pace.measure(max(start, second), min(stop, end))
            for start, stop in runs
            if start < end and stop > second
        )
        open_end = last and clock.stopped_at is None
        found.append(UnitTime(unit, from_second(second), None if open_end else from_second(end), seconds))
    return tuple(found)


def _hands(events: Sequence[ClockEvent], until: int) -> list[tuple[int, int | None]]:
    """When each unit took the case, in order; taking it from oneself is no change."""
    hands: list[tuple[int, int | None]] = []
    for event in sorted(events, key=lambda each: (each.at, each.kind is ClockKind.HAND_OVER)):
        if event.kind not in (ClockKind.START, ClockKind.HAND_OVER) or to_second(event.at) > until:
            continue
        if event.kind is ClockKind.START and hands:
            continue  # a clock that began afresh stays with who has the case
        if not hands or hands[-1][1] != event.unit:
            hands.append((to_second(event.at), event.unit))
    return hands
