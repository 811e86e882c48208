"""The rules in force, read once and kept until somebody changes one.

Calendars, deadline policies, categories, units and the rules of matching are few and read for every
record, so they are kept in memory as one frozen `Book`. What may surprise: nothing needs to announce a
change. Every change of a rule appends to the installation's own ledger chain, whose newest hash is the
book's mark.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property, lru_cache
from typing import Any

from aggregator.domain.match_rule import HAND_SET, Model, RuleBook, Thresholds
from aggregator.domain.shifts import DayOverride, Shift
from aggregator.domain.sla import Policy, Reopening, Step, Unit, choose
from aggregator.domain.text import squash
from aggregator.domain.worktime import VN, Calendar, DayEnd
from aggregator.services.ledger import SYSTEM
from aggregator.storage import calendar_queries, cover_queries, match_rule_queries, place_queries
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
    #: Unit -> calendar, where a unit has hours of its own.
    unit_calendars: Mapping[int, Calendar] = field(default_factory=dict)
    #: Ward -> how long its answers wait, so that they can be taken back; None: as the installation says.
    undo_s: Mapping[str, int | None] = field(default_factory=dict)
    #: Wards whose senders are told by themselves that their report was taken on.
    acknowledges: frozenset[str] = frozenset()
    #: Earlier versions of calendars, as somebody asked for them.
    past: dict[int, Calendar | None] = field(default_factory=dict)

    def calendar(self, ward: str, unit_id: int | None = None) -> Calendar:
        """The unit's own calendar, else the ward's, else everybody's."""
        own = self.unit_calendars.get(unit_id) if unit_id is not None else None
        return own or self.calendars.get(ward) or self.calendars[None]

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
    made = [(row, calendar_of(row, days)) for row in place_queries.all_calendars(tx)]
    categories, wards = place_queries.all_categories(tx), place_queries.all_wards(tx)
    return Book(
        mark=mark,
        policies={row.id: policy_of(row) for row in place_queries.all_policies(tx)},
        calendars={row.ward_code: calendar for row, calendar in made if row.unit_id is None},
        unit_calendars={row.unit_id: calendar for row, calendar in made if row.unit_id is not None},
        aliases={word: row.code for row in categories for word in _words(row)},
        category_names={row.code: (row.name_vi, row.name_en) for row in categories},
        unit_for={
            (row.ward_code, code): row.id
            for row in place_queries.all_units(tx)
            if row.active
            for code in row.categories
        },
        officers_for=_officers_for(tx),
        wards={row.code: row.name for row in wards},
        undo_s={row.code: row.undo_s for row in wards},
        acknowledges=frozenset(row.code for row in wards if row.acknowledges),
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


def recall(tx: Tx, book: Book, numbers: Iterable[int | None]) -> None:
    """Bring these versions of calendars, but today's, into `book.past`; None where one was never kept."""
    today = {calendar.version for each in (book.calendars, book.unit_calendars) for calendar in each.values()}
    for number in set(numbers) - {None} - set(book.past) - today:
        assert number is not None
        row = calendar_queries.version(tx, number)
        book.past[number] = row and _calendar(_week(row.week), map(_kept_day, row.days), number)


def calendar_of(row: Any, days: Sequence[Any]) -> Calendar:
    """The calendar that a stored row and the days of all calendars make; raises what `Calendar` raises."""
    return _calendar(_week(row.week), overrides_of(row, days), row.version)


def _calendar(week: Mapping[int, tuple[Shift, ...]], days: Iterable[DayOverride], version: int) -> Calendar:
    return _made(tuple(sorted(week.items())), tuple(days), version)


@lru_cache(maxsize=4)  # each holds three megabytes; an office has one, and few units hours of their own
def _made(
    week: tuple[tuple[int, tuple[Shift, ...]], ...], days: tuple[DayOverride, ...], version: int
) -> Calendar:
    """The same calendar as before where only another rule has changed: its thirty years cost 30 ms."""
    return Calendar(
        dict(week), days, zone=VN, first_year=FIRST_YEAR, last_year=FIRST_YEAR + YEARS, version=version
    )


def overrides_of(row: Any, days: Sequence[Any]) -> list[DayOverride]:
    """The days that differ in this calendar: the shared ones, where it follows them, under its own."""
    merged = {day.day: day for day in days if day.calendar_id is None} if row.shared_days else {}
    merged |= {day.day: day for day in days if day.calendar_id == row.id}
    return [override_of(day) for day in merged.values()]


def override_of(day: Any) -> DayOverride:
    return DayOverride(day.day, day.works, day.note, day.decision, day.source, _shifts(day.shifts))


def kept(day: DayOverride) -> list[Any]:
    """The day as a version of a calendar keeps it; `_kept_day` reads it back."""
    return [day.day.isoformat(), day.works, day.note, day.decision, day.source, shifts_row(day.shifts)]


def _kept_day(row: Sequence[Any]) -> DayOverride:
    day, works, note, decision, source, shifts = row
    return DayOverride(date.fromisoformat(day), works, note, decision, source, _shifts(shifts))


def shifts_row(shifts: Sequence[Shift]) -> list[list[str]]:
    return [[shift.start.isoformat("minutes"), shift.end.isoformat("minutes")] for shift in shifts]


def week_row(week: Mapping[int, Sequence[Shift]]) -> dict[str, list[list[str]]]:
    return {str(weekday): shifts_row(shifts) for weekday, shifts in week.items() if shifts}


def _week(stored: Mapping[str, Any]) -> dict[int, tuple[Shift, ...]]:
    return {int(weekday): _shifts(shifts) for weekday, shifts in stored.items()}


def _shifts(stored: Sequence[Sequence[str]]) -> tuple[Shift, ...]:
    return tuple(Shift(time.fromisoformat(start), time.fromisoformat(end)) for start, end in stored)


def policy_of(row: Any) -> Policy:
    return Policy(
        id=row.id, version=row.version, name=row.name, step=row.step, amount=row.amount,
        unit=Unit(row.unit), valid_from=row.valid_from, valid_to=row.valid_to, channel=row.channel,
        category=row.category, urgency=row.urgency, warn_percent=row.warn_percent, source=row.source,
        certainty=row.certainty, day_end=DayEnd(row.day_end), kind=row.kind,
        several_units=row.several_units, escalate_hours=tuple(row.escalate_hours),
        reopening=Reopening(row.reopening), key=row.key,
        in_force=row.applied and row.retired_at is None, by_acknowledgement=row.by_acknowledgement,
    )  # fmt: skip
