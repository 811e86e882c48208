"""One row of a sheet -> one Record. Pure: no file, no clock, no network.

    settings -> Layout (checked once) -> layout.bind(headings) -> RowReader -> Record | BadRecord

What may surprise: a cell that cannot be read makes a problem only where a report would be wrong
without it (its id, its date, a coordinate). A missing title or text does not: sources send reports
that are only a category and a place, and refusing them would hide a citizen.

Where no column is mapped to `external_id`, the id is derived from what the row says (date, texts,
place, person) and not from its position or state, so a re-sorted or updated export finds the same
report again. Two rows that agree in all of these are one report, and an edited text is a new one.
"""

from __future__ import annotations

import difflib
import hashlib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aggregator.domain.marks import few_marks
from aggregator.sdk.contract import BadRecord, ConfigInvalid, Location, Person, Record, SourceStatus
from aggregator.sdk.record_map import kind_named
from aggregator.sdk.sheet_drop.cells import NOTHING, date_reader, flag, number
from aggregator.sdk.sheet_drop.headings import FIELDS, key
from aggregator.sdk.values import short

__all__ = ["Layout", "RowReader"]

#: The order in which a row's values are kept while it is read.
_ORDER = tuple(FIELDS)
_AT = {field: position for position, field in enumerate(_ORDER)}
#: What a report is recognised by where it has no id: not its state, and no typed cell.
_IDENTITY = tuple(
    _AT[f]
    for f in (
        "received_at",
        "subject",
        "body",
        "category",
        "address",
        "area",
        "ward",
        "name",
        "phone",
        "email",
    )
)
_PERSON = ("name", "phone", "email", "anonymous")
_PLACE = ("address", "area", "ward", "lat", "lng")
#: No system of any ward is older; an older date is a typing error or an empty cell's "1900-01-00".
_FIRST_YEAR = 1990
_LAST_YEAR = 2100  # for deadlines, which lie ahead
_NO_PERSON = Person()
_NO_PLACE = Location()


@dataclass(frozen=True, slots=True)
class Layout:
    """A channel's mapping, checked: which heading fills which field, and how values are written."""

    columns: Mapping[str, str]
    defaults: Mapping[str, str]
    zone: ZoneInfo
    dates: tuple[str, ...]
    decimal_comma: bool

    @classmethod
    def of(cls, config: Mapping[str, Any], zone: ZoneInfo) -> Layout:
        """Read the settings; `ConfigInvalid` names what is wrong and the nearest right word."""
        columns, formats, defaults = (dict(config.get(k) or {}) for k in ("columns", "formats", "defaults"))
        _known("columns", columns, FIELDS)
        _known("formats", formats, ("timezone", "dates", "decimal_comma"))
        _known("defaults", defaults, FIELDS)
        if not columns:
            raise ConfigInvalid(
                "columns: nothing is mapped", hint="say which heading holds which field, at least received_at"
            )
        if "received_at" not in columns:
            raise ConfigInvalid(
                "columns: received_at is missing",
                hint="map the column with the date of the report: without it no deadline can be counted",
            )
        for field in ("external_id", "received_at"):
            if field in defaults:
                raise ConfigInvalid(f"defaults: {field} differs from report to report and has no default")
        dates = tuple(formats.get("dates") or ())
        return cls(columns, defaults, _zone(formats, zone), dates, bool(formats.get("decimal_comma", False)))

    def bind(self, headings: Sequence[str], file: str, status_of: Callable[[str], SourceStatus]) -> RowReader:
        """A reader for rows under these headings (as `headings.named` gives them)."""
        return RowReader(self, headings, file, status_of)


def _known(table: str, given: Mapping[str, Any], known: Sequence[str] | Mapping[str, Any]) -> None:
    for word in given:
        if word not in known:
            near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.4)
            nearest = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigInvalid(f"{table}: {word!r} is unknown{nearest}", hint=f"known: {', '.join(known)}")


def _zone(formats: Mapping[str, Any], default: ZoneInfo) -> ZoneInfo:
    name = formats.get("timezone")
    if not name:
        return default
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigInvalid(
            f"formats: timezone {name!r} is unknown", hint="write it as Asia/Ho_Chi_Minh"
        ) from error


class RowReader:
    """Reads the rows of one file. Call it with a row's cells; they must be as many as the headings."""

    def __init__(
        self, layout: Layout, headings: Sequence[str], file: str, status_of: Callable[[str], SourceStatus]
    ) -> None:
        position: dict[str, int] = {}
        for index, heading in enumerate(headings):
            position.setdefault(key(heading), index)
        self._slots = [
            (_AT[field], position[key(heading)])
            for field, heading in layout.columns.items()
            if key(heading) in position
        ]
        self._blank = [layout.defaults.get(field, "") for field in _ORDER]
        given = layout.columns.keys() | layout.defaults.keys()
        self._derived_id = "external_id" not in layout.columns
        self._has_person = not given.isdisjoint(_PERSON)
        self._has_place = not given.isdisjoint(_PLACE)
        self._date = date_reader(layout.zone, layout.dates)
        self._decimal_comma = layout.decimal_comma
        self._status_of = status_of
        self._file = file

    def __call__(self, cells: Sequence[str], row: int, latest: datetime) -> Record:
        """The row's report. Raises `BadRecord` that names file, row, field and value.

        `latest` is the last instant at which a report can have been received.
        """
        values = self._blank.copy()
        for at, column in self._slots:
            if value := cells[column].strip():
                values[at] = value
        (external_id, due, received, subject, body, category, kind, address, ward, area, lat, lng,
         name, phone, email, anonymous, status, urgency, url) = values  # fmt: skip
        if not external_id:
            external_id = self._id(values, row)
        kind_read = kind_named(kind) if kind else "feedback"
        extra: dict[str, Any] = {}
        if kind_read is None:
            # "Khiếu nại", "Tố cáo": another procedure, which is not ours to choose here. Kept for intake.
            extra["kind"] = kind
        if url and not url.lower().startswith(("https://", "http://")):
            extra["url"], url = url, ""  # shown as a link, so "javascript:" must not pass as one
        return Record(
            external_id=external_id,
            occurred_at=self._received(received, row, external_id, latest),
            subject=subject,
            body=body,
            kind=kind_read or "feedback",
            person=self._person(name, phone, email, anonymous) if self._has_person else _NO_PERSON,
            location=self._place(address, ward, area, lat, lng, row, external_id)
            if self._has_place
            else _NO_PLACE,
            category_raw=category or None,
            urgency_raw=urgency or None,
            status_raw=status or None,
            status=self._status_of(status) if status else SourceStatus.UNMAPPED,
            due_at=self._due(due, row, external_id) if due else None,
            url=url or None,
            extra=extra,
        )

    def _id(self, values: Sequence[str], row: int) -> str:
        if not self._derived_id:
            raise self._bad(row, "external_id", "is empty", "give the row its number from the source")
        text = "\x1f".join(" ".join(values[at].split()) for at in _IDENTITY)
        return (
            "row-" + hashlib.sha256(unicodedata.normalize("NFC", few_marks(text)).encode()).hexdigest()[:20]
        )

    def _received(self, cell: str, row: int, external_id: str, latest: datetime) -> datetime:
        if not cell:
            raise self._bad(row, "received_at", "is empty", "fill in the date of the report", external_id)
        found = self._date(cell)
        if found is None:
            raise self._no_date(row, "received_at", cell, external_id)
        if found.year < _FIRST_YEAR or found > latest:
            when = "before 1990" if found.year < _FIRST_YEAR else "in the future"
            raise self._bad(
                row,
                "received_at",
                f"{short(cell)} is {when}",
                "correct the date, or name the right form in [formats] dates",
                external_id,
            )
        return found

    def _due(self, cell: str, row: int, external_id: str) -> datetime | None:
        if cell.lower() in NOTHING:
            return None
        found = self._date(cell)
        if found is None or not _FIRST_YEAR <= found.year <= _LAST_YEAR:
            raise self._no_date(row, "due_at", cell, external_id)
        return found

    def _place(
        self, address: str, ward: str, area: str, lat: str, lng: str, row: int, external_id: str
    ) -> Location:
        north = self._degrees(lat, "lat", 90.0, row, external_id) if lat else None
        east = self._degrees(lng, "lng", 180.0, row, external_id) if lng else None
        if north is None or east is None or (north == 0.0 and east == 0.0):
            north = east = None  # half a place is none, and 0, 0 is an empty form, in the Atlantic
        return Location(
            address=address or None,
            lat=north,
            lng=east,
            # A tool that took the code for a number wrote "27142.0".
            ward_code=ward.removesuffix(".0") or None,
            area=area or None,
        )

    def _degrees(self, cell: str, field: str, most: float, row: int, external_id: str) -> float | None:
        try:
            value = number(cell, decimal_comma=self._decimal_comma)
        except ValueError:
            value = most + 1
        if value is not None and abs(value) > most:
            raise self._bad(
                row,
                field,
                f"{short(cell)} is not a number of degrees",
                "write it as 10.776889, or say formats.decimal_comma = true",
                external_id,
            )
        return value

    def _person(self, name: str, phone: str, email: str, anonymous: str) -> Person:
        return Person(
            name=name or None,
            phone=phone or None,
            email=email or None,
            anonymous=bool(anonymous) and flag(anonymous),
        )

    def _no_date(self, row: int, field: str, cell: str, external_id: str) -> BadRecord:
        hint = "write it as 2026-11-22 14:30 or 22/11/2026 14:30, or name its form in [formats] dates"
        return self._bad(row, field, f"{short(cell)} is not a date", hint, external_id)

    def _bad(self, row: int, field: str, what: str, hint: str, external_id: str | None = None) -> BadRecord:
        return BadRecord(
            f"{self._file} row {row}: {field} {what}",
            field=field,
            row=row,
            external_id=external_id,
            hint=hint,
        )
