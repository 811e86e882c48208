"""Outages as people see them: a channel's, one with its evidence, a case's, and the leaders' numbers.

What may surprise: an outage is told by what is certain and by the most that it can have been, never by one
number: between the last failed try and the first good one nobody knows. And what a page said is handed out
to administrators only; a screenshot to everybody who may see the channel.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta

from aggregator.domain import proof_files
from aggregator.domain.outages import Span, laid_over
from aggregator.domain.people import Actor, Right
from aggregator.domain.text import no_formula
from aggregator.domain.worktime import VN
from aggregator.errors import NotFound
from aggregator.services import ledger
from aggregator.services.channel_doors import may_look, may_operate, one_channel
from aggregator.services.clock import Clock
from aggregator.services.frame import require
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.services.outage_log import PURPOSE
from aggregator.services.unreachable import told
from aggregator.services.views.outages import (
    ChannelOutages,
    OutageFigures,
    OutageStory,
    OutageView,
    ProofView,
    TryView,
)
from aggregator.storage import channel_queries, inbox_queries, outage_queries, unreachable_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database, Tx
from aggregator.storage.outage_queries import Failure, Outage
from aggregator.storage.vault import Vault

#: Outages that a list shows; tries at the beginning and at the end of one that its page shows.
LISTED, FIRST_TRIES, LAST_TRIES = 100, 3, 20
#: Cases that the leaders' page names.
NAMED_CASES = 200
#: Days that the leaders' page begins with.
USUAL_DAYS = 30
#: A write that failed longer ago, with nothing sent since, does not say that the source is out now.
STALE = timedelta(days=1)
MOST_SCREENSHOT = 5_000_000


class Outages:
    """Looks at outages, and takes screenshots of them. Writing them down is `outage_log`."""

    def __init__(self, db: Database, vault: Vault, clock: Clock) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock

    # A channel's ------------------------------------------------------------------------------------

    def of_channel(self, actor: Actor | None, slug: str, limit: int = LISTED) -> tuple[OutageView, ...]:
        """The channel's outages, the open ones first, then the newest."""
        may_look(actor)
        with self._db.read() as tx:
            channel = one_channel(tx, actor, slug)
            return tuple(self._view(one) for one in outage_queries.newest(tx, channel.id, limit))

    def story(self, actor: Actor, slug: str, outage_id: int) -> OutageStory:
        """One outage with its tries and what is kept of it; `NotFound` where it is another channel's."""
        may_look(actor)
        with self._db.read() as tx:
            outage = _of(tx, one_channel(tx, actor, slug), outage_id)
            kept = outage_queries.evidence_of(tx, outage.id)
            names = inbox_queries.officer_names(tx, [row.officer_id for row in kept])
            edges = outage_queries.edges(tx, outage.id, FIRST_TRIES, LAST_TRIES)
        pages = {row.sha256: row.id for row in kept}
        return OutageStory(
            self._view(outage), _tries(edges.first, pages), edges.left_out, _tries(edges.last, pages),
            tuple(
                ProofView(row.id, row.kept_at, row.sha256, row.size, row.content_type,
                          names.get(row.officer_id))
                for row in kept
            ),
        )  # fmt: skip

    def proof(self, actor: Actor, slug: str, outage_id: int, proof_id: int) -> tuple[bytes, str, str]:
        """A kept page (administrators only) or a screenshot: content, type and a name for the file."""
        may_look(actor)
        with self._db.read() as tx:
            channel = one_channel(tx, actor, slug)
            outage = _of(tx, channel, outage_id)
            row = outage_queries.evidence(tx, outage.id, proof_id)
        if row is None:
            raise _not_found()
        if row.officer_id is None:
            may_operate(actor, channel.ward_code)
        suffix = proof_files.SUFFIXES.get(row.content_type, ".bin")
        name = f"{slug}-{row.kept_at.astimezone(VN):%Y%m%d-%H%M}-{row.sha256[:12]}{suffix}"
        return self._vault.unpack(row.content, PURPOSE), row.content_type, name

    def attach(self, actor: Actor, slug: str, outage_id: int, content: bytes) -> None:
        """A screenshot of the outage, by a person; the same picture twice is one."""
        may_look(actor)
        file = proof_files.read(content, MOST_SCREENSHOT)
        digest = hashlib.sha256(file.content).hexdigest()
        sealed = self._vault.pack(file.content, PURPOSE)
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            channel = one_channel(tx, actor, slug)
            outage = _of(tx, channel, outage_id)
            if outage_queries.has_evidence(tx, outage.id, digest):
                return
            now = self._clock()
            kept = {
                "sha256": digest, "size": len(file.content), "content_type": file.content_type,
                "content": sealed, "kept_at": now, "officer_id": actor.id,
            }  # fmt: skip
            outage_queries.add_evidence(tx, outage.id, kept)
            said = {"channel": slug, "outage": outage.id, "sha256": digest}
            entry = Draft(SYSTEM, "outage_shown", now, said, officer_id=actor.id, channel_id=channel.id)
            ledger.append(tx, [entry])

    def _view(self, outage: Outage) -> OutageView:
        span, now = outage.span, self._clock()
        return OutageView(
            outage.id, span, outage.first.code, outage.first.status, outage.last.code, outage.last.status,
            span.at_least(span.began_at, now), span.at_most(span.began_at, now),
        )  # fmt: skip

    # The leaders' -----------------------------------------------------------------------------------

    def figures(self, actor: Actor, first: date | None = None, last: date | None = None) -> OutageFigures:
        """Outages by channel and the deadlines that fell into one, of these days (the last thirty)."""
        require(actor, Right.DASHBOARD)
        since, until = self._period(first, last)
        with self._db.read() as tx:
            rows = unreachable_queries.listed(tx, actor.ward, since, until, NAMED_CASES)
            return OutageFigures(
                since.date(), (until - timedelta(days=1)).date(),
                self._sums(tx, actor.ward, since, until),
                unreachable_queries.count(tx, actor.ward, since, until),
                told(rows),
            )  # fmt: skip

    def summary(self, actor: Actor) -> tuple[int, int]:
        """Channels that are out now, and cases of the last thirty days handled in time all the same."""
        require(actor, Right.DASHBOARD)
        since, until = self._period(None, None)
        with self._db.read() as tx:
            return (
                outage_queries.channels_out(tx, actor.ward, self._clock() - STALE),
                unreachable_queries.count(tx, actor.ward, since, until),
            )

    def by_channel(self, first: date | None = None, last: date | None = None) -> tuple[ChannelOutages, ...]:
        """For the command line: every channel."""
        since, until = self._period(first, last)
        with self._db.read() as tx:
            return self._sums(tx, None, since, until)

    def in_period(
        self, slug: str, first: date | None = None, last: date | None = None
    ) -> tuple[OutageView, ...]:
        """For the command line: a channel's outages of these days, in order."""
        since, until = self._period(first, last)
        with self._db.read() as tx:
            channel = one_channel(tx, None, slug)
            return tuple(
                self._view(one) for one in outage_queries.overlapping(tx, [channel.id], since, until)
            )

    def _period(self, first: date | None, last: date | None) -> tuple[datetime, datetime]:
        today = self._clock().astimezone(VN).date()
        last = last or today
        first = first or last - timedelta(days=USUAL_DAYS - 1)
        since, until = sorted((first, last))
        return (
            datetime.combine(since, time.min, VN),
            datetime.combine(until + timedelta(days=1), time.min, VN),
        )

    def _sums(self, tx: Tx, ward: str | None, since: datetime, until: datetime) -> tuple[ChannelOutages, ...]:
        until = min(until, self._clock())
        channels = channel_queries.all_channels(tx, ward)
        found: dict[int, list[Span]] = {channel.id: [] for channel in channels}
        for outage in outage_queries.overlapping(tx, found, since, until):
            found[outage.channel_id].append(outage.span)
        sums = [_sum(channel, found[channel.id], since, until) for channel in channels]
        return tuple(sorted(sums, key=lambda one: (-one.open, -one.at_least, -one.count, one.title)))


def as_csv(figures: OutageFigures) -> str:
    """The table of channels as a file for spreadsheets; times in minutes."""
    out = io.StringIO()
    write = csv.writer(out)
    write.writerow(
        ["kenh", "ten_kenh", "tu_ngay", "den_ngay", "so_lan", "dang_gian_doan", "chac_chan_phut",
         "nhieu_nhat_phut", "lan_dai_nhat_phut", "co_the_do_mang_don_vi"]
    )  # fmt: skip
    days = (figures.first.isoformat(), figures.last.isoformat())
    for one in figures.channels:
        lengths = (round(span.total_seconds() / 60) for span in (one.at_least, one.at_most, one.longest))
        write.writerow([one.slug, no_formula(one.title), *days, one.count, one.open, *lengths, one.ours])
    return out.getvalue()


def _sum(channel: ChannelRow, spans: Sequence[Span], since: datetime, until: datetime) -> ChannelOutages:
    theirs = [span for span in spans if not span.ours_maybe]
    return ChannelOutages(
        channel.slug, channel.title, channel.ward_code,
        count=len(theirs),
        open=sum(span.ended_at is None for span in theirs),
        ours=len(spans) - len(theirs),
        at_least=laid_over((piece for span in theirs for piece in span.pieces()), since, until),
        at_most=laid_over(((span.began_at, span.ended_at or until) for span in theirs), since, until),
        longest=max((span.at_least(since, until) for span in theirs), default=timedelta()),
    )  # fmt: skip


def _tries(failures: Iterable[Failure], pages: dict[str, int]) -> tuple[TryView, ...]:
    return tuple(
        TryView(
            one.at, one.tried, one.seen.code, one.seen.status, one.url, one.seen.sha256, one.size,
            pages.get(one.seen.sha256 or ""),
        )
        for one in failures
    )  # fmt: skip


def _of(tx: Tx, channel: ChannelRow, outage_id: int) -> Outage:
    outage = outage_queries.one(tx, outage_id)
    if outage is None or outage.channel_id != channel.id or not outage.span.sure:
        raise _not_found()
    return outage


def _not_found() -> NotFound:
    return NotFound("no such outage", message_vi="Không có lần gián đoạn này.")
