"""Differences between a source and us on screen: complete without JavaScript, nobody else's to see."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from aggregator.sdk.contract import Answer, Record, SourceStatus
from tests.web.office import Browser, Office, soup

PAGE = "/channels/cong-1022/differences"
THEIRS = "Phòng Kinh tế, Hạ tầng và Đô thị đã lắp nắp hố ga mới sáng 10/11."


def told(office: Office, *records: Record) -> None:
    """Known reports, shown again."""
    office.clock.wait(minutes=20)
    office.receive(*records)


def answered_there(office: Office, one: Record, words: str = THEIRS) -> Record:
    at = office.clock() + timedelta(minutes=5)
    answers = (Answer(words, at, "Lê Văn Đồng Nghiệp"),)
    done = {"status_raw": "Đã xử lý", "status": SourceStatus.RESOLVED}
    return dataclasses.replace(one, answers=answers, **done)


def test_no_difference_says_so_on_every_page(office: Office, lan: Browser) -> None:
    office.receive(office.report(status=SourceStatus.NEW))
    assert "Không kênh nào lệch" in lan.get("/differences").text
    assert soup(lan.get(PAGE)).select_one(".empty")
    assert "Đối chiếu: 0 điểm lệch" in lan.get("/channels/cong-1022").text


def test_a_colleagues_answer_is_taken_with_one_press(office: Office, lan: Browser) -> None:
    one = office.report(status=SourceStatus.NEW)
    told(office, one)
    told(office, answered_there(office, one))
    page = soup(lan.get(PAGE))
    text = page.select_one(".pair").text
    assert THEIRS in text and "Người khác đã phúc đáp trên cổng" in text and "Lê Văn Đồng Nghiệp" in text
    assert "Cổng 1022" in soup(lan.get("/differences")).select_one("tbody").text
    case = lan.get("/cases/1").text
    assert "Cổng lệch với hệ thống ở 1 điểm" in case and "Câu chữ cũ và mới" in case
    answer = lan.submit("/cases/1", "/differences/1", remedy="adopt")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/cases/1")
    case = lan.get("/cases/1").text
    assert "Đã nhận làm phúc đáp của ta." in case and "nhận phúc đáp ghi trên cổng lúc" in case
    assert "Đã giải quyết" in soup(lan.get("/cases/1")).select_one(".bar").text
    again = lan.client.post(
        "/differences/1", data={**lan.form("/cases/1", "/cases/1/note"), "remedy": "adopt"}
    )
    assert again.status_code == 303
    assert "đã được xử lý" in lan.get(PAGE).text
    assert "đã nhận làm phúc đáp của ta" in lan.get(f"{PAGE}?state=settled").text


def test_several_are_shown_first_and_only_the_ticked_ones_are_done(office: Office, lan: Browser) -> None:
    known = [office.report(status=SourceStatus.NEW) for _ in range(3)]
    told(office, *known)
    told(office, *(answered_there(office, one, f"{THEIRS} Hố số {n}.") for n, one in enumerate(known)))
    one_kind = soup(lan.get(f"{PAGE}?kind=answer_foreign"))
    link = next(a["href"] for a in one_kind.select("a") if "remedy=adopt" in a.get("href", ""))
    preview = soup(lan.get(link))
    ids = [box["value"] for box in preview.select("[name=id]")]
    assert len(ids) == 3 and "đồng hồ dừng tại lúc đó" in preview.text
    answer = lan.submit(link, f"{PAGE}/settle", id=ids[:2])
    assert answer.headers["Location"] == f"{PAGE}?kind=answer_foreign"
    assert "Đã xử lý 2/2." in lan.get(answer.headers["Location"]).text
    assert len(soup(lan.get(PAGE)).select(".pair")) == 1


def test_leaving_it_so_needs_a_reason_also_for_several(office: Office, lan: Browser) -> None:
    one = office.report(status=SourceStatus.NEW)
    told(office, one)
    told(office, dataclasses.replace(one, status_raw="Đã xử lý", status=SourceStatus.RESOLVED))
    refused = lan.submit(f"{PAGE}/preview?remedy=known&id=1", f"{PAGE}/settle", reason=" ")
    assert refused.status_code == 422 and "Hãy ghi lý do" in refused.text
    lan.submit(PAGE, "/differences/1", remedy="known", reason="cổng đóng nhầm")
    assert "cổng đóng nhầm" in lan.get(f"{PAGE}?state=settled").text


def test_a_later_deadline_is_shown_before_it_counts(office: Office, lan: Browser) -> None:
    one = office.report(status=SourceStatus.NEW, due_at=office.clock() + timedelta(days=1))
    told(office, one)
    told(office, dataclasses.replace(one, due_at=office.clock() + timedelta(days=2)))
    link = next(a["href"] for a in soup(lan.get(PAGE)).select("a") if "take_deadline" in a.get("href", ""))
    assert "Hạn của vụ việc" in lan.get(link).text
    lan.submit(link, f"{PAGE}/settle")
    assert "Đã xử lý 1/1." in lan.get(PAGE).text


def test_another_ward_finds_nothing_and_who_does_not_handle_only_looks(
    office: Office, lan: Browser, hue: Browser, admin: Browser
) -> None:
    one = office.report(status=SourceStatus.NEW)
    told(office, one)
    told(office, answered_there(office, one))
    for address in (PAGE, f"{PAGE}/preview?remedy=adopt&id=1"):
        assert hue.get(address).status_code == 404
    assert THEIRS not in hue.get("/differences").text
    token = soup(hue.get("/differences")).select_one("[name=csrf_token]")["value"]
    posted = {"csrf_token": token, "remedy": "adopt"}
    assert hue.client.post("/differences/1", data=posted).status_code == 404
    page = soup(admin.get(PAGE))
    assert THEIRS in page.text and not page.select(".presses")


def test_pages_go_on_and_strange_addresses_do_no_harm(office: Office, lan: Browser) -> None:
    known = [office.report(status=SourceStatus.NEW) for _ in range(27)]
    told(office, *known)
    told(office, *(answered_there(office, one, f"{THEIRS} Hố số {n}.") for n, one in enumerate(known)))
    first = soup(lan.get(PAGE))
    older = first.select_one(".pager a")["href"]
    assert (len(first.select(".pair")), len(soup(lan.get(older)).select(".pair"))) == (25, 2)
    for strange in (
        "?kind=khong-co",
        "?before=99999999999999999999",
        "?state=x&before=-1",
        "/preview?remedy=x",
    ):
        assert lan.get(PAGE + strange).status_code == 200
    assert lan.get("/channels/khong-co/differences").status_code == 404
