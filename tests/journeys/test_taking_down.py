"""A citizen comes in: taken down by keyboard alone, refused once, stored once, and a receipt to take home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import connectors.walk_in as package
from aggregator.sdk.discovery import Found, load_manifest
from connectors.walk_in import CONNECTOR
from tests.journeys.office_server import PASSWORD, furnished, serving
from tests.web.office import Office

pytestmark = pytest.mark.browser


@pytest.fixture
def office(_sqlite_template: Path, tmp_path: Path) -> Iterator[Office]:
    office = furnished(_sqlite_template, tmp_path / "office")
    manifest = load_manifest(Path(package.__file__).parent)
    office.services.connectors["walk_in"] = Found("walk_in", manifest, "tests", _loaded=CONNECTOR)  # type: ignore[index]
    yield office
    office.close()


@pytest.mark.parametrize("width", [360, 1440])
def test_lan_takes_down_what_a_citizen_says_and_prints_the_receipt(
    page: Page, office: Office, artifacts: Path, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    with serving(office) as address:
        page.goto(f"{address}/sign-in")
        page.get_by_label("Tên đăng nhập").fill("lan")
        page.get_by_label("Mật khẩu").fill(PASSWORD)
        page.get_by_role("button", name="Đăng nhập").click()
        page.get_by_role("link", name="Ghi nhận", exact=True).click()
        expect(page.get_by_role("heading", name="Ghi nhận phản ánh")).to_be_visible()
        page.screenshot(path=artifacts / f"entry-form-{width}.png", full_page=True)

        page.get_by_label("Nội dung phản ánh").focus()
        page.keyboard.type("Rác chất đống trước cổng chợ, bốc mùi hôi thối cả tuần nay.\nĐã gọi hai lần.")
        page.keyboard.press("Tab")
        page.keyboard.type("Cổng chợ Bến Thành")
        page.get_by_label("Họ tên người phản ánh").fill("Đặng Thị " + "Thử" * 20)
        page.get_by_label("Điện thoại", exact=True).fill("không nhớ")
        page.get_by_label("Nội dung phản ánh").focus()
        page.keyboard.press("Control+Enter")
        expect(page.get_by_role("alert")).to_contain_text("không phải là số điện thoại")
        expect(page.get_by_label("Nội dung phản ánh")).to_have_value(
            "Rác chất đống trước cổng chợ, bốc mùi hôi thối cả tuần nay.\nĐã gọi hai lần."
        )
        assert page.evaluate("document.activeElement.id") == "phone", "the field that is wrong"
        page.screenshot(path=artifacts / f"entry-refused-{width}.png", full_page=True)

        page.get_by_label("Điện thoại", exact=True).fill("0901 000 002")
        page.get_by_role("button", name="Ghi nhận").click()
        expect(page.get_by_role("status")).to_contain_text("Đã ghi nhận")
        expect(page.get_by_role("heading", name="Rác chất đống").first).to_be_visible()
        page.screenshot(path=artifacts / f"entry-case-{width}.png", full_page=True)
        page.get_by_role("link", name="Phiếu tiếp nhận").first.click()
        expect(page.get_by_role("heading", name="Phiếu tiếp nhận phản ánh")).to_be_visible()
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, "nothing is cut off on a telephone"
        page.screenshot(path=artifacts / f"entry-receipt-{width}.png", full_page=True)

        page.goto(f"{address}/entries/new")
        expect(page.get_by_label("Nội dung phản ánh")).to_have_value("")
