"""The past of a portal: reports of a time span by walking the list down, or some by their ids.

    page after page, newest first -> open each report -> those of the span -> a batch a page

What may surprise: the list tells no dates that could be trusted, so each report of a page is opened to
see whether it belongs; and the walk ends only after pages in a row that are older than the span, because
an old report that was edited stands among the new ones. The list moves while it is read: what slides to
the next page is met twice and stored once, and an interrupted walk reads its last page again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aggregator.sdk.contract import Batch, Context, Cursor, Record, Span
from aggregator.sdk.html_portal.listing import Limits, must_say_empty, not_cut_short
from aggregator.sdk.html_portal.mapping import ListPage, Row
from aggregator.sdk.html_portal.paging import Pager
from aggregator.sdk.html_portal.reading import BATCH, Remap, batch_of, look, not_all_wrong
from aggregator.sdk.html_portal.site import Site

__all__ = ["backfill"]


def backfill(ctx: Context, site: Site, span: Span, cursor: Cursor | None, remap: Remap) -> Iterator[Batch]:
    """The reports of `span`, a batch at a time; the last one is complete."""
    if span.ids:
        return _by_ids(site, span.ids, cursor, remap)
    return _by_pages(site, span, cursor, remap, Limits.of(ctx.config))


def _by_ids(site: Site, ids: Sequence[str], cursor: Cursor | None, remap: Remap) -> Iterator[Batch]:
    done = int((cursor or {}).get("done", 0))
    while True:
        looks = [look(site, Row(one, "", ""), remap) for one in ids[done : done + BATCH]]
        done += len(looks)
        complete = done >= len(ids)
        yield batch_of(looks, {"v": 1, "done": done}, complete=complete)
        if complete:
            return


@dataclass(slots=True)
class _Descent:
    """How far down the list has been read."""

    page_size: int = 0
    total: int | None = None
    keys: tuple[str, ...] = ()
    #: Pages in a row that hold nothing as young as the span.
    older: int = 0

    def ends_at(self, page: ListPage, number: int) -> bool:
        """Take the page in; whether it is past the end. Raises `SchemaDrift` where it ends too early."""
        keys = tuple(row.key for row in page.rows)
        ended, self.keys = not keys or keys == self.keys, keys
        self.page_size = max(self.page_size, len(keys))
        self.total = page.total if page.total is not None else self.total
        if ended and self.page_size:
            not_cut_short(self.total, self.page_size * number, number)
        return ended


def _by_pages(site: Site, span: Span, cursor: Cursor | None, remap: Remap, limits: Limits) -> Iterator[Batch]:
    kept = cursor or {}
    number, pager, descent = int(kept.get("page", 0)), Pager(site, kept.get("link")), _Descent()
    while True:
        with site.keeping():
            page = pager(number)
            if number == 0 and not page.rows:
                must_say_empty(page, {}, limits)
            ended = descent.ends_at(page, number)
        looks = [] if ended else [look(site, row, remap) for row in page.rows]
        not_all_wrong(looks)
        read = [one.record for one in looks if one.record is not None]
        descent.older = descent.older + 1 if read and all(_older(one, span) for one in read) else 0
        ended = ended or descent.older > limits.overlap_pages
        link = pager.keep(number)
        asked = [one for one in looks if one.record is None or _inside(one.record, span)]
        yield batch_of(
            asked,
            {"v": 1, "page": number, **({"link": link} if link else {})},
            listed=len(looks),
            complete=ended,
        )
        if ended:
            return
        number += 1


def _older(record: Record, span: Span) -> bool:
    changed = max(record.occurred_at, record.updated_at or record.occurred_at)
    return span.since is not None and changed < span.since


def _inside(record: Record, span: Span) -> bool:
    early = span.since is not None and record.occurred_at < span.since
    late = span.until is not None and record.occurred_at >= span.until
    return not (early or late)
