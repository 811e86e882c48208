"""Order, workers, pages and engine: which of them may change what shares a case, and how far."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from aggregator.domain import matching
from aggregator.services.stored_index import StoredCandidates
from tests.benchmarks import order
from tests.factories import Office, record
from tests.people import WARD_A

SENT = order.arriving(300, seed=5)


@pytest.fixture(scope="module")
def in_time(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> order.Outcome:
    folder = tmp_path_factory.mktemp("time")
    shutil.copyfile(_sqlite_template, folder / "time.db")
    order.alone(f"sqlite:///{folder}/time.db", folder, SENT)
    return order.outcome(f"sqlite:///{folder}/time.db", folder, SENT)


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_four_workers_at_once_give_the_cases_of_one(
    engine: str, sqlite_url: str, postgres_url: str, tmp_path: Path, in_time: order.Outcome
) -> None:
    """Four processes, pages shuffled; then one on the other engine, in the order that they stored."""
    urls = (postgres_url, sqlite_url) if engine == "postgresql" else (sqlite_url, postgres_url)
    found = order.compare(tmp_path, *urls, in_time, SENT, seed=3)
    assert found.stored == len(SENT)
    assert found.otherwise == 0
    assert found.unasked == 0, f"{found.apart} pairs share a case in only one of the two orders"


POTHOLE = "Ổ gà rất to trước số nhà 12 Lê Lợi, xe máy ngã nhiều lần, đề nghị vá gấp"


def test_what_a_report_meets_does_not_depend_on_its_page(office: Office) -> None:
    """A street is followed back sixty days from each report, and not from the oldest of its page."""
    at = office.clock()
    office.receives("1022", record("1", address="Lê Lợi", occurred_at=at - timedelta(days=100)))
    new, old = (street(number, at - timedelta(days=days)) for number, days in ((98, 0), (99, 90)))
    with office.db.read() as tx:
        for page in ([new], [old, new], [new, old]):
            candidates = StoredCandidates(tx, page, {t.report_id: matching.keys(t) for t in page})
            assert candidates.near(new) == [], f"a page of {len(page)}"
        assert [t.report_id for t in candidates.near(old)] == [office.report("1")]


def street(number: int, at: datetime) -> matching.Traits:
    return matching.traits(
        report_id=number, received_at=at, subject="", body="Cây sắp đổ", address="Lê Lợi", lat=None, lng=None,
        ward=WARD_A, category=None, phone=None, channel="1022",
    )  # fmt: skip


def test_a_report_that_comes_late_joins_the_case_of_its_problem(office: Office) -> None:
    """The portal was down: the first to tell comes last, in a page with newer ones of other houses."""
    at = office.clock()
    office.receives("1022", record("second", POTHOLE, address="12 Lê Lợi", occurred_at=at))
    late = record("first", POTHOLE, address="12 Lê Lợi", occurred_at=at - timedelta(days=2))
    office.receives("app", record("other", "Cây đổ", address="9 Pasteur", occurred_at=at), late)
    assert office.case_of("first") == office.case_of("second")
    office.is_sound()
