"""Outages on screen: the channel's, one with its evidence, a case's timeline, the leaders' numbers."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert

from aggregator.domain.workflow import ReplyKind
from aggregator.sdk.answers import Response
from aggregator.services import outage_log
from aggregator.storage.case_tables import deadlines
from aggregator.storage.outage_tables import unreachable_deadlines
from tests.web.office import OTHER, WARD, Browser, Office, soup

PAGE = b"<html><body>B\xe1\xba\xa3o tr\xc3\xac h\xe1\xbb\x87 th\xe1\xbb\x91ng</body></html>"


def png() -> bytes:
    """A picture of one white point."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    drawn = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\x00\xff\xff\xff")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + drawn


PNG = png()
ONE = "/channels/cong-1022/outages/1"


def tries(office: Office, at: datetime, *, capability: str = "write", ok: bool = False) -> None:
    answer = Response(503, {"Content-Type": "text/html"}, PAGE, "https://1022.example.vn/api/xuly")
    evidence = answer.evidence()
    page = outage_log.page(office.services.vault, answer, evidence)
    with office.services.db.write() as tx:
        outage_log.attempt(
            tx, 1, capability, at, ok=ok, code="" if ok else "unknown_outcome", evidence=evidence, page=page
        )


@pytest.fixture
def down(office: Office) -> Office:
    """The portal took no answers for two hours; it does again."""
    office.receive(office.report())
    at = office.clock()
    for minutes in range(0, 121, 5):
        tries(office, at + timedelta(minutes=minutes))
    office.clock.wait(hours=3)
    tries(office, at + timedelta(minutes=125), ok=True)
    return office


def mark(office: Office, case_id: int = 1, ward: str = WARD) -> None:
    """The case's result was owed, answered and not delivered within that outage."""
    at = office.clock() - timedelta(hours=2)
    with office.services.db.read() as tx:
        row = tx.execute(deadlines.select().where(deadlines.c.report_id == 1)).first()
    assert row is not None and row.met_at is not None
    with office.services.db.write() as tx:
        tx.execute(
            insert(unreachable_deadlines).values(
                report_id=1, step=row.step, origin=row.origin, case_id=case_id, ward_code=ward, outage_id=1,
                due_at=at, answered_at=row.met_at, delivered_at=None,
            )
        )  # fmt: skip


def test_the_channel_shows_its_outages_and_each_leads_to_its_evidence(down: Office, lan: Browser) -> None:
    page = soup(lan.get("/channels/cong-1022"))
    section = page.find(id="outages")
    assert section is not None
    row = section.find_next("table").select_one("tbody tr")
    told = [cell.get_text(" ", strip=True) for cell in row.select("td")]
    assert told[0] == "Nhận phúc đáp" and told[3] == "25" and told[4] == "2 giờ – 2 giờ 5 phút"
    assert row.a["href"] == ONE
    one = soup(lan.get(ONE))
    assert "503" in one.text and hashlib.sha256(PAGE).hexdigest() in one.text
    assert "2 lần thử hỏng khác ở giữa" in one.text, "the first three and the last twenty are listed"


def test_a_channel_without_outages_says_so(office: Office, lan: Browser) -> None:
    assert "Chưa ghi nhận gián đoạn" in lan.get("/channels/cong-1022").text
    assert "Chưa ghi nhận gián đoạn" in lan.get("/channels/cong-1022/outages").text


def test_what_the_portal_said_is_a_download_for_administrators_alone(
    down: Office, lan: Browser, admin: Browser, hue: Browser
) -> None:
    (link,) = {a["href"] for a in soup(admin.get(ONE)).select("a[href*='/kept/']")}
    answer = admin.get(link)
    assert answer.data == PAGE
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert lan.get(link).status_code == 403
    assert not soup(lan.get(ONE)).select("a[href*='/kept/']")
    assert hue.get(ONE).status_code == hue.get(link).status_code == 404, "another ward's channel"
    assert admin.get("/channels/bang-tinh/outages/1").status_code == 404, "another channel's outage"


def test_an_officer_attaches_a_screenshot(down: Office, lan: Browser, minh: Browser) -> None:
    sent = lan.submit(ONE, f"{ONE}/screenshots", file=(io.BytesIO(PNG), "man-hinh.png"))
    assert sent.status_code == 303
    page = soup(minh.get(ONE))
    assert "Ảnh do Nguyễn Thị Lan đính kèm" in page.text
    (link,) = [a["href"] for a in page.select("a[href*='/kept/']")]
    assert minh.get(link).data == PNG and minh.get(link).mimetype == "image/png"
    wrong = lan.submit(ONE, f"{ONE}/screenshots", file=(io.BytesIO(b"MZ..."), "man-hinh.png"))
    assert wrong.status_code == 422 and "PNG, JPEG" in wrong.text


def test_the_case_tells_of_the_outage_and_that_it_was_handled_in_time(down: Office, lan: Browser) -> None:
    down.services.cases.reply(down.actor("lan"), 1, ReplyKind.RESULT, "Đã lắp nắp hố ga.")
    mark(down)
    page = soup(lan.get("/cases/1"))
    told = [line.get_text(" ", strip=True) for line in page.select(".timeline li")]
    assert any("Cổng 1022: bắt đầu không nhận phúc đáp" in line for line in told)
    assert any("Cổng 1022: nhận phúc đáp trở lại" in line for line in told)
    assert "Xử lý trong hạn, cổng không truy cập được" in page.text


def test_one_stumble_is_not_in_the_timeline(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    tries(office, office.clock())
    office.clock.wait(minutes=5)
    tries(office, office.clock(), ok=True)
    page = soup(lan.get("/cases/1"))
    assert "không nhận phúc đáp" not in page.select_one(".timeline").text


def test_leaders_see_the_outages_and_the_cases_behind_the_number(
    down: Office, minh: Browser, lan: Browser
) -> None:
    down.services.cases.reply(down.actor("lan"), 1, ReplyKind.RESULT, "Đã lắp nắp hố ga.")
    mark(down)
    board = soup(minh.get("/dashboard"))
    link = board.find("a", href="/dashboard/outages")
    assert link.b.text == "1"
    page = soup(minh.get("/dashboard/outages"))
    row = page.find("a", href="/channels/cong-1022/outages").find_parent("tr")
    assert [cell.get_text(" ", strip=True) for cell in row.select("td")] == [
        "0", "2 giờ – 2 giờ 5 phút", "1", "2 giờ", "0",
    ]  # fmt: skip
    assert page.find("a", href="/cases/1") is not None
    assert lan.get("/dashboard/outages").status_code == 403
    before = soup(minh.get("/dashboard/outages?first=2026-01-01&last=2026-01-31"))
    assert "Không có vụ việc nào" in before.text and not before.find("a", href="/cases/1")


def test_the_numbers_of_another_ward_are_not_among_mine(down: Office, admin: Browser, minh: Browser) -> None:
    down.services.cases.reply(down.actor("lan"), 1, ReplyKind.RESULT, "Đã lắp nắp hố ga.")
    mark(down, ward=OTHER)
    assert not soup(minh.get("/dashboard/outages")).find("a", href="/cases/1")


def test_the_table_is_a_csv_that_no_spreadsheet_runs(down: Office, minh: Browser) -> None:
    answer = minh.get("/dashboard/outages.csv?first=2026-11-01&last=2026-11-30")
    assert answer.mimetype == "text/csv" and answer.headers["Content-Disposition"].startswith("attachment")
    lines = answer.text.lstrip("\ufeff").splitlines()
    assert lines[1].startswith("cong-1022,Cổng 1022,2026-11-01,2026-11-30,1,0,120,125,120,0")


def test_a_page_of_outages_has_english_too(down: Office, minh: Browser) -> None:
    minh.submit("/dashboard", "/language", language="en")
    assert "Outages of the sources" in minh.get("/dashboard/outages").text
    assert "Taking answers" in minh.get(ONE).text
