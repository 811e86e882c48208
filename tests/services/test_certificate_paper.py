"""The paper says what the statement says, in letters that every machine prints, however long names are."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pypdf import PdfReader

from aggregator.domain.ledger import instant
from aggregator.domain.workflow import ReplyKind
from aggregator.services.certificate_paper import draw
from aggregator.services.certificates import Printed
from aggregator.settings import CertificateSettings, Settings
from tests.factories import MONDAY, Office

LOOK = CertificateSettings()
#: Every letter of Vietnamese with its marks, in both cases.
LETTERS = (
    "aáàảãạ ăắằẳẵặ âấầẩẫậ eéèẻẽẹ êếềểễệ iíìỉĩị oóòỏõọ ôốồổỗộ ơớờởỡợ uúùủũụ ưứừửữự yýỳỷỹỵ đ "
    "AÁÀẢÃẠ ĂẮẰẲẴẶ ÂẤẦẨẪẬ EÉÈẺẼẸ ÊẾỀỂỄỆ IÍÌỈĨỊ OÓÒỎÕỌ ÔỐỒỔỖỘ ƠỚỜỞỠỢ UÚÙỦŨỤ ƯỨỪỬỮỰ YÝỲỶỸỴ Đ"
)


@pytest.fixture
def office(sqlite_office: Office) -> Office:
    """The database has no part in the drawing."""
    return sqlite_office


@pytest.fixture
def printed(office: Office) -> Printed:
    case_id = office.opens("PA-0007", due_at=MONDAY + timedelta(hours=9))
    office.clock.forward(hours=8, minutes=40)
    office.cases.reply(office.lan, case_id, ReplyKind.RESULT, "Đã thay nắp hố ga.")
    return office.certificates.printed(office.lan, office.certificates.issue(office.lan, case_id).id)


def text(pdf: bytes) -> str:
    """All words of the paper, white space folded."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def unbroken(words: str) -> str:
    return re.sub(r"\s", "", words)


def with_said(printed: Printed, **said: Any) -> Printed:
    return replace(printed, statement={**printed.statement, **said})


def test_the_paper_tells_the_statement(printed: Printed) -> None:
    told = text(draw(printed, LOOK))
    for words in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", "ỦY BAN NHÂN DÂN PHƯỜNG A",
        "Số: 01/GXN-UBND", "A, ngày 02 tháng 03 năm 2026", "GIẤY XÁC NHẬN",
        "Về việc xử lý phản ánh, kiến nghị trong thời hạn", "Kết luận: XỬ LÝ TRONG HẠN",
        "Hạn: 17:00:00 ngày 02/03/2026. Trả lời: 16:40:00 ngày 02/03/2026.", "trước hạn 17:00",
        "kết luận: xử lý trong hạn", "PA-0007", "TM. ỦY BAN NHÂN DÂN CHỦ TỊCH", "Trang 1/1",
    ):  # fmt: skip
        assert words in told, words
    for words in (printed.view.serial, printed.address, printed.view.statement_sha256, printed.key):
        assert unbroken(words) in unbroken(told), words
    assert unbroken(printed.statement["verdict"]["sentence"]) in unbroken(told)


def test_a_late_case_says_so_in_its_title_and_on_top(printed: Printed) -> None:
    verdict = {**printed.statement["verdict"], "code": "late"}
    told = text(draw(with_said(printed, verdict=verdict), LOOK))
    assert "kiến nghị (quá hạn)" in told and "Kết luận: XỬ LÝ QUÁ HẠN" in told


def test_the_same_certificate_is_the_same_bytes(printed: Printed) -> None:
    assert draw(printed, LOOK) == draw(printed, LOOK)


def test_every_letter_of_vietnamese_is_in_the_embedded_fonts(printed: Printed) -> None:
    pdf = draw(with_said(printed, category=LETTERS), LOOK)
    assert unbroken(LETTERS) in unbroken(text(pdf))
    fonts = {
        str(font.get_object()["/BaseFont"]): font.get_object()
        for page in PdfReader(io.BytesIO(pdf)).pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index]
    }
    used = [name for name in fonts if "Tinos" in name]
    assert len(used) >= 3
    assert all("/FontFile2" in fonts[name]["/FontDescriptor"] for name in used), "not left to the reader"


def test_the_country_stands_above_only_where_the_office_wants_it(printed: Printed) -> None:
    look = CertificateSettings(motto=False, authority="UBND thành phố", signer=("CHỦ TỊCH", "Lê Văn Minh"))
    told = text(draw(printed, look))
    assert "CỘNG HÒA" not in told
    assert "UBND THÀNH PHỐ" in told and "CHỦ TỊCH Lê Văn Minh" in told


def test_without_a_public_address_serial_and_hash_remain(office: Office, printed: Printed) -> None:
    office.certifying(Settings())
    bare = office.certificates.printed(office.lan, printed.view.id)
    told = text(draw(bare, LOOK))
    assert bare.address == "" and "Kiểm tra tại" not in told
    assert unbroken(bare.view.statement_sha256) in unbroken(told) and bare.view.serial in told


def pages(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


def through_an_outage(printed: Printed, *, acts: int = 1) -> Printed:
    """The portal was away for two days, for reading and for writing, and has the answer since."""
    title = "Cổng 1022 thành phố"
    away = {"title": title, "channel": "1022", "gaps": [], "ours_maybe": False, "status": 503,
            "body_sha256": "a" * 64, "began_at": instant(MONDAY), "ended_at": instant(MONDAY),
            "last_failed_at": instant(MONDAY), "attempts": 5}  # fmt: skip
    outages = [
        {**away, "capability": "read", "code": "transient"},
        {**away, "capability": "write", "code": "unknown_outcome"},
    ]
    times = dict.fromkeys(("first_failed_at", "sent_at", "seen_at"), instant(MONDAY))
    sent = {"title": title, "by_hand": False, "attempts": 5, "error": "unknown_outcome", **times}
    named = [f"outages.{n}.{at}" for n in (0, 1) for at in ("began_at", "ended_at")]
    named += [f"deliveries.0.{at}" for at in times]
    named += [f"acts.{n}.at" for n in range(acts)]
    entry = {"value": "", "chain": "27142", "seq": 7, "field": "at"}
    facts = [*printed.statement["facts"], *({**entry, "name": name} for name in named)]
    sentence = printed.statement["verdict"]["sentence"] + f" {title} không truy cập được." * 5
    verdict = {**printed.statement["verdict"], "sentence": sentence}
    one = printed.statement["acts"][0]
    return with_said(
        printed, outages=outages, deliveries=[sent], verdict=verdict, acts=[one] * acts, facts=facts,
        unit="Phòng Kinh tế, Hạ tầng và Đô thị",
    )  # fmt: skip


def test_an_ordinary_case_is_one_sheet_even_where_its_portal_was_away(printed: Printed) -> None:
    (only,) = pages(draw(through_an_outage(printed), LOOK))
    assert "Trang 1/1" in only and "TM. ỦY BAN NHÂN DÂN" in only


@pytest.mark.parametrize("acts", [9, 24, 30])
def test_of_several_sheets_none_begins_with_the_signature_or_ends_with_a_title(
    printed: Printed, acts: int
) -> None:
    """At some of these lengths the signature alone would have gone over to the next sheet."""
    *earlier, last = pages(draw(through_an_outage(printed, acts=acts), LOOK))
    assert earlier, "the control: it needs more than one"
    above = last[: last.index("TM. ỦY BAN NHÂN DÂN")]
    assert "Mục nhật ký" in above and above.count("27142 #") >= 2
    for page in earlier:
        assert page.rfind("27142 #") > page.rfind("Mục nhật ký"), "a row after the heads"
    assert "".join([*earlier, last]).count("Phúc đáp (kết quả)") == acts


def test_six_channels_forty_events_and_endless_names_fit_their_pages(printed: Printed) -> None:
    long = "Phòng Kinh tế, Hạ tầng, Đô thị và Quản lý trật tự xây dựng khu vực " * 6
    endless = "ồn" * 160
    one = printed.statement["reports"][0]
    reports = [{**one, "title": f"Kênh {n} {long}", "source_id": "9" * 40} for n in range(6)]
    acts = [
        {"kind": "assigned", "at": instant(MONDAY + timedelta(hours=n)), "unit": endless if n % 2 else long,
         "who": {"role": "officer", "unit": long}}
        for n in range(40)
    ]  # fmt: skip
    facts = [
        {"name": f"acts.{n}.at", "value": acts[n]["at"], "chain": "27142", "seq": n, "field": "at"}
        for n in range(40)
    ] + [
        {"name": f"reports.{n}.at", "value": "", "chain": "27142", "seq": n, "field": "at"} for n in range(6)
    ]
    said = with_said(
        printed, reports=reports, acts=acts, facts=facts, category=endless, unit=long,
        ward={"code": "27142", "name": f"Phường {long[:90]}"}, reports_in_all=46, acts_in_all=90,
    )  # fmt: skip
    pdf = draw(said, LOOK)
    told = text(pdf)
    assert told.count("Giao") == 40
    assert "Còn 40 phản ánh khác" in told and "Còn 50 việc đã làm khác" in told
    last = len(pages(pdf))
    assert f"Trang {last}/{last}" in told
    assert unbroken(endless) in unbroken(told), "wrapped, not cut"


def test_words_that_look_like_markup_are_words(printed: Printed) -> None:
    told = text(draw(with_said(printed, category="<b>Nước</b> & <img src=x> thải"), LOOK))
    assert "<b>Nước</b> & <img src=x> thải" in told
