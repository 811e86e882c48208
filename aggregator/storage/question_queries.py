"""Open questions: pairs of reports of which the rule was unsure and an officer is asked.

A question is asked in one ward, between two cases, once (`asked_in`); the list reads its page in the
order of an index that holds nothing but open questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, func, literal, or_, select, tuple_, update

from aggregator.storage import ids
from aggregator.storage.case_tables import cases, memberships
from aggregator.storage.db import Tx
from aggregator.storage.report_queries import chunks
from aggregator.storage.report_tables import judgements

_ASKED = (judgements.c.id, judgements.c.report_a, judgements.c.report_b, judgements.c.score)


@dataclass(frozen=True, slots=True)
class QuestionQuery:
    """Which open questions; None is any. `after`: the last row's score and id."""

    ward: str | None
    category: str | None = None
    at_least: float | None = None
    below: float | None = None
    since: datetime | None = None
    after: tuple[float, int] | None = None
    size: int = 25


def around(tx: Tx, report_ids: Sequence[int]) -> list[Row[Any]]:
    """Every pair with one of these reports of which the rule was unsure and nobody has spoken."""
    found: dict[int, Row[Any]] = {}
    for part in chunks(report_ids):
        query = select(*_ASKED, judgements.c.asked_in).where(
            or_(judgements.c.report_a.in_(part), judgements.c.report_b.in_(part)),
            judgements.c.judgement == "unsure",
        )
        found.update({row.id: row for row in tx.execute(query)})
    return list(found.values())


def set_asked(tx: Tx, asked: Mapping[int, str | None]) -> None:
    """Question -> the ward whose officers are asked, None for nobody."""
    if asked:
        query = update(judgements).where(judgements.c.id == bindparam("row"))
        tx.execute(
            query.values(asked_in=bindparam("ward")), [{"row": row, "ward": asked[row]} for row in asked]
        )


def of_reports(tx: Tx, report_ids: Sequence[int], limit: int) -> list[Row[Any]]:
    """The open questions about these reports, best first."""
    query = (
        select(judgements)
        .where(
            or_(judgements.c.report_a.in_(report_ids), judgements.c.report_b.in_(report_ids)),
            judgements.c.asked_in.isnot(None),
        )
        .order_by(judgements.c.score.desc(), judgements.c.id.desc())
        .limit(limit)
    )
    return list(tx.execute(query))


def between(tx: Tx, mine: Sequence[int], theirs: Sequence[int]) -> list[Row[Any]]:
    """All that was said of pairs of one of these and one of those, the likeliest first."""
    table, found = judgements, []
    others = set(theirs)
    for part in chunks(mine):
        query = select(table).where(or_(table.c.report_a.in_(part), table.c.report_b.in_(part)))
        found += [row for row in tx.execute(query) if others & {row.report_a, row.report_b}]
    return sorted(found, key=lambda row: (-(row.score or 0.0), row.id))


def page(tx: Tx, wanted: QuestionQuery) -> list[Row[Any]]:
    """One more than `size` where there is a next page; each with the cases of its two reports."""
    mine, other = memberships.alias("mine"), memberships.alias("other")
    case, candidate = cases.alias("case_a"), cases.alias("case_b")
    query = (
        select(*_ASKED, judgements.c.reasons, judgements.c.at, judgements.c.recurrence,
               mine.c.case_id.label("case_a"), other.c.case_id.label("case_b"))
        .join(mine, (mine.c.report_id == judgements.c.report_a) & mine.c.ended_at.is_(None))
        .join(other, (other.c.report_id == judgements.c.report_b) & other.c.ended_at.is_(None))
        .where(*_conditions(wanted))
    )  # fmt: skip
    if wanted.category is not None:
        query = query.join(case, case.c.id == mine.c.case_id).join(
            candidate, candidate.c.id == other.c.case_id
        )
        query = query.where(
            or_(case.c.category_code == wanted.category, candidate.c.category_code == wanted.category)
        )
    ordered = query.order_by(judgements.c.score.desc(), judgements.c.id.desc())
    return list(tx.execute(ordered.limit(wanted.size + 1)))


def _conditions(wanted: QuestionQuery) -> list[ColumnElement[bool]]:
    table = judgements.c
    found: list[ColumnElement[bool]] = [_in_ward(wanted.ward)]
    if wanted.at_least is not None:
        found.append(table.score >= wanted.at_least)
    if wanted.below is not None:
        found.append(table.score < wanted.below)
    if wanted.since is not None:
        found.append(table.at >= wanted.since)
    if wanted.after is not None:
        score, last = wanted.after
        found.append(tuple_(table.score, table.id) < tuple_(literal(score), literal(last)))
    return found


def chosen(tx: Tx, ward: str | None, question_ids: Sequence[int]) -> list[Row[Any]]:
    """Those of the questions that are open still and this ward's, best first."""
    wanted = [one for one in question_ids if ids.possible(one)]
    query = select(*_ASKED).where(judgements.c.id.in_(wanted), _in_ward(ward))
    return list(tx.execute(query.order_by(judgements.c.score.desc(), judgements.c.id.desc())))


def named(tx: Tx, question_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Question -> its two reports, also where it is settled by now."""
    wanted = [one for one in question_ids if ids.possible(one)]
    query = select(judgements.c.id, judgements.c.report_a, judgements.c.report_b)
    return {row[0]: (row[1], row[2]) for row in tx.execute(query.where(judgements.c.id.in_(wanted)))}


def count(tx: Tx, ward: str | None, cap: int) -> int:
    """How many questions are open; counting ends at `cap`."""
    found = select(judgements.c.id).where(_in_ward(ward)).limit(cap)
    return tx.scalar(select(func.count()).select_from(found.subquery())) or 0


def _in_ward(ward: str | None) -> ColumnElement[bool]:
    return judgements.c.asked_in.isnot(None) if ward is None else judgements.c.asked_in == ward
