"""What is compared of a report, and the keys under which it is found again.

Reading and keys live together because they promise each other something: two reports of one place get
at least one key in common, however each of them wrote it. What may surprise: the keys are bare numbers
(the kind in the top bits), so that an index of them holds nothing that could be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from sys import intern
from typing import NamedTuple

from aggregator.domain.address import Place, field_place, places, preferred, ward_named
from aggregator.domain.kinds import kinds
from aggregator.domain.personal import comparable
from aggregator.domain.point import point
from aggregator.domain.street_likeness import is_spot, street_root
from aggregator.domain.street_names import as_written
from aggregator.domain.text import clean, content_of, digest63, fold, key_of, tokens, tokens_of

__all__ = ["Traits", "keys", "lookup_keys", "traits"]


@dataclass(frozen=True, slots=True)
class Traits:
    """Everything about one report that is compared; no personal data but a blind index of the phone."""

    report_id: int
    received_at: datetime
    ward: str | None
    category: str | None
    house: str | None
    street: str | None
    lat: float | None
    lng: float | None
    phone: str | None
    text: str
    content: int
    channel: str
    legal: bool = False
    anonymous: bool = False
    # The kinds of problem that the words name, as bits of `kinds`; 0 where they name none.
    kinds: int = 0
    # The words in which the report names its place; known of a report that was just read.
    wording: str | None = None
    # Of a stored report: the case it belongs to.
    case_id: int | None = None
    case_open: bool = True
    closed_at: datetime | None = None
    case_size: int = 1

    @property
    def written(self) -> str | None:
        """The street as the report writes it, with accents, where that is known."""
        return as_written(self.wording, self.street) if self.wording and self.street else None

    def settled(self, case_id: int) -> Traits:
        """The report as one of a case, for later ones to be compared with, cheaper than by `replace`."""
        return Traits(
            self.report_id, self.received_at, self.ward, self.category, self.house, self.street, self.lat,
            self.lng, self.phone, self.text, self.content, self.channel, self.legal, self.anonymous,
            self.kinds, case_id=case_id, case_open=self.case_open, closed_at=self.closed_at,
            case_size=self.case_size,
        )  # fmt: skip


# --- reading a report ------------------------------------------------------------------------------


def traits(
    *,
    report_id: int,
    received_at: datetime,
    subject: str,
    body: str,
    address: str | None,
    lat: float | None,
    lng: float | None,
    ward: str | None,
    category: str | None,
    phone: str | None,
    channel: str,
    legal: bool = False,
    anonymous: bool = False,
    closed_at: datetime | None = None,
) -> Traits:
    """What is compared of one report. `phone` is a blind index; coordinates are those of `point`."""
    text = clean(f"{subject}\n{body}"[:_TEXT_READ])
    folded = fold(text)
    found = places(text, folded)
    field = clean(address) if address else ""
    place = preferred(field_place(field) if field else None, found)
    at = point(lat, lng)
    words = tokens_of(comparable(text, folded))
    told = set() if _only_repeats(words, category) else _without_places(_without_measures(words), found)
    return Traits(
        report_id=report_id,
        received_at=received_at,
        # The same few names stand in a million reports: each is held once.
        ward=intern(ward) if ward else _ward_in_words(text, folded, field, place, found),
        category=_telling(category),
        house=intern(place.house) if place and place.house else None,
        street=intern(place.street) if place and place.street else None,
        lat=at[0] if at else None,
        lng=at[1] if at else None,
        phone=phone or None,
        text=key_of(told),
        content=content_of(_body_of(words, subject)),
        channel=intern(channel),
        legal=legal,
        anonymous=anonymous,
        kinds=kinds(words) if told else kinds_of(category),
        closed_at=closed_at,
        wording=(text if place in found else field)[place.start : place.end] if place else None,
    )


_LEAST_COPIED = 8


def _body_of(words: list[str], subject: str) -> list[str]:
    """The words below the subject, which another channel may lose or change; all of a short text."""
    body = words[_length(subject) :] if subject else words
    return body if len(body) >= _LEAST_COPIED else words


@lru_cache(maxsize=4096)
def _length(subject: str) -> int:
    return len(tokens(clean(subject)))


_TEXT_READ = 20_000
"""Characters of subject and body that are compared; portals cap reports well below."""

_CATCH_ALL = frozenset(
    {"", "khac", "linh vuc khac", "cac linh vuc khac", "chua phan loai", "other", "others"}
)


@lru_cache(maxsize=512)
def _telling(category: str | None) -> str | None:
    """The category, or None for one that says nothing."""
    return None if category is None or fold(category).strip() in _CATCH_ALL else intern(category)


@lru_cache(maxsize=512)
def _words_of(category: str) -> frozenset[str]:
    return frozenset(tokens(category))


def _only_repeats(words: list[str], category: str | None) -> bool:
    """Whether the text is but the category's name, as of a portal that lets people choose and not write."""
    return category is not None and len(words) <= _NAME_WORDS and _words_of(category).issuperset(words)


_NAME_WORDS = 12


@lru_cache(maxsize=512)
def kinds_of(category: str | None) -> int:
    """The kinds of problem that the name of a category tells, 0 for none."""
    return kinds(tokens(category)) if category else 0


_WARD_TITLE = re.compile(r"(?:phuong|xa|dac khu|thi tran|p\.?|x\.?)\s+(?=[^\W\d])")


@lru_cache(maxsize=4096)
def ward_name(ward: str) -> str:
    """A code as it is; a name folded and without its title, so that "P. Diên Hồng" is "Phường Diên Hồng"."""
    return intern(ward if ward.isdigit() else _WARD_TITLE.sub("", fold(clean(ward)).strip(), count=1))


def _ward_in_words(text: str, folded: str, field: str, place: Place | None, found: list[Place]) -> str | None:
    """The ward that the words name beside the place, where the report says none."""
    if place is None:
        return None
    if place in found:
        name = ward_named(text, folded, place, field=False)
    else:
        name = ward_named(field, fold(field), place, field=True)
    return intern(name) if name else None


# Units that no street begins with (năm and hộ do: Nam Kỳ Khởi Nghĩa, Hồ Tùng Mậu), and what a date or a time
# begins with; folded.
_COUNTED = frozenset(["thang", "ngay", "gio", "phut", "tuan", "dem", "nguoi", "met", "km", "cm", "kg"])
_DATED = frozenset(["ngay", "luc", "thang", "hom"])
_MEASURED = re.compile(r"\d{1,2}[hg]\d{0,2}|\d+(?:cm|m|km|kg)")
_PARTS_OF_A_DATE = 3


def _without_measures(words: list[str]) -> list[str]:
    """The words without durations, dates, times of day and lengths: two people never give the same."""
    kept, date = [], 0
    for at, word in enumerate(words):
        if not word[0].isdigit():
            kept.append(word)
            date = _PARTS_OF_A_DATE if word in _DATED else 0
        elif date:
            date -= 1
        elif not _MEASURED.fullmatch(word) and (at + 1 == len(words) or words[at + 1] not in _COUNTED):
            kept.append(word)
    return kept


def _without_places(words: list[str], found: list[Place]) -> set[str]:
    """The words without street names, which are compared as a field; numbers stay, of houses and of streets.

    They stay because two filled-in copies of one template differ in nothing else.
    """
    names = {word for place in found if place.street for word in place.street.split() if word.isalpha()}
    return set(words) - names


# --- keys ------------------------------------------------------------------------------------------

_CONTENT, _HOUSE, _STREET, _NUMBERED_STREET, _CELL, _PHONE, _ANY_STREET = range(1, 8)
_KEY_BITS = 60
_KEY_MASK = (1 << _KEY_BITS) - 1
_CELL_DEGREES = 0.0015
"""About 167 m north to south, 160 m east to west: within 150 m two reports are in one cell or neighbours."""


@lru_cache(maxsize=256)  # of the page at hand, which is looked up and then stored
def _key(kind: int, data: str) -> int:
    return kind << _KEY_BITS | digest63(data) & _KEY_MASK


def _cell_key(row: int, column: int) -> int:
    return _CELL << _KEY_BITS | row << 30 | column


def _cell(t: Traits) -> tuple[int, int] | None:
    if t.lat is None or t.lng is None:
        return None
    return int((t.lat + 91) / _CELL_DEGREES), int((t.lng + 181) / _CELL_DEGREES)


class _Street(NamedTuple):
    """The keys of one street in one ward: of its reports without a house, and of those with one.

    `nameless` is that of a street whose ward is not named, `anywhere` of one whose ward is any.
    """

    root: str
    is_spot: bool
    bare: int
    numbered: int
    nameless: int
    anywhere: int


@lru_cache(maxsize=16384)
def _street(ward: str | None, street: str) -> _Street:
    root = street_root(street)
    here = f"{ward_name(ward) if ward else ''} {root}"
    found = ((_STREET, here), (_NUMBERED_STREET, here), (_STREET, f" {root}"), (_ANY_STREET, f" {root}"))
    return _Street(root, is_spot(street), *(_key(kind, data) for kind, data in found))


def _house_key(t: Traits, street: _Street) -> int | None:
    # The alley's first number, so that "hẻm 123" and "123/4/5" meet. A junction or a market is found like
    # a house, whether or not the ward is known.
    spot = t.house.split("/", 1)[0] if t.house else "x" if street.is_spot else None
    return _key(_HOUSE, f"{spot} {street.root}") if spot else None


def _shared_keys(t: Traits) -> list[int]:
    # A title of three words is shared by thousands; as a key it would only crowd out better candidates.
    found = [_CONTENT << _KEY_BITS | t.content & _KEY_MASK] if t.text.count(" ") >= 3 else []
    if t.phone:
        found.append(_key(_PHONE, t.phone))
    return found


def keys(t: Traits) -> tuple[int, ...]:
    """The hashes this report is stored under, at most five, each in a signed 64-bit column and positive.

    Content, phone, street and house number, street in its ward, street anywhere if without a house, geo cell.
    """
    found = _shared_keys(t)
    if t.street:
        street = _street(t.ward, t.street)
        house = _house_key(t, street)
        if house is not None:
            found.append(house)
        found.append(street.numbered if t.house else street.bare)
        if not t.house and not street.is_spot:
            found.append(street.anywhere)  # meets its namesake where one of the two names no ward
    cell = _cell(t)
    if cell:
        found.append(_cell_key(*cell))
    return tuple(found)


#: How many days back a key is followed. A street or a neighbourhood says "same problem" only while it is
#: fresh; the same house, the same words or the same caller may come back to an old matter.
BROAD_DAYS, PRECISE_DAYS = 60, 400

#: The longest posting list that is read. Older reports under a crowded key are found by its other keys.
PER_KEY = 20

AROUND = 24
"""The cells around a spot are read together up to so many reports, the newest: where a neighbourhood has
more in two months, what is older is found by its address, its words or its caller."""


class Lookups(NamedTuple):
    """The hashes under which candidates for a new report are looked up, at most fourteen.

    `precise` are followed `PRECISE_DAYS` back, `street` and `cells` `BROAD_DAYS`.
    """

    precise: list[int]
    street: list[int]
    cells: list[int]


def lookups(t: Traits) -> Lookups:
    """Where to look for a new report: under its own keys, and around.

    Around are the eight cells beside its own, and the reports of its street that name no house; one that
    names no house itself also meets those that do.
    """
    precise, around = _shared_keys(t), list[int]()
    if t.street:
        street = _street(t.ward, t.street)
        house = _house_key(t, street)
        if house is not None:
            precise.append(house)
        around.append(street.bare)
        if not t.house:
            around.append(street.numbered)
        if not street.is_spot:
            around.append(street.nameless if t.ward else street.anywhere)
    cell = _cell(t)
    if cell is None:
        return Lookups(precise, around, [])
    first = _cell_key(cell[0] - 1, cell[1] - 1)
    return Lookups(precise, around, [first + step for step in _NINE_CELLS])


_NINE_CELLS = tuple(_cell_key(dy, dx) - _cell_key(0, 0) for dy in range(3) for dx in range(3))


def lookup_keys(t: Traits) -> dict[int, int]:
    """All `lookups`, each with the number of days that it is followed back."""
    found = lookups(t)
    return dict.fromkeys(found.precise, PRECISE_DAYS) | dict.fromkeys(found.street + found.cells, BROAD_DAYS)


def is_cell(key: int) -> bool:
    """Whether the key stands for a place on the map."""
    return key >> _KEY_BITS == _CELL


def newest_around(numbers: Iterable[int]) -> list[int]:
    """Of the reports around a spot the newest, `AROUND` at most; the higher the number, the newer."""
    return sorted(numbers)[-AROUND:]


def day_of(at: datetime) -> int:
    """The day number that posting lists are ordered by (days since 1970, UTC)."""
    return int(at.timestamp() // 86_400)
