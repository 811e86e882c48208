"""The hash chain: what is hashed, byte for byte, and how a chain is checked.

    commitment = SHA-256(salt || data)              data is canonical JSON, erasable with its salt
    hash       = SHA-256(prev_hash || canonical(chain, seq, at, kind, case, officer, channel, commitment))

Each chain starts from `GENESIS`. Editing, removing or reordering any entry breaks the hash of that
entry or the link of the next one, and the check names the first place. What this proves alone is
the order and content inside; that nothing at the end was cut off is proven against the stored head
(and, outside our reach, against checkpoints that others hold). Erased entries (data and salt gone)
still verify, by their commitment.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One link. `at` is ISO text in UTC with microseconds, so that hashing needs no calendar."""

    chain: str
    seq: int
    at: str
    kind: str
    case_id: int | None
    officer_id: int | None
    channel_id: int | None
    data: str | None
    salt: str | None
    commitment: str
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and at which entry."""

    chain: str
    seq: int
    code: str
    message: str


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: the same value is the same bytes."""
    return _CANONICAL.encode(value)


#: Made once: `json.dumps` would make another one for every entry.
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def instant(at: datetime) -> str:
    """The instant as it is hashed: UTC, as it comes back from every database."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def commit(salt: str, data: str) -> str:
    return hashlib.sha256((salt + data).encode()).hexdigest()


def link(
    prev_hash: str, chain: str, seq: int, at: str, kind: str,
    case_id: int | None, officer_id: int | None, channel_id: int | None, commitment: str,
) -> str:  # fmt: skip
    body = f"{prev_hash}\n{chain}\n{seq}\n{at}\n{kind}\n{case_id}\n{officer_id}\n{channel_id}\n{commitment}"
    return hashlib.sha256(body.encode()).hexdigest()


def verify(entries: Iterable[Entry], heads: dict[str, tuple[int, str]]) -> Iterator[Finding]:
    """Walk entries ordered by (chain, seq) and yield every finding; none means the chains hold."""
    chain, seq, prev = None, 0, GENESIS
    seen: set[str] = set()
    for entry in entries:
        if entry.chain != chain:
            if chain is not None:
                yield from _check_head(chain, seq, prev, heads)
            chain, seq, prev = entry.chain, 0, GENESIS
            seen.add(entry.chain)
        yield from _check_entry(entry, seq, prev)
        seq, prev = entry.seq, entry.hash
    if chain is not None:
        yield from _check_head(chain, seq, prev, heads)
    for missing in sorted(set(heads) - seen):
        if heads[missing][0]:
            yield Finding(missing, 0, "chain_missing", f"chain {missing}: all its entries are gone")


def _check_entry(entry: Entry, last_seq: int, prev: str) -> Iterator[Finding]:
    where = f"chain {entry.chain}, entry {entry.seq}"
    if entry.seq != last_seq + 1:
        yield Finding(entry.chain, entry.seq, "gap", f"{where}: follows entry {last_seq}, some are missing")
    elif entry.prev_hash != prev:
        yield Finding(entry.chain, entry.seq, "link", f"{where}: does not link to entry {last_seq}")
    expected = link(
        entry.prev_hash, entry.chain, entry.seq, entry.at, entry.kind,
        entry.case_id, entry.officer_id, entry.channel_id, entry.commitment,
    )  # fmt: skip
    if entry.hash != expected:
        yield Finding(entry.chain, entry.seq, "edited", f"{where}: its hash does not fit its content")
    if (entry.data is None) != (entry.salt is None):
        yield Finding(
            entry.chain, entry.seq, "half_erased", f"{where}: data and salt are erased together or not"
        )
    elif entry.data is not None and commit(entry.salt or "", entry.data) != entry.commitment:
        yield Finding(entry.chain, entry.seq, "data", f"{where}: its data was changed")


def _check_head(chain: str, seq: int, prev: str, heads: dict[str, tuple[int, str]]) -> Iterator[Finding]:
    head = heads.get(chain)
    if head is None:
        yield Finding(chain, seq, "head_missing", f"chain {chain}: its head is missing")
    elif head != (seq, prev):
        yield Finding(
            chain, seq, "cut", f"chain {chain}: ends at entry {seq}, but {head[0]} entries were written"
        )
