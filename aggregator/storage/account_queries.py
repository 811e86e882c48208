"""Officers, their sessions, and the back-off of failed sign-ins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, case, delete, func, insert, or_, select, update

from aggregator.storage import errand_queries
from aggregator.storage.account_tables import officers, sessions, sign_in_failures
from aggregator.storage.channel_tables import channel_alarms, channels
from aggregator.storage.db import Tx
from aggregator.storage.decision_tables import notices
from aggregator.storage.place_tables import units, wards
from aggregator.storage.report_tables import judgements
from aggregator.storage.upsert import inserting

#: A row of an officer, alone or with more beside it.
Officer = Row[Any]

# Officers -------------------------------------------------------------------------------------------


def insert_officer(tx: Tx, row: dict[str, Any]) -> int | None:
    """The new officer's id; None where the login is taken."""
    new = inserting(tx, officers).values(**row).on_conflict_do_nothing(index_elements=["login"])
    found: int | None = tx.scalar(new.returning(officers.c.id))
    return found


def update_officer(tx: Tx, officer_id: int, **values: Any) -> None:
    tx.execute(update(officers).where(officers.c.id == officer_id).values(**values))


def officer(tx: Tx, officer_id: int) -> Row[Any] | None:
    return tx.execute(select(officers).where(officers.c.id == officer_id)).one_or_none()


def all_officers(tx: Tx, ward: str | None) -> list[Row[Any]]:
    """Everybody, or one ward's people, with their unit's name and when they were last seen."""
    seen = (
        select(func.max(sessions.c.seen_at)).where(sessions.c.officer_id == officers.c.id).scalar_subquery()
    )
    query = select(officers, units.c.name.label("unit"), seen.label("seen_at"))
    query = query.outerjoin(units, units.c.id == officers.c.unit_id).order_by(officers.c.login)
    return list(tx.execute(query if ward is None else query.where(officers.c.ward_code == ward)))


def ward_exists(tx: Tx, code: str) -> bool:
    return tx.scalar(select(wards.c.code).where(wards.c.code == code)) is not None


def unit_ward(tx: Tx, unit_id: int) -> str | None:
    ward: str | None = tx.scalar(select(units.c.ward_code).where(units.c.id == unit_id))
    return ward


# Signing in -----------------------------------------------------------------------------------------


def sign_in_facts(tx: Tx, login: str, key: str) -> tuple[Row[Any] | None, Row[Any] | None]:
    """The active officer of this login, and the back-off of this login and origin."""
    person = tx.execute(select(officers).where(officers.c.login == login, officers.c.active)).one_or_none()
    failed = tx.execute(select(sign_in_failures).where(sign_in_failures.c.key == key)).one_or_none()
    return person, failed


def count_failure(tx: Tx, key: str, now: datetime) -> int:
    """One more failed sign-in; how many in a row that makes."""
    table = sign_in_failures
    again = {"failures": table.c.failures + 1, "last_at": now}
    counted = (
        inserting(tx, table)
        .values(key=key, failures=1, last_at=now, retry_at=now)
        .on_conflict_do_update(index_elements=["key"], set_=again)
        .returning(table.c.failures)
    )
    return int(tx.execute(counted).scalar_one())


def hold_off(tx: Tx, key: str, retry_at: datetime) -> None:
    tx.execute(update(sign_in_failures).where(sign_in_failures.c.key == key).values(retry_at=retry_at))


def forget_failures(tx: Tx, key: str) -> None:
    tx.execute(delete(sign_in_failures).where(sign_in_failures.c.key == key))


def forget_failures_before(tx: Tx, at: datetime) -> None:
    tx.execute(delete(sign_in_failures).where(sign_in_failures.c.last_at < at))


# Sessions -------------------------------------------------------------------------------------------


def insert_session(tx: Tx, row: dict[str, Any]) -> None:
    tx.execute(insert(sessions).values(**row))


#: What waits for a person is counted so far: a badge says "99+" beyond.
MOST_MARKS = 100


def session(tx: Tx, token_hash: str) -> Row[Any] | None:
    """The session with its officer and what waits for them, in one statement; None where either is gone."""
    mine = officers.c.ward_code
    unread = select(notices.c.id).where(
        notices.c.officer_id == officers.c.id,
        notices.c.read_at.is_(None),
        or_(mine.is_(None), notices.c.ward_code == mine),
    )
    asked = select(judgements.c.id)
    # Two questions, of which the database puts one: in a single one no index would lead to the ward.
    questions = case(
        (mine.is_(None), _counted(asked.where(judgements.c.asked_in.isnot(None)))),
        else_=_counted(asked.where(judgements.c.asked_in == mine)),
    )
    errands = case(
        (mine.is_(None), _counted(errand_queries.waiting_of(None))),
        else_=_counted(errand_queries.waiting_of(mine)),
    )
    alarms = (
        select(channel_alarms.c.id)
        .join(channels, channels.c.id == channel_alarms.c.channel_id)
        .where(channel_alarms.c.closed_at.is_(None), or_(mine.is_(None), channels.c.ward_code == mine))
    )
    query: Select[Any] = (
        select(
            sessions.c.seen_at, sessions.c.expires_at,
            officers.c.id, officers.c.login, officers.c.name, officers.c.role, officers.c.ward_code,
            officers.c.unit_id, officers.c.language, officers.c.legal,
            _counted(unread).label("unread"), questions.label("questions"),
            _counted(alarms).label("alarms"), errands.label("errands"),
        )
        .join(officers, officers.c.id == sessions.c.officer_id)
        .where(sessions.c.token_hash == token_hash, officers.c.active)
    )  # fmt: skip
    return tx.execute(query).one_or_none()


def _counted(found: Select[Any]) -> Any:
    few = found.correlate(officers).limit(MOST_MARKS).subquery()
    return select(func.count()).select_from(few).scalar_subquery()


def touch(tx: Tx, token_hash: str, seen_at: datetime) -> None:
    tx.execute(update(sessions).where(sessions.c.token_hash == token_hash).values(seen_at=seen_at))


def end_session(tx: Tx, token_hash: str) -> None:
    tx.execute(delete(sessions).where(sessions.c.token_hash == token_hash))


def end_sessions_of(tx: Tx, officer_id: int, but: str | None = None) -> None:
    """All sessions of one person, `but` the one of this token hash."""
    theirs = sessions.c.officer_id == officer_id
    tx.execute(delete(sessions).where(theirs if but is None else and_(theirs, sessions.c.token_hash != but)))


def end_expired(tx: Tx, now: datetime) -> None:
    tx.execute(delete(sessions).where(sessions.c.expires_at <= now))
