"""Personal data inside texts: found where it stands, and not readable in what is compared. All invented."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.personal import Kind, comparable, personal
from aggregator.domain.text import clean, fold


@pytest.mark.parametrize(
    ("text", "value", "note"),
    [
        ("Xe 51F-123.45 đậu chắn lối", "51F-12345", "a car, as the plate has it"),
        ("xe 51f 12345", "51F-12345", "typed quickly"),
        ("bks 52a00631 phản ánh", "52A-00631", "nothing between"),
        ("BKS: 51F - 123.45.", "51F-12345", "spaces around the dash"),
        ("xe tải 51LD 12345", "51LD-12345", "two letters"),
        ("xe cũ 30A 1234", "30A-1234", "four digits, before 2010"),
        ("59X1-234.56", "59X1-23456", "a motorcycle"),
        ("29-B1 123.45", "29B1-12345", "the dash before the series"),
        ("59X1 2345", "59X1-2345", "an old motorcycle"),
        ("xe 80B1.234.56", "80B1-23456", "dots"),
    ],
)
def test_a_vehicle_plate_is_found(text: str, value: str, note: str):
    (found,) = personal(text)
    assert (found.kind, found.value) == (Kind.PLATE, value), note


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("hẻm 123/4/5 Lê Văn Sỹ", "an alley"),
        ("12/3A 1234 đồng", "an alley and a price"),
        ("nhà 540A Nguyễn Hữu Thọ", "a house with a letter"),
        ("rộng 20m2 1500 đồng", "an area and a price"),
        ("lúc 20h30 ngày 30/4/2026", "an hour and a date"),
        ("tổng đài 1022", "a short code"),
        ("12 LÊ LỢI 2345", "capitals"),
        ("@ubnd phường", "a mention"),
        ("", "nothing"),
    ],
)
def test_what_is_no_personal_data(text: str, note: str):
    assert personal(text) == [], note


def test_all_kinds_are_found_in_their_order():
    text = "Gọi 0903.123.456 hoặc ten.toi@vi-du.vn, xe 51F-123.45"
    found = personal(text)
    assert [each.kind for each in found] == [Kind.PHONE, Kind.EMAIL, Kind.PLATE]
    assert [text[each.start : each.end] for each in found] == [
        "0903.123.456", "ten.toi@vi-du.vn", "51F-123.45",
    ]  # fmt: skip


def test_a_plate_leaves_a_mark_by_which_equal_ones_are_equal():
    dotted, plain, other = (
        comparable(text, fold(text)) for text in ("xe 51F-123.45", "xe 51f12345", "xe 51F-123.46")
    )
    assert dotted.split() == plain.split() != other.split()


digits = st.integers(0, 99_999).map("{:05}".format)
pieces = st.one_of(
    digits.map(lambda number: f"51F-{number[:3]}.{number[3:]}"),
    digits.map(lambda number: f"59X1 {number}"),
    digits.map(lambda number: f"09031{number}"),
    digits.map(lambda number: f"nguoi.{number}@vi-du.vn"),
)


@given(st.text(max_size=60), pieces, st.text(max_size=60))
def test_spans_lie_in_the_text_and_hold_what_was_found(before: str, piece: str, after: str):
    text = clean(f"{before} {piece} {after}")
    found = personal(text)
    ends = [0, *(each.end for each in found)]
    assert all(end <= each.start < each.end <= len(text) for end, each in zip(ends, found, strict=False))
    for each in found:
        (again,) = personal(text[each.start : each.end])
        assert (again.kind, again.value) == (each.kind, each.value)


@given(pieces)
def test_personal_data_is_not_readable_in_what_is_compared(piece: str):
    text = unicodedata.normalize("NFC", f"Rác trước nhà 12 Lê Lợi, {piece}, đề nghị dọn")
    left = comparable(text, fold(text))
    assert "12 le loi" in left
    assert not {fold(piece), fold(piece).replace(".", "").replace("-", "")} & set(left.split(" "))
    assert not any(len(word) >= 5 and word.isdigit() for word in left.split())


@pytest.mark.parametrize(
    "hostile", ["a" * 100_000, "1" * 100_000, "51F-" * 25_000, "a@" * 50_000, "@" * 100_000]
)
def test_a_hundred_kilobytes_are_read_in_bounded_work(hostile: str):
    assert len(personal(hostile)) <= 8_000
