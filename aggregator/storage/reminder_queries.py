"""Reminders: which cases to look at, what was told, how people want it, and the work of a digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, Table, bindparam, case, delete, func, or_, select, update

from aggregator.storage.account_tables import officers
from aggregator.storage.case_tables import cases, deadlines, memberships
from aggregator.storage.db import Tx
from aggregator.storage.reminder_tables import digests, reminder_choices, reminders
from aggregator.storage.report_queries import chunks
from aggregator.storage.upsert import inserting

#: Legal matters whose text is restricted: nobody is reminded of them as of feedback.
_RESTRICTED = ("recognised", "confirmed")


def insert_once(tx: Tx, table: Table) -> Any:
    """An insert that leaves alone what is there already."""
    return inserting(tx, table).on_conflict_do_nothing()


# Looking ----------------------------------------------------------------------------------------------

_SEEN = (
    cases.c.id, cases.c.code, cases.c.title, cases.c.ward_code, cases.c.unit_id, cases.c.officer_id,
    cases.c.is_open, cases.c.legal, cases.c.due_at, cases.c.due_step, cases.c.stage, cases.c.version,
    cases.c.opened_at, cases.c.delivery_problem,
)  # fmt: skip


def to_look_at(tx: Tx, now: datetime, limit: int) -> list[Row[Any]]:
    """Cases whose next look has come, earliest first."""
    query = select(*_SEEN).where(cases.c.remind_at <= now).order_by(cases.c.remind_at, cases.c.id)
    return list(tx.execute(query.limit(limit)))


def look_again(tx: Tx, moved: Sequence[tuple[int, datetime | None]]) -> None:
    """Set when each case is looked at next."""
    if moved:
        statement = update(cases).where(cases.c.id == bindparam("case")).values(remind_at=bindparam("at"))
        tx.execute(statement, [{"case": case_id, "at": at} for case_id, at in moved])


def ruling(tx: Tx, case_ids: Sequence[int]) -> list[Row[Any]]:
    """The deadlines still owed of the step that is due next, of each case."""
    found: list[Row[Any]] = []
    for part in chunks(case_ids):
        query = (
            select(memberships.c.case_id, deadlines.c.due_at, deadlines.c.due_soon_at, deadlines.c.policy_id)
            .join(deadlines, deadlines.c.report_id == memberships.c.report_id)
            .join(cases, cases.c.id == memberships.c.case_id)
            .where(
                memberships.c.case_id.in_(part),
                memberships.c.ended_at.is_(None),
                deadlines.c.met_at.is_(None),
                deadlines.c.step == cases.c.due_step,
            )
        )
        found.extend(tx.execute(query))
    return found


def told(tx: Tx, case_ids: Sequence[int], now: datetime) -> dict[int, list[Row[Any]]]:
    """Case -> what was told of it up to now, in its order."""
    found: dict[int, list[Row[Any]]] = {case_id: [] for case_id in case_ids}
    for part in chunks(case_ids):
        query = select(reminders).where(reminders.c.case_id.in_(part), reminders.c.told_at <= now)
        for row in tx.execute(query.order_by(reminders.c.id)):
            found[row.case_id].append(row)
    return found


def forget_unlived(tx: Tx, case_ids: Sequence[int], now: datetime) -> None:
    """What was told by a clock that had leapt ahead was told too early: it will be told in its time."""
    for part in chunks(case_ids):
        tx.execute(delete(reminders).where(reminders.c.case_id.in_(part), reminders.c.told_at > now))


def insert_reminders(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        tx.execute(insert_once(tx, reminders), list(rows))


def staff(tx: Tx) -> list[Row[Any]]:
    """Everybody who can sign in, with how they want to be told."""
    chosen = reminder_choices
    query = (
        select(
            officers.c.id, officers.c.name, officers.c.role, officers.c.ward_code, officers.c.unit_id,
            officers.c.legal, chosen.c.email, chosen.c.in_app, chosen.c.by_mail, chosen.c.daily,
            chosen.c.weekly, chosen.c.quiet_from, chosen.c.quiet_to,
        )
        .outerjoin(chosen, chosen.c.officer_id == officers.c.id)
        .where(officers.c.active)
        .order_by(officers.c.id)
    )  # fmt: skip
    return list(tx.execute(query))


# One summary for what is late -------------------------------------------------------------------------


def with_late(tx: Tx, limit: int) -> list[int]:
    """People for whom reminders wait to be folded into one."""
    query = select(reminders.c.officer_id).where(reminders.c.state == "late").distinct()
    return list(tx.scalars(query.order_by(reminders.c.officer_id).limit(limit)))


def fold(tx: Tx, officer_id: int) -> list[Row[Any]]:
    """Take a person's late reminders; those of cases they still hold for, most urgent first.

    Of two workers one gets them.
    """
    mine = (reminders.c.officer_id == officer_id) & (reminders.c.state == "late")
    taken = list(tx.scalars(update(reminders).where(mine).values(state="folded").returning(reminders.c.id)))
    found: list[Row[Any]] = []
    for part in chunks(sorted(taken)):
        query = (
            select(reminders.c.id.label("reminder_id"), reminders.c.kind, reminders.c.level,
                   reminders.c.tell_at, *_SEEN)
            .join(cases, cases.c.id == reminders.c.case_id)
            .where(reminders.c.id.in_(part), cases.c.is_open, cases.c.due_at == reminders.c.due_at)
        )  # fmt: skip
        found.extend(tx.execute(query))
    return sorted(found, key=lambda row: (row.due_at, row.id))


# How people want to be told ---------------------------------------------------------------------------


def choices(tx: Tx, officer_id: int) -> Row[Any] | None:
    query = select(reminder_choices).where(reminder_choices.c.officer_id == officer_id)
    return tx.execute(query).one_or_none()


def put_choices(tx: Tx, officer_id: int, new: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Set `values` on a person's choices; where there are none yet, beside `new`."""
    statement = inserting(tx, reminder_choices).values(officer_id=officer_id, **{**new, **values})
    tx.execute(statement.on_conflict_do_update(index_elements=["officer_id"], set_=dict(values)))


def feed_owner(tx: Tx, feed_hash: str) -> Row[Any] | None:
    """Whose feed this is, while they may sign in."""
    query = (
        select(officers, reminder_choices.c.feed_at)
        .join(reminder_choices, reminder_choices.c.officer_id == officers.c.id)
        .where(reminder_choices.c.feed_hash == feed_hash, officers.c.active)
    )
    return tx.execute(query).one_or_none()


# Digests ----------------------------------------------------------------------------------------------


def digests_made(tx: Tx, since: date) -> set[tuple[str, str, date]]:
    query = select(digests.c.ward_code, digests.c.kind, digests.c.day).where(digests.c.day >= since)
    return {(row[0], row[1], row[2]) for row in tx.execute(query)}


def begin_digest(tx: Tx, ward: str, kind: str, day: date, now: datetime) -> bool:
    """Take it on; False where it was made."""
    row = {"ward_code": ward, "kind": kind, "day": day, "made_at": now, "mails": 0}
    # What is returned and not the count of rows, which PostgreSQL's driver does not tell of an insert.
    made = tx.execute(insert_once(tx, digests).values(**row).returning(digests.c.ward_code))
    return made.one_or_none() is not None


def end_digest(tx: Tx, ward: str, kind: str, day: date, mails: int) -> None:
    mine = (digests.c.ward_code == ward) & (digests.c.kind == kind) & (digests.c.day == day)
    tx.execute(update(digests).where(mine).values(mails=mails))


def forget_digests(tx: Tx, before: date) -> None:
    tx.execute(delete(digests).where(digests.c.day < before))


def work_of(
    tx: Tx, ward: str, *, officer_id: int | None = None, unit_id: int | None = None, free_only: bool = False,
    limit: int = 500,
) -> list[Row[Any]]:  # fmt: skip
    """Open cases of an officer, or of a unit (`free_only`: those nobody has), most urgent first."""
    mine = cases.c.officer_id == officer_id if unit_id is None else cases.c.unit_id == unit_id
    query = select(*_SEEN).where(cases.c.ward_code == ward, cases.c.is_open, mine)
    if free_only:
        query = query.where(cases.c.officer_id.is_(None))
    query = query.where(or_(cases.c.legal.is_(None), cases.c.legal.not_in(_RESTRICTED)))
    return list(tx.execute(query.order_by(cases.c.sort_at, cases.c.id).limit(limit)))


def undelivered(
    tx: Tx, ward: str, *, officer_id: int | None = None, unit_id: int | None = None, limit: int = 100
) -> list[Row[Any]]:
    """Cases, also closed ones, of which a source has not got its answer."""
    mine = cases.c.officer_id == officer_id if unit_id is None else cases.c.unit_id == unit_id
    query = select(*_SEEN).where(cases.c.ward_code == ward, cases.c.delivery_problem, mine)
    query = query.where(or_(cases.c.legal.is_(None), cases.c.legal.not_in(_RESTRICTED)))
    return list(tx.execute(query.order_by(cases.c.sort_at, cases.c.id).limit(limit)))


def week(tx: Tx, ward: str | None, unit_id: int | None, start: datetime, end: datetime) -> Any:
    """Of one ward (None: all) and unit: received, solved, in time and late in that time."""
    ours: list[Any] = [cases.c.status.not_in(("merged", "handed_over"))]
    ours.append(or_(cases.c.legal.is_(None), cases.c.legal.not_in(_RESTRICTED)))
    if ward is not None:
        ours.append(cases.c.ward_code == ward)
    if unit_id is not None:
        ours.append(cases.c.unit_id == unit_id)
    came = cases.c.received_at.between(start, end)
    # A closed case stands in the lists where it was closed: what came this week is open, or closed since.
    since = or_(cases.c.is_open, cases.c.sort_at >= start)
    closed = cases.c.is_open.is_(False) & cases.c.sort_at.between(start, end)
    query = select(
        _count(came).label("received"),
        _count(closed).label("solved"),
        _count(closed & cases.c.late.is_not(True)).label("in_time"),
        _count(closed & cases.c.late.is_(True)).label("late"),
        _count(cases.c.is_open & (cases.c.stage == "overdue")).label("overdue"),
        _count(cases.c.is_open).label("open"),
    ).where(*ours, since)
    return tx.execute(query).one()


def oldest_overdue(tx: Tx, ward: str | None, unit_id: int | None, limit: int) -> list[Row[Any]]:
    """What is overdue for the longest time."""
    query = select(*_SEEN).where(cases.c.is_open, cases.c.stage == "overdue")
    query = query.where(or_(cases.c.legal.is_(None), cases.c.legal.not_in(_RESTRICTED)))
    if ward is not None:
        query = query.where(cases.c.ward_code == ward)
    if unit_id is not None:
        query = query.where(cases.c.unit_id == unit_id)
    return list(tx.execute(query.order_by(cases.c.sort_at, cases.c.id).limit(limit)))


def _count(what: Any) -> Any:
    return func.coalesce(func.sum(case((what, 1), else_=0)), 0)
