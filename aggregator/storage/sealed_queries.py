"""Everything that is sealed at rest, found by the key it was sealed with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, func, select, update

from aggregator.storage.channel_tables import channel_schedule, channels, quarantine, raw_payloads
from aggregator.storage.checkpoint_tables import ledger_keys
from aggregator.storage.db import Tx
from aggregator.storage.outage_tables import outage_evidence
from aggregator.storage.privacy_tables import privacy_requests
from aggregator.storage.report_tables import report_revisions, reporters
from aggregator.storage.webhook_tables import channel_tokens, webhook_calls


@dataclass(frozen=True, slots=True)
class Sealed:
    """A column of sealed bytes and the key of its rows; `of_channel`: its purpose names the channel."""

    table: Table
    column: str
    key: str
    of_channel: bool = False


#: By name, the small ones first.
SEALED: Mapping[str, Sealed] = {
    "channel-secrets": Sealed(channels, "secrets", "id", of_channel=True),
    "channel-state": Sealed(channel_schedule, "connector_state", "channel_id", of_channel=True),
    "ledger-key": Sealed(ledger_keys, "sealed", "id"),
    "channel-tokens": Sealed(channel_tokens, "sealed", "channel_id", of_channel=True),
    "webhook-call": Sealed(webhook_calls, "content", "id"),
    "held": Sealed(quarantine, "held", "id"),
    "privacy-request": Sealed(privacy_requests, "asked", "id"),
    "privacy-answer": Sealed(privacy_requests, "answer", "id"),
    "outage-evidence": Sealed(outage_evidence, "content", "id"),
    "identity": Sealed(reporters, "identity", "report_id"),
    "payload": Sealed(raw_payloads, "content", "id"),
    "revision": Sealed(report_revisions, "raw", "id"),
}


def older(tx: Tx, what: Sealed, keys: Collection[bytes], after: int, limit: int) -> list[Row[Any]]:
    """(key, sealed, slug) of rows behind `after` that one of these keys sealed, in their order."""
    key, sealed = what.table.c[what.key], what.table.c[what.column]
    query: Select[Any] = select(key.label("key"), sealed.label("sealed"))
    if what.of_channel:
        query = query.add_columns(channels.c.slug)
        if what.table is not channels:
            query = query.join(channels, channels.c.id == key)
    found = query.where(key > after, _by(what, keys)).order_by(key).limit(limit)
    return list(tx.execute(found))


def left(tx: Tx, what: Sealed, keys: Collection[bytes]) -> int:
    """How many rows one of these keys sealed."""
    query = select(func.count()).select_from(what.table).where(_by(what, keys))
    return int(tx.scalar(query) or 0)


def replace(tx: Tx, what: Sealed, key: int, was: bytes, sealed: bytes) -> bool:
    """Put the new bytes in place of these; False where somebody has changed them meanwhile."""
    column = what.table.c[what.column]
    mine = update(what.table).where(what.table.c[what.key] == key, column == was)
    return tx.execute(mine.values({what.column: sealed})).rowcount == 1


def _by(what: Sealed, keys: Collection[bytes]) -> ColumnElement[bool]:
    column = what.table.c[what.column]
    # The second to fifth byte name the key (see `vault`).
    return func.substr(column, 2, 4).in_(list(keys))
