"""Mails on their way: written once, claimed by one worker, settled.

As in the outbox of answers: `next_attempt_at` is when a worker may take the row, and NULL where none may.
A row found `sending` when its time comes was in the hands of a worker that died: the server may have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, or_, select, update

from aggregator.storage import ids
from aggregator.storage.account_tables import officers
from aggregator.storage.case_tables import cases
from aggregator.storage.db import Tx
from aggregator.storage.reminder_queries import insert_once
from aggregator.storage.reminder_tables import mails, reminder_choices


@dataclass(frozen=True, slots=True)
class ClaimedMail:
    """A mail that is this worker's for now. `address` None: its person wants no mail (any more)."""

    id: int
    fence: int
    owner: str
    attempts: int
    kind: str
    address: str | None
    subject: str
    body: str
    html: str
    message_id: str
    created_at: datetime
    expires_at: datetime
    #: The case it is about still has the deadline it tells of.
    true: bool
    possible_repeat: bool


def put(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> int:
    """Store mails that are not there yet; how many were."""
    new = [tx.execute(insert_once(tx, mails).values(**row).returning(mails.c.id)).all() for row in rows]
    return sum(map(len, new))


def claim(tx: Tx, owner: str, now: datetime, lease_s: float) -> ClaimedMail | None:
    """The mail due longest, leased to `owner`; None where nothing is due."""
    free = (
        select(mails.c.id)
        .where(mails.c.next_attempt_at <= now)
        .order_by(mails.c.next_attempt_at, mails.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    taken = tx.execute(
        update(mails)
        .where(mails.c.id == free.scalar_subquery())
        .values(
            # Both sides read the row as it was: a lease that ran out may have ended in the server.
            possible_repeat=or_(mails.c.possible_repeat, mails.c.state == "sending"),
            state="sending",
            attempts=mails.c.attempts + 1,
            fence=mails.c.fence + 1,
            lease_owner=owner,
            next_attempt_at=now + timedelta(seconds=lease_s),
        )
        .returning(mails.c.id)
    ).one_or_none()
    return _claimed(tx, taken.id, owner) if taken is not None else None


def _claimed(tx: Tx, mail_id: int, owner: str) -> ClaimedMail:
    query = (
        select(mails, reminder_choices.c.email, reminder_choices.c.by_mail, reminder_choices.c.daily,
               reminder_choices.c.weekly, officers.c.active, cases.c.is_open,
               cases.c.due_at.label("due_now"), cases.c.stage)
        .join(officers, officers.c.id == mails.c.officer_id)
        .outerjoin(reminder_choices, reminder_choices.c.officer_id == mails.c.officer_id)
        .outerjoin(cases, cases.c.id == mails.c.case_id)
        .where(mails.c.id == mail_id)
    )  # fmt: skip
    row = tx.execute(query).one()
    holds = row.case_id is None or (row.is_open and row.due_now == row.due_at and row.stage != "paused")
    return ClaimedMail(
        id=row.id, fence=row.fence, owner=owner, attempts=row.attempts, kind=row.kind,
        address=row.email if row.active and _wanted(row) else None, subject=row.subject,
        body=row.body, html=row.html,
        message_id=row.message_id, created_at=row.created_at, expires_at=row.expires_at, true=holds,
        possible_repeat=row.possible_repeat,
    )  # fmt: skip


def _wanted(row: Any) -> bool:
    """Whether its person still wants this kind of mail."""
    # Who keeps checkpoints of the ledger was named by the administrator, and does it for the office.
    chosen = {"daily": row.daily, "weekly": row.weekly, "checkpoint": True}
    return bool(chosen.get(row.kind, row.by_mail))


def settle(tx: Tx, claimed: ClaimedMail, **values: Any) -> bool:
    """Write how it ended. False where another worker has taken it over."""
    mine = (
        (mails.c.id == claimed.id) & (mails.c.fence == claimed.fence) & (mails.c.lease_owner == claimed.owner)
    )
    return tx.execute(update(mails).where(mine).values(lease_owner=None, **values)).rowcount == 1


def hold_all(tx: Tx, until: datetime) -> None:
    """The server is away: nothing that waits is tried before `until`."""
    waits = (mails.c.state == "waiting") & (mails.c.next_attempt_at < until)
    tx.execute(update(mails).where(waits).values(next_attempt_at=until))


def retry(tx: Tx, mail_id: int, now: datetime, expires_at: datetime) -> bool:
    """A person wants it sent after all; False where it is on its way or was sent."""
    ended = (mails.c.id == mail_id) & mails.c.state.in_(("dead", "dropped", "waiting"))
    values = {
        "state": "waiting",
        "next_attempt_at": now,
        "expires_at": expires_at,
        "fence": mails.c.fence + 1,
    }
    return tx.execute(update(mails).where(ended).values(**values)).rowcount == 1


def listed(tx: Tx, states: Iterable[str], limit: int, mail_id: int | None = None) -> list[Row[Any]]:
    """The newest mails in these states, with whom they are for."""
    query = select(mails, officers.c.login).join(officers, officers.c.id == mails.c.officer_id)
    if mail_id is not None:
        query = query.where(mails.c.id == (mail_id if ids.possible(mail_id) else -1))
    else:
        query = query.where(mails.c.state.in_(list(states)))
    return list(tx.execute(query.order_by(mails.c.id.desc()).limit(limit)))


def newest_digest(tx: Tx, officer_id: int) -> datetime | None:
    """When this person's last daily digest was written."""
    query = select(func.max(mails.c.created_at)).where(
        mails.c.officer_id == officer_id, mails.c.kind == "daily"
    )
    found: datetime | None = tx.scalar(query)
    return found


def forget_before(tx: Tx, at: datetime) -> int:
    return tx.execute(delete(mails).where(mails.c.created_at < at)).rowcount
