"""The running demo in a real browser: sign in, filter, open, answer, merge, split. Pictures are kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.demo.demo_process import Demo, running

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running("--reports", "60") as found:
        yield found


@pytest.mark.parametrize("width", [1440, 360])
def test_an_officer_works_through_the_sample_day(page: Page, demo: Demo, artifacts: Path, width: int) -> None:
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text) if message.type == "error" else None)
    pictures = artifacts / "screenshots"
    pictures.mkdir(exist_ok=True)

    def picture(name: str) -> None:
        page.screenshot(path=pictures / f"demo-{name}-{width}.png", full_page=True)

    page.set_viewport_size({"width": width, "height": 900})
    page.goto(demo.url)
    page.get_by_label("Tên đăng nhập").fill("lan")
    page.get_by_label("Mật khẩu").fill(demo.password("lan"))
    page.get_by_role("button", name="Đăng nhập").click()
    picture("1-inbox")

    page.goto(demo.url + "/?channel=1022")
    expect(page.locator(".list tbody tr").first).to_be_visible()
    picture("2-filtered")
    page.locator(".list a[href^='/cases/']").first.click()
    page.get_by_label("Tiến độ").check()
    page.get_by_label("Nội dung người dân sẽ đọc").fill("Đang kiểm tra, sẽ trả lời ngày mai.")
    page.get_by_role("button", name="Gửi phúc đáp").click()
    expect(page.locator("#said")).to_contain_text("Phúc đáp sẽ gửi sau")
    picture("3-answered")

    code = page.locator(".bar .code").inner_text()
    expect(page.locator("article.report").first).to_be_visible()
    before = page.locator("article.report").count()
    page.goto(demo.url + "/?view=new&channel=dvcqg")
    page.locator(".list a[href^='/cases/']").last.click()
    expect(page.locator("article.report .head").first).to_be_visible()  # what is read next does not wait
    heads = page.locator("article.report .head").all_inner_texts()
    joining = len(heads)
    page.get_by_label("Mã vụ việc sẽ nhận các phản ánh này").fill(code)
    page.get_by_role("button", name="Gộp", exact=True).click()
    expect(page.locator(".bar .code")).to_have_text(code)
    expect(page.locator("article.report")).to_have_count(before + joining)
    picture("4-merged")

    for head in heads:
        external_id = head.split("·")[1].split()[0]  # a link says more behind it
        page.get_by_label(f"Tách {external_id}").check()
    page.get_by_role("button", name="Tách các phản ánh đã chọn").click()
    expect(page.locator("article.report")).to_have_count(before)
    picture("5-split")
    page.goto(demo.url + "/channels")
    expect(page.get_by_text("Ứng dụng Bình Thạnh (cũ)")).to_be_visible()
    picture("6-channels")
    assert not heard
