"""What is signed: a few lines of text that stand for every entry of every chain at one moment.

    entries of a chain -> root of the chain        leaf = SHA-256(0x00 || bytes of the entry's hash)
    chain, size, root  -> root of the checkpoint   leaf = SHA-256(0x00 || canonical([chain, size, root]))
    root, number, time -> the text                 Ed25519 over its bytes, final line break included

    motmoi/checkpoint/1
    <installation: the id of its first key>
    <number, from 1, each one more than the last>
    <time, ISO, UTC>
    <entries of all chains>
    <root, hex>
    <SHA-256 of the text of the checkpoint before, hex; zeros for the first>

What may surprise: an entry's leaf is made of its hash and not of its content, so that erasing a person
changes no root; and a chain stands in the tree with its size, so that a chain cut short is another root.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from aggregator.domain import merkle
from aggregator.domain.ledger import GENESIS, canonical, instant

FORMAT = "motmoi/checkpoint/1"
KEY_FORMAT = "motmoi/key/1"
#: The checkpoint before the first.
NONE_BEFORE = GENESIS


@dataclass(frozen=True, slots=True)
class ChainState:
    """A chain at one moment: how many entries, and the root over them (hex)."""

    chain: str
    size: int
    root: str

    @property
    def leaf(self) -> bytes:
        return merkle.leaf_hash(canonical([self.chain, self.size, self.root]).encode())


def leaf_of(entry_hash: str) -> bytes:
    """The leaf of an entry, from its hash. `ValueError` where that is no hex."""
    return merkle.leaf_hash(bytes.fromhex(entry_hash))


def in_order(states: Iterable[ChainState]) -> list[ChainState]:
    """The chains as they stand in the checkpoint's tree; those without entries do not."""
    return sorted((state for state in states if state.size), key=lambda state: state.chain)


def root_of(states: Iterable[ChainState]) -> str:
    return merkle.root([state.leaf for state in in_order(states)]).hex()


def text_of(installation: str, number: int, at: datetime, entries: int, root: str, previous: str) -> str:
    """The text that is signed."""
    lines = (FORMAT, installation, number, instant(at), entries, root, previous)
    return "".join(f"{line}\n" for line in lines)


def key_id(public: str) -> str:
    """How a signing key (hex) is named: the first 16 digits of its SHA-256."""
    return hashlib.sha256(bytes.fromhex(public)).hexdigest()[:16]


def succession_text(installation: str, old: str, new: str) -> str:
    """What the old key signs to hand over to the new one (both public halves, hex)."""
    return f"{KEY_FORMAT}\n{installation}\n{old}\n{new}\n"
