"""The portal's JSON in our words; pure, so that a kept record can be read again after a fix.

A report is two documents: its line in the list and its detail. Either may lack what the other has,
and the officer's detail wraps the report in ``gopY``; `Item` puts the parts in one order of trust.

Known exceptions, each from a client in use (see the package's history):
- the event's day and hour are two strings, in the portal's zone; the hour may be missing
- ``maTinhTrangXuLy`` is missing while a report is in progress; the label is there
- ``ngayHetHan`` is empty or epoch milliseconds; ``hanPhanHoi`` is a day, and lasts to its end
- ``ngayXuLy`` ends in ``.0``; coordinates are 0 where unknown, and may be text
- the id may be called ``id``, ``data.id`` or ``yKienId``
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.sdk.contract import (
    Answer,
    Attachment,
    BadRecord,
    Context,
    Location,
    Person,
    RawItem,
    Record,
)
from aggregator.sdk.echo import folded
from aggregator.sdk.http import clean_json

__all__ = ["CLOCK_SLACK", "Item", "answers_of", "digest", "id_of", "to_raw", "to_record"]

#: Counters and flags that change without being news; left out of what tells whether a report changed.
COUNTERS = frozenset(("quanTam", "binhLuan", "rate", "mauNen", "daXem", "thongBaoThoiHan", "soLuotDanhGia"))
_DAYS = ("%d/%m/%Y", "%Y-%m-%d", "%d-%m-%Y")
_HOURS = ("%H:%M", "%H:%M:%S", "%Hh%M")
_MIDNIGHT = datetime(1900, 1, 1)  # noqa: DTZ001 (only its hour is used)
_HANDLED = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.\d+)?")
#: An answer of the same words counts as ours only if it is not older than our order to send it, less what
#: portal clocks are known to be off (a wrong zone is 7 hours).
CLOCK_SLACK = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Item:
    """One report as it came: the list's line and, where it was read, the detail."""

    line: Mapping[str, Any]
    detail: Mapping[str, Any]

    def get(self, *names: str) -> Any:
        """The first value that is there: detail, the report inside it, then the list's line."""
        inner = self.detail.get("gopY")
        places = (self.detail, inner if isinstance(inner, Mapping) else {}, self.line)
        for place in places:
            for name in names:
                if place.get(name) not in (None, ""):
                    return place[name]
        return None

    def text(self, *names: str) -> str | None:
        """The value as text; None where it is missing or not a plain value."""
        value = self.get(*names)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return None
        return str(value).strip() or None


def id_of(data: Mapping[str, Any]) -> str | None:
    """The report's id under any of the names that the portal uses."""
    inner = data.get("data")
    for place in (data, inner if isinstance(inner, Mapping) else {}):
        for name in ("id", "yKienId", "gopYId"):
            value = place.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
                return str(value).strip()
    return None


def to_raw(line: Mapping[str, Any], detail: Mapping[str, Any] | None, ref: str) -> RawItem:
    """The bytes from which `to_record` can work again."""
    both = {"line": line, "detail": detail or {}}
    return RawItem(json.dumps(both, ensure_ascii=False).encode(), ref=ref)


def digest(data: Any) -> str:
    """A short mark that changes when the report's content does (counters left aside)."""
    kept = json.dumps(_without_counters(data), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(kept.encode()).hexdigest()[:16]


def _without_counters(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {k: _without_counters(v) for k, v in data.items() if k not in COUNTERS}
    if isinstance(data, list):
        return [_without_counters(v) for v in data]
    return data


def to_record(ctx: Context, raw: RawItem) -> Record:
    """The report in our words. Raises `BadRecord` naming the field that cannot be read."""
    item = _item_of(raw)
    external_id = id_of(item.line) or id_of(_mapping(item.detail.get("gopY")))
    if external_id is None:
        raise BadRecord(f"{raw.ref}: a report without id", field="id")
    try:
        return _record(ctx, item, external_id)
    except BadRecord as error:
        error.external_id = external_id
        raise


def _item_of(raw: RawItem) -> Item:
    try:
        both = clean_json(raw.content)
        return Item(_mapping(both["line"]), _mapping(both["detail"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadRecord(f"{raw.ref}: the kept record cannot be read: {error}") from error


def _record(ctx: Context, item: Item, external_id: str) -> Record:
    body = item.text("noiDung", "noiDungYKien") or ""
    subject = item.text("tieuDe") or body[:80]
    if not subject:
        raise BadRecord(f"report {external_id} has neither title nor text", field="tieuDe")
    answers = answers_of(item, ctx.zone)
    status_raw = item.text("maTinhTrangXuLy") or item.text("tinhTrangXuLy")
    link = str(ctx.config.get("report_url", ""))
    return Record(
        external_id=external_id,
        occurred_at=_occurred(item, ctx.zone, ctx.now()),
        updated_at=max((a.at for a in answers if a.at), default=None),
        subject=subject,
        body=body or subject,
        person=_person(item),
        location=_location(item),
        category_raw=item.text("tenChuDe", "tenLinhVuc"),
        urgency_raw=item.text("tenCapDoSuCo", "capDoSuCo"),
        status_raw=status_raw,
        status=ctx.status_of(status_raw),
        due_at=_due(item, ctx.zone),
        url=link.replace("{id}", external_id) or None,
        attachments=tuple(_attachments(item)),
        answers=answers,
        extra=_extra(item),
    )


def _extra(item: Item) -> dict[str, Any]:
    names = {"unit": "tenCoQuan", "rating": "danhGia", "rating_note": "noiDungDanhGia"}
    found = {ours: item.text(theirs) for ours, theirs in names.items()}
    processing = item.line.get("xuLyThongTinId")
    return {k: v for k, v in {**found, "processing_id": processing}.items() if v is not None}


# -- times ---------------------------------------------------------------------------------------


def _occurred(item: Item, zone: ZoneInfo, now: datetime) -> datetime:
    day_text, hour_text = item.text("ngayDienRa"), item.text("thoiGianDienRa")
    day = _parsed(day_text, _DAYS)
    if day is None:
        raise BadRecord(f"the event's day cannot be read: {day_text!r}", field="ngayDienRa")
    hour = _parsed(hour_text, _HOURS) if hour_text else _MIDNIGHT
    if hour is None:
        raise BadRecord(f"the event's hour cannot be read: {hour_text!r}", field="thoiGianDienRa")
    at = datetime.combine(day.date(), hour.time(), tzinfo=zone).astimezone(UTC)
    if day.year < 2000 or at > now + timedelta(days=1):
        raise BadRecord(f"the event's time is impossible: {day_text} {hour_text or ''}", field="ngayDienRa")
    return at


def _parsed(text: str | None, forms: Iterable[str]) -> datetime | None:
    for form in forms:
        try:
            return datetime.strptime(text or "", form)  # noqa: DTZ007 (day and hour get their zone together)
        except ValueError:
            continue
    return None


def _due(item: Item, zone: ZoneInfo) -> datetime | None:
    """The portal's own deadline: an instant where it gives one, else the end of the day it names."""
    stamp = item.text("ngayHetHan")
    if stamp and stamp.isdigit() and stamp.strip("0"):
        try:  # 18 digits are beyond every calendar, and "²" is a digit to Python
            return datetime.fromtimestamp(int(stamp[:18]) / 1000, UTC)
        except (OverflowError, OSError, ValueError) as error:
            raise BadRecord(f"the deadline is impossible: {stamp[:40]}", field="ngayHetHan") from error
    day = _parsed(item.text("hanPhanHoi"), _DAYS)
    return datetime.combine(day.date(), time(23, 59), tzinfo=zone).astimezone(UTC) if day else None


def _handled_at(text: Any, zone: ZoneInfo) -> datetime | None:
    match = _HANDLED.fullmatch(str(text or "").strip())
    if match is None:
        return None
    try:
        return datetime.fromisoformat(f"{match[1]} {match[2]}").replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


# -- people, places, files -----------------------------------------------------------------------


def _person(item: Item) -> Person:
    contact = Item({}, _mapping(item.get("thongTinLienHe")))
    if contact.get("isAnDanh") is True:
        return Person(anonymous=True)
    return Person(
        name=contact.text("tenDayDu", "hoTen"),
        phone=contact.text("soDienThoai"),
        email=contact.text("email"),
        address=contact.text("diaChi"),
    )


def _location(item: Item) -> Location:
    lat, lng = _degree(item.get("latitude"), 90), _degree(item.get("longitude"), 180)
    known = lat is not None and lng is not None
    return Location(
        address=item.text("noiDienRa"),
        lat=lat if known else None,
        lng=lng if known else None,
        area=item.text("tenPhuongXa", "phuongXa", "tenQuanHuyen", "quanHuyen"),
    )


def _degree(value: Any, limit: int) -> float | None:
    try:
        degree = float(value)
    except (TypeError, ValueError, OverflowError):  # a number of 400 digits is none on this earth
        return None
    return degree if 0 < abs(degree) <= limit else None


def _attachments(item: Item) -> Iterable[Attachment]:
    seen: set[str] = set()
    for name in ("hinhAnh", "hinhAnhs", "fileDinhKem", "videos"):
        value = item.get(name)
        for entry in value if isinstance(value, list) else [value]:
            url = entry.get("url") if isinstance(entry, Mapping) else entry
            if isinstance(url, str) and url and url not in seen:
                seen.add(url)
                title = entry.get("ten") if isinstance(entry, Mapping) else None
                yield Attachment(ref=url, filename=str(title or url.partition("?")[0].rsplit("/", 1)[-1]))


# -- answers -------------------------------------------------------------------------------------


def answers_of(item: Item, zone: ZoneInfo) -> tuple[Answer, ...]:
    """Every answer with words in it, as the portal orders them."""
    entries = item.get("thongTinXuLy")
    found = [
        Answer(
            body=str(entry["noiDungXuLy"]).strip(),
            at=_handled_at(entry.get("ngayXuLy"), zone),
            author=str(entry.get("tenCoQuan") or "") or None,
            remote_ref=str(entry["xuLyId"]) if entry.get("xuLyId") is not None else None,
        )
        for entry in (entries if isinstance(entries, Sequence) else ())
        if isinstance(entry, Mapping) and str(entry.get("noiDungXuLy") or "").strip()
    ]
    own = item.detail.get("noiDungXuLy")  # the officer's detail shows the unit's own answer beside the list
    if isinstance(own, str) and own.strip() and folded(own) not in [folded(a.body) for a in found]:
        found.append(Answer(body=own.strip()))
    return tuple(found)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
