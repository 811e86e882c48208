"""A denunciation, from the inbox to the receiving book, in a browser with and without its script."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.office_server import PASSWORD, fill, furnished, serving
from tests.web.office import Office

pytestmark = pytest.mark.browser


@pytest.fixture
def office(_sqlite_template: Path, tmp_path: Path) -> Iterator[Office]:
    office = furnished(_sqlite_template, tmp_path / "office")
    fill(office)
    office.receive(
        office.report(subject="Việc cấp phép", body="Tôi tố cáo ông Trần Văn Giả nhận hối lộ khi cấp phép."),
        office.report(subject="Ngập", body="Đường ngập, nếu không xử lý chúng tôi sẽ khiếu nại."),
    )
    yield office
    office.close()


@pytest.mark.parametrize(("width", "script"), [(1440, True), (360, False)], ids=["desk", "phone, no script"])
def test_a_leader_hands_a_denunciation_over(
    browser: Browser, office: Office, width: int, script: bool
) -> None:
    with serving(office) as address:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=script, locale="vi-VN"
        )
        page = context.new_page()
        page.goto(address + "/sign-in")
        page.get_by_label("Tên đăng nhập").fill("minh")
        page.get_by_label("Mật khẩu").fill(PASSWORD)
        page.get_by_role("button", name="Đăng nhập").click()
        page.goto(address + "/?view=legal")
        _shot(page, f"list-{width}")
        page.get_by_role("link", name="Việc cấp phép").click()
        expect(page.get_by_role("heading", name="Tố cáo")).to_be_visible()
        assert _fits(page, width)
        _shot(page, f"case-{width}")
        page.get_by_text("Xác nhận là khiếu nại, tố cáo và chuyển giải quyết").click()
        page.get_by_label("Nơi tiếp nhận").fill("Thanh tra thành phố")
        page.get_by_label("Số trong sổ tiếp nhận").fill("TC-03")
        page.get_by_label("Ngày vào sổ").fill("2026-03-02")
        page.get_by_role("button", name="Xác nhận và chuyển").click()
        expect(page.locator("#legal")).to_contain_text("Thanh tra thành phố, số TC-03")
        _shot(page, f"done-{width}")
        context.close()


def _fits(page: Page, width: int) -> bool:
    # The viewport's own scroll width needs the script; the body's box does not.
    box = page.locator("body").bounding_box()
    return box is not None and box["width"] <= width


def _shot(page: Page, name: str) -> None:
    """Pictures for who wants to look: only where a folder is named for them."""
    if folder := os.environ.get("MOTMOI_TEST_SHOTS"):
        page.screenshot(path=Path(folder) / f"legal-{name}.png", full_page=True)
