"""What the pages and commands of working calendars show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.domain.day_table import Problem
from aggregator.domain.shifts import DayOverride, Shift
from aggregator.domain.worktime import Calendar
from aggregator.services.recounts import Scope


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """One calendar in the list; `mine`: the person who asks may change it."""

    scope: Scope
    ward_name: str | None
    unit_name: str | None
    name: str
    version: int
    changed_at: datetime
    shared_days: bool
    mine: bool


@dataclass(frozen=True, slots=True)
class DayView:
    """A day that differs; `shared`: it is entered for all and only shows here."""

    day: DayOverride
    shared: bool


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version: when it came, by whom and why."""

    number: int
    at: datetime
    who: str | None
    why: str


@dataclass(frozen=True, slots=True)
class CalendarView:
    """One calendar with its week, its days of a year, and its versions. `own` False: the scope has none of
    its own, and what it follows is shown."""

    row: CalendarRow
    own: bool
    week: Mapping[int, tuple[Shift, ...]]
    calendar: Calendar
    days: tuple[DayView, ...]
    versions: tuple[VersionView, ...]


@dataclass(frozen=True, slots=True)
class RecountView:
    """How far counting open cases again has come."""

    id: int
    rule_key: str | None
    why: str
    who: str | None
    created_at: datetime
    finished_at: datetime | None
    total: int
    seen: int
    changed: int
    taken_back: int
    replaced: bool


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What a file would do, or did: days that come, that change, that stay; or what is wrong with it."""

    added: tuple[DayOverride, ...]
    changed: tuple[DayOverride, ...]
    same: int
    problems: tuple[Problem, ...]
