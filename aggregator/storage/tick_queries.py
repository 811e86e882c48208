"""What people said of answers that they brought by hand, and which sources show no answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, insert, select, update

from aggregator.domain.errands import Need
from aggregator.storage.account_tables import officers
from aggregator.storage.case_tables import cases, outbox
from aggregator.storage.channel_tables import channels
from aggregator.storage.db import Tx
from aggregator.storage.errand_tables import errands, silent_sources, ticks
from aggregator.storage.report_queries import chunks


def insert_tick(tx: Tx, values: Mapping[str, Any]) -> int:
    return int(tx.execute(insert(ticks).values(**values).returning(ticks.c.id)).scalar_one())


def living_tick(tx: Tx, message_id: int) -> Row[Any] | None:
    query = select(ticks).where(ticks.c.message_id == message_id, ticks.c.undone_at.is_(None))
    return tx.execute(query).one_or_none()


def change_tick(tx: Tx, tick_id: int, **values: Any) -> bool:
    """Set columns of a tick that still holds; False where somebody took it back meanwhile."""
    still = and_(ticks.c.id == tick_id, ticks.c.undone_at.is_(None))
    return tx.execute(update(ticks).where(still).values(**values)).rowcount == 1


def end(tx: Tx, message_id: int, at: datetime, officer_id: int | None) -> None:
    """Take back whatever tick a message has."""
    held = and_(ticks.c.message_id == message_id, ticks.c.undone_at.is_(None))
    tx.execute(update(ticks).where(held).values(undone_at=at, undone_by=officer_id))


def tick_of(tx: Tx, tick_id: int) -> Row[Any] | None:
    """A tick, also one that was taken back, with what says who may see it."""
    query = (
        select(ticks, cases.c.ward_code, cases.c.legal, cases.c.id.label("case_id"), cases.c.code)
        .join(outbox, outbox.c.id == ticks.c.message_id)
        .join(cases, cases.c.id == outbox.c.case_id)
        .where(ticks.c.id == tick_id)
    )
    return tx.execute(query).one_or_none()


# Sources that show no answers -------------------------------------------------------------------------


def silent(tx: Tx, ward: str | None = None) -> list[Row[Any]]:
    """Channels that show no answers of a ward (None: of any), as people there said."""
    query = (
        select(silent_sources, channels.c.slug, channels.c.title, officers.c.name.label("who"))
        .join(channels, channels.c.id == silent_sources.c.channel_id)
        .join(officers, officers.c.id == silent_sources.c.officer_id)
        .order_by(channels.c.title, silent_sources.c.ward_code)
    )
    return list(tx.execute(query if ward is None else query.where(silent_sources.c.ward_code == ward)))


def is_silent(tx: Tx, channel_id: int, ward: str) -> bool:
    query = select(silent_sources.c.at).where(_source(channel_id, ward))
    return tx.execute(query).one_or_none() is not None


def keep_silent(tx: Tx, channel_id: int, ward: str, officer_id: int, at: datetime) -> None:
    values = {"channel_id": channel_id, "ward_code": ward, "officer_id": officer_id, "at": at}
    tx.execute(insert(silent_sources).values(**values))


def forget_silent(tx: Tx, channel_id: int, ward: str) -> bool:
    """False where nobody had said so."""
    return tx.execute(delete(silent_sources).where(_source(channel_id, ward))).rowcount == 1


def _source(channel_id: int, ward: str) -> ColumnElement[bool]:
    return and_(silent_sources.c.channel_id == channel_id, silent_sources.c.ward_code == ward)


def ticked_at_source(tx: Tx, channel_id: int, ward: str) -> list[int]:
    """Messages of a ward to this channel that are ticked off and not confirmed."""
    query = select(errands.c.message_id).where(
        errands.c.ward_code == ward,
        errands.c.channel_id == channel_id,
        errands.c.need.in_((int(Need.UNSEEN), int(Need.TICKED))),
    )
    return list(tx.scalars(query.order_by(errands.c.need, errands.c.message_id)))


def settle(tx: Tx, message_ids: Sequence[int], at: datetime) -> None:
    """Nothing more is asked of these messages' ticks."""
    for part in chunks(message_ids):
        held = and_(ticks.c.message_id.in_(part), ticks.c.undone_at.is_(None))
        tx.execute(update(ticks).where(held).values(settled_at=at, unseen_at=None))
