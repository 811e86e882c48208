"""Which kind of problem words name."""

import pytest

from aggregator.domain.kinds import AKIN, kinds, likeness
from aggregator.domain.text import tokens


def of(text: str) -> int:
    return kinds(tokens(text))


@pytest.mark.parametrize(
    ("one", "other", "note"),
    [
        ("Đèn đường cháy bóng", "cột đèn tối thui", "lighting"),
        ("rác chất đống", "đổ xà bần", "waste"),
        ("ngập nước sau mưa", "triều cường tràn vào", "drainage"),
        ("nắp cống bể", "hố ga mất nắp", "a cover"),
        ("ô tô đỗ kín đường", "xe hơi chắn lối", "parking"),
        ("hát karaoke", "mở nhạc khuya", "noise"),
    ],
)
def test_two_wordings_name_one_kind(one: str, other: str, note: str):
    assert likeness(of(one), of(other)) == 1, note


@pytest.mark.parametrize(
    ("one", "other", "note"),
    [
        ("trụ điện nghiêng", "đèn đường hỏng", "a pole and a lamp"),
        ("cây ngã", "rác nhiều", "a tree and rubbish"),
        ("ngập nước sau mưa", "nắp cống bể", "a flood and a cover, of one category"),
        ("chó cắn người", "hát karaoke", "a dog and a party"),
    ],
)
def test_two_kinds_have_nothing_in_common(one: str, other: str, note: str):
    assert likeness(of(one), of(other)) == -1, note


@pytest.mark.parametrize(
    "text",
    ["", "chờ đến tối", "đến công an phường", "công an phường không đến", "garbage in alley", "12 345"],
)
def test_words_that_name_no_kind(text: str):
    assert of(text) == 0


def test_accents_and_capitals_make_no_difference():
    assert of("Đèn đường") == of("DEN DUONG") == of("den duong") != 0


@pytest.mark.parametrize(
    ("one", "other", "alike", "note"),
    [
        ("rác đầy đường, xe tải không vào được", "rác thải bốc mùi", 1, "the first is what it is about"),
        ("xe hơi chắn lối, xe rác không vào được", "rác thải bốc mùi", 1 / 3, "rubbish is but a consequence"),
        ("cây ngã đè dây điện", "dây điện sà thấp", 1 / 3, "a tree, and what it fell on"),
        ("ô tô đỗ kín đường", "ổ gà rất sâu", AKIN, "both of the road"),
        ("kẹt xe cả buổi", "đường sụt lún", AKIN, "both of the road"),
        ("miệng cống", "nước ngập", 1, "a gully says not whether it overflows"),
        ("có chuyện lạ", "rác thải bốc mùi", 0, "one names none"),
    ],
)
def test_what_is_named_first_counts_most(one: str, other: str, alike: float, note: str):
    assert likeness(of(one), of(other)) == likeness(of(other), of(one)) == alike, note


def test_a_seven_seater_is_no_pack_of_dogs():
    assert likeness(of("chiếc bảy chỗ chắn lối"), of("chó cắn người")) == -1


def test_what_is_stored_fits_a_signed_column_of_32_bits():
    assert 0 < of("cháy nổ bình gas, rác, ngập, cây ngã") < 2**31
