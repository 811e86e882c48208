"""Leaders are told of personal-data requests before their terms end, and again when one has ended.

Each stage is told once for each request. A mail holds its number and kind and when it is due, nothing of
the person; who has no mail sees it at the head of the leaders' page.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aggregator.domain import mail_texts, reminding
from aggregator.domain.people import RIGHTS, Right
from aggregator.domain.privacy import Asks, Owed, owed
from aggregator.services import receivers
from aggregator.services.clock import Clock
from aggregator.services.mailing import Mailing
from aggregator.services.privacy.register import terms_of
from aggregator.services.rules import Rules
from aggregator.storage import register_queries
from aggregator.storage.db import Database, Tx


class RequestReminders:
    """Looks at every open request; there are few."""

    def __init__(self, db: Database, rules: Rules, mailing: Mailing, clock: Clock) -> None:
        self._db = db
        self._rules = rules
        self._mailing = mailing
        self._clock = clock

    def tick(self) -> int:
        """Tell what has become near or late since the last look; how many mails were written."""
        now = self._clock()
        with self._db.read() as tx:
            pressing = [row.id for row in register_queries.all_open(tx) if _news(row, now)]
        written = 0
        for request_id in pressing:
            with self._db.write() as tx:
                row = register_queries.request(tx, request_id, lock=True)
                if row is not None and (what := _news(row, now)):
                    register_queries.told(tx, request_id, what.value)
                    written += self._mail(tx, row, what, now)
        return written

    def _mail(self, tx: Tx, row: Any, what: Owed, now: datetime) -> int:
        if not self._mailing.on:
            return 0
        calendar, url = self._rules.book(tx).calendar(row.ward_code), self._mailing.url
        due_at = row.answer_due_at if what in (Owed.ANSWER_SOON, Owed.ANSWER_LATE) else row.done_due_at
        letter = mail_texts.personal_data(
            row.id, Asks(row.kind), what, due_at, now, url(f"/privacy/requests/{row.id}"), url("/reminders")
        )
        people = receivers.staff(tx).people.values()
        return sum(
            self._mailing.put(
                tx, person, letter, key=f"privacy:{row.id}:{what.value}:{person.id}", kind="privacy",
                now=now, at=reminding.mail_at(calendar, now, person.quiet),
            )
            for person in people
            if person.takes_mail and Right.PRIVACY in RIGHTS[person.role]
            and person.ward in (None, row.ward_code)
        )  # fmt: skip


def _news(row: Any, now: datetime) -> Owed | None:
    """What is to be told of the request; None where that was told, or nothing presses."""
    what = owed(terms_of(row), row.answered_at, row.closed_at, now)
    return what if what.told and what.value != row.told else None
