"""Answers that need a hand: carried over, in doubt, refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import BytesIO

from sqlalchemy import update

from aggregator.domain.delivery import Delivery
from aggregator.domain.hand_form import HandForm
from aggregator.domain.workflow import ReplyKind
from aggregator.sdk.contract import Answer, Location
from aggregator.services import delivery_log
from aggregator.services.errands import MOST_BYTES
from aggregator.storage.case_tables import outbox
from inbox_web.security import MAX_FORM_BYTES
from tests.domain.test_proof_files import NOTE, PNG
from tests.web.office import VN, Browser, Office, fields, soup


def answered(office: Office, channel: str) -> int:
    """One case of `channel`, answered; the id of its message."""
    office.receive(office.report(), channel=channel)
    office.services.cases.reply(office.actor("lan"), 1, ReplyKind.RESULT, "Đã đậy nắp.\nCảm ơn ông bà.")
    return case(office).replies[0].deliveries[0].id


def case(office: Office) -> object:
    return office.services.cases.case(office.actor("lan"), 1)


def become(office: Office, message: int, state: Delivery) -> None:
    """As a worker would leave it."""
    with office.services.db.write() as tx:
        tx.execute(update(outbox).where(outbox.c.id == message).values(state=state.value, error="HTTP 422"))
        delivery_log.refresh_problems(tx, [1])


def test_an_answer_is_copied_over_and_ticked_off(office: Office, lan: Browser) -> None:
    message = answered(office, "bang-tinh")
    page = soup(lan.get("/by-hand"))
    item = page.select_one(f"#d{message}")
    copied = {field.dt.contents[0].strip(): field.textarea.text for field in item.select(".copies > div")}
    assert copied["Nội dung trả lời"].lstrip("\n") == "Đã đậy nắp.\nCảm ơn ông bà.", (
        "the very words, ready to copy"
    )
    assert item.find("a", href="https://1022.example.vn/pa/1") and "26-00001" in item.h2.text
    done = lan.submit("/by-hand", f"/deliveries/{message}/done")
    assert done.status_code == 303
    page = lan.get("/by-hand")
    assert "Đã đánh dấu" in page.text and "Không có phúc đáp nào" in page.text
    assert case(office).replies[0].deliveries[0].state is Delivery.SENT


def test_two_people_ticking_the_same_answer_is_no_error_page(
    office: Office, lan: Browser, minh: Browser
) -> None:
    message = answered(office, "bang-tinh")
    form = minh.form("/by-hand", f"/deliveries/{message}/done")
    lan.submit("/by-hand", f"/deliveries/{message}/done")
    answer = minh.client.post(f"/deliveries/{message}/done", data=form)
    assert answer.status_code == 303
    assert "vừa có thay đổi" in soup(minh.get("/by-hand")).select_one("#said .bad").text


def test_a_person_says_whether_an_unclear_answer_arrived(office: Office, lan: Browser) -> None:
    message = answered(office, "cong-1022")
    become(office, message, Delivery.UNCLEAR)
    page = soup(lan.get("/by-hand"))
    buttons = [button.text.strip() for button in page.select(f"#d{message} form button")]
    assert buttons == ["Đọc lại ngay", "Đã có", "Chưa có, gửi lại"], (
        "the very words that the explanation names"
    )
    lan.submit("/by-hand", f"/deliveries/{message}/fate", arrived="no")
    assert case(office).replies[0].deliveries[0].state is Delivery.PENDING
    become(office, message, Delivery.UNCLEAR)
    lan.submit("/by-hand", f"/deliveries/{message}/fate", arrived="yes")
    assert case(office).replies[0].deliveries[0].state is Delivery.SENT


def test_an_unclear_answer_stands_beside_its_source_and_can_be_read_again(
    office: Office, lan: Browser
) -> None:
    message = answered(office, "cong-1022")
    become(office, message, Delivery.UNCLEAR)
    assert "lúc 09:30" in soup(lan.get("/by-hand")).select_one(f"#d{message} .sides").text, "as it was read"
    office.clock.wait(minutes=30)
    shown = Answer("Đã đậy nắp. Cảm ơn anh chị <b>.", author="Phòng QLĐT")
    report = office.report(external_id="PA-0001", answers=(shown,), status_raw="Đã xử lý")
    office.receive(report)
    ours, theirs = soup(lan.get("/by-hand")).select(f"#d{message} .side")
    assert "anh chị <b>" in theirs.find("mark").text and "ông bà" in ours.find("mark").text
    for words in ("lúc 10:00", "“Đã xử lý”", "giống phúc đáp này", "Phòng QLĐT"):
        assert words in theirs.text, words
    asked = lan.submit("/by-hand", f"/deliveries/{message}/read")
    assert asked.headers["Location"].endswith(f"#d{message}"), "back to the same card"
    (backfill, *_) = office.services.backfills.list(None, "cong-1022")
    assert backfill.total == 1


def test_a_source_without_single_reports_is_read_by_its_next_poll(office: Office, lan: Browser) -> None:
    message = answered(office, "bang-tinh")
    become(office, message, Delivery.UNCLEAR)
    item = soup(lan.get("/by-hand")).select_one(f"#d{message}")
    assert "Lần đọc kênh sắp tới" in item.select_one(".sides").text
    assert item.find("form", action=f"/deliveries/{message}/read") is None


def test_a_refused_answer_shows_why_and_can_be_tried_again(office: Office, lan: Browser) -> None:
    message = answered(office, "cong-1022")
    become(office, message, Delivery.DEAD)
    assert "HTTP 422" in soup(lan.get("/cases/1")).select_one(".way.dead").text
    lan.submit("/by-hand", f"/deliveries/{message}/retry")
    assert case(office).replies[0].deliveries[0].state is not Delivery.DEAD


def test_another_wards_answers_are_not_in_the_queue(office: Office, hue: Browser) -> None:
    message = answered(office, "bang-tinh")
    assert soup(hue.get("/by-hand")).find(id=f"d{message}") is None
    token = hue.form("/", "/language")["csrf_token"]
    for act in ("done", "fate", "retry", "read"):
        answer = hue.client.post(f"/deliveries/{message}/{act}", data={"csrf_token": token})
        assert answer.status_code == 404


def test_many_answers_of_one_case_are_each_told(office: Office, lan: Browser) -> None:
    office.receive(*(office.report(location=Location(address=f"{n} Pasteur")) for n in (1, 2)))
    actor = office.actor("lan")
    office.services.cases.merge(actor, 2, 1)
    office.services.cases.reply(actor, 1, ReplyKind.PROGRESS, "Đang làm.")
    assert len(soup(lan.get("/cases/1")).select(".way")) == 2


def test_an_answer_is_ticked_off_with_its_time_a_number_and_a_picture(office: Office, lan: Browser) -> None:
    message = answered(office, "bang-tinh")
    office.clock.wait(hours=1)
    form = lan.form("/by-hand", f"/deliveries/{message}/done")
    assert form["done_at"] == "", "left empty it is now, however long the page lay open"
    written = case(office).replies[0].at
    local = (written + timedelta(minutes=10)).astimezone(VN)
    filled = {
        **form,
        "done_at": f"{local:%Y-%m-%dT%H:%M}",
        "reference": "PH-7",
        "file": (BytesIO(PNG), "x.exe"),
    }
    assert lan.client.post(f"/deliveries/{message}/done", data=filled).status_code == 303
    page = soup(lan.get("/by-hand?need=ticked"))
    item = page.select_one(f"#d{message}")
    assert f"{local:%H:%M %d/%m/%Y}" in item.text and "PH-7" in item.text
    link = item.find("a", string=lambda text: text and "Ảnh chụp" in text) or item.select_one(
        "a[href*=ticks]"
    )
    file = lan.get(link["href"])
    assert (file.mimetype, file.headers["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert file.headers["Content-Disposition"].startswith("attachment") and ".png" in str(file.headers)
    assert "sandbox" in file.headers["Content-Security-Policy"] and NOTE not in file.data
    undone = lan.submit("/by-hand?need=ticked", f"/deliveries/{message}/not-done")
    assert undone.status_code == 303
    assert soup(lan.get("/by-hand")).select_one(f"#d{message}.manual")


def test_a_refused_tick_keeps_what_was_typed_and_names_the_field(office: Office, lan: Browser) -> None:
    answered(office, "bang-tinh")
    office.services.cases.reply(office.actor("lan"), 1, ReplyKind.RESULT, "Đã thay nắp mới.")
    message = case(office).replies[-1].deliveries[0].id
    good = {"reference": "PH-7/2026", "done_at": "2026-11-10T09:30"}
    for field, slip, words in (
        ("done_at", "2026-11-10T00:01", "không được trước lúc viết"),
        ("done_at", "2026-11-10T23:59", "không được ở tương lai"),
        ("done_at", "hôm qua", "không phải là thời điểm"),
        ("reference", "số " * 40, "dài quá 80 ký tự"),
        ("file", (BytesIO(b"<svg onload=alert(1)>"), "anh.png"), "không phải ảnh"),
        ("file", (BytesIO(PNG + bytes(MOST_BYTES)), "anh.png"), "lớn hơn 5 MB"),
    ):
        filled = {**lan.form("/by-hand", f"/deliveries/{message}/done"), **good, field: slip}
        answer = lan.client.post(f"/deliveries/{message}/done", data=filled)
        item = soup(answer).select_one(".carry")
        assert (answer.status_code, item["id"]) == (422, f"d{message}"), "the list begins with it"
        kept = fields(answer.text, f"/deliveries/{message}/done")
        assert {name: kept[name] for name in good} == {name: filled[name] for name in good}
        wrong = item.select_one("[aria-invalid]")
        assert wrong["name"] == field and words in item.find(id=wrong["aria-describedby"]).text
        assert "Chưa đánh dấu" in item.select_one("[role=alert]").text
    assert soup(lan.get("/by-hand")).select_one(f"#d{message}.manual"), "nothing was ticked"


def test_a_picture_that_a_refused_tick_loses_is_asked_for_again(office: Office, lan: Browser) -> None:
    message = answered(office, "bang-tinh")
    form = lan.form("/by-hand", f"/deliveries/{message}/done")
    slip = {"done_at": "2026-11-10T00:01", "file": (BytesIO(PNG), "anh.png")}
    answer = lan.client.post(f"/deliveries/{message}/done", data={**form, **slip})
    assert "Hãy chọn lại ảnh" in soup(answer).select_one(f"#d{message} form.done").text
    without = lan.client.post(f"/deliveries/{message}/done", data={**form, "done_at": slip["done_at"]})
    assert "Hãy chọn lại ảnh" not in without.text, "nothing was lost"


def test_a_tick_on_what_has_changed_keeps_what_was_typed_too(office: Office, lan: Browser) -> None:
    message = answered(office, "cong-1022")
    become(office, message, Delivery.DEAD)
    form = lan.form("/by-hand", f"/deliveries/{message}/done")
    lan.submit("/by-hand", f"/deliveries/{message}/retry")
    become(office, message, Delivery.DEAD)  # tried once more, and refused again
    answer = lan.client.post(f"/deliveries/{message}/done", data={**form, "reference": "PH-7"})
    item = soup(answer).select_one(f"#d{message}")
    assert answer.status_code == 422 and "vừa có thay đổi" in item.select_one("[role=alert]").text
    done = {**fields(answer.text, f"/deliveries/{message}/done")}
    assert done["reference"] == "PH-7" and done["version"] != form["version"]
    assert lan.client.post(f"/deliveries/{message}/done", data=done).status_code == 303


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(office: Office, lan: Browser) -> None:
    message = answered(office, "bang-tinh")
    form = lan.form("/by-hand", f"/deliveries/{message}/done")
    huge = {**form, "file": (BytesIO(bytes(2 * MOST_BYTES + MAX_FORM_BYTES)), "anh.png")}
    assert lan.client.post(f"/deliveries/{message}/done", data=huge).status_code == 413


def test_hidden_and_missing_pictures_and_answers_look_alike(
    office: Office, lan: Browser, hue: Browser
) -> None:
    message = answered(office, "bang-tinh")
    form = lan.form("/by-hand", f"/deliveries/{message}/done")
    lan.client.post(f"/deliveries/{message}/done", data={**form, "file": (BytesIO(PNG), "x.png")})
    for address in ("/ticks/{}/file", "/deliveries/{}"):
        hidden, missing = hue.get(address.format(1)), hue.get(address.format(999))
        assert (hidden.status_code, missing.status_code) == (404, 404)
        assert soup(hidden).main.text.replace("1", "?") == soup(missing).main.text.replace("999", "?")
    assert lan.get("/ticks/1/file").status_code == 200
    assert soup(hue.get("/")).select_one('nav a[href="/by-hand"] .badge') is None


def test_the_menu_and_the_figures_count_what_waits(office: Office, lan: Browser, minh: Browser) -> None:
    answered(office, "bang-tinh")
    assert soup(lan.get("/")).select_one('nav a[href="/by-hand"] .badge').text.startswith("1")
    told = next(p for p in soup(minh.get("/dashboard")).main.select("p") if "chờ xử lý tay" in p.text)
    assert "1" in told.text and "lâu nhất từ 09:30" in told.text
    office.clock.wait(hours=5)
    office.services.cases.assign(office.actor("lan"), 1, unit_id=None, officer_id=office.actor("lan").id)
    office.services.errand_reminders.tick()
    assert "1 phúc đáp đã viết mà chưa chuyển lên cổng" in lan.get("/notices").text


def test_a_case_leads_to_its_answer_wherever_it_stands_in_the_list(office: Office, lan: Browser) -> None:
    message = answered(office, "bang-tinh")
    link = soup(lan.get("/cases/1")).select_one(".way.manual a.step")
    answer = lan.get(link["href"])
    assert answer.status_code == 303 and answer.headers["Location"].endswith(f"#d{message}")
    assert soup(lan.get(answer.headers["Location"])).select_one(f"#d{message}")
    lan.submit("/by-hand", f"/deliveries/{message}/done")
    lan.submit("/by-hand?need=ticked", f"/deliveries/{message}/not-done")


def test_an_answer_taken_back_waits_for_nobody(office: Office, lan: Browser) -> None:
    message = answered(office, "bang-tinh")
    assert soup(lan.get("/by-hand")).select_one(f"#d{message}")
    become(office, message, Delivery.WITHDRAWN)
    assert soup(lan.get("/by-hand")).select_one(f"#d{message}") is None


def test_what_a_source_does_not_show_is_asked_about_with_three_ways_out(office: Office, lan: Browser) -> None:
    message = answered(office, "cong-1022")
    become(office, message, Delivery.DEAD)
    lan.submit("/by-hand", f"/deliveries/{message}/done")
    office.clock.wait(hours=25)
    lan.sign_in("lan")
    office.receive()  # read, and nothing there
    office.services.errand_reminders.tick()
    assert "chưa thấy trên cổng" in soup(lan.get("/cases/1")).select_one(".way").text
    item = soup(lan.get("/by-hand")).select_one(f"#d{message}.unseen")
    assert [button.text.strip() for button in item.select(".row form button")] == [
        "Đã xem, chờ thêm một ngày", "Cổng này không hiển thị phúc đáp", "Chưa có, đưa lại vào danh sách",
    ]  # fmt: skip
    lan.submit("/by-hand", f"/deliveries/{message}/unseen", do="silent")
    page = soup(lan.get("/by-hand"))
    assert page.select_one(f"#d{message}") is None and "Cổng 1022" in page.select_one(".silent").text
    lan.submit("/by-hand", "/by-hand/sources/cong-1022/shows")
    assert soup(lan.get("/by-hand")).select_one(".silent") is None


def test_the_link_leads_to_the_sources_own_page_of_that_report(office: Office, lan: Browser) -> None:
    found = office.services.connectors["spreadsheet"]
    form = HandForm(url="https://cong.example.vn/ho-so/{external_id}?xem=1")
    found = replace(found, manifest=replace(found.manifest, manual=form))
    office.services.connectors["spreadsheet"] = found
    office.receive(office.report(external_id="PA 7/../x?", url="javascript:alert(1)"), channel="bang-tinh")
    office.services.cases.reply(office.actor("lan"), 1, ReplyKind.PROGRESS, "Đang làm.")
    (link,) = soup(lan.get("/by-hand")).select(".carry a[target=_blank]")
    assert link["href"] == "https://cong.example.vn/ho-so/PA%207%2F..%2Fx%3F?xem=1"
