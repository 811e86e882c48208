"""Everything in which a person may be named, read a part at a time: such a search is rare, and whole."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Row, Select, and_, or_, select

from aggregator.domain.delivery import FINAL
from aggregator.storage.belief_tables import discrepancies
from aggregator.storage.case_tables import cases, memberships, outbox, replies
from aggregator.storage.channel_tables import channels, raw_payloads
from aggregator.storage.db import Tx
from aggregator.storage.ledger_tables import ledger_entries
from aggregator.storage.report_queries import chunks
from aggregator.storage.report_tables import attachments, reporters, reports
from aggregator.storage.webhook_tables import webhook_calls

PART = 1000
#: Entries that machines write, many and without anybody's words.
_WORDLESS = ("opened", "joined", "revised", "delivery", "stage", "recounted", "escalated", "erased")


def _in_parts(tx: Tx, query: Select[Any], key: Any) -> Iterator[Row[Any]]:
    """All rows in the order of `key`, `PART` a statement."""
    after = 0
    while rows := tx.execute(query.where(key > after).order_by(key).limit(PART)).all():
        yield from rows
        after = rows[-1][0]


def _of_ward(query: Select[Any], ward: str | None) -> Select[Any]:
    return query if ward is None else query.where(reports.c.ward_code == ward)


def by_index(tx: Tx, phone: str | None, email: str | None, ward: str | None) -> dict[int, set[str]]:
    """Report -> by which blind index it was found."""
    found: dict[int, set[str]] = {}
    for name, column, value in (
        ("phone", reporters.c.phone_index, phone),
        ("email", reporters.c.email_index, email),
    ):
        if value is not None:
            query = select(reporters.c.report_id).join(reports, reports.c.id == reporters.c.report_id)
            for report_id in tx.scalars(_of_ward(query.where(column == value), ward)):
                found.setdefault(report_id, set()).add(name)
    return found


def identities(tx: Tx, ward: str | None) -> Iterator[Row[Any]]:
    """(report_id, sealed identity) of everybody."""
    query = select(reporters.c.report_id, reporters.c.identity).join(
        reports, reports.c.id == reporters.c.report_id
    )
    return _in_parts(tx, _of_ward(query, ward), reporters.c.report_id)


def texts(tx: Tx, ward: str | None) -> Iterator[Row[Any]]:
    """(id, subject, body, address, external_id) of every report that still has words."""
    query = select(
        reports.c.id, reports.c.subject, reports.c.body, reports.c.address, reports.c.external_id
    ).where(or_(reports.c.body != "", reports.c.subject != ""))
    return _in_parts(tx, _of_ward(query, ward), reports.c.id)


def words_of_officers(tx: Tx, ward: str | None) -> Iterator[Row[Any]]:
    """(id, case_id, chain, seq, data) of ledger entries that may hold somebody's words."""
    entry = ledger_entries.c
    query: Select[Any] = select(entry.id, entry.case_id, entry.chain, entry.seq, entry.data).where(
        entry.data.isnot(None), entry.kind.not_in(_WORDLESS)
    )
    # The installation's own chain belongs to every ward: its entries tell of people only by a slip.
    here = query if ward is None else query.where(entry.chain.in_((ward, "*")))
    return _in_parts(tx, here, entry.id)


def answers(tx: Tx, ward: str | None) -> Iterator[Row[Any]]:
    """(id, case_id, body) of every answer."""
    query: Select[Any] = select(replies.c.id, replies.c.case_id, replies.c.body).where(replies.c.body != "")
    if ward is not None:
        query = query.join(cases, cases.c.id == replies.c.case_id).where(cases.c.ward_code == ward)
    return _in_parts(tx, query, replies.c.id)


def differences(tx: Tx, ward: str | None) -> Iterator[Row[Any]]:
    """(id, case_id, both sides' words, author, note, reason) of every difference beside a source."""
    one = discrepancies.c
    query: Select[Any] = (
        select(one.id, memberships.c.case_id, one.ours, one.theirs, one.author, one.note, one.reason)
        .join(memberships, and_(memberships.c.report_id == one.report_id, memberships.c.ended_at.is_(None)))
        .join(cases, cases.c.id == memberships.c.case_id)
    )
    return _in_parts(tx, query if ward is None else query.where(cases.c.ward_code == ward), one.id)


def homes(tx: Tx, report_ids: Collection[int]) -> dict[int, int]:
    """Report -> the case it lives in."""
    found: dict[int, int] = {}
    for part in chunks(sorted(report_ids)):
        query = select(memberships.c.report_id, memberships.c.case_id).where(memberships.c.ended_at.is_(None))
        rows = tx.execute(query.where(memberships.c.report_id.in_(part)))
        found.update({row.report_id: row.case_id for row in rows})
    return found


def cases_of(tx: Tx, case_ids: Collection[int]) -> list[Row[Any]]:
    found: list[Row[Any]] = []
    for part in chunks(sorted(case_ids)):
        found += tx.execute(select(cases).where(cases.c.id.in_(part)).order_by(cases.c.id))
    return found


def reports_in(tx: Tx, report_ids: Collection[int]) -> list[Row[Any]]:
    """Reports with their channel's slug and title, and whether their person is still known."""
    found: list[Row[Any]] = []
    for part in chunks(sorted(report_ids)):
        query = (
            select(reports, channels.c.slug, channels.c.title, reporters.c.report_id.label("known"))
            .join(channels, channels.c.id == reports.c.channel_id)
            .outerjoin(reporters, reporters.c.report_id == reports.c.id)
            .where(reports.c.id.in_(part))
            .order_by(reports.c.received_at, reports.c.id)
        )
        found += tx.execute(query)
    return found


def files_of(tx: Tx, report_ids: Collection[int]) -> list[Row[Any]]:
    found: list[Row[Any]] = []
    for part in chunks(sorted(report_ids)):
        mine = and_(attachments.c.report_id.in_(part), attachments.c.state != "erased")
        found += tx.execute(select(attachments).where(mine).order_by(attachments.c.id))
    return found


def replies_of(tx: Tx, case_ids: Collection[int]) -> list[Row[Any]]:
    found: list[Row[Any]] = []
    for part in chunks(sorted(case_ids)):
        found += tx.execute(select(replies).where(replies.c.case_id.in_(part)).order_by(replies.c.id))
    return found


def under_way(tx: Tx, case_ids: Collection[int]) -> set[int]:
    """Cases with an answer that a source may be taking now: its words must stay as they were sent."""
    found: set[int] = set()
    for part in chunks(sorted(case_ids)):
        # Nothing of a message that waits, for its time or for a person, has left us yet.
        gone = outbox.c.state.not_in([*(state.value for state in FINAL), "pending", "manual"])
        found.update(tx.scalars(select(outbox.c.case_id).where(outbox.c.case_id.in_(part), gone)))
    return found


def waiting(tx: Tx, case_ids: Collection[int]) -> dict[int, int]:
    """Case -> how many messages have not been sent yet."""
    found: dict[int, int] = {}
    for part in chunks(sorted(case_ids)):
        query = select(outbox.c.case_id).where(
            outbox.c.case_id.in_(part), outbox.c.state.in_(("pending", "manual"))
        )
        for case_id in tx.scalars(query):
            found[case_id] = found.get(case_id, 0) + 1
    return found


def pages_of(tx: Tx, channel_ids: Collection[int]) -> Iterator[Row[Any]]:
    """(id, channel_id, sealed content) of everything that is archived of these channels."""
    query = select(raw_payloads.c.id, raw_payloads.c.channel_id, raw_payloads.c.content).where(
        raw_payloads.c.channel_id.in_(channel_ids), raw_payloads.c.content != b""
    )
    return _in_parts(tx, query, raw_payloads.c.id)


def calls_of(tx: Tx, channel_ids: Collection[int]) -> Iterator[Row[Any]]:
    query = select(webhook_calls.c.id, webhook_calls.c.channel_id, webhook_calls.c.content).where(
        webhook_calls.c.channel_id.in_(channel_ids), webhook_calls.c.content.isnot(None)
    )
    return _in_parts(tx, query, webhook_calls.c.id)
