"""Where a street name begins and ends in running text, word by word.

With capitals ("129 Tôn Đức Thắng bị") the name goes on while the words have them. Without ("129 ton duc
thang bi") it goes on until a word that no street is called by, four words at most; it may then be read
too far, which `street_likeness.same_street` forgives, but it must not be cut in two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aggregator.domain.gazetteer import NOTHING, Gazetteer
from aggregator.domain.street_words import (
    AFTER_A_ROAD_WORD,
    FIRST_SYLLABLE,
    KEEPS_GOING,
    NOT_A_NAME,
    NOT_A_NAME_FOLDED,
    STOP,
    STOP_BEFORE_CODE,
    STOP_BEFORE_NUMBER,
    STOP_FOLDED,
    STOP_PAIR,
    STOP_PAIR_FOLDED,
    STREET_ALIASES,
    UNITS,
)
from aggregator.domain.text import fold, untelexed

WORD = re.compile(r"[ \t\u00ad]{0,3}([^\W_]+)")
_DATE = r"\d{1,2}\s?(?:/|thang\s)\s?\d{1,2}(?![\w/])"
_CODE = r"[a-z]{1,3}\d{1,4}[a-z]?(?!\w|/\d)"
_ROUTE = r"(?:quoc lo|tinh lo|huong lo|duong so|ql|tl|hl)[\s.]?\d{1,4}[a-z]?(?!\w)"
_NUMBERED = r"(?:so\s)?\d{1,4}[a-z]?(?:/\d{1,2})?(?!\w)(?! (?:ngach|hem|ngo|kiet) )"
_AFTER_A_ROAD_WORD = re.compile(rf"{_DATE}|{_NUMBERED}|{_CODE}|{_ROUTE}")
# After a house number only what cannot be a count: a code ("D41"), a named route, a date that is a street.
_AFTER_A_NUMBER = re.compile(rf"[ \t]{{1,3}}(?P<name>{_CODE}|{_ROUTE}|{_DATE})")
_GLUED_WARD = re.compile(r"(?:p|f|q|kp)\d{1,2}")
_CHAIN_GOES_ON = re.compile(r"/\d")
_COMPASS = frozenset("nsew")


@dataclass(frozen=True, slots=True)
class Page:
    """The text being read: as typed and folded, of one length; `field` = it holds nothing but an address.

    `loud` = in capitals throughout, so that they say nothing.
    `streets`: names known from address fields, which need no sign in a text.
    """

    typed: str
    folded: str
    field: bool
    accented: bool
    loud: bool = False
    streets: Gazetteer = NOTHING

    def capital(self, at: int) -> bool:
        return not self.loud and self.typed[at].isupper()

    def title(self, start: int, end: int) -> bool:
        return self.capital(start) and not (end - start > 1 and self.typed[start:end].isupper())

    def stops(self, match: re.Match[str], before: str = "") -> bool:
        """Whether this word starts another part of the address."""
        word = self._word(match)
        if _GLUED_WARD.fullmatch(word):
            return True
        pairs = (STOP_PAIR if self.accented else STOP_PAIR_FOLDED).get(word)
        if pairs is not None:
            following = WORD.match(self.folded, match.end())
            return following is not None and self._word(following) in pairs
        if match[1] in STOP_BEFORE_CODE:
            following = WORD.match(self.folded, match.end())
            return following is not None and (len(following[1]) == 1 or following[1][-1].isdigit())
        if word in STOP_BEFORE_NUMBER:
            following = WORD.match(self.folded, match.end())
            return following is not None and following[1][0].isdigit()
        return word in (STOP if self.accented else STOP_FOLDED) and before not in KEEPS_GOING

    def no_name(self, match: re.Match[str]) -> bool:
        """Whether this word, in text without capitals, belongs to no street name."""
        return self._word(match) in (NOT_A_NAME if self.accented else NOT_A_NAME_FOLDED)

    def _word(self, match: re.Match[str]) -> str:
        return self.typed[match.start(1) : match.end(1)].lower() if self.accented else match[1]


def read_name(
    page: Page,
    pos: int,
    *,
    sure: bool,
    known: frozenset[str] | None = None,
    longest: int | None = None,
    forced: bool = False,
) -> tuple[str, int] | None:
    """The name that starts at `pos` and where it ends, or None where none starts there.

    `sure` = something before it said that a name must come (a road word, an alley); a name in small
    letters then needs a first syllable out of `known`, where that is given. `longest` = at most as many
    words, where more than a single name may be read. `forced` = between number and road word on one side
    and this on the other nothing else can stand ("12 đường Cây Trâm").
    """
    if route := _route(page, pos, sure):
        return route
    first = WORD.match(page.folded, pos)
    if not first or not first[1].isalpha() or (page.stops(first) and not _is_xom(page, first)):
        return None
    start, end = first.span(1)
    western = first[1] in _COMPASS
    if not page.capital(start) and not western and not forced and not _plausible(page, first, sure, known):
        return None
    title = not western and page.title(start, end)
    most = longest or (8 if western else 6 if page.field or title else 4)
    name, end = _walk(page, first, title=title, western=western, longest=most, forced=forced)
    if not western:
        name = " ".join(map(untelexed, name.split()))
    return STREET_ALIASES.get(name, name), end


def _route(page: Page, pos: int, sure: bool) -> tuple[str, int] | None:
    """A street called by a number: "số 7", "3/2" (3 Tháng 2), "D41", "tỉnh lộ 43"."""
    match = _AFTER_A_ROAD_WORD.match(page.folded, pos) if sure else None
    if match:
        return _canonical(match[0]), match.end()
    if match := _AFTER_A_NUMBER.match(page.folded, pos):
        return read_route(page, pos) if sure or page.field or page.capital(match.start("name")) else None
    return None


def read_route(page: Page, pos: int) -> tuple[str, int] | None:
    """The street called by a code, a date or a route that follows a house number, and where it ends."""
    match = _AFTER_A_NUMBER.match(page.folded, pos)
    return (_canonical(match["name"]), match.end()) if match else None


def _canonical(route: str) -> str:
    route = re.sub(r"\s?(?:/|thang)\s?", "/", route).removeprefix("duong ").replace(".", " ")
    for short, long in (("ql", "quoc lo"), ("tl", "tinh lo"), ("hl", "huong lo")):
        route = re.sub(rf"^{short}\s?(?=\d)", f"{long} ", route)
    return STREET_ALIASES.get(route, route)


def _is_xom(page: Page, first: re.Match[str]) -> bool:
    return first[1] == "xom" and page.capital(first.start(1))  # Xóm Chiếu, Xóm Mới


def _plausible(page: Page, first: re.Match[str], sure: bool, known: frozenset[str] | None) -> bool:
    """Whether a name in small letters starts here."""
    if page.no_name(first):
        return False
    if sure or page.field:
        return known is None or first[1] in known
    second = WORD.match(page.folded, first.end())
    if first[1] not in FIRST_SYLLABLE or not second:
        return False
    return not page.no_name(second) and second[1] not in UNITS


def _walk(
    page: Page, first: re.Match[str], *, title: bool, western: bool, longest: int, forced: bool
) -> tuple[str, int]:
    name, count, end = first[1], 1, first.end()
    while count < longest and (match := WORD.match(page.folded, end)):
        word = match[1]
        if word.isdigit():
            return (f"{name} {word}", match.end()) if _number_ends_name(page, match) else (name, end)
        if page.stops(match, name) or (title and not page.capital(match.start(1))):
            break
        # Such names have two words at least.
        short = count == 1 and (forced or name in AFTER_A_ROAD_WORD)
        if not title and not western and page.no_name(match) and not short:
            break
        name, count, end = f"{name} {word}", count + 1, match.end()
    return name, end


def _number_ends_name(page: Page, match: re.Match[str]) -> bool:
    """Whether a number belongs to the name ("An Trung Đông 7") or starts the next thing ("3 ngày nay")."""
    if len(match[1]) > 3 or _CHAIN_GOES_ON.match(page.folded, match.end()):
        return False
    following = WORD.match(page.folded, match.end())
    return following is None or following[1] not in UNITS


def as_written(here: str, street: str) -> str | None:
    """A street with the accents of the words it was read from (NFC), capitals put right.

    Folded it is the street again, letter for letter; None where the words are not found as they stand.
    """
    at = fold(here).find(street)
    if at >= 0:
        written = here[at : at + len(street)]
    else:  # a junction is sorted, a landmark or a double space read over
        words = {fold(match[1]): match[1] for match in WORD.finditer(here)}
        written = " ".join(words.get(word, word) for word in street.split())
    named = " ".join(word if word == "x" else word[:1].upper() + word[1:].lower() for word in written.split())
    return named if fold(named) == street else None
