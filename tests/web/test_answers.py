"""Taking an answer back, correcting one, and how a ward answers: the pages without scripts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.office import OTHER, WARD, Browser, Office, soup
from tests.web.test_case import said

LEAVING = "#answers .leaving"


@pytest.fixture
def waiting(office: Office) -> Office:
    """A case of Lan's, in a ward whose answers wait half a minute."""
    office.services.answer_settings.put(office.actor("quan-tri"), WARD, undo_s=30, acknowledges=False)
    office.receive(office.report())
    return office


def answers(lan: Browser, **more: Any) -> str:
    return said(
        lan, lan.submit("/cases/1", "/cases/1/reply", **{"kind": "result", "body": "Đã xong.", **more})
    )


def test_an_answer_is_taken_back_and_its_words_are_in_the_form_again(waiting: Office, lan: Browser) -> None:
    told = answers(lan, kind="transfer", transfer_to="Công ty Cấp nước", body="Đã chuyển Công ty Cấp nước.")
    assert told.startswith("Phúc đáp sẽ gửi sau 30 giây.") and told.endswith("Hoàn tác")
    waiting.clock.wait(seconds=12.4)
    assert soup(lan.get("/cases/1")).select_one(f"{LEAVING} b").text == "18", "a begun second counts"
    back = lan.submit("/cases/1", "/cases/1/replies/1/withdraw")
    assert back.location.endswith("/cases/1?again=1#reply"), "the address names the answer, not its words"
    page = soup(lan.get(back.location))
    assert page.select_one("#body").text == "Đã chuyển Công ty Cấp nước."
    assert page.select_one("#transfer_to")["value"] == "Công ty Cấp nước"
    assert page.select_one("input[name=kind][checked]")["value"] == "transfer"
    assert page.select_one(LEAVING) is None and page.select_one("#answers .gone")
    assert "Đã hoàn tác trước khi gửi: Chuyển nơi khác" in page.select_one(".timeline").text


def test_nobody_else_gets_the_words_by_the_address(waiting: Office, lan: Browser, minh: Browser) -> None:
    answers(lan)
    lan.submit("/cases/1", "/cases/1/replies/1/withdraw")
    assert soup(minh.get("/cases/1?again=1")).select_one("#body").text == ""


def test_too_late_is_told_and_a_correction_offered(waiting: Office, lan: Browser) -> None:
    answers(lan)
    page = lan.form("/cases/1", "/cases/1/replies/1/withdraw")
    assert soup(lan.get("/cases/1")).select_one("details.correct") is None
    waiting.clock.wait(seconds=30)
    assert "Đã quá giờ hoàn tác" in said(lan, lan.client.post("/cases/1/replies/1/withdraw", data=page))
    told = said(lan, lan.submit("/cases/1", "/cases/1/replies/1/correct", correction="Nắp số 21."))
    assert told.startswith("Phúc đáp sẽ gửi sau 30 giây.")
    first, second = soup(lan.get("/cases/1")).select("#answers article")
    assert first.select_one(".text").text.endswith("Nắp số 21.")
    assert "đã đính chính" in second.select_one(".tag.hot").text
    back = lan.submit("/cases/1", "/cases/1/replies/2/withdraw")
    assert soup(lan.get(back.location)).select_one("#correction-1").text == "Nắp số 21."


def test_an_extension_taken_back_is_in_its_own_form_again(waiting: Office, lan: Browser) -> None:
    lan.submit("/cases/1", "/cases/1/extend", until="1/12/2026", why="Chờ vật tư", tell="Hẹn ngày 1/12.")
    back = lan.submit("/cases/1", "/cases/1/replies/1/withdraw")
    page = soup(lan.get(back.location))
    assert page.select_one("#extend-tell").text == "Hẹn ngày 1/12."
    assert page.select_one("#until")["value"] == "2026-12-01"


def test_what_was_said_already_is_not_offered_as_a_receipt(waiting: Office, lan: Browser) -> None:
    def offered() -> list[str]:
        return [one["value"] for one in soup(lan.get("/cases/1")).select("#reply input[name=kind]")]

    assert offered() == ["result", "progress", "refusal", "transfer", "acknowledgement"]
    answers(lan, kind="progress")
    assert offered() == ["result", "progress", "refusal", "transfer"]


def test_hue_cannot_take_back_what_is_not_her_wards(waiting: Office, lan: Browser, hue: Browser) -> None:
    answers(lan)
    token = {"csrf_token": hue.form("/", "/sign-out")["csrf_token"]}
    hidden, missing = (hue.client.post(f"/cases/{n}/replies/1/withdraw", data=token) for n in (1, 99))
    assert hidden.status_code == missing.status_code == 404
    assert waiting.services.cases.case(waiting.actor("lan"), 1).replies[0].withdrawn_at is None


def test_the_administrator_says_how_each_ward_answers(office: Office, admin: Browser, lan: Browser) -> None:
    assert lan.get("/answers").status_code == 403
    told = said(admin, admin.submit("/answers", "/answers", ward=OTHER, undo_s="90", acknowledges="yes"))
    assert told == "Đã lưu. Áp dụng từ phúc đáp tiếp theo."
    chosen = {one.code: one for one in office.services.answer_settings.of_wards(office.actor("quan-tri"))}
    assert (chosen[OTHER].undo_s, chosen[OTHER].acknowledges, chosen[WARD].undo_s) == (90, True, None)
    wrong = admin.submit("/answers", "/answers", ward=OTHER, undo_s="9000")
    assert wrong.status_code == 422 and "từ 0 đến 600 giây" in soup(wrong).text


def test_names_of_bodies_are_suggested_and_any_other_may_be_typed(office: Office, lan: Browser) -> None:
    office.receive(office.report(), office.report())
    lan.submit(
        "/cases/1", "/cases/1/reply", kind="transfer", body="Đã chuyển.", transfer_to="Sở “Xây dựng” <Một>"
    )
    page = soup(lan.get("/cases/2"))
    field = page.select_one("#transfer_to")
    names = [one["value"] for one in page.find(id=field["list"]).select("option")]
    assert names[0] == "Sở “Xây dựng” <Một>" and "Ủy ban nhân dân phường Thảo Điền" in names
