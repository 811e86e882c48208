"""Another key for everything that is sealed, while the product runs.

    a new key on top of the key file | every process takes it over within a second
    | rows sealed by older keys are sealed anew, a batch a transaction | none left: the old keys may go

What may surprise: at every instant all keys in the file open, so it never matters where this was broken
off: it is simply begun again and goes on with the rows that are left. The old keys stay in the file until
somebody retires them, because older backups of the database need them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from aggregator.errors import MoveNotAllowed
from aggregator.services.channel_tokens import tokens_purpose
from aggregator.services.clock import Clock
from aggregator.services.connections import secrets_purpose, state_purpose
from aggregator.services.ledger import SYSTEM, Draft, append, lock
from aggregator.storage import sealed_queries
from aggregator.storage import vault as keys
from aggregator.storage.db import Database
from aggregator.storage.sealed_queries import SEALED
from aggregator.storage.vault import Vault

#: Rows that one transaction seals anew.
AT_ONCE = 200
#: A process may seal with the key before for so long after the file has changed.
SETTLE_S = 2 * keys.LOOK_S

_OF_CHANNEL: dict[str, Callable[[str], str]] = {
    "channel-secrets": secrets_purpose,
    "channel-state": state_purpose,
    "channel-tokens": tokens_purpose,
}


class KeyRotation:
    """Rotates the sealing key of this installation."""

    def __init__(self, db: Database, vault: Vault, key_file: Path, clock: Clock) -> None:
        self._db = db
        self._vault = vault
        self._key_file = key_file
        self._clock = clock

    def left(self) -> dict[str, int]:
        """What -> how many rows an older key has sealed."""
        with self._db.read() as tx:
            older = self._vault.older
            return {name: sealed_queries.left(tx, what, older) for name, what in SEALED.items()}

    def begin(self) -> bool:
        """Put a new key on top; False where an earlier rotation is to be finished first."""
        if any(self.left().values()):
            return False
        keys.add_key(self._key_file)
        self._record("key_added", {})
        return True

    def seal_anew(self, stop: Callable[[], bool], tell: Callable[[int], None]) -> int:
        """Seal what older keys have sealed, until nothing is left or `stop`; how many rows.

        `tell` hears how many so far. Bytes that no key of the file opens are left as they are.
        """
        done = 0
        for name in SEALED:
            after = 0
            while not stop():
                number, after = self._batch(name, after)
                if not number:
                    break
                done += number
                tell(done)
        return done

    def _batch(self, name: str, after: int) -> tuple[int, int]:
        what = SEALED[name]
        with self._db.write() as tx:
            rows = sealed_queries.older(tx, what, self._vault.older, after, AT_ONCE)
            for row in rows:
                purpose = _purpose(name, row)
                fresh = self._vault.seal(self._vault.open(row.sealed, purpose), purpose)
                sealed_queries.replace(tx, what, row.key, row.sealed, fresh)
        return len(rows), rows[-1].key if rows else after

    def retire(self) -> int:
        """Take the old keys out of the key file; how many. `MoveNotAllowed` while a row needs one."""
        left = sum(self.left().values())
        if left:
            raise MoveNotAllowed(
                f"{left} rows are still sealed by an older key",
                hint="finish first: motmoi secrets rotate",
                message_vi=f"Còn {left} mục dùng khoá cũ. Chạy tiếp: motmoi secrets rotate",
            )
        gone = keys.retire_keys(self._key_file)
        if gone:
            self._record("keys_retired", {"keys": gone})
        return gone

    def _record(self, kind: str, told: dict[str, Any]) -> None:
        with self._db.write() as tx:
            lock(tx, [SYSTEM])
            append(tx, [Draft(SYSTEM, kind, self._clock(), told)])


def _purpose(name: str, row: Any) -> str:
    return _OF_CHANNEL[name](row.slug) if name in _OF_CHANNEL else name
