"""Lists of cases: keyset pages over indexed order, and what filters offer.

No page counts rows and none skips them: the next page starts behind the last row's (sort_at, id).
Every query is scoped by ward before anything else (I13).
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
    and_,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
)

from aggregator.storage import ids
from aggregator.storage.account_tables import officers
from aggregator.storage.case_tables import cases
from aggregator.storage.channel_tables import channels
from aggregator.storage.db import Tx
from aggregator.storage.place_tables import categories, units, wards


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


# What has come since


def newest(tx: Tx) -> int:
    """The highest case number of the installation: a mark in time, not a count."""
    return tx.scalar(select(func.max(cases.c.id))) or 0


def arrived(tx: Tx, ward: str | None, after_id: int, cap: int) -> int:
    """How many cases of the ward came after that mark; counting ends at `cap`."""
    found = of_ward(select(cases.c.id), cases.c.ward_code, ward).where(cases.c.id > after_id)
    return tx.scalar(select(func.count()).select_from(found.limit(cap).subquery())) or 0


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
        of_ward(of_channel, channels.c.ward_code, ward),
        of_ward(of_unit, units.c.ward_code, ward).where(units.c.active),
        of_ward(of_officer, officers.c.ward_code, ward).where(officers.c.active, officers.c.role != "admin"),
        _choice("category", categories.c.code, name, literal("")),
        of_ward(_choice("ward", wards.c.code, wards.c.name, wards.c.code), wards.c.code, ward),
    )
    return list(tx.execute(union_all(*parts).order_by("kind", "label")))


def _choice(kind: str, value: Any, label: Any, ward_code: Any) -> Select[Any]:
    return select(
        literal(kind).label("kind"), value.label("value"), label.label("label"), ward_code.label("ward_code")
    )


def channel_choices(tx: Tx, ward: str | None) -> list[Row[Any]]:
    query = select(channels.c.id, channels.c.slug, channels.c.title, channels.c.ward_code)
    # A channel of another ward may still bring reports of this one, but its name is not this ward's to see.
    return list(tx.execute(of_ward(query, channels.c.ward_code, ward).order_by(channels.c.title)))


def unit_choices(tx: Tx, ward: str | None) -> list[Row[Any]]:
    query = select(units.c.id, units.c.name, units.c.ward_code).where(units.c.active)
    return list(tx.execute(of_ward(query, units.c.ward_code, ward).order_by(units.c.name)))


def officer_choices(tx: Tx, ward: str | None) -> list[Row[Any]]:
    query = select(officers.c.id, officers.c.name, officers.c.ward_code, officers.c.role).where(
        and_(officers.c.active, officers.c.role != "admin")
    )
    return list(tx.execute(of_ward(query, officers.c.ward_code, ward).order_by(officers.c.name)))


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


def of_ward(query: Select[Any], column: Any, ward: str | None) -> Select[Any]:
    """Only what is of this ward; None is every ward."""
    return query if ward is None else query.where(column == ward)
