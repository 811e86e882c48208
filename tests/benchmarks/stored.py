"""What one arriving report costs where many are stored: through intake, on both databases.

    python -m tests.benchmarks.stored                              10,000 and 100,000 stored
    python -m tests.benchmarks.stored --counts 10000 100000 1000000
    python -m tests.benchmarks.stored --engines sqlite

    past reports in bulk | new ones in pages, as a poll brings them | CPU of this process and the server's

The city grows as a city does: more wards first (up to 168), each corner with streets of its own, then
more years. The past is written by
tables, not through intake, with what intake would read of it: reports, what they are compared by, their
keys, cases (closed or open as the stream has it) and memberships; new reports go on with the streets,
problems and people of a stored ward. What may surprise: the growth exponent is of CPU time, which a disk
cannot flatter; statements and the database's own work units are told beside it and do not depend on the
machine at all. Exit code 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import gc
import math
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Table, text

from aggregator.cli import GC_AFTER
from aggregator.domain import matching
from aggregator.domain.matching import Traits, traits
from aggregator.domain.text import e164, squash
from aggregator.sdk.contract import Record
from aggregator.services.matching_index import Matcher
from aggregator.services.rules import Book
from aggregator.services.stored_index import StoredCandidates
from aggregator.storage import match_queries, migrate
from aggregator.storage.bulk import insert_rows
from aggregator.storage.case_tables import cases, memberships
from aggregator.storage.db import Database, Tx
from aggregator.storage.place_tables import wards
from aggregator.storage.report_tables import reports
from tests import factories
from tests.benchmarks import streams
from tests.benchmarks.meters import cpu_of_processes, server_processes, watched
from tests.benchmarks.streams import HELD, Report
from tests.benchmarks.table import Figure, at_most, lines, told
from tests.factories import RULES, Office, record
from tests.postgres_server import Server, running

SEED, DAYS = 7, 60
#: Past reports are made in parts of so many, each of twelve wards and sixty days.
PART, WARDS_A_PART, MOST_WARDS = 10_000, 12, 168
#: When the answer to a past report is due: before that to a new one, as a rule.
OWED = timedelta(days=15)
#: How the streams number the wards of the held half.
_FIRST_WARD = 26_001
#: New reports: taken in, in pages; and looked up only.
NEW, PAGE, LOOKED_UP = 2_000, 100, 500
#: Cost of a report with the most behind it against the least (as performance.md asks of intake).
GROWTH, EXPONENT = 1.2, 0.10
CHANNEL = "1022"


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU milliseconds of one new report, and what a page of them asks of the database."""

    intake: float
    server: float
    lookup: float
    judgement: float
    statements: int
    units: int
    plans: tuple[str, ...]

    @property
    def whole(self) -> float:
        return self.intake + self.server


def measure(engines: Sequence[str], counts: Sequence[int]) -> Iterator[tuple[list[str], list[Figure]]]:
    for engine in engines:
        costs = {count: _cost(engine, count) for count in counts}
        figures = [figure for count, cost in costs.items() for figure in _told(count, cost)]
        few, many = min(costs), max(costs)
        if many > few:
            grown = costs[many].whole / costs[few].whole
            looking = _finding(costs[many]) / _finding(costs[few])
            span = math.log(many / few)
            figures += [
                at_most(f"a report at {many:,} against {few:,}", grown, GROWTH, "x"),
                at_most("growth exponent, whole intake", math.log(grown) / span, EXPONENT),
                at_most("growth exponent, lookup and judgement", math.log(looking) / span, EXPONENT),
            ]
        plans = costs[many].plans
        yield [*lines(f"a new report on {engine}", figures), *(f"  {plan}" for plan in plans), ""], figures


def _finding(cost: Cost) -> float:
    return cost.lookup + cost.judgement


def _told(count: int, cost: Cost) -> list[Figure]:
    note = f"server {cost.server:.2f}" if cost.server else ""
    return [
        told(f"intake at {count:,} stored", cost.whole, "ms CPU", note=note),
        told("  of it lookup", cost.lookup, "ms CPU"),
        told("  of it judgement", cost.judgement, "ms CPU"),
        told(f"  statements a page of {PAGE}", cost.statements),
        told(f"  work units of the lookup, a page of {PAGE}", cost.units),
    ]


# One database --------------------------------------------------------------------------------------


def _cost(engine: str, count: int) -> Cost:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="motmoi-bench-")))
        server: Server | None = None
        url = f"sqlite:///{folder}/motmoi.db"
        if engine == "postgres":
            server = stack.enter_context(running())
            url = stack.enter_context(server.fresh())
        migrate.upgrade(url)
        factories.seed(url)
        office = stack.enter_context(closing(Office(url, folder)))
        office.run(CHANNEL)
        _fill(office, count)
        return _arrive(office, _newest(count)[-NEW:], server_processes() if server else [])


def _arrive(office: Office, new: list[Report], server: list[psutil.Process]) -> Cost:
    """Page after page through intake; the last reports are looked up only, by hands that know none."""
    office.clock.at = _at(new[-1].row["received_at"]) + timedelta(hours=1)
    records = [_record(one) for one in new]
    pages = [records[at : at + PAGE] for at in range(0, len(records) - LOOKED_UP, PAGE)]
    office.receives(CHANNEL, *pages[0])  # compiles the statements, reads the rules
    started, served = time.process_time(), cpu_of_processes(server)
    for page in pages[1:-1]:
        office.receives(CHANNEL, *page)
    taken = sum(map(len, pages[1:-1])) / 1000
    intake, served = (time.process_time() - started) / taken, (cpu_of_processes(server) - served) / taken
    with watched(office.db) as seen:
        office.receives(CHANNEL, *pages[-1])
    statements = sum(not statement.startswith("BEGIN") for statement, _ in seen.statements)
    lookup, judgement = _look_up(office, new[-LOOKED_UP:])
    units, plans = _plans(office, new[-PAGE:])
    return Cost(intake, served, lookup, judgement, statements, units, plans)


def _look_up(office: Office, new: list[Report]) -> tuple[float, float]:
    """(lookup, judgement) in CPU milliseconds of this process a report."""
    looking = judging = 0.0
    with office.db.read() as tx:
        book = RULES.book(tx)
        for at in range(0, len(new), PAGE):
            batch = [_traits(office, book, one, 10**9 + at + n) for n, one in enumerate(new[at : at + PAGE])]
            started = time.process_time()
            matcher = Matcher(StoredCandidates(tx, batch, {t.report_id: matching.keys(t) for t in batch}))
            found = time.process_time()
            for t in batch:
                placement = matcher.place(t)
                matcher.settle(t, placement.case_id or t.report_id)
            looking, judging = looking + found - started, judging + time.process_time() - found
    return looking / len(new) * 1000, judging / len(new) * 1000


def _plans(office: Office, new: list[Report]) -> tuple[int, tuple[str, ...]]:
    """(work units of one page's lookup, how the database finds its way)."""
    with watched(office.db) as seen, office.db.read() as tx:
        book = RULES.book(tx)
        batch = [_traits(office, book, one, 10**9 + n) for n, one in enumerate(new)]
        seen.statements.clear()
        seen.steps = 0
        StoredCandidates(tx, batch, {t.report_id: () for t in batch})
        asked, steps = list(seen.statements), seen.steps
    explain = _EXPLAIN[office.db.dialect]
    units, plans = steps, dict[str, None]()
    with office.db.read() as tx:
        for statement, values in asked:
            for row in tx.exec_driver_sql(f"{explain} {statement}", values):
                line = str(row[-1]).strip()
                if any(word in line for word in ("match_", "memberships", "cases")):
                    plans[line.split("  (")[0]] = None
            if office.db.dialect == "postgresql":
                units += _buffers(tx, statement, values)
    return units, tuple(plans)


_EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}


def _buffers(tx: Tx, statement: str, values: Any) -> int:
    plan = tx.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values).scalar()
    assert plan is not None
    return int(plan[0]["Plan"]["Shared Hit Blocks"] + plan[0]["Plan"]["Shared Read Blocks"])


# The past ------------------------------------------------------------------------------------------


def _fill(office: Office, count: int) -> None:
    """`count` past reports into the tables, in the order of their time."""
    parts = max(1, count // PART)
    circle = MOST_WARDS // WARDS_A_PART
    codes = [str(_FIRST_WARD + 100 * place + 3 * n) for place in range(circle) for n in range(WARDS_A_PART)]
    with office.db.write() as tx:
        insert_rows(tx, wards, [{"code": code, "name": f"Phường {code}"} for code in codes])
    for part in reversed(range(1, parts)):
        made = streams.stream(HELD, PART, SEED + part, DAYS, _corner(part % circle))
        _shift(made, part % circle, part // circle)
        _store(office, made, (parts - 1 - part) * PART)
    _store(office, _newest(count)[:-NEW], (parts - 1) * PART)
    _settle(office.db)


def _newest(count: int) -> list[Report]:
    """The newest part of the past, and the new reports that go on with it."""
    made = streams.stream(HELD, min(count, PART) + NEW, SEED, DAYS, _corner(0))
    _shift(made, 0, 0)
    return made


# Invented people that streets might be named after: a family a corner, so that few names come twice.
_FAMILIES = (
    "Nguyễn", "Trần", "Lê", "Phạm", "Huỳnh", "Hoàng", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lý",
)  # fmt: skip
_GIVEN = (
    "Văn An", "Thị Bưởi", "Công Chánh", "Đình Dậu", "Hữu Đạt", "Minh Giám", "Quang Hiển", "Thị Hoa",
    "Bá Khoa", "Văn Lợi", "Trọng Mẫn", "Thị Năm", "Đức Oai", "Tấn Phong", "Thành Quới", "Văn Rạng",
    "Ngọc Sương", "Chí Tài", "Thị Út", "Quốc Việt", "Xuân Yên", "Kim Ngân", "Phước Thọ",
    "Thiện Hùng", "Bích Trâm", "Hồng Gấm", "Như Lan", "Thế Vinh", "Nhật Duy", "Khắc Nhu", "Duy Tân",
    "Mậu Thân", "Khánh Dư",
)  # fmt: skip


def _corner(place: int) -> tuple[int, list[str]]:
    return place, [f"{_FAMILIES[place]} {given}" for given in _GIVEN]


def _shift(made: list[Report], place: int, period: int) -> None:
    """Into the wards of one corner of the city, and so many times sixty days back."""
    back = timedelta(days=DAYS * period)
    for one in made:
        row = one.row
        if row["ward"]:
            row["ward"] = str(int(row["ward"]) + 100 * place)
        for name in ("received_at", "closed_at"):
            if row[name]:
                row[name] = (_at(row[name]) - back).isoformat()


def _at(iso: str) -> datetime:
    return datetime.fromisoformat(iso)


def _store(office: Office, made: list[Report], after: int) -> None:
    """Reports, traits, keys, cases and memberships; ids follow on `after`."""
    run = office.run(CHANNEL)
    now = max(_at(one.row["received_at"]) for one in made)
    with office.db.write() as tx:
        book = RULES.book(tx)
        found = [_traits(office, book, one, after + n) for n, one in enumerate(made, start=1)]
        first: dict[int, Traits] = {}
        sizes: dict[int, int] = {}
        for one, t in zip(made, found, strict=True):
            first.setdefault(one.truth, t)
            sizes[one.truth] = sizes.get(one.truth, 0) + 1
        case_of = {truth: after + n for n, truth in enumerate(first, start=1)}
        insert_rows(
            tx, reports, [_report_row(run.channel_id, one, t) for one, t in zip(made, found, strict=True)]
        )
        closing_at = {one.truth: one.row["closed_at"] for one in made}
        insert_rows(
            tx,
            cases,
            [
                _case_row(run.channel_id, case_of[truth], t, closing_at[truth], sizes[truth], now)
                for truth, t in first.items()
            ],
        )
        insert_rows(
            tx,
            memberships,
            [_member_row(case_of[one.truth], t) for one, t in zip(made, found, strict=True)],
        )
        match_queries.insert_traits(tx, found, {t.report_id: matching.keys(t) for t in found})


def _traits(office: Office, book: Book, one: Report, report_id: int) -> Traits:
    """As intake reads it, with the stream's own channel."""
    row = one.row
    number = e164(row["reporter_phone"])
    raw = row["category"]
    return traits(
        report_id=report_id, received_at=_at(row["received_at"]), subject=row["subject"], body=row["body"],
        address=row["address"], lat=row["lat"], lng=row["lng"], ward=row["ward"] or factories.WARD_A,
        category=book.category(raw) or (squash(raw) if raw else None),
        phone=office.vault.blind(number, "phone") if number else None, channel=row["channel"],
    )  # fmt: skip


def _record(one: Report) -> Record:
    row = one.row
    return record(
        f"new-{row['id']}", row["body"], subject=row["subject"], occurred_at=_at(row["received_at"]),
        address=row["address"], lat=row["lat"], lng=row["lng"], ward=row["ward"],
        phone=row["reporter_phone"], category_raw=row["category"],
    )  # fmt: skip


def _report_row(channel_id: int, one: Report, t: Traits) -> dict[str, Any]:
    row = one.row
    return {
        "id": t.report_id, "channel_id": channel_id, "external_id": f"past-{t.report_id}",
        "ward_code": t.ward, "kind": "feedback", "received_at": t.received_at,
        "first_seen_at": t.received_at, "changed_at": t.received_at, "subject": row["subject"],
        "body": row["body"], "address": row["address"], "lat": t.lat, "lng": t.lng,
        "source_status": "new", "anonymous": False, "revision": 1, "revision_hash": str(t.report_id),
        "search_text": t.text,
    }  # fmt: skip


def _case_row(
    channel_id: int, case_id: int, t: Traits, closed: str | None, size: int, now: datetime
) -> dict[str, Any]:
    closed_at = _at(closed) if closed and _at(closed) <= now else None
    return {
        "id": case_id, "code": f"26-{case_id:07}", "ward_code": t.ward, "title": t.text[:80],
        "extract": t.text[:160], "channel_id": channel_id,
        "status": "resolved" if closed_at else "in_progress", "is_open": closed_at is None,
        "received_at": t.received_at, "opened_at": t.received_at, "closed_at": closed_at,
        "due_at": None if closed_at else t.received_at + OWED,
        "stage": "done" if closed_at else "none", "sort_at": closed_at or t.received_at + OWED,
        "report_count": size, "unread": False, "delivery_problem": False, "version": 1,
    }  # fmt: skip


def _member_row(case_id: int, t: Traits) -> dict[str, Any]:
    return {
        "case_id": case_id, "report_id": t.report_id, "cause": "rule", "reasons": [],
        "rule_version": matching.RULE_VERSION, "started_at": t.received_at, "ended_at": None,
    }  # fmt: skip


def _settle(db: Database) -> None:
    """What a database does by itself in time: numbers go on after the given ids, statistics are fresh."""
    if db.dialect == "postgresql":
        with db.write() as tx:
            for table in (reports, cases, memberships):
                _go_on(tx, table)
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as tx:
            tx.execute(text("VACUUM ANALYZE"))
    else:
        with _plain(db) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _go_on(tx: Tx, table: Table) -> None:
    query = f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) FROM {table.name}"
    tx.execute(text(query))


@contextmanager
def _plain(db: Database) -> Iterator[Any]:
    """The writer's own connection, outside any transaction: only there SQLite folds its log in."""
    connection = db.engine.raw_connection()
    try:
        yield connection.driver_connection
    finally:
        connection.close()


def main() -> int:
    gc.set_threshold(GC_AFTER)  # as the commands do
    options = _options()
    missed: list[Figure] = []
    for table, figures in measure(options.engines, options.counts):
        print("\n".join(table), flush=True)
        missed += [figure for figure in figures if not figure.ok]
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[10_000, 100_000], help="stored reports")
    parser.add_argument(
        "--engines", nargs="+", choices=("sqlite", "postgres"), default=["sqlite", "postgres"]
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
