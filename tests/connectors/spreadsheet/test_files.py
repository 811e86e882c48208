"""Files as they come: any encoding and delimiter, broken rows, things that are no tables."""

from __future__ import annotations

import gzip
import unicodedata
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from aggregator.sdk.contract import ConfigInvalid, SchemaDrift
from aggregator.sdk.sheet_drop.reader import Broken, rows_of
from connectors.spreadsheet import CONNECTOR, proposal_for
from tests.connectors.spreadsheet.sheets import HEADINGS, context, csv_text, line, poll_file, write_xlsx

CHICAGO = Path(__file__).parents[3].parent / "shared" / "data" / "chicago311_sanitation_2011_2014.csv.gz"


def windows_1258(text: str) -> bytes:
    """As Windows wrote it: base letters with their hats, tones as letters of their own."""
    written = []
    for char in unicodedata.normalize("NFC", text):
        try:
            written.append(char.encode("cp1258"))
        except UnicodeEncodeError:
            parts = unicodedata.normalize("NFD", char)
            tone = next(p for p in parts[1:] if p in "\u0300\u0301\u0303\u0309\u0323")
            base = unicodedata.normalize("NFC", parts.replace(tone, ""))
            written.append((base + tone).encode("cp1258"))
    return b"".join(written)


@pytest.mark.parametrize(
    ("encoded", "note"),
    [
        (lambda text: text.encode(), "UTF-8"),
        (lambda text: unicodedata.normalize("NFD", text).encode(), "UTF-8 from a Mac, accents apart"),
        (lambda text: text.encode("utf-8-sig"), "UTF-8 with a mark, as Excel saves it"),
        (lambda text: text.encode("utf-16"), "Excel's 'Unicode text'"),
        (lambda text: text.encode("utf-16-le"), "the same without its mark"),
        (lambda text: text.encode("utf-16-be"), "the same from a Mac"),
        (windows_1258, "an old export"),
        (lambda text: gzip.compress(text.encode()), "packed"),
        (lambda text: text.replace("\r\n", "\r").encode(), "line ends of an old Mac"),
        (lambda text: ("sep=,\r\n" + text).encode(), "Excel's hint in the first line"),
        (lambda text: ("BÁO CÁO TUẦN 47\r\n\r\nTừ ngày,16/11\r\n" + text).encode(), "a title above"),
        (lambda text: text.replace("SĐT", "SĐT,,").encode(), "nameless columns at the end"),
    ],
)
def test_the_same_report_from_every_way_of_writing_it(tmp_path: Path, encoded, note: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(encoded(csv_text([line(1, body="Nước thải đổ ra đường, mùi rất nặng")])))
    (record,) = poll_file(path).records
    body = unicodedata.normalize("NFC", record.body)
    assert body == "Nước thải đổ ra đường, mùi rất nặng", note
    assert record.occurred_at == datetime(2026, 11, 21, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_found_among_texts_full_of_the_others(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    rows = [line(n, body="Rác; bốc mùi, nặng\tlắm; khổ, quá, trời") for n in range(30)]
    path.write_text(csv_text(rows, delimiter=delimiter), "utf-8")
    assert len(poll_file(path).records) == 30


def test_a_cell_may_hold_several_lines_and_quotes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    text = 'Bảng ghi "Cấm đổ rác"\nnhưng vẫn đổ,\n\nmong xử lý'
    path.write_text(csv_text([line(1, body=text), line(2)]), "utf-8", newline="")
    polled = poll_file(path)
    assert polled.records[0].body == text
    assert polled.items[1].ref == "a.csv row 6", "the line in the file, not the count of reports"


@pytest.mark.parametrize(
    ("bad", "words", "note"),
    [
        ('PA-2,21/11/2026,"Rác,2 Lê Lợi,09', "quotes do not match", "never closed: would swallow the rest"),
        ('PA-2,21/11/2026,"Rác" ngõ 3,2 Lê Lợi,09', "quotes do not match", "text after the closing quote"),
        ("PA-2,21/11/2026", "it has 2 cells and the header 5", "cut off"),
        ("PA-2,21/11/2026,Rác, bốc mùi,2 Lê Lợi,09", "it has 6 cells and the header 5", "unquoted comma"),
    ],
)
def test_one_broken_row_costs_only_itself(tmp_path: Path, bad: str, words: str, note: str) -> None:
    path = tmp_path / "a.csv"
    before, after = csv_text([line(1)]), csv_text([line(3, body="Hố ga\nmất nắp"), line(4)])
    path.write_text(before + bad + "\r\n" + after.split("\r\n", 1)[1], "utf-8", newline="")
    polled = poll_file(path)
    assert polled.ids == ["PA-1", "PA-3", "PA-4"], note
    (problem,) = polled.problems
    assert words in str(problem.error)
    assert problem.error.row == 3
    assert problem.item.ref == "a.csv row 3"
    assert b"PA-2" in problem.item.content, "nothing that was sent is lost"


def test_empty_rows_and_empty_cells_past_the_end_are_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    good = ",".join(line(1))
    path.write_text(f"{','.join(HEADINGS)}\n\n{good},,,\n,,,,\n  , ,,,\n\n", "utf-8")
    polled = poll_file(path)
    assert (polled.ids, polled.problems) == (["PA-1"], [])


def test_two_columns_of_one_name_are_both_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Mã phản ánh,Ngày nhận,Ghi chú,Ghi chú,\n1,2026-11-21,gấp,đã gọi,x\n", "utf-8")
    columns = {"external_id": "Mã phản ánh", "received_at": "Ngày nhận", "body": "Ghi chú"}
    polled = poll_file(path, columns=columns)
    assert polled.records[0].body == "gấp"
    assert '"Ghi chú (2)":"đã gọi","(5)":"x"' in polled.items[0].content.decode()
    second = poll_file(path, columns={**columns, "body": "Ghi chú (2)"})
    assert second.records[0].body == "đã gọi"


_cell = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(st.lists(st.lists(_cell, min_size=3, max_size=3).filter(lambda row: row[0] != ""), max_size=8))
def test_what_was_written_as_csv_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    headings = ["Mã phản ánh", "Ngày nhận", "Nội dung"]
    path.write_text(csv_text(rows, headings), "utf-8", newline="")
    with path.open("rb") as handle:
        read = [cells for _, cells in rows_of(handle, "a.csv")]
    assert read == [headings, *rows]


@given(st.binary(max_size=400))
def test_any_bytes_are_a_table_or_a_channel_error(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("junk") / "a.csv"
    path.write_bytes(junk)
    with path.open("rb") as handle:
        try:
            for _, cells in islice(rows_of(handle, "a.csv"), 1000):
                assert isinstance(cells, Broken | list)
        except SchemaDrift as error:
            assert str(error).startswith("a.csv: ")


# Files that are no tables ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words", "note"),
    [
        (b"", "the file is empty", "nothing at all"),
        (b"\r\n \r\n", "the file is empty", "only line ends"),
        (
            b"<!doctype html><title>\xc4\x90\xc4\x83ng nh\xe1\xba\xadp",
            "a web page",
            "a login page saved as CSV",
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "an old Excel file", "or one with a password"),
        (b"PK\x03\x04" + b"x" * 99, "Excel file is damaged", "half an upload"),
        (gzip.compress(b"a,b\n" * 999, mtime=0)[:-9], "cut off", "half a packed upload"),
        ("Mã;Nội dung\n1;Nước thải".encode() + b"\xff\xfe\xff", "neither UTF-8", "damaged letters"),
        (
            # "Đường nhiều ổ gà, nước đọng" in TCVN3, whose bytes all mean something else elsewhere.
            b"M\xb7,N\xe9i dung\n1,\xa7\xad\xeang nhi\xd2u \xe6 g\xb5, n\xad\xedc \xae\xe4ng\n" * 5,
            "TCVN3",
            "an old font",
        ),
        (b"PA-1,21/11/2026,Tran Thi Buoi,0901234567\n" * 9, "none of the mapped headings", "no header row"),
    ],
)
def test_what_is_no_table_is_an_error_and_no_empty_success(
    tmp_path: Path, content: bytes, words: str, note: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(SchemaDrift) as caught:
        poll_file(path)
    assert words in str(caught.value), note
    assert "Buoi" not in str(caught.value), "a message is logged, so it repeats nobody's name"


def test_a_declared_encoding_that_is_wrong_says_where(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(csv_text([line(1)]).encode("utf-8") + b"\xff")
    with pytest.raises(SchemaDrift, match=r"not utf-8: a letter at byte \d+"):
        poll_file(path, encoding="utf-8")


def test_a_file_with_headings_alone_is_a_week_without_reports(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv_text([]), "utf-8")
    polled = poll_file(path)
    assert (polled.records, polled.batches[-1].complete) == ([], True)


# Excel -----------------------------------------------------------------------------------------


def test_excel_cells_read_as_they_look(tmp_path: Path) -> None:
    when = datetime(2026, 11, 21, 8, 30, 15)  # noqa: DTZ001 (Excel knows no zones)
    path = write_xlsx(
        tmp_path / "a.xlsx",
        [[1042, when, "Ổ gà", "12 Lê Lợi", 901234567], [1043, date(2026, 11, 21), "Rác", "", ""]],
    )
    first, second = poll_file(path).records
    assert (first.external_id, first.person.phone) == ("1042", "901234567"), "whole numbers, not 1042.0"
    assert first.occurred_at == datetime(2026, 11, 21, 1, 30, 15, tzinfo=UTC)
    assert second.occurred_at == datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


def test_the_first_sheet_that_people_see_is_read_and_another_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name, rows in {"Danh mục": [], "Tuần 47": [line(1)], "Tuần 48": [line(2)]}.items():
            sheet = book.add_worksheet(name)
            for number, cells in enumerate([HEADINGS, *rows], start=3):
                sheet.write_row(number, 1, cells)
            if name == "Danh mục":
                sheet.hide()
            if name == "Tuần 47":
                sheet.activate()
    polled = poll_file(path)
    assert polled.ids == ["PA-1"]
    assert polled.items[0].ref == "a.xlsx row 5", "the row as Excel numbers it"
    assert poll_file(path, sheet="Tuần 48").ids == ["PA-2"]
    with pytest.raises(ConfigInvalid, match="no sheet 'Tuần 49'"):
        poll_file(path, sheet="Tuần 49")


def test_an_empty_sheet_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet()
    with pytest.raises(SchemaDrift, match="is empty"):
        poll_file(path)


# A mapping for a file nobody mapped -------------------------------------------------------------


def test_a_mapping_is_proposed_from_the_file_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("BÁO CÁO TUẦN 47\n" + csv_text([line(1)]), "utf-8")
    assert proposal_for(path) == {
        "external_id": "Mã phản ánh",
        "received_at": "Ngày nhận",
        "body": "Nội dung",
        "address": "Địa chỉ",
        "phone": "SĐT",
    }
    path.write_text("1,2,3\n4,5,6\n", "utf-8")
    assert proposal_for(path) == {}


if CHICAGO.exists():

    def test_four_years_of_a_real_city_are_read_whole() -> None:
        columns = {
            "external_id": "sr",
            "received_at": "created",
            "subject": "nature",
            "category": "nature",
            "address": "address",
            "lat": "lat",
            "lng": "lon",
        }
        ctx = context(file=str(CHICAGO), columns=columns, formats={"timezone": "America/Chicago"})
        rows, ids, most = 0, set(), 0
        for batch in CONNECTOR.poll(ctx, None):
            rows += len(batch.records)
            ids |= {record.external_id for record in batch.records}
            most = max(most, len(batch.records))
            assert not batch.problems
        assert (rows, len(ids), most) == (74_217, 73_842, 1000)
