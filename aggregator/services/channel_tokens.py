"""A channel's renewable tokens, stored: see `aggregator.sdk.tokens` for what is promised.

    take (tx) | read | the connector renews over the network | save and leave (tx)

No transaction is open while a token is renewed (I9): being alone is a row with an owner and an end. What
may surprise: new tokens are saved even where the time of being alone ran out meanwhile. A token that is
good for one use was granted to one caller only, so nobody can have a newer one.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from aggregator.errors import ConfigInvalid, Transient
from aggregator.services.clock import Clock
from aggregator.storage import webhook_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database
from aggregator.storage.vault import SealBroken, Vault

#: How long somebody else's renewal is waited for, and how often it is looked at meanwhile.
PATIENCE_S, STEP_S = 10.0, 0.05


class ChannelTokens:
    """The tokens of one channel."""

    def __init__(self, db: Database, vault: Vault, clock: Clock, channel: ChannelRow, lease_s: float) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock
        self._channel = channel
        self._lease = timedelta(seconds=lease_s)

    def read(self) -> Mapping[str, Any]:
        """The values as they are stored now. Raises `ConfigInvalid` where the key file does not fit."""
        with self._db.read() as tx:
            sealed = webhook_queries.tokens(tx, self._channel.id)
        try:
            return self._vault.open_json(sealed, self._purpose) or {}
        except SealBroken as error:
            raise ConfigInvalid(
                f"channel {self._channel.slug}: its tokens do not open ({error.message})",
                hint="put the right key file back, or give consent again",
                message_vi="Không mở được mã truy cập đã lưu của kênh: tệp khoá không khớp.",
            ) from error

    @contextmanager
    def alone(self) -> Iterator[dict[str, Any]]:
        """The values, to be changed in place; saved when the block ends, also by an error."""
        owner = secrets.token_hex(8)
        self._take(owner)
        changed: dict[str, Any] | None = None
        try:
            before = self.read()
            values = dict(before)
            try:
                yield values
            finally:
                changed = values if values != before else None
        finally:
            self._leave(owner, changed)

    def _take(self, owner: str) -> None:
        patience = time.monotonic() + PATIENCE_S
        while True:
            now = self._clock()
            with self._db.write() as tx:
                if webhook_queries.take_tokens(tx, self._channel.id, owner, now, now + self._lease):
                    return
            if time.monotonic() > patience:
                raise Transient(
                    f"channel {self._channel.slug}: its tokens are being renewed elsewhere",
                    message_vi="Mã truy cập của kênh đang được làm mới ở tiến trình khác.",
                )
            time.sleep(STEP_S)

    def _leave(self, owner: str, changed: dict[str, Any] | None) -> None:
        with self._db.write() as tx:
            if changed is not None:
                sealed = self._vault.seal_json(changed, self._purpose)
                webhook_queries.save_tokens(tx, self._channel.id, sealed)
            webhook_queries.leave_tokens(tx, self._channel.id, owner)

    @property
    def _purpose(self) -> str:
        return tokens_purpose(self._channel.slug)


def tokens_purpose(slug: str) -> str:
    return f"channel-tokens:{slug}"
