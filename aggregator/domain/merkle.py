"""The Merkle tree of RFC 6962 (and 9162): a root that stands for all leaves, and short proofs against it.

    leaf = SHA-256(0x00 || bytes)           node = SHA-256(0x01 || left || right)
    a tree of n > 1 leaves splits at the largest power of two below n

What is asked of a tree (its root, the path of a leaf) is answered from its complete subtrees, by whoever can
name them: `Node` gives the one of 2**level leaves that begins at leaf number * 2**level. A list of leaf
hashes can (`nodes`), and so can a database that keeps a few of them.

What may surprise: a leaf here is always the leaf's *hash*; and nothing here checks a path. The verifier does
(`aggregator.verifier`), which shares no code with this.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

#: The hash of the complete subtree of 2**level leaves with this number.
Node = Callable[[int, int], bytes]

#: RFC 6962, 2.1: the hash of an empty tree.
EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes."""
    level = list(leaves)
    if not level:
        return EMPTY
    sha256 = hashlib.sha256
    while len(level) > 1:
        last = level[-1:] if len(level) % 2 else []
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [sha256(b"\x01" + left + right).digest() for left, right in pairs] + last
    return level[0]


def nodes(leaves: Sequence[bytes]) -> Node:
    """The complete subtrees of a list of leaf hashes; each is computed when it is asked for."""

    def node(level: int, number: int) -> bytes:
        return root(leaves[number << level : (number + 1) << level])

    return node


def tree_root(size: int, node: Node) -> bytes:
    """The root of the first `size` leaves."""
    return _range(0, size, node) if size else EMPTY


def inclusion_path(index: int, size: int, node: Node) -> list[bytes]:
    """What leads from leaf `index` (from 0) to the root of `size` leaves, the leaf's neighbour first.

    `ValueError` where the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path: list[bytes] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range(middle, high, node))
            high = middle
        else:
            path.append(_range(low, middle, node))
            low = middle
    return path[::-1]


class Growing:
    """A tree that only grows, kept as the roots of its complete subtrees, which give its root at any time."""

    def __init__(self) -> None:
        self.size = 0
        #: (level, hash), the largest first.
        self._whole: list[tuple[int, bytes]] = []

    def add(self, found: bytes, level: int = 0) -> None:
        """Append a leaf hash, or the root of 2**level leaves where the tree's size is a multiple of that."""
        if self.size % (1 << level):
            raise ValueError(f"a tree of {self.size} leaves cannot take a subtree of {1 << level} at once")
        self.size += 1 << level
        while self._whole and self._whole[-1][0] == level:
            found, level = node_hash(self._whole.pop()[1], found), level + 1
        self._whole.append((level, found))

    def root(self, more: Sequence[bytes] = ()) -> bytes:
        """The root of all so far and of `more` leaves behind them: fewer than its last subtree has."""
        parts = [found for _, found in self._whole]
        if more:
            parts.append(root(more))
        if not parts:
            return EMPTY
        found = parts.pop()
        while parts:
            found = node_hash(parts.pop(), found)
        return found


def _range(low: int, high: int, node: Node) -> bytes:
    """The root over leaves low..high-1, where the tree splits there (so `low` is a multiple of its width)."""
    parts: list[bytes] = []
    while low < high:
        level = (high - low).bit_length() - 1
        parts.append(node(level, low >> level))
        low += 1 << level
    found = parts.pop()
    while parts:
        found = node_hash(parts.pop(), found)
    return found


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
