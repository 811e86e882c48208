"""The rules of joining on screen: looked at by all, tried first, set by leaders, with a reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aggregator.sdk.contract import Location
from aggregator.services.match_rules import Scope
from tests.web.office import OTHER, WARD, Browser, Office, soup

TRIED = {"category": "", "same": "99,99", "unsure": "35", "cap": "50", "window_days": "60", "days": "30"}


def one_hole_twice(office: Office) -> None:
    """A report that joined by itself."""
    at = {"location": Location(address="12 Lê Lợi"), "subject": "Hố ga mất nắp"}
    office.receive(office.report(body="Hố ga trước số 12 Lê Lợi mất nắp, rất nguy hiểm.", **at))
    words = "ho ga truoc so 12 le loi mat nap rat nguy hiem cho nguoi di duong"
    office.receive(office.report(body=words, **at))


def tried(browser: Browser, **given: Any) -> Any:
    return browser.get("/matching/preview", query_string={**TRIED, **given})


def test_before_anything_is_set_the_products_own_holds(minh: Browser) -> None:
    page = soup(minh.get("/matching"))
    assert [row.th.text for row in page.select(".figures tbody tr")] == ["Mọi phường, xã · mọi lĩnh vực"]
    assert "90 %" in page.text and "Mặc định của hệ thống" in page.text
    assert "Chưa có thay đổi nào" in page.text


def test_an_officer_looks_and_changes_nothing(office: Office, lan: Browser) -> None:
    page = soup(lan.get("/matching"))
    assert "90 %" in page.text
    assert not page.main.find_all("form") and "Xem thử" not in page.main.text
    assert lan.get("/matching/preview", query_string=TRIED).status_code == 403
    token = lan.form("/", "/language")["csrf_token"]
    answer = lan.client.post("/matching/apply", data={**TRIED, "why": "Thử", "csrf_token": token})
    assert answer.status_code == 403
    assert office.services.match_rules.changes(office.actor("lan")) == ()


def test_a_leader_sees_the_effect_first_and_then_applies_it(office: Office, minh: Browser) -> None:
    one_hole_twice(office)
    form = soup(minh.get("/matching")).find("form", action="/matching/preview")
    assert form["method"] == "get" and form.find("input", id="same")["value"] == "90"
    shown = tried(minh)
    page = soup(shown)
    tiles = [tile.text.split(maxsplit=1) for tile in page.select(".tiles li")]
    assert [tile[0] for tile in tiles] == ["0", "1", "0"]
    listed = page.select_one("article.box")
    assert "Sẽ không còn tự gộp" in listed.h2.text
    assert "12 Lê Lợi" in listed.text and "cùng số nhà 12 Lê Lợi" in listed.select_one(".because").text
    assert listed.find("a", href="/cases/1").text == "26-00001"
    filled = {
        field["name"]: field.get("value", "") for field in page.select("form[action='/matching/apply'] input")
    }
    answer = minh.client.post("/matching/apply", data={**filled, "why": "Gộp nhầm hai lần tuần trước"})
    assert answer.status_code == 303 and answer.location == "/matching"
    after = soup(minh.get("/matching"))
    row = after.select_one(".figures tbody tr")
    assert "99,99 %" in row.text and "Trần Văn Minh: Gộp nhầm hai lần tuần trước" in row.text
    assert "Từ bây giờ phản ánh mới theo ngưỡng này" in after.text
    office.receive(office.report(body="Hố ga trước số 12 Lê Lợi mất nắp rồi!",
                                 location=Location(address="12 Lê Lợi")))  # fmt: skip
    assert office.services.cases.case(office.actor("minh"), 1).row.report_count == 2, "no longer by itself"


def test_thresholds_are_taken_back_the_same_way(office: Office, minh: Browser) -> None:
    one_hole_twice(office)
    rules = office.services.match_rules
    rules.set(office.actor("minh"), Scope(WARD, None), same=0.9999, why="Thử")
    link = soup(minh.get("/matching")).find("a", string="Bỏ ngưỡng riêng")["href"]
    page = soup(minh.get(link))
    assert "Ngưỡng chung hơn" in page.text and page.select_one(".tiles b").text == "1"
    answer = minh.submit(link, "/matching/apply", why="Hết thử")
    assert answer.status_code == 303
    assert rules.changes(office.actor("minh"))[0].values is None


def test_what_cannot_be_set_is_said_in_words(office: Office, minh: Browser) -> None:
    for given, said in (
        ({"same": "50"}, "Ngưỡng tự gộp phải từ 0,7"),
        ({"unsure": "95", "same": "90"}, "nhỏ hơn ngưỡng tự gộp"),
        ({"cap": "nhiều"}, "“nhiều” không phải là số"),
        ({"window_days": "500"}, "Số ngày còn tự gộp phải từ 1 đến 400"),
    ):
        answer = tried(minh, **given)
        assert answer.status_code == 422 and said in answer.text, given
    answer = minh.submit("/matching/preview?same=95", "/matching/apply", why=" ")
    assert answer.status_code == 422 and "Hãy nhập lý do" in answer.text


def test_a_leader_cannot_name_another_ward(office: Office, minh: Browser) -> None:
    """The address may say so; the leader's own ward is taken."""
    one_hole_twice(office)
    page = soup(tried(minh, ward=OTHER))
    assert page.select_one("form[action='/matching/apply']")
    minh.submit(f"/matching/preview?same=95&ward={OTHER}", "/matching/apply", why="Thử", ward=OTHER)
    changed = office.services.match_rules.changes(office.actor("quan-tri"))
    assert [one.scope.ward for one in changed] == [WARD]


def test_the_administrator_sets_what_every_ward_shares(office: Office, admin: Browser, minh: Browser) -> None:
    assert soup(admin.get("/matching")).find("select", id="ward")
    admin.submit("/matching/preview?category=thoat_nuoc&same=97", "/matching/apply", why="Mùa mưa")
    row = soup(minh.get("/matching")).select_one(".figures tbody tr")
    assert "Mọi phường, xã · " in row.text and "97 %" in row.text
    assert row.find("a") is None, "a ward's leader cannot change it"


def test_a_period_without_reports_says_so(office: Office, minh: Browser) -> None:
    office.receive(office.report(occurred_at=office.clock() - timedelta(days=70)))
    page = soup(tried(minh))
    assert "Không có phản ánh nào trong thời gian này" in page.text
    assert page.select_one("form[action='/matching/apply']"), "it may be applied all the same"
