"""Lan goes through what may be the same: one by one with the keys, then many at once; and takes it back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from aggregator.domain.workflow import ReplyKind
from tests.journeys.office_server import PASSWORD, furnished, serving
from tests.web.office import Office
from tests.web.test_review import ask

pytestmark = pytest.mark.browser


@pytest.fixture
def office(_sqlite_template: Path, tmp_path: Path) -> Iterator[Office]:
    office = furnished(_sqlite_template, tmp_path / "office")
    ask(office, 12, 40, 71)
    ask(office, 95, again=0)
    office.services.cases.reply(office.actor("lan"), 7, ReplyKind.RESULT, "Đã xử lý.")
    ask(office, 95, again=0)
    yield office
    office.close()


@pytest.fixture
def address(office: Office) -> Iterator[str]:
    with serving(office) as address:
        yield address


@pytest.fixture
def pictures(artifacts: Path) -> Path:
    folder = artifacts / "screenshots"
    folder.mkdir(exist_ok=True)
    return folder


def sign_in(page: Page, address: str) -> None:
    page.goto(address + "/sign-in")
    page.get_by_label("Tên đăng nhập").fill("lan")
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Tất cả")


@pytest.mark.parametrize("width", [1440, 360])
def test_what_may_be_the_same_is_decided_and_taken_back(
    page: Page, address: str, pictures: Path, width: int
) -> None:
    said = page.get_by_role("status")

    def picture(name: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing sticks out sideways"
        page.screenshot(path=pictures / f"{name}-{width}.png", full_page=True)

    page.set_viewport_size({"width": width, "height": 900})
    sign_in(page, address)
    page.goto(address + "/cases/4")
    picture("9-suggestion")
    page.get_by_role("link", name="So sánh kỹ").click()
    expect(page.locator("article.report mark")).to_have_count(1)
    picture("10-side-by-side")
    page.locator(".decide").get_by_role("button", name="Cùng một việc").click()
    expect(page.locator("article.report")).to_have_count(2)
    picture("11-merged-with-undo")
    said.get_by_role("button", name="Hoàn tác").click()
    expect(said).to_contain_text("Đã hoàn tác")
    expect(page.locator("article.report")).to_have_count(1)

    page.goto(address + "/cases/4")
    page.get_by_role("button", name="Khác nhau").click()
    expect(page.locator(".suggestion")).to_have_count(0)
    page.locator(".timeline").get_by_role("button", name="Hoàn tác").first.click()
    expect(page.locator(".suggestion")).to_have_count(1)

    page.goto(address + "/cases/8")
    page.get_by_role("button", name="Tái diễn").click()
    expect(page.locator(".family")).to_contain_text("1 lần")
    picture("12-come-back")
    said.get_by_role("button", name="Hoàn tác").click()
    expect(page.locator(".family")).to_have_count(0)

    page.goto(address + "/review")
    expect(page.locator(".pair")).to_have_count(4)
    picture("13-review")
    page.get_by_role("button", name="Chọn tất cả").click()
    page.locator("#bulk").get_by_role("button", name="Cùng một việc").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.locator(".left-out")).to_contain_text("đã kết thúc")
    picture("14-preview")
    page.get_by_role("button", name="Gộp như trên").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Đã gộp 3 vụ việc")
    picture("15-outcome")
    page.get_by_role("button", name=re.compile("Hoàn tác tất cả")).click()
    expect(said).to_contain_text("Đã hoàn tác 3 quyết định")
    page.goto(address + "/notices")
    picture("16-notices")


def test_keys_go_through_the_list_without_a_mouse(page: Page, address: str) -> None:
    sign_in(page, address)
    page.goto(address + "/review")
    pairs = page.locator(".pair")
    page.keyboard.press("j")
    expect(pairs.nth(0).locator(".open")).to_be_focused()
    page.keyboard.press("x")
    expect(pairs.nth(0).get_by_role("checkbox")).to_be_checked()
    page.keyboard.press("j")
    left = pairs.nth(2).get_attribute("id")
    page.keyboard.press("2")
    expect(page.get_by_role("status")).to_contain_text("không trùng")
    expect(pairs).to_have_count(3)
    expect(page.locator(f"#{left} .open")).to_be_focused()
