"""Answering a case: what is said, to whom, and what it changes.

    give       reply row | one message a source, due when it can no longer be taken back | clock | status
    correct    a new message, behind the first, to whoever got that

These are parts of verbs, inside their frame: `Cases` opens it, `Placing` and `Bodies` answer in theirs.
Taking an answer back is `taking_back`.

What may surprise: an acknowledgement goes to those alone who were not told yet, and by itself only where
nobody has to carry it; a correction changes nothing about the case, not even its clock.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from aggregator.domain.delivery import NO_KIND, Delivery, spoken_as
from aggregator.domain.local_time import day_vi
from aggregator.domain.people import Actor
from aggregator.domain.sla import Step
from aggregator.domain.text import clean, sha256_of
from aggregator.domain.workflow import CLOSING, OPEN, ReplyKind, Status, after_reply
from aggregator.domain.worktime import VN
from aggregator.errors import InputInvalid, MoveNotAllowed
from aggregator.sdk.contract import Capabilities
from aggregator.services import answer_files, ledger, legal_matters, taking_back, typed
from aggregator.services.answer_files import Kept
from aggregator.services.case_status import moved, set_status
from aggregator.services.deadlines import Deadlines
from aggregator.services.guidance import received
from aggregator.services.owed_told import owed_told
from aggregator.services.rules import Book
from aggregator.services.taking_back import Guided
from aggregator.storage import (
    answer_queries,
    case_queries,
    channel_queries,
    outbox_queries,
    reply_file_queries,
    report_queries,
)
from aggregator.storage.db import Tx
from aggregator.storage.outbox_queries import NewMessage

MAX_REPLY = 10_000
MAX_BODY_NAME = 200

#: The steps that an answer has done, whatever the rule. An acknowledgement does those whose rule says so,
#: and a correction none.
_DOES: Mapping[ReplyKind, tuple[Step, ...]] = {
    ReplyKind.RESULT: (Step.FIRST_ANSWER,),
    ReplyKind.REFUSAL: (Step.FIRST_ANSWER,),
    ReplyKind.TRANSFER: (Step.FIRST_ANSWER,),
    ReplyKind.PROGRESS: (Step.FIRST_ANSWER, Step.PROGRESS),
    ReplyKind.EXTENSION: (Step.FIRST_ANSWER, Step.PROGRESS),
}
_BY_ACKNOWLEDGEMENT = (Step.CLASSIFY, Step.FIRST_ANSWER)

#: Somebody works on such a case, or has it at least.
TAKEN_ON = OPEN - {Status.NEW}

#: What a channel of a kind allows; unknown kinds (a removed connector) allow nothing.
CapabilitiesOf = Callable[[str], Capabilities]


@dataclass(frozen=True, slots=True)
class Said:
    """An answer in words, and what its kind adds to them."""

    kind: ReplyKind
    body: str
    #: The body that has the matter now (transfer).
    transfer_to: str = ""
    #: The new date (extension).
    due_at: datetime | None = None
    files: tuple[Kept, ...] = ()


class Answers:
    """What is said to the senders of a case."""

    def __init__(self, clocks: Deadlines, capabilities: CapabilitiesOf, undo_s: float) -> None:
        self._clocks = clocks
        self._capabilities = capabilities
        self._undo_s = undo_s

    # Giving

    def give(
        self, tx: Tx, actor: Actor, case: Any, said: Said, now: datetime, *, guided: Guided | None = None
    ) -> int:
        """One reply, one message for each report (I8); the reply's id."""
        said = _checked(said)
        if said.kind in CLOSING:
            legal_matters.check_decided(case)
        target = after_reply(Status(case.status), said.kind)
        reports = self._reports(tx, case.id)
        if said.kind is ReplyKind.ACKNOWLEDGEMENT:
            reports = _not_told(tx, reports)
        return self._given(tx, actor, case, said, now, reports, target, guided)

    def acknowledge(self, tx: Tx, actor: Actor | None, case: Any, now: datetime) -> None:
        """Tell the senders, once, that their report was taken on: those whose ward or channel wants it.

        Only where it goes by itself: nobody gets work from what was meant to save it. Without an `actor`
        it is told in the name of who has taken the case on, and the ledger names nobody.
        """
        author = actor.id if actor else case.officer_id or answer_queries.last_author(tx, case.id)
        if author is None or legal_matters.state_of(case) is not None:
            return  # what is or may be a complaint has its own first answer
        own = self._clocks.book(tx).wards[case.ward_code]
        said = Said(ReplyKind.ACKNOWLEDGEMENT, received(own, case.code))
        reports = [row for row in self._untouched(tx, case.id) if self._asks(tx, case, row, said)]
        if reports:
            self._given(tx, actor, case, said, now, reports, Status(case.status), author=author)

    def joined(self, tx: Tx, actor: Actor | None, case_ids: Collection[int], now: datetime) -> None:
        """Tell the senders of what joined these cases, where somebody has taken them on already.

        Not where the case was answered: what they are owed is that answer, and a person gives it.
        """
        cases = case_queries.rows(tx, case_ids)
        taken_on = {id_ for id_, case in cases.items() if case.status in TAKEN_ON}
        for case_id in sorted(taken_on - answer_queries.answered(tx, sorted(taken_on))):
            self.acknowledge(tx, actor, cases[case_id], now)

    def tells(self, tx: Tx, channel_id: int, wards: Collection[str]) -> set[str]:
        """Those of the wards where senders of this channel are told by themselves."""
        wanted = channel_queries.by_id(tx, channel_id).options.get("acknowledge", "ward")
        if wanted == "ward":
            return set(wards) & self._clocks.book(tx).acknowledges
        return set(wards) if wanted == "yes" else set()

    def correct(self, tx: Tx, actor: Actor, case: Any, reply_id: int, said: Said, now: datetime) -> int:
        """Say that an answer was wrong, to every source that got it; the correction's id."""
        first = taking_back.reply_of(tx, case, reply_id)
        if first.corrects is not None:
            first = taking_back.reply_of(tx, case, first.corrects)
        if first.withdrawn_at is not None or taking_back.may_undo(first, now):
            raise MoveNotAllowed(
                f"answer {first.id} has not left yet",
                hint="take it back instead",
                message_vi="Phúc đáp này chưa gửi đi. Hãy hoàn tác rồi soạn lại.",
            )
        reports = report_queries.in_case_ids(tx, answer_queries.got(tx, first.id))
        if not reports:
            raise MoveNotAllowed(
                f"no source has answer {first.id}",
                message_vi="Chưa nguồn nào nhận phúc đáp này nên không cần đính chính. Hãy gửi phúc đáp mới.",
            )
        words = typed.text(said.body, MAX_REPLY, "body", "nội dung đính chính")
        text = f"Đính chính phúc đáp ngày {day_vi(first.at)}:\n{words}"
        said = _checked(replace(said, body=text))
        return self._given(tx, actor, case, said, now, reports, Status(case.status), corrects=first)

    def _given(
        self, tx: Tx, actor: Actor | None, case: Any, said: Said, now: datetime, reports: Sequence[Any],
        target: Status, guided: Guided | None = None, corrects: Any = None, *, author: int | None = None,
    ) -> int:  # fmt: skip
        book, ids = self._clocks.book(tx), [row.id for row in reports]
        self._check_length(reports, said.body)
        undo_until = self._undo_until(book, case.ward_code, now)
        reply_id = case_queries.insert_reply(tx, {
            "case_id": case.id, "officer_id": actor.id if actor else author, "kind": said.kind.value,
            "body": said.body, "at": now,
            "transfer_to": said.transfer_to, "due_at": said.due_at, "undo_until": undo_until,
            "corrects": corrects.id if corrects else None,
        })  # fmt: skip
        reply_file_queries.put(tx, reply_id, [asdict(file) for file in said.files])
        self._send(tx, case, said, reply_id, reports, now, undo_until, corrects)
        owed = answer_queries.unmet(tx, ids)
        self._do_steps(tx, book, said.kind, ids, now)
        if actor is None:  # what joined by itself moves nothing but the steps that are done
            self._clocks.refresh(tx, case.id, now)
        elif said.kind is not ReplyKind.CORRECTION:
            set_status(tx, self._clocks, actor, case, target, now)
        if undo_until is not None:
            met = sorted(owed - answer_queries.unmet(tx, ids))
            answer_queries.keep_undo(tx, reply_id, taking_back.before(case, target, met, guided))
        outbox_queries.refresh_problem(tx, [case.id])
        told = {
            "reply": reply_id, "kind": said.kind.value, "sources": [row.slug for row in reports],
            "body_sha256": sha256_of(said.body),
            "deadlines": owed_told(tx, book, ids),
        } | _seldom(said, corrects)  # fmt: skip
        ledger.record(tx, case, "replied", actor, now, told | moved(case, target))
        return reply_id

    def _send(
        self, tx: Tx, case: Any, said: Said, reply_id: int, reports: Sequence[Any], now: datetime,
        after: datetime | None, corrects: Any,
    ) -> None:  # fmt: skip
        taken_for = legal_matters.kind_of(tx, case)
        by_hand = taken_for is not None and taken_for.secret
        corrected = ReplyKind(corrects.kind) if corrects else None
        messages = []
        for row in reports:
            can = self._capabilities(row.channel_kind)
            state, why = first_state(can, said.kind, corrected, by_hand=by_hand)
            messages.append(NewMessage(
                idempotency_key=secrets.token_hex(16), reply_id=reply_id, report_id=row.id,
                channel_id=row.channel_id, case_id=case.id, state=state, now=now, after=after, why=why,
                files_left=self._files_left(row, said) if state is Delivery.PENDING else 0,
            ))  # fmt: skip
        outbox_queries.enqueue(tx, messages)

    def _files_left(self, row: Any, said: Said) -> int:
        """How many files will not go there: told while the answer can still be taken back."""
        take = answer_files.taking(self._capabilities(row.channel_kind), row.channel_options or {})
        return len(answer_files.sorted_out(take, said.files)[1])

    def _do_steps(self, tx: Tx, book: Book, kind: ReplyKind, ids: Sequence[int], now: datetime) -> None:
        for step in _DOES.get(kind, ()):
            case_queries.meet_deadlines(tx, ids, now, (step,))
        if kind is ReplyKind.ACKNOWLEDGEMENT:
            rules = [policy.id for policy in book.policies.values() if policy.by_acknowledgement]
            answer_queries.meet_by_rule(tx, ids, now, _BY_ACKNOWLEDGEMENT, rules)

    def undo_left(self, tx: Tx, case: Any, reply_id: int, now: datetime) -> int | None:
        """The seconds in which an answer of this case can still be taken back; None where it cannot."""
        reply = taking_back.reply_of(tx, case, reply_id)
        if reply.withdrawn_at is not None or not taking_back.may_undo(reply, now):
            return None
        left: float = (reply.undo_until - now).total_seconds()
        return ceil(left)

    def _undo_until(self, book: Book, ward: str, now: datetime) -> datetime | None:
        own = book.undo_s.get(ward)
        seconds = self._undo_s if own is None else own
        return now + timedelta(seconds=seconds) if seconds > 0 else None

    def _reports(self, tx: Tx, case_id: int) -> list[Any]:
        members = [row.report_id for row in case_queries.living(tx, case_id)]
        return report_queries.in_case_ids(tx, members)

    def _untouched(self, tx: Tx, case_id: int) -> list[Any]:
        """The reports to which nothing was said yet, nor was about to be."""
        reports = self._reports(tx, case_id)
        spoken_to = answer_queries.spoken_to(tx, [row.id for row in reports])
        return [row for row in reports if row.id not in spoken_to]

    def _asks(self, tx: Tx, case: Any, row: Any, said: Said) -> bool:
        """Whether the source of this report is to be told so, and takes it by itself."""
        can = self._capabilities(row.channel_kind)
        if not can.push_reply or spoken_as(said.kind, can.push_kinds) is None:
            return False
        return len(said.body) <= can.max_reply_chars and bool(
            self.tells(tx, row.channel_id, [case.ward_code])
        )

    def _check_length(self, reports: Sequence[Any], text: str) -> None:
        for row in reports:
            most = self._capabilities(row.channel_kind).max_reply_chars
            if len(text) > most:
                raise InputInvalid(
                    f"{row.slug} takes at most {most} characters, this answer has {len(text)}", field="body",
                    message_vi=f"Kênh {row.title} chỉ nhận {most} ký tự; phúc đáp này dài {len(text)} ký tự.",
                )  # fmt: skip


def first_state(
    can: Capabilities, kind: ReplyKind, corrected: ReplyKind | None = None, *, by_hand: bool = False
) -> tuple[Delivery, str | None]:
    """Where a message begins, and why where that is with a person.

    No write call, or no word for such an answer: it waits for a person who carries it over. So does
    one to a denouncer: what a portal shows of it could tell who denounced (Luật Tố cáo 2018, art. 8).
    """
    if not can.push_reply or by_hand:
        return Delivery.MANUAL, None
    if spoken_as(kind, can.push_kinds, corrected=corrected) is None:
        return Delivery.MANUAL, NO_KIND
    return Delivery.PENDING, None


def _not_told(tx: Tx, reports: Sequence[Any]) -> list[Any]:
    """Those whose sender was not told yet that the report came; nobody is told twice."""
    told = answer_queries.acknowledged(tx, [row.id for row in reports])
    left = [row for row in reports if row.id not in told]
    if not left:
        raise MoveNotAllowed(
            "every sender was told already that the report came",
            message_vi="Người gửi đã được báo tiếp nhận rồi. Hãy gửi phúc đáp khác.",
        )
    return left


def _checked(said: Said) -> Said:
    """Cleaned, with the name that a transfer and the date that an extension cannot do without."""
    body = typed.text(said.body, MAX_REPLY, "body", "nội dung phúc đáp")
    to = " ".join(clean(said.transfer_to).split())
    if said.kind is ReplyKind.TRANSFER and not 0 < len(to) <= MAX_BODY_NAME:
        raise InputInvalid(
            f"transfer_to has 1 to {MAX_BODY_NAME} characters", field="transfer_to",
            message_vi="Hãy ghi tên cơ quan tiếp tục giải quyết.",
        )  # fmt: skip
    if said.kind is ReplyKind.EXTENSION:
        if said.due_at is None:
            raise InputInvalid(
                "an extension needs its date", field="kind",
                message_vi="Hãy dùng mục Đồng hồ để gia hạn và báo cho người dân.",
            )  # fmt: skip
        body = _with_date(body, said.due_at)
    return replace(said, body=body, transfer_to=to if said.kind is ReplyKind.TRANSFER else "")


def _with_date(body: str, due_at: datetime) -> str:
    """The citizen reads the new date, also where the source has no field for it and the officer forgot."""
    day = due_at.astimezone(VN)
    told = f"{day:%d/%m}" in body or f"{day.day}/{day.month}" in body
    return body if told else f"{body}\nThời hạn mới: {day:%d/%m/%Y}."


def _seldom(said: Said, corrects: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if said.transfer_to:
        found["transfer_to"] = said.transfer_to
    if said.due_at is not None:
        found["due_at"] = said.due_at.isoformat()
    if corrects is not None:
        found["corrects"] = corrects.id
    if said.files:
        found["files"] = [file.sha256 for file in said.files]
    return found
