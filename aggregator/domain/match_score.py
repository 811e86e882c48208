"""How alike two reports are as one figure: what each feature adds to the odds that they are one problem.

The score is symmetric and knows nothing of what is open, closed or legal: that is for `match_vetoes` and for
the judgement. What is weighed and why is told in `matching`; an office's adopted training run scales it
(`match_rule.Model`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from aggregator.domain.comparison import (
    ALLEY,
    HOUSE,
    JUNCTION,
    LANDMARK,
    OTHER_HOUSE,
    OTHER_STREET,
    STREET,
    UNKNOWN,
    WITHIN,
    Pair,
)
from aggregator.domain.match_rule import HAND_SET, Model

# What each feature adds to the logarithm of the odds. Place weighs most; time is centred on a week, so
# that leaving it out (for a recurrence) is the same as "a week later".
_BIAS = -5.0
_PLACE = {
    HOUSE: 5.0,
    JUNCTION: 4.0,
    ALLEY: 4.3,
    LANDMARK: 3.0,
    WITHIN: 2.0,
    STREET: 1.5,
    UNKNOWN: 0.0,
    OTHER_STREET: -3.0,
    OTHER_HOUSE: -5.0,
}
_NEAR, _NEAR_METRES, _PLACE_MOST = 4.2, 60.0, 6.0
_FAR, _FAR_METRES, _FARTHEST_METRES = -4.0, 250.0, 750.0
# Another category, or none, speaks against one problem as far as there is text to show another. Where it is
# unknown the kinds that the words name decide: above all the one that is named first.
_CATEGORY, _CATEGORY_UNKNOWN, _OTHER_CATEGORY, _OTHER_CATEGORY_TOLD = 2.0, -2.0, -0.2, -2.8
_KIND, _KIND_SHARED, _OTHER_KIND = -1.5, 3.7, -3.0
_KIND_DESPITE, _KIND_TOO = 1.5, 0.6
_TIME, _WEEK, _LONG_DAYS = 3.2, 0.5, math.log1p(60)
# Up to four words are a title, from seven on they confirm something; without, three days join and a fourth
# does not.
_WORDLESS_A_DAY, _WORDLESS_DAYS, _WORDLESS_MOST, _WORDLESS_LEAST, _TITLE, _TOLD = (
    4.0,
    3.5,
    2.5,
    -3.0,
    0.34,
    0.58,
)
_TEXT, _TEXT_NEUTRAL, _COPY = 6.0, 0.5, 2.0
# Two people tell of one problem in words of their own: where house and category agree, other words
# speak against it only this much of their weight.
_OWN_WORDS = 0.35
_PHONE, _OTHER_CHANNEL, _OTHER_WARD = 1.0, 0.3, -1.0
# A spot on the map alone could be a neighbour's; the more cases of the kind around, the likelier it is.
_ONLY_NEAR, _CROWD, _AROUND_METRES = -1.3, -0.5, 150.0


def weighed(pair: Pair, others: int = 0) -> dict[str, float]:
    """What each feature but the text adds."""
    address = _PLACE[pair.where]
    return {
        "place": address,
        "distance": _distance_weight(pair.metres, address),
        "category": _category_weight(pair),
        "time": _time_weight(pair),
        "phone": _PHONE if pair.phone else 0.0,
        "channel": _OTHER_CHANNEL if pair.other_channel else 0.0,
        "ward": _OTHER_WARD if pair.ward < 0 else 0.0,
        "crowd": _crowd_weight(pair, others),
        "copy": _COPY * pair.told if pair.copy else 0.0,
    }


def _time_weight(pair: Pair) -> float:
    """Days count on a logarithmic scale; without words to confirm, the last three decide alone.

    They confirm only what could be one problem: the same category, or natures that mean nothing.
    """
    nearness = 1 - min(1.0, math.log1p(pair.days) / _LONG_DAYS)
    if pair.told >= _TOLD:
        return _TIME * (nearness - _WEEK)
    wordless = min(1.0, (_TOLD - pair.told) / (_TOLD - _TITLE))
    fresh = _WORDLESS_A_DAY * (_WORDLESS_DAYS - pair.days)
    most = _WORDLESS_MOST if pair.kind >= 0 and (pair.category > 0 or pair.silent) else 0.0
    return _TIME * (nearness - _WEEK) + wordless * max(_WORDLESS_LEAST, min(most, fresh))


def _category_weight(pair: Pair) -> float:
    if chosen_loosely(pair):
        return 0.0
    if pair.category > 0:
        # The neighbours of a spot on the map have problems of one kind, too.
        return _CATEGORY + (_KIND_TOO if pair.kind == 1 and not _vague(pair) else 0.0)
    if pair.category < 0:
        words = _OTHER_KIND if pair.kind < 0 else _KIND_DESPITE if pair.kind == 1 else 0.0
        return _OTHER_CATEGORY + _OTHER_CATEGORY_TOLD * pair.told + words
    if pair.kind > 0:
        return _KIND + _KIND_SHARED * pair.kind
    return _OTHER_KIND if pair.kind < 0 else _CATEGORY_UNKNOWN * pair.told


def chosen_loosely(pair: Pair) -> bool:
    """Whether a portal's natures are all there is: "garbage in yard" and "in alley" at one house."""
    return pair.silent and pair.where is HOUSE and pair.kind >= 0


def _distance_weight(metres: float | None, address: float) -> float:
    """Nearness confirms an address but does not count twice; distance speaks against any.

    Beside another house number it says nothing: neighbours are near.
    """
    if metres is None:
        return 0.0
    near = 0.0
    if address != _PLACE[OTHER_HOUSE]:
        near = min(_NEAR * math.exp(-metres / _NEAR_METRES), _PLACE_MOST - max(0.0, address))
    if metres <= _FAR_METRES:
        return near
    return near + _FAR * min(1.0, (metres - _FAR_METRES) / (_FARTHEST_METRES - _FAR_METRES))


def text_weight(pair: Pair, likeness: float) -> float:
    """What the words add, or take away."""
    weight = _TEXT * pair.told * (likeness - _TEXT_NEUTRAL)
    one_kind = pair.category > 0 or (pair.category == 0 and pair.kind > 0)
    settled = weight < 0 and one_kind and pair.where in (HOUSE, ALLEY, JUNCTION)
    return weight * _OWN_WORDS if settled else weight


def _vague(pair: Pair) -> bool:
    """Whether no address, but at most the map, says that both are at one place."""
    return pair.where is UNKNOWN and pair.metres is not None


def around(pair: Pair) -> bool:
    """Whether the other is a problem that this one could be taken for."""
    return pair.metres is not None and pair.metres < _AROUND_METRES and pair.category >= 0


def _crowd_weight(pair: Pair, others: int) -> float:
    return _ONLY_NEAR + _CROWD * math.log1p(others) if _vague(pair) else 0.0


def log_odds(contributions: Mapping[str, float], model: Model = HAND_SET) -> float:
    """The sum that the score is the logistic of."""
    return _BIAS + model.shift + sum(model.scaled(contributions).values())


#: What is weighed; the other features of a verdict (alike, days, metres) are what these were made of.
FEATURES = frozenset(
    {"place", "distance", "category", "time", "phone", "channel", "ward", "crowd", "copy", "text"}
)


def contributions(features: Mapping[str, float]) -> dict[str, float]:
    """Of the features of a verdict those that are weighed, as the hand-set model weighs them."""
    return {name: value for name, value in features.items() if name in FEATURES}


def logistic(odds: float) -> float:
    """The score, from 0 to 1."""
    if not -30.0 < odds < 30.0:
        odds = math.copysign(30.0, odds)
    return 1 / (1 + math.exp(-odds))
