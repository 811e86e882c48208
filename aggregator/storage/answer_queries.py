"""Answers of a case: whom they reached, what they met, and taking one back.

The messages themselves are in `outbox_queries`. What may surprise: that an answer met a deadline is told
by the row that was owed before it and is not after it, not by the time alone: another step may have been
met by the same verb.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, exists, select, update

from aggregator.domain.delivery import Delivery
from aggregator.domain.workflow import CLOSING, ReplyKind
from aggregator.storage.case_tables import deadlines, outbox, replies
from aggregator.storage.db import Tx
from aggregator.storage.place_tables import wards
from aggregator.storage.report_queries import chunks


def reply(tx: Tx, reply_id: int) -> Row[Any] | None:
    return tx.execute(select(replies).where(replies.c.id == reply_id)).one_or_none()


def got(tx: Tx, reply_id: int) -> list[int]:
    """The reports whose source got this answer, or will: not those that refused it for good."""
    query = select(outbox.c.report_id).where(
        outbox.c.reply_id == reply_id,
        outbox.c.state.not_in((Delivery.WITHDRAWN.value, Delivery.DEAD.value)),
    )
    return list(tx.scalars(query.order_by(outbox.c.id)))


def spoken_to(tx: Tx, report_ids: Sequence[int]) -> set[int]:
    """Those of the reports for which any answer was ever queued, taken back or not."""
    found: set[int] = set()
    for part in chunks(report_ids):
        found.update(tx.scalars(select(outbox.c.report_id).where(outbox.c.report_id.in_(part)).distinct()))
    return found


def acknowledged(tx: Tx, report_ids: Sequence[int]) -> set[int]:
    """Those of the reports whose sender was told, or is about to be, that the report came."""
    found: set[int] = set()
    for part in chunks(report_ids):
        query = (
            select(outbox.c.report_id)
            .join(replies, replies.c.id == outbox.c.reply_id)
            .where(
                outbox.c.report_id.in_(part),
                outbox.c.state != Delivery.WITHDRAWN.value,
                replies.c.kind == ReplyKind.ACKNOWLEDGEMENT.value,
            )
        )
        found.update(tx.scalars(query))
    return found


def answered(tx: Tx, case_ids: Sequence[int]) -> set[int]:
    """Those of the cases with a closing answer that was not taken back."""
    found: set[int] = set()
    closing = [kind.value for kind in CLOSING]
    for part in chunks(case_ids):
        query = select(replies.c.case_id).where(
            replies.c.case_id.in_(part), replies.c.kind.in_(closing), replies.c.withdrawn_at.is_(None)
        )
        found.update(tx.scalars(query))
    return found


def last_author(tx: Tx, case_id: int) -> int | None:
    """Who answered the case last."""
    query = select(replies.c.officer_id).where(replies.c.case_id == case_id).order_by(replies.c.id.desc())
    return tx.scalar(query.limit(1))


def later_stands(tx: Tx, case_id: int, reply_id: int) -> bool:
    """Whether an answer that was given after this one was not taken back."""
    later = exists().where(
        replies.c.case_id == case_id, replies.c.id > reply_id, replies.c.withdrawn_at.is_(None)
    )
    return bool(tx.scalar(select(later)))


def keep_undo(tx: Tx, reply_id: int, undo: Mapping[str, Any]) -> None:
    tx.execute(update(replies).where(replies.c.id == reply_id).values(undo=undo))


def mark_withdrawn(tx: Tx, reply_id: int, at: datetime, officer_id: int) -> None:
    values = {"withdrawn_at": at, "withdrawn_by": officer_id}
    tx.execute(update(replies).where(replies.c.id == reply_id).values(**values))


def set_ward(tx: Tx, ward: str, undo_s: int | None, acknowledges: bool) -> bool:
    """False where there is no such ward."""
    values = {"undo_s": undo_s, "acknowledges": acknowledges}
    return tx.execute(update(wards).where(wards.c.code == ward).values(**values)).rowcount == 1


# Deadlines that answers meet --------------------------------------------------------------------------


def unmet(tx: Tx, report_ids: Sequence[int]) -> set[int]:
    """Ids of the deadlines of these reports that are still owed."""
    found: set[int] = set()
    for part in chunks(report_ids):
        query = select(deadlines.c.id).where(deadlines.c.report_id.in_(part), deadlines.c.met_at.is_(None))
        found.update(tx.scalars(query))
    return found


def meet_by_rule(
    tx: Tx, report_ids: Sequence[int], at: datetime, steps: Sequence[str], policy_ids: Sequence[int]
) -> None:
    """Mark these steps as met where they are still owed by one of these rules."""
    for part in chunks(report_ids):
        owed = (
            deadlines.c.report_id.in_(part),
            deadlines.c.step.in_(steps),
            deadlines.c.policy_id.in_(policy_ids),
            deadlines.c.met_at.is_(None),
        )
        tx.execute(update(deadlines).where(*owed).values(met_at=at))


def owe_again(tx: Tx, deadline_ids: Iterable[int], met_at: datetime) -> None:
    """These are owed as before, where what met them at `met_at` is still what met them."""
    for part in chunks(sorted(deadline_ids)):
        mine = (deadlines.c.id.in_(part), deadlines.c.met_at == met_at)
        tx.execute(update(deadlines).where(*mine).values(met_at=None))
