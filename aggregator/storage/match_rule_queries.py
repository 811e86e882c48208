"""Thresholds and models of matching, and the stored decisions that a training run learns from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, func, insert, or_, select

from aggregator.domain.matching import Traits
from aggregator.storage.case_tables import cases, memberships
from aggregator.storage.db import Tx
from aggregator.storage.inbox_queries import ORDINARY
from aggregator.storage.match_rule_tables import match_adoptions, match_models, match_thresholds
from aggregator.storage.report_queries import chunks
from aggregator.storage.report_tables import judgements, match_traits, reports


def newest_thresholds(tx: Tx) -> list[Row[Any]]:
    """The last change of each scope, also one that took its thresholds back."""
    table = match_thresholds
    last = select(func.max(table.c.id)).group_by(table.c.ward_code, table.c.category_code)
    return list(tx.execute(select(table).where(table.c.id.in_(last)).order_by(table.c.id)))


def changes(tx: Tx, ward: str | None, limit: int) -> list[Row[Any]]:
    """The newest changes of thresholds, newest first; of one ward those that hold for it."""
    table = match_thresholds
    query = select(table).order_by(table.c.id.desc()).limit(limit)
    if ward is not None:
        query = query.where(or_(table.c.ward_code == ward, table.c.ward_code.is_(None)))
    return list(tx.execute(query))


def insert_thresholds(tx: Tx, row: dict[str, Any]) -> int:
    return _inserted(tx, match_thresholds, row)


def adopted_model(tx: Tx) -> Row[Any] | None:
    """The row of the model in force; None where it is the hand-set one."""
    last = select(match_adoptions.c.model_id).order_by(match_adoptions.c.id.desc()).limit(1)
    return tx.execute(select(match_models).where(match_models.c.id == last.scalar_subquery())).one_or_none()


def all_models(tx: Tx) -> list[Row[Any]]:
    return list(tx.execute(select(match_models).order_by(match_models.c.id)))


def adoptions(tx: Tx) -> list[Row[Any]]:
    """Each time a model was taken into use, oldest first."""
    return list(tx.execute(select(match_adoptions).order_by(match_adoptions.c.id)))


def insert_model(tx: Tx, row: dict[str, Any]) -> int:
    return _inserted(tx, match_models, row)


def insert_adoption(tx: Tx, row: dict[str, Any]) -> None:
    tx.execute(insert(match_adoptions).values(**row))


def _inserted(tx: Tx, table: Any, row: dict[str, Any]) -> int:
    key = tx.execute(insert(table).values(**row)).inserted_primary_key
    assert key is not None
    return int(key[0])


# What was judged and decided ----------------------------------------------------------------------


def lived(tx: Tx, ward: str, since: datetime, limit: int) -> list[tuple[Traits, int]]:
    """(traits, the case it lives in now) of a ward's newest reports since then, newest first.

    A case counts as closed from its closing time on only, so that the past can be judged again.
    """
    t = match_traits.c
    query = (
        select(
            t.report_id, t.received_at, t.ward, t.category, t.house, t.street, t.lat, t.lng, t.phone,
            t.text, t.content, t.channel, t.legal, t.anonymous, cases.c.closed_at, cases.c.id,
        )
        .join(memberships, (memberships.c.report_id == t.report_id) & memberships.c.ended_at.is_(None))
        .join(cases, cases.c.id == memberships.c.case_id)
        .where(t.ward == ward, t.received_at >= since)
        .order_by(t.received_at.desc(), t.report_id.desc())
        .limit(limit)
    )  # fmt: skip
    return [
        (
            Traits(
                report_id=row[0], received_at=row[1], ward=row[2], category=row[3], house=row[4],
                street=row[5], lat=row[6], lng=row[7], phone=row[8], text=row[9], content=row[10],
                channel=row[11], legal=row[12], anonymous=row[13], closed_at=row[14],
            ),
            row[15],
        )
        for row in tx.execute(query)
    ]  # fmt: skip


def told_by_people(tx: Tx, pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """(lower id, higher id) -> same or different, where a person has said so."""
    table, wanted = judgements, set(pairs)
    found = {}
    for part in chunks(sorted({pair[0] for pair in wanted})):
        query = select(table.c.report_a, table.c.report_b, table.c.judgement).where(
            table.c.report_a.in_(part), table.c.officer_id.isnot(None)
        )
        found.update({(row[0], row[1]): row[2] for row in tx.execute(query) if (row[0], row[1]) in wanted})
    return found


def shown(tx: Tx, report_ids: Sequence[int]) -> dict[int, Row[Any]]:
    """Report id -> what a list shows of it, with the case it lives in now; no restricted legal matter."""
    query = (
        select(
            reports.c.id, reports.c.body, reports.c.subject, reports.c.address, reports.c.received_at,
            cases.c.id.label("case_id"), cases.c.code,
        )
        .join(memberships, (memberships.c.report_id == reports.c.id) & memberships.c.ended_at.is_(None))
        .join(cases, cases.c.id == memberships.c.case_id)
        .where(ORDINARY)
    )  # fmt: skip
    found: dict[int, Row[Any]] = {}
    for part in chunks(sorted(set(report_ids))):
        found.update({row.id: row for row in tx.execute(query.where(reports.c.id.in_(part)))})
    return found


def person_judgements(tx: Tx) -> list[Row[Any]]:
    """Every pair that a person judged, in the order in which it was said."""
    table = judgements
    query = select(table).where(table.c.officer_id.isnot(None), table.c.recurrence.is_(False))
    return list(tx.execute(query.order_by(table.c.at, table.c.report_a, table.c.report_b)))


def joined_by_rule(tx: Tx) -> list[Row[Any]]:
    """Every join by rule whose features are known, with where both reports live now.

    `parted_by` is who ended the membership, `closed_at` when the common case was closed.
    """
    own, now, other = memberships.alias("own"), memberships.alias("now"), memberships.alias("other")
    query = (
        select(
            own.c.report_id, own.c.beside, own.c.features, own.c.rule_version, own.c.started_at,
            own.c.ended_at, own.c.ended_by.label("parted_by"),
            (now.c.case_id == other.c.case_id).label("together"), cases.c.closed_at,
        )
        .join(now, and_(now.c.report_id == own.c.report_id, now.c.ended_at.is_(None)))
        .join(other, and_(other.c.report_id == own.c.beside, other.c.ended_at.is_(None)))
        .join(cases, cases.c.id == now.c.case_id)
        .where(own.c.cause == "rule", own.c.features.isnot(None))
        .order_by(own.c.started_at, own.c.report_id)
    )  # fmt: skip
    return list(tx.execute(query))


def traits_of(tx: Tx, report_ids: Iterable[int]) -> dict[int, Row[Any]]:
    """Report id -> ward and category as they are compared."""
    t = match_traits.c
    found: dict[int, Row[Any]] = {}
    for part in chunks(sorted(set(report_ids))):
        query = select(t.report_id, t.ward, t.category, t.received_at).where(t.report_id.in_(part))
        found.update({row.report_id: row for row in tx.execute(query)})
    return found
