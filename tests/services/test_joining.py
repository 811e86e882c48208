"""Merging, splitting and undoing (I4): reports never move, clocks come back, a person's word binds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aggregator.domain.sla import Due
from aggregator.domain.workflow import ReplyKind, Status
from aggregator.errors import InputInvalid, MoveNotAllowed
from aggregator.sdk.contract import Record
from aggregator.services import clock_log
from tests.factories import MONDAY, VN, Office, apart, record, together
from tests.people import WARD_B

DUE = datetime(2026, 3, 16, 17, 0, tzinfo=VN).astimezone(UTC)

#: What a case is, but for the traces of having been touched.
LASTING = (
    "status", "status_before", "is_open", "unit_id", "officer_id", "due_at", "stage", "next_at", "sort_at",
    "report_count", "merged_into", "closed_at", "late", "delivery_problem",
)  # fmt: skip


def lasting(office: Office, case: int) -> dict[str, Any]:
    row = office.row(case)
    return {name: getattr(row, name) for name in LASTING}


def owed(office: Office) -> list[Any]:
    return office.rows(
        "SELECT report_id, origin, due_at, due_soon_at FROM deadlines ORDER BY report_id, origin"
    )


def members(office: Office, case: int) -> list[int]:
    return [report.id for report in office.page(case).reports]


def test_a_merge_takes_all_reports_over_and_says_why(office: Office) -> None:
    office.receives("1022", *apart(3))
    first, second = office.case_of("1"), office.case_of("2")
    assert office.cases.merge(office.lan, first, second) == second
    gone, kept = office.page(first), office.page(second)
    assert (gone.row.status, gone.merged_into, gone.reports) == (Status.MERGED, second, ())
    assert {report.external_id: report.cause for report in kept.reports} == {"1": "person", "2": "opened"}
    assert (kept.row.report_count, kept.row.unread) == (2, True)
    assert (gone.timeline[-1].kind, kept.timeline[-1].kind) == ("merged_away", "merged")
    assert office.count("memberships") == 4  # rows end, none is changed into another
    office.is_sound()


def test_each_report_of_a_merged_case_gets_its_own_answer(office: Office) -> None:
    first, second = office.opens("1"), office.opens("2", slug="app")
    office.cases.merge(office.lan, first, second)
    office.cases.reply(office.lan, second, ReplyKind.RESULT, "Đã xong cả hai.")
    sent = office.page(second).replies[0].deliveries
    assert {(one.channel_slug, one.external_id) for one in sent} == {("1022", "1"), ("app", "2")}


@pytest.mark.parametrize("why", ["itself", "another ward", "a closed one", "a merged one"])
def test_only_open_cases_of_one_ward_are_merged(office: Office, why: str) -> None:
    case, other = office.opens("1"), office.opens("2")
    actor: Any = office.lan
    if why == "itself":
        other = case
    elif why == "another ward":
        office.channel("of b", ward=WARD_B)
        other = office.opens("3", slug="of b")
        actor = type(office.lan)(**{**_fields(office.lan), "ward": None})
    elif why == "a closed one":
        office.cases.reply(office.lan, other, ReplyKind.RESULT, "Xong.")
    else:
        office.cases.merge(office.lan, other, office.opens("4"))
    with pytest.raises(MoveNotAllowed):
        office.cases.merge(actor, case, other)
    assert office.row(case).status == "new"
    office.is_sound()


def _fields(actor: Any) -> dict[str, Any]:
    return {name: getattr(actor, name) for name in actor.__dataclass_fields__}


# Undo -----------------------------------------------------------------------------------------


def test_undoing_a_merge_gives_the_case_back_with_its_status(office: Office) -> None:
    office.receives("1022", *apart(2))
    case, other = office.case_of("1"), office.case_of("2")
    office.cases.assign(office.lan, case, unit_id=None, officer_id=office.lan.id)
    office.cases.move(office.lan, case, Status.WAITING_UNIT)
    before, rows = [lasting(office, one) for one in (case, other)], owed(office)
    office.cases.merge(office.lan, case, other)
    office.clock.forward(hours=3)
    assert office.cases.split(office.lan, other, [office.report("1")]) == case
    assert [lasting(office, one) for one in (case, other)] == before
    assert owed(office) == rows
    assert office.page(case).reports[0].cause == "undo"
    office.is_sound()


def test_a_split_makes_a_case_of_its_own(office: Office) -> None:
    text = "Ổ gà rất to trước số nhà 12 Lê Lợi, xe máy ngã nhiều lần"
    office.receives("1022", record("1", text, address="12 Lê Lợi"), record("2", text, address="12 Lê Lợi"))
    case = office.case_of("1")
    assert members(office, case) == [office.report("1"), office.report("2")]
    new = office.cases.split(office.lan, case, [office.report("2")])
    assert new == office.case_of("2") != case
    assert office.page(new).row.code == "26-00002"
    assert (office.row(new).report_count, office.row(case).report_count) == (1, 1)
    assert (office.row(new).due_at, office.row(new).status) == (DUE, "new")
    office.is_sound()


def test_what_waits_for_the_citizen_is_split_into_work(office: Office) -> None:
    text = "Ổ gà rất to trước số nhà 12 Lê Lợi, xe máy ngã nhiều lần"
    office.receives("1022", record("1", text, address="12 Lê Lợi"), record("2", text, address="12 Lê Lợi"))
    case = office.case_of("1")
    office.cases.pause(office.lan, case, "needs_info")
    office.clock.forward(days=7)
    new = office.cases.split(office.lan, case, [office.report("2")])
    page = office.page(new)
    assert (page.row.status, page.paused, page.row.stage) == (Status.IN_PROGRESS, False, "none")
    assert page.row.due_at == DUE + timedelta(days=7)
    assert office.page(case).paused
    office.is_sound()


@pytest.mark.parametrize(
    "chosen", [[], ["1", "2"], ["9"], ["1", "9"]], ids=["none", "all", "foreign", "one foreign"]
)
def test_a_split_takes_some_of_the_cases_own_reports(office: Office, chosen: list[str]) -> None:
    office.receives("1022", *apart(2), *apart(1, 9))
    case = office.case_of("1")
    office.cases.merge(office.lan, office.case_of("2"), case)
    with pytest.raises(InputInvalid):
        office.cases.split(office.lan, case, [office.report(one) for one in chosen])
    office.is_sound()


def test_merges_on_merges_come_apart_in_any_order(office: Office) -> None:
    """1 into 2, that into 3: taken together they go back to 2, alone each goes to its own."""
    office.receives("1022", *apart(3))
    one, two, three = (office.case_of(str(n)) for n in (1, 2, 3))
    office.cases.merge(office.lan, one, two)
    office.cases.merge(office.lan, two, three)
    first, second = office.report("1"), office.report("2")
    assert office.cases.split(office.lan, three, [first]) == one
    assert office.cases.split(office.lan, three, [second]) == two
    assert [office.row(case).status for case in (one, two, three)] == ["new"] * 3
    office.is_sound()


def test_a_merge_of_merged_cases_is_undone_one_step_at_a_time(office: Office) -> None:
    office.receives("1022", *apart(3))
    one, two, three = (office.case_of(str(n)) for n in (1, 2, 3))
    office.cases.merge(office.lan, one, two)
    office.cases.merge(office.lan, two, three)
    assert office.cases.split(office.lan, three, [office.report("1"), office.report("2")]) == two
    assert (office.row(two).report_count, office.row(one).merged_into) == (2, two)
    assert office.cases.split(office.lan, two, [office.report("1")]) == one
    assert [office.row(case).merged_into for case in (one, two, three)] == [None] * 3
    office.is_sound()


def test_reports_of_several_merged_cases_each_go_home(office: Office) -> None:
    office.receives("1022", *apart(4))
    cases = [office.case_of(str(n)) for n in range(1, 5)]
    for case in cases[:3]:
        office.cases.merge(office.lan, case, cases[3])
    assert office.cases.split(office.lan, cases[3], [office.report(str(n)) for n in (1, 2, 3)]) == cases[0]
    assert [office.case_of(str(n)) for n in range(1, 5)] == cases
    office.is_sound()


def test_half_of_a_merge_may_be_undone(office: Office) -> None:
    text = "Ổ gà rất to trước số nhà 12 Lê Lợi, xe máy ngã nhiều lần"
    office.receives("1022", *(record(n, text, address="12 Lê Lợi") for n in "12"), *apart(1, 9))
    pair, other = office.case_of("1"), office.case_of("9")
    office.cases.merge(office.lan, pair, other)
    assert office.cases.split(office.lan, other, [office.report("1")]) == pair
    later = office.cases.split(office.lan, other, [office.report("2")])
    assert later not in (pair, other)  # a person said just now that it is not the same as the first
    assert [office.row(case).report_count for case in (pair, other, later)] == [1, 1, 1]
    office.is_sound()


def test_a_report_leaves_an_answered_case_with_its_clock_running(office: Office) -> None:
    office.receives("1022", *apart(2))
    case, other = office.case_of("1"), office.case_of("2")
    office.cases.merge(office.lan, case, other)
    office.clock.forward(days=1)
    office.cases.reply(office.lan, other, ReplyKind.RESULT, "Xong.")
    office.clock.forward(days=7)
    office.cases.split(office.lan, other, [office.report("1")])
    page = office.page(case)
    assert (page.row.status, page.row.stage, page.paused) == (Status.NEW, "none", False)
    assert page.row.due_at == DUE + timedelta(days=7)
    assert office.page(other).row.status is Status.RESOLVED
    assert office.page(other).replies  # what was sent stays where it is shown
    office.is_sound()


def test_a_case_that_was_paused_is_paused_again_after_undoing_even_from_an_answered_one(
    office: Office,
) -> None:
    office.receives("1022", *apart(2))
    case, other = office.case_of("1"), office.case_of("2")
    office.cases.pause(office.lan, case, "needs_info")
    office.cases.merge(office.lan, case, other)
    office.clock.forward(hours=1)
    office.cases.reply(office.lan, other, ReplyKind.RESULT, "Xong.")
    office.cases.split(office.lan, other, [office.report("1")])
    assert (office.page(case).paused, office.row(case).stage, office.row(case).status) == (
        True,
        "paused",
        "needs_info",
    )
    office.clock.forward(days=7)
    due = office.row(case).due_at
    office.cases.resume(office.lan, case)
    assert office.row(case).due_at == due + timedelta(days=7)
    office.is_sound()


def test_what_was_late_for_one_report_is_not_late_for_those_that_stay(office: Office) -> None:
    office.receives("1022", *apart(1), *apart(1, 2, occurred_at=MONDAY + timedelta(days=7)))
    case, other = office.case_of("1"), office.case_of("2")
    office.cases.merge(office.lan, case, other)
    office.clock.at = DUE + timedelta(hours=1)
    office.cases.reply(office.lan, other, ReplyKind.RESULT, "Xong.")
    assert office.page(other).late
    office.cases.split(office.lan, other, [office.report("1")])
    assert office.page(other).late is False
    office.is_sound()


def test_an_undelivered_answer_stays_a_problem_after_its_case_was_merged(office: Office) -> None:
    office.channel("letters", kind="paper")
    case, other = office.opens("1", slug="letters"), office.opens("2")
    office.cases.reply(office.lan, case, ReplyKind.PROGRESS, "Đang làm.")
    office.cases.merge(office.lan, case, other)
    from aggregator.services.views.inbox import InboxFilter

    page = office.inbox.page(office.lan, InboxFilter(view="problem"))
    assert ([row.id for row in page.rows], page.counts["problem"]) == ([case], 1)
    office.is_sound()


# Not the same ---------------------------------------------------------------------------------

#: Of such matters who stays unknown is never joined with another by the rule alone.
RISKY = "Tụ tập mua bán ma túy trước số nhà 12 Lê Lợi mỗi tối, đề nghị kiểm tra"


def risky(external_id: str, more: str = "") -> Record:
    return record(external_id, RISKY + more, address="12 Lê Lợi", anonymous=True)


def asked(office: Office) -> tuple[int, int]:
    """Two cases of which the rule asks whether they are one."""
    office.receives("1022", risky("1"))
    office.receives("app", risky("2"))
    one, two = office.case_of("1"), office.case_of("2")
    assert one != two
    assert [each.case_id for each in office.page(one).suggestions] == [two]
    assert [each.case_id for each in office.page(two).suggestions] == [one]
    return one, two


def test_what_a_person_calls_different_is_never_asked_again(office: Office) -> None:
    one, two = asked(office)
    office.duplicates.different(office.lan, one, two)
    assert office.page(one).suggestions == office.page(two).suggestions == ()
    assert office.page(one).timeline[-1].kind == "different"
    # The source changes the text: the rule would be unsure again, the person was not.
    office.receives("app", risky("2", " Cảm ơn."))
    assert office.page(one).suggestions == ()


def test_two_cases_told_apart_are_not_asked_about_through_other_reports(office: Office) -> None:
    one, two = asked(office)
    office.receives("app", risky("3", " Xin cảm ơn."))
    office.cases.merge(office.lan, office.case_of("3"), two)
    assert len(office.rows("SELECT 1 FROM judgements WHERE judgement = 'unsure'")) == 2
    office.duplicates.different(office.lan, one, two)
    assert [each.case_id for each in office.page(one).suggestions] == []
    assert [each.case_id for each in office.page(two).suggestions] == []


def test_a_split_is_a_persons_word_on_every_pair(office: Office) -> None:
    one, two = asked(office)
    office.cases.merge(office.lan, one, two)
    assert office.rows("SELECT judgement FROM judgements") == [("same",)]
    office.cases.split(office.lan, two, [office.report("1")])
    assert office.rows("SELECT judgement FROM judgements") == [("different",)]
    assert office.page(one).suggestions == office.page(two).suggestions == ()


# Small random histories -----------------------------------------------------------------------

step = st.tuples(st.sampled_from(["merge", "split", "pause", "resume", "wait", "answer", "reopen", "join"]),
                 st.integers(0, 5), st.integers(0, 5))  # fmt: skip


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(step, max_size=14), st.integers(0, 5), st.integers(0, 5))
@example([("merge", 4, 0), ("split", 0, 0)], 4, 0)  # a case that has nothing of its own left
def test_a_merge_and_its_undo_leave_everything_as_it_was(
    office: Office, history: list[Any], a: int, b: int
) -> None:
    """Whatever happened before: every row that matters, and every clock (I4, I5, I6)."""
    start = _numbers(office)
    for step_ in history:
        _do(office, start, *step_)
        replays(office)
    case, into = _open_case(office, start, a), _open_case(office, start, b)
    if case is None or into is None or case == into:
        return
    office.clock.forward(minutes=1)
    before = [unmoved(office, one) for one in (case, into)]
    reports, ran = members(office, case), clocks(office)
    office.cases.merge(office.lan, case, into)
    replays(office)
    office.clock.forward(microseconds=1)
    office.cases.split(office.lan, into, reports)
    assert [unmoved(office, one) for one in (case, into)] == before
    assert (members(office, case), clocks(office)) == (reports, ran)
    replays(office)
    office.is_sound()


def unmoved(office: Office, case: int) -> dict[str, Any]:
    """What is lasting; of a paused case without the instants, which move on as long as it stands still."""
    office.deadlines.sweep()
    found = lasting(office, case)
    if office.page(case).paused:
        for name in ("due_at", "next_at", "sort_at"):
            del found[name]
    return found


def clocks(office: Office) -> list[Any]:
    """When every report is due, or while its clock stands still, how long it ran; and when it stopped."""
    with office.db.read() as tx:
        ids = [row[0] for row in tx.exec_driver_sql("SELECT id FROM reports ORDER BY id DESC LIMIT 6")]
        anywhere = SimpleNamespace(ward_code="27142", unit_id=None, is_open=True)
        found = office.deadlines.owed(tx, anywhere, ids, clock_log.read(tx, ids))
    return [
        (owed.report_id, owed.origin, owed.due.stopped_at, _reading(owed.due))
        for owed in (each.owed for each in sorted(found, key=lambda each: each.row.id))
    ]


def _reading(due: Due) -> tuple[str, Any]:
    return ("ran", due.used_seconds) if due.paused else ("due", due.due_at)


def _numbers(office: Office) -> int:
    """Four fresh reports; the first of their numbers."""
    start = 1 + 10 * office.count("reports")
    office.receives("1022", *apart(4, start, occurred_at=office.clock()))
    for n, one in enumerate(apart(2, start + 4, occurred_at=office.clock())):
        office.receives("1022", _with_source_deadline(one, office.clock() + timedelta(days=3 + 20 * n)))
    return start


def _with_source_deadline(one: Any, due_at: datetime) -> Any:
    import dataclasses

    return dataclasses.replace(one, due_at=due_at)


def _case(office: Office, start: int, n: int) -> int:
    return office.case_of(str(start + n))


def _open_case(office: Office, start: int, n: int) -> int | None:
    case = _case(office, start, n)
    return case if office.row(case).is_open else None


def _do(office: Office, start: int, verb: str, a: int, b: int) -> None:
    """One random verb; what is not allowed at this moment changes nothing."""
    case, report = _case(office, start, a), office.report(str(start + a))
    before = office.count("ledger_entries")
    office.clock.forward(seconds=1)
    try:
        if verb == "merge":
            office.cases.merge(office.lan, case, _case(office, start, b))
        elif verb == "split":
            office.cases.split(office.lan, case, [report])
        elif verb == "pause":
            office.cases.pause(office.lan, case, "site_visit")
        elif verb == "resume":
            office.cases.resume(office.lan, case)
        elif verb == "wait":
            office.clock.forward(days=a + b)
            office.deadlines.sweep()
        elif verb == "answer":
            office.cases.reply(office.lan, case, ReplyKind.RESULT, "Xong.")
        elif verb == "reopen":
            office.cases.move(office.lan, case, Status.IN_PROGRESS)
        else:
            office.receives("1022", record(str(start + a), f"Thêm lần {before}.", occurred_at=office.clock()))
    except (MoveNotAllowed, InputInvalid):
        assert office.count("ledger_entries") == before


def replays(office: Office) -> None:
    """Every case's columns, and what every report is owed, follow from the log alone (I6)."""
    office.deadlines.sweep()
    names = ("due_at", "stage", "next_at", "late", "sort_at")
    cases = [row[0] for row in office.rows("SELECT id FROM cases ORDER BY id DESC LIMIT 8")]
    before = [[getattr(office.row(case), name) for name in names] for case in cases], owed(office)
    with office.db.write() as tx:
        for case in cases:
            office.deadlines.refresh(tx, case, office.clock())
    assert ([[getattr(office.row(case), name) for name in names] for case in cases], owed(office)) == before


@pytest.mark.postgres
def test_opposite_merges_at_once_end_in_one_case(postgres_office: Office) -> None:
    office = postgres_office
    for turn in range(5):
        start = 1 + 10 * turn
        office.receives("1022", *apart(2, start))
        one, two = office.case_of(str(start)), office.case_of(str(start + 1))
        ends = together(partial(_try_merge, office, one, two), partial(_try_merge, office, two, one))
        assert sorted(ends) == ["merged", "refused"]
    office.is_sound()


def _try_merge(office: Office, case: int, into: int) -> str:
    try:
        office.cases.merge(office.lan, case, into)
    except MoveNotAllowed:
        return "refused"
    return "merged"
