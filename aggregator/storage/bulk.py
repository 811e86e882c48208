"""Many rows of one table in one call, as quick as the driver allows.

What may surprise: SQLAlchemy compiles the statement once, as ever, but each row's values are taken by
the columns' own processors and not by its compiler: that spares 2 to 5 microseconds a row and table,
a twentieth of intake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Table, bindparam, insert, update
from sqlalchemy.sql.compiler import SQLCompiler as Compiled

from aggregator.storage.db import Tx

_Values = Callable[[Mapping[str, Any]], Any]


def insert_rows(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`; all have the columns of the first. Nothing happens where there are none."""
    if rows:
        statement, values = _prepared(table, tuple(rows[0]), tx.dialect)
        tx.exec_driver_sql(statement, [values(row) for row in rows])


@lru_cache(maxsize=128)
def _prepared(table: Table, names: tuple[str, ...], dialect: Dialect) -> tuple[str, _Values]:
    """The statement, and what makes its parameters of a row."""
    return _processed(table, insert(table).compile(dialect=dialect, column_keys=list(names)), names, dialect)


def update_rows(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]], key: str = "id") -> None:
    """Set, row by row, the columns that the first of `rows` has; `key` says where."""
    if rows:
        statement, values = _prepared_update(table, tuple(rows[0]), tx.dialect, key)
        tx.exec_driver_sql(statement, [values(row) for row in rows])


@lru_cache(maxsize=32)
def _prepared_update(table: Table, names: tuple[str, ...], dialect: Dialect, key: str) -> tuple[str, _Values]:
    # The key's own name is taken by the column; it is never among what is set.
    changed: dict[str, Any] = {name: bindparam(name) for name in names if name != key}
    statement = update(table).where(table.c[key] == bindparam(key)).values(changed)
    return _processed(table, statement.compile(dialect=dialect), names, dialect)


def _processed(
    table: Table, compiled: Compiled, names: tuple[str, ...], dialect: Dialect
) -> tuple[str, _Values]:
    steps = [
        (name, table.c[name].type.dialect_impl(dialect).bind_processor(dialect))
        for name in compiled.positiontup or names
    ]

    def as_tuple(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple([row[name] if step is None else step(row[name]) for name, step in steps])

    def as_dict(row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: row[name] if step is None else step(row[name]) for name, step in steps}

    return str(compiled), as_tuple if compiled.positional else as_dict
