"""A connector's context for tests and for the conformance kit: a real session on a real socket.

What may surprise: private addresses are allowed here (sandboxes live on the loopback) and the list
of hosts holds the sandbox alone, so a connector that strays is refused as it would be in use.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, MutableMapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.sdk.contract import Context, Manifest, SourceStatus
from aggregator.sdk.discovery import status_map_of, with_defaults
from aggregator.sdk.http import Http, host_of
from aggregator.sdk.sandbox import Running

__all__ = ["context_for"]


def context_for(
    portal: Running | str,
    manifest: Manifest,
    config: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    now: datetime | Callable[[], datetime] | None = None,
    *,
    state: MutableMapping[str, Any] | None = None,
    deadline_s: float = 60.0,
    status_map: Mapping[str, str] | None = None,
    answer_words: Mapping[str, str] | None = None,
    extra_hosts: Collection[str] = (),
    log: logging.Logger | None = None,
    **http_options: Any,
) -> Context:
    """A context that speaks to `portal` alone.

    `config` is completed with ``base_url`` and the manifest's defaults; `now` is an instant or a
    clock (default: the real one); `state` is kept by the caller to carry it over calls;
    `http_options` go to `Http` (``read_timeout=0.3``, ``max_bytes=…``).
    """
    url = portal if isinstance(portal, str) else portal.url
    clock = _clock(now)
    deadline = clock() + timedelta(seconds=deadline_s)
    given = dict(config or {})
    if "base_url" in manifest.config_schema.get("properties", {}):
        given.setdefault("base_url", url)
    secrets = dict(secrets or {})
    log = log or logging.getLogger(f"connector.{manifest.id}")
    options: dict[str, Any] = {
        "max_bytes": int(manifest.defaults.get("max_bytes", 20_000_000)),
        **http_options,
    }
    http = Http(
        allowed_hosts=[host_of(url), *extra_hosts],
        allow_private=True,
        deadline=deadline,
        now=clock,
        secrets=list(secrets.values()),
        log=log,
        **options,
    )
    statuses: dict[str, SourceStatus] = status_map_of(manifest, status_map or {})
    return Context(
        channel=f"test-{manifest.id}",
        config=with_defaults(manifest, given),
        secrets=secrets,
        http=http,
        state={} if state is None else state,
        now=clock,
        deadline=deadline,
        zone=ZoneInfo("Asia/Ho_Chi_Minh"),
        status_map=statuses,
        log=log,
        answer_words={**manifest.answer_words, **(answer_words or {})},
    )


def _clock(now: datetime | Callable[[], datetime] | None) -> Callable[[], datetime]:
    if now is None:
        return lambda: datetime.now(UTC)
    if callable(now):
        return now
    instant = now
    return lambda: instant
