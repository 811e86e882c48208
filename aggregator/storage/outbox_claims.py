"""One message in one worker's hand: claimed, tried, settled; and what its channel learns.

`next_attempt_at` is when a worker may take the row and nothing else: NULL where none may. While a
row is leased it is the instant of taking it over, so one index finds all that is due, and finding
it costs the same however long the queue is.

What may surprise: only rows claimed to be pushed for the first time become `leased`. A row that may
have left before (`confirming`, or a lease that ran out) is claimed as `confirming`, so the state
alone tells every later worker to look before it pushes, whenever this one dies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, exists, func, literal, or_, select, update

from aggregator.domain.delivery import DELIVERED, FINAL, WAITING, Delivery, comparable
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import RateLimited
from aggregator.storage.account_tables import officers
from aggregator.storage.case_tables import cases, outbox, replies
from aggregator.storage.channel_tables import channel_schedule, channels
from aggregator.storage.db import Tx
from aggregator.storage.place_tables import units, wards
from aggregator.storage.report_tables import reports
from aggregator.storage.types import Instant

#: Channel states in which nothing is written until a person has acted.
HELD_STATES = ("needs_reauth", "misconfigured")
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
    author_name: str
    author_role: str
    unit_name: str


# Claiming -------------------------------------------------------------------------------------------


def claim(tx: Tx, owner: str, now: datetime, lease_s: float, *, push_s: float = 60.0) -> Claimed | None:
    """The next due message, leased to `owner`; None where nothing is due.

    A channel that is paused, signed out, misconfigured or backing off is passed over, and so
    is a message while an older one of its report is not final. The channel written to longest ago comes
    first, so that one long queue does not starve the others. `push_s` bounds how long after the
    claim an attempt may still leave: a dead worker's message is looked up no sooner than the
    channel's settling time after that.
    """
    for channel in tx.execute(_writable(now)):
        settle_s = float((channel.options or {}).get("settle_s", 60))
        over = now + timedelta(seconds=max(lease_s, push_s + settle_s))
        row = tx.execute(_lease(channel.channel_id, owner, now, now + timedelta(seconds=lease_s), over))
        if (taken := row.one_or_none()) is not None:
            return _claimed(tx, taken.id, owner)
    return None


def _writable(now: datetime) -> Any:
    """Channels that may be written to and have something due. Few rows, one index probe each."""
    schedule = channel_schedule
    due = exists().where(outbox.c.channel_id == schedule.c.channel_id, outbox.c.next_attempt_at <= now)
    return (
        select(schedule.c.channel_id, channels.c.options)
        .join(channels, channels.c.id == schedule.c.channel_id)
        .where(
            schedule.c.paused.is_(False),
            schedule.c.state.not_in(HELD_STATES),
            or_(schedule.c.write_open_until.is_(None), schedule.c.write_open_until <= now),
            due,
        )
        .order_by(schedule.c.last_write_at.asc().nulls_first(), schedule.c.channel_id)
    )


def _lease(channel_id: int, owner: str, now: datetime, until: datetime, over: datetime) -> Any:
    todo, older = outbox.alias("todo"), outbox.alias("older")
    blocked = exists().where(
        older.c.report_id == todo.c.report_id,
        older.c.seq < todo.c.seq,
        older.c.state.not_in([state.value for state in FINAL]),
    )
    free = (
        select(todo.c.id)
        .where(
            todo.c.channel_id == channel_id,
            todo.c.next_attempt_at <= now,
            todo.c.state.in_([state.value for state in WAITING]),
            or_(todo.c.lease_until.is_(None), todo.c.lease_until <= now),
            ~blocked,
        )
        .order_by(todo.c.next_attempt_at, todo.c.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=todo)
    )
    first = case(
        (outbox.c.state == Delivery.PENDING.value, literal(Delivery.LEASED.value)),
        else_=literal(Delivery.CONFIRMING.value),
    )
    return (
        update(outbox)
        .where(outbox.c.id == free.scalar_subquery())
        .values(
            state=first,
            attempts=outbox.c.attempts + 1,
            fence=outbox.c.fence + 1,
            lease_owner=owner,
            lease_until=until,
            next_attempt_at=over,
        )
        .returning(outbox.c.id)
    )


def _claimed(tx: Tx, message_id: int, owner: str) -> Claimed:
    own, theirs = units.alias("own"), units.alias("theirs")
    query = (
        select(
            outbox.c.id, outbox.c.fence, outbox.c.state, outbox.c.attempts, outbox.c.idempotency_key,
            outbox.c.report_id, outbox.c.case_id, outbox.c.seq, outbox.c.channel_id,
            cases.c.ward_code, channels.c.slug, channels.c.kind.label("channel_kind"), channels.c.options,
            channel_schedule.c.write_failures, reports.c.external_id, replies.c.kind, replies.c.body,
            replies.c.at, replies.c.transfer_to, replies.c.due_at, replies.c.corrects,
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
        .where(outbox.c.id == message_id)
    )  # fmt: skip
    row = tx.execute(query).one()
    return Claimed(
        id=row.id, fence=row.fence, owner=owner, attempts=row.attempts,
        look_first=row.state == Delivery.CONFIRMING, idempotency_key=row.idempotency_key,
        report_id=row.report_id, case_id=row.case_id, seq=row.seq, ward_code=row.ward_code,
        channel_id=row.channel_id, channel_slug=row.slug, channel_kind=row.channel_kind,
        channel_options=row.options or {}, write_failures=row.write_failures,
        external_id=row.external_id, kind=ReplyKind(row.kind), body=row.body, at=row.at,
        transfer_to=row.transfer_to, due_at=row.due_at,
        corrected=_corrected(tx, row) if row.corrects is not None else None,
        author_name=row.author, author_role=row.role, unit_name=row.unit,
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


def earlier(tx: Tx, claimed: Claimed) -> Earlier:
    query = (
        select(outbox.c.remote_ref, outbox.c.state, replies.c.body)
        .join(replies, replies.c.id == outbox.c.reply_id)
        .where(outbox.c.report_id == claimed.report_id, outbox.c.seq < claimed.seq)
    )
    rows = [row for row in tx.execute(query) if row.state in DELIVERED]
    words = comparable(claimed.body)
    twins = sum(comparable(row.body) == words for row in rows)
    return Earlier(twins, frozenset(row.remote_ref for row in rows if row.remote_ref))


# Settling -------------------------------------------------------------------------------------------


def settle(tx: Tx, claimed: Claimed, **values: Any) -> bool:
    """Write the outcome and end the lease. False where another worker has taken the message over."""
    mine = and_(
        outbox.c.id == claimed.id,
        outbox.c.fence == claimed.fence,
        outbox.c.lease_owner == claimed.owner,
    )
    return tx.execute(update(outbox).where(mine).values(**RELEASED, **values)).rowcount == 1


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


def _set_channel(tx: Tx, channel_id: int, **values: Any) -> None:
    tx.execute(update(channel_schedule).where(channel_schedule.c.channel_id == channel_id).values(**values))
