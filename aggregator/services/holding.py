"""A page that was not understood, or not believed, kept whole in quarantine; and who hears of it.

In the transaction of the poll's end. What may surprise: a page is one row for as long as the same is wrong
with it, however often it is read: the first one stays, with its items where there are any, and is counted.
The people who can act are told once an episode.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from aggregator.domain.runs import Run
from aggregator.domain.text import clean
from aggregator.errors import SchemaDrift
from aggregator.services.drift import DriftSuspected, bundle, findings_json, page_of
from aggregator.storage import alarm_queries, quarantine_queries
from aggregator.storage.db import Tx
from aggregator.storage.vault import Vault

#: The alarm's kind; the next good poll closes it.
ALARM = "drift"
LONGEST = 500


def hold(tx: Tx, vault: Vault, run: Run, error: SchemaDrift, now: datetime) -> None:
    """Keep what came with the error, where the connector handed something over, and raise the alarm."""
    payload: dict[str, Any] | None = None
    row: dict[str, Any] = {"error_code": error.code, "error": clean(str(error))[:LONGEST]}
    if isinstance(error, DriftSuspected):
        page = page_of(error.batch)
        payload = _payload(vault, run, page.content, page.content_type, page.url, now)
        row |= {
            "field": error.key, "error": clean(error.message)[:LONGEST],
            "findings": findings_json(error.findings), "held": vault.pack(bundle(error.batch), "held"),
            "external_id": error.external_id,
        }  # fmt: skip
    else:
        content = error.evidence.get("content")
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogatepass")
        if isinstance(content, bytes):
            kind = str(error.evidence.get("content_type", "application/octet-stream"))
            payload = _payload(vault, run, content, kind, str(error.evidence.get("url", "")), now)
    if payload is not None:
        quarantine_queries.put_page(tx, run, payload, row, now)
    alarm_queries.open_one(tx, run.channel_id, ALARM, {"code": error.code}, now)


def _payload(vault: Vault, run: Run, content: bytes, kind: str, url: str, now: datetime) -> dict[str, Any]:
    return {
        "channel_id": run.channel_id, "sha256": hashlib.sha256(content).hexdigest(),
        "content_type": clean(kind)[:300], "url": clean(url)[:1000], "size": len(content),
        "fetched_at": now, "content": vault.pack(content, "payload"),
    }  # fmt: skip
