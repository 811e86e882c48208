"""Which reports are new or changed, asked for as gently as the portal allows.

    last page of the last poll, less the overlap -> pages, oldest first -> detail of what changed -> Batch
    -> then the pages on which other watched reports stand

Principles: the list has no update time and no filter by one, so neither clock decides what is read.
The list is walked oldest first: new reports then come at the end and pages do not shift under us. A
report's line is compared with the one seen before (a short mark of its content); only a changed
line costs a detail. Reports that are open, or closed lately, are read again from time to time
wherever they stand, because a new answer does not show in the list.

Cursor: ``{v, q, size, page, ordered, known: {id: [page, line, detail, read, closed]}}``; `q` marks
the filter, times are minutes. Known reports are forgotten once they are closed, old and off the
overlapping pages, so the cursor stays small.

Known exceptions: where a portal does not keep the order (ids go up and down), every poll walks the
whole list and forgets nothing, until the order is found kept again. A page past the end repeats
the last page on some portals.

Rejected: filtering by ``tungay`` (it filters the *event's* day; a report of last week's hole sent
today would be lost), newest first (a crash during the first read loses the older part).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime
from typing import Any

from aggregator.sdk.answers import whole_number
from aggregator.sdk.contract import (
    AuthFailed,
    BadRecord,
    Batch,
    BotChallenge,
    ConfigInvalid,
    Context,
    Cursor,
    Problem,
    RateLimited,
    RawItem,
    RawPage,
    Record,
    SchemaDrift,
    SourceStatus,
    Transient,
)

from .client import Client, ListPage
from .mapping import digest, id_of, to_raw, to_record

__all__ = ["Walk"]

_VERSION = 1
#: Pages with watched reports read again in one poll, the longest unread first: the portal is not flooded.
_REFRESH_PAGES = 10
_CLOSED = frozenset((SourceStatus.RESOLVED, SourceStatus.REJECTED, SourceStatus.DUPLICATE))
_CLOSED_AGAIN_MINUTES = 24 * 60
#: One report whose detail fails is that report's trouble; so many in a row are the portal's.
_FAILURES_IN_A_ROW = 3


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of one report. `closed` is 0 while it is open."""

    page: int = 0
    line: str = ""
    detail: str = ""
    read: int = 0
    closed: int = 0


@dataclass(slots=True)
class _Found:
    """What one page gave."""

    records: list[Record]
    items: list[RawItem]
    problems: list[Problem]

    @classmethod
    def nothing(cls) -> _Found:
        return cls([], [], [])


class Walk:
    """One poll."""

    def __init__(self, ctx: Context, cursor: Cursor | None) -> None:
        self.ctx, self.client = ctx, Client(ctx)
        self.size = int(ctx.config.get("page_size", 15))
        self.overlap = int(ctx.config.get("overlap_pages", 2))
        self.now = _minutes(ctx.now())
        self.failures = 0
        self.total: int | None = None
        self.touched: set[str] = set()
        self.bare: ListPage | None = None
        self._start_from(cursor)

    def _start_from(self, cursor: Cursor | None) -> None:
        filters = digest([self.ctx.config.get(k) for k in ("base_url", "scope", "unit_id", "paths")])
        self.filters, self.page = filters, 1
        #: Whether ids have been rising in this poll, and whether they had in the one before.
        self.ordered, self.sure = True, True
        self.known: dict[str, Known] = {}
        if cursor is None or cursor.get("v") != _VERSION or cursor.get("q") != filters:
            return
        self.known = {id_: Known(*entry) for id_, entry in cursor["known"].items()}
        self.sure = bool(cursor["ordered"])
        if self.sure:
            # Pages of another size begin elsewhere.
            self.page = (int(cursor["page"]) - 1) * int(cursor["size"]) // self.size + 1

    def cursor(self) -> Cursor:
        """Where the next poll goes on; only from what was seen."""
        self._forget()
        known = {id_: list(astuple(entry)) for id_, entry in self.known.items()}
        return {
            "v": _VERSION,
            "q": self.filters,
            "size": self.size,
            "page": self.page,
            "ordered": self.ordered,
            "known": known,
        }

    def batches(self) -> Iterator[Batch]:
        """Pages first, then what is watched; the last batch is `complete` and empty."""
        yield from self._pages()
        yield from self._watched()
        self.sure = True
        # A list of nothing at all is told with the page that said so.
        yield self._batch(_Found.nothing(), None if self.touched else self.bare, complete=True)

    # -- pages -----------------------------------------------------------------------------------

    def _pages(self) -> Iterator[Batch]:
        number = began = max(1, self.page - self.overlap)
        before: list[str] = []
        while True:
            page = self.client.page(number, self.size)
            if page.pages is not None and number > max(page.pages, 1):
                number = max(1, page.pages - self.overlap)  # reports were removed: the end came nearer
                before = []
                continue
            ids = [_id_or_mark(line) for line in page.lines]
            if ids and ids == before:
                self._must_be_the_end(page, number)
                return
            if not ids:
                self.bare = page
                return
            if self._loses_order(before, ids) and began > 1:
                number, began, before = 1, 1, []
                continue
            self.page, self.total = number, page.total
            yield self._batch(self._read_lines(page, number), page)
            if page.pages is not None and number >= page.pages:
                return
            number, before = number + 1, ids

    def _must_be_the_end(self, page: ListPage, number: int) -> None:
        if page.pages is not None and number <= page.pages:
            raise SchemaDrift(
                f"page {number} repeats the page before it though the portal counts {page.pages} pages",
                evidence=page.response.evidence(page=number, pages=page.pages),
            )

    def _loses_order(self, before: Sequence[str], ids: Sequence[str]) -> bool:
        """Whether the order was just found not to be kept; from then on the whole list is walked."""
        if not self.ordered:
            return False
        keys = [_natural(id_) for id_ in (*before, *ids)]
        alike = [key for key in keys if _shape(key) == _shape(keys[0])]  # one odd id is no disorder
        self.ordered = alike == sorted(alike)
        if not self.ordered:
            self.ctx.log.warning("the portal does not list reports in order: every poll walks the whole list")
        return not self.ordered

    def _read_lines(self, page: ListPage, number: int) -> _Found:
        found = _Found.nothing()
        for position, line in enumerate(page.lines):
            ref = f"page {number} data[{position}]"
            id_ = _id_or_mark(line)
            self.touched.add(id_)
            entry = self.known.get(id_, Known())
            if id_.startswith("#"):
                if not entry.read:
                    raw = to_raw(line if isinstance(line, Mapping) else {"?": line}, None, ref)
                    found.problems.append(Problem(raw, BadRecord(f"{ref}: a report without id", field="id")))
                self.known[id_] = Known(number, id_, id_, self.now, self.now)
            elif entry.line == digest(line) and entry.detail and not self._is_due(entry):
                self.known[id_] = replace(entry, page=number)
            else:
                self._read_one(found, line, id_, replace(entry, page=number), ref)
        return found

    # -- one report ------------------------------------------------------------------------------

    def _read_one(self, found: _Found, line: Mapping[str, Any], id_: str, entry: Known, ref: str) -> None:
        fresh = replace(entry, line=digest(line))
        detail = self._detail(line, id_, ref)
        if isinstance(detail, BadRecord):
            found.problems.append(Problem(to_raw(line, None, ref), detail))
            self.known[id_] = replace(fresh, detail="", read=0)
            return
        fresh = replace(fresh, detail=digest(detail), read=self.now)
        if (fresh.line, fresh.detail) != (entry.line, entry.detail):
            raw = to_raw(line, detail, ref)
            try:
                record = to_record(self.ctx, raw)
            except BadRecord as error:
                found.problems.append(Problem(raw, error))
            else:
                found.records.append(record)
                found.items.append(raw)
                fresh = replace(fresh, closed=_closed_at(record))
        self.known[id_] = fresh

    def _detail(self, line: Mapping[str, Any], id_: str, ref: str) -> Mapping[str, Any] | BadRecord:
        """The detail; a `BadRecord` where this one report's detail fails while the portal answers."""
        try:
            detail = self.client.detail(self.client.remember(line, id_))
        except (AuthFailed, RateLimited, BotChallenge):
            raise
        except (Transient, SchemaDrift, ConfigInvalid) as error:
            if "status" not in error.evidence:  # no answer at all: the portal is away
                raise
            self.failures += 1
            if self.failures >= _FAILURES_IN_A_ROW:
                raise
            return BadRecord(f"{ref}: the detail cannot be read: {error.message}", external_id=id_)
        if detail is None:
            self.failures += 1
            if self.failures >= _FAILURES_IN_A_ROW:
                raise ConfigInvalid(
                    "the portal lists reports but has no details of them",
                    hint="Check the path 'detail' in the channel's settings",
                )
            return BadRecord(f"{ref}: the portal lists the report but has no detail", external_id=id_)
        self.failures = 0
        return detail

    # -- watched reports -------------------------------------------------------------------------

    def _is_due(self, entry: Known) -> bool:
        pause = _CLOSED_AGAIN_MINUTES if entry.closed else int(self.ctx.config["refresh_open_minutes"])
        return self.now - entry.read >= pause

    def _watched(self) -> Iterator[Batch]:
        """Read again the pages on which watched reports stand that this poll has not passed."""
        for number in self._pages_due():
            page = self.client.page(number, self.size)
            found = self._read_lines(page, number)
            for id_ in [i for i, e in self.known.items() if e.page == number and i not in self.touched]:
                self._moved_down(id_, number)
            yield self._batch(found, page)

    def _pages_due(self) -> list[int]:
        due: dict[int, int] = {}
        for id_, entry in self.known.items():
            if id_ not in self.touched and not id_.startswith("#") and self._is_due(entry):
                due[entry.page] = min(entry.read, due.get(entry.page, entry.read))
        return sorted(due, key=lambda number: due[number])[:_REFRESH_PAGES]

    def _moved_down(self, id_: str, number: int) -> None:
        """A watched report is off its page: look one page lower next time, for older ones were removed."""
        if number > 1:
            self.known[id_] = replace(self.known[id_], page=number - 1)
        else:
            del self.known[id_]
            self.ctx.log.info("a watched report is no longer at the portal")

    def _forget(self) -> None:
        if not (self.ordered and self.sure):
            return
        window = self.page - self.overlap
        oldest = self.now - int(self.ctx.config["watch_closed_days"]) * 24 * 60
        self.known = {
            id_: entry
            for id_, entry in self.known.items()
            if entry.page >= window or not entry.closed or entry.closed >= oldest
        }

    def _batch(self, found: _Found, page: ListPage | None, *, complete: bool = False) -> Batch:
        pages: tuple[RawPage, ...] = ()
        if page is not None and (found.records or found.problems or not page.lines):
            response = page.response
            pages = (RawPage(response.content, response.content_type, response.url),)
        return Batch(
            records=tuple(found.records),
            items=tuple(found.items),
            next_cursor=self.cursor(),
            pages=pages,
            problems=tuple(found.problems),
            source_count=self.total,
            complete=complete,
            listed=0 if page is None else len(page.lines),
        )


def _id_or_mark(line: Any) -> str:
    """The report's id, or ``#`` and a mark of its content where it has none."""
    id_ = id_of(line) if isinstance(line, Mapping) else None
    return id_ or f"#{digest(line)}"


def _natural(id_: str) -> list[tuple[int, str]]:
    """A key under which 9 comes before 10, and PA-9 before PA-10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", id_)
    return [(-1, part) if (number := whole_number(part)) is None else (number, "") for part in parts]


def _shape(key: list[tuple[int, str]]) -> tuple[bool, ...]:
    return tuple(number >= 0 for number, _text in key)


def _minutes(at: datetime) -> int:
    return int(at.timestamp()) // 60


def _closed_at(record: Record) -> int:
    return _minutes(record.updated_at or record.occurred_at) if record.status in _CLOSED else 0
