"""Engine and oracle agree on thousands of odd clocks; `make oracle` asks about a million.

Had they agreed because nobody looks, the broken engines below would pass unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache

import pytest

from aggregator.domain import sla
from aggregator.domain.shifts import Shift
from aggregator.domain.sla import ClockEvent, ClockKind, Due, Policy
from aggregator.domain.worktime import Calendar
from tests.oracle.cases import Case, World, cases
from tests.oracle.compare import Engine, differences, part


def test_thousands_of_random_clocks_say_what_the_oracle_says() -> None:
    compared, told = part(number=-1, count=5_000)
    assert (compared, told) == (5_000, [])


def test_the_same_seed_gives_the_same_cases() -> None:
    first, second = ([case.told() for case in cases("again", 50)] for _ in range(2))
    assert first == second


def test_the_cases_hold_what_they_are_meant_to() -> None:
    events = [case.events for case in cases("what is in it", 1_000)]
    kinds = {event.kind for log in events for event in log}
    assert kinds == set(ClockKind)
    days = {f"{event.at + timedelta(hours=7):%Y-%m-%d}" for log in events for event in log}
    assert {"2026-01-02", "2026-01-10", "2026-02-16", "2026-08-22", "2028-02-29"} <= days


# Engines broken on purpose -----------------------------------------------------------------------


def _lunch_counts(world: World) -> Calendar:
    week = {day: (Shift(shifts[0].start, shifts[-1].end),) for day, shifts in world.week.items() if shifts}
    return Calendar(week, world.rows, first_year=2025, last_year=2028)


def _no_make_up_days(world: World) -> Calendar:
    rows = [row for row in world.rows if not row.works]
    return Calendar(world.week, rows, first_year=2025, last_year=2028)


def _tet_is_worked(world: World) -> Calendar:
    rows = [row for row in world.rows if row.day.month != 2]
    return Calendar(world.week, rows, first_year=2025, last_year=2028)


def _pauses_by_the_wall(policy: Policy, calendar: Calendar, events: Sequence[ClockEvent]) -> Due:
    """As if the length of a pause were simply put behind the deadline."""
    due = sla.due(policy, calendar, events)
    if due.stopped_at or due.paused_at:
        return due
    paused, since = timedelta(), None
    for event in sorted(events, key=lambda one: one.at):
        if event.kind is ClockKind.PAUSE:
            since = since or event.at
        elif event.kind is ClockKind.RESUME and since:
            paused, since = paused + (event.at - since), None
    running = [event for event in events if event.kind not in (ClockKind.PAUSE, ClockKind.RESUME)]
    plain = sla.due(policy, calendar, running)
    return Due(plain.due_at + paused, plain.due_soon_at, plain.paused, plain.stopped_at, plain.used_seconds)


def _a_second_late(policy: Policy, calendar: Calendar, events: Sequence[ClockEvent]) -> Due:
    due = sla.due(policy, calendar, events)
    return Due(
        due.due_at + timedelta(seconds=1), due.due_soon_at, due.paused, due.stopped_at, due.used_seconds,
        paused_at=due.paused_at,
    )  # fmt: skip


@pytest.mark.parametrize("broken", [_lunch_counts, _no_make_up_days, _tet_is_worked])
def test_a_wrong_calendar_is_seen(broken: Callable[[World], Calendar]) -> None:
    wrong = cache(broken)

    def blind(case: Case) -> Engine:
        return lambda policy, _, events: sla.due(policy, wrong(case.world), events)

    assert sum(bool(differences(case, blind(case))) for case in cases("wrong calendar", 600)) > 5


@pytest.mark.parametrize("broken", [_pauses_by_the_wall, _a_second_late])
def test_a_wrong_arithmetic_is_seen(broken: Engine) -> None:
    assert sum(bool(differences(case, broken)) for case in cases("wrong arithmetic", 600)) > 20
