"""The list of all channels: order, views, filters, search, and what a row tells."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from aggregator.domain.workflow import ReplyKind, Status
from aggregator.sdk.contract import Location
from tests.web.office import Browser, Office, soup


def codes(answer: object) -> list[str]:
    return [link.b.text for link in soup(answer).select(".list td:first-child a")]


def counts(answer: object) -> dict[str, int]:
    links = soup(answer).select(".views a")
    return {parse_qs(urlsplit(a["href"]).query).get("view", ["open"])[0]: int(a.b.text) for a in links}


def test_the_most_urgent_case_comes_first(office: Office, lan: Browser) -> None:
    late = office.report(subject="Cũ", occurred_at=office.clock() - timedelta(days=30))
    fresh = office.report(subject="Mới", location=Location(address="9 Pasteur"))
    office.receive(fresh, late)
    office.services.deadlines.sweep()
    page = soup(lan.get("/"))
    titles = [link.text.split(maxsplit=1)[1] for link in page.select(".list td:first-child a")]
    assert titles == ["Cũ", "Mới"]
    first, second = page.select(".list time.left")
    assert first.text.startswith("Quá hạn") and "overdue" in first["class"]
    assert second.text.startswith("Còn")
    assert "none" in second["class"]
    assert first["datetime"].endswith("Z")


def test_a_row_says_what_an_officer_needs(office: Office, lan: Browser) -> None:
    office.receive(office.report(subject="Hố ga mất nắp"))
    office.receive(
        office.report(
            subject="Hố ga mất nắp", body=office.report().body, location=Location(address="10 Lê Lợi")
        )
    )
    lead = office.actor("lan")
    office.services.cases.assign(lead, 1, unit_id=1, officer_id=lead.id)
    row = soup(lan.get("/")).select_one(".list tbody tr")
    text = " ".join(row.text.split())
    for part in (
        "26-00001",
        "Hố ga mất nắp",
        "Cổng 1022",
        "10 Lê Lợi",
        "Nguyễn Thị Lan",
        "Đã tiếp nhận",
        "Còn",
    ):
        assert part in text, part
    assert "unread" in row["class"] and "chưa đọc" in text
    lan.get("/cases/1")
    assert "unread" not in soup(lan.get("/")).select_one(".list tbody tr").get("class", [])


def test_duplicates_and_undelivered_answers_show_in_the_row(office: Office, lan: Browser) -> None:
    first = office.report(subject="Hố ga 10 Lê Lợi", location=Location(address="10 Lê Lợi"))
    office.receive(first)
    office.receive(
        office.report(subject=first.subject, body=first.body, location=first.location), channel="bang-tinh"
    )
    row = soup(lan.get("/")).select_one(".list tbody tr")
    assert "+1 trùng" in row.text
    office.services.cases.reply(office.actor("lan"), 1, ReplyKind.RESULT, "Đã đậy nắp.")
    page = lan.get("/?view=problem")
    assert "phúc đáp chưa tới" in page.text, "the spreadsheet's answer waits for a hand"
    assert counts(page)["problem"] == 1 and counts(page)["open"] == 0


def test_every_view_has_its_count_and_its_own_empty_words(office: Office, lan: Browser) -> None:
    page = lan.get("/")
    assert list(counts(page)) == [
        "open", "new", "mine", "due_soon", "overdue", "needs_info", "waiting_unit", "problem", "legal",
        "closed",
    ]  # fmt: skip
    words = {view: soup(lan.get(f"/?view={view}")).select_one(".empty").text.strip() for view in counts(page)}
    assert len(set(words.values())) == len(words)
    office.receive(*(office.report() for _ in range(3)))
    actor = office.actor("lan")
    office.services.cases.move(actor, 1, Status.NEEDS_INFO)
    office.services.cases.assign(actor, 2, unit_id=None, officer_id=actor.id)
    found = counts(lan.get("/"))
    assert (found["open"], found["new"], found["mine"], found["needs_info"]) == (3, 1, 1, 1)
    for view, number in found.items():
        assert len(codes(lan.get(f"/?view={view}"))) == number, view


def test_filters_live_in_the_address_and_keep_their_choice(office: Office, lan: Browser) -> None:
    office.receive(office.report(), office.report())
    office.receive(office.report(location=Location(address="5 Hai Bà Trưng")), channel="bang-tinh")
    office.services.cases.assign(office.actor("lan"), 1, unit_id=2, officer_id=None)
    assert codes(lan.get("/?unit=2")) == ["26-00001"]
    assert codes(lan.get("/?channel=bang-tinh")) == ["26-00003"]
    assert len(codes(lan.get("/?officer=0"))) == 3
    page = soup(lan.get("/?unit=2&view=new"))
    assert page.select_one("#unit option[selected]")["value"] == "2"
    assert page.find("details").has_attr("open")
    assert all("unit=2" in link["href"] for link in page.select(".views a")), "a view keeps the filter"
    assert soup(lan.get("/?unit=abc&view=nonsense&after=%00")).h1.text.startswith("Tất cả")


def test_search_needs_no_accents(office: Office, lan: Browser) -> None:
    office.receive(
        office.report(subject="Đèn đường hỏng", body="Đèn đường trước số 7 Nguyễn Huệ không sáng"),
        office.report(subject="Rác thải", body="Rác chất đống", location=Location(address="1 Pasteur")),
    )
    assert codes(lan.get("/?q=nguyen hue")) == ["26-00001"]
    assert codes(lan.get("/?q=26-00002")) == ["26-00002"]
    assert codes(lan.get("/?q=0901000001")) == ["26-00001"], "the phone of who reported"
    empty = lan.get("/?q=khong co gi")
    assert "Không có vụ việc nào khớp" in empty.text
    assert soup(empty).find(id="q")["value"] == "khong co gi"


def test_pages_follow_one_another_without_loss_or_repeat(office: Office, lan: Browser) -> None:
    office.receive(*(office.report() for _ in range(60)))
    first = lan.get("/")
    link = soup(first).find("a", rel="next")
    second = lan.get(link["href"])
    seen = codes(first) + codes(second)
    assert len(codes(first)) == 50
    assert len(seen) == len(set(seen)) == 60
    assert soup(second).find("a", rel="next") is None
    assert "Trang đầu" in second.text


def test_new_cases_are_told_and_the_page_itself_stays(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    page = soup(lan.get("/"))
    url = page.find(id="news")["data-url"]
    assert page.find(id="news").has_attr("hidden")
    answer = lan.get(url)
    assert answer.json == {"n": 0}
    again = lan.get(url, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304 and not again.data
    office.receive(office.report(), office.report())
    news = lan.get(url, headers={"If-None-Match": answer.headers["ETag"]})
    assert news.json == {"n": 2}


def test_a_poll_after_the_session_ended_is_no_page(stranger: Browser) -> None:
    assert stranger.get("/arrived?after=1", headers={"Accept": "application/json"}).status_code == 401


def test_the_title_of_a_narrowed_list_counts_nothing_else(office: Office, lan: Browser) -> None:
    office.receive(office.report(), office.report())
    assert soup(lan.get("/")).title.text.startswith("Tất cả đang mở (2)")
    assert soup(lan.get("/?q=hố+ga")).title.text.startswith("Tất cả đang mở: “hố ga” –")
    assert soup(lan.get("/?officer=0")).title.text.startswith("Tất cả đang mở –")


def test_the_filters_stay_folded_where_only_words_are_sought(office: Office, lan: Browser) -> None:
    assert not soup(lan.get("/?q=hố+ga&channel=&unit=")).select_one(".filters details").has_attr("open")
    assert soup(lan.get("/?q=hố+ga&officer=0")).select_one(".filters details").has_attr("open")


def test_who_sees_several_wards_sees_whose_case_it_is(office: Office, lan: Browser, admin: Browser) -> None:
    office.receive(office.report())
    assert "Phường Bến Nghé" in soup(admin.get("/")).select_one(".list td:nth-of-type(3) b").text
    assert soup(lan.get("/")).select_one(".list td:nth-of-type(3) b") is None
