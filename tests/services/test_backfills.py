"""Reading the past again: on the same path, behind the polls, and nothing twice whoever dies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed, NotFound, SchemaDrift, Transient
from aggregator.sdk.contract import Batch, Context, RawItem, Record, Span
from aggregator.services.views.channel import BackfillView
from aggregator.storage.report_tables import report_revisions
from tests.services.polling_world import Source, World

TENTH = date(2026, 11, 10)
CAN = {"can": {"backfill": "by_date", "fetch": True}}


class Archive(Source):
    """A source whose past can be asked for: everything it ever had, in pages."""

    def __init__(self) -> None:
        super().__init__()
        self.past: list[dict[str, Any]] = []
        self.asked: list[Span] = []
        self.before_past: Any = lambda number: None

    def keep(self, *ids: str) -> None:
        self.past += [{"id": number, "body": f"Cây đổ ở ngõ {number}"} for number in ids]

    def backfill(self, ctx: Context, span: Span, cursor: Mapping[str, Any] | None) -> Iterator[Batch]:
        self.asked.append(span)
        at, size = (cursor or {"n": 0})["n"], ctx.config["page_size"]
        while True:
            self.before_past(at)
            page = self.past[at : at + size]
            at += len(page)
            done = at >= len(self.past)
            batch = self._batch(ctx, page, {"v": 1, "n": at}, complete=done)
            yield Batch(
                batch.records, batch.items, batch.next_cursor, source_count=len(self.past), complete=done
            )
            if done:
                return

    def fetch(self, ctx: Context, external_id: str) -> tuple[Record, RawItem] | None:
        for row in self.past:
            if row["id"] == external_id:
                batch = self._batch(ctx, [row], None, complete=True)
                return batch.records[0], batch.items[0]
        return None


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


def archive(world: World, *ids: str) -> Archive:
    source = Archive()
    world.channel(source=source, **CAN)
    source.keep(*ids)
    world.poll_when_due()  # the next poll is a minute ahead
    return source


def begin(world: World, **what: Any) -> int:
    what = what or {"first": TENTH, "last": TENTH}
    return int(world.app.backfills.start(world.admin, "a", **what))


def seen(world: World, number: int) -> BackfillView:
    view: BackfillView = world.app.backfills.view(world.admin, "a", number)
    return view


def revisions(world: World) -> int:
    with world.app.db.read() as tx:
        return int(tx.scalar(select(func.count()).select_from(report_revisions)) or 0)


def test_days_of_the_past_come_on_the_same_path_and_the_polls_cursor_stays(both: World) -> None:
    source = archive(both, "1", "2", "3")
    source.unreadable.add("2")
    before = both.row().cursor
    number = begin(both)
    assert both.app.backfills.tick("worker-1").outcome == "ok"
    view = seen(both, number)
    assert (view.state, view.total, view.seen, view.stored, view.quarantined) == ("done", 3, 2, 2, 0)
    assert set(both.stored()) == {"1", "3"} and both.row().cursor == before
    span = source.asked[0]
    assert span.since is not None and span.until is not None
    assert span.since.isoformat() == "2026-11-09T17:00:00+00:00"  # midnight at the office
    assert (span.until - span.since).days == 1


def test_a_worker_that_dies_in_the_middle_loses_and_doubles_nothing(both: World) -> None:
    source = archive(both, *"12345678")
    number = begin(both)

    def die(at: int) -> None:
        if at == 4:
            raise KeyboardInterrupt

    source.before_past = die
    with pytest.raises(KeyboardInterrupt):
        both.app.backfills.tick("worker-1")
    assert (seen(both, number).seen, len(both.stored())) == (4, 4)
    assert both.app.backfills.tick("worker-2") is None  # the dead one's lease holds still
    source.before_past = lambda at: None
    both.clock.wait(seconds=121)
    both.polling.reap()
    both.poll_when_due()
    both.app.backfills.tick("worker-2")
    assert (seen(both, number).state, seen(both, number).seen) == ("done", 8)
    assert len(both.stored()) == revisions(both) == 8


def test_a_worker_that_stalled_cannot_move_the_stream_of_the_one_after(both: World) -> None:
    source = archive(both, "1", "2", "3", "4")
    number = begin(both)

    def taken_over(at: int) -> None:
        if at == 2:
            source.before_past = lambda at: None
            both.clock.wait(seconds=121)
            both.polling.reap()
            both.poll_when_due()
            both.app.backfills.tick("worker-2")

    source.before_past = taken_over
    assert both.app.backfills.tick("worker-1").outcome == "lost"
    assert (seen(both, number).state, seen(both, number).seen, revisions(both)) == ("done", 4, 4)


def test_a_poll_that_falls_due_goes_first_after_the_batch_at_hand(both: World) -> None:
    source = archive(both, "1", "2", "3", "4")
    number = begin(both)
    source.before_past = lambda at: both.due() if at == 0 else None
    result = both.app.backfills.tick("worker-1")
    assert (result.cut_short, seen(both, number).seen) == (True, 2)
    both.clock.wait(seconds=2)
    assert both.app.backfills.tick("worker-1") is None  # the poll is due
    assert both.poll_when_due().outcome == "ok"
    assert both.app.backfills.tick("worker-1").outcome == "ok"
    assert seen(both, number).state == "done"


def test_it_waits_for_other_channels_of_the_same_host(world: World) -> None:
    archive(world, "1")
    world.channel("b", host="a")
    begin(world)
    assert world.app.backfills.tick("worker-1") is None  # b is due
    world.poll_when_due("b")
    assert world.app.backfills.tick("worker-1") is not None


def test_single_reports_come_by_their_ids_and_unknown_ones_are_counted(both: World) -> None:
    archive(both, *(str(n) for n in range(25)))
    number = begin(both, ids=["3", "17", "17", " 24 ", "không có"])
    both.app.backfills.tick("worker-1")
    view = seen(both, number)
    assert (view.state, view.total, view.seen, view.missing) == ("done", 4, 3, 1)
    assert set(both.stored()) == {"3", "17", "24"}


def test_people_stop_it_and_let_it_go_on_where_it_stopped(world: World) -> None:
    source = archive(world, "1", "2", "3", "4")
    number = begin(world)
    source.before_past = lambda at: at == 0 and world.app.backfills.stop(world.admin, "a", number)
    world.app.backfills.tick("worker-1")
    assert (seen(world, number).state, seen(world, number).seen) == ("stopped", 2)
    world.clock.wait(seconds=20)
    assert world.app.backfills.tick("worker-1") is None
    source.before_past = lambda at: None
    world.app.backfills.go_on(world.admin, "a", number)
    world.app.backfills.tick("worker-1")
    assert (seen(world, number).state, seen(world, number).seen) == ("done", 4)


#: what goes wrong -> state, next try after at most seconds
TROUBLE = [(Transient("timeout"), "active", 30), (SchemaDrift("no list"), "failed", None)]


@pytest.mark.parametrize(("error", "state", "wait"), TROUBLE)
def test_trouble_is_the_backfills_own_and_not_the_channels(
    world: World, error: Exception, state: str, wait: int | None
) -> None:
    source = archive(world, "1", "2", "3")
    number = begin(world)

    def fail(at: int) -> None:
        if at:
            raise error

    source.before_past = fail
    world.app.backfills.tick("worker-1")
    view = seen(world, number)
    assert (view.state, view.seen, world.row().state) == (state, 2, "ok")
    assert str(error) in str(view.error)
    if wait is None:
        assert view.next_due_at is None
    else:
        assert view.next_due_at is not None
        assert 0 < (view.next_due_at - world.clock()).total_seconds() <= wait


def test_what_the_source_does_not_offer_is_said_and_strangers_are_turned_away(world: World) -> None:
    archive(world, "1")
    world.channel("b")
    with pytest.raises(MoveNotAllowed, match="days of the past"):
        world.app.backfills.start(world.admin, "b", first=TENTH, last=TENTH)
    with pytest.raises(MoveNotAllowed, match="by their ids"):
        world.app.backfills.start(world.admin, "b", ids=["1"])
    for first, last in ((TENTH, date(2026, 11, 9)), (None, TENTH), (date(2026, 11, 20), date(2026, 11, 21))):
        with pytest.raises(InputInvalid):
            world.app.backfills.start(world.admin, "a", first=first, last=last)
    with pytest.raises(NotAllowed):
        world.app.backfills.start(world.minh, "a", first=TENTH, last=TENTH)
    with pytest.raises(NotFound):
        world.app.backfills.view(world.admin, "a", 999)
