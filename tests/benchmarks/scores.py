"""How good a clustering of a stream is, measured against its true cases.

A method answers for each report, in the order of arrival, which earlier reports are nearest to it and
how near (`Hits`), and into which case it was put. Every figure is of the whole stream: pairs drawn at
random flatter every method, because almost all of them are easy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from operator import itemgetter

from tests.benchmarks.streams import Report

#: For each report the places (in the stream) of earlier ones with their likeness, best first.
Hits = list[list[tuple[int, float]]]


def repeats(made: Sequence[Report]) -> list[bool]:
    """For each report whether its problem was told of before."""
    seen: set[int] = set()
    return [one.truth in seen or bool(seen.add(one.truth)) for one in made]


def recall_at(made: Sequence[Report], hits: Hits, among: int) -> float:
    """Of the repeats, the share with a report of their own problem among the first so many."""
    found = [
        any(made[at].truth == one.truth for at, _ in near[:among])
        for one, near, again in zip(made, hits, repeats(made), strict=True)
        if again
    ]
    return sum(found) / len(found)


def recall_at_precision(made: Sequence[Report], hits: Hits, precision: float) -> float:
    """The most repeats that joining the surest best hits finds, while that share of the joined is right."""
    first = [
        (near[0][1], made[near[0][0]].truth == one.truth)
        for one, near in zip(made, hits, strict=True)
        if near
    ]
    first.sort(key=itemgetter(0), reverse=True)
    good, best = 0, 0
    for count, (score, right) in enumerate(first, start=1):
        good += right
        # Equal scores cannot be told apart by any threshold.
        if good >= precision * count and (count == len(first) or first[count][0] < score):
            best = good
    return best / sum(repeats(made))


def joined_at(hits: Hits, threshold: float) -> list[int]:
    """The case of each report where it joins its best hit from `threshold` on; named after its first."""
    cases: list[int] = []
    for at, near in enumerate(hits):
        cases.append(cases[near[0][0]] if near and near[0][1] >= threshold else at)
    return cases


def best_threshold(made: Sequence[Report], hits: Hits) -> float:
    """The threshold at which `joined_at` has the best pair F1, of sixty that are tried."""
    scores = sorted(near[0][1] for near in hits if near)
    tried = {scores[len(scores) * step // 60] for step in range(60)} | {scores[-1]}
    truth = [one.truth for one in made]
    return max(sorted(tried), key=lambda threshold: pair_f1(truth, joined_at(hits, threshold)))


def pair_f1(truth: Sequence[Hashable], cases: Sequence[Hashable]) -> float:
    """F1 over all pairs of reports in one case."""
    both = _pairs(Counter(zip(truth, cases, strict=True)))
    return 2 * both / max(1, _pairs(Counter(truth)) + _pairs(Counter(cases)))


def _pairs(sizes: Counter[Hashable]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes.values())


def b_cubed_f1(truth: Sequence[Hashable], cases: Sequence[Hashable]) -> float:
    """F1 of each report's share of right companions, averaged."""
    both = Counter(zip(truth, cases, strict=True))
    of_truth, of_case = Counter(truth), Counter(cases)
    precision = sum(n * n / of_case[case] for (_, case), n in both.items()) / len(truth)
    recall = sum(n * n / of_truth[true] for (true, _), n in both.items()) / len(truth)
    return 2 * precision * recall / (precision + recall)
