"""Steps, extensions, changes of rule and whose time it was: each an event, each seen on the page (I6)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from aggregator.domain.workflow import ReplyKind, Status
from aggregator.errors import InputInvalid, MoveNotAllowed
from aggregator.sdk.contract import Record
from aggregator.services import ledger, starting_set
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.storage import place_queries
from tests.factories import MONDAY, VN, Office, record


def vn(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VN).astimezone(UTC)


#: Ten working days after Monday 2 March, at the close of the office.
DUE = vn("2026-03-16T17:00")


def pothole(external_id: str, **more: Any) -> Record:
    told = "Ổ gà rất to trước số nhà 12 Lê Lợi, xe máy ngã nhiều lần, đề nghị vá gấp"
    return record(external_id, told, address="12 Lê Lợi", **more)


def rule(office: Office, **told: Any) -> None:
    """One more rule in force; what is not told is the starting set's default."""
    said = {
        "key": "thu", "name": "Quy định thử", "amount": 1, "unit": "working_days", "source": "thử",
        "valid_from": date(2025, 1, 1), "certainty": "confirmed",
    }  # fmt: skip
    with office.db.write() as tx:
        ledger.lock(tx, [SYSTEM])
        place_queries.insert_policies(tx, [starting_set._UNSAID | said | told])
        ledger.append(tx, [Draft(SYSTEM, "rule", office.clock(), {})])


def unit(office: Office, name: str = "Tổ hạ tầng") -> int:
    with office.db.write() as tx:
        ledger.lock(tx, [SYSTEM])
        made = place_queries.put_unit(tx, "27142", name, [])
        ledger.append(tx, [Draft(SYSTEM, "unit", office.clock(), {})])
    return made


def worked(office: Office, start: datetime, end: datetime) -> int:
    with office.db.read() as tx:
        return office.deadlines.book(tx).calendar("27142").between(start, end)


def steps(office: Office, case: int) -> dict[str, tuple[datetime, bool]]:
    """Step -> when it is due, and whether it is met."""
    return {step.step: (step.due_at, step.met_at is not None) for step in office.page(case).clock.steps}


# Steps ----------------------------------------------------------------------------------------


def test_the_earliest_step_rules_until_its_work_is_done(office: Office) -> None:
    rule(office, key="tra_loi", step="first_answer", amount=2)
    case = office.opens("1")
    assert office.row(case).due_at == vn("2026-03-04T17:00")
    assert office.row(case).due_step == "first_answer"
    office.cases.reply(office.lan, case, ReplyKind.PROGRESS, "Đã tiếp nhận, mai khảo sát.")
    assert (office.row(case).due_at, office.row(case).due_step) == (DUE, "result")
    assert steps(office, case) == {"first_answer": (vn("2026-03-04T17:00"), True), "result": (DUE, False)}
    office.is_sound()


MET = [
    ("classify", {"category_raw": "Chiếu sáng"}, None, True, "a category that came with the report"),
    ("classify", {}, None, False, "nobody has said yet what it is"),
    ("classify", {}, "assign", True, "a unit took it"),
    ("forward", {"category_raw": "Chiếu sáng"}, None, False, "a suggested unit has not taken it"),
    ("forward", {}, "assign", True, "a unit took it"),
    ("first_answer", {}, "assign", False, "taking it on tells the citizen nothing"),
    ("first_answer", {}, "progress", True, "any answer is a first answer"),
    ("progress", {}, "progress", True, "a report of progress"),
    ("progress", {}, "result", True, "a result leaves nothing owed"),
]


@pytest.mark.parametrize(
    ("step", "said", "doing", "met", "note"), MET, ids=[f"{row[0]}: {row[4]}" for row in MET]
)
def test_a_step_is_met_by_the_work_it_names(
    office: Office, step: str, said: dict[str, Any], doing: str | None, met: bool, note: str
) -> None:
    rule(office, key="buoc", step=step)
    case = office.opens("1", **said)
    match doing:
        case "assign":
            office.cases.assign(office.lan, case, unit_id=unit(office), officer_id=None)
        case "progress" | "result":
            office.cases.reply(office.lan, case, ReplyKind(doing), "Đã rõ.")
    assert steps(office, case)[step][1] is met
    office.is_sound()


def test_whether_a_case_was_late_is_asked_of_its_result_alone(office: Office) -> None:
    rule(office, key="tra_loi", step="first_answer", amount=30, unit="minutes")
    case = office.opens("1")
    office.clock.forward(days=3)
    office.deadlines.sweep()
    assert office.row(case).stage == "overdue"  # the first answer is owed
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã vá xong.")
    assert office.row(case).late is False
    assert office.row(case).due_at == DUE
    office.is_sound()


def test_a_rule_that_nobody_has_applied_owes_nothing(office: Office) -> None:
    case = office.opens("1")
    assert set(steps(office, case)) == {"result"}  # the hotline's own rules ship unapplied


# Extensions -----------------------------------------------------------------------------------


def test_an_extension_moves_the_result_to_the_close_of_the_chosen_day_and_tells_the_sources(
    office: Office,
) -> None:
    case = office.opens("1")
    office.cases.extend(office.lan, case, date(2026, 3, 20), "Chờ vật tư", "Xin gia hạn đến 20/3.")
    assert office.row(case).due_at == vn("2026-03-20T17:00")
    page = office.page(case)
    assert [reply.body for reply in page.replies] == ["Xin gia hạn đến 20/3."]
    ruling = page.clock.ruling
    assert ruling is not None
    assert [(each.due_at, each.reason) for each in ruling.extensions] == [
        (vn("2026-03-20T17:00"), "Chờ vật tư")
    ]
    assert "ấn định" in page.deadline_vi
    assert page.clock.may_extend is False
    office.is_sound()


REFUSED_DAYS = [
    (date(2026, 3, 16), "the present deadline itself"),
    (date(2026, 3, 10), "before the present deadline"),
    (date(2026, 3, 22), "a Sunday"),
    (date(2026, 4, 27), "a holiday"),
    (date(2026, 2, 20), "past"),
    (date(2036, 3, 20), "a slip of the keyboard: ten years"),
]


@pytest.mark.parametrize(("until", "note"), REFUSED_DAYS, ids=[row[1] for row in REFUSED_DAYS])
def test_an_extension_to_an_impossible_day_is_refused_and_changes_nothing(
    office: Office, until: date, note: str
) -> None:
    case = office.opens("1")
    with pytest.raises(InputInvalid) as refused:
        office.cases.extend(office.lan, case, until, "Chờ vật tư")
    assert "Ngày" in (refused.value.message_vi or "")
    assert office.row(case).due_at == DUE


def test_an_extension_needs_a_reason_an_open_case_and_is_given_once(office: Office) -> None:
    case = office.opens("1")
    with pytest.raises(InputInvalid, match="reason"):
        office.cases.extend(office.lan, case, date(2026, 3, 20), " ")
    office.cases.extend(office.lan, case, date(2026, 3, 20), "Chờ vật tư")
    with pytest.raises(MoveNotAllowed, match="before"):
        office.cases.extend(office.lan, case, date(2026, 3, 25), "Vẫn chờ")
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Xong.")
    with pytest.raises(MoveNotAllowed, match="finished"):
        office.cases.extend(office.lan, case, date(2026, 3, 25), "Chờ")


def test_a_report_split_off_takes_its_extension_along_and_a_later_one_never_had_it(office: Office) -> None:
    office.receives("1022", pothole("1"))
    case = office.case_of("1")
    office.cases.extend(office.lan, case, date(2026, 3, 20), "Chờ vật tư")
    office.receives("app", pothole("2", occurred_at=office.clock() + timedelta(minutes=5)))
    assert office.case_of("2") == case
    assert office.row(case).due_at == DUE  # who came later is owed the rule's own time
    office.cases.split(office.lan, case, [office.report("2")])
    assert office.row(case).due_at == vn("2026-03-20T17:00")
    assert office.row(office.case_of("2")).due_at == DUE
    office.is_sound()


# Changes of rule ------------------------------------------------------------------------------


def test_several_units_bring_the_case_under_the_rule_for_several(office: Office) -> None:
    case = office.opens("1")
    office.clock.forward(days=1)
    for moved in (True, False):  # asked again, nothing is left to change
        with office.db.write() as tx:
            ledger.lock(tx, ["27142"])
            now = office.clock()
            changed = office.deadlines.rechoose(tx, case, now, office.lan.id, several_units=True)
            office.deadlines.refresh(tx, case, now)
        assert changed is moved
        assert office.row(case).due_at == vn("2026-03-23T17:00")  # fifteen working days
    ruling = office.page(case).clock.ruling
    assert ruling is not None and ruling.rule is not None
    assert ruling.rule.key == "1022_2025_nhieu_don_vi"
    office.is_sound()


def test_a_rule_that_starts_afresh_gives_the_whole_time_at_a_reopening(office: Office) -> None:
    rule(office, key="moi", category="chieu_sang", amount=2, reopening="afresh")
    case = office.opens("1", category_raw="Chiếu sáng")
    assert office.row(case).due_at == vn("2026-03-04T17:00")
    office.clock.forward(days=1)
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Xong.")
    office.clock.forward(days=20)
    office.cases.move(office.lan, case, Status.IN_PROGRESS)
    again = office.clock()
    assert office.row(case).due_at > again + timedelta(days=1)
    assert office.row(case).stage == "none"
    office.is_sound()


# Whose time it was ----------------------------------------------------------------------------


def test_each_unit_answers_for_its_own_days_and_a_pause_is_nobodys(office: Office) -> None:
    case, taken = office.opens("1"), unit(office)
    handed = office.clock.forward(days=3)
    office.cases.assign(office.lan, case, unit_id=taken, officer_id=None)
    stopped = office.clock.forward(days=2)
    office.cases.pause(office.lan, case, "other_body")
    office.clock.forward(days=7)
    office.cases.resume(office.lan, case)
    shares = office.page(case).clock.units
    assert [(share.unit, share.seconds) for share in shares] == [
        (None, worked(office, MONDAY, handed)),
        ("Tổ hạ tầng", worked(office, handed, stopped)),
    ]


def test_times_of_units_add_up_to_the_time_the_clock_ran(office: Office) -> None:
    case, taken = office.opens("1", occurred_at=MONDAY), unit(office)
    for one in (taken, None, taken, None):
        office.clock.forward(hours=31)
        office.cases.assign(office.lan, case, unit_id=one, officer_id=None)
    shares = office.page(case).clock.units
    assert sum(share.seconds for share in shares) == worked(office, MONDAY, office.clock())
    assert [share.unit for share in shares] == [None, "Tổ hạ tầng", None, "Tổ hạ tầng", None]


def test_the_log_of_one_case_costs_no_more_for_being_long(office: Office) -> None:
    """An officer who pauses and resumes a hundred times still sees a page."""
    case = office.opens("1")
    for _ in range(30):
        office.clock.forward(hours=1)
        office.cases.pause(office.lan, case, "other_body")
        office.clock.forward(hours=1)
        office.cases.resume(office.lan, case)
    ruling = office.page(case).clock.ruling
    assert ruling is not None and len(ruling.pauses) == 30
    with office.db.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM clock_events")).scalar() == 61
