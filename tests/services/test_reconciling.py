"""Days as the source counts them beside what we hold, and the channels that have gone quiet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed, NotFound, Transient
from aggregator.services.run_history import SHOWN
from aggregator.storage import alarm_queries, rhythm_queries, run_queries
from aggregator.storage.channel_tables import channel_hours, poll_runs
from tests.services.polling_world import START, World
from tests.services.test_backfills import CAN, TENTH, Archive, archive


@pytest.fixture
def both(database_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(database_url, tmp_path)
    yield made
    made.app.close()


@pytest.fixture
def world(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(sqlite_url, tmp_path)
    yield made
    made.app.close()


# Reconciliation -------------------------------------------------------------------------------------


def test_a_day_is_compared_with_the_sources_own_count_and_mended_by_a_backfill(both: World) -> None:
    source = archive(both, "1", "2", "3", "4")
    source.unreadable.add("4")
    source.send("1", "4")
    both.poll_when_due()
    (found,) = both.app.reconciling.count(both.admin, "a", TENTH, TENTH)
    assert (found.day, found.source, found.held, found.quarantined, found.missing) == (TENTH, 4, 1, 1, 2)
    both.app.backfills.start(both.admin, "a", first=TENTH, last=TENTH)
    both.app.backfills.tick("worker-1")
    (found,) = both.app.reconciling.count(both.admin, "a", TENTH, TENTH)
    assert (found.held, found.missing) == (3, 0)
    page = both.app.reconciling.page(both.minh, "a")
    assert page.by_day and page.days == (found,)
    assert (page.total_source, page.total_held, page.total_quarantined) == (2, 3, 1)
    assert both.row().lease_owner is None


def test_a_source_that_cannot_be_asked_for_days_still_has_its_total(world: World) -> None:
    world.channel("b").send("1", "2")
    world.poll_when_due("b")
    with pytest.raises(MoveNotAllowed):
        world.app.reconciling.count(world.admin, "b", TENTH, TENTH)
    page = world.app.reconciling.page(world.admin, "b")
    assert (page.by_day, page.total_source, page.total_held) == (False, 2, 2)


def test_counting_that_fails_leaves_the_channel_as_it_was(world: World) -> None:
    source = archive(world, "1")

    def fail(at: int) -> None:
        raise Transient("timeout")

    source.before_past = fail
    before = world.row()
    with pytest.raises(Transient):
        world.app.reconciling.count(world.admin, "a", TENTH, TENTH)
    after = world.row()
    assert (after.state, after.failures, after.lease_owner) == (before.state, before.failures, None)
    for person, error in ((world.minh, NotAllowed), (world.hue, NotFound)):
        with pytest.raises(error):
            world.app.reconciling.count(person, "a", TENTH, TENTH)
    with pytest.raises(InputInvalid):
        world.app.reconciling.count(world.admin, "a", date(2026, 1, 1), TENTH)


# Silence --------------------------------------------------------------------------------------------


def lived(world: World) -> None:
    """Eight weeks of office hours behind the channel, up to now."""
    with world.app.db.write() as tx:
        channel = world.row().id
        for hours in range(8 * 7 * 24):
            at = START - timedelta(hours=hours + 1)
            local = at + timedelta(hours=7)
            if local.weekday() < 5 and 7 <= local.hour < 17:
                rhythm_queries.arrived(tx, channel, at, 3)


def test_a_silence_against_the_habit_is_told_once_and_ends_with_the_next_report(both: World) -> None:
    source = both.channel()
    both.poll_when_due()
    lived(both)
    both.clock.wait(hours=3)
    both.poll_when_due()
    assert both.app.watch.tick() == 0  # that may happen
    both.clock.wait(hours=19)
    both.poll_when_due()
    assert (both.app.watch.tick(), both.app.watch.tick()) == (1, 0)
    with both.app.db.read() as tx:
        (alarm,) = alarm_queries.open_in(tx, None)
    assert (alarm.kind, alarm.slug) == ("silence", "a")
    assert (alarm.data["low"], alarm.data["high"]) == (15, 15)
    source.send("1")
    both.poll_when_due()
    with both.app.db.read() as tx:
        assert alarm_queries.open_in(tx, None) == []


def test_what_is_read_again_is_no_arrival(world: World) -> None:
    archive(world, "1", "2")
    world.app.backfills.start(world.admin, "a", first=TENTH, last=TENTH)
    world.app.backfills.tick("worker-1")
    with world.app.db.read() as tx:
        assert tx.scalar(select(func.count()).select_from(channel_hours)) == 0


# Old runs -------------------------------------------------------------------------------------------


def test_runs_that_brought_nothing_become_totals_of_their_day(both: World) -> None:
    source = both.channel()
    source.send("1")
    source.go_wrong = [None, Transient("timeout")]
    for _ in range(30):
        both.poll_when_due()
    assert both.app.run_history.prune() == 0
    both.clock.wait(days=2)
    both.poll_when_due()
    gone = both.app.run_history.prune()
    assert both.app.run_history.prune() == 0
    with both.app.db.read() as tx:
        left = tx.scalar(select(func.count()).select_from(poll_runs))
        (day,) = run_queries.days(tx, both.row().id, TENTH)
    assert (gone, left) == (31 - SHOWN - 2, SHOWN + 2)  # the one that stored and the one that failed stay
    assert (day.runs, day.failures, day.stored) == (31 - SHOWN, 1, 1)
    assert len(both.channels.view(both.admin, "a").runs) == SHOWN


def test_backfills_are_no_runs_of_the_list(world: World) -> None:
    source = Archive()
    world.channel(source=source, **CAN)
    world.poll_when_due()
    world.app.backfills.start(world.admin, "a", ids=["1"])
    world.app.backfills.tick("worker-1")
    assert [run.kind for run in world.channels.view(world.admin, "a").runs] == ["poll"]
