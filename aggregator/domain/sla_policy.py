"""The rules of time limits: what one says, and which one holds for a report.

What would surprise: a rule has versions and valid days, and a report keeps the version it was opened
under; changing a rule here moves no deadline of an open case (I6). No shipped amount is claimed to be
law: `source` and `certainty` travel with the rule onto the screen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from aggregator.domain.worktime import DayEnd
from aggregator.errors import InputInvalid


class Unit(StrEnum):
    """What an amount counts. MINUTES run by the clock, day and night; an office's time is WORKING_*."""

    MINUTES = "minutes"
    WORKING_HOURS = "working_hours"
    WORKING_DAYS = "working_days"
    CALENDAR_DAYS = "calendar_days"


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of one rule: how long a step may take, for which reports, on which days.

    None in `channel`, `category` or `urgency` means any. `valid_to` is the last valid day. `certainty`
    says how far the amount was verified; a shipped rule is a ``starting_set`` until an office confirms it.
    """

    id: int
    version: int
    name: str
    step: str  # result, first_answer, classify, progress
    amount: int
    unit: Unit
    valid_from: date
    valid_to: date | None = None
    channel: str | None = None
    category: str | None = None
    urgency: str | None = None
    warn_percent: int = 80
    source: str = ""
    certainty: str = "starting_set"
    day_end: DayEnd = DayEnd.END_OF_DAY

    def __post_init__(self) -> None:
        if self.amount <= 0:
            raise InputInvalid(f"policy {self.name!r}: amount must be above 0", field="amount")
        if not 0 < self.warn_percent <= 100:
            raise InputInvalid(f"policy {self.name!r}: warn_percent must be 1 to 100", field="warn_percent")
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise InputInvalid(f"policy {self.name!r}: ends before it begins", field="valid_to")


#: A rule for urgent matters must never lose to a slower rule for its category, hence urgency weighs more
#: than the other two together; a category says more about the work than the door the report came through.
_WEIGHT: Final = {"urgency": 4, "category": 2, "channel": 1}


def choose(
    policies: Iterable[Policy],
    *,
    step: str,
    channel: str,
    category: str | None,
    urgency: str | None,
    on: date,
) -> Policy | None:
    """The most specific policy valid on that day, None where no rule speaks about the step.

    Equal weight: the latest `valid_from`, then the highest version, then the highest id.
    """
    asked = {"channel": channel, "category": category, "urgency": urgency}
    best: Policy | None = None
    best_rank: tuple[int, date, int, int] | None = None
    for policy in policies:
        if policy.step != step or policy.valid_from > on or (policy.valid_to and policy.valid_to < on):
            continue
        wanted = {key: getattr(policy, key) for key in _WEIGHT if getattr(policy, key) is not None}
        if any(asked[key] != value for key, value in wanted.items()):
            continue
        rank = (sum(_WEIGHT[key] for key in wanted), policy.valid_from, policy.version, policy.id)
        if best_rank is None or rank > best_rank:
            best, best_rank = policy, rank
    return best
