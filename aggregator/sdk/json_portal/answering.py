"""Delivering one answer and reading it back, as the manifest's ``push`` section says.

    push: kind taken? -> repeated: is it there? -> files laid down, where the source takes them first
          -> sent once, files and words together -> already there | success | error | unclear
    lookup: the report as `fetch` reads it -> its answers -> ours among them, by its number or its words

What may surprise: only what `success` describes is a success, and only a status of 400 to 499, or a rule of
``errors``, is a refusal. All else may have taken effect and is `UnknownOutcome`: a blind repeat would tell
the citizen twice.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from aggregator.sdk.contract import (
    BadRecord,
    Context,
    NoWord,
    OutFile,
    Permanent,
    PushCommand,
    PushResult,
    Record,
    RemoteState,
    SourceStatus,
    UnknownOutcome,
)
from aggregator.sdk.echo import find_answer
from aggregator.sdk.http import Response
from aggregator.sdk.json_portal.client import Client, json_or_none
from aggregator.sdk.json_portal.definition import Files, Push, Source
from aggregator.sdk.uploads import Laid, forget, lay_down, parts

__all__ = ["deliver", "state_of"]

#: An answer of the same words counts as ours only if it is not older than our order to send it, less what
#: portal clocks are known to be off (a wrong zone is 7 hours).
_CLOCK_SLACK = timedelta(hours=12)


def deliver(source: Source, ctx: Context, command: PushCommand) -> PushResult:
    """Send the answer, once. Raises `UnknownOutcome` where it may or may not be there."""
    push = source.push
    if push is None:
        raise Permanent(
            "this channel takes no answers", message_vi="Kênh này chỉ đọc, không gửi được câu trả lời"
        )
    if command.kind not in push.kinds:
        raise NoWord(
            f"the source takes no answers of the kind {command.kind}",
            message_vi="Cổng không nhận loại phúc đáp này.",
        )
    client, values = Client(source, ctx), _values(ctx, push, command)
    laid = _laid_down(push, client, ctx, command)
    try:
        result = _sent(push, client, values, command, laid)
    except Permanent:
        forget(ctx, command)
        raise
    forget(ctx, command)
    return laid.told(result)


def _laid_down(push: Push, client: Client, ctx: Context, command: PushCommand) -> Laid:
    """The files by what stands for each of them in the answer's body."""
    upload = push.files.upload if push.files else None
    if upload is None:
        return Laid(tuple((file, None) for file in command.attachments))

    def call(file: OutFile, content: bytes) -> Any:
        field = [(upload.field, (file.filename, content, file.content_type))] if upload.field else []
        return client.name_of(upload, {"id": command.external_id, **_of_file(file, content)}, field)

    return lay_down(ctx, command, call)


def _sent(
    push: Push, client: Client, values: Mapping[str, Any], command: PushCommand, laid: Laid
) -> PushResult:
    if push.files is None:
        left = len(command.attachments)
        return replace(_judged(push, client.write(push.request, values), client), files_left=left)
    if not push.files.field:
        entries = [_entry(push.files, client, file, name) for file, name in laid.files]
        return _judged(push, client.write(push.request, {**values, "files": entries}), client)
    files = parts(push.files.field, command.attachments)
    response = client.write(push.request, values, files)
    if files and response.status in (413, 415):  # a clear no to the files: the words need not wait for them
        without = _judged(push, client.write(push.request, values), client)
        return replace(without, files_left=len(files))
    return _judged(push, response, client)


def _entry(files: Files, client: Client, file: OutFile, name: Any) -> Any:
    assert files.entry is not None
    content = b"" if files.upload else file.read()
    return files.entry(client.scope({**_of_file(file, content), "file_ref": name}))


def _of_file(file: OutFile, content: bytes) -> dict[str, Any]:
    return {
        "file_name": file.filename,
        "file_type": file.content_type,
        "file_size": file.size,
        "file_hash": file.sha256,
        "file_data": base64.b64encode(content).decode(),
    }


def _values(ctx: Context, push: Push, command: PushCommand) -> dict[str, Any]:
    status = ctx.word_for(command)
    if status is None and command.status is SourceStatus.REJECTED and command.kind != "transfer":
        # Many a portal knows no refusal: such a report is closed with the reason as its text.
        status = ctx.status_raw_for(SourceStatus.RESOLVED)
    if status is None and "status" in push.request.places:
        raise NoWord(
            f"the source has no word for the status {command.status.value}",
            hint="Add it to the channel's status map",
            message_vi="Chưa khai báo trạng thái của cổng cho loại phúc đáp này.",
        )
    return {
        "id": command.external_id,
        "body": command.body,
        "status": status,
        "key": command.idempotency_key,
        "at": command.at.astimezone(ctx.zone),
        "author": command.author_name,
        "title": command.author_title,
        "unit": command.unit_name,
        "kind": command.kind,
        "transfer_to": command.transfer_to,
        "due": command.due_at.astimezone(ctx.zone) if command.due_at else "",
        "corrects": command.corrects or "",
    }


def _judged(push: Push, response: Response, client: Client) -> PushResult:
    data = json_or_none(response)
    env = client.env
    if push.already is not None and push.already.fits(response, data, env):
        return PushResult("already_there", _ref(push, data, client))
    for rule in push.errors:
        # Without its value a rule such as "the code is not 0" proves no refusal.
        fits = rule.fits(response, data, env, sure=True)
        if fits and (error := rule.raised(response.evidence(), response.url)):
            raise error
    if push.success.fits(response, data, env) and response.status < 400:
        return PushResult("sent", _ref(push, data, client))
    response.refuse()
    raise UnknownOutcome(
        "the answer to the reply is not what a success looks like", evidence=response.evidence()
    )


def _ref(push: Push, data: Any, client: Client) -> str | None:
    """The answer's number there. It was sent: a number that cannot be read is no reason to doubt that."""
    try:
        value = push.remote_ref(data, client.env) if push.remote_ref is not None else None
    except BadRecord:
        return None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def state_of(record: Record, command: PushCommand) -> RemoteState:
    """What the source shows for a report, and our answer among it."""
    since: datetime = command.at - _CLOCK_SLACK
    key = command.idempotency_key
    found = next((answer for answer in record.answers if key and answer.remote_ref == key), None)
    return RemoteState(
        record.status, record.answers, found or find_answer(record.answers, command.body, since)
    )


def implied_capabilities(source: Mapping[str, Any], push: Mapping[str, Any]) -> dict[str, Any]:
    """What the definition says about answers, as capabilities."""
    reply = push.get("reply") or {}
    if not reply:
        return {}
    found: dict[str, Any] = {"push_reply": True, "push_status": "{status" in str(reply.get("request"))}
    found["push_attachments"] = bool(reply.get("files"))
    if reply.get("kinds"):
        found["push_kinds"] = reply["kinds"]
    if can_fetch(source) and shows_answers(source):
        return {**found, "idempotency": "read_back"}
    return {**found, "idempotency": "natural_key" if "already_exists" in reply else "none"}


def can_fetch(source: Mapping[str, Any]) -> bool:
    """Whether one report can be asked for by its id."""
    details = [stream.get("detail") or {} for stream in source.get("streams") or ()]
    return bool(source.get("fetch")) or any("request" in d and "id" not in d for d in details)


def shows_answers(source: Mapping[str, Any]) -> bool:
    """Whether the map reads answers."""
    maps = [source.get("map") or {}, *(stream.get("map") or {} for stream in source.get("streams") or ())]
    return any("answers" in table for table in maps)
