"""A connector's past as batches: a span of days, or single reports by their ids.

The ids are a stream of our own: its cursor says how many of them were asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from aggregator.sdk.contract import (
    Backfills,
    BadRecord,
    Batch,
    Capabilities,
    ConfigInvalid,
    Connector,
    Context,
    Cursor,
    Fetches,
    Problem,
    RawItem,
    Record,
    Span,
)

#: Ids asked for before what came is committed.
IDS_A_BATCH = 10


@dataclass(frozen=True, slots=True)
class Ways:
    """How the past of a channel can be asked for."""

    by_date: bool = False
    by_id: bool = False
    #: Single days can be counted: what the source lists for a day is of that day.
    counts: bool = False


def ways(can: Capabilities, connector: Connector) -> Ways:
    """What is both promised by the manifest and there in the code."""
    by_date = can.backfill != "none" and isinstance(connector, Backfills)
    return Ways(by_date, can.fetch and isinstance(connector, Fetches), by_date and can.backfill == "by_date")


def batches(connector: Connector, ctx: Context, span: Span, cursor: Cursor | None) -> Iterator[Batch]:
    """The reports of `span` from `cursor` on. `ConfigInvalid` where the connector offers no such thing."""
    if span.ids:
        if not isinstance(connector, Fetches):
            raise _not_offered("reports cannot be read by their ids", "đọc từng phản ánh theo mã")
        return _by_ids(connector, ctx, span.ids, cursor)
    if not isinstance(connector, Backfills):
        raise _not_offered("the past cannot be asked for", "đọc lại theo ngày")
    return connector.backfill(ctx, span, cursor)


def count(connector: Connector, ctx: Context, span: Span) -> int:
    """How many reports the source has of `span`: as it says itself, else as its list shows."""
    listed = batches(connector, ctx, span, None)
    found = 0
    try:
        for batch in listed:
            if batch.source_count is not None:
                return batch.source_count
            found += len(batch.records) + len(batch.problems)
    finally:
        close = getattr(listed, "close", None)
        if close is not None:
            close()
    return found


def _by_ids(connector: Fetches, ctx: Context, ids: tuple[str, ...], cursor: Cursor | None) -> Iterator[Batch]:
    at = int(cursor["at"]) if cursor else 0
    while True:
        part = ids[at : at + IDS_A_BATCH]
        at += len(part)
        yield _batch_of(connector, ctx, part, at, len(ids))
        if at >= len(ids):
            return


def _batch_of(connector: Fetches, ctx: Context, part: tuple[str, ...], at: int, total: int) -> Batch:
    records: list[Record] = []
    items: list[RawItem] = []
    problems: list[Problem] = []
    gone: list[str] = []
    for external_id in part:
        try:
            found = connector.fetch(ctx, external_id)
        except BadRecord as error:
            asked = json.dumps({"id": external_id}, ensure_ascii=False).encode()
            problems.append(Problem(RawItem(asked, ref=f"id {external_id}"), error))
            continue
        if found is None:
            gone.append(external_id)
        else:
            records.append(found[0])
            items.append(found[1])
    return Batch(
        tuple(records), tuple(items), {"v": 1, "at": at}, problems=tuple(problems), source_count=total,
        complete=at >= total, gone=tuple(gone),
    )  # fmt: skip


def _not_offered(english: str, vietnamese: str) -> ConfigInvalid:
    return ConfigInvalid(
        f"the connector offers no backfill of this kind: {english}",
        message_vi=f"Bộ kết nối của kênh này không cho {vietnamese}.",
    )
