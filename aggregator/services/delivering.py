"""A worker's side of the outbox: messages of one channel carried in batches over one open connection.

    take the host's turn, claim a batch (tx) | one by one: look where it may have arrived, push
      | settle, give back what was not tried (tx) | channel; claim the next batch, or end the turn (tx)

A run stays with its channel while it has something due and no other host waits. It leaves the channel
alone at once where a failure says so, and a channel that failed last time gets one message as a probe
before the next whole batch: so nothing storms a portal that has just come back.

A batch is small, because a worker that dies with it leaves that many messages to be looked up: twenty, or
what the source took within the three seconds before, where that was more (a hundred at most); so a death
leaves three seconds' work. A source that cannot be read back gets its messages one at a time: there each
would be a person's work.

What may surprise: messages are begun only in the first half of the batch's time, so that each has at
least as long as a slow portal may take; what is not begun goes back as it was, without a trace. And a
failed COMMIT of a settle is not repaired here: the lease runs out and the next worker looks at the
source, which knows better than we do. The channel's health is written after the messages in a
transaction of its own: polls lock the two in the other order.
"""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain import delivery
from aggregator.domain.delivery import Delivery, Writing
from aggregator.domain.outages import Capability
from aggregator.sdk.answers import Response
from aggregator.sdk.contract import Capabilities, ChannelError
from aggregator.sdk.discovery import Found
from aggregator.services import answer_files, delivery_log, ledger, outage_log
from aggregator.services.carrying import Carried, Trip, failed
from aggregator.services.clock import Clock
from aggregator.services.connections import Connections, Line
from aggregator.settings import Settings
from aggregator.storage import channel_queries, outbox_claims, write_turns
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database, Tx
from aggregator.storage.outbox_claims import Claimed, Earlier
from aggregator.storage.vault import Vault
from aggregator.storage.write_turns import Turn, Writable

log = logging.getLogger(__name__)

#: Messages that are settled together, and that a worker's death leaves to be looked up: so many at first,
#: and so many at most from a source that takes them that fast.
BATCH, MOST = 20, 100
#: What a batch of a fast source is meant to take.
PACE = timedelta(seconds=3)
#: Messages of one channel after which a run gives way to another host that waits.
RUN = 100
_NOTHING_BEFORE = Earlier(0, frozenset())
_HOLDING = {Writing.SIGNED_OUT: "needs_reauth", Writing.MISCONFIGURED: "misconfigured"}


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
class Batch:
    """Messages of one channel, at most one a report, that are this worker's to carry before `deadline`."""

    channel: ChannelRow
    turn: Turn
    owner: str
    messages: tuple[Claimed, ...]
    before: Mapping[int, Earlier]
    claimed_at: datetime
    #: No message is begun after this instant, and none goes on after the other.
    begin_until: datetime
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Tried:
    """One message of a batch, what came of it and when, and what the source said last."""

    claimed: Claimed
    carried: Carried
    at: datetime
    answer: Response | None
    #: Files of the answer that the source does not take.
    files_left: int = 0

    @property
    def stops(self) -> bool:
        """The channel is to be left alone, whatever else is due."""
        return self.carried.hold is not None or self.carried.writing in _HOLDING

    @property
    def worked(self) -> bool | None:
        """Whether the source could be written to; None where nobody tried.

        A source that refuses this one answer for good could.
        """
        if self.carried.writing is Writing.ITEM:
            return True if self.carried.state is Delivery.DEAD else None
        return self.carried.writing is Writing.FINE


class Deliveries:
    """Claims, carries and settles. Any number of workers may do so on one database."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        connections: Connections,
        connectors: Mapping[str, Found],
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._db = db
        self._vault = vault
        self.connections = connections
        self._connectors = connectors
        self._clock = clock
        self._settings = settings
        self._folder = settings.data_dir / "attachments"

    def run(self, first: Batch, limit: int, stop: Callable[[], bool]) -> DrainResult:
        """Carry `first`, then whatever else its channel has due, at most `limit` messages in all.

        Ends early where the channel is to be left alone, another host waits, or `stop()` says so.
        """
        ends: Counter[str] = Counter()
        batch: Batch | None = first
        with Line(self.connections, first.channel) as line:
            while batch is not None:
                done = list(self.carry(batch, line, stop))
                ends += self._settle(batch, done)
                carried = ends.total()
                # No batch goes beyond the message after which the run may give way.
                more = 0 if stop() else min(limit - carried, RUN - carried % RUN)
                batch = self._after(batch, done, line.kept(), more, give_way=carried >= RUN)
        return DrainResult(**ends)

    # Claiming ---------------------------------------------------------------------------------------

    def claim(self, owner: str, most: int) -> Batch | None:
        """The turn of a host and the next due messages of one of its channels; None where nothing is due."""
        with self._db.write() as tx:
            return self.claim_in(tx, owner, most)

    def claim_in(self, tx: Tx, owner: str, most: int) -> Batch | None:
        """`claim` in a transaction of the caller's."""
        now = self._clock()
        for found in write_turns.writable(tx, now):
            turn = write_turns.seize(tx, found.host_key, now)
            if turn and (batch := self._take(tx, found, turn, owner, min(most, self._size(found)), now)):
                write_turns.keep(tx, turn, batch.deadline)
                return batch
        return None

    def _take(
        self, tx: Tx, found: Writable, turn: Turn, owner: str, most: int, now: datetime
    ) -> Batch | None:
        lease_s, push_s = self._settings.lease_s, self._settings.push_deadline_s
        settle_s = float(found.options.get("settle_s", 60))
        messages = outbox_claims.claim(
            tx, found.channel_id, owner, now, most=most,
            until=now + timedelta(seconds=lease_s),
            over=now + timedelta(seconds=max(lease_s, push_s + settle_s)),
        )  # fmt: skip
        if not messages:
            return None
        return Batch(
            channel=channel_queries.by_id(tx, found.channel_id),
            turn=turn,
            owner=owner,
            messages=tuple(messages),
            before=outbox_claims.earlier(tx, [claimed for claimed in messages if claimed.look_first]),
            claimed_at=now,
            begin_until=now + timedelta(seconds=push_s / 2),
            deadline=now + timedelta(seconds=push_s),
        )

    def _size(self, found: Writable, pace: int = BATCH) -> int:
        """How many messages a batch of this channel has, whose source takes `pace` of them within `PACE`."""
        can = self._can(found.kind)
        if found.write_failures or can is None or can.idempotency == "none":
            return 1
        gap_s = self.connections.gap_s(found.kind, found.options)
        # Looking and pushing are two requests or more: what would not be begun is not claimed either.
        return max(1, min(pace, int(self._settings.push_deadline_s / (4 * gap_s)))) if gap_s else pace

    def _can(self, kind: str) -> Capabilities | None:
        found = self._connectors.get(kind)
        return found.manifest.capabilities if found and found.manifest else None

    # Carrying: no transaction is open ---------------------------------------------------------------

    def carry(self, batch: Batch, line: Line, stop: Callable[[], bool]) -> Iterator[Tried]:
        """One message after the other, until one says that the channel is to be left alone."""
        failures = batch.channel.write_failures
        for number, message in enumerate(batch.messages):
            if number and (stop() or self._clock() >= batch.begin_until):
                return
            claimed = replace(message, write_failures=failures)
            tried = self._try(batch, claimed, line)
            yield tried
            if tried.stops:
                return
            if tried.carried.writing is Writing.FINE:
                failures = 0
            elif tried.carried.writing is Writing.FAILED:
                failures += 1

    def _try(self, batch: Batch, claimed: Claimed, line: Line) -> Tried:
        can = self._can(claimed.channel_kind) or Capabilities(push_reply=True, idempotency="read_back")
        take = answer_files.taking(can, claimed.channel_options)
        goes, left = answer_files.sorted_out(take, claimed.files)
        files = answer_files.out_files(self._folder, goes)
        trip = Trip(claimed, can, batch.before.get(claimed.id, _NOTHING_BEFORE), files)
        carried = self._outcome(batch, trip, line)
        return Tried(claimed, carried, self._clock(), line.take_answer(), len(left) + carried.files_left)

    def _outcome(self, batch: Batch, trip: Trip, line: Line) -> Carried:
        """What came of one message. Never raises for the connector's sake: its errors are outcomes."""
        if (decided := trip.without_network()) is not None:
            return decided
        try:
            trip.run(*line.open(batch.deadline))
        except Exception as error:  # noqa: BLE001 (the edge to foreign code: every end is an outcome)
            line.close()  # whatever state it is in
            _log_bug(trip.claimed, error)
            return trip.result or failed(trip, error)
        assert trip.result is not None
        return trip.result

    # Settling ---------------------------------------------------------------------------------------

    def _settle(self, batch: Batch, done: list[Tried]) -> Counter[str]:
        """Write the outcomes of what is still ours, and give back what was not tried."""
        now = self._clock()
        tried = {one.claimed.id for one in done}
        with self._db.write() as tx:
            # The chain before the row, as everybody who writes both does.
            ledger.lock(tx, sorted({one.claimed.ward_code for one in done}))
            mine = outbox_claims.still_mine(tx, batch.messages)
            ours = {one.claimed.id: one for one in done if one.claimed.id in mine}
            outbox_claims.settle(tx, {id_: _columns(one, now) for id_, one in ours.items()})
            outbox_claims.give_back(
                tx, [one for one in batch.messages if one.id in mine and one.id not in tried]
            )
            evidence = {id_: one.carried.evidence for id_, one in ours.items()}
            delivery_log.record(tx, ours, now, each=evidence)
            if batch.channel.write_failures and any(one.worked for one in done):
                outbox_claims.regain_places(tx, batch.channel.id, batch.channel.write_failures)
        for one in done:
            if one.claimed.id not in mine:
                _log_lost(one)
        return Counter(_end(one.carried) if one.claimed.id in mine else "lost" for one in done)

    def _after(
        self, batch: Batch, done: list[Tried], kept: bytes | None, more: int, *, give_way: bool
    ) -> Batch | None:
        """Tell the channel what came of the batch; the next one where the run goes on, else the turn ends."""
        now, news = self._clock(), list(_news(done))
        with self._db.write() as tx:
            for one in news:
                self._tell_outages(tx, one)
            if kept is not None:  # a login; signing in for every single answer would look like an attack
                channel_queries.save_state(tx, batch.channel.id, kept)
            for one in news:
                _tell_channel(tx, one.claimed, one.carried, now)
            ends = more <= 0 or done[-1].stops
            if not ends and not (give_way and write_turns.others_wait(tx, batch.turn, now)):
                push = timedelta(seconds=self._settings.push_deadline_s)
                for found in write_turns.writable(tx, now, channel_id=batch.channel.id):
                    if not write_turns.move(tx, batch.turn, now + push):
                        return None
                    size = min(more, self._size(found, _pace(batch, done)))
                    if (following := self._take(tx, found, batch.turn, batch.owner, size, now)) is not None:
                        return following
            gap_s = self.connections.gap_s(batch.channel.kind, batch.channel.options)
            write_turns.move(tx, batch.turn, now + timedelta(seconds=gap_s))
        return None

    def _tell_outages(self, tx: Tx, one: Tried) -> None:
        """Before the channel's row is touched: it may lock the chain."""
        if one.worked is None:
            return
        evidence = one.carried.evidence
        page = None if one.worked else outage_log.page(self._vault, one.answer, evidence)
        outage_log.attempt(
            tx, one.claimed.channel_id, Capability.WRITE, one.at, ok=one.worked, code=one.carried.code,
            evidence=evidence, page=page,
        )  # fmt: skip


def _tell_channel(tx: Tx, claimed: Claimed, carried: Carried, now: datetime) -> None:
    _log_health(claimed, carried)
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


def _pace(batch: Batch, done: Sequence[Tried]) -> int:
    """What the source would take within `PACE` by this batch, between the usual size and the most.

    A few that went fast, after a failure say, tell nothing yet.
    """
    took = max((done[-1].at - batch.claimed_at) / PACE, 1 / MOST)
    return BATCH if len(done) < BATCH else max(BATCH, min(MOST, int(len(done) / took)))


def _news(done: Iterable[Tried]) -> Iterator[Tried]:
    """What the channel learns: of writes that went well in a row the first, and all that went wrong."""
    well = False
    for one in done:
        fine = one.carried.writing is Writing.FINE
        if not (fine and well):
            yield one
        well = fine or (well and one.carried.writing is Writing.ITEM)


def _columns(tried: Tried, now: datetime) -> dict[str, Any]:
    claimed, carried = tried.claimed, tried.carried
    values: dict[str, Any] = {
        "state": carried.state.value,
        "attempts": claimed.attempts - (not carried.counted),
        "next_attempt_at": now + carried.wait if carried.wait is not None else None,
        "error_code": carried.code or None,
        "error": carried.error or None,
        "error_vi": carried.error_vi or None,
    }
    if carried.state in delivery.DELIVERED:
        values |= {"remote_ref": carried.remote_ref, "sent_at": now, "files_left": tried.files_left}
    if carried.state is Delivery.ACKNOWLEDGED:
        values["acknowledged_at"] = now
    return values


def _end(carried: Carried) -> str:
    if carried.state in delivery.DELIVERED:
        return "sent"
    return "failed" if carried.state in delivery.NEEDS_PERSON else "waiting"


def _log_bug(claimed: Claimed, error: Exception) -> None:
    """A connector failed in a way that the contract has no word for. Frames only: the message of a
    foreign exception may quote a citizen."""
    if not isinstance(error, ChannelError):
        frames = "".join(traceback.format_tb(error.__traceback__))
        log.error(
            "outbox message %s to %s: %s in the connector\n%s",
            claimed.id, claimed.channel_slug, type(error).__name__, frames,
        )  # fmt: skip


def _log_lost(one: Tried) -> None:
    log.warning(
        "outbox message %s to %s: settled by somebody else while %s had it; its own outcome (%s) is dropped",
        one.claimed.id, one.claimed.channel_slug, one.claimed.owner, one.carried.state.value,
    )  # fmt: skip


def _log_health(claimed: Claimed, carried: Carried) -> None:
    """Once when writing to a channel fails, once when it works again."""
    if carried.writing is Writing.FINE and claimed.write_failures:
        log.info("channel %s takes answers again", claimed.channel_slug)
    elif carried.writing in _HOLDING or (carried.writing is Writing.FAILED and not claimed.write_failures):
        log.warning("channel %s does not take answers: %s", claimed.channel_slug, carried.code)
