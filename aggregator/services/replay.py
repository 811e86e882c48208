"""The past judged again: reports in the order in which they came, nothing stored.

    lived (traits, present case) | judged again? Matcher(LiveCandidates) : left in its case | Outcome

What may surprise: a report that is not judged again lives where it lives now, beside the judged ones:
its case is found again by the first of its reports that came by. What people decided later is not known
to the rule here, as it was not then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from aggregator.domain.match_rule import RuleBook
from aggregator.domain.matching import Traits, Verdict
from aggregator.services.live_index import LiveCandidates
from aggregator.services.matching_index import Matcher, Placement

#: A report's traits and the case in which it lives now.
Lived = tuple[Traits, int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one report judged again. `case` is named after its first report.

    `beside` is the report it joined, None where it opened a case of its own; `asked` are those offered.
    """

    case: int
    beside: int | None
    verdict: Verdict | None
    asked: tuple[tuple[int, Verdict], ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """Report id -> outcome, of those that were judged again, and report id -> case, of all."""

    outcomes: dict[int, Outcome]
    cases: dict[int, int]


def replay(
    lived: Iterable[Lived], rules: RuleBook, again: Callable[[Traits], bool] = lambda t: True
) -> Replayed:
    """What becomes of the reports where those are judged `again`. `lived` must come in time order."""
    matcher, homes = Matcher(LiveCandidates(), rules), dict[int, int]()
    ids = [0]  # number -> report id: the index wants rising numbers, and what came late has a high id
    found = Replayed({}, {})
    for number, (own, lives_in) in enumerate(lived, start=1):
        t = replace(own, report_id=number)
        ids.append(own.report_id)
        if again(own):
            placed = matcher.place(t)
            case = number if placed.case_id is None else placed.case_id
            found.outcomes[own.report_id] = _outcome(ids, case, placed)
        else:
            case = homes.get(lives_in, number)
        homes.setdefault(lives_in, case)
        found.cases[own.report_id] = ids[case]
        matcher.settle(t, case)
    return found


def _outcome(ids: Sequence[int], case: int, placed: Placement) -> Outcome:
    return Outcome(
        ids[case],
        None if placed.beside is None else ids[placed.beside],
        placed.verdict,
        tuple((ids[other.report_id], verdict) for other, verdict in placed.suggestions),
    )
