"""Reading a channel's past again: by days or by ids, in parts, on the same path as a poll.

    claim a part (the channel's lease) | batch -> intake (tx: reports and the backfill's own cursor) ...
    | a poll of the host is due, or the part is over: give the lease back | the next part

Principles. The cursor of a backfill is a stream of its own and moves in the transaction that stores the
batch: a worker that dies in the middle loses nothing, and what comes twice is unchanged. Polls go first:
a part begins only where no poll of the host is due, and ends behind the batch in which one became due.

What may surprise: a part holds the lease of its channel, not one of its own. Two sessions of one account
at one portal end each other's sign-in, so a poll rather waits for one batch; that is all it ever waits.

Rejected: a lease of its own beside the poll's, and a shared counter a host: both let two workers talk to
one host at once whenever they look at the same instant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from aggregator.domain.delivery import backoff
from aggregator.domain.people import Actor, Right
from aggregator.errors import (
    ConfigInvalid,
    InputInvalid,
    MoveNotAllowed,
    NotAllowed,
    NotFound,
    RateLimited,
    Transient,
)
from aggregator.sdk.discovery import Found
from aggregator.services import ledger
from aggregator.services.backfilling import Ways, ways
from aggregator.services.channel_doors import may_look, may_operate, one_channel
from aggregator.services.clock import Clock
from aggregator.services.connections import zone_of
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.services.poll_endings import Claim, RunResult
from aggregator.services.polling import Polling
from aggregator.services.views.channel import BackfillView
from aggregator.storage import backfill_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database, Tx

#: The most that one part takes before other work of the host may go first.
PART = timedelta(seconds=20)
#: Between two parts: what else waits for the host gets its turn.
PAUSE = timedelta(seconds=1)
#: Tries in a row that may fail before a person has to look.
MOST_FAILURES = 10
MOST_IDS = 5000
LISTED = 10
_PASSING = (Transient.code, RateLimited.code)


class Backfills:
    """Backfills of channels: started and stopped by people, worked through by workers."""

    def __init__(self, db: Database, connectors: Mapping[str, Found], polling: Polling, clock: Clock) -> None:
        self._db = db
        self._connectors = connectors
        self._polling = polling
        self._clock = clock

    # A person's side

    def ways(self, kind: str) -> Ways:
        """What the connector of this kind offers."""
        found = self._connectors.get(kind)
        if found is None or found.manifest is None:
            return Ways()
        try:
            return ways(found.manifest.capabilities, found.connector())
        except ConfigInvalid:
            return Ways()  # broken: its page says so

    def start(
        self,
        actor: Actor | None,
        slug: str,
        *,
        first: date | None = None,
        last: date | None = None,
        ids: Sequence[str] = (),
    ) -> int:
        """A backfill of the days from `first` to `last` (both included), or of `ids`; its id.

        Raises `InputInvalid` for a span that makes no sense, `MoveNotAllowed` where the source offers none.
        """
        wanted = tuple(dict.fromkeys(one.strip() for one in ids if one.strip()))
        now = self._clock()
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])  # the chain before the row, as everybody who writes both does
            channel = one_channel(tx, actor, slug)
            may_operate(actor, channel.ward_code)
            offered = self.ways(channel.kind)
            if not (offered.by_id if wanted else offered.by_date):
                raise _not_offered(slug, bool(wanted))
            span = _ids(wanted) if wanted else _days(channel, first, last, now)
            row = {"channel_id": channel.id, "created_at": now, "next_due_at": now, **span}
            backfill_id = backfill_queries.add(tx, {**row, "officer_id": actor.id if actor else None})
            told = {"channel": slug, "backfill": backfill_id, "ids": len(wanted), **_told(span)}
            self._record(tx, "backfill_started", actor, channel, told)
        return backfill_id

    def ask(self, actor: Actor, slug: str, ids: Sequence[str]) -> int:
        """A backfill of reports that who handles cases wants to see as their source has them now; its id.

        The caller has checked that these reports are the person's. Raises `MoveNotAllowed` where the source
        does not give single reports.
        """
        if not (actor.may(Right.HANDLE) or actor.may(Right.OPERATE)):
            raise NotAllowed(
                f"{actor.role.value} may not ask a source",
                message_vi="Vai trò của bạn không có quyền đọc lại từ cổng.",
            )
        now = self._clock()
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            channel = one_channel(tx, None, slug)
            if not self.ways(channel.kind).by_id:
                raise _not_offered(slug, by_id=True)
            row = {"channel_id": channel.id, "created_at": now, "next_due_at": now, "officer_id": actor.id}
            wanted = _ids(tuple(dict.fromkeys(ids)))
            backfill_id = backfill_queries.add(tx, {**row, **wanted})
            told = {"channel": slug, "backfill": backfill_id, "ids": wanted["total"]}
            self._record(tx, "backfill_started", actor, channel, told)
        return backfill_id

    def stop(self, actor: Actor | None, slug: str, backfill_id: int) -> None:
        """No further parts; what was read stays. A part under way ends behind its batch."""
        self._steer(actor, slug, backfill_id, ("active",), {"state": "stopped", "next_due_at": None})

    def go_on(self, actor: Actor | None, slug: str, backfill_id: int) -> None:
        """Go on where it stopped or failed."""
        values = {
            "state": "active", "next_due_at": self._clock(), "failures": 0, "finished_at": None,
            "error_code": None, "error": None, "error_vi": None,
        }  # fmt: skip
        self._steer(actor, slug, backfill_id, ("stopped", "failed"), values)

    def list(self, actor: Actor | None, slug: str) -> tuple[BackfillView, ...]:
        """The channel's newest backfills, newest first."""
        may_look(actor)
        with self._db.read() as tx:
            channel = one_channel(tx, actor, slug)
            return tuple(_view(row, channel) for row in backfill_queries.of_channel(tx, channel.id, LISTED))

    def view(self, actor: Actor | None, slug: str, backfill_id: int) -> BackfillView:
        """One backfill; `NotFound` where the channel has none of this id."""
        may_look(actor)
        with self._db.read() as tx:
            channel = one_channel(tx, actor, slug)
            return _view(self._one(tx, channel, backfill_id), channel)

    def _steer(
        self, actor: Actor | None, slug: str, backfill_id: int, was: tuple[str, ...], values: dict[str, Any]
    ) -> None:
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            channel = one_channel(tx, actor, slug)
            may_operate(actor, channel.ward_code)
            self._one(tx, channel, backfill_id)
            if backfill_queries.steer(tx, backfill_id, was, **values):
                told = {"channel": slug, "backfill": backfill_id, "state": values["state"]}
                self._record(tx, "backfill_steered", actor, channel, told)

    def _one(self, tx: Tx, channel: ChannelRow, backfill_id: int) -> Any:
        row = backfill_queries.one(tx, backfill_id)
        if row is None or row.channel_id != channel.id:
            raise NotFound(
                f"channel {channel.slug} has no backfill {backfill_id}",
                message_vi="Không có lần đọc bù này.",
            )
        return row

    def _record(
        self, tx: Tx, kind: str, actor: Actor | None, channel: ChannelRow, told: Mapping[str, Any]
    ) -> None:
        officer = actor.id if actor else None
        ledger.append(
            tx, [Draft(SYSTEM, kind, self._clock(), told, officer_id=officer, channel_id=channel.id)]
        )

    # A worker's side

    def tick(
        self, owner: str, stop: Callable[[], bool] = lambda: False, backfill_id: int | None = None
    ) -> RunResult | None:
        """One part of the backfill that waits longest (or of this one); None where none may run now."""
        claim = self._polling.claim_backfill(owner, backfill_id)
        if claim is None:
            return None
        over = self._clock() + PART
        result = self._polling.run(claim, lambda: stop() or self._clock() >= over or self._steps_aside(claim))
        self._settle(claim, result)
        return result

    def _steps_aside(self, claim: Claim) -> bool:
        with self._db.read() as tx:
            row = backfill_queries.one(tx, claim.run.backfill_id or 0)
            stopped = row is None or row.state != "active"
            return stopped or backfill_queries.poll_waits(tx, claim.channel.host_key, self._clock())

    def _settle(self, claim: Claim, result: RunResult) -> None:
        """When the next part is due. A part whose lease was lost stays due when that lease is over."""
        if result.outcome == "lost":
            return
        now, backfill_id = self._clock(), claim.run.backfill_id or 0
        with self._db.write() as tx:
            row = backfill_queries.one(tx, backfill_id)
            if row is not None:
                backfill_queries.move(tx, backfill_id, **_next(row, result, now))


def _next(row: Any, result: RunResult, now: datetime) -> dict[str, Any]:
    if result.outcome == "ok":
        fine: dict[str, Any] = {"error_code": None, "error": None, "error_vi": None}
        if result.cut_short:
            return {**fine, "next_due_at": now + PAUSE}
        return {**fine, "state": "done", "next_due_at": None, "finished_at": now}
    failures = row.failures + 1
    why = {"error_code": result.error_code, "error": result.error, "error_vi": result.error_vi}
    if result.error_code in _PASSING and failures < MOST_FAILURES:
        wait = backoff(failures, first_s=30.0, cap_s=900.0)
        return {**why, "failures": failures, "next_due_at": now + wait}
    return {**why, "failures": failures, "state": "failed", "next_due_at": None, "finished_at": now}


def _ids(wanted: tuple[str, ...]) -> dict[str, Any]:
    if len(wanted) > MOST_IDS:
        raise InputInvalid(
            f"{len(wanted)} ids; at most {MOST_IDS} at once", field="ids",
            message_vi=f"Mỗi lần đọc bù tối đa {MOST_IDS} mã.",
        )  # fmt: skip
    return {"ids": list(wanted), "total": len(wanted)}


def _days(channel: ChannelRow, first: date | None, last: date | None, now: datetime) -> dict[str, Any]:
    """The half-open span of these days on the portal's clock."""
    zone = zone_of(channel)
    today = now.astimezone(zone).date()
    if first is None or last is None or first > last or first > today or first.year < 2000:
        raise InputInvalid(
            f"a backfill needs a first and a last day in order, not after {today}", field="first",
            message_vi="Hãy chọn ngày đầu và ngày cuối, ngày đầu không sau ngày cuối và không sau hôm nay.",
        )  # fmt: skip
    after = min(last, today) + timedelta(days=1)
    return {
        "since": datetime.combine(first, time.min, zone),
        "until": datetime.combine(after, time.min, zone),
    }


def _told(span: Mapping[str, Any]) -> dict[str, str]:
    return {name: span[name].isoformat() for name in ("since", "until") if name in span}


def _not_offered(slug: str, by_id: bool) -> MoveNotAllowed:
    if by_id:
        return MoveNotAllowed(
            f"channel {slug}: its source does not give single reports by their ids",
            message_vi="Cổng của kênh này không cho đọc từng phản ánh theo mã.",
        )
    return MoveNotAllowed(
        f"channel {slug}: its source cannot be asked for days of the past",
        hint="every poll of it reads all that the source lists",
        message_vi="Cổng của kênh này không cho hỏi lại theo ngày; mỗi lần đọc đã đọc hết danh sách.",
    )


def _view(row: Any, channel: ChannelRow) -> BackfillView:
    zone = zone_of(channel)
    asked = int((row.cursor or {}).get("at", 0)) if row.ids else row.seen
    return BackfillView(
        id=row.id,
        first=row.since.astimezone(zone).date() if row.since else None,
        last=(row.until.astimezone(zone) - timedelta(days=1)).date() if row.until else None,
        ids=len(row.ids or ()),
        state=row.state,
        total=row.total,
        asked=asked,
        seen=row.seen,
        stored=row.stored,
        unchanged=row.unchanged,
        revised=row.revised,
        quarantined=row.quarantined,
        missing=max(asked - row.seen, 0) if row.ids else 0,
        error=row.error,
        error_vi=row.error_vi,
        next_due_at=row.next_due_at,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
