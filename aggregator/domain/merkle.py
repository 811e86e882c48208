"""The Merkle tree of RFC 6962 (and 9162): a root that stands for all leaves, and short proofs against it.

    leaf = SHA-256(0x00 || bytes)           node = SHA-256(0x01 || left || right)
    a tree of n > 1 leaves splits at the largest power of two below n

What is asked of a tree (its root, the path of a leaf, that it only grew) is answered from its complete
subtrees, by whoever can name them: `Node` gives the one of 2**level leaves that begins at leaf
number * 2**level. A list of leaf hashes can (`nodes`), and so can a database that keeps a few of them.

What may surprise: a leaf here is always the leaf's *hash*. And a proof is checked by recomputing, never by
looking: a path that is too short, too long or from another place gives another root.
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


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the leaf stands at `index` in the tree of `size` leaves with this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if at % 2 or at == last:
            found = node_hash(step, found)
            while at % 2 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def consistency(old: int, new: int, node: Node) -> list[bytes]:
    """That the tree of `new` leaves begins with the tree of `old` leaves (RFC 6962, 2.1.2).

    `ValueError` where it shrank. Nothing is needed where one of them is empty or both are the same.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} leaves cannot have grown to {new}")
    if old in (0, new):
        return []
    proof: list[bytes] = []
    low, high, whole = 0, new, True
    while high - low > 1 and old - low != high - low:
        middle = low + _split(high - low)
        if old <= middle:
            proof.append(_range(middle, high, node))
            high = middle
        else:
            proof.append(_range(low, middle, node))
            low, whole = middle, False
    if not whole:
        proof.append(_range(low, high, node))
    return proof[::-1]


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the tree of `new` leaves only added to that of `old` leaves (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY
    steps = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not steps:
        return False
    at, last = old - 1, new - 1
    while at % 2:
        at, last = at >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at % 2 or at == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while at % 2 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, step)
        at, last = at >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


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
