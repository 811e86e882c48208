"""Two cases side by side, the list of open questions, many decided at once, and who is told."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from aggregator.domain.sketch import Apart
from aggregator.domain.workflow import ReplyKind
from aggregator.sdk.contract import Location, Person
from aggregator.services.views.case import ReasonView
from inbox_web import wording
from tests.web.office import OTHER, Browser, Office, soup
from tests.web.test_budgets import statements

#: Of such matters who stays unknown is never joined with another by the rule alone.
RISKY = "Tụ tập mua bán ma túy trước số nhà {} Lê Lợi mỗi tối, đề nghị kiểm tra"


def ask(office: Office, *houses: int, again: int = 1) -> None:
    """For each house two cases (or as many more as `again` says) of which the rule asks if they are one."""
    for n in range(1 + again):
        office.receive(
            *(
                office.report(
                    subject=f"Ma túy ở {house} Lê Lợi", body=RISKY.format(house) + " nhé" * n,
                    location=Location(address=f"{house} Lê Lợi", lat=10.776 + n * 0.0003, lng=106.7),
                    person=Person(anonymous=True), occurred_at=office.clock() - timedelta(hours=12 - 3 * n),
                )
                for house in houses
            ),
            channel="cong-1022" if n % 2 == 0 else "bang-tinh",
        )  # fmt: skip


def press(browser: Browser, page: str, case: int, verb: str) -> Any:
    """Press one of the buttons of the form that says what two cases are to each other."""
    return browser.client.post(f"/cases/{case}/{verb}", data=browser.form(page, f"/cases/{case}/same"))


def told(browser: Browser, answer: Any) -> str:
    assert answer.status_code == 303, answer.status_code
    return " ".join(soup(browser.get(answer.location)).find(id="said").text.split())


def undo(browser: Browser, address: str, nth: int = 0) -> Any:
    """Press the nth "Hoàn tác" of a page."""
    form = soup(browser.get(address)).find_all("form", action=re.compile("^/decisions/"))[nth]
    hidden = {field["name"]: field.get("value", "") for field in form.find_all("input")}
    return browser.client.post(form["action"], data=hidden)


def pairs(browser: Browser, address: str = "/review") -> list[str]:
    return [pair["id"] for pair in soup(browser.get(address)).select(".pair")]


# Side by side ---------------------------------------------------------------------------------


def test_two_cases_stand_side_by_side_with_what_differs(office: Office, lan: Browser) -> None:
    ask(office, 12)
    page = soup(lan.get("/cases/2/compare/1"))
    marked = [mark.text for mark in page.select("article.report mark")]
    assert marked == ["[chỉ có ở đây: nhé]"], "only what the other does not say"
    facts = {row.th.text: row for row in page.select(".facing-facts tbody tr")}
    assert "B cách 33 m về phía nam so với A" in facts["Trên bản đồ"].text
    assert "cách nhau 3 giờ" in facts["Thời gian nhận"].text
    assert "hai kênh khác nhau" in facts["Kênh"].text
    assert "không rõ" in facts["Điện thoại"].text, "both asked to stay unknown"
    assert page.select_one(".sketch svg")["role"] == "img"
    promise = " ".join(page.select_one(".choices").text.split())
    assert "Gộp 26-00002 vào 26-00001; 26-00001 có trước nên được giữ lại." in promise
    assert "Sau khi gộp có 2 phản ánh." in promise and "Hạn xử lý tính theo 26-00001" in promise


def test_whether_the_telephone_is_the_same_is_told_and_never_which(office: Office, lan: Browser) -> None:
    for n, number in enumerate(("0901234567", "0901234567", "0907654321")):
        person = Person(name="Hồ Văn Thử", phone=number)
        office.receive(office.report(person=person, location=Location(address=f"{n}9 Pasteur")))
    for other, words in ((2, "giống nhau"), (3, "khác nhau")):
        answer = lan.get(f"/cases/1/compare/{other}")
        rows = {row.th.text: row.text for row in soup(answer).select(".facing-facts tbody tr")}
        assert words in rows["Điện thoại"]
        assert "0901234567" not in answer.text and "1234567" not in answer.text


def test_the_same_is_merged_into_the_older_and_undone_from_the_next_page(
    office: Office, lan: Browser
) -> None:
    ask(office, 12)
    answer = lan.submit("/cases/2/compare/1", "/cases/2/same")
    assert answer.location == "/cases/1"
    page = lan.get("/cases/1")
    assert "Đã gộp" in page.text and "Hoàn tác" in soup(page).find(id="said").text
    assert not pairs(lan)
    assert "Đã hoàn tác" in told(lan, undo(lan, "/cases/1"))
    assert pairs(lan), "the question is open again"
    assert "Đã hoàn tác việc gộp" in soup(lan.get("/cases/2")).select_one(".timeline").text


def test_different_is_never_asked_again_until_it_is_taken_back(office: Office, lan: Browser) -> None:
    ask(office, 12)
    assert "không trùng" in told(lan, press(lan, "/cases/2", 2, "different"))
    for case in ("/cases/1", "/cases/2"):
        page = soup(lan.get(case))
        assert page.select_one(".suggestion") is None and "Đã xác định khác với" in page.text
    assert not pairs(lan)
    assert "Cán bộ đã xác định hai vụ việc này khác nhau." in lan.get("/cases/1/compare/2").text
    undo(lan, "/cases/1")
    assert soup(lan.get("/cases/2")).select_one(".suggestion"), "taken back, it is asked again"


def test_what_comes_back_after_the_answer_is_linked_and_keeps_its_own_clock(
    office: Office, lan: Browser
) -> None:
    ask(office, 12, again=0)
    office.services.cases.reply(office.actor("lan"), 1, ReplyKind.RESULT, "Đã xử lý.")
    ask(office, 12, again=0)
    box = soup(lan.get("/cases/2")).select_one(".suggestion")
    assert box.button.text.startswith("Tái diễn")
    due = office.services.cases.case(office.actor("lan"), 2).row.due_at
    answer = lan.submit("/cases/2", "/cases/2/same")
    assert answer.status_code == 422 and "26-00001 đã kết thúc" in answer.text, "a closed case takes nothing"

    form = lan.form("/cases/2", "/cases/2/same")
    assert "Đã ghi nhận tái diễn" in told(lan, lan.client.post("/cases/2/recurrence", data=form))
    for case, other in ((1, 2), (2, 1)):
        family = soup(lan.get(f"/cases/{case}")).select_one(".family")
        assert "1 lần" in family.text
        assert family.a["href"] == f"/cases/{other}"
    view = office.services.cases.case(office.actor("lan"), 2)
    assert view.row.due_at == due and view.row.closed_at is None

    undo(lan, "/cases/1")
    assert soup(lan.get("/cases/2")).select_one(".family") is None
    assert soup(lan.get("/cases/2")).select_one(".suggestion"), "asked again"


# Somebody was faster --------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["same", "different"])
def test_who_was_overtaken_learns_it_and_decides_again(
    office: Office, lan: Browser, minh: Browser, verb: str
) -> None:
    ask(office, 12)
    form = lan.form("/cases/2/compare/1", "/cases/2/same")
    told(minh, press(minh, "/cases/1", 1, "different"))
    conflict = lan.client.post(f"/cases/2/{verb}", data=form)
    assert conflict.status_code == 409
    page = soup(conflict)
    assert "Đã xác định khác với 26-00001 – Trần Văn Minh" in " ".join(page.main.text.split())
    again = page.find("form", method="post", action=f"/cases/2/{verb}")
    fields = {field["name"]: field["value"] for field in again.find_all("input")}
    assert lan.client.post(f"/cases/2/{verb}", data=fields).status_code == 303, "all the same, knowingly"


def test_a_case_that_was_merged_away_meanwhile_is_named(office: Office, lan: Browser, minh: Browser) -> None:
    ask(office, 12, again=2)
    form = lan.form("/cases/3/compare/2", "/cases/3/same")
    told(minh, minh.submit("/cases/2/compare/1", "/cases/2/same"))
    form["other_version"] = ""  # even where nobody looks at the version
    answer = lan.client.post("/cases/3/same", data=form)
    assert answer.status_code == 422
    assert "26-00002 đã được gộp vào 26-00001 trước đó" in answer.text


def test_the_same_post_twice_decides_once(office: Office, lan: Browser) -> None:
    ask(office, 12)
    form = lan.form("/cases/2", "/cases/2/same")
    answers = [lan.client.post("/cases/2/same", data=form) for _ in range(2)]
    assert [answer.location for answer in answers] == ["/cases/1"] * 2
    taken_back = soup(lan.get("/cases/1")).find("form", action=re.compile("^/decisions/"))
    hidden = {field["name"]: field.get("value", "") for field in taken_back.find_all("input")}
    for _ in range(2):
        assert "Đã hoàn tác. " in told(lan, lan.client.post(taken_back["action"], data=hidden))
    late = {**hidden, "once": "another"}
    assert "đã được hoàn tác trước đó" in told(lan, lan.client.post(taken_back["action"], data=late))


# The list -------------------------------------------------------------------------------------


def test_the_list_asks_best_first_and_its_buttons_lead_back_to_it(office: Office, lan: Browser) -> None:
    ask(office, 12, 40, 71)
    assert '<b class="badge">3' in lan.get("/").text, "the menu counts them"
    first, second, third = pairs(lan)
    page = soup(lan.get("/review"))
    form = page.select_one(f"#{first} form")
    hidden = {field["name"]: field["value"] for field in form.find_all("input")}
    answer = lan.client.post(form["action"], data=hidden)
    assert answer.location == f"/review#{second}", "the next pair is at hand"
    assert "Hoàn tác" in lan.get("/review").text
    assert pairs(lan) == [second, third]


def test_how_far_they_are_apart_is_told_once(app: Flask) -> None:
    found = [ReasonView("distance", "cách 57 m", "57 m away"), ReasonView("time", "cách 5 giờ", "5 h apart")]
    with app.test_request_context():
        assert wording.reasons(found) == "cách 57 m; cách 5 giờ"
        assert wording.reasons(found, 4, Apart(57, "north")) == "cách 5 giờ"


def test_a_refusal_in_the_list_is_told_in_the_list(office: Office, lan: Browser, minh: Browser) -> None:
    ask(office, 12)
    form = soup(lan.get("/review")).select_one(".pair form")
    hidden = {field["name"]: field["value"] for field in form.find_all("input")}
    told(minh, minh.submit("/cases/1", "/cases/1/note", text="Đã gọi."))
    told(minh, minh.submit("/cases/1", "/cases/1/move", status="in_progress", reason=""))
    answer = lan.client.post(form["action"], data=hidden)
    assert "vừa được người khác cập nhật" in told(lan, answer)
    assert len(pairs(lan)) == 1, "nothing lost, nothing done"


def test_filters_and_pages(office: Office, lan: Browser) -> None:
    ask(office, *range(10, 310, 10))
    page = soup(lan.get("/review"))
    seen = [pair["id"] for pair in page.select(".pair")]
    assert len(seen) == 25 and "Còn 30 cặp" in page.text
    rest = pairs(lan, page.find("a", rel="next")["href"])
    assert len(rest) == 5 and not set(seen) & set(rest)
    assert len(pairs(lan, "/review?category=thoat_nuoc")) == 25
    assert "Không có cặp nào khớp" in lan.get("/review?category=an_ninh").text
    assert len(pairs(lan, "/review?days=1")) == 25 and len(pairs(lan, "/review?score=low")) in (0, 25)
    for odd in ("after=%00x", "after=bm9wZQ==", "days=-1", "score=best", "ward=26740", "days=99999999"):
        assert lan.get(f"/review?{odd}").status_code == 200
    with statements() as asked:
        lan.get("/review")
    assert len([one for one in asked if not one.startswith(("BEGIN", "COMMIT", "PRAGMA"))]) <= 6


def test_an_empty_list_says_so(lan: Browser) -> None:
    assert "Không còn cặp nào cần xem" in lan.get("/review").text


# Many at once ---------------------------------------------------------------------------------


def decide(browser: Browser, verb: str, chosen: list[str]) -> Any:
    """Tick, preview, confirm; the page of what came of each."""
    numbers = "&".join(f"q={one[1:]}" for one in chosen)
    page = soup(browser.get(f"/review/preview?do={verb}&{numbers}"))
    form = page.find("form", method="post", action="/review/decide")
    assert form is not None, page.main.text
    fields: dict[str, list[str]] = {}
    for field in form.find_all("input"):
        fields.setdefault(field["name"], []).append(field["value"])
    return page, fields


def test_many_are_merged_after_a_preview_and_undone_together(office: Office, lan: Browser) -> None:
    ask(office, 12, 40)
    preview, fields = decide(lan, "same", pairs(lan))
    assert "Chưa có gì thay đổi" in preview.text and len(pairs(lan)) == 2
    assert [size.text for size in preview.select("tbody .n")] == ["2", "2"], "reports after merging"
    answers = [lan.client.post("/review/decide", data=fields) for _ in range(2)]
    assert answers[0].location == answers[1].location, "sent twice, done once"
    result = soup(lan.get(answers[0].location))
    assert result.h1.text == "Đã gộp 2 vụ việc"
    assert not pairs(lan)
    assert len(office.services.cases.case(office.actor("lan"), 1).reports) == 2

    batch = answers[0].location
    assert "Đã hoàn tác 2 quyết định" in told(lan, lan.submit(batch, f"{batch}/undo"))
    assert "Đã hoàn tác toàn bộ" in lan.get(batch).text
    assert len(pairs(lan)) == 2
    assert office.services.figures.recount() == {}
    assert office.services.evidence.verify().findings == ()


def test_what_changed_after_the_preview_is_left_out_and_the_rest_is_done(
    office: Office, lan: Browser, minh: Browser
) -> None:
    ask(office, 12, 40, 71)
    _, fields = decide(lan, "same", pairs(lan))
    told(minh, press(minh, "/cases/4", 4, "different"))
    told(minh, minh.submit("/cases/5", "/cases/5/move", status="in_progress", reason=""))
    result = soup(lan.get(lan.client.post("/review/decide", data=fields).location))
    assert result.h1.text == "Đã gộp 1 vụ việc"
    left = sorted(" ".join(one.text.split()) for one in result.select(".left-out li"))
    assert "26-00001 – 26-00004: Đã có người trả lời" in left[0]
    assert "26-00002 – 26-00005: Một trong hai vụ việc vừa thay đổi" in left[1]


def test_many_are_told_apart_together(office: Office, lan: Browser) -> None:
    ask(office, 12, 40)
    preview, fields = decide(lan, "different", pairs(lan))
    assert "2 cặp khác nhau" in preview.h1.text
    batch = lan.client.post("/review/decide", data=fields).location
    assert not pairs(lan)
    lan.submit(batch, f"{batch}/undo")
    assert len(pairs(lan)) == 2


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("do=same", "Hãy đánh dấu ít nhất một cặp"),
        ("do=nonsense&q=1", "Hãy chọn"),
        ("do=same&" + "&".join(f"q={n}" for n in range(1, 52)), "tối đa 50 cặp"),
    ],
)
def test_a_choice_that_cannot_be_previewed_leads_back(lan: Browser, query: str, words: str) -> None:
    assert words in told(lan, lan.get(f"/review/preview?{query}"))


def test_nothing_to_decide_is_said_and_offers_no_button(office: Office, lan: Browser) -> None:
    ask(office, 12)
    (only,) = pairs(lan)
    lan.submit("/cases/2", "/cases/2/same")
    page = soup(lan.get(f"/review/preview?do=same&q={only[1:]}&q=99999&q=x"))
    assert "Không có cặp nào trong số này" in page.text
    assert page.find("form", action="/review/decide") is None


# Another ward ---------------------------------------------------------------------------------


def test_another_ward_sees_infers_and_decides_nothing(
    office: Office, lan: Browser, hue: Browser, minh: Browser
) -> None:
    ask(office, 12, 40)
    (first, second) = pairs(lan)
    _, fields = decide(lan, "same", [first])
    batch = lan.client.post("/review/decide", data=fields).location
    assert "26-0000" not in hue.get("/review").text and "badge" not in hue.get("/").text
    previews = [hue.get(f"/review/preview?do=same&q={one}") for one in (second[1:], "99999")]
    assert soup(previews[0]).main == soup(previews[1]).main, "as if there were no such question"
    assert hue.get("/cases/2/compare/4").data == hue.get("/cases/998/compare/999").data
    assert hue.get(batch).status_code == 404
    token = hue.form("/", "/language")["csrf_token"]
    for address in ("/decisions/1/undo", f"{batch}/undo", "/cases/4/same", "/cases/4/different"):
        answer = hue.client.post(address, data={"csrf_token": token, "other_id": "2"})
        assert answer.status_code == 404, address
    hue.client.post("/review/decide", data={"csrf_token": token, "do": "same", "seen": f"{second[1:]}-1-1"})
    assert pairs(lan) == [second], "nothing was decided"
    assert hue.get("/review").status_code == 200
    assert OTHER not in lan.get("/review").text


# Who is told ----------------------------------------------------------------------------------


def test_both_owners_are_told_of_a_merge_and_may_undo_it(
    office: Office, lan: Browser, minh: Browser, hue: Browser
) -> None:
    ask(office, 12)
    services, minh_id, lan_id = office.services, office.actor("minh").id, office.actor("lan").id
    services.cases.assign(office.actor("lan"), 1, unit_id=None, officer_id=lan_id)
    services.cases.assign(office.actor("lan"), 2, unit_id=None, officer_id=minh_id)
    told(lan, lan.submit("/cases/2", "/cases/2/same"))
    assert soup(lan.get("/")).select_one(".bell .badge") is None, "she did it herself"
    assert soup(minh.get("/")).select_one(".bell .badge").text.startswith("1")
    note = soup(minh.get("/notices")).select_one(".notices .unread")
    assert "26-00002 của bạn đã được gộp vào 26-00001" in note.text and "Nguyễn Thị Lan" in note.text
    assert "Đã hoàn tác" in told(minh, undo(minh, "/notices"))
    assert "Việc gộp 26-00002 vào 26-00001 của bạn đã được hoàn tác" in lan.get("/notices").text
    assert "26-0000" not in hue.get("/notices").text

    minh.submit("/notices", "/notices/read")
    assert soup(minh.get("/notices")).select_one(".unread") is None
    assert soup(minh.get("/")).select_one(".bell .badge") is None


def test_reports_that_join_by_rule_are_one_line_to_the_owner(office: Office, lan: Browser) -> None:
    one = office.report(location=Location(address="10 Lê Lợi"))
    office.receive(one)
    services = office.services
    services.cases.assign(office.actor("minh"), 1, unit_id=None, officer_id=office.actor("lan").id)
    for _ in range(2):
        office.receive(
            *(office.report(subject=one.subject, body=one.body, location=one.location) for _ in range(2))
        )
    (line,) = soup(lan.get("/notices")).select(".notices li")
    assert "4 phản ánh mới đã tự động gộp vào 26-00001 của bạn" in line.text
    form = lan.form("/notices", "/notices/read", nth=1)
    lan.client.post("/notices/read", data={**form, "notice": "1"})
    office.receive(office.report(subject=one.subject, body=one.body, location=one.location))
    lines = [" ".join(one.text.split()) for one in soup(lan.get("/notices")).select(".notices li")]
    assert len(lines) == 2 and "1 phản ánh mới" in lines[0], "read is read: what comes later is a new line"


def test_nobody_marks_anothers_notice(office: Office, lan: Browser, minh: Browser) -> None:
    ask(office, 12)
    office.services.cases.assign(office.actor("lan"), 2, unit_id=None, officer_id=office.actor("minh").id)
    lan.submit("/cases/2", "/cases/2/same")
    token = lan.form("/notices", "/language")["csrf_token"]
    lan.client.post("/notices/read", data={"csrf_token": token, "notice": "1"})
    assert soup(minh.get("/notices")).select_one(".unread")


def test_long_and_ugly_texts_stay_text(office: Office, lan: Browser) -> None:
    ugly = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>{{7*7}} %(x)s """
    for n in (0, 1):
        office.receive(
            office.report(
                subject=ugly * 3, body=RISKY.format(12) + ugly + "dài" * 2000 + " chữ" * 2500 + f" {n}",
                location=Location(address="12 Lê Lợi"), person=Person(anonymous=True),
            )
        )  # fmt: skip
    for address in ("/review", "/cases/1", "/cases/2/compare/1"):
        answer = lan.get(address)
        assert answer.status_code == 200
        assert len(soup(answer).find_all("script")) == 1 and "<script>alert" not in answer.text
        assert not soup(answer).find_all("img", src="x")
    assert len(lan.get("/review").data) < 60_000
