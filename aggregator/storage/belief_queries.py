"""What sources showed at the last look, and the differences found: what comparing and its screens ask.

What may surprise: a difference belongs to a report; its case and ward are found by the report's living
membership, so that it follows the report through merging, splitting and moving to another ward.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select, update

from aggregator.domain.delivery import DELIVERED, Delivery
from aggregator.storage import ids
from aggregator.storage.belief_tables import ASIDE, discrepancies, source_looks
from aggregator.storage.bulk import insert_rows
from aggregator.storage.case_tables import cases, deadlines, memberships, outbox, replies
from aggregator.storage.channel_tables import channels
from aggregator.storage.db import Tx
from aggregator.storage.report_queries import chunks
from aggregator.storage.report_tables import match_traits, reports
from aggregator.storage.upsert import inserting

#: Open differences of a channel are counted up to here: more is "many".
MOST_COUNTED = 10_000
#: A report under another number keeps its moment, to the minute where its source shows no more.
AROUND = timedelta(minutes=1)
_DELIVERED = [state.value for state in DELIVERED]
#: Cases that only some may read: nothing of them is counted or listed for the others.
_RESTRICTED = ("recognised", "confirmed")


# Looks ----------------------------------------------------------------------------------------------


def looks(tx: Tx, report_ids: Iterable[int]) -> dict[int, Row[Any]]:
    """Report -> its row of the last look, for those that were compared before."""
    found = {}
    for part in chunks(report_ids):
        query = select(source_looks).where(source_looks.c.report_id.in_(part))
        found.update({row.report_id: row for row in tx.execute(query)})
    return found


def digests(tx: Tx, report_ids: Iterable[int]) -> dict[int, str | None]:
    """The names of the answers that were shown at the last look, for those that were compared before."""
    found: dict[int, str | None] = {}
    for part in chunks(report_ids):
        query = select(source_looks.c.report_id, source_looks.c.answers)
        found.update({row[0]: row[1] for row in tx.execute(query.where(source_looks.c.report_id.in_(part)))})
    return found


def due_a_look(tx: Tx, report_ids: Iterable[int], settled_to: datetime) -> set[int]:
    """Those of the reports with an answer that had no time to be shown at the last look, and has had now;
    and those with an answer of which a person must say whether it is there."""
    found: set[int] = set()
    later = or_(source_looks.c.settled_to.is_(None), outbox.c.sent_at > source_looks.c.settled_to)
    settled = and_(outbox.c.state.in_(_DELIVERED), outbox.c.sent_at <= settled_to, later)
    for part in chunks(report_ids):
        query = (
            select(outbox.c.report_id)
            .outerjoin(source_looks, source_looks.c.report_id == outbox.c.report_id)
            .where(outbox.c.report_id.in_(part), or_(settled, outbox.c.state == Delivery.UNCLEAR.value))
        )
        found.update(tx.scalars(query))
    return found


def unseen(tx: Tx, channel_id: int, since: datetime, until: datetime, limit: int) -> list[str]:
    """External ids of reports with an answer delivered between the two, which no look has shown since."""
    never = or_(source_looks.c.settled_to.is_(None), source_looks.c.settled_to < outbox.c.sent_at)
    query = (
        select(reports.c.external_id)
        .join(outbox, outbox.c.report_id == reports.c.id)
        .outerjoin(source_looks, source_looks.c.report_id == reports.c.id)
        .where(
            outbox.c.channel_id == channel_id, outbox.c.state == "sent",
            outbox.c.sent_at >= since, outbox.c.sent_at <= until, never,
        )
        .distinct()
        .limit(limit)
    )  # fmt: skip
    return list(tx.scalars(query))


def put_looks(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """What was just compared; `done_at` NULL keeps what is known of an earlier time."""
    if not rows:
        return
    statement = inserting(tx, source_looks)
    fresh = statement.excluded
    changed = {
        "answers": fresh.answers, "shown": fresh.shown, "settled_to": fresh.settled_to,
        "done_at": func.coalesce(fresh.done_at, source_looks.c.done_at),
    }  # fmt: skip
    tx.execute(statement.on_conflict_do_update(index_elements=["report_id"], set_=changed), list(rows))


def looked(tx: Tx, channel_id: int, report_ids: Sequence[int], settled_to: datetime) -> None:
    """These were looked for and not found: what is known of their answers stays as it was."""
    known = looks(tx, report_ids)
    now = {"channel_id": channel_id, "settled_to": settled_to, "done_at": None}
    before = {
        id_: {"answers": known[id_].answers, "shown": known[id_].shown}
        if id_ in known
        else {"answers": None, "shown": None}
        for id_ in report_ids
    }
    put_looks(tx, [{"report_id": id_, **now, **kept} for id_, kept in before.items()])


def shows_answers(tx: Tx, channel_id: int) -> bool:
    """Whether the source has shown an answer under any report at its last look."""
    shown = and_(source_looks.c.channel_id == channel_id, source_looks.c.answers.isnot(None))
    return bool(tx.scalar(select(exists().where(shown))))


# What we believe --------------------------------------------------------------------------------------


def messages(tx: Tx, report_ids: Iterable[int]) -> list[Row[Any]]:
    """Our answers to these reports, in the order in which each source must get them."""
    found: list[Row[Any]] = []
    for part in chunks(report_ids):
        query = (
            select(
                outbox.c.id, outbox.c.report_id, outbox.c.state, outbox.c.attempts, outbox.c.sent_at,
                outbox.c.remote_ref, outbox.c.acknowledged_at, replies.c.kind, replies.c.body,
            )
            .join(replies, replies.c.id == outbox.c.reply_id)
            .where(outbox.c.report_id.in_(part))
            .order_by(outbox.c.report_id, outbox.c.seq)
        )  # fmt: skip
        found += tx.execute(query)
    return found


def counted_source_dues(tx: Tx, report_ids: Iterable[int]) -> dict[int, datetime]:
    """Report -> the deadline of its source as our clock counts it."""
    found = {}
    for part in chunks(report_ids):
        query = select(deadlines.c.report_id, deadlines.c.due_at).where(
            deadlines.c.report_id.in_(part), deadlines.c.origin == "source"
        )
        found.update({row[0]: row[1] for row in tx.execute(query)})
    return found


# Differences ------------------------------------------------------------------------------------------


def of_reports(tx: Tx, report_ids: Iterable[int]) -> list[Row[Any]]:
    """Every difference of these reports, settled ones too, oldest first."""
    found: list[Row[Any]] = []
    for part in chunks(report_ids):
        query = select(discrepancies).where(discrepancies.c.report_id.in_(part))
        found += tx.execute(query.order_by(discrepancies.c.id))
    return found


def laid_aside(tx: Tx, channel_id: int, names: Iterable[str]) -> set[tuple[str, str]]:
    """(kind, name) of the differences of these names that a person laid aside under some report."""
    found: set[tuple[str, str]] = set()
    for part in chunks(sorted(set(names))):
        query = select(discrepancies.c.kind, discrepancies.c.about).where(
            discrepancies.c.channel_id == channel_id, discrepancies.c.about.in_(part), ASIDE
        )
        found.update((row[0], row[1]) for row in tx.execute(query))
    return found


def words_aside(tx: Tx, channel_id: int, names: Iterable[str]) -> dict[str, Row[Any]]:
    """Of answers that a person laid aside for the whole channel: name -> a difference with the words."""
    found = {}
    for part in chunks(sorted(set(names))):
        query = select(discrepancies).where(
            discrepancies.c.channel_id == channel_id, discrepancies.c.about.in_(part), ASIDE
        )
        found.update({row.about: row for row in tx.execute(query)})
    return found


def open_words(tx: Tx, channel_id: int) -> dict[str, Row[Any]]:
    """Status words of the source that are told as unmapped, oldest first: name -> the difference."""
    query = select(discrepancies).where(
        discrepancies.c.channel_id == channel_id,
        discrepancies.c.kind == "status_unmapped",
        discrepancies.c.settled_at.is_(None),
    )
    return {row.about: row for row in tx.execute(query.order_by(discrepancies.c.id))}


def insert_found(tx: Tx, rows: list[dict[str, Any]]) -> list[int]:
    """Insert; the ids in the same order."""
    new = ids.reserve(tx, discrepancies, len(rows))
    insert_rows(tx, discrepancies, [{"id": id_, **row} for id_, row in zip(new, rows, strict=True)])
    return new


def settle(
    tx: Tx, difference_ids: Iterable[int], how: str, by: int | None, reason: str, now: datetime
) -> int:
    """Close those that are still open; how many were."""
    done = 0
    for part in chunks(filter(ids.possible, difference_ids)):
        mine = and_(discrepancies.c.id.in_(part), discrepancies.c.settled_at.is_(None))
        values = {"how": how, "settled_by": by, "reason": reason, "settled_at": now}
        done += tx.execute(update(discrepancies).where(mine).values(values)).rowcount
    return done


# Screens ----------------------------------------------------------------------------------------------


def _seen(query: Select[Any], ward: str | None, *, legal: bool) -> Select[Any]:
    """Joined to report and case, and only what this person may see (None as the ward: every ward)."""
    found = (
        query.join(reports, reports.c.id == discrepancies.c.report_id)
        .join(
            memberships,
            and_(memberships.c.report_id == discrepancies.c.report_id, memberships.c.ended_at.is_(None)),
        )
        .join(cases, cases.c.id == memberships.c.case_id)
        .join(channels, channels.c.id == discrepancies.c.channel_id)
    )
    if ward is not None:
        found = found.where(cases.c.ward_code == ward)
    if not legal:
        found = found.where(or_(cases.c.legal.is_(None), cases.c.legal.not_in(_RESTRICTED)))
    return found


def _full() -> Select[Any]:
    return select(
        discrepancies, reports.c.external_id, reports.c.url, reports.c.received_at,
        reports.c.status_raw, reports.c.source_status, reports.c.subject, reports.c.body,
        channels.c.slug, channels.c.title.label("channel"), channels.c.kind.label("channel_kind"),
        channels.c.options.label("channel_options"),
        cases.c.id.label("case_id"), cases.c.code.label("case_code"), cases.c.title.label("case_title"),
        cases.c.status.label("case_status"), cases.c.ward_code, cases.c.due_at.label("case_due_at"),
        cases.c.legal, cases.c.version.label("case_version"), cases.c.report_count,
    )  # fmt: skip


def counts(
    tx: Tx, ward: str | None, *, legal: bool, channel_ids: Collection[int] | None = None
) -> list[Row[Any]]:
    """(channel id, slug, title, kind of difference, n): the open ones, of these channels or of all."""
    columns: Select[Any] = select(discrepancies.c.channel_id, discrepancies.c.kind)
    inner = _seen(columns, ward, legal=legal).where(discrepancies.c.settled_at.is_(None))
    if channel_ids is not None:
        inner = inner.where(discrepancies.c.channel_id.in_(list(channel_ids)))
    some = inner.limit(MOST_COUNTED).subquery()
    query = (
        select(some.c.channel_id, channels.c.slug, channels.c.title, some.c.kind, func.count().label("n"))
        .join(channels, channels.c.id == some.c.channel_id)
        .group_by(some.c.channel_id, channels.c.slug, channels.c.title, some.c.kind)
        .order_by(channels.c.title, some.c.kind)
    )
    return list(tx.execute(query))


def listed(
    tx: Tx, channel_id: int, ward: str | None, *, legal: bool, kind: str | None = None,
    is_open: bool = True, before: int | None = None, limit: int,
) -> list[Row[Any]]:  # fmt: skip
    """A channel's differences, newest first, those with an id below `before`."""
    state: ColumnElement[bool] = discrepancies.c.settled_at.is_(None)
    query = _seen(_full(), ward, legal=legal).where(
        discrepancies.c.channel_id == channel_id, state if is_open else ~state
    )
    if kind is not None:
        query = query.where(discrepancies.c.kind == kind)
    if before is not None and ids.possible(before):
        query = query.where(discrepancies.c.id < before)
    return list(tx.execute(query.order_by(discrepancies.c.id.desc()).limit(limit)))


def of_case(tx: Tx, case_id: int, limit: int) -> list[Row[Any]]:
    """The newest differences of the reports that live in a case now. The caller may see the case."""
    query = _seen(_full(), None, legal=True).where(memberships.c.case_id == case_id)
    return list(tx.execute(query.order_by(discrepancies.c.id.desc()).limit(limit)))


def some(tx: Tx, difference_ids: Iterable[int], ward: str | None, *, legal: bool) -> list[Row[Any]]:
    """These differences, as far as the person may see them, newest first."""
    found: list[Row[Any]] = []
    for part in chunks(filter(ids.possible, difference_ids)):
        query = _seen(_full(), ward, legal=legal).where(discrepancies.c.id.in_(part))
        found += tx.execute(query.order_by(discrepancies.c.id.desc()))
    return found


def same_moment(tx: Tx, row: Row[Any], ward: str | None, *, legal: bool, limit: int) -> list[Row[Any]]:
    """Reports of the same channel, ward and moment that came after the one of this difference, as far as
    the person may see them, each with its case."""
    query = (
        select(
            reports.c.id, reports.c.external_id, reports.c.subject, reports.c.body,
            cases.c.id.label("case_id"), cases.c.code.label("case_code"),
        )
        .select_from(match_traits)
        .join(reports, reports.c.id == match_traits.c.report_id)
        .join(memberships, and_(memberships.c.report_id == reports.c.id, memberships.c.ended_at.is_(None)))
        .join(cases, cases.c.id == memberships.c.case_id)
        .where(
            match_traits.c.ward == row.ward_code,
            match_traits.c.received_at.between(row.received_at - AROUND, row.received_at + AROUND),
            reports.c.channel_id == row.channel_id, reports.c.id > row.report_id,
        )
        .order_by(reports.c.id)
        .limit(limit)
    )  # fmt: skip
    if ward is not None:
        query = query.where(cases.c.ward_code == ward)
    if not legal:
        query = query.where(or_(cases.c.legal.is_(None), cases.c.legal.not_in(_RESTRICTED)))
    return list(tx.execute(query))


def same_words(tx: Tx, channel_id: int, about: str, limit: int) -> list[int]:
    """Open differences of a channel about the same foreign words, oldest first."""
    query = (
        select(discrepancies.c.id)
        .where(
            discrepancies.c.channel_id == channel_id, discrepancies.c.kind == "answer_foreign",
            discrepancies.c.settled_at.is_(None), discrepancies.c.about == about,
        )
        .order_by(discrepancies.c.id)
        .limit(limit)
    )  # fmt: skip
    return list(tx.scalars(query))


def adopted(tx: Tx, message_id: int, at: datetime, now: datetime) -> None:
    """A message whose words the source has shown all along: nothing is to be sent."""
    tx.execute(
        update(outbox)
        .where(outbox.c.id == message_id)
        .values(state="acknowledged", sent_at=at, acknowledged_at=now, next_attempt_at=None)
    )
