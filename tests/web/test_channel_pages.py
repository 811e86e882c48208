"""A channel's own pages: settings that keep secrets to themselves, its days, its past, its diagnostics."""

from __future__ import annotations

import json
from datetime import timedelta

from sqlalchemy import update

from aggregator.storage import alarm_queries
from aggregator.storage.channel_tables import channel_schedule, channels
from tests.web.office import WARD, Browser, Office, soup

SECRET = "mật-khẩu-rất-kín"
EDIT = "/channels/cong-1022/settings"


def test_a_channel_is_made_on_screen_and_its_secrets_never_come_back(office: Office, admin: Browser) -> None:
    assert "Cổng góp ý 1022" in admin.get("/channels/new").text
    answer = admin.submit(
        "/channels/new?kind=portal_1022", "/channels/new",
        **{"slug": "cong-moi", "title": "Cổng mới", "ward": WARD, "c-base_url": "http://moi.example.vn/api",
           "c-scope": "officer", "c-auth": "basic", "s-username": "canbo", "s-password": SECRET,
           "o-interval_s": "120"},
    )  # fmt: skip
    assert answer.status_code == 303 and answer.location == "/channels/cong-moi"
    page = admin.get("/channels/cong-moi/settings")
    assert SECRET not in page.text and "canbo" not in page.text
    fields = {one["name"]: one for one in soup(page).find_all(["input", "select"]) if one.get("name")}
    assert fields["c-base_url"]["value"] == "http://moi.example.vn/api"
    assert fields["o-interval_s"]["value"] == "120" and not fields["s-password"].get("value")
    view = office.services.channels.view(None, "cong-moi")
    assert (view.title, view.interval_s) == ("Cổng mới", 120)


def test_an_empty_secret_keeps_what_is_stored_and_a_ticked_box_forgets_it(
    office: Office, admin: Browser
) -> None:
    def stored() -> bytes | None:
        with office.services.db.read() as tx:
            found: bytes | None = tx.scalar(channels.select().with_only_columns(channels.c.secrets).limit(1))
            return found

    admin.submit(EDIT, EDIT, **{"s-password": SECRET})
    before = stored()
    admin.submit(EDIT, EDIT, title="Cổng 1022 mới")
    assert before is not None and stored() is not None
    assert "Cổng 1022 mới" in admin.get("/channels").text
    admin.submit(EDIT, EDIT, **{"forget-password": "1"})
    assert stored() is None


def test_what_a_portal_takes_of_files_is_asked_where_its_connector_sends_them(
    office: Office, admin: Browser
) -> None:
    admin.submit(
        EDIT, EDIT, **{"o-answer_files": "0", "o-answer_file_mb": "0.5", "o-answer_file_types": "pdf"}
    )
    fields = {
        one["name"]: one for one in soup(admin.get(EDIT)).find_all(["input", "select"]) if one.get("name")
    }
    assert (fields["o-answer_files"]["value"], fields["o-answer_file_mb"]["value"]) == ("0", "0.5")
    assert fields["o-answer_file_types"].find("option", selected=True)["value"] == "pdf"
    admin.submit(EDIT, EDIT, **{"o-answer_files": ""})
    assert not soup(admin.get(EDIT)).find("input", {"name": "o-answer_files"}).get("value"), (
        "as its connector"
    )
    assert "o-answer_files" not in admin.get("/channels/new?kind=national_bus").text


#: what was typed -> what is said of it
WRONG = [
    ({"c-base_url": "gopy.example.vn"}, "Địa chỉ cổng: phải bắt đầu bằng http://"),
    ({"c-base_url": ""}, "Địa chỉ cổng: chưa điền"),
    ({"c-page_size": "1000"}, "Số phản ánh mỗi trang: không được lớn hơn 100"),
    ({"c-page_size": "mười"}, "Số phản ánh mỗi trang: phải là số"),
    ({"c-paths": "{"}, "Đường dẫn từng lệnh: không đọc được"),
    ({"o-answer_files": "6"}, "Số tệp kèm mỗi phúc đáp: không được lớn hơn 5"),
    ({"o-timezone": "Sao Hoả"}, "Múi giờ của cổng: không phải múi giờ"),
]


def test_what_is_wrong_is_said_by_the_names_of_the_form_and_what_was_typed_stays(admin: Browser) -> None:
    for typed, said in WRONG:
        answer = admin.submit(EDIT, EDIT, **{"s-password": SECRET, **typed})
        assert answer.status_code == 422
        assert said in soup(answer).select_one(".note.bad").text
        assert SECRET not in answer.text
    assert "mười" in admin.submit(EDIT, EDIT, **{"c-page_size": "mười"}).text


def test_a_stopped_channel_is_a_task_for_who_may_act_and_a_word_to_the_others(
    office: Office, admin: Browser, lan: Browser, hue: Browser
) -> None:
    with office.services.db.write() as tx:
        alarm_queries.open_one(tx, 1, "reconnect", {}, office.clock())
    for address in ("/notices", "/channels", "/channels/cong-1022"):
        page = admin.get(address)
        assert "cần đăng nhập lại" in page.text and f"{EDIT}#sign-in" in page.text, address
        assert "Hãy báo quản trị viên" in lan.get(address).text
    assert "cần đăng nhập lại" not in hue.get("/notices").text
    assert "đang chờ người xử lý" in soup(lan.get("/")).select_one("nav .badge").text
    assert soup(hue.get("/")).select_one("nav .badge") is None


def test_an_unusual_silence_is_explained_in_one_sentence(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    since = (office.clock() - timedelta(hours=26)).isoformat()
    usual = {"since": since, "weekday": 0, "part": 1, "low": 3, "high": 9}
    with office.services.db.write() as tx:
        alarm_queries.open_one(tx, 1, "silence", usual, office.clock())
    page = lan.get("/channels/cong-1022").text
    assert "thường có 3–9 phản ánh mỗi sáng thứ Hai; 26 giờ nay chưa có phản ánh nào" in page


def test_technical_words_stand_behind_a_detail(office: Office, lan: Browser) -> None:
    error = "HTTP 502 from upstream gateway"
    values = {
        "last_error_code": "transient",
        "last_error": error,
        "last_error_vi": error,
        "state": "degraded",
    }
    with office.services.db.write() as tx:
        tx.execute(update(channel_schedule).where(channel_schedule.c.channel_id == 1).values(**values))
    page = soup(lan.get("/channels/cong-1022"))
    assert error in page.select_one("details code").text
    for detail in page.select("details"):
        detail.decompose()
    assert error not in page.text and "Không kết nối được với cổng" in page.text


def test_days_and_the_past_are_asked_for_on_one_page(office: Office, admin: Browser, lan: Browser) -> None:
    days = "/channels/cong-1022/days"
    assert "Chưa đối soát ngày nào" in lan.get(days).text
    assert [form["action"] for form in soup(lan.get(days)).find_all("form", method="post")] == [
        "/language", "/sign-out",
    ]  # fmt: skip
    answer = admin.submit(days, days, first="2026-11-09", last="2026-11-10")
    assert answer.status_code == 303  # the portal is dead: it says so, and nothing breaks
    assert soup(admin.get(days)).select_one("#said .note.bad") is not None
    admin.submit(days, "/channels/cong-1022/backfills", first="2026-11-09", last="2026-11-10")
    assert "đang đọc" in admin.get(days).text
    admin.submit(days, "/channels/cong-1022/backfills/1", do="stop")
    assert "đã dừng" in admin.get(days).text
    assert "chỉ so được tổng số" in admin.get("/channels/bang-tinh/days").text


def test_diagnostics_hold_no_secret_and_no_citizen(office: Office, admin: Browser, lan: Browser) -> None:
    admin.submit(EDIT, EDIT, **{"s-username": "canbo-1022", "s-password": SECRET})
    office.receive(office.report(), office.report(), broken=1)
    quoting = "không đọc được: 'Đặng Văn Thử, 0901000001' gửi từ thu@example.vn"
    values = {"last_error_code": "transient", "last_error": quoting, "last_error_vi": quoting}
    with office.services.db.write() as tx:
        tx.execute(update(channel_schedule).where(channel_schedule.c.channel_id == 1).values(**values))
    answer = admin.get("/channels/cong-1022/diagnostics")
    found = json.loads(answer.text)
    assert found["channel"]["secrets_stored"] and found["runs"][0]["stored"] == 2
    assert found["quarantine"] == [{"what": "bad_record", "field": "occurred_at", "items": 1}]
    for hidden in (SECRET, "canbo-1022", "Thử", "0901000001", "thu@example.vn", "PA-0001", "Lê Lợi", "Hố ga"):
        assert hidden not in answer.text, hidden
    assert lan.get("/channels/cong-1022/diagnostics").status_code == 403


def test_the_channels_page_tells_the_connectors_grade_and_what_it_is_exempt_from(admin: Browser) -> None:
    page = admin.get("/channels/cong-1022")
    assert "Hạng: Vàng" in soup(page).get_text(" ", strip=True).replace(" :", ":")
