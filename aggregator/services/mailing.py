"""Mail to staff: stored with what it tells of, sent by a worker, and never to anybody but staff.

    what happened + mail row (one tx) | claim (tx) | the server | settle (tx)

The states of a mail, as the row says them:

waiting   A worker sends it when it is due.
sending   A worker has it. If its lease runs out the worker died, and the server may have it: the next one
          sends it again under the same Message-ID and the row says `possible_repeat`.
sent      The server took it.
dropped   It was no longer true, or its person wants no mail any more, or it was too late.
dead      The server refused it for good.

What may surprise: unlike an answer to a citizen, which is looked up at its source first (I8), a mail in
doubt is sent again. A reminder twice is a nuisance to a colleague, a lost one is a deadline missed; a mail
server cannot be asked; and its readers' programs tell the two by the Message-ID.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

from aggregator.domain import mail_texts
from aggregator.domain.mail_texts import Letter
from aggregator.errors import AggregatorError, InputInvalid, MoveNotAllowed, NotFound
from aggregator.services.clock import Clock
from aggregator.services.postman import MailDelayed, MailRefused, MailUnclear, Postman, Send
from aggregator.services.receivers import Person
from aggregator.settings import Settings
from aggregator.storage import mail_queries
from aggregator.storage.db import Database, Tx
from aggregator.storage.mail_queries import ClaimedMail

log = logging.getLogger(__name__)

#: Minutes until the next try, by how many there were; the last holds for all that follow.
WAITS = (1, 2, 5, 10)
#: After that a reminder tells nothing that a digest has not told since.
WORTH = timedelta(hours=24)
#: Sent and dropped mails are kept that long, as a record.
KEPT = timedelta(days=90)

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")


@dataclass(frozen=True, slots=True)
class MailView:
    """A mail as the operator sees it. No text: that is between the product and its reader."""

    id: int
    login: str
    kind: str
    subject: str
    state: str
    attempts: int
    possible_repeat: bool
    message_id: str
    created_at: datetime
    next_attempt_at: datetime | None
    sent_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class _Test:
    """A mail that is sent at once and not kept."""

    subject: str
    body: str
    html: str
    message_id: str
    created_at: datetime


class Mailing:
    """The mails of one installation."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._postman = Postman(settings)

    @property
    def on(self) -> bool:
        """Whether there is a mail server at all."""
        return bool(self._settings.smtp_host)

    # Writing

    def url(self, path: str) -> str:
        """A page's address as it stands in a mail."""
        return self._settings.public_url.rstrip("/") + path

    def put(
        self, tx: Tx, person: Person, letter: Letter, *, key: str, kind: str, now: datetime, at: datetime,
        expires_at: datetime | None = None, case: Any = None,
    ) -> int:  # fmt: skip
        """Store a mail to this person, to be sent from `at` on; 0 where this very mail is there already.

        `case`: the mail is only true while this case has its present deadline.
        """
        row = {
            "key": key, "officer_id": person.id, "kind": kind, "subject": letter.subject,
            "case_id": case.id if case is not None else None,
            "due_at": case.due_at if case is not None else None,
            "body": letter.body, "html": letter.html, "message_id": self._message_id(),
            "state": "waiting", "attempts": 0, "next_attempt_at": at, "fence": 0, "possible_repeat": False,
            "expires_at": expires_at or at + WORTH, "created_at": now,
        }  # fmt: skip
        return mail_queries.put(tx, [row])

    def _message_id(self) -> str:
        host = parseaddr(self._settings.smtp_from)[1].partition("@")[2] or "localhost"
        return f"<{secrets.token_hex(16)}@{host}>"

    def checked_address(self, typed: str) -> str:
        """The address as it is stored; `InputInvalid` where it cannot be one, or is not the office's."""
        address = typed.strip()
        if not _ADDRESS.fullmatch(address):
            raise InputInvalid(
                "not a mail address",
                field="email",
                message_vi="Địa chỉ thư điện tử không đúng dạng ten@donvi.gov.vn.",
            )
        domains, host = self._settings.smtp_domains, address.partition("@")[2].casefold()
        if domains and host not in {domain.casefold() for domain in domains}:
            raise InputInvalid(
                f"mail may only go to {', '.join(domains)}", field="email",
                message_vi=f"Chỉ dùng được thư công vụ: {', '.join('@' + domain for domain in domains)}.",
            )  # fmt: skip
        return address

    # Sending

    def drain(self, owner: str, limit: int = 50, stop: Callable[[], bool] = lambda: False) -> Counter[str]:
        """Send what is due, at most `limit`; how many ended in each state."""
        ends: Counter[str] = Counter()
        if not self.on:
            return ends
        with self._postman.round() as send:
            while ends.total() < limit and not stop():
                claimed = self.claim(owner)
                if claimed is None:
                    break
                ends[self.deliver(claimed, send)] += 1
        return ends

    def claim(self, owner: str) -> ClaimedMail | None:
        """Take the next due mail for `owner`, or None."""
        with self._db.write() as tx:
            return mail_queries.claim(tx, owner, self._clock(), self._settings.lease_s)

    def deliver(self, claimed: ClaimedMail, send: Send) -> str:
        """Send one claimed mail and settle it; its new state."""
        now = self._clock()
        if why := _not_worth_sending(claimed, now):
            return self._settle(claimed, state="dropped", next_attempt_at=None, error_code=why)
        assert claimed.address is not None
        try:
            send(claimed.address, claimed)
        except MailRefused as error:
            log.warning("mail %s: %s", claimed.id, error)
            return self._settle(claimed, state="dead", next_attempt_at=None, **_told(error))
        except (MailDelayed, MailUnclear) as error:
            return self._again(claimed, error)
        return self._settle(
            claimed, state="sent", next_attempt_at=None, sent_at=self._clock(), error_code=None, error=None
        )

    def _again(self, claimed: ClaimedMail, error: MailDelayed | MailUnclear) -> str:
        if claimed.attempts == 1:
            log.warning("mail %s: %s", claimed.id, error)
        wait = WAITS[min(claimed.attempts, len(WAITS)) - 1]
        until = self._clock() + timedelta(minutes=wait)
        unclear = isinstance(error, MailUnclear)
        ended = self._settle(
            claimed, state="waiting", next_attempt_at=until,
            possible_repeat=claimed.possible_repeat or unclear, **_told(error),
        )  # fmt: skip
        if not isinstance(error, MailDelayed) or error.server:
            with self._db.write() as tx:
                mail_queries.hold_all(tx, until)
        return ended

    def _settle(self, claimed: ClaimedMail, *, state: str, **values: Any) -> str:
        with self._db.write() as tx:
            if mail_queries.settle(tx, claimed, state=state, **values):
                return state
        log.warning("mail %s was taken over while %s had it", claimed.id, claimed.owner)
        return "lost"

    # People at the machine

    def test(self, address: str) -> None:
        """Send a test mail at once; raises what stands in its way."""
        now = self._clock()
        if not self.on:
            raise MoveNotAllowed("no mail server is set", hint="set MOTMOI_SMTP_HOST and MOTMOI_SMTP_FROM")
        letter = mail_texts.test(now, self.url("/reminders"))
        mail = _Test(letter.subject, letter.body, letter.html, self._message_id(), now)
        with self._postman.round() as send:
            send(self.checked_address(address), mail)

    def list(self, states: Iterable[str], limit: int = 200) -> list[MailView]:
        """The newest mails in these states."""
        with self._db.read() as tx:
            return [_view(row) for row in mail_queries.listed(tx, states, limit)]

    def retry(self, mail_id: int) -> MailView:
        """Make a mail due now. One that may have arrived keeps saying so."""
        now = self._clock()
        with self._db.write() as tx:
            found = mail_queries.listed(tx, (), 1, mail_id)
            if not found:
                raise NotFound(f"no mail {mail_id}")
            if not mail_queries.retry(tx, mail_id, now, now + WORTH):
                raise MoveNotAllowed(f"mail {mail_id} is {found[0].state}: there is nothing to try again")
            return _view(mail_queries.listed(tx, (), 1, mail_id)[0])

    def prune(self) -> int:
        """Forget what is older than ninety days; how many mails that were."""
        with self._db.write() as tx:
            return mail_queries.forget_before(tx, self._clock() - KEPT)


def _not_worth_sending(claimed: ClaimedMail, now: datetime) -> str:
    if claimed.address is None:
        return "no_address"
    if not claimed.true:
        return "no_longer_true"
    return "too_late" if now > claimed.expires_at else ""


def _told(error: AggregatorError) -> dict[str, Any]:
    return {"error_code": error.code, "error": str(error)[:500]}


def _view(row: Any) -> MailView:
    return MailView(
        id=row.id, login=row.login, kind=row.kind, subject=row.subject, state=row.state,
        attempts=row.attempts, possible_repeat=row.possible_repeat, message_id=row.message_id,
        created_at=row.created_at, next_attempt_at=row.next_attempt_at, sent_at=row.sent_at,
        error=row.error or row.error_code,
    )  # fmt: skip
