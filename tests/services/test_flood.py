"""Hundreds of reports of one flood: cases under the cap, questions between them, no report dearer."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from aggregator.domain.matching import DEFAULT
from aggregator.storage.case_tables import cases, memberships
from aggregator.storage.report_tables import judgements
from tests.benchmarks import flood
from tests.benchmarks.meters import watched
from tests.factories import Office, record

PAGE, PAGES = 60, 7


def test_a_flood_is_joined_under_the_cap_and_every_further_case_asks(office: Office) -> None:
    begin = office.clock()
    office.clock.forward(hours=2)
    told = [
        record(
            row["id"], row["body"], subject="", lat=row["lat"], lng=row["lng"], category_raw=row["category"],
            occurred_at=begin + timedelta(minutes=datetime.fromisoformat(row["received_at"]).minute),
        )
        for row in flood.rows(PAGE * PAGES)
    ]  # fmt: skip
    work = []
    for start in range(0, len(told), PAGE):
        with watched(office.db) as seen:
            office.receives("1022", *told[start : start + PAGE])
        work.append((len(seen.statements), seen.steps))

    sizes = dict(office.rows(select(cases.c.id, cases.c.report_count)))
    assert sum(sizes.values()) == PAGE * PAGES
    assert max(sizes.values()) <= DEFAULT.thresholds.cap
    assert len(sizes) <= flood.HOUSES + 10, "about a case for each house that wrote"
    case_of = dict(office.rows(select(memberships.c.report_id, memberships.c.case_id)))
    pairs = office.rows(select(judgements.c.report_a, judgements.c.report_b))
    asked = {case_of[report] for pair in pairs for report in pair}
    assert len(set(sizes) - asked) <= 1, "every case but perhaps one is asked about"
    (few, steps), (many, later) = work[2], work[-1]
    assert many <= few * 1.5 and later <= steps * 1.5, f"work grew: {work}"
    office.is_sound()
