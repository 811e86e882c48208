"""Calendars that an office edits: versions, recounting in the background, files, proposals."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from aggregator.domain.shifts import DayOverride, Shift
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import InputInvalid, NotAllowed, NotFound, StaleWrite
from aggregator.services import ledger, recounts
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.services.recounts import Recounts, Scope
from aggregator.storage import place_queries
from tests.factories import MONDAY, RULES, VN, Office, apart, record
from tests.people import WARD_A, WARD_B

ALL, A, B = Scope(), Scope(WARD_A), Scope(WARD_B)


def vn(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VN).astimezone(UTC)


#: Ten working days after Monday 2 March, and one later.
DUE, DAY_LATER = vn("2026-03-16T17:00"), vn("2026-03-17T17:00")
OFF = DayOverride(date(2026, 3, 10), works=False, note="Nghỉ đột xuất", decision="01/TB")


def recount(office: Office) -> int:
    """Let the worker count to the end; how many steps it took."""
    steps = 0
    while office.recounts.tick():
        steps += 1
    return steps


def entries(office: Office, case: int) -> list[dict[str, Any]]:
    return [dict(one.data) for one in office.page(case).timeline if one.kind == "recounted"]


# A day is entered -------------------------------------------------------------------------------


def test_a_day_off_moves_open_deadlines_and_each_says_so_once(office: Office) -> None:
    case = office.opens("1")
    job = office.calendars.set_days(office.admin, ALL, [OFF], why="Thông báo 01")
    assert office.row(case).due_at == DUE, "the worker has not come yet"
    assert recount(office) == 2
    assert (office.row(case).due_at, office.row(case).stage) == (DAY_LATER, "none")
    (entry,) = entries(office, case)
    assert (entry["was"], entry["now"]) == (DUE.isoformat(), DAY_LATER.isoformat())
    assert (entry["why"], entry["recount"]) == ("Thông báo 01", job)
    (done,) = office.calendars.recounts(office.lan)
    assert (done.total, done.seen, done.changed, done.taken_back) == (1, 1, 1, 0)
    assert done.finished_at is not None
    office.is_sound()


def test_the_deadline_is_explained_by_the_calendar_it_is_counted_by(office: Office) -> None:
    case = office.opens("1")
    before = office.page(case).clock.ruling
    office.calendars.set_days(office.admin, ALL, [OFF], why="Thông báo 01")
    recount(office)
    after = office.page(case).clock.ruling
    assert before is not None and after is not None
    assert (before.calendar_version, after.calendar_version) == (1, 2)
    assert "10/03" not in before.sentence_vi and "Nghỉ đột xuất" in after.sentence_vi
    assert "hạn 17:00 ngày 17/03" in after.sentence_vi


def test_what_is_finished_stays_as_it_was_and_is_still_explained(office: Office) -> None:
    closed = office.opens("1")
    office.clock.forward(days=15)  # one day late
    office.cases.reply(office.lan, closed, ReplyKind.RESULT, "Đã vá xong.")
    assert office.row(closed).late is True
    office.calendars.set_days(office.admin, ALL, [OFF], why="Thông báo 01")
    recount(office)
    with office.db.write() as tx:
        office.deadlines.refresh(tx, closed, office.clock())
    assert (office.row(closed).late, office.row(closed).due_at) == (True, DUE)
    page = office.page(closed)
    assert page.clock.steps[0].calendar_version == 1 and "ngày 16/03" in page.clock.steps[0].sentence_vi
    assert not entries(office, closed)


STAGES = [
    (13, "overdue", "none", "late by the old calendar, not even near by the new"),
    (11, "due_soon", "none", "a warning that came too early"),
]


@pytest.mark.parametrize(("days", "was", "now", "note"), STAGES, ids=[row[3] for row in STAGES])
def test_a_warning_that_was_wrong_is_taken_back(
    office: Office, days: int, was: str, now: str, note: str
) -> None:
    case = office.opens("1")
    office.clock.forward(days=days)
    if was == "overdue":
        office.clock.forward(days=2)
    office.deadlines.sweep()
    assert office.row(case).stage == was
    tet = [DayOverride(date(2026, 3, 2) + timedelta(days=n), works=False) for n in range(1, 12)]
    office.calendars.set_days(office.admin, ALL, tet, why="Lịch nghỉ công bố muộn")
    while office.recounts.tick():
        pass
    assert office.row(case).stage == now
    assert office.row(case).remind_at == office.clock(), "reminders look at once what was told wrongly"
    (entry,) = entries(office, case)
    assert (entry["stage_was"], entry["stage"]) == (was, now)
    assert office.calendars.recounts(office.lan)[0].taken_back == 1
    office.is_sound()


def test_a_recount_that_is_killed_goes_on_where_it_stood(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recounts, "BATCH", 2)
    office.receives("1022", *apart(5))
    found = [office.case_of(str(number)) for number in range(1, 6)]
    office.calendars.set_days(office.admin, ALL, [OFF], why="Thông báo 01")
    assert office.recounts.tick()

    class Killed(BaseException):
        pass

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(recounts.recount_queries, "set_job", killed)
        with pytest.raises(Killed):
            office.recounts.tick()
    assert [office.row(case).due_at == DAY_LATER for case in found] == [True, True, False, False, False]
    another = Recounts(office.db, RULES, office.clock)
    while another.tick():
        pass
    assert all(office.row(case).due_at == DAY_LATER for case in found)
    assert [len(entries(office, case)) for case in found] == [1] * 5
    assert office.calendars.recounts(office.lan)[0].seen == 5
    office.is_sound()


def test_a_later_change_takes_over_what_an_earlier_one_had_not_reached(office: Office) -> None:
    case = office.opens("1")
    office.calendars.set_days(office.admin, ALL, [OFF], why="Nhầm ngày")
    office.calendars.unset_days(office.admin, ALL, [OFF.day], why="Bỏ ngày nhầm")
    recount(office)
    assert office.row(case).due_at == DUE and not entries(office, case)
    assert [one.replaced for one in office.calendars.recounts(office.lan)] == [False, True]


def test_the_swaps_of_january_2026_are_shipped(office: Office) -> None:
    view = office.calendars.view(office.lan, ALL, 2026)
    days = {each.day.day: each.day for each in view.days}
    assert (days[date(2026, 1, 2)].works, days[date(2026, 1, 10)].works) == (False, True)
    assert {days[date(2026, 1, n)].decision for n in (2, 10)} == {"12729/VPCP-KGVX"}
    assert view.calendar.is_working_day(date(2026, 1, 10))


# Whose calendar ---------------------------------------------------------------------------------


def test_a_ward_with_a_day_of_its_own_leaves_the_others_alone(office: Office) -> None:
    case = office.opens("1")
    office.calendars.set_days(office.admin, B, [OFF], why="Lễ hội địa phương")
    recount(office)
    assert office.row(case).due_at == DUE
    office.calendars.set_days(office.admin, A, [OFF], why="Lễ hội địa phương")
    recount(office)
    assert office.row(case).due_at == DAY_LATER
    assert [row.scope for row in office.calendars.list(office.lan)] == [ALL, A], "not the other ward's"
    office.calendars.drop(office.admin, A, why="Theo lịch chung lại")
    recount(office)
    assert office.row(case).due_at == DUE
    office.is_sound()


def test_a_unit_that_works_day_and_night_is_counted_by_its_own_hours(office: Office) -> None:
    with office.db.write() as tx:
        ledger.lock(tx, [SYSTEM])
        unit = place_queries.put_unit(tx, WARD_A, "Trực tổng đài", [])
        ledger.append(tx, [Draft(SYSTEM, "unit", office.clock(), {})])
    office.calendars.day_and_night(office.admin, Scope(unit_id=unit), why="Trực 24/24")
    case = office.opens("1")
    office.cases.assign(office.lan, case, unit_id=unit, officer_id=None)
    assert office.row(case).due_at == vn("2026-03-13T00:00")  # the tenth day after 2 March ends
    ruling = office.page(case).clock.ruling
    assert ruling is not None and ruling.calendar_version == 2
    office.cases.assign(office.lan, case, unit_id=None, officer_id=office.lan.id)
    assert office.row(case).due_at == DUE
    tet = office.calendars.view(office.lan, Scope(unit_id=unit), 2026)
    assert tet.calendar.is_working_day(date(2026, 2, 17)), "a hotline works through Tết"


# What cannot be ---------------------------------------------------------------------------------

MORNING = Shift(time(7, 30), time(11, 30))
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"week": {}}, "không có giờ làm", "a week without a working minute"),
    ({"week": {0: [MORNING, Shift(time(11, 0), time(12, 0))]}}, "chồng lên ca trước", "overlapping shifts"),
    ({"week": {0: [Shift(time(17, 0), time(13, 0))]}}, "ngược giờ", "a shift that runs backwards"),
    ({"days": [OFF, OFF]}, "hai lần", "a day twice"),
    ({"days": [DayOverride(date(226, 3, 10), works=False)]}, "Năm 226", "a year typed with a digit too few"),
    ({"days": [DayOverride(OFF.day, False, shifts=(MORNING,))]}, "", "a day off with hours"),
    ({"days": [OFF], "why": "  "}, "lý do", "no reason"),
]


@pytest.mark.parametrize(("given", "said", "note"), WRONG, ids=[row[2] for row in WRONG])
def test_what_cannot_be_a_calendar_is_refused_in_words_and_changes_nothing(
    office: Office, given: dict[str, Any], said: str, note: str
) -> None:
    why = given.get("why", "Thử")
    with pytest.raises(InputInvalid) as error:
        if "week" in given:
            office.calendars.set_week(office.admin, ALL, given["week"], why=why)
        else:
            office.calendars.set_days(office.admin, ALL, given["days"], why=why)
    assert said in error.value.message_vi
    assert office.calendars.view(office.lan, ALL, 2026).row.version == 1
    assert office.calendars.recounts(office.lan) == ()


def test_only_an_administrator_changes_a_calendar_and_only_one_they_see(office: Office) -> None:
    for person in (office.lan, office.minh):
        with pytest.raises(NotAllowed):
            office.calendars.set_days(person, A, [OFF], why="Thử")
    with pytest.raises(NotFound):
        office.calendars.view(office.hue, A, 2026)
    with pytest.raises(NotFound):
        office.calendars.set_days(office.admin, Scope("99999"), [OFF], why="Thử")


def test_the_same_form_twice_and_a_stale_form(office: Office) -> None:
    first = office.calendars.set_days(office.admin, ALL, [OFF], why="Thử", version=1, once="k")
    assert office.calendars.set_days(office.admin, ALL, [OFF], why="Thử", version=1, once="k") == first
    with pytest.raises(StaleWrite):
        office.calendars.unset_days(office.admin, ALL, [OFF.day], why="Thử", version=1)
    assert [one.number for one in office.calendars.view(office.lan, ALL, 2026).versions] == [2, 1]


def test_a_change_that_changes_nothing_makes_no_version(office: Office) -> None:
    office.calendars.set_days(office.admin, ALL, [OFF], why="Thử")
    assert office.calendars.set_days(office.admin, ALL, [OFF], why="Thử") is None
    assert office.calendars.view(office.lan, ALL, 2026).row.version == 2


# Files and proposals ----------------------------------------------------------------------------


def test_a_file_is_tried_first_and_then_taken(office: Office) -> None:
    text = "Ngày;Làm việc;Giờ;Số quyết định;Ghi chú\n10/03/2026;nghỉ;;01/TB;Nghỉ đột xuất\n"
    plan = office.calendars.read_file(office.admin, ALL, text, "csv")
    assert plan.added == (OFF,) and office.calendars.view(office.lan, ALL, 2026).row.version == 1
    office.calendars.read_file(office.admin, ALL, text, "csv", apply=True, why="Theo tệp")
    again = office.calendars.read_file(office.admin, ALL, text, "csv")
    assert (again.added, again.changed, again.same) == ((), (), 1)


@pytest.mark.parametrize("kind", ["csv", "toml"])
def test_what_is_exported_comes_back_as_it_was(office: Office, kind: str) -> None:
    half = DayOverride(date(2026, 12, 31), True, 'Nửa ngày "cuối năm"', "", "person", (MORNING,))
    office.calendars.set_days(office.admin, ALL, [OFF, half], why="Thử")
    text = office.calendars.export(office.lan, ALL, kind, 2026)
    plan = office.calendars.read_file(office.admin, ALL, text, kind)
    assert plan.problems == () and plan.added == ()
    assert {OFF, half} <= {each.day for each in office.calendars.view(office.lan, ALL, 2026).days}


def test_proposed_days_hold_only_after_a_persons_yes(office: Office) -> None:
    year = MONDAY.year + 3  # beyond what was shipped
    proposed = office.calendars.proposals(office.lan, year)
    assert date(year, 9, 2) in {day.day for day in proposed}
    assert not office.calendars.view(office.lan, ALL, year).days
    office.calendars.accept(office.admin, year, [date(year, 9, 2)], why="Đã có thông báo")
    (held,) = office.calendars.view(office.lan, ALL, year).days
    assert (held.day.day, held.day.source) == (date(year, 9, 2), "person")
    assert date(year, 9, 2) not in {day.day for day in office.calendars.proposals(office.lan, year)}


def test_a_report_that_comes_after_the_change_knows_it_at_once(office: Office) -> None:
    office.calendars.set_days(office.admin, ALL, [OFF], why="Thông báo 01")
    office.receives("1022", record("9", "Rác đầy hẻm", address="45 Trần Phú"))
    assert office.row(office.case_of("9")).due_at == DAY_LATER
