"""Absences, cover and who handles what, as screens and commands show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.domain.cover import Why


@dataclass(frozen=True, slots=True)
class CoverView:
    """`owner` is away until then; `name` stands in, None: nobody does."""

    owner: str
    until: datetime
    name: str | None


@dataclass(frozen=True, slots=True)
class AbsenceView:
    """One absence. `mine`: whether this person may change it; others are not told why somebody is away."""

    id: int
    ward_code: str
    officer_id: int
    officer: str
    login: str
    substitute_id: int | None
    substitute: str | None
    starts_at: datetime
    ends_at: datetime
    reason: str
    note: str
    who: str | None
    entered_at: datetime
    ended_at: datetime | None
    version: int
    mine: bool
    #: Who answers now, where it holds; None: nobody.
    answers: str | None = None


@dataclass(frozen=True, slots=True)
class GapView:
    """A stretch in which nobody answers for `officer`; `last` is where the chain of substitutes ends."""

    officer: str
    start: datetime
    end: datetime
    why: Why
    last: str


@dataclass(frozen=True, slots=True)
class FieldGapView:
    """A stretch in which nobody answers for a category of a ward; `people` are away, none: none is named."""

    ward_code: str
    category: str
    category_vi: str
    category_en: str
    start: datetime
    end: datetime
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonView:
    """An officer or leader, with the fields that are theirs."""

    id: int
    login: str
    name: str
    role: str
    ward_code: str
    unit_id: int | None
    unit: str | None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitView:
    """A unit of a ward, with the fields it answers for."""

    id: int
    ward_code: str
    name: str
    fields: tuple[str, ...]
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CoverBoard:
    """The page of absences of one person's wards."""

    at: datetime
    until: datetime
    away: tuple[AbsenceView, ...]
    coming: tuple[AbsenceView, ...]
    past: tuple[AbsenceView, ...]
    gaps: tuple[GapView, ...]
    #: Who may be entered as away, and who may stand in.
    people: tuple[PersonView, ...]


@dataclass(frozen=True, slots=True)
class CaseUnitView:
    """A unit that works on a case beside the one that leads it."""

    unit_id: int
    unit: str
    task: str
    due_at: datetime | None
    done_at: datetime | None
    #: Who marked it as done.
    who: str | None


@dataclass(frozen=True, slots=True)
class OwnerSuggestion:
    """Who should have a case by its field, with why."""

    unit_id: int | None
    unit: str | None
    officer_id: int | None
    officer: str | None
    reason_vi: str
    reason_en: str
