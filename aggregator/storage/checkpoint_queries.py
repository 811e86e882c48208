"""Checkpoints, the stored subtrees of the chains' trees, signing keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select, update

from aggregator.domain.checkpoints import ChainState
from aggregator.storage.bulk import insert_rows
from aggregator.storage.checkpoint_tables import (
    ledger_checkpoint_chains,
    ledger_checkpoints,
    ledger_keys,
    ledger_tiles,
)
from aggregator.storage.db import Tx
from aggregator.storage.ledger_tables import ledger_entries, ledger_heads
from aggregator.storage.upsert import inserting

# The tree --------------------------------------------------------------------------------------------


def sizes(tx: Tx) -> dict[str, int]:
    """Chain -> entries. All of them are committed and stay: a chain's head moves with its entries."""
    found = select(ledger_heads.c.chain, ledger_heads.c.seq).where(ledger_heads.c.seq > 0)
    return {row.chain: row.seq for row in tx.execute(found)}


def hashes(tx: Tx, chain: str, low: int, high: int) -> list[str]:
    """The hashes of the entries low+1 to high, in their order."""
    table = ledger_entries.c
    query = select(table.hash).where(table.chain == chain, table.seq > low, table.seq <= high)
    return list(tx.scalars(query.order_by(table.seq)))


def tile_roots(tx: Tx, chain: str, level: int, low: int, high: int) -> list[str]:
    """The roots of the complete subtrees low to high-1 of this level, in their order."""
    table = ledger_tiles.c
    query = select(table.root).where(
        table.chain == chain, table.level == level, table.number >= low, table.number < high
    )
    return list(tx.scalars(query.order_by(table.number)))


def tiles(tx: Tx, chain: str, level: int) -> int:
    """How many complete subtrees of this level are stored."""
    table = ledger_tiles.c
    query = select(func.max(table.number)).where(table.chain == chain, table.level == level)
    found = tx.scalar(query)
    return 0 if found is None else int(found) + 1


def all_tiles(tx: Tx) -> list[Row[Any]]:
    """(chain, level, number, root) of every stored subtree, the lowest level of a chain first."""
    table = ledger_tiles
    query = select(table).order_by(table.c.chain, table.c.level, table.c.number)
    return list(tx.execute(query))


def store_tiles(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """Keep complete subtrees; what another worker has stored meanwhile is the same and stays."""
    if rows:
        tx.execute(inserting(tx, ledger_tiles).on_conflict_do_nothing(), list(rows))


# Checkpoints -----------------------------------------------------------------------------------------


def last(tx: Tx, *, lost: bool = True) -> Row[Any] | None:
    """The newest checkpoint; without `lost` the newest that this very database made."""
    query = select(ledger_checkpoints).order_by(ledger_checkpoints.c.number.desc()).limit(1)
    return tx.execute(query if lost else query.where(ledger_checkpoints.c.lost.is_(False))).first()


def checkpoint(tx: Tx, number: int) -> Row[Any] | None:
    return tx.execute(select(ledger_checkpoints).where(ledger_checkpoints.c.number == number)).first()


def numbered(tx: Tx) -> list[Row[Any]]:
    """All checkpoints, the first first."""
    return list(tx.execute(select(ledger_checkpoints).order_by(ledger_checkpoints.c.number)))


def chains_at(tx: Tx, number: int) -> dict[str, ChainState]:
    """Every chain as the checkpoint of this number has it."""
    table = ledger_checkpoint_chains
    newest = (
        select(table.c.number)
        .where(table.c.chain == ledger_heads.c.chain, table.c.number <= number)
        .order_by(table.c.number.desc())
        .limit(1)
        .correlate(ledger_heads)
        .scalar_subquery()
    )
    query = select(table).join(
        ledger_heads, (ledger_heads.c.chain == table.c.chain) & (table.c.number == newest)
    )
    return {row.chain: ChainState(row.chain, row.size, row.root) for row in tx.execute(query)}


def grown(tx: Tx) -> list[Row[Any]]:
    """(number, chain, size, root) of every chain that grew, in the order of checkpoints and chains."""
    table = ledger_checkpoint_chains
    return list(tx.execute(select(table).order_by(table.c.number, table.c.chain)))


def add(tx: Tx, row: dict[str, Any], states: Sequence[ChainState]) -> None:
    """A new checkpoint and the chains that grew since the one before."""
    insert_rows(tx, ledger_checkpoints, [row])
    insert_rows(
        tx,
        ledger_checkpoint_chains,
        [{"chain": one.chain, "number": row["number"], "size": one.size, "root": one.root} for one in states],
    )


def stamp(tx: Tx, number: int, token: str, signature: str) -> None:
    """A time stamp has come for this checkpoint."""
    mine = ledger_checkpoints.c.number == number
    tx.execute(update(ledger_checkpoints).where(mine).values(token=token, token_signature=signature))


def of_kind(tx: Tx, kind: str, chain: str | None = None) -> list[Row[Any]]:
    """All entries of this kind, of one chain or of all; reads every entry of them."""
    table = ledger_entries
    query = select(table).where(table.c.kind == kind).order_by(table.c.chain, table.c.seq)
    return list(tx.execute(query if chain is None else query.where(table.c.chain == chain)))


def entries_at(tx: Tx, chain: str, seqs: Sequence[int]) -> list[Row[Any]]:
    """These entries of a chain, in their order."""
    table = ledger_entries
    query = select(table).where(table.c.chain == chain, table.c.seq.in_(list(seqs)))
    return list(tx.execute(query.order_by(table.c.seq)))


# Keys ------------------------------------------------------------------------------------------------


def keys(tx: Tx) -> list[Row[Any]]:
    """All signing keys, the first first; the last one signs."""
    return list(tx.execute(select(ledger_keys).order_by(ledger_keys.c.id)))


def add_key(tx: Tx, row: dict[str, Any]) -> None:
    """A new key; the private halves of those before are forgotten."""
    tx.execute(update(ledger_keys).values(sealed=None))
    tx.execute(ledger_keys.insert(), [row])
