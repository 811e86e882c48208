"""Which wards and old districts a text names, and where in it.

A ward word ("phường", "P.", "xã", "TT") and the longest known name or number after it is a mention; the old
district that goes with it is the one named next, else the only one named at all. Everything is read from
the folded text. What a mention may mean today is `places`' matter.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aggregator.domain.place_table import Names, Table

__all__ = ["Mention", "all_of", "districts_of", "wards_of"]

_MENTIONS = 12


@dataclass(frozen=True, slots=True)
class Mention:
    """A ward word with a name: where it stands, and the old districts that may go with it."""

    kind: str
    key: str
    start: int
    end: int
    beside: bool
    districts: frozenset[int] = frozenset()

    def seen(self, districts: frozenset[int], beside: bool) -> Mention:
        """The same mention with what the rest of the text says of it (`replace` takes six times as long)."""
        return Mention(self.kind, self.key, self.start, self.end, beside, districts)


_WARD_KIND = {
    "phuong": "phuong", "p": "phuong", "f": "phuong", "xa": "xa", "x": "xa",
    "thi tran": "thitran", "tt": "thitran", "dac khu": "dackhu",
}  # fmt: skip
_DISTRICT_KIND = {
    "quan": "quan", "q": "quan", "huyen": "huyen", "h": "huyen", "thi xa": "thixa", "tx": "thixa",
    "thanh pho": "thanhpho", "tp": "thanhpho", "tinh": "tinh",
}  # fmt: skip


def _any_of(kinds: Iterable[str], unless: str = "") -> str:
    # Looking back after the word, not before it, lets the search skip to first letters in C.
    return "|".join(rf"{word}(?![a-z])(?<![a-z0-9]{word}){unless}" for word in kinds)


# "Nguyễn Tri Phương", "địa phương": folded, the last word of these is a ward word.
_WARD = _any_of(_WARD_KIND, r"(?<!tri phuong)(?<!dia phuong)")
_WARD_WORD = re.compile(rf"({_WARD})[ .:\xa0]{{0,3}}")
_DISTRICT_WORD = re.compile(rf"({_any_of(_DISTRICT_KIND)})[ .:\xa0]{{0,3}}")
_WORD = re.compile(r"[ \-\xa0]{0,3}([a-z]+|\d{1,4})(?![/\d])")
_AFTER_WARD = re.compile(r"[\s,.;(\-]{0,4}")
_BESIDE = re.compile(r"(?:giap|giap ranh|gan|ke|canh|huong|sang|ve|qua|den|tu)\s{1,3}$")
_LISTED = re.compile(r",\s{0,3}(?=[a-z])")  # ", Đồng Nai" ends an address, "đường Đồng Nai" is a street
_LONGEST = 6


def _name_at(folded: str, pos: int, known: Names) -> tuple[str, int] | None:
    """The longest known name or number that starts at `pos`, and where it ends."""
    joined, best = "", None
    for _ in range(_LONGEST):
        match = _WORD.match(folded, pos)
        if match is None:
            break
        word = match[1]
        if not joined and word.isdigit():
            number, end = str(int(word)), match.end()
            glued = folded[end : end + 1].isalpha()
            return (number, end) if number in known.keys and not glued else None
        joined, pos = joined + word, match.end()
        if joined not in known.beginnings:
            break
        if joined in known.keys:
            best = joined, pos
    return best


def _districts_named(kind: str | None, name: str, places: Table) -> frozenset[int]:
    pairs = places.districts[name]
    alike = frozenset(district.id for each, district in pairs if each == kind)
    return alike or frozenset(district.id for _, district in pairs)


def wards_of(folded: str, places: Table) -> list[Mention]:
    """The wards that one text names, with the districts that stand right behind them without their word."""
    found: list[Mention] = []
    for match in _WARD_WORD.finditer(folded):
        if name := _name_at(folded, match.end(), places.ward_names):
            beside = _BESIDE.search(folded[max(0, match.start() - 12) : match.start()]) is not None
            ids = _bare_district(folded, name[1], places)
            found.append(Mention(_WARD_KIND[match[1]], name[0], match.start(), name[1], beside, ids))
            if len(found) == _MENTIONS:
                break
    return found


def districts_of(folded: str, places: Table) -> list[tuple[int, frozenset[int]]]:
    """The districts that one text names and where; one or a province elsewhere is the empty set."""
    found = []
    for match in _DISTRICT_WORD.finditer(folded):
        if name := _name_at(folded, match.end(), places.district_names):
            found.append((match.start(), _districts_named(_DISTRICT_KIND[match[1]], name[0], places)))
        elif _name_at(folded, match.end(), places.elsewhere):
            found.append((match.start(), frozenset[int]()))
    listed = (match.end() for match in _LISTED.finditer(folded))
    if any(_name_at(folded, at, places.other_provinces) for at in listed):
        found.append((len(folded), frozenset[int]()))
    return found


def _bare_district(folded: str, end: int, places: Table) -> frozenset[int]:
    """ "xa ba diem hoc mon", "phường Hiệp Bình Chánh, Thủ Đức": a district without its word."""
    gap = _AFTER_WARD.match(folded, end)
    found = _name_at(folded, gap.end() if gap else end, places.district_names)
    if found is None or found[0].isdigit():
        return frozenset()
    return _districts_named(None, found[0], places)


def _with_districts(
    wards: Sequence[Mention], districts: Sequence[tuple[int, frozenset[int]]]
) -> Iterator[Mention]:
    """Each ward with the district named after it and before the next ward, else the bare one it has."""
    for index, ward in enumerate(wards):
        until = wards[index + 1].start if index + 1 < len(wards) else math.inf
        after = next((ids for at, ids in districts if ward.end <= at < until), None)
        yield ward if after is None else ward.seen(after, ward.beside)


def all_of(folded: Sequence[str], wards: Sequence[Sequence[Mention]], places: Table) -> Iterator[Mention]:
    """Every ward named, those without a district with the only district that all texts together name.

    Where they name several, or a place in another province, a ward without its own is doubtful.
    """
    districts = [districts_of(text, places) for text in folded]
    named = {ids for found in districts for _, ids in found}
    away = frozenset() in named
    only = next(iter(named)) if len(named) == 1 else frozenset[int]()
    for found, near in zip(wards, districts, strict=True):
        for one in _with_districts(found, near):
            doubtful = away or (not one.districts and len(named) > 1)
            yield one.seen(one.districts or only, one.beside or doubtful)
