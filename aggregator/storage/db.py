"""One way to open a transaction, the same on SQLite and PostgreSQL.

    with db.write() as tx: ...    commits at the end, rolls back on any error
    with db.read() as tx: ...     a consistent view of one moment; writing is refused

What may surprise: on SQLite there is one writer connection in this process, behind a lock, opened
with BEGIN IMMEDIATE and `synchronous=FULL`. Only it commits, so only it checkpoints: two connections
checkpointing at the same instant can corrupt SQLite before 3.51.3 (sqlite.org/wal.html, "The WAL
Reset Bug"), and WAL with synchronous=NORMAL loses acknowledged rows at a power cut.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, OperationalError

from aggregator.errors import AggregatorError, SettingsInvalid

#: The handle that every storage function takes first.
Tx = Connection

#: Milliseconds a process waits for another process's write on the same SQLite file.
BUSY_MS = 30_000
#: Pages of the file that a connection holds in memory. A worker writes with one and reads with up to eight:
#: at 32 MB each it outgrew 150 MB, and intake cost the same with half of it.
WRITER_CACHE_KB, READER_CACHE_KB = 16_000, 8_000


class DatabaseUnavailable(AggregatorError):
    """The database cannot be reached or written: nothing was acknowledged.

    Which is not to say that nothing was written: a commit that failed may have been made (PostgreSQL
    restarted under writers: 13 of 32 had been). Who repeats it does so under the same key.
    """

    code = "database_unavailable"


class Database:
    """Engines for one database URL. `sqlite:///path` or `postgresql+psycopg://...`."""

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            # Not told again in full: a password may stand in it.
            raise _refused("it is no database address") from error
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.url = parsed
        self.dialect = parsed.get_backend_name()
        if self.dialect not in ("sqlite", "postgresql"):
            raise _refused(f"{self.dialect!r} is not supported")
        self._lock = threading.RLock() if self.dialect == "sqlite" else None
        if self.dialect == "sqlite":
            self._reader = self._sqlite_engine(writer=False)
            self._writer = self._sqlite_engine(writer=True)
        else:
            try:
                self._writer = create_engine(
                    parsed, pool_size=8, max_overflow=8, pool_pre_ping=True, isolation_level="READ COMMITTED"
                )
                # The same connections, but one snapshot for all statements, as SQLite gives it: a check
                # of the chains must not see heads of one moment and entries of the next.
                self._reader = self._writer.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            except ModuleNotFoundError as error:
                raise SettingsInvalid(
                    "PostgreSQL needs its driver, which is not installed",
                    hint="pip install 'motmoi[postgres]'",
                ) from error

    def _sqlite_engine(self, *, writer: bool) -> Engine:
        path = self.url.database
        if not path or path == ":memory:":
            raise SettingsInvalid("a SQLite database must be a file", hint="use sqlite:///var/motmoi.db")
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _refused(f"{path} cannot be made: {error.strerror}") from error
        engine = create_engine(
            self.url,
            pool_size=1 if writer else 8,
            max_overflow=0 if writer else 8,
            connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000},
        )

        @event.listens_for(engine, "connect")
        def _connect(connection: sqlite3.Connection, _record: Any) -> None:
            connection.isolation_level = None  # we say BEGIN ourselves
            connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
            _write_ahead(connection)
            for pragma in (
                "synchronous=FULL",
                "foreign_keys=ON",
                # What is deleted is written over at once. Not all of it: rows that moved between pages leave
                # copies behind, which only `compact` ends.
                "secure_delete=ON",
                f"cache_size=-{WRITER_CACHE_KB if writer else READER_CACHE_KB}",
                "temp_store=MEMORY",
                *(() if writer else ("query_only=ON",)),
            ):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

        return engine

    @property
    def engine(self) -> Engine:
        """The writing engine: for migrations and schema checks."""
        return self._writer

    @property
    def reader(self) -> Engine:
        """The reading engine: where measurements listen for statements."""
        return self._reader

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """One transaction that commits when the block ends well."""
        if self._lock is None:
            with self._begin(self._writer) as tx:
                yield tx
            return
        with self._lock, self._begin(self._writer) as tx:
            yield tx

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """One consistent view that leaves nothing behind."""
        with self._begin(self._reader) as tx:
            yield tx

    @contextmanager
    def _begin(self, engine: Engine) -> Iterator[Tx]:
        try:
            with engine.begin() as tx:
                yield tx
        except OperationalError as error:
            raise DatabaseUnavailable(
                f"the database did not take it: {_first_line(error)}",
                hint="it may not be saved; what has a key is done once however often it is tried again",
                message_vi="Cơ sở dữ liệu chưa ghi được, nội dung có thể chưa được lưu. "
                "Vui lòng thử lại sau ít phút.",
            ) from error
        except DatabaseError as error:
            if getattr(error.orig, "sqlite_errorname", "").startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
                raise DatabaseUnavailable(
                    f"{self.url.database} is damaged, or is no database: {_first_line(error)}",
                    hint="name another file, or restore the backup",
                    message_vi="Tệp cơ sở dữ liệu bị hỏng. Cần khôi phục từ bản sao lưu.",
                ) from error
            raise

    def compact(self) -> None:
        """Write the database anew, so that nothing that was deleted or overwritten is left in its file.

        On SQLite this holds the one writer for as long as copying the file takes. On PostgreSQL dead rows
        are freed for new ones, nobody waits, and their bytes go as the space is used again.
        """
        if self._lock is None:
            with self._writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM")
            return
        with self._lock:
            connection_ = self._writer.raw_connection()
            try:
                cursor = connection_.cursor()
                # The text index keeps words of earlier texts until its segments are merged.
                cursor.execute("INSERT INTO report_search(report_search) VALUES('optimize')")
                cursor.execute("VACUUM")
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                cursor.close()
            finally:
                connection_.close()

    def close(self) -> None:
        self._reader.dispose()
        self._writer.dispose()


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn the file to write-ahead logging, which is a property of the file and stays.

    The turn itself is refused at once, busy timeout or not, while another process makes the same turn on
    a new file (two holders of a read lock would wait for each other): so it is asked again until it holds.
    """
    patience = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > patience:
                raise
            time.sleep(0.01)


def _first_line(error: DBAPIError) -> str:
    # The rest of SQLAlchemy's message holds the statement's parameters: people's data.
    return str(error.orig).splitlines()[0] if error.orig else type(error).__name__


def _refused(why: str) -> SettingsInvalid:
    return SettingsInvalid(
        f"MOTMOI_DATABASE_URL: {why}",
        hint="use sqlite:///path/to/file.db or postgresql://user@host/name",
    )
