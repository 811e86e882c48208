"""Outages on screen: of one channel, beside one case, and summed up for leaders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from aggregator.domain.outages import Capability, Span


@dataclass(frozen=True, slots=True)
class TryView:
    """One failed try. `page_id`: what it brought is kept."""

    at: datetime
    tried: Capability
    code: str
    status: int | None
    url: str | None
    sha256: str | None
    size: int | None
    page_id: int | None = None


@dataclass(frozen=True, slots=True)
class ProofView:
    """A kept page, or a screenshot that somebody attached (`who`)."""

    id: int
    at: datetime
    sha256: str
    size: int
    content_type: str
    who: str | None


@dataclass(frozen=True, slots=True)
class OutageView:
    """A span with what its first and last failed try saw."""

    id: int
    span: Span
    first_code: str
    first_status: int | None
    last_code: str
    last_status: int | None
    #: What is claimed, and the most that it can have been, until now.
    at_least: timedelta
    at_most: timedelta


@dataclass(frozen=True, slots=True)
class OutageStory:
    """One outage in full: the first and the last of its tries, `left_out` of them between."""

    outage: OutageView
    first: tuple[TryView, ...]
    left_out: int
    last: tuple[TryView, ...]
    proofs: tuple[ProofView, ...]


@dataclass(frozen=True, slots=True)
class ChannelOutages:
    """A channel's outages in a period. Those that may be our own network's are counted apart."""

    slug: str
    title: str
    ward_code: str
    count: int
    open: int
    ours: int
    #: The time in which anything of it was out, capabilities laid over one another.
    at_least: timedelta
    at_most: timedelta
    longest: timedelta


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A deadline that was handled in time while the source could not be used."""

    case_id: int
    code: str
    title: str
    channel: str
    step: str
    due_at: datetime
    answered_at: datetime
    delivered_at: datetime | None
    capability: Capability
    began_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class OutageFigures:
    """The leaders' numbers of a period, both days included."""

    first: date
    last: date
    channels: tuple[ChannelOutages, ...]
    #: Cases with such a deadline, and the newest of them.
    cases: int
    unreachable: tuple[Unreachable, ...]
