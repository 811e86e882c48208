"""A power cut between any two writes loses nothing acknowledged and tears nothing on SQLite (R2, I10).

A hundred and fifty images here, a hundred thousand by `make powercuts`; the control shows that waiting for
the disk at every commit is what it takes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import hasty_engines
from tests.powercut.campaign import campaign
from tests.powercut.platter import Platter
from tests.powercut.recorder import Mark, Remove, Sync, Truncate, Write, available

watched = pytest.mark.skipif(not available(), reason="this Python's own SQLite cannot be watched")


@pytest.fixture(autouse=True)
def _careful() -> Iterator[None]:
    with hasty_engines.careful():
        yield


@watched
def test_after_a_power_cut_all_that_was_acknowledged_is_there(tmp_path: Path) -> None:
    found = campaign(tmp_path, 150)

    assert found.images == found.moments == 150 and found.resumed == 2
    assert found.faults == {}


@watched
def test_control_commits_that_do_not_wait_for_the_disk_lose_what_was_acknowledged(tmp_path: Path) -> None:
    found = campaign(tmp_path, 30, normal=True)

    assert found.lost
    assert not found.corrupt, "it loses, but the file stays whole"


def test_an_image_has_what_was_synced_and_of_the_rest_what_the_disk_likes() -> None:
    platter = Platter()
    for event in (
        Write("a", 0, b"1" * 1024), Sync("a"), Mark(1, 0, 0),
        Write("a", 0, b"2" * 1024), Write("b", 512, b"3"), Truncate("a", 600),
    ):  # fmt: skip
        platter.step(event)
    seen = {bytes(platter.image(random.Random(seed))["a"]) for seed in range(200)}

    assert platter.certain == {"a": b"1" * 1024}
    one, two = b"1" * 512, b"2" * 512
    assert seen == {
        # Neither, both or one of the two sectors; the file cut off or not.
        one + one, two + two, two + one, one + two,
        (one + one)[:600], (two + two)[:600], (two + one)[:600], (one + two)[:600],
    }  # fmt: skip
    platter.step(Sync("a"))
    platter.step(Remove("b"))
    assert platter.image(random.Random(1)) == {"a": (two + two)[:600]}
