"""1022 feedback portals with a JSON interface (the "Góp ý" family).

Portal:   the city's feedback portal, as described for Đà Nẵng's 1022 ("Nâng cấp hệ thống góp ý", interface
          for mobile clients, 12/2022). HCMC has published no interface; its profile is this connector with
          other settings once the city gives one.
Owner:    the city's information and communication department; accounts and source names come from there.
Allows:   read (public or as officer), reply with a new status (officer), read the reply back, attachments.
Polite:   every 10 minutes, half a second between requests.

History:
2022-12   Interface described: officer sign-in by JWT, list, detail, resolve ("xulu" is its own spelling).
2026-09   A public client in use found: HTTP Basic on every request instead of JWT; 403 to unknown
          User-Agents; 406 when JSON is demanded in Accept; source names are a closed list (404); the
          status code is missing while a report is in progress; the id comes under several names.
2026-11   Files go with answers by the described call (``ten``, ``base64Content``), pictures and papers apart.
Not verified against a live portal: what the call for files answers (``url`` here, or under ``data``); whether
the officer's detail carries ``thongTinXuLy`` as the public one; how ``tungay`` and ``denngay`` write a day
(31/12/2026 here, as the portal writes the event's).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.sdk.contract import (
    AuthFailed,
    BadRecord,
    Batch,
    ChannelError,
    CheckResult,
    ConfigInvalid,
    Context,
    Cursor,
    FetchedFile,
    NoWord,
    Permanent,
    PushCommand,
    PushResult,
    RawItem,
    Record,
    RemoteState,
    SchemaDrift,
    SourceStatus,
    Span,
    Transient,
)
from aggregator.sdk.echo import find_answer
from aggregator.sdk.set_up import in_steps
from aggregator.sdk.uploads import forget, lay_down

from .client import Client, ListPage
from .mapping import CLOCK_SLACK, Item, answers_of, id_of, to_raw, to_record
from .past import Past, one
from .polling import Walk

__all__ = ["CONNECTOR"]

_Kinds = type[ChannelError] | tuple[type[ChannelError], ...]
_STEPS = ("Kết nối tới cổng", "Đăng nhập", "Đọc danh sách", "Đọc thử một phản ánh", "Quyền trả lời")
_HINTS: tuple[tuple[_Kinds, str], ...] = (
    (AuthFailed, "Kiểm tra tài khoản và mật khẩu; cổng có thể chặn User-Agent lạ, hãy hỏi đơn vị vận hành"),
    (ConfigInvalid, "Kiểm tra địa chỉ cổng và các đường dẫn trong phần cài đặt kênh"),
    (
        (SchemaDrift, BadRecord),
        "Cổng trả về dữ liệu khác mẫu đã biết; gửi thông tin chẩn đoán cho người bảo trì bộ kết nối",
    ),
    (Transient, "Cổng không phản hồi; kiểm tra mạng rồi thử lại sau vài phút"),
)


@dataclass(frozen=True, slots=True)
class Portal1022:
    """The connector; one instance serves any number of channels."""

    def check(self, ctx: Context) -> list[CheckResult]:
        """Reach, sign-in, list, one report, right to reply; stops at the first step that fails."""
        return in_steps(_STEPS, self._steps(ctx), _hint)

    def _steps(self, ctx: Context) -> Iterator[str]:
        client = Client(ctx)
        yield f"cổng trả lời (mã {client.reach()})"
        yield _signed_in(ctx, client)
        page = client.page(1, int(ctx.config["page_size"]))
        yield f"{page.total if page.total is not None else len(page.lines)} phản ánh"
        yield _try_one(ctx, client, page)
        yield _right_to_reply(ctx, client)

    def poll(self, ctx: Context, cursor: Cursor | None) -> Iterator[Batch]:
        """New and changed reports, oldest first, a page a batch (see `polling`)."""
        return Walk(ctx, cursor).batches()

    def backfill(self, ctx: Context, span: Span, cursor: Cursor | None) -> Iterator[Batch]:
        """The reports whose event fell into these days (see `past`)."""
        return Past(ctx, span, cursor).batches()

    def fetch(self, ctx: Context, external_id: str) -> tuple[Record, RawItem] | None:
        """One report as the portal has it now."""
        return one(ctx, external_id)

    def remap(self, ctx: Context, item: RawItem) -> Record:
        """Map one kept record again."""
        return to_record(ctx, item)

    def push(self, ctx: Context, command: PushCommand) -> PushResult:
        """Resolve the report with our answer; a repeated attempt reads back first."""
        client = Client(ctx)
        if not client.officer:
            raise ConfigInvalid(
                "the channel is set to read the public part only",
                hint="Set scope to officer and enter an officer's account",
                message_vi="Kênh chỉ đọc phần công khai nên không gửi được câu trả lời",
            )
        if command.attempt > 1:
            state = self.lookup(ctx, command)
            if state is not None and state.found is not None:
                return PushResult("already_there", state.found.remote_ref, files_left=state.files_left)
        processing = client.processing_id(command.external_id)
        if processing is None:
            raise Permanent(
                f"report {command.external_id} is not in this unit's list at the portal",
                message_vi="Phản ánh không còn trong danh sách của đơn vị trên cổng",
            )
        body = _reply_body(ctx, command)
        laid = lay_down(ctx, command, client.lay_down)
        for file, name in laid.files:
            body["hinhAnhs" if file.is_picture else "fileDinhKem"].append(name)
        try:
            client.resolve(processing, body)
        except Permanent:
            forget(ctx, command)
            raise
        forget(ctx, command)
        return laid.told(PushResult("sent"))

    def lookup(self, ctx: Context, command: PushCommand) -> RemoteState | None:
        """The report's answers at the portal, and ours among them by its words."""
        client = Client(ctx)
        asked = client.processing_id(command.external_id)
        detail = client.detail(asked) if asked else None
        if detail is None:
            return None
        item = Item({}, detail)
        answers = answers_of(item, ctx.zone)
        found = find_answer(answers, _words(ctx, command), command.at - CLOCK_SLACK)
        left = forget(ctx, command) if found is not None else 0
        status = ctx.status_of(item.text("maTinhTrangXuLy") or item.text("tinhTrangXuLy"))
        return RemoteState(status, answers, found, left)

    def fetch_attachment(self, ctx: Context, ref: str) -> FetchedFile:
        """The file at the address that the record names."""
        return Client(ctx).file(ref)


def _words(ctx: Context, command: PushCommand) -> str:
    """What the citizen reads: the officer's words, and our reference only where the channel wants it."""
    label = str(ctx.config.get("reference_label") or "")
    return f"{command.body}\n{label} {command.idempotency_key[:8]}" if label else command.body


def _reply_body(ctx: Context, command: PushCommand) -> dict[str, Any]:
    code = ctx.word_for(command)
    if code is None and command.status is SourceStatus.REJECTED and command.kind != "transfer":
        # The portal knows no refusal: such a report is closed with the reason as its text.
        code = ctx.status_raw_for(SourceStatus.RESOLVED)
    if code is None:
        raise NoWord(
            f"the portal has no word for the status {command.status.value}",
            hint="Add it to the channel's status map",
            message_vi="Chưa khai báo mã trạng thái của cổng cho loại phúc đáp này.",
        )
    body: dict[str, Any] = {
        "noiDungXuLy": _words(ctx, command),
        "chuyenTrangThai": code,
        "xuatBan": bool(ctx.config.get("publish", True)),
        "hinhAnhs": [],
        "fileDinhKem": [],
    }
    if ctx.config.get("source_name"):
        body["nguonGopY"] = ctx.config["source_name"]
    return body


# -- the steps of check() ------------------------------------------------------------------------


def _hint(error: ChannelError) -> str:
    return next((text for kind, text in _HINTS if isinstance(error, kind)), "")


def _signed_in(ctx: Context, client: Client) -> str:
    if ctx.config.get("auth") != "jwt":
        return "không cần đăng nhập riêng" if ctx.config.get("auth") == "none" else "HTTP Basic"
    client.login()
    return "đã nhận mã phiên"


def _try_one(ctx: Context, client: Client, page: ListPage) -> str:
    """Map the first report whole, so that a change of its form shows here and not in the first poll."""
    line = page.lines[0] if page.lines else None
    if line is None:
        return "danh sách đang trống"
    external_id = id_of(line) if isinstance(line, Mapping) else None
    if external_id is None:
        raise SchemaDrift("the first report has no id", message_vi="Phản ánh đầu tiên không có mã")
    detail = client.detail(client.remember(line, external_id))
    if detail is None:
        raise ConfigInvalid(
            "no detail of the first report", message_vi="Không có trang chi tiết của phản ánh"
        )
    to_record(ctx, to_raw(line, detail, "data[0]"))
    return f"đọc được phản ánh {external_id}"


def _right_to_reply(ctx: Context, client: Client) -> str:
    if not client.officer:
        return "kênh chỉ đọc: chưa dùng tài khoản cán bộ"
    unit, own = str(client.me().get("coQuanId") or ""), str(ctx.config.get("unit_id") or "")
    if not unit:
        raise AuthFailed("the account belongs to no unit", message_vi="Tài khoản không thuộc cơ quan nào")
    if own and unit != own:
        raise ConfigInvalid(
            f"the account belongs to unit {unit}, the channel reads unit {own}",
            message_vi=f"Tài khoản thuộc đơn vị {unit}, còn kênh đọc đơn vị {own}",
        )
    return f"trả lời thay đơn vị {unit}"


CONNECTOR = Portal1022()
