"""One GeoReport row into a record, with what its updates said.

What may surprise: a row is kept as JSON whatever format it came in, its updates with it, so that it maps
again without network; an ``updated_datetime`` before the request itself is a server's slip and is left
out; ``status_notes`` of a closed request are an answer where the endpoint has no updates of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aggregator.sdk.answers import clean_json
from aggregator.sdk.contract import (
    Answer,
    Attachment,
    BadRecord,
    Context,
    Location,
    Person,
    RawItem,
    Record,
    SourceStatus,
)
from aggregator.sdk.links import file_name
from aggregator.sdk.open311.wire import Row, text_of

#: Our field -> where it stands in a row; dots lead into tables. A manifest's ``map`` goes over it.
FIELDS: Mapping[str, str] = {
    "subject": "title",
    "body": "description",
    "category": "service_name",
    "urgency": "",
    "address": "address",
    "area": "",
    "ward_code": "",
    "name": "",
    "phone": "phone",
    "email": "email",
}
_FILES = ("media_url", "media_urls")


def item_of(row: Row, updates: Sequence[Row], ref: str) -> RawItem:
    """The raw item that `record_of` reads, its updates inside."""
    kept = {**row, "_updates": list(updates)} if updates else row
    return RawItem(json.dumps(kept, ensure_ascii=False).encode(), "application/json", ref)


def record_of(ctx: Context, item: RawItem, where: Mapping[str, str]) -> Record:
    """The record of one kept row; `where` as `FIELDS`. Raises `BadRecord` naming the field."""
    row = _read(item)
    id_ = text_of(row, "service_request_id")
    if not id_:
        raise BadRecord("a request without an id", field="service_request_id")
    created = _time(ctx, row, "requested_datetime", id_)
    if created is None:
        raise BadRecord(f"request {id_} has no time", field="requested_datetime", external_id=id_)
    updated = _time(ctx, row, "updated_datetime", id_)
    body = _at(row, where["body"])
    status_raw = text_of(row, "status") or None
    return Record(
        external_id=id_,
        occurred_at=created,
        updated_at=updated if updated and updated >= created else None,
        due_at=_time(ctx, row, "expected_datetime", id_),
        subject=_at(row, where["subject"]) or text_of(row, "service_name") or body[:120],
        body=body,
        person=_person(row, where),
        location=_location(row, where),
        category_raw=_at(row, where["category"]) or None,
        urgency_raw=_at(row, where["urgency"]) or None,
        status_raw=status_raw,
        status=_status(ctx, status_raw),
        attachments=tuple(_attachments(row)),
        answers=tuple(_answers(ctx, row, updated)),
        extra={
            name: value for name in ("agency_responsible", "service_code") if (value := text_of(row, name))
        },
    )


def _status(ctx: Context, raw: str | None) -> SourceStatus:
    """Servers write "open" in any letters; a channel's own entry is the word as it came."""
    known = ctx.status_of(raw)
    return ctx.status_of(raw.lower()) if raw and known is SourceStatus.UNMAPPED else known


def _read(item: RawItem) -> Row:
    try:
        row = clean_json(item.content)
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"{item.ref}: not JSON") from error
    if not isinstance(row, dict):
        raise BadRecord(f"{item.ref}: not a request")
    return row


def _at(row: Mapping[str, Any], path: str) -> str:
    *tables, name = path.split(".")
    for part in tables:
        below = row.get(part)
        row = below if isinstance(below, Mapping) else {}
    return text_of(row, name) if name else ""


def moment(text: str, ctx: Context) -> datetime | None:
    """The instant in UTC; a time without zone is the endpoint's local time. None for no ISO time."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=ctx.zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _time(ctx: Context, row: Row, name: str, id_: str) -> datetime | None:
    text = text_of(row, name)
    if not text:
        return None
    at = moment(text, ctx)
    if at is None:
        raise BadRecord(f"request {id_}: {name} is no time", field=name, external_id=id_)
    return at


def _person(row: Row, where: Mapping[str, str]) -> Person:
    whole = " ".join(part for part in (text_of(row, "last_name"), text_of(row, "first_name")) if part)
    name = _at(row, where["name"]) or whole or None
    phone, email = _at(row, where["phone"]) or None, _at(row, where["email"]) or None
    return Person(name=name, phone=phone, email=email, anonymous=not (name or phone or email))


def _location(row: Row, where: Mapping[str, str]) -> Location:
    lat, lng = _degrees(row, "lat", 90), _degrees(row, "long", 180)
    both = lat is not None and lng is not None and (lat, lng) != (0.0, 0.0)
    return Location(
        address=_at(row, where["address"]) or None,
        lat=lat if both else None,
        lng=lng if both else None,
        ward_code=_at(row, where["ward_code"]) or None,
        area=_at(row, where["area"]) or None,
    )


def _degrees(row: Row, name: str, limit: float) -> float | None:
    try:
        degrees = float(text_of(row, name) or "nan")
    except ValueError:
        return None
    return degrees if -limit <= degrees <= limit else None


def _attachments(row: Row) -> Iterator[Attachment]:
    for name in _FILES:
        value = row.get(name)
        for url in value if isinstance(value, list) else [value]:
            if isinstance(url, str) and url.strip().lower().startswith(("http://", "https://")):
                yield Attachment(url.strip(), file_name(url.strip()) or "tep-dinh-kem")


def _answers(ctx: Context, row: Row, updated: datetime | None) -> Iterator[Answer]:
    updates = row.get("_updates") or ()
    for update in updates:
        if body := text_of(update, "description"):
            at = moment(text_of(update, "updated_datetime"), ctx)
            yield Answer(body, at, remote_ref=text_of(update, "update_id") or None)
    notes = text_of(row, "status_notes")
    if notes and not updates:
        yield Answer(notes, updated, text_of(row, "agency_responsible") or None)
