"""Which deadline rules (I5), that the log is the truth of it (I6), and that each stage is written once."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aggregator.domain.workflow import ReplyKind, Status
from aggregator.sdk.contract import Record
from tests.factories import MONDAY, VN, Office, apart, record, together
from tests.people import WARD_B


def vn(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VN).astimezone(UTC)


#: Ten working days after Monday 2 March, at the close of the office; and four fifths of it.
DUE, SOON = vn("2026-03-16T17:00"), vn("2026-03-12T15:36")
TEXT = "Ổ gà rất to trước số nhà 12 Lê Lợi, xe máy ngã nhiều lần, đề nghị vá gấp"


def pothole(external_id: str, **more: Any) -> Record:
    return record(external_id, TEXT, address="12 Lê Lợi", **more)


def clock_of(office: Office, case: int) -> tuple[str, datetime | None, datetime | None]:
    row = office.row(case)
    return row.stage, row.due_at, row.next_at


# The earliest rules ---------------------------------------------------------------------------


def test_a_new_case_is_due_by_the_rule_of_its_day(office: Office) -> None:
    case = office.opens("1")
    assert clock_of(office, case) == ("none", DUE, SOON)
    page = office.page(case)
    assert page.reports[0].due_at == DUE
    assert "10 ngày làm việc" in page.deadline_vi


def test_a_rule_of_another_time_holds_for_a_report_of_that_time(office: Office) -> None:
    case = office.opens("1", occurred_at=vn("2021-03-01T08:00"))
    assert office.row(case).due_at == vn("2021-03-08T17:00")  # five working days, the rule of 2020
    assert office.row(case).stage == "overdue"


EARLIEST = [
    ("2026-03-05T09:00", "2026-03-05T09:00", "the source asks for an earlier day: it rules"),
    ("2026-04-20T09:00", "2026-03-16T17:00", "the source gives more time: ours rules"),
]


@pytest.mark.parametrize(("source", "due", "note"), EARLIEST, ids=[row[2] for row in EARLIEST])
def test_the_earlier_of_ours_and_the_sources_rules_and_both_are_shown(
    office: Office, source: str, due: str, note: str
) -> None:
    case = office.opens("1", due_at=vn(source))
    page = office.page(case)
    assert page.row.due_at == vn(due)
    assert (page.reports[0].due_at, page.reports[0].source_due_at) == (DUE, vn(source))
    assert ("kênh tiếp nhận" in page.deadline_vi) == (source == due)


def test_a_report_that_joins_brings_its_earlier_deadline(office: Office) -> None:
    office.receives("1022", pothole("1", occurred_at=MONDAY))
    case = office.case_of("1")
    office.receives(
        "app", pothole("2", occurred_at=MONDAY + timedelta(hours=1), due_at=vn("2026-03-04T10:00"))
    )
    assert office.case_of("2") == case
    assert office.row(case).due_at == vn("2026-03-04T10:00")
    office.cases.split(office.lan, case, [office.report("2")])
    assert office.row(case).due_at == DUE
    assert office.row(office.case_of("2")).due_at == vn("2026-03-04T10:00")
    office.is_sound()


def test_a_later_report_does_not_move_the_deadline(office: Office) -> None:
    office.receives("1022", pothole("1"))
    office.clock.forward(days=2)
    office.receives("app", pothole("2", occurred_at=office.clock()))
    assert office.row(office.case_of("1")).due_at == DUE
    assert office.page(office.case_of("1")).row.report_count == 2


CHANGES = [
    ("2026-03-20T09:00", "2026-03-04T09:00", "2026-03-04T09:00", "brought forward"),
    ("2026-03-04T09:00", "2026-03-20T09:00", "2026-03-04T09:00", "put off: until a person takes it on"),
    ("2026-03-04T09:00", None, "2026-03-04T09:00", "withdrawn: until a person takes it on"),
    (None, "2026-03-04T09:00", "2026-03-04T09:00", "asked for only now"),
]


@pytest.mark.parametrize(("was", "now", "due", "note"), CHANGES, ids=[row[3] for row in CHANGES])
def test_a_source_that_changes_its_deadline_is_followed_where_that_leaves_less_time(
    office: Office, was: str | None, now: str | None, due: str, note: str
) -> None:
    one = apart(1)[0]
    for deadline in (was, now):
        office.receives("1022", dataclasses.replace(one, due_at=deadline and vn(deadline)))
    assert office.row(office.case_of("1")).due_at == vn(due)
    assert office.count("deadlines") == 2
    office.is_sound()


def test_what_a_source_asks_for_after_the_answer_changes_no_result(office: Office) -> None:
    one = apart(1)[0]
    office.receives("1022", one)
    case = office.case_of("1")
    office.clock.forward(days=1)
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Xong.")
    office.receives("1022", dataclasses.replace(one, due_at=MONDAY + timedelta(hours=1)))
    with office.db.write() as tx:
        office.deadlines.refresh(tx, case, office.clock())
    assert (office.row(case).late, office.row(case).due_at) == (False, DUE)
    office.cases.move(office.lan, case, Status.IN_PROGRESS)
    assert (office.row(case).stage, office.row(case).due_at) == ("overdue", MONDAY + timedelta(hours=1))
    office.is_sound()


# Paused cases ---------------------------------------------------------------------------------


def test_a_report_that_joins_a_paused_case_stands_still_with_it(office: Office) -> None:
    office.receives("1022", pothole("1"))
    case = office.case_of("1")
    office.cases.pause(office.lan, case, "other_body")
    office.clock.forward(days=7)
    office.receives("app", pothole("2", occurred_at=office.clock()))
    assert clock_of(office, case) == ("paused", DUE, None)
    office.clock.forward(days=7)
    office.cases.resume(office.lan, case)
    ours = {report.external_id: report.due_at for report in office.page(case).reports}
    assert ours == {"1": DUE + timedelta(days=14), "2": DUE + timedelta(days=14)}
    office.is_sound()


def test_joining_a_case_that_was_overdue_when_paused_stands_still_too(office: Office) -> None:
    """Its stage says overdue; that its clock stands still is a matter of its log."""
    office.receives("1022", pothole("1"))
    case = office.case_of("1")
    office.clock.at = DUE + timedelta(days=1)
    office.cases.pause(office.lan, case, "other_body")
    assert office.row(case).stage == "overdue"
    joined = office.clock.forward(days=1)
    office.receives("app", pothole("2", occurred_at=joined))
    assert office.case_of("2") == case
    due = next(report.due_at for report in office.page(case).reports if report.external_id == "2")
    office.clock.forward(days=7)
    office.cases.resume(office.lan, case)
    later = next(report.due_at for report in office.page(case).reports if report.external_id == "2")
    assert due is not None and later == due + timedelta(days=7)
    office.is_sound()


def test_a_source_does_not_wait_for_our_pause(office: Office) -> None:
    case = office.opens("1", due_at=vn("2026-03-20T09:00"))
    assert office.row(case).due_at == DUE
    office.cases.pause(office.lan, case, "other_body")
    stage, due, next_at = clock_of(office, case)
    assert (stage, due) == ("paused", vn("2026-03-20T09:00"))
    assert next_at is not None and MONDAY < next_at < due
    office.clock.at = vn("2026-03-20T09:00")
    office.deadlines.sweep()
    assert office.row(case).stage == "overdue"
    office.is_sound()


def test_a_source_deadline_that_joins_a_paused_case_is_watched(office: Office) -> None:
    office.receives("1022", pothole("1"))
    case = office.case_of("1")
    office.cases.pause(office.lan, case, "other_body")
    office.clock.forward(hours=1)
    office.receives("app", pothole("2", due_at=vn("2026-03-25T09:00"), occurred_at=office.clock()))
    assert clock_of(office, case)[:2] == ("paused", vn("2026-03-25T09:00"))
    office.clock.at = vn("2026-03-25T09:00")
    assert office.deadlines.sweep() == 1
    office.is_sound()


def test_a_pause_hides_no_lateness_behind_a_source_that_still_has_time(office: Office) -> None:
    case = office.opens("1", due_at=vn("2026-03-30T09:00"))
    office.clock.at = DUE + timedelta(hours=1)
    office.deadlines.sweep()
    office.cases.pause(office.lan, case, "other_body")
    assert clock_of(office, case)[:2] == ("overdue", DUE)
    office.is_sound()


# The sweep ------------------------------------------------------------------------------------


def stages(office: Office, case: int) -> list[str]:
    return [entry.data["stage"] for entry in office.page(case).timeline if entry.kind == "stage"]


def test_the_sweep_writes_each_stage_once_in_the_second_it_comes(office: Office) -> None:
    case = office.opens("1")
    for at, written, stage in (
        (SOON - timedelta(seconds=1), 0, "none"),
        (SOON, 1, "due_soon"),
        (SOON + timedelta(hours=1), 0, "due_soon"),
        (DUE - timedelta(seconds=1), 0, "due_soon"),
        (DUE, 1, "overdue"),
        (DUE + timedelta(days=30), 0, "overdue"),
    ):
        office.clock.at = at
        assert (office.deadlines.sweep(), office.row(case).stage) == (written, stage), at
    assert stages(office, case) == ["due_soon", "overdue"]
    office.is_sound()


def test_after_a_long_standstill_only_the_stage_of_today_is_written(office: Office) -> None:
    case = office.opens("1")
    office.clock.at = DUE + timedelta(days=3)
    assert (office.deadlines.sweep(), office.deadlines.sweep()) == (1, 0)
    assert stages(office, case) == ["overdue"]


def test_paused_and_closed_cases_are_not_swept(office: Office) -> None:
    paused, closed = office.opens("1"), office.opens("2")
    office.cases.pause(office.lan, paused, "site_visit")
    office.cases.reply(office.lan, closed, ReplyKind.RESULT, "Xong.")
    office.clock.forward(days=90)
    assert office.deadlines.sweep() == 0
    assert (office.row(paused).stage, office.row(closed).stage) == ("paused", "done")


def test_a_reopened_case_is_swept_again(office: Office) -> None:
    case = office.opens("1")
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Xong.")
    office.clock.forward(days=30)
    office.cases.move(office.lan, case, Status.IN_PROGRESS)
    office.clock.forward(days=30)
    assert office.deadlines.sweep() == 1
    assert office.row(case).stage == "overdue"


@pytest.mark.parametrize("limit", [1, 3, 500])
def test_a_sweep_in_small_parts_leaves_nothing_out(office: Office, limit: int) -> None:
    office.channel("of b", ward=WARD_B)
    office.receives("1022", *apart(4))
    office.receives("of b", *apart(3, 20))
    office.clock.at = DUE
    assert sum(office.deadlines.sweep(limit) for _ in range(8)) == 7
    assert {row[0] for row in office.rows("SELECT stage FROM cases")} == {"overdue"}
    office.is_sound()


def test_two_sweeps_at_once_write_each_stage_once(office: Office) -> None:
    office.channel("of b", ward=WARD_B)
    office.receives("1022", *apart(12))
    office.receives("of b", *apart(12, 20))
    office.clock.at = DUE
    assert sum(together(*[office.deadlines.sweep] * 4)) == 24
    assert office.rows("SELECT count(*) FROM ledger_entries WHERE kind = 'stage'") == [(24,)]
    office.is_sound()


def test_an_answer_and_the_sweep_at_once_agree(office: Office) -> None:
    cases = [office.opens(str(n)) for n in range(1, 5)]
    office.clock.at = DUE
    together(
        office.deadlines.sweep,
        *[
            lambda case=case: office.cases.reply(office.lan, case, ReplyKind.RESULT, "Xong.")  # type: ignore[misc]
            for case in cases
        ],
    )
    assert {(row.stage, row.late) for row in map(office.row, cases)} == {("done", False)}
    office.is_sound()


# The log is the truth (I6) --------------------------------------------------------------------


def test_wrong_columns_are_repaired_from_the_log(office: Office) -> None:
    case = office.opens("1", due_at=vn("2026-03-20T09:00"))
    office.cases.pause(office.lan, case, "site_visit")
    office.clock.forward(days=7)
    office.cases.resume(office.lan, case)
    right = office.row(case), office.rows("SELECT * FROM deadlines ORDER BY id")
    with office.db.write() as tx:
        tx.exec_driver_sql("UPDATE cases SET due_at = NULL, stage = 'overdue', next_at = NULL, late = TRUE")
        tx.exec_driver_sql("UPDATE deadlines SET due_at = due_soon_at WHERE origin = 'policy'")
    with office.db.write() as tx:
        office.deadlines.refresh(tx, case, office.clock())
    assert (office.row(case), office.rows("SELECT * FROM deadlines ORDER BY id")) == right


def test_a_new_rule_changes_no_case_that_is_there(office: Office) -> None:
    case = office.opens("1")
    with office.db.write() as tx:
        from aggregator.services import ledger
        from aggregator.storage import place_queries

        row = place_queries.all_policies(tx)[0]._asdict()
        row |= {"id": 99, "amount": 1, "version": 2, "category": "giao_thong"}
        place_queries.insert_policies(tx, [row])
        ledger.append(tx, [ledger.Draft(ledger.SYSTEM, "policy", office.clock(), {"policy": 99})])
    office.cases.pause(office.lan, case, "site_visit")
    office.cases.resume(office.lan, case)
    assert office.row(case).due_at == DUE
    new = office.opens("2", category_raw="Giao thông")
    assert office.row(new).due_at == vn("2026-03-03T17:00")


def test_a_rule_that_was_rolled_back_is_not_remembered(office: Office) -> None:
    from aggregator.services import ledger
    from aggregator.storage import place_queries
    from tests.factories import RULES

    def add(tx: Any, code: str) -> None:
        place_queries.put_ward(tx, code, code)
        ledger.append(tx, [ledger.Draft(ledger.SYSTEM, "ward_added", office.clock(), {"ward": code})])

    with pytest.raises(ZeroDivisionError), office.db.write() as tx:
        add(tx, "00001")
        assert "00001" in RULES.book(tx).wards
        1 / 0  # noqa: B018
    with office.db.write() as tx:
        add(tx, "00002")
    with office.db.read() as tx:
        wards = RULES.book(tx).wards
    assert "00002" in wards and "00001" not in wards
