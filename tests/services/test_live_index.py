"""Posting lists in memory: what is live is found, what is over is forgotten."""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from aggregator.domain.matching import Traits, traits
from aggregator.domain.traits import AROUND, PER_KEY
from aggregator.services.clustering import BadLine, cluster
from aggregator.services.live_index import LiveCandidates
from aggregator.services.matching_index import Matcher
from aggregator.storage.case_tables import memberships
from aggregator.storage.report_tables import reports
from tests.benchmarks import streams
from tests.factories import Office, record
from tests.people import WARD_A

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


def test_a_crowded_neighbourhood_keeps_the_newest_and_whatever_shares_an_address() -> None:
    index = LiveCandidates()
    index.add(report(1, lat=16.07, lng=108.15), 1)
    for number in range(2, 101):  # over five cells, none of which is full by itself
        body = f"Đèn đường không sáng ở số {number} hẻm 7"
        lat = 16.07 + 0.0015 * (number % 3 - 1) + 1e-6 * number
        lng = 108.15 + 0.0015 * (number // 3 % 3 - 1)
        index.add(report(number, number / 100, body=body, lat=lat, lng=lng), number)
    found = near(index, report(200, 2, lat=16.07, lng=108.15))
    assert found == [1, *range(101 - AROUND, 101)]


def test_what_is_long_open_is_found_by_its_words_and_not_by_its_neighbourhood() -> None:
    index = LiveCandidates()
    index.add(report(1, lat=16.07, lng=108.15), 1)
    elsewhere = {"body": "Đèn không sáng", "lat": 16.07, "lng": 108.15}
    assert near(index, report(9, 59, **elsewhere)) == [1]
    assert near(index, report(9, 61, **elsewhere)) == []
    assert near(index, report(9, 61)) == [1]


def test_nothing_is_held_of_what_was_forgotten() -> None:
    index = LiveCandidates()
    for number in range(1, 60):
        index.add(
            report(number, number, lat=16.07, lng=108.15, closed_at=MONDAY + timedelta(days=number + 1)), 1
        )
    assert near(index, report(99, 200)) == []
    assert len(index) == 0
    held = [value for value in vars(index).values() if not callable(value)]
    assert not any(held), held


def test_a_settled_report_is_what_replace_would_make_of_it() -> None:
    t = report(1, closed_at=MONDAY, lat=16.07, lng=108.15, phone="p1", legal=True, anonymous=True)
    assert t.settled(7) == dataclasses.replace(t, wording=None, case_id=7)


def test_memory_and_database_give_the_same_cases(office: Office) -> None:
    """A small town in which every street and every neighbourhood is crowded."""
    town = [
        {**one.row, "channel": "1022", "ward": WARD_A, "closed_at": None, **_squeezed(one.row)}
        for one in streams.stream(streams.BUILDERS, 300, 7, days=30)
    ]
    for start in range(0, len(town), 60):
        office.receives("1022", *map(_record, town[start : start + 60]))
    stored = _together(
        office.rows(
            select(reports.c.external_id, memberships.c.case_id).join(
                memberships, memberships.c.report_id == reports.c.id
            )
        )
    )
    answers = [one for one in cluster(map(json.dumps, town)) if not isinstance(one, BadLine)]
    assert stored == _together((one.id, one.case) for one in answers)
    assert max(len(one.candidates) for one in answers) == 10 and len(stored) < 280


def _squeezed(row: dict[str, Any]) -> dict[str, float | None]:
    if row["lat"] is None:
        return {"lat": None, "lng": None}
    return {"lat": 10.7 + row["lat"] % 0.004, "lng": 106.6 + row["lng"] % 0.004}


def _record(row: dict[str, Any]) -> Any:
    return record(
        row["id"], row["body"], subject="", address=row["address"], lat=row["lat"], lng=row["lng"],
        phone=row["reporter_phone"], category_raw=row["category"],
        occurred_at=datetime.fromisoformat(row["received_at"]),
    )  # fmt: skip


def _together(pairs: Iterable[tuple[str, Any]]) -> set[frozenset[str]]:
    """The ids of each case."""
    found = defaultdict[Any, set[str]](set)
    for name, case in pairs:
        found[case].add(name)
    return set(map(frozenset, found.values()))


def test_a_case_stops_growing_at_its_cap() -> None:
    matcher = Matcher(LiveCandidates())
    cases = []
    for number in range(1, 53):
        t = report(number, number / 100)
        placed = matcher.place(t).case_id
        cases.append(number if placed is None else placed)
        matcher.settle(t, cases[-1])
    assert cases == [1] * 50 + [51] * 2
