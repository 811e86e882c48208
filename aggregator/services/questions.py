"""Which questions are asked: the best of each two cases, as long as its answer would change anything.

The rule leaves a row for every pair of reports that it was unsure of. An officer is asked about cases,
so of all pairs between the same two cases the likeliest is asked, and none of them where both cases are
closed, where they have become one, or where a person said what they are to each other.

What may surprise: whoever changes what a case is made of, or whether it is worked on, calls `refresh`
in the same transaction; the list of open questions and its number then need no looking.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aggregator.domain.legal import LegalState
from aggregator.storage import case_queries, match_queries, question_queries
from aggregator.storage.case_queries import CaseFacts
from aggregator.storage.db import Tx


def refresh(tx: Tx, case_ids: Iterable[int]) -> None:
    """Ask, or ask no more, about each of these cases and any other."""
    mine = case_queries.living_in(tx, case_ids)
    rows = question_queries.around(tx, mine)
    if not rows:
        return
    settled = match_queries.settled_pairs(tx, mine)
    reports = {one for row in rows for one in (row.report_a, row.report_b)}
    homes = case_queries.case_of_report(tx, reports | {one for pair in settled for one in pair})
    facts = case_queries.facts(tx, homes.values())
    answered = {_between(homes, *pair) for pair in settled}
    asked: dict[tuple[int, int], Any] = {}
    for row in sorted(rows, key=lambda row: (-row.score, row.id)):
        pair = _between(homes, row.report_a, row.report_b)
        if pair not in answered and _open(*(facts[case] for case in pair)):
            asked.setdefault(pair, row)
    wards = {row.id: facts[pair[0]].ward_code for pair, row in asked.items()}
    question_queries.set_asked(
        tx, {row.id: wards.get(row.id) for row in rows if row.asked_in != wards.get(row.id)}
    )


def _between(homes: dict[int, int], one: int, other: int) -> tuple[int, int]:
    first, second = sorted((homes[one], homes[other]))
    return first, second


def _open(one: CaseFacts, other: CaseFacts) -> bool:
    # A case and itself are the same object: what has become one is not asked about.
    if one is other or one.ward_code != other.ward_code or not (one.is_open or other.is_open):
        return False
    return not (_legal(one) or _legal(other))


def _legal(facts: CaseFacts) -> bool:
    """Nor is what may be a complaint or denunciation: it is not for everybody to compare."""
    state = LegalState(facts.legal) if facts.legal else None
    return state is not None and (state.undecided or state.restricted)
