"""Signed checkpoints over all chains, and the proofs that entries are under one.

    sizes of all chains -> store complete subtrees -> root of each chain that grew -> sign -> one row
                                                     | refuse what does not begin with what was signed before

A worker makes one at most every ten minutes, and only where something was entered; who issues a paper
asks for one at once. What may surprise: entries made meanwhile by others do no harm and need no lock. A
chain's head is committed with its entries, and entries never change, so sizes read at one instant name
a whole and lasting state of every chain.

What is signed never shrinks. A database restored from an old backup has forgotten checkpoints that
others hold; signing on would make two histories under one key. So the newest checkpoint is also kept in
the data folder, and in the files outside: who finds one there that the database does not know refuses,
and a person says what happened (`admit_loss`), which is entered in the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain import merkle
from aggregator.domain.checkpoints import (
    NONE_BEFORE,
    ChainState,
    in_order,
    root_of,
    text_of,
)
from aggregator.domain.ledger import canonical, instant
from aggregator.domain.text import sha256_of
from aggregator.errors import MoveNotAllowed, NotFound
from aggregator.services.clock import Clock
from aggregator.services.held_checkpoint import Held, HeldFile
from aggregator.services.ledger import SYSTEM, Draft, append, lock
from aggregator.services.ledger_keys import LedgerKeys
from aggregator.services.ledger_tree import LedgerRewritten, StoredTree, store_complete
from aggregator.settings import Settings
from aggregator.storage import checkpoint_queries
from aggregator.storage.db import Database, Tx
from aggregator.storage.vault import Vault

#: A worker makes no checkpoint earlier after the last.
EVERY = timedelta(minutes=10)
BUNDLE = "motmoi/bundle/1"
#: The entry that says which checkpoints a restored database has forgotten.
LOSS = "ledger_restored"

_RESTORED = (
    "this database is older than a checkpoint that was signed before (restored from an old backup?): put the "
    'newest backup in its place; where there is none: motmoi ledger checkpoint --after-loss "WHAT HAPPENED"'
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One signed moment. `text` is what the signature (hex) is over; `key_id` names the key."""

    number: int
    at: datetime
    entries: int
    root: str
    text: str
    signature: str
    key_id: str
    token: str | None
    token_signature: str | None

    @property
    def document(self) -> dict[str, Any]:
        """As it stands in a bundle."""
        return {"text": self.text, "signature": self.signature, "token": self.token,
                "token_signature": self.token_signature}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Proofs:
    """Entries with their paths to the chain roots, chains with theirs to the checkpoint."""

    installation: str
    key: dict[str, Any]
    entries: list[dict[str, Any]]
    chains: list[dict[str, Any]]
    checkpoint: dict[str, Any]

    def bundle(self, statement: dict[str, Any]) -> bytes:
        """The whole document about this statement: canonical, so that every byte of it counts."""
        document = {
            "format": BUNDLE, "installation": self.installation, "key": self.key, "statement": statement,
            "statement_sha256": sha256_of(canonical(statement)), "entries": self.entries,
            "chains": self.chains, "checkpoint": self.checkpoint,
        }  # fmt: skip
        return canonical(document).encode()


class Checkpoints:
    """Makes checkpoints, and proves entries against them."""

    def __init__(self, db: Database, vault: Vault, clock: Clock, settings: Settings) -> None:
        self._db = db
        self._clock = clock
        self.keys = LedgerKeys(db, vault, clock)
        self._held = HeldFile(settings.data_dir / "ledger-checkpoint.json")
        self._outside = tuple(HeldFile(path) for path in settings.ledger.files)

    # Making ----------------------------------------------------------------------------------------

    def make(self, *, force: bool = False) -> Checkpoint | None:
        """A checkpoint over everything entered so far; the last one where nothing was entered since.

        Without `force` only where something was entered and the last one is ten minutes old, else None.
        `LedgerRewritten` where the ledger is not the one that was signed before.
        """
        with self._db.read() as tx:
            last, sizes = _last(tx, lost=False), checkpoint_queries.sizes(tx)
        if not force and not self._is_due(last, sizes):
            return None
        # A share that hangs must not keep a person waiting for a paper: the worker looks at those.
        self._refuse_fork([self._held] if force else self._everywhere)
        self.keys.ensure()
        self._store_subtrees()
        made = self._sign()
        self._held.keep(Held(made.number, made.text, made.signature))
        return made

    def _is_due(self, last: Checkpoint | None, sizes: dict[str, int]) -> bool:
        if last is None:
            return bool(sizes)
        return sum(sizes.values()) != last.entries and self._clock() >= last.at + EVERY

    def _store_subtrees(self) -> None:
        """What is whole is stored first, bit by bit, so that signing holds nobody up."""
        with self._db.read() as tx:
            last, sizes = _last(tx, lost=False), checkpoint_queries.sizes(tx)
            before = checkpoint_queries.chains_at(tx, last.number) if last else {}
        for chain, size in sizes.items():
            if chain not in before or before[chain].size != size:
                store_complete(self._db, chain, size)

    def _sign(self) -> Checkpoint:
        with self._db.write() as tx:
            lock(tx, [SYSTEM])  # one at a time: numbers follow one another
            last, newest, sizes = _last(tx, lost=False), _last(tx), checkpoint_queries.sizes(tx)
            before = _states(tx, last)
            grown = [_grown(tx, chain, sizes.get(chain, 0), before.get(chain)) for chain in {*sizes, *before}]
            changed = in_order(state for state in grown if state is not None)
            if last is not None and newest == last and not changed:
                return last
            made = self._signed(tx, newest, {**before, **{state.chain: state for state in changed}})
            checkpoint_queries.add(tx, _row(made), changed)
            return made

    def _signed(self, tx: Tx, newest: Checkpoint | None, states: Mapping[str, ChainState]) -> Checkpoint:
        key, now = self.keys.current(tx), self._clock()
        assert key is not None
        number = newest.number + 1 if newest else 1
        entries, root = sum(state.size for state in states.values()), root_of(states.values())
        previous = sha256_of(newest.text) if newest else NONE_BEFORE
        text = text_of(key.installation, number, now, entries, root, previous)
        signature = self.keys.sign(tx, text.encode())
        return Checkpoint(number, now, entries, root, text, signature, key.id, None, None)

    # After a loss ----------------------------------------------------------------------------------

    def _refuse_fork(self, files: Sequence[HeldFile]) -> None:
        if self._unknown(files):
            raise LedgerRewritten("a checkpoint was signed that this database does not know", _RESTORED)

    def _unknown(self, files: Sequence[HeldFile]) -> list[Held]:
        """Checkpoints in these files that the database does not know, and nobody has admitted lost."""
        found = []
        with self._db.read() as tx:
            for file in files:
                try:
                    held = file.last()
                except OSError:
                    continue  # away for now: nothing can be compared
                if held is not None and not self.knows(tx, held):
                    found.append(held)
        return found

    def knows(self, tx: Tx, held: Held) -> bool:
        """Whether this checkpoint was made here, or was admitted lost."""
        known = checkpoint_queries.checkpoint(tx, held.number)
        return (known is not None and known.text == held.text) or _admitted(tx, held)

    def admit_loss(self, reason: str, officer_id: int | None = None) -> Held:
        """Enter that what a checkpoint stood for is lost, and go on after it; the newest such checkpoint.

        `MoveNotAllowed` where every checkpoint that is held is known here.
        """
        lost = self._unknown(self._everywhere)
        if not lost:
            raise MoveNotAllowed("every checkpoint that is held outside is known here: nothing is lost")
        newest = max(lost, key=lambda held: held.number)
        with self._db.write() as tx:
            lock(tx, [SYSTEM])
            for held in lost:
                told = {"number": held.number, "checkpoint": sha256_of(held.text), "reason": reason}
                append(tx, [Draft(SYSTEM, LOSS, self._clock(), told, officer_id=officer_id)])
            last = checkpoint_queries.last(tx)
            if last is None or last.number < newest.number:
                checkpoint_queries.add(tx, _lost_row(newest), [])
        return newest

    @property
    def _everywhere(self) -> list[HeldFile]:
        return [self._held, *self._outside]

    # Proving ---------------------------------------------------------------------------------------

    def last(self) -> Checkpoint | None:
        """The newest checkpoint of this database."""
        with self._db.read() as tx:
            return _last(tx, lost=False)

    def prove(self, tx: Tx, entries: Collection[tuple[str, int]]) -> Proofs:
        """These entries (chain, seq) under the newest checkpoint. `NotFound` where it does not cover one."""
        last = _last(tx, lost=False)
        key = self.keys.current(tx)
        if last is None or key is None:
            raise NotFound("there is no checkpoint yet")
        states = checkpoint_queries.chains_at(tx, last.number)
        proven, wanted = [], sorted(set(entries))
        for chain in sorted({chain for chain, _ in wanted}):
            state = states.get(chain) or ChainState(chain, 0, "")
            proven += _proven(tx, state, [seq for of, seq in wanted if of == chain])
        if len(proven) != len(wanted):
            raise NotFound(f"checkpoint {last.number} does not cover all of these entries")
        return Proofs(
            installation=key.installation, key=key.document, entries=proven,
            chains=_chain_paths(states, {chain for chain, _ in wanted}), checkpoint=last.document,
        )  # fmt: skip


def _last(tx: Tx, *, lost: bool = True) -> Checkpoint | None:
    row = checkpoint_queries.last(tx, lost=lost)
    if row is None:
        return None
    return Checkpoint(
        row.number, row.at, row.entries, row.root, row.text, row.signature, row.key_name, row.token,
        row.token_signature,
    )  # fmt: skip


def _row(made: Checkpoint) -> dict[str, Any]:
    names = ("number", "at", "entries", "root", "text", "signature")
    return {name: getattr(made, name) for name in names} | {"key_name": made.key_id, "lost": False}


def _states(tx: Tx, last: Checkpoint | None) -> dict[str, ChainState]:
    """The chains as the last checkpoint has them; `LedgerRewritten` where that does not give its root."""
    states = checkpoint_queries.chains_at(tx, last.number) if last else {}
    if last is not None and root_of(states.values()) != last.root:
        raise LedgerRewritten(f"the chains of checkpoint {last.number} were changed")
    return states


def _grown(tx: Tx, chain: str, size: int, before: ChainState | None) -> ChainState | None:
    """The chain as it is now; None where it did not grow, `LedgerRewritten` where it did anything else."""
    if before is not None and size == before.size:
        return None
    if before is not None and size < before.size:
        raise LedgerRewritten(f"chain {chain} has {size} entries, and {before.size} were signed")
    tree = StoredTree(tx, chain)
    if before is not None and tree.root(before.size) != before.root:
        raise LedgerRewritten(f"the first {before.size} entries of chain {chain} were changed")
    return ChainState(chain, size, tree.root(size))


def _admitted(tx: Tx, held: Held) -> bool:
    told = (json.loads(row.data) for row in checkpoint_queries.of_kind(tx, LOSS, SYSTEM) if row.data)
    return any(one["checkpoint"] == sha256_of(held.text) for one in told)


def _lost_row(held: Held) -> dict[str, Any]:
    lines = held.text.split("\n")
    return {
        "number": held.number, "at": datetime.fromisoformat(lines[3]), "entries": int(lines[4]),
        "root": lines[5], "text": held.text, "signature": held.signature, "key_name": "", "lost": True,
    }  # fmt: skip


def _proven(tx: Tx, state: ChainState, seqs: Sequence[int]) -> list[dict[str, Any]]:
    tree = StoredTree(tx, state.chain)
    rows = checkpoint_queries.entries_at(tx, state.chain, [seq for seq in seqs if seq <= state.size])
    return [entry_document(row) | {"path": tree.path(row.seq, state.size)} for row in rows]


def entry_document(row: Any) -> dict[str, Any]:
    """An entry as it stands in a bundle; erased data and salt are null."""
    return {
        "chain": row.chain, "seq": row.seq, "at": instant(row.at), "kind": row.kind, "case_id": row.case_id,
        "officer_id": row.officer_id, "channel_id": row.channel_id, "data": row.data, "salt": row.salt,
        "commitment": row.commitment, "prev_hash": row.prev_hash, "hash": row.hash,
    }  # fmt: skip


def _chain_paths(states: Mapping[str, ChainState], wanted: Collection[str]) -> list[dict[str, Any]]:
    ordered = in_order(states.values())
    node = merkle.nodes([state.leaf for state in ordered])
    return [
        {"chain": state.chain, "size": state.size, "root": state.root, "index": at, "of": len(ordered),
         "path": [step.hex() for step in merkle.inclusion_path(at, len(ordered), node)]}
        for at, state in enumerate(ordered) if state.chain in wanted
    ]  # fmt: skip
