"""Whether the ledger holds: any edit, removal or reordering is found, with its place (I11)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from aggregator.domain.ledger import Finding
from aggregator.domain.ledger_check import Walk, unrecorded
from aggregator.services import ledger_tree
from aggregator.services.checkpoint_audit import Audit
from aggregator.storage import checkpoint_queries, ledger_queries
from aggregator.storage.db import Database, Tx

#: The entry that says which others were erased: data {"entries": [[chain, first, last], ...], ...}.
ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Verified:
    """What was read and what was found; no findings means that chains and checkpoints hold."""

    entries: int
    chains: int
    checkpoints: int
    findings: tuple[Finding, ...]


class Evidence:
    """Checks the ledger. Reads all of it, in one consistent view, a few thousand entries at a time."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def verify(self) -> Verified:
        """Every link, hash and commitment, every subtree, and every checkpoint over them."""
        with self._db.read() as tx:
            heads, audit = ledger_queries.all_heads(tx), Audit(tx)
            walk = Walk(heads, audit.signed, ledger_tree.WIDE_BITS)
            walk.all(ledger_queries.links(tx))
            missing = unrecorded(walk.erased, _erasures(tx)) if walk.erased else ()
            findings = (*walk.findings, *missing, *audit.findings)
        return Verified(walk.count, len(heads), audit.count, findings)


def _erasures(tx: Tx) -> list[tuple[str, int, int]]:
    told = (json.loads(row.data) for row in checkpoint_queries.of_kind(tx, ERASED) if row.data)
    return [(chain, first, last) for one in told for chain, first, last in one.get("entries", ())]
