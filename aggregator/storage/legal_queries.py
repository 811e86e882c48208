"""Legal matters: findings of reports, decisions on cases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from aggregator.storage.db import Tx
from aggregator.storage.legal_tables import legal_findings, legal_matters
from aggregator.storage.report_queries import chunks
from aggregator.storage.report_tables import match_traits
from aggregator.storage.upsert import inserting


def put_finding(tx: Tx, row: dict[str, Any]) -> None:
    """Keep what the newest revision of a report was found to be."""
    statement = inserting(tx, legal_findings).values(**row)
    changed = {name: statement.excluded[name] for name in row if name != "report_id"}
    tx.execute(statement.on_conflict_do_update(index_elements=["report_id"], set_=changed))


def findings(tx: Tx, report_ids: Iterable[int]) -> dict[int, Row[Any]]:
    """Report id -> what its words were found to be."""
    found = {}
    for part in chunks(sorted(set(report_ids))):
        query = select(legal_findings).where(legal_findings.c.report_id.in_(part))
        found.update({row.report_id: row for row in tx.execute(query)})
    return found


def matter(tx: Tx, case_id: int) -> Row[Any] | None:
    return tx.execute(select(legal_matters).where(legal_matters.c.case_id == case_id)).one_or_none()


def open_matter(tx: Tx, case_id: int, kind: str, found_at: datetime) -> None:
    tx.execute(insert(legal_matters).values(case_id=case_id, kind=kind, found_at=found_at))


def change_matter(tx: Tx, case_id: int, **values: Any) -> None:
    tx.execute(update(legal_matters).where(legal_matters.c.case_id == case_id).values(**values))


def set_matched(tx: Tx, report_ids: Sequence[int], *, legal: bool) -> None:
    """Whether the rule may join these reports with others by itself."""
    for part in chunks(report_ids):
        tx.execute(update(match_traits).where(match_traits.c.report_id.in_(part)).values(legal=legal))
