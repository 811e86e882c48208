"""Which kind of problem words name."""

import pytest

from aggregator.domain.kinds import kinds
from aggregator.domain.text import tokens


def of(text: str) -> int:
    return kinds(tokens(text))


@pytest.mark.parametrize(
    ("one", "other", "note"),
    [
        ("Đèn đường cháy bóng", "cột đèn tối thui", "lighting"),
        ("rác chất đống", "đổ xà bần", "waste"),
        ("ngập nước sau mưa", "nắp cống bể", "drainage"),
        ("ô tô đỗ kín đường", "ổ gà rất sâu", "the roads"),
        ("hát karaoke", "mở nhạc khuya", "noise"),
    ],
)
def test_two_wordings_name_one_kind(one: str, other: str, note: str):
    assert of(one) & of(other), note


@pytest.mark.parametrize(
    ("one", "other", "note"),
    [
        ("trụ điện nghiêng", "đèn đường hỏng", "a pole and a lamp"),
        ("cây ngã", "rác nhiều", "a tree and rubbish"),
        ("đến công an phường", "bóng đèn", "đến is no đèn"),
    ],
)
def test_two_kinds_have_nothing_in_common(one: str, other: str, note: str):
    assert not of(one) & of(other), note


@pytest.mark.parametrize(
    "text", ["", "chờ đến tối", "công an phường không đến", "garbage in alley", "12 345"]
)
def test_words_that_name_no_kind(text: str):
    assert of(text) == 0


def test_accents_and_capitals_make_no_difference():
    assert of("Đèn đường") == of("DEN DUONG") == of("den duong") != 0
