"""Answering people about their data, on screen: entered, found, handed out, hidden, erased, closed."""

from __future__ import annotations

from typing import Any

from tests.web.office import Browser, Office

NAME, PHONE = "Đặng Văn Thử", "0901000001"


def entered(minh: Browser, kind: str = "erase") -> str:
    """A request; its page."""
    form = minh.form("/privacy/requests/new", "/privacy/requests")
    answer = minh.client.post(
        "/privacy/requests",
        data={
            **form,
            "kind": kind,
            "came_by": "in_person",
            "name": NAME,
            "phone": PHONE,
            "words": "Xin xoá.",
        },
    )
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def posts(browser: Browser, page: str, action: str, **more: Any) -> Any:
    form = browser.form(page, f"{page}/{action if action in ('answer', 'close') else 'find#found'}")
    return browser.client.post(f"{page}/{action}", data={**form, **more})


def found(browser: Browser, page: str) -> Any:
    from bs4 import BeautifulSoup

    answer = posts(browser, page, "find", name=NAME, phone=PHONE)
    assert answer.status_code == 200, answer.text
    return BeautifulSoup(answer.text, "lxml")


def test_a_request_is_entered_with_its_two_terms(office: Office, minh: Browser) -> None:
    page = minh.get(entered(minh)).text
    assert "Hạn trả lời" in page and NAME in page
    listed = minh.get("/privacy/requests").text
    assert "Yêu cầu số 1" in listed and "Xoá dữ liệu" in listed and NAME not in listed


def test_an_empty_register_says_what_to_do(minh: Browser) -> None:
    assert "Không có yêu cầu đang mở" in minh.get("/privacy/requests").text
    assert "Chưa giữ lại vụ việc nào" in minh.get("/privacy/holds").text


def test_the_person_is_found_and_erased_after_a_confirmation(office: Office, minh: Browser) -> None:
    office.receive(office.report(body=f"Ổ gà trước nhà ông {NAME}."))
    page = entered(minh)
    soup = found(minh, page)
    box = soup.select_one("input[name=report_id]")
    assert box is not None and box.has_attr("checked")
    given = {"report_id": box["value"], "way": "all", "files": "on", "name": NAME, "phone": PHONE}
    refused = posts(minh, page, "erase", **given)
    assert refused.status_code == 422 and "không khôi phục được" in refused.text
    assert NAME in minh.get("/cases/1").text
    assert posts(minh, page, "erase", **given, sure="on").status_code == 303
    case = minh.get("/cases/1").text
    assert NAME not in case and "(đã xoá nội dung)" in case
    assert "Đã xoá theo yêu cầu của người dân" in case
    assert "sẽ được ghi đè trong đêm tới" in minh.get(page).text


def test_the_data_is_handed_out_as_a_page_and_as_a_file(office: Office, minh: Browser) -> None:
    office.receive(office.report())
    page = entered(minh, "access")
    box = found(minh, page).select_one("input[name=report_id]")
    assert box is not None
    shown = posts(minh, page, "document", report_id=box["value"], **{"as": "page"})
    assert NAME in shown.text and "bị mất nắp" in shown.text
    told = posts(minh, page, "document", report_id=box["value"], **{"as": "json"})
    assert told.mimetype == "application/json" and told.json["reports"][0]["person"]["name"] == NAME


def test_a_hidden_sender_is_not_offered_to_officers(office: Office, minh: Browser, lan: Browser) -> None:
    office.receive(office.report())
    page = entered(minh, "restrict")
    box = found(minh, page).select_one("input[name=report_id]")
    assert box is not None
    posts(minh, page, "restrict", report_id=box["value"])
    seen = lan.get("/cases/1").text
    assert "hạn chế xử lý theo yêu cầu" in seen and "/reveal" not in seen
    assert "/reveal" in minh.get("/cases/1").text


def test_answering_and_closing(office: Office, minh: Browser) -> None:
    page = entered(minh)
    assert posts(minh, page, "close", outcome="done").status_code == 422
    assert posts(minh, page, "answer", text="Chúng tôi đã nhận và sẽ làm.").status_code == 303
    assert posts(minh, page, "close", outcome="done").status_code == 303
    assert "Đã thực hiện" in minh.get("/privacy/requests?closed=1").text


def test_an_overdue_request_stands_on_the_leaders_page(office: Office, minh: Browser) -> None:
    entered(minh)
    assert "quá hạn" not in minh.get("/dashboard").text.split("<ul")[0]
    office.clock.wait(days=5)
    minh.sign_in("minh")
    assert "1 yêu cầu về dữ liệu cá nhân đã quá hạn" in minh.get("/dashboard").text


def test_a_case_is_held_and_let_go(office: Office, minh: Browser) -> None:
    office.receive(office.report())
    form = minh.form("/privacy/holds", "/privacy/holds")
    sent = {**form, "code": "26-00001", "reason": "complaint", "note": "Đơn số 7"}
    assert minh.client.post("/privacy/holds", data=sent).status_code == 303
    assert "Đơn số 7" in minh.get("/privacy/holds").text
    form = minh.form("/privacy/holds", "/privacy/holds/lift")
    assert minh.client.post("/privacy/holds/lift", data=form).status_code == 303
    assert "Chưa giữ lại" in minh.get("/privacy/holds").text


# Retention -------------------------------------------------------------------------------------------


def test_the_administrator_sees_the_dry_run_and_switches_it_on(office: Office, admin: Browser) -> None:
    page = admin.get("/settings/retention").text
    assert "đề xuất, chưa có văn bản" in page and "đang tắt" in page
    form = admin.form("/settings/retention", "/settings/retention/turn")
    assert admin.client.post("/settings/retention/turn", data={**form, "on": "1"}).status_code == 303
    assert "Mỗi đêm từ 0 giờ" in admin.get("/settings/retention").text


def test_a_period_is_changed_with_its_paper(office: Office, admin: Browser) -> None:
    form = admin.form("/settings/retention", "/settings/retention/rule")
    given = {**form, "kind": "identity", "days": "400", "source": "Quyết định 12", "why": "Theo quyết định"}
    given.pop("keep", None)
    assert admin.client.post("/settings/retention/rule", data=given).status_code == 303
    page = admin.get("/settings/retention").text
    assert "400 ngày" in page and "Quyết định 12" in page and "đã có văn bản" in page
    assert (
        admin.client.post("/settings/retention/rule", data={**given, "days": "3", "once": "x"}).status_code
        == 422
    )


def test_a_part_is_forgotten_only_after_a_confirmation(office: Office, admin: Browser) -> None:
    form = admin.form("/settings/retention", "/settings/retention/turn")
    answer = admin.client.post("/settings/retention/run", data=form)
    assert answer.status_code == 422
    assert admin.client.post("/settings/retention/run", data={**form, "sure": "on"}).status_code == 303
    assert "bằng lệnh" not in admin.get("/settings/retention").text
