"""What the pages and commands of deadline rules show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.domain.sla import Policy


@dataclass(frozen=True, slots=True)
class PolicyView:
    """One version of one rule, with who made it, and whether it holds for new reports."""

    policy: Policy
    applied: bool
    made_at: datetime | None
    who: str | None
    why: str
    retired_at: datetime | None
    retired_by: str | None
    retired_why: str


@dataclass(frozen=True, slots=True)
class RuleHistory:
    """A rule through its versions, newest first. `current` None: it was given up."""

    key: str
    versions: tuple[PolicyView, ...]

    @property
    def current(self) -> PolicyView | None:
        newest = self.versions[0]
        return newest if newest.retired_at is None else None


@dataclass(frozen=True, slots=True)
class MoveView:
    """One open case that a recount would move."""

    case_id: int
    code: str
    was: datetime | None
    now: datetime | None
    stage_was: str
    stage: str


@dataclass(frozen=True, slots=True)
class RecountPreview:
    """What a recount under a rule would change; `shortened`: only the newest open cases were counted."""

    looked_at: int
    moved: int
    earlier: int
    later: int
    newly_overdue: int
    no_longer_overdue: int
    shortened: bool
    page: int
    pages: int
    rows: tuple[MoveView, ...]
