"""One case: what it shows, and each thing a person does with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import update

from aggregator.domain.people import Actor
from aggregator.domain.workflow import ReplyKind, Status
from aggregator.sdk.contract import Attachment, Location, Person
from aggregator.storage.report_tables import attachments
from tests.web.office import OTHER, WARD, Browser, Office, soup


@pytest.fixture
def pair(office: Office) -> None:
    """Case 1 of two reports: one of the portal, one of the spreadsheet."""
    first = office.report(subject="Hố ga 10 Lê Lợi", location=Location(address="10 Lê Lợi"))
    office.receive(first)
    office.receive(
        office.report(subject=first.subject, body=first.body, location=first.location), channel="bang-tinh"
    )


def said(browser: Browser, answer: Any) -> str:
    """What the page after a redirect tells."""
    assert answer.status_code == 303, answer.status_code
    return soup(browser.get(answer.location)).find(id="said").text.strip()


def now(office: Office, case_id: int = 1) -> Any:
    return office.services.cases.case(office.actor("lan"), case_id)


def test_reports_stand_side_by_side_with_their_source_and_why(
    office: Office, lan: Browser, pair: None
) -> None:
    page = soup(lan.get("/cases/1"))
    one, other = page.select("article.report")
    assert "Cổng 1022" in one.text and "Bảng tính của phường" in other.text
    assert one.select_one(".head a")["href"] == "https://1022.example.vn/pa/1"
    assert one.select_one(".head a")["rel"] == ["noopener", "noreferrer"]
    assert "Gộp tự động" in other.text and "%" in other.select_one(".because").text
    assert "10 ngày làm việc" in page.select_one(".why").text, "the deadline explains itself"
    bar = page.select_one(".bar")
    assert "26-00001" in bar.text and "Mới" in bar.text and "Còn" in bar.text


def test_an_answer_says_before_it_goes_where_it_goes(office: Office, lan: Browser, pair: None) -> None:
    preview = " ".join(soup(lan.get("/cases/1")).select_one(".to").text.split())
    assert "2 nguồn" in preview
    assert "Cổng 1022 PA-0001 – tự động gửi" in preview
    assert "Bảng tính của phường PA-0002 – cán bộ phải chuyển tay" in preview


def test_answering_closes_the_case_and_shows_each_way(office: Office, lan: Browser, pair: None) -> None:
    answer = lan.submit("/cases/1", "/cases/1/reply", kind="result", body="Đã đậy nắp hố ga sáng nay.")
    assert "Phúc đáp đang được chuyển" in said(lan, answer)
    page = soup(lan.get("/cases/1"))
    ways = [" ".join(way.text.split()) for way in page.select(".way")]
    assert len(ways) == 2
    assert "Chờ gửi" in ways[0] and "Cần chuyển tay" in ways[1]
    assert now(office).row.status is Status.RESOLVED
    assert page.select_one("[data-sent='reply-1']") is None, "said once, not again on a reload"


def test_the_same_post_twice_answers_once(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    form = {**lan.form("/cases/1", "/cases/1/reply"), "kind": "progress", "body": "Đang kiểm tra."}
    first, second = (lan.client.post("/cases/1/reply", data=form) for _ in range(2))
    assert first.status_code == second.status_code == 303, "an impatient second click is no error"
    assert len(now(office).replies) == 1


def test_two_forms_of_one_page_have_different_keys(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    keys = [field["value"] for field in soup(lan.get("/cases/1")).find_all("input", {"name": "once"})]
    assert len(keys) == len(set(keys)) >= 5


def test_who_was_overtaken_sees_the_change_and_loses_no_word(
    office: Office, lan: Browser, minh: Browser
) -> None:
    office.receive(office.report())
    form = {**lan.form("/cases/1", "/cases/1/reply"), "kind": "result", "body": "Câu trả lời rất dài của Lan"}
    said(minh, minh.submit("/cases/1", "/cases/1/move", status="in_progress", reason="đi khảo sát"))

    conflict = lan.client.post("/cases/1/reply", data=form)
    assert conflict.status_code == 409
    page = soup(conflict)
    assert "Đang xử lý" in page.main.text and "đi khảo sát" in page.main.text
    assert page.find("textarea", {"name": "body"}).text == "Câu trả lời rất dài của Lan"
    assert not now(office).replies, "nothing was sent"

    again = page.find("form", method="post", action="/cases/1/reply")
    fields = {
        field["name"]: field.get("value", field.text) for field in again.find_all(["input", "textarea"])
    }
    said(lan, lan.client.post("/cases/1/reply", data=fields))
    assert now(office).replies[0].body == "Câu trả lời rất dài của Lan"


@pytest.mark.parametrize(
    ("form", "filled", "words"),
    [
        ("reply", {"kind": "result", "body": "   "}, "Hãy nhập nội dung phúc đáp"),
        ("reply", {"kind": "", "body": "Một câu đã gõ"}, "Hãy chọn một mục"),
        ("reply", {"kind": "result", "body": "dài " * 2000}, "ký tự"),
        ("note", {"text": " "}, "Hãy nhập nội dung ghi chú"),
        ("move", {"status": "resolved", "reason": ""}, "hãy gửi phúc đáp"),
        ("move", {"status": "nonsense", "reason": ""}, "Hãy chọn một mục"),
        ("pause", {"reason_code": "", "note": "chờ gì đó"}, "lý do tạm dừng"),
        ("extend", {"until": "2026-02-30", "why": "Chờ vật tư về kho"}, "2026-02-30"),
        ("extend", {"until": "6/12/2026", "why": "Chờ vật tư về kho"}, "ngày nghỉ"),
        ("merge", {"code": "26-99999"}, "26-99999"),
        ("merge", {"code": "26-00001"}, "chính nó"),
        ("assign", {"officer_id": "3"}, "không thuộc phường"),
    ],
)
def test_a_wrong_entry_is_told_on_the_page_with_what_was_typed(
    office: Office, lan: Browser, form: str, filled: dict[str, str], words: str
) -> None:
    office.receive(office.report())
    answer = lan.submit("/cases/1", f"/cases/1/{form}", **filled)
    assert answer.status_code == 422
    page = soup(answer)
    assert words in page.find(role="alert").text
    for value in filled.values():
        if len(value.strip()) > 8:
            assert value in answer.text, "what was typed is still there"


def test_notes_are_internal_and_look_it(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    assert "Chỉ đồng nghiệp" in said(lan, lan.submit("/cases/1", "/cases/1/note", text="Đã gọi tổ trưởng."))
    entry = soup(lan.get("/cases/1")).select_one(".timeline .noted")
    assert "Nội bộ" in entry.text and "Đã gọi tổ trưởng." in entry.text and "Nguyễn Thị Lan" in entry.text
    assert not now(office).replies


def test_taking_pausing_and_resuming(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    # The second form of the same address is the one-click "I take it".
    lan_id = office.actor("lan").id
    said(lan, lan.submit("/cases/1", "/cases/1/assign", nth=1, officer_id=str(lan_id)))
    assert now(office).officer_id == lan_id and now(office).unit_id == 1, "the unit stays"
    assert "Tôi nhận việc này" not in lan.get("/cases/1").text

    said(lan, lan.submit("/cases/1", "/cases/1/pause", reason_code="site_visit", note="hẹn thứ năm"))
    page = lan.get("/cases/1")
    assert "Đang tạm dừng" in page.text and "hẹn thứ năm" in page.text
    assert codes_of(lan, "/?view=paused") == ["26-00001"]
    said(lan, lan.submit("/cases/1", "/cases/1/resume"))
    assert "Còn" in soup(lan.get("/cases/1")).select_one(".bar time").text


def test_extending_once_tells_the_citizen_and_explains_itself(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    told = said(
        lan,
        lan.submit("/cases/1", "/cases/1/extend", until="1/12/2026", why="Chờ vật tư", tell="Hẹn ngày 1/12."),
    )
    assert told == "Đã gia hạn. Phúc đáp đang được chuyển tới mọi nguồn."
    page = soup(lan.get("/cases/1"))
    assert "17:00 01/12/2026" in page.select_one(".facts").text
    why = page.select_one(".explain").text
    assert "Chờ vật tư" in why and "Quy định" in why and "Được tính" in why
    assert "Gia hạn đến 17:00 01/12/2026: Chờ vật tư" in page.select_one(".timeline").text
    assert page.select_one('form[action="/cases/1/extend"]') is None, "an extension is given once"
    assert now(office).replies[0].body == "Hẹn ngày 1/12."


def test_merging_by_code_and_splitting_again(office: Office, lan: Browser) -> None:
    office.receive(office.report(location=Location(address="1 Pasteur")))
    office.receive(office.report(location=Location(address="99 Hai Bà Trưng")))
    answer = lan.submit("/cases/2", "/cases/2/merge", code="26-00001")
    assert answer.location == "/cases/1"
    assert "Đã gộp" in said(lan, answer)
    assert "Mở vụ việc đang giữ" in lan.get("/cases/2").text
    assert len(soup(lan.get("/cases/1")).select("article.report")) == 2

    form = lan.form("/cases/1", "/cases/1/split")
    nothing = lan.client.post("/cases/1/split", data=form)
    assert nothing.status_code == 422 and "Chưa chọn" in nothing.text
    answer = lan.client.post("/cases/1/split", data={**form, "report_id": ["2"]})
    page = soup(lan.get(answer.location))
    assert page.select_one("#said a")["href"] == "/cases/2", "back where it came from"
    assert [len(now(office, case_id).reports) for case_id in (1, 2)] == [1, 1]


@pytest.fixture
def unsure(office: Office) -> None:
    """Cases 1 and 2 may be the same problem; the rule asks."""
    office.receive(
        office.report(
            subject="Nắp cống vỡ",
            body="Nắp cống đường Lê Lợi gần chợ bị vỡ, rất nguy hiểm",
            location=Location(address="đường Lê Lợi"),
        )
    )
    office.clock.wait(hours=1)
    office.receive(
        office.report(
            subject="Cống vỡ nắp",
            body="Nắp cống trước số 12 Lê Lợi gần chợ bị vỡ rất nguy hiểm",
            location=Location(address="12 Lê Lợi"),
            person=Person(name="Hồ Khác", phone="0912000999"),
        )
    )


def test_of_two_merged_cases_the_older_one_stays(office: Office, lan: Browser, unsure: None) -> None:
    box = soup(lan.get("/cases/2")).select_one(".suggestion")
    assert "26-00001" in box.text and "giống" in box.select_one(".because b").text
    assert "%" in box.select_one(".because").text
    for case in ("1", "2"):
        assert (
            soup(lan.get(f"/cases/{case}")).select_one(".suggestion button").text.startswith("Cùng một việc")
        )
    answer = lan.submit("/cases/1", "/cases/1/same")
    assert answer.location == "/cases/1"
    assert len(now(office).reports) == 2


def test_identity_is_hidden_until_a_reason_is_given_and_then_logged(office: Office, lan: Browser) -> None:
    office.receive(
        office.report(),
        office.report(person=Person(name="Ẩn Danh", anonymous=True), location=Location(address="2 Pasteur")),
    )
    page = lan.get("/cases/1").text
    assert "Đặng Văn Thử" not in page and "0901000001" not in page and "đã che" in page
    empty = lan.submit("/cases/1", "/cases/1/reveal", reason=" ")
    assert empty.status_code == 422 and "Đặng Văn Thử" not in empty.text
    shown = lan.submit("/cases/1", "/cases/1/reveal", reason="gọi hỏi số nhà")
    assert shown.status_code == 200 and "Đặng Văn Thử" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    after = lan.get("/cases/1").text
    assert "Đặng Văn Thử" not in after and "gọi hỏi số nhà" in after, "hidden again, and the look is told"
    hidden = lan.get("/cases/2").text
    assert "giấu tên" in hidden and "/cases/2/reveal" not in hidden


def test_sending_and_going_on_to_the_next_case(office: Office, lan: Browser) -> None:
    office.receive(office.report(), office.report())
    answer = lan.submit("/cases/1", "/cases/1/reply", kind="result", body="Xong.", then="next")
    assert answer.location == "/cases/2"
    assert "[data-sent" not in answer.text
    assert soup(lan.get(answer.location)).select_one("[data-sent='reply-1']"), "the draft of case 1 may go"


def test_accepting_from_the_list_leads_back_to_the_list(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    quick = soup(lan.get("/?view=new")).find(id="quick")
    hidden = {field["name"]: field.get("value", "") for field in quick.find_all("input")}
    answer = lan.client.post("/cases/1/move", data={**hidden, "version": "1"})
    assert answer.location == "/?view=new"
    assert now(office).row.status is Status.ACCEPTED


def test_a_closed_case_offers_to_reopen_and_nothing_wrong(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    office.services.cases.reply(office.actor("lan"), 1, ReplyKind.RESULT, "Xong.")
    page = lan.get("/cases/1").text
    assert "Mở lại" in page and "Tạm dừng đồng hồ" not in page and "Xong đúng hạn" in page
    said(lan, lan.submit("/cases/1", "/cases/1/move", status="in_progress"))
    assert now(office).row.status is Status.IN_PROGRESS


def test_an_administrator_sees_and_cannot_touch(office: Office, admin: Browser) -> None:
    office.receive(office.report())
    page = soup(admin.get("/cases/1"))
    assert [form["action"] for form in page.find_all("form", method="post")] == ["/language", "/sign-out"]


def test_a_file_is_a_download_and_never_a_page(office: Office, lan: Browser, hue: Browser) -> None:
    office.receive(office.report(attachments=(Attachment("a", "ảnh hiện trường.html", "text/html"),)))
    assert "đang tải" in lan.get("/cases/1").text
    assert lan.get("/attachments/1").status_code == 404, "not fetched yet"
    store(office, b"<script>alert(1)</script>")

    link = soup(lan.get("/cases/1")).find("a", download=True)
    answer = lan.get(link["href"])
    assert answer.data == b"<script>alert(1)</script>"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cache-Control"] == "no-store"
    assert hue.get("/attachments/1").data == hue.get("/attachments/99").data


def store(office: Office, content: bytes) -> None:
    """As the worker does after fetching."""
    digest = hashlib.sha256(content).hexdigest()
    folder = office.services.settings.data_dir / "attachments" / digest[:2]
    folder.mkdir(parents=True)
    (folder / digest[2:]).write_bytes(content)
    with office.services.db.write() as tx:
        tx.execute(update(attachments).values(state="stored", sha256=digest, size=len(content)))


UGLY = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>{{7*7}} %(x)s"""


def test_what_citizens_and_officers_type_is_shown_as_text(
    office: Office, lan: Browser, minh: Browser, admin: Browser, actor_of: Callable[[str], Actor]
) -> None:
    office.receive(
        office.report(
            external_id=UGLY, subject=UGLY, body=UGLY, category_raw=UGLY, status_raw=UGLY,
            location=Location(address=UGLY, area=UGLY), person=Person(name=UGLY, address=UGLY),
            url="javascript:alert(1)",
        ),
        broken=1,
    )  # fmt: skip
    lead = actor_of("lan")
    office.services.cases.note(lead, 1, UGLY)
    office.services.cases.move(lead, 1, Status.WAITING_UNIT, UGLY)
    office.services.cases.pause(lead, 1, "other_body", UGLY)
    office.services.cases.reply(lead, 1, ReplyKind.PROGRESS, UGLY)
    answers = [
        lan.get("/"), lan.get("/", query_string={"q": UGLY, "channel": UGLY, "after": UGLY}),
        lan.get("/cases/1"), lan.get("/by-hand"), minh.get("/dashboard"),
        lan.submit("/cases/1", "/cases/1/reveal", reason=UGLY),
        lan.submit("/cases/1", "/cases/1/merge", code=UGLY),
        admin.get("/channels/cong-1022/quarantine"), lan.get("/channels/cong-1022"),
    ]  # fmt: skip
    for answer in answers:
        page = soup(answer)
        assert len(page.find_all("script")) == 1 and not page.find_all("img", src="x")
        assert not [a for a in page.find_all("a", href=True) if a["href"].startswith("javascript")]
        assert "49 %" not in answer.text and "<script>alert" not in answer.text
    assert UGLY in soup(answers[2]).select_one(".report .text").text


@pytest.fixture
def actor_of(office: Office) -> Callable[[str], Actor]:
    return office.actor


def codes_of(browser: Browser, address: str) -> list[str]:
    return [link.b.text for link in soup(browser.get(address)).select(".list td:first-child a")]


def test_a_report_says_where_its_text_would_have_it_and_why_it_is_here(
    office: Office, lan: Browser, hue: Browser
) -> None:
    for code, name in ((WARD, "Phường Nhiêu Lộc"), (OTHER, "Phường Sài Gòn")):
        office.services.accounts.ensure_ward(code, name)
    office.receive(
        office.report(external_id="A-1", body="Cây đổ ở phường 5, quận Gò Vấp.", location=Location()),
        office.report(external_id="A-2", body="Cây đổ ở phường Sài Gòn.", location=Location()),
    )
    stays, moved = soup(lan.get("/cases/1")).text, soup(hue.get("/cases/2")).text
    assert "có thể không thuộc phường này: Phường An Nhơn" in stays
    assert "Phường 5, Quận Gò Vấp cũ nay thuộc Phường An Nhơn" in stays
    assert "chuyển về Phường Sài Gòn theo nội dung" in moved
    assert lan.get("/cases/2").status_code == 404


def test_a_subject_cut_out_of_the_text_is_not_said_twice(office: Office, lan: Browser) -> None:
    body = "Bà con hẻm 12 phản ánh rác đổ trước số 702 Trường Sa, cả tuần nay chưa ai dọn."
    office.receive(office.report(subject=f"{body[:60]}...", body=body), office.report())
    headings = [article.h3 for article in soup(lan.get("/cases/1")).select("article.report")]
    assert headings == [None]
    assert "Hố ga" in soup(lan.get("/cases/2")).select_one("article.report h3").text
