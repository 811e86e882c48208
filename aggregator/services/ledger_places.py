"""Bringing checkpoints to those who hold them outside: files, addresses, people, a time-stamp service.

    checkpoint made | place claimed (tx) | brought, however long that takes | settled (tx)

Each place has one row: what it holds, what is on its way, since when it fails and why. It always gets the
newest checkpoint, with the hashes of all entries since the one that it holds: a place that was away for a
week catches up with one delivery, and nothing piles up. What may surprise: a delivery in doubt is repeated.
A checkpoint twice is no harm, and a file is looked at first; one that nobody holds protects nothing.

Nothing waits for a place: it is tried again later and later, at most an hour apart, until it works.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.domain import mail_texts
from aggregator.domain.people import Actor, Right, Role
from aggregator.domain.text import sha256_of
from aggregator.errors import AggregatorError, ConfigInvalid, Transient
from aggregator.sdk.egress import host_of
from aggregator.sdk.http import Http
from aggregator.services.checkpoints import Checkpoint, Checkpoints
from aggregator.services.clock import Clock
from aggregator.services.frame import require
from aggregator.services.held_checkpoint import Held, HeldFile
from aggregator.services.ledger_export import LedgerExport
from aggregator.services.ledger_keys import LedgerKey
from aggregator.services.ledger_tree import LedgerRewritten
from aggregator.services.mailing import Mailing
from aggregator.services.receivers import Person
from aggregator.services.time_stamp import stamped
from aggregator.settings import Settings
from aggregator.storage import checkpoint_queries, holder_queries
from aggregator.storage.db import Database, Tx
from aggregator.storage.holder_queries import ClaimedPlace

log = logging.getLogger(__name__)

#: Minutes until the next try, by how many there were; the last holds for all that follow.
WAITS = (1, 2, 5, 10, 30, 60)
#: Seconds that one delivery over the network may take.
DEADLINE_S = 30.0
#: A mail with a checkpoint is worth sending so long.
MAIL_WORTH = timedelta(days=7)
#: The row that says why nothing could be signed.
SIGNING = "signing:"
TOKEN = "motmoi/token/1"


class PlaceForked(AggregatorError):
    """A file outside holds another checkpoint than ours under the same number, or a newer one."""

    code = "place_forked"


@dataclass(frozen=True, slots=True)
class Place:
    """Where checkpoints go. `name` tells nothing that is secret; `target` may."""

    name: str
    kind: str
    target: str


@dataclass(frozen=True, slots=True)
class PlaceView:
    """A place as the administrator sees it."""

    kind: str
    shown: str
    held_number: int | None
    held_at: datetime | None
    attempts: int
    next_attempt_at: datetime
    error: str | None


@dataclass(frozen=True, slots=True)
class LedgerState:
    """What was signed last, by which key, who holds it, and why nothing can be signed, if so."""

    checkpoint: Checkpoint | None
    key: LedgerKey | None
    places: tuple[PlaceView, ...]
    trouble: str | None


class LedgerPlaces:
    """Signs what is due, and brings it to the places of the settings."""

    def __init__(
        self, db: Database, clock: Clock, settings: Settings, checkpoints: Checkpoints,
        export: LedgerExport, mailing: Mailing,
    ) -> None:  # fmt: skip
        self._db = db
        self._clock = clock
        self._settings = settings
        self._checkpoints = checkpoints
        self._export = export
        self._mailing = mailing
        self._places = {place.name: place for place in places_of(settings)}

    def tick(self, owner: str, stop: Callable[[], bool] = lambda: False) -> int:
        """Sign where that is due, then bring to every place that is due; how many places got something."""
        self._sign()
        done = 0
        while not stop() and (claimed := self.claim(owner)) is not None:
            done += self.bring(claimed)
        return done

    def _sign(self) -> None:
        """`LedgerRewritten` is kept where the administrator sees it, and raised."""
        try:
            self._checkpoints.make()
        except LedgerRewritten as error:
            self._note(error.code, str(error))
            raise
        self._note(None, None)

    def _note(self, code: str | None, error: str | None) -> None:
        with self._db.read() as tx:
            known = holder_queries.rows(tx).get(SIGNING)
        if (known.error if known else None) == error:
            return
        with self._db.write() as tx:
            holder_queries.ensure(tx, [SIGNING], self._clock())
            holder_queries.put(tx, SIGNING, {"error_code": code, "error": error})

    # Bringing

    def claim(self, owner: str) -> ClaimedPlace | None:
        """A place that is due and does not hold the newest checkpoint; None where there is none."""
        last = self._checkpoints.last()
        if last is None or not self._places:
            return None
        now, names = self._clock(), list(self._places)
        with self._db.read() as tx:
            rows = holder_queries.rows(tx)
        missing = [name for name in names if name not in rows]
        if not missing and not any(_is_due(rows[name], last.number, now) for name in names):
            return None  # nobody's write waits for this look
        with self._db.write() as tx:
            holder_queries.ensure(tx, missing, now)
            return holder_queries.claim(tx, names, last.number, owner, now, self._settings.lease_s)

    def bring(self, claimed: ClaimedPlace) -> bool:
        """Bring one claimed place its checkpoint and settle it; whether it is there now."""
        place = self._places[claimed.place]
        with self._db.read() as tx:
            row = checkpoint_queries.checkpoint(tx, claimed.number)
        try:
            after = {"file": self._to_file, "webhook": self._to_webhook, "mail": self._to_mail,
                     "timestamp": self._to_service}[place.kind](place, claimed, row)  # fmt: skip
        except (AggregatorError, OSError) as error:
            return self._failed(claimed, error)
        now = self._clock()
        with self._db.write() as tx:
            return holder_queries.settle(
                tx, claimed, held_number=claimed.number, held_at=now, attempts=0,
                next_attempt_at=now + after, error_code=None, error=None,
            )  # fmt: skip

    def _failed(self, claimed: ClaimedPlace, error: AggregatorError | OSError) -> bool:
        said = str(error) if isinstance(error, AggregatorError) else error.strerror or type(error).__name__
        if claimed.attempts == 1:
            log.warning("checkpoint %s did not reach %s: %s", claimed.number, claimed.place, said)
        wait = timedelta(minutes=WAITS[min(claimed.attempts, len(WAITS)) - 1])
        with self._db.write() as tx:
            holder_queries.settle(
                tx, claimed, next_attempt_at=self._clock() + wait,
                error_code=getattr(error, "code", "unreachable"), error=said[:500],
            )  # fmt: skip
        return False

    def _to_file(self, place: Place, claimed: ClaimedPlace, row: Any) -> timedelta:
        path = Path(place.target)
        held = HeldFile(path).last()
        if held is not None and held.number >= claimed.number:
            if held.text == row.text:
                return timedelta()  # it was brought before, and we died before we knew
            if not self._is_known(held):
                raise PlaceForked(f"the file holds checkpoint {held.number} of another history")
        _append(path, self._export.held(claimed.number, claimed.held).encode())
        return timedelta()

    def _is_known(self, held: Held) -> bool:
        """Whether this checkpoint of a file is one of ours, or one that was admitted lost."""
        with self._db.read() as tx:
            return self._checkpoints.knows(tx, held)

    def _to_webhook(self, place: Place, claimed: ClaimedPlace, row: Any) -> timedelta:
        body = self._export.held(claimed.number, claimed.held).encode()
        with self._db.read() as tx:
            key, signature = self._checkpoints.keys.current(tx), self._checkpoints.keys.sign(tx, body)
        assert key is not None
        headers = {"Content-Type": "application/json", "Motmoi-Key": key.id, "Motmoi-Signature": signature}
        with self._http(place) as http:
            answer = http.post(place.target, data=body, headers=headers, follow=False)
        if not 200 <= answer.status < 300:
            raise Transient(f"the address answered {answer.status}")
        return timedelta()

    def _to_mail(self, place: Place, claimed: ClaimedPlace, row: Any) -> timedelta:
        now = self._clock()
        with self._db.write() as tx:
            row_of = holder_queries.person(tx, place.target)
            if row_of is None or not row_of.email:
                raise ConfigInvalid(f"[ledger] mail: {place.target}: no active account with a mail address")
            person = Person(row_of.id, row_of.name, Role(row_of.role), row_of.ward_code, None, row_of.email)
            letter = mail_texts.checkpoint(
                row.number, row.text, row.signature, now, self._mailing.url("/reminders")
            )
            self._mailing.put(
                tx, person, letter, key=mail_key(claimed.number, person.id), kind="checkpoint", now=now,
                at=now, expires_at=now + MAIL_WORTH,
            )  # fmt: skip
        return timedelta(hours=self._settings.ledger.mail_every_h)

    def _to_service(self, place: Place, claimed: ClaimedPlace, row: Any) -> timedelta:
        roots = self._settings.ledger.timestamp_roots
        assert roots is not None
        with self._http(place) as http:
            token = stamped(http, place.target, roots, row.text)
        said = f"{TOKEN}\n{sha256_of(row.text)}\n{sha256_of(token)}\n"
        with self._db.write() as tx:
            signature = self._checkpoints.keys.sign(tx, said.encode())
            checkpoint_queries.stamp(tx, claimed.number, token, signature)
        return timedelta()

    def _http(self, place: Place) -> Http:
        return Http(
            allowed_hosts=[host_of(place.target)], allow_private=self._settings.ledger.allow_private,
            deadline=self._clock() + timedelta(seconds=DEADLINE_S), now=self._clock, max_bytes=1_000_000,
        )  # fmt: skip

    # Looking

    def state(self, actor: Actor) -> LedgerState:
        """What was signed last and who holds it. `NotAllowed` for officers."""
        require(actor, Right.DASHBOARD)
        with self._db.read() as tx:
            rows = holder_queries.rows(tx)
            views = tuple(self._view(tx, place, rows.get(place.name)) for place in self._places.values())
            key = self._checkpoints.keys.current(tx)
        trouble = rows[SIGNING].error if SIGNING in rows else None
        return LedgerState(self._checkpoints.last(), key, views, trouble)

    def _view(self, tx: Tx, place: Place, row: Any) -> PlaceView:
        shown = place.name.partition(":")[2].partition("#")[0]
        if row is None:
            return PlaceView(place.kind, shown, None, None, 0, self._clock(), None)
        error = row.error
        if place.kind == "mail" and error is None and row.held_number is not None:
            error = self._mail_trouble(tx, place, row.held_number)
        return PlaceView(
            place.kind, shown, row.held_number, row.held_at, row.attempts, row.next_attempt_at, error
        )  # fmt: skip

    def _mail_trouble(self, tx: Tx, place: Place, number: int) -> str | None:
        person = holder_queries.person(tx, place.target)
        found = holder_queries.mail_state(tx, mail_key(number, person.id)) if person else None
        return None if found is None or found[0] == "sent" else f"mail: {found[0]}"


def _is_due(row: Any, number: int, now: datetime) -> bool:
    return (row.held_number or 0) < number and row.next_attempt_at <= now


def places_of(settings: Settings) -> list[Place]:
    """Every place of the settings. Addresses may hold secrets: a place is named by host and digest."""
    ledger = settings.ledger
    found = [Place(f"file:{path}", "file", str(path)) for path in ledger.files]
    found += [Place(_web("webhook", url), "webhook", url) for url in ledger.webhooks]
    found += [Place(f"mail:{login}", "mail", login) for login in ledger.mail]
    if ledger.timestamp_url:
        found.append(Place(_web("timestamp", ledger.timestamp_url), "timestamp", ledger.timestamp_url))
    return found


def _web(kind: str, url: str) -> str:
    return f"{kind}:{host_of(url)}#{sha256_of(url)[:8]}"


def mail_key(number: int, officer_id: int) -> str:
    return f"checkpoint:{number}:{officer_id}"


def _append(path: Path, line: bytes) -> None:
    """Add a line and see it stored. A line that was cut off by an outage is ended first.

    The folder is never made: where a share is not mounted, a folder of its name would hold nothing outside.
    """
    with path.open("ab+") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else b"\n" + line
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
