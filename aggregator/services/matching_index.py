"""Where new reports belong: beside which stored or just arrived report, or alone.

    traits | keys | candidates from the database or from memory | rank | join, suggest or open

One decision, two sources of candidates: `StoredCandidates` reads the posting lists of a whole batch in
one statement, `live_index.LiveCandidates` holds them in memory. What may surprise: reports of one batch
are matched with one another too, in their order, before any of them is stored; the batch's own keys are
read with the database's as if it were stored already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from aggregator.domain import matching
from aggregator.domain.match_rule import Rule, RuleBook
from aggregator.domain.matching import Judgement, Traits, Verdict
from aggregator.domain.traits import PER_KEY, day_of, is_cell, newest_around
from aggregator.storage import match_queries
from aggregator.storage.db import Tx

#: Candidates offered to the officer where the rule is unsure.
SUGGESTIONS = 5


@dataclass(frozen=True, slots=True)
class Placement:
    """What the rule decided for one new report.

    `case_id` is the case to join, None to open one. `beside` is the report that decided it.
    `suggestions` are other reports that may be the same problem, best first; `ranked` is all that was
    judged, at most ten.
    """

    case_id: int | None
    beside: int | None
    verdict: Verdict | None
    suggestions: tuple[tuple[Traits, Verdict], ...]
    ranked: tuple[tuple[Traits, Verdict], ...] = ()


class Candidates(Protocol):
    """Where candidates come from."""

    def near(self, t: Traits) -> list[Traits]:
        """The reports that share a key with this one, as they stand now, lower ids first."""

    def size(self, case_id: int) -> int:
        """How many reports the case has, 0 for an unknown one."""

    def add(self, t: Traits, case_id: int) -> None:
        """From now on the report is found; it lives in the case."""


class Matcher:
    """Places reports one after the other, in the order in which they came, each by the rule of its scope."""

    def __init__(self, candidates: Candidates, rules: RuleBook | None = None) -> None:
        self._candidates = candidates
        self._rules = rules or RuleBook()

    def place(self, t: Traits) -> Placement:
        """The judgement on one report. `settle` must follow before the next is placed."""
        rule = self._rules.rule(t.ward, t.category)
        ranked = matching.rank(t, self._candidates.near(t), rule=rule)
        join = next((pair for pair in ranked if self._joins(*pair, rule)), None)
        case_id = join[0].case_id if join else None
        open_questions = [
            (other, verdict)
            for other, verdict in ranked
            if other.case_id != case_id
            and (verdict.judgement is not Judgement.DIFFERENT or verdict.recurrence)
        ]
        return Placement(
            case_id=case_id,
            beside=join[0].report_id if join else None,
            verdict=join[1] if join else None,
            suggestions=tuple(_one_a_case(open_questions)[:SUGGESTIONS]),
            ranked=tuple(ranked),
        )

    def settle(self, t: Traits, case_id: int) -> None:
        """The report lives in `case_id`: later ones may find it there."""
        self._candidates.add(t, case_id)

    def _joins(self, other: Traits, verdict: Verdict, rule: Rule) -> bool:
        return (
            verdict.judgement is Judgement.SAME
            and not verdict.recurrence
            and other.case_id is not None
            and self._candidates.size(other.case_id) < rule.thresholds.cap
        )


class StoredCandidates:
    """The database's posting lists for one batch, inside one transaction.

    `keys`: report id -> the keys under which it is found.
    """

    def __init__(self, tx: Tx, batch: Sequence[Traits], keys: Mapping[int, Sequence[int]]) -> None:
        self._keys = keys
        self._lookups = {t.report_id: matching.lookup_keys(t) for t in batch}
        self._since = _since(batch, self._lookups)
        self._postings = match_queries.postings(tx, self._since)
        stored = {report_id for ids in self._postings.values() for report_id in ids}
        self._known = match_queries.stored_traits(tx, stored)
        self._days = {t.report_id: day_of(t.received_at) for t in (*self._known.values(), *batch)}
        self._sizes: dict[int, int] = {}
        for t in self._known.values():
            if t.case_id is not None:
                self._sizes[t.case_id] = t.case_size
        self._fresh: dict[int, list[int]] = defaultdict(list)

    def near(self, t: Traits) -> list[Traits]:
        near: set[int] = set()
        around: list[list[int]] = []
        day = day_of(t.received_at)
        for key, days in self._lookups[t.report_id].items():
            held = self._held(key, day - days)
            if is_cell(key):
                around.append(held)
            else:
                near.update(held)
        near.update(newest_around(around))
        return [self._known[one] for one in sorted(near) if one in self._known]

    def _held(self, key: int, since: int) -> list[int]:
        """The key's posting list as the database would give it to this report alone, the batch stored.

        So the pages in which reports come change nothing: a page may hold a report of last year beside
        today's, and one that came late is older than what is stored.
        """
        stored, fresh = self._postings.get(key, []), self._fresh.get(key)
        if fresh is None and self._since[key] == since:
            return stored
        days = self._days
        held = [one for one in (*stored, *(fresh or ())) if days.get(one, -1) >= since]
        held.sort(key=lambda one: (days[one], one), reverse=True)
        return held[:PER_KEY]

    def size(self, case_id: int) -> int:
        return self._sizes.get(case_id, 0)

    def add(self, t: Traits, case_id: int) -> None:
        self._sizes[case_id] = self._sizes.get(case_id, 0) + 1
        self._known[t.report_id] = replace(t, case_id=case_id)
        for key in self._keys[t.report_id]:
            self._fresh[key].append(t.report_id)


def _since(batch: Sequence[Traits], lookups: Mapping[int, Mapping[int, int]]) -> dict[int, int]:
    """Key -> the oldest day that any report of the batch looks at."""
    since: dict[int, int] = {}
    for t in batch:
        day = day_of(t.received_at)
        for key, days in lookups[t.report_id].items():
            since[key] = min(since.get(key, day), day - days)
    return since


def _one_a_case(ranked: list[tuple[Traits, Verdict]]) -> list[tuple[Traits, Verdict]]:
    """The best report of each case: an officer is asked about cases, not about each report in them."""
    best: dict[int | None, tuple[Traits, Verdict]] = {}
    for other, verdict in ranked:
        best.setdefault(other.case_id, (other, verdict))
    return list(best.values())
