"""A portal that does not look like itself is held in the first poll, whole, and a person decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.domain.polling import State
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed, NotFound
from aggregator.sdk.sandbox import Fault, Portal, Running, serve
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


def test_what_a_person_calls_right_is_taken_in_and_is_the_look_from_now_on(
    world: World, portal: Running
) -> None:
    change(portal.portal, address=None)
    world.poll_when_due("1022")
    (held,) = world.app.quarantine.page(world.minh, "1022").items
    assert held.can_accept and "địa chỉ" in held.causes[0][0]
    with pytest.raises(NotAllowed):
        world.app.quarantine.accept(world.minh, "1022", held.id)
    taken = world.app.quarantine.accept(world.admin, "1022", held.id)
    assert taken.outcome == "ok" and taken.counts.revised > 10
    assert world.told("drift_accepted") == 1
    assert world.row("1022").next_due_at == world.clock()
    for _ in range(3):
        assert world.poll_when_due("1022").outcome == "ok"
    assert world.row("1022").state == State.OK
    portal.portal.load([{**report(70), "address": None}])
    assert world.poll_when_due("1022").counts.stored == 1
    with pytest.raises(MoveNotAllowed):
        world.app.quarantine.accept(world.admin, "1022", held.id)


def test_a_held_page_is_shown_beside_the_good_one_without_a_person_in_it(
    world: World, portal: Running
) -> None:
    change(portal.portal, address=None, name="Trần Văn Kín", phone="0912345678")
    world.poll_when_due("1022")
    (held,) = world.app.quarantine.page(world.lan, "1022").items
    shown = world.app.quarantine.item(world.lan, "1022", held.id)
    assert shown.same_thing and any(row.mark != "same" for row in shown.rows)
    words = " ".join(row.old + row.new for row in shown.rows)
    assert "Kín" not in words and "0912345678" not in words and "Lê Lợi" not in words
    with pytest.raises(NotFound):
        world.app.quarantine.item(world.hue, "1022", held.id)
    with pytest.raises(InputInvalid):
        world.app.quarantine.unmasked(world.lan, "1022", held.id, "  ")
    with pytest.raises(NotAllowed):
        world.app.quarantine.unmasked(world.admin, "1022", held.id, "xem cho biết")
    whole = world.app.quarantine.unmasked(world.lan, "1022", held.id, "đối chiếu với công văn")
    assert any("Ổ gà" in row.new for row in whole.rows)
    assert world.told("unmasked") == 1


def test_an_unreadable_report_is_counted_dismissed_with_a_reason_and_stays_so(world: World) -> None:
    source = world.channel()
    source.send("1", "2")
    source.unreadable.add("2")
    assert world.poll_when_due().counts.quarantined == 1
    for _ in range(3):
        source.records.append(source.records[1])
        world.poll_when_due()
    (item,) = world.app.quarantine.page(world.lan, "a").items
    assert item.tries == 4 and world.told("quarantined") == 1
    with pytest.raises(InputInvalid):
        world.app.quarantine.dismiss(world.admin, "a", [item.id], "")
    assert world.app.quarantine.dismiss(world.admin, "a", [item.id], "trang thử của cổng") == 1
    source.records.append(source.records[1])
    world.poll_when_due()
    assert world.app.quarantine.page(world.lan, "a").items == ()
    (gone,) = world.app.quarantine.page(world.lan, "a", "dismissed").items
    assert gone.reason == "trang thử của cổng" and gone.tries == 5


def test_one_item_can_be_read_again_alone(world: World) -> None:
    source = world.channel()
    source.send("1", "2", "3")
    source.unreadable.update("23")
    world.poll_when_due()
    newest, _older = world.app.quarantine.page(world.lan, "a").items
    source.unreadable.clear()
    assert world.app.quarantine.replay(world.admin, "a", newest.id).counts.stored == 1
    assert len(world.app.quarantine.page(world.lan, "a").items) == 1


def test_rows_alone_are_held_where_the_channel_wants_it_so(world: World, portal: Running) -> None:
    world.channels.change("1022", {"options": {"drift": {"coverage": "quarantine_row", "values": "accept"}}})
    portal.portal.load([report(number) for number in range(100, 300)])
    world.poll_when_due("1022")
    change(portal.portal, address=None)
    result = world.poll_when_due("1022")
    assert result.outcome == "ok" and result.counts.quarantined > 10
    assert set(world.stored().values()) == {1}


def test_an_honest_portal_that_was_away_for_a_week_is_taken_in_whole(world: World, portal: Running) -> None:
    portal.portal.faults.append(Fault("outage", None))
    world.poll_when_due("1022")
    portal.portal.load([report(number) for number in range(100, 400)])
    portal.portal.faults.clear()
    world.clock.wait(days=7)
    result = world.poll_when_due("1022")
    assert (result.outcome, result.counts.stored) == ("ok", 300)


def test_a_pinned_report_that_reads_otherwise_holds_everything_back(world: World) -> None:
    source = world.channel(can={"fetch": True})
    source.send("1", "2", "3")
    world.poll_when_due()
    for number in ("1", "2"):
        world.app.canaries.pin(world.admin, "a", number)
    world.poll_when_due()
    assert all(one.checked_at is not None for one in world.app.canaries.of(world.lan, "a"))
    source.send("2", body="Người dân viết thêm")  # one that was edited is news
    world.clock.wait(hours=7)
    assert world.poll_when_due().counts.revised == 1
    source.read_wrongly = True  # the text is taken from another element
    source.send("4")
    world.clock.wait(hours=7)
    result = world.poll_when_due()
    assert result.error_code == "drift_suspected" and "được ghim" in (result.error_vi or "")
    assert set(world.stored()) == {"1", "2", "3"}
    (held,) = world.app.quarantine.page(world.minh, "a").items
    assert world.app.quarantine.accept(world.admin, "a", held.id).counts.revised == 2
    assert world.poll_when_due().counts.stored == 1


def test_only_known_reports_of_ones_own_ward_are_pinned_and_only_three(world: World) -> None:
    source = world.channel(can={"fetch": True})
    source.send("1", "2", "3", "4")
    world.poll_when_due()
    for actor, number, refusal in (
        (world.lan, "1", NotAllowed),
        (world.hue, "1", NotFound),
        (world.admin, "9", InputInvalid),
    ):
        with pytest.raises(refusal):
            world.app.canaries.pin(actor, "a", number)
    for number in ("1", "2", "3"):
        world.app.canaries.pin(world.admin, "a", number)
    with pytest.raises(MoveNotAllowed):
        world.app.canaries.pin(world.admin, "a", "4")
    world.app.canaries.unpin(world.admin, "a", "1")
    world.app.canaries.pin(world.admin, "a", "4")
    world.channel("b")
    with pytest.raises(MoveNotAllowed):
        world.app.canaries.pin(world.admin, "b", "1")
    assert world.app.canaries.of(world.lan, "b") is None
