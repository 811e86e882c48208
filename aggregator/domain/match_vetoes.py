"""What forbids joining two reports without a person, however high their score.

Each veto is a code that `reasons` puts into words; why each stands is told in `matching`.
"""

from __future__ import annotations

from aggregator.domain.comparison import (
    ALLEY,
    HOUSE,
    OTHER_HOUSE,
    OTHER_STREET,
    STREET,
    UNKNOWN,
    WITHIN,
    Pair,
    numbers_differ,
)
from aggregator.domain.kinds import AKIN
from aggregator.domain.match_rule import Thresholds
from aggregator.domain.match_score import chosen_loosely
from aggregator.domain.traits import Traits

# Words (folded) of matters in which an anonymous reporter may be at risk.
_SENSITIVE_WORDS = tuple(
    frozenset(words.split())
    for words in (
        "ma tuy", "tham nhung", "hoi lo", "danh bac", "mai dam", "bao ke", "xam hai", "bao hanh", "de doa",
        "tin dung den", "vay nang",
    )
)  # fmt: skip
_NEAR_COPY = 0.9


def vetoes_of(
    new: Traits, old: Traits, pair: Pair, likeness: float, thresholds: Thresholds, namesakes: bool
) -> list[str]:
    """Why the two must not be joined without a person, however alike."""
    checks = (
        ("other_house", pair.where is OTHER_HOUSE or (pair.where is WITHIN and not pair.copy)),
        ("other_street", pair.where is OTHER_STREET),
        ("other_ward", pair.ward < 0),
        ("unknown_ward", namesakes or _in_some_ward(pair)),
        ("other_category", pair.category < 0 and not _one_matter(pair, likeness)),
        ("other_kind", _other_kind(pair) and not pair.copy),
        ("no_place", not _placed(new, old, pair)),
        ("vague_place", pair.where is STREET and not pair.copy),
        ("legal", new.legal or old.legal),
        ("cap", max(new.case_size, old.case_size) >= thresholds.cap),
        ("sensitive", _sensitive(new, thresholds) or _sensitive(old, thresholds)),
        ("other_numbers", _template(new, old, pair, likeness)),
        ("too_old", pair.days > thresholds.window_days),
        ("closed", closed(new, old)),
    )
    return [code for code, holds in checks if holds]


def _other_kind(pair: Pair) -> bool:
    return pair.kind < (AKIN if pair.category > 0 else 0) and pair.category >= 0


def _one_matter(pair: Pair, likeness: float) -> bool:
    """Whether one of two categories can only be mistaken: of a copy, or where all words agree."""
    return pair.copy or chosen_loosely(pair) or (pair.kind == 1 and likeness >= _NEAR_COPY)


def _in_some_ward(pair: Pair) -> bool:
    """Whether the street could be its namesake in another ward, and nothing but the name says it is not."""
    return pair.one_ward and pair.metres is None and not pair.copy and not pair.phone


def _placed(new: Traits, old: Traits, pair: Pair) -> bool:
    """Whether anything but the words says that both are at one place."""
    named = pair.where not in (UNKNOWN, OTHER_STREET, OTHER_HOUSE)
    return named or pair.metres is not None or _placeless_copy(new, old, pair)


def _placeless_copy(new: Traits, old: Traits, pair: Pair) -> bool:
    """A long text sent twice; where only one of the two says a place, it is a template used twice."""
    if not pair.copy or pair.told < 1 or pair.ward <= 0 or bool(new.street) != bool(old.street):
        return False
    return new.house is not None or (new.lat is None) == (old.lat is None)


def _template(new: Traits, old: Traits, pair: Pair, likeness: float) -> bool:
    """Whether the numbers tell apart what the words do not: always in a near copy, else without a house."""
    near_copy = likeness >= _NEAR_COPY
    settled = not near_copy and pair.where in (HOUSE, ALLEY)
    return not settled and numbers_differ(new, old, near_copy=near_copy)


def _sensitive(t: Traits, thresholds: Thresholds) -> bool:
    if not t.anonymous:
        return False
    found = set(t.text.split())
    return t.category in thresholds.sensitive or any(words <= found for words in _SENSITIVE_WORDS)


def closed(new: Traits, old: Traits) -> bool:
    """Whether the case of the stored report was closed when the new one came."""
    return not old.case_open or (old.closed_at is not None and old.closed_at <= new.received_at)
