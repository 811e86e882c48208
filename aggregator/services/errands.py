"""Answers that people bring to their sources by hand: done, done by mistake, there or not there.

    waits (manual, refused, unclear) --tick--> sent --seen in a poll--> acknowledged
           ^------------- undo ---------------- | read for a day and not shown
           ^---------- "bring it again" ------ unseen --"I look again"--> sent

Promise: a decision is taken on what the person saw. Every form carries the version it was drawn from, so a
second click, a second person, or a worker that tried again meanwhile is told and changes nothing.

What may surprise: a tick is a claim and not a proof. When it was done is what its person said, beside when
they said it; both are in the ledger, with the hash of the picture that they handed in. And what was undone
is kept, because the entry that it once was done stays, too.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.domain import proof_files
from aggregator.domain.delivery import Delivery
from aggregator.domain.errands import WAITING, Need, when_done
from aggregator.domain.people import Actor, Right
from aggregator.domain.proof_files import ProofFile
from aggregator.domain.text import clean
from aggregator.errors import InputInvalid, NotAllowed, NotFound
from aggregator.sdk.discovery import Found
from aggregator.services import deciding, delivery_log, delivery_views, errand_page, ledger, legal_matters
from aggregator.services.carrying import patience_of
from aggregator.services.clock import Clock
from aggregator.services.errand_page import ErrandFilter, ErrandPage
from aggregator.services.kept_files import lay_down, path_of
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.storage import (
    channel_queries,
    errand_queries,
    ids,
    outbox_queries,
    request_queries,
    tick_queries,
)
from aggregator.storage.db import Database, Tx
from aggregator.storage.errand_queries import Scope

log = logging.getLogger(__name__)

#: The largest picture that is taken.
MOST_BYTES = 5_000_000
#: The longest number that a source shows for an answer.
MOST_REFERENCE = 80
_BROUGHT = (Delivery.MANUAL, Delivery.DEAD)


@dataclass(frozen=True, slots=True)
class Done:
    """What a person says of an answer that they brought to its source; `at` None is now."""

    at: datetime | None = None
    reference: str = ""
    #: The bytes of a picture that shows it; empty: none.
    file: bytes = b""


@dataclass(frozen=True, slots=True)
class Standing:
    """How many answers wait for what, at most a hundred each; and since when the oldest to bring does."""

    counts: Mapping[Need, int]
    oldest_at: datetime | None

    @property
    def waiting(self) -> int:
        return sum(self.counts[need] for need in WAITING)


#: Just now, and nothing to add.
NOW = Done()
ALL = ErrandFilter()


class Errands:
    """What people do for answers that cannot find their way alone."""

    def __init__(self, db: Database, connectors: Mapping[str, Found], clock: Clock, data_dir: Path) -> None:
        self._db = db
        self._connectors = connectors
        self._clock = clock
        self._folder = data_dir / "attachments"

    def page(self, actor: Actor, wanted: ErrandFilter = ALL) -> ErrandPage:
        """What waits for a person in the wards that `actor` sees, the most pressing first."""
        with self._db.read() as tx:
            return errand_page.read(tx, self._connectors, actor, wanted, self._clock())

    def place(self, actor: Actor, message_id: int) -> ErrandFilter | None:
        """The page of the list that begins with this answer; None where nothing is asked about it."""
        with self._db.read() as tx:
            deciding.seen(tx, actor, message_id)
            return errand_page.place_of(tx, actor, message_id)

    def standing(self, actor: Actor) -> Standing:
        """What waits in the wards that `actor` sees, in numbers."""
        scope = Scope(actor.ward, legal=actor.may(Right.LEGAL))
        with self._db.read() as tx:
            return Standing(errand_queries.counts(tx, scope), errand_queries.oldest(tx, scope))

    # Done, and not done after all

    def tick(
        self, actor: Actor | None, message_id: int, done: Done = NOW,
        *, version: int | None = None, once: str | None = None,
    ) -> Delivery:  # fmt: skip
        """A person brought the answer to its source; None acts for the machine's operator."""
        return self._arrived(actor, message_id, _BROUGHT, done, version, once)

    def untick(
        self, actor: Actor | None, message_id: int, *, version: int | None = None, once: str | None = None
    ) -> Delivery:
        """It was ticked off by mistake: it waits again as before. Not once the source has shown it."""

        def act(tx: Tx, row: Any, now: datetime) -> None:
            tick = _living(tx, row)
            by = actor.id if actor else None
            tick_queries.change_tick(tx, tick.id, undone_at=now, undone_by=by)
            back: dict[str, Any] = {"state": tick.was, "sent_at": None, "officer_id": None, **tick.was_error}
            deciding.decided(tx, actor, row, (Delivery.SENT,), now, {"undone": True}, **back)

        return self._say(actor, message_id, version, once, act)

    def resolve_unclear(
        self, actor: Actor, message_id: int, arrived: bool,
        *, version: int | None = None, once: str | None = None,
    ) -> Delivery:  # fmt: skip
        """A person looked at the source: it is there (sent), or it is not (pushed again, once).

        `NotAllowed` for "not there" before the source's settling time is over: it may still come.
        """
        if arrived:
            return self._arrived(actor, message_id, (Delivery.UNCLEAR,), NOW, version, once)

        def act(tx: Tx, row: Any, now: datetime) -> None:
            _check_settled(tx, row, now)
            again: dict[str, Any] = {"state": Delivery.PENDING, "next_attempt_at": now}
            deciding.decided(tx, actor, row, (Delivery.UNCLEAR,), now, **again)

        return self._say(actor, message_id, version, once, act)

    def _arrived(
        self, actor: Actor | None, message_id: int, was: tuple[Delivery, ...], done: Done,
        version: int | None, once: str | None,
    ) -> Delivery:  # fmt: skip
        reference = _reference(done.reference)
        file = proof_files.read(done.file, MOST_BYTES) if done.file else None
        digest = self._keep(actor, message_id, file) if file else None

        def act(tx: Tx, row: Any, now: datetime) -> None:
            at = when_done(done.at, row.reply_at, now)
            tick = {
                "message_id": row.id, "was": row.state, "officer_id": actor.id if actor else None,
                "was_error": {name: getattr(row, name) for name in ("error_code", "error", "error_vi")},
                "done_at": at, "ticked_at": now, "expected_from": now, "reference": reference,
                "file_sha256": digest, "file_type": file.content_type if file else None,
                "file_size": len(file.content) if file else None,
            }  # fmt: skip
            if row.state in was:
                tick_queries.insert_tick(tx, tick)
            sent = {"state": Delivery.SENT, "officer_id": tick["officer_id"], "sent_at": at}
            deciding.decided(tx, actor, row, was, now, _evidence(tick), **sent, next_attempt_at=None)

        return self._say(actor, message_id, version, once, act)

    def _keep(self, actor: Actor | None, message_id: int, file: ProofFile) -> str:
        """The picture on disk before the row that names it; named by its content, as attachments are."""
        with self._db.read() as tx:
            deciding.seen(tx, actor, message_id)  # nobody fills the disk for what they may not see
        return lay_down(self._folder, file.content)

    def proof(self, actor: Actor, tick_id: int) -> tuple[Path, str, str]:
        """Path, file name and type of the picture handed in with a tick of a case that the person sees."""
        with self._db.read() as tx:
            row = tick_queries.tick_of(tx, tick_id) if ids.possible(tick_id) else None
        if row is None or not row.file_sha256 or not actor.sees(row.ward_code):
            raise _no_proof()
        if not legal_matters.may_read(actor, row):
            raise _no_proof()
        name = f"{row.code}-{row.id}{proof_files.SUFFIXES[row.file_type]}"
        return path_of(self._folder, row.file_sha256), name, row.file_type

    # Ticked off, and the source does not show it

    def look_again(
        self, actor: Actor, message_id: int, *, version: int | None = None, once: str | None = None
    ) -> Delivery:
        """The source gets its time anew to show an answer that was ticked off."""

        def act(tx: Tx, row: Any, now: datetime) -> None:
            _change_unseen(tx, row, unseen_at=None, expected_from=now)
            self._shown(tx, actor, row.id, "asked_again", now)

        return self._say(actor, message_id, version, once, act)

    def source_is_silent(
        self, actor: Actor, message_id: int, *, version: int | None = None, once: str | None = None
    ) -> Delivery:
        """The source shows no answers: nothing brought there is waited for any more, in this ward."""

        def act(tx: Tx, row: Any, now: datetime) -> None:
            _change_unseen(tx, row, unseen_at=None)
            if not tick_queries.is_silent(tx, row.channel_id, row.ward_code):
                tick_queries.keep_silent(tx, row.channel_id, row.ward_code, actor.id, now)
                _record(tx, actor, "source_shows_no_answers", row.channel_id, row.ward_code, now)
            waiting = tick_queries.ticked_at_source(tx, row.channel_id, row.ward_code)
            tick_queries.settle(tx, waiting, now)
            changed = delivery_log.record(
                tx, waiting, now, officer_id=actor.id, evidence={"shown": "not_expected"}
            )
            log.info("channel %s shows no answers: %d settled", row.slug, len(changed))

        return self._say(actor, message_id, version, once, act)

    def source_speaks(self, actor: Actor, slug: str) -> None:
        """Taken back: what is brought to this source from now on is looked for there again."""
        with self._db.write() as tx:
            channel = channel_queries.by_slug(tx, slug)
            wards = [row.ward_code for row in tick_queries.silent(tx, actor.ward) if row.slug == slug]
            if channel is None or not wards or not actor.may(Right.HANDLE):
                raise NotFound("no such source", message_vi="Không có kênh này trong danh sách.")
            ledger.lock(tx, [SYSTEM])
            for ward in wards:
                if tick_queries.forget_silent(tx, channel.id, ward):
                    _record(tx, actor, "source_shows_answers", channel.id, ward, self._clock())

    def _shown(self, tx: Tx, actor: Actor, message_id: int, word: str, now: datetime) -> None:
        delivery_log.record(tx, [message_id], now, officer_id=actor.id, evidence={"shown": word})

    # The frame of every decision

    def _say(
        self, actor: Actor | None, message_id: int, version: int | None, once: str | None, act: Any
    ) -> Delivery:
        """Do it once, on what the person saw; the state that the message has afterwards."""
        with self._db.write() as tx:
            row = deciding.locked(tx, actor, message_id, Right.HANDLE)
            key = once if actor is not None else None
            if actor is None or request_queries.result_of(tx, key, actor.id) is None:
                _check_version(row, version)
                now = self._clock()
                act(tx, row, now)
                if actor is not None:
                    request_queries.remember(tx, key, actor.id, now, message_id)
            after = outbox_queries.one(tx, message_id)
            assert after is not None, f"outbox message {message_id} was there a moment ago"
            return Delivery(after.state)


def _check_version(row: Any, version: int | None) -> None:
    if version is not None and row.fence != version:
        raise NotAllowed(
            f"outbox message {row.id} has changed since the page was drawn",
            message_vi="Phúc đáp này vừa có thay đổi. Hãy xem lại rồi quyết định.",
        )


def _check_settled(tx: Tx, row: Any, now: datetime) -> None:
    tried = errand_queries.last_try(tx, row.case_id, row.id)
    settle_s = patience_of(channel_queries.by_id(tx, row.channel_id).options).settle_s
    if tried is not None and now < (settled := tried + timedelta(seconds=settle_s)):
        raise NotAllowed(
            f"outbox message {row.id}: its source may still show it until {settled.isoformat()}",
            hint="look at the source again then",
            message_vi="Cổng có thể hiện phúc đáp chậm vài phút. Hãy xem lại trên cổng "
            f"{delivery_views.moment(settled, now)}, rồi chọn “Chưa có”.",
        )


def _living(tx: Tx, row: Any) -> Any:
    tick = tick_queries.living_tick(tx, row.id)
    if tick is None or row.state != Delivery.SENT:
        raise NotAllowed(
            f"outbox message {row.id} is {row.state} and not ticked off by a person",
            message_vi="Không còn đánh dấu nào để bỏ: cổng đã xác nhận, hoặc người khác đã bỏ đánh dấu.",
        )
    return tick


def _change_unseen(tx: Tx, row: Any, **values: Any) -> None:
    """Change the tick of a message that its source does not show; `NotAllowed` where it is no question."""
    tick = _living(tx, row)
    if tick.unseen_at is None:
        raise NotAllowed(
            f"outbox message {row.id} is not in question",
            message_vi="Phúc đáp này đã được xử lý. Hãy tải lại trang để xem trạng thái mới.",
        )
    tick_queries.change_tick(tx, tick.id, **values)


def _record(tx: Tx, actor: Actor, kind: str, channel_id: int, ward: str, now: datetime) -> None:
    entry = Draft(SYSTEM, kind, now, {"ward": ward}, officer_id=actor.id, channel_id=channel_id)
    ledger.append(tx, [entry])


def _evidence(tick: Mapping[str, Any]) -> dict[str, Any]:
    told = {"done_at": tick["done_at"].isoformat()}
    # The source's number is not among it: people type it, and might type a name.
    if tick["file_sha256"]:
        told |= {"screenshot_sha256": tick["file_sha256"], "screenshot_bytes": tick["file_size"]}
    return told


def _reference(given: str) -> str | None:
    text = " ".join(clean(given).split())
    if len(text) > MOST_REFERENCE:
        raise InputInvalid(
            f"the reference has more than {MOST_REFERENCE} characters", field="reference",
            message_vi=f"Số tham chiếu dài quá {MOST_REFERENCE} ký tự.",
        )  # fmt: skip
    return text or None


def _no_proof() -> NotFound:
    return NotFound("no such picture", message_vi="Không có ảnh này, hoặc bạn không được xem.")
