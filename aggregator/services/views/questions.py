"""Many questions "are these the same?" at once, and what a batch of answers would do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.domain.sketch import Apart
from aggregator.domain.workflow import Status
from aggregator.services.views.case import ReasonView


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
