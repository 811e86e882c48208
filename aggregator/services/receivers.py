"""Who is told of a case, and how they want to be told.

    receivers(cases)      who has the work: its officer or who stands in for them, else the people of its
                          unit, else the ward's leaders (`cover` decides)
    leaders(case, level)  the leaders of the unit, then of the ward, then of the whole installation

What may surprise: an empty step of that ladder is left out, and a level beyond its top is told to the top.
Nobody is ever told of a case that they may not see (I13).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from aggregator.domain.people import Role
from aggregator.domain.reminding import Quiet
from aggregator.services import cover
from aggregator.storage import reminder_queries
from aggregator.storage.db import Tx


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may be told. Without an `email` there is no mail, whatever was chosen."""

    id: int
    name: str
    role: Role
    ward: str | None
    unit_id: int | None
    email: str | None = None
    in_app: bool = True
    by_mail: bool = True
    daily: bool = True
    weekly: bool = True
    quiet: Quiet | None = None

    @property
    def takes_mail(self) -> bool:
        return bool(self.email) and self.by_mail

    @property
    def takes_daily(self) -> bool:
        """The work of the day: officers their own, the head of a unit the unit's."""
        works = self.role is Role.OFFICER or (self.role is Role.LEADER and self.unit_id is not None)
        return bool(self.email) and self.daily and works and self.ward is not None

    @property
    def takes_weekly(self) -> bool:
        return bool(self.email) and self.weekly and self.role is Role.LEADER

    def has(self, case: Any) -> bool:
        """Whether this person's daily digest lists the case."""
        if self.role is Role.LEADER:
            return self.unit_id is not None and bool(case.unit_id == self.unit_id)
        free = case.officer_id is None and case.unit_id is not None and case.unit_id == self.unit_id
        return free or bool(case.officer_id == self.id)


@dataclass(frozen=True, slots=True)
class Staff:
    """Everybody active, read once for many cases."""

    people: dict[int, Person]

    def seeing(self, case: Any, officer_ids: Iterable[int]) -> tuple[Person, ...]:
        """Those of them who are still here and may see the case."""
        found = (self.people[one] for one in officer_ids if one in self.people)
        return tuple(person for person in found if person.ward in (None, case.ward_code))

    def leaders(self, case: Any, level: int) -> tuple[Person, ...]:
        """The leaders whom this level of escalation reaches; empty where there are none at all."""
        ladder = self._ladder(case)
        return ladder[min(level, len(ladder)) - 1] if ladder else ()

    def _ladder(self, case: Any) -> list[tuple[Person, ...]]:
        heads = [person for person in self.people.values() if person.role is Role.LEADER]
        here = [person for person in heads if person.ward == case.ward_code]
        steps = (
            [person for person in here if case.unit_id is not None and person.unit_id == case.unit_id],
            [person for person in here if person.unit_id is None],
            [person for person in heads if person.ward is None],
        )
        return [tuple(step) for step in steps if step]


def receivers(tx: Tx, known: Staff, cases: Sequence[Any], now: datetime) -> dict[int, tuple[Person, ...]]:
    """Case -> who is told of its deadlines: who answers for it now, and the owner who is away."""
    found = cover.receivers(tx, cases, now)
    return {
        case.id: known.seeing(
            case, [one for one in (found[case.id].answers,) if one] + [*found[case.id].told]
        )
        for case in cases
    }


def staff(tx: Tx) -> Staff:
    """Everybody who can sign in now, with how they want to be told."""
    return Staff({row.id: _person(row) for row in reminder_queries.staff(tx)})


def _person(row: Any) -> Person:
    unset = row.in_app is None
    return Person(
        id=row.id, name=row.name, role=Role(row.role), ward=row.ward_code, unit_id=row.unit_id,
        email=row.email, in_app=unset or row.in_app, by_mail=unset or row.by_mail,
        daily=unset or row.daily, weekly=unset or row.weekly, quiet=quiet_of(row.quiet_from, row.quiet_to),
    )  # fmt: skip


def quiet_of(start: str | None, end: str | None) -> Quiet | None:
    """Stored quiet hours; None where there are none."""
    return Quiet(time.fromisoformat(start), time.fromisoformat(end)) if start and end else None
