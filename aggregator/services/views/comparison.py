"""Two cases side by side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.domain.differences import Part
from aggregator.domain.sketch import Apart, Sketch
from aggregator.domain.workflow import Status
from aggregator.services.views.case import ReasonView, SuggestionView


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
