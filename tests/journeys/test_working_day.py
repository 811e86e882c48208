"""Lan's working day in a real browser: sign in, filter, open, answer, merge, split, sign out.

The pictures of it are kept under artifacts/screenshots. A browser that complains about anything
(a blocked style, a missing file, a script error) fails the day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.office_server import PASSWORD, fill, furnished, serving

pytestmark = pytest.mark.browser


@pytest.fixture
def address(_sqlite_template: Path, tmp_path: Path) -> Iterator[str]:
    office = furnished(_sqlite_template, tmp_path / "office")
    fill(office)
    with serving(office) as address:
        yield address
    office.close()


@pytest.fixture
def pictures(artifacts: Path) -> Path:
    folder = artifacts / "screenshots"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def complaints(page: Page) -> Iterator[list[str]]:
    """What the browser complains about; asserted empty at the end."""
    heard: list[str] = []
    page.on("console", lambda said: heard.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    yield heard
    assert not heard


@pytest.mark.parametrize("width", [1440, 360])
def test_a_working_day(page: Page, address: str, pictures: Path, complaints: list[str], width: int) -> None:
    def picture(name: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing sticks out sideways"
        page.screenshot(path=pictures / f"{name}-{width}.png", full_page=True)

    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address)
    picture("1-sign-in")
    page.get_by_label("Tên đăng nhập").fill("lan")
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Tất cả đang mở")
    picture("2-inbox")
    page.get_by_role("link", name=re.compile("^Quá hạn")).first.click()
    expect(page.locator(".list tbody tr")).to_have_count(2)
    page.goto(address)
    page.locator("#q").fill("ho ga 12 le loi")
    page.get_by_role("button", name="Xem").click()
    expect(page.locator(".list tbody tr")).to_have_count(1)
    picture("3-search")

    page.get_by_role("link", name=re.compile("Hố ga mất nắp")).click()
    expect(page.locator("article.report")).to_have_count(2)
    page.get_by_role("button", name="Tôi nhận việc này").click()
    expect(page.get_by_role("status")).to_contain_text("Đã giao việc")
    page.get_by_label("Tiến độ").check()
    page.get_by_label("Nội dung người dân sẽ đọc").fill("Phường đã che chắn tạm, sáng mai thay nắp.")
    picture("4-case")
    page.get_by_role("button", name="Gửi phúc đáp").click()
    expect(page.get_by_role("status")).to_contain_text("Phúc đáp đang được chuyển")
    expect(page.locator(".way")).to_have_count(2)

    code = page.locator(".bar .code").inner_text()
    page.goto(address + "/?q=den duong")
    page.locator(".list a").first.click()
    page.get_by_label("Mã vụ việc sẽ nhận các phản ánh này").fill(code)
    page.get_by_role("button", name="Gộp", exact=True).click()
    expect(page.locator(".bar .code")).to_have_text(code)
    expect(page.locator("article.report")).to_have_count(3)
    picture("5-merged")
    page.locator("article.report", has_text="Đèn đường hỏng").get_by_role("checkbox").check()
    page.get_by_role("button", name="Tách các phản ánh đã chọn").click()
    expect(page.locator("article.report")).to_have_count(2)
    page.get_by_role("link", name="Mở ra xem").click()
    expect(page.locator("article.report")).to_contain_text("Đèn đường hỏng")

    page.goto(address + "/by-hand")
    picture("6-by-hand")
    page.get_by_role("button", name="Đã chuyển").click()
    expect(page.locator(".empty")).to_be_visible()
    page.goto(address + "/channels")
    picture("7-channels")
    page.get_by_role("button", name="Đăng xuất").click()
    expect(page.get_by_label("Mật khẩu")).to_be_visible()


def test_a_leader_reads_the_figures(page: Page, address: str, pictures: Path, complaints: list[str]) -> None:
    page.goto(address + "/dashboard")
    page.get_by_label("Tên đăng nhập").fill("minh")
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Số liệu")
    page.screenshot(path=pictures / "8-figures.png", full_page=True)
    shapes = page.locator("table.board td").evaluate_all(
        "all => all.map(one => getComputedStyle(one).display)"
    )
    assert set(shapes) == {"table-cell"}, "a column's name is nobody else's class"
    number = page.locator(".tiles .overdue b").inner_text()
    page.locator(".tiles .overdue a").click()
    expect(page.locator(".list tbody tr")).to_have_count(int(number))
