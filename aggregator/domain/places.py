"""Which ward of today a text speaks of, with how sure that is and why.

Principles. A wrong ward is worse than none. A guess reaches `AUTOMATIC` only where every place the text
names agrees on one ward; everything else comes back as several guesses below it, for a person to read.
Only tables and the text decide, never a network. Everything is read from the folded text, so a copy
without accents gives the same guesses.

How it works. `place_mentions` finds the wards that a text names, each with the old district that goes with
it; here it is decided what they may mean today.

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

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from aggregator.domain import place_mentions
from aggregator.domain.address import Address, best_address
from aggregator.domain.gazetteer import NOTHING, Gazetteer
from aggregator.domain.place_mentions import Mention, districts_of, wards_of
from aggregator.domain.place_table import Named, NewWard, OldWard, Table, table
from aggregator.domain.point import in_viet_nam, point
from aggregator.domain.street_names import as_written
from aggregator.domain.street_rules import CONTESTED, Old, Ruling, StreetRules, number_of
from aggregator.domain.text import fold
from aggregator.domain.ward_centres import far_away, nearest

__all__ = ["ASKS", "AUTOMATIC", "Learned", "Lesson", "PlaceGuess", "lesson", "resolve"]

AUTOMATIC = 0.9
"""A guess from here on may move a report without a person, if it is the only one."""

ASKS = CONTESTED
"""A learned guess from here on is shown to the officer, who decides."""

SCANNED = 4_000
"""Characters of each text that are read: people name the place early."""

_SURE, _LIKELY, _OPEN, _WEAK = 0.95, 0.8, 0.5, 0.1


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


def _meanings(mention: Mention, places: Table, where: _Where) -> dict[str, PlaceGuess]:
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
    mention = Mention(kind, name, 0, 0, False, districts)
    old, exact = _former_wards(mention, places)
    off = 0.0 if exact else 0.1
    new = [ward for ward in places.new.get(name, ()) if ward.kind == kind]
    meaning = _in_district if districts else _without_district
    return (*meaning(mention, old, new, off, places), tuple(old), off)


def _former_wards(mention: Mention, places: Table) -> tuple[list[OldWard], bool]:
    """The old wards of this name, and whether their kind is the one that was written."""
    named = [one for one in places.old.get(mention.key, ()) if _fits(one, mention)]
    # A name that a ward still had in 2025 is that ward's, not that of one merged away before.
    living = {one.ward.district.id for one in named if not one.merged}
    named = [one for one in named if not one.merged or one.ward.district.id not in living]
    alike = [one for one in named if one.kind == mention.kind]
    return [one.ward for one in alike or named], bool(alike)


def _fits(one: Named, mention: Mention) -> bool:
    return not mention.districts or one.ward.district.id in mention.districts


#: What a mention may mean, and whether it is open between wards that one old ward's name leaves.
_Found = tuple[dict[str, PlaceGuess], bool]


def _in_district(
    mention: Mention, old: list[OldWard], new: list[NewWard], off: float, places: Table
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
    mention: Mention, old: list[OldWard], new: list[NewWard], off: float, places: Table
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
    if where.at and (code := nearest(list(found), places, where.at)):
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
    return found if far_away(guess.ward_code, places, where.at) else found | {guess.ward_code: guess}


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
    named = [ids for text in folded for _, ids in districts_of(text, places)]
    elsewhere = any(not ids & places.came_from[ward.code] for ids in named)
    return None if elsewhere or _against(guess, sent_to, places, where.at) else guess


def _against(guess: PlaceGuess, sent_to: str, places: Table, at: tuple[float, float] | None) -> bool:
    """Whether the coordinates speak against a rule that would take a report from where it was sent."""
    if at is None or sent_to not in places.wards:
        return False
    pair = sorted({guess.ward_code, sent_to})
    return far_away(guess.ward_code, places, at) or nearest(pair, places, at) == sent_to != guess.ward_code


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
    wards = [wards_of(text, places) for text in folded]
    where = _Where(province, _with_field(texts), _position(lat, lng), learned)
    if not any(wards):
        guess = _unnamed(folded, sent_to, places, where) if learned.rules else None
        return (guess,) if guess else ()
    mentions = place_mentions.all_of(folded, wards, places)
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
    mentions = list(place_mentions.all_of(folded, [wards_of(text, places) for text in folded], places))
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
        guess if agreed and not far_away(guess.ward_code, places, at) else _doubted(guess) for guess in ranked
    )


def _doubted(guess: PlaceGuess) -> PlaceGuess:
    if guess.confidence < AUTOMATIC:
        return guess
    vi, en = "nhưng văn bản còn chỉ nơi khác", "but the report also points elsewhere"
    return replace(
        guess, confidence=0.6, reason_vi=f"{guess.reason_vi}; {vi}", reason_en=f"{guess.reason_en}; {en}"
    )
