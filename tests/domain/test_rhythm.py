"""Silence as the channel's own habit sees it: weeks of arrivals drawn by hand, then nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.domain.rhythm import Rhythm, learn, silence

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
FIRST = datetime(2026, 9, 7, tzinfo=ZONE)  # a Monday
WEEKS = 8
END = FIRST + timedelta(weeks=WEEKS)  # Monday 2 November, midnight
HOUR = timedelta(hours=1)

Shape = Callable[[datetime], int]


def office(at: datetime) -> int:
    """Some reports in every hour of working days, none at night and at the week's end."""
    return 1 + at.day % 3 if at.weekday() < 5 and 7 <= at.hour < 17 else 0


def always(at: datetime) -> int:
    return 2


def seldom(at: datetime) -> int:
    """One on the morning of each working day, at another hour each day."""
    return int(at.weekday() < 5 and at.hour == 8 + at.day % 4)


def weeks(shape: Shape, off: tuple[date, ...] = ()) -> dict[datetime, int]:
    hours = [FIRST + number * HOUR for number in range(WEEKS * 168)]
    return {at: shape(at) for at in hours if at.date() not in off and shape(at)}


def habit(shape: Shape, off: tuple[date, ...] = ()) -> tuple[Rhythm, datetime]:
    found = weeks(shape, off)
    rhythm = learn(found, ZONE, frozenset(off))
    assert rhythm is not None
    return rhythm, max(found)


TET = tuple(date(2026, 11, day) for day in range(2, 9))

#: shape, days off ahead, hours of silence after the last arrival -> alarm, and why
TABLE = [
    (office, (), 14, False, "a night is quiet as every night"),
    (office, (), 63, False, "so is a week's end"),
    (office, (), 66, False, "and the first hours of a Monday"),
    (office, (), 72, True, "but not Monday until the evening"),
    (office, TET, 8 * 24, False, "a week of Tết brings nobody"),
    (office, TET, 11 * 24, True, "the week after it does"),
    (always, (), 3, False, "three hours may happen"),
    (always, (), 9, True, "nine do not"),
    (seldom, (), 72, False, "a day without the one report"),
    (seldom, (), 20 * 24, True, "three weeks of them"),
]


@pytest.mark.parametrize(("shape", "off", "hours", "alarm", "why"), TABLE)
def test_a_silence_is_an_alarm_only_where_it_breaks_the_habit(
    shape: Shape, off: tuple[date, ...], hours: int, alarm: bool, why: str
) -> None:
    rhythm, last = habit(shape, off)
    assert silence(rhythm, last, last + hours * HOUR).alarm is alarm, why


def test_the_reason_names_the_busiest_part_of_the_week_that_passed() -> None:
    rhythm, last = habit(office)  # Friday 16 h
    found = silence(rhythm, last, last + timedelta(hours=72))
    assert found.usual is not None and found.hours == 72
    assert (found.usual.weekday, found.usual.part) == (0, 1)  # Monday morning
    assert 5 <= found.usual.low <= found.usual.high <= 15


def test_a_flood_is_one_busy_hour_and_one_breakdown_is_no_habit() -> None:
    flooded = weeks(office)
    flooded[max(flooded)] = 50_000
    broken = {at: n for at, n in weeks(office).items() if not 14 <= (at - FIRST).days < 19}
    for found in (flooded, broken):
        rhythm = learn(found, ZONE, frozenset())
        assert rhythm is not None
        assert silence(rhythm, max(found), max(found) + timedelta(hours=80)).alarm


def test_nothing_is_said_from_little() -> None:
    few = {FIRST + number * timedelta(days=3): 1 for number in range(15)}
    short = {FIRST + number * HOUR: 1 for number in range(100)}
    assert learn({}, ZONE, frozenset()) is None
    assert learn(few, ZONE, frozenset()) is None
    assert learn(short, ZONE, frozenset()) is None


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(0, WEEKS * 168 - 1), min_size=30, max_size=400), st.integers(0, 400))
def test_a_longer_silence_is_never_less_of_an_alarm(numbers: set[int], hours: int) -> None:
    found = {FIRST + number * HOUR: 1 for number in numbers}
    rhythm = learn(found, ZONE, frozenset())
    if rhythm is None:
        return
    last = max(found)
    now, later = (silence(rhythm, last, last + (hours + more) * HOUR) for more in (0, 24))
    assert later.alarm >= now.alarm
