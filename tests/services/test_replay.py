"""The past judged again gives what the stream itself gives, whatever the ids and the time it spans."""

from __future__ import annotations

from dataclasses import replace

from aggregator.domain.match_rule import RuleBook
from aggregator.services.clustering import traits_of
from aggregator.services.live_index import LiveCandidates
from aggregator.services.matching_index import Matcher
from aggregator.services.replay import replay
from tests.benchmarks import streams

MADE = [
    traits_of(one.row, number)
    for number, one in enumerate(streams.stream(streams.BUILDERS, 700, 11, days=150), start=1)
]


def cases_of_the_stream() -> dict[int, int]:
    matcher, cases = Matcher(LiveCandidates()), dict[int, int]()
    for t in MADE:
        placed = matcher.place(t)
        cases[t.report_id] = t.report_id if placed.case_id is None else placed.case_id
        matcher.settle(t, cases[t.report_id])
    return cases


def test_all_judged_again_fall_into_the_cases_of_the_stream() -> None:
    found = replay([(t, t.report_id) for t in MADE], RuleBook())
    assert found.cases == cases_of_the_stream()
    assert {one for one, outcome in found.outcomes.items() if outcome.beside} == {
        report for report, case in found.cases.items() if report != case
    }


def test_ids_need_not_follow_the_time() -> None:
    """Reports of a channel that was read late have high ids and early times."""
    turned = [replace(t, report_id=10_000 - t.report_id) for t in MADE]
    found = replay([(t, t.report_id) for t in turned], RuleBook())
    assert found.cases == {10_000 - report: 10_000 - case for report, case in cases_of_the_stream().items()}


def test_what_is_not_judged_again_stays_where_it_lives() -> None:
    cases = cases_of_the_stream()
    found = replay([(t, cases[t.report_id]) for t in MADE], RuleBook(), lambda t: False)
    assert found.outcomes == {} and found.cases == cases
