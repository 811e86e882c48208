"""An answer that comes back from a portal is recognised by its words, and nothing else is."""

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.sdk.contract import Answer
from aggregator.sdk.echo import find_answer

SENT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
OURS = "Đã vá ổ gà, cảm ơn ông & bà.\nUBND phường"


@pytest.mark.parametrize(
    ("shown", "same", "note"),
    [
        (OURS, True, "as it was sent"),
        ("Đã vá ổ gà, cảm ơn ông &amp; bà. UBND phường", True, "entities, line end as space"),
        ("<p>Đã vá ổ gà, cảm ơn ông &amp; bà.</p><p>UBND phường</p>", True, "markup"),
        ("Đã vá ổ gà, cảm ơn ông & bà.\r\n\r\nUBND phường ", True, "line ends"),
        ("Đã vá ổ gà.", False, "a part of it"),
        (OURS + " Trân trọng", False, "more than it"),
        ("da va o ga, cam on ong & ba. ubnd phuong", False, "other letters are other words"),
    ],
)
def test_words_tell_our_answer(shown: str, same: bool, note: str) -> None:
    assert (find_answer([Answer(shown)], OURS) is not None) is same, note


def test_decomposed_accents_are_the_same_words() -> None:
    import unicodedata

    assert find_answer([Answer(unicodedata.normalize("NFD", OURS))], OURS) is not None


def test_the_last_one_shown_is_meant_and_an_earlier_use_of_the_words_is_not() -> None:
    old, new = Answer(OURS, SENT - timedelta(days=3)), Answer(OURS, SENT, remote_ref="2")
    assert find_answer([old, new], OURS) is new
    assert find_answer([old], OURS, since=SENT - timedelta(hours=12)) is None
    assert find_answer([Answer(OURS)], OURS, since=SENT) is not None  # a portal that tells no time
