"""A portal of web pages, told by a manifest: ``kind: html``.

    poll:  sign in -> list, newest first -> reports new and changed, oldest first
    push:  open the report -> ours there? -> its form with its token -> once -> what does the page say?

Where each thing stands is said by ``source`` and ``push`` of connector.yaml (`layout`, and for authors
docs/connector-html.md); one manifest may hold several faces (`variants`), and a channel may correct any
place in its setting ``layout``. When the words run out, a small subclass goes on::

    class Portal(HtmlPortal):
        def remap(self, ctx, item):                     # every report, of poll, fetch, backfill and replay
            return replace(super().remap(ctx, item), subject="")

What may surprise:

* A change is noticed by the row in the list. A portal whose rows do not show that a report was edited
  hides the edit until its row changes. Old rows that change without moving up are found by the sweep, a
  page a poll, in turn.
* Pages need an address each, by number or by a link to the next one; lists paged by script are not read.
* Everything is judged by what must be there: a list without its structure, a page without the mark of
  a signed-in officer, a list that ends before its own count are errors, never "nothing new".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from aggregator.sdk.contract import (
    Batch,
    CheckResult,
    ConfigInvalid,
    Context,
    Cursor,
    FetchedFile,
    Manifest,
    PushCommand,
    PushResult,
    RawItem,
    Record,
    RemoteState,
    Span,
)
from aggregator.sdk.html_portal import backfilling, mapping, reading, replying
from aggregator.sdk.html_portal.compiling import PUSH, SOURCE, Faces
from aggregator.sdk.html_portal.implying import implied
from aggregator.sdk.html_portal.layout import Layout
from aggregator.sdk.html_portal.paging import Pager
from aggregator.sdk.html_portal.site import Site
from aggregator.sdk.levels import Implied
from aggregator.sdk.set_up import in_steps

__all__ = ["HtmlPortal"]

_HINTS = {
    "auth_failed": "Kiểm tra tên đăng nhập và mật khẩu, rồi kết nối lại kênh",
    "config_invalid": "Kiểm tra địa chỉ và bố cục trang trong thiết lập",
    "transient": "Kiểm tra trang web có mở được từ máy này không, rồi thử lại",
    "schema_drift": "Trang web đã đổi giao diện: sửa bố cục trang trong thiết lập",
    "bot_challenge": "Đăng nhập bằng tay một lần, hoặc xin đơn vị chủ quản cho phép địa chỉ máy này",
    "bad_record": "Kiểm tra nhãn, trường bắt buộc và dạng ngày giờ trong bố cục trang",
}
_UNTRIED = "Danh sách đang trống, chưa thử được"


class HtmlPortal:
    """The connector that a manifest of web pages is; holds nothing between calls."""

    SOURCE: ClassVar[Mapping[str, Any]] = SOURCE
    PUSH: ClassVar[Mapping[str, Any]] = PUSH

    @classmethod
    def implied(cls, source: Mapping[str, Any], push: Mapping[str, Any]) -> Implied:
        """Capabilities and settings that follow from the pages told."""
        return implied(source, push)

    def __init__(self, manifest: Manifest) -> None:
        """Raises `ConfigInvalid` naming the path inside the manifest."""
        self.manifest = manifest
        self.faces = Faces(manifest)

    def layout(self, ctx: Context) -> Layout:
        """Where things stand for this channel. A hook: a subclass may choose or correct it."""
        return self.faces.load(ctx.config.get("layout") or {}, ctx.config)

    # -- the contract ----------------------------------------------------------------------------

    def poll(self, ctx: Context, cursor: Cursor | None) -> Iterator[Batch]:
        """Reports new or changed since `cursor`, oldest first, in batches of twenty."""
        return reading.poll(ctx, self._site(ctx), cursor, lambda item: self.remap(ctx, item))

    def remap(self, ctx: Context, item: RawItem) -> Record:
        """The record of one kept report, without network. A hook: everything that is read goes through it."""
        base_url = str(ctx.config.get("base_url") or "").rstrip("/")
        return mapping.record_of(
            item, self.layout(ctx), base_url=base_url, zone=ctx.zone, status_of=ctx.status_of
        )

    def fetch(self, ctx: Context, external_id: str) -> tuple[Record, RawItem] | None:
        """One report as the portal has it now; None where it is not there."""
        report = self._site(ctx).report(external_id)
        if report is None:
            return None
        item = report.item()
        return self.remap(ctx, item), item

    def backfill(self, ctx: Context, span: Span, cursor: Cursor | None) -> Iterator[Batch]:
        """The reports of `span`, a batch for each page of the list, or those of its ids."""
        return backfilling.backfill(ctx, self._site(ctx), span, cursor, lambda item: self.remap(ctx, item))

    def push(self, ctx: Context, command: PushCommand) -> PushResult:
        """Deliver one answer through the portal's form, unless it stands there."""
        return replying.push(ctx, self._site(ctx), command)

    def lookup(self, ctx: Context, command: PushCommand) -> RemoteState | None:
        """What the report's pages show; None where there is no such report."""
        return replying.lookup(ctx, self._site(ctx), command)

    def fetch_attachment(self, ctx: Context, ref: str) -> FetchedFile:
        """The bytes of one file of a report."""
        return self._site(ctx).file(ref)

    def _site(self, ctx: Context) -> Site:
        return Site(ctx, self.layout(ctx))

    # -- set-up ----------------------------------------------------------------------------------

    def check(self, ctx: Context) -> list[CheckResult]:
        """Settings, sign-in, list, one mapped sample, its reply form; stops at the first that fails."""
        return in_steps(
            self._step_names(ctx), self._steps(ctx), lambda error: _HINTS.get(error.code, error.hint)
        )

    def _step_names(self, ctx: Context) -> Iterator[str]:
        yield "Thiết lập"
        layout = self.layout(ctx)  # only now: the first step is what finds fault with it
        if layout.login is not None:
            yield "Đăng nhập"
        yield from ("Đọc danh sách", "Đọc thử một phản ánh")
        if layout.reply is not None:
            yield "Biểu mẫu trả lời"

    def _steps(self, ctx: Context) -> Iterator[str]:
        site = self._site(ctx)
        layout = site.layout
        if layout.login is not None:
            yield "Thiết lập đủ"
            site.sign_in()
            yield "Đăng nhập được"
        else:
            yield "Thiết lập đủ; trang công khai, không cần đăng nhập"
        rows = Pager(site)(0).rows
        yield f"Trang đầu của danh sách có {len(rows)} phản ánh"
        if not rows:
            yield _UNTRIED
            yield _UNTRIED  # asked for only where there is a form to try
            return
        first = next(row for row in rows if row.has_id)
        report = site.report(first.key)
        if report is None:
            raise ConfigInvalid(
                f"report {first.key} of the list has no page", hint="Check detail.path of the layout"
            )
        self.remap(ctx, report.item())
        yield "Đọc được một phản ánh mẫu"
        yield replying.form_found(site, report)  # asked for only where there is a form
