"""Two models on the same decisions and the same stream of reports, neither fitted to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from aggregator.domain.match_rule import Model, RuleBook, Thresholds
from aggregator.domain.matching import Judgement, Traits
from aggregator.domain.score_figures import Grouped, Measured, grouped, measure
from aggregator.domain.training import Decision, Source, judged, probability
from aggregator.services.replay import Lived, replay

#: Examples of judgements that would change.
EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Example:
    """One held-out decision that the candidate would judge otherwise."""

    report: int
    other: int
    same: bool
    source: Source
    now: Judgement
    then: Judgement
    score_now: float
    score_then: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Present and candidate on the same decisions, neither fitted to them."""

    decisions: int
    same: int
    since: datetime | None
    until: datetime | None
    now: Measured
    then: Measured
    changed: int
    examples: tuple[Example, ...]
    cases_now: Grouped | None
    cases_then: Grouped | None


def compared(
    held: Sequence[Decision], book: RuleBook, candidate: Model, lived: Sequence[Lived] = (),
    since: datetime | None = None,
) -> Comparison:  # fmt: skip
    """Present and candidate on held-out decisions, and on the reports around them as whole cases.

    The truth of a report's case is the case in which it lives now; `since` bounds what is counted.
    """

    def thresholds(one: Decision) -> Thresholds:
        return book.rule(one.ward, one.category).thresholds

    changed = [
        one
        for one in held
        if judged(one, book.model, thresholds(one)) is not judged(one, candidate, thresholds(one))
    ]
    changed.sort(key=lambda one: -abs(probability(one, candidate) - probability(one, book.model)))
    return Comparison(
        decisions=len(held), same=sum(one.same for one in held),
        since=held[0].at if held else None, until=held[-1].at if held else None,
        now=measure(held, book.model, thresholds), then=measure(held, candidate, thresholds),
        changed=len(changed),
        examples=tuple(_example(one, book.model, candidate, thresholds(one)) for one in changed[:EXAMPLES]),
        cases_now=_cases(lived, book, since), cases_then=_cases(lived, book.with_model(candidate), since),
    )  # fmt: skip


def _example(one: Decision, now: Model, then: Model, thresholds: Thresholds) -> Example:
    return Example(
        one.report, one.other, one.same, one.source, judged(one, now, thresholds),
        judged(one, then, thresholds), probability(one, now), probability(one, then),
    )  # fmt: skip


def _cases(lived: Sequence[Lived], book: RuleBook, since: datetime | None) -> Grouped | None:
    if not lived:
        return None

    def again(t: Traits) -> bool:
        return since is None or t.received_at >= since

    found = replay(lived, book, again)
    if not found.outcomes:
        return None
    truth = {t.report_id: case for t, case in lived}
    return grouped(truth, {report: found.cases[report] for report in found.outcomes})


def figures_of(comparison: Comparison) -> dict[str, Any]:
    """What is kept with a model of the comparison that it was adopted on: JSON."""
    return {
        "decisions": comparison.decisions, "same": comparison.same, "changed": comparison.changed,
        "since": comparison.since.isoformat() if comparison.since else None,
        "until": comparison.until.isoformat() if comparison.until else None,
        "now": asdict(comparison.now), "then": asdict(comparison.then),
        "cases_now": asdict(comparison.cases_now) if comparison.cases_now else None,
        "cases_then": asdict(comparison.cases_then) if comparison.cases_then else None,
    }  # fmt: skip
