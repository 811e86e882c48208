"""The outbox: each answer reaches its source once, in order, however long the source is away.

    claim (tx) | look at the source, if it may have arrived before | push | settle (tx) | channel (tx)

The states of a message, as the row says them:

pending       It has provably not arrived. A worker pushes it when it is due and the channel is open.
leased        A worker is pushing it. If the lease runs out the worker died, and it may have arrived.
confirming    It may have arrived: the answer to a push was lost, or the worker was. After the
              channel's settling time it is looked up: there -> sent; not there -> pushed again, in
              the same try. It stays `confirming` through failures of the look itself.
sent          The source took it, shows it, or a person carried it over.
acknowledged  A poll, or the look, saw its very words at the source.
manual        The channel has no write call, or none for this answer: a person carries it over and ticks
              it off; the next poll that shows the words checks that.
unclear       It may have arrived and the source cannot be read back: a person looks and decides.
dead          The source refused it for good: a person reads why, then retries or carries it over.

No transaction is open while the network is used (I9), so a settle is conditional on the claim's
fence: zero rows mean that somebody else has the message now, and this worker's word is dropped.

What may surprise: a failed COMMIT of a settle is not repaired here. The lease runs out and the next
worker looks at the source, which knows better than we do. And the channel's health is written after
the message in a transaction of its own: polls lock the two in the other order.
"""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain import delivery
from aggregator.domain.delivery import Delivery, Writing
from aggregator.domain.outages import Capability
from aggregator.domain.people import Actor, Right
from aggregator.errors import LeaseLost, NotAllowed
from aggregator.sdk.answers import Response
from aggregator.sdk.contract import Capabilities, ChannelError
from aggregator.sdk.discovery import Found
from aggregator.services import deciding, delivery_log, delivery_views, ledger, outage_log
from aggregator.services.carrying import Carried, Trip, failed
from aggregator.services.clock import Clock
from aggregator.services.connections import Connections
from aggregator.services.views.delivery import DeliveryView
from aggregator.settings import Settings
from aggregator.storage import channel_queries, outbox_claims, outbox_queries
from aggregator.storage.db import Database
from aggregator.storage.outbox_claims import Claimed
from aggregator.storage.vault import Vault

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DrainResult:
    """How the messages of one drain ended."""

    #: The source has them.
    sent: int = 0
    #: They are tried or looked up again by themselves.
    waiting: int = 0
    #: A person has to see to them.
    failed: int = 0
    #: Another worker, or a poll, settled them meanwhile.
    lost: int = 0

    @property
    def total(self) -> int:
        return self.sent + self.waiting + self.failed + self.lost


@dataclass(frozen=True, slots=True)
class _Left:
    """What a talk with a source leaves behind: the connector's small values where they changed, and what
    the source said last."""

    state: bytes | None = None
    answer: Response | None = None


class Outbox:
    """Delivery of answers: what a worker does by itself, and what people decide."""

    def __init__(
        self, db: Database, vault: Vault, connectors: Mapping[str, Found], clock: Clock, settings: Settings
    ) -> None:
        self._db = db
        self._vault = vault
        self._connectors = connectors
        self._connections = Connections(db, vault, connectors, clock, settings)
        self._clock = clock
        self._settings = settings

    def first_state(self, channel_kind: str) -> Delivery:
        """The state a new message of such a channel starts in: manual where nothing can be pushed."""
        return first_state(self._connectors, channel_kind)

    # A worker's side

    def drain(self, owner: str, limit: int = 50) -> DrainResult:
        """Deliver what is due, one message after the other, at most `limit`."""
        ends: Counter[str] = Counter()
        for _ in range(limit):
            claimed = self.claim(owner)
            if claimed is None:
                break
            ends[_end(self.deliver(claimed))] += 1
        return DrainResult(**ends)

    def claim(self, owner: str) -> Claimed | None:
        """Take the next due message for `owner`, or None."""
        settings = self._settings
        with self._db.write() as tx:
            return outbox_claims.claim(
                tx, owner, self._clock(), settings.lease_s, push_s=settings.push_deadline_s
            )

    def deliver(self, claimed: Claimed) -> Delivery | None:
        """Carry one claimed message and settle it; its new state, None where the lease was lost."""
        carried, left = self._carry(claimed)
        try:
            self._settle(claimed, carried)
        except LeaseLost as lost:
            log.warning("%s", lost)
            return None
        finally:
            self._tell_channel(claimed, carried, left)
        return carried.state

    def _carry(self, claimed: Claimed) -> tuple[Carried, _Left]:
        """The network's part: what came of it, and what the talk left behind.

        Never raises for the connector's sake: whatever happens to it is an outcome.
        """
        can = _capabilities(self._connectors, claimed.channel_kind)
        with self._db.read() as tx:
            channel = channel_queries.by_id(tx, claimed.channel_id)
            before = outbox_claims.earlier(tx, claimed)
        trip = Trip(claimed, can or Capabilities(push_reply=True, idempotency="read_back"), before)
        if (decided := trip.without_network()) is not None:
            return decided, _Left()
        left = _Left()
        deadline = self._clock() + timedelta(seconds=self._settings.push_deadline_s)
        try:
            with self._connections.open(channel, deadline=deadline) as (connector, ctx):
                try:
                    trip.run(connector, ctx)
                finally:
                    left = _Left(self._connections.changed_state(channel, ctx), ctx.http.last_answer)
        except Exception as error:  # noqa: BLE001 (the edge to foreign code: every end is an outcome)
            _log_bug(claimed, error)
            return trip.result or failed(trip, error), left
        assert trip.result is not None
        return trip.result, left

    def _settle(self, claimed: Claimed, carried: Carried) -> None:
        now = self._clock()
        with self._db.write() as tx:
            # The chain before the row, as everybody who writes both does.
            ledger.lock(tx, [claimed.ward_code])
            if not outbox_claims.settle(tx, claimed, **_columns(claimed, carried, now)):
                raise LeaseLost(
                    f"outbox message {claimed.id} to {claimed.channel_slug}: settled by somebody else "
                    f"while {claimed.owner} had it; its own outcome ({carried.state}) is dropped"
                )
            delivery_log.record(tx, [claimed.id], now, evidence=carried.evidence)

    def _tell_channel(self, claimed: Claimed, carried: Carried, left: _Left) -> None:
        now, worked = self._clock(), _worked(carried)
        _log_health(claimed, carried)
        page = None if worked is not False else outage_log.page(self._vault, left.answer, carried.evidence)
        with self._db.write() as tx:
            if worked is not None:
                outage_log.attempt(
                    tx, claimed.channel_id, Capability.WRITE, now, ok=worked, code=carried.code,
                    evidence=carried.evidence, page=page,
                )  # fmt: skip
            if left.state is not None:  # a login: signing in for every answer would look like an attack
                channel_queries.save_state(tx, claimed.channel_id, left.state)
            if carried.writing is Writing.FINE:
                outbox_claims.wrote(tx, claimed.channel_id, now)
            elif state := _HOLDING.get(carried.writing):
                outbox_claims.hold_channel(
                    tx, claimed.channel_id, state, carried.code, carried.error, carried.error_vi, now
                )
            elif carried.writing is not Writing.ITEM:
                outbox_claims.could_not_write(
                    tx, claimed.channel_id, carried.code, carried.error,
                    until=now + carried.hold if carried.hold is not None else None,
                    counted=carried.writing is Writing.FAILED,
                )  # fmt: skip

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
            state = _state_to_retry(row, can or Capabilities())
            was = (Delivery(row.state),)
            deciding.decided(tx, actor, row, was, now, state=state, next_attempt_at=now)
            channel_id = row.channel_id
        with self._db.write() as tx:
            outbox_claims.let_write(tx, channel_id, now)
        return self._view(actor, message_id)

    # What people see

    def list(self, actor: Actor | None, state: Delivery | None = None) -> tuple[DeliveryView, ...]:
        """Messages in `state`, oldest first; without one, all that the source has not shown yet."""
        states = (state,) if state is not None else tuple(set(Delivery) - {Delivery.ACKNOWLEDGED})
        now = self._clock()
        with self._db.read() as tx:
            rows = outbox_queries.listed(tx, ward=actor.ward if actor else None, states=states)
            return tuple(delivery_views.view(row, now) for row in rows)

    def _view(self, actor: Actor | None, message_id: int) -> DeliveryView:
        with self._db.read() as tx:
            return delivery_views.view(deciding.seen(tx, actor, message_id), self._clock())


def first_state(connectors: Mapping[str, Found], channel_kind: str) -> Delivery:
    """Manual where the channel's connector cannot push; else pending (also while it does not load)."""
    can = _capabilities(connectors, channel_kind)
    return Delivery.PENDING if can is None or can.push_reply else Delivery.MANUAL


def _capabilities(connectors: Mapping[str, Found], kind: str) -> Capabilities | None:
    found = connectors.get(kind)
    return found.manifest.capabilities if found and found.manifest else None


def _state_to_retry(row: Any, can: Capabilities) -> Delivery:
    """What a message becomes when a person asks to try it again."""
    state, readable = Delivery(row.state), can.idempotency != "none"
    if state is Delivery.UNCLEAR and not readable:
        raise NotAllowed(
            f"outbox message {row.id}: {row.channel} cannot be read back",
            hint="look at the source, then say whether the answer is there",
            message_vi="Kênh không cho xem lại. Hãy mở phản ánh trên cổng rồi chọn “Đã có” hoặc “Chưa có”.",
        )
    if state not in (Delivery.PENDING, Delivery.UNCLEAR, Delivery.DEAD) or not can.push_reply:
        raise NotAllowed(
            f"outbox message {row.id} is {row.state}: there is nothing to try again",
            message_vi="Phúc đáp này không cần gửi lại.",
        )
    return Delivery.CONFIRMING if readable and row.attempts else Delivery.PENDING


# Settling, in columns ---------------------------------------------------------------------------------


def _worked(carried: Carried) -> bool | None:
    """Whether the source could be written to; None where nobody tried.

    A source that refuses this one answer for good could.
    """
    if carried.writing is Writing.ITEM:
        return True if carried.state is Delivery.DEAD else None
    return carried.writing is Writing.FINE


_HOLDING = {Writing.SIGNED_OUT: "needs_reauth", Writing.MISCONFIGURED: "misconfigured"}


def _columns(claimed: Claimed, carried: Carried, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {
        "state": carried.state.value,
        "attempts": claimed.attempts - (not carried.counted),
        "next_attempt_at": now + carried.wait if carried.wait is not None else None,
        "error_code": carried.code or None,
        "error": carried.error or None,
        "error_vi": carried.error_vi or None,
    }
    if carried.state in delivery.DELIVERED:
        values |= {"remote_ref": carried.remote_ref, "sent_at": now}
    if carried.state is Delivery.ACKNOWLEDGED:
        values["acknowledged_at"] = now
    return values


def _end(state: Delivery | None) -> str:
    if state is None:
        return "lost"
    if state in delivery.DELIVERED:
        return "sent"
    return "failed" if state in delivery.NEEDS_PERSON else "waiting"


def _log_bug(claimed: Claimed, error: Exception) -> None:
    """A connector failed in a way that the contract has no word for. Frames only: the message of a
    foreign exception may quote a citizen."""
    if not isinstance(error, ChannelError):
        frames = "".join(traceback.format_tb(error.__traceback__))
        log.error(
            "outbox message %s to %s: %s in the connector\n%s",
            claimed.id, claimed.channel_slug, type(error).__name__, frames,
        )  # fmt: skip


def _log_health(claimed: Claimed, carried: Carried) -> None:
    """Once when writing to a channel fails, once when it works again."""
    if carried.writing is Writing.FINE and claimed.write_failures:
        log.info("channel %s takes answers again", claimed.channel_slug)
    elif carried.writing in _HOLDING or (carried.writing is Writing.FAILED and not claimed.write_failures):
        log.warning("channel %s does not take answers: %s", claimed.channel_slug, carried.code)
