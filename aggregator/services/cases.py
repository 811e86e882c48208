"""What people do with a case: answer, note, assign, move, pause, merge, split. One transaction a verb.

    verb | frame (may this person? once? is the page fresh?) | change | clock | ledger | commit

Every verb takes who acts first. `version` is the row version that the person's page was drawn from
(None: do not check); `once` is the one-time key of the form post. What may surprise: a case is closed
by answering it, never by setting a status, so that no citizen is left without a word; and whether a
source has received the answer is no part of the case's status (I7).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from aggregator.domain.delivery import Delivery
from aggregator.domain.people import Actor, Right
from aggregator.domain.sla import ClockKind, Step
from aggregator.domain.text import clean
from aggregator.domain.workflow import OPEN, ReplyKind, Status, after_reply, check_move
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed
from aggregator.sdk.contract import Capabilities
from aggregator.services import (
    case_page,
    case_units,
    clock_log,
    clock_verbs,
    deadlines,
    joining,
    ledger,
    legal_matters,
    questions,
    typed,
)
from aggregator.services.clock import Clock
from aggregator.services.deadlines import Deadlines
from aggregator.services.frame import Frame, not_found, require, seen
from aggregator.services.ledger import Draft
from aggregator.services.legal_matters import Decision
from aggregator.services.owed_told import owed_told
from aggregator.services.views.case import CaseView
from aggregator.storage import (
    case_queries,
    inbox_queries,
    outbox_queries,
    report_queries,
)
from aggregator.storage.db import Database, Tx
from aggregator.storage.outbox_queries import NewMessage
from aggregator.storage.vault import Vault

MAX_REPLY = 10_000
MAX_NOTE = 4_000

#: The steps that an answer has done, whatever the rule. An acknowledgement does those whose rule says so.
_ANSWERS: Mapping[ReplyKind, tuple[Step, ...]] = {
    ReplyKind.RESULT: (Step.FIRST_ANSWER,),
    ReplyKind.REFUSAL: (Step.FIRST_ANSWER,),
    ReplyKind.TRANSFER: (Step.FIRST_ANSWER,),
    ReplyKind.PROGRESS: (Step.FIRST_ANSWER, Step.PROGRESS),
    ReplyKind.EXTENSION: (Step.FIRST_ANSWER, Step.PROGRESS),
}
#: What a channel of a kind allows; unknown kinds (a removed connector) allow nothing.
CapabilitiesOf = Callable[[str], Capabilities]


class Cases:
    """The verbs on cases."""

    def __init__(
        self, db: Database, vault: Vault, clocks: Deadlines, clock: Clock,
        capabilities: CapabilitiesOf, attachments: Path,
    ) -> None:  # fmt: skip
        self._db = db
        self._vault = vault
        self._clocks = clocks
        self._clock = clock
        self._capabilities = capabilities
        self._attachments = attachments
        self._do = Frame(db, clock).do

    # Looking

    def case(self, actor: Actor, case_id: int) -> CaseView:
        """The whole page of one case. `NotFound` alike for a hidden and for a missing one (I13).

        Of a restricted legal matter those without the right for it get the outside alone, and each time
        somebody reads the inside is in the ledger.
        """
        with self._db.read() as tx:
            case = seen(tx, actor, case_id)
            if not (legal_matters.is_restricted(case) and legal_matters.may_read(actor, case)):
                return self._page(tx, actor, case)
        with self._db.write() as tx:
            case = seen(tx, actor, case_id)
            _record(tx, case, "legal_read", actor, self._clock(), {})
            return self._page(tx, actor, case)

    def _page(self, tx: Tx, actor: Actor, case: Any) -> CaseView:
        return case_page.read(tx, self._clocks, actor, case, self._clock(), self._capabilities)

    def find(self, actor: Actor, code: str) -> int:
        """The id of the case with this code (or id) that the person sees; `NotFound` otherwise."""
        with self._db.read() as tx:
            found = case_queries.by_code(tx, clean(code)[:50].strip(), actor.ward)
            if found is None:
                raise not_found()
            return found

    def mark_read(self, actor: Actor, case_id: int) -> None:
        with self._db.read() as tx:
            case = seen(tx, actor, case_id)
            if not case.unread or not legal_matters.may_read(actor, case):
                return
        with self._db.write() as tx:
            case_queries.mark_read(tx, case_id)

    def attachment(self, actor: Actor, attachment_id: int) -> tuple[Path, str, str]:
        """Path, file name and type of a stored attachment of a case that the person sees."""
        with self._db.read() as tx:
            row = report_queries.attachment(tx, attachment_id)
            if row is None or not actor.sees(row.ward_code) or row.state != "stored" or not row.sha256:
                raise not_found()
            homes = case_queries.case_of_report(tx, [row.report_id])
            case = seen(tx, actor, homes.get(row.report_id, 0))
            if not legal_matters.may_read(actor, case):
                raise not_found()
        path = self._attachments / row.sha256[:2] / row.sha256[2:]
        return path, row.filename, row.content_type or "application/octet-stream"

    def reveal(self, actor: Actor, report_id: int, reason: str) -> Mapping[str, str]:
        """Who reported. By right, with a reason, and the look is in the ledger (I12)."""
        require(actor, Right.UNMASK)
        why = typed.text(reason, 500, "reason", "lý do xem thông tin người phản ánh")
        with self._db.write() as tx:
            case_id = case_queries.case_of_report(tx, [report_id]).get(report_id)
            case = seen(tx, actor, case_id or 0)
            legal_matters.check_may_read(actor, case)
            report = report_queries.in_case_ids(tx, [report_id])[0]
            if report.anonymous:
                raise NotAllowed(
                    f"report {report_id} is anonymous",
                    message_vi="Người phản ánh yêu cầu giấu tên: không ai được xem thông tin này.",
                )
            sealed = report_queries.identity(tx, report_id)
            told = {"report": report_id, "reason": why}
            entry = Draft(case.ward_code, "unmasked", self._clock(), told, case.id, actor.id)
            ledger.append(tx, [entry])
        return self._vault.open_json(sealed, "identity") or {}

    # Doing

    def reply(
        self, actor: Actor, case_id: int, kind: ReplyKind, body: str,
        *, version: int | None = None, once: str | None = None,
    ) -> int:  # fmt: skip
        """Answer once; one message for each report goes on its way (I8). The reply's id."""

        def act(tx: Tx, case: Any, now: datetime) -> int:
            return self.answer(tx, actor, case, kind, body, now)

        return int(self._do(actor, case_id, version, once, act))

    def answer(self, tx: Tx, actor: Actor, case: Any, kind: ReplyKind, body: str, now: datetime) -> int:
        """`reply` as a part of another verb, inside its frame."""
        text = typed.text(body, MAX_REPLY, "body", "nội dung phúc đáp")
        if kind is not ReplyKind.PROGRESS:
            legal_matters.check_decided(case)
        target = after_reply(Status(case.status), kind)
        reports = self._living_reports(tx, case.id)
        self._check_length(reports, text)
        values = {"case_id": case.id, "officer_id": actor.id, "kind": kind.value, "body": text, "at": now}
        reply_id = case_queries.insert_reply(tx, values)
        taken_for = legal_matters.kind_of(tx, case)
        by_hand = taken_for is not None and taken_for.secret
        outbox_queries.enqueue(
            tx, [self._message(reply_id, case.id, row, now, by_hand=by_hand) for row in reports]
        )
        steps = _ANSWERS.get(kind, ())
        clock_verbs.done(tx, [row.id for row in reports], steps, now)
        self._set_status(tx, actor, case, target, now)
        outbox_queries.refresh_problem(tx, [case.id])
        told = {
            "reply": reply_id, "kind": kind.value, "sources": [row.slug for row in reports],
            "body_sha256": hashlib.sha256(text.encode()).hexdigest(),
            "deadlines": owed_told(tx, self._clocks.book(tx), [row.id for row in reports]),
        }  # fmt: skip
        _record(tx, case, "replied", actor, now, told | _moved(case, target))
        return reply_id

    def note(self, actor: Actor, case_id: int, text: str, *, once: str | None = None) -> None:
        """An internal note: in the timeline for colleagues, never sent anywhere."""
        words = typed.text(text, MAX_NOTE, "text", "nội dung ghi chú")

        def act(tx: Tx, case: Any, now: datetime) -> None:
            _record(tx, case, "noted", actor, now, {"text": words})

        self._do(actor, case_id, None, once, act)

    def assign(
        self, actor: Actor, case_id: int, *, unit_id: int | None, officer_id: int | None,
        version: int | None = None, once: str | None = None,
    ) -> None:  # fmt: skip
        """Give the case to a unit and an officer of its ward; None is nobody. A new case is accepted."""

        def act(tx: Tx, case: Any, now: datetime) -> None:
            names = inbox_queries.assignees(tx, case.ward_code, unit_id, officer_id)
            if (unit_id and names.unit is None) or (officer_id and names.officer is None):
                raise InputInvalid(
                    "no such unit or officer in this ward", field="officer_id",
                    message_vi="Đơn vị hoặc cán bộ này không thuộc phường của vụ việc.",
                )  # fmt: skip
            status = Status.ACCEPTED if case.status == Status.NEW and officer_id else Status(case.status)
            case_queries.change(tx, case_id, unit_id=unit_id, officer_id=officer_id, status=status.value)
            case_units.led_by(tx, self._clocks, actor, case, unit_id, now)
            clock_verbs.hand_over(tx, self._clocks, actor, case, unit_id, now)
            told = {"unit": names.unit, "officer": names.officer}
            _record(tx, case, "assigned", actor, now, told | _moved(case, status))

        self._do(actor, case_id, version, once, act)

    def move(
        self, actor: Actor, case_id: int, status: Status, reason: str = "",
        *, version: int | None = None, once: str | None = None,
    ) -> None:  # fmt: skip
        """Take the case one allowed step on. Closing needs an answer: use `reply`.

        Waiting for the citizen pauses the clock; who moves on from it has what was asked for, and that
        pause ends with it.
        """
        why = clean(reason).strip()[:MAX_NOTE]

        def act(tx: Tx, case: Any, now: datetime) -> None:
            if status not in OPEN:
                raise MoveNotAllowed(
                    f"{status.value} needs an answer",
                    message_vi="Muốn kết thúc vụ việc, hãy gửi phúc đáp (kết quả hoặc từ chối có lý do).",
                )
            legal_matters.check_ordinary(case)
            check_move(Status(case.status), status)
            self._set_status(tx, actor, case, status, now)
            _record(tx, case, "moved", actor, now, {"reason": why} | _moved(case, status))

        self._do(actor, case_id, version, once, act)

    def pause(
        self, actor: Actor, case_id: int, reason_code: str, note: str = "",
        *, version: int | None = None, once: str | None = None,
    ) -> None:  # fmt: skip
        """Stop the clock for one of the allowed reasons."""

        def act(tx: Tx, case: Any, now: datetime) -> None:
            legal_matters.check_ordinary(case)
            status = clock_verbs.pause(tx, self._clocks, actor, case, reason_code, now)
            told = {"reason": reason_code, "note": clean(note).strip()[:MAX_NOTE]}
            _record(tx, case, "paused", actor, now, told | _moved(case, status))

        self._do(actor, case_id, version, once, act)

    def resume(
        self, actor: Actor, case_id: int, *, version: int | None = None, once: str | None = None
    ) -> None:
        """Let the clock run on; the time it stood still is given back."""

        def act(tx: Tx, case: Any, now: datetime) -> None:
            legal_matters.check_ordinary(case)
            status = clock_verbs.resume(tx, self._clocks, actor, case, now)
            _record(tx, case, "resumed", actor, now, _moved(case, status))

        self._do(actor, case_id, version, once, act)

    def extend(
        self, actor: Actor, case_id: int, until: date, reason: str, tell: str = "",
        *, version: int | None = None, once: str | None = None,
    ) -> None:  # fmt: skip
        """Move the result's deadline, once, to the close of `until`.

        `tell`, where given, goes to every source as a report of progress.
        """
        words = typed.text(tell, MAX_REPLY, "tell", "nội dung báo gia hạn") if tell.strip() else ""

        def act(tx: Tx, case: Any, now: datetime) -> None:
            legal_matters.check_ordinary(case)
            told = clock_verbs.extend(tx, self._clocks, actor, case, until, reason, now)
            _record(tx, case, "extended", actor, now, told)
            if words:
                self.answer(tx, actor, case, ReplyKind.PROGRESS, words, now)

        self._do(actor, case_id, version, once, act)

    # Complaints and denunciations

    def decide_legal(
        self, actor: Actor, case_id: int, decision: Decision,
        *, version: int | None = None, once: str | None = None,
    ) -> None:  # fmt: skip
        """Say that the case is a legal matter and was handed over, that it is none, or take that back."""

        def act(tx: Tx, case: Any, now: datetime) -> None:
            legal_matters.decide(tx, self._clocks, actor, case, decision, now)

        self._do(actor, case_id, version, once, act)

    # Joining and parting

    def merge(
        self, actor: Actor, case_id: int, into_id: int, *, version: int | None = None, once: str | None = None
    ) -> int:
        """All reports of `case_id` join `into_id` (same ward, both open); can be undone by `split`."""

        def act(tx: Tx, case: Any, now: datetime) -> int:
            into = seen(tx, actor, into_id, lock=True)
            joining.merge(tx, self._clocks, actor, case, into, now)
            return into_id

        return int(
            self._do(actor, case_id, version, once, act, also=lambda tx: [seen(tx, actor, into_id).id])
        )

    def split(
        self, actor: Actor, case_id: int, report_ids: Sequence[int],
        *, version: int | None = None, once: str | None = None,
    ) -> int:  # fmt: skip
        """Take reports out, back to the case they came from or into a new one; that case's id."""

        def act(tx: Tx, case: Any, now: datetime) -> int:
            return joining.split(tx, self._clocks, actor, case, report_ids, now)

        def former(tx: Tx) -> list[int]:
            # A split may revive a case that these reports lived in before: its numbers must follow.
            return [one for homes in case_queries.earlier_cases(tx, report_ids).values() for one in homes]

        return int(self._do(actor, case_id, version, once, act, also=former))

    # Parts of verbs

    def _living_reports(self, tx: Tx, case_id: int) -> list[Any]:
        members = [row.report_id for row in case_queries.living(tx, case_id)]
        return report_queries.in_case_ids(tx, members)

    def _check_length(self, reports: Sequence[Any], text: str) -> None:
        for row in reports:
            most = self._capabilities(row.channel_kind).max_reply_chars
            if len(text) > most:
                raise InputInvalid(
                    f"{row.slug} takes at most {most} characters, this answer has {len(text)}", field="body",
                    message_vi=f"Kênh {row.title} chỉ nhận {most} ký tự; phúc đáp này dài {len(text)} ký tự.",
                )  # fmt: skip

    def _message(self, reply_id: int, case_id: int, row: Any, now: datetime, *, by_hand: bool) -> NewMessage:
        # No write call: the answer waits for a person who carries it over by hand. So does one to a
        # denouncer: what a portal shows of it could tell who denounced (Luật Tố cáo 2018, art. 8).
        writes = self._capabilities(row.channel_kind).push_reply and not by_hand
        return NewMessage(
            idempotency_key=secrets.token_hex(16), reply_id=reply_id, report_id=row.id,
            channel_id=row.channel_id, case_id=case_id,
            state=Delivery.PENDING if writes else Delivery.MANUAL, now=now,
        )  # fmt: skip

    def _set_status(self, tx: Tx, actor: Actor, case: Any, to: Status, now: datetime) -> None:
        """Status, and what it means for the clock: closing stops it, reopening lets it go on, and while
        the citizen is asked it stands still."""
        members = [row.report_id for row in case_queries.living(tx, case.id)]
        closes, reopens = case.is_open and to not in OPEN, not case.is_open and to in OPEN
        informed = case.status == Status.NEEDS_INFO != to and not closes
        resumes = informed and clock_log.pause_reason(tx, case.id) == "needs_info"
        waits = to == Status.NEEDS_INFO != case.status and clock_log.pause_reason(tx, case.id) is None
        if closes:
            deadlines.close(tx, case.id, members, now, actor.id)
        elif reopens:
            deadlines.reopen(tx, self._clocks.book(tx), case.id, members, now, actor.id)
        elif resumes:
            clock_log.append(tx, case.id, ClockKind.RESUME, now, actor.id)
            _record(tx, case, "resumed", actor, now, {})
        elif waits:
            clock_log.append(tx, case.id, ClockKind.PAUSE, now, actor.id, reason="needs_info")
            _record(tx, case, "paused", actor, now, {"reason": "needs_info"})
        case_queries.change(
            tx, case.id, status=to.value, is_open=to in OPEN,
            closed_at=now if closes else (None if reopens else case.closed_at),
        )  # fmt: skip
        self._clocks.refresh(tx, case.id, now)
        if closes or reopens:
            questions.refresh(tx, [case.id])


def _moved(case: Any, to: Status) -> dict[str, str]:
    return {} if case.status == to else {"from": case.status, "to": to.value}


def _record(tx: Tx, case: Any, kind: str, actor: Actor, now: datetime, data: Mapping[str, Any]) -> None:
    ledger.append(tx, [Draft(case.ward_code, kind, now, data, case.id, actor.id)])
