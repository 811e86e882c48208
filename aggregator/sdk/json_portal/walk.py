"""One poll: every stream's pages, what they hold, and where the next poll goes on.

    cursor -> window -> pages (pager) -> line, and its detail where it changed -> record | problem -> Batch

Principles: each page is a batch with its own cursor, so that a poll that dies goes on at that page, in the
same window; only when the end of the list is reached does the window move. Where the list is known to be in
the order of the window's field, it moves page by page. What was read before comes again with the overlap and
is recognised when it is stored; the one thing remembered here is which details need no second call.

Cursor: ``{v, q, streams: {name: {since, swept, walk, known}}}``. While a walk has not reached its end it has
``walk: {at, since, top, sweep, count}``; where there are details, ``known: {id: [mark, minute]}``. `q` marks
what was asked and where: other settings begin anew, and what is known is recognised.

Known exceptions: a list that goes on by marks of its own (``next``) whose address holds our key is not
continued but begun again. One detail that fails is that report's trouble; three in a row are the
source's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from aggregator.sdk.contract import (
    AuthFailed,
    BadRecord,
    Batch,
    BotChallenge,
    ConfigInvalid,
    Context,
    Cursor,
    Permanent,
    Problem,
    RateLimited,
    RawItem,
    RawPage,
    Record,
    SchemaDrift,
    Span,
    Transient,
)
from aggregator.sdk.identity import require_ids
from aggregator.sdk.json_portal.client import Answer, Client, drift
from aggregator.sdk.json_portal.definition import Detail, Source, Stream
from aggregator.sdk.json_portal.items import encoded, merged, raw_item, shape_of
from aggregator.sdk.json_portal.pager import Page, Pager
from aggregator.sdk.json_portal.window import Mark, Window, packed, shown, unpacked
from aggregator.sdk.record_map import Reading

__all__ = ["Portal", "Walk"]

_VERSION = 1
#: Records of one batch: a source that sends everything on one page does not fill the memory.
_BATCH = 500
_FAILURES_IN_A_ROW = 3
#: So many unreadable records on one page, being half of it or more, are a changed source.
_BAD_AT_LEAST = 3


class Portal(Protocol):
    """What a walk needs of the connector that it walks for: its definition, and its way to map."""

    source: Source

    def mapped(self, stream: Stream, data: Any, ref: str, reading: Reading) -> Record:
        """The record of one line. Raises `BadRecord`."""
        ...


@dataclass(slots=True)
class _Found:
    """What one page gave."""

    records: list[Record] = field(default_factory=list)
    items: list[RawItem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    #: Id -> the bytes that it came with.
    seen: dict[str, bytes] = field(default_factory=dict)


class Walk:
    """One poll, or one backfill where a `span` is given."""

    def __init__(self, portal: Portal, ctx: Context, cursor: Cursor | None, span: Span | None = None) -> None:
        source = portal.source
        self.portal, self.source, self.ctx, self.span = portal, source, ctx, span
        self.client, self.reading = Client(source, ctx), Reading.of(ctx, source.tables)
        self.now = ctx.now()
        self.minute = int(self.now.timestamp()) // 60
        self.failures = 0
        self.totals: dict[str, int | None] = {}
        asked = [self.client.base, dict(ctx.config), _span_mark(span), [s.mark for s in source.streams]]
        self.mark = hashlib.sha256(encoded(asked).encode()).hexdigest()[:16]
        same = cursor is not None and cursor.get("v") == _VERSION and cursor.get("q") == self.mark
        self.state: dict[str, dict[str, Any]] = (
            {name: dict(kept) for name, kept in cursor["streams"].items()} if cursor and same else {}
        )
        #: The cursor of the page before, for the first batches of a long page.
        self._before = self.cursor()

    def cursor(self) -> Cursor:
        """Where the next poll goes on."""
        return {
            "v": _VERSION,
            "q": self.mark,
            "streams": {name: dict(kept) for name, kept in self.state.items()},
        }

    def batches(self) -> Iterator[Batch]:
        """Every stream in turn; the last batch is `complete` and empty."""
        for stream in self.source.streams:
            if self.state.get(stream.name, {}).get("done") and self.span is not None:
                continue
            yield from self._stream(stream)
        yield Batch((), (), self.cursor(), source_count=self._count(), complete=True)

    def first_of(self, stream: Stream) -> list[Batch]:
        """The first page of a stream, for a look at it."""
        self.state.setdefault(stream.name, {})
        window = self._window(stream, None)
        for page in Pager(stream, self.client, self._asked(stream, window, sweep=False)).pages():
            return list(self._batches(self._read(stream, replace(page, lines=page.lines[:1]), window), page))
        return []

    def _count(self) -> int | None:
        known = [total for total in self.totals.values() if total is not None]
        return sum(known) if len(known) == len(self.source.streams) else None

    # -- one stream ------------------------------------------------------------------------------

    def _stream(self, stream: Stream) -> Iterator[Batch]:
        kept = self.state.setdefault(stream.name, {})
        walk = kept.get("walk") or {}
        window = self._window(stream, unpacked(walk["since"]) if walk else unpacked(kept.get("since")))
        sweep = bool(walk["sweep"]) if walk else self._sweeps(stream, kept)
        if walk and window is not None:
            window.top = unpacked(walk["top"])
        pager = Pager(stream, self.client, self._asked(stream, window, sweep=sweep))
        for page in pager.pages(walk.get("at"), int(walk.get("count", 0))):
            if page.number == 1:
                self.totals[stream.name] = page.total
            if window is not None:
                window.saw_page(page.answer, first=page.number == 1 and not walk)
            try:
                found = self._read(stream, page, window)
            except RecursionError as error:  # what could just be read cannot always be written again
                raise drift("the answer is nested too deeply", page.answer.response) from error
            self._note(stream, kept, page, window, sweep=sweep, count=pager.counted)
            yield from self._batches(found, page)
        self._ended(kept, window, sweep=sweep)

    def _window(self, stream: Stream, since: Mark | None) -> Window | None:
        if stream.incremental is None:
            return None
        if self.span is not None:
            since = self.span.since
        return Window(stream.incremental, since, self.now, self.reading.env)

    def _sweeps(self, stream: Stream, kept: Mapping[str, Any]) -> bool:
        """Whether the long look back is due. Our clock says only how often, never what is left out."""
        given = stream.incremental
        if given is None or given.sweep_every is None:
            return False
        return self.minute - int(kept.get("swept", 0)) >= given.sweep_every / timedelta(minutes=1)

    def _asked(self, stream: Stream, window: Window | None, *, sweep: bool) -> dict[str, Any]:
        """The values of the window's places, and its parameters."""
        given = stream.incremental
        if given is None or window is None:
            return {"params": {}}
        since = window.since if self.span is not None else window.asked(sweep=sweep)
        until = self.span.until if self.span is not None and self.span.until else self.now + timedelta(days=1)
        env = self.reading.env
        cursor, end = shown(since, given.format, env), shown(until, given.format, env)
        params = {given.param: cursor} if given.param and cursor is not None else {}
        if given.until and given.format != "number":
            params[given.until] = end
        return {"cursor": cursor, "until": end, "params": params}

    def _note(
        self,
        stream: Stream,
        kept: dict[str, Any],
        page: Page,
        window: Window | None,
        *,
        sweep: bool,
        count: int,
    ) -> None:
        """Where a poll that stops behind this page goes on."""
        given = stream.incremental
        in_order = given is not None and given.ascending and given.source == "record"
        if window is not None and in_order and not sweep and self.span is None:
            kept["since"] = packed(window.top)
        at = page.at if self._may_keep(stream, page.at) else None
        kept["walk"] = {
            "at": at,
            "since": packed(window.since) if window else None,
            "top": packed(window.top) if window else None,
            "sweep": sweep,
            "count": count,
        }

    def _may_keep(self, stream: Stream, at: Any) -> bool:
        if stream.paging.type not in ("next", "link_header") or at is None:
            return True
        hidden = [secret for secret in self.ctx.secrets.values() if secret]
        hidden.append(str(self.ctx.state.get("token") or "\x00"))
        return not any(secret in str(at) for secret in hidden)

    def _ended(self, kept: dict[str, Any], window: Window | None, *, sweep: bool) -> None:
        kept.pop("walk", None)
        if self.span is not None:
            kept["done"] = True
        elif window is not None:
            kept["since"] = packed(window.top)
            if sweep or "swept" not in kept:
                kept["swept"] = self.minute

    # -- one page --------------------------------------------------------------------------------

    def _read(self, stream: Stream, page: Page, window: Window | None) -> _Found:
        found = _Found()
        known = dict(self.state[stream.name].get("known", {})) if stream.detail is not None else {}
        for position, line in enumerate(page.lines):
            ref = f"{stream.name} page {page.number} [{position}]"
            if stream.detail is not None:
                self._read_with_detail(stream, stream.detail, line, ref, found, window, known)
            else:
                self._take(stream, line, None, raw_item(stream, line, None, ref), found, window)
        if stream.detail is not None:
            self.state[stream.name]["known"] = dict(list(known.items())[-stream.detail.remember :])
        _not_all_wrong(found.problems, len(page.lines), page.answer)
        return found

    def _take(
        self,
        stream: Stream,
        line: Any,
        detail: Any,
        item: RawItem,
        found: _Found,
        window: Window | None,
    ) -> bool:
        data = line if detail is None else merged(line, detail)
        try:
            record = self.portal.mapped(stream, data, item.ref, self.reading)
            if found.seen.setdefault(record.external_id, item.content) != item.content:
                raise BadRecord(
                    "external_id: stands twice on this page, with other words",
                    field="external_id",
                    external_id=record.external_id,
                )
        except BadRecord as error:
            found.problems.append(Problem(item, error))
            return False
        if window is not None:
            window.saw_record(data, record)
        if self.span is None or _inside(self.span, record):
            found.records.append(record)
            found.items.append(item)
        return True

    # -- details ---------------------------------------------------------------------------------

    def _read_with_detail(
        self,
        stream: Stream,
        given: Detail,
        line: Any,
        ref: str,
        found: _Found,
        window: Window | None,
        known: dict[str, Any],
    ) -> None:
        id_ = stream.map.id_of(line, self.reading.env)
        mark = hashlib.sha256(encoded(line).encode()).hexdigest()[:16]
        if id_ is not None and self._is_fresh(given, known.get(id_), mark):
            return
        detail = self._detail(stream, given, line, ref, id_)
        if isinstance(detail, BadRecord):
            found.problems.append(Problem(raw_item(stream, line, None, ref), detail))
            return
        good = self._take(stream, line, detail, raw_item(stream, line, detail, ref), found, window)
        if good and id_ is not None:
            known.pop(id_, None)  # newest last, so that the oldest falls off
            known[id_] = [mark, self.minute]

    def _is_fresh(self, given: Detail, kept: Any, mark: str) -> bool:
        """Whether the line is as it was and its detail was read lately; a backfill reads everything."""
        if self.span is not None or not kept or kept[0] != mark:
            return False
        return given.refresh is None or self.minute - int(kept[1]) < given.refresh / timedelta(minutes=1)

    def _detail(self, stream: Stream, given: Detail, line: Any, ref: str, id_: str | None) -> Any:
        """The detail; a `BadRecord` where this one report's detail fails while the source answers."""
        try:
            found = self._ask_detail(stream, given, line, id_)
        except BadRecord as error:
            return error
        except (AuthFailed, RateLimited, BotChallenge):
            raise
        except (Transient, SchemaDrift, ConfigInvalid, Permanent) as error:
            if "status" not in error.evidence and isinstance(error, Transient):  # no answer: it is away
                raise
            self.failures += 1
            if self.failures >= _FAILURES_IN_A_ROW:
                raise
            return BadRecord(f"{ref}: the detail cannot be read: {error.message}", external_id=id_)
        if isinstance(found, Mapping) and found:
            self.failures = 0
            return found
        self.failures += 1
        if self.failures >= _FAILURES_IN_A_ROW:
            raise ConfigInvalid(
                "the source lists reports but has no details of them",
                hint="Check the detail section of the manifest",
                message_vi="Cổng có danh sách nhưng không trả về chi tiết phản ánh",
            )
        return BadRecord(f"{ref}: the source lists the report but has no detail", external_id=id_)

    def _ask_detail(self, stream: Stream, given: Detail, line: Any, id_: str | None) -> Any:
        env = self.reading.env
        if given.follow is not None:
            address = given.follow(line, env)
            if not isinstance(address, str) or not address.strip():
                raise BadRecord(
                    "the list gives no address of the detail", field="detail.follow", external_id=id_
                )
            answer = self.client.follow(address.strip(), stream.request, {}, stream.errors)
        else:
            assert given.request is not None
            asked = given.id(line, env) if given.id is not None else id_
            if isinstance(asked, bool) or not isinstance(asked, str | int):
                raise BadRecord("a report without the id of its detail", field="detail.id", external_id=id_)
            answer = self.client.read(given.request, {"id": asked}, stream.errors)
        return None if answer.nothing else given.record(answer.data, env)

    # -- batches ---------------------------------------------------------------------------------

    def _batches(self, found: _Found, page: Page) -> Iterator[Batch]:
        """The page as batches of a bounded size; its cursor goes with the last of them."""
        require_ids(found.records)
        response, cursor = page.answer.response, self.cursor()
        pages = (RawPage(response.content, response.content_type or "application/json", response.url),)
        shape = shape_of(page.answer.data, page.lines)
        before = self._before
        for start in range(0, max(len(found.records), 1), _BATCH):
            end = start + _BATCH
            last = end >= len(found.records)
            yield Batch(
                records=tuple(found.records[start:end]),
                items=tuple(found.items[start:end]),
                next_cursor=cursor if last else before,
                pages=pages if last and (found.records or found.problems) else (),
                problems=tuple(found.problems) if last else (),
                source_count=page.total,
                listed=len(page.lines) if last else 0,
                shape=shape,
            )
        self._before = cursor


def _not_all_wrong(problems: Sequence[Problem], listed: int, answer: Answer) -> None:
    """One bad record is quarantined; half a page of them is a changed source."""
    if len(problems) >= _BAD_AT_LEAST and 2 * len(problems) >= listed:
        first = problems[0].error
        raise drift(
            f"{len(problems)} of {listed} records cannot be read: {first.message}",
            answer.response,
            field=first.field,
            unreadable=len(problems),
        )


def _inside(span: Span, record: Record) -> bool:
    at: datetime = record.updated_at or record.occurred_at
    times = (record.occurred_at, at)
    late = span.until is not None and min(times) >= span.until
    early = span.since is not None and max(times) < span.since
    return not (late or early)


def _span_mark(span: Span | None) -> list[Any]:
    return [] if span is None else [str(span.since), str(span.until), list(span.ids)]
