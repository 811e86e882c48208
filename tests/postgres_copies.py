"""Copies of a template on the test server, lent to one test after the other.

    with copies.lent() as url: ...     as if it had been made this moment

Making a database and dropping it again costs a test half a second; giving back what was lent costs a
hundredth of that: rows that were not there go, rows that were there come back, and counters start again.

What may surprise: a copy whose tables themselves were changed (a trigger, a constraint, a column) is not
mended but dropped, and the next test gets a new one. So does one whose rows cannot be put back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from tests.postgres_server import Server

#: What the tables, their columns, triggers, rules and functions are: each change of one is a new row version.
_SHAPE = " UNION ALL ".join(
    f"SELECT count(*), sum(xmin::text::bigint) FROM {catalog}"
    for catalog in ("pg_class", "pg_attribute", "pg_trigger", "pg_constraint", "pg_index", "pg_proc")
)
_OTHERS = (
    "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
#: Generated columns are left out: they come by themselves.
_COLUMNS = (
    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
    "AND attgenerated = '' ORDER BY attnum"
)
#: The mark of a table without rows.
_EMPTY = "(0,)"
_COUNTERS = "SELECT sequencename, start_value, last_value FROM pg_sequences WHERE schemaname = 'public'"


@dataclass(frozen=True)
class _Kept:
    """A table as the template has it; `rows` in PostgreSQL's own binary form."""

    columns: sql.Composed
    rows: bytes


class Copies:
    """Copies of one template, as many as are lent at the same time."""

    def __init__(self, server: Server, template: str) -> None:
        self._server = server
        self._template = template
        self._free: list[_Copy] = []

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The address of a copy that nobody else has until the block ends."""
        copy = self._free.pop() if self._free else _Copy(self._server, self._template)
        try:
            yield copy.url
        finally:
            if copy.restored():
                self._free.append(copy)
            else:
                copy.close()

    def close(self) -> None:
        while self._free:
            self._free.pop().close()


class _Copy:
    def __init__(self, server: Server, template: str) -> None:
        self._server = server
        self.name = server.made(template)
        self.url = server.url(self.name)
        self._tx = psycopg.connect(server.plain_url(self.name), autocommit=True)
        self._tx.execute("SET session_replication_role = replica")  # no trigger, no reference is asked
        self._tables: list[str] = [name for (name,) in self._tx.execute(_TABLES)]
        self._shape = self._tx.execute(_SHAPE).fetchall()
        self._at_rest = self._marks(self._tables)
        self._kept = {table: self._read(table) for table in self._tables if self._at_rest[table] != _EMPTY}
        self._counters = self._first_counters()

    def restored(self) -> bool:
        """Whether it is as it was when it was made."""
        try:
            self._tx.execute(_OTHERS)
            if self._tx.execute(_SHAPE).fetchall() != self._shape:
                return False
            self._restore()
        except psycopg.Error:
            return False
        return True

    def close(self) -> None:
        self._tx.close()
        self._server.drop(self.name)

    def _restore(self) -> None:
        marks = self._marks(self._tables)
        touched = [table for table in self._tables if marks[table] != self._at_rest[table]]
        away = [sql.SQL("DELETE FROM {};").format(sql.Identifier(table)) for table in touched]
        self._tx.execute(sql.Composed([*away, self._counters]))  # in one go: a turn costs more than the work
        if touched:  # else the dead rows of a hundred tests would be read by each scan
            names = sql.SQL(", ").join(map(sql.Identifier, touched))
            self._tx.execute(sql.SQL("VACUUM {}").format(names))
        back = [table for table in touched if table in self._kept]
        for table in back:
            self._write(self._kept[table])
        self._at_rest |= self._marks(back)

    def _marks(self, tables: list[str]) -> dict[str, str]:
        """Per table: how many rows, and a sum that each change of a row changes."""
        each = [
            sql.SQL("(SELECT ROW(count(*), sum(xmin::text::bigint))::text FROM {})").format(
                sql.Identifier(table)
            )
            for table in tables
        ]
        found = self._tx.execute(sql.SQL("SELECT {}").format(sql.SQL(", ").join(each))).fetchone()
        return dict(zip(tables, found or (), strict=True))

    def _read(self, table: str) -> _Kept:
        columns = sql.SQL("{} ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(sql.Identifier(name) for (name,) in self._tx.execute(_COLUMNS, [table])),
        )
        asked = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(columns)
        with self._tx.cursor() as cursor, cursor.copy(asked) as rows:
            return _Kept(columns, b"".join(map(bytes, rows)))

    def _write(self, kept: _Kept) -> None:
        given = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(kept.columns)
        with self._tx.cursor() as cursor, cursor.copy(given) as rows:
            rows.write(kept.rows)

    def _first_counters(self) -> sql.Composed:
        """The statement that sets all counters to where the template has them."""
        each = [
            sql.SQL("setval({}, {}, {})").format(f'"{name}"', last or start, last is not None)
            for name, start, last in self._tx.execute(_COUNTERS)
        ]
        return sql.SQL("SELECT {}").format(sql.SQL(", ").join(each))
