"""What channels sent that could not be used: pages not understood, records waiting for a replay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, func, insert, select, update

from aggregator.domain.runs import Run
from aggregator.storage import ids
from aggregator.storage.channel_tables import quarantine, raw_payloads
from aggregator.storage.db import Tx
from aggregator.storage.report_queries import chunks
from aggregator.storage.report_tables import report_revisions, reports


def put_page(tx: Tx, run: Run, payload: dict[str, Any], values: dict[str, Any], now: datetime) -> None:
    """Keep a page that was not understood; one row and one copy for as long as the same is wrong.

    `values`: error_code and error; of a page not believed also field (the same for as long as the same is
    wrong), findings and held.
    """
    table = quarantine
    wrong = {"field": "", **values}
    alike = "field" if wrong["field"] else "error"
    same = and_(
        table.c.channel_id == run.channel_id, table.c.scope == "page", table.c.state == "open",
        table.c.error_code == wrong["error_code"], table.c[alike] == wrong[alike],
    )  # fmt: skip
    again = update(table).where(same).values(tries=table.c.tries + 1, seen_at=now, run_id=run.run_id)
    if tx.execute(again).rowcount:
        return
    payload_id = _put_payload(tx, payload)
    row = {
        "external_id": None, "findings": None, "held": None, **wrong, "scope": "page", "state": "open",
        "seen_at": now, "run_id": run.run_id, "settled_at": None, "settled_by": None, "reason": None,
    }  # fmt: skip
    key = and_(
        table.c.channel_id == run.channel_id, table.c.raw_payload_id == payload_id, table.c.raw_ref == "page"
    )
    if not tx.execute(update(table).where(key).values(tries=table.c.tries + 1, **row)).rowcount:
        fresh = {"channel_id": run.channel_id, "raw_payload_id": payload_id, "raw_ref": "page"}
        tx.execute(insert(table).values(**row, **fresh, tries=1, created_at=now))


def _put_payload(tx: Tx, payload: dict[str, Any]) -> int:
    table = raw_payloads
    query = select(table.c.id).where(
        table.c.channel_id == payload["channel_id"], table.c.sha256 == payload["sha256"]
    )
    found = tx.scalar(query)
    if found is None:
        key = tx.execute(insert(table).values(**payload)).inserted_primary_key
        found = key[0] if key else None
    assert found is not None
    return int(found)


def supersede_pages(tx: Tx, channel_id: int) -> None:
    """A good poll came: the pages that were not understood are history."""
    table = quarantine
    pages = and_(table.c.channel_id == channel_id, table.c.scope == "page", table.c.state == "open")
    tx.execute(update(table).where(pages).values(state="superseded"))


def supersede_records(tx: Tx, channel_id: int, external_ids: Sequence[str]) -> None:
    """These records came whole after all: what could not be read of them is history."""
    table = quarantine
    for part in chunks(external_ids):
        items = and_(table.c.channel_id == channel_id, table.c.state == "open", table.c.external_id.in_(part))
        tx.execute(update(table).where(items).values(state="superseded"))


def listed(tx: Tx, channel_id: int, state: str, before: int | None, limit: int) -> list[Row[Any]]:
    """Items in this state, newest first, those with an id below `before`; without their bytes."""
    table = quarantine
    query = (
        select(
            *(column for column in table.c if column.name != "held"),
            table.c.held.isnot(None).label("is_held"),
        )
        .where(table.c.channel_id == channel_id, table.c.state == state)
        .order_by(table.c.id.desc())
        .limit(limit)
    )
    from_top = before is None or not ids.possible(before)
    return list(tx.execute(query if from_top else query.where(table.c.id < before)))


def one(tx: Tx, channel_id: int, item_id: int) -> Row[Any] | None:
    """One item of this channel with its sealed bytes; None where it is missing or another channel's."""
    if not ids.possible(item_id):
        return None
    query = (
        select(quarantine, raw_payloads.c.content, raw_payloads.c.content_type, raw_payloads.c.url)
        .join(raw_payloads, raw_payloads.c.id == quarantine.c.raw_payload_id)
        .where(quarantine.c.channel_id == channel_id, quarantine.c.id == item_id)
    )
    return tx.execute(query).one_or_none()


def good_page(tx: Tx, channel_id: int, url: str, before: int) -> Any:
    """The newest page of this address that was taken in before payload `before`, sealed."""
    table = raw_payloads
    refused = select(quarantine.c.raw_payload_id).where(quarantine.c.channel_id == channel_id)
    query = (
        select(table.c.content, table.c.content_type, table.c.fetched_at)
        .where(
            table.c.channel_id == channel_id, table.c.url == url, table.c.id < before,
            table.c.id.not_in(refused),
        )
        .order_by(table.c.id.desc())
        .limit(1)
    )  # fmt: skip
    return tx.execute(query).one_or_none()


def good_record(tx: Tx, channel_id: int, external_id: str | None) -> Any:
    """The raw item last taken in, sealed: of this report, or of any of the channel."""
    query = (
        select(
            report_revisions.c.raw,
            report_revisions.c.raw_type,
            report_revisions.c.observed_at,
            reports.c.external_id,
        )
        .join(reports, reports.c.id == report_revisions.c.report_id)
        .where(reports.c.channel_id == channel_id)
        .order_by(report_revisions.c.id.desc())
        .limit(1)
    )
    if external_id is not None:
        found = tx.execute(query.where(reports.c.external_id == external_id)).one_or_none()
        if found is not None:
            return found
    return tx.execute(query).one_or_none()


def settle(
    tx: Tx, channel_id: int, item_ids: Sequence[int], state: str, officer_id: int | None, reason: str,
    now: datetime,
) -> int:  # fmt: skip
    """A person decided about these open items; how many there were."""
    table = quarantine
    done = 0
    for part in chunks(filter(ids.possible, item_ids)):
        mine = and_(table.c.channel_id == channel_id, table.c.id.in_(part), table.c.state == "open")
        values = {"state": state, "settled_at": now, "settled_by": officer_id, "reason": reason}
        done += tx.execute(update(table).where(mine).values(values)).rowcount
    return done


def open_counts(tx: Tx, channel_ids: Iterable[int]) -> dict[int, int]:
    table = quarantine
    query = (
        select(table.c.channel_id, func.count())
        .where(table.c.channel_id.in_(list(channel_ids)), table.c.state == "open")
        .group_by(table.c.channel_id)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def replayable(tx: Tx, channel_id: int, after: int, limit: int, only: int | None = None) -> list[Row[Any]]:
    """Open quarantined records (or that one) with their sealed bytes, oldest first, from id `after` on."""
    table = quarantine
    query = (
        select(
            table.c.id, table.c.raw_ref, table.c.external_id,
            raw_payloads.c.content, raw_payloads.c.content_type,
        )
        .join(raw_payloads, raw_payloads.c.id == table.c.raw_payload_id)
        .where(
            table.c.channel_id == channel_id, table.c.state == "open", table.c.scope == "record",
            table.c.id > after,
        )
        .order_by(table.c.id)
        .limit(limit)
    )  # fmt: skip
    return list(tx.execute(query if only is None else query.where(table.c.id == only)))


def mark_replayed(tx: Tx, run: Run, quarantine_ids: Sequence[int]) -> None:
    """Close the items that came through; one that intake quarantined anew in this run stays open."""
    table = quarantine
    done = and_(table.c.id.in_(list(quarantine_ids)), table.c.run_id != run.run_id)
    tx.execute(update(table).where(done).values(state="replayed"))
