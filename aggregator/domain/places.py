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
    12 Lê Lợi                          no ward                         nothing, unless a street rule says
    phường Bến Thành                   name of today, and an old ward with other land: likely, not sure

What was learned (`street_rules`, `gazetteer`) is asked only where the text leaves several wards open, or
names none, and only after the coordinates: first what officers decided about this street, which may be
sure, then in which of the open wards alone the street is known, which never is.

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
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from aggregator.domain.address import Address, as_written, best_address
from aggregator.domain.gazetteer import NOTHING, Gazetteer
from aggregator.domain.place_table import Named, Names, NewWard, OldWard, Table, table
from aggregator.domain.point import in_viet_nam, point
from aggregator.domain.street_rules import CONTESTED, Old, Ruling, StreetRules, number_of
from aggregator.domain.text import fold

__all__ = ["ASKS", "AUTOMATIC", "Learned", "Lesson", "PlaceGuess", "lesson", "resolve"]

AUTOMATIC = 0.9
"""A guess from here on may move a report without a person, if it is the only one."""

ASKS = CONTESTED
"""A learned guess from here on is shown to the officer, who decides."""

SCANNED = 4_000
"""Characters of each text that are read: people name the place early."""

_SURE, _LIKELY, _OPEN, _WEAK = 0.95, 0.8, 0.5, 0.1
_MENTIONS = 12


@dataclass(frozen=True, slots=True)
class PlaceGuess:
    """One ward of today that a text may mean; `old_unit` is the old ward it was read from.

    `by`: what decided, "text", "position", "rule" (officers' decisions) or "streets" (the gazetteer).
    """

    ward_code: str
    name: str
    confidence: float
    reason_vi: str
    reason_en: str
    old_unit: str | None
    by: str = "text"


@dataclass(frozen=True, slots=True)
class Learned:
    """What this office has learned about its streets."""

    rules: StreetRules = field(default_factory=StreetRules)
    streets: Gazetteer = NOTHING

    def __bool__(self) -> bool:
        return bool(self.rules or self.streets)


_UNTAUGHT = Learned()


@dataclass(frozen=True, slots=True)
class _Mention:
    """A ward word with a name: where it stands, and the old districts that may go with it."""

    kind: str
    key: str
    start: int
    end: int
    beside: bool
    districts: frozenset[int] = frozenset()

    def seen(self, districts: frozenset[int], beside: bool) -> _Mention:
        """The same mention with what the rest of the text says of it (`replace` takes six times as long)."""
        return _Mention(self.kind, self.key, self.start, self.end, beside, districts)


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
        yield ward if after is None else ward.seen(after, ward.beside)


# --- what a mention may mean -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Where:
    """What besides the text may decide."""

    province: str
    texts: tuple[str, ...]
    at: tuple[float, float] | None
    learned: Learned

    def street(self) -> tuple[str, int | None] | None:
        """Street and number on it."""
        found = _address(self.texts, self.learned.streets)
        return (found.street, number_of(found.house)) if found and found.street else None


def _address(texts: Sequence[str], streets: Gazetteer) -> Address | None:
    """The place that the texts name, the first of them being an address field."""
    return best_address(texts[0], "\n".join(texts[1:]), streets) if texts else None


def _meanings(mention: _Mention, places: Table, where: _Where) -> dict[str, PlaceGuess]:
    """The wards of today that one mention may mean, by code."""
    found, is_open, old, off = _by_name(where.province, mention.kind, mention.key, mention.districts)
    if not is_open or mention.beside:
        return found
    return _decided(found, old, off, places, where)


@lru_cache(maxsize=2_000)  # an office's reports name the same wards over and over
def _by_name(
    province: str, kind: str, name: str, districts: frozenset[int]
) -> tuple[dict[str, PlaceGuess], bool, tuple[OldWard, ...], float]:
    """What the names alone say: the guesses, whether they are open, the old wards, what a wrong kind costs.

    The guesses are shared by all who ask: nobody may change them.
    """
    places = table(province)
    assert places
    mention = _Mention(kind, name, 0, 0, False, districts)
    old, exact = _former_wards(mention, places)
    off = 0.0 if exact else 0.1
    new = [ward for ward in places.new.get(name, ()) if ward.kind == kind]
    meaning = _in_district if districts else _without_district
    return (*meaning(mention, old, new, off, places), tuple(old), off)


def _former_wards(mention: _Mention, places: Table) -> tuple[list[OldWard], bool]:
    """The old wards of this name, and whether their kind is the one that was written."""
    named = [one for one in places.old.get(mention.key, ()) if _fits(one, mention)]
    # A name that a ward still had in 2025 is that ward's, not that of one merged away before.
    living = {one.ward.district.id for one in named if not one.merged}
    named = [one for one in named if not one.merged or one.ward.district.id not in living]
    alike = [one for one in named if one.kind == mention.kind]
    return [one.ward for one in alike or named], bool(alike)


def _fits(one: Named, mention: _Mention) -> bool:
    return not mention.districts or one.ward.district.id in mention.districts


#: What a mention may mean, and whether it is open between wards that one old ward's name leaves.
_Found = tuple[dict[str, PlaceGuess], bool]


def _in_district(
    mention: _Mention, old: list[OldWard], new: list[NewWard], off: float, places: Table
) -> _Found:
    # A new name may stand with the old district, where the ward has land of it.
    own = [ward for ward in new if places.came_from[ward.code] & mention.districts]
    targets = {code: ward for ward in old for code in ward.targets}
    if not targets:
        return {ward.code: _today(ward, _SURE if own else _OPEN, doubt=not own) for ward in own or new}, False
    others = [ward for ward in own if ward.code not in targets]
    if len(targets) == 1 and not others and not off:
        return {code: _former(places, code, ward, _SURE) for code, ward in targets.items()}, False
    confidence = (_LIKELY if len(targets) == 1 else _OPEN) - off
    guesses = {code: _former(places, code, ward, confidence) for code, ward in targets.items()}
    named = {ward.code: _today(ward, _OPEN, doubt=True) for ward in others}
    return named | guesses, len(targets) > 1 and not named


def _without_district(
    mention: _Mention, old: list[OldWard], new: list[NewWard], off: float, places: Table
) -> _Found:
    targets = {code: ward for ward in old for code in ward.targets}
    if new:
        elsewhere = {code: ward for code, ward in targets.items() if code not in {n.code for n in new}}
        doubt = bool(elsewhere) or len(new) > 1
        found = {code: _former(places, code, ward, 0.3) for code, ward in elsewhere.items()}
        today = {ward.code: _today(ward, _LIKELY if doubt else _SURE, doubt=doubt) for ward in new}
        return found | today, False
    if len(targets) == 1 and not mention.key.isdigit():
        return {code: _former(places, code, ward, 0.92 - off) for code, ward in targets.items()}, False
    weak = _WEAK if mention.key.isdigit() else 0.4
    return {code: _former(places, code, ward, weak, alone=True) for code, ward in targets.items()}, True


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


# --- what else decides --------------------------------------------------------------------------------


def _decided(
    found: dict[str, PlaceGuess], old: Sequence[OldWard], off: float, places: Table, where: _Where
) -> dict[str, PlaceGuess]:
    """What an old name leaves open, with one of them chosen by coordinates, a rule or a known street."""
    if where.at and (code := _by_position(list(found), places, where.at)):
        why = ("toạ độ gần nơi này hơn hẳn", "the coordinates are clearly nearer to it")
        return found | {code: _chosen(found[code], AUTOMATIC + 0.02 - off, why, "position")}
    street = where.street() if where.learned else None
    if street is None:
        return found
    if ruling := _by_rule(found, old, street, where.learned.rules):
        guess = _chosen(found[ruling.ward_code], ruling.confidence - off, _decisions(ruling), "rule")
    elif code := _by_known_street(found, street[0], where.learned.streets):
        why = ("đường này chỉ được biết ở đó", "of these it is the only one known to have this street")
        guess = _chosen(found[code], ASKS, why, "streets")
    else:
        return found
    return found if _far_away(guess, places, where.at) else found | {guess.ward_code: guess}


def _chosen(guess: PlaceGuess, confidence: float, why: tuple[str, str], by: str) -> PlaceGuess:
    vi, en = f"{guess.reason_vi}; {why[0]}", f"{guess.reason_en}; {why[1]}"
    return replace(guess, confidence=confidence, reason_vi=vi, reason_en=en, by=by)


def _decisions(ruling: Ruling) -> tuple[str, str]:
    """Why a rule says so, in Vietnamese and in English."""
    vi = f"cán bộ đã xếp đường này vào đó {ruling.count} lần"
    en = f"officers put this street there, {ruling.count} so far"
    if ruling.against:
        vi, en = f"{vi}, nơi khác {ruling.against} lần", f"{en}, elsewhere {ruling.against}"
    return vi, en


def _by_rule(
    found: Iterable[str], old: Iterable[OldWard], street: tuple[str, int | None], rules: StreetRules
) -> Ruling | None:
    """The ruling on this street that holds under any of the old wards, where they do not differ."""
    given = [rules.ruling((ward.code, ward.title), *street) for ward in old]
    fitting = [one for one in given if one and one.ward_code in found]
    return fitting[0] if len({one.ward_code for one in fitting}) == 1 else None


def _by_known_street(found: Iterable[str], street: str, streets: Gazetteer) -> str | None:
    known = [code for code in found if streets.knows(street, code)]
    return known[0] if len(known) == 1 else None


#: How much nearer the nearest centre must be, as a share of the way to the second; and how far from it
#: a point may lie, in radii of a circle of the ward's area (wards are no circles).
_CLEARLY, _REACH = 0.5, 1.5


def _by_position(codes: Sequence[str], places: Table, at: tuple[float, float]) -> str | None:
    """The ward whose centre the point is clearly nearest to, None where that decides nothing."""
    ranked = sorted((_distance(at, places.wards[code]), code) for code in codes)
    if len(ranked) < 2:
        return None
    (first, code), (second, _) = ranked[:2]
    near = first <= _REACH * places.wards[code].radius_km
    return code if near and first <= _CLEARLY * second else None


def _unnamed(folded: Sequence[str], sent_to: str | None, places: Table, where: _Where) -> PlaceGuess | None:
    """What officers decided about the street of a report that names no ward."""
    decided = where.learned.rules.streets(sent_to) if sent_to else frozenset[str]()
    if sent_to is None or not any(one.split(" x ")[0] in text for one in decided for text in folded):
        return None
    street = where.street()
    ruling = where.learned.rules.ruling(sent_to, *street) if street else None
    ward = places.wards.get(ruling.ward_code) if ruling else None
    if ruling is None or ward is None:
        return None
    vi, en = _decisions(ruling)
    guess = PlaceGuess(ward.code, ward.name, ruling.confidence, vi, en, None, "rule")
    named = [ids for text in folded for _, ids in _districts_of(text, places)]
    elsewhere = any(not ids & places.came_from[ward.code] for ids in named)
    return None if elsewhere or _against(guess, sent_to, places, where.at) else guess


def _against(guess: PlaceGuess, sent_to: str, places: Table, at: tuple[float, float] | None) -> bool:
    """Whether the coordinates speak against a rule that would take a report from where it was sent."""
    if at is None or sent_to not in places.wards:
        return False
    pair = sorted({guess.ward_code, sent_to})
    return _far_away(guess, places, at) or _by_position(pair, places, at) == sent_to != guess.ward_code


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
    learned: Learned = _UNTAUGHT,
    sent_to: str | None = None,
) -> tuple[PlaceGuess, ...]:
    """The wards of today that the texts may mean, best first; empty where they name none. Never raises.

    `province` is the code of today's province ("79"). The first text is the address field, or None.
    `sent_to`: the ward of the channel, whose officers' decisions hold where no ward is named.
    """
    places = table(province)
    parts = tuple(text[:SCANNED] for text in texts if text)
    if places is None:
        return ()
    folded = [fold(part) for part in parts]
    wards = [_wards_of(text, places) for text in folded]
    where = _Where(province, _with_field(texts), _position(lat, lng), learned)
    if not any(wards):
        guess = _unnamed(folded, sent_to, places, where) if learned.rules else None
        return (guess,) if guess else ()
    mentions = _mentions(folded, wards, places)
    meanings = [(found, one.beside) for one in mentions if (found := _meanings(one, places, where))]
    return _together(meanings, places, where.at)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a decision about a report teaches: old ward, where the text names one, street, house number."""

    old: Old | None
    street: str
    written: str
    house: int | None


def lesson(*texts: str | None, province: str, ward_code: str, streets: Gazetteer = NOTHING) -> Lesson | None:
    """What is learned of a report that an officer says is in `ward_code`, the address first.

    None where no street is named, or where the ward that the text names never had land in that ward: such
    a report was mistaken, and the next one of its street need not be.
    """
    places = table(province)
    read = _with_field(texts)
    named = _address(read, streets)
    if places is None or named is None or named.street is None:
        return None
    folded = [fold(text) for text in read]
    mentions = list(_mentions(folded, [_wards_of(text, places) for text in folded], places))
    old = {
        one for mention in mentions for one in _former_wards(mention, places)[0] if ward_code in one.targets
    }
    if mentions and len(old) != 1:
        return None
    about = next(((one.code, one.title) for one in old), None)
    wordings = (unicodedata.normalize("NFC", text)[named.start : named.end] for text in read)
    written = (as_written(wording, named.street) for wording in wordings)
    return Lesson(about, named.street, next(filter(None, written), named.street), number_of(named.house))


def _with_field(texts: Sequence[str | None]) -> tuple[str, ...]:
    """The texts that there are, the address field in front even where it is empty."""
    field, *others = (text[:SCANNED] if text else "" for text in texts or ("",))
    return (field, *filter(None, others))


def _position(lat: float | None, lng: float | None) -> tuple[float, float] | None:
    found = point(lat, lng)
    return found if found and in_viet_nam(*found) else None


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
            yield one.seen(one.districts or only, one.beside or doubtful)


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
    vi, en = "nhưng văn bản còn chỉ nơi khác", "but the report also points elsewhere"
    return replace(
        guess, confidence=0.6, reason_vi=f"{guess.reason_vi}; {vi}", reason_en=f"{guess.reason_en}; {en}"
    )
