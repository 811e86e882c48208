"""Lan finds what colleagues did at the portal itself, and puts both sides right with a press each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from aggregator.domain.workflow import ReplyKind
from aggregator.sdk.contract import Answer, SourceStatus
from aggregator.storage.case_tables import outbox
from tests.journeys.office_server import PASSWORD, furnished, serving
from tests.web.office import Office

pytestmark = pytest.mark.browser

OURS = (
    "Tổ quản lý đô thị đã thay nắp hố ga trước số nhà 12 Lê Lợi sáng 10/11 và rào chắn trong khi chờ bê tông"
    " khô. Cảm ơn ông/bà đã phản ánh."
)
THEIRS = "Đơn vị thoát nước đã nạo vét và lắp lại song chắn rác, đề nghị người dân theo dõi thêm."


@pytest.fixture
def office(_sqlite_template: Path, tmp_path: Path) -> Iterator[Office]:
    office = furnished(_sqlite_template, tmp_path / "office")
    office.clock.wait(hours=-5)
    edited, foreign, moved = (office.report(status=SourceStatus.NEW) for _ in range(3))
    moved = dataclasses.replace(moved, due_at=office.clock() + timedelta(days=1))
    office.receive(edited, foreign, moved)
    _delivered(office)
    done = {"status_raw": "Đã xử lý", "status": SourceStatus.RESOLVED}
    office.clock.wait(hours=1)
    office.receive(dataclasses.replace(edited, answers=(Answer(OURS),), **done))
    office.clock.wait(hours=3)
    at = office.clock() - timedelta(minutes=40)
    office.receive(
        dataclasses.replace(edited, answers=(Answer(OURS.replace("10/11", "15/11"), at),), **done),
        dataclasses.replace(foreign, answers=(Answer(THEIRS, at, "Lê Văn Đồng Nghiệp"),), **done),
        dataclasses.replace(moved, due_at=office.clock() + timedelta(days=4)),
    )
    office.clock.wait(hours=1)
    yield office
    office.close()


def _delivered(office: Office) -> None:
    """Lan answered the first case, and the portal took it."""
    lan = office.actor("lan")
    office.services.cases.reply(lan, 1, ReplyKind.RESULT, OURS)
    with office.services.db.write() as tx:
        sent = {"state": "sent", "attempts": 1, "sent_at": office.clock(), "next_attempt_at": None}
        tx.execute(outbox.update().values(**sent))


@pytest.mark.parametrize("width", [360, 1440])
def test_lan_reads_both_sides_and_settles_each_with_a_press(
    page: Page, office: Office, width: int, artifacts: Path
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    with serving(office) as address:
        page.goto(f"{address}/sign-in")
        page.get_by_label("Tên đăng nhập").fill("lan")
        page.get_by_label("Mật khẩu").fill(PASSWORD)
        page.get_by_role("button", name="Đăng nhập").click()
        page.goto(f"{address}/channels")
        page.get_by_role("link", name="Đối chiếu với các cổng").click()
        page.screenshot(path=artifacts / f"differences-summary-{width}.png", full_page=True)
        page.get_by_role("link", name="Cổng 1022").click()
        expect(page.locator(".pair")).to_have_count(3)
        page.screenshot(path=artifacts / f"differences-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            "nothing runs off the side"
        )
        assert page.locator("mark", has_text="15/11").count() == 1

        # By keyboard alone: the press of a focused button.
        page.get_by_role("button", name="Nhận làm phúc đáp của ta").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_contain_text("Đã nhận làm phúc đáp của ta")
        expect(page.locator(".pair")).to_have_count(2)

        page.get_by_role("link", name="Tính theo hạn của cổng").click()
        expect(page.locator("main")).to_contain_text("Hạn của vụ việc")
        page.screenshot(path=artifacts / f"differences-preview-{width}.png", full_page=True)
        page.get_by_role("button", name="Tính theo hạn của cổng").click()
        expect(page.locator("#said")).to_contain_text("Đã xử lý 1/1")

        page.get_by_role("link", name="Hố ga mất nắp số 1").first.click()
        expect(page.locator("#differences")).to_contain_text("Phúc đáp của ta trên cổng đã khác đi")
        page.get_by_text("Câu chữ cũ và mới").first.click()
        page.screenshot(path=artifacts / f"differences-case-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            "nothing runs off the side"
        )
        page.locator("#differences").get_by_text("Đã biết, để nguyên").first.click()
        page.locator("#differences").get_by_label("Lý do").fill("cổng sửa đúng ngày")
        page.locator("#differences").get_by_role("button", name="Đã biết, để nguyên").click()
        expect(page.locator("#differences")).to_have_count(0)
        page.goto(f"{address}/channels/cong-1022/differences")
        expect(page.locator("main")).to_contain_text("Không có điểm lệch")
