"""Posting lists in memory: what is live is found, what is over is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from aggregator.domain.matching import Traits, traits
from aggregator.domain.traits import PER_KEY
from aggregator.services.live_index import LiveCandidates
from aggregator.services.matching_index import Matcher

MONDAY = datetime(2026, 5, 4, 1, 0, tzinfo=UTC)


def report(number: int, days: float = 0, **given: Any) -> Traits:
    fields: dict[str, Any] = {
        "report_id": number, "received_at": MONDAY + timedelta(days=days), "subject": "",
        "body": "Rác chất đống bốc mùi trước số nhà 129 Tôn Đức Thắng", "address": None, "lat": None,
        "lng": None, "ward": "27142", "category": "rac", "phone": None, "channel": "1022",
    }  # fmt: skip
    return traits(**{**fields, **given})


def near(index: LiveCandidates, t: Traits) -> list[int]:
    return [one.report_id for one in index.near(t)]


def test_closed_reports_are_forgotten_after_sixty_days_and_open_ones_are_kept() -> None:
    index = LiveCandidates()
    index.add(report(1, closed_at=MONDAY + timedelta(days=5)), 1)
    index.add(report(2), 2)
    assert near(index, report(9, 59)) == [1, 2]
    assert near(index, report(9, 61)) == [2]
    assert len(index) == 1


def test_a_crowded_key_keeps_the_newest() -> None:
    index = LiveCandidates()
    for number in range(1, 41):
        index.add(report(number, number / 100), number)
    assert near(index, report(99, 1)) == list(range(41 - PER_KEY, 41))


def test_a_case_stops_growing_at_its_cap() -> None:
    matcher = Matcher(LiveCandidates())
    cases = []
    for number in range(1, 53):
        t = report(number, number / 100)
        placed = matcher.place(t).case_id
        cases.append(number if placed is None else placed)
        matcher.settle(t, cases[-1])
    assert cases == [1] * 50 + [51] * 2
