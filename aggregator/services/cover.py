"""Who answers now: for a person, and for a case.

`read` gives a page everything about it in one statement, however many rows the page has. `receivers` is
for whoever tells people about cases: who is asked to act, and who else should know.

What may surprise: nothing is stored on a case when its owner goes away. Owner and cover both see the
case, because both lists are asked for at read time; when the absence ends there is nothing to put back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.domain.cover import Absence, Rota
from aggregator.domain.people import Role
from aggregator.services.cover_views import CoverView
from aggregator.storage import cover_queries
from aggregator.storage.db import Tx

__all__ = ["Duty", "Receivers", "both", "read", "receivers", "rota"]


@dataclass(frozen=True, slots=True)
class Receivers:
    """`answers` is asked to act on a case, None where nobody is there to; `told` should know of it."""

    answers: int | None
    told: tuple[int, ...]


class Duty:
    """Who is away at one instant, and who stands in for them."""

    def __init__(self, rows: Sequence[Any], at: datetime) -> None:
        self.at = at
        self.rota = rota(rows)
        self._names: dict[int, str] = {}
        for row in rows:
            self._names[row.officer_id] = row.officer
            if row.substitute_id is not None:
                self._names[row.substitute_id] = row.substitute

    def name(self, officer_id: int) -> str:
        """Of somebody who is away or stands in."""
        return self._names.get(officer_id, str(officer_id))

    def cover(self, officer_id: int | None) -> CoverView | None:
        """Who stands in for this owner; None where they are there, or there is no owner."""
        if officer_id is None:
            return None
        standing = self.rota.at(officer_id, self.at)
        if standing.until is None:
            return None
        answers = None if standing.answers is None else self.name(standing.answers)
        return CoverView(self.name(officer_id), standing.until, answers)

    def stands_in_for(self, officer_id: int) -> dict[int, CoverView]:
        """Those for whom this person answers now."""
        found = {}
        for standing in self.rota.covered_by(officer_id, self.at):
            if (view := self.cover(standing.officer)) is not None:
                found[standing.officer] = view
        return found

    def nobody_for(self) -> tuple[CoverView, ...]:
        """Those who are away and for whom nobody answers."""
        views = (self.cover(one) for one in sorted(self._names))
        return tuple(view for view in views if view is not None and view.name is None)


def rota(rows: Sequence[Any]) -> Rota:
    """The rule's view of stored absences."""
    return Rota(
        Absence(row.officer_id, row.starts_at, row.ends_at, row.substitute_id if row.here else None, row.id)
        for row in rows
    )


def read(tx: Tx, ward: str | None, now: datetime) -> Duty:
    """Who is away now in this ward (None: in every ward). One statement."""
    return Duty(cover_queries.living(tx, ward, now, now), now)


def both(tx: Tx, officer_ids: Iterable[int], now: datetime) -> dict[int, tuple[int, ...]]:
    """Each officer with who answers for them now: whoever tells one of what happened tells the other."""
    wanted = set(officer_ids)
    if not wanted:
        return {}
    duty = read(tx, None, now)
    answers = {one: duty.rota.at(one, now).answers for one in wanted}
    return {one: (one,) if who in (None, one) else (one, who) for one, who in answers.items()}


def receivers(tx: Tx, cases: Sequence[Any], now: datetime) -> dict[int, Receivers]:
    """For each case (rows with id, ward_code, unit_id, officer_id): who acts, and who else is told.

    An owner acts, or their cover does and the owner is told. Where nobody answers for the owner, the
    owner and the ward's leaders are told. A case without an owner is told to its unit's people who are
    there, and without any to the leaders.
    """
    duty = read(tx, None, now)
    units, leaders = defaultdict(list), defaultdict(list)
    for person in cover_queries.people(tx, {case.ward_code for case in cases}):
        if person.role == Role.LEADER:
            leaders[person.ward_code].append(person.id)
        elif person.unit_id is not None:
            units[person.unit_id].append(person.id)
    return {
        case.id: _receivers(duty, case, units.get(case.unit_id, ()), leaders[case.ward_code])
        for case in cases
    }


def _receivers(duty: Duty, case: Any, of_unit: Sequence[int], leaders: Sequence[int]) -> Receivers:
    if case.officer_id is None:
        there = {duty.rota.at(one, duty.at).answers for one in of_unit} - {None}
        return Receivers(None, tuple(sorted(one for one in there if one is not None)) or tuple(leaders))
    answers = duty.rota.at(case.officer_id, duty.at).answers
    if answers is None:
        return Receivers(None, (case.officer_id, *leaders))
    return Receivers(answers, () if answers == case.officer_id else (case.officer_id,))
