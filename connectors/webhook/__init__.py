"""Agencies that push: their system calls ours, signed; answers go back to an address that they name.

Portal:   none of its own. Any system that can send JSON over HTTPS: a district's case software, a hotline,
          an app. The form of a report is ours and published (`report.schema.json`, docs/channels/webhook.md).
Owner:    each agency, which holds the signing key together with us.
Allows:   new reports, changes of earlier ones (whole, or only what changed), answers to a callback address.
Polite:   nothing is polled; answers go out one by one.

History:
2026-11   First version. Two keys are valid while they are changed, told apart by their names.
Not verified: no agency has used it yet; the callback's side is simulated only.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from aggregator.sdk.answers import clean_json
from aggregator.sdk.contract import (
    Answer,
    BadRecord,
    Batch,
    ByHand,
    ChannelError,
    CheckResult,
    ConfigInvalid,
    Context,
    Cursor,
    FetchedFile,
    OutFile,
    Permanent,
    Problem,
    PushCommand,
    PushResult,
    RawItem,
    RawPage,
    Record,
    RemoteState,
    SourceStatus,
    UnknownOutcome,
    WebhookReply,
    WebhookRequest,
)

from .mapping import reports_of, taken, to_record, whole
from .signing import check as check_signature
from .signing import signed

__all__ = ["CONNECTOR"]


class Webhook:
    """The connector; one instance serves any number of channels."""

    def handle_webhook(self, ctx: Context, request: WebhookRequest) -> WebhookReply:
        """The reports of one call. What is wrong with one of them is told in the answer and kept."""
        if request.method != "POST":
            raise Permanent("reports are sent by POST", message_vi="Phải gửi bằng POST")
        name = "" if request.verified else check_signature(ctx, request)
        records: list[Record] = []
        items: list[RawItem] = []
        problems: list[Problem] = []
        known: dict[str, Any] = {}
        for position, sent in enumerate(reports_of(request.body)):
            found = taken(ctx, position, sent, known)
            if isinstance(found, Problem):
                problems.append(found)
            else:
                item, record = found
                known[record.external_id] = json.loads(item.content)
                items.append(item)
                records.append(record)
        page = RawPage(request.body, "application/json")
        batch = Batch(tuple(records), tuple(items), None, (page,), tuple(problems), complete=True)
        return WebhookReply(batch, body=_told(batch), delivery=name)

    def remap(self, ctx: Context, item: RawItem) -> Record:
        """One kept report again; a change that came before its report finds it now."""
        try:
            kept = clean_json(item.content)
        except (ValueError, RecursionError) as error:
            raise BadRecord(f"kept bytes that are no JSON ({type(error).__name__})") from error
        return to_record(ctx, whole(ctx, kept))

    def poll(self, _ctx: Context, _cursor: Cursor | None) -> Iterator[Batch]:
        """Nothing to poll: the agency calls."""
        raise ConfigInvalid("the agency calls us: there is nothing to poll")

    def push(self, ctx: Context, command: PushCommand) -> PushResult:
        """The answer to the callback address; a second try carries the same key."""
        address = str(ctx.config["callback_url"])
        if not address:
            raise ByHand(
                "the channel has no callback address",
                message_vi="Cơ quan gửi không có địa chỉ nhận phúc đáp; hãy chuyển theo cách đã thoả thuận.",
            )
        body = json.dumps(_answer_of(ctx, command), ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Idempotency-Key": command.idempotency_key,
            **signed(ctx, body),
        }
        answer = ctx.http.post(address, data=body, headers=headers, effect=True, raw_status=True)
        if answer.status == 413 and command.attachments:
            without = self.push(ctx, replace(command, attachments=()))
            return replace(without, files_left=len(command.attachments))
        if answer.status == 409:
            return PushResult("already_there")
        answer.refuse()
        if answer.content_type == "text/html":
            # Case software answers in data; a gateway under maintenance says so with a page and status 200.
            raise UnknownOutcome(
                "a web page answered the reply", evidence=answer.evidence(),
                message_vi="Địa chỉ nhận phúc đáp trả về một trang web, chưa rõ đã nhận hay chưa",
            )  # fmt: skip
        return _sent(answer.content, len(command.attachments))

    def lookup(self, ctx: Context, command: PushCommand) -> RemoteState | None:
        """What the agency shows for the report. Without a read-back address the same key is sent again."""
        address = str(ctx.config["readback_url"])
        if not address:
            return RemoteState(SourceStatus.UNMAPPED)
        address = address.replace("{id}", quote(command.external_id, safe=""))
        answer = ctx.http.get(address, headers=signed(ctx, address.encode()), raw_status=True)
        if answer.status == 404:
            return None
        answer.refuse()
        shown = answer.json()
        rows = shown.get("answers") if isinstance(shown, Mapping) else None
        if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
            raise Permanent("the read-back address shows no answers", message_vi="Không đọc được phúc đáp")
        answers = [
            (row, Answer(str(row.get("body") or ""), remote_ref=_name(row.get("ref")))) for row in rows
        ]
        ours = (answer for row, answer in answers if row.get("key") == command.idempotency_key)
        status = ctx.status_of(str(shown.get("status") or "")) if shown.get("status") else None
        return RemoteState(
            status or SourceStatus.UNMAPPED, tuple(answer for _, answer in answers), next(ours, None)
        )

    def fetch_attachment(self, ctx: Context, ref: str) -> FetchedFile:
        """A file at the address that the report names, asked for with a signature of ours."""
        answer = ctx.http.get(ref, headers=signed(ctx, ref.encode()))
        name = ref.partition("?")[0].rpartition("/")[2] or "tep"
        return FetchedFile(answer.content, answer.content_type or "application/octet-stream", name)

    def check(self, ctx: Context) -> list[CheckResult]:
        """The key, and whether the callback's machine answers. Nothing is sent to it."""
        secret = ctx.secrets.get("secret", "")
        steps = [
            CheckResult(
                "Khoá ký", len(secret) >= 32, f"khoá “{ctx.config['key_id']}”",
                "" if len(secret) >= 32 else "Nhập khoá ký từ 32 ký tự",
            )
        ]  # fmt: skip
        address = str(ctx.config["callback_url"])
        if not address:
            return [*steps, CheckResult("Địa chỉ nhận phúc đáp", True, "không có: cán bộ tự chuyển phúc đáp")]
        try:
            answer = ctx.http.get(address, raw_status=True, follow=False)
        except ChannelError as error:
            hint = "Hỏi cơ quan gửi về địa chỉ này và tường lửa của họ"
            return [*steps, CheckResult("Địa chỉ nhận phúc đáp", False, error.message_vi, hint)]
        return [*steps, CheckResult("Địa chỉ nhận phúc đáp", True, f"máy chủ trả lời (mã {answer.status})")]


def _answer_of(ctx: Context, command: PushCommand) -> dict[str, Any]:
    told = {
        "key": command.idempotency_key,
        "id": command.external_id,
        "kind": command.kind,
        "status": command.status.value,
        "status_raw": ctx.word_for(command),
        "body": command.body,
        "at": command.at.isoformat(),
        "author": command.author_name,
        "title": command.author_title,
        "unit": command.unit_name,
    }
    seldom = {
        "transfer_to": command.transfer_to,
        "due_at": command.due_at.isoformat() if command.due_at else None,
        "corrects": command.corrects,
        "files": [_file(one) for one in command.attachments],
    }
    return told | {name: value for name, value in seldom.items() if value}


def _file(file: OutFile) -> dict[str, Any]:
    return {
        "filename": file.filename, "content_type": file.content_type, "size": file.size,
        "sha256": file.sha256, "content": base64.b64encode(file.read()).decode(),
    }  # fmt: skip


def _told(batch: Batch) -> bytes:
    problems = [
        {
            "at": one.item.ref,
            "id": one.error.external_id,
            "field": one.error.field,
            "error": one.error.message,
        }
        for one in batch.problems
    ]
    said = {"status": "kept", "reports": len(batch.records), "problems": problems}
    return json.dumps(said, ensure_ascii=False).encode()


def _ref(content: bytes) -> str | None:
    """The agency's own name of the answer, where it gives one; nothing hangs on it."""
    return _name(_said(content).get("ref"))


def _sent(content: bytes, files: int) -> PushResult:
    """What became of the answer's files, where the agency says how many it took.

    An agency that knows nothing of files skips them without a word, and the answer stands all the same.
    """
    ref, taken = _ref(content), _said(content).get("files")
    if isinstance(taken, int) and 0 <= taken <= files:
        return PushResult("sent", ref, files_left=files - taken)
    if not files:
        return PushResult("sent", ref)
    return PushResult(
        "sent", ref,
        f"the agency did not confirm the {files} files of the answer: ask whether it has them",
        f"Cơ quan nhận chưa xác nhận {files} tệp gửi kèm: hãy hỏi lại xem đã có tệp chưa",
    )  # fmt: skip


def _said(content: bytes) -> Mapping[str, Any]:
    try:
        said = clean_json(content)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, Mapping) else {}


def _name(ref: Any) -> str | None:
    return ref if isinstance(ref, str) and ref else None


CONNECTOR = Webhook()
