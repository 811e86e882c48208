"""Answers brought to their sources by hand: copied by keyboard, ticked off with a picture, taken back."""

from __future__ import annotations

import dataclasses
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from aggregator.domain.delivery import Delivery
from aggregator.domain.hand_form import LABELS, FormField, HandForm, Value
from aggregator.domain.workflow import ReplyKind
from aggregator.services import delivery_log
from aggregator.services.errands import NOW
from aggregator.services.views.inbox import InboxFilter
from aggregator.storage.case_tables import outbox
from tests.journeys.office_server import PASSWORD, furnished, serving
from tests.web.office import Office

pytestmark = pytest.mark.browser

LONG = "Ủy ban nhân dân phường đã kiểm tra hiện trường. " * 9 + "Số liên hệ: " + "đườngdâynóng" * 12


def picture() -> bytes:
    """A whole PNG of one pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\x00\x0b\x4f\x8a")
    note = chunk(b"tEXt", b"GPS\x0010.77,106.70")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + note + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture
def office(_sqlite_template: Path, tmp_path: Path) -> Iterator[Office]:
    office = furnished(_sqlite_template, tmp_path / "office")
    _the_sheets_own_form(office)
    lan = office.actor("lan")
    for subject, words, kind in (
        ("Hố ga mất nắp trước 12 Lê Lợi", "Đã đậy nắp hố ga.\nCảm ơn ông bà đã báo.", ReplyKind.RESULT),
        ("Rác" + "tồnđọng" * 18, LONG, ReplyKind.PROGRESS),
        ("Cây xanh ngã chắn lối đi", "Việc này thuộc Công ty Cây xanh.", ReplyKind.REFUSAL),
    ):
        _answer(office, "bang-tinh", subject, words, kind)
    unclear = _answer(office, "cong-1022", "Đèn đường hỏng", "Đã thay bóng đèn.", ReplyKind.RESULT)
    refused = _answer(office, "cong-1022", "Quán karaoke ồn", "Đã lập biên bản.", ReplyKind.RESULT)
    _become(office, unclear, Delivery.UNCLEAR, "the line dropped", "Đường truyền đứt giữa chừng")
    _become(office, refused, Delivery.DEAD, "HTTP 422", "Cổng báo phản ánh đã đóng, mã lỗi 422")
    unseen = _answer(office, "cong-1022", "Lấn chiếm vỉa hè", "Đã nhắc nhở hộ kinh doanh.", ReplyKind.RESULT)
    _become(office, unseen, Delivery.DEAD, "closed", "Cổng đã đóng phản ánh")
    office.services.errands.tick(lan, unseen, dataclasses.replace(NOW, reference="PH-2026/0042"))
    office.clock.wait(hours=25)
    office.receive()  # the portal was read, and does not show it
    office.services.errand_reminders.tick()
    yield office
    office.close()


def _the_sheets_own_form(office: Office) -> None:
    found = office.services.connectors["spreadsheet"]
    assert found.manifest is not None
    form = HandForm(
        (
            FormField(Value.EXTERNAL_ID, {"vi": "Số hồ sơ", "en": "File number"}),
            FormField(Value.BODY, {"vi": "Nội dung phúc đáp", "en": "Answer"}, most=300),
            FormField(Value.DATE, {"vi": "Ngày phúc đáp", "en": "Date"}, form="%d-%m-%Y"),
            *(FormField(value, LABELS[value]) for value in (Value.AUTHOR_NAME, Value.UNIT)),
        )
    )
    manifest = dataclasses.replace(found.manifest, manual=form)
    office.services.connectors["spreadsheet"] = dataclasses.replace(found, manifest=manifest)  # type: ignore[index]


def _answer(office: Office, channel: str, subject: str, words: str, kind: ReplyKind) -> int:
    """A case answered, its time for taking the answer back over; the id of its message."""
    office.receive(office.report(subject=subject, body=subject), channel=channel)
    lan = office.actor("lan")
    case_id = max(row.id for row in office.services.inbox.page(lan, InboxFilter()).rows)
    office.services.cases.reply(lan, case_id, kind, words)
    office.clock.wait(minutes=1)
    (delivery,) = office.services.cases.case(lan, case_id).replies[0].deliveries
    return delivery.id


def _become(office: Office, message: int, state: Delivery, error: str, error_vi: str) -> None:
    """As a worker leaves it."""
    with office.services.db.write() as tx:
        values = {"state": state.value, "error": error, "error_vi": error_vi, "attempts": 2}
        tx.execute(update(outbox).where(outbox.c.id == message).values(**values))
        delivery_log.record(tx, [message], office.clock())


def _sign_in(page: Page, address: str, login: str = "lan") -> None:
    page.goto(f"{address}/sign-in")
    page.get_by_label("Tên đăng nhập").fill(login)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


@pytest.mark.parametrize("width", [360, 1440])
def test_lan_brings_answers_to_their_sources_by_keyboard(
    page: Page, office: Office, artifacts: Path, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    with serving(office) as address:
        _sign_in(page, address)
        page.goto(f"{address}/by-hand")
        sections = page.locator("h2.section").all_inner_texts()
        assert [text.split("\n")[0].rstrip(" 0123456789") for text in sections] == [
            "Chưa rõ đã tới hay chưa", "Đã đánh dấu nhưng cổng chưa hiển thị",
            "Nguồn từ chối nhận", "Cần chuyển tay",
        ]  # fmt: skip
        page.screenshot(path=artifacts / f"by-hand-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing is cut off"

        page.goto(f"{address}/by-hand?need=manual")
        first = page.locator("article.carry").first
        page.keyboard.press("j")
        expect(first.get_by_role("link", name="26-")).to_be_focused()
        page.keyboard.press("c")
        page.keyboard.press("c")
        expect(first.locator(".copied")).to_have_count(2)
        page.keyboard.press("x")
        expect(page.get_by_role("status")).to_contain_text("Đã đánh dấu")
        expect(page.locator("article.carry")).to_have_count(2)

        page.get_by_role("button", name="Hoàn tác").click()
        expect(page.locator("article.carry")).to_have_count(3)

        too_long = page.locator("article.carry", has_text="Ủy ban nhân dân phường đã kiểm tra").first
        expect(too_long).to_contain_text("thừa")
        expect(too_long).to_contain_text("Gửi thành")
        too_long.get_by_text("Chuyển từ trước").click()
        too_long.get_by_label("Số tham chiếu").fill("CV-88/2026")
        shot = {"name": "man-hinh.png", "mimeType": "image/png", "buffer": picture()}
        too_long.get_by_label("Ảnh chụp màn hình").set_input_files([shot])
        page.screenshot(path=artifacts / f"by-hand-long-{width}.png", full_page=True)
        too_long.get_by_role("button", name="Đã chuyển", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("Đã đánh dấu")

        page.goto(f"{address}/by-hand?need=ticked")
        expect(page.locator("article.carry")).to_contain_text("số CV-88/2026")
        with page.expect_download() as loading:
            page.get_by_role("link", name="Ảnh chụp").click()
        kept = Path(loading.value.path()).read_bytes()
        assert kept.startswith(b"\x89PNG") and b"GPS" not in kept, "without what a telephone notes"
        page.screenshot(path=artifacts / f"by-hand-ticked-{width}.png", full_page=True)
        page.get_by_role("button", name="Đánh dấu nhầm").click()
        page.goto(f"{address}/by-hand?need=ticked")
        expect(page.locator(".empty")).to_be_visible()
        page.screenshot(path=artifacts / f"by-hand-empty-{width}.png", full_page=True)


def test_all_of_it_works_without_the_script(browser: Browser, office: Office) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    with serving(office) as address:
        _sign_in(page, address)
        page.goto(f"{address}/by-hand?need=unclear")
        page.get_by_role("button", name="Chưa có, gửi lại").click()
        expect(page.get_by_role("status")).to_contain_text("gửi lại")
        page.goto(f"{address}/by-hand?need=unseen")
        page.get_by_role("button", name="Đã xem, chờ thêm một ngày").click()
        expect(page.locator(".empty")).to_be_visible()
        page.goto(f"{address}/by-hand?need=manual")
        page.locator("article.carry").first.get_by_role("button", name="Đã chuyển", exact=True).click()
        expect(page.get_by_role("status")).to_contain_text("Đã đánh dấu")
    context.close()
