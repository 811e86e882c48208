"""The pages of one list, one after the other, to its end and never round in circles.

Promise: a generator that holds one page. It ends at an empty page, at a page or a page's mark that was
there before, where the source says so (`stop`), and otherwise never by itself: more pages than
`max_pages` are an error, because a list cut off in silence loses reports.

What may surprise: where the source counts (`stop`), the list must keep its word: a page with fewer records
than are left, or an end before the count, is drift and not "nothing new". A page past the end is the last
page once more at some portals (uReport), so without a count a repeated page is the end.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.sdk.contract import BadRecord, ConfigInvalid
from aggregator.sdk.expressions import Env, Expression
from aggregator.sdk.json_portal.client import Answer, Client, drift
from aggregator.sdk.json_portal.definition import Stream
from aggregator.sdk.values import short

__all__ = ["Page", "Pager"]

_NEXT_LINK = re.compile(r"<([^<>]{1,2000})>\s*;(?:[^,]*;)?\s*rel\s*=\s*\"?next\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `at` is where a poll that stops behind it goes on: that place, or this page again."""

    number: int
    lines: list[Any]
    answer: Answer
    total: int | None
    at: Any
    last: bool


class Pager:
    """One walk through one list. `values` fill the request's places besides the page."""

    def __init__(self, stream: Stream, client: Client, values: Mapping[str, Any]) -> None:
        self._stream, self._paging, self._client = stream, stream.paging, client
        self._values = dict(values)
        self._size = _size(self._paging.size.text(client.scope({})))
        self._seen: set[bytes] = set()
        self._marks: set[str] = set()
        #: Records listed so far, those of the walk that this one continues included.
        self.counted = 0
        self._sure = True

    def pages(self, at: Any = None, counted: int = 0) -> Iterator[Page]:
        """The pages from `at`, as a `Page` of an earlier walk named it, behind `counted` records."""
        where, number = self._beginning(at), 0
        self.counted = counted if at is not None else 0
        self._sure = at is None or self._paging.type != "page"
        while True:
            number += 1
            if number > self._paging.max_pages:
                raise ConfigInvalid(
                    f"the list {self._stream.name} has more than {self._paging.max_pages} pages",
                    hint="raise pagination.max_pages, or ask for less by an incremental section",
                    message_vi="Danh sách của cổng dài hơn số trang tối đa đã khai báo",
                )
            answer = self._ask(where)
            page = self._page(answer, where, number)
            if page is None:
                return
            self.counted += len(page.lines)
            yield page
            if page.last:
                return
            where = page.at

    # -- asking ----------------------------------------------------------------------------------

    def _beginning(self, at: Any) -> Any:
        first = self._paging.first
        if self._paging.type in ("page", "offset"):
            step = 1 if self._paging.type == "page" else self._size
            # One page back: records that were taken off the list meanwhile moved the others up.
            return max(first, at - step) if isinstance(at, int) else first
        return at if isinstance(at, str) else None

    def _ask(self, where: Any) -> Answer:
        paging, stream = self._paging, self._stream
        if paging.type in ("next", "link_header") and where is not None:
            return self._client.follow(where, stream.request, self._values, stream.errors)
        params = dict(self._values.get("params") or {})
        if paging.size_param:
            params[paging.size_param] = self._size
        if paging.param and where is not None:
            params[paging.param] = where
        place = {"page": "page", "offset": "offset", "cursor": "next"}.get(paging.type)
        values = {**self._values, "params": params, "size": self._size or None}
        if place:
            values[place] = where
        return self._client.read(stream.request, values, stream.errors)

    # -- judging ---------------------------------------------------------------------------------

    def _page(self, answer: Answer, where: Any, number: int) -> Page | None:
        """The page; None where the list ended before it."""
        if answer.nothing:
            return Page(number, [], answer, None, None, True) if number == 1 else None
        lines = self._lines(answer)
        total = self._count(self._paging.total, answer, "total")
        pages = self._count(self._paging.pages, answer, "pages")
        if not lines:
            self._must_have_ended(answer, where, total, pages)
            return Page(number, [], answer, total, None, True) if number == 1 else None
        if self._repeats(lines):
            self._must_have_ended(answer, where, total, pages)
            return None
        following = self._following(answer, where)
        ends = following is None or self._says_so(answer, where, len(lines), pages)
        self._must_be_whole(answer, where, len(lines), total, ends=ends)
        # A total that is smaller than what was listed is no total: the list goes on to its own end.
        last = ends or (total is not None and self._done(where, len(lines)) == total)
        return Page(number, lines, answer, total, following, last)

    def _lines(self, answer: Answer) -> list[Any]:
        try:
            lines = self._stream.records(answer.data, self._client.env)
        except BadRecord as error:
            raise drift(f"the list cannot be found: {error.message}", answer.response) from error
        if isinstance(lines, list):
            return lines
        keys = sorted(map(str, answer.data))[:20] if isinstance(answer.data, dict) else []
        raise drift(f"the answer of {self._stream.name} holds no list of records", answer.response, keys=keys)

    def _count(self, expression: Any, answer: Answer, what: str) -> int | None:
        if expression is None:
            return None
        try:
            value = expression(answer.data, self._client.env)
        except BadRecord:
            value = None
        text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if not (text.isascii() and text.isdigit() and len(text) < 13):
            raise drift(f"the answer's count of {what} is {short(value)}, no number", answer.response)
        return int(text)

    def _done(self, where: Any, count: int) -> int | None:
        """Records up to and with `count` of this page, by the source's own numbering; None where unknown."""
        paging = self._paging
        if paging.type == "page" and self._size:
            return int((where - paging.first) * self._size + count)
        if paging.type == "offset":
            return int(where - paging.first + count)
        return self.counted + count if self._sure else None

    def _must_have_ended(self, answer: Answer, where: Any, total: int | None, pages: int | None) -> None:
        """A page that is empty, or was there before, is the end; not so where the source counts more."""
        done = self._done(where, 0)
        more = total is not None and done is not None and done < total
        if self._paging.type == "page" and pages is not None and not more:
            place = where - self._paging.first
            more = place < pages and (place > 0 or pages > 1)
        if more:
            raise drift(
                f"the list {self._stream.name} ends, or repeats itself, though the source counts more",
                answer.response,
                total=total or 0,
                pages=pages or 0,
            )

    def _must_be_whole(
        self, answer: Answer, where: Any, count: int, total: int | None, *, ends: bool
    ) -> None:
        """No page holds fewer records than are left, and no list ends before its total."""
        done = self._done(where, count)
        if total is None or done is None or done >= total:
            return
        numbered = self._paging.type in ("page", "offset") and self._size
        if ends or (numbered and count < self._size):
            raise drift(
                f"a page of {self._stream.name} holds {count} records; the source counts {total - done} more",
                answer.response,
                total=total,
                listed=count,
            )

    def _repeats(self, lines: list[Any]) -> bool:
        # By their ids: counters of views change between two calls for the same page.
        ids = [self._stream.map.id_of(line, self._client.env) or str(line)[:500] for line in lines]
        mark = hashlib.blake2b(repr(ids).encode("utf-8", "replace"), digest_size=12).digest()
        if mark in self._seen:
            return True
        self._seen.add(mark)
        return False

    def _following(self, answer: Answer, where: Any) -> Any:
        """What to ask for next; None at the end."""
        kind = self._paging.type
        if kind == "page":
            return where + 1
        if kind == "offset":
            return where + self._size
        if kind == "link_header":
            match = _NEXT_LINK.search(answer.response.headers.get("Link", "")[:8_000])
            mark: Any = match[1] if match else None
        elif kind in ("cursor", "next") and self._paging.next is not None:
            try:
                mark = self._paging.next(answer.data, self._client.env)
            except BadRecord as error:
                raise drift(
                    f"how the list goes on cannot be read: {error.message}", answer.response
                ) from error
        else:
            return None
        if mark is None or mark == "" or mark is False:
            return None
        if isinstance(mark, bool) or not isinstance(mark, str | int):
            raise drift("how the list goes on is no text", answer.response)
        # A mark that was there before leads round in a circle; it is the end, as the page itself is.
        if str(mark) in self._marks:
            return None
        self._marks.add(str(mark))
        return str(mark)

    def _says_so(self, answer: Answer, where: Any, count: int, pages: int | None) -> bool:
        """Whether the answer calls this page the last."""
        paging = self._paging
        if paging.when is not None and _true(paging.when, answer, self._client.env):
            return True
        if paging.short_page and count < self._size:
            return True
        return paging.type == "page" and pages is not None and where - paging.first + 1 == pages


def _true(expression: Expression, answer: Answer, env: Env) -> bool:
    try:
        return expression(answer.data, env) in (True, "true", 1, "1")
    except BadRecord as error:
        raise drift(
            f"whether this is the last page cannot be read: {error.message}", answer.response
        ) from error


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise ConfigInvalid(
            "the number of records on a page is no number", hint="Check the channel's settings"
        )
    return int(text)
