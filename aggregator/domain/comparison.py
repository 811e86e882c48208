"""Two reports side by side: what they have in common, before anything is weighed.

Every relation is symmetric. Flat geometry is used for distance: within a city it is right to a metre.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import NamedTuple

from rapidfuzz import fuzz

from aggregator.domain.kinds import likeness
from aggregator.domain.street_likeness import is_landmark, same_street
from aggregator.domain.traits import Traits, kinds_of, ward_name

__all__ = ["Pair", "Where", "alike", "cheap_alike", "compare", "elsewhere", "numbers_differ"]


class Where(StrEnum):
    """How the addresses of two reports relate, from the surest agreement to the surest difference."""

    HOUSE = "house"
    JUNCTION = "junction"
    ALLEY = "alley"
    LANDMARK = "landmark"
    WITHIN = "within"
    STREET = "street"
    UNKNOWN = "unknown"
    OTHER_STREET = "other_street"
    OTHER_HOUSE = "other_house"


# Each by itself, for what runs once a pair: looking a member up costs as much as all the rest of a
# comparison of two addresses (Python 3.11: .16 µs, a name of the module .02).
HOUSE, JUNCTION, ALLEY, LANDMARK, WITHIN, STREET, UNKNOWN, OTHER_STREET, OTHER_HOUSE = Where
_APART = (OTHER_STREET, OTHER_HOUSE)


class Pair(NamedTuple):
    """What two reports share. Agreements are 1 equal, -1 different, 0 where one side says nothing.

    `kind` is the `kinds.likeness` of the problems that the words name, -1 to 1. `one_ward`: only one of them
    names its ward. `copy`: the same words in order. `told`, 0 to 1: how much free text there is on the poorer
    side. `silent`: both came through one channel that lets people choose a category and write nothing.
    """

    where: Where
    metres: float | None
    days: float
    category: int
    kind: float
    ward: int
    one_ward: bool
    phone: bool
    other_channel: bool
    copy: bool
    told: float
    silent: bool


_TELLING_WORDS = 12
"""A text of as many telling words counts fully; a title of two hardly."""


def compare(one: Traits, other: Traits) -> Pair:
    """The relations between two reports; cheap, and the same in both directions."""
    ward = _wards(one.ward, other.ward)
    mine, theirs, one_channel = one.text, other.text, one.channel == other.channel
    category = _agree(one.category, other.category)
    copy = one.content == other.content and bool(mine)
    where = _where(one, other)
    if copy and where is OTHER_STREET and one.house and one.house == other.house:
        where = UNKNOWN  # one text with two streets at one number: a slip in a field, or in reading it
    # By position and past the class's own `__new__`, which takes longer than most of the features.
    return tuple.__new__(Pair, (
        where,
        _metres(one, other),
        abs((one.received_at - other.received_at).total_seconds()) / 86_400,
        category,
        _kind(one, other, category),
        ward,
        ward == 0 and one.ward != other.ward,
        one.phone is not None and one.phone == other.phone,
        not one_channel,
        copy,
        _told(mine, theirs),
        one_channel and not mine and not theirs,
    ))  # fmt: skip


def elsewhere(one: Traits, other: Traits) -> bool:
    """Whether the two name another kind of problem at another address, each in words of its own.

    No time, caller or likeness makes these one; where a place is crowded they are most of what is near, so
    they are told without a comparison.
    """
    mine, theirs = one.category, other.category
    if mine == theirs or mine is None or theirs is None:
        return False
    return one.content != other.content and _where(one, other) in _APART


def _told(one: str, other: str) -> float:
    if not one or not other:
        return 0.0
    mine, theirs = one.count(" "), other.count(" ")
    fewer = (mine if mine < theirs else theirs) + 1
    return fewer / _TELLING_WORDS if fewer < _TELLING_WORDS else 1.0


def _agree(one: str | None, other: str | None) -> int:
    return 0 if one is None or other is None else 1 if one == other else -1


def _wards(one: str | None, other: str | None) -> int:
    """Wards by code or by name; a code and a name read in a text cannot be compared."""
    if one is None or other is None or one == other:
        return _agree(one, other)
    if one.isdigit() != other.isdigit():
        return 0
    mine, theirs = ward_name(one), ward_name(other)
    # In capitals nothing tells where a ward's name ends in a text: "P.MINH PHỤNG MỖI KHI" may be Minh Phụng.
    if (mine == one or theirs == other) and (mine.startswith(theirs) or theirs.startswith(mine)):
        return int(mine == theirs)
    return _agree(mine, theirs)


def _kind(one: Traits, other: Traits, category: int) -> float:
    """Where the category of one is unknown, that of the other says what its words leave open."""
    if category or (one.kinds and other.kinds):
        return likeness(one.kinds, other.kinds)
    return likeness(one.kinds or kinds_of(one.category), other.kinds or kinds_of(other.category))


def _where(one: Traits, other: Traits) -> Where:
    if not one.street or not other.street:
        return UNKNOWN
    if one.street != other.street and not same_street(one.street, other.street):
        return OTHER_STREET
    if one.house and other.house:
        return _houses(one.house, other.house)
    if one.house or other.house:
        return STREET
    if " x " in one.street:
        return JUNCTION
    return LANDMARK if is_landmark(one.street) and is_landmark(other.street) else STREET


def _houses(one: str, other: str) -> Where:
    if one == other:
        return ALLEY if one.endswith("/") else HOUSE
    outer, inner = sorted((one, other), key=len)
    if inner == outer + "/":
        # "hẻm 123/4" and "ngách 4 ngõ 123" are one; "808" only stands at the mouth of "808/".
        return ALLEY if "/" in outer else WITHIN
    # "123/" holds "123/4"; "123/4" is where "123/4/7" branches off.
    if "/" in outer and inner.startswith(outer.removesuffix("/") + "/"):
        return WITHIN
    return OTHER_HOUSE


_METRES_A_DEGREE = 111_320.0
_HALF_A_RADIAN = math.pi / 360


def _metres(one: Traits, other: Traits) -> float | None:
    if one.lat is None or one.lng is None or other.lat is None or other.lng is None:
        return None
    across = (one.lng - other.lng) * math.cos((one.lat + other.lat) * _HALF_A_RADIAN)
    return math.hypot(one.lat - other.lat, across) * _METRES_A_DEGREE


def cheap_alike(one: Traits, other: Traits) -> float:
    """0 to 1, how alike the texts are at first sight: half a microsecond, so every candidate gets it."""
    return fuzz.ratio(one.text, other.text) / 100


def alike(one: Traits, other: Traits, cheap: float) -> float:
    """0 to 1, how alike the texts are at a second look, given the first: ten times as dear.

    `token_set_ratio` overrates a short text contained in a long one; the plain ratio of the sorted words
    (which is what `token_sort_ratio` would be) holds against it with the length.
    """
    return (cheap + fuzz.token_set_ratio(one.text, other.text) / 100) / 2


def numbers_differ(one: Traits, other: Traits, *, near_copy: bool) -> bool:
    """Whether the numbers of the texts tell them apart: each names one that the other lacks.

    In a near copy, where all else is equal, one number more on either side is enough.
    """
    mine, theirs = _numbers(one), _numbers(other)
    return mine != theirs if near_copy else not (mine <= theirs or theirs <= mine)


def _numbers(t: Traits) -> set[str]:
    return {word for word in t.text.split() if not word.isalpha()}  # "x2" and "540a" count too
