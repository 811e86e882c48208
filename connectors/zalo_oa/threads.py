"""What one person writes in one day is one report: messages put together, and read as a record.

Principle. People write in pieces: a photo, then the street, then "trước số 12". One report a message would
give the officer three cases. So the messages of one person on one day (Vietnam's) are one report, and a
message soon after midnight joins the evening's (`join_hours`).

How it works. The report's id is made of the person and the day, so every message finds its report without
any memory of ours; the bytes kept of the report hold all its messages. A message that is there already
changes nothing, and messages are put in the order in which they were written.

Known exception: somebody who reports two problems on one day has one report; the officer sees both in it.
Tried and dropped: a new report after some hours of silence (a lunch break cut reports in two).

What may surprise: the person's Zalo id is in the sealed bytes alone. The report's id carries a digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from aggregator.sdk.answers import clean_json
from aggregator.sdk.contract import Attachment, BadRecord, Context, Location, RawItem, Record, SourceStatus

from .events import Event

#: Messages kept of one report: nobody writes more in a day, a machine might.
MOST = 200
_NAMES = {
    "image": ("[Ảnh]", "anh", "jpg"),
    "gif": ("[Ảnh động]", "anh-dong", "gif"),
    "sticker": ("[Nhãn dán]", "", ""),
    "audio": ("[Ghi âm]", "ghi-am", "amr"),
    "video": ("[Video]", "video", "mp4"),
    "file": ("[Tệp]", "tep", "bin"),
    "location": ("[Vị trí]", "", ""),
    "link": ("[Liên kết]", "", ""),
    "business_card": ("[Danh thiếp]", "", ""),
}


def person_key(oa_id: str, user: str) -> str:
    """A short name of a person at this OA from which the person cannot be found."""
    return hashlib.sha256(f"{oa_id}:{user}".encode()).hexdigest()[:20]


def joined(ctx: Context, event: Event) -> tuple[str, RawItem]:
    """The id of the report that a message belongs to, and that report's bytes with the message in it."""
    number, messages = _open_thread(ctx, event)
    if not any(one["msg_id"] == event.message_id for one in messages):
        messages = sorted([*messages, _kept(event)], key=lambda one: (one["at"], one["msg_id"]))[:MOST]
    thread = {"v": 1, "number": number, "user": event.user, "messages": messages}
    return number, RawItem(json.dumps(thread, ensure_ascii=False, sort_keys=True).encode(), ref=number)


def _open_thread(ctx: Context, event: Event) -> tuple[str, list[dict[str, Any]]]:
    """Today's report of this person, yesterday's where it was still going on, or a new one."""
    local = event.at.astimezone(ctx.zone)
    today = _number(ctx, event.user, local)
    if (known := _messages(ctx, today)) or local.hour >= ctx.config["join_hours"]:
        return today, known
    evening = _number(ctx, event.user, local - timedelta(days=1))
    earlier = _messages(ctx, evening)
    soon = timedelta(hours=ctx.config["join_hours"])
    if earlier and event.at - _at(earlier[-1]) <= soon:
        return evening, earlier
    return today, []


def _number(ctx: Context, user: str, local: datetime) -> str:
    return f"{person_key(str(ctx.config['oa_id']), user)}-{local:%Y%m%d}"


def _messages(ctx: Context, number: str) -> list[dict[str, Any]]:
    kept = ctx.last_raw(number)
    return list(json.loads(kept)["messages"]) if kept else []


def _kept(event: Event) -> dict[str, Any]:
    return {
        "event": event.name, "msg_id": event.message_id, "at": int(event.at.timestamp() * 1000),
        "message": dict(event.message),
    }  # fmt: skip


def _at(one: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(one["at"] / 1000, UTC)


def recipient(ctx: Context, number: str) -> str | None:
    """The person to answer; None where the report's bytes are gone."""
    kept = ctx.last_raw(number)
    return None if kept is None else (str(json.loads(kept).get("user") or "") or None)


# Reading ----------------------------------------------------------------------------------------------


def record(item: RawItem) -> Record:
    """The report of one thread, or of one request to forget. Raises `BadRecord`."""
    try:
        thread = clean_json(item.content)
        if "withdrawn" in thread:
            return _withdrawal(thread)
        messages = thread["messages"]
        told, files, place = [], [], Location()
        for one in messages:
            told += _words(one)
            files += _files(one)
            place = _place(one) or place
        return Record(
            external_id=thread["number"], occurred_at=_at(messages[0]), updated_at=_at(messages[-1]),
            subject=_subject(messages), body="\n".join(told), location=place, attachments=tuple(files),
            status=SourceStatus.NEW, volatile=("updated_at",),
        )  # fmt: skip
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
        OverflowError,
        OSError,
    ) as error:
        raise BadRecord(f"a message of unknown form ({type(error).__name__})", field="message") from error


def _kind(one: Mapping[str, Any]) -> str:
    return str(one["event"]).removeprefix("user_send_")


def _words(one: Mapping[str, Any]) -> list[str]:
    text = str(one["message"].get("text") or "").strip()
    if _kind(one) == "text":
        return [text] if text else []
    mark = _NAMES.get(_kind(one), (f"[{_kind(one)}]", "", ""))[0]
    return [f"{mark} {text}".strip()]


def _subject(messages: list[Mapping[str, Any]]) -> str:
    texts = (str(one["message"].get("text") or "").strip() for one in messages)
    first = next((text for text in texts if text), "")
    line = first.splitlines()[0] if first else "Tin nhắn Zalo không có chữ"
    return line if len(line) <= 100 else f"{line[:99].rstrip()}…"


def _payloads(one: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = one["message"].get("attachments") or ()
    payloads = (part.get("payload") for part in found if isinstance(part, Mapping))
    return [payload for payload in payloads if isinstance(payload, Mapping)]


def _files(one: Mapping[str, Any]) -> list[Attachment]:
    _, name, ending = _NAMES.get(_kind(one), ("", "tep", "bin"))
    if not name:
        return []
    files = []
    for number, payload in enumerate(_payloads(one), start=1):
        url = str(payload.get("url") or "")
        if url.startswith(("https://", "http://")):
            given = str(payload.get("name") or f"{name}-{one['msg_id'][:8]}-{number}.{ending}")
            files.append(Attachment(url, given))
    return files


def _place(one: Mapping[str, Any]) -> Location | None:
    for payload in _payloads(one):
        at = payload.get("coordinates")
        if isinstance(at, Mapping):
            try:
                return Location(lat=float(at["latitude"]), lng=float(at["longitude"]))
            except (KeyError, TypeError, ValueError, OverflowError):
                return None  # the words are there all the same
    return None


# Forgetting -------------------------------------------------------------------------------------------


def withdrawal(ctx: Context, event: Event) -> RawItem:
    """A person's wish to be forgotten, as a report of its own that somebody has to settle."""
    key = person_key(str(ctx.config["oa_id"]), event.user)
    stamp = int(event.at.timestamp() * 1000)
    asked = {"v": 1, "number": f"xoa-{key}-{stamp}", "withdrawn": key, "at": stamp}
    return RawItem(json.dumps(asked, sort_keys=True).encode(), ref="user_withdraw")


def _withdrawal(asked: Mapping[str, Any]) -> Record:
    key = asked["withdrawn"]
    return Record(
        external_id=asked["number"],
        occurred_at=_at(asked),
        subject=f"Yêu cầu xoá dữ liệu cá nhân của người dùng Zalo {key[:8]}",
        body=(
            f"Người dùng Zalo {key} đã rút lại đồng ý và yêu cầu xoá dữ liệu cá nhân. "
            f"Các phản ánh của người này trên kênh Zalo có mã bắt đầu bằng {key}. "
            "Hãy xoá dữ liệu cá nhân trong các phản ánh đó theo quy định, ghi lại việc đã làm, "
            "rồi kết thúc vụ việc."
        ),
        status=SourceStatus.NEW,
    )
