"""A holiday that is announced late, with fifty thousand open cases: counted again, each in the ledger.

What may surprise: the cases are written straight into the tables, as intake leaves them, because taking
them in would take minutes and is measured elsewhere. What is judged is the clock on the
wall, because PostgreSQL works in processes of its own: measure it on a machine that does nothing else.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.bootstrap import Aggregator, build
from aggregator.cli.opening import OPERATOR
from aggregator.domain.shifts import DayOverride
from aggregator.services import clock_log, starting_set
from aggregator.services.deadlines import case_clock
from aggregator.services.recounts import Scope
from aggregator.services.rules import Book
from aggregator.settings import Settings
from aggregator.storage import channel_queries
from aggregator.storage.bulk import insert_rows
from aggregator.storage.case_tables import cases, clock_events, deadlines, memberships
from aggregator.storage.migrate import upgrade
from aggregator.storage.report_tables import reports
from tests.benchmarks.table import Figure, at_most, told
from tests.postgres_server import running

OPEN = 50_000
SECONDS = 10.0
START = datetime(2026, 11, 10, 2, 30, tzinfo=UTC)
HOLIDAY = date(2026, 11, 13)
WARDS = ("27142", "26740")


def measure(size: int = OPEN, *, postgres: bool = True) -> Iterator[tuple[str, list[Figure]]]:
    with _folder() as folder:
        url = f"sqlite:///{Path(folder) / 'motmoi.db'}"
        yield f"A holiday with {size:,} open cases, SQLite", list(_recount(url, Path(folder), size))
    if postgres:
        with running() as server, server.fresh() as url, _folder() as folder:
            title = f"A holiday with {size:,} open cases, PostgreSQL"
            yield title, list(_recount(url, Path(folder), size))


def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="motmoi-bench-")


def _recount(url: str, folder: Path, size: int) -> Iterator[Figure]:
    upgrade(url)
    with closing(build(Settings(database_url=url, data_dir=folder), lambda: START)) as product:
        starting_set.seed(product.db, START)
        fill(product, size)
        day = DayOverride(HOLIDAY, works=False, note="Nghỉ theo thông báo")
        product.calendars.set_days(OPERATOR, Scope(), [day], why="Thông báo muộn")
        wall, cpu = time.perf_counter(), time.process_time()
        while product.recounts.tick():
            pass
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        (job,) = product.calendars.recounts(OPERATOR)
        assert (job.seen, job.changed) == (size, size), job
        assert not product.evidence.verify().findings
    # The goal is an office's, which waits by the clock; a server's own processes are in it, too.
    yield at_most("recounted and in the ledger", wall, SECONDS, "s", f"{1e6 * wall / size:.0f} us a case")
    yield told("of it this process's CPU", cpu, "s")


def fill(product: Aggregator, size: int) -> None:
    """Open cases with one report each, as intake leaves them, in turns of two wards."""
    for ward in WARDS:
        product.accounts.ensure_ward(ward, f"Phường {ward}")
    product.channels.add(
        {"slug": "cong-1022", "kind": "portal_1022", "title": "Cổng 1022", "ward": WARDS[0],
         "config": {"base_url": "http://127.0.0.1:9/api"}, "options": {"allow_private": True}}
    )  # fmt: skip
    with product.db.write() as tx:
        book, channel = product.rules.book(tx), channel_queries.by_slug(tx, "cong-1022")
        assert channel is not None
        made = [_one(product, book, channel.id, number) for number in range(1, size + 1)]
        for table, rows in zip(_TABLES, zip(*made, strict=True), strict=True):
            insert_rows(tx, table, rows)
    product.figures.recount(repair=True)


_TABLES = (reports, cases, memberships, clock_events, deadlines)


def _one(product: Aggregator, book: Book, channel: int, number: int) -> tuple[dict[str, Any], ...]:
    """The rows of one case, in the order of `_TABLES`."""
    ward, at = WARDS[number % 2], START - timedelta(minutes=number % 2_000)
    owed = product.deadlines.first(
        book, report_id=number, ward=ward, channel="cong-1022", category=None, urgency=None, kind="feedback",
        received_at=at, source_due_at=None, now=START,
    )  # fmt: skip
    clock = case_clock(owed, START)
    report = {
        "id": number, "channel_id": channel, "external_id": f"PA-{number}", "ward_code": ward,
        "kind": "feedback", "received_at": at, "first_seen_at": at, "changed_at": at, "subject": "Ổ gà",
        "body": "Ổ gà lớn", "source_status": "new", "anonymous": False, "revision": 1, "revision_hash": "",
        "search_text": "",
    }  # fmt: skip
    case = {
        "id": number, "code": f"26-{number:05}", "ward_code": ward, "title": "Ổ gà", "extract": "Ổ gà lớn",
        "channel_id": channel, "status": "new", "is_open": True, "received_at": at, "opened_at": at,
        "due_at": clock.due_at, "due_step": clock.due_step, "stage": clock.stage, "next_at": clock.next_at,
        "sort_at": clock.due_at, "report_count": 1, "unread": True, "delivery_problem": False, "version": 1,
    }  # fmt: skip
    member = {"case_id": number, "report_id": number, "cause": "opened", "reasons": [], "rule_version": "",
              "started_at": at}  # fmt: skip
    start = clock_log.start_row(number, number, at, None)
    return report, case, member, start, owed[0].row(book.calendar(ward).version)
