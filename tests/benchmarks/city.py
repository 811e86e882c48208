"""A ward with as many cases as asked for, in a database that is kept between runs.

    invented reports | intake, as a poll brings them | what officers did, spread over the cases | recount

What may surprise: beside the common values each filter has a rare one, held by about `RARE` cases at
every size, and Huệ's ward stays as small as it is. A page that finds its fifty rows by reading past
the others is found out by these.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, func, insert, select, text, update

from aggregator.domain.people import Actor
from aggregator.domain.workflow import Status
from aggregator.services import arrival_rows
from aggregator.storage import inbox_queries
from aggregator.storage.account_tables import officers
from aggregator.storage.case_tables import case_counts, cases, memberships
from aggregator.storage.channel_tables import channel_schedule, channels
from aggregator.storage.db import Database, Tx
from aggregator.storage.migrate import upgrade
from aggregator.storage.place_tables import categories, units, wards
from aggregator.storage.report_tables import reporters, reports
from tests.benchmarks import texts
from tests.web.office import OTHER, START, WARD, Office

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = ROOT / ".cache" / "bench"

#: Cases that hold each rare value: one more than a page shows, and some.
RARE = 60
#: Cases of the ward beside the large one, at every size.
SMALL_WARD = 120
BATCH = 1000
RARE_CATEGORY, RARE_CHANNEL, RARE_UNIT = "vien_thong", "bang-tinh", 2


@contextmanager
def city(size: int) -> Iterator[Office]:
    """An office whose ward has about `size` cases, on SQLite; made at the first run, then kept."""
    folder = CACHE / f"{_key()}-{size}"
    if not folder.exists():
        _drop_older()
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as unfinished:
            fresh = Path(unfinished) / "city"
            url = f"sqlite:///{fresh / 'motmoi.db'}"
            upgrade(url)
            with closing(Office(url, fresh)) as office:
                office.furnish()
                fill(office, size)
            fresh.rename(folder)
    with closing(Office(f"sqlite:///{folder / 'motmoi.db'}", folder)) as office:
        yield office


def _key() -> str:
    """Changes with the schema and with what is put in."""
    written_by = [Path(str(module.__file__)) for module in (arrival_rows, inbox_queries, texts)]
    parts = [*sorted((ROOT / "migrations" / "versions").glob("*.py")), *written_by, Path(__file__)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in parts)).hexdigest()[:12]


def _drop_older() -> None:
    for folder in CACHE.glob("*"):
        if not folder.name.startswith(_key()):
            shutil.rmtree(folder, ignore_errors=True)


def fill(office: Office, size: int) -> None:
    """Take reports in until the ward has `size` cases, then let officers have worked on them."""
    arriving = texts.reports(size * 11 // 10, START, WARD)
    while (missing := size - count(office)) > 0:
        office.receive(*islice(arriving, min(BATCH, missing)))
    office.receive(*texts.reports(SMALL_WARD, START, OTHER, "PB"))
    _work(office)
    office.services.figures.recount(repair=True)


def count(office: Office) -> int:
    with office.services.db.read() as tx:
        return int(tx.scalar(select(func.count()).select_from(cases).where(cases.c.ward_code == WARD)) or 0)


# What officers did --------------------------------------------------------------------------------


def _work(office: Office) -> None:
    services = office.services
    people = {login: office.actor(login) for login in ("lan", "minh", "hue")}
    with services.db.write() as tx:
        channel = tx.scalar(select(channels.c.id).where(channels.c.slug == RARE_CHANNEL))
        for ward in (WARD, OTHER):
            rows = tx.execute(
                select(cases.c.id, cases.c.category_code, cases.c.channel_id)
                .where(cases.c.ward_code == ward)
                .order_by(cases.c.id)
            ).all()
            stride = max(16, len(rows) // RARE)
            changed = [_worked(row, at, stride, ward, people, channel) for at, row in enumerate(rows)]
            names = [name for name in changed[0] if name != "case_id"]
            tx.execute(
                update(cases)
                .where(cases.c.id == bindparam("case_id"))
                .values({name: bindparam(f"new_{name}") for name in names}),
                [{"case_id": row["case_id"], **{f"new_{n}": row[n] for n in names}} for row in changed],
            )


def _worked(
    row: Any, at: int, stride: int, ward: str, people: dict[str, Actor], channel: Any
) -> dict[str, Any]:
    """The columns of one case after some work: `at % stride` says which rare value it holds."""
    rare = at % stride
    mine, other = (people["lan"], people["minh"]) if ward == WARD else (people["hue"], people["hue"])
    due = START + timedelta(days=2) + timedelta(minutes=at % 40_000)
    found: dict[str, Any] = {
        "case_id": row.id, "category_code": row.category_code, "channel_id": row.channel_id,
        "unit_id": 1 if ward == WARD else None, "officer_id": mine.id, "status": Status.IN_PROGRESS.value,
        "is_open": True, "stage": "none", "due_at": due, "next_at": due - timedelta(days=1), "sort_at": due,
        "closed_at": None, "late": None, "delivery_problem": False, "unread": at % 7 == 0,
    }  # fmt: skip
    specials: dict[int, dict[str, Any]] = {
        0: {"officer_id": other.id, "category_code": RARE_CATEGORY, "channel_id": channel,
            "unit_id": RARE_UNIT if ward == WARD else None},
        1: {"officer_id": None, "unit_id": None, "status": Status.NEW.value},
        2: {"status": Status.NEEDS_INFO.value},
        3: {"status": Status.WAITING_UNIT.value},
        4: {"delivery_problem": True},
        5: {"stage": "paused", "next_at": None},
        6: {"stage": "due_soon"},
        7: {"stage": "overdue", "next_at": None},
        8: _closed(START - timedelta(minutes=at % 500_000), late=True),
    }  # fmt: skip
    if rare in specials:
        return {**found, **specials[rare]}
    return {**found, **_closed(START - timedelta(minutes=at % 500_000), late=False)} if at % 2 else found


def _closed(at: datetime, *, late: bool) -> dict[str, Any]:
    return {
        "status": Status.RESOLVED.value, "is_open": False, "stage": "done", "next_at": None,
        "closed_at": at, "sort_at": at, "late": late,
    }  # fmt: skip


# The same on PostgreSQL ---------------------------------------------------------------------------

#: What lists, searches and figures read.
_COPIED = (
    wards, categories, units, officers, channels, channel_schedule, reports, reporters, cases,
    memberships, case_counts,
)  # fmt: skip


def copy_to_postgres(source: Database, url: str) -> None:
    """Everything that lists and figures read, under the same ids; statistics fresh."""
    upgrade(url)
    target = Database(url)
    with closing(target), source.read() as old, target.write() as tx:
        for table in _COPIED:
            _copy(old, tx, table)
    target = Database(url)
    with closing(target), target.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as tx:
        tx.execute(text("VACUUM ANALYZE"))


def _copy(old: Tx, tx: Tx, table: Any) -> None:
    for rows in old.execution_options(yield_per=5000).execute(select(table)).mappings().partitions(5000):
        tx.execute(insert(table), [dict(row) for row in rows])
