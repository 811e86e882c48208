"""Setting channels up and watching over them: what an administrator does, and what screens show.

    add | check (network) | poll (see `polling`) | look at its lights | pause, resume, poll now, change

What may surprise: a channel that stopped because a person is needed (signed out, misconfigured, a
broken connector) stays stopped through restarts and retries. `resume`, `poll_now` and `change` let
it try again, and it counts as down until a poll has really succeeded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from aggregator.domain.outages import Capability
from aggregator.domain.people import Actor, Right
from aggregator.domain.polling import DOWN, HELD, State
from aggregator.domain.runs import Counts
from aggregator.domain.worktime import VN
from aggregator.errors import AggregatorError, AuthFailed, ChannelError, ConfigInvalid, MoveNotAllowed
from aggregator.sdk.answers import Response
from aggregator.sdk.contract import Capabilities, CheckResult, Expiry, TellsExpiry
from aggregator.sdk.discovery import Found
from aggregator.services import call_health, channel_spec, health, ledger, outage_log
from aggregator.services.channel_doors import may_look, may_operate, one_channel
from aggregator.services.channel_spec import ChannelSpec
from aggregator.services.clock import Clock
from aggregator.services.connections import Connections, secrets_purpose
from aggregator.services.grading import quality_of
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.services.poll_endings import SILENCE
from aggregator.services.views.channel import AlarmView, ChannelView, QualityView, QuarantineView, RunView
from aggregator.settings import Settings
from aggregator.storage import (
    account_queries,
    alarm_queries,
    channel_queries,
    outbox_queries,
    quarantine_queries,
    webhook_queries,
)
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database, Tx
from aggregator.storage.vault import Vault
from aggregator.storage.webhook_queries import Day

#: The most a set-up check may take, while a person waits for it.
CHECK_S = 30.0
LAST_RUNS = 20
LISTED_QUARANTINE = 200
#: "Today" on screen is the office's day.


class Channels:
    """Channels as people see and steer them. Polling itself is `polling`."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        connectors: Mapping[str, Found],
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._db = db
        self._vault = vault
        self._connectors = connectors
        self._clock = clock
        self._connections = Connections(db, vault, connectors, clock, settings)

    # Setting up -------------------------------------------------------------------------------------

    @staticmethod
    def from_toml(path: Path) -> dict[str, Any]:
        """A channel's file as the table that `add` takes."""
        return channel_spec.from_toml(path)

    def add(self, spec: Mapping[str, Any], *, actor: Actor | None = None) -> str:
        """A new channel, due at once; its slug. `InputInvalid` names everything that is wrong."""
        found = channel_spec.checked(spec, self._connectors)
        may_operate(actor, found.ward)
        now = self._clock()
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])  # of two that add the same at once, one is told
            self._check_place(tx, found)
            schedule = {"next_due_at": now if found.polled else None, **_schedule(found)}
            row = {"slug": found.slug, "kind": found.kind, "created_at": now, **self._columns(found)}
            channel_id = channel_queries.insert_channel(tx, row, schedule)
            told = {"channel": found.slug, "kind": found.kind, "ward": found.ward}
            self._record(tx, "channel_added", actor, channel_id, told)
        return found.slug

    def change(self, slug: str, changes: Mapping[str, Any], *, actor: Actor | None = None) -> None:
        """Other settings: `changes` has the keys of a spec but slug and kind. Missing keys stay.

        Inside config, options and secrets too, what is not named stays, and what is empty is forgotten.
        The channel tries again at once with its new settings, and signs in anew.
        """
        with self._db.read() as tx:
            channel = one_channel(tx, actor, slug)
        found = channel_spec.checked(self._merged(channel, changes), self._connectors)
        may_operate(actor, channel.ward_code)
        may_operate(actor, found.ward)
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])  # the chain before the rows, as everybody who writes both does
            self._check_place(tx, found, new=False)
            schedule = {**_schedule(found), **_try_again(channel, self._clock()), "connector_state": None}
            channel_queries.update_channel(tx, channel.id, self._columns(found), schedule)
            told = {"channel": slug, "changed": sorted(changes), "ward": found.ward}
            self._record(tx, "channel_changed", actor, channel.id, told)

    def _merged(self, channel: ChannelRow, changes: Mapping[str, Any]) -> dict[str, Any]:
        for key, fixed in (("slug", channel.slug), ("kind", channel.kind)):
            if changes.get(key, fixed) != fixed:
                raise channel_spec.refused([f"{key}: cannot be changed; add another channel instead"])
        merged = {
            "config": _over(channel.config, changes.get("config")),
            "options": _over({"interval_s": channel.interval_s, **channel.options}, changes.get("options")),
            "secrets": _over(self._known_secrets(channel, changes), changes.get("secrets")),
        }
        plain = {"title": channel.title, "ward": channel.ward_code, **changes}
        return {**plain, "slug": channel.slug, "kind": channel.kind, **merged}

    def _known_secrets(self, channel: ChannelRow, changes: Mapping[str, Any]) -> dict[str, str]:
        try:
            return self._connections.secrets(channel)
        except ConfigInvalid:
            if "secrets" in changes:
                return {}  # they do not open any more, and here come new ones
            raise

    def _check_place(self, tx: Tx, spec: ChannelSpec, *, new: bool = True) -> None:
        if not account_queries.ward_exists(tx, spec.ward):
            raise channel_spec.refused([f"ward: {spec.ward!r} is unknown"])
        if new and channel_queries.by_slug(tx, spec.slug) is not None:
            raise channel_spec.refused([f"slug: {spec.slug!r} is taken by another channel"])

    def _columns(self, spec: ChannelSpec) -> dict[str, Any]:
        sealed = self._vault.seal_json(spec.secrets, secrets_purpose(spec.slug)) if spec.secrets else None
        return {
            "title": spec.title, "ward_code": spec.ward, "config": spec.config, "options": spec.options,
            "secrets": sealed,
        }  # fmt: skip

    def check(self, slug: str, *, actor: Actor | None = None) -> list[CheckResult]:
        """The connector's named steps, done now over the network. What stops them is the last step."""
        with self._db.read() as tx:
            channel = one_channel(tx, actor, slug)
        may_operate(actor, channel.ward_code)
        deadline, answer = self._clock() + timedelta(seconds=CHECK_S), None
        try:
            with self._connections.open(channel, deadline=deadline) as (connector, ctx):
                try:
                    steps = connector.check(ctx)
                finally:
                    answer = ctx.http.last_answer
        except AggregatorError as error:
            steps = [CheckResult("connect", False, str(error), error.message_vi, error.code)]
        self._tell_sign_in(channel.id, steps, answer)
        return steps

    def _tell_sign_in(self, channel_id: int, steps: Sequence[CheckResult], answer: Response | None) -> None:
        """A check is a try at signing in: refused, or all of it well. Polls tell what else is wrong."""
        refused = any(step.code == AuthFailed.code for step in steps)
        if not refused and not all(step.ok for step in steps):
            return
        evidence = answer.evidence() if answer is not None and refused else {}
        page = outage_log.page(self._vault, answer, evidence)
        with self._db.write() as tx:
            outage_log.attempt(
                tx, channel_id, Capability.SIGN_IN, self._clock(), ok=not refused,
                code=AuthFailed.code if refused else "", evidence=evidence, page=page,
            )  # fmt: skip

    # Steering ---------------------------------------------------------------------------------------

    def pause(self, actor: Actor | None, slug: str) -> None:
        """No polls and no deliveries until resumed; a poll under way ends its batch."""
        with self._db.write() as tx:
            channel = self._steered(tx, actor, slug)
            if not channel.paused:
                channel_queries.update_channel(tx, channel.id, {}, {"paused": True})
                self._record(tx, "channel_paused", actor, channel.id, {"channel": slug})

    def resume(self, actor: Actor | None, slug: str) -> None:
        """Polls go on, at once; also where the channel had stopped for a person."""
        with self._db.write() as tx:
            channel = self._steered(tx, actor, slug)
            again = {"paused": False, **_try_again(channel, self._clock())}
            channel_queries.update_channel(tx, channel.id, {}, again)
            self._record(tx, "channel_resumed", actor, channel.id, {"channel": slug, "was": channel.state})

    def poll_now(self, actor: Actor | None, slug: str) -> None:
        """Due at once. `MoveNotAllowed` while it is paused, or where it has nothing to poll."""
        with self._db.write() as tx:
            channel = self._steered(tx, actor, slug)
            if channel.paused:
                raise MoveNotAllowed(
                    f"channel {slug} is paused", hint="resume it first",
                    message_vi="Kênh đang tạm dừng. Bấm Tiếp tục trước.",
                )  # fmt: skip
            if channel.next_due_at is None:
                raise MoveNotAllowed(
                    f"channel {slug} is fed by imports", hint=f"use: motmoi import FILE --channel {slug}",
                    message_vi="Kênh này nhập bằng tệp, không tự đọc.",
                )  # fmt: skip
            channel_queries.update_channel(tx, channel.id, {}, _try_again(channel, self._clock()))
            told = {"channel": slug, "was": channel.state}
            self._record(tx, "channel_poll_asked", actor, channel.id, told)

    def _steered(self, tx: Tx, actor: Actor | None, slug: str) -> ChannelRow:
        # The chain before the row, as everybody who writes both does.
        ledger.lock(tx, [SYSTEM])
        channel = one_channel(tx, actor, slug)
        may_operate(actor, channel.ward_code)
        return channel

    def _record(
        self, tx: Tx, kind: str, actor: Actor | None, channel_id: int, told: Mapping[str, Any]
    ) -> None:
        officer = actor.id if actor else None
        ledger.append(
            tx, [Draft(SYSTEM, kind, self._clock(), told, officer_id=officer, channel_id=channel_id)]
        )

    # Looking ----------------------------------------------------------------------------------------

    def list(self, actor: Actor | None) -> tuple[ChannelView, ...]:
        """The channels this person may see (None sees all), with their lights and today's counts."""
        may_look(actor)
        with self._db.read() as tx:
            return self._views(tx, channel_queries.all_channels(tx, actor.ward if actor else None))

    def view(self, actor: Actor | None, slug: str) -> ChannelView:
        """One channel with its last runs; `NotFound` where it is missing or another ward's."""
        may_look(actor)
        with self._db.read() as tx:
            channel = one_channel(tx, actor, slug)
            runs = tuple(_run_view(row) for row in channel_queries.runs_of(tx, channel.id, LAST_RUNS))
            return self._views(tx, [channel], runs)[0]

    def alarms(self, actor: Actor) -> tuple[AlarmView, ...]:
        """What waits for a person at the channels that this one may see, oldest first."""
        if not actor.may(Right.CHANNELS):
            return ()
        with self._db.read() as tx:
            return tuple(
                _alarm_view(row, row.slug, row.title) for row in alarm_queries.open_in(tx, actor.ward)
            )

    def quarantine(self, actor: Actor | None, slug: str) -> tuple[QuarantineView, ...]:
        """What the channel sent that could not be used, newest first."""
        may_look(actor)
        with self._db.read() as tx:
            channel = one_channel(tx, actor, slug)
            rows = quarantine_queries.listed(tx, channel.id, "open", None, LISTED_QUARANTINE)
        return tuple(
            QuarantineView(
                row.id, row.scope, row.raw_ref, row.external_id, row.error, row.field, row.row, row.tries,
                row.created_at,
            )
            for row in rows
        )  # fmt: skip

    def _views(
        self, tx: Tx, rows: Sequence[ChannelRow], runs: tuple[RunView, ...] = ()
    ) -> tuple[ChannelView, ...]:
        now, ids = self._clock(), [row.id for row in rows]
        counts = channel_queries.counts_since(tx, ids, _start_of_day(now))
        waiting = outbox_queries.waiting_by_channel(tx, ids)
        open_items = quarantine_queries.open_counts(tx, ids)
        doors = [row.id for row in rows if self._capabilities(row.kind).webhook]
        calls = webhook_queries.newest_days(tx, doors) if doors else {}
        kept = webhook_queries.kept_counts(tx, doors) if doors else {}
        alarms = alarm_queries.open_of(tx, ids)
        return tuple(
            self._view(
                row, now, counts.get(row.id, Counts()), waiting.get(row.id, (0, now))[0],
                open_items.get(row.id, 0), runs, calls.get(row.id, Day()), kept.get(row.id, 0),
                [alarm for alarm in alarms if alarm.channel_id == row.id],
            )
            for row in rows
        )  # fmt: skip

    def _view(
        self, row: ChannelRow, now: datetime, today: Counts, waiting: int, open_items: int,
        runs: tuple[RunView, ...], calls: Day, kept: int, alarms: Sequence[Any],
    ) -> ChannelView:  # fmt: skip
        can, polled = self._capabilities(row.kind), row.next_due_at is not None
        open_items += kept
        lights = health.lights(
            row, now, can_read=polled, can_reply=can.push_reply, waiting=waiting, quarantined=open_items,
            called=call_health.called(calls, open_items) if can.webhook and not polled else None,
            silence=next((alarm.data for alarm in alarms if alarm.kind == SILENCE), None),
        )  # fmt: skip
        lights = call_health.with_expiry(lights, self._expiries(row, now), now)
        return ChannelView(
            id=row.id, slug=row.slug, title=row.title, kind=row.kind, ward_code=row.ward_code,
            state=health.worst(lights), paused=row.paused, lights=lights, interval_s=row.interval_s,
            next_due_at=None if row.paused or row.state in HELD else row.next_due_at,
            last_success_at=row.last_success_at, last_item_at=row.last_item_at,
            down_since=row.down_since if row.state in DOWN else None,
            can_reply=can.push_reply, outbox_waiting=waiting, quarantined=open_items,
            today={
                "seen": today.seen, "stored": today.stored, "unchanged": today.unchanged,
                "revised": today.revised, "quarantined": today.quarantined,
            },
            runs=runs, breaker=row.breaker, lease_owner=row.lease_owner,
            alarms=tuple(_alarm_view(alarm, row.slug, row.title) for alarm in alarms),
        )  # fmt: skip

    def _expiries(self, row: ChannelRow, now: datetime) -> Sequence[Expiry]:
        """What of the channel's way in ends when; nothing where that cannot be told."""
        found = self._connectors.get(row.kind)
        try:
            if found is None or not isinstance(found.connector(), TellsExpiry):
                return []
            with self._connections.open(row, deadline=now + timedelta(seconds=CHECK_S)) as (connector, ctx):
                return connector.expiries(ctx) if isinstance(connector, TellsExpiry) else []
        except ChannelError:
            return []  # the light that says so is on already

    def quality(self, kind: str) -> QualityView | None:
        """How good the connector of this kind is; None where it is not installed."""
        return quality_of(self._connectors.get(kind))

    def _capabilities(self, kind: str) -> Capabilities:
        found = self._connectors.get(kind)
        return found.manifest.capabilities if found and found.manifest else Capabilities()


def _over(kept: Mapping[str, Any], given: Any) -> Any:
    """What is not named stays, what is named empty is forgotten; no table is for `checked` to refuse."""
    if given is not None and not isinstance(given, Mapping):
        return given
    return {name: value for name, value in {**kept, **(given or {})}.items() if value != ""}


def _schedule(spec: ChannelSpec) -> dict[str, Any]:
    return {"interval_s": spec.interval_s, "host_key": spec.host_key}


def _try_again(channel: ChannelRow, now: datetime) -> dict[str, Any]:
    """Due now; a stop is lifted, but "down" is only over when a poll succeeds."""
    due = {} if channel.next_due_at is None else {"next_due_at": now, "breaker_until": now}
    return {**due, "state": State.DEGRADED.value, "failures": 0} if channel.state in HELD else due


def _start_of_day(now: datetime) -> datetime:
    return datetime.combine(now.astimezone(VN).date(), time.min, VN)


def _alarm_view(row: Any, slug: str, title: str) -> AlarmView:
    return AlarmView(row.kind, slug, title, row.opened_at, row.data)


def _run_view(row: Any) -> RunView:
    return RunView(
        row.id, row.kind, row.started_at, row.finished_at, row.outcome, row.seen, row.stored, row.unchanged,
        row.revised, row.quarantined, row.source_count, row.error, row.bytes,
        None if row.finished_at is None else round((row.finished_at - row.started_at).total_seconds() * 1000),
    )  # fmt: skip
