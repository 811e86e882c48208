"""The rules of time limits: what one says, and which one holds for a report.

A rule is a chain of versions with one `key`. A version is never edited: changing a rule adds the next
version and retires the last, and a deadline keeps the version it was counted under, so changing a rule
moves no deadline of an open case (I6). Recounting one is an event of its own (`POLICY_CHANGE`).

What would surprise: no shipped amount is claimed to be law, so `source` and `certainty` travel with the
rule onto the screen. A rule may be shipped and not applied (`applied`), where nobody has said yes to it.
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


class Step(StrEnum):
    """What is owed, in the order in which work goes; each has a deadline of its own.

    CLASSIFY is met by a category or a unit, FORWARD by a unit that takes the case on, FIRST_ANSWER by any
    answer, PROGRESS by a report of progress, RESULT by closing, which meets whatever else is still owed.
    """

    CLASSIFY = "classify"
    FORWARD = "forward"
    FIRST_ANSWER = "first_answer"
    PROGRESS = "progress"
    RESULT = "result"


class Reopening(StrEnum):
    """What reopening a finished case does to its clock."""

    GOES_ON = "goes_on"  # where it stopped; the time between is not counted
    AFRESH = "afresh"  # the whole time again, from the reopening on


#: Ten years; beyond it a time limit is a slip of the keyboard, or never ends.
LONGEST: Final = {
    Unit.MINUTES: 5_270_400, Unit.WORKING_HOURS: 20_000, Unit.WORKING_DAYS: 2_600, Unit.CALENDAR_DAYS: 3_660,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of one rule: how long a step may take, for which reports, on which days.

    None in `channel`, `category`, `urgency`, `kind` or `several_units` means any. `valid_to` is the last
    valid day. `certainty` says how far the amount was verified; a shipped rule is a ``starting_set`` until
    an office confirms it. `escalate_hours`: working hours after the deadline at which each next level of
    leaders is told. `in_force`: the newest version of a rule that is applied. `by_acknowledgement`: telling
    the sender that the report was received does this step (classify, first answer).
    """

    id: int
    version: int
    name: str
    step: str
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
    kind: str | None = None
    several_units: bool | None = None
    escalate_hours: tuple[int, ...] = ()
    reopening: Reopening = Reopening.GOES_ON
    key: str = ""
    in_force: bool = True
    by_acknowledgement: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.unit, Unit):
            # Counting it as anything else would give a date, and a wrong one.
            raise self._refused("unit", f"no such unit: {self.unit!r}", "Đơn vị tính thời hạn không hợp lệ.")
        if type(self.amount) is not int:
            raise self._refused("amount", "amount must be a whole number", "Thời hạn phải là số nguyên.")
        if self.amount <= 0:
            raise self._refused("amount", "amount must be above 0", "Thời hạn phải lớn hơn 0.")
        if self.amount > LONGEST[self.unit]:
            raise self._refused("amount", "amount is beyond ten years", "Thời hạn không được quá mười năm.")
        if not 0 < self.warn_percent <= 100:
            raise self._refused(
                "warn_percent", "warn_percent must be 1 to 100", "Mức báo trước: 1 đến 100 %."
            )
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise self._refused(
                "valid_to", "ends before it begins", "Ngày hết hiệu lực trước ngày có hiệu lực."
            )
        if any(hours < 0 for hours in self.escalate_hours) or list(self.escalate_hours) != sorted(
            set(self.escalate_hours)
        ):
            raise self._refused(
                "escalate_hours",
                "levels must rise and not be negative",
                "Các mức báo cấp trên phải tăng dần.",
            )

    def _refused(self, field: str, why: str, why_vi: str) -> InputInvalid:
        return InputInvalid(f"policy {self.name!r}: {why}", field=field, message_vi=f"{self.name}: {why_vi}")


#: A rule for urgent matters must never lose to a slower rule for its category, hence urgency weighs more
#: than all others together; a category says more about the work than the door the report came through.
_WEIGHT: Final = {"urgency": 16, "several_units": 8, "kind": 4, "category": 2, "channel": 1}


def choose(
    policies: Iterable[Policy],
    *,
    step: str,
    channel: str,
    category: str | None,
    urgency: str | None,
    on: date,
    kind: str | None = None,
    several_units: bool = False,
) -> Policy | None:
    """The most specific policy in force and valid on that day, None where no rule speaks about the step.

    Equal weight: the latest `valid_from`, then the highest version, then the highest id.
    """
    asked = {
        "channel": channel, "category": category, "urgency": urgency, "kind": kind,
        "several_units": several_units,
    }  # fmt: skip
    best: Policy | None = None
    best_rank: tuple[int, date, int, int] | None = None
    for policy in policies:
        if policy.step != step or not policy.in_force:
            continue
        if policy.valid_from > on or (policy.valid_to and policy.valid_to < on):
            continue
        wanted = {key: getattr(policy, key) for key in _WEIGHT if getattr(policy, key) is not None}
        if any(asked[key] != value for key, value in wanted.items()):
            continue
        rank = (sum(_WEIGHT[key] for key in wanted), policy.valid_from, policy.version, policy.id)
        if best_rank is None or rank > best_rank:
            best, best_rank = policy, rank
    return best
