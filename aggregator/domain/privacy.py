"""What people may ask for about their data, and by when it is answered and done.

Terms: Law 91/2025/QH15 and Decree 356/2025 (in force since 1 January 2026): a person's request is answered
within 2 working days; withdrawal of consent, restriction and objection are done within 15 days. What may
surprise: the 15 days hold here for every kind, also where the law names none, so that nothing is left lying;
and they end on their day even where that is a day off, because the law does not say that they move.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.domain.worktime import Calendar

ANSWER_WORKING_DAYS, DONE_DAYS = 2, 15
#: How long before a term its leaders are told.
SOON, DONE_SOON = timedelta(hours=24), timedelta(days=3)


class Asks(enum.StrEnum):
    ACCESS = "access"
    CORRECT = "correct"
    ERASE = "erase"
    RESTRICT = "restrict"
    OBJECT = "object"
    WITHDRAW = "withdraw"


class CameBy(enum.StrEnum):
    IN_PERSON = "in_person"
    PHONE = "phone"
    POST = "post"
    EMAIL = "email"
    PORTAL = "portal"


class Outcome(enum.StrEnum):
    DONE = "done"
    PARTLY = "partly"
    REFUSED = "refused"
    TAKEN_BACK = "taken_back"


class Owed(enum.StrEnum):
    """What is most pressing about an open request; the late ones first."""

    ANSWER_LATE = "answer_late"
    DONE_LATE = "done_late"
    ANSWER_SOON = "answer_soon"
    DONE_SOON = "done_soon"
    ANSWER = "answer"
    DONE = "done"
    NOTHING = ""

    @property
    def late(self) -> bool:
        return self in (Owed.ANSWER_LATE, Owed.DONE_LATE)

    @property
    def told(self) -> bool:
        """Whether leaders are told of it."""
        return self in (Owed.ANSWER_LATE, Owed.DONE_LATE, Owed.ANSWER_SOON, Owed.DONE_SOON)


@dataclass(frozen=True, slots=True)
class Terms:
    answer_due_at: datetime
    done_due_at: datetime


def terms(calendar: Calendar, received_at: datetime) -> Terms:
    """By when a request received then is answered and done."""
    return Terms(
        calendar.add_working_days(received_at, ANSWER_WORKING_DAYS),
        calendar.add_calendar_days(received_at, DONE_DAYS, roll=False),
    )


def owed(due: Terms, answered_at: datetime | None, closed_at: datetime | None, now: datetime) -> Owed:
    """What is owed at `now`, the most pressing of it."""
    if closed_at is not None:
        return Owed.NOTHING
    found = []
    if answered_at is None:
        found.append(_of(due.answer_due_at, SOON, now, Owed.ANSWER_LATE, Owed.ANSWER_SOON, Owed.ANSWER))
    found.append(_of(due.done_due_at, DONE_SOON, now, Owed.DONE_LATE, Owed.DONE_SOON, Owed.DONE))
    return min(found, key=list(Owed).index)


def _of(due_at: datetime, soon: timedelta, now: datetime, late: Owed, near: Owed, far: Owed) -> Owed:
    return late if now > due_at else near if now > due_at - soon else far
