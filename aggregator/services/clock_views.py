"""What a case's deadline rests on, as the page and the command line show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from aggregator.domain.sla import DayNote


@dataclass(frozen=True, slots=True)
class RuleView:
    """The version of the rule that a deadline is counted by, with where it comes from."""

    key: str
    version: int
    name: str
    amount: int
    unit: str
    valid_from: date
    valid_to: date | None
    source: str
    certainty: str


@dataclass(frozen=True, slots=True)
class SpanView:
    """A stretch that counts, `seconds` long."""

    start: datetime
    end: datetime
    seconds: int


@dataclass(frozen=True, slots=True)
class PauseView:
    """A stretch that does not; `seconds` of the clock's own time were given back, None while it lasts."""

    start: datetime
    end: datetime | None
    seconds: int | None
    reason: str
    reason_vi: str


@dataclass(frozen=True, slots=True)
class ExtensionView:
    """A date that a person set, when and why."""

    at: datetime
    due_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class StepView:
    """One deadline told in full. `rule` is None where the source itself demands it."""

    step: str
    origin: str
    due_at: datetime
    due_soon_at: datetime
    met_at: datetime | None
    rules: bool
    sentence_vi: str
    sentence_en: str
    rule: RuleView | None = None
    calendar_version: int | None = None
    spans: tuple[SpanView, ...] = ()
    pauses: tuple[PauseView, ...] = ()
    extensions: tuple[ExtensionView, ...] = ()
    skipped: tuple[DayNote, ...] = ()
    made_up: tuple[DayNote, ...] = ()
    unknown_years: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class OtherView:
    """The result's deadline of another report of the case."""

    report_id: int
    due_at: datetime
    met_at: datetime | None


@dataclass(frozen=True, slots=True)
class UnitTimeView:
    """Working time that one unit had the case while its clock ran; `unit` None is nobody."""

    unit: str | None
    start: datetime
    end: datetime | None
    seconds: int


@dataclass(frozen=True, slots=True)
class Explained:
    """All that a case's deadline rests on. Without any rule `steps` is empty."""

    report_id: int | None
    started_at: datetime | None
    steps: tuple[StepView, ...]
    others: tuple[OtherView, ...]
    units: tuple[UnitTimeView, ...]
    #: Whether a person may still move the result's deadline: once, and not of a finished case.
    may_extend: bool = False

    @property
    def ruling(self) -> StepView | None:
        return next((step for step in self.steps if step.rules), None)

    @property
    def sentence_vi(self) -> str:
        return self.ruling.sentence_vi if self.ruling else "Chưa có quy định thời hạn áp dụng."

    @property
    def sentence_en(self) -> str:
        return self.ruling.sentence_en if self.ruling else "No deadline rule applies."
