"""Messages in one worker's hand: claimed, tried, settled or given back; and what their channel learns.

`next_attempt_at` is when a worker may take the row and nothing else: NULL where none may. While a
row is leased it is the instant of taking it over, and a row `behind` an older one of its report is in
no queue, so one index finds all that is due, and finding it costs the same however long the queue is
and whatever waits beside it.

What may surprise: only rows claimed to be pushed for the first time become `leased`. A row that may
have left before (`confirming`, or a lease that ran out) is claimed as `confirming`, so the state
alone tells every later worker to look before it pushes, whenever this one dies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Update, and_, case, exists, func, literal, or_, select, update

from aggregator.domain.delivery import DELIVERED, FINAL, WAITING, Delivery, comparable
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import RateLimited, Transient
from aggregator.storage import reply_file_queries
from aggregator.storage.account_tables import officers
from aggregator.storage.bulk import update_rows
from aggregator.storage.case_tables import cases, outbox, replies
from aggregator.storage.channel_tables import channel_schedule, channels
from aggregator.storage.db import Tx
from aggregator.storage.place_tables import units, wards
from aggregator.storage.report_queries import chunks
from aggregator.storage.report_tables import reports
from aggregator.storage.types import Instant

# Made once: an alias makes all its columns anew, and a claim is what an idle worker does all day.
_todo, _older = outbox.alias("todo"), outbox.alias("older")
_own, _theirs = units.alias("own"), units.alias("theirs")
RELEASED: dict[str, Any] = {"lease_owner": None, "lease_until": None}


@dataclass(frozen=True, slots=True)
class Corrected:
    """The answer that a correction is about, as its source has it."""

    kind: ReplyKind
    #: The source's name for it.
    remote_ref: str | None
    #: What the source should show: the newest answer that says something about the matter.
    stands: ReplyKind


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is this worker's until `lease_until`, with all that carrying it needs."""

    id: int
    fence: int
    owner: str
    #: The tries so far, this one included.
    attempts: int
    #: It may have arrived already: look before pushing.
    look_first: bool
    #: Its place in the queue, where it is given back untried.
    queued_at: datetime
    idempotency_key: str
    report_id: int
    case_id: int
    seq: int
    ward_code: str
    channel_id: int
    channel_slug: str
    channel_kind: str
    channel_options: Mapping[str, Any]
    write_failures: int
    external_id: str
    kind: ReplyKind
    body: str
    at: datetime
    transfer_to: str
    due_at: datetime | None
    corrected: Corrected | None
    #: Rows of the answer's files.
    files: Sequence[Any]
    author_name: str
    author_role: str
    unit_name: str


# Claiming -------------------------------------------------------------------------------------------


def claim(
    tx: Tx, channel_id: int, owner: str, now: datetime, *, most: int, until: datetime, over: datetime
) -> list[Claimed]:
    """The channel's next due messages, at most `most`, oldest first and one a report, leased to `owner`.

    `until` ends the lease; `over` is when another worker may take a message over that this one never
    settled: no sooner than the channel's settling time after the last instant at which this one may push.
    """
    rows = tx.execute(_free(channel_id, now, most)).all()
    if not rows:
        return []
    due = {row.id: row.next_attempt_at for row in rows}
    first = case(
        (outbox.c.state == Delivery.PENDING.value, literal(Delivery.LEASED.value)),
        else_=literal(Delivery.CONFIRMING.value),
    )
    tx.execute(
        update(outbox)
        .where(outbox.c.id.in_(due))
        .values(
            state=first,
            attempts=outbox.c.attempts + 1,
            fence=outbox.c.fence + 1,
            lease_owner=owner,
            lease_until=until,
            next_attempt_at=over,
        )
    )
    return _claimed(tx, due, owner)


def _free(channel_id: int, now: datetime, most: int) -> Any:
    todo, older = _todo, _older
    # `behind` alone would do where nothing goes wrong; an order that citizens read is looked at twice.
    blocked = exists().where(
        older.c.report_id == todo.c.report_id,
        older.c.seq < todo.c.seq,
        older.c.state.not_in([state.value for state in FINAL]),
    )
    return (
        select(todo.c.id, todo.c.next_attempt_at)
        .where(
            todo.c.channel_id == channel_id,
            todo.c.next_attempt_at <= now,
            ~todo.c.behind,
            todo.c.state.in_([state.value for state in WAITING]),
            or_(todo.c.lease_until.is_(None), todo.c.lease_until <= now),
            ~blocked,
        )
        .order_by(todo.c.next_attempt_at, todo.c.id)
        .limit(most)
        .with_for_update(skip_locked=True, of=todo)
    )


def _claimed(tx: Tx, due: Mapping[int, datetime], owner: str) -> list[Claimed]:
    own, theirs = _own, _theirs
    query = (
        select(
            outbox.c.id, outbox.c.fence, outbox.c.state, outbox.c.attempts, outbox.c.idempotency_key,
            outbox.c.report_id, outbox.c.case_id, outbox.c.seq, outbox.c.channel_id,
            cases.c.ward_code, channels.c.slug, channels.c.kind.label("channel_kind"), channels.c.options,
            channel_schedule.c.write_failures, reports.c.external_id, replies.c.kind, replies.c.body,
            outbox.c.reply_id, replies.c.at, replies.c.transfer_to, replies.c.due_at, replies.c.corrects,
            officers.c.name.label("author"), officers.c.role,
            func.coalesce(own.c.name, theirs.c.name, wards.c.name).label("unit"),
        )
        .join(replies, replies.c.id == outbox.c.reply_id)
        .join(officers, officers.c.id == replies.c.officer_id)
        .join(reports, reports.c.id == outbox.c.report_id)
        .join(cases, cases.c.id == outbox.c.case_id)
        .join(wards, wards.c.code == cases.c.ward_code)
        .join(channels, channels.c.id == outbox.c.channel_id)
        .join(channel_schedule, channel_schedule.c.channel_id == outbox.c.channel_id)
        .outerjoin(own, own.c.id == officers.c.unit_id)
        .outerjoin(theirs, theirs.c.id == cases.c.unit_id)
        .where(outbox.c.id.in_(due))
    )  # fmt: skip
    rows = {row.id: row for row in tx.execute(query)}
    files = reply_file_queries.of_replies(tx, [row.reply_id for row in rows.values()])
    return [_message(tx, row := rows[id_], owner, at, files.get(row.reply_id, ())) for id_, at in due.items()]


def _message(tx: Tx, row: Any, owner: str, queued_at: datetime, files: Sequence[Any]) -> Claimed:
    return Claimed(
        id=row.id, fence=row.fence, owner=owner, attempts=row.attempts,
        look_first=row.state == Delivery.CONFIRMING, queued_at=queued_at, idempotency_key=row.idempotency_key,
        report_id=row.report_id, case_id=row.case_id, seq=row.seq, ward_code=row.ward_code,
        channel_id=row.channel_id, channel_slug=row.slug, channel_kind=row.channel_kind,
        channel_options=row.options or {}, write_failures=row.write_failures,
        external_id=row.external_id, kind=ReplyKind(row.kind), body=row.body, at=row.at,
        transfer_to=row.transfer_to, due_at=row.due_at,
        corrected=_corrected(tx, row) if row.corrects is not None else None,
        files=files, author_name=row.author, author_role=row.role, unit_name=row.unit,
    )  # fmt: skip


def _corrected(tx: Tx, row: Any) -> Corrected:
    query = (
        select(outbox.c.reply_id, outbox.c.remote_ref, replies.c.kind)
        .join(replies, replies.c.id == outbox.c.reply_id)
        .where(
            outbox.c.report_id == row.report_id,
            outbox.c.seq < row.seq,
            outbox.c.state != Delivery.WITHDRAWN.value,
        )
        .order_by(outbox.c.seq)
    )
    before = [one for one in tx.execute(query) if one.kind != ReplyKind.CORRECTION]
    first = next(one for one in before if one.reply_id == row.corrects)
    return Corrected(ReplyKind(first.kind), first.remote_ref, ReplyKind(before[-1].kind))


@dataclass(frozen=True, slots=True)
class Earlier:
    """What went to the same report before a message: for telling its words from theirs."""

    twins: int
    refs: frozenset[str]


def earlier(tx: Tx, looked_up: Sequence[Claimed]) -> dict[int, Earlier]:
    """What went to their reports before each of these, by the message's id."""
    sent = defaultdict(list)
    for part in chunks(sorted({claimed.report_id for claimed in looked_up})):
        query = (
            select(outbox.c.report_id, outbox.c.seq, outbox.c.remote_ref, replies.c.body)
            .join(replies, replies.c.id == outbox.c.reply_id)
            .where(outbox.c.report_id.in_(part), outbox.c.state.in_([state.value for state in DELIVERED]))
        )
        for row in tx.execute(query):
            sent[row.report_id].append(row)
    return {claimed.id: _before(claimed, sent[claimed.report_id]) for claimed in looked_up}


def _before(claimed: Claimed, sent: Iterable[Any]) -> Earlier:
    rows = [row for row in sent if row.seq < claimed.seq]
    words = comparable(claimed.body)
    twins = sum(comparable(row.body) == words for row in rows)
    return Earlier(twins, frozenset(row.remote_ref for row in rows if row.remote_ref))


# Settling -------------------------------------------------------------------------------------------


def still_mine(tx: Tx, batch: Iterable[Claimed]) -> set[int]:
    """Which of these messages nobody has taken over or settled meanwhile; theirs until commit."""
    held = {claimed.id: (claimed.fence, claimed.owner) for claimed in batch}
    query = (
        select(outbox.c.id, outbox.c.fence, outbox.c.lease_owner)
        .where(outbox.c.id.in_(held))
        .order_by(outbox.c.id)
        .with_for_update()
    )
    return {row.id for row in tx.execute(query) if (row.fence, row.lease_owner) == held[row.id]}


def settle(tx: Tx, outcomes: Mapping[int, Mapping[str, Any]]) -> None:
    """Write the outcomes of messages that are `still_mine`, by id, and end their leases."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for id_, values in outcomes.items():
        alike[tuple(values)].append({"id": id_, **values, **RELEASED})
    for rows in alike.values():
        update_rows(tx, outbox, rows)


def give_back(tx: Tx, untried: Iterable[Claimed]) -> None:
    """End the leases of messages that were never pushed: they are again what they were, and where."""
    rows = [
        {
            "id": claimed.id,
            "state": (Delivery.CONFIRMING if claimed.look_first else Delivery.PENDING).value,
            "attempts": claimed.attempts - 1,
            "next_attempt_at": claimed.queued_at,
            **RELEASED,
        }
        for claimed in untried
    ]
    update_rows(tx, outbox, rows)


def decide(tx: Tx, message_id: int, was: Iterable[Delivery], **values: Any) -> bool:
    """A person's word on a message that is still in one of the states `was`; else False.

    The fence grows: a worker that still has the message in hand finds its lease gone.
    """
    still = and_(outbox.c.id == message_id, outbox.c.state.in_([state.value for state in was]))
    changed = update(outbox).where(still).values(fence=outbox.c.fence + 1, **RELEASED, **values)
    return tx.execute(changed).rowcount == 1


# The channel's side ---------------------------------------------------------------------------------


def wrote(tx: Tx, channel_id: int, now: datetime) -> None:
    """A write went through: the channel's queue is open again."""
    _set_channel(
        tx, channel_id, write_failures=0, write_open_until=None, write_error_code=None,
        write_error=None, last_write_at=now,
    )  # fmt: skip
    # Where nothing is polled, only a write can show that what had stopped the channel is over.
    well = {"state": "ok", "failures": 0, "down_since": None}
    unpolled = and_(channel_schedule.c.channel_id == channel_id, channel_schedule.c.next_due_at.is_(None))
    errors = dict.fromkeys(("last_error_code", "last_error", "last_error_vi"))
    tx.execute(update(channel_schedule).where(unpolled).values(**well, **errors))


def could_not_write(
    tx: Tx, channel_id: int, code: str, error: str, *, until: datetime | None, counted: bool
) -> None:
    """Hold the channel's queue until `until` (None: leave it open) and say why."""
    values: dict[str, Any] = {"write_error_code": code, "write_error": error}
    if until is not None:
        values["write_open_until"] = until
    if counted:
        values["write_failures"] = channel_schedule.c.write_failures + 1
    _set_channel(tx, channel_id, **values)


def hold_channel(
    tx: Tx, channel_id: int, state: str, code: str, error: str, error_vi: str, now: datetime
) -> None:
    """Reads and writes stop until a person has acted; `state` is needs_reauth or misconfigured."""
    _set_channel(
        tx, channel_id, state=state, last_error_code=code, last_error=error, last_error_vi=error_vi,
        write_error_code=code, write_error=error,
        down_since=func.coalesce(
            channel_schedule.c.down_since, literal(now, Instant())
        ),
    )  # fmt: skip


def let_write(tx: Tx, channel_id: int, now: datetime) -> None:
    """The next due message may try at once, whatever our back-off said. A wait that the source asked
    for stays."""
    ours = or_(
        channel_schedule.c.write_error_code.is_(None),
        channel_schedule.c.write_error_code != RateLimited.code,
    )
    waiting = and_(channel_schedule.c.channel_id == channel_id, channel_schedule.c.write_open_until > now)
    tx.execute(update(channel_schedule).where(waiting, ours).values(write_open_until=now))


def wake(tx: Tx, channel_id: int, now: datetime) -> None:
    """The channel was reached: what waits because it was not is due at once, and where it was in the queue.

    Not what waits for the source to settle, and nothing where the source itself asked us to wait.
    """
    tx.execute(_back_in_place(channel_id).where(outbox.c.next_attempt_at > now))
    let_write(tx, channel_id, now)


def regain_places(tx: Tx, channel_id: int, failures: int) -> None:
    """Tries that failed while the channel was away cost nobody a place: the oldest goes first again.

    `failures`: how often in a row the channel failed. What was tried more often fails by itself, and would
    else stand at the head for ever.
    """
    tx.execute(_back_in_place(channel_id).where(outbox.c.attempts <= failures))


def _back_in_place(channel_id: int) -> Update:
    failed = and_(outbox.c.state == Delivery.PENDING.value, outbox.c.error_code.isnot(None))
    # In doubt, but not reached: its settling time had passed before that try.
    unreached = and_(
        outbox.c.state == Delivery.CONFIRMING.value,
        outbox.c.error_code == Transient.code,
        outbox.c.lease_owner.is_(None),
    )
    mine = and_(outbox.c.channel_id == channel_id, or_(failed, unreached))
    return update(outbox).where(mine).values(next_attempt_at=outbox.c.created_at)


def _set_channel(tx: Tx, channel_id: int, **values: Any) -> None:
    tx.execute(update(channel_schedule).where(channel_schedule.c.channel_id == channel_id).values(**values))
