"""Matching inside intake: which reports share a case, which are asked about, and why it says so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from aggregator.domain.matching import DEFAULT, RULE_VERSION
from aggregator.domain.workflow import ReplyKind
from aggregator.sdk.contract import Record
from tests.factories import MONDAY, Office, apart, record
from tests.people import WARD_B

TEXT = "Ổ gà rất to trước số nhà 12 Lê Lợi, xe máy ngã nhiều lần, đề nghị vá gấp"


def pothole(external_id: str, **more: Any) -> Record:
    return record(external_id, more.pop("body", TEXT), address="12 Lê Lợi", **more)


def test_reports_of_one_problem_join_whichever_way_they_come(office: Office) -> None:
    """On one page, on a later one, and from another portal, in other words."""
    office.receives("1022", pothole("1"), pothole("2"))
    office.clock.forward(hours=2)
    office.receives("1022", pothole("3", occurred_at=office.clock()))
    words = "truoc nha 12 le loi co o ga rat to, xe may nga nhieu lan roi, va gap gium"
    office.receives("app", pothole("4", body=words, occurred_at=office.clock()))
    page = office.page(office.case_of("1"))
    assert {report.external_id for report in page.reports} == {"1", "2", "3", "4"}
    assert [report.cause for report in page.reports] == ["opened", "rule", "rule", "rule"]
    assert page.row.report_count == 4
    assert [entry.kind for entry in page.timeline] == ["opened", "joined", "joined", "joined"]
    office.is_sound()


def test_why_a_report_joined_is_kept_with_it(office: Office) -> None:
    office.receives("1022", pothole("1"), pothole("2"))
    joined = office.page(office.case_of("2")).reports[1]
    assert joined.score is not None and joined.score >= DEFAULT.thresholds.same
    assert joined.rule_version == RULE_VERSION
    assert joined.reasons and all(reason.text_vi and reason.text_en for reason in joined.reasons)
    told = office.page(office.case_of("2")).timeline[-1].data
    assert told["beside"] == office.report("1") and told["reasons"]


APART = [
    ({"ward": WARD_B}, "another ward"),
    ({"body": TEXT.replace("12", "250"), "address": "250 Lê Lợi"}, "another house"),
    (
        {"body": "Đèn đường trước số nhà 12 Lê Lợi không sáng", "category_raw": "Chiếu sáng"},
        "another problem",
    ),
]


@pytest.mark.parametrize("more", [row[0] for row in APART], ids=[row[1] for row in APART])
def test_other_problems_get_cases_of_their_own(office: Office, more: dict[str, Any]) -> None:
    office.receives("1022", pothole("1", category_raw="Giao thông"))
    values = {"address": "12 Lê Lợi", "body": TEXT, "category_raw": "Giao thông"} | more
    office.receives("1022", record("2", values.pop("body"), **values))
    assert office.case_of("1") != office.case_of("2")
    office.is_sound()


def test_a_closed_case_takes_no_report_and_is_offered_as_a_recurrence(office: Office) -> None:
    office.receives("1022", pothole("1"))
    closed = office.case_of("1")
    office.clock.forward(days=1)
    office.cases.reply(office.lan, closed, ReplyKind.RESULT, "Đã vá.")
    office.clock.forward(days=20)
    office.receives("1022", pothole("2", occurred_at=office.clock()))
    new = office.case_of("2")
    assert new != closed
    assert [(one.case_id, one.recurrence) for one in office.page(new).suggestions] == [(closed, True)]
    assert office.row(closed).report_count == 1


def test_a_report_that_finds_a_merged_one_joins_the_survivor(office: Office) -> None:
    office.receives("1022", pothole("1"), *apart(1, 9))
    survivor = office.case_of("9")
    office.cases.merge(office.lan, office.case_of("1"), survivor)
    office.receives("app", pothole("2"))
    assert office.case_of("2") == survivor
    office.is_sound()


def test_a_report_is_never_joined_by_rule_again_to_what_a_person_took_it_from(office: Office) -> None:
    office.receives("1022", pothole("1"), pothole("2"))
    case = office.case_of("1")
    new = office.cases.split(office.lan, case, [office.report("2")])
    # The source touches both again, and a third report of the same problem arrives.
    office.receives("1022", pothole("1", body=TEXT + " Gấp."), pothole("2", body=TEXT + " Rất gấp."))
    office.receives("app", pothole("3"))
    assert (office.case_of("1"), office.case_of("2")) == (case, new)
    assert office.case_of("3") in (case, new)
    for one, other in ((case, new), (new, case)):
        assert other not in [each.case_id for each in office.page(one).suggestions]
    office.is_sound()


def test_a_case_stops_growing_by_itself_at_its_cap(office: Office) -> None:
    for start in range(0, DEFAULT.thresholds.cap + 10, 20):
        office.receives("1022", *(pothole(str(n)) for n in range(start, start + 20)))
    counts = [row[0] for row in office.rows("SELECT report_count FROM cases ORDER BY id")]
    assert counts[0] == DEFAULT.thresholds.cap
    assert sum(counts) == DEFAULT.thresholds.cap + 10
    office.is_sound()


def test_a_changed_report_is_found_by_what_it_says_now(office: Office) -> None:
    office.receives("1022", record("1", "Cây đổ.", address="3 Pasteur"))
    office.receives("1022", pothole("1"))
    office.receives("app", pothole("2"))
    assert office.case_of("2") == office.case_of("1")


def test_the_same_hour_in_two_zones_is_one_time(office: Office) -> None:
    office.receives("1022", pothole("1", occurred_at=MONDAY))
    office.receives(
        "app",
        pothole("2", occurred_at=(MONDAY + timedelta(minutes=5)).replace(tzinfo=None) + timedelta(hours=7)),
    )
    assert office.case_of("1") == office.case_of("2")


def test_matching_a_batch_costs_no_statement_a_report(office: Office) -> None:
    told: list[str] = []
    event.listen(office.db.engine, "before_cursor_execute", lambda *a: told.append(a[2]))
    office.receives("1022", *apart(4))
    few = len(told)
    told.clear()
    office.receives("1022", *apart(100, 10))
    assert len(told) <= few + 2
