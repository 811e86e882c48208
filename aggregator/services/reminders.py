"""Telling people of deadlines: what has come since the last look is told once, in office hours.

    cases whose `remind_at` has come | lock their wards | what to tell (`domain.reminding`)
        | reminder rows, notices, mails, the next `remind_at` | commit
    what came too late to be told one by one | one summary for each person

Nothing here sends: a mail is a row that `mailing` sends. What may surprise: `remind_at` is only a mark that
somebody must look. It may be early, which costs a look; whoever writes a case's deadline sets it
(`deadlines.look_at`). And the row of a reminder, unique for case, kind, level, deadline and person, is what
makes it fire once, whoever looks and how often.

A mail of its own is spared where the daily digest of the same morning says the same: what comes in the night
is told at the opening of the day, which is when the digest is made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.domain import mail_texts, reminding
from aggregator.domain.legal import LegalState
from aggregator.domain.mail_texts import Line
from aggregator.domain.people import Actor
from aggregator.domain.reminding import Kind, Look, Moment, Told
from aggregator.domain.sla import Stage
from aggregator.domain.worktime import Calendar, CalendarExhausted
from aggregator.services import due_rows, ledger, notices, receivers
from aggregator.services.clock import Clock
from aggregator.services.ledger import Draft
from aggregator.services.mailing import Mailing
from aggregator.services.notices import Notice
from aggregator.services.receivers import Person, Staff
from aggregator.services.rules import Book, Rules
from aggregator.storage import mail_queries, notice_queries, reminder_queries
from aggregator.storage.db import Database, Tx

log = logging.getLogger(__name__)

#: Cases of one transaction.
BATCH = 200
#: The notice that stands for many reminders.
FOLDED = "reminders_folded"
#: People whose late reminders are folded in one tick.
PEOPLE = 200


@dataclass(frozen=True, slots=True)
class Planned:
    """One thing to tell one person. `late`: as a part of their summary."""

    case: Any
    person: Person
    moment: Moment
    late: bool
    mail: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be told now, as `motmoi remind preview` shows it."""

    person: str
    kind: str
    level: int
    case_id: int
    code: str
    due_at: datetime
    #: app, mail, summary
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """A case, what its look found, and what to tell whom."""

    case: Any
    look: Look | None
    told: tuple[Planned, ...]
    outdone: tuple[tuple[Moment, Person], ...]


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a case's moments are told to."""

    staff: Staff
    receivers: tuple[Person, ...]

    def of(self, case: Any, moment: Moment) -> tuple[Person, ...]:
        return self.staff.leaders(case, moment.level) if moment.level else self.receivers


class Reminders:
    """The reminders of one installation."""

    def __init__(self, db: Database, rules: Rules, mailing: Mailing, clock: Clock) -> None:
        self._db = db
        self._rules = rules
        self._mailing = mailing
        self._clock = clock

    def tick(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Tell all that has come, then fold what came too late; how many cases were looked at."""
        looked = 0
        while not stop() and (found := self.look(BATCH)):
            looked += found
        if not stop():
            self.fold()
        return looked

    def look(self, limit: int) -> int:
        """Look at the cases whose turn it is, at most `limit`; how many they were."""
        return due_rows.look(self._db, self._clock, reminder_queries.to_look_at, limit, self._tell)

    def _tell(self, tx: Tx, cases: Sequence[Any], now: datetime) -> int:
        plans = list(self._plans(tx, cases, now))
        self._write(tx, plans, now)
        return len(plans)

    def preview(self, actor: Actor | None = None, limit: int = 500) -> list[Preview]:
        """What would be told now, to everybody or to `actor`; nothing is written."""
        now = self._clock()
        with self._db.read() as tx:
            plans = list(self._plans(tx, reminder_queries.to_look_at(tx, now, limit), now))
        return [
            Preview(
                one.person.name, one.moment.kind.value, one.moment.level, one.case.id, one.case.code,
                one.case.due_at, _ways(one),
            )
            for plan in plans
            for one in plan.told
            if actor is None or one.person.id == actor.id
        ]  # fmt: skip

    # What to tell

    def _plans(self, tx: Tx, cases: Sequence[Any], now: datetime) -> Iterator[_Plan]:
        ids = [case.id for case in cases]
        book, people = self._rules.book(tx), receivers.staff(tx)
        before = reminder_queries.told(tx, ids, now)
        receive = receivers.receivers(tx, people, cases, now)
        owed: dict[int, list[Any]] = {}
        for row in reminder_queries.ruling(tx, ids):
            owed.setdefault(row.case_id, []).append(row)
        for case in cases:
            whom = Audience(people, receive[case.id])
            yield self._plan(book, whom, case, owed.get(case.id, []), before[case.id], now)

    def _plan(
        self, book: Book, whom: Audience, case: Any, owed: Sequence[Any], before: Sequence[Any], now: datetime
    ) -> _Plan:
        calendar = book.calendar(case.ward_code)
        moments = _moments(book, calendar, case, owed) if _is_told(case) else ()
        if not moments:
            return _Plan(case, None, (), ())
        told = [Told(Kind(row.kind), row.level, row.due_at, row.step) for row in before]
        found = reminding.look(moments, told, case.due_at, case.due_step, now)
        planned = [
            self._planned(case, person, moment, calendar, now)
            for moment in found.tell
            for person in whom.of(case, moment)
        ]
        if found.correct:
            moment = Moment(Kind.CHANGED, 0, now, reminding.opening(calendar, now))
            planned += [
                self._planned(case, person, moment, calendar, now)
                for person in whom.staff.seeing(case, _misled(before))
            ]
        outdone = [
            (moment, person)
            for moment in found.passed
            if moment not in found.tell
            for person in whom.of(case, moment)
        ]
        return _Plan(case, found, tuple(planned), tuple(outdone))

    def _planned(
        self, case: Any, person: Person, moment: Moment, calendar: Calendar, now: datetime
    ) -> Planned:
        in_digest = (
            moment.kind in (Kind.DUE_SOON, Kind.DUE_TODAY, Kind.OVERDUE)
            and person.takes_daily
            and person.has(case)
            and reminding.opens_the_day(calendar, moment.tell_at)
        )
        late = moment.late(now)
        mail = self._mailing.on and person.takes_mail and not in_digest and not late
        return Planned(case, person, moment, late, mail)

    # Telling it

    def _write(self, tx: Tx, plans: Sequence[_Plan], now: datetime) -> None:
        told = [one for plan in plans for one in plan.told]
        reminder_queries.forget_unlived(tx, [plan.case.id for plan in plans], now)
        reminder_queries.insert_reminders(tx, [row for plan in plans for row in _rows(plan, now)])
        places = self._escalations(tx, told, now)
        # "Due soon" beside "overdue" would be one line too many at the bell.
        newer = [(one.person.id, one.case.id) for one in told if not one.moment.level]
        notice_queries.outdate(tx, newer, [kind.value for kind in Kind if kind is not Kind.ESCALATED], now)
        notices.tell(
            tx,
            [
                Notice(
                    one.person.id, one.moment.kind.value, one.case.id, one.case.ward_code,
                    entry=places.get((one.case.id, one.moment.level)),
                )
                for one in told
                if one.person.in_app and not one.late
            ],
            now,
        )  # fmt: skip
        for one in told:
            if one.mail:
                self._mail(tx, one, now)
        reminder_queries.look_again(
            tx, [(plan.case.id, plan.look.next_at if plan.look else None) for plan in plans]
        )

    def _escalations(self, tx: Tx, told: Sequence[Planned], now: datetime) -> dict[tuple[int, int], int]:
        """Tell the ledger which level was told of which case; the places of its entries.

        Leaders who knew are a part of the proof of what was done when.
        """
        levels: dict[tuple[int, int], list[Planned]] = {}
        for one in told:
            if one.moment.kind is Kind.ESCALATED:
                levels.setdefault((one.case.id, one.moment.level), []).append(one)
        drafts = [
            Draft(
                ones[0].case.ward_code, "escalated", now,
                {"level": level, "due_at": ones[0].case.due_at.isoformat(),
                 "to": sorted(one.person.id for one in ones)},
                case_id=case_id,
            )
            for (case_id, level), ones in levels.items()
        ]  # fmt: skip
        return dict(zip(levels, ledger.append(tx, drafts), strict=True))

    def _mail(self, tx: Tx, one: Planned, now: datetime) -> None:
        calendar = self._rules.book(tx).calendar(one.case.ward_code)
        line = Line(
            one.case.code, one.case.title, one.case.due_at, self._mailing.url(f"/cases/{one.case.id}")
        )
        letter = mail_texts.reminder(one.moment.kind, line, now, self._mailing.url("/reminders"))
        self._mailing.put(
            tx, one.person, letter, kind="reminder", now=now, case=one.case,
            at=reminding.mail_at(calendar, now, one.person.quiet),
            key=f"{one.moment.kind}:{one.case.id}:{one.moment.level}:{one.case.due_at:%Y%m%dT%H%M%S}:{one.person.id}",
        )  # fmt: skip

    # What came too late

    def fold(self) -> int:
        """One notice and one mail for each person whose reminders came too late; how many people.

        In office hours only, and then after the digest of the morning, which may have told it all.
        """
        with self._db.read() as tx:
            if reminder_queries.to_look_at(tx, self._clock(), 1):
                return 0  # more of it is on its way, perhaps in another worker's hands
            waiting = reminder_queries.with_late(tx, PEOPLE)
            if waiting:
                waiting = self._at_work(tx, waiting)
        return sum(self._fold(officer_id) for officer_id in waiting)

    def _at_work(self, tx: Tx, officer_ids: Sequence[int]) -> list[int]:
        """Those whose office is open now, and those who work here no more."""
        book, people, now = self._rules.book(tx), receivers.staff(tx).people, self._clock()
        wards = {one: people[one].ward or "" if one in people else None for one in officer_ids}
        shut = {
            ward for ward in {*wards.values()} - {None}
            if reminding.opening(book.calendar(ward or ""), now) > now
        }  # fmt: skip
        return [one for one in officer_ids if wards[one] not in shut]

    def _fold(self, officer_id: int) -> bool:
        with self._db.write() as tx:
            now = self._clock()
            rows = reminder_queries.fold(tx, officer_id)
            person = receivers.staff(tx).people.get(officer_id)
            cases = list({row.id: row for row in rows if _is_told(row)}.values())
            if person is None or not cases:
                return False
            if person.in_app:
                told = Notice(officer_id, FOLDED, cases[0].id, cases[0].ward_code, times=len(cases))
                notices.tell(tx, [told], now)
            if self._mailing.on and person.takes_mail and not _told_today(tx, person, rows):
                self._mail_summary(tx, person, rows, cases, now)
            return True

    def _mail_summary(
        self, tx: Tx, person: Person, rows: Sequence[Any], cases: Sequence[Any], now: datetime
    ) -> None:
        url = self._mailing.url
        lines = [Line(case.code, case.title, case.due_at, url(f"/cases/{case.id}")) for case in cases]
        letter = mail_texts.summary(lines, len(cases), now, url("/"), url("/reminders"))
        calendar = self._rules.book(tx).calendar(cases[0].ward_code)
        newest = max(row.reminder_id for row in rows)
        self._mailing.put(
            tx, person, letter, kind="summary", key=f"summary:{person.id}:{newest}", now=now,
            at=reminding.mail_at(calendar, now, person.quiet),
        )  # fmt: skip


def _is_told(case: Any) -> bool:
    """Whether anybody is reminded of it: closed, paused and restricted cases are left alone."""
    restricted = bool(case.legal) and LegalState(case.legal).restricted
    return bool(case.is_open) and case.due_at is not None and case.stage != Stage.PAUSED and not restricted


def _moments(book: Book, calendar: Calendar, case: Any, owed: Sequence[Any]) -> tuple[Moment, ...]:
    """The moments of the case's present deadline; none where it is not among what is owed any more."""
    ruling = [row for row in owed if row.due_at == case.due_at]
    if not ruling:
        return ()
    # A source's deadline has no levels of its own: those of our rule for the same step hold.
    policy = next((row.policy_id for row in (*ruling, *owed) if row.policy_id is not None), None)
    levels = book.policies[policy].escalate_hours if policy is not None else ()
    try:
        return reminding.moments(calendar, case.due_at, min(row.due_soon_at for row in ruling), levels)
    except CalendarExhausted:
        log.warning("case %s: nobody is reminded, %s is beyond the calendar", case.id, case.due_at)
        return ()


def _misled(before: Sequence[Any]) -> list[int]:
    """Who was told last of a deadline that holds no more."""
    last = before[-1].due_at
    return sorted({row.officer_id for row in before if row.due_at == last and row.state != "outdone"})


def _rows(plan: _Plan, now: datetime) -> Iterator[dict[str, Any]]:
    for one in plan.told:
        yield _row(plan.case, one.moment, one.person, "late" if one.late else "told", now)
    for moment, person in plan.outdone:
        yield _row(plan.case, moment, person, "outdone", now)


def _row(case: Any, moment: Moment, person: Person, state: str, now: datetime) -> dict[str, Any]:
    return {
        "case_id": case.id, "officer_id": person.id, "kind": moment.kind.value, "level": moment.level,
        "due_at": case.due_at, "step": case.due_step, "tell_at": moment.tell_at, "told_at": now,
        "state": state,
    }  # fmt: skip


def _told_today(tx: Tx, person: Person, rows: Sequence[Any]) -> bool:
    """Whether a digest written since has told all of it: then a second mail would only repeat it."""
    if not person.takes_daily or not all(person.has(row) for row in rows):
        return False
    written = mail_queries.newest_digest(tx, person.id)
    return written is not None and written >= max(row.tell_at for row in rows)


def _ways(one: Planned) -> tuple[str, ...]:
    if one.late:
        return ("summary",)
    return (*(("app",) if one.person.in_app else ()), *(("mail",) if one.mail else ()))
