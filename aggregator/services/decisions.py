"""What a person says of two cases, kept so that it can be taken back.

A word on a pair of reports binds until it is taken back: "same", "different", or "same, come back" of a
case that had been closed. Each decision keeps what was said of its pairs before; undoing it gives that
back wherever nobody has spoken since.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aggregator.domain import matching
from aggregator.domain.matching import RULE_VERSION, Traits
from aggregator.domain.people import Actor
from aggregator.services.arrival_rows import features
from aggregator.storage import decision_queries, match_queries
from aggregator.storage.db import Tx

Pair = tuple[int, int]


def say(
    tx: Tx, actor: Actor, pairs: Sequence[Pair], judgement: str, now: datetime, *, recurrence: bool = False
) -> list[list[Any]]:
    """Keep a person's word on these pairs of reports; what was said of them before, for `record`."""
    ordered = sorted({(min(pair), max(pair)) for pair in pairs})
    known = match_queries.said_of(tx, ordered)
    traits = match_queries.stored_traits(tx, {report for pair in ordered for report in pair})
    match_queries.put_person_judgements(
        tx,
        [
            {"report_a": first, "report_b": second, "judgement": judgement, "score": None, "reasons": [],
             "recurrence": recurrence, "rule_version": RULE_VERSION, "officer_id": actor.id, "at": now,
             "asked_in": None, "features": _features(traits.get(first), traits.get(second))}
            for first, second in ordered
        ],
    )  # fmt: skip
    return [_said(pair, known.get(pair)) for pair in ordered]


def _features(one: Traits | None, other: Traits | None) -> dict[str, float] | None:
    """What a rule sees of the pair now: for training runs, where the rule had not asked about it."""
    if one is None or other is None:
        return None
    old, new = sorted((one, other), key=lambda t: (t.received_at, t.report_id))
    return features(matching.judge(new, old))


def _said(pair: Pair, row: Any) -> list[Any]:
    if row is None:
        return [*pair, None, None, None, False]
    return [*pair, row.judgement, row.officer_id, row.at.isoformat(), row.recurrence]


def record(
    tx: Tx, actor: Actor, kind: str, case: Any, other: Any, reports: Sequence[int],
    before: list[list[Any]], now: datetime, batch: int | None = None,
) -> int:  # fmt: skip
    """Keep the decision; its id."""
    return decision_queries.add(
        tx,
        {"batch_id": batch, "ward_code": case.ward_code, "kind": kind, "case_id": case.id,
         "other_id": other.id, "reports": list(reports), "before": before, "officer_id": actor.id, "at": now},
    )  # fmt: skip


def take_back(tx: Tx, decision: Any) -> None:
    """What was said before is said again."""
    rows = [
        {"report_a": a, "report_b": b, "judgement": judgement, "officer_id": by,
         "at": datetime.fromisoformat(at) if at else None, "recurrence": recurrence}
        for a, b, judgement, by, at, recurrence in decision.before
    ]  # fmt: skip
    match_queries.unsay(tx, rows, decision.at)
