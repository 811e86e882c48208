"""Row ids given out before the rows exist, so that whole batches insert without asking back."""

from __future__ import annotations

from sqlalchemy import Table, func, select, text

from aggregator.storage.db import Tx


def possible(row_id: int) -> bool:
    """Whether a row can have this id: an address or a form may say any number."""
    return 0 < row_id < 2**63


def reserve(tx: Tx, table: Table, count: int) -> list[int]:
    """`count` new ids of `table`, ascending. On SQLite the caller holds the one write lock."""
    if count == 0:
        return []
    if tx.dialect.name == "sqlite":
        last = tx.scalar(select(func.max(table.c.id))) or 0
        return list(range(last + 1, last + 1 + count))
    query = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)")
    return sorted(tx.scalars(query, {"name": table.name, "count": count}))
