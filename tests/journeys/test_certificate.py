"""The portal is away on the day of the deadline, and the certificate tells the whole story.

    14:00  the portal goes away        16:40  Lan answers, twenty minutes before the deadline
    two days later it is back and gets the answer; a stranger checks the paper and the file

Time is the office's own clock, portal, web and worker alike; the verifier runs as a stranger would run it,
in a process of its own.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from aggregator.sdk.sandbox import Fault, Running, serve
from aggregator.verifier import PATH, motmoi_check
from connectors.portal_1022 import sandbox
from tests.journeys.office_server import PASSWORD, serving
from tests.web.office import VN, WARD, Office

pytestmark = pytest.mark.browser

#: Positions of the file at which one byte is changed.
FLIPS = 300
ANSWER = "Đã thay nắp hố ga trước số nhà 12."


def at(text: str) -> datetime:
    return datetime.strptime(f"2026 {text}", "%Y %d/%m %H:%M").replace(tzinfo=VN)


@pytest.fixture
def office(_sqlite_template: Path, tmp_path: Path) -> Iterator[Office]:
    folder = tmp_path / "office"
    folder.mkdir()
    shutil.copyfile(_sqlite_template, folder / "motmoi.db")
    office = Office(f"sqlite:///{folder / 'motmoi.db'}", folder, public_url="https://motmoi.ben-nghe.test")
    office.furnish()
    yield office
    office.close()


@pytest.fixture
def portal(office: Office) -> Iterator[Running]:
    """Cổng 1022 with one report, due on Friday at five."""
    report = {
        "id": "PA-2026-0815", "subject": "Hố ga mất nắp", "body": "Hố ga trước nhà mất nắp, rất nguy hiểm.",
        "name": "Đặng Văn Thử", "phone": "0901000123", "address": "12 Lê Lợi",
        "created": at("16/11 08:00").isoformat(), "due": at("20/11 17:00").isoformat(),
    }  # fmt: skip
    portal = sandbox.build({"auth": "none", "reports": [report]})
    portal.clock = office.clock
    with serve(portal) as running:
        office.clock.at = at("16/11 08:30")
        office.services.channels.add(
            {"slug": "cong-thanh-pho", "kind": "portal_1022", "title": "Cổng 1022 thành phố", "ward": WARD,
             "config": {"base_url": running.url, "scope": "officer", "auth": "none"},
             "options": {"allow_private": True, "min_gap_s": 0}}
        )  # fmt: skip
        yield running


def worker(office: Office, when: datetime) -> None:
    """A worker's round at this time: read the portal, and bring it what waits."""
    office.clock.at = when
    office.services.polling.poll("cong-thanh-pho")
    office.services.outbox.drain("worker")


def sign_in(page: Page, address: str, login: str) -> None:
    page.goto(address + "/sign-in")
    page.get_by_label("Tên đăng nhập").fill(login)
    page.get_by_label("Mật khẩu").fill(PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()


def through_the_outage(office: Office, portal: Running, page: Page, address: str) -> int:
    """All that happened until the portal had the answer; the case."""
    worker(office, at("16/11 08:31"))
    case_id = office.services.cases.find(office.actor("lan"), "26-00001")
    worker(office, at("20/11 13:55"))
    portal.portal.faults.append(Fault("outage", count=None))
    worker(office, at("20/11 14:00"))
    office.clock.at = at("20/11 16:40")
    sign_in(page, address, "lan")
    page.goto(f"{address}/cases/{case_id}")
    page.get_by_label("Nội dung người dân sẽ đọc").fill(ANSWER)
    page.get_by_label("Kết quả").check()
    page.get_by_role("button", name="Gửi phúc đáp").click()
    expect(page.get_by_role("status")).to_contain_text("Phúc đáp đang được chuyển")
    for when in ("20/11 16:41", "20/11 17:05", "21/11 09:00", "22/11 08:00"):
        worker(office, at(when))
    assert not portal.portal.answers, "it was away all the time"
    portal.portal.faults.clear()
    worker(office, at("22/11 08:15"))
    worker(office, at("22/11 08:30"))
    assert [one.body for one in portal.portal.answers["PA-2026-0815"]] == [ANSWER], (
        "once, and then it was there"
    )
    return case_id


@pytest.mark.parametrize("width", [1440, 360])
def test_the_certificate_of_a_deadline_that_the_portal_slept_through(
    browser: Browser, page: Page, office: Office, portal: Running, artifacts: Path, tmp_path: Path, width: int
) -> None:
    pictures = artifacts / "screenshots"
    pictures.mkdir(exist_ok=True)
    page.set_viewport_size({"width": width, "height": 900})
    with serving(office) as address:
        case_id = through_the_outage(office, portal, page, address)
        office.clock.at = at("22/11 09:00")

        # The case's page leads to it.
        sign_in(page, address, "lan")
        page.goto(f"{address}/cases/{case_id}")
        page.get_by_role("link", name="Giấy xác nhận thời gian xử lý").click()
        page.get_by_role("button", name="Lập giấy xác nhận").click()
        told = page.locator(".verdict").inner_text()
        for words in (
            "trả lời lúc 16:40 ngày 20/11/2026, trước hạn 17:00",
            "Cổng 1022 thành phố không truy cập được trong các lần thử từ 14:00 ngày 20/11/2026 "
            "đến 08:00 ngày 22/11/2026, dùng lại được lúc 08:15 ngày 22/11/2026",
            "phúc đáp được chuyển tới Cổng 1022 thành phố lúc 08:15 ngày 22/11/2026",
            "kết luận: xử lý trong hạn",
        ):
            assert words in told, words
        _picture(page, pictures / f"certificates-{width}.png", width)
        files = {}
        for name in ("Bản giấy (PDF)", "Tệp kiểm tra (JSON)"):
            with page.expect_download() as download:
                page.get_by_role("link", name=name).click()
            files[name] = tmp_path / download.value.suggested_filename
            download.value.save_as(files[name])
        paper, proof = files.values()
        assert paper.read_bytes().startswith(b"%PDF-")
        shutil.copyfile(paper, pictures / "certificate.pdf")
        serial = page.locator(".certificate .code").inner_text()

        _a_stranger_checks(browser, address, serial, proof, pictures, width, tmp_path)
    _the_verifier_alone(proof, tmp_path)
    if width == 360:
        _every_byte_counts(proof.read_bytes())


def _a_stranger_checks(
    browser: Browser, address: str, serial: str, proof: Path, pictures: Path, width: int, tmp_path: Path
) -> None:
    """Another browser, without an account: by serial, and by the file, whole and changed."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, locale="vi-VN", java_script_enabled=False
    )
    page = context.new_page()
    page.goto(address + "/verify")
    _picture(page, pictures / f"verify-{width}.png")
    page.get_by_label("Mã số ghi trên giấy").fill(serial.lower())
    page.get_by_role("button", name="Tra cứu").click()
    expect(page.get_by_text("Giấy xác nhận đang có hiệu lực")).to_be_visible()
    expect(page.get_by_text("xử lý trong hạn, cổng không truy cập được")).to_be_visible()
    assert "Đặng Văn Thử" not in page.content() and "0901000123" not in page.content()
    _picture(page, pictures / f"verify-found-{width}.png")
    for content, words in (
        (proof.read_bytes(), "Tệp hợp lệ"),
        (proof.read_bytes().replace(b"in_time", b"in_tim3", 1), "Tệp không hợp lệ"),
    ):
        given = tmp_path / "given.json"
        given.write_bytes(content)
        page.get_by_label("Tệp .json", exact=True).set_input_files(given)
        page.get_by_role("button", name="Kiểm tra tệp").click()
        expect(page.get_by_text(words)).to_be_visible()
        _picture(page, pictures / f"verify-{'held' if words == 'Tệp hợp lệ' else 'refused'}-{width}.png")
    with page.expect_download() as download:
        page.get_by_role("link", name="motmoi-key.txt").click()
    download.value.save_as(tmp_path / "motmoi-key.txt")
    context.close()


def _the_verifier_alone(proof: Path, folder: Path) -> None:
    """In a process of its own, far from this project, under the key that was taken from the page."""
    program = shutil.copyfile(PATH, folder / "motmoi_check.py")
    command = [sys.executable, "-I", str(program), str(proof), "--key", str(folder / "motmoi-key.txt")]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "in_time" in ran.stdout
    proof.write_bytes(proof.read_bytes().replace(b"16:40", b"16:39", 1))
    assert subprocess.run(command, capture_output=True, cwd=folder, check=False).returncode == 1
    proof.write_bytes(proof.read_bytes().replace(b"16:39", b"16:40", 1))


def _every_byte_counts(proof: bytes) -> None:
    assert motmoi_check.check(proof).findings == []
    dice = random.Random()
    for place in sorted(dice.sample(range(len(proof)), FLIPS)):
        other = bytes([(proof[place] + dice.randrange(1, 256)) % 256])
        changed = proof[:place] + other + proof[place + 1 :]
        assert motmoi_check.check(changed).findings, (place, proof[place : place + 1], other)


def _picture(page: Page, path: Path, width: int = 0) -> None:
    if width:
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing sticks out sideways"
    page.screenshot(path=path, full_page=True)
