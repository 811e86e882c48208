"""The status words of a channel's source: which of ours each means, and by which ours are told there.

    a word that no map knows -> alarm, once -> a person says what it means -> the channel's own map, over
    the connector's -> stored reports follow, a batch a transaction -> differences in status judged anew

What may surprise: giving a word a meaning is no news of the source. No revision is made, no case is touched;
differences begin and end now, with the map's new reading. And a map has two directions: of several words for
one state the first is the one that we send. A word that a person adds stands behind the one that is sent
already, so that understanding what comes in changes nothing of what goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.domain.delivery import spoken_as
from aggregator.domain.people import Actor, Right
from aggregator.domain.personal import personal
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import ConfigInvalid, InputInvalid, NotFound
from aggregator.sdk.contract import Manifest, SourceStatus, meaning_of
from aggregator.sdk.discovery import Found, status_map_of
from aggregator.services import beliefs, ledger
from aggregator.services.beliefs import LONGEST_WORD as LONGEST
from aggregator.services.beliefs import Comparison, Place
from aggregator.services.canonical import line
from aggregator.services.carrying import STATUS_AFTER, told_by
from aggregator.services.channel_doors import may_look, may_operate, one_channel
from aggregator.services.clock import Clock
from aggregator.services.connections import found_of, manifest_of
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.storage import case_queries, channel_queries, status_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database, Tx

#: Unknown words that a page lists, and the cases it names for each.
MOST_WORDS, EXAMPLES = 50, 3
#: What a word may mean.
MEANINGS = tuple(status.value for status in SourceStatus if status is not SourceStatus.UNMAPPED)
#: Reports of one transaction, and transactions of one press; a worker does the rest.
BATCH, BATCHES_AT_ONCE = 200, 10


@dataclass(frozen=True, slots=True)
class Example:
    """A case whose report shows the word."""

    case_id: int
    code: str
    title: str
    external_id: str


@dataclass(frozen=True, slots=True)
class UnknownWord:
    """`reports`, `since`: as far as the person may see their cases; None where they may see none."""

    word: str
    reports: int
    since: datetime | None
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class KnownWord:
    """`own`: the channel's own entry; `usual`: what the connector's map says of it, where it does."""

    word: str
    status: SourceStatus
    own: bool
    usual: SourceStatus | None


@dataclass(frozen=True, slots=True)
class WayOut:
    """By which word an answer of a kind is told; `carried`: by a person, the source has nothing for it."""

    kind: ReplyKind
    said_as: ReplyKind | None
    word: str
    carried: bool


@dataclass(frozen=True, slots=True)
class Statuses:
    """`pending`: words whose new meaning has not reached every stored report yet."""

    slug: str
    title: str
    unknown: tuple[UnknownWord, ...]
    known: tuple[KnownWord, ...]
    ways_out: tuple[WayOut, ...]
    #: Answers carry a status to this source.
    takes_status: bool
    pending: int


class StatusWords:
    """What the words of sources mean. None as the person is the command line on the machine."""

    def __init__(self, db: Database, connectors: Mapping[str, Found], clock: Clock) -> None:
        self._db = db
        self._connectors = connectors
        self._clock = clock

    # Looking ----------------------------------------------------------------------------------------

    def of(self, actor: Actor | None, slug: str) -> Statuses:
        """The words of a channel; `NotFound` where it is missing or another ward's."""
        may_look(actor)
        with self._db.read() as tx:
            channel = one_channel(tx, actor, slug)
            unknown = self._unknown(tx, channel, actor)
            pending = len(status_queries.pending(tx, channel.id))
        manifest = self._manifest(channel)
        if manifest is None:
            return Statuses(slug, channel.title, unknown, (), (), False, pending)
        return Statuses(
            slug, channel.title, unknown, _known(manifest, channel), _ways_out(manifest, channel),
            manifest.capabilities.push_status, pending,
        )  # fmt: skip

    def unknown(self, actor: Actor | None, slug: str) -> tuple[UnknownWord, ...]:
        """The words without a meaning; none where the channel is another ward's."""
        may_look(actor)
        with self._db.read() as tx:
            try:
                channel = one_channel(tx, actor, slug)
            except NotFound:
                return ()
            return self._unknown(tx, channel, actor)

    def _unknown(self, tx: Tx, channel: ChannelRow, actor: Actor | None) -> tuple[UnknownWord, ...]:
        ward, legal = (None, False) if actor is None else (actor.ward, actor.may(Right.LEGAL))
        words = status_queries.unmapped(tx, channel.id, MOST_WORDS)
        shown = status_queries.shown_by(tx, channel.id, ward, legal=legal) if words else {}
        found = []
        for word in words:
            count, since = shown.get(word, (0, None))
            rows = status_queries.examples(tx, channel.id, word, ward, legal=legal, limit=EXAMPLES)
            examples = tuple(Example(row.id, row.code, row.title, row.external_id) for row in rows)
            found.append(UnknownWord(word, count, since, examples))
        return tuple(sorted(found, key=lambda one: (-one.reports, one.word)))

    # Saying what a word means -------------------------------------------------------------------------

    def say(self, actor: Actor | None, slug: str, word: str, status: SourceStatus | None) -> int:
        """Keep what a word means at this channel (None: as the connector says); how many stored reports
        follow at once. More than `BATCH` times `BATCHES_AT_ONCE` are left to a worker.

        `InputInvalid` where it is no word of a vocabulary, `NotAllowed` for who does not operate channels.
        """
        word = _vocabulary(word)
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])  # the chain before the rows, as everybody who writes both does
            channel = one_channel(tx, actor, slug)
            may_operate(actor, channel.ward_code)
            manifest = manifest_of(found_of(self._connectors, channel.kind))
            before = meaning_of(word, _map(manifest, channel))
            own = _with(manifest, channel.options.get("status_map", {}), word, status)
            options = {name: value for name, value in channel.options.items() if name != "status_map"}
            if own:
                options["status_map"] = own
            channel_queries.update_channel(tx, channel.id, {"options": options}, {})
            after = meaning_of(word, status_map_of(manifest, own))
            told = {
                "channel": slug, "word": word, "was": before.value, "status": after.value,
                "by": "connector" if status is None else "person",
            }  # fmt: skip
            officer = actor.id if actor else None
            entry = Draft(SYSTEM, "status_mapped", self._clock(), told, None, officer, channel.id)
            ledger.append(tx, [entry])
            status_queries.begin(tx, channel.id, word)
            ours = [row.id for row in status_queries.pending(tx, channel.id) if row.word == word]
        return sum(self._finish(one, BATCHES_AT_ONCE) for one in ours)

    def tick(self, is_stopping: Callable[[], bool]) -> int:
        """Bring new meanings to all stored reports: those that people gave, and those that a connector's
        newer map or a changed setting has for words that had none. How many reports."""
        with self._db.read() as tx:
            late = [
                (channel_id, word)
                for channel_id in status_queries.channels_with_unmapped(tx)
                for word in self._understood_now(tx, channel_id)
            ]
        if late:
            with self._db.write() as tx:
                for channel_id, word in late:
                    status_queries.begin(tx, channel_id, word)
        with self._db.read() as tx:
            waiting = [row.id for row in status_queries.pending(tx)]
        done = 0
        for one in waiting:
            while not is_stopping() and (moved := self._batch(one)) is not None:
                done += moved
        return done

    def _understood_now(self, tx: Tx, channel_id: int) -> list[str]:
        channel = channel_queries.by_id(tx, channel_id)
        manifest = self._manifest(channel)
        if manifest is None:
            return []
        words = _map(manifest, channel)
        unmapped = status_queries.unmapped(tx, channel_id, MOST_WORDS)
        return [word for word in unmapped if meaning_of(word, words) is not SourceStatus.UNMAPPED]

    def _finish(self, restatement_id: int, most: int) -> int:
        done = 0
        for _ in range(most):
            if (moved := self._batch(restatement_id)) is None:
                break
            done += moved
        return done

    def _batch(self, restatement_id: int) -> int | None:
        """One transaction; how many reports follow, None where nothing is left to do."""
        with self._db.write() as tx:
            row = status_queries.take(tx, restatement_id)
            if row is None:
                return None
            channel = channel_queries.by_id(tx, row.channel_id)
            manifest = self._manifest(channel)
            if manifest is None:  # it waits until the connector can be read again
                return None
            status = meaning_of(row.word, _map(manifest, channel)).value
            ids = status_queries.to_restate(tx, channel.id, row.word, status, row.after_id, BATCH)
            if ids:
                homes = case_queries.case_of_report(tx, ids)
                cases = case_queries.rows(tx, homes.values())
                ledger.lock(tx, sorted({case.ward_code for case in cases.values()}))
                status_queries.restate(tx, ids, status)
                place = Place(channel.id, channel.slug, manifest.capabilities.push_status)
                comparison = Comparison(tx, place, self._clock())
                comparison.restated(dict.fromkeys(ids, row.word), status)
            status_queries.move_on(tx, row.id, ids[-1] if len(ids) == BATCH else None)
            if len(ids) < BATCH:
                beliefs.ring(tx, channel.id, self._clock())
        return len(ids)

    def _manifest(self, channel: ChannelRow) -> Manifest | None:
        try:
            return manifest_of(found_of(self._connectors, channel.kind))
        except ConfigInvalid:
            return None  # the channel's lights say so


# The map -----------------------------------------------------------------------------------------------


def _map(manifest: Manifest, channel: ChannelRow) -> dict[str, SourceStatus]:
    return status_map_of(manifest, channel.options.get("status_map", {}))


def _with(
    manifest: Manifest, own: Mapping[str, str], word: str, status: SourceStatus | None
) -> dict[str, str]:
    """The channel's own entries with this word meaning `status`; None: without an entry for it."""
    kept = {raw: ours for raw, ours in own.items() if raw != word}
    if status is None or manifest.status_map.get(word) == status:
        usual = all(manifest.status_map.get(raw) == ours for raw, ours in kept.items())
        return {} if usual else kept  # entries that only kept the order are of no use any more
    sent = next((raw for raw, ours in status_map_of(manifest, kept).items() if ours == status), None)
    ahead = {sent: status.value} if sent is not None and sent not in kept else {}
    return {**kept, **ahead, word: status.value}


def _known(manifest: Manifest, channel: ChannelRow) -> tuple[KnownWord, ...]:
    usual = {raw: SourceStatus(ours) for raw, ours in manifest.status_map.items()}
    own = channel.options.get("status_map", {})
    return tuple(
        KnownWord(raw, status, raw in own and usual.get(raw) != status, usual.get(raw))
        for raw, status in sorted(_map(manifest, channel).items(), key=lambda pair: _order(pair[1]))
    )


def _order(status: SourceStatus) -> int:
    return list(SourceStatus).index(status)


def _ways_out(manifest: Manifest, channel: ChannelRow) -> tuple[WayOut, ...]:
    """A correction is told as what it corrects, so it has no way of its own."""
    can = manifest.capabilities

    def way(kind: ReplyKind) -> WayOut:
        said_as = spoken_as(kind, can.push_kinds) if can.push_reply else None
        if said_as is None:
            return WayOut(kind, None, "", carried=True)
        word = told_by(manifest, channel.options, said_as)
        return WayOut(kind, said_as, word, carried=can.push_status and not word)

    return tuple(way(kind) for kind in STATUS_AFTER)


def meaning(text: str) -> SourceStatus:
    """The state of ours that was chosen; `InputInvalid` where none was."""
    if text not in MEANINGS:
        names = ", ".join(MEANINGS)
        raise InputInvalid(
            f"no status {text!r}", field="status", hint=f"one of: {names}",
            message_vi="Hãy chọn trạng thái tương ứng.",
        )  # fmt: skip
    return SourceStatus(text)


def _vocabulary(word: str) -> str:
    word = line(word) or ""
    if not word or len(word) > LONGEST or personal(word):
        raise InputInvalid(
            f"no status word: a few words of the source's own, at most {LONGEST} letters", field="word",
            message_vi=f"Đây không phải là chữ trạng thái: cần vài chữ của cổng, không quá {LONGEST} ký tự.",
        )  # fmt: skip
    return word
