"""A case of another ward: moved there, or its citizen told whose it is; decisions about streets."""

from __future__ import annotations

import pytest

from aggregator.domain.workflow import Status
from aggregator.sdk.contract import Location
from tests.web.office import OTHER, WARD, Browser, Office, soup


@pytest.fixture(autouse=True)
def real_names(office: Office) -> None:
    office.services.accounts.ensure_ward(WARD, "Phường Nhiêu Lộc")
    office.services.accounts.ensure_ward(OTHER, "Phường Sài Gòn")


def comes(office: Office, address: str, body: str = "Hố ga mất nắp.") -> None:
    office.receive(office.report(body=body, location=Location(address=address)))


def said(browser: Browser, answer: object) -> str:
    assert answer.status_code == 303  # type: ignore[attr-defined]
    return str(soup(browser.get(answer.location)).find(id="said").text.strip())  # type: ignore[attr-defined]


def test_not_ours_offers_a_text_that_names_the_right_ward_and_sends_what_the_officer_made_of_it(
    office: Office, lan: Browser
) -> None:
    comes(office, "5 Lê Lợi, Phường 5, Quận Gò Vấp")
    page = soup(lan.get("/cases/1"))
    assert "có thể không thuộc phường này: Phường An Nhơn" in page.select_one("article.report").text
    assert "Không thuộc phường này: trả lời hướng dẫn" in page.select_one("article.report").text
    offered = lan.form("/cases/1", "/cases/1/guide")["body"].replace("\r", "")
    assert "Ủy ban nhân dân phường An Nhơn hoặc Tổng đài 1022" in offered
    assert "Phường 5, Quận Gò Vấp cũ nay thuộc phường An Nhơn" in offered
    answer = lan.submit("/cases/1", "/cases/1/guide", body=f"{offered}\nLan")
    assert "Phúc đáp đang được chuyển" in said(lan, answer)
    case = office.services.cases.case(office.actor("lan"), 1)
    assert case.row.status is Status.REJECTED
    assert case.replies[0].body.endswith("Trân trọng.\nLan")
    assert "Không thuộc phường này" not in lan.get("/cases/1").text, "a closed case offers nothing"


def test_an_empty_guidance_is_refused_and_the_case_stays_open(office: Office, lan: Browser) -> None:
    comes(office, "5 Lê Lợi, Phường 5, Quận Gò Vấp")
    answer = lan.submit("/cases/1", "/cases/1/guide", body=" ")
    assert answer.status_code == 422
    assert soup(answer).select_one("[role=alert]")
    assert office.services.placing.streets(office.actor("lan")) == ()


def test_a_likely_ward_that_is_served_here_is_one_click_away(
    office: Office, lan: Browser, hue: Browser
) -> None:
    """Two decisions about the street differ, so the next report stays and asks."""
    comes(office, "20 Lê Lợi")
    office.services.placing.move(office.actor("lan"), 1, OTHER)
    comes(office, "gần chợ", "Đèn đường tắt.")
    office.services.placing.correct(office.actor("lan"), 2, "41 Lê Lợi")
    comes(office, "Lê Lợi", "Cây gãy cành.")
    page = soup(lan.get("/cases/3"))
    assert "Chuyển sang Phường Sài Gòn" in page.select_one("article.report").text
    assert "nơi khác 1 lần" in page.select_one("article.report").text
    answer = lan.client.post("/cases/3/ward", data={**lan.form("/cases/3", "/cases/3/ward"), "ward": OTHER})
    assert "Vụ việc đã được chuyển" in said(lan, answer)
    assert hue.get("/cases/3").status_code == 200


def test_moving_a_case_says_its_new_code_and_leads_back_to_the_inbox(
    office: Office, lan: Browser, hue: Browser
) -> None:
    comes(office, "12 Lê Lợi")
    form = lan.form("/cases/1", "/cases/1/ward")
    answer = lan.client.post("/cases/1/ward", data={**form, "ward": OTHER})
    assert answer.location == "/"
    assert "mã ở nơi đến là 26-00001" in said(lan, answer)
    assert lan.get("/cases/1").status_code == 404
    timeline = soup(hue.get("/cases/1")).select_one(".timeline").text
    assert "Chuyển đến từ Phường Nhiêu Lộc, mã cũ 26-00001" in timeline
    assert lan.client.post("/cases/1/ward", data={**form, "ward": OTHER}).status_code == 404


def test_decisions_are_listed_with_who_and_when_and_can_be_taken_back(
    office: Office, lan: Browser, hue: Browser
) -> None:
    comes(office, "12 Lê Lợi")
    lan.submit("/cases/1", "/cases/1/address", address="14/2 Lê Lợi")
    page = soup(lan.get("/streets"))
    told = " ".join(page.select_one("article").text.split())
    for words in ("Lê Lợi", "Phường Nhiêu Lộc", "số nhà 14", "sửa địa chỉ", "Nguyễn Thị Lan", "26-00001"):
        assert words in told, words
    assert "Lê Lợi" not in hue.get("/streets").text, "another ward's decisions are not hers to see"
    assert hue.client.post("/streets/1/withdraw", data=hue.form("/", "/sign-out")).status_code == 404
    answer = lan.submit("/streets", "/streets/1/withdraw")
    assert "Đã bỏ" in said(lan, answer)
    assert not soup(lan.get("/streets")).select("article")


def test_confirming_the_ward_ends_the_question(office: Office, lan: Browser) -> None:
    comes(office, "5 Lê Lợi, Phường 5, Quận Gò Vấp")
    answer = lan.submit("/cases/1", "/cases/1/here")
    assert "thuộc phường này" in said(lan, answer)
    assert "có thể không thuộc phường này" not in lan.get("/cases/1").text
    assert "Xác nhận thuộc phường này" in soup(lan.get("/cases/1")).select_one(".timeline").text
