"""Who holds checkpoints outside: one row a place, claimed by one worker, settled.

`next_attempt_at` is when a worker may try the place again; while it has one on its way, when its lease ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, func, select, update

from aggregator.storage.account_tables import officers
from aggregator.storage.checkpoint_tables import ledger_places
from aggregator.storage.db import Tx
from aggregator.storage.reminder_queries import insert_once
from aggregator.storage.reminder_tables import mails, reminder_choices

_PLACE = ledger_places.c


@dataclass(frozen=True, slots=True)
class ClaimedPlace:
    """A place that is this worker's for now; `number` is to be brought, `held` is there already."""

    place: str
    number: int
    held: int | None
    attempts: int
    fence: int
    owner: str


def ensure(tx: Tx, places: Sequence[str], now: datetime) -> None:
    """Rows for these places, due at once where they are new."""
    fresh = {"attempts": 0, "next_attempt_at": now, "fence": 0}
    for place in places:
        tx.execute(insert_once(tx, ledger_places).values(place=place, **fresh))


def claim(
    tx: Tx, places: Sequence[str], number: int, owner: str, now: datetime, lease_s: float
) -> ClaimedPlace | None:
    """One of these places that does not hold checkpoint `number` yet and is due, leased to `owner`."""
    free = (
        select(_PLACE.place)
        .where(_PLACE.place.in_(places), _PLACE.next_attempt_at <= now)
        .where(func.coalesce(_PLACE.held_number, 0) < number)
        .order_by(_PLACE.next_attempt_at, _PLACE.place)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    taken = tx.execute(
        update(ledger_places)
        .where(_PLACE.place == free.scalar_subquery())
        .values(
            sending_number=number,
            attempts=_PLACE.attempts + 1,
            fence=_PLACE.fence + 1,
            lease_owner=owner,
            next_attempt_at=now + timedelta(seconds=lease_s),
        )
        .returning(_PLACE.place, _PLACE.held_number, _PLACE.attempts, _PLACE.fence)
    ).one_or_none()
    if taken is None:
        return None
    return ClaimedPlace(taken.place, number, taken.held_number, taken.attempts, taken.fence, owner)


def settle(tx: Tx, claimed: ClaimedPlace, **values: Any) -> bool:
    """Write how it ended. False where another worker has taken it over."""
    mine = (_PLACE.place == claimed.place) & (_PLACE.fence == claimed.fence)
    ended = {"sending_number": None, "lease_owner": None, **values}
    return tx.execute(update(ledger_places).where(mine).values(**ended)).rowcount == 1


def put(tx: Tx, place: str, values: dict[str, Any]) -> None:
    """Set these columns of a place that is there."""
    tx.execute(update(ledger_places).where(_PLACE.place == place).values(**values))


def rows(tx: Tx) -> dict[str, Row[Any]]:
    """Every place that ever was one, by name."""
    return {row.place: row for row in tx.execute(select(ledger_places))}


def person(tx: Tx, login: str) -> Row[Any] | None:
    """The active account with this sign-in name, and its mail address where it has one."""
    query: Select[Any] = (
        select(*(officers.c[name] for name in ("id", "name", "role", "ward_code")), reminder_choices.c.email)
        .outerjoin(reminder_choices, reminder_choices.c.officer_id == officers.c.id)
        .where(officers.c.login == login.casefold(), officers.c.active)
    )
    return tx.execute(query).first()


def mail_state(tx: Tx, key: str) -> tuple[str, str | None] | None:
    """(state, error code) of the mail with this key; None where there is none (any more)."""
    row = tx.execute(select(mails.c.state, mails.c.error_code).where(mails.c.key == key)).first()
    return None if row is None else (row.state, row.error_code)
