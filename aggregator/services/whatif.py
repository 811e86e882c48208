"""Trying a rule, a day off or other hours on the cases of the last month: who would have been late.

    cases that came or were closed then, read once | their clocks under what holds now | and under the trial
                                                   | those whose deadline differs, the newly late first

Promise: nothing is written, and no transaction is open while it is computed. What may surprise: both sides
are counted here, by today's calendar and today's choice of rule, so that they differ by the trial alone;
and a rule is tried as if it had held for the whole time, whatever its first day is. An open case counts as
late where its deadline has passed by now. Complaints and denunciations are not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from aggregator.domain import sla
from aggregator.domain.people import Actor, Right
from aggregator.domain.shifts import DayOverride, Shift
from aggregator.domain.sla import ClockKind, Policy, Step
from aggregator.domain.worktime import VN, Calendar, CalendarExhausted
from aggregator.errors import InputInvalid, NotFound
from aggregator.services import clock_log, recounts
from aggregator.services.clock import Clock
from aggregator.services.frame import require
from aggregator.services.recounts import Gathered, Scope, several_units
from aggregator.services.rule_proposals import proposed
from aggregator.services.rules import Book, Rules, calendar_of, overrides_of, policy_of, week_row
from aggregator.storage import place_queries, policy_queries, recount_queries
from aggregator.storage.db import Database, Tx

#: Cases computed at most (the newest of more), and how far back.
MOST, DAYS_MOST = 20_000, 92
DAYS = 30
PER_PAGE = 25
EVERYBODY = Scope()
#: A number no stored version has.
_TRIED = -1


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One case whose result would have been due at another time."""

    case_id: int
    code: str
    received_at: datetime
    closed_at: datetime | None
    now_due: datetime | None
    then_due: datetime | None
    late_now: bool
    late_then: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """The outcome. `shortened`: there were more cases than are computed at once."""

    since: date
    until: date
    judged: int
    moved: int
    late_now: int
    late_then: int
    newly_late: int
    no_longer_late: int
    shortened: bool
    page: int
    pages: int
    rows: tuple[TrialRow, ...]


class WhatIf:
    """Trials on past cases."""

    def __init__(self, db: Database, rules: Rules, clock: Clock) -> None:
        self._db = db
        self._rules = rules
        self._clock = clock

    def rule(
        self, actor: Actor, said: Mapping[str, Any], *, key: str | None = None, retired: bool = False,
        days: int = DAYS, page: int = 1,
    ) -> Trial:  # fmt: skip
        """The rule `key` as it would be with these parts changed (without a key a new one), or without it."""

        def trial(tx: Tx, book: Book, since: datetime) -> Book:
            old = _in_force(tx, key)
            kept = {number: policy for number, policy in book.policies.items() if policy.key != key}
            past = {number: replace(policy, in_force=False) for number, policy in book.policies.items()
                    if policy.key == key and key is not None}  # fmt: skip
            if retired:
                return replace(book, policies={**kept, **past})
            tried = proposed(book, said, old)
            first = min(tried.valid_from, since.astimezone(VN).date() - timedelta(days=366))
            tried = replace(tried, id=_TRIED, key=key or "", valid_from=first, in_force=True)
            return replace(book, policies={**kept, **past, _TRIED: tried})

        return self._run(actor, Scope(), days, page, trial)

    def calendar(
        self, actor: Actor, scope: Scope = EVERYBODY, *, set_days: Sequence[DayOverride] = (),
        unset_days: Sequence[date] = (), week: Mapping[int, Sequence[Shift]] | None = None,
        days: int = DAYS, page: int = 1,
    ) -> Trial:  # fmt: skip
        """The calendar of this scope with these days said otherwise, or with another week."""

        def trial(tx: Tx, book: Book, since: datetime) -> Book:
            return _with_calendar(tx, book, scope, set_days, unset_days, week)

        return self._run(actor, scope, days, page, trial)

    def _run(
        self, actor: Actor, scope: Scope, days: int, page: int,
        trial: Callable[[Tx, Book, datetime], Book],
    ) -> Trial:  # fmt: skip
        require(actor, Right.OPERATE)
        if not 0 < days <= DAYS_MOST:
            raise InputInvalid(
                f"{days} days: 1 to {DAYS_MOST}", field="days",
                message_vi=f"Số ngày phải từ 1 đến {DAYS_MOST}.",
            )  # fmt: skip
        if scope.ward is not None and not actor.sees(scope.ward):
            raise NotFound("no such ward or unit", message_vi="Không có phường, xã hoặc đơn vị này.")
        with self._db.read() as tx:
            now = self._clock()
            since = now - timedelta(days=days)
            book = self._rules.book(tx)
            then = trial(tx, book, since)
            rows = recount_queries.seen_between(
                tx, since, now, scope.ward or actor.ward, scope.unit_id, MOST + 1
            )
            found = recounts.gather(tx, book, rows[:MOST])
        judged = [_judged(case, found, book, then, now) for case in found.cases]
        return _trial(judged, since, now, len(rows) > MOST, page)


def _in_force(tx: Tx, key: str | None) -> Policy | None:
    if key is None:
        return None
    rows = policy_queries.of_key(tx, key)
    if not rows or rows[0].retired_at is not None:
        raise NotFound(f"no rule {key}", hint="see motmoi rules list", message_vi="Không có quy định này.")
    return policy_of(rows[0])


def _with_calendar(
    tx: Tx, book: Book, scope: Scope, set_days: Sequence[DayOverride], unset_days: Sequence[date],
    week: Mapping[int, Sequence[Shift]] | None,
) -> Book:  # fmt: skip
    """The book with this scope's calendar changed, and every calendar that follows a shared day."""
    stored, days = place_queries.all_calendars(tx), place_queries.all_days(tx)
    gone = {*unset_days, *(day.day for day in set_days)}

    def changed(row: Any) -> Calendar:
        overrides = {day.day: day for day in overrides_of(row, days)}
        own = {day.day for day in days if day.calendar_id == row.id}
        mine = scope == Scope() and (row.ward_code is not None or row.unit_id is not None)
        for day in gone - (own if mine else set()):  # a calendar's own word stands over the shared one
            overrides.pop(day, None)
        overrides |= {day.day: day for day in set_days if not (mine and day.day in own)}
        hours = calendar_of(row, [])
        plain = {weekday: hours.week_shifts(weekday) for weekday in range(7)}
        return _calendar(plain if week is None or mine else week, overrides.values(), hours)

    by_ward, by_unit = dict(book.calendars), dict(book.unit_calendars)
    if scope == Scope():
        for row in stored:
            if row.ward_code is None and row.unit_id is None:
                by_ward[None] = changed(row)
            elif row.shared_days and row.unit_id is not None:
                by_unit[row.unit_id] = changed(row)
            elif row.shared_days:
                by_ward[row.ward_code] = changed(row)
        return replace(book, calendars=by_ward, unit_calendars=by_unit)
    base = next(
        (row for row in stored if scope.unit_id is not None and row.unit_id == scope.unit_id), None
    ) or next((row for row in stored if row.unit_id is None and row.ward_code == scope.ward), None)
    base = base or next(row for row in stored if row.ward_code is None and row.unit_id is None)
    if scope.unit_id is not None:
        by_unit[scope.unit_id] = changed(base)
    else:
        by_ward[scope.ward] = changed(base)
    return replace(book, calendars=by_ward, unit_calendars=by_unit)


def _calendar(week: Mapping[int, Sequence[Shift]], days: Any, like: Calendar) -> Calendar:
    if not any(week_row(week).values()):
        raise InputInvalid(
            "the week has no working minute", field="week",
            message_vi="Tuần làm việc không có giờ làm nào. Hãy nhập ít nhất một ca.",
        )  # fmt: skip
    return Calendar(week, days, zone=VN, first_year=like.first_year, last_year=like.last_year, version=_TRIED)


# One case under both ------------------------------------------------------------------------------------


def _judged(case: Any, found: Gathered, book: Book, then: Book, now: datetime) -> TrialRow:
    rows = [row for row in found.of(case) if row.step == Step.RESULT and row.origin == "policy"]
    several = several_units(book, rows)
    ends = []
    for under in (book, then):
        dues = [_due(case, row, found, under, several) for row in rows]
        ends.append(min((due for due in dues if due is not None), default=None))
    now_due, then_due = ends
    return TrialRow(
        case.id, case.code, case.received_at, case.closed_at, now_due, then_due,
        _late(case, now_due, now), _late(case, then_due, now),
    )  # fmt: skip


def _due(case: Any, row: Any, found: Gathered, book: Book, several: bool) -> datetime | None:
    """When the result of one report is due under this book, None where no rule speaks of it."""
    report = found.reports[row.report_id]
    policy = book.policy(
        Step.RESULT, channel=report.slug, category=case.category_code, urgency=case.urgency,
        kind=report.kind, at=report.received_at, several_units=several,
    )  # fmt: skip
    if policy is None:
        return None
    events = [
        event
        for event in clock_log.of_step(found.logs[row.report_id], row.step)
        if event.kind is not ClockKind.POLICY_CHANGE
    ]
    try:
        return sla.due(policy, book.calendar(case.ward_code, case.unit_id), events).due_at
    except CalendarExhausted:
        return None


def _late(case: Any, due_at: datetime | None, now: datetime) -> bool:
    done = now if case.closed_at is None else case.closed_at
    return due_at is not None and done.replace(microsecond=0) > due_at


def _trial(judged: Sequence[TrialRow], since: datetime, until: datetime, shortened: bool, page: int) -> Trial:
    rows = sorted(
        (row for row in judged if row.now_due != row.then_due),
        key=lambda row: (row.late_then == row.late_now, row.late_now, -row.case_id),
    )
    pages = max(1, -(-len(rows) // PER_PAGE))
    page = min(max(page, 1), pages)
    return Trial(
        since=since.astimezone(VN).date(),
        until=until.astimezone(VN).date(),
        judged=len(judged),
        moved=len(rows),
        late_now=sum(row.late_now for row in judged),
        late_then=sum(row.late_then for row in judged),
        newly_late=sum(row.late_then and not row.late_now for row in judged),
        no_longer_late=sum(row.late_now and not row.late_then for row in judged),
        shortened=shortened,
        page=page,
        pages=pages,
        rows=tuple(rows[(page - 1) * PER_PAGE : page * PER_PAGE]),
    )
