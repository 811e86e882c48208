"""How good a score is on decisions that it was not fitted to: what joins, what is asked, what .9 means.

Every figure is counted over whole decisions in the order of time, never over sampled pairs; `cases` are
figures of whole groups, because one wrong link costs as many pairs as the two groups have.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from aggregator.domain.match_rule import Model, Thresholds
from aggregator.domain.matching import Judgement
from aggregator.domain.training import Decision, judged, probability

#: Where a reliability table is cut: finer where joining is decided.
EDGES = (0.0, 0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 1.0)
_SURE = 1e-6


@dataclass(frozen=True, slots=True)
class Bin:
    """Decisions whose score lies in [low, high): what the score says of them, and what is true."""

    low: float
    high: float
    count: int
    said: float
    true: float


@dataclass(frozen=True, slots=True)
class Ratio:
    """Precision and recall at one threshold; None where there is nothing to count."""

    precision: float | None
    recall: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One model on one set of decisions. `joins`: at `same`, vetoes counted; `asks`: at `unsure`."""

    decisions: int
    log_loss: float
    joins: Ratio
    asks: Ratio
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Grouped:
    """How well cases agree with the true ones."""

    reports: int
    pair_f1: float
    b_cubed_precision: float
    b_cubed_recall: float
    b_cubed_f1: float


def measure(
    decisions: Sequence[Decision], model: Model, thresholds: Callable[[Decision], Thresholds]
) -> Measured:
    """The figures of one model; `thresholds` of a decision are those of its ward and category."""
    scores = [probability(one, model) for one in decisions]
    said = [judged(one, model, thresholds(one)) for one in decisions]
    truth = [one.same for one in decisions]
    return Measured(
        len(decisions),
        _log_loss(scores, truth),
        _ratio([one is Judgement.SAME for one in said], truth),
        _ratio([one is not Judgement.DIFFERENT for one in said], truth),
        _bins(scores, truth),
    )


def _log_loss(scores: Sequence[float], truth: Sequence[bool]) -> float:
    """Bits of surprise (natural logarithm) a decision; a score of 0 or 1 is taken as nearly so."""
    if not scores:
        return 0.0
    sure = [min(1 - _SURE, max(_SURE, score)) for score in scores]
    lost = (-math.log(score if same else 1 - score) for score, same in zip(sure, truth, strict=True))
    return sum(lost) / len(scores)


def _ratio(said: Sequence[bool], truth: Sequence[bool]) -> Ratio:
    right = sum(one and same for one, same in zip(said, truth, strict=True))
    return Ratio(
        right / sum(said) if any(said) else None, right / sum(truth) if any(truth) else None, sum(said)
    )


def _bins(scores: Sequence[float], truth: Sequence[bool]) -> tuple[Bin, ...]:
    found = []
    for low, high in pairwise(EDGES):
        inside = [
            (score, same)
            for score, same in zip(scores, truth, strict=True)
            if low <= score < high or score == high == EDGES[-1]
        ]
        if inside:
            count = len(inside)
            means = sum(score for score, _ in inside) / count, sum(same for _, same in inside) / count
            found.append(Bin(low, high, count, *means))
    return tuple(found)


def grouped(truth: Mapping[int, Hashable], cases: Mapping[int, Hashable]) -> Grouped:
    """Cases found against true ones, over the reports of both."""
    reports = [one for one in cases if one in truth]
    both = Counter((truth[one], cases[one]) for one in reports)
    of_truth, of_case = Counter(truth[one] for one in reports), Counter(cases[one] for one in reports)
    count = max(1, len(reports))
    precision = sum(n * n / of_case[case] for (_, case), n in both.items()) / count
    recall = sum(n * n / of_truth[true] for (true, _), n in both.items()) / count
    total = _pairs(of_truth.values()) + _pairs(of_case.values())
    return Grouped(
        len(reports),
        2 * _pairs(both.values()) / total if total else 1.0,
        precision,
        recall,
        2 * precision * recall / (precision + recall) if reports else 1.0,
    )


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)
