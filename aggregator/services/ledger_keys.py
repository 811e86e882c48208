"""The keys that sign checkpoints: Ed25519, made at first use, handed over from the old one to the new.

The private half is sealed like every secret here; the public half, its beginning and its successors stand
in the ledger itself, so that an office cannot quietly use two keys. What may surprise: once a key is
handed over its private half is forgotten. Whoever steals the database later signs nothing in its name, and
whoever trusts the old public half follows the signatures to the present one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from aggregator.domain.checkpoints import key_id, succession_text
from aggregator.services.clock import Clock
from aggregator.services.ledger import SYSTEM, Draft, append, lock
from aggregator.storage import checkpoint_queries
from aggregator.storage.db import Database, Tx
from aggregator.storage.vault import Vault

#: What the private half is sealed for.
PURPOSE = "ledger-key"


@dataclass(frozen=True, slots=True)
class Handover:
    """A key that followed another: both public halves (hex) and the older one's signature."""

    old: str
    new: str
    signature: str


@dataclass(frozen=True, slots=True)
class LedgerKey:
    """The public side of the key that signs now. `installation` is the id of the first one."""

    id: str
    public: str
    installation: str
    handovers: tuple[Handover, ...]

    @property
    def document(self) -> dict[str, Any]:
        """As it stands in a bundle: with it whoever trusts an older key gets to this one."""
        return {
            "id": self.id, "public": self.public,
            "handovers": [{"old": one.old, "signature": one.signature} for one in self.handovers],
        }  # fmt: skip

    @property
    def fingerprint(self) -> str:
        """The public half in groups of eight digits, to be read out and compared."""
        return " ".join(self.public[at : at + 8] for at in range(0, 64, 8))


class LedgerKeys:
    """The signing keys of one installation."""

    def __init__(self, db: Database, vault: Vault, clock: Clock) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock

    def current(self, tx: Tx) -> LedgerKey | None:
        """The key that signs now; None before the first use."""
        rows = checkpoint_queries.keys(tx)
        if not rows:
            return None
        handovers = tuple(Handover(old.public, new.public, new.signature) for old, new in pairwise(rows))
        return LedgerKey(rows[-1].name, rows[-1].public, rows[0].name, handovers)

    def ensure(self) -> LedgerKey:
        """The key that signs now, made where there is none yet."""
        with self._db.read() as tx:
            found = self.current(tx)
        if found is not None:
            return found
        with self._db.write() as tx:
            lock(tx, [SYSTEM])  # of two processes at their first checkpoint one makes the key
            return self.current(tx) or self._make(tx, None)

    def rotate(self, officer_id: int | None = None) -> LedgerKey:
        """A new key, signed by the present one, whose private half is forgotten."""
        self.ensure()
        with self._db.write() as tx:
            lock(tx, [SYSTEM])
            before = self.current(tx)
            assert before is not None
            return self._make(tx, before, officer_id)

    def sign(self, tx: Tx, data: bytes) -> str:
        """The present key's signature (hex). `SealBroken` with the wrong secret key file."""
        sealed = checkpoint_queries.keys(tx)[-1].sealed
        private = Ed25519PrivateKey.from_private_bytes(self._vault.open(sealed, PURPOSE))
        return private.sign(data).hex()

    def _make(self, tx: Tx, before: LedgerKey | None, officer_id: int | None = None) -> LedgerKey:
        private, now = Ed25519PrivateKey.generate(), self._clock()
        public = private.public_key().public_bytes_raw().hex()
        name, signature = key_id(public), None
        told: dict[str, Any] = {"key": name, "public": public}
        if before is not None:
            text = succession_text(before.installation, before.public, public)
            signature = self.sign(tx, text.encode())
            told |= {"before": before.public, "signature": signature}
        row = {
            "name": name, "public": public, "signature": signature, "made_at": now,
            "sealed": self._vault.seal(private.private_bytes_raw(), PURPOSE),
        }  # fmt: skip
        checkpoint_queries.add_key(tx, row)
        kind = "ledger_key_made" if before is None else "ledger_key_followed"
        append(tx, [Draft(SYSTEM, kind, now, told, officer_id=officer_id)])
        made = self.current(tx)
        assert made is not None
        return made


def is_signed(public: str, signature: str, data: bytes) -> bool:
    """Whether the key with this public half made this signature (both hex)."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), data)
    except (InvalidSignature, ValueError):
        return False
    return True
