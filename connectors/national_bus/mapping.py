"""Items of the bus into records, and answers into items: pure, no network.

    result[] -> rows of one id -> Entry(id, digest) -> Record

What may surprise: the list service gives no dates in the one public client, so the instant of a
report is the first time we saw it; that instant travels inside the raw item, so that a replay years
later still says the same, and it is `volatile`, so that it is never news. One question may come as
several rows, one for each answer; they are one record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from aggregator.sdk.contract import (
    Answer,
    BadRecord,
    Location,
    Person,
    PushCommand,
    RawItem,
    Record,
    SourceStatus,
)
from connectors.national_bus.settings import BusSettings

_SUBJECT_CHARS = 120


@dataclass(frozen=True, slots=True)
class Entry:
    """All rows of one id as the list has them now. `digest` changes when any of them does."""

    key: str
    rows: tuple[Any, ...]
    digest: str
    position: int


def entries(items: Sequence[Any], settings: BusSettings) -> list[Entry]:
    """The list grouped by id, in the list's order; an item without an id stands for itself."""
    grouped: dict[str, list[tuple[int, Any]]] = {}
    for position, item in enumerate(items):
        grouped.setdefault(_key(item, settings), []).append((position, item))
    found = []
    for key, members in grouped.items():
        rows = sorted({canonical(item): item for _, item in members}.items())
        digest = hashlib.sha256("\n".join(text for text, _ in rows).encode()).hexdigest()[:16]
        found.append(Entry(key, tuple(item for _, item in rows), digest, members[0][0]))
    return found


def has_ids(items: Sequence[Any], settings: BusSettings) -> bool:
    """Whether any item carries the id field: if none does, the service has changed."""
    return any(text_in(item, settings.fields["id"]) for item in items if isinstance(item, Mapping))


def _key(item: Any, settings: BusSettings) -> str:
    found = text_in(item, settings.fields["id"]) if isinstance(item, Mapping) else ""
    return found or "?" + hashlib.sha256(canonical(item).encode()).hexdigest()[:15]


def canonical(value: Any) -> str:
    """JSON that is equal for equal content, whatever the key order."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def text_in(item: Mapping[str, Any], field: str) -> str:
    """The item's value as trimmed text; empty where missing. Keys are met in any letter case."""
    if not field:
        return ""
    value = item.get(field)
    if value is None:
        wanted = field.upper()
        value = next((v for k, v in item.items() if k.upper() == wanted), None)
    if value is None or isinstance(value, (dict, list)):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def holds(item: Mapping[str, Any], field: str) -> bool:
    """Whether the item has this field at all, in any letter case."""
    return field.upper() in (key.upper() for key in item)


# -- reading -------------------------------------------------------------------------------------


def raw_item(entry: Entry, observed_at: datetime) -> RawItem:
    """What is kept of an entry: its rows as they came, and when we first saw it."""
    content = canonical({"observed_at": observed_at.astimezone(UTC).isoformat(), "rows": entry.rows})
    return RawItem(content.encode(), "application/json", f"result[{entry.position}]")


def record_of(
    item: RawItem,
    settings: BusSettings,
    *,
    zone: ZoneInfo,
    status_of: Callable[[str | None], SourceStatus],
    categories: Mapping[str, str],
) -> Record:
    """The record of one raw item. Raises `BadRecord` naming the field."""
    observed_at, rows = _unpack(item)
    first, fields = rows[0], settings.fields
    external_id = text_in(first, fields["id"])
    if not external_id:
        raise BadRecord(f"{item.ref} has no {fields['id']}", field=fields["id"])
    body = text_in(first, fields["body"])
    if not body:
        raise BadRecord(
            f"item {external_id} has no text in {fields['body']}",
            field=fields["body"],
            external_id=external_id,
        )
    created = _moment(text_in(first, fields["created"]), settings, zone, fields["created"], external_id)
    category = text_in(first, fields["category"])
    status_raw = text_in(first, fields["status"]) or None
    return Record(
        external_id=external_id,
        occurred_at=created or observed_at,
        subject=text_in(first, fields["subject"]) or _subject(body),
        body=body,
        kind=cast(Literal["feedback", "proposal"], settings.kind),
        person=_person(first, fields),
        location=Location(address=text_in(first, fields["address"]) or None),
        category_raw=categories.get(category, category) or None,
        status_raw=status_raw,
        status=status_of(status_raw),
        answers=answers_of(rows, settings, zone),
        extra=_extra(first, fields, category, created is not None),
        volatile=() if created else ("occurred_at",),
    )


def _unpack(item: RawItem) -> tuple[datetime, list[Mapping[str, Any]]]:
    try:
        kept = json.loads(item.content)
        observed_at = datetime.fromisoformat(kept["observed_at"])
        rows = kept["rows"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadRecord(f"{item.ref} is not a kept item of this connector: {error!r}") from error
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise BadRecord(f"{item.ref} is not an object with fields")
    return observed_at, rows


def _person(row: Mapping[str, Any], fields: Mapping[str, str]) -> Person:
    return Person(
        name=text_in(row, fields["name"]) or None,
        phone=text_in(row, fields["phone"]) or None,
        email=text_in(row, fields["email"]) or None,
        address=text_in(row, fields["address"]) or None,
    )


def _extra(row: Mapping[str, Any], fields: Mapping[str, str], category: str, dated: bool) -> dict[str, Any]:
    extra = {key: text_in(row, fields[key]) for key in ("unit_code", "unit_name", "procedure")}
    extra["category_code"] = category
    extra["occurred_at_from"] = "source" if dated else "first observed"
    return {key: value for key, value in extra.items() if value}


def _subject(body: str) -> str:
    """The first line, cut between words: the services seen have no title field."""
    line = body.splitlines()[0].strip()
    if len(line) <= _SUBJECT_CHARS:
        return line
    return line[:_SUBJECT_CHARS].rsplit(" ", 1)[0] + "…"


def _moment(
    text: str, settings: BusSettings, zone: ZoneInfo, field: str, external_id: str
) -> datetime | None:
    if not text:
        return None
    for form in settings.date_formats:
        try:
            return datetime.strptime(text, form).replace(tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    raise BadRecord(
        f"item {external_id}: {field} has no known date form", field=field, external_id=external_id
    )


def answers_of(rows: Iterable[Any], settings: BusSettings, zone: ZoneInfo) -> tuple[Answer, ...]:
    """The answers in the rows, each once. ``TRALOIID`` 0 is the bus's way of saying "none"."""
    fields = settings.fields
    found: dict[tuple[str, str], Answer] = {}
    for row in rows:
        body = text_in(row, fields["answer"]) if isinstance(row, Mapping) else ""
        if not body:
            continue
        ref = text_in(row, fields["answer_id"])
        at = _answered_at(text_in(row, fields["answered_at"]), settings, zone)
        author = text_in(row, fields["answered_by"]) or None
        found.setdefault((ref, body), Answer(body, at, author, ref if ref.strip("0-") else None))
    # The bus gives no order; ids grow, and a stable order keeps an unchanged item unchanged.
    return tuple(found[key] for key in sorted(found, key=lambda key: (len(key[0]), key)))


def _answered_at(text: str, settings: BusSettings, zone: ZoneInfo) -> datetime | None:
    try:
        return _moment(text, settings, zone, settings.fields["answered_at"], "")
    except BadRecord:
        return None  # the answer's day is a detail; its text must not be lost for it


def category_names(rows: Iterable[Any], settings: BusSettings) -> dict[str, str]:
    """Code to name, from the shared dictionary."""
    code, name = settings.category_fields["code"], settings.category_fields["name"]
    pairs = ((text_in(row, code), text_in(row, name)) for row in rows if isinstance(row, Mapping))
    return {key: value for key, value in pairs if key and value}


# -- answering -----------------------------------------------------------------------------------


def answer_item(command: PushCommand, settings: BusSettings, zone: ZoneInfo) -> dict[str, str]:
    """One entry of ``data[]``."""
    names = settings.answer_fields
    values = {
        "id": command.external_id,
        "unit_code": settings.madonvi,
        "author": command.author_name or settings.answerer_name,
        "title": command.author_title or settings.answerer_title,
        "at": command.at.astimezone(zone).strftime(settings.answer_date_format),
        "body": command.body,
    }
    return {names[key]: value for key, value in values.items() if names[key]}
