"""The page of one case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from aggregator.domain.legal import LegalKind
from aggregator.domain.sketch import Apart
from aggregator.domain.workflow import Status
from aggregator.services.answer_files import NO_FILES, Taking
from aggregator.services.clock_views import Explained
from aggregator.services.cover_views import CaseUnitView, OwnerSuggestion
from aggregator.services.views.delivery import ReplyView
from aggregator.services.views.inbox import Choice, InboxRow
from aggregator.services.views.outages import Unreachable


@dataclass(frozen=True, slots=True)
class ReasonView:
    code: str
    text_vi: str
    text_en: str


@dataclass(frozen=True, slots=True)
class AttachmentView:
    id: int
    filename: str
    content_type: str | None
    size: int | None
    #: pending, stored, refused
    state: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """One report inside its case, with its source's own words."""

    id: int
    external_id: str
    channel: str
    channel_slug: str
    kind: str
    received_at: datetime
    subject: str
    body: str
    address: str | None
    area: str | None
    lat: float | None
    lng: float | None
    category: str | None
    category_raw: str | None
    status_raw: str | None
    source_status: str
    source_due_at: datetime | None
    due_at: datetime | None
    url: str | None
    anonymous: bool
    has_identity: bool
    #: An officer took it down: the citizen may get a receipt.
    from_officer: bool
    revision: int
    attachments: tuple[AttachmentView, ...]
    #: Why this report is in this case: opened, rule, person, undo.
    cause: str
    score: float | None
    reasons: tuple[ReasonView, ...]
    rule_version: str
    joined_at: datetime
    #: What its channel allows: False means that a person carries the answer over by hand.
    can_reply: bool = True
    max_reply_chars: int = 4000
    #: Kinds of answer that go there by themselves.
    by_itself: tuple[str, ...] = ()
    #: What goes there of an answer's files.
    takes: Taking = NO_FILES
    #: The ward its text names for sure, where that is not simply its channel's; `place_moved` = it is here
    #: for that reason, else it may belong there.
    place: str | None = None
    place_why_vi: str = ""
    place_why_en: str = ""
    place_moved: bool = False
    #: Where it may belong elsewhere: that ward's code, whether it is served here, and what to tell the
    #: citizen where it is not.
    place_code: str | None = None
    place_served: bool = False
    guidance: str = ""
    #: Who sent it is out of sight, on their request, but for those who answer for personal data.
    restricted: bool = False


@dataclass(frozen=True, slots=True)
class SuggestionView:
    """Another case that may be the same problem, with why."""

    case_id: int
    code: str
    title: str
    address: str | None
    status: Status
    received_at: datetime
    report_id: int
    own_report_id: int
    score: float
    reasons: tuple[ReasonView, ...]
    #: The other case is closed: offered as a recurrence, never joined.
    recurrence: bool
    version: int = 0
    #: How far apart, where both are on the map.
    apart: Apart | None = None


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    at: datetime
    #: received, joined, moved, assigned, noted, replied, paused, resumed, merged, split, ...
    kind: str
    who: str | None
    data: Mapping[str, Any]
    #: The decision that this entry tells of and that may still be undone.
    decision_id: int | None = None


@dataclass(frozen=True, slots=True)
class LegalWords:
    """Words of a report that tell of a legal matter, and why."""

    report_id: int
    quote: str
    why_vi: str
    why_en: str
    clear: bool


@dataclass(frozen=True, slots=True)
class LegalView:
    """A complaint or denunciation as the case page tells it."""

    kind: LegalKind
    found_at: datetime
    words: tuple[LegalWords, ...] = ()
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str | None = None
    handed_to: str | None = None
    register_no: str | None = None
    registered_on: date | None = None


@dataclass(frozen=True, slots=True)
class RelativeView:
    """Another time that the same problem came up."""

    case_id: int
    code: str
    title: str
    status: Status
    received_at: datetime


@dataclass(frozen=True, slots=True)
class CaseView:
    row: InboxRow
    unit_id: int | None
    officer_id: int | None
    urgency: str | None
    paused: bool
    late: bool | None
    merged_into: int | None
    #: How the deadline came about.
    clock: Explained
    #: Earliest first; each report's own and its source's deadline.
    reports: tuple[ReportView, ...]
    suggestions: tuple[SuggestionView, ...]
    timeline: tuple[TimelineEntry, ...]
    replies: tuple[ReplyView, ...]
    moves: tuple[Status, ...]
    #: Where the case can be moved: the other wards of this installation, by name.
    other_wards: tuple[Choice, ...]
    legal: LegalView | None = None
    #: The problem's first case and all that came back after it, oldest first; empty where it never did.
    family: tuple[RelativeView, ...] = ()
    #: The units that work on it beside the one that leads.
    units: tuple[CaseUnitView, ...] = ()
    #: Who should have it by its field, with why.
    suggestion: OwnerSuggestion | None = None
    #: Deadlines that were kept while the source could not be used.
    unreachable: tuple[Unreachable, ...] = ()
    #: The kinds of answer that may be given now.
    offered: tuple[str, ...] = ()

    @property
    def next_unit(self) -> CaseUnitView | None:
        """The unit whose own deadline comes first of those that have not done their task."""
        owed = [(one.due_at, one) for one in self.units if one.due_at is not None and one.done_at is None]
        return min(owed, key=lambda pair: pair[0])[1] if owed else None

    @property
    def deadline_vi(self) -> str:
        """One plain sentence of arithmetic."""
        return self.clock.sentence_vi

    @property
    def deadline_en(self) -> str:
        return self.clock.sentence_en
