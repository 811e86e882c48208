"""What erasing one person writes beside forgetting whole kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Text, cast, func, insert, select, update

from aggregator.storage.belief_tables import discrepancies
from aggregator.storage.case_tables import memberships, outbox, replies
from aggregator.storage.certificate_tables import certificates
from aggregator.storage.channel_tables import quarantine
from aggregator.storage.cover_tables import case_units
from aggregator.storage.db import Tx
from aggregator.storage.privacy_tables import privacy_acts
from aggregator.storage.report_queries import chunks
from aggregator.storage.report_tables import reports


def put_acts(
    tx: Tx, request_id: int, acts: Sequence[tuple[int, str]], now: datetime, officer_id: int | None
) -> None:
    """What was done to which report for this request."""
    rows = [
        {"request_id": request_id, "report_id": report_id, "act": act, "at": now, "officer_id": officer_id}
        for report_id, act in acts
    ]
    if rows:
        tx.execute(insert(privacy_acts), rows)


def rename(tx: Tx, report_id: int, stand_in: str, marks: str) -> None:
    """A report whose id named its sender is known by a stand-in."""
    values = {"external_id": stand_in, "search_text": marks, "url": None}
    tx.execute(update(reports).where(reports.c.id == report_id).values(**values))


def reword(tx: Tx, reply_id: int, body: str) -> None:
    tx.execute(update(replies).where(replies.c.id == reply_id).values(body=body))


def tasks_of(tx: Tx, case_id: int) -> list[Row[Any]]:
    query: Any = select(case_units.c.id, case_units.c.task).where(case_units.c.case_id == case_id)
    return list(tx.execute(query))


def reword_task(tx: Tx, row_id: int, task: str) -> None:
    tx.execute(update(case_units).where(case_units.c.id == row_id).values(task=task))


#: Columns with words, of what was found to differ at a source.
DIFFERING = ("ours", "theirs", "author", "note", "reason")


def differences_of(tx: Tx, case_id: int) -> list[Row[Any]]:
    """What sources showed otherwise of the case's reports, in their words and ours."""
    members = select(memberships.c.report_id).where(memberships.c.case_id == case_id)
    query = select(discrepancies).where(discrepancies.c.report_id.in_(members))
    return list(tx.execute(query))


def reword_difference(tx: Tx, row_id: int, words: Mapping[str, str]) -> None:
    tx.execute(update(discrepancies).where(discrepancies.c.id == row_id).values(**words))


def quiet(tx: Tx, case_id: int) -> None:
    """What a source said when it refused an answer may repeat the answer; its code stays."""
    tx.execute(update(outbox).where(outbox.c.case_id == case_id).values(error=None, error_vi=None))


def dismiss_items_of(tx: Tx, payload_ids: Sequence[int]) -> None:
    """Items whose bytes go wait for nobody any more."""
    for part in chunks(payload_ids):
        mine = quarantine.c.raw_payload_id.in_(part), quarantine.c.state == "open"
        tx.execute(update(quarantine).where(*mine).values(state="dismissed", reason="erased"))


def bundles_of(tx: Tx, case_id: int) -> list[Row[Any]]:
    """(id, told) of the certificates of this case whose bundle is kept; `told` is its text."""
    column = certificates.c.bundle
    told = cast(column, Text) if tx.dialect.name == "sqlite" else func.convert_from(column, "UTF8")
    query: Any = select(certificates.c.id, told.label("told"))
    return list(tx.execute(query.where(certificates.c.case_id == case_id, column.isnot(None))))


def drop_bundle(tx: Tx, certificate_id: int) -> None:
    tx.execute(update(certificates).where(certificates.c.id == certificate_id).values(bundle=None))
