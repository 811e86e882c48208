"""One-time keys of form posts: a post that arrives twice does its work once.

The verb's own transaction stores the key with its result; a second arrival finds it and gets the same
result. The key is bound to the person, so nobody learns another's result by guessing keys.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select

from aggregator.domain.text import sha256_of
from aggregator.storage.account_tables import done_requests
from aggregator.storage.db import Tx


def result_of(tx: Tx, key: str | None, officer_id: int) -> Any | None:
    """What the first arrival of this post answered, None where this is the first."""
    if not key:
        return None
    query = select(done_requests.c.result).where(done_requests.c.key == _bound(key, officer_id))
    return tx.scalar(query)


def remember(tx: Tx, key: str | None, officer_id: int, at: datetime, result: Any) -> None:
    if key:
        values = {"key": _bound(key, officer_id), "officer_id": officer_id, "at": at, "result": result}
        tx.execute(insert(done_requests).values(**values))


def _bound(key: str, officer_id: int) -> str:
    # A digest: a form may say anything, and a database refuses some of it.
    return sha256_of(f"{officer_id}:{key}")


def forget_before(tx: Tx, at: datetime) -> int:
    return tx.execute(delete(done_requests).where(done_requests.c.at < at)).rowcount
