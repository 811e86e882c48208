"""Certificates on screen: issued by who handles the case, checked by anybody who holds one."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from aggregator.domain.workflow import ReplyKind
from inbox_web.security import limiter
from tests.web.office import Browser, Office, soup

PERSONAL = (
    "Đặng Văn Thử",
    "0901000",
    "rất nguy hiểm",
    "Lê Lợi",
    "Nguyễn Thị Lan",
    "Trần Văn Minh",
    "nan nhân",
)


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    """One process, many tests: each begins with its own share."""
    if limiter._storage is not None:
        limiter.reset()


@pytest.fixture
def case_id(office: Office) -> int:
    """A case that Lan has answered in time."""
    office.receive(office.report(due_at=office.clock() + timedelta(hours=7)))
    office.clock.wait(hours=1)
    office.services.cases.reply(office.actor("lan"), 1, ReplyKind.RESULT, "Đã đậy nắp cho nan nhân.")
    return 1


@pytest.fixture
def serial(lan: Browser, case_id: int) -> str:
    answer = lan.submit("/cases/1/certificates", "/cases/1/certificates")
    assert answer.status_code == 303
    return str(soup(lan.get("/cases/1/certificates")).select_one(".certificate .code").text)


def test_the_way_to_a_certificate_is_on_the_page_of_a_finished_case(lan: Browser, case_id: int) -> None:
    assert "/cases/1/certificates" in lan.get("/cases/1").text
    page = lan.get("/cases/1/certificates")
    assert "Chưa lập giấy xác nhận nào" in page.text


def test_an_open_case_says_why_there_is_nothing_to_certify(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    assert "/cases/1/certificates" not in lan.get("/cases/1").text
    lan.submit("/cases/1/certificates", "/cases/1/certificates")
    assert "chưa có phúc đáp kết thúc" in lan.get("/cases/1/certificates").text


def test_issued_twice_it_is_one(lan: Browser, minh: Browser, serial: str) -> None:
    minh.submit("/cases/1/certificates", "/cases/1/certificates")
    page = soup(minh.get("/cases/1/certificates"))
    assert [one.text for one in page.select(".certificate .code")] == [serial]
    assert "trước hạn" in page.select_one(".verdict").text
    assert f"Lập giấy xác nhận {serial}" in lan.get("/cases/1").text, "in the timeline, too"


def test_paper_and_proof_come_as_files(lan: Browser, serial: str) -> None:
    paper, proof = lan.get("/certificates/1.pdf"), lan.get("/certificates/1.json")
    assert paper.data.startswith(b"%PDF-") and paper.content_type == "application/pdf"
    assert json.loads(proof.data)["statement"]["serial"] == serial
    for answer, kind in ((paper, "pdf"), (proof, "json")):
        assert f"giay-xac-nhan-{serial}.{kind}" in answer.headers["Content-Disposition"]
    assert lan.get("/certificates/1.pdf").data == paper.data


def test_hue_finds_a_hidden_certificate_like_a_missing_one(hue: Browser, serial: str) -> None:
    token = hue.form("/", "/language")["csrf_token"]
    for address, missing in (
        ("/certificates/1.pdf", "/certificates/999.pdf"),
        ("/certificates/1.json", "/certificates/999.json"),
        ("/cases/1/certificates", "/cases/999/certificates"),
    ):
        hidden, gone = hue.get(address), hue.get(missing)
        assert hidden.status_code == gone.status_code == 404 and hidden.data == gone.data, address
    for address, missing in (
        ("/certificates/1/withdraw", "/certificates/999/withdraw"),
        ("/cases/1/certificates", "/cases/999/certificates"),
    ):
        filled = {"csrf_token": token, "reason": "x"}
        hidden, gone = hue.client.post(address, data=filled), hue.client.post(missing, data=filled)
        assert hidden.status_code == gone.status_code == 404 and hidden.data == gone.data, address


def test_a_stranger_sees_what_the_paper_says_and_nothing_of_anybody(
    office: Office, stranger: Browser, serial: str
) -> None:
    for code in (serial, serial.lower(), office.services.certificates.found(serial).view.token):
        page = stranger.get(f"/verify/{code}")
        assert page.status_code == 200, code
        assert "đang có hiệu lực" in page.text and "trước hạn" in page.text and "26-00001" in page.text
        for words in PERSONAL:
            assert words not in page.text, words
    printed = office.services.certificates.found(serial)
    for words in (printed.key, printed.checkpoint_sha256, printed.view.statement_sha256):
        assert words in page.text


def test_a_serial_typed_off_the_paper_leads_there(stranger: Browser, serial: str) -> None:
    answer = stranger.get("/verify", query_string={"code": f" {serial.lower()} "})
    assert answer.status_code == 303
    assert serial in stranger.get(answer.location).text


def test_every_wrong_guess_gets_the_same_page(stranger: Browser, serial: str) -> None:
    guesses = [
        serial[:-1] + ("A" if serial[-1] != "A" else "B"),
        serial[:14],
        "27142-26-0002-AAAAAAAA",
        "0" * 32,
        "%",
    ]
    pages = [stranger.get(f"/verify/{guess}") for guess in guesses]
    assert {page.status_code for page in pages} == {404}
    assert len({_without_token(page) for page in pages}) == 1
    assert "Không có giấy xác nhận nào mang mã này" in pages[0].text


def _without_token(page: Any) -> str:
    found = soup(page)
    for field in found.select("[name=csrf_token], [name=next]"):
        field.decompose()
    return str(found)


def test_a_machine_that_guesses_is_slowed_down(stranger: Browser, serial: str) -> None:
    answers = [stranger.get("/verify/27142-26-0001-AAAAAAAA").status_code for _ in range(31)]
    assert answers[0] == 404 and answers[-1] == 429
    assert "Chờ một phút rồi thử lại" in stranger.get(f"/verify/{serial}").text


def test_a_superseded_and_a_withdrawn_one_say_so(
    office: Office, lan: Browser, stranger: Browser, serial: str
) -> None:
    lan.submit("/cases/1", "/cases/1/move", status="in_progress")
    office.clock.wait(hours=7)
    office.services.cases.reply(office.actor("lan"), 1, ReplyKind.RESULT, "Nay đã xong.")
    lan.submit("/cases/1/certificates", "/cases/1/certificates")
    newer = soup(lan.get("/cases/1/certificates")).select_one(".certificate .code").text
    page = stranger.get(f"/verify/{serial}")
    assert "Giấy này đã được thay" in page.text and newer in page.text
    assert "kết luận: xử lý quá hạn" in stranger.get(f"/verify/{newer}").text
    lan.submit("/cases/1/certificates", "/certificates/2/withdraw", reason="Lập nhầm")
    page = stranger.get(f"/verify/{newer}")
    assert "đã bị đơn vị thu hồi" in page.text and "Lập nhầm" not in page.text


def test_a_withdrawal_without_a_reason_changes_nothing(lan: Browser, serial: str) -> None:
    lan.submit("/cases/1/certificates", "/certificates/1/withdraw", reason=" ")
    page = lan.get("/cases/1/certificates").text
    assert "Hãy ghi lý do thu hồi" in page and "đang có hiệu lực" in page


def test_the_file_is_checked_in_place_and_not_kept(
    office: Office, lan: Browser, stranger: Browser, serial: str
) -> None:
    proof = lan.get("/certificates/1.json").data
    before = _rows(office)
    for given in (
        {"file": (io.BytesIO(proof), "giay.json")},
        {"text": proof.decode()},
        {"text": proof.decode() + "\r\n"},
    ):
        page = stranger.submit("/verify", "/verify/check", **given)
        assert page.status_code == 200 and "Tệp hợp lệ" in page.text, given.keys()
        assert serial in page.text
    forged = proof.replace("trước hạn".encode(), "đúng hạn!".encode(), 1)
    page = stranger.submit("/verify", "/verify/check", file=(io.BytesIO(forged), "giay.json"))
    assert "Tệp không hợp lệ" in page.text and "Tệp hợp lệ" not in page.text
    assert _rows(office) == before


def _rows(office: Office) -> Any:
    from sqlalchemy import func, select

    from aggregator.storage.types import metadata

    with office.services.db.read() as tx:
        return {
            name: tx.scalar(select(func.count()).select_from(table))
            for name, table in metadata.tables.items()
        }


@pytest.mark.parametrize(
    "rubbish",
    [
        b"x",
        b"{}",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"{" * 5000,
        b"[" * 100_000,
        b'{"format":"motmoi/bundle/1"}',
        b"1" * 9999,
    ],
    ids=["a letter", "empty", "a list", "null", "no text", "braces", "deep", "only a name", "a long number"],
)
def test_rubbish_is_refused_politely(stranger: Browser, serial: str, rubbish: bytes) -> None:
    page = stranger.submit("/verify", "/verify/check", file=(io.BytesIO(rubbish), "x.json"))
    assert page.status_code == 200 and "Tệp không hợp lệ" in page.text
    assert "Error:" not in page.text and "form:" not in page.text, "no word of a programmer's"


def test_too_large_a_file_is_refused_before_it_is_read(stranger: Browser, case_id: int) -> None:
    page = stranger.submit("/verify", "/verify/check", file=(io.BytesIO(b"x" * 2_100_000), "x.json"))
    assert page.status_code == 413


def test_nothing_given_leads_back_to_the_form(stranger: Browser) -> None:
    assert stranger.submit("/verify", "/verify/check").location == "/verify"


def test_verifier_and_key_are_there_to_take_along(office: Office, stranger: Browser, serial: str) -> None:
    program = stranger.get("/verify/motmoi_check.py")
    assert b"def main(" in program.data and "attachment" in program.headers["Content-Disposition"]
    assert stranger.get("/verify/key.txt").text.strip() == office.services.certificates.found(serial).key


def test_a_key_is_made_before_anything_was_signed(stranger: Browser) -> None:
    key = stranger.get("/verify/key.txt").text.strip()
    assert len(bytes.fromhex(key)) == 32
    assert stranger.get("/verify/key.txt").text.strip() == key


def test_a_restricted_matter_shows_its_certificates_to_no_one(
    office: Office, lan: Browser, stranger: Browser, serial: str
) -> None:
    with office.services.db.write() as tx:
        tx.execute(text("UPDATE cases SET legal = 'recognised'"))
    assert stranger.get(f"/verify/{serial}").status_code == 404
    assert lan.get("/certificates/1.json").status_code == 404
    assert lan.get("/cases/1/certificates").status_code == 403


def test_over_a_ledger_that_was_rewritten_nothing_is_signed_and_the_page_says_so(
    office: Office, lan: Browser, serial: str
) -> None:
    lan.submit("/cases/1", "/cases/1/move", status="in_progress")
    office.services.cases.reply(office.actor("lan"), 1, ReplyKind.RESULT, "Nay đã xong.")
    with office.services.db.write() as tx:
        tx.execute(text("UPDATE ledger_entries SET hash = prev_hash WHERE kind = 'opened'"))
    answer = lan.submit("/cases/1/certificates", "/cases/1/certificates")
    assert answer.status_code == 503 and "Nhật ký không còn khớp" in answer.text
    assert lan.get("/certificates/1.json").status_code == 200, "what was signed before stands"
