"""Sources that call us: kept first, answered, taken in afterwards on the path of every poll.

    call | whose is it? is it the source's own? (connector) | keep it (tx) | answer
    tick: claim the channel (tx) | connector maps it | intake.receive (tx) | let its bytes go (tx)

Promise: a call is answered with success only when its bytes are committed, so a source that waits two
seconds for us (Zalo) neither loses anything nor repeats for ever. The same delivery again is answered
again and does nothing. What is not the source's own is refused with 401, counted, and leaves no bytes.

What each end of a call means for the source:

    200, or what the connector says  kept; it will be in the inbox within seconds
    202                              kept, and it cannot be read: it waits for a person; do not repeat it
    400                              not a call of this kind; nothing was kept
    401                              the signature is not the source's; nothing was kept
    404                              no such door
    429, 503                         nothing was kept: repeat it later

What may surprise: the connector sees each call twice, at the door for the answer and in the tick for the
records, because the lease that intake needs may be a poll's for another minute and a half. A call that
fails stays whole; one bad call never stops the next. And a channel that is paused still keeps what comes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain.people import Actor, Right
from aggregator.domain.runs import Counts
from aggregator.domain.text import clean
from aggregator.domain.worktime import VN
from aggregator.errors import (
    AggregatorError,
    AuthFailed,
    BadRecord,
    ChannelError,
    ConfigInvalid,
    LeaseLost,
    NotAllowed,
    NotFound,
    Permanent,
    SchemaDrift,
)
from aggregator.sdk.contract import Connector, TakesWebhooks, WebhookReply, WebhookRequest
from aggregator.sdk.discovery import Found
from aggregator.services import turns
from aggregator.services.clock import Clock
from aggregator.services.connections import Connections
from aggregator.services.faults import origin
from aggregator.services.intake import Intake
from aggregator.services.turns import Turn
from aggregator.services.views.channel import CallsView, KeptCallView
from aggregator.settings import Settings
from aggregator.storage import channel_queries, webhook_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database, DatabaseUnavailable
from aggregator.storage.vault import Vault
from aggregator.storage.webhook_queries import Day

log = logging.getLogger(__name__)

#: The most that a connector may take over one call; it uses no network.
CALL_S = 30.0
#: Calls read at once, and how many of one channel may lie unread before the door closes (503).
TAKEN, MOST_LEFT = 50, 20_000
#: How long a delivery is recognised that comes again.
REMEMBERED = timedelta(days=30)
LONGEST_ERROR, LISTED = 500, 50
#: Headers that say nothing about the call, and may hold somebody's session.
_NOT_KEPT = frozenset({"cookie", "connection"})


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What the door says: the answer, and what is kept of the call."""

    reply: WebhookReply
    state: str = "waiting"
    code: str | None = None
    error: str | None = None
    verified: bool = True


class Webhooks:
    """The door and what happens behind it."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        connectors: Mapping[str, Found],
        intake: Intake,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._db = db
        self._vault = vault
        self._connectors = connectors
        self._connections = Connections(db, vault, connectors, clock, settings)
        self._intake = intake
        self._clock = clock
        self._lease = timedelta(seconds=settings.lease_s)

    # The door ---------------------------------------------------------------------------------------

    def take(self, slug: str, call: WebhookRequest) -> WebhookReply:
        """The answer to a call, which is stored by then where the answer is a success.

        Raises `NotFound` where this channel takes no calls, `DatabaseUnavailable` where it was not stored.
        """
        channel = self._door(slug)
        try:
            verdict = self._judged(channel, call)
        except (AuthFailed, Permanent) as error:
            return self._refused(channel, call, error)
        except ChannelError as error:
            log.warning("channel %s cannot take calls now: %s", slug, error)
            return said(503, "unavailable", error.message)
        if verdict.reply.batch is None and verdict.state == "waiting":
            return verdict.reply
        return self._stored(channel, call, verdict)

    def _door(self, slug: str) -> ChannelRow:
        with self._db.read() as tx:
            channel = channel_queries.by_slug(tx, slug)
        found = self._connectors.get(channel.kind) if channel is not None else None
        if channel is None or found is None or not (found.manifest and found.manifest.capabilities.webhook):
            raise NotFound(f"no channel {slug!r} takes calls", message_vi="Không có địa chỉ nhận này.")
        return channel

    def _judged(self, channel: ChannelRow, call: WebhookRequest) -> _Verdict:
        """What the connector says to it. What it cannot read is kept, also where that is its own fault."""
        try:
            with self._open(channel) as (connector, ctx):
                return _Verdict(_handler(connector).handle_webhook(ctx, call))
        except (BadRecord, SchemaDrift) as error:
            kept = said(202, "kept", error.message)
            return _Verdict(kept, "kept", error.code, clean(str(error))[:LONGEST_ERROR])
        except ChannelError:
            raise
        except Exception as error:  # noqa: BLE001 (foreign code: the source must not repeat for ever for our defect)
            log.error("channel %s, a call: defect: %s", channel.slug, origin(error))
            kept = said(202, "kept", "it will be read once a defect here is mended")
            return _Verdict(kept, "kept", "bug", origin(error)[:LONGEST_ERROR], verified=False)

    def _refused(self, channel: ChannelRow, call: WebhookRequest, error: ChannelError) -> WebhookReply:
        told = {
            "refused_at": call.received_at,
            "refused_why": clean(error.message)[:LONGEST_ERROR],
            "refused_why_vi": clean(error.message_vi)[:LONGEST_ERROR],
        }
        with self._db.write() as tx:
            webhook_queries.count(tx, channel.id, _day(call.received_at), "refused", told)
        return said(401 if isinstance(error, AuthFailed) else 400, "refused", error.message)

    def _stored(self, channel: ChannelRow, call: WebhookRequest, verdict: _Verdict) -> WebhookReply:
        row = {
            "channel_id": channel.id, "received_at": call.received_at, "size": len(call.body), "tries": 0,
            "delivery": _named(call, verdict.reply.delivery), "state": verdict.state,
            "error_code": verdict.code, "error": verdict.error,
            "content": self._vault.pack(_packed(call, verdict.verified), "webhook-call"),
        }  # fmt: skip
        with self._db.write() as tx:
            if webhook_queries.is_full(tx, channel.id, MOST_LEFT):
                return said(503, "unavailable", "too many calls wait to be read")
            fresh = webhook_queries.store(tx, row)
            day = _day(call.received_at)
            what = "taken" if fresh else "repeated"
            webhook_queries.count(tx, channel.id, day, what, {"taken_at": call.received_at})
        return verdict.reply

    # Behind it --------------------------------------------------------------------------------------

    def tick(self, owner: str, stop: Callable[[], bool] = lambda: False) -> int:
        """Take in what waits, channel by channel; how many calls. Channels being read come next time."""
        with self._db.read() as tx:
            channels = webhook_queries.channels_waiting(tx)
        taken = 0
        for channel_id in channels:
            if stop():
                break
            turn = turns.take(self._db, channel_id, "webhook", owner, self._clock(), self._lease)
            if turn is not None:
                taken += self._take_in(turn, stop)
        return taken

    def _take_in(self, turn: Turn, stop: Callable[[], bool]) -> int:
        """The calls of one channel, oldest first; how many."""
        counts, handled = Counts(), 0
        try:
            while (rows := self._next(turn)) and not stop():
                for row in rows:
                    counts += self._one(turn, row)
                    handled += 1
            turns.end(self._db, turn, self._clock(), stored=counts.stored > 0)
        except LeaseLost as lost:
            log.warning("%s; its calls wait for the next turn", lost)
        return handled

    def _next(self, turn: Turn) -> list[Any]:
        with self._db.read() as tx:
            return webhook_queries.waiting(tx, turn.channel.id, TAKEN)

    def _one(self, turn: Turn, row: Any) -> Counts:
        """One call into the inbox, or kept with its reason. Dying in between repeats it, to no effect."""
        counts = Counts()
        try:
            with self._open(turn.channel) as (connector, ctx):
                call = _unpacked(self._vault.unpack(row.content, "webhook-call"), row.received_at)
                reply = _handler(connector).handle_webhook(ctx, call)
            if reply.batch is not None:
                run = replace(turn.run, lease_until=self._clock() + self._lease)
                counts = self._intake.receive(run, replace(reply.batch, next_cursor=None))
        except (LeaseLost, DatabaseUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 (foreign code: one bad call never stops the next)
            self._keep(turn, row, error)
        else:
            with self._db.write() as tx:
                webhook_queries.done(tx, row.id, self._clock())
        return counts

    def _keep(self, turn: Turn, row: Any, error: Exception) -> None:
        if isinstance(error, AggregatorError):
            code, told = error.code, str(error)
        else:
            code, told = "bug", origin(error)
            log.error("channel %s, call %d: defect: %s", turn.channel.slug, row.id, told)
        with self._db.write() as tx:
            webhook_queries.keep(tx, row.id, code, clean(told)[:LONGEST_ERROR], self._clock())

    def _open(self, channel: ChannelRow) -> Any:
        return self._connections.open(channel, deadline=self._clock() + timedelta(seconds=CALL_S))

    # People -----------------------------------------------------------------------------------------

    def view(self, actor: Actor | None, slug: str) -> CallsView | None:
        """What came to the channel's door today, and what waits; None where it takes no calls."""
        with self._db.read() as tx:
            channel = self._seen(tx, actor, slug)
            found = self._connectors.get(channel.kind)
            if found is None or found.manifest is None or not found.manifest.capabilities.webhook:
                return None
            day = webhook_queries.days(tx, [channel.id], _day(self._clock())).get(channel.id, Day())
            waiting = webhook_queries.waiting_counts(tx, [channel.id]).get(channel.id, 0)
            kept = webhook_queries.kept_counts(tx, [channel.id]).get(channel.id, 0)
            rows = webhook_queries.kept(tx, channel.id, LISTED)
        return CallsView(
            taken=day.taken, repeated=day.repeated, refused=day.refused, taken_at=day.taken_at,
            refused_at=day.refused_at, why_vi=day.refused_why_vi or "", why_en=day.refused_why or "",
            waiting=waiting, kept=kept,
            calls=tuple(KeptCallView(r.id, r.received_at, r.size, r.tries, r.error) for r in rows),
        )  # fmt: skip

    def replay(self, actor: Actor | None, slug: str) -> int:
        """Try every kept call of the channel again, with the connector as it is now; how many."""
        with self._db.write() as tx:
            channel = self._seen(tx, actor, slug)
            if actor is not None and not actor.may(Right.OPERATE):
                raise NotAllowed(
                    "only an administrator may do this", message_vi="Chỉ quản trị viên mới được làm việc này."
                )
            return webhook_queries.again(tx, channel.id)

    def prune(self) -> int:
        """Forget deliveries that are old enough not to come again; how many."""
        with self._db.write() as tx:
            return webhook_queries.forget_before(tx, self._clock() - REMEMBERED)

    def _seen(self, tx: Any, actor: Actor | None, slug: str) -> ChannelRow:
        channel = channel_queries.by_slug(tx, slug)
        if channel is None or (actor is not None and not actor.sees(channel.ward_code)):
            raise NotFound(f"no channel {slug!r}", message_vi="Không có kênh này.")
        return channel


def unverified(
    method: str, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: datetime
) -> WebhookRequest:
    """A call as it came, before anything in it is believed. Names of headers in lower case."""
    return WebhookRequest(method, headers, query, body, now)


def said(status: int, what: str, why: str = "") -> WebhookReply:
    """A plain answer of ours to a source."""
    body = {"status": what, "error": why} if why else {"status": what}
    return WebhookReply(None, status, json.dumps(body, ensure_ascii=False).encode())


def _handler(connector: Connector) -> TakesWebhooks:
    if not isinstance(connector, TakesWebhooks):
        raise ConfigInvalid(f"{type(connector).__name__} takes no calls, though its manifest says so")
    return connector


def _named(call: WebhookRequest, delivery: str) -> str:
    """A digest: a source's name of a delivery may be long, and may tell of a person."""
    name = delivery.encode("utf-8", "surrogatepass") if delivery else call.body
    return hashlib.sha256(name).hexdigest()


def _packed(call: WebhookRequest, verified: bool) -> bytes:
    headers = {name: value for name, value in call.headers.items() if name not in _NOT_KEPT}
    body = base64.b64encode(call.body).decode()
    return json.dumps(
        {"method": call.method, "headers": headers, "query": dict(call.query), "body": body,
         "verified": verified}
    ).encode()  # fmt: skip


def _unpacked(content: bytes, received_at: datetime) -> WebhookRequest:
    told = json.loads(content)
    return WebhookRequest(
        told["method"], told["headers"], told["query"], base64.b64decode(told["body"]), received_at,
        verified=told["verified"],
    )  # fmt: skip


def _day(at: datetime) -> str:
    return at.astimezone(VN).date().isoformat()
