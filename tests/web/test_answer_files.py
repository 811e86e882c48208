"""Files chosen on the case page: taken, shown under the answer, downloaded; refused without losing a word."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import update

from aggregator.services.answer_files import MOST_BYTES
from aggregator.storage.case_tables import outbox
from tests.domain.test_proof_files import JPEG, PDF, PNG
from tests.web.office import WARD, Browser, Office, soup
from tests.web.test_case import said


def form(lan: Browser, *files: tuple[bytes, str], **more: Any) -> dict[str, Any]:
    chosen = [(BytesIO(content), name) for content, name in files]
    filled = {"kind": "result", "body": "Đã đậy nắp hố ga sáng nay.", **more}
    return {**lan.form("/cases/1", "/cases/1/reply"), **filled, "files": chosen}


def test_files_stand_under_the_answer_and_come_as_a_download(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    chosen = form(lan, (JPEG, "truoc.jpg"), (PDF, "QĐ 12.pdf"))
    said(lan, lan.client.post("/cases/1/reply", data=chosen))
    links = soup(lan.get("/cases/1")).select("#answers .files a")
    assert [link.text.strip() for link in links] == ["truoc.jpg", "QĐ 12.pdf"]
    file = lan.get(links[1]["href"])
    assert (file.data, file.mimetype) == (PDF, "application/pdf")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in file.headers["Content-Security-Policy"]
    assert file.headers["Cache-Control"] == "no-store"


def test_an_answer_needs_no_file(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    said(lan, lan.client.post("/cases/1/reply", data=form(lan, (b"", ""))))
    assert not soup(lan.get("/cases/1")).select("#answers .files")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([(b"<html><script>alert(1)</script>", "anh.jpg")], "không phải ảnh"),
        ([(PNG + bytes(MOST_BYTES), "to.png")], "lớn hơn 5 MB"),
        ([(PDF, f"{number}.pdf") for number in range(6)], "nhiều nhất 5 tệp"),
    ],
)
def test_a_file_that_is_refused_loses_no_word_and_asks_for_the_files_again(
    office: Office, lan: Browser, files: list[tuple[bytes, str]], words: str
) -> None:
    office.receive(office.report())
    answer = lan.client.post("/cases/1/reply", data=form(lan, *files))
    assert answer.status_code == 422
    page = soup(answer)
    assert words in page.select_one("[role=alert]").text
    assert page.select_one("#body").text.strip() == "Đã đậy nắp hố ga sáng nay."
    assert "hãy chọn lại tệp" in page.select_one("#reply .note.bad").text
    assert not office.services.cases.case(office.actor("lan"), 1).replies


def test_who_was_overtaken_is_asked_for_the_files_again(office: Office, lan: Browser, minh: Browser) -> None:
    office.receive(office.report())
    chosen = form(lan, (PNG, "anh.png"))
    said(minh, minh.submit("/cases/1", "/cases/1/move", status="in_progress", reason="đi khảo sát"))
    conflict = lan.client.post("/cases/1/reply", data=chosen)
    assert conflict.status_code == 409
    again = soup(conflict).find("form", method="post", action="/cases/1/reply")
    assert again["enctype"] == "multipart/form-data" and again.select_one("input[type=file][multiple]")
    assert "hãy chọn lại tệp" in again.text


@pytest.mark.parametrize(
    ("takes", "words"),
    [
        ({"push_attachments": True}, "nhận tệp gửi kèm"),
        ({"push_attachments": True, "push_max_files": 1}, "nhận tệp gửi kèm, nhiều nhất 1 tệp"),
        ({"push_file_types": ("image/jpeg", "image/png")}, "chỉ nhận JPEG, PNG"),
        (
            {"push_max_file_bytes": 1_500_000, "push_max_bytes": 2_000_000},
            "mỗi tệp đến 1,5 MB, cộng lại đến 2 MB",
        ),
        ({"push_attachments": False}, "không nhận tệp: tệp ở lại đây, cần thì cán bộ tự chuyển"),
        ({"push_reply": False, "push_attachments": True}, "cán bộ phải chuyển tay, cả tệp"),
    ],
)
def test_before_sending_it_is_said_what_each_source_takes(
    office: Office, lan: Browser, takes: dict[str, Any], words: str
) -> None:
    office.receive(office.report())
    found = office.services.connectors["portal_1022"]
    able = replace(found.manifest, capabilities=replace(found.manifest.capabilities, **takes))
    office.services.connectors["portal_1022"] = replace(found, manifest=able)
    told = " ".join(soup(lan.get("/cases/1")).select_one("#reply .to").text.split())
    assert words in told


def test_hue_of_the_other_ward_finds_no_file(office: Office, lan: Browser, hue: Browser) -> None:
    office.receive(office.report())
    said(lan, lan.client.post("/cases/1/reply", data=form(lan, (PNG, "anh.png"))))
    link = soup(lan.get("/cases/1")).select_one("#answers .files a")["href"]
    hidden, missing = hue.get(link), hue.get("/answer-files/4711")
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert lan.get(link).status_code == 200


def test_who_brings_an_answer_by_hand_finds_its_files_beside_the_text(office: Office, lan: Browser) -> None:
    office.receive(office.report(), channel="bang-tinh")
    said(lan, lan.client.post("/cases/1/reply", data=form(lan, (PDF, "QĐ 12.pdf"))))
    (link,) = soup(lan.get("/by-hand")).select(".carry .files a")
    assert link.text.strip() == "QĐ 12.pdf" and lan.get(link["href"]).data == PDF


def take_only(office: Office, **takes: Any) -> None:
    found = office.services.connectors["portal_1022"]
    able = replace(found.manifest, capabilities=replace(found.manifest.capabilities, **takes))
    office.services.connectors["portal_1022"] = replace(found, manifest=able)


@pytest.mark.parametrize(
    ("takes", "words"),
    [
        ({"push_attachments": False}, "Không kèm tệp: nguồn không nhận tệp."),
        ({"push_file_types": ("image/png",)}, "Không kèm 1 tệp: “a.pdf” (nguồn không nhận loại tệp này)."),
        ({"push_max_file_bytes": len(PDF)}, "Không kèm 1 tệp: “b.png” (quá lớn so với mức nguồn nhận)."),
        ({"push_max_files": 1}, "Không kèm 1 tệp: “b.png” (quá số tệp hoặc dung lượng nguồn nhận)."),
    ],
)
def test_what_a_source_does_not_take_is_told_on_its_line_before_it_leaves(
    office: Office, lan: Browser, takes: dict[str, Any], words: str
) -> None:
    take_only(office, **takes)
    office.receive(office.report())
    said(lan, lan.client.post("/cases/1/reply", data=form(lan, (PDF, "a.pdf"), (PNG, "b.png"))))
    line = " ".join(soup(lan.get("/cases/1")).select_one(".way.pending .step:last-of-type").text.split())
    assert line == f"{words} Tệp vẫn giữ ở đây; nếu cần, hãy tự chuyển đến nơi."


def test_a_file_that_only_the_source_did_not_take_is_told_by_its_number(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    said(lan, lan.client.post("/cases/1/reply", data=form(lan, (PDF, "a.pdf"), (PNG, "b.png"))))
    assert not soup(lan.get("/cases/1")).select(".way .icon-hand"), "all of it goes"
    with office.services.db.write() as tx:
        tx.execute(update(outbox).values(state="sent", files_left=1))
    assert "Không kèm 1 tệp: nguồn không nhận." in soup(lan.get("/cases/1")).select_one(".way.sent").text


def posted(lan: Browser, action: str, *files: tuple[bytes, str], **words: str) -> Any:
    chosen = [(BytesIO(content), name) for content, name in files]
    return lan.client.post(action, data={**lan.form("/cases/1", action), **words, "files": chosen})


def test_a_correction_takes_files_as_a_result_does(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    said(lan, lan.client.post("/cases/1/reply", data=form(lan, (JPEG, "sai.jpg"))))
    with office.services.db.write() as tx:
        tx.execute(update(outbox).values(state="sent"))
    action, wrong = "/cases/1/replies/1/correct", (b"MZ", "anh.jpg")
    refused = posted(lan, action, wrong, corrects="1", correction="Nắp số 21.")
    assert refused.status_code == 422
    page = soup(refused)
    assert page.select_one("#correction-1").text == "Nắp số 21."
    assert [note.find_parent("form")["action"] for note in page.select(".note.bad[role=alert]")[1:]] == [
        action
    ]
    said(lan, posted(lan, action, (JPEG, "dung.jpg"), corrects="1", correction="Nắp số 21."))
    newest = soup(lan.get("/cases/1")).select_one("#answers article")
    assert "Đính chính" in newest.text and newest.select_one(".files a").text.strip() == "dung.jpg"


def test_an_extension_takes_files_where_the_citizen_is_told(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    plan, action = {"until": "1/12/2026", "why": "Chờ vật tư"}, "/cases/1/extend"
    silent = posted(lan, action, (PDF, "ke hoach.pdf"), **plan, tell="")
    assert silent.status_code == 422 and "nội dung báo gia hạn" in silent.get_data(as_text=True)
    told = said(lan, posted(lan, action, (PDF, "ke hoach.pdf"), **plan, tell="Hẹn ngày 1/12."))
    assert told == "Đã gia hạn. Phúc đáp đang được chuyển tới mọi nguồn."
    link = soup(lan.get("/cases/1")).select_one("#answers .files a")
    assert lan.get(link["href"]).data == PDF


def test_who_was_overtaken_while_correcting_finds_the_words_and_is_asked_for_the_files(
    office: Office, lan: Browser, minh: Browser
) -> None:
    office.receive(office.report())
    said(lan, lan.client.post("/cases/1/reply", data=form(lan, kind="progress")))
    with office.services.db.write() as tx:
        tx.execute(update(outbox).values(state="sent"))
    action = "/cases/1/replies/1/correct"
    typed = {**lan.form("/cases/1", action), "correction": "Nắp số 21.", "files": [(BytesIO(PNG), "a.png")]}
    said(minh, minh.submit("/cases/1", "/cases/1/reply", kind="result", body="Đã đậy nắp."))
    conflict = soup(lan.client.post(action, data=typed))
    again = conflict.find("form", method="post", action=action)
    assert again.select_one("textarea").text.strip() == "Nắp số 21."
    assert again["enctype"] == "multipart/form-data" and again.select_one("input[type=file]")


@pytest.fixture
def patient(office: Office) -> Office:
    """Answers can be taken back for a while."""
    office.services.answer_settings.put(office.actor("quan-tri"), WARD, undo_s=30, acknowledges=False)
    office.receive(office.report())
    return office


def taken_back(lan: Browser) -> str:
    """The page that Lan comes to after taking back an answer with a photo and a paper."""
    said(lan, lan.client.post("/cases/1/reply", data=form(lan, (JPEG, "truoc.jpg"), (PDF, "QĐ 12.pdf"))))
    answer = lan.submit("/cases/1", "/cases/1/replies/1/withdraw")
    return str(answer.location)


def names(lan: Browser) -> list[str]:
    return [
        link.text.strip()
        for link in soup(lan.get("/cases/1")).select("#answers article:first-of-type .files a")
    ]


def test_the_files_of_an_answer_that_was_taken_back_are_ticked_and_go_with_the_next(
    patient: Office, lan: Browser
) -> None:
    boxes = soup(lan.get(taken_back(lan))).select("#reply input[name=again]")
    assert [(box["data-name"], box.has_attr("checked")) for box in boxes] == [
        ("truoc.jpg", True),
        ("QĐ 12.pdf", True),
    ]
    assert not soup(lan.get("/cases/1")).select("input[name=again]"), (
        "only for who took it back, and only then"
    )
    said(lan, lan.client.post("/cases/1/reply", data=form(lan, (PNG, "sau.png"), again=boxes[0]["value"])))
    assert names(lan) == ["truoc.jpg", "sau.png"]


def test_a_refused_form_keeps_the_ticks(patient: Office, lan: Browser) -> None:
    boxes = soup(lan.get(taken_back(lan))).select("#reply input[name=again]")
    refused = lan.client.post("/cases/1/reply", data=form(lan, body=" ", again=boxes[1]["value"]))
    assert [box["data-name"] for box in soup(refused).select("#reply input[name=again]")] == ["QĐ 12.pdf"]


@pytest.mark.parametrize("wanted", ["4711", "9" * 30, "of an answer that stands"])
def test_only_files_of_answers_that_were_taken_back_go_again(
    patient: Office, lan: Browser, wanted: str
) -> None:
    taken_back(lan)
    said(lan, lan.client.post("/cases/1/reply", data=form(lan, (PNG, "sau.png"))))
    stands = patient.services.cases.case(patient.actor("lan"), 1).replies[1].files[0].id
    again = str(stands) if wanted.startswith("of") else wanted
    refused = lan.client.post("/cases/1/reply", data=form(lan, again=again))
    assert refused.status_code == 422 and "Hãy chọn lại tệp" in refused.get_data(as_text=True)


def test_files_that_go_again_count_with_the_others(patient: Office, lan: Browser) -> None:
    boxes = soup(lan.get(taken_back(lan))).select("#reply input[name=again]")
    more = [(PDF, f"{number}.pdf") for number in range(4)]
    refused = lan.client.post("/cases/1/reply", data=form(lan, *more, again=[box["value"] for box in boxes]))
    assert refused.status_code == 422 and "đã chọn 6 tệp" in refused.get_data(as_text=True)
