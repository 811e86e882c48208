"""Where new reports belong: beside which stored or just arrived report, or alone.

    traits | keys | candidates from the database or from memory | rank | join, suggest or open

One decision, two sources of candidates: `stored_index.StoredCandidates` reads the posting lists of a whole
batch in one statement, `live_index.LiveCandidates` holds them in memory. They stand apart because
clustering a file needs no database, and loading one takes as long as placing a thousand reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from aggregator.domain import matching
from aggregator.domain.match_rule import Rule, RuleBook
from aggregator.domain.matching import Judgement, Traits, Verdict

_SAME, _DIFFERENT = Judgement.SAME, Judgement.DIFFERENT  # looked up once, not for each pair

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
            # Not even as a question: what a legal matter says is not for everybody to compare.
            and not (t.legal or other.legal)
            and (verdict.judgement is not _DIFFERENT or verdict.recurrence)
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
            verdict.judgement is _SAME
            and not verdict.recurrence
            and other.case_id is not None
            and self._candidates.size(other.case_id) < rule.thresholds.cap
        )


def _one_a_case(ranked: list[tuple[Traits, Verdict]]) -> list[tuple[Traits, Verdict]]:
    """The best report of each case: an officer is asked about cases, not about each report in them."""
    best: dict[int | None, tuple[Traits, Verdict]] = {}
    for other, verdict in ranked:
        best.setdefault(other.case_id, (other, verdict))
    return list(best.values())
