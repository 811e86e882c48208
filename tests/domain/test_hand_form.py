"""A source's form filled in with an answer, and a text too long for it in parts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.hand_form import LABELS, FormField, HandAnswer, HandForm, Value, filled, split

AT = datetime(2026, 11, 10, 18, 30, tzinfo=UTC)
ANSWER = HandAnswer("PA-7", "Đã xử lý", "Đã lấp ổ gà.", AT, "Trần Thị Lan", "Cán bộ", "Phường A")


def test_the_usual_form_has_what_the_answer_has_in_one_order() -> None:
    shown = {one.value: one.text for one in filled(HandForm(), ANSWER, 4000)}
    assert list(shown) == [
        Value.EXTERNAL_ID, Value.STATUS, Value.BODY, Value.DATE, Value.AUTHOR_NAME, Value.AUTHOR_TITLE,
        Value.UNIT,
    ], "no receiving body and no new deadline: left out"  # fmt: skip
    assert shown[Value.DATE] == "11/11/2026", "the office's day, not that of Greenwich"
    assert set(LABELS) == set(Value)


def test_a_sources_own_form_has_its_order_its_labels_its_dates_and_its_limits() -> None:
    form = HandForm(
        (
            FormField(Value.TRANSFER_TO, {"vi": "Chuyển đến"}),
            FormField(Value.DUE_AT, {"vi": "Gia hạn"}, form="%d-%m-%y %H:%M"),
            FormField(Value.BODY, {"vi": "Trả lời"}, most=10),
        )
    )
    answer = HandAnswer("7", "", "Đã lấp ổ gà.", AT, "", "", "", transfer_to="Điện lực", due_at=AT)
    told = filled(form, answer, 4000)
    assert [(one.label["vi"], one.text, one.left) for one in told] == [
        ("Chuyển đến", "Điện lực", None), ("Gia hạn", "11-11-26 01:30", None),
        ("Trả lời", "Đã lấp ổ gà.", -2),
    ]  # fmt: skip
    assert told[2].parts == ("Đã lấp ổ", "gà.")


@pytest.mark.parametrize(
    ("text", "most", "parts", "note"),
    [
        ("một hai ba bốn", 10, ("một hai ba", "bốn"), "no room for a number"),
        ("Đã xong. Cảm ơn ông bà.", 30, ("Đã xong. Cảm ơn ông bà.",), "it fits"),
        ("Câu một dài.\n\nCâu hai dài.", 24, ("(1/2) Câu một dài.", "(2/2) Câu hai dài."), "at a paragraph"),
        ("Câu một dài. Câu hai.", 20, ("(1/2) Câu một dài.", "(2/2) Câu hai."), "at a sentence"),
        ("a" * 30, 24, ("(1/2) " + "a" * 16, "(2/2) " + "a" * 14), "a word without an end is cut"),
        ("   ", 24, (), "nothing"),
    ],
)
def test_a_long_text_is_cut_where_a_reader_pauses(
    text: str, most: int, parts: tuple[str, ...], note: str
) -> None:
    assert split(text, most) == parts, note


@given(st.text(alphabet="ab ổ.,;\n", max_size=400), st.integers(1, 120))
def test_no_word_is_lost_and_no_part_is_too_long(text: str, most: int) -> None:
    parts = split(text, most)
    assert all(len(part) <= most for part in parts)
    numbered = parts and parts[0].startswith("(1/")
    bare = [part.split(") ", 1)[1] if numbered else part for part in parts]
    assert "".join("".join(bare).split()) == "".join(text.split())
