"""Reports, revisions, identities, attachments, raw payloads and quarantine: what intake asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, case, delete, exists, select, update

from aggregator.storage import ids
from aggregator.storage.bulk import insert_rows
from aggregator.storage.channel_tables import channels, quarantine, raw_payloads
from aggregator.storage.db import Tx
from aggregator.storage.privacy_tables import restrictions
from aggregator.storage.report_tables import attachments, report_revisions, reporters, reports
from aggregator.storage.upsert import inserting

#: SQLite before 3.32 took 999 parameters; one statement stays well inside every limit.
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Head:
    """The newest revision of a stored report."""

    report_id: int
    revision: int
    hash: str
    ward_code: str
    source_due_at: datetime | None
    status_raw: str | None
    source_status: str


def chunks(values: Iterable[Any]) -> Iterable[list[Any]]:
    rest = list(values)
    for start in range(0, len(rest), CHUNK):
        yield rest[start : start + CHUNK]


def heads(tx: Tx, channel_id: int, external_ids: Iterable[str]) -> dict[str, Head]:
    """External id -> newest revision, for those already stored."""
    table, found = reports, {}
    for part in chunks(external_ids):
        query = select(
            table.c.external_id, table.c.id, table.c.revision, table.c.revision_hash, table.c.ward_code,
            table.c.source_due_at, table.c.status_raw, table.c.source_status,
        ).where(table.c.channel_id == channel_id, table.c.external_id.in_(part))  # fmt: skip
        for row in tx.execute(query):
            found[row[0]] = Head(*row[1:])
    return found


def reserve_ids(tx: Tx, count: int) -> list[int]:
    return ids.reserve(tx, reports, count)


def insert_reports(tx: Tx, rows: list[dict[str, Any]]) -> None:
    insert_rows(tx, reports, rows)


def update_reports(tx: Tx, rows: list[dict[str, Any]]) -> None:
    """Set what changed; each row carries its `id` and the same columns."""
    if not rows:
        return
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0] if name != "id"}
    statement = update(reports).where(reports.c.id == bindparam("new_id")).values(**values)
    tx.execute(statement, [{f"new_{name}": value for name, value in row.items()} for row in rows])


def insert_revisions(tx: Tx, rows: list[dict[str, Any]]) -> None:
    insert_rows(tx, report_revisions, rows)


def put_identities(tx: Tx, rows: list[dict[str, Any]]) -> None:
    """Insert, or replace what an earlier revision said of the same report's person."""
    if not rows:
        return
    statement = inserting(tx, reporters)
    columns = ("identity", "phone_index", "email_index")
    changed = {name: statement.excluded[name] for name in columns}
    tx.execute(statement.on_conflict_do_update(index_elements=["report_id"], set_=changed), rows)


def delete_identities(tx: Tx, report_ids: Sequence[int]) -> None:
    for part in chunks(report_ids):
        tx.execute(delete(reporters).where(reporters.c.report_id.in_(part)))


def identity(tx: Tx, report_id: int) -> bytes | None:
    found: bytes | None = tx.scalar(select(reporters.c.identity).where(reporters.c.report_id == report_id))
    return found


def newest_raw(tx: Tx, channel_id: int, external_id: str) -> bytes | None:
    """The sealed raw item of a report's newest revision."""
    newest = report_revisions.c.seq == reports.c.revision
    query = (
        select(report_revisions.c.raw)
        .join(reports, reports.c.id == report_revisions.c.report_id)
        .where(reports.c.channel_id == channel_id, reports.c.external_id == external_id, newest)
    )
    found: bytes | None = tx.scalar(query)
    return found


def insert_attachments(tx: Tx, rows: list[dict[str, Any]]) -> None:
    """New attachments wait to be fetched; those already known stay as they are."""
    if rows:
        tx.execute(inserting(tx, attachments).on_conflict_do_nothing(), rows)


def attachment(tx: Tx, attachment_id: int) -> Row[Any] | None:
    if not ids.possible(attachment_id):
        return None
    query = (
        select(attachments, reports.c.ward_code)
        .join(reports, reports.c.id == attachments.c.report_id)
        .where(attachments.c.id == attachment_id)
    )
    return tx.execute(query).one_or_none()


def put_payloads(tx: Tx, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Store raw payloads once per content; sha256 -> id of the stored row."""
    if not rows:
        return {}
    tx.execute(inserting(tx, raw_payloads).on_conflict_do_nothing(), list(rows))
    found = {}
    for part in chunks({row["sha256"] for row in rows}):
        query = select(raw_payloads.c.sha256, raw_payloads.c.id).where(
            raw_payloads.c.channel_id == rows[0]["channel_id"], raw_payloads.c.sha256.in_(part)
        )
        found.update({row.sha256: row.id for row in tx.execute(query)})
    return found


def put_quarantine(tx: Tx, rows: list[dict[str, Any]]) -> None:
    """Insert, or count another try of the same bytes: a poisoned item never piles up."""
    if not rows:
        return
    statement = inserting(tx, quarantine)
    again = {
        "tries": quarantine.c.tries + 1,
        "run_id": statement.excluded.run_id,
        "seen_at": statement.excluded.seen_at,
        "error_code": statement.excluded.error_code,
        "error": statement.excluded.error,
        "field": statement.excluded.field,
        # What a person has laid aside stays there, however often the source sends it again.
        "state": case((quarantine.c.state == "dismissed", "dismissed"), else_=statement.excluded.state),
    }
    key = ["channel_id", "raw_payload_id", "raw_ref"]
    tx.execute(statement.on_conflict_do_update(index_elements=key, set_=again), rows)


def in_case_ids(tx: Tx, report_ids: Sequence[int]) -> list[Row[Any]]:
    """Reports with their channel's slug, title, kind, options and ward (`sent_to`), in the order received."""
    query = (
        select(
            reports,
            channels.c.slug,
            channels.c.title,
            channels.c.kind.label("channel_kind"),
            channels.c.options.label("channel_options"),
            channels.c.ward_code.label("sent_to"),
        )
        .join(channels, channels.c.id == reports.c.channel_id)
        .where(reports.c.id.in_(report_ids))
        .order_by(reports.c.received_at, reports.c.id)
    )
    return list(tx.execute(query))


def with_source_deadline(tx: Tx, report_ids: Sequence[int]) -> list[Row[Any]]:
    """Those of the reports for which their source demands a deadline."""
    found: list[Row[Any]] = []
    for part in chunks(report_ids):
        query = select(reports.c.id, reports.c.received_at, reports.c.source_due_at)
        found += tx.execute(query.where(reports.c.id.in_(part), reports.c.source_due_at.isnot(None)))
    return found


def points(tx: Tx, report_ids: Iterable[int]) -> dict[int, tuple[float, float]]:
    """Report -> where it is on the map, for those that say so."""
    found = {}
    for part in chunks(sorted(set(report_ids))):
        query = select(reports.c.id, reports.c.lat, reports.c.lng).where(reports.c.id.in_(part))
        found.update({row[0]: (row[1], row[2]) for row in tx.execute(query) if None not in (row[1], row[2])})
    return found


def attachments_of(tx: Tx, report_ids: Sequence[int]) -> list[Row[Any]]:
    query = select(attachments).where(attachments.c.report_id.in_(report_ids)).order_by(attachments.c.id)
    return list(tx.execute(query))


def with_identity(tx: Tx, report_ids: Sequence[int]) -> dict[int, bool]:
    """Those of the reports whose sender is known -> whether their processing is restricted."""
    living = restrictions.c.lifted_at.is_(None)
    hidden = exists().where(restrictions.c.report_id == reporters.c.report_id, living).label("hidden")
    query = select(reporters.c.report_id, hidden).where(reporters.c.report_id.in_(report_ids))
    return {row.report_id: row.hidden for row in tx.execute(query)}
