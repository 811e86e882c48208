"""An answer that a colleague gave at the portal: certified at the portal's time, and said to be that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.domain.beliefs import Remedy
from aggregator.domain.ledger import canonical
from aggregator.verifier import motmoi_check
from tests.services.beliefs_world import THEIRS, Beside, beside_a_portal


@pytest.fixture
def beside(sqlite_url: str, tmp_path: Path) -> Iterator[Beside]:
    with beside_a_portal(sqlite_url, tmp_path) as made:
        yield made


def test_it_counts_from_when_it_was_given_and_tells_whose_time_that_is(beside: Beside) -> None:
    case = beside.case_of("1")
    beside.colleague("1", THEIRS, status="resolved")
    given = beside.clock()
    beside.polled(minutes=240)
    beside.app.beliefs.settle(beside.lan, beside.only().id, Remedy.ADOPT)
    view = beside.app.certificates.issue(beside.lan, case)
    assert view.verdict["answered_at"] == given.isoformat()
    assert (
        "trả lời ngay trên Cổng 1022, giờ theo Cổng 1022, hệ thống ghi nhận lúc" in view.verdict["sentence"]
    )
    _, bundle = beside.app.certificates.bundle(beside.lan, view.id)
    assert motmoi_check.check(bundle).findings == []
    assert THEIRS not in bundle.decode()


def test_the_time_it_was_found_proves_no_earlier_one(beside: Beside) -> None:
    """Who claims an hour that neither the entry nor the source names is refused, though it was signed."""
    case = beside.case_of("1")
    beside.colleague("1", THEIRS, status="resolved")
    beside.polled(minutes=240)
    beside.app.beliefs.settle(beside.lan, beside.only().id, Remedy.ADOPT)
    view = beside.app.certificates.issue(beside.lan, case)
    document = json.loads(beside.app.certificates.bundle(beside.lan, view.id)[1])
    for fact in document["statement"]["facts"]:
        if fact["name"] == "verdict.answered_at":
            fact["field"], fact["value"] = (
                "data.deadlines.0.due_at",
                document["statement"]["verdict"]["due_at"],
            )
    document["statement"]["verdict"]["answered_at"] = document["statement"]["verdict"]["due_at"]
    found = motmoi_check.check(canonical(document).encode()).findings
    assert ("fact", "", 0, "verdict") in found
