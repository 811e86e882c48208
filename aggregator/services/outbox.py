"""The outbox: each answer reaches its source once, in order, however long the source is away.

    claim (tx) | look at the source, if it may have arrived before | push | settle (tx) | channel (tx)

How a worker does that, in batches, is `delivering`; what people decide and see is here.

The states of a message, as the row says them:

pending       It has provably not arrived. A worker pushes it when it is due and the channel is open; a new
              one is due when it can no longer be taken back.
leased        A worker is pushing it. If the lease runs out the worker died, and it may have arrived.
confirming    It may have arrived: the answer to a push was lost, or the worker was. After the
              channel's settling time it is looked up: there -> sent; not there -> pushed again, in
              the same try. It stays `confirming` through failures of the look itself.
sent          The source took it, shows it, or a person carried it over.
acknowledged  A poll, or the look, saw its very words at the source.
manual        The channel has no write call, or no word for this answer: a person carries it over and ticks
              it off; the next poll that shows the words checks that.
unclear       It may have arrived and the source cannot be read back: a person looks and decides.
dead          The source refused it for good: a person reads why, then retries or carries it over.
withdrawn     Whoever answered took the answer back before any of it had left.

No transaction is open while the network is used (I9), so a settle is conditional on the claim's
fence: zero rows mean that somebody else has the message now, and this worker's word is dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from aggregator.domain.delivery import Delivery
from aggregator.domain.people import Actor, Right
from aggregator.errors import NotAllowed, NoWord
from aggregator.sdk.contract import Capabilities
from aggregator.sdk.discovery import Found
from aggregator.services import deciding, delivery_views
from aggregator.services.clock import Clock
from aggregator.services.connections import Connections
from aggregator.services.delivering import BATCH, Batch, Deliveries, DrainResult
from aggregator.services.views.delivery import DeliveryView
from aggregator.settings import Settings
from aggregator.storage import outbox_claims, outbox_queries
from aggregator.storage.db import Database
from aggregator.storage.vault import Vault


def _never() -> bool:
    return False


class Outbox:
    """Delivery of answers: what a worker does by itself, and what people decide."""

    def __init__(
        self, db: Database, vault: Vault, connectors: Mapping[str, Found], clock: Clock, settings: Settings
    ) -> None:
        self._db = db
        self._connectors = connectors
        connections = Connections(db, vault, connectors, clock, settings)
        self.deliveries = Deliveries(db, vault, connections, connectors, clock, settings)
        self._clock = clock

    # A worker's side

    def drain(self, owner: str, limit: int = 50, stop: Callable[[], bool] = _never) -> DrainResult:
        """Deliver what is due, one channel after the other, at most `limit` messages."""
        ends: Counter[str] = Counter()
        while not stop() and (batch := self.claim(owner, limit - ends.total())) is not None:
            ends.update(asdict(self.deliver(batch, limit - ends.total(), stop)))
        return DrainResult(**ends)

    def claim(self, owner: str, most: int = BATCH) -> Batch | None:
        """Take the next due messages of one channel, at most `most`; None where nothing is due."""
        return self.deliveries.claim(owner, most) if most > 0 else None

    def deliver(
        self, batch: Batch, limit: int | None = None, stop: Callable[[], bool] = _never
    ) -> DrainResult:
        """Carry a claimed batch and settle it; up to a `limit`, also what else its channel has due."""
        return self.deliveries.run(batch, limit or len(batch.messages), stop)

    def mend(self) -> int:
        """Let back into the queue what waits behind nothing; how many. Only an answer of a report that two
        wards changed at the same instant ever needs it."""
        with self._db.write() as tx:
            return outbox_queries.line_up(tx)

    # What people decide

    def retry(self, actor: Actor | None, message_id: int) -> DeliveryView:
        """Make a waiting, refused or unclear message due now; None acts for the machine's operator.

        Looked up first wherever it may have arrived. Raises `NotAllowed` where a person must decide
        instead, or where there is nothing to try again.
        """
        now = self._clock()
        with self._db.write() as tx:
            row = deciding.locked(tx, actor, message_id, Right.HANDLE, Right.OPERATE)
            can = _capabilities(self._connectors, row.channel_kind)
            _check_due(row, now)
            state = _state_to_retry(row, can or Capabilities())
            was = (Delivery(row.state),)
            deciding.decided(tx, actor, row, was, now, state=state, next_attempt_at=now)
            channel_id = row.channel_id
        with self._db.write() as tx:
            outbox_claims.let_write(tx, channel_id, now)
        return self._view(actor, message_id)

    # What people see

    def list(
        self, actor: Actor | None, state: Delivery | None = None, *, limit: int | None = None
    ) -> tuple[DeliveryView, ...]:
        """Messages in `state`, the oldest `limit`; without a state, all that the source has not shown yet."""
        states = (state,) if state is not None else tuple(set(Delivery) - {Delivery.ACKNOWLEDGED})
        now = self._clock()
        with self._db.read() as tx:
            rows = outbox_queries.listed(tx, ward=actor.ward if actor else None, states=states, limit=limit)
            return tuple(delivery_views.view(row, now) for row in rows)

    def _view(self, actor: Actor | None, message_id: int) -> DeliveryView:
        with self._db.read() as tx:
            return delivery_views.view(deciding.seen(tx, actor, message_id), self._clock())


def _capabilities(connectors: Mapping[str, Found], kind: str) -> Capabilities | None:
    found = connectors.get(kind)
    return found.manifest.capabilities if found and found.manifest else None


def _check_due(row: Any, now: datetime) -> None:
    if row.undo_until is not None and now < row.undo_until:
        raise NotAllowed(
            f"outbox message {row.id} can still be taken back",
            message_vi="Phúc đáp này còn trong thời gian hoàn tác, sẽ tự gửi sau ít giây.",
        )


def _state_to_retry(row: Any, can: Capabilities) -> Delivery:
    """What a message becomes when a person asks to try it again."""
    state, readable = Delivery(row.state), can.idempotency != "none"
    if state is Delivery.UNCLEAR and not readable:
        raise NotAllowed(
            f"outbox message {row.id}: {row.channel} cannot be read back",
            hint="look at the source, then say whether the answer is there",
            message_vi="Kênh không cho xem lại. Hãy mở phản ánh trên cổng rồi chọn “Đã có” hoặc “Chưa có”.",
        )
    # A person got it for want of a word: whoever has named the word in the settings sends it after all.
    named = state is Delivery.MANUAL and row.error_code == NoWord.code
    if not (named or state in (Delivery.PENDING, Delivery.UNCLEAR, Delivery.DEAD)) or not can.push_reply:
        raise NotAllowed(
            f"outbox message {row.id} is {row.state}: there is nothing to try again",
            message_vi="Phúc đáp này không cần gửi lại.",
        )
    return Delivery.CONFIRMING if readable and row.attempts else Delivery.PENDING
