"""Old one-byte Vietnamese: read rightly where it is said, noticed where it is not."""

import pytest

from aggregator.sdk import tcvn3
from aggregator.sdk.conformance.vietnamese import as_tcvn3

TEXT = "Hồ sơ nộp đã quá hẹn, đề nghị phường kiểm tra giúp: nước thải chảy ra hẻm, rất nặng mùi."


def test_text_reads_as_it_was_typed():
    assert tcvn3.decode(as_tcvn3(TEXT)) == TEXT


def test_capitals_without_a_tone_have_letters_of_their_own():
    assert tcvn3.decode(b"\xa7\xb5 N\xbdng, \xa1n") == "Đà Nẵng, Ăn"


@pytest.mark.parametrize("charset", ["cp1258", "latin-1", "cp1252"])
def test_text_read_in_another_charset_is_noticed(charset):
    assert tcvn3.looks_misread(as_tcvn3(TEXT).decode(charset, "replace"))


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (TEXT, "Vietnamese as it should be"),
        ("Windows® và Office®, «trích dẫn», 3½ m², §5, ¶ 2", "signs where they belong"),
        ("Le café est déjà payé à l’hôtel, naïve façade", "French"),
        ("", "nothing"),
    ],
)
def test_other_text_is_left_alone(text, note):
    assert not tcvn3.looks_misread(text), note
