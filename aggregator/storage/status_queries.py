"""Status words of sources: which have no meaning, who shows them, and reports that get a new one.

What may surprise: whether a word is known says nothing of a case, so words are listed for whoever sees the
channel; how many reports show one, and which, only as far as the person may see their cases.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, delete, func, or_, select, update

from aggregator.storage.case_tables import cases, memberships
from aggregator.storage.channel_tables import restatements
from aggregator.storage.db import Tx
from aggregator.storage.report_tables import UNMAPPED, reports
from aggregator.storage.upsert import inserting

#: Cases that only some may read: nothing of them is counted or listed for the others.
_RESTRICTED = ("recognised", "confirmed")


def unmapped(tx: Tx, channel_id: int, limit: int) -> list[str]:
    """Words of the channel that have no meaning, as its reports show them now."""
    mine = and_(UNMAPPED, reports.c.channel_id == channel_id)
    query = select(reports.c.status_raw).where(mine).distinct().order_by(reports.c.status_raw)
    return [str(word) for word in tx.scalars(query.limit(limit))]


def channels_with_unmapped(tx: Tx) -> list[int]:
    query = select(reports.c.channel_id).where(UNMAPPED).distinct()
    return list(tx.scalars(query))


def shown_by(tx: Tx, channel_id: int, ward: str | None, *, legal: bool) -> dict[str, tuple[int, datetime]]:
    """Word without a meaning -> how many reports that the person may see show it, since when."""
    query = _seen(select(reports.c.status_raw, func.count(), func.min(reports.c.changed_at)), ward, legal)
    mine = and_(UNMAPPED, reports.c.channel_id == channel_id)
    return {row[0]: (row[1], row[2]) for row in tx.execute(query.where(mine).group_by(reports.c.status_raw))}


def examples(
    tx: Tx, channel_id: int, word: str, ward: str | None, *, legal: bool, limit: int
) -> list[Row[Any]]:
    """(case id, code, title, external id) of the newest reports that show a word without a meaning."""
    query = _seen(select(cases.c.id, cases.c.code, cases.c.title, reports.c.external_id), ward, legal)
    mine = and_(UNMAPPED, reports.c.channel_id == channel_id, reports.c.status_raw == word)
    return list(tx.execute(query.where(mine).order_by(reports.c.id.desc()).limit(limit)))


def _seen(query: Select[Any], ward: str | None, legal: bool) -> Select[Any]:
    found = query.join(
        memberships, and_(memberships.c.report_id == reports.c.id, memberships.c.ended_at.is_(None))
    ).join(cases, cases.c.id == memberships.c.case_id)
    if ward is not None:
        found = found.where(cases.c.ward_code == ward)
    return found if legal else found.where(or_(cases.c.legal.is_(None), cases.c.legal.not_in(_RESTRICTED)))


# A new meaning ----------------------------------------------------------------------------------------


def begin(tx: Tx, channel_id: int, word: str) -> None:
    """Every stored report that shows the word is to get its meaning, from the first one on."""
    statement = inserting(tx, restatements).values(channel_id=channel_id, word=word, after_id=0)
    again = {"after_id": 0}
    tx.execute(statement.on_conflict_do_update(index_elements=["channel_id", "word"], set_=again))


def pending(tx: Tx, channel_id: int | None = None) -> list[Row[Any]]:
    """(id, channel_id, word) of what is not done yet, oldest first."""
    query: Select[Any] = select(restatements).order_by(restatements.c.id)
    mine = restatements.c.channel_id == channel_id
    return list(tx.execute(query if channel_id is None else query.where(mine)))


def take(tx: Tx, restatement_id: int) -> Row[Any] | None:
    """The row, held until the transaction ends; None where another has finished it."""
    query = select(restatements).where(restatements.c.id == restatement_id).with_for_update()
    return tx.execute(query).one_or_none()


def to_restate(tx: Tx, channel_id: int, word: str, status: str, after: int, limit: int) -> list[int]:
    """Reports behind `after` that show the word with another meaning."""
    table = reports.c
    mine = and_(table.channel_id == channel_id, table.status_raw == word, table.source_status != status)
    query = select(table.id).where(mine, table.id > after).order_by(table.id).limit(limit)
    return list(tx.scalars(query))


def restate(tx: Tx, report_ids: list[int], status: str) -> None:
    tx.execute(update(reports).where(reports.c.id.in_(report_ids)).values(source_status=status))


def move_on(tx: Tx, restatement_id: int, after: int | None) -> None:
    """Up to `after`; None: all are done."""
    mine = restatements.c.id == restatement_id
    if after is None:
        tx.execute(delete(restatements).where(mine))
    else:
        tx.execute(update(restatements).where(mine).values(after_id=after))
