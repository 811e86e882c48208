"""The rules in force, read once and kept until somebody changes one.

Calendars, deadline policies, categories, units and the rules of matching are few and read for every
record, so they are kept in memory as one frozen `Book`. What may surprise: nothing needs to announce a
change. Every change of a rule appends to the installation's own ledger chain, whose newest hash is the
book's mark.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from functools import cached_property
from typing import Any

from aggregator.domain.match_rule import HAND_SET, Model, RuleBook, Thresholds
from aggregator.domain.sla import Policy, Reopening, Step, Unit, choose
from aggregator.domain.text import squash
from aggregator.domain.worktime import VN, Calendar, DayEnd, DayOverride, Shift
from aggregator.services.ledger import SYSTEM
from aggregator.storage import cover_queries, match_rule_queries, place_queries
from aggregator.storage.db import Tx

#: Years a calendar is built for at once: historical imports reach back, and a longer table costs
#: some milliseconds once. Beyond it the calendar grows by itself.
FIRST_YEAR, YEARS = 2005, 30


@dataclass(frozen=True)
class Book:
    """Every rule in force at `mark`."""

    mark: str
    policies: Mapping[int, Policy]
    #: Ward code -> calendar; None is everybody else's.
    calendars: Mapping[str | None, Calendar]
    #: Folded words of channels -> category code.
    aliases: Mapping[str, str]
    category_names: Mapping[str, tuple[str, str]]
    #: (ward, category) -> the unit that answers for it.
    unit_for: Mapping[tuple[str, str], int]
    #: (ward, category) -> the officers who handle that field.
    officers_for: Mapping[tuple[str, str], tuple[int, ...]]
    wards: Mapping[str, str]
    matching: RuleBook

    def calendar(self, ward: str) -> Calendar:
        return self.calendars.get(ward) or self.calendars[None]

    def category(self, raw: str | None) -> str | None:
        """Our category for a channel's word, None where nobody mapped it: never a guess."""
        return self.aliases.get(squash(raw)) if raw else None

    def officer_for(self, ward: str, category: str | None) -> int | None:
        """The one officer who handles this field; of several none, they share it out themselves."""
        found = self.officers_for.get((ward, category), ()) if category else ()
        return found[0] if len(found) == 1 else None

    @cached_property
    def steps(self) -> Mapping[str, Sequence[Policy]]:
        """The rules in force by the step they are about; steps that no rule speaks of are left out."""
        found: dict[str, list[Policy]] = {}
        for policy in self.policies.values():
            if policy.in_force:
                found.setdefault(policy.step, []).append(policy)
        return found

    def policy(
        self, step: str = Step.RESULT, *, channel: str, category: str | None, urgency: str | None,
        at: datetime, kind: str | None = None, several_units: bool = False,
    ) -> Policy | None:  # fmt: skip
        """The rule for one step of a report received at `at`, None where none speaks of it."""
        return choose(
            self.steps.get(step, ()), step=step, channel=channel, category=category, urgency=urgency,
            kind=kind, several_units=several_units, on=at.astimezone(VN).date(),
        )  # fmt: skip


class Rules:
    """Gives the book in force to whoever is inside a transaction."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._book: Book | None = None

    def book(self, tx: Tx) -> Book:
        """One short statement where nothing changed."""
        mark = place_queries.rules_mark(tx, SYSTEM)
        book = self._book
        if book is None or book.mark != mark:
            with self._lock:
                book = self._book = _read(tx, mark)
        return book


def _read(tx: Tx, mark: str) -> Book:
    days = place_queries.all_days(tx)
    calendars = {row.ward_code: _calendar(row, days) for row in place_queries.all_calendars(tx)}
    categories = place_queries.all_categories(tx)
    return Book(
        mark=mark,
        policies={row.id: _policy(row) for row in place_queries.all_policies(tx)},
        calendars=calendars,
        aliases={word: row.code for row in categories for word in _words(row)},
        category_names={row.code: (row.name_vi, row.name_en) for row in categories},
        unit_for={
            (row.ward_code, code): row.id
            for row in place_queries.all_units(tx)
            if row.active
            for code in row.categories
        },
        officers_for=_officers_for(tx),
        wards={row.code: row.name for row in place_queries.all_wards(tx)},
        matching=RuleBook(thresholds_in_force(tx), model_in_force(tx)),
    )


def _officers_for(tx: Tx) -> dict[tuple[str, str], tuple[int, ...]]:
    found: dict[tuple[str, str], tuple[int, ...]] = {}
    for row in cover_queries.fields(tx):
        scope = (row.ward_code, row.category_code)
        found[scope] = (*found.get(scope, ()), row.officer_id)
    return found


def thresholds_in_force(tx: Tx) -> dict[tuple[str | None, str | None], Thresholds]:
    """(ward, category) -> what somebody set for it last and has not taken back."""
    return {
        (row.ward_code, row.category_code): Thresholds(
            row.same, row.unsure, row.cap, row.window_days, number=row.id
        )
        for row in match_rule_queries.newest_thresholds(tx)
        if row.same is not None
    }


def model_in_force(tx: Tx) -> Model:
    """The model adopted last, the hand-set one where none was."""
    row = match_rule_queries.adopted_model(tx)
    return Model(row.version, row.base, row.shift, row.scales) if row else HAND_SET


def _words(row: Any) -> list[str]:
    return [row.code, squash(row.name_vi), squash(row.name_en), *row.aliases]


def _calendar(row: Any, days: Sequence[Any]) -> Calendar:
    shared = {day.day: day for day in days if day.calendar_id is None}
    own = {day.day: day for day in days if day.calendar_id == row.id}
    merged = {**shared, **own}
    overrides = [
        DayOverride(day.day, day.works, day.note, day.decision, day.source, _shifts(day.shifts))
        for day in merged.values()
    ]
    week = {int(weekday): _shifts(shifts) for weekday, shifts in row.week.items()}
    return Calendar(
        week, overrides, zone=VN, first_year=FIRST_YEAR, last_year=FIRST_YEAR + YEARS, version=row.version
    )


def _shifts(stored: Sequence[Sequence[str]]) -> tuple[Shift, ...]:
    return tuple(Shift(time.fromisoformat(start), time.fromisoformat(end)) for start, end in stored)


def _policy(row: Any) -> Policy:
    return Policy(
        id=row.id, version=row.version, name=row.name, step=row.step, amount=row.amount,
        unit=Unit(row.unit), valid_from=row.valid_from, valid_to=row.valid_to, channel=row.channel,
        category=row.category, urgency=row.urgency, warn_percent=row.warn_percent, source=row.source,
        certainty=row.certainty, day_end=DayEnd(row.day_end), kind=row.kind,
        several_units=row.several_units, escalate_hours=tuple(row.escalate_hours),
        reopening=Reopening(row.reopening), key=row.key,
        in_force=row.applied and row.retired_at is None,
    )  # fmt: skip
