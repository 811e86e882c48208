"""Deadline rules in versions, counting open cases again on request, and trying changes on past cases."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text

from aggregator.domain.shifts import DayOverride
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import InputInvalid, NotAllowed, NotFound, StaleWrite
from aggregator.services.recounts import Scope
from tests.factories import VN, Office, apart, record
from tests.people import WARD_B

RULE = "1022_2025"


def vn(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VN).astimezone(UTC)


DUE, FIVE_DAYS = vn("2026-03-16T17:00"), vn("2026-03-09T17:00")
SAID: dict[str, Any] = {
    "name": "Rác thải: 2 ngày", "step": "result", "amount": 2, "unit": "working_days",
    "valid_from": date(2026, 1, 1), "category": "moi_truong", "source": "QĐ 99", "certainty": "confirmed",
}  # fmt: skip


def recount(office: Office) -> None:
    while office.recounts.tick():
        pass


# Versions ---------------------------------------------------------------------------------------


def test_a_changed_rule_touches_new_cases_only(office: Office) -> None:
    old = office.opens("1")
    number = office.rulebook.change(office.admin, RULE, {"amount": 5}, why="Nghị quyết mới")
    office.receives("1022", record("2", "Rác đầy hẻm", address="45 Trần Phú"))
    assert (office.row(old).due_at, office.row(office.case_of("2")).due_at) == (DUE, FIVE_DAYS)
    newest, first = office.rulebook.rule(office.lan, RULE).versions
    assert (number, newest.policy.version, newest.policy.amount, newest.why) == (2, 2, 5, "Nghị quyết mới")
    assert (first.policy.amount, first.retired_by, first.retired_why) == (10, "Đỗ Quản Trị", "Nghị quyết mới")
    assert first.retired_at is not None and newest.retired_at is None
    ruling = office.page(old).clock.ruling
    assert ruling is not None and ruling.rule is not None and ruling.rule.version == 1
    office.is_sound()


def test_a_new_rule_wins_where_it_says_more(office: Office) -> None:
    key = office.rulebook.add(office.admin, SAID, why="QĐ 99 của phường")
    assert key == "rac_thai_2_ngay"
    office.receives("1022", record("2", "Rác đầy hẻm", address="45 Trần Phú", category_raw="Rác thải"))
    assert office.row(office.case_of("2")).due_at == vn("2026-03-04T17:00")
    assert office.rulebook.add(office.admin, SAID, why="Thêm bản nữa") == "rac_thai_2_ngay_2"


def test_a_rule_is_not_applied_applied_and_given_up(office: Office) -> None:
    office.rulebook.apply(office.admin, RULE, False, why="Chờ xác nhận")
    office.receives("1022", record("2", "Rác đầy hẻm", address="45 Trần Phú"))
    page = office.page(office.case_of("2"))
    assert page.clock.ruling is not None and page.clock.ruling.rule is not None
    assert page.clock.ruling.rule.key == "mac_dinh", "the product's own default, and it says so"
    office.rulebook.apply(office.admin, RULE, True, why="Đã xác nhận")
    office.rulebook.retire(office.admin, RULE, why="Có quy định mới")
    assert office.rulebook.rule(office.lan, RULE).current is None
    assert office.rulebook.rules(office.lan)[-1].key == RULE, "given up rules come last"
    with pytest.raises(InputInvalid):
        office.rulebook.change(office.admin, RULE, {"amount": 5}, why="Quá muộn")


def test_confirming_says_by_which_paper(office: Office) -> None:
    office.rulebook.confirm(
        office.admin, RULE, "confirmed", source="QĐ 12/2025/QĐ-UBND, điều 7", why="Đã đọc văn bản"
    )
    current = office.rulebook.rule(office.lan, RULE).current
    assert current is not None
    assert (current.policy.certainty, current.policy.source) == ("confirmed", "QĐ 12/2025/QĐ-UBND, điều 7")
    with pytest.raises(InputInvalid, match="source"):
        office.rulebook.confirm(office.admin, RULE, "confirmed", source=" ", why="Không có văn bản")


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"amount": 0}, "lớn hơn 0", "no time at all"),
    ({"amount": 90_000}, "mười năm", "a slip of the keyboard"),
    ({"valid_to": date(2020, 1, 1)}, "trước ngày có hiệu lực", "ends before it begins"),
    ({"warn_percent": 101}, "1 đến 100", "warns after the deadline"),
    ({"escalate_hours": (8, 4)}, "tăng dần", "levels that fall"),
    ({"category": "khong_co"}, "Không có lĩnh vực này", "no such category"),
    ({"certainty": "luat"}, "mức chắc chắn", "no such certainty"),
    ({"certainty": "confirmed", "source": ""}, "căn cứ", "law without a paper"),
    ({"name": " "}, "", "no name"),
]


@pytest.mark.parametrize(("given", "said", "note"), WRONG, ids=[row[2] for row in WRONG])
def test_what_cannot_be_a_rule_is_refused_in_words(
    sqlite_office: Office, given: dict[str, Any], said: str, note: str
) -> None:
    with pytest.raises(InputInvalid) as error:
        sqlite_office.rulebook.change(sqlite_office.admin, RULE, given, why="Thử")
    assert said in error.value.message_vi
    assert len(sqlite_office.rulebook.rule(sqlite_office.lan, RULE).versions) == 1


def test_who_may_and_stale_and_twice(sqlite_office: Office) -> None:
    office = sqlite_office
    for person in (office.lan, office.minh, dataclasses.replace(office.admin, ward=WARD_B)):
        with pytest.raises(NotAllowed):
            office.rulebook.change(person, RULE, {"amount": 5}, why="Thử")
    with pytest.raises(NotFound):
        office.rulebook.change(office.admin, "khong_co", {"amount": 5}, why="Thử")
    assert office.rulebook.change(office.admin, RULE, {"amount": 5}, why="Thử", version=1, once="k") == 2
    assert office.rulebook.change(office.admin, RULE, {"amount": 5}, why="Thử", version=1, once="k") == 2
    with pytest.raises(StaleWrite):
        office.rulebook.change(office.admin, RULE, {"amount": 6}, why="Thử", version=1)
    with pytest.raises(InputInvalid):
        office.rulebook.change(office.admin, RULE, {"amount": 5}, why="Như cũ")


# Counting open cases again ------------------------------------------------------------------------


def test_a_recount_is_seen_first_and_then_an_event_of_each_clock(office: Office) -> None:
    office.receives("1022", *apart(3))
    open_, paused, closed = (office.case_of(str(number)) for number in (1, 2, 3))
    office.cases.pause(office.lan, paused, "site_visit")
    office.cases.reply(office.lan, closed, ReplyKind.RESULT, "Xong.")
    office.rulebook.change(office.admin, RULE, {"amount": 5}, why="Nghị quyết mới")
    preview = office.rulebook.preview_recount(office.admin, RULE)
    assert (preview.looked_at, preview.moved, preview.earlier, preview.newly_overdue) == (2, 2, 2, 0)
    assert {(row.was, row.now) for row in preview.rows} == {(DUE, FIVE_DAYS)}
    assert office.row(open_).due_at == DUE, "nothing is written yet"
    office.rulebook.recount(office.admin, RULE, why="Áp dụng cho việc đang mở")
    recount(office)
    assert [office.row(case).due_at for case in (open_, paused, closed)] == [FIVE_DAYS, FIVE_DAYS, DUE]
    assert office.row(paused).stage == "paused"
    (entry,) = [one for one in office.page(open_).timeline if one.kind == "recounted"]
    assert (entry.data["by"], entry.data["why"]) == (RULE, "Áp dụng cho việc đang mở")
    ruling = office.page(open_).clock.ruling
    assert ruling is not None and ruling.rule is not None and ruling.rule.version == 2
    events = office.rows(text("SELECT reason FROM clock_events WHERE kind = 'policy_change' ORDER BY id"))
    assert [row[0] for row in events] == [f"{RULE} 2"] * 2
    assert office.rulebook.preview_recount(office.admin, RULE).moved == 0
    office.is_sound()


def test_a_recount_after_a_rule_is_given_up_clears_what_no_rule_speaks_of(office: Office) -> None:
    answer = {**SAID, "name": "Trả lời đầu", "step": "first_answer", "category": None, "amount": 1}
    key = office.rulebook.add(office.admin, answer, why="Thử")
    case = office.opens("1")
    assert office.row(case).due_step == "first_answer"
    office.rulebook.retire(office.admin, key, why="Bỏ")
    assert office.rulebook.preview_recount(office.admin, key).moved == 1
    office.rulebook.recount(office.admin, key, why="Bỏ hạn cũ")
    recount(office)
    assert (office.row(case).due_at, office.row(case).due_step) == (DUE, "result")
    office.is_sound()


# What would have been -----------------------------------------------------------------------------


def worked(office: Office) -> tuple[int, int]:
    """One case closed after seven days, one still open after fifteen."""
    office.receives("1022", *apart(2))
    done, late = office.case_of("1"), office.case_of("2")
    office.clock.forward(days=7)
    office.cases.reply(office.lan, done, ReplyKind.RESULT, "Đã vá.")
    office.clock.forward(days=8)
    return done, late


def test_a_shorter_rule_shows_who_would_have_been_late(office: Office) -> None:
    done, late = worked(office)
    before = office.count("ledger_entries")
    trial = office.whatif.rule(office.admin, {"amount": 3}, key=RULE)
    assert (trial.judged, trial.moved, trial.late_now, trial.late_then) == (2, 2, 1, 2)
    assert (trial.newly_late, trial.no_longer_late) == (1, 0)
    first = trial.rows[0]
    assert (first.case_id, first.late_now, first.late_then) == (done, False, True)
    assert (first.now_due, first.then_due) == (DUE, vn("2026-03-05T17:00"))
    assert trial.rows[1].case_id == late
    assert office.count("ledger_entries") == before and office.row(done).late is False


def test_days_off_show_who_would_no_longer_be_late(office: Office) -> None:
    _, late = worked(office)
    days = [DayOverride(date(2026, 3, n), works=False) for n in (9, 10)]
    trial = office.whatif.calendar(office.admin, set_days=days)
    assert (trial.newly_late, trial.no_longer_late) == (0, 1)
    assert trial.rows[0].case_id == late and trial.rows[0].then_due == vn("2026-03-18T17:00")
    other = office.whatif.calendar(office.admin, Scope(WARD_B), set_days=days)
    assert (other.judged, other.moved) == (0, 0)
    assert office.calendars.view(office.admin, Scope(), 2026).row.version == 1


def test_other_hours_and_a_rule_given_up_can_be_tried(office: Office) -> None:
    worked(office)
    saturdays = {n: office.calendars.view(office.admin, Scope(), 2026).week[0] for n in range(6)}
    assert office.whatif.calendar(office.admin, week=saturdays).newly_late == 0
    assert office.whatif.calendar(office.admin, week=saturdays).rows[0].then_due == vn("2026-03-13T17:00")
    assert office.whatif.rule(office.admin, {}, key=RULE, retired=True).moved == 0, "the default has ten days"
    with pytest.raises(InputInvalid, match="working minute"):
        office.whatif.calendar(office.admin, week={})
    with pytest.raises(InputInvalid, match="1 to 92"):
        office.whatif.calendar(office.admin, days=93)
    with pytest.raises(NotAllowed):
        office.whatif.rule(office.minh, {"amount": 3}, key=RULE)
