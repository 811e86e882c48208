"""District or ward web portal for officers (trang tiếp nhận của quận, phường; không có API).

Portal:    the many "… trực tuyến" applications of former districts, and their like
Owner:     each locality; districts ended on 1 July 2025, so mostly history and late answers now
Address:   one per portal; everything else about it is the channel's ``layout`` setting
Allows:    read list, pages and files; reply through the page's form; read back from the page
Interval:  10 minutes, one request a second at most

    poll:  sign in -> list, newest first -> pages of new and changed rows, oldest first
    push:  open the page -> ours there? -> its form with its token -> once -> what does the page say?

What may surprise:

* No public client of any such portal was found. The layouts shipped (``layouts/*.yaml``) are those of
  the simulated portals; a real portal is a third layout, made of settings alone.
* A change is noticed by the row in the list. A portal whose rows do not show that a report was edited
  hides the edit until its row changes.
* Pages of the list have an address each (``?trang=2``); lists paged by script are not read.
* Old rows that change without moving up are found by the sweep, a page a poll, in turn.
* Everything is judged by what must be there: a list without its structure, a page without the mark of
  a signed-in officer, a list that ends before its own count are errors, never "nothing new".

History:
    2026-11  written against two simulated portals with different layouts
"""

from __future__ import annotations

from collections.abc import Iterator

from aggregator.sdk.contract import (
    Batch,
    ChannelError,
    CheckResult,
    Connector,
    Context,
    Cursor,
    FetchedFile,
    PushCommand,
    PushResult,
    RawItem,
    Record,
    RemoteState,
)
from connectors.district_html import mapping, reading, replying
from connectors.district_html.client import Site

_STEPS = ("Thiết lập", "Đăng nhập", "Đọc danh sách", "Đọc thử một phản ánh", "Biểu mẫu trả lời")
_HINTS = {
    "auth_failed": "Kiểm tra tên đăng nhập và mật khẩu, rồi kết nối lại kênh",
    "config_invalid": "Kiểm tra địa chỉ và bố cục trang trong thiết lập",
    "transient": "Kiểm tra trang web có mở được từ máy này không, rồi thử lại",
    "schema_drift": "Trang web đã đổi giao diện: sửa bố cục trang trong thiết lập",
    "bot_challenge": "Đăng nhập bằng tay một lần, hoặc xin đơn vị chủ quản cho phép địa chỉ máy này",
    "bad_record": "Kiểm tra nhãn, trường bắt buộc và dạng ngày giờ trong bố cục trang",
}


class DistrictPortal:
    """The connector; holds nothing between calls."""

    def poll(self, ctx: Context, cursor: Cursor | None) -> Iterator[Batch]:
        """Reports new or changed since `cursor`, oldest first, in batches of twenty."""
        return reading.poll(ctx, cursor)

    def remap(self, ctx: Context, item: RawItem) -> Record:
        """The record of one kept page, without network."""
        return reading.remap(ctx, Site(ctx), item)

    def push(self, ctx: Context, command: PushCommand) -> PushResult:
        """Deliver one answer through the portal's form, unless it stands there."""
        return replying.push(ctx, command)

    def lookup(self, ctx: Context, command: PushCommand) -> RemoteState | None:
        """What the report's page shows; None where there is no such page."""
        return replying.lookup(ctx, command)

    def fetch_attachment(self, ctx: Context, ref: str) -> FetchedFile:
        """The bytes of one file of a report."""
        return Site(ctx).file(ref)

    def check(self, ctx: Context) -> list[CheckResult]:
        """Settings, sign-in, list, one mapped sample, its reply form; stops at the first that fails."""
        results: list[CheckResult] = []
        steps = self._steps(ctx)
        for name in _STEPS:
            try:
                results.append(CheckResult(name, True, next(steps)))
            except ChannelError as error:
                hint = _HINTS.get(error.code, error.hint)
                results.append(CheckResult(name, False, error.message_vi, hint))
                break
        return results

    def _steps(self, ctx: Context) -> Iterator[str]:
        site = Site(ctx)
        yield "Thiết lập đủ"
        site.sign_in()
        yield "Đăng nhập được"
        part = site.layout.list
        page = site.get(part.path.replace("{page}", str(part.first_page)))
        rows = mapping.read_list(page.tree, part).rows
        yield f"Trang đầu của danh sách có {len(rows)} phản ánh"
        if not rows:
            yield "Danh sách đang trống, chưa thử được"
            yield "Danh sách đang trống, chưa thử được"
            return
        first = next(row for row in rows if row.has_id)
        detail = site.get(mapping.path_of(site.layout.detail, first.key))
        item = RawItem(detail.response.content, detail.content_type, f"report {first.key}")
        self.remap(ctx, item)
        yield "Đọc được một phản ánh mẫu"
        reply = site.layout.reply
        closed = reply.closed and detail.tree.select_one(reply.closed)
        has_form = detail.tree.select_one(reply.form) is not None
        yield "Có biểu mẫu trả lời" if has_form else _no_form(bool(closed))


def _no_form(closed: bool) -> str:
    return "Phản ánh mẫu đã đóng, chưa thử được" if closed else "Không thấy biểu mẫu trả lời: chỉ đọc được"


CONNECTOR: Connector = DistrictPortal()
