"""Reminding of answers that wait for a person, and looking whether what was ticked off is shown.

    errands whose look has come | lock their wards | who waits for what (`domain.errands`)
        | one notice and, before the source's deadline, one mail a person | the next look | commit

What may surprise: people are told of all that waits for them in one line, not case by case; who brings forty
answers a day would read nothing else. And a tick is held against the source's last good reading only: while
a source is away, nobody is asked why it does not show an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain import errands, mail_texts, reminding
from aggregator.domain.errands import Need, Turn
from aggregator.domain.legal import LegalState
from aggregator.domain.mail_texts import Line
from aggregator.sdk.discovery import Found
from aggregator.services import delivery_log, due_rows, errand_page, notices, receivers
from aggregator.services.clock import Clock
from aggregator.services.mailing import Mailing
from aggregator.services.notices import Notice
from aggregator.services.receivers import Person
from aggregator.services.rules import Book, Rules
from aggregator.storage import errand_queries, notice_queries, tick_queries
from aggregator.storage.db import Database, Tx

BATCH = 200
#: The notice that stands for all that waits for a person.
KIND = "by_hand"
#: A tick at a source that cannot be read may be taken back for so long.
UNDOABLE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _Call:
    """An errand that somebody is told of now."""

    row: Any
    turn: Turn
    due_at: datetime | None


class ErrandReminders:
    """The reminders of answers brought by hand, and the watch over what was ticked off."""

    def __init__(
        self, db: Database, connectors: Mapping[str, Found], rules: Rules, mailing: Mailing, clock: Clock
    ) -> None:
        self._db = db
        self._connectors = connectors
        self._rules = rules
        self._mailing = mailing
        self._clock = clock

    def tick(self, stop: Callable[[], bool] = lambda: False) -> int:
        """Look at all whose look has come; how many that were."""
        looked = 0
        while not stop() and (found := self.look(BATCH)):
            looked += found
        return looked

    def look(self, limit: int) -> int:
        """Look at the errands whose turn it is, at most `limit`; how many they were."""
        return due_rows.look(self._db, self._clock, errand_queries.to_look_at, limit, self._look)

    def _look(self, tx: Tx, rows: Sequence[Any], now: datetime) -> int:
        self._watch(tx, [row for row in rows if row.need == Need.TICKED], now)
        self._remind(tx, [row for row in rows if row.need != Need.TICKED], now)
        return len(rows)

    # Ticked off: does the source show it?

    def _watch(self, tx: Tx, rows: Sequence[Any], now: datetime) -> None:
        unseen: list[int] = []
        settled: set[int] = set()
        for row in rows:
            at = self._next_sight(row, now)
            if at is None and row.unseen_at is None:
                tick_queries.change_tick(tx, row.tick_id, unseen_at=now)
                unseen.append(row.message_id)
            elif at is not None and at <= now:
                tick_queries.settle(tx, [row.message_id], now)
                settled.add(row.id)
            else:
                errand_queries.look_again(tx, row.message_id, at)
        delivery_log.record(tx, unseen, now, evidence={"shown": "not_yet"})
        if settled:
            delivery_log.refresh_problems(tx, settled)

    def _next_sight(self, row: Any, now: datetime) -> datetime | None:
        """When to look again; a time that has passed: never more; None: it should be shown, and is not."""
        if row.silent_at is not None or not errand_page.reads_back(self._connectors, row.channel_kind):
            at: datetime = row.ticked_at + UNDOABLE
            return at
        hours = (row.options or {}).get("shown_within_h")
        within = errands.SHOWN_WITHIN if hours is None else timedelta(hours=float(hours))
        return errands.sight(row.expected_from, row.last_success_at, now, within)

    # Waiting: who is told

    def _remind(self, tx: Tx, rows: Sequence[Any], now: datetime) -> None:
        if not rows:
            return
        book = self._rules.book(tx)
        due = errand_queries.source_deadlines(tx, {row.report_id for row in rows}, now)
        calls = []
        for row in rows:
            turn = errands.reminders(
                book.calendar(row.ward_code), row.created_at, due.get(row.report_id), now
            )
            told = turn.come is not None and (row.told_at is None or row.told_at < turn.come)
            if told and not _is_restricted(row):
                calls.append(_Call(row, turn, due.get(row.report_id)))
            values = {"told_at": now} if told else {}
            errand_queries.look_again(tx, row.message_id, turn.next, **values)
        self._tell(tx, book, calls, now)

    def _tell(self, tx: Tx, book: Book, calls: Sequence[_Call], now: datetime) -> None:
        people = receivers.staff(tx)
        whom = receivers.receivers(tx, people, [call.row for call in calls], now)
        for person, theirs in _by_person(calls, whom).items():
            one = people.people[person]
            if one.in_app:
                first = theirs[0].row
                waiting = errand_queries.waiting_for(tx, person)
                notice_queries.outdate_kind(tx, person, KIND, now)
                told = Notice(person, KIND, first.id, first.ward_code, times=max(waiting, len(theirs)))
                notices.tell(tx, [told], now)
            close = [call for call in theirs if call.turn.close]
            if close and self._mailing.on and one.takes_mail:
                self._mail(tx, book, one, close, now)

    def _mail(self, tx: Tx, book: Book, person: Person, calls: Sequence[_Call], now: datetime) -> None:
        url = self._mailing.url
        lines = [
            Line(call.row.code, call.row.title, call.due_at, url(f"/cases/{call.row.id}")) for call in calls
        ]
        letter = mail_texts.by_hand(lines, now, url("/by-hand?mine=1"), url("/reminders"))
        at = reminding.mail_at(book.calendar(calls[0].row.ward_code), now, person.quiet)
        newest = max(call.row.message_id for call in calls)
        self._mailing.put(
            tx, person, letter, kind="by_hand", now=now, at=at,
            key=f"by_hand:{person.id}:{newest}:{calls[0].turn.come:%Y%m%dT%H%M%S}",
        )  # fmt: skip


def _by_person(calls: Sequence[_Call], whom: Mapping[int, tuple[Person, ...]]) -> dict[int, list[_Call]]:
    found: dict[int, list[_Call]] = {}
    for call in calls:
        for person in whom[call.row.id]:
            found.setdefault(person.id, []).append(call)
    return found


def _is_restricted(row: Any) -> bool:
    return bool(row.legal) and LegalState(row.legal).restricted
