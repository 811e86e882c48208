"""What was not taken in: why, beside the good one, without people in it; and what may be done about it."""

from __future__ import annotations

from aggregator.sdk.contract import Location
from tests.web.office import Browser, Office, soup

PAGE = "/channels/cong-1022/quarantine"


def test_the_list_says_what_why_and_how_often(office: Office, lan: Browser) -> None:
    assert soup(lan.get(PAGE)).select_one(".empty")
    office.receive(office.report(), broken=2)
    page = soup(lan.get(PAGE))
    assert len(page.select(".held li")) == 2
    assert "occurred_at" in page.text and "Đang chờ (2)" in page.text
    assert not page.select(".held input")  # an officer only looks


def test_an_item_stands_beside_what_was_taken_in_and_names_nobody(office: Office, lan: Browser) -> None:
    office.receive(office.report(location=Location(address="12 Lê Lợi")), broken=1)
    link = soup(lan.get(PAGE)).select_one(".held a")["href"]
    page = soup(lan.get(link))
    assert page.select(".beside tr") and "được che" in page.text
    assert "Lê Lợi" not in page.select_one(".beside").text
    refused = lan.submit(link, f"{link}/reveal", reason=" ")
    assert refused.status_code == 422 and "Hãy ghi lý do" in refused.text
    shown = lan.submit(link, f"{link}/reveal", reason="đối chiếu công văn")
    assert "Có dữ liệu cá nhân" in shown.text


def test_who_operates_dismisses_with_a_reason(office: Office, lan: Browser, admin: Browser) -> None:
    office.receive(office.report(), broken=2)
    values = [box["value"] for box in soup(admin.get(PAGE)).select(".held input")]
    answer = admin.submit(PAGE, f"{PAGE}/dismiss", item=values[:1], reason="bản ghi thử của cổng")
    assert answer.status_code == 303
    assert len(soup(admin.get(PAGE)).select(".held li")) == 1
    assert "bản ghi thử của cổng" in lan.get(f"{PAGE}?state=dismissed").text
    assert admin.submit(PAGE, f"{PAGE}/dismiss", reason="quên chọn").status_code == 303
    assert "chọn mục trước" in admin.get(PAGE).text
    assert admin.submit(PAGE, f"{PAGE}/dismiss", item=values[1:], reason="").status_code == 422


def test_another_ward_and_strange_numbers_find_nothing(office: Office, lan: Browser, hue: Browser) -> None:
    office.receive(office.report(), broken=1)
    link = soup(lan.get(PAGE)).select_one(".held a")["href"]
    assert hue.get(link).status_code == 404
    for strange in ("999999", "99999999999999999999"):
        assert lan.get(f"{PAGE}/{strange}").status_code == 404
    assert lan.get(f"{PAGE}?state=khong-co&before=99999999999999999999").status_code == 200


def test_many_items_come_page_by_page_and_long_lines_break(office: Office, lan: Browser) -> None:
    office.receive(office.report(), broken=120)
    first = soup(lan.get(PAGE))
    assert len(first.select(".held li")) == 50 and "Đang chờ (120)" in first.text
    seen, link = 50, first.select_one(".pager a")["href"]
    while link:
        page = soup(lan.get(link))
        seen += len(page.select(".held li"))
        older = [a["href"] for a in page.select(".pager a") if "before" in a["href"]]
        link = older[0] if older else ""
    assert seen == 120


def test_a_known_report_is_pinned_on_the_channels_page(office: Office, lan: Browser, admin: Browser) -> None:
    report, page = office.report(), "/channels/cong-1022"
    office.receive(report)
    assert not soup(lan.get(page)).select(f'form[action="{page}/pins"]')
    assert admin.submit(page, f"{page}/pins", report=report.external_id).status_code == 303
    assert report.external_id in soup(lan.get(page)).select_one(".ways").text
    assert admin.submit(page, f"{page}/pins/remove", report=report.external_id).status_code == 303
    assert "Chưa ghim phản ánh nào" in admin.get(page).text
