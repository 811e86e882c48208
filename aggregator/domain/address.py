"""Where a report says it happened: house number or alley chain, street, ward and district, read from text.

Principles. A place read wrongly is worse than none, because a different house number forbids joining
and an equal one invites it: a number counts as a house number only with a sign (a word before it, a
slash chain, a street word or a capitalised name after it, or a field that holds nothing but the
address). Everything is read from the folded text, so typing without accents loses nothing but the
capitals.

How it works. One expression finds anchors: a number, a street word, a junction, a landmark. From each
anchor the street name is read word by word until punctuation, a word that starts another part (phường,
quận, gần, đối diện), or, in text without capitals, a word that no street is called by.

    Số 5 ngách 4 ngõ 123 Lê Văn Sỹ, P.13, Q.3   house "123/4/5"  street "le van sy"  ward "13"  district "3"
    hẻm 123/4 Lê Văn Sỹ                         house "123/4"    to most who write it, house 4 in alley 123
    ngách 4 ngõ 123 Lê Văn Sỹ                   house "123/4/"   the alley itself; a trailing slash, no house
    block B tầng 7 CC Phú Hoàng                 house "b/7"      street "chung cu phu hoang"
    K57/3 Lê Hữu Trác (Đà Nẵng)                 house "57/3"
    ngã tư Nguyễn Dục - Nguyễn Duy Cung         street "nguyen duc x nguyen duy cung", sorted
    cổng trường tiểu học Lê Trọng Tấn           street "truong tieu hoc le trong tan", a landmark
    3731 N KIMBALL AVE                          house "3731"     street "n kimball ave"

Chains run from the street inwards, whatever order they were written in; leading zeros go; a range
"278 - 280" stays a range, because another range is another place.

Known exceptions. Hà Nội also writes 35/163 for house 35 of alley 163; it is read as written, which is
consistent with itself. In text without capitals a bare number needs a common first syllable of street
names after it ("12 le loi" yes, "3 ho ga" no) or, from 20 on, a word of place before it: "o 111 vu
cong bao". Offsets point into the NFC form of the text.

Tried and dropped: one expression for a whole address (two nested repetitions cost seconds on hostile
input); a list of all streets (none is complete; 70 % of one made matching worse than none). What an
office's own address fields have taught (`gazetteer`) may be given, and only adds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeVar

from aggregator.domain.gazetteer import NOTHING, Gazetteer
from aggregator.domain.house_chain import DEPTH, chain_of, numbers_of
from aggregator.domain.spots import CROSS, MARK, ROAD_LEAD, read_crossing, read_mark
from aggregator.domain.street_names import WORD, Page, read_name, read_route
from aggregator.domain.street_words import AFTER_A_ROAD_WORD, FIRST_SYLLABLE, listed
from aggregator.domain.text import fold
from aggregator.domain.ward_hints import DISTRICT, HINTS_WITHIN, WARD, hint

__all__ = ["Address", "addresses", "best_address"]

SCANNED = 4_000
"""Characters of a text that are read for addresses: people name the place early."""

_FOUND = 12
"""Addresses read from one text; a list of more is not the place of one problem."""


@dataclass(frozen=True, slots=True)
class Address:
    """One place as a text names it, in folded words.

    `house` is the chain of numbers from the street inwards ("123/4/5"), with a trailing slash where an
    alley is named and no house in it ("123/4/"). `street` is without the word "đường". `ward` and
    `district` are hints, not codes: names changed in 2025, and "13" means nothing without a district.
    """

    house: str | None
    street: str | None
    ward: str | None
    district: str | None
    start: int
    end: int


class Place(NamedTuple):
    """An address before the hints that follow it: all that matching needs, at half the cost."""

    house: str | None
    street: str | None
    start: int
    end: int


_Either = TypeVar("_Either", Place, Address)


# --- expressions (over folded text) ------------------------------------------------------------------

_ROAD_BEFORE_NAME = re.compile(rf"[\s,]{{0,3}}(?:{ROAD_LEAD}|(?:hem|ngo|kiet|ngach)\s(?=[^\W\d]))")
_NUMBER = r"\d{1,5}[a-z]{0,2}(?:\s?/\s?\d{1,4}[a-z]{0,2}){0,6}(?:\s?-\s?\d{1,5}[a-z]?)?(?!\w)"
_KIND = (
    r"(?:so(?: nha)?|nha(?: so)?|dia chi(?: so)?|can so|sn|hem(?: so)?|ngo(?: so)?|ngach(?: so)?|kiet(?: so)?"
    r")[\s.:]{0,3}|k"
)
_ROUTE = r"quoc lo|tinh lo|huong lo|ql|tl|hl|dt"
_ROUTES = {"ql": "quoc lo", "tl": "tinh lo", "hl": "huong lo"}
# The look-ahead at the first letter halves the cost: most words begin none of the alternatives.
_ANCHOR = re.compile(
    rf"\b(?=[\dsndchkpmtgvqb])(?:(?P<bare>{_NUMBER})|(?P<kind>{_KIND})(?P<number>{_NUMBER})"
    rf"|(?P<cross>{CROSS})\s|(?P<road>{ROAD_LEAD})|(?P<numbered>{_ROUTE})[\s.]?(?P<route>\d{{1,4}}[a-z]?)\b|(?P<mark>{MARK})\s)"
)
_NEXT_ITEM = re.compile(
    rf"(?P<gap>[\s,]{{0,3}})(?:thuoc\s|trong\s|cua\s)?(?P<kind>{_KIND})(?P<number>{_NUMBER})"
)
_HOUSE_AFTER_STREET = re.compile(rf"[\s,]{{0,3}}(?:so nha|nha so|so|sn)[\s.:]{{0,3}}(?P<number>{_NUMBER})")
# "lòng đường 12 Lê Lợi", "lề đường trường tiểu học": the roadway, and then the place.
_ROADWAY = ("long ", "le ")
_NO_STREET = re.compile(
    r"(?:k?\d|so \d|(?:truong (?:tieu|mam|mau|thcs|thpt|trung hoc|cap)|benh vien|chung cu|cong vien)\s)"
)
_NO_ROAD_AFTER = re.compile(r"(?:thanh|dan|khu|to)\s$")  # thành phố, tổ dân phố, khu phố: no "phố" to live in

_NAMED = frozenset({"so nha", "nha so", "dia chi so", "can so", "so", "sn", "dia chi"})

# Words that make a number another thing than a house. Folded, some are also words before a house
# ("ngay 12 Lê Lợi", "chế biến 12"): where the text has accents, those decide.
_COUNTED = listed("""
    ngày hôm dịp lúc lễ tháng năm cột trụ biển tuyến khu tổ lô khoảng hơn xe điểm đội lớp tầng thứ định
    luật hóa sở khối block đợt bài mục điều khoản lần tuổi giá cấp phố phường thôn ấp lầu tòa tháp phòng p f q
    x kp tdp quận
""")
_COUNTED_FOLDED = frozenset(map(fold, _COUNTED))
_WORD_BEFORE = re.compile(r"([^\W_]+)[\s.]{0,2}(so\s)?$|,\d$")
_MONTH_AFTER = re.compile(r"\s?thang\s\d")
_HERE = re.compile(r"\b(?:tai|o|truoc|cho|gan|canh|ben|dien|ngay|vao|ra)\s$")
_TOO_HIGH = 20
_YEAR = re.compile(r"(?:19|20)\d\d")


# --- houses ----------------------------------------------------------------------------------------


def _number(match: re.Match[str]) -> str:
    return str(match["number"] or match["bare"])


def _is_date(page: Page, match: re.Match[str], named: bool) -> bool:
    """Dates: 5/10/2025, 30/4 after "ngày" or "lễ", 3 tháng 2; and 24/7, 24/24."""
    parts = numbers_of(_number(match))
    if len(parts) == 1:
        return not named and _MONTH_AFTER.match(page.folded, match.end()) is not None
    if _YEAR.fullmatch(parts[-1]) or "/".join(parts) in ("24/7", "24/24"):
        return True
    if named or len(parts) > 2 or not all(part.isdigit() for part in parts):
        return False
    return int(parts[0]) <= 31 and int(parts[1]) <= 12 and not _road_follows(page, match.end())


def _road_follows(page: Page, pos: int) -> bool:
    """Whether a street word or a capitalised name comes next: "30/4 Lê Lợi" is a house, "30/4 rác" a date."""
    if _ROAD_BEFORE_NAME.match(page.folded, pos):
        return True
    following = WORD.match(page.folded, pos)
    if not following or page.field:
        return page.field
    return page.capital(following.start(1)) or following[1] in FIRST_SYLLABLE


# --- reading ---------------------------------------------------------------------------------------


def _placed(page: Page, place: Place) -> Address:
    """The address with the ward and district that the next words name."""
    limit = min(len(page.folded), place.end + HINTS_WITHIN)
    ward, after_ward = hint(page, WARD, place.end, limit)
    district, after_district = hint(page, DISTRICT, after_ward, limit)
    end = max(place.end, after_ward, after_district)
    return Address(place.house, place.street, ward, district, place.start, end)


def _kind(written: str | None) -> str:
    return (written or "").rstrip(" .:\t\n").removesuffix(" so") if written != "so" else "so"


def _items(page: Page, match: re.Match[str]) -> tuple[list[tuple[str, str]], int]:
    """The numbers of one chain with their words ("số 5", "ngách 4", "ngõ 123") and where they end."""
    items, end = [(_kind(match["kind"]), _number(match))], match.end()
    while len(items) < 4 and (more := _NEXT_ITEM.match(page.folded, end)):
        if "," in more["gap"] and not items[0][0] and not page.field:
            break  # "1 và 3, ngõ 20": a bare number before a comma is not in that alley
        items.append((_kind(more["kind"]), more["number"]))
        end = more.end()
    return items, end


def _read_number(page: Page, match: re.Match[str]) -> Place | None:
    items, end = _items(page, match)
    kind = items[0][0]
    alley = any(each in DEPTH for each, _ in items)
    certain = alley or kind in ("so nha", "nha")
    known = page.streets.at(page.folded, end)
    # "ngay 45 nguyen van qua" is "ngay", right at, and not "ngày", the day.
    certain = certain or (known is not None and page.folded.endswith("ngay ", 0, match.start()))
    if not certain and _is_counted(page, match.start(), kind):
        return None
    if _is_date(page, match, alley or kind in _NAMED):
        return None
    road = _ROAD_BEFORE_NAME.match(page.folded, end)
    if road and _is_surname(page, road):
        road = None
    named = kind in _NAMED or certain
    slash = "/" in _number(match)
    name_at = _past_surname(page, road.end()) if road else _past_comma(page, end, named=named)
    sure = bool(road) or alley or slash or named
    name = read_route(page, name_at) if sure or _stands_here(page, match) else None
    name = name or read_name(
        page, name_at, sure=sure and (bool(road) or name_at == end or page.field), forced=bool(road)
    )
    if name is None and not kind and _stands_here(page, match):
        name = read_name(page, name_at, sure=True, known=AFTER_A_ROAD_WORD)
    name = _known_or(page, name_at, name)
    if name:
        return Place(chain_of(items), name[0], match.start(), name[1])
    if alley or kind == "so nha" or (slash and page.field):
        return Place(chain_of(items), None, match.start(), end)
    return None


def _stands_here(page: Page, match: re.Match[str]) -> bool:
    """Whether a word of place stands before a number that is too high for a count: "o 111 vu cong bao"."""
    digits = re.match(r"\d*", _number(match))
    high = digits is not None and int(digits[0] or 0) >= _TOO_HIGH
    return high and _HERE.search(page.folded, max(0, match.start() - 8), match.start()) is not None


def _known_or(page: Page, pos: int, read: tuple[str, int] | None) -> tuple[str, int] | None:
    """The name as read, or the known street that stands there and that it cuts short or runs beyond."""
    known = page.streets.at(page.folded, pos)
    if known is None or read is None:
        return known or read
    first = WORD.match(page.folded, pos)
    overrun = read[0].startswith(f"{known[0]} ") and first and not page.capital(first.start(1))
    return known if overrun or known[0].startswith(read[0]) else read


def _past_comma(page: Page, pos: int, *, named: bool) -> int:
    """Past a comma between number and street; in running text only where the number is said to be one."""
    return pos + 1 if (page.field or named) and page.folded[pos : pos + 1] == "," else pos


def _is_surname(page: Page, road: re.Match[str]) -> bool:
    """Whether what folds to "đường" or "ngõ" is the first syllable of a name: Dương Điển, Ngô Quyền."""
    at = road.start() + len(road[0]) - len(road[0].lstrip(" ,\t"))
    return page.typed[at : at + 5].lower() == "dương" or page.typed[at : at + 3].lower() == "ngô"


def _past_surname(page: Page, pos: int) -> int:
    """Past the second of "duong Duong Ba Trac", which without accents would end the name at once."""
    return pos + 6 if not page.accented and page.folded.startswith("duong ", pos) else pos


def _is_counted(page: Page, at: int, kind: str) -> bool:
    """Whether the word before a number says that it is no house: "tầng 7", "cột số 38", "P.13"."""
    before = _WORD_BEFORE.search(page.folded, max(0, at - 16), at)
    if before is None or not before[1]:
        return before is not None
    if page.accented:
        return page.typed[before.start(1) : before.end(1)].lower() in _COUNTED
    return before[1] in _COUNTED_FOLDED and not (before[1] == "ngay" and kind)


def _read_road(page: Page, match: re.Match[str]) -> Place | None:
    before = page.folded[max(0, match.start() - 8) : match.start()]
    if _is_surname(page, match) or (before.endswith(_ROADWAY) and _NO_STREET.match(page.folded, match.end())):
        return None
    at = _past_surname(page, match.end())
    name = _known_or(page, at, read_name(page, at, sure=True, known=AFTER_A_ROAD_WORD))
    if name is None or _NO_ROAD_AFTER.search(before):
        return None
    street, end = name
    house = _HOUSE_AFTER_STREET.match(page.folded, end)
    if house:
        return Place(chain_of([("so", house["number"])]), street, match.start(), house.end())
    return Place(None, street, match.start(), end)


def _read(page: Page, match: re.Match[str]) -> Place | None:
    if match["number"] or match["bare"]:
        return _read_number(page, match)
    if match["cross"]:
        street, end = read_crossing(page, match)
        return Place(None, street, match.start(), end) if street else None
    if match["mark"]:
        spot = read_mark(page, match)
        return Place(*spot) if spot else None
    if match["numbered"]:
        street = f"{_ROUTES.get(match['numbered'], match['numbered'])} {match['route']}"
        return Place(None, street, match.start(), match.end())
    return _read_road(page, match)


def _scan(page: Page) -> Iterator[Place]:
    pos = count = 0
    while count < _FOUND and (match := _ANCHOR.search(page.folded, pos)):
        found = _read(page, match)
        pos = match.end()
        if found:
            count, pos = count + 1, max(pos, found.end)
            yield found


def _read_all(page: Page) -> list[Place]:
    """The places of a page; where none has a street, the known streets that stand in it without a sign."""
    found = list(_scan(page))
    if page.streets and not any(place.street for place in found):
        found += [Place(None, street, start, end) for street, start, end in page.streets.find(page.folded)]
    return found


def _page(text: str, *, field: bool, streets: Gazetteer = NOTHING) -> Page:
    typed = text[:SCANNED] if text.isascii() else unicodedata.normalize("NFC", text[:SCANNED])
    accented, loud = not typed.isascii(), not field and typed.isupper()
    return Page(typed, fold(typed), field, accented=accented, loud=loud, streets=streets)


def addresses(text: str, streets: Gazetteer = NOTHING) -> list[Address]:
    """The places that a free text names, in their order; at most the first 4,000 characters are read.

    `streets`: names that need no word before them.
    """
    page = _page(text, field=False, streets=streets)
    return [_placed(page, found) for found in _read_all(page)]


def places(typed: str, folded: str) -> list[Place]:
    """`addresses` without the hints, of an NFC text that is already folded."""
    accented, loud = not typed.isascii(), typed.isupper()
    return list(_scan(Page(typed[:SCANNED], folded[:SCANNED], field=False, accented=accented, loud=loud)))


def ward_named(typed: str, folded: str, place: Place, *, field: bool) -> str | None:
    """The name of the ward that the next words say, folded: "dien hong" of "phường Diên Hồng".

    None for a number: the wards that were called by one were merged into others in 2025.
    """
    page = Page(typed[:SCANNED], folded[:SCANNED], field, accented=not typed.isascii())
    limit = min(len(page.folded), place.end + HINTS_WITHIN)
    name, _ = hint(page, WARD, place.end, limit)
    return name if name and not name[0].isdigit() else None


@lru_cache(maxsize=2048)  # of a batch's fields, each is read for matching and for learning its street
def field_place(field: str | None) -> Place | None:
    """The place in an address field; a field of a name alone ("Tôn Đức Thắng, Hòa Khánh") is a street."""
    return _field_place(_page(field, field=True)) if field else None


def _field_place(page: Page) -> Place | None:
    found = best_of(_scan(page))
    first = WORD.match(page.folded)
    if found or not first or page.no_name(first):
        return found
    name = read_name(page, 0, sure=False)
    return Place(None, name[0], 0, name[1]) if name else None


def best_of(found: Iterable[_Either]) -> _Either | None:
    """The most precise of the places, the first among equals: house, alley, street, number alone."""
    return max(found, key=_precision, default=None)


def _precision(place: Place | Address) -> int:
    house = 0 if place.house is None else 1 if place.house.endswith("/") else 2
    return house + (4 if place.street else 0)


def best_address(address_field: str | None, body: str, streets: Gazetteer = NOTHING) -> Address | None:
    """Where it is: the address field, unless it lacks a house and the body names one on that street."""
    page = _page(address_field or "", field=True)
    place = _field_place(page)
    return preferred(_placed(page, place) if place else None, addresses(body, streets))


def preferred(field: _Either | None, body: list[_Either]) -> _Either | None:
    """`best_address` over places already read."""
    if field is None or not field.street:
        return best_of(body) or field
    if field.house is None:
        return best_of(each for each in body if each.street == field.street) or field
    return field
