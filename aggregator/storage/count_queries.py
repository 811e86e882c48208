"""The kept counters: changed in the transaction that changes a case, rebuilt by a recount."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import delete, insert, select

from aggregator.storage.case_queries import _FACTS, CaseFacts
from aggregator.storage.case_tables import case_counts
from aggregator.storage.db import Tx
from aggregator.storage.upsert import inserting

#: (ward, dim, key, bucket)
Cell = tuple[str, str, str, str]


def add(tx: Tx, deltas: Mapping[Cell, int]) -> None:
    """Add each delta to its cell, in sorted order so that two writers never deadlock."""
    rows = [
        {"ward_code": cell[0], "dim": cell[1], "key": cell[2], "bucket": cell[3], "n": n}
        for cell, n in sorted(deltas.items())
        if n
    ]
    if rows:
        statement = inserting(tx, case_counts)
        total = {"n": case_counts.c.n + statement.excluded.n}
        keys = ["ward_code", "dim", "key", "bucket"]
        tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=total), rows)


def cells(tx: Tx, ward: str | None, dims: Iterable[str] = ()) -> dict[Cell, int]:
    """Every kept number of one ward (None: of all), optionally of some dimensions only."""
    table = case_counts
    query = select(table.c.ward_code, table.c.dim, table.c.key, table.c.bucket, table.c.n).where(
        table.c.n != 0
    )
    if ward is not None:
        query = query.where(table.c.ward_code == ward)
    if wanted := list(dims):
        query = query.where(table.c.dim.in_(wanted))
    return {(row[0], row[1], row[2], row[3]): row[4] for row in tx.execute(query)}


def every_case(tx: Tx) -> Iterable[CaseFacts]:
    for row in tx.execute(select(*_FACTS), execution_options={"yield_per": 5000}):
        yield CaseFacts(*tuple(row))


def replace_all(tx: Tx, counted: Mapping[Cell, int]) -> None:
    tx.execute(delete(case_counts))
    rows = [
        {"ward_code": cell[0], "dim": cell[1], "key": cell[2], "bucket": cell[3], "n": n}
        for cell, n in sorted(counted.items())
        if n
    ]
    if rows:
        tx.execute(insert(case_counts), rows)
