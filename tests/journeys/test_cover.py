"""Lan goes on leave, a report comes, Tú sees and answers it, Lan is back and has the rest of it again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from aggregator.domain.people import Role
from aggregator.domain.worktime import VN
from aggregator.sdk.contract import Location
from tests.journeys.office_server import PASSWORD, furnished, serving
from tests.web.office import WARD, Office

pytestmark = pytest.mark.browser


@pytest.fixture
def office(_sqlite_template: Path, tmp_path: Path) -> Iterator[Office]:
    office = furnished(_sqlite_template, tmp_path / "office")
    office.services.accounts.add("tu", "Phan Văn Tú", Role.OFFICER, WARD, PASSWORD)
    lan = office.actor("lan")
    office.services.fields.set_officer(office.actor("minh"), lan.id, ["thoat_nuoc"])
    yield office
    office.close()


def sign_in(page: Page, address: str, login: str) -> None:
    page.context.clear_cookies()
    page.goto(f"{address}/sign-in")
    page.get_by_label("Tên đăng nhập").fill(login)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()


@pytest.mark.parametrize("width", [360, 1440])
def test_the_cover_has_the_work_while_lan_is_away_and_she_has_it_back(
    page: Page, office: Office, artifacts: Path, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    today = office.clock().astimezone(VN).date()
    last = today + timedelta(days=3)

    def looked_at(name: str) -> None:
        page.screenshot(path=artifacts / f"cover-{name}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name

    with serving(office) as address:
        sign_in(page, address, "lan")
        page.get_by_role("link", name="Trực thay").first.click()
        page.get_by_label("Từ ngày").fill(today.isoformat())
        page.get_by_label("Đến hết ngày").fill(last.isoformat())
        page.get_by_role("button", name="Ghi", exact=True).click()
        expect(page.locator("#said")).to_contain_text("Không ai trực thay Nguyễn Thị Lan")
        page.get_by_text("Đổi người trực thay").click()
        page.locator("article select").select_option(label="Phan Văn Tú")
        page.locator("article").get_by_role("button", name="Lưu").click()
        expect(page.locator("#said")).to_contain_text("Đã đổi người trực thay")
        expect(page.locator("article", has_text="Nguyễn Thị Lan")).to_contain_text("Phan Văn Tú trực thay")
        looked_at("page")

        for at in ("5 Lê Lợi", "41 Pasteur"):
            office.receive(office.report(subject=f"Cống nghẹt tại {at}", location=Location(address=at)))
        sign_in(page, address, "tu")
        page.goto(f"{address}/?view=mine")
        expect(page.locator("section .note").last).to_contain_text(
            f"Bạn trực thay Nguyễn Thị Lan đến {last:%d/%m}"
        )
        expect(page.locator("tbody tr")).to_have_count(2)
        expect(page.locator("tbody tr").first).to_contain_text(f"Phan Văn Tú trực thay đến {last:%d/%m}")
        looked_at("mine")
        page.get_by_role("link", name="5 Lê Lợi").first.click()
        expect(page.locator("aside")).to_contain_text("Nguyễn Thị Lan phụ trách; đang nghỉ đến")
        looked_at("case")
        page.get_by_label("Kết quả: đã giải quyết xong").check()
        page.locator("#body").fill("Đã thông cống, cảm ơn ông/bà.")
        page.get_by_role("button", name="Gửi phúc đáp").click()
        expect(page.locator("#said")).to_contain_text("Phúc đáp đang được chuyển")

        sign_in(page, address, "lan")
        page.goto(f"{address}/?view=mine")
        expect(page.locator("tbody tr")).to_have_count(1)  # both see what is still open
        page.goto(f"{address}/cover")
        page.get_by_role("button", name="Đã đi làm lại").click()
        expect(page.locator("#said")).to_contain_text("nhận lại việc của mình")

        sign_in(page, address, "tu")
        page.goto(f"{address}/?view=mine")
        expect(page.locator("tbody tr")).to_have_count(0)
        sign_in(page, address, "lan")
        page.goto(f"{address}/?view=mine")
        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page.locator("tbody tr")).not_to_contain_text("trực thay")

        sign_in(page, address, "minh")
        page.goto(f"{address}/dashboard")
        expect(page.locator("main")).to_contain_text("lĩnh vực không ai phụ trách trong hai tuần tới")
        page.goto(f"{address}/cover/fields")
        looked_at("fields")
