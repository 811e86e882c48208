"""Whether chains hold: one walk over all entries, and the first place of everything that does not.

    entry -> its number and link -> its hash -> its commitment -> leaf of the chain's tree
                                   256 leaves -> the stored subtree | a signed size -> the signed root

What may surprise: an entry comes as the texts that are hashed, put together by the database. A hundred
thousand of them a second leave a Python program ten microseconds each, of which hashing takes four. And
a subtree that was changed is told by another code than an entry: it is a copy, and nothing is lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from aggregator.domain import merkle
from aggregator.domain.ledger import GENESIS, Finding
from aggregator.domain.merkle import Growing


class Row(NamedTuple):
    """An entry as it is hashed. Plain tuples in this order do as well."""

    chain: str
    seq: int
    prev_hash: str
    hash: str
    commitment: str
    #: Salt and data, one behind the other; None where one of them is erased.
    sealed: str | None
    #: Whether salt and data are erased both, or neither.
    even: bool
    #: Everything behind the hash of the entry before, in lines.
    body: str


@dataclass(frozen=True, slots=True)
class Signed:
    """What a chain must be: by size, the checkpoint and its root; and the stored roots of its subtrees."""

    sizes: Mapping[int, tuple[int, str]] = field(default_factory=dict)
    tiles: Sequence[str] = ()


class Walk:
    """Takes every entry; afterwards `findings`, `count`, and the `erased` ones to account for."""

    def __init__(
        self, heads: Mapping[str, tuple[int, str]], signed: Mapping[str, Signed], wide_bits: int = 8
    ) -> None:
        self.findings: list[Finding] = []
        self.erased: list[tuple[str, int]] = []
        self.count = 0
        self._heads, self._signed, self._bits = heads, signed, wide_bits
        self._seen: set[str] = set()

    def all(self, batches: Iterable[Sequence[Row]]) -> None:
        """Batches of entries, ordered by place within each chain, chains one after the other."""
        chain: _Chain | None = None
        for batch in batches:
            self.count += len(batch)
            for part in _by_chain(batch):
                if chain is None or part[0][0] != chain.name:
                    self._close(chain)
                    chain = _Chain(self, part[0][0], self._signed.get(part[0][0], Signed()), self._bits)
                chain.take(part)
        self._close(chain)
        for missing in sorted({*self._heads, *self._signed} - self._seen):
            if missing in self._signed or self._heads[missing][0]:
                self.find(missing, 0, "chain_missing", f"chain {missing}: all its entries are gone")

    def find(self, chain: str, seq: int, code: str, message: str) -> None:
        self.findings.append(Finding(chain, seq, code, message))

    def _close(self, chain: _Chain | None) -> None:
        if chain is None:
            return
        self._seen.add(chain.name)
        chain.end()
        head = self._heads.get(chain.name)
        if head is None:
            self.find(chain.name, chain.seq, "head_missing", f"chain {chain.name}: its head is missing")
        elif tuple(head) != (chain.seq, chain.prev):
            self.find(
                chain.name, chain.seq, "cut",
                f"chain {chain.name}: ends at entry {chain.seq}, but {head[0]} entries were written",
            )  # fmt: skip


class _Chain:
    """One chain on its way: where it is, and its tree so far."""

    def __init__(self, walk: Walk, name: str, signed: Signed, bits: int) -> None:
        self.name, self.seq, self.prev = name, 0, GENESIS
        self._walk, self._signed, self._bits = walk, signed, bits
        self._tree, self._leaves = Growing(), list[bytes]()
        self._sizes = sorted(signed.sizes, reverse=True)
        self._good = 0

    def take(self, rows: Sequence[Row]) -> None:
        """The next entries: every link, hash and commitment."""
        sha256, fromhex, leaves, wide = hashlib.sha256, bytes.fromhex, self._leaves, 1 << self._bits
        last, prev, next_size = self.seq, self.prev, self._sizes[-1] if self._sizes else 0
        for _, seq, prev_hash, digest, commitment, sealed, even, body in rows:
            if seq != last + 1 or prev_hash != prev:
                self._broken(seq, last)
            if sha256(f"{prev_hash}\n{body}".encode()).hexdigest() != digest:
                self._find(seq, "edited", "its hash does not fit its content")
            if sealed is None:
                self._without(seq, even)
            elif sha256(sealed.encode()).hexdigest() != commitment:
                self._find(seq, "data", "its data was changed")
            last, prev = seq, digest
            try:
                leaves.append(sha256(b"\x00" + fromhex(digest)).digest())
            except ValueError:
                leaves.append(merkle.EMPTY)  # the hash is none, and that was found above
            if self._tree.size + len(leaves) == next_size:
                self._at_signed(next_size)
                next_size = self._sizes[-1] if self._sizes else 0
            if len(leaves) == wide:
                self._store()
        self.seq, self.prev = last, prev

    def end(self) -> None:
        """No entry is left: every signed size must have been reached."""
        if self._sizes:
            number, _ = self._signed.sizes[self._sizes[0]]
            self._find(
                self._tree.size + len(self._leaves), "cut_signed",
                f"was the last, but checkpoint {number} signed {self._sizes[0]} entries",
            )  # fmt: skip

    def _at_signed(self, size: int) -> None:
        self._sizes.pop()
        number, root = self._signed.sizes[size]
        if self._root() == root:
            self._good = size
        else:
            self._find(
                self._good + 1,
                "unsigned",
                f"from here to entry {size} they are not those of checkpoint {number}",
            )

    def _root(self) -> str:
        return self._tree.root(self._leaves).hex()

    def _store(self) -> None:
        at = self._tree.size >> self._bits
        found = merkle.root(self._leaves)
        if at < len(self._signed.tiles) and self._signed.tiles[at] != found.hex():
            first = self._tree.size + 1
            self._find(
                first, "subtree", f"the stored subtree of it and {len(self._leaves) - 1} more does not fit"
            )
        self._tree.add(found, self._bits)
        self._leaves.clear()

    def _broken(self, seq: int, last: int) -> None:
        if seq != last + 1:
            self._find(seq, "gap", f"follows entry {last}, some are missing")
        else:
            self._find(seq, "link", f"does not link to entry {last}")

    def _without(self, seq: int, even: bool) -> None:
        if even:
            self._walk.erased.append((self.name, seq))
        else:
            self._find(seq, "half_erased", "data and salt are erased together or not")

    def _find(self, seq: int, code: str, message: str) -> None:
        self._walk.find(self.name, seq, code, f"chain {self.name}, entry {seq}: {message}")


def unrecorded(
    erased: Iterable[tuple[str, int]], ranges: Iterable[tuple[str, int, int]]
) -> Iterator[Finding]:
    """Erased entries that no entry says were erased; `ranges` are (chain, first, last)."""
    said: dict[str, list[tuple[int, int]]] = {}
    for chain, first, last in ranges:
        said.setdefault(chain, []).append((first, last))
    for chain, seq in erased:
        if not any(first <= seq <= last for first, last in said.get(chain, ())):
            message = f"chain {chain}, entry {seq}: was erased, and no entry records that"
            yield Finding(chain, seq, "erased", message)


def _by_chain(batch: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The batch in pieces of one chain each."""
    if not batch or batch[0][0] == batch[-1][0]:
        if batch:
            yield batch
        return
    start = 0
    for at in range(1, len(batch)):
        if batch[at][0] != batch[start][0]:
            yield batch[start:at]
            start = at
    yield batch[start:]
