"""What people do with a case: answer, note, assign, move, pause, merge, split. One transaction a verb.

    verb | frame (may this person? once? is the page fresh?) | change | clock | ledger | commit

Every verb takes who acts first. `version` is the row version that the person's page was drawn from
(None: do not check); `once` is the one-time key of the form post. What may surprise: a case is closed
by answering it, never by setting a status, so that no citizen is left without a word; and whether a
source has received the answer is no part of the case's status (I7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from aggregator.domain.people import Actor, Right
from aggregator.domain.text import clean
from aggregator.domain.workflow import OPEN, ReplyKind, Status, check_move
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed
from aggregator.services import (
    answer_files,
    case_page,
    case_units,
    clock_verbs,
    joining,
    ledger,
    legal_matters,
    taking_back,
    typed,
)
from aggregator.services.answer_files import Again, Chosen, Kept
from aggregator.services.answers import MAX_REPLY, Answers, CapabilitiesOf, Said
from aggregator.services.case_status import moved, set_status
from aggregator.services.clock import Clock
from aggregator.services.deadlines import Deadlines
from aggregator.services.frame import Frame, not_found, require, seen
from aggregator.services.kept_files import path_of
from aggregator.services.ledger import Draft
from aggregator.services.legal_matters import Decision
from aggregator.services.taking_back import Guided
from aggregator.services.views.case import CaseView
from aggregator.storage import case_queries, inbox_queries, register_queries, report_queries
from aggregator.storage.db import Database, Tx
from aggregator.storage.vault import Vault

MAX_NOTE = 4_000


class Cases:
    """The verbs on cases."""

    def __init__(
        self, db: Database, vault: Vault, clocks: Deadlines, clock: Clock,
        capabilities: CapabilitiesOf, attachments: Path, *, undo_s: float = 0,
    ) -> None:  # fmt: skip
        self._db = db
        self._vault = vault
        self._clocks = clocks
        self._clock = clock
        self._capabilities = capabilities
        self._attachments = attachments
        self._do = Frame(db, clock).do
        self._answers = Answers(clocks, capabilities, undo_s)

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
            ledger.record(tx, case, "legal_read", actor, self._clock(), {})
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
        path = path_of(self._attachments, row.sha256)
        return path, row.filename, row.content_type or "application/octet-stream"

    def answer_file(self, actor: Actor, file_id: int) -> tuple[Path, str, str]:
        """Path, file name and type of a file that went with an answer; `NotFound` as for its case."""
        with self._db.read() as tx:
            return answer_files.stored(tx, self._attachments, actor, file_id)

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
            if not actor.may(Right.PRIVACY) and register_queries.restricted(tx, [report_id]):
                raise NotAllowed(
                    f"processing of report {report_id} is restricted on its sender's request",
                    message_vi="Người phản ánh yêu cầu hạn chế xử lý dữ liệu: chỉ lãnh đạo được xem.",
                )
            sealed = report_queries.identity(tx, report_id)
            told = {"report": report_id, "reason": why}
            entry = Draft(case.ward_code, "unmasked", self._clock(), told, case.id, actor.id)
            ledger.append(tx, [entry])
        return self._vault.open_json(sealed, "identity") or {}

    # Doing

    def reply(
        self, actor: Actor, case_id: int, kind: ReplyKind, body: str,
        *, transfer_to: str = "", files: Sequence[Chosen | Again] = (),
        version: int | None = None, once: str | None = None,
    ) -> int:  # fmt: skip
        """Answer once; one message for each report goes on its way (I8). The reply's id.

        `transfer_to`: the body that has the matter now. An extension is told by `extend`, a correction by
        `correct`. `files` are on disk before the answer is written down.
        """
        if kind is ReplyKind.CORRECTION:
            raise InputInvalid(
                "a correction says which answer it corrects", field="kind",
                message_vi="Hãy chọn “Đính chính” ở phúc đáp cần sửa.",
            )  # fmt: skip
        said = Said(kind, body, transfer_to, files=self._kept(actor, case_id, files))

        def act(tx: Tx, case: Any, now: datetime) -> int:
            return self.answer(tx, actor, case, said, now)

        return int(self._do(actor, case_id, version, once, act))

    def _kept(self, actor: Actor, case_id: int, files: Sequence[Chosen | Again]) -> tuple[Kept, ...]:
        """The files of an answer to come, on disk; nobody fills it for what they may not answer."""
        if not files:
            return ()
        require(actor, Right.HANDLE)
        with self._db.read() as tx:
            if not legal_matters.may_read(actor, seen(tx, actor, case_id)):
                raise not_found()
            before = answer_files.again(tx, case_id, files)
        chosen = [one for one in files if isinstance(one, Chosen)]
        return answer_files.keep(self._attachments, chosen, before)

    def answer(
        self, tx: Tx, actor: Actor, case: Any, said: Said, now: datetime, guided: Guided | None = None
    ) -> int:
        """`reply` as a part of another verb, inside its frame."""
        return self._answers.give(tx, actor, case, said, now, guided=guided)

    def correct(
        self, actor: Actor, case_id: int, reply_id: int, body: str,
        *, files: Sequence[Chosen | Again] = (), version: int | None = None, once: str | None = None,
    ) -> int:  # fmt: skip
        """Tell every source that got an answer that it was wrong; the correction's id."""
        said = Said(ReplyKind.CORRECTION, body, files=self._kept(actor, case_id, files))

        def act(tx: Tx, case: Any, now: datetime) -> int:
            return self._answers.correct(tx, actor, case, reply_id, said, now)

        return int(self._do(actor, case_id, version, once, act))

    def undo_left(self, actor: Actor, case_id: int, reply_id: int) -> int | None:
        """For how many seconds an answer can still be taken back; None where it cannot be any more."""
        with self._db.read() as tx:
            return self._answers.undo_left(tx, seen(tx, actor, case_id), reply_id, self._clock())

    def withdraw_reply(self, actor: Actor, case_id: int, reply_id: int, *, once: str | None = None) -> int:
        """Take an answer back while none of it has left: status and clock are as before. The reply's id.

        Raises `MoveNotAllowed` where it is too late.
        """

        def act(tx: Tx, case: Any, now: datetime) -> int:
            return taking_back.take_back(tx, self._clocks, actor, case, reply_id, now)

        return int(self._do(actor, case_id, None, once, act))

    def note(self, actor: Actor, case_id: int, text: str, *, once: str | None = None) -> None:
        """An internal note: in the timeline for colleagues, never sent anywhere."""
        words = typed.text(text, MAX_NOTE, "text", "nội dung ghi chú")

        def act(tx: Tx, case: Any, now: datetime) -> None:
            ledger.record(tx, case, "noted", actor, now, {"text": words})

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
            ledger.record(tx, case, "assigned", actor, now, told | moved(case, status))
            self._acknowledge(tx, actor, case, status, now)

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
            set_status(tx, self._clocks, actor, case, status, now)
            ledger.record(tx, case, "moved", actor, now, {"reason": why} | moved(case, status))
            self._acknowledge(tx, actor, case, status, now)

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
            ledger.record(tx, case, "paused", actor, now, told | moved(case, status))

        self._do(actor, case_id, version, once, act)

    def resume(
        self, actor: Actor, case_id: int, *, version: int | None = None, once: str | None = None
    ) -> None:
        """Let the clock run on; the time it stood still is given back."""

        def act(tx: Tx, case: Any, now: datetime) -> None:
            legal_matters.check_ordinary(case)
            status = clock_verbs.resume(tx, self._clocks, actor, case, now)
            ledger.record(tx, case, "resumed", actor, now, moved(case, status))

        self._do(actor, case_id, version, once, act)

    def extend(
        self, actor: Actor, case_id: int, until: date, reason: str, tell: str = "",
        *, files: Sequence[Chosen | Again] = (), version: int | None = None, once: str | None = None,
    ) -> int | None:  # fmt: skip
        """Move the result's deadline, once, to the close of `until`.

        `tell`, where given, goes to every source with the new date and the `files`: then the answer's id.
        Taking that answer back takes the extension back, too.
        """
        # Whoever chose files meant to send them: without words they would go nowhere, in silence.
        words = typed.text(tell, MAX_REPLY, "tell", "nội dung báo gia hạn") if tell.strip() or files else ""
        kept = self._kept(actor, case_id, files)

        def act(tx: Tx, case: Any, now: datetime) -> int | None:
            legal_matters.check_ordinary(case)
            told = clock_verbs.extend(tx, self._clocks, actor, case, until, reason, now)
            ledger.record(tx, case, "extended", actor, now, told)
            if not words:
                return None
            due_at = datetime.fromisoformat(told["due_at"])
            said = Said(ReplyKind.EXTENSION, words, due_at=due_at, files=kept)
            return self.answer(tx, actor, case, said, now)

        given = self._do(actor, case_id, version, once, act)
        return int(given) if given else None

    def _acknowledge(self, tx: Tx, actor: Actor, case: Any, status: Status, now: datetime) -> None:
        """Tell the senders that somebody took the case on, where their ward or channel wants that."""
        if status is Status.ACCEPTED and case.status == Status.NEW:
            self._answers.acknowledge(tx, actor, case_queries.row(tx, case.id), now)

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
            self._answers.joined(tx, actor, [into_id], now)
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
