"""A report of another ward, from the inbox to the answer that says whose it is, and what was learned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from aggregator.sdk.contract import Location
from tests.journeys.office_server import PASSWORD, furnished, serving
from tests.web.office import OTHER, WARD, Office

pytestmark = pytest.mark.browser


@pytest.fixture
def office(_sqlite_template: Path, tmp_path: Path) -> Iterator[Office]:
    office = furnished(_sqlite_template, tmp_path / "office")
    office.services.accounts.ensure_ward(WARD, "Phường Nhiêu Lộc")
    office.services.accounts.ensure_ward(OTHER, "Phường Sài Gòn")
    for at in ("5 Lê Lợi, Phường 5, Quận Gò Vấp", "12 Cao Thắng"):
        office.receive(office.report(subject=f"Cống nghẹt tại {at}", location=Location(address=at)))
    yield office
    office.close()


@pytest.mark.parametrize("width", [360, 1440])
def test_lan_answers_what_is_not_hers_moves_what_is_the_neighbours_and_takes_a_decision_back(
    page: Page, office: Office, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    with serving(office) as address:
        page.goto(f"{address}/sign-in")
        page.get_by_label("Tên đăng nhập").fill("lan")
        page.get_by_label("Mật khẩu").fill(PASSWORD)
        page.get_by_role("button", name="Đăng nhập").click()

        page.get_by_role("link", name="Phường 5, Quận Gò Vấp").first.click()
        page.get_by_text("Không thuộc phường này: trả lời hướng dẫn").click()
        text = page.locator("article.report textarea")
        assert "Ủy ban nhân dân phường An Nhơn hoặc Tổng đài 1022" in text.input_value()
        page.get_by_role("button", name="Gửi và kết thúc vụ việc").click()
        expect(page.locator("#said")).to_contain_text("Phúc đáp đang được chuyển")
        expect(page.locator(".bar")).to_contain_text("Từ chối")

        page.goto(f"{address}/cases/2")
        page.get_by_text("Chuyển sang phường, xã khác").click()
        page.locator("#ward").select_option(label="Phường Sài Gòn")
        page.get_by_role("button", name="Chuyển vụ việc").click()
        expect(page.locator("#said")).to_contain_text("mã ở nơi đến là")

        page.goto(f"{address}/streets")
        street = page.locator("article", has_text="Cao Thắng")
        expect(street).to_contain_text("→ Phường Sài Gòn · số nhà 12 · chuyển sang đó · Nguyễn Thị Lan")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            "nothing runs off the side"
        )
        street.get_by_role("button", name="Bỏ quyết định này").click()
        expect(page.locator("#said")).to_contain_text("Đã bỏ")
        expect(page.locator("article", has_text="Cao Thắng")).to_have_count(0)
