"""How a person wants to be told of deadlines, and their calendar feed.

What may surprise: the feed's address is a key. Calendar programs cannot sign in, so whoever has the address
reads the feed; only its SHA-256 is stored, it is shown once, and making a new one or revoking it ends the
old one at once. The feed holds codes, titles without personal data, and deadlines.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from urllib.parse import urlsplit

from aggregator.domain import ics, reminding
from aggregator.domain.ics import Event
from aggregator.domain.people import Actor
from aggregator.domain.personal import hidden
from aggregator.domain.sla import Stage
from aggregator.domain.text import sha256_of
from aggregator.domain.worktime import CalendarExhausted
from aggregator.errors import InputInvalid, NotFound
from aggregator.services import ledger
from aggregator.services.clock import Clock
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.services.mailing import Mailing
from aggregator.services.receivers import quiet_of
from aggregator.services.rules import Book, Rules
from aggregator.storage import reminder_queries
from aggregator.storage.db import Database, Tx

#: Deadlines of one feed: a telephone's calendar is no archive.
EVENTS = 300


@dataclass(frozen=True, slots=True)
class ChoicesView:
    """What a person has chosen. `mail_on`: the office has a mail server."""

    email: str
    in_app: bool
    by_mail: bool
    daily: bool
    weekly: bool
    quiet_from: str
    quiet_to: str
    feed_at: datetime | None
    mail_on: bool


class ReminderChoices:
    """Each person's own."""

    def __init__(self, db: Database, rules: Rules, mailing: Mailing, clock: Clock) -> None:
        self._db = db
        self._rules = rules
        self._mailing = mailing
        self._clock = clock

    def of(self, actor: Actor) -> ChoicesView:
        """What this person has chosen; without a choice, notices in the product alone."""
        with self._db.read() as tx:
            row = reminder_queries.choices(tx, actor.id)
        if row is None:
            return ChoicesView("", True, True, True, True, "", "", None, self._mailing.on)
        return ChoicesView(
            row.email or "", row.in_app, row.by_mail, row.daily, row.weekly, row.quiet_from or "",
            row.quiet_to or "", row.feed_at if row.feed_hash else None, self._mailing.on,
        )  # fmt: skip

    def choose(
        self, actor: Actor, *, email: str, in_app: bool, by_mail: bool, daily: bool, weekly: bool,
        quiet_from: str, quiet_to: str,
    ) -> None:  # fmt: skip
        """Keep these choices; `InputInvalid` says what is wrong."""
        address = self._mailing.checked_address(email) if email.strip() else None
        start, end = _hour(quiet_from, "quiet_from"), _hour(quiet_to, "quiet_to")
        if (start is None) != (end is None):
            raise InputInvalid(
                "quiet hours need a beginning and an end", field="quiet_to",
                message_vi="Giờ yên lặng cần cả giờ bắt đầu và giờ kết thúc.",
            )  # fmt: skip
        if start is not None and quiet_of(start, end) and start == end:
            raise InputInvalid(
                "quiet hours are empty",
                field="quiet_to",
                message_vi="Giờ yên lặng bắt đầu và kết thúc trùng nhau.",
            )
        if not in_app and not (address and by_mail):
            raise InputInvalid(
                "nobody can be told in no way at all", field="in_app",
                message_vi="Hãy giữ ít nhất một cách nhắc: trong phần mềm, hoặc qua thư (cần địa chỉ thư).",
            )  # fmt: skip
        self._put(actor, {
            "email": address, "in_app": in_app, "by_mail": by_mail, "daily": daily, "weekly": weekly,
            "quiet_from": start, "quiet_to": end,
        })  # fmt: skip

    def make_feed(self, actor: Actor) -> str:
        """A new address for this person's calendar feed, shown only now; an older one ends."""
        token = secrets.token_urlsafe(32)
        self._put(actor, {"feed_hash": sha256_of(token), "feed_at": self._clock()}, "feed_made")
        return token

    def revoke_feed(self, actor: Actor) -> None:
        """The feed is gone for whoever has its address."""
        self._put(actor, {"feed_hash": None, "feed_at": None}, "feed_revoked")

    def _put(self, actor: Actor, values: dict[str, Any], told: str = "") -> None:
        now = self._clock()
        new = {"in_app": True, "by_mail": True, "daily": True, "weekly": True, "changed_at": now}
        with self._db.write() as tx:
            reminder_queries.put_choices(tx, actor.id, new, {**values, "changed_at": now})
            if told:  # a key was given out, or taken back
                ledger.append(tx, [Draft(SYSTEM, told, now, {"officer": actor.id}, officer_id=actor.id)])

    def feed(self, token: str) -> str:
        """The calendar that this token opens; `NotFound` for one that is unknown or was revoked."""
        with self._db.read() as tx:
            person = reminder_queries.feed_owner(tx, sha256_of(token))
            if person is None:
                raise NotFound("no such calendar", message_vi="Không có lịch này.")
            book = self._rules.book(tx)
            rows = _work(tx, person)
        events = [event for row in rows if (event := self._event(book, row)) is not None]
        host = urlsplit(self._mailing.url("/")).hostname or "motmoi"
        return ics.calendar(events, name=f"Một Mối – {person.name}", host=host)

    def _event(self, book: Book, row: Any) -> Event | None:
        if row.due_at is None or row.stage == Stage.PAUSED:
            return None
        title = " ".join(hidden(row.title).split())
        path = self._mailing.url(f"/cases/{row.id}")
        return Event(
            number=row.id, revision=row.version, summary=f"{row.code} {title}"[:120], due_at=row.due_at,
            alarm_at=_alarm(book, row), made_at=row.opened_at, url=path if path.startswith("http") else "",
        )  # fmt: skip


def _work(tx: Tx, person: Any) -> list[Any]:
    """The open cases of an officer, or of a unit for its head."""
    if person.ward_code is None:
        return []
    if person.role == "leader" and person.unit_id is not None:
        return reminder_queries.work_of(tx, person.ward_code, unit_id=person.unit_id, limit=EVENTS)
    return reminder_queries.work_of(tx, person.ward_code, officer_id=person.id, limit=EVENTS)


def _alarm(book: Book, row: Any) -> datetime | None:
    try:
        return reminding.day_opening(book.calendar(row.ward_code), row.due_at)
    except CalendarExhausted:
        return None


def _hour(typed: str, field: str) -> str | None:
    """'7:30' or '07:30' as it is stored; None where nothing was typed."""
    if not typed.strip():
        return None
    hours, _, minutes = typed.strip().partition(":")
    try:
        return time(int(hours), int(minutes or 0)).isoformat("minutes")
    except ValueError as error:
        raise InputInvalid(
            f"{field}: not a time of day", field=field, message_vi="Giờ cần có dạng 21:30."
        ) from error
