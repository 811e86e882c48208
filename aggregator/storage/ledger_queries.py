"""Reading and growing the ledger's chains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, select

from aggregator.domain import ledger
from aggregator.domain.ledger_check import Row as Link
from aggregator.storage.bulk import insert_rows, update_rows
from aggregator.storage.db import Tx
from aggregator.storage.ledger_tables import ledger_entries, ledger_heads
from aggregator.storage.upsert import inserting


def heads(tx: Tx, chains: Sequence[str], *, lock: bool) -> dict[str, tuple[int, str]]:
    """Chain -> (last seq, last hash), making missing heads; `lock` holds the rows until commit.

    Missing heads are made before any is locked: who held one while it waited for another's new one could
    meet somebody who holds and waits the other way round.
    """
    wanted = sorted(set(chains))
    # Of one chain that is there, nothing can go wrong: it is locked at once.
    found = _read_heads(tx, wanted, lock=lock and len(wanted) == 1)
    if len(wanted) == len(found) == 1:
        return found
    missing = [chain for chain in wanted if chain not in found]
    if missing:
        rows = [
            {"chain": chain, "seq": 0, "hash": ledger.GENESIS, "case_year": 0, "case_number": 0}
            for chain in missing
        ]
        tx.execute(inserting(tx, ledger_heads).on_conflict_do_nothing(), rows)
    return _read_heads(tx, wanted, lock) if missing or lock else found


def _read_heads(tx: Tx, chains: list[str], lock: bool) -> dict[str, tuple[int, str]]:
    query = select(ledger_heads).where(ledger_heads.c.chain.in_(chains)).order_by(ledger_heads.c.chain)
    if lock:
        query = query.with_for_update()
    return {row.chain: (row.seq, row.hash) for row in tx.execute(query)}


#: What nearly every verb does, in one question instead of two; SQLite writes nothing from a WITH.
_APPEND_ONE = """
WITH moved AS (UPDATE ledger_heads SET seq = %(seq)s, hash = %(hash)s WHERE chain = %(chain)s)
INSERT INTO ledger_entries
  (chain, seq, at, kind, case_id, officer_id, channel_id, data, salt, commitment, prev_hash, hash)
VALUES (%(chain)s, %(seq)s, %(at)s, %(kind)s, %(case_id)s, %(officer_id)s, %(channel_id)s, %(data)s, %(salt)s,
  %(commitment)s, %(prev_hash)s, %(hash)s)
"""


def append(tx: Tx, rows: list[dict[str, Any]], new_heads: dict[str, tuple[int, str]]) -> None:
    if len(rows) == 1 and tx.dialect.name == "postgresql":
        tx.exec_driver_sql(_APPEND_ONE, rows[0])
        return
    insert_rows(tx, ledger_entries, rows)
    changed = [{"chain": chain, "seq": seq, "hash": digest} for chain, (seq, digest) in new_heads.items()]
    update_rows(tx, ledger_heads, changed, key="chain")


def take_case_numbers(tx: Tx, year: int, counts: Mapping[str, int]) -> dict[str, int]:
    """Ward -> the first of so many consecutive case numbers of this year. The heads must be locked."""
    table = ledger_heads.c
    query = select(table.chain, table.case_year, table.case_number).where(table.chain.in_(counts))
    last = {row.chain: row.case_number if row.case_year == year else 0 for row in tx.execute(query)}
    changed = [
        {"chain": chain, "case_year": year, "case_number": last[chain] + count}
        for chain, count in counts.items()
    ]
    update_rows(tx, ledger_heads, changed, key="chain")
    return {chain: last[chain] + 1 for chain in counts}


def links(tx: Tx) -> Iterator[Sequence[Link]]:
    """Every entry as it is hashed, in batches, chain by chain in the order of their places.

    The driver's own cursor, and the texts put together by the database: through SQLAlchemy's rows and
    types an entry took four times as long as checking it.
    """
    yield from _streamed(tx, _LINKS[tx.dialect.name])


def _streamed(tx: Tx, query: str) -> Iterator[Sequence[Any]]:
    driver: Any = tx.connection.driver_connection
    # On PostgreSQL a named cursor stays on the server: without a name all rows would come at once.
    cursor = driver.cursor(name="motmoi_ledger") if tx.dialect.name == "postgresql" else driver.cursor()
    try:
        cursor.execute(query)
        while batch := cursor.fetchmany(_BATCH):
            yield batch
    finally:
        cursor.close()


_BATCH = 5000
_AT = {
    "sqlite": "substr(at, 1, 10) || 'T' || substr(at, 12) || '+00:00'",
    "postgresql": """to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US+00:00')""",
}
_LINE = {"sqlite": "char(10)", "postgresql": "chr(10)"}


def _links(dialect: str) -> str:
    numbers = (f"coalesce(CAST({name} AS TEXT), 'None')" for name in ("case_id", "officer_id", "channel_id"))
    body = f" || {_LINE[dialect]} || ".join(("chain", "seq", _AT[dialect], "kind", *numbers, "commitment"))
    columns = "chain, seq, prev_hash, hash, commitment, salt || data, (salt IS NULL) = (data IS NULL)"
    return f"SELECT {columns}, {body} FROM ledger_entries ORDER BY chain, seq"  # noqa: S608 (constants)


_LINKS = {dialect: _links(dialect) for dialect in _AT}
#: As they stand in an exported entry, beside its data and salt.
FIELDS = (
    "chain", "seq", "at", "kind", "case_id", "officer_id", "channel_id", "commitment", "prev_hash", "hash",
)  # fmt: skip


def exported(tx: Tx, *, with_data: bool) -> Iterator[Sequence[Any]]:
    """Every entry as a tuple of `FIELDS` (and data and salt), in batches, as `links` has them."""
    names = [_AT[tx.dialect.name] if name == "at" else name for name in FIELDS]
    columns = ", ".join([*names, *(("data", "salt") if with_data else ())])
    yield from _streamed(
        tx,
        f"SELECT {columns} FROM ledger_entries ORDER BY chain, seq",  # noqa: S608 (constants)
    )


def all_heads(tx: Tx) -> dict[str, tuple[int, str]]:
    return {row.chain: (row.seq, row.hash) for row in tx.execute(select(ledger_heads))}


def of_case(tx: Tx, case_id: int, limit: int) -> list[Row[Any]]:
    """The newest `limit` entries of one case, newest first."""
    table = ledger_entries
    query = select(table).where(table.c.case_id == case_id).order_by(table.c.id.desc()).limit(limit)
    return list(tx.execute(query))
