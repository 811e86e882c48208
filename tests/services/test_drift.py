"""A portal that does not look like itself is held in the first poll, whole, and a person decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.domain.polling import State
from aggregator.sdk.sandbox import Portal, Running, serve
from connectors.portal_1022 import sandbox as portal_1022
from tests.services.polling_world import START, WARD_A, World


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(database_url, tmp_path)
    yield made
    made.app.close()


def report(number: int) -> dict[str, Any]:
    return {
        "id": str(number), "subject": f"Ổ gà số {number}", "body": f"Đường hỏng trước nhà số {number}",
        "address": f"{number} Lê Lợi", "category": "Giao thông", "name": "Nguyễn Văn Thử",
        "created": (START - timedelta(days=3) + timedelta(minutes=number)).isoformat(),
    }  # fmt: skip


@pytest.fixture
def portal(world: World) -> Iterator[Running]:
    """A city's portal with sixty reports, read once, and for some polls since."""
    with serve(portal_1022.build({"reports": [report(n) for n in range(1, 61)]})) as running:
        options = {"allow_private": True, "min_gap_s": 0}
        config = {"base_url": running.url, "refresh_open_minutes": 1}
        world.channels.add(
            {"slug": "1022", "kind": "portal_1022", "ward": WARD_A, "config": config, "options": options}
        )
        assert world.poll_when_due("1022").counts.stored == 60
        for number in range(61, 65):
            running.portal.load([report(number)])
            assert world.poll_when_due("1022").counts.stored == 1
        yield running


def change(portal: Portal, **values: Any) -> None:
    """The portal shows every report so from now on."""
    portal.reports = {key: replace(one, **values) for key, one in portal.reports.items()}


def test_a_list_that_is_suddenly_empty_is_held_and_the_cursor_stays(world: World, portal: Running) -> None:
    cursor, kept = world.row("1022").cursor, dict(portal.portal.reports)
    portal.portal.reports.clear()
    result = world.poll_when_due("1022")
    assert (result.outcome, result.error_code) == ("failed", "drift_suspected")
    row = world.row("1022")
    assert row.state == State.PARSING_PROBLEM and row.cursor == cursor
    assert "danh sách trống" in (row.last_error_vi or "")
    (held,) = world.quarantined()
    assert (held.scope, held.state, held.tries) == ("page", "open", 1)
    world.poll_when_due("1022")
    (held,) = world.quarantined()
    assert held.tries == 2 and world.told("channel_down") == 1
    portal.portal.reports.update(kept)
    assert world.poll_when_due("1022").outcome == "ok"
    assert world.row("1022").state == State.OK and world.quarantined()[0].state == "superseded"


def test_addresses_that_vanish_everywhere_are_not_taken_over(world: World, portal: Running) -> None:
    change(portal.portal, address=None)
    result = world.poll_when_due("1022")
    assert result.error_code == "drift_suspected" and "địa chỉ" in (result.error_vi or "")
    assert set(world.stored().values()) == {1}  # nothing that was known was overwritten
    assert world.quarantined()[0].held is not None


def test_dates_that_jump_are_not_taken_over(world: World, portal: Running) -> None:
    portal.portal.reports = {
        key: replace(one, created=one.created - timedelta(days=90))
        for key, one in portal.portal.reports.items()
    }
    result = world.poll_when_due("1022")
    assert result.error_code == "drift_suspected" and "ngày gửi" in (result.error_vi or "")
    assert set(world.stored().values()) == {1}
