"""Messages to sources: queued in order, seen back at the source, listed, and told to their case.

A worker's side (claim, settle, hold the channel) is in `outbox_claims`. What may surprise: `listed`
rows are not scoped to a person; the services that show them are what asks who may see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from aggregator.domain.delivery import FINAL, NEEDS_PERSON, STUBBORN, WAITING, Delivery, comparable
from aggregator.storage import errand_queries, ids
from aggregator.storage.case_tables import cases, outbox, replies
from aggregator.storage.channel_tables import channel_schedule, channels
from aggregator.storage.db import Tx
from aggregator.storage.errand_tables import ticks
from aggregator.storage.outbox_claims import RELEASED
from aggregator.storage.report_queries import chunks
from aggregator.storage.report_tables import reports
from aggregator.storage.types import Instant

_BEFORE = outbox.alias("before")
#: A poll that shows the answer confirms a message in one of these. `pending` only after a try:
#: before it the words at the source are somebody else's.
_CONFIRMABLE = ("leased", "confirming", "sent", "unclear", "manual", "dead")


@dataclass(frozen=True, slots=True)
class NewMessage:
    """One answer to be carried to one report's source. `state` is pending or manual."""

    idempotency_key: str
    reply_id: int
    report_id: int
    channel_id: int
    case_id: int
    state: Delivery
    now: datetime
    #: Not before then; None: at once.
    after: datetime | None = None
    #: Why it begins with a person.
    why: str | None = None
    #: Files of the answer that its source does not take.
    files_left: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A message whose state changed, with what the ledger needs to say so."""

    id: int
    report_id: int
    case_id: int
    channel_id: int
    channel_slug: str
    ward_code: str
    state: Delivery
    attempts: int
    error_code: str | None
    reply_id: int


@dataclass(frozen=True, slots=True)
class Flip:
    """A case whose `delivery_problem` is no longer what it was."""

    case_id: int
    problem: bool


# Queueing -------------------------------------------------------------------------------------------


def enqueue(tx: Tx, rows: Sequence[NewMessage]) -> list[int]:
    """Queue `rows` behind what their reports already wait for; their ids in the same order.

    The caller holds the ledger lock of the case's ward: two answers to one report follow each other.
    """
    last, busy = _last_seq(tx, {row.report_id for row in rows})
    new_ids = ids.reserve(tx, outbox, len(rows))
    values = []
    for new_id, row in zip(new_ids, rows, strict=True):
        last[row.report_id] += 1
        behind = row.report_id in busy
        busy.add(row.report_id)
        values.append(
            {
                "id": new_id, "idempotency_key": row.idempotency_key, "reply_id": row.reply_id,
                "report_id": row.report_id, "channel_id": row.channel_id, "case_id": row.case_id,
                "seq": last[row.report_id], "state": row.state.value, "attempts": 0, "fence": 0,
                "next_attempt_at": (row.after or row.now) if row.state is Delivery.PENDING else None,
                "created_at": row.now, "error_code": row.why, "behind": behind, "files_left": row.files_left,
            }
        )  # fmt: skip
    if values:
        tx.execute(insert(outbox), values)
    return new_ids


def _last_seq(tx: Tx, report_ids: set[int]) -> tuple[Counter[int], set[int]]:
    """The last number of each report's messages, and the reports where one of them is not final."""
    last: Counter[int] = Counter()
    busy: set[int] = set()
    waits = case((outbox.c.state.in_([state.value for state in FINAL]), 0), else_=1)
    for part in chunks(sorted(report_ids)):
        query = select(outbox.c.report_id, func.max(outbox.c.seq), func.max(waits))
        query = query.where(outbox.c.report_id.in_(part)).group_by(outbox.c.report_id)
        for report_id, seq, waiting in tx.execute(query):
            last[report_id] = seq
            if waiting:
                busy.add(report_id)
    return last, busy


def line_up(tx: Tx, report_ids: Iterable[int] | None = None) -> int:
    """Let the oldest waiting message of each report into the queue, and none beside it; how many moved.

    `delivery_log.record` calls it after every change; without `report_ids` it mends all reports.
    """
    waiting = outbox.c.state.in_([state.value for state in WAITING])
    moved = update(outbox).where(waiting, outbox.c.behind != _older_waits()).values(behind=~outbox.c.behind)
    if report_ids is None:
        return tx.execute(moved).rowcount
    parts = chunks(sorted(set(report_ids)))
    return sum(tx.execute(moved.where(outbox.c.report_id.in_(part))).rowcount for part in parts)


def withdraw(tx: Tx, reply_id: int) -> bool:
    """Take an answer's messages back. False where one of them was claimed, carried over or seen at its
    source: then the caller's transaction must not commit."""
    mine = outbox.c.reply_id == reply_id
    untouched = and_(
        mine, outbox.c.fence == 0, outbox.c.state.in_((Delivery.PENDING.value, Delivery.MANUAL.value))
    )
    values = {"state": Delivery.WITHDRAWN.value, "next_attempt_at": None, "fence": outbox.c.fence + 1}
    taken = list(tx.scalars(update(outbox).where(untouched).values(**values).returning(outbox.c.report_id)))
    line_up(tx, taken)
    return bool(taken) and len(taken) == tx.scalar(select(func.count()).where(mine))


# Seen at the source -------------------------------------------------------------------------------


def shown(tx: Tx, channel_id: int, seen: Mapping[int, Sequence[str]]) -> list[int]:
    """Ids of the messages that wait to be seen and whose words the source now shows.

    `seen`: report id -> the texts of the answers that the source shows for it. Equal words of two
    messages need to be shown twice to confirm both.
    """
    found: list[int] = []
    for part in chunks(sorted(_waiting_for_confirmation(tx, channel_id, seen))):
        found += _shown_among(tx.execute(_messages_of(part)), seen)
    return found


def wards_of(tx: Tx, message_ids: Iterable[int]) -> set[str]:
    """The wards whose chains tell of these messages."""
    found: set[str] = set()
    for part in chunks(sorted(set(message_ids))):
        query = select(cases.c.ward_code).join(outbox, outbox.c.case_id == cases.c.id)
        found.update(tx.scalars(query.where(outbox.c.id.in_(part))))
    return found


def acknowledge(tx: Tx, message_ids: Sequence[int], now: datetime) -> None:
    """The source shows these. Records nothing: that is `services.delivery_log.acknowledge`."""
    for ids_ in chunks(list(message_ids)):
        tx.execute(
            update(outbox)
            .where(outbox.c.id.in_(ids_))
            .values(
                state=Delivery.ACKNOWLEDGED.value, acknowledged_at=now, next_attempt_at=None,
                sent_at=func.coalesce(outbox.c.sent_at, literal(now, Instant())),
                fence=outbox.c.fence + 1, error_code=None, error=None, error_vi=None, **RELEASED,
            )
        )  # fmt: skip


def _confirmable() -> ColumnElement[bool]:
    return or_(
        outbox.c.state.in_(_CONFIRMABLE),
        and_(outbox.c.state == Delivery.PENDING.value, outbox.c.attempts > 0),
    )


def _waiting_for_confirmation(tx: Tx, channel_id: int, seen: Iterable[int]) -> set[int]:
    found: set[int] = set()
    for part in chunks(sorted(set(seen))):
        query = select(outbox.c.report_id).where(
            outbox.c.report_id.in_(part), outbox.c.channel_id == channel_id, _confirmable()
        )
        found.update(tx.scalars(query))
    return found


def _messages_of(report_ids: list[int]) -> Any:
    return (
        select(outbox.c.id, outbox.c.report_id, outbox.c.state, _confirmable().label("open"), replies.c.body)
        .join(replies, replies.c.id == outbox.c.reply_id)
        .where(outbox.c.report_id.in_(report_ids))
        .order_by(outbox.c.report_id, outbox.c.seq)
    )


def _shown_among(rows: Iterable[Row[Any]], seen: Mapping[int, Sequence[str]]) -> list[int]:
    """Ids of the open messages whose words are shown, older ones first where they say the same."""
    left = {report_id: Counter(map(comparable, texts)) for report_id, texts in seen.items()}
    listed = list(rows)
    for row in listed:
        if row.state == Delivery.ACKNOWLEDGED:
            left[row.report_id][comparable(row.body)] -= 1
    confirmed = []
    for row in listed:
        if row.open and left[row.report_id][comparable(row.body)] > 0:
            left[row.report_id][comparable(row.body)] -= 1
            confirmed.append(row.id)
    return confirmed


def changes(tx: Tx, message_ids: Iterable[int]) -> list[Change]:
    """The messages as they are now, for the ledger."""
    found: list[Change] = []
    for part in chunks(sorted(set(message_ids))):
        query = (
            select(
                outbox.c.id, outbox.c.report_id, outbox.c.case_id, outbox.c.channel_id, channels.c.slug,
                cases.c.ward_code, outbox.c.state, outbox.c.attempts, outbox.c.error_code,
                outbox.c.reply_id,
            )
            .join(channels, channels.c.id == outbox.c.channel_id)
            .join(cases, cases.c.id == outbox.c.case_id)
            .where(outbox.c.id.in_(part))
            .order_by(outbox.c.id)
        )  # fmt: skip
        found += [Change(*row[:6], Delivery(row[6]), row[7], row[8], row[9]) for row in tx.execute(query)]
    return found


# The case's side ------------------------------------------------------------------------------------


def _problem() -> ColumnElement[bool]:
    # A try under way has not failed yet.
    failed = outbox.c.attempts - case((outbox.c.lease_owner.isnot(None), 1), else_=0)
    return or_(
        outbox.c.state.in_([state.value for state in NEEDS_PERSON]),
        and_(outbox.c.state.in_([state.value for state in WAITING]), failed > STUBBORN),
        _unseen(),
    )


def _unseen() -> ColumnElement[bool]:
    """Ticked off by a person, and the source does not show it."""
    held = exists().where(
        ticks.c.message_id == outbox.c.id, ticks.c.undone_at.is_(None), ticks.c.unseen_at.isnot(None)
    )
    return and_(outbox.c.state == Delivery.SENT.value, held)


def problem_cases(tx: Tx, case_ids: Iterable[int] | None = None) -> set[int]:
    """Cases with an answer that somebody must see to; among `case_ids`, or all there are."""
    query = select(outbox.c.case_id).where(_problem()).distinct()
    if case_ids is None:
        return set(tx.scalars(query))
    found: set[int] = set()
    for part in chunks(sorted(set(case_ids))):
        found.update(tx.scalars(query.where(outbox.c.case_id.in_(part))))
    return found


def refresh_problem(tx: Tx, case_ids: Iterable[int]) -> list[Flip]:
    """Make `cases.delivery_problem` and the errands say what the messages say; the cases whose mark changed.

    Counts nothing: the caller moves the counters for the cases that flipped.
    """
    wanted = sorted(set(case_ids))
    errand_queries.follow(tx, wanted)
    troubled = problem_cases(tx, wanted)
    flips = []
    for problem in (True, False):
        for part in chunks([case_id for case_id in wanted if (case_id in troubled) is problem]):
            query = (
                update(cases)
                .where(cases.c.id.in_(part), cases.c.delivery_problem.isnot(problem))
                .values(delivery_problem=problem)
                .returning(cases.c.id)
            )
            flips += [Flip(case_id, problem) for case_id in tx.scalars(query)]
    return flips


# What people see ------------------------------------------------------------------------------------


def _listed() -> Any:
    schedule = channel_schedule
    return (
        select(
            outbox, reports.c.external_id, reports.c.url, channels.c.title.label("channel"), channels.c.slug,
            channels.c.kind.label("channel_kind"), schedule.c.paused, schedule.c.state.label("channel_state"),
            schedule.c.write_open_until, schedule.c.write_error_code, cases.c.ward_code,
            cases.c.code.label("case_code"), cases.c.legal,
            replies.c.body, replies.c.kind.label("reply_kind"), replies.c.at.label("reply_at"),
            replies.c.undo_until, _unseen().label("unseen"),
        )
        .join(replies, replies.c.id == outbox.c.reply_id)
        .join(reports, reports.c.id == outbox.c.report_id)
        .join(cases, cases.c.id == outbox.c.case_id)
        .join(channels, channels.c.id == outbox.c.channel_id)
        .join(schedule, schedule.c.channel_id == outbox.c.channel_id)
        .order_by(outbox.c.id)
    )  # fmt: skip


def _older_waits() -> ColumnElement[bool]:
    older = _BEFORE
    return exists().where(
        older.c.report_id == outbox.c.report_id,
        older.c.seq < outbox.c.seq,
        older.c.state.not_in([state.value for state in FINAL]),
    )


def of_case(tx: Tx, case_ids: Iterable[int]) -> list[Row[Any]]:
    """Every message of these cases, in the order they were queued."""
    found: list[Row[Any]] = []
    for part in chunks(sorted(set(case_ids))):
        found += tx.execute(_listed().where(outbox.c.case_id.in_(part)))
    return found


def of_channel(
    tx: Tx, channel_id: int, states: Iterable[Delivery] = WAITING, *, limit: int = 200
) -> list[Row[Any]]:
    """The oldest `limit` messages of a channel in `states`."""
    wanted = [state.value for state in states]
    query = _listed().where(outbox.c.channel_id == channel_id, outbox.c.state.in_(wanted)).limit(limit)
    return list(tx.execute(query))


def listed(
    tx: Tx, *, ward: str | None, states: Iterable[Delivery] | None = None, limit: int | None = None
) -> list[Row[Any]]:
    """The oldest `limit` messages (None: all) of a ward (None: of all) in `states` (None: any)."""
    query = _listed().limit(limit)
    if ward is not None:
        query = query.where(cases.c.ward_code == ward)
    if states is not None:
        query = query.where(outbox.c.state.in_([state.value for state in states]))
    return list(tx.execute(query))


def one(tx: Tx, message_id: int) -> Row[Any] | None:
    return tx.execute(_listed().where(outbox.c.id == message_id)).one_or_none()


def waiting_by_channel(tx: Tx, channel_ids: Iterable[int] | None = None) -> dict[int, tuple[int, datetime]]:
    """Channel -> how many messages wait for it, and since when the oldest does."""
    query = (
        select(outbox.c.channel_id, func.count(), func.min(outbox.c.created_at))
        .where(outbox.c.state.in_([state.value for state in WAITING]))
        .group_by(outbox.c.channel_id)
    )
    if channel_ids is not None:
        query = query.where(outbox.c.channel_id.in_(list(channel_ids)))
    return {row[0]: (row[1], row[2]) for row in tx.execute(query)}
