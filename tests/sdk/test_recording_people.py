"""Nobody survives in a recording, however the portal spells people."""

import base64
import gzip
import io
import json
import unicodedata
import zipfile
from datetime import UTC, datetime
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.sdk.cassette_findings import about, in_fields
from aggregator.sdk.cassette_letters import Letters, applied, layers
from aggregator.sdk.cassette_people import Invented, Kind, Value
from aggregator.sdk.cassette_proof import survivors
from aggregator.sdk.cassette_record import Session, Unclean, recording
from aggregator.sdk.cassette_recorder import Taken
from aggregator.sdk.cassette_scrub import Scrubber
from aggregator.sdk.contract import Location, Person, PushCommand, Record, SourceStatus

AT = datetime(2026, 10, 20, 2, 0, tzinfo=UTC)
NAME, PHONE, MAIL = "Nguyễn Thị Bích Ngọc", "0903 481 276", "bichngoc.nguyen@thu.example.vn"
ADDRESS, CITIZEN = "12/5 Lê Văn Sỹ, Phường 13, Quận 3", "079203012345"
TOLD = (
    (Kind.NAME, NAME),
    (Kind.PHONE, PHONE),
    (Kind.EMAIL, MAIL),
    (Kind.ADDRESS, ADDRESS),
    (Kind.ID, CITIZEN),
    (Kind.SECRET, "khoá-bí-mật"),
)
VALUES = [value for kind, text in TOLD for value in about(kind, text, "p")]


def bare(text):
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in plain if not unicodedata.combining(c))


def entities(text):
    return "".join(f"&#{ord(c)};" for c in text)


def codes(text):
    return "".join(f"\\u{ord(c):04x}" for c in text)


def scrubbed(content, kind="", values=VALUES, keep=()):
    invented = Invented()
    scrubber = Scrubber(values, invented, keep)
    return scrubber.body(content, kind), scrubber, invented


#: Who she becomes, and the same without accents.
STAND_IN = Invented().instead_of(VALUES[0])
PLAIN = bare(STAND_IN).lower()

SPELLINGS = {
    "as it is": str,
    "NFD": lambda t: unicodedata.normalize("NFD", t),
    "no accents": bare,
    "capitals": str.upper,
    "small letters": str.lower,
    "JSON with \\u": lambda t: json.dumps(t),
    "JSON inside JSON": lambda t: json.dumps(json.dumps(t)),
    "every letter \\u": codes,
    "\\u in capitals": lambda t: codes(t).replace("e", "E"),
    "percent": quote,
    "percent and plus": quote_plus,
    "percent twice": lambda t: quote(quote(t)),
    "numeric entities": entities,
    "hexadecimal entities": lambda t: "".join(f"&#x{ord(c):X};" for c in t),
    "entities for Vietnamese letters": lambda t: t.encode("ascii", "xmlcharrefreplace").decode(),
    "entities inside JSON": lambda t: json.dumps({"html": f"<b>{entities(t)}</b>"}),
    "NFD and percent": lambda t: quote(unicodedata.normalize("NFD", t)),
    "soft hyphens between letters": lambda t: "\u00ad".join(t),
    "wide spaces": lambda t: t.replace(" ", "\u00a0 \n"),
    "tags between words": lambda t: t.replace(" ", "</i> <b class='x'>"),
    "declared base64": lambda t: "data:text/plain;base64," + base64.b64encode(t.encode()).decode(),
    "base64 in a field": lambda t: json.dumps({"noiDungBase64": base64.b64encode(t.encode()).decode()}),
    "a mixture": lambda t: quote(t[:5]) + entities(t[5:9]) + codes(t[9:]),
}


@pytest.mark.parametrize("spelling", SPELLINGS, ids=str)
@pytest.mark.parametrize("text", [NAME, MAIL, ADDRESS, CITIZEN, PHONE])
def test_no_value_survives_in_any_spelling(text, spelling):
    page = f"Kính gửi phường,\n{SPELLINGS[spelling](text)}\nxin cảm ơn".encode()
    clean, scrubber, invented = scrubbed(page)
    assert clean != page
    assert not set(survivors(clean, scrubber.values.values(), invented))
    for letters in layers(clean.decode()):
        seen = bare(unicodedata.normalize("NFC", letters.chars)).lower().replace("\u00ad", "")
        assert bare(text).lower() not in " ".join(seen.split())
    # The proof is of use only if it finds each of them where they are left.
    assert set(survivors(page, VALUES, Invented()))


@pytest.mark.parametrize(
    ("written", "becomes", "note"),
    [
        ("Bà NGUYỄN THỊ BÍCH NGỌC", f"Bà {STAND_IN.upper()}", "capitals stay"),
        (
            "nguyen-thi-bich-ngoc.html",
            f"{PLAIN.replace(' ', '-')}.html",
            "a name in an address keeps its hyphens",
        ),
        ("nguyenthibichngoc", PLAIN.replace(" ", ""), "and an account its one word"),
        ("0903.481.276", "0900.000.001", "the dots of a number stay"),
        ("+84 903 481 276", "+84 900 000 001", "so does the country"),
        ("903481276", "900000001", "a number without its 0, as a table has it"),
        ("chị Ngọc báo", f"chị {STAND_IN.split()[-1]} báo", "a given name after its title"),
        ("ngọc thạch", "ngọc thạch", "a word is no name"),
    ],
)
def test_a_stand_in_is_written_as_its_predecessor_was(written, becomes, note):
    assert becomes in scrubbed(written.encode())[0].decode(), note


def test_the_same_person_stays_the_same_person():
    pages = [
        json.dumps({"hoTen": NAME}, ensure_ascii=False).encode(),
        f"<td>{NAME.upper()}</td>".encode(),
        bare(NAME).encode(),
    ]
    scrubber = Scrubber(VALUES, Invented())
    names = [bare(scrubber.body(page).decode()).lower() for page in pages]
    assert all(PLAIN in name for name in names)


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "cp1258"])
def test_a_page_keeps_its_charset(charset):
    text = f'<html><meta charset="{charset}"><td>Nguyen Thi Bich Ngoc</td><td>{PHONE}</td>'
    clean, *_ = scrubbed(text.encode(charset), f"text/html; charset={charset}")
    assert "Bich Ngoc" not in clean.decode(charset)
    assert "0900 000 001" in clean.decode(charset)


def test_people_leave_spreadsheets_and_packed_files():
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as book:
        book.writestr(
            "xl/sharedStrings.xml",
            f"<sst><si><r><t>Nguyễn </t></r><r><t>Thị Bích Ngọc</t></r></si><si><t>{PHONE}</t></si></sst>",
        )
        book.writestr(
            "docProps/core.xml",
            "<cp:coreProperties><dc:creator>Nguyễn Thị Bích Ngọc</dc:creator></cp:coreProperties>",
        )
        book.writestr("xl/media/image1.png", b"\x89PNG\r\n" + b"x" * 50)
    for content in (held.getvalue(), gzip.compress(f"ho ten;sdt\n{NAME};{PHONE}\n".encode())):
        clean, scrubber, invented = scrubbed(content)
        assert not set(survivors(clean, scrubber.values.values(), invented))
    with zipfile.ZipFile(io.BytesIO(scrubbed(held.getvalue())[0])) as book:
        assert len(book.read("xl/media/image1.png")) > 50  # a whole picture with nobody in it
        assert b"xxx" not in book.read("xl/media/image1.png")


def test_a_photograph_becomes_an_empty_picture():
    photo = b"\xff\xd8\xff\xe0" + b"somebody's face" * 100
    clean, scrubber, _ = scrubbed(photo, "image/jpeg")
    assert b"face" not in clean
    assert clean.startswith(b"\xff\xd8\xff")
    assert scrubber.emptied == 1
    page = json.dumps({"anh": base64.b64encode(photo).decode()})
    assert b"face" not in base64.b64decode(json.loads(scrubbed(page.encode())[0])["anh"])


@pytest.mark.parametrize(
    ("page", "gone", "note"),
    [
        ('{"hoTen": "Đỗ Văn Khánh"}', "Khánh", "a field's name tells of a name"),
        ('{"nguoiXuLy": "Đỗ Văn Khánh"}', "Khánh", "an officer is a person too"),
        ('{"access_token": "a1b2c3d4e5"}', "a1b2c3d4e5", "a token"),
        ('<input type="hidden" name="__RequestVerificationToken" value="Zx9Yw8">', "Zx9Yw8", "of a form"),
        ("<tr><th>Họ và tên</th><td>Đỗ Văn Khánh</td></tr>", "Khánh", "a label before its value"),
        ("<dt>Người gửi</dt><dd>Đỗ Văn Khánh</dd>", "Khánh", "in a list of terms"),
        ("<p>Người phản ánh: Đỗ Văn Khánh</p>", "Khánh", "in one line"),
        ("Mã;Họ tên;Nội dung\n1;Đỗ Văn Khánh;Đèn hỏng\n", "Khánh", "a column of a table"),
        ('<?xml version="1.0"?><r><ho_ten>Đỗ Văn Khánh</ho_ten></r>', "Khánh", "an XML element"),
        ("gọi 0914 223 344 nhé", "0914 223 344", "a telephone that nobody told of"),
        ("thư về khanh.do@congty.example.com.vn", "khanh.do", "an e-mail likewise"),
        ("CCCD 001099012345 của tôi", "001099012345", "a citizen's number"),
        ("số CMND: 025123456", "025123456", "an old one, after its word"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJsYW4ifQ.abcdefgh", "eyJzdWIiOiJsYW4ifQ", "a JWT names somebody"),
    ],
)  # fmt: skip
def test_what_the_connector_does_not_map_goes_too(page, gone, note):
    clean, *_ = scrubbed(page.encode(), values=list(in_fields(page, "")))
    assert gone not in clean.decode(), note


@pytest.mark.parametrize(
    ("page", "stays", "note"),
    [
        ('{"hoTen": "Ẩn danh"}', "Ẩn danh", "no name"),
        ('{"canBo": "UBND phường Nhiêu Lộc"}', "UBND phường Nhiêu Lộc", "an office"),
        ('{"id": 903481277, "ma": "26090348127"}', "26090348127", "the number of a report"),
        ("Lan can cầu bị gãy", "Lan can cầu", "a given name that is a word"),
        ("Đường 1022, ngày 05/03/2026 14:30", "05/03/2026 14:30", "a date is no telephone"),
    ],
)
def test_ordinary_words_stay(page, stays, note):
    values = [*in_fields(page, ""), Value(Kind.NAME, "Lan", weak=True)]
    assert stays in scrubbed(page.encode(), values=values, keep={"903481277"})[0].decode(), note


def test_a_one_word_name_goes_where_it_stands_alone_and_after_a_title():
    page = '{"nguoi": "Lan", "noiDung": "Lan can gãy, chị Lan báo"}'
    clean, *_ = scrubbed(page.encode(), values=[Value(Kind.NAME, "Lan", weak=True)])
    assert json.loads(clean)["nguoi"] != "Lan"
    assert json.loads(clean)["noiDung"].startswith("Lan can gãy, chị ")
    assert "chị Lan" not in json.loads(clean)["noiDung"]


@settings(max_examples=60, deadline=None)
@given(st.text("aâ\\u01é%2&#;<>\"' \nđ0ệ", max_size=40))
def test_undoing_escapes_never_loses_a_letters_place(text):
    for letters in layers(text):
        assert len(letters.chars) == len(letters.starts) == len(letters.ends)
        assert all(0 <= a <= b <= len(text) for a, b in zip(letters.starts, letters.ends, strict=True))
    assert applied(text, Letters.of(text).edits(0, len(text), "x") if text else ()) == ("x" if text else "")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30), st.sampled_from(sorted(SPELLINGS)), st.text(max_size=30))
def test_a_name_leaves_whatever_stands_around_it(before, spelling, after):
    page = f"{before}\n{SPELLINGS[spelling](NAME)}\n{after}".encode("utf-8", "replace")
    clean, scrubber, invented = scrubbed(page)
    assert not {each for each in survivors(clean, scrubber.values.values(), invented) if "name" in each}


def session_of(answer, records, **more):
    """What a recorder heard of one page."""
    taken = Taken(
        "GET", "https://cong.example.vn/a", {}, b"", 200, (("Content-Type", "application/json"),),
        json.dumps(answer, ensure_ascii=False).encode(), effect=False,
    )  # fmt: skip
    given = {"config": {}, "secrets": {}, "state": {}, "options": {}, **more}
    return Session(connector="mau", version="1", at=AT, taken=[taken], records=records, **given)


def report(body="Đèn hỏng", **person):
    return Record(
        external_id="1", occurred_at=AT, subject="Đèn", body=body, person=Person(**person),
        location=Location(area="Phường 13"),
    )  # fmt: skip


def test_a_name_and_an_address_in_pieces_go_too():
    answer = {"ho": "Đỗ", "ten": "Văn Khánh", "so": "12/5", "duong": "Cầu Đất", "khu": "Phường 13"}
    person = {"name": "Đỗ Văn Khánh", "address": "12/5 Cầu Đất, Phường 13"}
    kept = recording(session_of(answer, [report(**person)])).cassette.exchanges[0].answered.body.decode()
    for gone in ("Đỗ", "Khánh", "12/5", "Cầu Đất"):
        assert gone not in kept
    assert json.loads(kept)["khu"] == "Phường 13"  # a ward is nobody's


def test_a_value_that_stands_nowhere_is_a_doubt():
    """It came from an old font's letters, or was sent enciphered: it may be there still."""
    odd = session_of({"n": "§ç V¨n Kh¸nh"}, [report(name="Đỗ Văn Khánh")])
    with pytest.raises(Unclean, match="the name of report 1 was found nowhere"):
        recording(odd)
    assert recording(odd, doubtful=True).doubts


def test_settings_and_answers_are_scrubbed_with_the_pages():
    command = PushCommand(
        idempotency_key="k", external_id="1", kind="result", body=f"Chào chị {NAME}, đèn đã sáng.",
        status=SourceStatus.RESOLVED, at=AT, author_name="Đỗ Văn Khánh",
    )  # fmt: skip
    more = {"config": {"username": "khanh.dv", "paths": {"a": f"/x/{PHONE}"}}, "pushes": [command]}
    kept = recording(session_of({"n": NAME}, [report(name=NAME)], **more)).cassette
    assert NAME not in kept.pushes[0].body
    assert "Khánh" not in kept.pushes[0].author_name
    assert kept.config["username"] != "khanh.dv"
    assert PHONE not in kept.config["paths"]["a"]


def test_an_author_is_asked_about_what_only_a_person_can_judge():
    body = "Ông Trần Văn Bảy biết. Nhà tôi số 7 hẻm 3. Tài khoản 1903123456789. Đường Lê Lợi ngập."
    asked = recording(session_of({"b": body}, [report(body)])).review
    for words in ("Trần Văn Bảy", "Nhà tôi", "1903123456789"):
        assert any(words in line for line in asked)
    assert len(asked) == 3  # a street that bears a name is no question
