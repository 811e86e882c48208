"""Attachments on their way from the source: claimed by moving their next try, settled once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, literal_column, or_, select, update

from aggregator.domain.polling import HELD
from aggregator.storage.channel_tables import channel_schedule
from aggregator.storage.db import Tx
from aggregator.storage.report_tables import attachments, reports

# As a literal, not a parameter: SQLite uses a partial index only where it can prove that it fits.
_PENDING = attachments.c.state == literal_column("'pending'")


def claim(tx: Tx, now: datetime, until: datetime, limit: int) -> list[Row[Any]]:
    """Up to `limit` due attachments of one channel, not to be taken again before `until`.

    The rows carry the channel, and `tries` as counted with this one. Channels that are paused,
    stopped or out of reach keep theirs waiting.
    """
    due = [
        _PENDING,
        or_(attachments.c.next_try_at.is_(None), attachments.c.next_try_at <= now),
        channel_schedule.c.paused.is_(False),
        channel_schedule.c.state.not_in([state.value for state in HELD]),
        channel_schedule.c.breaker == "closed",
    ]
    query: Select[Any] = (
        select(
            attachments.c.id, attachments.c.ref, attachments.c.content_type,
            (attachments.c.tries + 1).label("tries"), reports.c.channel_id,
        )
        .join(reports, reports.c.id == attachments.c.report_id)
        .join(channel_schedule, channel_schedule.c.channel_id == reports.c.channel_id)
        .where(*due)
        .order_by(attachments.c.next_try_at, attachments.c.id)
        .with_for_update(skip_locked=True, of=attachments)
    )  # fmt: skip
    first = tx.execute(query.limit(1)).one_or_none()
    if first is None:
        return []
    rows = list(tx.execute(query.where(reports.c.channel_id == first.channel_id).limit(limit)))
    taken = update(attachments).where(attachments.c.id.in_([row.id for row in rows]))
    tx.execute(taken.values(tries=attachments.c.tries + 1, next_try_at=until))
    return rows


def settle(tx: Tx, attachment_id: int, tries: int, values: dict[str, Any]) -> bool:
    """Write the outcome of this try; False where a later try has taken over."""
    mine = [attachments.c.id == attachment_id, attachments.c.tries == tries, _PENDING]
    return tx.execute(update(attachments).where(*mine).values(**values)).rowcount == 1
