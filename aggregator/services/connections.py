"""A channel's row made into something to talk through: its connector, and the context of one call.

    with connections.open(channel, deadline=...) as (connector, ctx): ...network...
    connections.changed_state(channel, ctx)     sealed, to be saved with what was read; None if the same

The session reaches the hosts that the channel's own settings name, and no other. What may surprise:
small values that the connector keeps (`ctx.state`: a login, ETags) are not saved here. An ETag saved
without the page it stood for would hide that page for ever, so the caller saves them together with
the data, or not at all. Only `ctx.tokens` saves by itself: what is good for one use must not wait.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.errors import ConfigInvalid
from aggregator.sdk.answers import Response
from aggregator.sdk.contract import Capabilities, Connector, Context, Manifest
from aggregator.sdk.discovery import Found, status_map_of, with_defaults
from aggregator.sdk.http import Http, host_of
from aggregator.services.channel_tokens import ChannelTokens
from aggregator.services.clock import Clock
from aggregator.settings import Settings
from aggregator.storage import report_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database
from aggregator.storage.vault import SealBroken, Vault

#: Portals print local times without a zone; Vietnam has one.
DEFAULT_ZONE = "Asia/Ho_Chi_Minh"
#: How long a portal may be silent in the middle of an answer, where the channel's options say nothing.
READ_TIMEOUT_S = 30.0


class Connections:
    """Opens channels. No transaction is open while one is: whoever opens, saves."""

    def __init__(
        self, db: Database, vault: Vault, connectors: Mapping[str, Found], clock: Clock, settings: Settings
    ) -> None:
        self._db = db
        self._vault = vault
        self._connectors = connectors
        self._clock = clock
        self._settings = settings

    @contextmanager
    def open(
        self,
        channel: ChannelRow,
        *,
        deadline: datetime,
        config: Mapping[str, Any] | None = None,
        max_bytes: int | None = None,
    ) -> Iterator[tuple[Connector, Context]]:
        """The channel's connector and a context until `deadline`; `ConfigInvalid` where it cannot be used.

        `config` goes over the channel's own settings for this call; `max_bytes` bounds one answer.
        """
        found = found_of(self._connectors, channel.kind)
        connector, manifest = found.connector(), manifest_of(found)
        settings = with_defaults(manifest, {**channel.config, **(config or {})})
        secrets = self.secrets(channel)
        log = logging.getLogger(f"aggregator.channel.{channel.slug}")
        with Http(
            allowed_hosts=[*hosts_in(settings), *channel.options.get("hosts", ())],
            allow_private=bool(channel.options.get("allow_private", False)),
            verify=channel.options.get("verify", True),
            deadline=deadline,
            now=self._clock,
            min_gap_s=self.gap_s(channel.kind, channel.options),
            read_timeout=float(channel.options.get("read_timeout_s", READ_TIMEOUT_S)),
            max_bytes=max_bytes or self._max_bytes(manifest),
            secrets=list(secrets.values()),
            log=log,
        ) as http:
            yield (
                connector,
                Context(
                    channel=channel.slug,
                    config=settings,
                    secrets=secrets,
                    http=http,
                    state=self._state(channel),
                    now=self._clock,
                    deadline=deadline,
                    zone=zone_of(channel),
                    status_map=status_map_of(manifest, channel.options.get("status_map", {})),
                    log=log,
                    tokens=ChannelTokens(self._db, self._vault, self._clock, channel, self._settings.lease_s),
                    last_raw=partial(self._last_raw, channel.id),
                    answer_words={**manifest.answer_words, **channel.options.get("answer_words", {})},
                ),
            )

    def _last_raw(self, channel_id: int, external_id: str) -> bytes | None:
        """The newest raw bytes of one report; None where there are none, or none that open any more."""
        with self._db.read() as tx:
            sealed = report_queries.newest_raw(tx, channel_id, external_id)
        try:
            return None if sealed is None else self._vault.unpack(sealed, "revision")
        except SealBroken:
            return None

    def gap_s(self, kind: str, options: Mapping[str, Any]) -> float:
        """The polite pause between two requests to a channel's host; 0 where nobody asks for one."""
        found = self._connectors.get(kind)
        usual = found.manifest.defaults.get("min_gap_s", 0) if found and found.manifest else 0
        return float(options.get("min_gap_s", usual))

    def capabilities(self, channel: ChannelRow) -> Capabilities:
        """What the channel's connector allows; `ConfigInvalid` where it cannot be used."""
        return manifest_of(found_of(self._connectors, channel.kind)).capabilities

    def secrets(self, channel: ChannelRow) -> dict[str, str]:
        """The channel's secret settings, opened; `ConfigInvalid` where the key file does not fit."""
        try:
            return self._vault.open_json(channel.secrets, secrets_purpose(channel.slug)) or {}
        except SealBroken as error:
            raise ConfigInvalid(
                f"channel {channel.slug}: its secrets do not open ({error.message})",
                hint="put the right key file back, or enter the secrets again",
                message_vi="Không mở được mật khẩu đã lưu của kênh: tệp khoá không khớp.",
            ) from error

    def changed_state(self, channel: ChannelRow, ctx: Context) -> bytes | None:
        """What the connector keeps, sealed; None where it kept what it had."""
        if dict(ctx.state) == self._state(channel):
            return None
        return self._vault.seal_json(dict(ctx.state), state_purpose(channel.slug))

    def _state(self, channel: ChannelRow) -> dict[str, Any]:
        try:
            return self._vault.open_json(channel.connector_state, state_purpose(channel.slug)) or {}
        except SealBroken:
            return {}  # a login or an ETag: the connector gets a new one

    def _max_bytes(self, manifest: Manifest) -> int:
        return int(manifest.defaults.get("max_bytes", self._settings.max_attachment_bytes))


class Line:
    """A channel's connector, opened when the first message needs it and kept open for the next ones."""

    def __init__(self, connections: Connections, channel: ChannelRow) -> None:
        self._connections = connections
        self._channel = channel
        self._stack = ExitStack()
        self._opened: tuple[Connector, Context] | None = None
        self._kept: bytes | None = None
        self._answer: Response | None = None

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def open(self, deadline: datetime) -> tuple[Connector, Context]:
        """The connector and its context until `deadline`; raises what `Connections.open` raises."""
        if self._opened is None:
            way = self._connections.open(self._channel, deadline=deadline)
            self._opened = self._stack.enter_context(way)
        connector, ctx = self._opened
        ctx.http.renew(deadline)
        return connector, replace(ctx, deadline=deadline)

    def kept(self) -> bytes | None:
        """What the connector keeps, sealed; None where that has not changed since it was last asked."""
        self._look_what_changed()
        kept, self._kept = self._kept, None
        return kept

    def take_answer(self) -> Response | None:
        """What the source said last since this was last asked; None where it said nothing."""
        self._listen()
        answer, self._answer = self._answer, None
        return answer

    def _listen(self) -> None:
        if self._opened is not None:
            self._answer, self._opened[1].http.last_answer = self._opened[1].http.last_answer, None

    def close(self) -> None:
        """Hang up; the next `open` begins anew, with what the connector kept."""
        self._listen()
        self._look_what_changed()
        self._stack.close()
        self._opened = None

    def _look_what_changed(self) -> None:
        kept = self._opened and self._connections.changed_state(self._channel, self._opened[1])
        if kept is not None:
            self._kept, self._channel = kept, replace(self._channel, connector_state=kept)


def found_of(connectors: Mapping[str, Found], kind: str) -> Found:
    """The connector of this kind; `ConfigInvalid` where none is installed."""
    found = connectors.get(kind)
    if found is None:
        raise ConfigInvalid(
            f"connector {kind} is not installed",
            hint=f"installed: {', '.join(sorted(connectors)) or 'none'}",
            message_vi=f"Chưa cài bộ kết nối {kind}.",
        )
    return found


def manifest_of(found: Found) -> Manifest:
    """The connector's facts; `ConfigInvalid` where its manifest cannot be read."""
    if found.manifest is None:
        raise ConfigInvalid(
            f"connector {found.id} cannot be used: {found.problem}",
            message_vi=f"Bộ kết nối {found.id} bị lỗi, không dùng được.",
        )
    return found.manifest


def hosts_in(config: Mapping[str, Any]) -> list[str]:
    """``host:port`` of every address of a server among the settings, the base address first."""
    values = [config.get("base_url"), *config.values()]
    return list(dict.fromkeys(host_of(value) for value in values if _is_address(value)))


_SCHEMES = ("http://", "https://", "imap://", "imaps://", "smtp://", "smtps://")


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.lower().startswith(_SCHEMES)


def zone_of(channel: ChannelRow) -> ZoneInfo:
    return ZoneInfo(channel.options.get("timezone", DEFAULT_ZONE))


def secrets_purpose(slug: str) -> str:
    return f"channel-secrets:{slug}"


def state_purpose(slug: str) -> str:
    return f"channel-state:{slug}"
