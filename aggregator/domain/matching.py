"""Whether two reports are about the same problem.

Principles
    A wrong merge is worse than a missed one: it hides a citizen's report behind another's answer. So a
    judgement has three values, and everything doubtful is a suggestion that an officer confirms.
    Text alone cannot decide: reports are worded alike, and "same street, another house" is more alike
    than two people describing one hole. Place, time, kind of problem and reporter decide; text confirms.
    The officer must understand each judgement, so every feature that counted is a sentence.
    The score is symmetric; which of the two is open, closed or legal changes the judgement, not the score.
    Nothing here knows the future: a case counts as closed from its closing time on, not before.

How it works
    `traits` reads one report; `keys` are the hashes it is stored under and `lookup_keys` those under
    which candidates for it are looked up; `rank` scores the candidates, all with the cheap comparison
    and the best few with the dear one; `judge` compares two.

        traits | lookup_keys -> (index) -> candidates | rank -> judge -> SAME / UNSURE / DIFFERENT

    The score is a logistic over a few features (`_weights`), set by hand and checked on real and made
    streams (`tests/benchmarks/streams`, the builders' half only), and scaled where an office has adopted
    a training run (`match_rule.Model`). After it come the vetoes: what forbids joining without a person,
    however high the score. `rank` alone sees how crowded a place is: a spot on the map without an address
    in common weighs less for each other open case of the kind around.

Known exceptions
    Catch-all categories ("Khác", "Other") say nothing about the problem and are not compared. Where a
    category is missing, the kinds of problem that the words name take its place (`kinds`), those that the
    other's category names where there are no such words. Words of another kind forbid joining whatever the
    categories, unless it is a copy: a flood and a broken cover are "Thoát nước" both. Only what blocks a
    road and what is wrong with it may be one where both categories agree. Another category forbids joining
    unless all words agree: people mistake the category of a copy.
    A copy is a copy of the body: a subject is lost or changed between channels. It is one however its
    street was read, as long as the house agrees; where the same words came from two wards, a copy without
    a ward is asked about.
    Durations, dates, times and counts are no numbers that tell two texts apart; houses and poles are.
    An exact copy of a long text in the same ward counts as placed although no place could be read in it,
    but not where one of the two says where it is: that is one template used at two places.
    Where house and category agree, unlike words count little: people tell of one problem differently.
    A near copy with other numbers in it is a template filled in twice; it is never joined by itself.
    A portal that lets people choose a nature and write nothing leaves place and time: at one house an open
    case of the last three days joins whatever the nature. That is what one city's own staff did, with four
    of five such reports whether or not the nature was the same, and with one of thirty on the fourth day.
    Names of natures that tell of two kinds (lamp, rubbish) stay apart all the same.
    Titles of a few words behave like that where the category agrees.
    Where only one of two reports says its ward, the street may be its namesake elsewhere: only a copy, the
    same caller or the map joins them. Where neither does, they count as of one ward, as in an office that
    has only one. A ward that the words name beside the place counts where the report gives none.
    A street without a house, an alley around a house, another category or another street name are offered
    at most: on real and made streams nearly all wrong merges came from these. An exact copy may join.

Tried and dropped
    One threshold on text similarity: the same alley reported twice reaches 82, another house of the
    street 85. `WRatio`: misleads on long texts. Rare word pairs as further keys: .007 more recall for ten
    times the candidates. Full-text search as candidate source: cost grows with the number of reports.
    On the builders' half, 10,000 reports: a joining threshold of .8 instead of .9 gave .01 more recall, but
    8 of 3,055 hard negatives joined instead of 1. Without a penalty on a spot that no address confirms, 5
    of 12 wrong merges were a neighbour's problem.
    Without kinds, an unknown category could only be punished: join recall .84 instead of .88, pair F1 .89
    instead of .92. Coarse kinds as a veto inside one category: .90 to .89 of pair F1 on streets and wordings
    not tuned on. All shared kinds alike, wherever they are named: on the strangers' half that was looked at,
    two texts of one house without a common category were one problem in 86 to 93 of 100 cases where any kind
    is shared, in 91 to 97 where it is the one named first, in 49 where it is another. Kinds of one road as a
    veto, too: pair F1 .87 on the held half. Equal kinds weighed for a spot on the map: 2 of 3,054 hard
    negatives joined, both neighbours. A missing ward ignored: at 100,000 reports 115 of 135 wrong merges were
    two streets of one name. Joining them within a day: .01 more recall, and .9 instead of .2 hard negatives
    in a thousand.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from operator import itemgetter
from typing import NamedTuple

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
    alike,
    cheap_alike,
    compare,
    elsewhere,
    numbers_differ,
)
from aggregator.domain.kinds import AKIN
from aggregator.domain.match_rule import DEFAULT, HAND_SET, RULE_VERSION, Model, Rule, Thresholds
from aggregator.domain.reasons import Reason, reasons, veto_reason
from aggregator.domain.traits import Traits, keys, lookup_keys, traits, ward_name

__all__ = [
    "DEFAULT",
    "FEATURES",
    "RULE_VERSION",
    "Judgement",
    "Reason",
    "Rule",
    "Thresholds",
    "Traits",
    "Verdict",
    "contributions",
    "judge",
    "keys",
    "log_odds",
    "lookup_keys",
    "rank",
    "traits",
]


class Judgement(StrEnum):
    """What is proposed: join, ask an officer, keep apart."""

    SAME = "same"
    UNSURE = "unsure"
    DIFFERENT = "different"


_SAME, _UNSURE, _DIFFERENT = Judgement  # looked up once, as the members of `Where`


class Evidence(NamedTuple):
    """What a verdict rests on. `contributions` are the features as weighed by hand, `weights` as counted."""

    new: Traits
    old: Traits
    pair: Pair
    alike: float
    contributions: Mapping[str, float]
    weights: Mapping[str, float]
    vetoes: Sequence[str]


class Verdict(NamedTuple):
    """A judgement with all that led to it; put into words and figures only when somebody reads them.

    `recurrence`: it would be the same problem, but the stored case is closed; offered as "tái diễn",
    never joined. `evidence` is None where a person has told the two apart.
    """

    judgement: Judgement
    score: float
    rule_version: str
    recurrence: bool
    evidence: Evidence | None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Vetoes, then what weighed most: all of it where the two may be one, else the two weightiest."""
        seen = self.evidence
        if seen is None:
            return (veto_reason("told_apart"),)
        shown = 2 if self.judgement is Judgement.DIFFERENT else len(seen.weights)
        return reasons(seen.weights, seen.vetoes, seen.pair, seen.new, seen.old, seen.alike, shown)

    @property
    def features(self) -> dict[str, float]:
        """What is stored of the comparison, before any model scaled it."""
        seen = self.evidence
        if seen is None:
            return {}
        metres = -1.0 if seen.pair.metres is None else seen.pair.metres
        return {"alike": seen.alike, "days": seen.pair.days, "metres": metres, **seen.contributions}


# --- the score -------------------------------------------------------------------------------------

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


def _weights(pair: Pair, others: int = 0) -> dict[str, float]:
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
    if _chosen_loosely(pair):
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


def _chosen_loosely(pair: Pair) -> bool:
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


def _text_weight(pair: Pair, likeness: float) -> float:
    weight = _TEXT * pair.told * (likeness - _TEXT_NEUTRAL)
    one_kind = pair.category > 0 or (pair.category == 0 and pair.kind > 0)
    settled = weight < 0 and one_kind and pair.where in (HOUSE, ALLEY, JUNCTION)
    return weight * _OWN_WORDS if settled else weight


def _vague(pair: Pair) -> bool:
    """Whether no address, but at most the map, says that both are at one place."""
    return pair.where is UNKNOWN and pair.metres is not None


def _around(pair: Pair) -> bool:
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


def _score(odds: float) -> float:
    if not -30.0 < odds < 30.0:
        odds = math.copysign(30.0, odds)
    return 1 / (1 + math.exp(-odds))


# --- vetoes ----------------------------------------------------------------------------------------

# Words (folded) of matters in which an anonymous reporter may be at risk.
_SENSITIVE_WORDS = tuple(
    frozenset(words.split())
    for words in (
        "ma tuy", "tham nhung", "hoi lo", "danh bac", "mai dam", "bao ke", "xam hai", "bao hanh", "de doa",
        "tin dung den", "vay nang",
    )
)  # fmt: skip
_NEAR_COPY = 0.9


def _vetoes(
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
        ("closed", _closed(new, old)),
    )
    return [code for code, holds in checks if holds]


def _other_kind(pair: Pair) -> bool:
    return pair.kind < (AKIN if pair.category > 0 else 0) and pair.category >= 0


def _one_matter(pair: Pair, likeness: float) -> bool:
    """Whether one of two categories can only be mistaken: of a copy, or where all words agree."""
    return pair.copy or _chosen_loosely(pair) or (pair.kind == 1 and likeness >= _NEAR_COPY)


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


def _closed(new: Traits, old: Traits) -> bool:
    return not old.case_open or (old.closed_at is not None and old.closed_at <= new.received_at)


# --- judging ---------------------------------------------------------------------------------------


def judge(new: Traits, old: Traits, rule: Rule = DEFAULT) -> Verdict:
    """Whether a new report and a stored one are about the same problem, and why.

    The score is the same in both directions; the judgement asks whether `new` may join the case of `old`.
    """
    pair = compare(new, old)
    return _judged(new, old, pair, _weights(pair), cheap_alike(new, old), rule)


def _judged(
    new: Traits,
    old: Traits,
    pair: Pair,
    added: dict[str, float],
    cheap: float,
    rule: Rule,
    *,
    namesakes: bool = False,
) -> Verdict:
    """Completes what the features add with the text, and judges.

    `namesakes`: these very words came from several wards, and one of these two names none.
    """
    thresholds, model = rule.thresholds, rule.model
    text_scale = model.scales.get("text", 1.0)
    without_text = log_odds(added, model)
    likeness = cheap
    if cheap < 1 and _score(without_text + text_scale * _text_weight(pair, 1.0)) >= thresholds.unsure:
        likeness = alike(new, old, cheap)  # only where the text can still lift it out of DIFFERENT
    added["text"] = _text_weight(pair, likeness)
    weights = model.scaled(added)
    total = without_text + weights["text"]
    score = _score(total)
    # A recurrence is as far from the first report as its repair lasted, so time does not count for it.
    timeless = _score(total - weights["time"])
    doubtful = score >= thresholds.unsure or timeless >= thresholds.unsure
    vetoes = _vetoes(new, old, pair, likeness, thresholds, namesakes) if doubtful else []
    recurs = timeless >= thresholds.same and "closed" in vetoes and set(vetoes) <= {"closed", "too_old"}
    evidence = tuple.__new__(Evidence, (new, old, pair, likeness, added, weights, vetoes))  # as `Pair`
    judgement = _judgement(score, bool(vetoes), recurs, thresholds)
    return tuple.__new__(Verdict, (judgement, score, rule.version, recurs, evidence))


def _judgement(score: float, vetoed: bool, recurs: bool, thresholds: Thresholds) -> Judgement:
    if score >= thresholds.same and not vetoed:
        return _SAME
    return _UNSURE if score >= thresholds.unsure or recurs else _DIFFERENT


RANKED = 10
"""Candidates that are judged in full and returned: an officer does not read more."""


def rank(
    new: Traits,
    candidates: Iterable[Traits],
    different: Collection[tuple[int, int]] = frozenset(),
    rule: Rule = DEFAULT,
) -> list[tuple[Traits, Verdict]]:
    """The candidates with their verdicts, best first, at most ten; what is `elsewhere` is left out.

    `different` holds the pairs (lower id, higher id) that a person has told apart: they come out as
    DIFFERENT with score 0 and are never asked again. Equal scores are ordered by the lower id.
    """
    pairs = [(old, compare(new, old)) for old in candidates if not elsewhere(new, old)]
    crowd = _cases_around(new, pairs)
    scaled, text_scale = rule.model.scaled, rule.model.scales.get("text", 1.0)
    compared = []
    for old, pair in pairs:
        cheap = cheap_alike(new, old)
        weights = _weights(pair, len(crowd) - (old.case_id in crowd))
        odds = sum(scaled(weights).values()) + text_scale * _text_weight(pair, cheap)
        compared.append((-odds, old.report_id, old, pair, weights, cheap))
    compared.sort(key=_LIKELIEST)
    judged = []
    namesakes = _several_wards(new, pairs)
    for _, _, old, pair, weights, cheap in compared[:RANKED]:
        told_apart = different and tuple(sorted((new.report_id, old.report_id))) in different
        if told_apart:
            judged.append((old, _TOLD_APART))
            continue
        unsaid = namesakes and pair.one_ward
        judged.append((old, _judged(new, old, pair, weights, cheap, rule, namesakes=unsaid)))
    judged.sort(key=_best_first)
    return judged


_LIKELIEST = itemgetter(0, 1)


def _best_first(judged: tuple[Traits, Verdict]) -> tuple[float, int]:
    return -judged[1].score, judged[0].report_id


def _cases_around(new: Traits, pairs: list[tuple[Traits, Pair]]) -> set[int | None]:
    """The open cases that a new report with a spot on the map could also be of."""
    if new.lat is None:
        return set()
    return {old.case_id for old, pair in pairs if _around(pair) and not _closed(new, old)}


def _several_wards(new: Traits, pairs: Iterable[tuple[Traits, Pair]]) -> bool:
    """Whether the very words of a report came from more than one ward."""
    wards = {old.ward for old, pair in pairs if pair.copy}
    return bool(wards) and len({ward_name(ward) for ward in wards | {new.ward} if ward}) > 1


_TOLD_APART = Verdict(_DIFFERENT, 0.0, RULE_VERSION, recurrence=False, evidence=None)
