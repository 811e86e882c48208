"""Whether the ledger's chains hold: any edit, removal or reordering is found, with its place (I11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aggregator.domain import ledger
from aggregator.domain.ledger import Entry, Finding
from aggregator.storage import ledger_queries
from aggregator.storage.db import Database


@dataclass(frozen=True, slots=True)
class Verified:
    """What was read and what was found; no findings means the chains hold."""

    entries: int
    chains: int
    findings: tuple[Finding, ...]


class Evidence:
    """Checks the ledger. Reads all of it, in one consistent view, a few thousand entries at a time."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def verify(self) -> Verified:
        count = 0
        with self._db.read() as tx:
            heads = ledger_queries.all_heads(tx)

            def counted() -> Iterator[Entry]:
                nonlocal count
                for entry in ledger_queries.entries(tx):
                    count += 1
                    yield entry

            findings = tuple(ledger.verify(counted(), heads))
        return Verified(entries=count, chains=len(heads), findings=findings)
