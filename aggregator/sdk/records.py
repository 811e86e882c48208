"""What a connector brings: reports as their source has them, and the bytes that they were read from.

Promise: a `Batch` carries the evidence (`RawItem`, `RawPage`) beside what was made of it, so that nothing
a citizen sent is lost where the mapping was wrong. Connectors import it from `aggregator.sdk.contract`.
"""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from aggregator.domain.marks import few_marks
from aggregator.errors import BadRecord

#: Opaque, versioned JSON owned by the connector. ``None`` is "never polled". Advance it only from
#: data seen, never from the local clock (I1), and leave an overlap: portal times are coarse.
Cursor = Mapping[str, Any]


class SourceStatus(enum.StrEnum):
    """A report's state as its source shows it, in our words. `UNMAPPED` is never a guess."""

    NEW = "new"
    ACCEPTED = "accepted"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    NEEDS_INFO = "needs_info"
    RESOLVED = "resolved"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"
    REOPENED = "reopened"
    UNMAPPED = "unmapped"


def meaning_of(raw: str | None, status_map: Mapping[str, SourceStatus]) -> SourceStatus:
    """What a map makes of a source's status word; unknown or missing is `UNMAPPED`."""
    if raw is None:
        return SourceStatus.UNMAPPED
    raw = raw.strip()
    # Portals write the same letters in two ways, and a page may change from one to the other.
    composed = unicodedata.normalize("NFC", few_marks(raw))
    return status_map.get(raw) or status_map.get(composed, SourceStatus.UNMAPPED)


@dataclass(frozen=True, slots=True)
class Person:
    """Who reported. Personal data: encrypted at rest, never logged (I12)."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    address: str | None = None
    id_number: str | None = None
    anonymous: bool = False


@dataclass(frozen=True, slots=True)
class Location:
    """Where the problem is, as far as the source says."""

    address: str | None = None
    lat: float | None = None
    lng: float | None = None
    #: Official code of the new ward, only where the source gives one it vouches for.
    ward_code: str | None = None
    #: District, ward or area as free text, old or new.
    area: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file at the source. `ref` is what `fetch_attachment` needs; it is stable over polls."""

    ref: str
    filename: str
    content_type: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that the source shows, ours or somebody else's."""

    body: str
    at: datetime | None = None
    author: str | None = None
    remote_ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One report as the source has it now. Times are aware; texts are as the source wrote them."""

    external_id: str
    occurred_at: datetime
    subject: str
    body: str
    kind: Literal["feedback", "proposal"] = "feedback"
    updated_at: datetime | None = None
    person: Person = Person()
    location: Location = Location()
    category_raw: str | None = None
    urgency_raw: str | None = None
    status_raw: str | None = None
    status: SourceStatus = SourceStatus.UNMAPPED
    #: The deadline that the source itself set, shown beside ours and never overwritten (I5).
    due_at: datetime | None = None
    url: str | None = None
    attachments: tuple[Attachment, ...] = ()
    answers: tuple[Answer, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    #: Names of fields (of this class, or ``extra.<key>``) that may change without being news: view
    #: counters, "seen" flags. Left out of the revision hash.
    volatile: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RawItem:
    """The raw bytes of one record, enough for `Connector.remap` to read it again without network."""

    content: bytes
    content_type: str = "application/json"
    #: Position inside its page: ``"data[3]"``, ``"row 17"``.
    ref: str = ""


@dataclass(frozen=True, slots=True)
class RawPage:
    """What came over the wire, kept whole so that nothing the citizen sent can be lost."""

    content: bytes
    content_type: str
    #: Address without user, password and query values.
    url: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """A record that could not be mapped: it goes to quarantine with its bytes, the batch goes on."""

    item: RawItem
    error: BadRecord


@dataclass(frozen=True, slots=True)
class Batch:
    """One page of records, committed whole with its cursor or not at all (I1).

    ``records[i]`` came from ``items[i]``. ``source_count`` is the source's own total where it gives
    one. ``complete`` is true on the last batch of a poll. ``gone`` names reports that the source was asked
    for, or that its whole list held before, and that it does not have: only where that means it.

    `listed` and `shape` are evidence of what was seen, for the watch over drift (`domain.drift`): without
    them an empty page of a connector that leaves out what it knows looks like a quiet night.
    """

    records: tuple[Record, ...]
    items: tuple[RawItem, ...]
    next_cursor: Cursor | None
    pages: tuple[RawPage, ...] = ()
    problems: tuple[Problem, ...] = ()
    source_count: int | None = None
    complete: bool = False
    gone: tuple[str, ...] = ()
    #: Rows that the source listed on the pages behind this batch, those known and left out included.
    #: None: not counted. Over a whole poll a list that is in order never falls to nothing.
    listed: int | None = None
    #: A short mark of the page's structure (its key paths, its tags and classes; never its contents),
    #: the same for as long as the page is built the same way. None: not taken.
    shape: str | None = None

    def __post_init__(self) -> None:
        if len(self.records) != len(self.items):
            raise ValueError("each record needs the raw item that it came from")


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """One attachment's bytes (bounded by the session's ``max_bytes``)."""

    content: bytes
    content_type: str
    filename: str
