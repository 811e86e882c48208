"""A record as it is compared and stored: texts cleaned at the edge, and the hash that tells news.

The hash covers the mapped record without its volatile fields and without the answers the source
shows: our own answer coming back is no news from a citizen. Texts are compared as NFC with trimmed
white space, times as UTC, so that a portal re-encoding its pages makes no revisions.

What may surprise: the person goes into the hash through the vault's key. The hash is kept for good, in
the ledger too, and a plain one over a known text and ten unknown digits gives the telephone number
away to whoever tries them all (I12).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from aggregator.domain.point import point
from aggregator.domain.text import clean, sha256_of
from aggregator.sdk.contract import Attachment, BadRecord, Person, Record, SourceStatus

#: PostgreSQL's text index refuses longer words, and no citizen writes a megabyte by hand: what is
#: longer stays whole in the archived raw bytes.
MAX_TEXT = 100_000
MAX_LINE = 1_000
#: An index entry of PostgreSQL holds 2,700 bytes; ids and file references are unique by an index.
MAX_ID, MAX_REF = 500, 2_000
#: No portal is older, and none knows the future: beyond this a date is a slip (0001-01-01, 2206).
EARLIEST, AHEAD = datetime(1990, 1, 1, tzinfo=UTC), timedelta(days=366)
#: A deadline farther off is how portals write "none" (9999-12-31).
FARTHEST_DUE = timedelta(days=50 * 366)
#: How an attachment's reference begins that cannot be stored, and so not fetched.
UNUSABLE_REF = "unusable:"


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
    #: The kind that the source gives it where that is none of ours ("Tố cáo" in a clerk's spreadsheet).
    declared: str | None = None
    #: What of it was erased before and is not taken in again (`privacy.known_again`), None where nothing was.
    withheld: str | None = None


def understood(
    record: Record, zone: tzinfo, now: datetime, blind: Callable[[str, str], str]
) -> tuple[Canonical, str]:
    """The record's values and the hash that tells news; `BadRecord` where it can be no report."""
    try:
        values = canonical(record, zone)
        digest = revision_hash(record, blind)
    except (TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        # Not the error's own words: they may quote the person's data.
        raise BadRecord(f"a field is not of its type ({type(error).__name__})") from error
    if not values.external_id:
        raise BadRecord("no id", field="external_id")
    if len(values.external_id.encode()) > MAX_ID:
        raise BadRecord(f"an id of more than {MAX_ID} bytes", field="external_id")
    if not EARLIEST <= values.occurred_at <= now + AHEAD:
        shown = f"{values.occurred_at:%Y-%m-%d}"
        raise BadRecord(f"{shown} cannot be when it was sent", field="occurred_at",
                        external_id=values.external_id)  # fmt: skip
    return values, digest


def canonical(record: Record, zone: tzinfo) -> Canonical:
    """The record with every text safe for both databases and bounded; times without a zone are `zone`'s."""
    person, place = record.person, record.location
    occurred_at = _instant(record.occurred_at, zone)
    at = point(place.lat, place.lng)
    return Canonical(
        external_id=line(record.external_id) or "",
        kind=line(record.kind) or "feedback",
        occurred_at=occurred_at,
        subject=line(record.subject) or "",
        body=clean(record.body)[:MAX_TEXT].strip(),
        person=Person(
            line(person.name), line(person.phone), line(person.email), line(person.address),
            line(person.id_number), person.anonymous,
        ),
        address=line(place.address),
        area=line(place.area),
        lat=at[0] if at else None,
        lng=at[1] if at else None,
        category_raw=line(record.category_raw),
        urgency_raw=line(record.urgency_raw),
        status_raw=line(record.status_raw),
        status=SourceStatus(record.status),
        due_at=_deadline(record.due_at, zone, occurred_at),
        url=web_address(record.url),
        attachments=tuple(map(_attachment, record.attachments)),
        declared=line(str(record.extra.get("kind") or "")),
    )  # fmt: skip


def _instant(at: datetime, zone: tzinfo) -> datetime:
    return (at.replace(tzinfo=zone) if at.tzinfo is None else at).astimezone(UTC)


def _deadline(at: datetime | None, zone: tzinfo, occurred_at: datetime) -> datetime | None:
    if at is None:
        return None
    try:
        found = _instant(at, zone)
    except OverflowError:
        return None
    return found if found >= EARLIEST and found - occurred_at <= FARTHEST_DUE else None


def _attachment(item: Attachment) -> Attachment:
    """Bounded names; a reference that no database takes is kept as its digest, and cannot be fetched."""
    ref = item.ref
    raw = ref.encode("utf-8", "surrogatepass")
    if "\x00" in ref or len(raw) > MAX_REF or raw.decode("utf-8", "replace") != ref:
        ref = UNUSABLE_REF + hashlib.sha256(raw).hexdigest()
    size = item.size if item.size is not None and 0 <= item.size < 2**31 else None
    kind = line(item.content_type)
    return Attachment(ref, (line(item.filename) or "tệp")[:200], kind and kind[:200], size)


def line(text: str | None) -> str | None:
    """One bounded line without edges of white space; None where nothing is left."""
    if text is None:
        return None
    return clean(text)[:MAX_LINE].replace("\n", " ").replace("\t", " ").strip() or None


def web_address(url: str | None) -> str | None:
    """The link, where it is one that a browser may be given: never javascript: or data:."""
    found = line(url)
    return found if found and found.lower().startswith(("https://", "http://")) else None


def revision_hash(record: Record, blind: Callable[[str, str], str]) -> str:
    """SHA-256 over the mapped record minus volatile fields and answers (hex); the person keyed by `blind`."""
    skip = {"volatile", "answers", *record.volatile}
    values = {name: getattr(record, name) for name in Record.__dataclass_fields__ if name not in skip}
    if "extra" in values:
        values["extra"] = {key: value for key, value in record.extra.items() if f"extra.{key}" not in skip}
    if "person" in values:
        values["person"] = blind(_json(record.person), "person")
    return sha256_of(_json(values))


_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str).encode


def _json(value: Any) -> str:
    return _encode(_plain(value))


def _plain(value: Any) -> Any:
    # Most of a record is None, and every record of every poll comes through here.
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return clean(value).strip()
    if isinstance(value, datetime):
        return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    if isinstance(value, Mapping):
        return {clean(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(str(_plain(item)) for item in value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if (names := getattr(value, "__dataclass_fields__", None)) is not None:
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
