"""Which ward of today a text speaks of, with how sure that is and why.

Principles. A wrong ward is worse than none. A guess reaches `AUTOMATIC` only where every place the text
names agrees on one ward; everything else comes back as several guesses below it, for a person to read.
Only tables and the text decide, never a network. Everything is read from the folded text, so a copy
without accents gives the same guesses.

How it works. A ward word ("phường", "P.", "xã", "TT") and the longest known name or number after it is a
mention; the old district that goes with it is the one named next, else the only one named at all.

    Phường 13, Quận 3                  old ward, whole                 one guess, sure
    phường Nhiêu Lộc                   ward of today                   one guess, sure
    phường Nhiêu Lộc, quận 3           new name, old district          sure, as it has land of that district
    phường Tân Phú, quận 7             old ward (the new Tân Phú has no land of quận 7)
    P.13                               no district                     every Phường 13 there was, none sure
    xã Phạm Văn Hai, Bình Chánh        old ward, split                 each part, none sure, unless
                                       coordinates lie clearly nearer to one centre, or a street rule says
    phường Bến Thành                   name of today, and an old ward with other land: likely, not sure

Known exceptions. Seven pairs of wards differ in accents only (Thanh An, Thạnh An): both are guessed unless
the district decides. Two wards in one text are never sure. "Giáp phường X" names a neighbour. A district
alone, or a street alone, is no ward. Centres are points, not borders: coordinates decide only between the
parts of one old ward, and can otherwise only take certainty away.

Rejected: the package's own "default" part of a split ward (it is right more often than not, and wrong
silently); joining on ward codes (77 old codes of the city are another ward's today); a geocoder (it would
send citizens' addresses away).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from aggregator.domain.address import addresses
from aggregator.domain.place_table import Named, Names, NewWard, OldWard, Table, table
from aggregator.domain.text import fold

__all__ = ["AUTOMATIC", "PlaceGuess", "resolve"]

AUTOMATIC = 0.9
"""A guess from here on may move a report without a person, if it is the only one."""

SCANNED = 4_000
"""Characters of each text that are read: people name the place early."""

_SURE, _LIKELY, _OPEN, _WEAK = 0.95, 0.8, 0.5, 0.1
_MENTIONS = 12


@dataclass(frozen=True, slots=True)
class PlaceGuess:
    """One ward of today that a text may mean; `old_unit` is the old ward it was read from."""

    ward_code: str
    name: str
    confidence: float
    reason_vi: str
    reason_en: str
    old_unit: str | None


@dataclass(frozen=True, slots=True)
class _Mention:
    """A ward word with a name: where it stands, and the old districts that may go with it."""

    kind: str
    key: str
    start: int
    end: int
    beside: bool
    districts: frozenset[int] = frozenset()


# --- reading a text ----------------------------------------------------------------------------------

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


def _wards_of(folded: str, places: Table) -> list[_Mention]:
    """The wards that one text names, with the districts that stand right behind them without their word."""
    found: list[_Mention] = []
    for match in _WARD_WORD.finditer(folded):
        if name := _name_at(folded, match.end(), places.ward_names):
            beside = _BESIDE.search(folded[max(0, match.start() - 12) : match.start()]) is not None
            ids = _bare_district(folded, name[1], places)
            found.append(_Mention(_WARD_KIND[match[1]], name[0], match.start(), name[1], beside, ids))
            if len(found) == _MENTIONS:
                break
    return found


def _districts_of(folded: str, places: Table) -> list[tuple[int, frozenset[int]]]:
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
    wards: Sequence[_Mention], districts: Sequence[tuple[int, frozenset[int]]]
) -> Iterator[_Mention]:
    """Each ward with the district named after it and before the next ward, else the bare one it has."""
    for index, ward in enumerate(wards):
        until = wards[index + 1].start if index + 1 < len(wards) else math.inf
        after = next((ids for at, ids in districts if ward.end <= at < until), None)
        yield replace(ward, districts=after) if after is not None else ward


# --- what a mention may mean -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Where:
    """What besides the text may decide."""

    texts: tuple[str, ...]
    at: tuple[float, float] | None
    street_rules: Mapping[tuple[str, str], str]


def _meanings(mention: _Mention, places: Table, where: _Where) -> dict[str, PlaceGuess]:
    """The wards of today that one mention may mean, by code."""
    named = [one for one in places.old.get(mention.key, ()) if _fits(one, mention)]
    # A name that a ward still had in 2025 is that ward's, not that of one merged away before.
    living = {one.ward.district.id for one in named if not one.merged}
    named = [one for one in named if not one.merged or one.ward.district.id not in living]
    alike = [one for one in named if one.kind == mention.kind]
    off = 0.0 if alike else 0.1
    old = [one.ward for one in alike or named]
    new = [ward for ward in places.new.get(mention.key, ()) if ward.kind == mention.kind]
    if mention.districts:
        return _in_district(mention, old, new, off, places, where)
    return _without_district(mention, old, new, off, places)


def _fits(one: Named, mention: _Mention) -> bool:
    return not mention.districts or one.ward.district.id in mention.districts


def _in_district(
    mention: _Mention, old: list[OldWard], new: list[NewWard], off: float, places: Table, where: _Where
) -> dict[str, PlaceGuess]:
    # A new name may stand with the old district, where the ward has land of it.
    own = [ward for ward in new if places.came_from[ward.code] & mention.districts]
    targets = {code: ward for ward in old for code in ward.targets}
    if not targets:
        return {ward.code: _today(ward, _SURE if own else _OPEN, doubt=not own) for ward in own or new}
    others = [ward for ward in own if ward.code not in targets]
    if len(targets) == 1 and not others and not off:
        return {code: _former(places, code, ward, _SURE) for code, ward in targets.items()}
    if len(targets) > 1 and len(old) == 1 and not others:
        return _split(old[0], places, where, off)
    confidence = (_LIKELY if len(targets) == 1 else _OPEN) - off
    guesses = {code: _former(places, code, ward, confidence) for code, ward in targets.items()}
    return {ward.code: _today(ward, _OPEN, doubt=True) for ward in others} | guesses


def _without_district(
    mention: _Mention, old: list[OldWard], new: list[NewWard], off: float, places: Table
) -> dict[str, PlaceGuess]:
    targets = {code: ward for ward in old for code in ward.targets}
    if new:
        elsewhere = {code: ward for code, ward in targets.items() if code not in {n.code for n in new}}
        doubt = bool(elsewhere) or len(new) > 1
        found = {code: _former(places, code, ward, 0.3) for code, ward in elsewhere.items()}
        return found | {ward.code: _today(ward, _LIKELY if doubt else _SURE, doubt=doubt) for ward in new}
    if len(targets) == 1 and not mention.key.isdigit():
        return {code: _former(places, code, ward, 0.92 - off) for code, ward in targets.items()}
    weak = _WEAK if mention.key.isdigit() else 0.4
    return {code: _former(places, code, ward, weak, alone=True) for code, ward in targets.items()}


def _today(ward: NewWard, confidence: float, *, doubt: bool) -> PlaceGuess:
    vi, en = f"văn bản ghi {ward.name}", f"the text names {ward.name}"
    if doubt:
        vi += ", tên này cũng là của phường, xã cũ khác địa giới"
        en += ", which was also the name of an old ward with other borders"
    return PlaceGuess(ward.code, ward.name, confidence, vi, en, None)


def _former(places: Table, code: str, old: OldWard, confidence: float, *, alone: bool = False) -> PlaceGuess:
    name = places.wards[code].name
    if len(old.targets) > 1:
        vi = f"{old.title} cũ đã chia, một phần thuộc {name}"
        en = f"the former {old.title} was split, a part is in {name}"
    else:
        vi, en = f"{old.title} cũ nay thuộc {name}", f"the former {old.title} is now in {name}"
    if alone:
        vi, en = f"{vi}; văn bản không ghi quận, huyện", f"{en}; the text names no district"
    return PlaceGuess(code, name, confidence, vi, en, old.title)


# --- split wards -------------------------------------------------------------------------------------


def _split(old: OldWard, places: Table, where: _Where, off: float) -> dict[str, PlaceGuess]:
    """The parts of a split ward, all open unless a street rule or the coordinates decide."""
    guesses = {code: _former(places, code, old, _OPEN - off) for code in old.targets}
    if code := _by_street(old, where):
        why = ("theo quy ước đường phố", "by the rule for its street")
    elif code := _by_position(old, places, where):
        why = ("toạ độ gần phần này hơn hẳn", "the coordinates are clearly nearer to this part")
    if code:
        one = guesses[code]
        vi, en = f"{one.reason_vi}; {why[0]}", f"{one.reason_en}; {why[1]}"
        guesses[code] = PlaceGuess(code, one.name, AUTOMATIC + 0.02 - off, vi, en, one.old_unit)
    return guesses


def _by_street(old: OldWard, where: _Where) -> str | None:
    if not where.street_rules:
        return None
    streets = {found.street for text in where.texts for found in addresses(text) if found.street}
    ruled = {where.street_rules.get((old.code, street)) for street in streets} & set(old.targets)
    return ruled.pop() if len(ruled) == 1 else None


#: How much nearer the nearest centre must be, as a share of the way to the second; and how far from it
#: a point may lie, in radii of a circle of the ward's area (wards are no circles).
_CLEARLY, _REACH = 0.5, 1.5


def _by_position(old: OldWard, places: Table, where: _Where) -> str | None:
    """The part whose centre the point is clearly nearest to, None where that decides nothing."""
    if where.at is None:
        return None
    ranked = sorted((_distance(where.at, places.wards[code]), code) for code in old.targets)
    (first, code), (second, _) = ranked[:2]
    near = first <= _REACH * places.wards[code].radius_km
    return code if near and first <= _CLEARLY * second else None


def _distance(at: tuple[float, float], ward: NewWard) -> float:
    """Kilometres on a flat earth, good to a few metres within a city."""
    north = (ward.lat - at[0]) * 111.2
    east = (ward.lng - at[1]) * 111.2 * math.cos(math.radians(at[0]))
    return math.hypot(north, east)


def _far_away(guess: PlaceGuess, places: Table, at: tuple[float, float] | None) -> bool:
    ward = places.wards[guess.ward_code]
    return at is not None and ward.radius_km > 0 and _distance(at, ward) > 3 * ward.radius_km + 1


# --- all texts together ------------------------------------------------------------------------------


def resolve(
    *texts: str | None,
    province: str,
    lat: float | None = None,
    lng: float | None = None,
    street_rules: Mapping[tuple[str, str], str] | None = None,
) -> tuple[PlaceGuess, ...]:
    """The wards of today that the texts may mean, best first; empty where they name none. Never raises.

    `province` is the code of today's province ("79"). `street_rules`: (old ward code, folded street) ->
    code of one of the wards that the old one was split into.
    """
    places = table(province)
    parts = tuple(text[:SCANNED] for text in texts if text)
    if places is None:
        return ()
    folded = [fold(part) for part in parts]
    wards = [_wards_of(text, places) for text in folded]
    if not any(wards):
        return ()
    mentions = _mentions(folded, wards, places)
    where = _Where(parts, _position(lat, lng), street_rules or {})
    meanings = [(found, one.beside) for one in mentions if (found := _meanings(one, places, where))]
    return _together(meanings, places, where.at)


def _position(lat: float | None, lng: float | None) -> tuple[float, float] | None:
    if lat is None or lng is None or not (8 <= lat <= 24 and 102 <= lng <= 118):
        return None  # not in Viet Nam: swapped, 0,0, or not a number
    return lat, lng


def _mentions(
    folded: Sequence[str], wards: Sequence[Sequence[_Mention]], places: Table
) -> Iterator[_Mention]:
    """Every ward named, those without a district with the only district that all texts together name.

    Where they name several, or a place in another province, a ward without its own is doubtful.
    """
    districts = [_districts_of(text, places) for text in folded]
    named = {ids for found in districts for _, ids in found}
    away = frozenset() in named
    only = next(iter(named)) if len(named) == 1 else frozenset[int]()
    for found, near in zip(wards, districts, strict=True):
        for one in _with_districts(found, near):
            doubtful = away or (not one.districts and len(named) > 1)
            yield replace(one, districts=one.districts or only, beside=one.beside or doubtful)


def _together(
    meanings: Sequence[tuple[dict[str, PlaceGuess], bool]], places: Table, at: tuple[float, float] | None
) -> tuple[PlaceGuess, ...]:
    best: dict[str, PlaceGuess] = {}
    for found, _ in meanings:
        for code, guess in found.items():
            if code not in best or guess.confidence > best[code].confidence:
                best[code] = guess
    sure = {code for code, guess in best.items() if guess.confidence >= AUTOMATIC}
    agreed = len(sure) == 1 and all(sure <= found.keys() and not beside for found, beside in meanings)
    ranked = sorted(best.values(), key=lambda guess: (-guess.confidence, guess.ward_code))
    return tuple(
        guess if agreed and not _far_away(guess, places, at) else _doubted(guess) for guess in ranked
    )


def _doubted(guess: PlaceGuess) -> PlaceGuess:
    if guess.confidence < AUTOMATIC:
        return guess
    return PlaceGuess(
        guess.ward_code, guess.name, 0.6, f"{guess.reason_vi}; nhưng văn bản còn chỉ nơi khác",
        f"{guess.reason_en}; but the report also points elsewhere", guess.old_unit,
    )  # fmt: skip
