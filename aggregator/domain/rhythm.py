"""When the silence of a channel is longer than its own habit, learned hour by hour of the week.

    hours with arrivals -> how sure each hour of the week brings something -> how unlikely the silence is

Principles. A channel is measured by itself and by nothing else: a night without reports is no news where
no night brought any, and three empty hours of a Monday morning are where every one was busy. What counts
is whether an hour brought anything, not how much: a backlog of thousands is one busy hour.

How it works. `p` of an hour of the week is the share of its past hours that brought something, drawn
towards nothing while there are few of them. A silence weighs the sum of -ln(1 - p) over its hours, and it
is an alarm once that is beyond `RARE` (one in ten thousand) and half as long again as the longest silence
the channel had before but one: one breakdown of the past must not teach that breakdowns are usual.
Days off (the office's holidays, Tết) are neither learned from nor counted.

Known exceptions: nothing is said in the first two weeks, nor with fewer than `FEWEST` busy hours. A channel
that fell quiet slowly is not noticed until its weeks of habit have gone by; reconciliation sees it.

Rejected: mean and deviation of counts (a flood makes everything after it look normal), a fixed number of
hours per channel (nobody keeps it up to date).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

#: What is looked back on, and the least that anything is said from.
LOOKED_BACK, LEAST = timedelta(weeks=8), timedelta(weeks=2)
FEWEST = 20
RARE = -math.log(1e-4)
BEYOND = 1.5
_HOUR = timedelta(hours=1)
_PART_H = 6

#: A weekday (Monday is 0) and a part of its day (0 night, 1 morning, 2 afternoon, 3 evening).
Part = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Usual:
    """How many reports the channel ordinarily has in a part of the week."""

    weekday: int
    part: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Silence:
    """`hours` since the last arrival; `usual` is the busiest part of the week that it fell upon."""

    alarm: bool
    hours: int
    usual: Usual | None


@dataclass(frozen=True, slots=True)
class Rhythm:
    """A channel's habit: the weight of each silent hour of the week, and its longest silences."""

    weights: tuple[float, ...]
    patience: float
    usual: Mapping[Part, Usual]
    zone: tzinfo
    off: Container[date]


def learn(hours: Mapping[datetime, int], zone: tzinfo, off: Container[date]) -> Rhythm | None:
    """The habit that `hours` show (start of an hour -> arrivals in it); None where they are too few."""
    busy = sorted(hour for hour, number in hours.items() if number > 0)
    if len(busy) < FEWEST or busy[-1] - busy[0] < LEAST:
        return None
    seen, active = [0] * 168, [0] * 168
    parts: dict[Part, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    span = [(hour, hour.astimezone(zone)) for hour in _hours(busy[0], busy[-1] + _HOUR)]
    span = [(hour, local) for hour, local in span if local.date() not in off]
    for hour, local in span:
        slot, number = _slot(local), hours.get(hour, 0)
        seen[slot] += 1
        active[slot] += number > 0
        parts[_part(local)][local.date()] += number
    weights = tuple(-math.log(1 - a / (s + 1)) for a, s in zip(active, seen, strict=True))
    usual = {part: _usual(part, sorted(days.values())) for part, days in parts.items()}
    longest = _longest([(hours.get(hour, 0), weights[_slot(local)]) for hour, local in span])
    return Rhythm(weights, max(RARE, BEYOND * longest), usual, zone, off)


def silence(rhythm: Rhythm, last: datetime, now: datetime) -> Silence:
    """What to think of nothing having come since the hour `last`."""
    weight, crossed = 0.0, set[Part]()
    for hour in _hours(last + _HOUR, now - _HOUR + timedelta(seconds=1)):
        local = hour.astimezone(rhythm.zone)
        if local.date() in rhythm.off:
            continue
        weight += rhythm.weights[_slot(local)]
        crossed.add(_part(local))
    found = [rhythm.usual[part] for part in crossed if part in rhythm.usual]
    busiest = max(found, key=lambda one: (one.low, one.high), default=None)
    return Silence(weight > rhythm.patience, int((now - last) / _HOUR), busiest)


def _longest(hours: list[tuple[int, float]]) -> float:
    """The weight of the longest silence but one."""
    weights, running = [0.0, 0.0], 0.0
    for number, weight in [*hours, (1, 0.0)]:
        if number:
            weights.append(running)
            running = 0.0
        else:
            running += weight
    return sorted(weights)[-2]


def _usual(part: Part, counts: list[int]) -> Usual:
    """Without the least and the most where there are enough weeks to leave them out."""
    inner = counts[1:-1] if len(counts) >= 5 else counts
    return Usual(*part, inner[0], inner[-1])


def _hours(first: datetime, end: datetime) -> list[datetime]:
    return [first + number * _HOUR for number in range(max(math.ceil((end - first) / _HOUR), 0))]


def _slot(local: datetime) -> int:
    return local.weekday() * 24 + local.hour


def _part(local: datetime) -> Part:
    return local.weekday(), local.hour // _PART_H
