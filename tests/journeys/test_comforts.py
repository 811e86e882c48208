"""What the script adds to pages that work without it: true clocks, keys, drafts, news."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from aggregator.domain import countdown
from aggregator.domain.workflow import ReplyKind, Status
from tests.journeys.office_server import PASSWORD, fill, furnished, serving
from tests.web.office import Office

pytestmark = pytest.mark.browser


@pytest.fixture
def office(_sqlite_template: Path, tmp_path: Path) -> Iterator[Office]:
    office = furnished(_sqlite_template, tmp_path / "office")
    fill(office)
    yield office
    office.close()


@pytest.fixture
def address(office: Office) -> Iterator[str]:
    with serving(office) as address:
        yield address


def sign_in(page: Page, address: str, login: str = "lan") -> None:
    page.goto(address + "/sign-in")
    page.get_by_label("Tên đăng nhập").fill(login)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Tất cả")


def test_the_clock_in_the_page_says_what_the_server_would_say(page: Page, address: str) -> None:
    sign_in(page, address)
    for language in ("vi", "en"):
        if language == "en":
            page.get_by_role("button", name="English").click()
        for minutes in (-90_061, -1_440, -61, -1, 1, 59, 60, 61, 1_439, 1_440, 1_500, 4_321):
            # Half a minute to spare: the browser reads its clock a moment later.
            due = datetime.now(UTC) + timedelta(minutes=minutes, seconds=30 if minutes > 0 else -30)
            page.evaluate(
                """at => {
                    const clock = document.querySelector("time.left");
                    clock.className = "left none";
                    clock.dateTime = at;
                    document.dispatchEvent(new Event("visibilitychange"));
                }""",
                due.isoformat(),
            )
            shown = page.locator("time.left").first.inner_text()
            assert shown == countdown.words(due, datetime.now(UTC), language)


def test_a_case_turns_overdue_while_the_page_lies_open(page: Page, address: str) -> None:
    sign_in(page, address)
    page.goto(address + "/?view=new")
    clock = page.locator("time.left").last
    expect(clock).to_have_class("left none")
    clock.evaluate("t => { t.dateTime = '2020-01-01T00:00:00Z' }")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(clock).to_have_class("left overdue")
    expect(clock).to_contain_text("Quá hạn")


def test_keys_walk_the_list_and_accept(page: Page, address: str, office: Office) -> None:
    sign_in(page, address)
    links = page.locator(".list td:first-child a")
    page.keyboard.press("j")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(links.nth(0)).to_be_focused()
    number = links.nth(0).locator("b").inner_text()
    page.keyboard.press("1")
    expect(page.get_by_role("status")).to_contain_text("Đã chuyển trạng thái")
    case_id = office.services.cases.find(office.actor("lan"), number)
    assert office.services.cases.case(office.actor("lan"), case_id).row.status is Status.ACCEPTED

    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("j1 ho ga")
    expect(page.locator("#q")).to_have_value("j1 ho ga")


def test_keys_on_a_case_lead_to_its_forms_and_back(page: Page, address: str) -> None:
    sign_in(page, address)
    page.goto(address + "/?view=new")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".bar")).to_be_visible()
    page.keyboard.press("r")
    expect(page.locator("#body")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    expect(page.get_by_label("Từ chối")).to_be_checked()
    page.keyboard.type("Không thuộc thẩm quyền của phường.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status")).to_contain_text("Phúc đáp đang được chuyển")
    page.keyboard.press("n")
    expect(page.locator("#note")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page).to_have_url(address + "/?view=new")


def test_single_keys_can_be_switched_off(page: Page, address: str) -> None:
    sign_in(page, address)
    page.keyboard.press("?")
    page.get_by_label("Bật phím tắt một phím").uncheck()
    page.get_by_role("button", name="Đóng").click()
    page.locator("h1").click()
    page.keyboard.press("j")
    expect(page.locator(".list a:focus")).to_have_count(0)
    page.reload()
    page.keyboard.press("j")
    expect(page.locator(".list a:focus")).to_have_count(0)


def test_a_typing_tool_that_composes_letters_triggers_nothing(page: Page, address: str) -> None:
    """Telex editors send keyCode 229 and synthetic keys for one Vietnamese letter."""
    sign_in(page, address)
    press = "given => document.body.dispatchEvent(new KeyboardEvent('keydown', given))"
    for given in ({"keyCode": 229}, {"isComposing": True}):
        page.evaluate(press, {"code": "KeyJ", "key": "j", "bubbles": True, **given})
    expect(page.locator(".list a:focus")).to_have_count(0)


def test_a_draft_survives_a_reload_and_goes_when_sent_or_signed_out(page: Page, address: str) -> None:
    sign_in(page, address)
    page.goto(address + "/cases/3")
    page.locator("#body").fill("Bản nháp của Lan")
    page.reload()
    expect(page.locator("#body")).to_have_value("Bản nháp của Lan")
    page.goto(address + "/cases/1")
    expect(page.locator("#body")).to_have_value("")
    page.goto(address + "/cases/3")
    page.get_by_label("Tiến độ").check()
    page.get_by_role("button", name="Gửi phúc đáp").click()
    expect(page.get_by_role("status")).to_contain_text("Phúc đáp đang được chuyển")
    page.reload()
    expect(page.locator("#body")).to_have_value("")

    page.locator("#body").fill("Chưa gửi")
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.get_by_label("Mật khẩu")).to_be_visible()
    assert page.evaluate("Object.keys(localStorage)") == []


def test_nobody_meets_another_persons_draft_on_a_shared_pc(page: Page, address: str) -> None:
    sign_in(page, address)
    page.goto(address + "/cases/3")
    page.locator("#body").fill("Bản nháp của Lan")
    page.context.clear_cookies()  # the session ended, nobody signed out
    sign_in(page, address, "minh")
    page.goto(address + "/cases/3")
    expect(page.locator("#body")).to_have_value("")
    assert "Lan" not in page.evaluate("JSON.stringify(localStorage)")


def test_news_is_a_bar_and_rows_stay_where_they_are(page: Page, address: str, office: Office) -> None:
    page.clock.install()
    sign_in(page, address)
    rows = page.locator(".list tbody tr")
    expect(rows.first).to_be_visible()
    before = rows.all_inner_texts()
    office.receive(office.report(), office.report())
    page.clock.run_for(31_000)
    expect(page.locator("#news")).to_contain_text("2 vụ việc mới")
    assert len(rows.all_inner_texts()) == len(before)
    page.locator("#news a").click()
    expect(rows).to_have_count(len(before) + 2)


def test_a_double_click_sends_once(page: Page, address: str, office: Office) -> None:
    sign_in(page, address)
    page.goto(address + "/cases/1")
    page.get_by_label("Tiến độ").check()
    page.locator("#body").fill("Đang kiểm tra.")
    page.get_by_role("button", name="Gửi phúc đáp").dblclick()
    expect(page.get_by_role("status")).to_contain_text("Phúc đáp đang được chuyển")
    assert len(office.services.cases.case(office.actor("lan"), 1).replies) == 1


def test_the_text_is_copied_with_one_click(page: Page, address: str, office: Office) -> None:
    actor = office.actor("lan")
    case_id = office.services.inbox.page(actor, _search("12 le loi")).rows[0].id
    office.services.cases.reply(actor, case_id, ReplyKind.RESULT, "Đã thay nắp hố ga.")
    sign_in(page, address)
    page.goto(address + "/by-hand")
    page.get_by_role("button", name="Chép: Nội dung trả lời").click()
    expect(page.get_by_text("Đã chép")).to_be_visible()
    page.goto(address + "/?q=")
    page.locator("#q").focus()
    page.keyboard.press("Control+V")
    expect(page.locator("#q")).to_have_value("Đã thay nắp hố ga.")


def test_all_of_it_works_without_the_script(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, address)
    page.get_by_role("link", name=re.compile("Hố ga mất nắp")).click()
    page.get_by_label("Kết quả").check()
    page.get_by_label("Nội dung người dân sẽ đọc").fill("Đã thay nắp.")
    page.get_by_role("button", name="Gửi phúc đáp").click()
    expect(page.get_by_role("status")).to_contain_text("Phúc đáp đang được chuyển")
    page.get_by_text("Ghi chú nội bộ").first.click()
    page.locator("#note").fill("Xong việc.")
    page.get_by_role("button", name="Lưu ghi chú").click()
    expect(page.locator(".timeline .noted")).to_contain_text("Xong việc.")
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.get_by_label("Mật khẩu")).to_be_visible()
    context.close()


def _search(words: str):  # type: ignore[no-untyped-def]
    from aggregator.services.views.inbox import InboxFilter

    return InboxFilter(q=words)


def test_a_password_is_changed_and_the_script_has_nothing_against_it(page: Page, address: str) -> None:
    heard: list[str] = []
    page.on("pageerror", lambda error: heard.append(str(error)))
    sign_in(page, address)
    page.get_by_role("link", name=re.compile("Tài khoản của bạn")).click()
    page.get_by_label("Mật khẩu hiện tại").fill(PASSWORD)
    page.get_by_label("Mật khẩu mới", exact=True).fill("mưa to đường ngập")
    page.get_by_label("Nhập lại mật khẩu mới").fill("mưa to đường ngập")
    page.get_by_role("button", name="Đổi mật khẩu").click()
    expect(page.get_by_role("status")).to_contain_text("Đã đổi mật khẩu")
    assert not heard
