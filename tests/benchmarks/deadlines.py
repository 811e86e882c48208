"""How fast a deadline is computed, beside businesstimedelta, and what a sweep costs among many open cases.

    python -m tests.benchmarks.deadlines                              the engine, and 10,000 and 100,000 open
    python -m tests.benchmarks.deadlines --counts 10000 1000000      the goal's own size
    python -m tests.benchmarks.deadlines --only engine

    random instants of five years | both sides, same answers | CPU of each
    open cases in bulk | a thousand come due | sweep until nothing is left | CPU, the server's included

businesstimedelta (MIT, https://pypi.org/project/businesstimedelta) walks from shift to shift; it is given the
same week, the same days off and no make-up days, because it knows none, and the same questions: working
time to add. What a deadline costs us in full (the log read, the warning, the stage) is told beside it.
What may surprise: the cases of the sweep are written by tables and hold no reports; a sweep asks for none.
Exit code 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime, timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from aggregator.domain import sla
from aggregator.domain.shifts import WARD_WEEK, DayOverride
from aggregator.domain.sla import ClockEvent, ClockKind, Policy, Unit
from aggregator.domain.worktime import Calendar
from aggregator.services.holiday_seed import vietnam_days
from aggregator.storage import migrate
from aggregator.storage.bulk import insert_rows
from aggregator.storage.case_tables import cases
from tests import factories
from tests.benchmarks.meters import cpu_of, cpu_of_processes, server_processes
from tests.benchmarks.table import Figure, at_least, at_most, lines, told
from tests.factories import Office
from tests.postgres_server import running

A_SECOND, TIMES_FASTER = 100_000, 50
FEW, DUE, GROWTH = 10_000, 1_000, 2.0
#: Waves of newly due cases, of which the median counts; the first one warms caches.
WAVES = 6
FIRST_YEAR, LAST_YEAR = 2024, 2028
_VN = ZoneInfo("Asia/Ho_Chi_Minh")


def measure(engines: Sequence[str], counts: Sequence[int]) -> Iterator[tuple[str, list[Figure]]]:
    yield f"A deadline, calendar of {FIRST_YEAR} to {LAST_YEAR}", list(engine())
    for database in engines:
        title = f"A sweep with {DUE:,} newly due on {database}"
        yield title, list(_sweeps(database, counts))


# The engine ------------------------------------------------------------------------------------------


def engine() -> Iterator[Figure]:
    """Deadlines a CPU second, and how many times faster than the peer."""
    holidays = [row.day for row in vietnam_days(FIRST_YEAR, LAST_YEAR) if not row.works]
    calendar = Calendar(
        WARD_WEEK, [DayOverride(day, works=False) for day in holidays],
        first_year=FIRST_YEAR, last_year=LAST_YEAR,
    )  # fmt: skip
    chance = Random(5)
    span = int(timedelta(days=365 * 5 - 90).total_seconds())
    begin = datetime(FIRST_YEAR, 1, 1, tzinfo=_VN).astimezone(UTC)
    starts = [begin + timedelta(seconds=chance.randrange(span)) for _ in range(4_000)]
    hours = [chance.choice((1, 4, 8, 16, 40, 80)) for _ in starts]
    asked = list(zip(starts, hours, strict=True))
    for unit, amount in ((Unit.WORKING_DAYS, 10), (Unit.WORKING_HOURS, 8), (Unit.CALENDAR_DAYS, 10)):
        rate = 1 / _a_deadline(_policy(unit, amount), calendar, starts)
        yield at_least(f"whole deadlines of {amount} {unit.replace('_', ' ')}", rate, A_SECOND, "a CPU s")
    paused = 1 / _a_deadline(_policy(Unit.WORKING_DAYS, 10), calendar, starts, paused=True)
    yield told("the same in working days, paused and resumed", paused, "a CPU s")
    ours = _each(partial(_add_ours, calendar, asked), len(asked), 10)
    yield at_least("working time added", 1 / ours, A_SECOND, "a CPU s")
    yield from _beside_peer(calendar, holidays, asked, ours)


def _policy(unit: Unit, amount: int) -> Policy:
    return Policy(1, 1, "Kết quả", "result", amount, unit, date(2020, 1, 1))


def _a_deadline(
    policy: Policy, calendar: Calendar, starts: Sequence[datetime], *, paused: bool = False
) -> float:
    """CPU seconds of one deadline from its log."""
    kinds = (ClockKind.START, ClockKind.PAUSE, ClockKind.RESUME)[: 3 if paused else 1]
    apart = timedelta(hours=30)
    logs = [[ClockEvent(kind, at + n * apart) for n, kind in enumerate(kinds)] for at in starts]

    def all_of_them() -> None:
        for log in logs:
            sla.due(policy, calendar, log)

    return _each(all_of_them, len(logs), 5)


def _add_ours(calendar: Calendar, asked: Sequence[tuple[datetime, int]]) -> list[datetime]:
    return [calendar.add_working(start, 60 * hours) for start, hours in asked]


def _beside_peer(
    calendar: Calendar, holidays: Sequence[date], asked: Sequence[tuple[datetime, int]], ours: float
) -> Iterator[Figure]:
    if find_spec("businesstimedelta") is None:
        yield told("businesstimedelta is not installed (make peers)", 0)
        return
    few = asked[:300]
    rules, add = _peer(holidays)
    theirs_found = [add(start, hours) for start, hours in few]
    same = sum(one == other for one, other in zip(theirs_found, _add_ours(calendar, few), strict=True))
    theirs = _each(lambda: [add(start, hours) for start, hours in few], len(few), 1)
    yield told("businesstimedelta", 1 / theirs, "a CPU s", f"{rules} rules")
    yield at_least("  the same answers, of 300", same, len(few))
    yield at_least("  times faster than it", theirs / ours, TIMES_FASTER, "x")


def _peer(holidays: Sequence[date]) -> tuple[int, Callable[[datetime, int], datetime]]:
    import businesstimedelta
    import pytz  # what businesstimedelta reads zones with

    week, zone = sorted(WARD_WEEK), pytz.timezone(str(_VN))
    shifts = [businesstimedelta.WorkDayRule(one.start, one.end, week, tz=zone) for one in WARD_WEEK[0]]
    off = businesstimedelta.HolidayRule(set(holidays), tz=zone)
    rules = businesstimedelta.Rules([*shifts, off])
    return len(
        shifts
    ) + 1, lambda start, hours: start + businesstimedelta.BusinessTimeDelta(rules, hours=hours)


def _each(work: Callable[[], Any], size: int, times: int) -> float:
    """CPU seconds of one of `size`: the median of three runs."""
    work()
    return statistics.median(cpu_of(work, times) for _ in range(3)) / size


# The sweep -------------------------------------------------------------------------------------------


def _sweeps(database: str, counts: Sequence[int]) -> Iterator[Figure]:
    costs = {count: _swept(database, count) for count in counts}
    for count, (sweep, first) in costs.items():
        yield told(f"among {count:,} open", 1e6 * sweep / DUE, "µs CPU a case")
        yield told("  a worker's first sweep", 1000 * first, "ms CPU", "looks for what a wrong clock wrote")
    few, many = min(counts), max(counts)
    if many > few:
        growth = costs[many][0] / costs[few][0]
        yield at_most(f"among {many:,} against {few:,}", growth, GROWTH, "x")


def _swept(database: str, count: int) -> tuple[float, float]:
    """(CPU seconds of sweeping a wave, of a worker's first sweep), the server's included."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="motmoi-bench-")))
        url = f"sqlite:///{folder}/motmoi.db"
        if database == "postgres":
            url = stack.enter_context(stack.enter_context(running()).fresh())
        migrate.upgrade(url)
        factories.seed(url)
        office = stack.enter_context(closing(Office(url, folder)))
        _fill(office, count)
        server = server_processes() if database == "postgres" else []
        first = _cost(server, office.deadlines.sweep)
        waves = []
        for _ in range(WAVES):
            office.clock.forward(hours=1)
            waves.append(_cost(server, partial(_sweep_all, office)))
        return statistics.median(waves[1:]), first


def _sweep_all(office: Office) -> None:
    written = 0
    while part := office.deadlines.sweep():
        written += part
    assert written == DUE, f"{written} came due"


def _cost(server: list[Any], work: Callable[[], Any]) -> float:
    started = time.process_time() + cpu_of_processes(server)
    work()
    return time.process_time() + cpu_of_processes(server) - started


def _fill(office: Office, count: int) -> None:
    """Open cases: each wave's thousand spread among the others, which are due in a year."""
    channel = office.run("1022").channel_id
    now = office.clock()
    every = count // (DUE * (WAVES + 1))
    for begin in range(0, count, 20_000):
        numbers = range(begin, min(begin + 20_000, count))
        with office.db.write() as tx:
            insert_rows(tx, cases, [_case(n, channel, now, every) for n in numbers])
    if office.db.dialect == "postgresql":
        with office.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as tx:
            tx.execute(text("VACUUM ANALYZE"))


def _case(number: int, channel: int, now: datetime, every: int) -> dict[str, Any]:
    nth, rest = divmod(number, every)
    wave, place = nth % WAVES, nth // WAVES
    in_a_wave = rest == 0 and place < DUE
    due_soon = (
        now + timedelta(minutes=30, hours=wave) if in_a_wave else now + timedelta(days=365, minutes=number)
    )
    due_at = due_soon + timedelta(days=400)
    return {
        "id": number + 1, "code": f"26-{number + 1:07}", "ward_code": factories.WARD_A, "title": "Ổ gà",
        "extract": "Ổ gà rất to giữa đường.", "channel_id": channel, "status": "in_progress",
        "is_open": True, "received_at": now, "opened_at": now, "due_at": due_at, "due_step": "result",
        "stage": "none", "next_at": due_soon, "sort_at": due_at, "report_count": 1, "unread": False,
        "delivery_problem": False, "version": 1,
    }  # fmt: skip


def main() -> int:
    options = _options()
    missed: list[Figure] = []
    subjects = (
        [("A deadline", list(engine()))]
        if options.only == "engine"
        else measure(options.engines, options.counts)
    )
    for title, figures in subjects:
        print("\n".join(lines(title, figures)), flush=True)
        missed += [figure for figure in figures if not figure.ok]
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[FEW, 10 * FEW], help="open cases")
    parser.add_argument("--only", choices=("engine",))
    parser.add_argument(
        "--engines", nargs="+", choices=("sqlite", "postgres"), default=["sqlite", "postgres"]
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
