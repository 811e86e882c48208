"""Differences between sources and us, as pages and the command line show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.domain.beliefs import SEVERITIES, Kind, Remedy, Severity, remedies
from aggregator.domain.differences import Part, differences
from aggregator.domain.workflow import ReplyKind, Status
from aggregator.sdk.contract import Capabilities
from aggregator.services.adoption import given_at, kind_of

_WORDED = frozenset({Kind.ANSWER_EDITED, Kind.ANSWER_FOREIGN, Kind.ANSWER_MISSING})
_DATED = frozenset({Kind.DEADLINE_EARLIER, Kind.DEADLINE_LATER})


@dataclass(frozen=True, slots=True)
class Moved:
    """A report that may be the one that is gone, under the number that its source gives it now."""

    external_id: str
    report_id: int
    case_id: int
    case_code: str


@dataclass(frozen=True, slots=True)
class DifferenceView:
    """One difference, both sides. Of words: `ours`, `theirs` in parts, what the other lacks marked."""

    id: int
    kind: Kind
    severity: Severity
    channel: str
    channel_slug: str
    external_id: str
    url: str | None
    report_id: int
    case_id: int
    case_code: str
    case_title: str
    case_status: Status
    ours: tuple[Part, ...]
    theirs: tuple[Part, ...]
    #: Of deadlines: what is counted here, what the source demands now (None: none any more).
    our_due: datetime | None
    their_due: datetime | None
    #: Of statuses, in our words; `raw` is the source's own.
    our_status: str
    their_status: str
    raw: str
    written_at: datetime | None
    author: str
    note: str
    found_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    how: str | None
    reason: str
    remedies: tuple[Remedy, ...]
    #: Of a foreign answer: what kind it would be for us, given when, and how many other sources get it, too.
    adopted_as: ReplyKind
    adopted_at: datetime
    others: int
    #: Of a report that is open there: the source's word for its end, to be set there; empty: none is known.
    closing_word: str = ""
    #: Of a report that is gone: what it may be now.
    moved: Moved | None = None


@dataclass(frozen=True, slots=True)
class DifferencePage:
    items: tuple[DifferenceView, ...]
    #: Open ones by kind, as far as the person may see them.
    counts: Mapping[Kind, int]
    older: int | None
    channel: str
    slug: str


@dataclass(frozen=True, slots=True)
class ChannelDifferences:
    """One channel's open differences by kind."""

    slug: str
    title: str
    counts: Mapping[Kind, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def urgent(self) -> int:
        return sum(n for kind, n in self.counts.items() if SEVERITIES[kind] is Severity.ACT)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a remedy would do to one difference. Of a deadline: the case's, before and after."""

    item: DifferenceView
    due_now: datetime | None = None
    due_then: datetime | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What a remedy over several did: how many, and those that were refused, with why (vi, en)."""

    done: int
    refused: tuple[tuple[str, str, str], ...] = ()


def view(
    row: Any, can: Capabilities, names: Mapping[int, str], now: datetime, *,
    closing_word: str = "", moved: Moved | None = None,
) -> DifferenceView:  # fmt: skip
    kind = Kind(row.kind)
    ours, theirs = _sides(kind, row)
    dated, status = kind in _DATED, kind not in _WORDED | _DATED
    return DifferenceView(
        id=row.id, kind=kind, severity=SEVERITIES[kind], channel=row.channel, channel_slug=row.slug,
        external_id=row.external_id, url=row.url, report_id=row.report_id, case_id=row.case_id,
        case_code=row.case_code, case_title=row.case_title, case_status=Status(row.case_status),
        ours=ours, theirs=theirs,
        our_due=_instant(row.ours) if dated else None, their_due=_instant(row.theirs) if dated else None,
        our_status=row.ours if status else "", their_status=row.theirs if status else "",
        raw=row.note if status else "",
        written_at=row.written_at, author=row.author, note="" if status else row.note,
        found_at=row.found_at, settled_at=row.settled_at,
        settled_by=names.get(row.settled_by) if row.settled_by is not None else None,
        how=row.how, reason=row.reason,
        remedies=() if row.settled_at is not None else offered(row, can, moved=moved is not None),
        adopted_as=kind_of(row.source_status), adopted_at=given_at(row, now), others=row.report_count - 1,
        closing_word=closing_word, moved=moved,
    )  # fmt: skip


def offered(row: Any, can: Capabilities, *, moved: bool) -> tuple[Remedy, ...]:
    """What a person may do about an open difference of this source. `moved`: the source has another report
    that may be this one."""
    found = remedies(
        Kind(row.kind), can_push=can.push_reply, can_look=can.idempotency != "none", can_fetch=can.fetch
    )
    return tuple(remedy for remedy in found if moved or remedy is not Remedy.MOVED)


def _sides(kind: Kind, row: Any) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    if kind is Kind.ANSWER_EDITED:
        return differences(row.ours, row.theirs, exact=True)
    if kind not in _WORDED:
        return (), ()
    return tuple((Part(text, False),) if text else () for text in (row.ours, row.theirs))  # type: ignore[return-value]


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
