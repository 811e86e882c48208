"""Lists of cases: keyset pages over indexed order, folded search, and what filters offer.

No page counts rows and none skips them: the next page starts behind the last row's (sort_at, id).
Search finds reports by the full-text index, newest first and capped, then their cases; a phone or a
code is looked up as itself. Every query is scoped by ward before anything else (I13).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Table,
    Text,
    TextualSelect,
    and_,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    union,
    union_all,
)

from aggregator.storage import ids
from aggregator.storage.account_tables import officers
from aggregator.storage.case_tables import cases, memberships
from aggregator.storage.channel_tables import channels
from aggregator.storage.db import Tx
from aggregator.storage.place_tables import categories, units, wards
from aggregator.storage.privacy_tables import restrictions
from aggregator.storage.report_tables import reporters, reports
from aggregator.storage.types import Id

#: The most reports that one search looks at, newest first.
SEARCH_CAP = 300


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a list asks for; None is any. `after` is the last row's place in the order."""

    ward: str | None
    is_open: bool
    stage: str | None = None
    status: str | None = None
    problem: bool = False
    late: bool = False
    #: States of legal matters asked for; without any, a list of feedback leaves the restricted ones out.
    legal: Sequence[str] = ()
    channel: str | None = None
    category: str | None = None
    unit: int | None = None
    officer: int | None = None
    #: Any of these: one's own and those one stands in for.
    officers: Sequence[int] = ()
    case_ids: Sequence[int] | None = None
    after: tuple[datetime, int] | None = None
    size: int = 50


_LIST = (
    cases.c.id, cases.c.code, cases.c.ward_code, cases.c.title, cases.c.extract, cases.c.address,
    cases.c.category_code, cases.c.status, cases.c.received_at, cases.c.due_at, cases.c.closed_at,
    cases.c.stage, cases.c.report_count, cases.c.unread, cases.c.delivery_problem, cases.c.version,
    cases.c.sort_at, cases.c.is_open, cases.c.unit_id, cases.c.officer_id,
    cases.c.legal,
    channels.c.title.label("channel"), channels.c.slug.label("channel_slug"),
    units.c.name.label("unit"), officers.c.name.label("officer"),
)  # fmt: skip


def page(tx: Tx, wanted: ListQuery) -> list[Row[Any]]:
    """One more row than `size` where there is a next page."""
    if wanted.case_ids is not None and not wanted.case_ids:
        return []
    if len(wanted.officers) > 1:
        return _of_several(tx, wanted)
    return list(tx.execute(_ordered(_joined(), wanted)))


def _of_several(tx: Tx, wanted: ListQuery) -> list[Row[Any]]:
    """The page of several owners: each one's own in index order, and the best of these.

    With IN a database would read and sort all that each of them has.
    """
    pages = [
        _ordered(select(cases.c.id), replace(wanted, officers=(one,))).subquery() for one in wanted.officers
    ]
    found = union_all(*(select(page.c.id) for page in pages))
    # The ids lead: read as a form that no index serves, so that nobody walks the whole list for them.
    order = (func.coalesce(cases.c.sort_at, cases.c.sort_at), cases.c.id)
    query = _joined().where(cases.c.id.in_(found))
    ordered = order if wanted.is_open else tuple(column.desc() for column in order)
    return list(tx.execute(query.order_by(*ordered).limit(wanted.size + 1)))


def _ordered(query: Select[Any], wanted: ListQuery) -> Select[Any]:
    query = query.where(*_conditions(wanted))
    order = (_read(wanted, cases.c.sort_at), cases.c.id)
    ahead = wanted.is_open
    if wanted.after is not None:
        edge = tuple_(literal(wanted.after[0], cases.c.sort_at.type), literal(wanted.after[1]))
        query = query.where(tuple_(*order) > edge if ahead else tuple_(*order) < edge)
    ordered = (*_empty(wanted), *order)
    query = query.order_by(*(ordered if ahead else (column.desc() for column in ordered)))
    return query.limit(wanted.size + 1)


def _empty(wanted: ListQuery) -> list[Any]:
    """The column that the list asks to be empty, to stand first in its order, where it changes nothing.

    PostgreSQL takes a column for constant where it equals something, but not where it is NULL, and would
    sort all that the index gives in order already.
    """
    asked = ((cases.c.unit_id, wanted.unit), (cases.c.officer_id, wanted.officer),
             (cases.c.category_code, wanted.category))  # fmt: skip
    return [_read(wanted, column) for column, value in asked if value in (0, "-")][:1]


def _read(wanted: ListQuery, column: Any) -> Any:
    """The column, and in a search a form of it that no index serves.

    There the found ids lead. Without statistics SQLite guesses, and would rather walk the whole list.
    """
    return column if wanted.case_ids is None else func.coalesce(column, column)


def row(tx: Tx, case_id: int) -> Row[Any]:
    """One case as its list row; the case must exist."""
    return tx.execute(_joined().where(cases.c.id == case_id)).one()


def rows(tx: Tx, case_ids: Sequence[int]) -> dict[int, Row[Any]]:
    wanted = [one for one in case_ids if ids.possible(one)]
    return {found.id: found for found in tx.execute(_joined().where(cases.c.id.in_(wanted)))}


def _joined() -> Select[Any]:
    return (
        select(*_LIST)
        .join(channels, channels.c.id == cases.c.channel_id)
        .outerjoin(units, units.c.id == cases.c.unit_id)
        .outerjoin(officers, officers.c.id == cases.c.officer_id)
    )


def _conditions(wanted: ListQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.case_ids is not None:
        found.append(cases.c.id.in_(wanted.case_ids))
    if wanted.ward is not None:
        found.append(_read(wanted, cases.c.ward_code) == wanted.ward)
    if wanted.legal:
        found.append(cases.c.legal.in_(wanted.legal))
    elif wanted.problem:
        # Answered and merged cases too: the officer is done, the source does not know it.
        found.append(_marked("delivery_problem"))
    elif wanted.late:
        found.append(_marked("late"))  # only what is closed is late
    else:
        found.append(_read(wanted, cases.c.is_open).is_(wanted.is_open))
    if not (wanted.legal or wanted.problem) and wanted.case_ids is None:
        found.append(ORDINARY)
    if not (wanted.legal or wanted.problem or wanted.late or wanted.is_open) and wanted.status is None:
        found.append(cases.c.status != "merged")
    for column, value in (
        (cases.c.stage, wanted.stage),
        (cases.c.status, wanted.status),
        (cases.c.unit_id, wanted.unit),
        (cases.c.officer_id, wanted.officers[0] if wanted.officers else wanted.officer),
        (cases.c.category_code, wanted.category),
    ):
        if value is not None:
            nobody = value in (0, "-")
            read = _read(wanted, column)
            found.append(read.is_(None) if nobody else read == value)
    if wanted.channel is not None:
        of_channel = select(channels.c.id).where(channels.c.slug == wanted.channel).scalar_subquery()
        found.append(_read(wanted, cases.c.channel_id) == of_channel)
    return found


#: Within a function, or the few legal matters would seem worth an index of their own.
ORDINARY = func.coalesce(cases.c.legal, "").not_in(("recognised", "confirmed"))


def _marked(name: str) -> ColumnElement[bool]:
    # Bare, as the partial index says it: with "= 1" or a parameter SQLite would not recognise it.
    return literal_column(f"cases.{name}")


# Search


def search(
    tx: Tx, words: Sequence[str], phone_index: str | None, code: str, ward: str | None, *, restricted: bool,
    everybody: bool = True,
) -> list[int]:  # fmt: skip
    """Case ids found, of reports newest first; words are folded, the last one may be a beginning.

    Not `restricted`: by what a restricted legal matter says it is not found, by its code it is.
    Not `everybody`: not by the telephone of a person whose data is not to be processed.
    """
    report_ids: TextualSelect | list[int] = _by_words(tx.dialect.name, words, ward) if words else []
    named = select(cases.c.id).where(cases.c.code == code)
    ways = [
        _of_ward(named, cases.c.ward_code, ward),
        _homes(memberships.c.report_id.in_(report_ids), restricted),
    ]
    if phone_index is not None:
        called = select(reporters.c.report_id).where(reporters.c.phone_index == phone_index)
        if not everybody:
            hidden = select(restrictions.c.report_id).where(restrictions.c.lifted_at.is_(None))
            called = called.where(reporters.c.report_id.not_in(hidden))
        if ward is not None:
            called = called.join(reports, reports.c.id == reporters.c.report_id)
        by_phone = (
            _of_ward(called, reports.c.ward_code, ward)
            .order_by(reporters.c.report_id.desc())
            .limit(SEARCH_CAP)
        )
        ways.append(_homes(memberships.c.report_id.in_(by_phone), restricted))
    # One statement for all ways, for a list page may take six; and no OR, which no index serves.
    return list(tx.scalars(union(*ways)))


def _homes(reported: ColumnElement[bool], restricted: bool) -> Select[Any]:
    """The cases in which these reports live now."""
    found = select(memberships.c.case_id).where(reported, memberships.c.ended_at.is_(None))
    if restricted:
        return found
    return found.join(cases, cases.c.id == memberships.c.case_id).where(ORDINARY)


# What has come since


def newest(tx: Tx) -> int:
    """The highest case number of the installation: a mark in time, not a count."""
    return tx.scalar(select(func.max(cases.c.id))) or 0


def arrived(tx: Tx, ward: str | None, after_id: int, cap: int) -> int:
    """How many cases of the ward came after that mark; counting ends at `cap`."""
    found = _of_ward(select(cases.c.id), cases.c.ward_code, ward).where(cases.c.id > after_id)
    return tx.scalar(select(func.count()).select_from(found.limit(cap).subquery())) or 0


#: Reports that came one after the other and share an age: a search looks at the newest two ages first.
_AGE = 10_000


def search_marks(ward: str, report_id: int) -> str:
    """The words that stand for a report's ward and age in its search text.

    So the index itself keeps to the ward: a word that is frequent in the whole city would otherwise fill
    the cap with other wards' reports. And PostgreSQL, whose text index knows no order, need not gather
    every report that ever had a frequent word to find the newest.
    """
    return f"{_ward_word(ward)} zzage{report_id // _AGE}"


def _ward_word(ward: str) -> str:
    return "zzward" + "".join(filter(str.isalnum, ward)).lower()


#: A beginning merges the lists of all words that begin so, frequent ones to their end: only where the
#: word as it stands does not fill the cap. The empty phrase finds nothing.
_SEARCH_SQLITE = text(
    "WITH whole(id) AS MATERIALIZED (SELECT rowid FROM report_search WHERE report_search MATCH :whole"
    " ORDER BY rowid DESC LIMIT :cap)"
    " SELECT id FROM whole UNION SELECT id FROM (SELECT rowid AS id FROM report_search"
    " WHERE report_search MATCH (SELECT CASE WHEN count(*) < :cap THEN :begun ELSE '\"\"' END FROM whole)"
    " ORDER BY rowid DESC LIMIT :cap)"
)

#: Materialized, so that the planner cannot walk the primary key backwards looking for a rare word; and the
#: query comes from a subquery, so that it cannot think a frequent one worth reading the whole table for.
_SEARCH_POSTGRES = text(
    "WITH asked AS (SELECT to_tsquery('simple', :match) AS ever, to_tsquery('simple', :match || ' & (zzage'"
    " || max(id) / :age || ' | zzage' || max(id) / :age - 1 || ')') AS lately FROM reports),"
    " lately AS MATERIALIZED (SELECT id FROM reports"
    " WHERE to_tsvector('simple', search_text) @@ (SELECT lately FROM asked)),"
    " ever AS MATERIALIZED (SELECT id FROM reports WHERE (SELECT count(*) FROM lately) < :cap"
    " AND to_tsvector('simple', search_text) @@ (SELECT ever FROM asked))"
    " SELECT id FROM (SELECT id FROM lately UNION SELECT id FROM ever) AS found ORDER BY id DESC LIMIT :cap"
)


def _by_words(dialect: str, words: Sequence[str], ward: str | None) -> TextualSelect:
    """The reports found, as a part of the statement that asks for their cases."""
    if ward is not None:
        words = [_ward_word(ward), *words]
    if dialect == "sqlite":
        whole = " ".join(f'"{word}"' for word in words)
        found = _SEARCH_SQLITE.bindparams(whole=whole, begun=f"{whole}*", cap=SEARCH_CAP)
        return found.columns(id=Id)
    match = " & ".join([*(f"'{word}'" for word in words[:-1]), f"'{words[-1]}':*"])
    return _SEARCH_POSTGRES.bindparams(match=match, cap=SEARCH_CAP, age=_AGE).columns(id=Id)


# What filters and forms offer


@dataclass(frozen=True, slots=True)
class Assignees:
    """Names of the unit and officer, None where they are not of the ward."""

    unit: str | None
    officer: str | None


def assignees(tx: Tx, ward: str, unit_id: int | None, officer_id: int | None) -> Assignees:
    if not all(ids.possible(one) for one in (unit_id, officer_id) if one is not None):
        return Assignees(None, None)
    unit = tx.scalar(
        select(units.c.name).where(units.c.id == unit_id, units.c.ward_code == ward, units.c.active)
    )
    officer = tx.scalar(
        select(officers.c.name).where(
            officers.c.id == officer_id,
            officers.c.active,
            or_(officers.c.ward_code == ward, officers.c.ward_code.is_(None)),
        )
    )
    return Assignees(unit, officer)


def choices(tx: Tx, ward: str | None, *, english: bool) -> list[Row[Any]]:
    """(kind, value, label, ward_code) of all that can be chosen, in one statement."""
    name = categories.c.name_en if english else categories.c.name_vi
    # A channel of another ward may still bring reports of this one, but its name is not this ward's to see.
    of_channel = _choice("channel", channels.c.slug, channels.c.title, channels.c.ward_code)
    of_unit = _choice("unit", cast(units.c.id, Text), units.c.name, units.c.ward_code)
    of_officer = _choice("officer", cast(officers.c.id, Text), officers.c.name, officers.c.ward_code)
    parts = (
        _of_ward(of_channel, channels.c.ward_code, ward),
        _of_ward(of_unit, units.c.ward_code, ward).where(units.c.active),
        _of_ward(of_officer, officers.c.ward_code, ward).where(officers.c.active, officers.c.role != "admin"),
        _choice("category", categories.c.code, name, literal("")),
        _of_ward(_choice("ward", wards.c.code, wards.c.name, wards.c.code), wards.c.code, ward),
    )
    return list(tx.execute(union_all(*parts).order_by("kind", "label")))


def _choice(kind: str, value: Any, label: Any, ward_code: Any) -> Select[Any]:
    return select(
        literal(kind).label("kind"), value.label("value"), label.label("label"), ward_code.label("ward_code")
    )


def channel_choices(tx: Tx, ward: str | None) -> list[Row[Any]]:
    query = select(channels.c.id, channels.c.slug, channels.c.title, channels.c.ward_code)
    # A channel of another ward may still bring reports of this one, but its name is not this ward's to see.
    return list(tx.execute(_of_ward(query, channels.c.ward_code, ward).order_by(channels.c.title)))


def unit_choices(tx: Tx, ward: str | None) -> list[Row[Any]]:
    query = select(units.c.id, units.c.name, units.c.ward_code).where(units.c.active)
    return list(tx.execute(_of_ward(query, units.c.ward_code, ward).order_by(units.c.name)))


def officer_choices(tx: Tx, ward: str | None) -> list[Row[Any]]:
    query = select(officers.c.id, officers.c.name, officers.c.ward_code, officers.c.role).where(
        and_(officers.c.active, officers.c.role != "admin")
    )
    return list(tx.execute(_of_ward(query, officers.c.ward_code, ward).order_by(officers.c.name)))


def officer_names(tx: Tx, officer_ids: Iterable[int | None]) -> dict[int, str]:
    return _names(tx, officers, (one for one in officer_ids if one is not None))


def unit_names(tx: Tx, unit_ids: Iterable[int]) -> dict[int, str]:
    return _names(tx, units, unit_ids)


def _names(tx: Tx, table: Table, given: Iterable[int]) -> dict[int, str]:
    """Id -> name; nobody asked for costs no statement."""
    wanted = sorted(set(given))
    if not wanted:
        return {}
    query = select(table.c.id, table.c.name).where(table.c.id.in_(wanted))
    return {row.id: row.name for row in tx.execute(query)}


def category_choices(tx: Tx) -> list[Row[Any]]:
    return list(tx.execute(select(categories.c.code, categories.c.name_vi, categories.c.name_en)))


def ward_choices(tx: Tx, ward: str | None) -> list[Row[Any]]:
    return list(tx.execute(_of_ward(select(wards), wards.c.code, ward).order_by(wards.c.name)))


def _of_ward(query: Select[Any], column: Any, ward: str | None) -> Select[Any]:
    return query if ward is None else query.where(column == ward)
