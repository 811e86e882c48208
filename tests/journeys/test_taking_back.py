"""Lan answers six sources, thinks better of it, answers again, and later corrects what she wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from aggregator.domain.delivery import Delivery
from aggregator.domain.workflow import ReplyKind
from aggregator.storage import channel_queries
from aggregator.storage.case_tables import outbox
from tests.journeys.office_server import furnished, serving, sign_in
from tests.web.office import WARD, Office

pytestmark = pytest.mark.browser

MORE = (
    ("trang-web-phuong-ben-nghe-va-cac-phuong-lan-can", "district_html", "Trang tiếp nhận phản ánh Bến Nghé"),
    ("truc-quoc-gia", "national_bus", "Trục liên thông quốc gia"),
    ("webhook", "webhook", "Phần mềm một cửa quận"),
    ("thu", "email", "Hộp thư phường"),
)
LONG = "Phường đã kiểm tra hiện trường và thay nắp hố ga bằng gang chịu lực. " * 14


@pytest.fixture
def office(_sqlite_template: Path, tmp_path: Path) -> Iterator[Office]:
    office = furnished(_sqlite_template, tmp_path / "office")
    with office.services.db.write() as tx:
        for slug, kind, title in MORE:
            channel_queries.insert_channel(
                tx,
                {"slug": slug, "kind": kind, "title": title, "ward_code": WARD, "config": {}, "secrets": None,
                 "options": {}, "created_at": office.clock()},
                {"interval_s": 60, "next_due_at": office.clock(), "host_key": slug},
            )  # fmt: skip
    for slug in ("cong-1022", "bang-tinh", *(one[0] for one in MORE)):
        office.receive(office.report(), channel=slug)
    for other in range(2, 7):
        office.services.cases.merge(office.actor("lan"), other, 1)
    yield office
    office.close()


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("width", [360, 1440])
def test_lan_takes_an_answer_back_then_corrects_another(
    page: Page, office: Office, width: int, artifacts: Path
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    admin = office.actor("quan-tri")
    office.services.answer_settings.put(admin, WARD, undo_s=30, acknowledges=False)
    with serving(office) as address:
        sign_in(page, address)
        page.goto(f"{address}/cases/1")
        expect(page.locator("#transfer_to")).to_be_hidden()
        page.get_by_role("radio", name="Chuyển nơi khác").check()
        page.get_by_label("Tên cơ quan tiếp tục giải quyết").fill("Công ty Thoát nước đô thị")
        page.locator("#body").fill(LONG)
        page.locator("#reply").screenshot(path=artifacts / f"answer-form-{width}.png")
        page.locator("#reply form button").first.click()
        expect(page.locator("#said")).to_contain_text("Phúc đáp sẽ gửi sau 30 giây")
        leaving = page.locator("#answers .leaving")
        expect(leaving).to_contain_text(re.compile(r"Gửi sau (29|28|27|26|25|24) giây"))
        expect(page.locator(".bar .tag")).to_have_text("Từ chối")
        assert fits(page)
        page.locator("#answers").screenshot(path=artifacts / f"answer-leaving-{width}.png")

        leaving.get_by_role("button", name="Hoàn tác").click()
        expect(page.locator("#said")).to_contain_text("Đã hoàn tác, chưa gửi gì đi")
        expect(page.locator(".bar .tag")).to_have_text("Mới")
        assert page.locator("#body").input_value().strip() == LONG.strip(), "the words are back in the form"
        assert page.locator("#transfer_to").input_value() == "Công ty Thoát nước đô thị"
        expect(page.locator("#answers")).to_contain_text("đã hoàn tác")
        assert fits(page)

        page.get_by_role("radio", name="Kết quả").check()
        page.locator("#body").fill("Đã thay nắp hố ga số 12.")
        page.locator("#reply form button").first.click()
        expect(page.locator(".bar .tag")).to_have_text("Đã giải quyết")
        office.clock.wait(seconds=31)
        with office.services.db.write() as tx:  # the sources take it
            taken = outbox.c.state == Delivery.PENDING.value
            now = office.clock()
            sent = {"state": "sent", "next_attempt_at": None, "sent_at": now, "fence": 1}
            tx.execute(update(outbox).where(taken).values(**sent))
        page.goto(f"{address}/cases/1")
        answer = page.locator("#answers article").first
        expect(answer.locator(".stage.person")).to_contain_text("1 chờ cán bộ")
        expect(answer.locator(".stage.sent")).to_contain_text("5 đã gửi")
        page.locator("#answers").screenshot(path=artifacts / f"answer-states-{width}.png")
        answer.get_by_text("Đính chính phúc đáp này").click()
        answer.get_by_label("Nội dung đúng").fill("Nắp hố ga được thay là ở số 21.")
        answer.get_by_role("button", name="Gửi đính chính").click()
        expect(page.locator("#answers article").first).to_contain_text("Đính chính phúc đáp ngày")
        expect(page.locator("#answers article").nth(1).locator(".tag.hot")).to_contain_text("đã đính chính")
        expect(page.locator(".bar .tag")).to_have_text("Đã giải quyết")
        assert fits(page)
        page.locator("#answers").screenshot(path=artifacts / f"answer-corrected-{width}.png")


def test_without_scripts_the_button_works_too(browser: Browser, office: Office) -> None:
    office.services.answer_settings.put(office.actor("quan-tri"), WARD, undo_s=30, acknowledges=False)
    office.services.cases.reply(office.actor("lan"), 1, ReplyKind.RESULT, "Đã xong.")
    with serving(office) as address:
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        sign_in(page, address)
        page.goto(f"{address}/cases/1")
        expect(page.locator("#answers .leaving")).to_contain_text("Gửi sau 30 giây")
        page.locator("#answers").get_by_role("button", name="Hoàn tác").click()
        expect(page.locator("#said")).to_contain_text("Đã hoàn tác")
        assert page.locator("#body").input_value() == "Đã xong."
        context.close()
