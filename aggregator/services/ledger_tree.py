"""The tree of one chain as the database keeps it: entries below, the roots of its complete subtrees above.

    level 0   the entries' own hashes, read where they stand
    level 1   one row for 256 entries       level 2   one row for 65,536       and so on

So an append stores nothing more, a checkpoint reads what is new, and a proof reads at most 256 hashes a
level. What may surprise: the stored subtrees are a convenience that anybody with the database's password
can change. Nothing is believed because it stands there: a changed one gives a root that was never signed.
"""

from __future__ import annotations

from collections.abc import Callable

from aggregator.domain import merkle
from aggregator.domain.checkpoints import leaf_of
from aggregator.errors import AggregatorError
from aggregator.storage import checkpoint_queries
from aggregator.storage.db import Database, Tx

#: A stored subtree is 256 wide: 2**8.
WIDE_BITS = 8
WIDE = 1 << WIDE_BITS
#: Subtrees that one transaction stores.
AT_ONCE = 64


class LedgerRewritten(AggregatorError):
    """The ledger is not the one that was signed before: nothing more is signed."""

    code = "ledger_rewritten"

    def __init__(self, why: str, hint: str = "see where: motmoi ledger verify") -> None:
        super().__init__(
            f"the ledger is not the one that was signed before: {why}",
            hint=hint,
            message_vi="Nhật ký không còn khớp với lần ký trước. Báo ngay cho người quản trị máy chủ.",
        )


class StoredTree:
    """Reads one chain's tree within a transaction; what it read is kept for the next question."""

    def __init__(self, tx: Tx, chain: str) -> None:
        self._tx = tx
        self._chain = chain
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def node(self, level: int, number: int) -> bytes:
        """The root of the complete subtree; `LedgerRewritten` where entries of it are gone."""
        tier, inner = divmod(level, WIDE_BITS)
        first, width = number << inner, 1 << inner
        low = first % WIDE
        return merkle.root(self._filled(tier, first >> WIDE_BITS, low + width)[low : low + width])

    def complete(self, tier: int, number: int) -> str:
        """The root of a complete subtree of this tier, from the tier below; `LedgerRewritten` as above."""
        return merkle.root(self._filled(tier - 1, number, WIDE)).hex()

    def root(self, size: int) -> str:
        return merkle.tree_root(size, self.node).hex()

    def path(self, seq: int, size: int) -> list[str]:
        """What leads from the entry to the root of the first `size` entries."""
        return [step.hex() for step in merkle.inclusion_path(seq - 1, size, self.node)]

    def _filled(self, tier: int, number: int, count: int) -> list[bytes]:
        """A subtree of which the first `count` hashes are known; what is not stored yet is computed."""
        hashes = self._tile(tier, number)
        while len(hashes) < count:
            if tier == 0:
                raise LedgerRewritten(f"entries of chain {self._chain} are missing")
            hashes.append(bytes.fromhex(self.complete(tier, number * WIDE + len(hashes))))
        return hashes

    def _tile(self, tier: int, number: int) -> list[bytes]:
        if (tier, number) not in self._tiles:
            self._tiles[tier, number] = self._read(tier, number * WIDE, (number + 1) * WIDE)
        return self._tiles[tier, number]

    def _read(self, tier: int, low: int, high: int) -> list[bytes]:
        try:
            if tier == 0:
                return [
                    leaf_of(found) for found in checkpoint_queries.hashes(self._tx, self._chain, low, high)
                ]
            found = checkpoint_queries.tile_roots(self._tx, self._chain, tier, low, high)
            return [bytes.fromhex(one) for one in found]
        except ValueError as error:
            raise LedgerRewritten(f"a hash of chain {self._chain} is none") from error


def store_complete(db: Database, chain: str, size: int, stop: Callable[[], bool] = lambda: False) -> None:
    """Store every complete subtree of the first `size` entries that is not stored yet."""
    tier = 1
    while (wanted := size >> (WIDE_BITS * tier)) and not stop():
        with db.read() as tx:
            done = checkpoint_queries.tiles(tx, chain, tier)
        while done < wanted and not stop():
            upto = min(wanted, done + AT_ONCE)
            with db.write() as tx:
                tree = StoredTree(tx, chain)
                rows = [
                    {"chain": chain, "level": tier, "number": number,
                     "root": tree.complete(tier, number)}
                    for number in range(done, upto)
                ]  # fmt: skip
                checkpoint_queries.store_tiles(tx, rows)
            done = upto
        tier += 1
