"""Mails at the start of the day: each officer's work, each unit's for its head; each leader's week.

    wards whose office is open and whose digest of today was not made | rows of it (one tx) | mails

A ward's digests are made in one transaction under a row that is unique for ward, kind and day, so two
workers make one, and a worker that dies makes none. What may surprise: an empty digest is not sent; one that
could not be made at the opening is made later the same day, and never the day after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from aggregator.domain import mail_texts, reminding
from aggregator.domain.mail_texts import MOST, Letter, Line, Section, Week
from aggregator.domain.people import Role
from aggregator.domain.sla import Stage
from aggregator.domain.worktime import Calendar, CalendarExhausted, from_second
from aggregator.services import receivers
from aggregator.services.clock import Clock
from aggregator.services.mailing import Mailing
from aggregator.services.receivers import Person
from aggregator.services.rules import Book, Rules
from aggregator.storage import errand_queries, reminder_queries
from aggregator.storage.db import Database, Tx

#: The leaders of the whole installation have no ward.
EVERYWHERE = ""
EVERYWHERE_NAME = "toàn địa bàn"
#: Seconds between two looks at the clock: a digest is no minute's matter.
EVERY = timedelta(seconds=30)
#: What was made is remembered that long.
KEPT = timedelta(days=400)
#: The longest list of overdue cases in a leader's mail.
OLDEST = 10


@dataclass(frozen=True, slots=True)
class _Turn:
    """A digest that is to be made: of which ward, which kind, under which day."""

    ward: str
    kind: str
    day: date
    calendar: Calendar
    people: tuple[Person, ...]


class Digests:
    """The digests of one installation."""

    def __init__(self, db: Database, rules: Rules, mailing: Mailing, clock: Clock) -> None:
        self._db = db
        self._rules = rules
        self._mailing = mailing
        self._clock = clock
        self._next: datetime | None = None

    def tick(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Make what is due, looking at most twice a minute; how many mails that made."""
        now = self._clock()
        if not self._mailing.on or (self._next is not None and self._next - EVERY <= now < self._next):
            return 0
        self._next = now + EVERY
        made = 0
        for turn in self._due(now):
            if stop():
                break
            made += self._make(turn)
        return made

    def prune(self) -> None:
        """Forget which digests were made long ago."""
        with self._db.write() as tx:
            reminder_queries.forget_digests(tx, (self._clock() - KEPT).date())

    def _due(self, now: datetime) -> list[_Turn]:
        with self._db.read() as tx:
            book, people = self._rules.book(tx), receivers.staff(tx).people.values()
            made = reminder_queries.digests_made(tx, (now - timedelta(days=8)).date())
        takers: dict[str, list[Person]] = {}
        for person in people:
            if person.takes_daily or person.takes_weekly:
                takers.setdefault(person.ward or EVERYWHERE, []).append(person)
        turns = [turn for ward in sorted(takers) for turn in _turns(book, ward, takers[ward], now)]
        return [turn for turn in turns if turn.people and (turn.ward, turn.kind, turn.day) not in made]

    def _make(self, turn: _Turn) -> int:
        with self._db.write() as tx:
            now = self._clock()
            if not reminder_queries.begin_digest(tx, turn.ward, turn.kind, turn.day, now):
                return 0
            book = self._rules.book(tx)
            place = book.wards.get(turn.ward, EVERYWHERE_NAME)
            made = 0
            for person in turn.people:
                if turn.kind == "daily":
                    letter = self._daily(tx, turn, person, now)
                else:
                    letter = self._weekly(tx, turn, person, place, now)
                if letter is not None:
                    made += self._mailing.put(
                        tx, person, letter, kind=turn.kind, now=now,
                        key=f"{turn.kind}:{turn.ward}:{turn.day}:{person.id}",
                        at=reminding.mail_at(turn.calendar, now, person.quiet),
                        expires_at=_day_end(turn.calendar, now),
                    )  # fmt: skip
            reminder_queries.end_digest(tx, turn.ward, turn.kind, turn.day, made)
            return made

    # A day

    def _daily(self, tx: Tx, turn: _Turn, person: Person, now: datetime) -> Letter | None:
        """The person's digest; None where there is nothing to tell."""
        if person.role is Role.LEADER:
            work = reminder_queries.work_of(tx, turn.ward, unit_id=person.unit_id)
            problems = reminder_queries.undelivered(tx, turn.ward, unit_id=person.unit_id)
        else:
            work = reminder_queries.work_of(tx, turn.ward, officer_id=person.id)
            if person.unit_id is not None:
                work += reminder_queries.work_of(tx, turn.ward, unit_id=person.unit_id, free_only=True)
            problems = reminder_queries.undelivered(tx, turn.ward, officer_id=person.id)
        by_hand = self._by_hand(tx, turn, person)
        sections = self._sections(work, problems, by_hand, turn.calendar, now)
        if not sections:
            return None
        url = self._mailing.url
        return mail_texts.daily(person.name, turn.day, sections, now, url("/?view=mine"), url("/reminders"))

    def _sections(
        self, work: Sequence[Any], problems: Sequence[Any], by_hand: Mapping[int, int], calendar: Calendar,
        now: datetime,
    ) -> list[Section]:  # fmt: skip
        running = [case for case in work if case.due_at is not None and case.stage != Stage.PAUSED]
        today = now.astimezone(calendar.zone).date()
        since = _day_before(calendar, now)
        groups: list[tuple[str, Callable[[Any], bool]]] = [
            ("Quá hạn", lambda case: case.due_at <= now),
            ("Hạn hôm nay", lambda case: case.due_at.astimezone(calendar.zone).date() == today),
            ("Sắp đến hạn", lambda case: case.stage == Stage.DUE_SOON),
            ("Mới nhận", lambda case: case.opened_at >= since),
        ]
        left = sorted(running, key=lambda case: (case.due_at, case.id))
        found = []
        for heading, belongs in groups:
            here = [case for case in left if belongs(case)]
            left = [case for case in left if not belongs(case)]
            found.append(self._section(heading, here))
        mine = [case for case in problems if case.id in by_hand]
        rest = [case for case in problems if case.id not in by_hand]
        note = "Phúc đáp đã viết, chờ người chuyển lên cổng"
        found.append(self._section("Phúc đáp chờ chuyển tay", mine, note))
        note = "Có nơi gửi chưa nhận được phúc đáp"
        found.append(self._section("Phúc đáp chưa gửi được", rest, note))
        return [section for section in found if section.total]

    def _by_hand(self, tx: Tx, turn: _Turn, person: Person) -> Mapping[int, int]:
        """Case -> how many of its answers wait for a person, of the cases that this digest is about."""
        if person.role is Role.LEADER:
            return errand_queries.waiting_cases(tx, turn.ward, unit_id=person.unit_id)
        return errand_queries.waiting_cases(tx, turn.ward, officer_id=person.id)

    def _section(self, heading: str, cases: Sequence[Any], note: str = "") -> Section:
        return Section(heading, tuple(self._line(case, note) for case in cases[:MOST]), len(cases))

    def _line(self, case: Any, note: str = "") -> Line:
        return Line(case.code, case.title, case.due_at, self._mailing.url(f"/cases/{case.id}"), note)

    # A week

    def _weekly(self, tx: Tx, turn: _Turn, person: Person, place: str, now: datetime) -> Letter:
        zone = turn.calendar.zone
        end = datetime.combine(turn.day, time.min, zone)
        start = end - timedelta(days=7)
        ward = turn.ward or None
        numbers = reminder_queries.week(tx, ward, person.unit_id, start, end - timedelta(microseconds=1))
        oldest = reminder_queries.oldest_overdue(tx, ward, person.unit_id, OLDEST)
        waiting = errand_queries.waiting_cases(tx, ward, unit_id=person.unit_id)
        by_hand = sum(waiting.values())
        told = Week(
            place, start.date(), end.date() - timedelta(days=1),
            (("Tiếp nhận", numbers.received), ("Đã giải quyết", numbers.solved),
             ("  đúng hạn", numbers.in_time), ("  trễ hạn", numbers.late),
             ("Đang quá hạn", numbers.overdue), ("Đang xử lý", numbers.open),
             ("Phúc đáp chờ chuyển tay", by_hand)),
        )  # fmt: skip
        url = self._mailing.url
        lines = [self._line(case) for case in oldest]
        return mail_texts.weekly(told, lines, numbers.overdue, now, url("/dashboard"), url("/reminders"))


def _turns(book: Book, ward: str, people: Iterable[Person], now: datetime) -> list[_Turn]:
    """The digests of a ward whose office is open: of this day, and of this week."""
    calendar = book.calendar(ward)
    try:
        if reminding.opening(calendar, now) > now:
            return []
    except CalendarExhausted:
        return []
    today = now.astimezone(calendar.zone).date()
    known = list(people)
    return [
        _Turn(ward, "daily", today, calendar, tuple(one for one in known if one.takes_daily)),
        _Turn(ward, "weekly", today - timedelta(days=today.weekday()), calendar,
              tuple(one for one in known if one.takes_weekly)),
    ]  # fmt: skip


def _day_before(calendar: Calendar, now: datetime) -> datetime:
    """When the working day before today opened: what came since is new."""
    today = datetime.combine(now.astimezone(calendar.zone).date(), time.min, calendar.zone)
    return reminding.day_opening(calendar, today)


def _day_end(calendar: Calendar, now: datetime) -> datetime:
    ordinal = now.astimezone(calendar.zone).toordinal()
    return from_second(calendar.day_close(ordinal, roll=True))
