"""Whether two names as read are one street, and what a name stands for: a street or one spot.

Names are folded. What may surprise: a name may be cut short or read too far, for text without capitals does
not say where it ends; so a name of two words is one with every name that goes on from it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from aggregator.domain.spots import CROSS, MARK
from aggregator.domain.street_words import LANDMARK_WORDS


@lru_cache(maxsize=8192)
def street_root(street: str) -> str:
    """The two words a street or landmark is found again by: a name cut short or read too far keeps them."""
    found = _bare(street).split()
    return " ".join(([word for word in found if word not in LANDMARK_WORDS] or found)[:2])


def _bare(street: str) -> str:
    """Without a first "duong" or "ngo": typed without accents, Dương Điển reads as "đường Điển"."""
    first, _, rest = street.partition(" ")
    return rest if rest and first in ("duong", "ngo") else street


@lru_cache(maxsize=16384)
def same_street(one: str, other: str) -> bool:
    """Whether two names are one street: equal, or one of at least two words that the other goes on from.

    "le loi" and "le loi dang ngap" are one: text without capitals does not say where a name ends.
    """
    one, other = _bare(one), _bare(other)
    if one == other:
        return True
    if " x " in one and " x " in other:
        ours, theirs = one.split(" x "), other.split(" x ")
        return len(ours) == len(theirs) and all(map(same_street, ours, theirs))
    short, long = (one, other) if len(one) < len(other) else (other, one)
    return " " in short and long.startswith(short + " ") and " x " not in long


_LANDMARK = re.compile(rf"(?:{CROSS}|{MARK}) ")


def is_spot(street: str) -> bool:
    """Whether the name stands for one spot: a junction of two streets, a school, a market."""
    return " x " in street or is_landmark(street)


@lru_cache(maxsize=4096)
def is_landmark(street: str) -> bool:
    """Whether the name stands for one spot (a school, a market, a junction) and not for a whole street."""
    return bool(_LANDMARK.match(street))
