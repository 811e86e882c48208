"""What screens, commands and the API show: plain values, already scoped to the person who asks.

Times are aware UTC instants; names are resolved; nothing here needs the database again. What may
surprise: identity is not in these values. It is asked for by itself (`Cases.reveal`), by right, and
the look is logged (I12).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from aggregator.domain.delivery import Delivery
from aggregator.domain.differences import Part
from aggregator.domain.legal import LegalKind, LegalState
from aggregator.domain.sketch import Apart, Sketch
from aggregator.domain.workflow import Status
from aggregator.services.clock_views import Explained
from aggregator.services.cover_views import CaseUnitView, CoverView, OwnerSuggestion

#: The inbox's views, in the order of the menu.
VIEWS = (
    "open",
    "new",
    "mine",
    "due_soon",
    "overdue",
    "needs_info",
    "waiting_unit",
    "problem",
    "legal",
    "closed",
)
#: Views without a menu entry: what lies behind figures of the leaders' page.
MORE_VIEWS = ("paused", "closed_late", "legal_done")


@dataclass(frozen=True, slots=True)
class InboxFilter:
    """What an inbox address says. Empty means no filter. `after` is a keyset token from `Page`."""

    view: str = "open"
    q: str = ""
    channel: str = ""  # slug
    category: str = ""  # code
    unit: int | None = None  # 0: no unit yet
    officer: int | None = None  # 0: nobody yet
    status: str = ""
    ward: str = ""  # only useful to who sees several
    after: str = ""
    size: int = 50


@dataclass(frozen=True, slots=True)
class InboxRow:
    id: int
    code: str
    ward_code: str
    title: str
    extract: str
    address: str | None
    category: str | None  # code
    channel: str  # title
    channel_slug: str
    unit: str | None
    officer: str | None
    status: Status
    received_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    #: none, due_soon, overdue, paused, done
    stage: str
    report_count: int
    unread: bool
    delivery_problem: bool
    version: int
    #: Whether it is, or may be, a complaint or denunciation.
    legal: LegalState | None = None
    #: Restricted, and this person has not the right: title, text, place and channel are left out.
    masked: bool = False
    #: Set while the officer is away.
    cover: CoverView | None = None


@dataclass(frozen=True, slots=True)
class InboxPage:
    rows: tuple[InboxRow, ...]
    #: Keyset token of the next page, empty on the last one.
    next: str
    #: View -> number of cases (kept counters, never a scan); "mine" for this person.
    counts: Mapping[str, int]
    #: The newest case this person sees, for `Inbox.arrived`: how many have come since.
    newest: int = 0
    #: Those for whom this person stands in now: their cases are among "mine".
    stands_in: tuple[CoverView, ...] = ()
    #: Who is away without anybody standing in; told to leaders.
    nobody_for: tuple[CoverView, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a select box."""

    value: str
    label: str
    ward_code: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters and forms offer this person."""

    channels: tuple[Choice, ...]
    categories: tuple[Choice, ...]
    units: tuple[Choice, ...]
    officers: tuple[Choice, ...]
    wards: tuple[Choice, ...]


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
class DeliveryView:
    """One answer's way to one source."""

    id: int
    reply_id: int
    report_id: int
    external_id: str
    channel: str
    channel_slug: str
    state: Delivery
    attempts: int
    next_attempt_at: datetime | None
    sent_at: datetime | None
    acknowledged_at: datetime | None
    error: str | None
    #: True while the whole channel is held back (signed out, paused, down); `hint_vi` says why.
    held: bool
    hint_vi: str
    #: Link to the report at its source, for carrying an answer over by hand.
    url: str | None
    error_vi: str | None = None


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
class ReplyView:
    id: int
    kind: str
    body: str
    at: datetime
    who: str
    deliveries: tuple[DeliveryView, ...]


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


@dataclass(frozen=True, slots=True)
class ManualItem:
    """An answer that a person must carry to its source, or whose fate a person must decide."""

    delivery: DeliveryView
    case_id: int
    case_code: str
    body: str
    kind: str


@dataclass(frozen=True, slots=True)
class CountRow:
    """One line of the leaders' table: `key` and `dim` give the inbox link behind each number."""

    key: str
    label: str
    open: int
    due_soon: int
    overdue: int
    paused: int
    done: int
    done_late: int
    #: Complaints and denunciations, in none of the numbers above: to be decided on, and handed over.
    legal: int = 0
    legal_done: int = 0


@dataclass(frozen=True, slots=True)
class Dashboard:
    at: datetime
    total: CountRow
    units: tuple[CountRow, ...]
    officers: tuple[CountRow, ...]
    categories: tuple[CountRow, ...]
    channels: tuple[CountRow, ...]


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


@dataclass(frozen=True, slots=True)
class DecisionView:
    """One officer's word on a street, which can be taken back."""

    id: int
    at: datetime
    who: str
    case_code: str
    #: None where the case has left the wards that this person sees.
    case_id: int | None
    house: int | None
    ward: str
    cause: str


@dataclass(frozen=True, slots=True)
class StreetView:
    """What was decided about one street, newest first; `about`: the old ward, or the one it was sent to."""

    street: str
    about: str
    decisions: tuple[DecisionView, ...]

    @property
    def contested(self) -> bool:
        return len({one.ward for one in self.decisions}) > 1


# Two cases side by side


@dataclass(frozen=True, slots=True)
class SideView:
    """One of two cases under comparison, through the report that is most like the other."""

    case_id: int
    code: str
    status: Status
    is_open: bool
    version: int
    report_count: int
    received_at: datetime
    due_at: datetime | None
    channel: str
    external_id: str
    category: str | None
    address: str | None
    #: Title and text in parts, those that the other side lacks marked.
    subject: tuple[Part, ...]
    body: tuple[Part, ...]
    owner: str | None


@dataclass(frozen=True, slots=True)
class MergedView:
    """What one merge would come to: which case stays, how many reports it holds, which deadline counts."""

    stays: str
    goes: str
    size: int
    due_at: datetime | None
    #: The case whose deadline that is.
    due_of: str


@dataclass(frozen=True, slots=True)
class ComparisonView:
    """Two cases side by side, and what may be said of them."""

    one: SideView
    other: SideView
    score: float
    reasons: tuple[ReasonView, ...]
    apart: Apart | None
    sketch: Sketch | None
    same_place: bool | None
    same_category: bool | None
    #: None where either did not say, or asked to stay unknown; the number itself is never shown.
    same_phone: bool | None
    hours_apart: float
    #: What "same" would do; None where one of the two is closed and only "come back" is left.
    merged: MergedView | None
    #: The closed one came first: "come back" may be said.
    recurrence: bool
    #: What a person said of the two before: "different", "recurrence".
    said: str
    #: The other candidates for the same case, best first.
    others: tuple[SuggestionView, ...] = ()


# Many questions at once


@dataclass(frozen=True, slots=True)
class QuestionFilter:
    """What the address of the list of open questions says."""

    category: str = ""
    #: high, middle, low
    score: str = ""
    #: Days since the question came up.
    days: int | None = None
    ward: str = ""
    after: str = ""
    size: int = 25


@dataclass(frozen=True, slots=True)
class QuestionSide:
    """One case of a question, in few words."""

    case_id: int
    code: str
    title: str
    extract: str
    address: str | None
    channel: str
    category: str | None
    status: Status
    is_open: bool
    received_at: datetime
    report_count: int
    version: int


@dataclass(frozen=True, slots=True)
class QuestionView:
    """Two cases of which the rule was unsure; `one` is the older."""

    id: int
    score: float
    reasons: tuple[ReasonView, ...]
    one: QuestionSide
    other: QuestionSide
    #: Of the two exactly one is closed, and it came first.
    recurrence: bool
    apart: Apart | None


@dataclass(frozen=True, slots=True)
class QuestionPage:
    rows: tuple[QuestionView, ...]
    next: str
    #: All open questions of this person's wards; `MOST_COUNTED` is "that many or more".
    total: int


@dataclass(frozen=True, slots=True)
class GroupView:
    """Cases that would become one."""

    stays: str
    goes: tuple[str, ...]
    title: str
    size: int
    due_at: datetime | None
    due_of: str


@dataclass(frozen=True, slots=True)
class RefusedView:
    """A question that is left out, and why: a code of `domain.joint_plan.Refusal`."""

    question_id: int
    one: str
    other: str
    why: str
    #: The cases' ids, 0 where they are not known any more.
    one_id: int = 0
    other_id: int = 0


@dataclass(frozen=True, slots=True)
class PlanView:
    """What deciding these questions together would do. Nothing has been done."""

    verb: str
    groups: tuple[GroupView, ...]
    #: Pairs told apart (verb "different").
    pairs: tuple[tuple[str, str], ...]
    refused: tuple[RefusedView, ...]
    #: Question and the versions of its two cases, as the preview saw them.
    seen: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class DoneView:
    """One decision of a batch."""

    decision_id: int
    case_id: int
    code: str
    other_id: int
    other: str
    undone: bool


@dataclass(frozen=True, slots=True)
class BatchView:
    id: int
    verb: str
    who: str
    at: datetime
    done: tuple[DoneView, ...]
    refused: tuple[RefusedView, ...]


# Notices


@dataclass(frozen=True, slots=True)
class NoticeView:
    """What happened to a case that is this person's to know of."""

    id: int
    #: merged, merged_away, unmerged, unmerged_away, joined, recurred, ...
    kind: str
    case_id: int
    code: str
    title: str
    #: How often since it was last read.
    times: int
    at: datetime
    read: bool
    who: str | None
    #: The ledger entry's own words on the newest of it.
    data: Mapping[str, Any]
    #: Set where it can be undone from here.
    decision_id: int | None


@dataclass(frozen=True, slots=True)
class NoticePage:
    rows: tuple[NoticeView, ...]
    next: str
