"""Answers that people bring to their sources: what follows the messages, the list, ticks, what to look at.

`follow` keeps `errands` what the messages, ticks and cases say; whoever changes one of them ends there
(`outbox_queries.refresh_problem`, `case_queries.change`). What may surprise: every page and every count is
read by one index in list order, so ten thousand waiting answers cost what ten do; counts stop at a hundred.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Subquery,
    and_,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)

from aggregator.domain.delivery import Delivery
from aggregator.domain.errands import WAITING, Need
from aggregator.storage.account_tables import officers
from aggregator.storage.case_tables import cases, deadlines, outbox, replies
from aggregator.storage.channel_tables import channel_schedule, channels
from aggregator.storage.db import Tx
from aggregator.storage.errand_tables import errands, silent_sources, ticks
from aggregator.storage.ledger_tables import ledger_entries
from aggregator.storage.place_tables import units, wards
from aggregator.storage.report_queries import chunks
from aggregator.storage.report_tables import reports

#: Beyond this a count is "many".
MANY = 100
#: Legal matters whose text only few may read.
_RESTRICTED = ("recognised", "confirmed")
_NEED = {
    Delivery.UNCLEAR.value: Need.UNCLEAR,
    Delivery.DEAD.value: Need.REFUSED,
    Delivery.MANUAL.value: Need.MANUAL,
}


# Following the messages -------------------------------------------------------------------------------


def follow(tx: Tx, case_ids: Iterable[int]) -> None:
    """Make the errands of these cases what their messages, ticks and owners say.

    A new errand, and one of which something else is asked now, is looked at by the next sweep.
    """
    gone: list[int] = []
    new: list[dict[str, Any]] = []
    for part in chunks(sorted(set(case_ids))):
        for row in tx.execute(_followed().where(outbox.c.case_id.in_(part))):
            need = _need_of(row)
            if need is not None and need == row.known and row.case_id == row.known_case:
                continue
            if row.known is not None:
                gone.append(row.id)
            if need is not None:
                new.append(_errand(row, need))
    for part in chunks(gone):
        tx.execute(delete(errands).where(errands.c.message_id.in_(part)))
    if new:
        tx.execute(insert(errands), new)


def _followed() -> Select[Any]:
    return (
        select(
            outbox.c.id, outbox.c.case_id, outbox.c.channel_id, outbox.c.state, outbox.c.created_at,
            cases.c.ward_code, cases.c.officer_id, ticks.c.id.label("tick_id"), ticks.c.expected_from,
            ticks.c.unseen_at, ticks.c.settled_at, errands.c.need.label("known"),
            errands.c.case_id.label("known_case"),
        )
        .join(cases, cases.c.id == outbox.c.case_id)
        .outerjoin(ticks, _living())
        .outerjoin(errands, errands.c.message_id == outbox.c.id)
        .where(or_(outbox.c.state.in_(list(_NEED)), ticks.c.id.isnot(None), errands.c.need.isnot(None)))
    )  # fmt: skip


def _living() -> ColumnElement[bool]:
    return and_(ticks.c.message_id == outbox.c.id, ticks.c.undone_at.is_(None))


def _need_of(row: Any) -> Need | None:
    if row.state == Delivery.SENT and row.tick_id is not None and row.settled_at is None:
        return Need.TICKED if row.unseen_at is None else Need.UNSEEN
    return _NEED.get(row.state)


def _errand(row: Any, need: Need) -> dict[str, Any]:
    return {
        "message_id": row.id, "case_id": row.case_id, "ward_code": row.ward_code,
        "officer_id": row.officer_id, "channel_id": row.channel_id, "need": int(need), "told_at": None,
        "look_at": row.expected_from if need is Need.TICKED else row.created_at,
    }  # fmt: skip


# The list ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose errands: of a ward (None: all), of these officers (none: of anybody), and which of them."""

    ward: str | None
    officers: tuple[int, ...] = ()
    channel_id: int | None = None
    need: Need | None = None
    #: Restricted legal matters, too.
    legal: bool = False


def page(tx: Tx, scope: Scope, after: tuple[int, int] | None, size: int) -> list[Row[Any]]:
    """At most `size` errands behind the place (need, message id) `after`, the most pressing first."""
    whose = [errands.c.officer_id == one for one in scope.officers] or [literal(True)]
    places = [
        _of(scope).where(mine, behind).order_by(errands.c.need, errands.c.message_id).limit(size).subquery()
        for mine in whose
        for behind in _behind(scope, after)
    ]
    found = union_all(*(select(place.c.message_id) for place in places)).subquery()
    query = _told(found).order_by(errands.c.need, errands.c.message_id).limit(size)
    return list(tx.execute(query))


def _behind(scope: Scope, after: tuple[int, int] | None) -> list[ColumnElement[bool]]:
    """What follows a place, as stretches that an index leads into; of "(need, id) > (4, 7)" SQLite would
    walk all of need 4 from its beginning."""
    if after is None:
        return [_just(scope.need) if scope.need else _waiting()]
    need, message_id = int(scope.need or after[0]), after[1]
    same = and_(errands.c.need == need, errands.c.message_id > message_id)
    return [same] if scope.need else [same, and_(errands.c.need > need, _waiting())]


def one(tx: Tx, scope: Scope, message_id: int) -> Row[Any] | None:
    """What is asked about one message in this scope."""
    query = _of(scope).add_columns(errands.c.need).where(errands.c.message_id == message_id)
    return tx.execute(query).one_or_none()


def counts(tx: Tx, scope: Scope) -> dict[Need, int]:
    """How many of each need there are in this scope, whatever need it asks for; each at most `MANY`."""
    mine = errands.c.officer_id.in_(scope.officers) if scope.officers else literal(True)
    numbers = [_few(_of(scope).where(_just(need), mine)).label(need.word) for need in Need]
    row = tx.execute(select(*numbers)).one()
    return dict(zip(Need, row, strict=True))


def oldest(tx: Tx, scope: Scope) -> datetime | None:
    """Since when the longest waiting answer is there that a person has to bring; None: there is none."""
    first = _of(scope).where(errands.c.need == int(Need.MANUAL)).order_by(errands.c.message_id).limit(1)
    return tx.scalar(select(outbox.c.created_at).where(outbox.c.id == first.scalar_subquery()))


def waiting_of(ward: ColumnElement[Any] | None) -> Select[Any]:
    """The ids of what waits for a person in a ward, or anywhere; restricted legal matters left out."""
    query = _of(Scope(None)).where(_waiting())
    return query if ward is None else query.where(errands.c.ward_code == ward)


def _of(scope: Scope) -> Select[Any]:
    query = select(errands.c.message_id)
    if scope.ward is not None:
        query = query.where(errands.c.ward_code == scope.ward)
    if scope.channel_id is not None:
        query = query.where(errands.c.channel_id == scope.channel_id)
    if not scope.legal:
        # A value of each row and not a join, nor an EXISTS that PostgreSQL makes one of: the database would
        # begin with the cases, and sort all.
        legal = select(cases.c.legal).where(cases.c.id == errands.c.case_id).scalar_subquery()
        query = query.where(func.coalesce(legal, "").not_in(_RESTRICTED))
    return query


def _waiting() -> ColumnElement[bool]:
    return errands.c.need <= int(max(WAITING))


def _just(need: Need) -> ColumnElement[bool]:
    # A range and not "=": where nearly all answers want the same, statistics make the database read the
    # whole table rather than an index whose order it thinks it does not need.
    return errands.c.need.between(int(need), int(need))


def _few(found: Select[Any]) -> Any:
    few = found.order_by(errands.c.need, errands.c.message_id).limit(MANY).subquery()
    return select(func.count()).select_from(few).scalar_subquery()


def _told(found: Subquery) -> Select[Any]:
    """The errands of these messages with all that is shown of them.

    Begun with what was found, and not asked for at the end: PostgreSQL reorders eight joins at most, and
    would put all errands together before it looks which are wanted.
    """
    own, theirs = units.alias("own"), units.alias("theirs")
    author, by = officers.alias("author"), officers.alias("by")
    schedule = channel_schedule
    return (
        select(
            outbox, errands.c.need, reports.c.external_id, reports.c.url, reports.c.subject,
            reports.c.status_raw, reports.c.source_status,
            channels.c.title.label("channel"), channels.c.slug, channels.c.kind.label("channel_kind"),
            channels.c.config, channels.c.options,
            schedule.c.paused, schedule.c.state.label("channel_state"), schedule.c.write_open_until,
            schedule.c.write_error_code, schedule.c.last_success_at,
            cases.c.ward_code, cases.c.code.label("case_code"), cases.c.legal,
            *(replies.c[column].label(f"reply_{column}") for column in _REPLY), replies.c.body,
            (errands.c.need == int(Need.UNSEEN)).label("unseen"),
            author.c.name.label("author"), author.c.role.label("author_role"),
            func.coalesce(own.c.name, theirs.c.name, wards.c.name).label("unit"),
            ticks.c.id.label("tick_id"), ticks.c.done_at, ticks.c.ticked_at, ticks.c.reference,
            ticks.c.file_sha256, ticks.c.file_type, ticks.c.unseen_at, by.c.name.label("ticked_by"),
        )
        .select_from(found)
        .join(errands, errands.c.message_id == found.c.message_id)
        .join(outbox, outbox.c.id == errands.c.message_id)
        .join(replies, replies.c.id == outbox.c.reply_id)
        .join(author, author.c.id == replies.c.officer_id)
        .join(reports, reports.c.id == outbox.c.report_id)
        .join(cases, cases.c.id == errands.c.case_id)
        .join(wards, wards.c.code == cases.c.ward_code)
        .join(channels, channels.c.id == outbox.c.channel_id)
        .join(schedule, schedule.c.channel_id == outbox.c.channel_id)
        .outerjoin(own, own.c.id == author.c.unit_id)
        .outerjoin(theirs, theirs.c.id == cases.c.unit_id)
        .outerjoin(ticks, _living())
        .outerjoin(by, by.c.id == ticks.c.officer_id)
    )  # fmt: skip


#: What a reply says beside its words.
_REPLY = ("kind", "at", "transfer_to", "due_at")


def tries(tx: Tx, case_ids: Iterable[int]) -> list[Row[Any]]:
    """What the ledger holds of deliveries in these cases, oldest first: the instant and the data."""
    entry = ledger_entries
    query = select(entry.c.at, entry.c.data).where(
        entry.c.case_id.in_(sorted(set(case_ids))), entry.c.kind == "delivery", entry.c.data.isnot(None)
    )
    return list(tx.execute(query.order_by(entry.c.id)))


def last_try(tx: Tx, case_id: int, message_id: int) -> datetime | None:
    """When the ledger last says that a worker tried this message; None where it never does."""
    entry = ledger_entries
    query = select(entry.c.at, entry.c.data).where(
        entry.c.case_id == case_id, entry.c.kind == "delivery", entry.c.officer_id.is_(None)
    )
    told = tx.execute(query.order_by(entry.c.id.desc()))
    return next((row.at for row in told if row.data and json.loads(row.data)["outbox"] == message_id), None)


def channels_of(tx: Tx, scope: Scope) -> list[Row[Any]]:
    """Channels that anything is brought to in this ward, by title: slug and title."""
    here = select(errands.c.message_id).where(errands.c.channel_id == channels.c.id)
    if scope.ward is not None:
        here = here.where(errands.c.ward_code == scope.ward)
    query = select(channels.c.id, channels.c.slug, channels.c.title).where(here.exists())
    return list(tx.execute(query.order_by(channels.c.title, channels.c.id)))


# Looking ----------------------------------------------------------------------------------------------


def to_look_at(tx: Tx, now: datetime, limit: int) -> list[Row[Any]]:
    """Errands whose next look has come, earliest first, each with its case and its channel's last reading."""
    query = (
        select(
            errands.c.message_id, errands.c.need, errands.c.told_at, errands.c.channel_id,
            cases.c.id, cases.c.code, cases.c.title, cases.c.ward_code, cases.c.unit_id, cases.c.officer_id,
            cases.c.legal, outbox.c.created_at, outbox.c.report_id, channels.c.kind.label("channel_kind"),
            channels.c.options, channel_schedule.c.last_success_at, ticks.c.id.label("tick_id"),
            ticks.c.ticked_at, ticks.c.expected_from, ticks.c.unseen_at,
            silent_sources.c.at.label("silent_at"),
        )
        .select_from(errands)
        .join(cases, cases.c.id == errands.c.case_id)
        .join(outbox, outbox.c.id == errands.c.message_id)
        .join(channels, channels.c.id == errands.c.channel_id)
        .join(channel_schedule, channel_schedule.c.channel_id == errands.c.channel_id)
        .outerjoin(ticks, _living())
        .outerjoin(
            silent_sources,
            and_(
                silent_sources.c.channel_id == errands.c.channel_id,
                silent_sources.c.ward_code == errands.c.ward_code,
            ),
        )
        .where(errands.c.look_at <= now)
        .order_by(errands.c.look_at, errands.c.message_id)
        .limit(limit)
    )  # fmt: skip
    return list(tx.execute(query))


def look_again(tx: Tx, message_id: int, at: datetime | None, **values: Any) -> None:
    tx.execute(update(errands).where(errands.c.message_id == message_id).values(look_at=at, **values))


def source_deadlines(tx: Tx, report_ids: Iterable[int], after: datetime) -> dict[int, datetime]:
    """Report -> the earliest deadline of its result that lies behind `after`, met by us or not.

    Our clock ends when the answer is written; the source's runs until the answer is there.
    """
    found: dict[int, datetime] = {}
    for part in chunks(sorted(set(report_ids))):
        query = (
            select(deadlines.c.report_id, func.min(deadlines.c.due_at))
            .where(deadlines.c.report_id.in_(part), deadlines.c.step == "result", deadlines.c.due_at > after)
            .group_by(deadlines.c.report_id)
        )
        for row in tx.execute(query):
            found[row[0]] = row[1]
    return found


def waiting_for(tx: Tx, officer_id: int) -> int:
    """How many answers this person's own cases have waiting, at most `MANY`."""
    found = _of(Scope(None, (officer_id,))).where(errands.c.officer_id == officer_id, _waiting())
    return int(tx.execute(select(_few(found))).scalar_one())


def waiting_cases(
    tx: Tx, ward: str | None, *, officer_id: int | None = None, unit_id: int | None = None
) -> dict[int, int]:
    """Case -> how many of its answers wait to be brought: an officer's, a unit's, or the ward's."""
    query = (
        select(errands.c.case_id, func.count())
        .join(cases, cases.c.id == errands.c.case_id)
        .where(_waiting(), or_(cases.c.legal.is_(None), cases.c.legal.not_in(_RESTRICTED)))
        .group_by(errands.c.case_id)
    )
    if ward is not None:
        query = query.where(errands.c.ward_code == ward)
    if officer_id is not None:
        query = query.where(errands.c.officer_id == officer_id)
    if unit_id is not None:
        query = query.where(cases.c.unit_id == unit_id)
    return {row[0]: row[1] for row in tx.execute(query)}
