"""Any bytes are a letter or a refusal, and what citizens' programs send is read as it was meant."""

from __future__ import annotations

import contextlib
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.sdk.conformance.vietnamese import as_1258, as_tcvn3
from aggregator.sdk.contract import BadRecord, RawItem
from connectors.email import letters

TAKEN = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


def mail(body: bytes = b"Xin chao", **headers: str) -> bytes:
    lines = {"From": "mau@thu.example.vn", "Message-ID": "<a@x>", **headers}
    head = "\r\n".join(f"{name.replace('_', '-')}: {value}" for name, value in lines.items())
    return head.encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("headers", "body", "text", "note"),
    [
        ({"Content_Type": "text/plain; charset=utf-8"}, "Ổ gà".encode(), "Ổ gà", "UTF-8"),
        (
            {"Content_Type": "text/plain; charset=windows-1258"},
            "Đ\u00ea\u0300 nghi\u0323".encode("cp1258"),
            "Đề nghị",
            "windows-1258",
        ),
        ({}, unicodedata.normalize("NFD", "Ổ gà").encode(), "Ổ gà", "decomposed accents, no charset"),
        ({"Content_Type": "text/plain; charset=khong-co"}, "Ổ gà".encode(), "Ổ gà", "a charset nobody knows"),
        (
            {"Content_Type": "text/html; charset=utf-8"},
            "<p>Ổ gà</p><p>A &amp; B</p><script>x</script>".encode(),
            "Ổ gà\nA & B",
            "HTML alone",
        ),
        ({"Content_Transfer_Encoding": "base64"}, b"WGluIGNoYW8=!!", "Xin chao", "base64 with dirt"),
        ({"Content_Type": "multipart/mixed"}, b"no boundary", "", "a multipart that is none"),
    ],
)
def test_text_is_read_as_it_was_meant(headers, body, text, note):
    assert letters.read(mail(body, **headers), TAKEN).text == text, note


@pytest.mark.parametrize(
    ("subject", "shown", "note"),
    [
        ("=?utf-8?B?4buUIGfDoA==?=", "Ổ gà", "base64 words"),
        ("=?utf-8?Q?=E1=BB=94_g=C3=A0?=", "Ổ gà", "quoted words"),
        ("=?khong-co?B?4buUIGfDoA==?=", "Ổ gà", "a charset nobody knows"),
        ("=?utf-8?B?4buUIGf", "=?utf-8?B?4buUIGf", "broken off"),
        ("Ổ gà", "Ổ gà", "raw UTF-8"),
    ],
)
def test_subject_is_read_as_it_was_meant(subject, shown, note):
    assert letters.read(mail(Subject=subject), TAKEN).subject == shown, note


@pytest.mark.parametrize(
    ("date", "at", "note"),
    [
        ("Tue, 10 Mar 2026 08:30:00 +0700", TAKEN - timedelta(minutes=30), "a little earlier: believed"),
        ("Tue, 10 Mar 2026 10:30:00 +0700", TAKEN, "a clock that runs ahead"),
        ("Thu, 01 Jan 1970 00:00:00 +0000", TAKEN, "a device without a clock"),
        ("hôm qua", TAKEN, "no date"),
        ("Tue, 10 Mar 99999 08:30:00 +0700", TAKEN, "no year"),
    ],
)
def test_clock_starts_when_the_mail_was_taken(date, at, note):
    assert letters.read(mail(Date=date), TAKEN).at == at, note


@pytest.mark.parametrize(
    ("text", "left", "note"),
    [
        ("Cảm ơn.\n> Ổ gà", "Cảm ơn.", "quoted lines"),
        ("Cảm ơn.\nOn Tue, 10 Mar 2026, X wrote:\n> Ổ gà", "Cảm ơn.", "Gmail, English"),
        ("Cảm ơn.\nVào 09:00, Th 3, 10 thg 3, 2026 UBND\n<x@y> đã viết:\n> Ổ gà", "Cảm ơn.", "Gmail, folded"),
        ("Cảm ơn.\n-----Original Message-----\nFrom: x", "Cảm ơn.", "Outlook"),
        ("> Ổ gà", "> Ổ gà", "nothing but a quotation stays"),
        ("Vào ngõ 5 thì thấy rác\nrất nhiều", "Vào ngõ 5 thì thấy rác\nrất nhiều", "no quotation"),
    ],
)
def test_quotations_are_left_out(text, left, note):
    assert letters.without_quotes(text) == left, note


@given(st.binary(max_size=400))
def test_any_bytes_are_a_letter_or_a_refusal(content):
    with contextlib.suppress(BadRecord):
        letters.read(content, TAKEN)


HEADERS = ["From", "Subject", "Date", "References"]
HEADERS += [f"Content-{name}" for name in ("Type", "Disposition", "Transfer-Encoding")]


@given(
    st.dictionaries(
        st.sampled_from(HEADERS),
        st.text(st.characters(blacklist_characters="\r\n", blacklist_categories=["Cs"]), max_size=60),
    ),
    st.binary(max_size=80),
)
def test_any_headers_are_a_letter_or_a_refusal(headers, body):
    head = "\r\n".join(f"{name}: {value}" for name, value in headers.items())
    try:
        found = letters.read(head.encode() + b"\r\n\r\n" + body, TAKEN)
    except BadRecord:
        return
    letters.record_of(
        letters.item_of([letters.Kept(head.encode() + b"\r\n\r\n" + body, TAKEN)], "x"), ["own@x"]
    )
    assert found.message_id


@given(st.binary(max_size=60))
def test_any_kept_bytes_are_a_conversation_or_a_refusal(content):
    with pytest.raises(BadRecord):
        letters.record_of(RawItem(content), ["own@x"])


def test_letters_of_the_1990s_under_another_name_are_read_rightly():
    body = "Đèn trước nhà số 1 tắt đã ba đêm, hẻm rất tối."
    head = b"From: a@mau.example.vn\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    assert letters.read(head + as_tcvn3(body), TAKEN).text == body
    assert letters.read(head + as_1258(body), TAKEN).text == body


def test_bullets_and_fractions_of_a_western_mail_are_no_letters_of_the_1990s():
    body = "§ 1 · 2 · 3 · 4 · ½ café ©"
    head = b"From: a@mau.example.vn\r\nContent-Type: text/plain; charset=windows-1252\r\n\r\n"
    assert letters.read(head + body.encode("cp1252"), TAKEN).text == body
