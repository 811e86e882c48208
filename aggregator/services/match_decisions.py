"""What the office has decided, one decision an act, with what the score was made of when it was judged.

    judgements of people | joins by rule, kept or undone | Decision, oldest first

What may surprise: one act of a person is one decision, whatever the number of pairs that it settled, and
is told by its best pair, because by its best pair a case is joined. A join by rule counts as right only
once its case was closed with the report still in it. What an older version of the weights judged is
compared anew from what is stored of the reports now; for a join by rule, whose case may have grown since,
that would be another question, and it is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from aggregator.domain import matching
from aggregator.domain.match_rule import RULE_VERSION, Model, base_of
from aggregator.domain.match_score import contributions
from aggregator.domain.reasons import VETO_WEIGHT
from aggregator.domain.training import Decision, Source, probability
from aggregator.storage import match_queries, match_rule_queries
from aggregator.storage.db import Tx


def decisions(tx: Tx, model: Model) -> list[Decision]:
    """Every decision of the office, oldest first; `model` tells which pair of an act was its best."""
    told = match_rule_queries.person_judgements(tx)
    joined = match_rule_queries.joined_by_rule(tx)
    by_people = {(row.report_a, row.report_b) for row in told}
    reports = {row.report_a for row in told} | {row.report_b for row in told}
    traits = match_rule_queries.traits_of(tx, reports | {row.report_id for row in joined})
    again = _recomputed(tx, [row for row in told if not _usable(row)])
    found = list(_acts(told, again, traits, model))
    found += _joins(joined, by_people, traits)
    return sorted(found, key=lambda one: (one.at, one.report, one.other))


def _usable(row: Any) -> bool:
    """Whether what was stored of the pair was made by the weights of today."""
    return row.features is not None and base_of(row.rule_version) == RULE_VERSION


def _recomputed(tx: Tx, rows: Iterable[Any]) -> dict[tuple[int, int], Mapping[str, float]]:
    """The features of pairs that an older version judged, from what is stored of the reports now."""
    pairs = [(row.report_a, row.report_b) for row in rows]
    known = match_queries.stored_traits(tx, {report for pair in pairs for report in pair})
    return {
        (one, other): matching.judge(known[other], known[one]).features
        for one, other in pairs
        if one in known and other in known
    }


def _acts(
    told: Iterable[Any], again: Mapping[tuple[int, int], Mapping[str, float]], traits: Mapping[int, Any],
    model: Model,
) -> Iterator[Decision]:  # fmt: skip
    """One decision an act of a person: its best pair."""
    acts: dict[tuple[Any, ...], list[Decision]] = defaultdict(list)
    for row in told:
        features = row.features if _usable(row) else again.get((row.report_a, row.report_b))
        if features is not None:
            same = row.judgement == "same"
            barred = any(reason["weight"] <= VETO_WEIGHT for reason in row.reasons)
            acts[row.officer_id, row.at, same].append(
                _decision(row.at, row.report_b, row.report_a, same=same, features=features, traits=traits,
                          source=Source.MERGED if same else Source.PARTED, barred=barred)
            )  # fmt: skip
    for pairs in acts.values():
        yield max(pairs, key=lambda one: (probability(one, model), -one.report, -one.other))


def _joins(
    joined: Iterable[Any], by_people: set[tuple[int, int]], traits: Mapping[int, Any]
) -> Iterator[Decision]:
    """Joins by rule that a person has undone, or left as they were until the case was closed."""
    for row in joined:
        pair = (min(row.report_id, row.beside), max(row.report_id, row.beside))
        kept = row.together and row.closed_at is not None
        undone = not row.together and row.parted_by is not None
        if pair not in by_people and (kept or undone) and _usable(row):
            yield _decision(
                row.closed_at if kept else row.ended_at, row.report_id, row.beside, same=kept,
                features=row.features, traits=traits, source=Source.KEPT if kept else Source.UNDONE,
            )  # fmt: skip


def _decision(
    at: datetime, report: int, other: int, *, same: bool, features: Mapping[str, float],
    traits: Mapping[int, Any], source: Source, barred: bool = False,
) -> Decision:  # fmt: skip
    known = traits.get(report)
    return Decision(
        at, report, other, same, source, contributions(features), barred,
        known.ward if known else None, known.category if known else None,
    )  # fmt: skip
