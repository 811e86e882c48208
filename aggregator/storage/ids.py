"""Row ids given out before the rows exist, so that whole batches insert without asking back."""

from __future__ import annotations

from sqlalchemy import Table, func, select, text

from aggregator.storage.db import Tx


def reserve(tx: Tx, table: Table, count: int) -> list[int]:
    """`count` new ids of `table`, ascending. On SQLite the caller holds the one write lock."""
    if count == 0:
        return []
    if tx.dialect.name == "sqlite":
        last = tx.scalar(select(func.max(table.c.id))) or 0
        return list(range(last + 1, last + 1 + count))
    query = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)")
    return sorted(tx.scalars(query, {"name": table.name, "count": count}))
