"""Deadline rules and working calendars on screen: who may, seen first, then saved, refused in words."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest

from aggregator.services.recounts import Scope
from tests.web.office import WARD, Browser, Office, soup

RULE = "/settings/deadlines/rule/1022_2025"
CALENDAR = "/settings/calendars"
#: The day after tomorrow by the office's clock.
OFF = {"day": "2026-11-12", "works": "no", "note": "Nghỉ theo thông báo", "decision": "01/TB"}


def tried(browser: Browser, page: str, action: str, **filled: Any) -> Any:
    """Fill in the form of `page` that asks for a trial, and send it; the page that follows."""
    form = soup(browser.get(page)).find("form", action=action)
    given = {
        field["name"]: field.get("value", "")
        for field in form.find_all("input")
        if field.get("name") and (field.get("type") != "radio" or field.has_attr("checked"))
    }
    for choice in form.find_all("select"):
        chosen = choice.find("option", selected=True) or choice.find("option")
        given[choice["name"]] = chosen["value"]
    return browser.get(action, query_string={**given, **filled})


def posted(browser: Browser, page: Any, action: str, **filled: Any) -> Any:
    """Send the form on a page that was already opened."""
    form = soup(page).find("form", action=action)
    given = {field["name"]: field.get("value", "") for field in form.find_all("input") if field.get("name")}
    return browser.client.post(action, data={**given, **filled})


def test_everybody_looks_and_only_the_administrator_changes(lan: Browser, minh: Browser) -> None:
    for person in (lan, minh):
        page = soup(person.get("/settings/deadlines"))
        assert "báo chí" in page.text and "cơ quan cần xác nhận" in page.text
        assert page.find("a", string="Thêm quy định") is None
        assert not soup(person.get(RULE)).main.find_all("form", method="post")
        assert not soup(person.get(CALENDAR)).main.find_all("form", method="post")
        assert person.get("/settings/deadlines/new").status_code == 403
        assert person.get("/settings/deadlines/try").status_code == 403
        token = person.form("/", "/language")["csrf_token"]
        for action in ("/settings/deadlines/save", f"{CALENDAR}/days", f"{CALENDAR}/week"):
            answer = person.client.post(action, data={**OFF, "why": "Thử", "csrf_token": token})
            assert answer.status_code == 403, action


def test_a_rule_is_tried_saved_as_a_version_and_open_cases_follow_on_request(
    office: Office, admin: Browser
) -> None:
    office.receive(office.report())
    shown = tried(admin, RULE, "/settings/deadlines/try", amount="1")
    page = soup(shown)
    assert "Vụ việc nào sẽ quá hạn" in page.h1.text
    assert page.select_one(".figures tbody a").text == "26-00001"
    answer = posted(admin, shown, "/settings/deadlines/save", why="Nghị quyết mới")
    assert answer.status_code == 303
    after = soup(admin.get(RULE))
    assert "bản thứ 2" in after.text
    assert "Phạm Quản Trị: Nghị quyết mới" in after.text
    again = posted(admin, shown, "/settings/deadlines/save", why="Nghị quyết mới")
    assert again.status_code == 303, "the same form twice is the same change"
    assert len(office.services.rulebook.rule(office.actor("quan-tri"), "1022_2025").versions) == 2
    moved = admin.get(f"{RULE}/recount")
    assert "26-00001" in soup(moved).text
    assert posted(admin, moved, f"{RULE}/recount", why="Áp dụng").status_code == 303
    assert "0/1 vụ việc đang mở" in admin.get(RULE).text
    while office.services.recounts.tick():
        pass
    assert "1 vụ việc đổi hạn" in admin.get(RULE).text
    assert "Hạn được tính lại" in admin.get("/cases/1").text


def test_a_stale_rule_and_wrong_numbers_are_refused_in_words(office: Office, admin: Browser) -> None:
    shown = tried(admin, RULE, "/settings/deadlines/try", amount="1")
    office.services.rulebook.change(
        office.actor("quan-tri"), "1022_2025", {"amount": 7}, why="Người khác sửa"
    )
    assert posted(admin, shown, "/settings/deadlines/save", why="Muộn").status_code == 409
    for given, said in (({"amount": "mười"}, "không phải là số"), ({"amount": "0"}, "lớn hơn 0"),
                        ({"valid_from": "31/02/2026"}, "không phải là ngày")):  # fmt: skip
        answer = tried(admin, RULE, "/settings/deadlines/try", **given)
        assert answer.status_code == 422 and said in answer.text, given


def test_a_day_is_tried_entered_and_taken_out(office: Office, admin: Browser, lan: Browser) -> None:
    office.receive(office.report())
    shown = tried(admin, CALENDAR, f"{CALENDAR}/try", **OFF)
    assert "26-00001" in shown.text
    assert posted(admin, shown, f"{CALENDAR}/days", why="Thông báo 01").status_code == 303
    page = soup(lan.get(CALENDAR))
    assert "12/11/2026" in page.text and "01/TB" in page.text and "Nghỉ theo thông báo" in page.text
    assert page.select_one("td.d.holiday")
    while office.services.recounts.tick():
        pass
    assert "Hạn được tính lại" in lan.get("/cases/1").text
    answer = admin.submit(CALENDAR, f"{CALENDAR}/days/remove", nth=_nth(admin, "2026-11-12"))
    assert (
        answer.status_code == 303
        and "12/11/2026" not in soup(lan.get(CALENDAR)).main.find("table", class_="figures").text
    )


def _nth(browser: Browser, day: str) -> int:
    forms = soup(browser.get(CALENDAR)).find_all("form", action=f"{CALENDAR}/days/remove")
    return [form.find("input", attrs={"name": "day"})["value"] for form in forms].index(day)


def test_a_week_without_a_working_minute_and_overlapping_shifts_are_refused(admin: Browser) -> None:
    nothing = {f"day{at}": "" for at in range(7)}
    for given, said in ((nothing, "không có giờ làm"), ({"day0": "07:30-11:30; 11:00-12:00"}, "chồng lên"),
                        ({"day0": "sáng"}, "không phải là giờ")):  # fmt: skip
        answer = admin.submit(CALENDAR, f"{CALENDAR}/week", **given, why="Thử")
        assert answer.status_code == 422 and said in answer.text


def test_a_ward_gets_hours_of_its_own(office: Office, admin: Browser) -> None:
    page = f"{CALENDAR}?ward={WARD}"
    assert admin.submit(page, f"{CALENDAR}/week", day5="07:30-11:30", why="Trực thứ Bảy").status_code == 303
    view = office.services.calendars.view(office.actor("minh"), Scope(WARD), 2026)
    assert view.own and view.calendar.is_working_day(date(2026, 11, 14))
    assert "Bỏ lịch riêng" in admin.get(page).text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ngày;làm việc\n31/02/2026;nghỉ\n", "không phải là ngày có thật"),
        ("ngày;làm việc\n12/11/2026;nghỉ\n", "1 ngày mới"),
    ],
)
def test_a_file_is_looked_at_before_it_is_taken(office: Office, admin: Browser, text: str, said: str) -> None:
    form = admin.form(CALENDAR, f"{CALENDAR}/file")
    form["file"] = (io.BytesIO(text.encode()), "lich.csv")  # type: ignore[assignment]
    shown = admin.client.post(f"{CALENDAR}/file", data=form, content_type="multipart/form-data")
    assert shown.status_code == 200 and said in shown.text
    assert office.services.calendars.view(office.actor("lan"), Scope(), 2026).row.version == 1
    if "1 ngày mới" in said:
        filled = {"text": text, "kind": "csv", "apply": "1", "why": "Theo tệp"}
        assert posted(admin, shown, f"{CALENDAR}/file", **filled).status_code == 303
        assert "12/11/2026;nghỉ" in admin.get(f"{CALENDAR}/file.csv?year=2026").text


def test_proposed_days_need_a_yes(office: Office, admin: Browser) -> None:
    year = 2029
    page = soup(admin.get(f"{CALENDAR}?year={year}"))
    assert "chưa phải thông báo chính thức" in page.text and "Chưa nhập ngày nghỉ nào" in page.text
    filled = {"day": f"{year}-09-02", "why": "Đã công bố"}
    assert admin.submit(f"{CALENDAR}?year={year}", f"{CALENDAR}/proposals", **filled).status_code == 303
    held = office.services.calendars.view(office.actor("lan"), Scope(), year).days
    assert [one.day.day for one in held] == [date(year, 9, 2)]
