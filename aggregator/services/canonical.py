"""A record as it is compared and stored: texts cleaned at the edge, and the hash that tells news.

The hash covers the mapped record without its volatile fields and without the answers the source
shows: our own answer coming back is no news from a citizen. Texts are compared as NFC with trimmed
white space, times as UTC, so that a portal re-encoding its pages makes no revisions.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aggregator.domain.text import clean
from aggregator.sdk.contract import Attachment, Person, Record, SourceStatus

#: PostgreSQL's text index refuses longer words, and no citizen writes a megabyte by hand: what is
#: longer stays whole in the archived raw bytes.
MAX_TEXT = 100_000
MAX_LINE = 1_000


@dataclass(frozen=True, slots=True)
class Canonical:
    """Cleaned values of one record, ready for columns."""

    external_id: str
    kind: str
    occurred_at: datetime
    subject: str
    body: str
    person: Person
    address: str | None
    area: str | None
    lat: float | None
    lng: float | None
    category_raw: str | None
    urgency_raw: str | None
    status_raw: str | None
    status: SourceStatus
    due_at: datetime | None
    url: str | None
    attachments: tuple[Attachment, ...]


def canonical(record: Record) -> Canonical:
    """The record with every text safe for both databases and bounded in length."""
    person, place = record.person, record.location
    return Canonical(
        external_id=line(record.external_id) or "",
        kind=record.kind,
        occurred_at=record.occurred_at.astimezone(UTC),
        subject=line(record.subject) or "",
        body=clean(record.body)[:MAX_TEXT].strip(),
        person=Person(
            line(person.name), line(person.phone), line(person.email), line(person.address),
            line(person.id_number), person.anonymous,
        ),
        address=line(place.address),
        area=line(place.area),
        lat=_degrees(place.lat, 90),
        lng=_degrees(place.lng, 180),
        category_raw=line(record.category_raw),
        urgency_raw=line(record.urgency_raw),
        status_raw=line(record.status_raw),
        status=record.status,
        due_at=record.due_at.astimezone(UTC) if record.due_at else None,
        url=web_address(record.url),
        attachments=record.attachments,
    )  # fmt: skip


def line(text: str | None) -> str | None:
    """One bounded line without edges of white space; None where nothing is left."""
    if text is None:
        return None
    return clean(text)[:MAX_LINE].replace("\n", " ").replace("\t", " ").strip() or None


def web_address(url: str | None) -> str | None:
    """The link, where it is one that a browser may be given: never javascript: or data:."""
    found = line(url)
    return found if found and found.lower().startswith(("https://", "http://")) else None


def revision_hash(record: Record) -> str:
    """SHA-256 over the mapped record minus volatile fields and answers (hex)."""
    skip = {"volatile", "answers", *record.volatile}
    values = {name: getattr(record, name) for name in Record.__dataclass_fields__ if name not in skip}
    if "extra" in values:
        values["extra"] = {key: value for key, value in record.extra.items() if f"extra.{key}" not in skip}
    text = json.dumps(_plain(values), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value).strip()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _degrees(value: float | None, limit: int) -> float | None:
    if value is None or not math.isfinite(value) or abs(value) > limit:
        return None
    return value
