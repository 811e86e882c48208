"""Days of the past, asked for by the list's own filter, and single reports by their ids.

What may surprise: ``tungay`` and ``denngay`` filter the day of the event, which is also when we say that
a report arose; so a day here is the same day there. A portal that takes no notice of the filter would
give its whole list for every day: the first report from outside the span ends it as an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from aggregator.sdk.contract import (
    BadRecord,
    Batch,
    ConfigInvalid,
    Context,
    Cursor,
    Problem,
    RawItem,
    RawPage,
    Record,
    Span,
)

from .client import Client, ListPage
from .mapping import id_of, to_raw, to_record

__all__ = ["Past", "one"]

_VERSION = 1


class Past:
    """One part of a backfill."""

    def __init__(self, ctx: Context, span: Span, cursor: Cursor | None) -> None:
        if span.since is None or span.until is None:
            raise ConfigInvalid("the portal is asked for days, from one to another")
        self.ctx, self.client = ctx, Client(ctx)
        self.since, self.until = span.since, span.until
        self.size = int(ctx.config.get("page_size", 15))
        known = cursor is not None and cursor.get("v") == _VERSION and cursor.get("size") == self.size
        self.page = int(cursor["page"]) if cursor is not None and known else 1

    def batches(self) -> Iterator[Batch]:
        """A page a batch. It goes on with the last page read: reports before it may have been removed."""
        number, before = self.page, list[Any]()
        while True:
            page = self.client.page(number, self.size, days=self._days())
            ids = [id_of(line) if isinstance(line, Mapping) else None for line in page.lines]
            repeated = bool(ids) and ids == before  # a page past the end repeats the last one
            last = repeated or len(ids) < self.size if page.pages is None else number >= page.pages
            yield self._batch(page, [] if repeated else page.lines, number, complete=last)
            if last:
                return
            number, before = number + 1, ids

    def _days(self) -> tuple[str, str]:
        first = self.since.astimezone(self.ctx.zone)
        last = (self.until - timedelta(microseconds=1)).astimezone(self.ctx.zone)
        return f"{first:%d/%m/%Y}", f"{last:%d/%m/%Y}"

    def _batch(self, page: ListPage, lines: list[Any], number: int, *, complete: bool) -> Batch:
        records: list[Record] = []
        items: list[RawItem] = []
        problems: list[Problem] = []
        for position, line in enumerate(lines):
            ref = f"page {number} data[{position}]"
            raw = to_raw(line if isinstance(line, Mapping) else {"?": line}, None, ref)
            try:
                raw, record = self._read(line, ref, raw)
            except BadRecord as error:
                problems.append(Problem(raw, error))
                continue
            self._must_be_inside(record.occurred_at)
            records.append(record)
            items.append(raw)
        response = page.response
        return Batch(
            tuple(records), tuple(items), {"v": _VERSION, "size": self.size, "page": number},
            pages=(RawPage(response.content, response.content_type, response.url),),
            problems=tuple(problems), source_count=page.total, complete=complete, listed=len(page.lines),
        )  # fmt: skip

    def _read(self, line: Any, ref: str, raw: RawItem) -> tuple[RawItem, Record]:
        id_ = id_of(line) if isinstance(line, Mapping) else None
        if id_ is None:
            raise BadRecord(f"{ref}: a report without id", field="id")
        detail = self.client.detail(self.client.remember(line, id_))
        if detail is None:
            raise BadRecord(f"{ref}: the portal lists the report but has no detail", external_id=id_)
        raw = to_raw(line, detail, ref)
        return raw, to_record(self.ctx, raw)

    def _must_be_inside(self, at: datetime) -> None:
        if not self.since <= at < self.until:
            raise ConfigInvalid(
                "the portal takes no notice of tungay and denngay: it lists reports of other days",
                hint="this portal can only be read from its beginning on",
                message_vi="Cổng không lọc theo ngày (tungay, denngay) nên không đọc bù theo ngày được",
            )


def one(ctx: Context, external_id: str) -> tuple[Record, RawItem] | None:
    """The report as the portal has it now; None where it is not there, or not in the officer's list."""
    client = Client(ctx)
    asked = client.processing_id(external_id)
    detail = client.detail(asked) if asked is not None else None
    if detail is None:
        return None
    raw = to_raw({"id": external_id}, detail, f"id {external_id}")
    return to_record(ctx, raw), raw
