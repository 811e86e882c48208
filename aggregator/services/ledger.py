"""Appending to the ledger, in the same transaction as the change itself (I11).

What may surprise: appending locks the chain's head until commit, so on PostgreSQL two transactions
of one ward follow each other. A transaction that also *decides* by what it reads (matching, case
numbers) therefore calls `lock` first and is alone in its ward from there on.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from aggregator.domain.ledger import canonical, commit, instant, link
from aggregator.domain.people import Actor
from aggregator.storage import ledger_queries
from aggregator.storage.db import Tx

#: The installation's own chain: accounts, channels, rules.
SYSTEM = "*"
#: The heads that a transaction holds and has moved. Nobody else can move them, and nothing here rolls back
#: a part of a transaction; without it a verb read each head three times.
_HELD: WeakKeyDictionary[Tx, dict[str, tuple[int, str]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Draft:
    """One state change to be recorded. `chain` is the ward's code, or `SYSTEM`.

    `data` must hold no personal data: ids, codes, statuses, and the words of officers only.
    """

    chain: str
    kind: str
    at: datetime
    data: Mapping[str, Any]
    case_id: int | None = None
    officer_id: int | None = None
    channel_id: int | None = None


def lock(tx: Tx, chains: Sequence[str]) -> None:
    """Be alone in these chains until commit. Always in sorted order, so that nobody deadlocks."""
    _locked(tx, chains)


def _locked(tx: Tx, chains: Sequence[str]) -> dict[str, tuple[int, str]]:
    """The heads of these chains, held until commit; those that this transaction holds are not read again."""
    held = _HELD.setdefault(tx, {})
    if any(chain not in held for chain in chains):
        held.update(ledger_queries.heads(tx, chains, lock=True))
    return held


def record(tx: Tx, case: Any, kind: str, actor: Actor | None, now: datetime, data: Mapping[str, Any]) -> None:
    """Enter what was done with a case into its ward's chain, by an officer or (None) by the product."""
    append(tx, [Draft(case.ward_code, kind, now, data, case.id, actor.id if actor else None)])


def append(tx: Tx, drafts: Sequence[Draft]) -> list[int]:
    """Chain and store `drafts` in their order; the place of each in its chain."""
    if not drafts:
        return []
    chains = [draft.chain for draft in drafts]
    heads = _locked(tx, chains)
    rows = []
    for draft in drafts:
        seq, prev = heads[draft.chain]
        row = _row(draft, seq + 1, prev)
        heads[draft.chain] = (row["seq"], row["hash"])
        rows.append(row)
    ledger_queries.append(tx, rows, {chain: heads[chain] for chain in chains})
    return [row["seq"] for row in rows]


def _row(draft: Draft, seq: int, prev: str) -> dict[str, Any]:
    data = canonical(draft.data)
    salt = secrets.token_hex(16)
    commitment = commit(salt, data)
    digest = link(
        prev, draft.chain, seq, instant(draft.at), draft.kind,
        draft.case_id, draft.officer_id, draft.channel_id, commitment,
    )  # fmt: skip
    return {
        "chain": draft.chain, "seq": seq, "at": draft.at, "kind": draft.kind,
        "case_id": draft.case_id, "officer_id": draft.officer_id, "channel_id": draft.channel_id,
        "data": data, "salt": salt, "commitment": commitment, "prev_hash": prev, "hash": digest,
    }  # fmt: skip
