"""What leaves the office of the ledger: the whole of it as a file, and each checkpoint for who holds it.

    export      a head line, every checkpoint with the chains that grew, every entry: JSON, a line each
    held        one checkpoint with all its chains and the hashes of the entries since the last one given

Both are read by the stand-alone verifier. What may surprise: a checkpoint alone tells *that* something before
it was rewritten; the hashes of the entries, 32 bytes each and nothing personal, tell *which* one was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aggregator.domain.checkpoints import in_order
from aggregator.domain.ledger import canonical
from aggregator.errors import NotFound
from aggregator.services.checkpoints import Checkpoints
from aggregator.storage import checkpoint_queries, ledger_queries
from aggregator.storage.db import Database, Tx

EXPORT = "motmoi/export/1"
HELD = "motmoi/held/1"
#: Hashes in one document at most, of each chain the newest: 6.4 MB. Who wants more takes an export.
HASHES = 100_000


class LedgerExport:
    """Writes the ledger out."""

    def __init__(self, db: Database, checkpoints: Checkpoints) -> None:
        self._db = db
        self._checkpoints = checkpoints

    def lines(self, *, with_data: bool) -> Iterator[str]:
        """All that is under a fresh checkpoint, line by line; `with_data` also what the entries say."""
        made = self._checkpoints.make(force=True)
        assert made is not None
        with self._db.read() as tx:
            sizes = {chain: one.size for chain, one in checkpoint_queries.chains_at(tx, made.number).items()}
            yield canonical({"format": EXPORT, **self._origin(tx)}) + "\n"
            for checkpoint in _checkpoints(tx, made.number):
                yield canonical({"checkpoint": checkpoint}) + "\n"
            names = (*ledger_queries.FIELDS, "data", "salt") if with_data else ledger_queries.FIELDS
            for batch in ledger_queries.exported(tx, with_data=with_data):
                for row in batch:
                    if row[1] <= sizes.get(row[0], 0):  # others go on working meanwhile
                        yield canonical(dict(zip(names, row, strict=True))) + "\n"

    def held(self, number: int, since: int | None) -> str:
        """The document (one line) of a checkpoint for who holds the one of number `since`."""
        with self._db.read() as tx:
            row = checkpoint_queries.checkpoint(tx, number)
            if row is None:
                raise NotFound(f"there is no checkpoint {number}")
            states = checkpoint_queries.chains_at(tx, number)
            before = checkpoint_queries.chains_at(tx, since) if since else {}
            sizes = {chain: state.size for chain, state in before.items()}
            checkpoint = _document(row) | {
                "chains": [[one.chain, one.size, one.root] for one in in_order(states.values())]
            }
            entries = {
                one.chain: _hashes(tx, one.chain, sizes.get(one.chain, 0), one.size)
                for one in in_order(states.values())
                if one.size > sizes.get(one.chain, 0)
            }
            whole = {"format": HELD, **self._origin(tx), "checkpoint": checkpoint, "entries": entries}
            return canonical(whole) + "\n"

    def _origin(self, tx: Tx) -> dict[str, Any]:
        key = self._checkpoints.keys.current(tx)
        if key is None:
            raise NotFound("there is no signing key yet")
        return {"installation": key.installation, "key": key.document}


def _checkpoints(tx: Tx, last: int) -> Iterator[dict[str, Any]]:
    grown: dict[int, list[Any]] = {}
    for row in checkpoint_queries.grown(tx):
        grown.setdefault(row.number, []).append([row.chain, row.size, row.root])
    for row in checkpoint_queries.numbered(tx):
        if row.number <= last:
            yield _document(row) | {"lost": row.lost, "chains": grown.get(row.number, [])}


def _document(row: Any) -> dict[str, Any]:
    names = ("text", "signature", "token", "token_signature")
    return {name: getattr(row, name) for name in names}


def _hashes(tx: Tx, chain: str, low: int, high: int) -> dict[str, Any]:
    low = max(low, high - HASHES)
    return {"after": low, "hashes": "".join(checkpoint_queries.hashes(tx, chain, low, high))}
