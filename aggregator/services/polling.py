"""Polling: which channel is due, one run of it, and what the run says about the channel.

    claim (tx) | open the connector | batch -> intake.receive (tx) | batch -> ... | ending (tx)

The schedule is rows; whoever ticks may claim (I10). The network is used between transactions, never
inside one (I9). Each batch commits with its cursor, so a run that dies loses nothing and the next
one goes on behind the last batch (I1).

What may surprise: a poll that is cut off by its deadline after it committed something is a success
that goes on at once; otherwise a large backlog would look like a portal that never answers. A poll
that yields no batch at all is an error, also where the portal answered: "nothing new" is a batch
without records, and silence is how a changed page looks.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain.runs import Counts, Run, RunKind
from aggregator.errors import (
    AggregatorError,
    LeaseLost,
    NotFound,
    SchemaDrift,
    Transient,
)
from aggregator.sdk.contract import Batch, Connector, Context, Cursor, Span
from aggregator.sdk.discovery import Found
from aggregator.services import backfilling
from aggregator.services.attachments import Attachments
from aggregator.services.canaries import Canaries
from aggregator.services.clock import Clock
from aggregator.services.connections import Connections, zone_of
from aggregator.services.drift import Watch
from aggregator.services.intake import Intake
from aggregator.services.poll_endings import Claim, Endings, Progress, RunResult
from aggregator.services.rereading import Rereading
from aggregator.settings import Settings
from aggregator.storage import backfill_queries, channel_queries
from aggregator.storage.channel_queries import ChannelRow, HostTaken
from aggregator.storage.db import Database, DatabaseUnavailable, Tx
from aggregator.storage.vault import Vault

__all__ = ["ChannelBusy", "Claim", "Polling", "RunResult", "owner_name"]

log = logging.getLogger(__name__)

#: Races for one host that one claim may lose before it leaves it to the next tick.
CLAIM_TRIES = 3
#: An import runs as long as its file is; its lease is prolonged batch by batch.
IMPORT_DEADLINE = timedelta(days=1)
#: Clocks and timers do not tick together: an error this close to the deadline is the deadline.
_NEAR = timedelta(seconds=1)


class ChannelBusy(AggregatorError):
    """Somebody else is polling this channel, or another channel of the same host."""

    code = "channel_busy"


def never() -> bool:
    return False


class Polling:
    """Claims, runs, replays. One instance serves every thread of a process."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        connectors: Mapping[str, Found],
        intake: Intake,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._db = db
        self._vault = vault
        self._intake = intake
        self._clock = clock
        self._settings = settings
        self._connections = Connections(db, vault, connectors, clock, settings)
        self._endings = Endings(db, vault, clock)
        self.canaries = Canaries(db, self._connections, clock)
        self._rereading = Rereading(db, vault, intake, clock)
        self.attachments = Attachments(db, self._connections, clock, settings)

    # Claiming ---------------------------------------------------------------------------------------

    def claim(self, owner: str) -> Claim | None:
        """The most overdue channel, leased to `owner`; None where nothing is due."""
        for _ in range(CLAIM_TRIES):
            now = self._clock()
            try:
                with self._db.write() as tx:
                    channel = channel_queries.claim(tx, owner, now, self._lease_end(now))
                    return None if channel is None else self._begin(tx, channel, owner, "poll", now)
            except HostTaken:
                continue
        return None

    def _claim_one(self, slug: str, kind: RunKind, config: Mapping[str, Any] | None = None) -> Claim:
        """This channel, due or not; `ChannelBusy` where somebody else has it."""
        self.reap()
        with self._db.read() as tx:
            wanted = _by_slug(tx, slug)
        now, owner = self._clock(), owner_name(kind)
        try:
            with self._db.write() as tx:
                channel = channel_queries.claim_one(
                    tx, wanted.id, owner, now, self._lease_end(now), probe=kind == "poll"
                )
                if channel is not None:
                    return self._begin(tx, channel, owner, kind, now, config)
        except HostTaken:
            pass
        raise ChannelBusy(
            f"channel {slug} is being polled, or its host is", hint="try again in a minute",
            message_vi="Kênh đang được đọc. Vui lòng thử lại sau một phút.",
        )  # fmt: skip

    def claim_backfill(self, owner: str, backfill_id: int | None = None) -> Claim | None:
        """The next part of the backfill that waits longest, or of this one; None where none may run now.

        It waits for every poll of its host, under way or due.
        """
        now = self._clock()
        try:
            with self._db.write() as tx:
                row = backfill_queries.due(tx, now, backfill_id)
                end = self._lease_end(now)
                channel = row and channel_queries.claim_one(tx, row.channel_id, owner, now, end)
                if row is None or channel is None:
                    return None
                # Where this worker dies, another one takes it once its lease is over.
                backfill_queries.move(tx, row.id, next_due_at=end)
                claim = self._begin(tx, channel, owner, "backfill", now, cursor=row.cursor)
        except HostTaken:
            return None
        span = Span(row.since, row.until, tuple(row.ids or ()))
        return replace(claim, run=replace(claim.run, backfill_id=row.id), span=span)

    def _begin(
        self, tx: Tx, channel: ChannelRow, owner: str, kind: RunKind, now: datetime,
        config: Mapping[str, Any] | None = None, cursor: Cursor | None = None,
    ) -> Claim:  # fmt: skip
        if kind != "backfill":
            cursor = _cursor(channel, kind)
        run_id = channel_queries.start_run(tx, channel, kind, cursor, now)
        run = Run(
            run_id, channel.id, channel.slug, channel.ward_code, channel.fence, owner, kind, zone_of(channel)
        )
        most = IMPORT_DEADLINE if kind == "import" else timedelta(seconds=self._settings.poll_deadline_s)
        return Claim(run, channel, now + most, cursor, config)

    def _lease_end(self, now: datetime) -> datetime:
        return now + timedelta(seconds=self._settings.lease_s)

    def reap(self) -> int:
        """Free what dead workers held and mark their runs abandoned; how many runs."""
        with self._db.write() as tx:
            gone = channel_queries.reap(tx, self._clock())
        for run_id, slug in gone:
            log.warning("channel %s: run %d was abandoned, its worker is gone", slug, run_id)
        return len(gone)

    # Running ----------------------------------------------------------------------------------------

    def poll(
        self,
        slug: str,
        dry_run: bool = False,
        *,
        kind: RunKind = "poll",
        config: Mapping[str, Any] | None = None,
        stop: Callable[[], bool] = never,
        tell: Callable[[Counts], None] | None = None,
    ) -> RunResult:
        """Poll (or import) one channel now, with `config` over its settings for this once.

        `stop` and `tell` as for `run`. Raises `ChannelBusy`. A dry run maps and counts, writes nothing
        anywhere, and raises the channel's error.
        """
        if dry_run:
            return self._preview(slug, kind, config)
        return self.run(self._claim_one(slug, kind, config), stop, tell)

    def run(
        self, claim: Claim, stop: Callable[[], bool] = never, tell: Callable[[Counts], None] | None = None
    ) -> RunResult:
        """One poll to its end. What goes wrong becomes the channel's state; it is not raised.

        After each batch `tell` gets the counts so far and `stop` is asked. Raises `DatabaseUnavailable`
        where the end cannot be written; the lease then runs out by itself.
        """
        return self._to_its_end(claim, lambda progress: self._fetch(claim, progress, stop), tell)

    def _to_its_end(
        self,
        claim: Claim,
        work: Callable[[Progress], None],
        tell: Callable[[Counts], None] | None = None,
    ) -> RunResult:
        progress, error = Progress(tell=tell), None
        try:
            try:
                work(progress)
            except (LeaseLost, DatabaseUnavailable):
                raise
            except Exception as caught:  # noqa: BLE001 (foreign code: unless the channel shows it, it fails unseen for ever)
                error = caught
            return self._endings.close(claim, progress, error)
        except LeaseLost as lost:
            log.warning("%s; what it had not committed is dropped", lost)
            return RunResult("lost", progress.counts, claim.run.run_id, error_code=lost.code, error=str(lost))

    def _fetch(self, claim: Claim, progress: Progress, stop: Callable[[], bool]) -> None:
        opened = self._connections.open(claim.channel, deadline=claim.deadline, config=claim.config)
        with opened as (connector, ctx):
            try:
                if claim.run.kind == "poll":
                    self.canaries.check(claim.channel, connector, ctx)
                self._take_batches(claim, connector, ctx, progress, stop)
            except Transient:
                if not progress.batches or self._clock() < claim.deadline - _NEAR:
                    raise
                progress.cut_short = True
            finally:
                progress.requests, progress.bytes_read = ctx.http.requests, ctx.http.bytes_read
                progress.last_answer = ctx.http.last_answer
            progress.state = self._connections.changed_state(claim.channel, ctx)

    def _take_batches(
        self, claim: Claim, connector: Connector, ctx: Context, progress: Progress, stop: Callable[[], bool]
    ) -> None:
        watch = self._watch(claim)
        told = replace(claim.run, takes_status=self._connections.capabilities(claim.channel).push_status)
        with _batches(connector, ctx, claim.cursor, claim.span) as batches:
            for batch in batches:
                waits = watch is not None and watch.waits(batch)
                run = self._prolonged(told)
                progress.took(batch, Counts() if waits else self._intake.receive(run, batch, watch))
                if not batch.complete and (stop() or self._clock() >= claim.deadline):
                    progress.cut_short = True
                    break
        if not progress.batches:
            raise SchemaDrift(
                "the connector gave no batch, not even an empty one",
                message_vi="Bộ kết nối không trả về gì, kể cả trang rỗng.",
            )

    def counted(
        self, slug: str, spans: Sequence[Span], stop: Callable[[], bool] = never
    ) -> Iterator[tuple[Span, int]]:
        """How many reports the source has of each span; nothing is stored. Raises the channel's error.

        The channel is held meanwhile, at most as long as a poll may last.
        """
        claim = self._claim_one(slug, "count")
        error: Exception | None = None
        try:
            with self._connections.open(claim.channel, deadline=claim.deadline) as (connector, ctx):
                for span in spans:
                    if stop():
                        break
                    yield span, backfilling.count(connector, ctx, span)
        except Exception as caught:
            error = caught
            raise
        finally:
            self._endings.close(claim, Progress(), error)

    def _watch(self, claim: Claim) -> Watch | None:
        """Who looks whether the portal still looks like itself; an import is a file that a person chose."""
        if claim.run.kind != "poll":
            return None
        snapshot = self._connections.capabilities(claim.channel).poll == "full_snapshot"
        policies = claim.channel.options.get("drift", {})
        return Watch(claim.channel.id, claim.cursor is None, snapshot, policies)

    def _prolonged(self, run: Run) -> Run:
        return replace(run, lease_until=self._lease_end(self._clock()))

    # Without a trace --------------------------------------------------------------------------------

    def _preview(self, slug: str, kind: RunKind, config: Mapping[str, Any] | None) -> RunResult:
        with self._db.read() as tx:
            channel = _by_slug(tx, slug)
        deadline = self._clock() + timedelta(seconds=self._settings.poll_deadline_s)
        progress, newest = Progress(), dict[str, str]()
        with self._connections.open(channel, deadline=deadline, config=config) as (connector, ctx):
            with _batches(connector, ctx, _cursor(channel, kind)) as batches:
                for batch in batches:
                    progress.took(
                        batch, self._intake.would_count(channel.id, zone_of(channel), batch, newest)
                    )
        return RunResult("ok", progress.counts, source_count=progress.source_count)

    # Once more --------------------------------------------------------------------------------------

    def replay(self, slug: str, only: int | None = None) -> RunResult:
        """Read the channel's quarantined records (or one of them) again, without network.

        What comes through is taken in as usual; what does not counts another try. The cursor stays.
        """
        claim = self._claim_one(slug, "replay")
        return self._reread(
            claim, lambda run, opened, progress: self._rereading.replay(run, opened, progress, only)
        )

    def accept(self, slug: str, item_id: int, officer: int | None = None) -> RunResult:
        """Take in a batch that is held for drift, and let its look be the channel's from now on."""
        claim = self._claim_one(slug, "replay")
        return self._reread(
            claim,
            lambda run, opened, progress: self._rereading.accept(run, opened, progress, item_id, officer),
        )

    def _reread(
        self, claim: Claim, work: Callable[[Callable[[], Run], tuple[Connector, Context], Progress], None]
    ) -> RunResult:
        def read(progress: Progress) -> None:
            with self._connections.open(claim.channel, deadline=claim.deadline) as opened:
                work(lambda: self._prolonged(claim.run), opened, progress)

        return self._to_its_end(claim, read)


def owner_name(what: str = "worker") -> str:
    """Who holds a lease: machine, process, and a random part, since process numbers come again."""
    return f"{socket.gethostname()}:{os.getpid()}:{what}-{secrets.token_hex(4)}"


@contextmanager
def _batches(
    connector: Connector, ctx: Context, cursor: Cursor | None, span: Span | None = None
) -> Iterator[Iterator[Batch]]:
    """The connector's batches, closed at the end and not whenever memory is collected."""
    if span is None:
        batches = connector.poll(ctx, cursor)
    else:
        batches = backfilling.batches(connector, ctx, span, cursor)
    try:
        yield batches
    finally:
        close = getattr(batches, "close", None)
        if close is not None:
            close()


def _cursor(channel: ChannelRow, kind: RunKind) -> Cursor | None:
    """An import reads its own file from the start, whatever was read last."""
    return None if kind == "import" else channel.cursor


def _by_slug(tx: Tx, slug: str) -> ChannelRow:
    channel = channel_queries.by_slug(tx, slug)
    if channel is None:
        raise NotFound(f"no channel {slug!r}", message_vi="Không có kênh này.")
    return channel
