"""Is a list of requests whole? GeoReport v2 counts nothing, so the endpoint is asked in other words.

    list of a span -> rows outside the span?          the dates are ignored: drift
                   -> more behind its last row?       cut off: drift (a limit below the one set)
                   -> more before its first row?      the same
    list over the overlap -> known ones missing?  -> by their own address: there -> drift; gone -> forgotten

What may surprise: a request that is gone by its own address too was deleted or hidden by its owner, which
they may; one that changed its status since may have left a list of open ones. Neither is a short list. The
question before the first row is asked only where a list is longer than any that was proven whole, because a
limit cuts every list at the same length; the one behind the last row at every poll.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NoReturn

from aggregator.sdk.contract import Context, SchemaDrift
from aggregator.sdk.open311.mapping import moment
from aggregator.sdk.open311.memory import Memory
from aggregator.sdk.open311.wire import Endpoint, Page, Row, kept, text_of

#: Dates without a zone are read in different ones; a filter may go by another date of the request.
_LOOSE = timedelta(days=1)
#: What came in while we asked was not left out.
_MEANWHILE = timedelta(minutes=5)
_SECOND = timedelta(seconds=1)
#: Known requests that are looked for by their own address, where more are missing.
_LOOKED_FOR = 5


def expect_whole(
    ctx: Context, endpoint: Endpoint, memory: Memory, page: Page, since: datetime, until: datetime
) -> None:
    """Return where the answer to a span holds together; else raise `SchemaDrift`."""
    times = [at for row in page.rows if (at := _made(ctx, row)) is not None]
    if not times:
        return
    strangers = [row for row in page.rows if not _within(ctx, row, since - _LOOSE, until + _LOOSE)]
    if len(strangers) * 2 > len(page.rows):
        raise SchemaDrift(
            f"{len(strangers)} of {len(page.rows)} requests are not of the span that was asked for",
            hint="The endpoint takes no notice of start_date and end_date, or gives an old answer",
            message_vi="Hệ thống nguồn trả về phản ánh ngoài khoảng thời gian đã hỏi",
            evidence=kept(page.response),
        )
    first, last = min(times) - _SECOND, max(times) + _SECOND
    if last < until:
        _expect_no_more(ctx, page, endpoint.requests(last, until))
    if len(page.rows) > memory.whole:
        if since < first:
            _expect_no_more(ctx, page, endpoint.requests(since, first))
        memory.whole = len(page.rows)


def _expect_no_more(ctx: Context, page: Page, rest: Page) -> None:
    listed = {_name(row) for row in page.rows}
    newest = ctx.now() - _MEANWHILE
    more = [row for row in rest.rows if _name(row) not in listed]
    if any((at := _made(ctx, row)) is not None and at < newest for row in more):
        count = len(page.rows)
        raise SchemaDrift(
            f"a list of {count} requests was cut off: its span has more of them",
            hint=f"Where the endpoint gives {count} requests at most, set limit to {count}",
            message_vi=f"Danh sách bị cắt ở {count} phản ánh. Nếu hệ thống nguồn chỉ trả về {count} phản ánh "
            f"một lần, hãy điền {count} vào ô “Số phản ánh nhiều nhất của một lần trả lời”",
            evidence=kept(page.response),
        )


def expect_known(
    ctx: Context, endpoint: Endpoint, memory: Memory, pages: Sequence[Page], since: datetime
) -> None:
    """Return where the list over the overlap has what it had; else raise `SchemaDrift`."""
    listed = {text_of(row, "service_request_id") for page in pages for row in page.rows}
    missing = [id_ for id_, (at, _) in memory.lately.items() if at >= since and id_ not in listed]
    for id_ in missing[-_LOOKED_FOR:]:
        alone = endpoint.one(id_)
        if any(_is_as_it_was(ctx, row, id_, *memory.lately[id_]) for row in alone.rows):
            _left_out(pages[-1], len(missing))
    for id_ in missing:
        del memory.lately[id_]


def _is_as_it_was(ctx: Context, row: Row, id_: str, at: datetime, status: str) -> bool:
    return (text_of(row, "service_request_id"), _made(ctx, row), text_of(row, "status")) == (id_, at, status)


def _left_out(page: Page, count: int) -> NoReturn:
    raise SchemaDrift(
        f"the list leaves out requests that the endpoint has ({count} known ones are missing)",
        hint="Compare the kept page with what the endpoint shows by hand",
        message_vi=f"Danh sách thiếu {count} phản ánh đã biết mà hệ thống nguồn vẫn còn",
        evidence=kept(page.response),
    )


def _made(ctx: Context, row: Row) -> datetime | None:
    return moment(text_of(row, "requested_datetime"), ctx)


def _within(ctx: Context, row: Row, since: datetime, until: datetime) -> bool:
    dates = (moment(text_of(row, name), ctx) for name in ("requested_datetime", "updated_datetime"))
    known = [at for at in dates if at is not None]
    return not known or any(since <= at <= until for at in known)


def _name(row: Row) -> str:
    return text_of(row, "service_request_id") or text_of(row, "token")
