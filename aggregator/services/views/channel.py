"""The page of one channel: its runs, lights, grade, calls, days and quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class RunView:
    id: int
    kind: str
    started_at: datetime
    finished_at: datetime | None
    outcome: str
    seen: int
    stored: int
    unchanged: int
    revised: int
    quarantined: int
    source_count: int | None
    error: str | None
    bytes: int = 0
    #: None while it runs.
    took_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Light:
    """One of the five lights of a channel: reachable, signed_in, parsing, fresh, writing."""

    name: str
    #: good, slow, bad, off
    state: str
    at: datetime | None
    cause_vi: str = ""
    cause_en: str = ""
    next_vi: str = ""
    next_en: str = ""
    #: For who maintains the connector: the error's class and its own words.
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ExemptionView:
    """Something a connector need not do, and why."""

    reason_vi: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class QualityView:
    """The connector behind a channel: its grade as verified by the conformance suite, and its exemptions."""

    title_vi: str
    title_en: str
    version: str
    maintainer: str
    #: none, bronze, silver, gold
    grade: str
    exemptions: tuple[ExemptionView, ...] = ()


@dataclass(frozen=True, slots=True)
class AlarmView:
    """Something at a channel that waits for a person; it closes by itself once it is over."""

    #: reconnect, settings, defect, silence
    kind: str
    slug: str
    title: str
    opened_at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChannelView:
    id: int
    slug: str
    title: str
    kind: str
    ward_code: str
    #: good, slow, bad, off: the worst light
    state: str
    paused: bool
    lights: tuple[Light, ...]
    interval_s: int
    next_due_at: datetime | None
    last_success_at: datetime | None
    last_item_at: datetime | None
    down_since: datetime | None
    can_reply: bool
    outbox_waiting: int
    quarantined: int
    today: Mapping[str, int] = field(default_factory=dict)  # seen, stored, unchanged, revised, quarantined
    runs: tuple[RunView, ...] = ()
    alarms: tuple[AlarmView, ...] = ()
    #: closed, open, half_open
    breaker: str = "closed"
    #: Who is reading it at this moment.
    lease_owner: str | None = None


@dataclass(frozen=True, slots=True)
class KeptCallView:
    """A call of a source that could not be read."""

    id: int
    received_at: datetime
    size: int
    tries: int
    error: str | None


@dataclass(frozen=True, slots=True)
class CallsView:
    """What came to a channel's door today, and what waits behind it."""

    taken: int
    repeated: int
    refused: int
    taken_at: datetime | None
    refused_at: datetime | None
    #: Why the last one was refused.
    why_vi: str
    why_en: str
    waiting: int
    kept: int
    calls: tuple[KeptCallView, ...]


@dataclass(frozen=True, slots=True)
class BackfillView:
    """A part of a channel's past that is read again: the days `first` to `last`, or `ids` reports."""

    id: int
    first: date | None
    last: date | None
    ids: int
    #: active, stopped, done, failed
    state: str
    #: How many reports the source has of it, where it says so, and how many were asked for.
    total: int | None
    asked: int
    seen: int
    stored: int
    unchanged: int
    revised: int
    quarantined: int
    #: Ids that the source does not have.
    missing: int
    error: str | None
    error_vi: str | None
    next_due_at: datetime | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class DayCount:
    """A day of a channel: what its source says, what we hold, what waits in quarantine."""

    day: date
    source: int
    held: int
    quarantined: int
    counted_at: datetime

    @property
    def missing(self) -> int:
        """What the source has and we do not; below nothing where the source has dropped reports."""
        return self.source - self.held - self.quarantined


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """`by_day`: the source can be asked for single days. The totals are those of the newest poll."""

    by_day: bool
    days: tuple[DayCount, ...]
    today: date
    total_source: int | None
    total_at: datetime | None
    total_held: int
    total_quarantined: int


@dataclass(frozen=True, slots=True)
class QuarantineView:
    id: int
    scope: str
    raw_ref: str
    external_id: str | None
    error: str
    field: str
    row: int | None
    tries: int
    created_at: datetime
