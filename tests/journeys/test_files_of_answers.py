"""Lan answers four sources with a photo and a decision: what stays here is told before, and after."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from aggregator.storage import channel_queries
from aggregator.storage.case_tables import outbox
from tests.domain.test_proof_files import JPEG, PDF
from tests.journeys.office_server import furnished, serving, sign_in
from tests.web.office import WARD, Office

pytestmark = pytest.mark.browser

#: The mailbox of this ward takes pictures only.
MORE = (("truc-quoc-gia", "national_bus", {}), ("thu", "email", {"answer_file_types": "pictures"}))
PHOTO = {"name": "sau khi sửa.jpg", "mimeType": "image/jpeg", "buffer": JPEG}
PAPER = {"name": "Quyết định 12.pdf", "mimeType": "application/pdf", "buffer": PDF}


@pytest.fixture
def office(_sqlite_template: Path, tmp_path: Path) -> Iterator[Office]:
    office = furnished(_sqlite_template, tmp_path / "office")
    with office.services.db.write() as tx:
        for slug, kind, options in MORE:
            channel_queries.insert_channel(
                tx,
                {"slug": slug, "kind": kind, "title": slug, "ward_code": WARD, "config": {}, "secrets": None,
                 "options": options, "created_at": office.clock()},
                {"interval_s": 60, "next_due_at": office.clock(), "host_key": slug},
            )  # fmt: skip
    for slug in ("cong-1022", "bang-tinh", "truc-quoc-gia", "thu"):
        office.receive(office.report(), channel=slug)
    for other in range(2, 5):
        office.services.cases.merge(office.actor("lan"), other, 1)
    yield office
    office.close()


@pytest.mark.parametrize("width", [360, 1440])
def test_lan_sees_what_stays_here_while_choosing_and_on_each_line(
    page: Page, office: Office, width: int, artifacts: Path
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    with serving(office) as address:
        sign_in(page, address)
        page.goto(f"{address}/cases/1")
        page.locator("#body").fill("Đã thay nắp hố ga.")
        page.locator("#reply input[name=kind][value=result]").check()
        page.locator("#files").set_input_files([PHOTO, PAPER])
        told = page.locator("#reply .to li")
        expect(told.filter(has_text="truc-quoc-gia").locator(".stays")).to_have_text(
            "Ở lại đây: sau khi sửa.jpg, Quyết định 12.pdf"
        )
        expect(told.filter(has_text="thu ").locator(".stays")).to_have_text("Ở lại đây: Quyết định 12.pdf")
        expect(told.filter(has_text="Cổng 1022").locator(".stays")).to_be_empty()
        page.locator("#reply").screenshot(path=artifacts / f"files-choosing-{width}.png")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.locator("#reply form button").first.click()
        ways = page.locator("#answers .way")
        expect(ways.filter(has_text="truc-quoc-gia")).to_be_visible()  # nobody has to open the list for it
        expect(ways.filter(has_text="truc-quoc-gia")).to_contain_text("Không kèm tệp: nguồn không nhận tệp.")
        expect(ways.filter(has_text="thu ")).to_contain_text(
            "“Quyết định 12.pdf” (nguồn không nhận loại tệp này)"
        )
        page.locator("#answers").screenshot(path=artifacts / f"files-on-their-way-{width}.png")
        with office.services.db.write() as tx:
            tx.execute(update(outbox).values(state="sent"))
        page.reload()
        page.get_by_text("Đính chính phúc đáp này").click()
        page.locator("#correction-1").fill("Nắp số 21.")
        page.locator("#correction-files-1").set_input_files([PAPER])
        page.locator("details.correct").screenshot(path=artifacts / f"files-correcting-{width}.png")
        page.get_by_role("button", name="Gửi đính chính").click()
        expect(page.locator("#answers article").first.locator(".files a")).to_have_text("Quyết định 12.pdf")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [360, 1440])
def test_after_taking_back_the_files_are_ticked_again_and_marked(
    page: Page, office: Office, width: int, artifacts: Path
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    office.services.answer_settings.put(office.actor("quan-tri"), WARD, undo_s=60, acknowledges=False)
    with serving(office) as address:
        sign_in(page, address)
        page.goto(f"{address}/cases/1")
        page.locator("#body").fill("Đã thay nắp hố ga.")
        page.locator("#reply input[name=kind][value=result]").check()
        page.locator("#files").set_input_files([PHOTO, PAPER])
        page.locator("#reply form button").first.click()
        page.locator("#answers .leaving").get_by_role("button", name="Hoàn tác").click()
        paper = page.get_by_role("checkbox", name="Quyết định 12.pdf")
        expect(paper).to_be_checked()
        only_pictures = page.locator("#reply .to li").filter(has_text="thu ").locator(".stays")
        expect(only_pictures).to_have_text("Ở lại đây: Quyết định 12.pdf")
        page.locator("#reply").screenshot(path=artifacts / f"files-again-{width}.png")
        paper.uncheck()
        expect(only_pictures).to_be_empty()
        page.locator("#reply form button").first.click()
        expect(page.locator("#answers article").first.locator(".files a")).to_have_text("sau khi sửa.jpg")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
