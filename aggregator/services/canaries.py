"""Pinned reports: known ones that are read again by their id now and then, and must be what is stored.

Only this finds a page that still looks right and is read from the wrong place: dates of another field, a
neighbour's text. Before a poll takes anything in, its channel's pinned reports are read where the last look
is six hours old.

What may surprise: one pinned report of several that differs is news and no drift, since portals edit and
remove single reports; all of them in the same respect are drift. So pin closed ones, and two or three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain.drift import Finding, Rule
from aggregator.domain.people import Actor
from aggregator.errors import ConfigInvalid, InputInvalid, MoveNotAllowed, NotFound
from aggregator.sdk.contract import BadRecord, Batch, Connector, Context, Fetches, RawItem, Record
from aggregator.services import ledger
from aggregator.services.canonical import canonical
from aggregator.services.channel_doors import may_look, may_operate, one_channel
from aggregator.services.clock import Clock
from aggregator.services.connections import Connections
from aggregator.services.drift import DriftSuspected
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.storage import drift_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database

EVERY = timedelta(hours=6)
MOST = 3


@dataclass(frozen=True, slots=True)
class CanaryView:
    external_id: str
    subject: str
    pinned_at: datetime
    checked_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Look:
    """One pinned report as it is now: in which respects it differs, and what came."""

    external_id: str
    differs: frozenset[str]
    came: tuple[Record, RawItem] | None


class Canaries:
    """Pins, and looks at what is pinned."""

    def __init__(self, db: Database, connections: Connections, clock: Clock) -> None:
        self._db = db
        self._connections = connections
        self._clock = clock

    def check(self, channel: ChannelRow, connector: Connector, ctx: Context) -> None:
        """Read what is due; `DriftSuspected` where it is not what is stored. Uses the network."""
        now = self._clock()
        with self._db.read() as tx:
            pinned = drift_queries.canaries(tx, channel.id)
        due = any(row.checked_at is None or now - row.checked_at >= EVERY for row in pinned)
        if not due or not isinstance(connector, Fetches):
            return
        looks = [_look(connector, ctx, row) for row in pinned if row.received_at is not None]
        common = frozenset.intersection(*(look.differs for look in looks)) if looks else frozenset()
        if common:
            raise _suspicion(looks, sorted(common))
        with self._db.write() as tx:
            drift_queries.checked(tx, channel.id, now)

    # Pinning ----------------------------------------------------------------------------------------

    def of(self, actor: Actor | None, slug: str) -> tuple[CanaryView, ...] | None:
        """The channel's pinned reports; None where its source cannot be asked for a single report."""
        may_look(actor)
        with self._db.read() as tx:
            channel = one_channel(tx, actor, slug)
            rows = drift_queries.canaries(tx, channel.id)
        if not self._can(channel):
            return None
        return tuple(CanaryView(r.external_id, r.subject or "", r.pinned_at, r.checked_at) for r in rows)

    def pin(self, actor: Actor | None, slug: str, external_id: str) -> None:
        """Watch this stored report from the next poll on; at most three a channel."""
        wanted, now = external_id.strip(), self._clock()
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            channel = one_channel(tx, actor, slug)
            may_operate(actor, channel.ward_code)
            if not self._can(channel):
                raise MoveNotAllowed(
                    f"the source of {slug} cannot be asked for a single report",
                    message_vi="Cổng này không cho đọc riêng một phản ánh, nên không ghim được.",
                )
            if not drift_queries.is_stored(tx, channel.id, wanted):
                raise InputInvalid(
                    f"no report {wanted[:80]!r} in channel {slug}", field="external_id",
                    message_vi="Kênh này không có phản ánh mang mã đó.",
                )  # fmt: skip
            if len(drift_queries.canaries(tx, channel.id)) >= MOST:
                raise MoveNotAllowed(
                    f"{MOST} reports are pinned already", hint="take one off first",
                    message_vi=f"Đã ghim đủ {MOST} phản ánh. Hãy bỏ ghim một phản ánh trước.",
                )  # fmt: skip
            if drift_queries.pin(tx, channel.id, wanted, actor.id if actor else None, now):
                self._record(tx, "canary_pinned", actor, channel, wanted, now)

    def unpin(self, actor: Actor | None, slug: str, external_id: str) -> None:
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            channel = one_channel(tx, actor, slug)
            may_operate(actor, channel.ward_code)
            if not drift_queries.unpin(tx, channel.id, external_id):
                raise NotFound(f"{external_id!r} is not pinned", message_vi="Phản ánh này không được ghim.")
            self._record(tx, "canary_unpinned", actor, channel, external_id, self._clock())

    def _can(self, channel: ChannelRow) -> bool:
        try:
            return self._connections.capabilities(channel).fetch
        except ConfigInvalid:  # not installed, or its manifest is broken: its lights tell that
            return False

    def _record(
        self, tx: Any, kind: str, actor: Actor | None, channel: ChannelRow, ref: str, now: datetime
    ) -> None:
        told = {"channel": channel.slug, "report": ref}
        officer = actor.id if actor else None
        ledger.append(tx, [Draft(SYSTEM, kind, now, told, officer_id=officer, channel_id=channel.id)])


def _look(connector: Fetches, ctx: Context, row: Any) -> _Look:
    try:
        came = connector.fetch(ctx, row.external_id)
        if came is None:
            return _Look(row.external_id, frozenset(("gone",)), None)
        now = canonical(came[0], ctx.zone)
    except (BadRecord, TypeError, ValueError, AttributeError, OverflowError):
        return _Look(row.external_id, frozenset(("unreadable",)), None)
    differs = {
        "text": (now.subject, now.body) != (row.subject, row.body),
        "date": now.occurred_at != row.received_at,
        "place": now.address != row.address,
    }
    return _Look(row.external_id, frozenset(name for name, is_other in differs.items() if is_other), came)


def _suspicion(looks: Sequence[_Look], common: Sequence[str]) -> DriftSuspected:
    findings = [Finding(Rule.CANARY, name, 0, len(looks), 1.0) for name in common]
    came = [look.came for look in looks if look.came is not None]
    batch = Batch(tuple(record for record, _ in came), tuple(item for _, item in came), None)
    return DriftSuspected(findings, batch, looks[0].external_id)
