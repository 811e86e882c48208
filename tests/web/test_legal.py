"""Complaints and denunciations on screen: who reads them, what the officer is told, what is decided."""

from __future__ import annotations

import pytest

from aggregator.sdk.contract import Attachment
from tests.web.office import Browser, Office, soup

DENOUNCES = "Tôi tố cáo ông Trần Văn Giả nhận hối lộ khi cấp phép xây dựng."
MAYBE = "Đường ngập, nếu không xử lý chúng tôi sẽ khiếu nại lên thành phố."


@pytest.fixture
def restricted(office: Office) -> None:
    """Case 1: a denunciation, with a file."""
    files = (Attachment("don.pdf", "don-to-cao-rieng.pdf", "application/pdf", 9),)
    office.receive(office.report(subject="Việc ở phường", body=DENOUNCES, attachments=files))


def test_the_leader_reads_it_and_is_told_what_to_do_by_when(
    office: Office, minh: Browser, restricted: None
) -> None:
    page = soup(minh.get("/cases/1"))
    assert DENOUNCES in page.text
    panel = page.select_one("#legal")
    assert "Tố cáo" in panel.h2.text and "chờ quyết định" in panel.h2.text
    assert "tố cáo ông" in [mark.text for mark in panel.select("mark")]
    assert "điều 8 và 9" in panel.text and "136/2025/QH15" in panel.text
    (unchecked,) = [line for line in panel.select(".steps li") if "07 ngày" in line.text]
    assert "chưa đối chiếu văn bản hiện hành" in unchecked.text
    assert "Đặng Văn Thử" not in page.text, "who denounced stays masked for whoever reads the text"
    assert "Đã mở xem nội dung hạn chế" in page.select_one(".timeline").text
    assert "nơi tiếp công dân" in page.select_one("#body").text
    assert [radio["value"] for radio in page.select("[name=kind]")] == ["progress"]
    assert "cán bộ phải chuyển tay" in page.select_one(".to").text


def test_colleagues_see_that_there_is_one_and_another_ward_sees_nothing(
    office: Office, lan: Browser, hue: Browser, restricted: None
) -> None:
    page = lan.get("/cases/1")
    text = soup(page).select_one("main").text
    assert "26-00001" in text and "Hạn chế xem" in text
    listed = lan.get("/?view=legal").text
    assert "26-00001" in listed and "Hạn chế xem" in listed
    for shown in (page.text, listed, lan.get("/?q=hoi+lo").text, lan.get("/").text):
        for secret in ("hối lộ", "Việc ở phường", "don-to-cao-rieng", "Lê Lợi", "PA-0001"):
            assert secret not in shown, secret
    assert not soup(page).select("main form")
    assert hue.get("/cases/1").status_code == 404
    assert "26-00001" not in hue.get("/?view=legal").text


def test_a_suspected_one_is_decided_by_who_handles_it_and_the_refusal_keeps_the_text(
    office: Office, lan: Browser
) -> None:
    office.receive(office.report(body=MAYBE))
    panel = soup(lan.get("/cases/1")).select_one("#legal")
    assert "Thời hạn phản ánh vẫn tính" in panel.text
    refused = lan.submit(
        "/cases/1", "/cases/1/legal/confirm", handed_to="Ban tiếp công dân", register_no="KN-7",
        registered_on="mai",
    )  # fmt: skip
    assert refused.status_code == 422
    assert soup(refused).select_one("#register_no")["value"] == "KN-7"
    done = lan.submit("/cases/1", "/cases/1/legal/dismiss", why_feedback="Chỉ phản ánh đường ngập")
    assert done.status_code == 303
    assert "Chỉ phản ánh đường ngập" in soup(lan.get("/cases/1")).select_one("#legal").text


def test_confirming_hands_it_over_with_its_number_and_can_be_taken_back(
    office: Office, minh: Browser, restricted: None
) -> None:
    done = minh.submit(
        "/cases/1", "/cases/1/legal/confirm", handed_to="Thanh tra thành phố", register_no="TC-03",
        registered_on="2026-03-02",
    )  # fmt: skip
    assert done.status_code == 303
    page = soup(minh.get("/cases/1"))
    assert "Thanh tra thành phố, số TC-03, vào sổ ngày 02/03/2026" in page.select_one("#legal").text
    assert "Đã chuyển giải quyết" in page.select_one(".bar").text
    figures = soup(minh.get("/dashboard")).text
    assert "không tính vào các số trên" in figures
    assert minh.submit("/cases/1", "/cases/1/legal/undo", why_undo="Vào nhầm sổ").status_code == 303
    assert "chờ quyết định" in soup(minh.get("/cases/1")).select_one("#legal").h2.text


def test_a_leader_names_who_may_read_them(
    office: Office, minh: Browser, lan: Browser, restricted: None
) -> None:
    assert lan.get("/legal/readers").status_code == 403
    assert "/legal/readers" in minh.get("/?view=legal").text
    assert minh.submit("/legal/readers", "/legal/readers", may_read="yes").status_code == 303
    assert "hối lộ" in lan.get("/cases/1").text
    assert lan.get("/legal/readers").status_code == 403, "only leaders name others"
    minh.submit("/legal/readers", "/legal/readers", may_read="no")
    assert "hối lộ" not in lan.get("/cases/1").text
