"""Outages as rows: what is open, what touches a time, the tries and pages that show them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, bindparam, delete, exists, func, insert, or_, select, update

from aggregator.domain.outages import Capability, Silent, Span
from aggregator.storage.channel_tables import channel_schedule, channels
from aggregator.storage.db import Tx
from aggregator.storage.outage_tables import outage_attempts, outage_evidence, outages
from aggregator.storage.report_tables import reports
from aggregator.storage.types import Id, Instant

_OPEN = outages.c.ended_at.is_(None)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a failed try brought back; `sha256` is the body's."""

    code: str
    status: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    """A stored span, and what its first and its last failed try saw."""

    id: int
    channel_id: int
    span: Span
    first: Seen
    last: Seen


@dataclass(frozen=True, slots=True)
class Failure:
    """One stored failed try."""

    at: datetime
    tried: Capability
    seen: Seen
    url: str | None = None
    size: int | None = None


# Reading ----------------------------------------------------------------------------------------------


def overlapping(tx: Tx, channel_ids: Collection[int], since: datetime, until: datetime) -> list[Outage]:
    """Outages of these channels that touch the time from `since` to `until`, in the order they began.

    One that has not ended reaches to now. What is not yet sure to be one is left out.
    """
    return _outages(tx, and_(outages.c.channel_id.in_(list(channel_ids)), _touches(since, until)))


def _touches(since: datetime, until: datetime) -> ColumnElement[bool]:
    return and_(outages.c.began_at <= until, or_(_OPEN, outages.c.ended_at > since), outages.c.sure)


def newest(tx: Tx, channel_id: int, limit: int) -> list[Outage]:
    """The channel's outages: the open ones first, then the newest."""
    mine = and_(outages.c.channel_id == channel_id, outages.c.sure)
    query = select(outages).where(mine).order_by(outages.c.ended_at.isnot(None), outages.c.began_at.desc())
    return [_outage(row) for row in tx.execute(query.limit(limit))]


def one(tx: Tx, outage_id: int) -> Outage | None:
    found = _outages(tx, outages.c.id == outage_id)
    return found[0] if found else None


#: Made once: building it anew for every good try would cost more than asking.
_ANY_NEAR = (
    select(outages.c.id)
    .where(
        outages.c.channel_id == bindparam("channel", type_=Id),
        or_(_OPEN, outages.c.ended_at > bindparam("at", type_=Instant())),
    )
    .limit(1)
)


def any_around(tx: Tx, channel_id: int, at: datetime) -> bool:
    """Whether `around` would find something: asked for every good try, of which nearly none does."""
    return tx.scalar(_ANY_NEAR, {"channel": channel_id, "at": at}) is not None


def around(tx: Tx, channel_id: int, at: datetime, capability: Capability | None = None) -> list[Outage]:
    """Those that are open, or ended after `at`: what a try at `at` may concern."""
    mine = and_(outages.c.channel_id == channel_id, or_(_OPEN, outages.c.ended_at > at))
    return _outages(tx, mine if capability is None else and_(mine, outages.c.capability == capability.value))


def _outages(tx: Tx, where: ColumnElement[bool]) -> list[Outage]:
    query = select(outages).where(where).order_by(outages.c.began_at, outages.c.id)
    return [_outage(row) for row in tx.execute(query)]


def _outage(row: Row[Any]) -> Outage:
    span = Span(
        Capability(row.capability), Capability(row.tried), row.began_at, row.last_failed_at, row.ended_at,
        row.ok_before, row.attempts,
        tuple((datetime.fromisoformat(since), datetime.fromisoformat(until)) for since, until in row.gaps),
        row.sure, row.answered, row.ours_maybe,
    )  # fmt: skip
    return Outage(
        row.id, row.channel_id, span,
        Seen(row.first_code, row.first_status, row.first_sha256),
        Seen(row.last_code, row.last_status, row.last_sha256),
    )  # fmt: skip


def beside(tx: Tx, report_ids: Collection[int], since: datetime, until: datetime) -> list[tuple[Outage, str]]:
    """As `overlapping`, of the channels that these reports came through, each with its channel's slug."""
    theirs = select(reports.c.channel_id).where(reports.c.id.in_(list(report_ids)))
    query = (
        select(outages, channels.c.slug)
        .join(channels, channels.c.id == outages.c.channel_id)
        .where(outages.c.channel_id.in_(theirs), _touches(since, until))
        .order_by(outages.c.began_at, outages.c.id)
    )
    return [(_outage(row), row.slug) for row in tx.execute(query)]


def known_good(tx: Tx, channel_id: int, capability: Capability, tried: Capability) -> datetime | None:
    """The channel's last good try that would end such a span; None where there was none."""
    table = channel_schedule
    row = tx.execute(
        select(table.c.last_success_at, table.c.last_write_at).where(table.c.channel_id == channel_id)
    ).one()
    read = capability is Capability.READ or (capability is Capability.SIGN_IN and tried is Capability.READ)
    write = capability is not Capability.READ
    known = [at for at, counts in ((row.last_success_at, read), (row.last_write_at, write)) if counts and at]
    return max(known, default=None)


def silent(tx: Tx) -> list[tuple[Silent, bool]]:
    """The open outages none of whose tries was answered, each with its present mark."""
    query = (
        select(outages.c.id, channel_schedule.c.host_key, outages.c.began_at, outages.c.ours_maybe)
        .join(channel_schedule, channel_schedule.c.channel_id == outages.c.channel_id)
        .where(_OPEN, ~outages.c.answered)
    )
    return [(Silent(row.id, row.host_key, row.began_at), row.ours_maybe) for row in tx.execute(query)]


def well_hosts(tx: Tx, since: datetime) -> dict[str, datetime]:
    """Host -> its last good try, of those that had one since then."""
    table = channel_schedule
    best: dict[str, datetime] = {}
    for column in (table.c.last_success_at, table.c.last_write_at):
        query = select(table.c.host_key, func.max(column).label("at")).where(column >= since)
        for row in tx.execute(query.group_by(table.c.host_key)):
            best[row.host_key] = max(row.at, best.get(row.host_key, row.at))
    return best


# Writing ----------------------------------------------------------------------------------------------


def add(tx: Tx, channel_id: int, span: Span, first: Seen, last: Seen) -> int:
    key = tx.execute(
        insert(outages).values(channel_id=channel_id, **_span_values(span), **_seen("first", first),
                               **_seen("last", last))
    ).inserted_primary_key  # fmt: skip
    assert key is not None
    return int(key[0])


def change(tx: Tx, outage_id: int, span: Span, first: Seen | None = None, last: Seen | None = None) -> None:
    values = _span_values(span)
    for name, seen in (("first", first), ("last", last)):
        if seen is not None:
            values |= _seen(name, seen)
    tx.execute(update(outages).where(outages.c.id == outage_id).values(**values))


def mark(tx: Tx, outage_ids: Collection[int], ours_maybe: bool) -> None:
    tx.execute(update(outages).where(outages.c.id.in_(list(outage_ids))).values(ours_maybe=ours_maybe))


def remove(tx: Tx, outage_id: int) -> None:
    """Forget one that has turned out to be none."""
    for table in (outage_evidence, outage_attempts):
        tx.execute(delete(table).where(table.c.outage_id == outage_id))
    tx.execute(delete(outages).where(outages.c.id == outage_id))


def _span_values(span: Span) -> dict[str, Any]:
    return {
        "capability": span.capability.value, "tried": span.tried.value, "ok_before": span.ok_before,
        "began_at": span.began_at, "last_failed_at": span.last_failed_at, "ended_at": span.ended_at,
        "attempts": span.attempts, "sure": span.sure, "answered": span.answered,
        "ours_maybe": span.ours_maybe,
        "gaps": [[since.isoformat(), until.isoformat()] for since, until in span.gaps],
    }  # fmt: skip


def _seen(name: str, seen: Seen) -> dict[str, Any]:
    return {f"{name}_code": seen.code, f"{name}_status": seen.status, f"{name}_sha256": seen.sha256}


# Tries and pages --------------------------------------------------------------------------------------


def add_attempt(tx: Tx, outage_id: int, failure: Failure) -> None:
    tx.execute(
        insert(outage_attempts).values(
            outage_id=outage_id, at=failure.at, tried=failure.tried.value, code=failure.seen.code,
            status=failure.seen.status, url=failure.url, body_sha256=failure.seen.sha256,
            body_size=failure.size,
        )
    )  # fmt: skip


def attempts(tx: Tx, outage_id: int) -> list[Failure]:
    """The outage's failed tries that are still kept, in order."""
    table = outage_attempts
    query = select(table).where(table.c.outage_id == outage_id).order_by(table.c.at, table.c.id)
    return [_failure(row) for row in tx.execute(query)]


@dataclass(frozen=True, slots=True)
class Edges:
    """The first and the last tries of an outage, none twice, and how many lie between."""

    first: tuple[Failure, ...]
    left_out: int
    last: tuple[Failure, ...]


def edges(tx: Tx, outage_id: int, first: int, last: int) -> Edges:
    table = outage_attempts
    mine = select(table).where(table.c.outage_id == outage_id)
    early = list(tx.execute(mine.order_by(table.c.at, table.c.id).limit(first)))
    seen = [row.id for row in early]
    late = list(
        tx.execute(
            mine.where(table.c.id.not_in(seen)).order_by(table.c.at.desc(), table.c.id.desc()).limit(last)
        )
    )
    known = int(tx.scalar(select(func.count()).where(table.c.outage_id == outage_id)) or 0)
    return Edges(
        tuple(_failure(row) for row in early),
        known - len(early) - len(late),
        tuple(_failure(row) for row in reversed(late)),
    )


def _failure(row: Row[Any]) -> Failure:
    seen = Seen(row.code, row.status, row.body_sha256)
    return Failure(row.at, Capability(row.tried), seen, row.url, row.body_size)


def move_attempts(tx: Tx, outage_id: int, after: datetime, to: int) -> None:
    """Give the tries after this instant to another outage, with the pages that they brought."""
    later = and_(outage_attempts.c.outage_id == outage_id, outage_attempts.c.at > after)
    tx.execute(update(outage_attempts).where(later).values(outage_id=to))
    kept = and_(outage_evidence.c.outage_id == outage_id, outage_evidence.c.kept_at > after)
    tx.execute(update(outage_evidence).where(kept).values(outage_id=to))


def last_page(tx: Tx, outage_id: int) -> datetime | None:
    """When a page that a try brought was last kept of this outage."""
    mine = and_(outage_evidence.c.outage_id == outage_id, outage_evidence.c.officer_id.is_(None))
    newest: datetime | None = tx.scalar(select(func.max(outage_evidence.c.kept_at)).where(mine))
    return newest


def has_evidence(tx: Tx, outage_id: int, sha256: str) -> bool:
    mine = and_(outage_evidence.c.outage_id == outage_id, outage_evidence.c.sha256 == sha256)
    return bool(tx.scalar(select(exists().where(mine))))


def add_evidence(tx: Tx, outage_id: int, values: dict[str, Any]) -> None:
    tx.execute(insert(outage_evidence).values(outage_id=outage_id, **values))


def evidence_of(tx: Tx, outage_id: int) -> list[Row[Any]]:
    """What is kept of an outage, oldest first, without its content."""
    table = outage_evidence
    columns = (table.c.id, table.c.sha256, table.c.size, table.c.content_type, table.c.kept_at)
    query = select(*columns, table.c.officer_id).where(table.c.outage_id == outage_id)
    return list(tx.execute(query.order_by(table.c.kept_at, table.c.id)))


def evidence(tx: Tx, outage_id: int, evidence_id: int) -> Row[Any] | None:
    mine = and_(outage_evidence.c.outage_id == outage_id, outage_evidence.c.id == evidence_id)
    return tx.execute(select(outage_evidence).where(mine)).one_or_none()


def channels_out(tx: Tx, ward: str | None, since: datetime) -> int:
    """How many channels have an open outage that is not perhaps our own network's.

    Where a write failed last before `since`, nothing has been sent there since: nobody knows.
    """
    known = or_(outages.c.capability != Capability.WRITE.value, outages.c.last_failed_at >= since)
    query = (
        select(func.count(outages.c.channel_id.distinct()))
        .join(channels, channels.c.id == outages.c.channel_id)
        .where(_OPEN, outages.c.sure, ~outages.c.ours_maybe, known)
    )
    mine = query if ward is None else query.where(channels.c.ward_code == ward)
    return int(tx.scalar(mine) or 0)
