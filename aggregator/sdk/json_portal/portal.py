"""The class that runs manifests of kind ``json``; see the package's docstring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

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
    Manifest,
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
from aggregator.sdk.json_portal import answering
from aggregator.sdk.json_portal.client import Client
from aggregator.sdk.json_portal.compiling import compile_source
from aggregator.sdk.json_portal.definition import Stream
from aggregator.sdk.json_portal.items import merged, raw_item, unpack
from aggregator.sdk.json_portal.schema import PUSH, SOURCE
from aggregator.sdk.json_portal.settings import implied_settings
from aggregator.sdk.json_portal.walk import Walk
from aggregator.sdk.levels import Implied
from aggregator.sdk.links import file_name
from aggregator.sdk.record_map import Reading
from aggregator.sdk.set_up import in_steps
from aggregator.sdk.uploads import forget

__all__ = ["JsonPortal"]

_Kinds = type[ChannelError] | tuple[type[ChannelError], ...]
_HINTS: tuple[tuple[_Kinds, str], ...] = (
    (AuthFailed, "Kiểm tra tài khoản, mật khẩu hoặc mã truy cập; cổng có thể chặn User-Agent lạ"),
    (ConfigInvalid, "Kiểm tra địa chỉ cổng và các thiết lập của kênh"),
    (
        (SchemaDrift, BadRecord),
        "Cổng trả về dữ liệu khác mẫu đã khai báo; gửi thông tin chẩn đoán cho người bảo trì bộ kết nối",
    ),
    (Transient, "Cổng không phản hồi; kiểm tra mạng rồi thử lại sau vài phút"),
)
_SIGN_IN = {
    "none": "không cần đăng nhập",
    "basic": "HTTP Basic, gửi kèm từng yêu cầu",
    "bearer": "mã truy cập, gửi kèm từng yêu cầu",
    "api_key": "mã truy cập, gửi kèm từng yêu cầu",
}


class JsonPortal:
    """A connector made of its manifest. One instance serves any number of channels."""

    SOURCE: ClassVar[Mapping[str, Any]] = SOURCE
    PUSH: ClassVar[Mapping[str, Any]] = PUSH

    @classmethod
    def implied(cls, source: Mapping[str, Any], push: Mapping[str, Any]) -> Implied:
        """Capabilities and settings that follow from the definition."""
        streams = source.get("streams") or ()
        dated = [stream.get("incremental") or source.get("incremental") for stream in streams]
        maps = [stream.get("map") or source.get("map") or {} for stream in streams]
        capabilities: dict[str, Any] = {
            "poll": "incremental" if any(dated) else "full_snapshot",
            "attachments": "download" if any("attachments" in table for table in maps) else "none",
            "backfill": "by_date" if dated and all(dated) else "by_page",
            "fetch": answering.can_fetch(source),
            "ordering": "per_report",
            **answering.implied_capabilities(source, push),
        }
        return Implied(capabilities, implied_settings(source))

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.source = compile_source(manifest)

    # -- hooks of a subclass ---------------------------------------------------------------------

    def data_of(self, stream: Stream, data: Any) -> Any:
        """One record's data before it is mapped; for what expressions cannot say."""
        return data

    def record_of(self, stream: Stream, record: Record) -> Record:
        """One record after it was mapped."""
        return record

    # -- reading ---------------------------------------------------------------------------------

    def poll(self, ctx: Context, cursor: Cursor | None) -> Iterator[Batch]:
        """New and changed reports, a page a batch (see `walk`)."""
        return Walk(self, ctx, cursor).batches()

    def backfill(self, ctx: Context, span: Span, cursor: Cursor | None) -> Iterator[Batch]:
        """The reports of a span, or those of its ids, in batches."""
        if span.ids:
            return self._by_ids(ctx, span.ids, int((cursor or {}).get("done", 0)))
        return Walk(self, ctx, cursor, span).batches()

    def _by_ids(self, ctx: Context, ids: tuple[str, ...], done: int) -> Iterator[Batch]:
        for number in range(done, len(ids)):
            found = self.fetch(ctx, ids[number])
            records, items = ((found[0],), (found[1],)) if found else ((), ())
            yield Batch(records, items, {"v": 1, "done": number + 1}, listed=len(records))
        yield Batch((), (), {"v": 1, "done": len(ids)}, complete=True)

    def remap(self, ctx: Context, item: RawItem) -> Record:
        """Map one kept record again, without network."""
        stream, data = unpack(self.source, item)
        return self.mapped(stream, data, item.ref, Reading.of(ctx, self.source.tables))

    def mapped(self, stream: Stream, data: Any, ref: str, reading: Reading) -> Record:
        """The record of one line. Raises `BadRecord`."""
        given = self.data_of(stream, data)
        if not isinstance(given, Mapping):
            raise BadRecord(f"{ref}: a record is no table", field="records")
        return self.record_of(stream, stream.map.record_of(given, reading))

    def fetch(self, ctx: Context, external_id: str) -> tuple[Record, RawItem] | None:
        """The report as the source has it now; None where it is not there."""
        given = self.source.fetch
        if given is None:
            raise ConfigInvalid("this source cannot be asked for one report by its id")
        client = Client(self.source, ctx)
        answer = client.read(given.request, {"id": external_id}, given.errors)
        data = None if answer.nothing else given.record(answer.data, client.env)
        if data in (None, "", [], {}):
            return None
        if isinstance(data, list):
            data = data[0]
        if not isinstance(data, Mapping):
            raise BadRecord("the report is no table", field="source.fetch.record", external_id=external_id)
        detail = given.stream.detail
        item = raw_item(
            given.stream, {} if detail else data, data if detail else None, f"fetch {external_id}"
        )
        seen = merged({}, data) if detail else data
        return self.mapped(given.stream, seen, item.ref, Reading.of(ctx, self.source.tables)), item

    def fetch_attachment(self, ctx: Context, ref: str) -> FetchedFile:
        """A file at the address that the record names, on the channel's own hosts alone."""
        response = Client(self.source, ctx).file(ref)
        response.refuse()
        if response.content_type == "text/html" and not ref.endswith((".html", ".htm")):
            raise SchemaDrift(
                "a page came instead of the attachment", scope="record", evidence=response.evidence()
            )
        name = file_name(ref) or "tep-dinh-kem"
        return FetchedFile(response.content, response.content_type or "application/octet-stream", name)

    # -- answering -------------------------------------------------------------------------------

    def push(self, ctx: Context, command: PushCommand) -> PushResult:
        """Deliver one answer; a repeated attempt reads back first where it can."""
        if command.attempt > 1 and self.source.push is not None and self._reads_back:
            state = self.lookup(ctx, command)
            if state is not None and state.found is not None:
                return PushResult("already_there", state.found.remote_ref, files_left=state.files_left)
        return answering.deliver(self.source, ctx, command)

    @property
    def _reads_back(self) -> bool:
        return self.manifest.capabilities.idempotency == "read_back" and self.source.fetch is not None

    def lookup(self, ctx: Context, command: PushCommand) -> RemoteState | None:
        """What the source shows for the report; None where it is not there, or cannot be asked."""
        if self.source.fetch is None:
            # The source refuses a key that it has: to send the answer again is to look.
            by_key = self.manifest.capabilities.idempotency == "natural_key"
            return RemoteState(SourceStatus.UNMAPPED) if by_key else None
        found = self.fetch(ctx, command.external_id)
        if found is None:
            return None
        state = answering.state_of(found[0], command)
        return state if state.found is None else replace(state, files_left=forget(ctx, command))

    # -- set-up ----------------------------------------------------------------------------------

    def check(self, ctx: Context) -> list[CheckResult]:
        """Reach, sign-in, each list with one record read, right to reply; stops at the first failure."""
        return in_steps(self._step_names(), self._steps(ctx), _hint)

    def _step_names(self) -> Iterator[str]:
        yield from ("Kết nối tới cổng", "Đăng nhập")
        for stream in self.source.streams:
            suffix = f" ({stream.name})" if len(self.source.streams) > 1 else ""
            yield from (f"Đọc danh sách{suffix}", f"Đọc thử một phản ánh{suffix}")
        yield "Quyền trả lời"

    def _steps(self, ctx: Context) -> Iterator[str]:
        client = Client(self.source, ctx)
        yield f"cổng trả lời (mã {client.reach()})"
        yield _signed_in(client)
        for stream in self.source.streams:
            batches = Walk(self, ctx, None).first_of(stream)
            total = batches[0].source_count if batches else 0
            yield f"{total if total is not None else sum(batch.listed or 0 for batch in batches)} phản ánh"
            yield _a_record(batches)
        if self.source.push is not None:
            yield self._may_write(client)

    def _may_write(self, client: Client) -> str:
        push = self.source.push
        if push is None or push.check is None:
            return "có khai báo gửi trả lời; chưa có lệnh kiểm tra quyền"
        client.read(push.check, {}, push.errors)
        return "tài khoản có quyền trả lời"


def _signed_in(client: Client) -> str:
    if client.signs_in != "token":
        return _SIGN_IN[client.signs_in]
    client.sign_in()
    return "đã nhận mã phiên"


def _a_record(batches: Sequence[Batch]) -> str:
    for batch in batches:
        if batch.problems:
            raise batch.problems[0].error
        if batch.records:
            return f"đọc được phản ánh {batch.records[0].external_id}"
    return "danh sách đang trống"


def _hint(error: ChannelError) -> str:
    return next((text for kind, text in _HINTS if isinstance(error, kind)), error.hint)
