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

    The score is a logistic over a few features (`match_score`), set by hand and checked on real and made
    streams (`tests/benchmarks/streams`, the builders' half only), and scaled where an office has adopted
    a training run (`match_rule.Model`). After it come the vetoes (`match_vetoes`): what forbids joining
    without a person, however high the score. `rank` alone sees how crowded a place is: a spot on the map
    without an address in common weighs less for each other open case of the kind around.

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

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from operator import itemgetter
from typing import NamedTuple

from aggregator.domain.comparison import Pair, alike, cheap_alike, compare, elsewhere
from aggregator.domain.match_rule import DEFAULT, RULE_VERSION, Rule, Thresholds
from aggregator.domain.match_score import (
    around,
    log_odds,
    logistic,
    text_weight,
    weighed,
)
from aggregator.domain.match_vetoes import closed, vetoes_of
from aggregator.domain.reasons import Reason, reasons, veto_reason
from aggregator.domain.traits import Traits, keys, lookup_keys, traits, ward_name

__all__ = [
    "DEFAULT",
    "RULE_VERSION",
    "Judgement",
    "Reason",
    "Rule",
    "Thresholds",
    "Traits",
    "Verdict",
    "judge",
    "keys",
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


# --- judging ---------------------------------------------------------------------------------------


def judge(new: Traits, old: Traits, rule: Rule = DEFAULT) -> Verdict:
    """Whether a new report and a stored one are about the same problem, and why.

    The score is the same in both directions; the judgement asks whether `new` may join the case of `old`.
    """
    pair = compare(new, old)
    return _judged(new, old, pair, weighed(pair), cheap_alike(new, old), rule)


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
    if cheap < 1 and logistic(without_text + text_scale * text_weight(pair, 1.0)) >= thresholds.unsure:
        likeness = alike(new, old, cheap)  # only where the text can still lift it out of DIFFERENT
    added["text"] = text_weight(pair, likeness)
    weights = model.scaled(added)
    total = without_text + weights["text"]
    score = logistic(total)
    # A recurrence is as far from the first report as its repair lasted, so time does not count for it.
    timeless = logistic(total - weights["time"])
    doubtful = score >= thresholds.unsure or timeless >= thresholds.unsure
    vetoes = vetoes_of(new, old, pair, likeness, thresholds, namesakes) if doubtful else []
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
        weights = weighed(pair, len(crowd) - (old.case_id in crowd))
        odds = sum(scaled(weights).values()) + text_scale * text_weight(pair, cheap)
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
    return {old.case_id for old, pair in pairs if around(pair) and not closed(new, old)}


def _several_wards(new: Traits, pairs: Iterable[tuple[Traits, Pair]]) -> bool:
    """Whether the very words of a report came from more than one ward."""
    wards = {old.ward for old, pair in pairs if pair.copy}
    return bool(wards) and len({ward_name(ward) for ward in wards | {new.ward} if ward}) > 1


_TOLD_APART = Verdict(_DIFFERENT, 0.0, RULE_VERSION, recurrence=False, evidence=None)
