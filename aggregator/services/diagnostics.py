"""What a channel's maintainer needs to see, in a file that may be sent away.

    settings without secrets | health and breaker | alarms | the last runs | days | what is quarantined

Nothing in it comes from a citizen: no page, no record, no id of a report, and of an error's text only what
is left when telephones, plates, mail addresses and every quoted word are taken out of it. No secret can be
in it, because none is opened.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain.people import Actor
from aggregator.domain.personal import hidden
from aggregator.domain.text import sha256_of
from aggregator.sdk.discovery import Found, secret_names
from aggregator.services.channel_doors import may_operate, one_channel
from aggregator.services.clock import Clock
from aggregator.storage import alarm_queries, channel_queries, quarantine_queries, run_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database

RUNS, DAYS, ITEMS = 100, 30, 500
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”|‘[^’]*’")
_LONG_NUMBER = re.compile(r"\d[\d.\s-]{5,}\d")


class Diagnostics:
    """Makes the file."""

    def __init__(self, db: Database, connectors: Mapping[str, Found], clock: Clock) -> None:
        self._db = db
        self._connectors = connectors
        self._clock = clock

    def of(self, actor: Actor | None, slug: str) -> dict[str, Any]:
        """The channel's diagnostics; `NotFound` and `NotAllowed` as everywhere."""
        now = self._clock()
        with self._db.read() as tx:
            channel = one_channel(tx, actor, slug)
            may_operate(actor, channel.ward_code)
            runs = channel_queries.runs_of(tx, channel.id, RUNS)
            days = run_queries.days(tx, channel.id, (now - timedelta(days=DAYS)).date())
            alarms = alarm_queries.open_of(tx, [channel.id])
            items = quarantine_queries.listed(tx, channel.id, "open", None, ITEMS)
        return {
            "made_at": now.isoformat(),
            "channel": self._facts(channel),
            "health": _health(channel),
            "alarms": [{"kind": row.kind, "opened_at": row.opened_at.isoformat()} for row in alarms],
            "runs": [_run(row) for row in runs],
            "days": [
                {name: str(value) if name == "day" else value for name, value in row._mapping.items()}
                for row in days
            ],
            "quarantine": [
                {"what": what, "field": field, "items": number}
                for (what, field), number in Counter((row.error_code, row.field) for row in items).items()
            ],
        }  # fmt: skip

    def _facts(self, channel: ChannelRow) -> dict[str, Any]:
        manifest = found.manifest if (found := self._connectors.get(channel.kind)) else None
        secret = secret_names(manifest) if manifest else set()
        config = {name: value for name, value in channel.config.items() if name not in secret}
        return {
            "slug": channel.slug, "kind": channel.kind, "connector": manifest.version if manifest else None,
            "config": _clean(config), "options": _clean(channel.options),
            "secrets_stored": bool(channel.secrets), "interval_s": channel.interval_s,
            "cursor": _mark(channel.cursor),
        }  # fmt: skip


def _health(channel: ChannelRow) -> dict[str, Any]:
    names = (
        "state", "paused", "failures", "breaker", "breaker_failures", "breaker_until", "next_due_at",
        "down_since",
        "last_try_at", "last_success_at", "last_item_at", "last_error_code", "lease_owner", "write_failures",
        "write_error_code", "last_write_at",
    )  # fmt: skip
    values = {name: getattr(channel, name) for name in names}
    told = {name: _plain(value) for name, value in values.items()}
    return {**told, "last_error": _text(channel.last_error), "write_error": _text(channel.write_error)}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _run(row: Any) -> dict[str, Any]:
    names = ("kind", "outcome", "seen", "stored", "unchanged", "revised", "quarantined", "source_count",
             "requests", "bytes", "error_code")  # fmt: skip
    took = None if row.finished_at is None else round((row.finished_at - row.started_at).total_seconds(), 3)
    return {
        "id": row.id, "started_at": row.started_at.isoformat(), "seconds": took,
        **{name: getattr(row, name) for name in names}, "error": _text(row.error),
    }  # fmt: skip


def _text(error: str | None) -> str | None:
    """The sentence without what it quotes: pages and records are quoted, and people stand in them."""
    return None if error is None else _LONG_NUMBER.sub("…", _QUOTED.sub("'…'", hidden(error)))


def _clean(value: Any) -> Any:
    """Settings without what looks like a person's number or address."""
    if isinstance(value, Mapping):
        return {name: _clean(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    return hidden(value) if isinstance(value, str) else value


def _mark(cursor: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """How large the cursor is and whether it moves; its ids belong to reports."""
    if cursor is None:
        return None
    text = json.dumps(cursor, sort_keys=True, default=str)
    return {"bytes": len(text), "sha256": sha256_of(text)[:16]}
