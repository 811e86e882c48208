"""One transaction at a time, whole or not at all, and times that stay instants on both engines."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from aggregator.errors import SettingsInvalid
from aggregator.storage.db import Database, DatabaseUnavailable
from aggregator.storage.ledger_tables import ledger_heads
from aggregator.storage.place_tables import calendars, wards
from tests import hasty_engines
from tests.factories import together


@pytest.fixture
def db(database_url: str) -> Any:
    found = Database(database_url)
    yield found
    found.close()


def add(tx: Any, code: str) -> None:
    tx.execute(insert(wards).values(code=code, name=code))


def codes(db: Database) -> set[str]:
    with db.read() as tx:
        return set(tx.scalars(select(wards.c.code)))


def test_a_block_that_ends_well_is_kept_and_one_that_fails_is_not(db: Database) -> None:
    with db.write() as tx:
        add(tx, "kept")
    with pytest.raises(ZeroDivisionError), db.write() as tx:
        add(tx, "lost")
        1 / 0  # noqa: B018
    assert codes(db) == {"kept"}


def test_reading_does_not_write(db: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)read.?only"), db.read() as tx:
        add(tx, "x")
    assert codes(db) == set()


def test_many_may_open_a_new_file_at_the_same_moment(tmp_path: Path) -> None:
    # Turning a new file to write-ahead logging is refused at once while another does it: asked again.
    def opened(number: int) -> None:
        new = Database(f"sqlite:///{tmp_path}/{number}.db")
        try:
            with new.write() as tx:
                tx.execute(text("CREATE TABLE IF NOT EXISTS t (a)"))
        finally:
            new.close()

    for number in range(60):
        together(*[lambda number=number: opened(number)] * 6)


def test_a_reader_sees_one_moment(db: Database) -> None:
    with db.read() as tx:
        before = tx.scalar(text("SELECT count(*) FROM wards"))
        with db.write() as other:
            add(other, "new")
        assert tx.scalar(text("SELECT count(*) FROM wards")) == before == 0
    assert codes(db) == {"new"}


def test_a_reader_does_not_wait_for_a_writer(db: Database) -> None:
    with db.write() as tx:
        add(tx, "not yet")
        assert codes(db) == set()


def test_writers_of_one_process_follow_each_other(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    inside, most = [], []

    def work(n: int) -> None:
        with db.write() as tx:
            inside.append(n)
            most.append(len(inside))
            add(tx, str(n))
            inside.remove(n)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (max(most), len(codes(db))) == (1, 12)
    db.close()


def test_another_process_waits_its_turn(sqlite_url: str) -> None:
    """A second program on the same file (a command beside the server) waits and then writes."""
    db = Database(sqlite_url)
    program = (
        "import sys; from sqlalchemy import text; from aggregator.storage.db import Database\n"
        "db = Database(sys.argv[1]); print('ready', flush=True); sys.stdin.readline()\n"
        "with db.write() as tx: "
        "tx.execute(text(\"INSERT INTO wards (code, name) VALUES ('other', 'other')\"))\n"
        "db.close()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", program, sqlite_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout and other.stdin
    assert other.stdout.readline() == "ready\n"
    with db.write() as tx:
        other.stdin.write("go\n")
        other.stdin.flush()
        add(tx, "first")
    assert other.wait(timeout=60) == 0
    other.stdout.close()
    other.stdin.close()
    assert codes(db) == {"first", "other"}
    db.close()


def test_power_may_fail_after_every_commit(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    with hasty_engines.careful(), db.write() as tx:
        pragmas = {
            name: tx.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    db.close()


def test_a_row_that_points_nowhere_is_refused(db: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"), db.write() as tx:
        tx.execute(
            text("INSERT INTO units (ward_code, name, categories, active) VALUES ('x', 'x', '[]', TRUE)")
        )


INSTANTS = [
    datetime(2026, 3, 2, 1, 0, tzinfo=UTC),
    datetime(2026, 3, 2, 8, 0, 0, 1, tzinfo=timezone(timedelta(hours=7))),
    datetime(1990, 1, 1, 23, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=-12))),
    datetime(2075, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(999, 1, 1, tzinfo=UTC),
]


@pytest.mark.parametrize("at", INSTANTS, ids=str)
def test_an_instant_comes_back_as_the_same_instant_in_utc(db: Database, at: datetime) -> None:
    with db.write() as tx:
        add(tx, "w")
        tx.execute(insert(calendars).values(ward_code="w", name="x", week={}, version=1, changed_at=at))
    with db.read() as tx:
        found = tx.scalar(select(calendars.c.changed_at))
        earlier = tx.scalar(
            select(calendars.c.id).where(calendars.c.changed_at < at + timedelta(microseconds=1))
        )
    assert found == at
    assert found is not None and found.utcoffset() == timedelta(0)
    assert earlier is not None


def test_a_time_without_a_zone_is_refused(db: Database) -> None:
    naive = datetime(2026, 3, 2)  # noqa: DTZ001
    with pytest.raises(Exception, match="naive"), db.write() as tx:
        tx.execute(insert(calendars).values(name="x", week={}, version=1, changed_at=naive))


def test_large_numbers_and_any_text_come_back(db: Database) -> None:
    words = "Ổ gà 🌳 \u2028 '; -- \\ %s :x"
    with db.write() as tx:
        row = {"chain": words, "seq": 2**63 - 1, "hash": "h", "case_year": 26, "case_number": 1}
        tx.execute(insert(ledger_heads).values(**row))
    with db.read() as tx:
        assert tx.execute(select(ledger_heads)).one()._asdict() == row


# What cannot be reached -----------------------------------------------------------------------


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "not an address"])
def test_an_address_that_cannot_hold_the_product_is_refused(url: str) -> None:
    with pytest.raises(SettingsInvalid):
        Database(url)


def test_a_password_is_not_told_in_an_error() -> None:
    with pytest.raises(SettingsInvalid) as refused:
        Database("mysql://user:bi-mat@host/name")
    assert "bi-mat" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_a_server_that_is_away_is_said_to_be_away(scheme: str, tmp_path: Path) -> None:
    db = Database(f"{scheme}://nobody@/none?host={tmp_path}")
    with pytest.raises(DatabaseUnavailable), db.read() as tx:
        tx.execute(text("SELECT 1"))
    db.close()


def test_an_error_tells_nothing_of_the_rows_it_was_about(sqlite_url: str) -> None:
    db = Database(sqlite_url)
    with pytest.raises(DatabaseUnavailable) as refused, db.write() as tx:
        tx.execute(text("INSERT INTO no_such_table VALUES (:name)"), {"name": "Phạm Bí Mật"})
    assert "Bí Mật" not in str(refused.value)
    db.close()


def test_a_disk_that_is_read_only_is_said_so(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    path.chmod(stat.S_IRUSR)
    path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        if os.access(path, os.W_OK):
            return  # root writes everywhere
        db = Database(sqlite_url)
        with pytest.raises(DatabaseUnavailable), db.write() as tx:
            add(tx, "x")
        db.close()
    finally:
        path.parent.chmod(stat.S_IRWXU)
