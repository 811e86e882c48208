"""What one row says, and what is said about a row that says nothing usable."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.sdk.contract import BadRecord, ConfigInvalid, RawItem, SourceStatus
from aggregator.sdk.sheet_drop.cells import date_reader
from connectors.spreadsheet import CONNECTOR, FIELDS, propose_mapping
from tests.connectors.spreadsheet.sheets import MANIFEST, context, csv_text, line, poll_file, write_xlsx

HCM = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.mark.parametrize(
    ("cell", "utc", "note"),
    [
        ("2026-11-22T14:30:00+07:00", "2026-11-22T07:30", "ISO with its own zone"),
        ("2026-11-22 14:30", "2026-11-22T07:30", "ISO by the wall clock of Việt Nam"),
        ("2026-11-22", "2026-11-21T17:00", "a day alone begins at midnight there"),
        ("22/11/2026 14:30", "2026-11-22T07:30", "day first, as Vietnamese is written"),
        ("03/04/2026", "2026-04-02T17:00", "the third of April, not the fourth of March"),
        ("14:30 22/11/2026", "2026-11-22T07:30", "hour first, as portals print it"),
        ("22-11-2026", "2026-11-21T17:00", "dashes"),
        ("46348.604166667", "2026-11-22T07:30", "Excel's count of days, of a column without a format"),
        ("31/02/2026", None, "no such day"),
        ("11/22/2026", None, "month first is not guessed"),
        ("hôm qua", None, "words"),
        ("12345", None, "a number that is no day of our time"),
    ],
)
def test_dates_as_people_type_them(cell: str, utc: str | None, note: str) -> None:
    expected = datetime.fromisoformat(utc).replace(tzinfo=UTC) if utc else None
    assert date_reader(HCM)(cell) == expected, note


def test_named_forms_replace_day_first() -> None:
    read = date_reader(ZoneInfo("America/Chicago"), ["%m/%d/%Y"])
    assert read("07/04/2014") == datetime(2014, 7, 4, 5, 0, tzinfo=UTC)
    assert read("22/11/2014") is None


@given(
    st.integers(0, 3_400_000_000).map(lambda s: datetime.fromisoformat("1990-01-02") + timedelta(seconds=s))
)
def test_any_wall_clock_time_survives_being_written_down(wall: datetime) -> None:
    read = date_reader(HCM)
    expected = wall.replace(tzinfo=HCM).astimezone(UTC)
    assert read(wall.isoformat(" ")) == read(wall.strftime("%d/%m/%Y %H:%M:%S")) == expected


def test_every_field_of_a_full_row_arrives(tmp_path: Path) -> None:
    cells = {
        "external_id": "PA-1",
        "received_at": "21/11/2026 08:30",
        "subject": "Ổ gà",
        "body": "Ổ gà sâu trước cổng trường",
        "category": "Giao thông",
        "address": "12 Lê Lợi",
        "area": "Phường Bến Thành",
        "ward": "27142.0",
        "lat": "10.7769",
        "lng": "106.7009",
        "name": "Trần Thị Bưởi",
        "phone": "0901 234 567",
        "email": "buoi@example.org",
        "anonymous": "Có",
        "status": "Đang xử lý",
        "due_at": "28/11/2026",
        "urgency": "Khẩn",
        "url": "https://example.org/pa/1",
        "kind": "Kiến nghị",
    }
    assert cells.keys() == FIELDS.keys()
    path = tmp_path / "a.csv"
    path.write_text(csv_text([list(cells.values())], list(cells)), "utf-8")
    (record,) = poll_file(path, columns={field: field for field in cells}).records

    assert (record.external_id, record.subject, record.kind) == ("PA-1", "Ổ gà", "proposal")
    assert record.occurred_at == datetime(2026, 11, 21, 1, 30, tzinfo=UTC)
    assert record.due_at == datetime(2026, 11, 27, 17, 0, tzinfo=UTC)
    assert (record.location.lat, record.location.lng) == (10.7769, 106.7009)
    assert (record.location.ward_code, record.location.area) == ("27142", "Phường Bến Thành")
    assert record.person.name == "Trần Thị Bưởi"
    assert record.person.anonymous
    assert (record.status_raw, record.status) == ("Đang xử lý", SourceStatus.IN_PROGRESS)
    assert (record.urgency_raw, record.url) == ("Khẩn", "https://example.org/pa/1")


@pytest.mark.parametrize(
    ("field", "cell", "expected", "note"),
    [
        ("anonymous", "", False, "an empty box is not ticked"),
        ("anonymous", "Không", False, "a plain no"),
        ("anonymous", "x", True, "a tick"),
        ("anonymous", "xin giấu tên", True, "anything unclear guards the name"),
    ],
)
def test_a_doubtful_wish_for_anonymity_is_granted(
    tmp_path: Path, field: str, cell: str, expected: bool, note: str
) -> None:
    (record,) = one_row(tmp_path, field, cell).records
    assert record.person.anonymous is expected, note


def one_row(tmp_path: Path, field: str, cell: str, **config: Any) -> Any:
    path = tmp_path / "a.csv"
    headings = ["id", "ngày", "nội dung", field]
    path.write_text(csv_text([["1", "2026-11-21", "Đèn hỏng", cell]], headings), "utf-8")
    columns = {"external_id": "id", "received_at": "ngày", "body": "nội dung", field: field}
    return poll_file(path, columns=columns, **config)


@pytest.mark.parametrize("text", ["", "NA", "n/a", "-", "null"])
def test_a_place_without_numbers_is_no_place(tmp_path: Path, text: str) -> None:
    (record,) = one_row(tmp_path, "lat", text).records
    assert record.location.lat is None


def test_a_decimal_comma_is_read_where_the_channel_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id;ngày;vĩ;kinh\n1;2026-11-21;10,7769;106,7009\n", "utf-8")
    columns = {"external_id": "id", "received_at": "ngày", "lat": "vĩ", "lng": "kinh"}
    (record,) = poll_file(path, columns=columns, formats={"decimal_comma": True}).records
    assert (record.location.lat, record.location.lng) == (10.7769, 106.7009)


def test_a_link_that_runs_code_is_not_a_link(tmp_path: Path) -> None:
    (record,) = one_row(tmp_path, "url", "javascript:alert(1)").records
    assert record.url is None
    assert record.extra == {"url": "javascript:alert(1)"}


def test_a_complaint_against_an_official_keeps_its_word_for_intake_to_judge(tmp_path: Path) -> None:
    (record,) = one_row(tmp_path, "kind", "Tố cáo").records
    assert (record.kind, record.extra) == ("feedback", {"kind": "Tố cáo"})


def test_defaults_fill_empty_cells_and_missing_columns(tmp_path: Path) -> None:
    (record,) = one_row(tmp_path, "ward", "", defaults={"ward": "27142", "category": "Khác"}).records
    assert (record.location.ward_code, record.category_raw) == ("27142", "Khác")


@pytest.mark.parametrize(
    ("cells", "field", "words", "note"),
    [
        (["", "21/11/2026", "Rác"], "external_id", "is empty", "no id where ids are mapped"),
        (["2", "", "Rác"], "received_at", "is empty", "no date"),
        (["3", "31/02/2026", "Rác"], "received_at", "'31/02/2026' is not a date", "an impossible date"),
        (["4", "21/11/2062", "Rác"], "received_at", "in the future", "a slip of the finger"),
        (["5", "01/01/1900", "Rác"], "received_at", "before 1990", "Excel's empty date"),
        (["6", "Ông Nguyễn Văn A ở tổ 5 kể rằng", "Rác"], "received_at", "…' is not a date", "cut short"),
    ],
)
def test_a_row_that_cannot_be_a_report_says_where_and_what_to_do(
    tmp_path: Path, cells: list[str], field: str, words: str, note: str
) -> None:
    path = tmp_path / "tuan-47.csv"
    path.write_text(csv_text([["1", "21/11/2026", "Rác"], cells], ["id", "ngày", "nội dung"]), "utf-8")
    columns = {"external_id": "id", "received_at": "ngày", "body": "nội dung"}
    polled = poll_file(path, columns=columns)
    assert polled.ids == ["1"], "the row before it is read"
    (problem,) = polled.problems
    assert problem.error.field == field, note
    assert problem.error.row == 3
    assert str(problem.error).startswith(f"tuan-47.csv row 3: {field}")
    assert words in str(problem.error)
    assert problem.error.hint
    assert len(problem.error.message) < 100


@pytest.mark.parametrize("cell", ["mười", "nan", "inf", "91", "10,7"])
def test_a_latitude_that_is_none_is_a_problem(tmp_path: Path, cell: str) -> None:
    polled = one_row(tmp_path, "lat", cell)
    if cell == "nan":
        assert polled.records[0].location.lat is None, "what R and pandas write for nothing"
    else:
        assert polled.problems[0].error.field == "lat"


def test_a_row_without_title_and_text_is_still_a_report(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv_text([line(1, body="")]), "utf-8")
    (record,) = poll_file(path).records
    assert (record.subject, record.body, record.location.address) == ("", "", "1 Lê Lợi")


def test_without_an_id_column_a_row_is_known_by_what_it_says(tmp_path: Path) -> None:
    headings = ["Ngày", "Nội dung", "Trạng thái"]
    columns = {"received_at": "Ngày", "body": "Nội dung", "status": "Trạng thái"}
    first, second, edited = tmp_path / "1.csv", tmp_path / "2.csv", tmp_path / "3.csv"
    first.write_text(
        csv_text([["21/11/2026", "Rác", "Mới"], ["21/11/2026", "Đèn", "Mới"]], headings), "utf-8"
    )
    second.write_text(
        csv_text([["21/11/2026", " Đèn ", "Mới"], ["21/11/2026", "Rác", "Đã xử lý"]], headings), "utf-8"
    )
    edited.write_text(csv_text([["21/11/2026", "Rác thải", "Mới"]], headings), "utf-8")

    rac, den = poll_file(first, columns=columns).ids
    assert poll_file(second, columns=columns).ids == [den, rac], "re-sorted, and one has a new status"
    assert poll_file(edited, columns=columns).ids[0] not in (rac, den), "another text is another report"


def test_an_archived_row_maps_again_under_a_corrected_mapping(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv_text([line(1, date="11/21/2026"), line(2)]), "utf-8")
    polled = poll_file(path)
    (problem,) = polled.problems

    corrected = context(formats={"dates": ["%m/%d/%Y"]})
    assert CONNECTOR.remap(corrected, problem.item).external_id == "PA-1"
    assert CONNECTOR.remap(context(), polled.items[0]) == polled.records[0]
    with pytest.raises(BadRecord, match="row 2"):
        CONNECTOR.remap(context(), problem.item)
    with pytest.raises(BadRecord, match="not JSON"):
        CONNECTOR.remap(context(), RawItem(b"PA-1,21/11"))


def test_a_formula_is_data(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv_text([line(1, body='=HYPERLINK("http://evil.example")')]), "utf-8")
    assert poll_file(path).records[0].body == '=HYPERLINK("http://evil.example")'
    excel = write_xlsx(tmp_path / "b.xlsx", [["PA-1", "21/11/2026", "=1+1", "", ""]])
    assert poll_file(excel).records[0].body in ("0", "2"), "the value that Excel stored, computed by nobody"


# What a mapping may say ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"columns": {"recieved_at": "Ngày"}}, "'recieved_at' is unknown; did you mean 'received_at'"),
        ({"columns": {"external_id": "Mã"}}, "received_at is missing"),
        ({"columns": {}}, "nothing is mapped"),
        ({"formats": {"timezon": "x"}}, "did you mean 'timezone'"),
        ({"formats": {"timezone": "Asia/Saigonn"}}, "timezone 'Asia/Saigonn' is unknown"),
        ({"defaults": {"phuong": "1"}}, "'phuong' is unknown"),
        ({"defaults": {"received_at": "2026-01-01"}}, "has no default"),
    ],
)
def test_a_wrong_mapping_is_named(tmp_path: Path, config: dict[str, Any], words: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv_text([line(1)]), "utf-8")
    with pytest.raises(ConfigInvalid) as caught:
        poll_file(path, **config)
    assert words in str(caught.value)


def test_a_heading_that_the_file_lacks_is_named_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv_text([line(1)]), "utf-8")
    columns = {"external_id": "Mã phản ánh", "received_at": "Ngay nhận", "address": "Nơi ở"}
    with pytest.raises(ConfigInvalid) as caught:
        poll_file(path, columns=columns)
    assert "'Ngay nhận' (nearest: 'Ngày nhận')" in str(caught.value)
    assert "'Nơi ở'" in str(caught.value)


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        (
            ["STT", "Mã phản ánh", "Ngày nhận", "Nội dung", "Địa chỉ", "SĐT", "Hạn xử lý", "Trạng thái"],
            {
                "external_id": "Mã phản ánh",
                "due_at": "Hạn xử lý",
                "received_at": "Ngày nhận",
                "body": "Nội dung",
                "address": "Địa chỉ",
                "phone": "SĐT",
                "status": "Trạng thái",
            },
        ),
        (
            ["MA PHAN ANH", "NGAY NHAN (dd/mm/yyyy)", "Nội dung phản ánh", "Họ và tên", "Kinh độ", "Vĩ độ"],
            {
                "external_id": "MA PHAN ANH",
                "received_at": "NGAY NHAN (dd/mm/yyyy)",
                "body": "Nội dung phản ánh",
                "lat": "Vĩ độ",
                "lng": "Kinh độ",
                "name": "Họ và tên",
            },
        ),
        (
            ["sr", "created", "completed", "status", "nature", "address", "zip", "lat", "lon"],
            {
                "external_id": "sr",
                "received_at": "created",
                "category": "nature",
                "address": "address",
                "lat": "lat",
                "lng": "lon",
                "status": "status",
            },
        ),
        (["Bảng kê", "", "Tuần 47"], {}),
    ],
)
def test_a_mapping_is_proposed_from_the_headings(headings: list[str], expected: dict[str, str]) -> None:
    assert propose_mapping(headings) == expected


def test_the_manifest_offers_just_the_fields_that_can_be_mapped() -> None:
    columns = MANIFEST.config_schema["properties"]["columns"]["properties"]
    assert sorted(columns) == sorted(FIELDS)
    assert not MANIFEST.capabilities.push_reply
