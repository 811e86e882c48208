"""What a batch shows beside what we believe, inside intake's transaction.

    reports of the batch | which need comparing? | what we believe of those | domain.beliefs.compare
                         | new differences, those that went away | look remembered | ledger

Compared is only what may have changed: a report that is new with an answer or an end, one whose record
changed, one whose answers changed, one with an answer of ours that had no time to be shown at the last look,
one with an answer of which nobody knows whether it arrived: who must say that sees what the source shows now.
The usual poll brings none of these, and costs two reads by primary key.

What may surprise: an import, a replay of kept bytes and what officers type in are not compared. They tell
how a source was, or are no source at all. And a difference that somebody made at the source is an event in
the case's timeline the first time it is seen (`source_differs`), once; the ledger holds hashes of words,
the words stay in the row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.domain import beliefs
from aggregator.domain.beliefs import (
    DONE_THERE,
    LAID_ASIDE,
    MOST_ANSWERS,
    SETTLING,
    Difference,
    Held,
    Kind,
    Message,
    Severity,
    Shown,
    ShownAnswer,
    Source,
)
from aggregator.domain.delivery import Delivery
from aggregator.domain.personal import personal
from aggregator.domain.runs import Run
from aggregator.domain.text import clean, sha256_of
from aggregator.domain.workflow import CLOSING, ReplyKind, Status
from aggregator.sdk.contract import Answer
from aggregator.services import ledger
from aggregator.services.canonical import MAX_TEXT, Canonical, line
from aggregator.services.ledger import Draft
from aggregator.storage import alarm_queries, belief_queries, case_queries, report_queries
from aggregator.storage.db import Tx
from aggregator.storage.report_queries import Head

#: Runs that show the source as it is now.
LIVE = ("poll", "backfill", "webhook")
#: Said once, it holds under every report of the channel.
_CHANNEL_WIDE = (Kind.ANSWER_FOREIGN, Kind.STATUS_UNMAPPED)
#: How a difference ended that nobody settled: both agree, it was counted at once, or the source's word has
#: another meaning since.
AGREES, FOLLOWED, RESTATED = "agrees", "followed", "restated"
#: The alarm of a status word that nobody has given a meaning; as many a channel.
WORD_ALARM, MOST_ALARMS = "status_word", 10
#: A word of a source's vocabulary is no sentence.
LONGEST_WORD = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Whose reports are compared; a `Run` tells it of itself."""

    channel_id: int
    channel_slug: str
    takes_status: bool


@dataclass(frozen=True, slots=True)
class Look:
    """One report as a batch shows it."""

    report_id: int
    ward: str
    values: Canonical
    shown: tuple[Answer, ...]
    #: What was stored before; None for a report that has just come.
    head: Head | None
    changed: bool

    @property
    def digest(self) -> str | None:
        """A name of the answers; None where there is none. The same words in another layout are the same.

        Every answered report of every poll comes by here: the words are not cleaned for it.
        """
        if not self.shown:
            return None
        words = "\n".join(" ".join(answer.body.split()) for answer in self.shown)
        return sha256_of(words)

    @property
    def answers(self) -> tuple[ShownAnswer, ...]:
        """The answers, their texts safe for every database."""
        return tuple(
            ShownAnswer(
                clean(one.body)[:MAX_TEXT].strip(), _aware(one.at), line(one.author) or "", one.remote_ref
            )
            for one in self.shown
        )

    @property
    def names(self) -> str | None:
        """The names of the answers that are compared, in the source's order; None where there is none."""
        told = (beliefs.fingerprint(one.body) for one in self.answers[-MOST_ANSWERS:] if one.body)
        return " ".join(told) or None

    @property
    def shown_done(self) -> bool:
        return self.values.status.value in DONE_THERE

    @property
    def begins_with_something(self) -> bool:
        """A report that is new here, and was worked on there before."""
        unread = self.values.status.value == beliefs.UNMAPPED and self.values.status_raw is not None
        return self.head is None and (bool(self.shown) or self.shown_done or unread)


def _aware(at: datetime | None) -> datetime | None:
    return at if at is not None and at.tzinfo is not None else None


def to_compare(tx: Tx, run: Run, looks: Sequence[Look], now: datetime) -> list[Look]:
    """Those of a batch that may show something else than at the last look."""
    if run.kind not in LIVE:
        return []
    known = [one.report_id for one in looks if one.head is not None]
    before = belief_queries.digests(tx, known)
    due = belief_queries.due_a_look(tx, known, now - SETTLING)

    def moved(one: Look) -> bool:
        return one.changed or one.report_id in due or one.digest != before.get(one.report_id)

    return [one for one in looks if one.begins_with_something or (one.head is not None and moved(one))]


def compare(tx: Tx, run: Run, looks: Sequence[Look], now: datetime) -> None:
    """Write down what differs now, and what differs no longer. The caller holds the wards' chains."""
    if not looks:
        return
    Comparison(tx, run, now).of(looks)


def vanished(tx: Tx, run: Run, heads: Sequence[Head], now: datetime) -> None:
    """The source was asked for these reports and does not have them (any more). Locked as for `compare`."""
    if heads and run.kind in LIVE:
        Comparison(tx, run, now).gone([head.report_id for head in heads])


def brought_forward(tx: Tx, run: Run, report_ids: Iterable[int]) -> set[int]:
    """Of the reports whose source changed its deadline, those whose clock follows at once.

    An earlier deadline is, and a first one. A later one, or none any more, is news for a person: no clock
    gains time because somebody edited a date elsewhere. The file of an import was chosen by a person.
    """
    moved = sorted(report_ids)
    if run.kind not in LIVE:
        return set(moved)
    counted = belief_queries.counted_source_dues(tx, moved)
    return {
        row.id
        for row in report_queries.with_source_deadline(tx, moved)
        if row.id not in counted or row.source_due_at < counted[row.id]
    }


class Comparison:
    """One batch of one channel, compared in its own transaction."""

    def __init__(self, tx: Tx, run: Run | Place, now: datetime) -> None:
        self._tx = tx
        self._run = run
        self._now = now

    def of(self, looks: Sequence[Look]) -> None:
        ids = [one.report_id for one in looks]
        held = self._held(ids)
        before = belief_queries.looks(self._tx, ids)
        # Remembered first: what this very batch shows is evidence that the source shows answers.
        self._remember(looks)
        source = Source(belief_queries.shows_answers(self._tx, self._run.channel_id), self._run.takes_status)
        found: dict[int, tuple[Difference, ...]] = {}
        for one in looks:
            if (mine := held.get(one.report_id)) is not None:
                last = before.get(one.report_id)
                shown = _shown(one, last.done_at if last is not None else None)
                found[one.report_id] = beliefs.told_once(beliefs.compare(shown, mine, source, self._now))
        self._write(found, mapped=_mapped(looks))

    def gone(self, report_ids: Sequence[int]) -> None:
        """Beside what else was found of them before, which nobody can look at now."""
        held = self._held(report_ids)
        belief_queries.looked(self._tx, self._run.channel_id, report_ids, self._now - SETTLING)
        self._write({id_: beliefs.gone(mine) for id_, mine in held.items()}, judged=())

    def restated(self, words: Mapping[int, str], status: str) -> None:
        """The source's word under these reports means `status` now: only the status is judged anew."""
        held = self._held(list(words))
        before = belief_queries.looks(self._tx, words)
        source = Source(takes_status=self._run.takes_status)
        foreign = {
            row.report_id
            for row in belief_queries.of_reports(self._tx, words)
            if row.kind == Kind.ANSWER_FOREIGN and row.settled_at is None
        }
        found = {}
        for id_, mine in held.items():
            done_at = before[id_].done_at if id_ in before else None
            shown = Shown(status, words[id_], done_at)
            found[id_] = beliefs.of_status(shown, mine, source, self._now, written_there=id_ in foreign)
        known = set() if status == beliefs.UNMAPPED else {*map(beliefs.fingerprint, words.values())}
        self._write(found, judged=beliefs.OF_STATUS, mapped=known, how=RESTATED)

    def _held(self, report_ids: Sequence[int]) -> dict[int, Held]:
        homes = case_queries.case_of_report(self._tx, report_ids)
        cases = case_queries.rows(self._tx, homes.values())
        due = belief_queries.counted_source_dues(self._tx, report_ids)
        messages: dict[int, list[Message]] = defaultdict(list)
        for row in belief_queries.messages(self._tx, report_ids):
            messages[row.report_id].append(_message(row))
        return {
            id_: Held(Status(cases[home].status), tuple(messages[id_]), due.get(id_))
            for id_, home in homes.items()
        }

    def _remember(self, looks: Sequence[Look]) -> None:
        rows = {
            one.report_id: {
                "report_id": one.report_id, "channel_id": self._run.channel_id, "answers": one.digest,
                "shown": one.names,
                "done_at": self._now if one.shown_done else None, "settled_to": self._now - SETTLING,
            }
            for one in looks
        }  # fmt: skip
        belief_queries.put_looks(self._tx, list(rows.values()))

    # What is new, and what went away

    def _write(
        self, found: Mapping[int, Sequence[Difference]], *, judged: Collection[Kind] = tuple(Kind),
        mapped: Collection[str] = (), how: str = AGREES,
    ) -> None:  # fmt: skip
        """`judged`: what of these reports was compared; of that, what is not found any more has gone, `how`.
        `mapped`: status words that have a meaning now."""
        known: dict[int, list[Any]] = defaultdict(list)
        for row in belief_queries.of_reports(self._tx, found):
            known[row.report_id].append(row)
        words = belief_queries.open_words(self._tx, self._run.channel_id) if judged else {}
        aside = self._aside(found)
        new: list[tuple[int, Difference]] = []
        away = {row.id: row for name, row in words.items() if name in mapped}
        for report_id, differences in found.items():
            told = _told(known[report_id])
            for one in differences:
                wide = one.kind in _CHANNEL_WIDE and (one.kind, one.about) in aside
                unread = one.kind is Kind.STATUS_UNMAPPED  # one difference a channel and word
                if wide or (one.kind, one.about) in told or (unread and one.about in words):
                    continue
                new.append((report_id, one))
                aside |= {(one.kind, one.about)} if unread else set()
            still = {(one.kind, one.about) for one in differences}
            gone = (row for row in known[report_id] if row.kind in judged and _went_away(row, still))
            away |= {row.id: row for row in gone}
        self._tell(new)
        self._end(list(away.values()), how)
        if any(one.kind is Kind.STATUS_UNMAPPED for _, one in new) or words:
            ring(self._tx, self._run.channel_id, self._now)

    def _aside(self, found: Mapping[int, Sequence[Difference]]) -> set[tuple[str, str]]:
        """What a person laid aside for every report of the channel."""
        names = {one.about for each in found.values() for one in each if one.kind in _CHANNEL_WIDE}
        return belief_queries.laid_aside(self._tx, self._run.channel_id, names) if names else set()

    def _tell(self, new: Sequence[tuple[int, Difference]]) -> None:
        if not new:
            return
        ids = belief_queries.insert_found(self._tx, [self._row(*one) for one in new])
        homes = case_queries.case_of_report(self._tx, {report_id for report_id, _ in new})
        wards = {id_: row.ward_code for id_, row in case_queries.rows(self._tx, homes.values()).items()}
        drafts = []
        for id_, (report_id, one) in zip(ids, new, strict=True):
            told = {
                "difference": id_, "report": report_id, "channel": self._run.channel_slug,
                "what": one.kind.value, **facts(one.kind, one.ours, one.theirs),
            }  # fmt: skip
            if one.at is not None:
                told["written_at"] = one.at.isoformat()
            if one.note and one.kind in (Kind.ANSWER_EDITED, Kind.ANSWER_MISSING):
                told["note"] = one.note
            case_id = homes[report_id]
            drafts.append(self._draft("source_differs", wards[case_id], case_id, told))
        ledger.append(self._tx, drafts)
        # An answer that changes at the source makes no revision: without the mark nobody would look.
        seen = {report_id for report_id, one in new if one.severity is not Severity.NOTE}
        case_queries.mark_unread(self._tx, {homes[report_id] for report_id in seen})

    def _row(self, report_id: int, one: Difference) -> dict[str, Any]:
        followed = one.kind is Kind.DEADLINE_EARLIER
        return {
            "channel_id": self._run.channel_id, "report_id": report_id, "kind": one.kind.value,
            "about": one.about, "message_id": one.message_id, "ours": one.ours, "theirs": one.theirs,
            "written_at": one.at, "author": one.author, "note": one.note, "found_at": self._now,
            "settled_at": self._now if followed else None, "settled_by": None,
            "how": FOLLOWED if followed else None, "reason": "",
        }  # fmt: skip

    def _end(self, rows: Sequence[Any], how: str) -> None:
        if not rows:
            return
        belief_queries.settle(self._tx, [row.id for row in rows], how, None, "", self._now)
        homes = case_queries.case_of_report(self._tx, {row.report_id for row in rows})
        wards = {id_: row.ward_code for id_, row in case_queries.rows(self._tx, homes.values()).items()}
        drafts = []
        for row in rows:
            case_id = homes[row.report_id]
            told = {
                "difference": row.id, "report": row.report_id, "channel": self._run.channel_slug,
                "what": row.kind, "how": how,
            }  # fmt: skip
            drafts.append(self._draft("difference_settled", wards[case_id], case_id, told))
        ledger.append(self._tx, drafts)

    def _draft(self, kind: str, ward: str, case_id: int, told: Mapping[str, Any]) -> Draft:
        return Draft(ward, kind, self._now, told, case_id=case_id, channel_id=self._run.channel_id)


def ring(tx: Tx, channel_id: int, now: datetime) -> None:
    """An alarm for each status word of the channel while it waits for its meaning: once a word.

    More words than `MOST_ALARMS` are no vocabulary: somebody's column of free text rings no louder.
    """
    words = list(belief_queries.open_words(tx, channel_id).items())[:MOST_ALARMS]
    for name, row in words:
        told = {} if personal(row.theirs) else {"word": row.theirs[:LONGEST_WORD]}
        alarm_queries.open_one(tx, channel_id, WORD_ALARM, told, now, about=name)
    alarm_queries.close_others(tx, channel_id, WORD_ALARM, [name for name, _ in words], now)


def facts(kind: Kind, ours: str, theirs: str) -> dict[str, str]:
    """What the ledger holds of both sides: codes and dates as they are, of words their hash alone (I12)."""
    worded = kind in (Kind.ANSWER_FOREIGN, Kind.ANSWER_EDITED, Kind.ANSWER_MISSING, Kind.STATUS_UNMAPPED)
    sides = {"ours": ours, "theirs": theirs}
    if not worded:
        return {name: value for name, value in sides.items() if value}
    return {f"{name}_sha256": sha256_of(value) for name, value in sides.items() if value}


def _mapped(looks: Iterable[Look]) -> set[str]:
    """The names of the status words that have a meaning in this batch."""
    return {
        beliefs.fingerprint(one.values.status_raw)
        for one in looks
        if one.values.status_raw and one.values.status.value != beliefs.UNMAPPED
    }


def _shown(one: Look, done_at: datetime | None) -> Shown:
    values = one.values
    return Shown(
        status=values.status.value,
        status_raw=values.status_raw,
        done_at=done_at,
        due_at=values.due_at,
        due_before=one.head.source_due_at if one.head is not None and one.changed else None,
        answers=one.answers,
    )


def _message(row: Any) -> Message:
    return Message(
        row.id, row.body, Delivery(row.state), closes=ReplyKind(row.kind) in CLOSING, tried=row.attempts > 0,
        sent_at=row.sent_at, ref=row.remote_ref, was_shown=row.acknowledged_at is not None,
    )  # fmt: skip


def _told(rows: Iterable[Any]) -> set[tuple[str, str]]:
    """Differences that are open, or that a person has laid aside for good."""
    return {
        (row.kind, row.about)
        for row in rows
        if row.settled_at is None or (row.settled_by is not None and row.how in LAID_ASIDE)
    }


def _went_away(row: Any, still: set[tuple[Kind, str]]) -> bool:
    return row.settled_at is None and (row.kind, row.about) not in still
