"""Cases and their memberships, clocks and deadlines: what the verbs ask and write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, bindparam, delete, insert, or_, select, update

from aggregator.storage import ids
from aggregator.storage.bulk import insert_rows
from aggregator.storage.case_tables import cases, clock_events, deadlines, memberships, replies
from aggregator.storage.db import Tx
from aggregator.storage.errand_tables import errands
from aggregator.storage.report_queries import chunks


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the kept counters count a case by."""

    ward_code: str
    unit_id: int | None
    officer_id: int | None
    category_code: str | None
    channel_id: int
    status: str
    is_open: bool
    stage: str
    late: bool | None
    delivery_problem: bool
    legal: str | None


_FACTS = (
    cases.c.ward_code, cases.c.unit_id, cases.c.officer_id, cases.c.category_code, cases.c.channel_id,
    cases.c.status, cases.c.is_open, cases.c.stage, cases.c.late, cases.c.delivery_problem,
    cases.c.legal,
)  # fmt: skip


def reserve_ids(tx: Tx, count: int) -> list[int]:
    return ids.reserve(tx, cases, count)


def insert_cases(tx: Tx, rows: list[dict[str, Any]]) -> None:
    insert_rows(tx, cases, rows)


def row(tx: Tx, case_id: int, *, lock: bool = False) -> Row[Any] | None:
    if not ids.possible(case_id):
        return None
    query = select(cases).where(cases.c.id == case_id)
    return tx.execute(query.with_for_update() if lock else query).one_or_none()


def by_code(tx: Tx, code: str, ward: str | None) -> int | None:
    """The newest case with this code, or with this id; of one ward, or of all where it is None."""
    named = cases.c.code == code
    if code.isdecimal() and len(code) < 16:
        named = or_(named, cases.c.id == int(code))
    query = select(cases.c.id).where(named).order_by(cases.c.id.desc()).limit(1)
    if ward is not None:
        query = query.where(cases.c.ward_code == ward)
    found: int | None = tx.scalar(query)
    return found


def rows(tx: Tx, case_ids: Iterable[int]) -> dict[int, Row[Any]]:
    found = {}
    for part in chunks(sorted(set(case_ids))):
        found.update({row.id: row for row in tx.execute(select(cases).where(cases.c.id.in_(part)))})
    return found


def facts(tx: Tx, case_ids: Iterable[int]) -> dict[int, CaseFacts]:
    found = {}
    for part in chunks(sorted(set(case_ids))):
        query = select(cases.c.id, *_FACTS).where(cases.c.id.in_(part))
        found.update({row[0]: CaseFacts(*tuple(row)[1:]) for row in tx.execute(query)})
    return found


#: What the answers that wait for a person have from their case.
_OF_ERRANDS = ("ward_code", "officer_id")


def change(tx: Tx, case_id: int, *, version: int | None = None, **values: Any) -> bool:
    """Set columns and count the version up. False where `version` is no longer the row's."""
    query = update(cases).where(cases.c.id == case_id)
    if version is not None:
        query = query.where(cases.c.version == version)
    changed = tx.execute(query.values(version=cases.c.version + 1, **values)).rowcount == 1
    if changed and (moved := {name: values[name] for name in _OF_ERRANDS if name in values}):
        tx.execute(update(errands).where(errands.c.case_id == case_id).values(**moved))
    return changed


def change_quietly(tx: Tx, case_id: int, **values: Any) -> None:
    """Set derived columns: nobody's open form goes stale because a clock was read again."""
    tx.execute(update(cases).where(cases.c.id == case_id).values(**values))


def set_stages(tx: Tx, changed: list[dict[str, Any]]) -> None:
    """Stage and the instant of the next one for many cases; dicts carry id, stage, next_at."""
    if changed:
        query = update(cases).where(cases.c.id == bindparam("case_id"))
        tx.execute(
            query.values(stage=bindparam("new_stage"), next_at=bindparam("new_next_at")),
            [
                {"case_id": row["id"], "new_stage": row["stage"], "new_next_at": row["next_at"]}
                for row in changed
            ],
        )


def change_many(tx: Tx, columns: Sequence[str], changed: list[dict[str, Any]]) -> None:
    """Set `columns` on many cases at once; each dict carries `id` and every column."""
    if changed:
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in columns}
        tx.execute(
            update(cases)
            .where(cases.c.id == bindparam("case_id"))
            .values(version=cases.c.version + 1, **values),
            [{"case_id": row["id"], **{f"new_{name}": row[name] for name in columns}} for row in changed],
        )


def mark_unread(tx: Tx, case_ids: Iterable[int]) -> None:
    for part in chunks(sorted(set(case_ids))):
        tx.execute(update(cases).where(cases.c.id.in_(part)).values(unread=True))


def mark_read(tx: Tx, case_id: int) -> None:
    # Reading is not a change of the case: the version stays, nobody's open form goes stale.
    tx.execute(update(cases).where(cases.c.id == case_id, cases.c.unread).values(unread=False))


# Memberships


def insert_memberships(tx: Tx, new: list[dict[str, Any]]) -> None:
    insert_rows(tx, memberships, new)


def living(tx: Tx, case_id: int) -> list[Row[Any]]:
    """The memberships that make up the case now, oldest first."""
    query = (
        select(memberships)
        .where(memberships.c.case_id == case_id, memberships.c.ended_at.is_(None))
        .order_by(memberships.c.started_at, memberships.c.id)
    )
    return list(tx.execute(query))


def living_in(tx: Tx, case_ids: Iterable[int]) -> list[int]:
    """The reports that make up these cases now."""
    found: list[int] = []
    for part in chunks(sorted(set(case_ids))):
        query = select(memberships.c.report_id).where(
            memberships.c.case_id.in_(part), memberships.c.ended_at.is_(None)
        )
        found.extend(tx.scalars(query))
    return found


def case_of_report(tx: Tx, report_ids: Iterable[int]) -> dict[int, int]:
    found = {}
    for part in chunks(filter(ids.possible, report_ids)):
        query = select(memberships.c.report_id, memberships.c.case_id).where(
            memberships.c.report_id.in_(part), memberships.c.ended_at.is_(None)
        )
        found.update({row[0]: row[1] for row in tx.execute(query)})
    return found


def end_memberships(tx: Tx, case_id: int, report_ids: Sequence[int], at: datetime, by: int | None) -> int:
    query = update(memberships).where(
        memberships.c.case_id == case_id,
        memberships.c.report_id.in_(report_ids),
        memberships.c.ended_at.is_(None),
    )
    return tx.execute(query.values(ended_at=at, ended_by=by)).rowcount


def earlier_cases(tx: Tx, report_ids: Sequence[int]) -> dict[int, list[int]]:
    """Report -> cases it lived in before, newest first."""
    query = (
        select(memberships.c.report_id, memberships.c.case_id)
        .where(
            memberships.c.report_id.in_([one for one in report_ids if ids.possible(one)]),
            memberships.c.ended_at.isnot(None),
        )
        .order_by(memberships.c.id.desc())
    )
    found: dict[int, list[int]] = {}
    for report_id, case_id in tx.execute(query):
        found.setdefault(report_id, []).append(case_id)
    return found


def brought(tx: Tx, case_ids: Iterable[int]) -> dict[int, set[int]]:
    """Merged case -> the reports that left it with its merging."""
    wanted = list(case_ids)
    found: dict[int, set[int]] = {case_id: set() for case_id in wanted}
    query = (
        select(memberships.c.case_id, memberships.c.report_id)
        .join(cases, cases.c.id == memberships.c.case_id)
        .where(memberships.c.case_id.in_(wanted), memberships.c.ended_at == cases.c.closed_at)
    )
    for case_id, report_id in tx.execute(query):
        found[case_id].add(report_id)
    return found


# Clocks and deadlines


def insert_clock_events(tx: Tx, new: list[dict[str, Any]]) -> None:
    insert_rows(tx, clock_events, new)


def clock_of_reports(tx: Tx, report_ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """Report -> its clock events: its own, and those of each case while it lived there."""
    found: dict[int, list[Row[Any]]] = {report_id: [] for report_id in report_ids}
    for part in chunks(report_ids):
        living_then = and_(
            memberships.c.case_id == clock_events.c.case_id,
            clock_events.c.report_id.is_(None),
            clock_events.c.at >= memberships.c.started_at,
            or_(memberships.c.ended_at.is_(None), clock_events.c.at < memberships.c.ended_at),
        )
        shared = (
            select(memberships.c.report_id.label("of_report"), clock_events)
            .join(clock_events, living_then)
            .where(memberships.c.report_id.in_(part))
        )
        own = select(clock_events.c.report_id.label("of_report"), clock_events).where(
            clock_events.c.report_id.in_(part)
        )
        for event in [*tx.execute(own), *tx.execute(shared)]:
            found[event.of_report].append(event)
    for events in found.values():
        events.sort(key=lambda event: (event.at, event.id))
    return found


def clock_of_cases(tx: Tx, case_ids: Iterable[int]) -> list[Row[Any]]:
    """The events of these cases as a whole, in their order."""
    found: list[Row[Any]] = []
    for part in chunks(sorted(set(case_ids))):
        query = (
            select(clock_events)
            .where(clock_events.c.case_id.in_(part), clock_events.c.report_id.is_(None))
            .order_by(clock_events.c.at, clock_events.c.id)
        )
        found.extend(tx.execute(query))
    return found


def insert_deadlines(tx: Tx, new: list[dict[str, Any]]) -> None:
    insert_rows(tx, deadlines, new)


def deadlines_of(tx: Tx, report_ids: Sequence[int]) -> list[Row[Any]]:
    found: list[Row[Any]] = []
    for part in chunks(report_ids):
        found.extend(tx.execute(select(deadlines).where(deadlines.c.report_id.in_(part))))
    return found


def delete_source_deadlines(tx: Tx, report_ids: Sequence[int]) -> None:
    """The sources changed what they demand for these reports, or withdrew it."""
    for part in chunks(report_ids):
        mine = deadlines.c.report_id.in_(part) & (deadlines.c.origin == "source")
        tx.execute(delete(deadlines).where(mine))


def meet_deadlines(tx: Tx, report_ids: Sequence[int], at: datetime, steps: Sequence[str]) -> None:
    """Mark these steps as met at `at` where they are still owed."""
    for part in chunks(report_ids):
        owed = deadlines.c.report_id.in_(part) & deadlines.c.step.in_(steps) & deadlines.c.met_at.is_(None)
        tx.execute(update(deadlines).where(owed).values(met_at=at))


def owe_again(tx: Tx, report_ids: Sequence[int], step: str) -> None:
    """This step is owed as if it had not been met."""
    for part in chunks(report_ids):
        mine = deadlines.c.report_id.in_(part) & (deadlines.c.step == step)
        tx.execute(update(deadlines).where(mine).values(met_at=None))


def due_stages(tx: Tx, now: datetime, limit: int) -> list[Row[Any]]:
    """Cases whose stage changes by itself at or before `now`, earliest first."""
    query = (
        select(
            cases.c.id, cases.c.ward_code, cases.c.stage, cases.c.next_at, cases.c.due_at, cases.c.due_step
        )
        .where(cases.c.next_at <= now)
        .order_by(cases.c.next_at)
        .limit(limit)
    )
    return list(tx.execute(query))


def warned_early(tx: Tx, now: datetime, after: int, limit: int) -> list[Row[Any]]:
    """Open cases past id `after` that say overdue before their deadline, or due soon before any warning of
    theirs: the clock was ahead when that was written."""
    warned = (
        select(memberships.c.case_id)
        .join(deadlines, deadlines.c.report_id == memberships.c.report_id)
        .where(
            memberships.c.case_id == cases.c.id, memberships.c.ended_at.is_(None),
            deadlines.c.met_at.is_(None), deadlines.c.due_soon_at <= now,
        )
    )  # fmt: skip
    query = (
        select(cases.c.id, cases.c.ward_code)
        .where(
            cases.c.is_open,
            cases.c.stage.in_(("overdue", "due_soon")),  # said once more for the index, which is by stage
            or_(
                and_(cases.c.stage == "overdue", cases.c.sort_at > now),
                and_(cases.c.stage == "due_soon", ~warned.exists()),
            ),
            cases.c.id > after,
        )
        .order_by(cases.c.id)
        .limit(limit)
    )
    return list(tx.execute(query))


# Replies


def insert_reply(tx: Tx, values: dict[str, Any]) -> int:
    key = tx.execute(insert(replies).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def replies_of(tx: Tx, case_id: int) -> list[Row[Any]]:
    return list(tx.execute(select(replies).where(replies.c.case_id == case_id).order_by(replies.c.id)))
