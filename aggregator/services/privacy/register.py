"""The register of personal-data requests: who asks for what, by when, what was answered and done.

    enter | answer within two working days | find, hand out, restrict, erase | close

Promise: who asks and what they were told is sealed; the ledger says that there was a request, of which
kind, its terms and how it ended, and nothing of the person. What may surprise: answering and doing have a
term each. Whoever is told "we do it" is answered, and the request stays open until it is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain.people import Actor, Right
from aggregator.domain.privacy import Asks, CameBy, Outcome, Owed, Terms, owed, terms
from aggregator.domain.text import clean
from aggregator.errors import InputInvalid, MoveNotAllowed, NotFound, StaleWrite
from aggregator.services import ledger
from aggregator.services.clock import Clock
from aggregator.services.frame import require
from aggregator.services.ledger import Draft
from aggregator.services.rules import Rules
from aggregator.storage import inbox_queries, register_queries, request_queries
from aggregator.storage.db import Database, Tx
from aggregator.storage.vault import SealBroken, Vault

#: What the two sealed columns are sealed for; the rotation of keys knows them by these names.
ASKED, ANSWER = "privacy-request", "privacy-answer"
MOST_LINE, MOST_TEXT = 200, 4_000
SIZE = 50
#: Letters lie in the post, and a slip of the clock is minutes.
LONGEST_AGO, AHEAD = timedelta(days=60), timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks, and their words. `for_whom`: where somebody asks for another, and by which right."""

    name: str
    phone: str = ""
    email: str = ""
    address: str = ""
    id_number: str = ""
    for_whom: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class ActView:
    report_id: int
    act: str
    at: datetime
    who: str | None


@dataclass(frozen=True, slots=True)
class RequestView:
    """One request. `asked` and `answer` only on its own page; None there once its retention is over."""

    id: int
    ward_code: str
    kind: Asks
    came_by: CameBy
    received_at: datetime
    answer_due_at: datetime
    done_due_at: datetime
    answered_at: datetime | None
    outcome: Outcome | None
    closed_at: datetime | None
    who: str | None
    owed: Owed
    version: int
    asked: Mapping[str, str] | None = None
    answer: str | None = None
    acts: tuple[ActView, ...] = ()
    #: Reports that it restricts still.
    restricts: tuple[int, ...] = ()


class Register:
    """The verbs on requests. Of who answers for personal data in the ward."""

    def __init__(self, db: Database, vault: Vault, rules: Rules, clock: Clock) -> None:
        self._db = db
        self._vault = vault
        self._rules = rules
        self._clock = clock

    # Looking

    def list(self, actor: Actor, *, is_open: bool = True, before: int = 2**62) -> tuple[RequestView, ...]:
        """Open requests, the most pressing term first, or closed ones, newest first; without names."""
        require(actor, Right.PRIVACY)
        now = self._clock()
        with self._db.read() as tx:
            rows = register_queries.requests(tx, actor.ward, is_open=is_open, before=before, limit=SIZE)
            names = inbox_queries.officer_names(tx, [row.entered_by for row in rows])
        return tuple(_view(row, names, now) for row in rows)

    def late(self, actor: Actor) -> int:
        """How many requests are overdue, for the leaders' page; 0 where it is not this person's business."""
        if not actor.may(Right.PRIVACY):
            return 0
        with self._db.read() as tx:
            return register_queries.count_late(tx, actor.ward, self._clock())

    def request(self, actor: Actor, request_id: int) -> RequestView:
        """One request whole; that it was read is in the ledger."""
        require(actor, Right.PRIVACY)
        with self._db.write() as tx:
            row = self.seen(tx, actor, request_id)
            now = self._clock()
            _record(tx, row, "privacy_request_read", actor, now, {})
            acts = register_queries.acts(tx, request_id)
            names = inbox_queries.officer_names(tx, [row.entered_by, *(act.officer_id for act in acts)])
            restricts = register_queries.restricted_by(tx, request_id)
        view = _view(row, names, now)
        told = tuple(ActView(act.report_id, act.act, act.at, names.get(act.officer_id)) for act in acts)
        return RequestView(
            view.id, view.ward_code, view.kind, view.came_by, view.received_at, view.answer_due_at,
            view.done_due_at, view.answered_at, view.outcome, view.closed_at, view.who, view.owed,
            view.version, self._opened(row.asked, ASKED),
            (self._opened(row.answer, ANSWER) or {}).get("text"), told, tuple(restricts),
        )  # fmt: skip

    def seen(self, tx: Tx, actor: Actor, request_id: int, *, lock: bool = False) -> Any:
        """The request's row where this person may see it, `NotFound` in the same words otherwise (I13)."""
        row = register_queries.request(tx, request_id, lock=lock)
        if row is None or not actor.sees(row.ward_code):
            raise NotFound("no such request", message_vi="Không tìm thấy yêu cầu này.")
        return row

    def _opened(self, sealed: bytes | None, purpose: str) -> Mapping[str, str] | None:
        try:
            return None if sealed is None else self._vault.open_json(sealed, purpose)
        except SealBroken:
            return None

    # Doing

    def enter(
        self, actor: Actor, kind: Asks, came_by: CameBy, received_at: datetime, asked: Asked, *,
        ward: str | None = None, once: str | None = None,
    ) -> int:  # fmt: skip
        """A new request; its number. `ward`: whose, where the person sees several."""
        require(actor, Right.PRIVACY)
        home = actor.ward or ward or ""
        sealed = self._vault.seal_json(_checked(asked), ASKED)
        with self._db.write() as tx:
            book = self._rules.book(tx)
            if home not in book.wards:
                raise InputInvalid("name the ward", field="ward", message_vi="Hãy chọn phường, xã.")
            ledger.lock(tx, [home])
            if (done := request_queries.result_of(tx, once, actor.id)) is not None:
                return int(done["result"])
            now, calendar = self._clock(), book.calendar(home)
            if not now - LONGEST_AGO <= received_at <= now + AHEAD:
                raise InputInvalid(
                    "received in the last 60 days, and not in the future", field="received_at",
                    message_vi="Thời điểm nhận phải trong 60 ngày qua và không ở tương lai.",
                )  # fmt: skip
            due = terms(calendar, received_at)
            request_id = register_queries.enter(
                tx,
                {"ward_code": home, "kind": kind.value, "came_by": came_by.value, "asked": sealed,
                 "received_at": received_at, "answer_due_at": due.answer_due_at,
                 "done_due_at": due.done_due_at, "calendar_version": calendar.version, "entered_at": now,
                 "entered_by": actor.id or None, "told": "", "version": 1},
            )  # fmt: skip
            told = {"request": request_id, "kind": kind.value, "came_by": came_by.value,
                    "received_at": received_at.isoformat(), "calendar": calendar.version,
                    "answer_due_at": due.answer_due_at.isoformat(),
                    "done_due_at": due.done_due_at.isoformat()}  # fmt: skip
            ledger.append(tx, [Draft(home, "privacy_request", now, told, officer_id=actor.id or None)])
            request_queries.remember(tx, once, actor.id, now, {"result": request_id})
        return request_id

    def answer(
        self, actor: Actor, request_id: int, text: str, *, version: int | None = None, once: str | None = None
    ) -> None:
        """What the person was told, and that they were told now. A later word replaces an earlier one."""
        words = clean(text).strip()
        if not words or len(words) > MOST_TEXT:
            raise InputInvalid(
                f"the answer has 1 to {MOST_TEXT} characters", field="text",
                message_vi=f"Hãy nhập nội dung đã trả lời (không quá {MOST_TEXT} ký tự).",
            )  # fmt: skip
        sealed = self._vault.seal_json({"text": words}, ANSWER)

        def act(tx: Tx, row: Any, now: datetime) -> None:
            first = row.answered_at or now
            register_queries.change(
                tx, request_id, answer=sealed, answered_at=first, answered_by=actor.id or None
            )
            in_time = first <= row.answer_due_at
            _record(tx, row, "privacy_request_answered", actor, now, {"in_time": in_time})

        self._do(actor, request_id, version, once, act)

    def close(
        self, actor: Actor, request_id: int, outcome: Outcome, *,
        version: int | None = None, once: str | None = None,
    ) -> None:  # fmt: skip
        """It is done, or refused with a reason the person was told. `MoveNotAllowed` before an answer."""

        def act(tx: Tx, row: Any, now: datetime) -> None:
            if row.answered_at is None and outcome is not Outcome.TAKEN_BACK:
                raise MoveNotAllowed(
                    "answer the person first", message_vi="Hãy ghi nội dung đã trả lời người yêu cầu trước."
                )
            register_queries.change(
                tx, request_id, outcome=outcome.value, closed_at=now, closed_by=actor.id or None
            )
            told = {"outcome": outcome.value, "in_time": now <= row.done_due_at}
            _record(tx, row, "privacy_request_closed", actor, now, told)

        self._do(actor, request_id, version, once, act)

    def _do(self, actor: Actor, request_id: int, version: int | None, once: str | None, act: Any) -> None:
        require(actor, Right.PRIVACY)
        with self._db.write() as tx:
            ledger.lock(tx, [self.seen(tx, actor, request_id).ward_code])
            if request_queries.result_of(tx, once, actor.id) is not None:
                return
            row = self.seen(tx, actor, request_id, lock=True)
            if version is not None and row.version != version:
                raise StaleWrite(
                    f"request {request_id} has changed since the page was drawn",
                    message_vi="Yêu cầu vừa được người khác cập nhật. Hãy xem lại rồi thực hiện tiếp.",
                )
            if row.closed_at is not None:
                raise MoveNotAllowed("the request is closed", message_vi="Yêu cầu này đã kết thúc.")
            now = self._clock()
            act(tx, row, now)
            request_queries.remember(tx, once, actor.id, now, {"result": None})


def terms_of(row: Any) -> Terms:
    return Terms(row.answer_due_at, row.done_due_at)


def _view(row: Any, names: Mapping[int, str], now: datetime) -> RequestView:
    return RequestView(
        row.id, row.ward_code, Asks(row.kind), CameBy(row.came_by), row.received_at, row.answer_due_at,
        row.done_due_at, row.answered_at, Outcome(row.outcome) if row.outcome else None, row.closed_at,
        names.get(row.entered_by), owed(terms_of(row), row.answered_at, row.closed_at, now), row.version,
    )  # fmt: skip


def _checked(asked: Asked) -> dict[str, str]:
    lines = {
        name: " ".join(clean(getattr(asked, name)).split())[:MOST_LINE]
        for name in ("name", "phone", "email", "address", "id_number", "for_whom")
    }
    if not lines["name"]:
        raise InputInvalid("who asks?", field="name", message_vi="Hãy nhập họ tên người yêu cầu.")
    return lines | {"words": clean(asked.words).strip()[:MOST_TEXT]}


def _record(tx: Tx, row: Any, kind: str, actor: Actor, now: datetime, told: Mapping[str, Any]) -> None:
    data = {"request": row.id, **told}
    ledger.append(tx, [Draft(row.ward_code, kind, now, data, officer_id=actor.id or None)])
