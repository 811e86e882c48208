"""Versions of deadline rules: what is written when somebody changes one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update

from aggregator.storage.db import Tx
from aggregator.storage.place_tables import sla_policies


def of_key(tx: Tx, key: str) -> list[Row[Any]]:
    """Every version of one rule, newest first."""
    query = select(sla_policies).where(sla_policies.c.key == key).order_by(sla_policies.c.version.desc())
    return list(tx.execute(query))


def insert_policy(tx: Tx, row: dict[str, Any]) -> int:
    key = tx.execute(insert(sla_policies).values(**row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def retire(tx: Tx, policy_id: int, **told: Any) -> None:
    """Say when, by whom and why this version ended; what it says stays."""
    tx.execute(update(sla_policies).where(sla_policies.c.id == policy_id).values(**told))
