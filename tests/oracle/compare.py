"""The engine held against the oracle, case by case; and engines broken on purpose, to show that it is seen.

    python -m tests.oracle.compare --cases 1000000

Exit code 1 with the first differing cases in words.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

from aggregator.domain import sla
from aggregator.domain.sla import ClockEvent, Due, Policy
from aggregator.domain.sla_units import time_by_unit
from aggregator.domain.worktime import Calendar
from tests.oracle.cases import Case, cases
from tests.oracle.minutes import DAY, Answer, Oracle, instant, wall

PART = 2_000
SHOWN = 10

Engine = Callable[[Policy, Calendar, Sequence[ClockEvent]], Due]


def differences(case: Case, engine: Engine = sla.due) -> list[str]:
    """What engine and oracle say differently about one case, in words; nothing where they agree."""
    expected = Oracle(case.policy, case.world.office).answer(case.events, case.now)
    found = _asked(case, engine)
    named = ("due", "soon", "stage", "used", "late", "next_change", "units")
    pairs = [(name, getattr(found, name), getattr(expected, name)) for name in named]
    pairs += _counted_both_ways(case)
    return [
        f"{name}: engine {_text(one)}, oracle {_text(other)}" for name, one, other in pairs if one != other
    ]


def _counted_both_ways(case: Case) -> Iterator[tuple[str, int, int]]:
    """The calendar alone: what was worked between two instants, its pieces, and the way back."""
    calendar, office = case.world.calendar, case.world.office
    begin, middle = wall(case.events[0].at), wall(case.events[-1].at)
    end = office.last_worked(max(begin, middle, case.now))
    whole = calendar.between(instant(begin), instant(end))
    yield "between", whole, office.measure(begin, end) - office.measure(end, begin)
    pieces = calendar.between(instant(begin), instant(middle)) + calendar.between(
        instant(middle), instant(end)
    )
    yield "pieces", pieces, whole
    if whole > 0:
        yield "add(between)", wall(calendar.add_seconds(instant(begin), whole)), end


def _asked(case: Case, engine: Engine) -> Answer:
    policy, calendar, now = case.policy, case.world.calendar, instant(case.now)
    due = engine(policy, calendar, case.events)
    units: dict[int | None, int] = {}
    for share in time_by_unit(policy, calendar, case.events, now):
        if share.seconds:
            units[share.unit] = units.get(share.unit, 0) + share.seconds
    change = sla.next_change(due, now)
    return Answer(
        wall(due.due_at), wall(due.due_soon_at), sla.stage(due, now).value, due.used_seconds, due.late,
        None if change is None else wall(change), units,
    )  # fmt: skip


def _text(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value > 365 * DAY:
        return f"{instant(value) + timedelta(hours=7):%a %Y-%m-%d %H:%M:%S}"
    return str(value)


def part(number: int, count: int = PART, engine: Engine = sla.due) -> tuple[int, list[str]]:
    """(cases compared, differences) of one part; the number is the seed."""
    told = []
    for case in cases(str(number), count):
        told += [f"{case.told()}\n    {line}" for line in differences(case, engine)]
    return count, told


def main() -> int:
    options = _options()
    os.nice(5)
    parts = -(-options.cases // PART)
    started, compared, told = time.monotonic(), 0, list[str]()
    with ProcessPoolExecutor(options.processes) as pool:
        for count, found in pool.map(part, range(options.first, options.first + parts)):
            compared += count
            told += found
            if compared % (25 * PART) == 0 or found:
                seconds = time.monotonic() - started
                print(f"{compared:>9,} cases, {len(told)} differences, {seconds:,.0f} s", flush=True)
            if len(told) > options.stop_after:
                pool.shutdown(cancel_futures=True)
                break
    print("\n".join(told[:SHOWN]))
    print(f"{compared:,} cases compared, {len(told)} differences")
    return 1 if told else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make oracle", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--first", type=int, default=0, help="the first part, where not all are wanted")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--stop-after", type=int, default=100, help="differences after which it ends")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
