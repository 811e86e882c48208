"""The leaders' numbers, each with the list behind it; the channels' lights."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta

from aggregator.domain.workflow import ReplyKind
from aggregator.sdk.contract import Location
from aggregator.services.figures import on_time
from aggregator.services.views.figures import CountRow
from tests.web.office import Browser, Office, soup


def busy(office: Office) -> None:
    """Open, due soon, overdue, paused, closed in time and late, over two units and two channels."""
    actor = office.actor("minh")
    at = office.clock()
    office.receive(*(office.report(occurred_at=at - timedelta(days=day)) for day in (0, 1, 12, 30, 31, 2)))
    office.receive(office.report(location=Location(address="3 Hai Bà Trưng")), channel="bang-tinh")
    office.services.deadlines.sweep()
    cases = office.services.cases
    cases.assign(actor, 1, unit_id=2, officer_id=actor.id)
    cases.assign(actor, 3, unit_id=None, officer_id=None)
    cases.reply(actor, 4, ReplyKind.RESULT, "Xong, trễ.")
    cases.pause(actor, 6, "site_visit")
    cases.reply(actor, 7, ReplyKind.REFUSAL, "Không thuộc thẩm quyền.")


def test_each_number_is_the_length_of_the_list_behind_it(office: Office, minh: Browser) -> None:
    busy(office)
    page = soup(minh.get("/dashboard"))
    links = page.select(".tiles a, .board td a")
    assert len(links) > 20
    for link in links:
        number = int(link.b.text if link.b else link.text)
        rows = soup(minh.get(link["href"])).select(".list tbody tr")
        assert len(rows) == number, link["href"]


def test_the_dashboard_says_when_its_numbers_were_taken(office: Office, minh: Browser) -> None:
    busy(office)
    page = soup(minh.get("/dashboard"))
    assert "09:30 10/11/2026" in page.main.text
    tiles = {tile.text.split()[-1]: tile for tile in page.select(".tiles li")}
    assert "50 %" in tiles["hạn"].text, "one of two closed cases kept its deadline"
    for table in page.find_all("table"):
        assert table.find("th", scope="col") and table.find("th", scope="row")
    for picture in page.main.find_all("svg"):
        hidden = {"aria-hidden": "true"}
        assert picture.get("aria-hidden") or picture.find_parent(attrs=hidden), "the table says it already"


def test_the_table_is_a_file_for_the_weekly_meeting(office: Office, minh: Browser, lan: Browser) -> None:
    busy(office)
    page = soup(minh.get("/dashboard"))
    answer = minh.get(page.find("a", href="/dashboard.csv")["href"])
    assert 'filename="so-lieu-20261110-0930.csv"' in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    tiles = [int(tile.text) for tile in page.select(".tiles a b")]
    numbers = ("qua_han", "sap_den_han", "dang_mo", "tam_dung", "da_ket_thuc", "ket_thuc_tre_han")
    assert [int(rows[0][name]) for name in numbers] == tiles
    assert len(rows) == 1 + len(page.select(".board tbody tr"))
    assert {row["luc"] for row in rows} == {"2026-11-10 09:30"}
    assert lan.get("/dashboard.csv").status_code == 403


def test_all_in_time_is_said_only_where_none_was_late() -> None:
    closed = CountRow("", "", open=0, due_soon=0, overdue=0, paused=0, done=1000, done_late=4)
    assert on_time(closed) == 99
    assert on_time(replace(closed, done_late=0)) == 100


def test_channels_show_their_lights_in_words(office: Office, lan: Browser) -> None:
    office.receive(office.report(), broken=2)
    office.clock.wait(hours=5)
    page = soup(lan.get("/channels"))
    assert "Cổng 1022" in page.text and "2 mục cách ly" in page.text
    one = soup(lan.get("/channels/cong-1022"))
    lights = {row.th.text: row.td.text.strip() for row in one.select("table")[0].select("tbody tr")}
    assert list(lights) == ["Kết nối", "Đăng nhập", "Đọc hiểu", "Cập nhật", "Nhận phúc đáp"]
    assert lights["Cập nhật"] == "lỗi", "five hours of silence are an alarm"
    assert "phút không đọc được" in one.text and "Cần làm" in one.text
    run = [cell.text for cell in one.select("table")[1].select("tbody td")]
    assert run[:7] == ["đọc kênh", "xong", "3", "1", "0", "0", "2"]
    listed = lan.get("/channels/cong-1022/quarantine").text
    assert "occurred_at" in listed and "bad date" in listed


def test_only_who_operates_gets_the_buttons(office: Office, lan: Browser, admin: Browser) -> None:
    for address in ("/channels/cong-1022", "/channels/cong-1022/quarantine"):
        forms = [form["action"] for form in soup(lan.get(address)).find_all("form", method="post")]
        assert forms == ["/language", "/sign-out"]
    assert admin.submit("/channels/cong-1022", "/channels/cong-1022/pause").status_code == 303
    page = admin.get("/channels/cong-1022")
    assert "Cán bộ đã tạm dừng" in page.text
    admin.submit("/channels/cong-1022", "/channels/cong-1022/resume")
    answer = admin.submit("/channels/cong-1022", "/channels/cong-1022/poll")
    assert "vài giây" in admin.get(answer.location).text


def test_checking_a_dead_portal_names_the_step_that_failed(office: Office, admin: Browser) -> None:
    answer = admin.submit("/channels/cong-1022", "/channels/cong-1022/check")
    assert answer.status_code == 200
    assert "lỗi" in soup(answer).select_one(".way.dead").text


def test_quarantined_records_are_read_again_on_request(office: Office, admin: Browser) -> None:
    office.receive(office.report(), broken=1)
    page = "/channels/cong-1022/quarantine"
    answer = admin.submit(page, "/channels/cong-1022/replay")
    assert answer.status_code == 303 and answer.location == page


def test_another_wards_channel_is_not_there(office: Office, hue: Browser) -> None:
    assert "Cổng 1022" not in hue.get("/channels").text
    for address in ("/channels/cong-1022", "/channels/khong-co", "/channels/cong-1022/quarantine"):
        assert hue.get(address).status_code == 404
