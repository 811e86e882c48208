"""A colleague answered at the portal itself: their answer becomes ours, from the time on that it was given.

    reply with their words, at their time | its message: delivered and seen | the other reports get it, too
        | steps and deadlines met at their time | clock stopped | ledger: what was seen, when, its hash

What may surprise: the time is the source's word, kept between when the report came and when we first saw the
answer; the entry holds both, so that nobody can say later that it was made up here. And the clock stops no
earlier than its last event, such as a pause that ended after the answer.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.domain.delivery import Delivery
from aggregator.domain.people import Actor
from aggregator.domain.sla import Step
from aggregator.domain.text import sha256_of
from aggregator.domain.workflow import CLOSING, OPEN, ReplyKind, Status, after_reply
from aggregator.errors import MoveNotAllowed
from aggregator.sdk.contract import Capabilities
from aggregator.services import (
    clock_log,
    clock_verbs,
    deadlines,
    delivery_log,
    ledger,
    legal_matters,
    questions,
)
from aggregator.services.answers import first_state
from aggregator.services.deadlines import Deadlines
from aggregator.services.ledger import Draft
from aggregator.services.owed_told import owed_told
from aggregator.storage import belief_queries, case_queries, outbox_queries, report_queries
from aggregator.storage.db import Tx
from aggregator.storage.outbox_queries import NewMessage

#: What a source's status says that the answer beside it was.
_KINDS = {
    "resolved": ReplyKind.RESULT, "duplicate": ReplyKind.RESULT, "rejected": ReplyKind.REFUSAL,
}  # fmt: skip


def kind_of(source_status: str) -> ReplyKind:
    """What kind of answer stands under a report of this status."""
    return _KINDS.get(source_status, ReplyKind.PROGRESS)


def given_at(row: Any, now: datetime) -> datetime:
    """When the answer of this difference was given: as the source says, as far as that can be."""
    said: datetime = row.written_at or row.found_at
    found: datetime = min(max(said, row.received_at), row.found_at, now)
    return found


@dataclass(frozen=True, slots=True)
class Adoption:
    """Adopts; a part of a verb's transaction, inside its frame."""

    clocks: Deadlines
    capabilities: Callable[[str], Capabilities]

    def adopt(self, tx: Tx, actor: Actor, case: Any, row: Any, now: datetime) -> dict[str, Any]:
        """Take on the foreign answer of a difference; what the ledger is told of it.

        Raises `MoveNotAllowed` for what may be a complaint, and where another source of the case cannot
        take these words.
        """
        kind, at = kind_of(row.source_status), given_at(row, now)
        if kind in CLOSING:
            legal_matters.check_decided(case)
        legal_matters.check_ordinary(case)
        members = [member.report_id for member in case_queries.living(tx, case.id)]
        others = [one for one in report_queries.in_case_ids(tx, members) if one.id != row.report_id]
        reply_id = case_queries.insert_reply(
            tx,
            {"case_id": case.id, "officer_id": actor.id, "kind": kind.value, "body": row.theirs, "at": at},
        )
        open_now = case.is_open
        (mine, *_) = outbox_queries.enqueue(
            tx,
            [
                _message(reply_id, case.id, row.report_id, row.channel_id, Delivery.MANUAL, now),
                *(self._to(reply_id, case.id, one, kind, row.theirs, now) for one in others if open_now),
            ],
        )
        belief_queries.adopted(tx, mine, at, now)
        to = self._stop(tx, actor, case, row.report_id, members, kind, at, now)
        delivery_log.record(tx, [mine], now, officer_id=actor.id, kept=case.id)
        told = {
            "reply": reply_id, "kind": kind.value, "report": row.report_id, "channel": row.slug,
            "answered_at": at.isoformat(), "seen_at": row.found_at.isoformat(),
            "source_says": row.written_at.isoformat() if row.written_at else None,
            "body_sha256": sha256_of(row.theirs),
            "also_to": [one.slug for one in others] if open_now else [],
            "deadlines": owed_told(tx, self.clocks.book(tx), members),
            **({"from": case.status, "to": to.value} if to.value != case.status else {}),
        }  # fmt: skip
        ledger.append(
            tx, [Draft(case.ward_code, "answer_adopted", now, told, case.id, actor.id, row.channel_id)]
        )
        return {"reply": reply_id}

    def _to(
        self, reply_id: int, case_id: int, report: Any, kind: ReplyKind, text: str, now: datetime
    ) -> NewMessage:
        can = self.capabilities(report.channel_kind)
        if len(text) > can.max_reply_chars:
            raise MoveNotAllowed(
                f"{report.slug} takes at most {can.max_reply_chars} characters: answer the case yourself",
                message_vi=f"Vụ việc còn phản ánh ở kênh {report.title}, nơi chỉ nhận {can.max_reply_chars} "
                "ký tự. Hãy tự gửi phúc đáp.",
            )
        state, why = first_state(can, kind)
        return _message(reply_id, case_id, report.id, report.channel_id, state, now, why)

    def _stop(
        self, tx: Tx, actor: Actor, case: Any, report_id: int, members: Sequence[int], kind: ReplyKind,
        at: datetime, now: datetime,
    ) -> Status:  # fmt: skip
        """This report was answered at their time, the others are answered now; the status that leaves."""
        before = Status(case.status)
        if before not in OPEN:
            return before  # a further answer to what is finished
        to = after_reply(before, kind)
        clock_verbs.done(tx, [report_id], (Step.FIRST_ANSWER,), at)
        clock_verbs.done(tx, members, (Step.FIRST_ANSWER,), now)
        closes = to not in OPEN
        if closes:
            clock_verbs.done(tx, [report_id], tuple(Step), at)
            stopped = now if len(members) > 1 else self._no_earlier(tx, members, at)
            deadlines.close(tx, case.id, members, stopped, actor.id)
        case_queries.change(
            tx, case.id, status=to.value, is_open=not closes, closed_at=stopped if closes else case.closed_at
        )
        self.clocks.refresh(tx, case.id, now)
        if closes:
            questions.refresh(tx, [case.id])
        return to

    def _no_earlier(self, tx: Tx, members: Sequence[int], at: datetime) -> datetime:
        events: list[datetime] = [event.at for rows in clock_log.read(tx, members).values() for event in rows]
        return max([at, *events])


def _message(
    reply_id: int, case_id: int, report_id: int, channel_id: int, state: Delivery, now: datetime,
    why: str | None = None,
) -> NewMessage:  # fmt: skip
    key = secrets.token_hex(16)
    return NewMessage(key, reply_id, report_id, channel_id, case_id, state, now, why=why)
