"""Recounting many open cases: the jobs, and whose turn it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update

from aggregator.storage.bulk import update_rows
from aggregator.storage.case_tables import cases, deadlines, memberships
from aggregator.storage.channel_tables import channels
from aggregator.storage.db import Tx
from aggregator.storage.place_tables import recounts
from aggregator.storage.report_queries import chunks
from aggregator.storage.report_tables import reports


def insert_job(tx: Tx, row: dict[str, Any]) -> int:
    key = tx.execute(insert(recounts).values(**row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def unfinished(tx: Tx) -> list[Row[Any]]:
    """Jobs that are not done, in the order in which they are."""
    return list(tx.execute(select(recounts).where(recounts.c.finished_at.is_(None)).order_by(recounts.c.id)))


def newest(tx: Tx, kind: str, limit: int) -> list[Row[Any]]:
    query = select(recounts).where(recounts.c.kind == kind).order_by(recounts.c.id.desc()).limit(limit)
    return list(tx.execute(query))


def take(tx: Tx, job_id: int) -> Row[Any] | None:
    """The job, locked until commit; None where it is done or another worker is at it this instant."""
    query = select(recounts).where(recounts.c.id == job_id, recounts.c.finished_at.is_(None))
    return tx.execute(query.with_for_update(skip_locked=True)).one_or_none()


def set_job(tx: Tx, job_id: int, **values: Any) -> None:
    tx.execute(update(recounts).where(recounts.c.id == job_id).values(**values))


def replace(tx: Tx, kind: str, ward: str | None, unit_id: int | None, at: datetime) -> None:
    """End unfinished jobs about the same cases, or fewer: the one that follows does their work."""
    query = update(recounts).where(recounts.c.finished_at.is_(None), recounts.c.kind == kind)
    if unit_id is not None:
        query = query.where(recounts.c.unit_id == unit_id)
    elif ward is not None:
        query = query.where(recounts.c.ward_code == ward)
    tx.execute(query.values(finished_at=at, replaced=True))


def _mine(ward: str | None, unit_id: int | None) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [cases.c.is_open]
    if ward is not None:
        found.append(cases.c.ward_code == ward)
    if unit_id is not None:
        found.append(cases.c.unit_id == unit_id)
    return found


def count(tx: Tx, ward: str | None, unit_id: int | None) -> int:
    """How many open cases the job is about."""
    return int(tx.scalar(select(func.count()).select_from(cases).where(*_mine(ward, unit_id))) or 0)


def next_cases(tx: Tx, ward: str, unit_id: int | None, after: int, limit: int) -> list[int]:
    """Open cases of one ward by their ids.

    Ordered by a sum, so that the ward's own range of the list's index is read: in the order of the ids
    themselves every ward would be looked for through the cases of all the others.
    """
    query = (
        select(cases.c.id)
        .where(*_mine(ward, unit_id), cases.c.id > after)
        .order_by(cases.c.id + 0)
        .limit(limit)
    )
    return list(tx.scalars(query))


#: What recounting reads of a case.
_CASE = (
    cases.c.id, cases.c.code, cases.c.ward_code, cases.c.unit_id, cases.c.is_open, cases.c.status,
    cases.c.stage, cases.c.due_at, cases.c.due_step, cases.c.received_at, cases.c.closed_at,
    cases.c.category_code, cases.c.urgency, cases.c.remind_at,
)  # fmt: skip


def cases_by_id(tx: Tx, case_ids: Sequence[int]) -> list[Row[Any]]:
    found: list[Row[Any]] = []
    for part in chunks(case_ids):
        found.extend(tx.execute(select(*_CASE).where(cases.c.id.in_(part)).order_by(cases.c.id)))
    return found


def newest_open(tx: Tx, limit: int) -> list[Row[Any]]:
    """Open cases, newest first; no restricted ones, because they are listed by their codes."""
    query = (
        select(*_CASE)
        .where(cases.c.is_open, func.coalesce(cases.c.legal, "").not_in(("recognised", "confirmed")))
        .order_by(cases.c.id.desc())
        .limit(limit)
    )
    return list(tx.execute(query))


def seen_between(
    tx: Tx, since: datetime, until: datetime, ward: str | None, unit_id: int | None, limit: int
) -> list[Row[Any]]:
    """Cases that came or were closed in this time, newest first; no merged and no restricted ones."""
    came = cases.c.received_at.between(since, until)
    query = (
        select(*_CASE)
        .where(came | cases.c.closed_at.between(since, until))
        .where(cases.c.status.not_in(("merged", "handed_over")))
        .where(func.coalesce(cases.c.legal, "").not_in(("recognised", "confirmed")))
        .order_by(cases.c.id.desc())
        .limit(limit)
    )
    if ward is not None:
        query = query.where(cases.c.ward_code == ward)
    if unit_id is not None:
        query = query.where(cases.c.unit_id == unit_id)
    return list(tx.execute(query))


def members_of(tx: Tx, case_ids: Sequence[int]) -> dict[int, list[int]]:
    """Case -> the reports that make it up now."""
    found: dict[int, list[int]] = {case_id: [] for case_id in case_ids}
    for part in chunks(case_ids):
        query = select(memberships.c.case_id, memberships.c.report_id).where(
            memberships.c.case_id.in_(part), memberships.c.ended_at.is_(None)
        )
        for case_id, report_id in tx.execute(query):
            found[case_id].append(report_id)
    return found


def chosen_by(tx: Tx, report_ids: Sequence[int]) -> dict[int, Row[Any]]:
    """Report -> what rules are chosen by: its channel, its kind, when it was received."""
    found: dict[int, Row[Any]] = {}
    for part in chunks(report_ids):
        query = (
            select(reports.c.id, reports.c.kind, reports.c.received_at, channels.c.slug)
            .join(channels, channels.c.id == reports.c.channel_id)
            .where(reports.c.id.in_(part))
        )
        found.update({row.id: row for row in tx.execute(query)})
    return found


def set_clocks(tx: Tx, rows: list[dict[str, Any]]) -> None:
    """The derived columns of many cases; each dict has `id` and every column."""
    update_rows(tx, cases, rows)


def set_deadlines(tx: Tx, rows: list[dict[str, Any]]) -> None:
    update_rows(tx, deadlines, rows)


def drop_deadlines(tx: Tx, deadline_ids: Sequence[int]) -> None:
    """These are owed no longer: no rule speaks of them."""
    for part in chunks(deadline_ids):
        tx.execute(delete(deadlines).where(deadlines.c.id.in_(part)))
