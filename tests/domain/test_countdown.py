"""Countdowns as an officer reads them in a list row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.domain.countdown import level, words
from aggregator.domain.sla import Stage

NOW = datetime(2026, 11, 3, 2, 0, tzinfo=UTC)

ROWS = [
    (timedelta(hours=3, minutes=20), "Còn 3 giờ 20 phút", "3 hours 20 minutes left", "hours and minutes"),
    (timedelta(minutes=5), "Còn 5 phút", "5 minutes left", "minutes alone"),
    (timedelta(minutes=1, seconds=59), "Còn 1 phút", "1 minute left", "never promises more than there is"),
    (timedelta(seconds=59), "Còn dưới 1 phút", "less than a minute left", "the last minute"),
    (timedelta(days=2), "Còn 2 ngày", "2 days left", "no empty hours"),
    (timedelta(days=2, minutes=59), "Còn 2 ngày", "2 days left", "days drop their minutes"),
    (timedelta(days=1, hours=1), "Còn 1 ngày 1 giờ", "1 day 1 hour left", "singular"),
    (
        timedelta(0),
        "Quá hạn dưới 1 phút",
        "less than a minute overdue",
        "the very instant, as the stage says",
    ),
    (timedelta(days=-2, hours=-4), "Quá hạn 2 ngày 4 giờ", "2 days 4 hours overdue", "overdue"),
    (timedelta(hours=-1), "Quá hạn 1 giờ", "1 hour overdue", "overdue by an hour"),
]


@pytest.mark.parametrize(("left", "vietnamese", "english", "note"), ROWS, ids=[row[3] for row in ROWS])
def test_a_countdown_tells_the_two_largest_units(
    left: timedelta, vietnamese: str, english: str, note: str
) -> None:
    assert words(NOW + left, NOW) == vietnamese, note
    assert words(NOW + left, NOW, "en") == english, note


def test_every_stage_has_a_level() -> None:
    assert [level(stage) for stage in Stage] == ["ok", "soon", "late", "paused", "done"]
    assert level("overdue") == "late"
