"""What mutated payloads have found: each stays mended, for all that takes such bytes."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime
from random import Random

import pytest

import connectors.email
import connectors.walk_in
from aggregator.domain.marks import few_marks
from aggregator.domain.text import clean, fold
from aggregator.errors import InputInvalid
from aggregator.sdk import cassette
from aggregator.sdk.answers import Response, whole_number
from aggregator.sdk.cassette_people import Invented
from aggregator.sdk.cassette_proof import survivors
from aggregator.sdk.cassette_scrub import Scrubber
from aggregator.sdk.conformance.quality import load_quality
from aggregator.sdk.conformance.stages import START
from aggregator.sdk.contract import BadRecord, ConfigInvalid, Permanent, RawItem, SchemaDrift
from aggregator.sdk.html import form_fields, soup, stacked
from aggregator.sdk.links import file_name, joined
from aggregator.sdk.lint import findings
from aggregator.sdk.manifest import FILE
from aggregator.sdk.settings_schema import check_schema
from aggregator.sdk.sheet_drop.reader import rows_of
from connectors.email import letters
from tests.fuzz import corpus
from tests.fuzz.journeys import portal
from tests.fuzz.mail_servers import Imap
from tests.fuzz.mutators import Sample
from tests.fuzz.played import Answers, Kept
from tests.fuzz.targets_calls import _context

#: Normalising them takes half a minute: a test that hangs here has found its old fault again.
MARKS = "\u0301\u0323" * 100_000


@pytest.mark.parametrize(
    ("charset", "note"),
    [("undefined", "a charset that exists and always refuses"), ("a\x00b", "a name that no look-up takes"),
     ("hex", "no charset of texts"), ("x-khong-co", "one that nobody knows")],
)  # fmt: skip
def test_a_charset_that_cannot_be_used_is_left_for_the_next_one(charset, note):
    content_type = f'text/html; charset="{charset}"'
    assert Response(200, {"Content-Type": content_type}, "Ổ gà".encode(), "").text == "Ổ gà", note


@pytest.mark.parametrize(
    ("text", "number", "note"),
    [("12", 12, "digits"), ("²", None, "a digit to Python, and no number"), ("٣", None, "other scripts"),
     ("9" * 5_000, None, "more than Python reads"), ("9" * 18, 10**18 - 1, "as many as any database holds"),
     ("", None, "nothing"), ("-1", None, "a sign"), ("1.0", None, "a fraction")],
)  # fmt: skip
def test_a_whole_number_is_one_to_everybody(text, number, note):
    assert whole_number(text) == number, note


@pytest.mark.parametrize("length", ["²", "9" * 5_000, "-1", "x"])
def test_a_length_that_is_none_does_not_end_a_poll_in_an_error_of_ours(length):
    played = portal("hue_token")
    poll = played.journeys[0]
    headers = (*poll.answers[0].headers, ("Content-Length", length))
    spoiled = [Kept(poll.answers[0].key, 200, headers, poll.answers[0].sample), *poll.answers[1:]]
    try:
        assert len(played.walk(poll, spoiled)[0].records) > 0
    except SchemaDrift as error:
        assert length == "9" * 5_000 and "body refused" in error.message


@pytest.mark.parametrize(
    ("read", "note"),
    [(clean, "before it is stored"), (fold, "before it is compared"), (few_marks, "at the door")],
)
def test_marks_without_end_are_cut_to_what_languages_use(read, note):
    assert len(read("a" + MARKS)) <= 40, note


def test_words_with_as_many_marks_as_people_write_are_left_alone():
    text = "Đèn đường " * 200
    assert few_marks(text) is text
    assert few_marks("\u1ed5" + "\u0301" * 30) == "\u1ed5" + "\u0301" * 30


def test_a_page_nests_no_deeper_than_in_a_browser():
    page = soup("<div>" * 10_000 + "<p>Ổ gà</p>")
    assert max(sum(1 for _ in node.parents) for node in page.find_all("p")) < 300
    assert page.get_text() == "Ổ gà"


def test_rows_in_rows_in_rows_are_tags_that_nobody_closed():
    layout = soup("<table><tr><td><table><tr><td>x</td></tr></table></td></tr></table>")
    unclosed = soup("<table><tr><td>" * 60)
    assert not stacked(layout.select("tr"))
    assert stacked(unclosed.select("tr"))


def test_each_list_of_a_form_has_its_own_options():
    form = soup(
        "<form><select name=a><option value=1><option value=2 selected></select>"
        "<select name=b><option>x</select><select name=c></select>"
        "<datalist><option value=9></datalist><input name=d value=4></form>"
    ).form
    assert form is not None
    assert form_fields(form) == {"a": "2", "b": "x", "d": "4"}


def test_an_excel_file_without_a_sheet_is_told():
    made = io.BytesIO()
    kinds = "http://schemas.openxmlformats.org/package/2006"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(made, "w") as book:
        book.writestr("xl/workbook.xml", f'<workbook xmlns="{main}"><sheets/></workbook>')
        book.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{kinds}/relationships"/>')
    with pytest.raises(SchemaDrift):
        list(rows_of(made, "phan-anh.xlsx"))


def test_an_excel_file_of_a_zip_version_that_is_not_yet_there_is_told():
    made = bytearray(corpus.tables()[-1].content)
    made[made.rfind(b"PK\x01\x02") + 6] = 148
    with pytest.raises(SchemaDrift):
        list(rows_of(io.BytesIO(made), "phan-anh.xlsx"))


@pytest.mark.parametrize(
    ("schema", "note"),
    [({"type": [{}]}, "a type that is a table"), ({"required": [[]], "properties": {}}, "a list for a name"),
     ({"pattern": "a{99999999999}"}, "more repeats than there are numbers")],
)  # fmt: skip
def test_a_schema_of_the_wrong_kinds_is_told_and_not_stumbled_over(schema, note):
    assert check_schema(schema), note


@pytest.mark.parametrize("value", ["!!set {a: null}", "!!timestamp 2026-01-01", "!!binary eA=="])
def test_a_value_of_a_tag_that_no_manifest_has_is_told_by_its_place(tmp_path, value):
    (tmp_path / FILE).write_text(f"id: x\napi: 1\nkind: {value}\n", "utf-8")
    assert any(one.line == 3 for one in findings(tmp_path))


@pytest.mark.parametrize("value", ["!!float x", "!!timestamp x", "!!bool x", "!!int x", "!!binary é"])
def test_a_value_that_does_not_fit_its_tag_is_the_files_fault(tmp_path, value):
    for name in (FILE, "quality.yaml", cassette.FILE):
        (tmp_path / name).write_text(f"id: {value}\n", "utf-8")
    assert findings(tmp_path)
    with pytest.raises(ConfigInvalid):
        load_quality(tmp_path)
    with pytest.raises(InputInvalid):
        cassette.load(tmp_path)


@pytest.mark.parametrize(
    ("content", "note"),
    [(b"PK\x03\x04 and nothing else", "no archive"), (b"\x1f\x8b\x08" + b"\xff" * 30, "broken packing"),
     (b"\xff\xfe\x00", "half a letter of UTF-16")],
)  # fmt: skip
def test_what_cannot_be_unpacked_is_recorded_as_nothing(content, note):
    scrubber = Scrubber((), Invented())
    assert b"noi dung" in scrubber.body(content), note
    assert list(survivors(content, (), Invented())) == [], note


@pytest.mark.parametrize(
    ("id_", "content", "note"),
    [
        ("national_bus", {"observed_at": "2026-10-20T02:00:00+00:00", "rows": 7}, "rows that are a number"),
        (
            "portal_1022",
            {"id": 1, "ngayHetHan": "²", "latitude": 10**400},
            "digits that are none, a degree of 400",
        ),
    ],
)
def test_a_kept_item_of_another_kind_is_a_bad_record(id_, content, note):
    played = portal(id_)
    with pytest.raises(BadRecord):
        played.connector.remap(played.context(Answers(()), {}), RawItem(json.dumps(content).encode()))


@pytest.mark.parametrize("link", ["http://[", "http://[::1", "//[x"])
def test_a_link_that_is_no_address_is_told(link):
    with pytest.raises(SchemaDrift):
        joined("http://portal.test/x?a=1", link)
    assert file_name(link) == ""
    played = portal("hue_token")
    poll = played.journeys[0]
    moved = Kept(poll.answers[0].key, 302, (("Location", link),), poll.answers[0].sample)
    with pytest.raises(SchemaDrift):
        played.walk(poll, [moved])


def test_a_conversation_of_which_one_time_has_no_zone_is_a_bad_record():
    mails = [letters.Kept(one.content, START) for one in corpus.mails()[:2]]
    kept = letters.item_of(mails, "x").content.replace(b"+00:00", b"", 1)
    with pytest.raises(BadRecord):
        letters.letters_in(RawItem(kept, letters.THREAD, "x"))


def test_a_mail_taken_on_the_first_day_of_the_calendar_is_read():
    first = datetime(1, 1, 1, tzinfo=UTC)
    assert letters.read(b"Date: Tue, 10 Mar 2026 08:30:00 +0700\r\n\r\nx", first).at == first


DEEP = b'{"messages":' + b"[" * 10_000 + b"]" * 10_000 + b"}"


@pytest.mark.parametrize("id_", ["webhook", "zalo_oa", "hue_token", "national_bus", "portal_1022", "open311"])
@pytest.mark.parametrize("content", [DEEP, b"[1, 2", b'{"at": 1e30}', b"null"])
def test_kept_bytes_of_any_kind_are_a_record_or_a_bad_one(id_, content):
    played = portal(id_)
    with pytest.raises(BadRecord):
        played.connector.remap(played.context(Answers(()), {}), RawItem(content))


def test_a_form_nested_without_end_is_a_bad_record():
    with pytest.raises(BadRecord):
        connectors.walk_in.CONNECTOR.remap(_context(connectors.walk_in), RawItem(DEEP))


def test_a_row_of_something_else_than_texts_is_a_bad_record():
    import connectors.spreadsheet
    from tests.fuzz.targets_calls import _COLUMNS

    ctx = _context(connectors.spreadsheet, columns=_COLUMNS)
    with pytest.raises(BadRecord):
        connectors.spreadsheet.CONNECTOR.remap(ctx, RawItem(b'{"a": 1}', ref="x.csv row 2"))


@pytest.mark.parametrize("answers", [["x"], [None], [[1]], [7]])
def test_answers_that_are_no_objects_are_told_of_the_agency(answers):
    played = portal("webhook")
    lookup = next(one for one in played.journeys if one.name == "lookup")
    shown = Sample("json", json.dumps({"answers": answers}).encode(), "application/json")
    spoiled = [Kept(lookup.answers[0].key, 200, (("Content-Type", "application/json"),), shown)]
    with pytest.raises(Permanent):
        played.walk(lookup, spoiled)


class _Stutterer(Imap):
    def _answer(self, words):
        return super()._answer(words) * (300 if words[:2] == [b"UID", b"SEARCH"] else 1)


def test_a_mail_that_the_server_names_again_and_again_is_read_once():
    mails = [one.content for one in corpus.mails()[:2]]
    config = {"imap_url": "imap://portal.test:143", "address": "a@x.vn", "plain": True, "folders": ["INBOX"]}
    ctx = _context(connectors.email, **config)
    ctx.http.dial = lambda _url: _Stutterer(mails, 0, Random(1))
    found = [record for batch in connectors.email.CONNECTOR.poll(ctx, None) for record in batch.records]
    assert len({one.external_id for one in found}) == len(found) == 2
