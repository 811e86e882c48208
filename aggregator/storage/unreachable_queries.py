"""Deadlines that fell into an outage: answered in time, and the source was out when they were due."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, func, insert, or_, select, update

from aggregator.storage.case_tables import cases, deadlines, outbox, replies
from aggregator.storage.channel_tables import channels
from aggregator.storage.db import Tx
from aggregator.storage.inbox_queries import ORDINARY
from aggregator.storage.outage_tables import outages, unreachable_deadlines
from aggregator.storage.types import Instant

#: What the source had to be told of by then.
STEPS = ("first_answer", "progress", "result")
_TOOK = func.coalesce(outbox.c.sent_at, outbox.c.acknowledged_at)


#: Made once: it is asked with every change of a message, and building it costs more than asking.
_NOT_THERE = (
    select(
        outbox.c.report_id, outbox.c.case_id, outbox.c.channel_id, cases.c.ward_code, deadlines.c.step,
        deadlines.c.origin, deadlines.c.due_at, replies.c.at.label("answered_at"),
        _TOOK.label("delivered_at"),
    )
    .join(replies, replies.c.id == outbox.c.reply_id)
    .join(
        deadlines,
        and_(
            deadlines.c.report_id == outbox.c.report_id,
            deadlines.c.met_at == replies.c.at,
            deadlines.c.met_at <= deadlines.c.due_at,
            deadlines.c.due_at < bindparam("now", type_=Instant()),
            deadlines.c.step.in_(STEPS),
        ),
    )
    .join(cases, cases.c.id == outbox.c.case_id)
    .where(
        outbox.c.id.in_(bindparam("ids", expanding=True)),
        or_(_TOOK.is_(None), deadlines.c.due_at < _TOOK),
    )
)  # fmt: skip


def not_there_when_due(tx: Tx, message_ids: Collection[int], now: datetime) -> list[Row[Any]]:
    """Deadlines that these messages' answers kept and whose source did not have them by then."""
    return list(tx.execute(_NOT_THERE, {"ids": list(message_ids), "now": now}))


def mark(tx: Tx, values: dict[str, Any]) -> None:
    """Store or renew the mark of one deadline of one report."""
    key = ("report_id", "step", "origin")
    mine = and_(*(unreachable_deadlines.c[name] == values[name] for name in key))
    if not tx.execute(update(unreachable_deadlines).where(mine).values(**values)).rowcount:
        tx.execute(insert(unreachable_deadlines).values(**values))


def of_cases(tx: Tx, case_ids: Collection[int]) -> list[Row[Any]]:
    """The marks of these cases, the earliest deadline first."""
    mine = unreachable_deadlines.c.case_id.in_(list(case_ids))
    return list(tx.execute(_marks(mine).order_by(unreachable_deadlines.c.due_at, unreachable_deadlines.c.id)))


def count(tx: Tx, ward: str | None, since: datetime, until: datetime) -> int:
    """How many cases have such a deadline, due from `since` to before `until`."""
    query = select(func.count(unreachable_deadlines.c.case_id.distinct())).select_from(_joined())
    return int(tx.scalar(query.where(_in(ward, since, until))) or 0)


def listed(tx: Tx, ward: str | None, since: datetime, until: datetime, limit: int) -> list[Row[Any]]:
    """The marks of a period with their cases and channels, the newest deadline first."""
    newest = (unreachable_deadlines.c.due_at.desc(), unreachable_deadlines.c.id.desc())
    return list(tx.execute(_marks(_in(ward, since, until)).order_by(*newest).limit(limit)))


def _in(ward: str | None, since: datetime, until: datetime) -> ColumnElement[bool]:
    """Complaints and denunciations are in none of the leaders' numbers, and so not in this one."""
    due = unreachable_deadlines.c.due_at
    mine = [unreachable_deadlines.c.ward_code == ward] if ward is not None else []
    return and_(due >= since, due < until, ORDINARY, *mine)


def _joined() -> Any:
    """A deadline that is owed again (the case was reopened) has no mark any more."""
    still = and_(
        deadlines.c.report_id == unreachable_deadlines.c.report_id,
        deadlines.c.step == unreachable_deadlines.c.step,
        deadlines.c.origin == unreachable_deadlines.c.origin,
        deadlines.c.met_at == unreachable_deadlines.c.answered_at,
    )
    return (
        unreachable_deadlines.join(deadlines, still)
        .join(cases, cases.c.id == unreachable_deadlines.c.case_id)
        .join(outages, outages.c.id == unreachable_deadlines.c.outage_id)
        .join(channels, channels.c.id == outages.c.channel_id)
    )


def _marks(where: ColumnElement[bool]) -> Select[Any]:
    columns: list[Any] = [
        unreachable_deadlines, cases.c.code, cases.c.title, cases.c.legal, channels.c.slug,
        channels.c.title.label("channel"), outages.c.capability, outages.c.began_at, outages.c.ended_at,
    ]  # fmt: skip
    return select(*columns).select_from(_joined()).where(where)
