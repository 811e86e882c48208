"""Spans of time small enough for an endpoint that gives a thousand rows and no second page.

    [since, until] -> at the limit? -> both halves, oldest first -> at a minute? -> kind by kind -> drift

GeoReport v2 has no paging: "more than 1,000 results" are cut off without a word. So an answer as long as
the limit is never believed: its span is asked for again in halves. What may surprise: where even one
minute of one kind of problem fills the limit, the poll fails aloud; going on would lose the rest silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from aggregator.sdk.contract import SchemaDrift
from aggregator.sdk.open311.wire import Page, kept

#: Asks for a span, and for one kind of problem in it where one is named.
Ask = Callable[[datetime, datetime, str], Page]
#: Looks at the answer to a span.
Judge = Callable[[Page, datetime, datetime], None]
SMALLEST = timedelta(minutes=1)


def walk(
    ask: Ask,
    since: datetime,
    until: datetime,
    *,
    limit: int,
    widest: timedelta,
    kinds: Callable[[], Sequence[str]],
    whole: Judge = lambda _page, _since, _until: None,
) -> Iterator[Page]:
    """The pages that cover the span without gap, oldest first; no page is cut off by the limit.

    `whole` may refuse the answer to a span by raising.
    """
    start = since
    while start < until:
        end = min(start + widest, until)
        yield from _narrowed(ask, start, end, limit, kinds, whole)
        start = end


def _narrowed(
    ask: Ask,
    since: datetime,
    until: datetime,
    limit: int,
    kinds: Callable[[], Sequence[str]],
    whole: Judge,
) -> Iterator[Page]:
    page = ask(since, until, "")
    if len(page.rows) < limit:
        whole(page, since, until)
        yield page
    elif until - since > SMALLEST:
        middle = since + (until - since) / 2
        yield from _narrowed(ask, since, middle, limit, kinds, whole)
        yield from _narrowed(ask, middle, until, limit, kinds, whole)
    else:
        for kind in kinds():
            part = ask(since, until, kind)
            if len(part.rows) >= limit:
                raise SchemaDrift(
                    f"{limit} requests or more of one kind in one minute: the rest would be lost",
                    hint="Ask the endpoint's owner for its real limit and set limit",
                    evidence=kept(part.response),
                )
            yield part
