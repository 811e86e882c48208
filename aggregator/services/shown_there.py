"""What a source showed of a report when it was last read, beside an answer of ours that may have arrived.

    the last look: names of the answers, in the source's order | their words: ours, or a difference's
                 | how far each is our answer | the likest first, both sides marked

Promise: who must say "it arrived" or "it did not" sees on which reading they say it, and when that was.

What may surprise: the words of a source are not kept twice. A look holds names of words
(`domain.beliefs.fingerprint`); the words are those of our own answers, or stand in the difference that the
comparison found. Where a person's data was forgotten a name has no words any more, and is told as such.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from aggregator.domain.beliefs import SETTLING, Kind, fingerprint, likeness
from aggregator.domain.delivery import DELIVERED
from aggregator.domain.differences import Part, differences
from aggregator.sdk.discovery import Found
from aggregator.storage import belief_queries
from aggregator.storage.db import Tx

_ANSWERS = frozenset({Kind.ANSWER_FOREIGN.value, Kind.ANSWER_EDITED.value})


@dataclass(frozen=True, slots=True)
class AnswerThere:
    """One answer that the source shows. `words` in parts, what ours does not say marked; none: forgotten."""

    words: tuple[Part, ...]
    at: datetime | None = None
    author: str = ""
    #: Another answer of ours, which the source has.
    ours: bool = False
    #: Of 100, how far it is our answer; 0: other words.
    alike: int = 0
    #: What was done to our answer, as of a difference: edited, cut, wrapped.
    note: str = ""


@dataclass(frozen=True, slots=True)
class There:
    """What the source showed. Without `read_at` it was not read since this is in doubt."""

    read_at: datetime | None
    #: The report is not there (any more).
    gone: bool
    #: The report's status, in our words and the source's own.
    status: str
    status_raw: str
    #: The likest first, then the newest.
    answers: tuple[AnswerThere, ...]
    #: Our answer, what the likest one lacks marked.
    ours: tuple[Part, ...]
    #: Polls can show it; it can be read by its id, now.
    readable: bool
    may_ask: bool


def of_answers(tx: Tx, connectors: Mapping[str, Found], rows: Sequence[Any]) -> dict[int, There]:
    """Message -> what its source showed; `rows` are errands as the list reads them."""
    if not rows:
        return {}
    ids = {row.report_id for row in rows}
    looks = belief_queries.looks(tx, ids)
    words = _Words(tx, rows, looks)
    return {row.id: _there(connectors, row, looks.get(row.report_id), words) for row in rows}


class _Words:
    """The words behind names, as far as they are kept anywhere."""

    def __init__(self, tx: Tx, rows: Sequence[Any], looks: Mapping[int, Any]) -> None:
        ids = {row.report_id for row in rows}
        self.messages: dict[int, list[Any]] = defaultdict(list)
        for message in belief_queries.messages(tx, ids):
            self.messages[message.report_id].append(message)
        self.differing: dict[tuple[int, str], Any] = {}
        self.gone: set[int] = set()
        for one in belief_queries.of_reports(tx, ids):
            if one.kind in _ANSWERS:
                self.differing[one.report_id, one.about.rpartition(":")[2]] = one
            elif one.kind == Kind.REPORT_GONE and one.settled_at is None:
                self.gone.add(one.report_id)
        self._aside = self._laid_aside(tx, rows, looks)

    def _laid_aside(
        self, tx: Tx, rows: Sequence[Any], looks: Mapping[int, Any]
    ) -> dict[tuple[int, str], Any]:
        """What the portal writes by itself is told under one report of the channel."""
        lacking: dict[int, set[str]] = defaultdict(set)
        for row in rows:
            named = names_of(looks.get(row.report_id))
            lacking[row.channel_id] |= {one for one in named if (row.report_id, one) not in self.differing}
        return {
            (channel_id, name): one
            for channel_id, names in lacking.items()
            if names
            for name, one in belief_queries.words_aside(tx, channel_id, names).items()
        }

    def of(self, row: Any, name: str) -> AnswerThere:
        """The answer of this name under the report of an errand."""
        for message in self.messages[row.report_id]:
            if message.id != row.id and message.state in DELIVERED and fingerprint(message.body) == name:
                return AnswerThere((Part(message.body, False),), message.sent_at, ours=True)
        if fingerprint(row.body) == name:
            return AnswerThere((Part(row.body, False),))
        one = self.differing.get((row.report_id, name)) or self._aside.get((row.channel_id, name))
        if one is None or not one.theirs:
            return AnswerThere(())
        return AnswerThere((Part(one.theirs, False),), one.written_at, one.author)


def names_of(look: Any) -> list[str]:
    """The names that a look remembers, the source's newest last."""
    return look.shown.split() if look is not None and look.shown else []


def _there(connectors: Mapping[str, Found], row: Any, look: Any, words: _Words) -> There:
    found = connectors.get(row.channel_kind)
    can = found.manifest.capabilities if found and found.manifest else None
    # A look of before names were kept tells that there are answers, and not which.
    read = look is not None and (look.shown is not None or look.answers is None)
    shown = [words.of(row, name) for name in reversed(names_of(look))]
    ours, answers = _beside(row.body, shown)
    return There(
        read_at=look.settled_to + SETTLING if read else None, gone=row.report_id in words.gone,
        status=row.source_status, status_raw=row.status_raw or "", answers=answers, ours=ours,
        readable=can is not None and can.poll != "none", may_ask=can is not None and can.fetch,
    )  # fmt: skip


def _beside(body: str, shown: Sequence[AnswerThere]) -> tuple[tuple[Part, ...], tuple[AnswerThere, ...]]:
    """Our words and the source's answers, the likest first and marked against each other."""
    scored = [_scored(body, one) for one in shown]
    ordered = sorted(scored, key=lambda one: -one.alike)
    if not ordered or not ordered[0].alike:
        return (Part(body, False),), tuple(ordered)
    ours, theirs = differences(body, _text(ordered[0]), exact=True)
    return ours, (replace(ordered[0], words=theirs), *ordered[1:])


def _scored(body: str, one: AnswerThere) -> AnswerThere:
    if one.ours:  # what another answer of ours says is not this one
        return one
    if fingerprint(_text(one)) == fingerprint(body):
        return replace(one, alike=100)
    score, note = likeness(body, _text(one))
    return replace(one, alike=int(score), note=note if score else "")


def _text(one: AnswerThere) -> str:
    return "".join(part.text for part in one.words)
