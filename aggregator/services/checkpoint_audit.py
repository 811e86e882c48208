"""Whether the stored checkpoints, keys and subtrees fit together; the entries are walked elsewhere.

What may surprise: whoever can write to this database can replace all of it by another that fits. This
finds what was changed in part, here and now; only a checkpoint held by somebody else tells the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from aggregator.domain import merkle
from aggregator.domain.checkpoints import (
    NONE_BEFORE,
    ChainState,
    key_id,
    succession_text,
    text_of,
)
from aggregator.domain.ledger import Finding
from aggregator.domain.ledger_check import Signed
from aggregator.domain.text import sha256_of
from aggregator.services import ledger_tree
from aggregator.services.checkpoints import LOSS
from aggregator.services.ledger import SYSTEM
from aggregator.services.ledger_keys import is_signed
from aggregator.storage import checkpoint_queries
from aggregator.storage.db import Tx

#: Where findings about checkpoints stand instead of a chain; the number is the checkpoint's.
CHECKPOINTS = "checkpoints"


class Audit:
    """Reads keys, checkpoints and subtrees: `signed` is what the chains must be, `findings` what is wrong."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._keys = checkpoint_queries.keys(tx)
        rows = checkpoint_queries.numbered(tx)
        grown = _by_number(checkpoint_queries.grown(tx))
        self.count = len(rows)
        self.findings = [*self._of_keys(), *self._of_checkpoints(rows, grown)]
        sizes: dict[str, dict[int, tuple[int, str]]] = {}
        for number, states in grown.items():
            for state in states:
                sizes.setdefault(state.chain, {})[state.size] = (number, state.root)
        tiles = self._tiles()
        self.signed = {
            chain: Signed(sizes.get(chain, {}), tiles.get(chain, ())) for chain in {*sizes, *tiles}
        }

    def _of_keys(self) -> Iterator[Finding]:
        installation = self._keys[0].name if self._keys else ""
        for row in self._keys:
            if row.name != key_id(row.public):
                yield _finding(0, "key", f"key {row.name}: its name does not fit it")
        for old, new in pairwise(self._keys):
            text = succession_text(installation, old.public, new.public)
            if not is_signed(old.public, new.signature or "", text.encode()):
                yield _finding(0, "key", f"key {new.name}: the key before it did not sign it")

    def _of_checkpoints(self, rows: list[Any], grown: Mapping[int, list[ChainState]]) -> Iterator[Finding]:
        publics = {row.name: row.public for row in self._keys}
        installation = self._keys[0].name if self._keys else ""
        before, last = NONE_BEFORE, 0
        leaves: dict[str, bytes] = {}
        entries: dict[str, int] = {}
        for row in rows:
            for state in grown.get(row.number, ()):
                leaves[state.chain], entries[state.chain] = state.leaf, state.size
            text = text_of(installation, row.number, row.at, row.entries, row.root, before)
            if row.number != last + 1 or row.text != text:
                yield _finding(row.number, "checkpoint", f"checkpoint {row.number}: its text was changed")
            if row.lost:
                yield from self._of_loss(row)
            elif not is_signed(publics.get(row.key_name, ""), row.signature, row.text.encode()):
                yield _finding(row.number, "signature", f"checkpoint {row.number}: its signature is wrong")
            else:
                root = merkle.root([leaves[chain] for chain in sorted(leaves)]).hex()
                if (root, sum(entries.values())) != (row.root, row.entries):
                    yield _finding(row.number, "chains", f"checkpoint {row.number}: does not fit its chains")
            before, last = sha256_of(row.text), row.number
        for number in sorted(set(grown) - {row.number for row in rows}):
            yield _finding(number, "checkpoint", f"checkpoint {number}: is gone")

    def _of_loss(self, row: Any) -> Iterator[Finding]:
        told = (
            json.loads(one.data) for one in checkpoint_queries.of_kind(self._tx, LOSS, SYSTEM) if one.data
        )
        if sha256_of(row.text) not in {one["checkpoint"] for one in told}:
            yield _finding(row.number, "loss", f"checkpoint {row.number}: is lost, and no entry says so")

    def _tiles(self) -> dict[str, list[str]]:
        """Chain -> roots of its lowest subtrees; those above must be made of them."""
        stored: dict[tuple[str, int], list[str]] = {}
        for row in checkpoint_queries.all_tiles(self._tx):
            stored.setdefault((row.chain, row.level), []).append(row.root)
        for (chain, level), roots in stored.items():
            if level > 1 and not _made_of(roots, stored.get((chain, level - 1), [])):
                message = f"chain {chain}: a stored subtree of level {level} does not fit those below"
                self.findings.append(Finding(chain, 0, "subtree", message))
        return {chain: roots for (chain, level), roots in stored.items() if level == 1}


def _made_of(roots: list[str], below: list[str]) -> bool:
    wide = ledger_tree.WIDE
    try:
        made = [
            merkle.root([bytes.fromhex(one) for one in below[at * wide : (at + 1) * wide]]).hex()
            for at in range(len(roots))
        ]
    except ValueError:
        return False
    return len(below) >= len(roots) * wide and made == roots


def _by_number(rows: list[Any]) -> dict[int, list[ChainState]]:
    found: dict[int, list[ChainState]] = {}
    for row in rows:
        found.setdefault(row.number, []).append(ChainState(row.chain, row.size, row.root))
    return found


def _finding(number: int, code: str, message: str) -> Finding:
    return Finding(CHECKPOINTS, number, code, message)
