"""The hash chain: what is hashed, byte for byte. How a chain is checked: `ledger_check`.

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
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64


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
