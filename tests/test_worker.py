"""A worker looks by itself for what is due, shares it with others, and ends without loose ends."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator import bootstrap
from aggregator.services.clock import system_clock
from aggregator.settings import Settings
from aggregator.worker import Worker
from tests.services.polling_world import World

#: Seconds after which a wait for another thread gives up; reached only where something is broken.
PATIENCE = 30


class Rings(threading.Event):
    """Rings when `count` calls were made."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._left, self._lock = count, threading.Lock()

    def one(self, _number: int) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self.set()


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(database_url, tmp_path, system_clock, tick_s=0.05, worker_threads=2)
    yield made
    made.app.close()


def test_a_worker_polls_what_is_due_fetches_files_and_stops(world: World) -> None:
    files = Rings(2)
    for slug in ("a", "b"):
        source = world.channel(slug, interval_s=3600)
        source.send(f"{slug}1", f"{slug}2", f"{slug}3")
        source.send(f"{slug}4", files=[f"photo-{slug}"])
        source.files = {f"photo-{slug}": slug.encode()}
        fetch = source.fetch_attachment
        source.fetch_attachment = lambda ctx, ref, fetch=fetch: (files.one(0), fetch(ctx, ref))[1]
    worker = Worker(world.app)
    worker.start()
    assert files.wait(PATIENCE)
    assert worker.stop(PATIENCE)
    assert len(world.stored()) == 8 and {row.state for row in world.files()} == {"stored"}
    assert [run.outcome for run in world.runs()] == ["ok", "ok"]
    assert world.row("a").lease_owner is None


def test_two_workers_share_the_channels(world: World) -> None:
    slugs = [f"c{number}" for number in range(8)]
    polled = Rings(len(slugs))
    for slug in slugs:
        source = world.channel(slug, interval_s=3600)
        source.send(f"{slug}-1")
        source.before_batch = polled.one
    elsewhere = bootstrap.build(world.app.settings)
    elsewhere.connectors.update(world.app.connectors)  # type: ignore[attr-defined]
    here, there = Worker(world.app), Worker(elsewhere)
    assert here.owner != there.owner
    here.start()
    there.start()
    assert polled.wait(PATIENCE)
    assert here.stop(PATIENCE) and there.stop(PATIENCE)
    elsewhere.close()
    assert [world.sources[slug].polls for slug in slugs] == [1] * 8
    assert len(world.stored()) == 8


def test_stopping_waits_for_the_batch_under_way_and_gives_the_lease_back(world: World) -> None:
    source = world.channel("a")
    source.send("1", "2", "3")
    inside, go_on = threading.Event(), threading.Event()

    def block(_number: int) -> None:
        inside.set()
        assert go_on.wait(PATIENCE)

    source.before_batch = block
    worker = Worker(world.app)
    worker.start()
    assert inside.wait(PATIENCE)
    assert worker.stop(timeout_s=0) is False
    go_on.set()
    assert worker.stop(PATIENCE) is True
    row = world.row()
    assert set(world.stored()) == {"1", "2"} and row.lease_owner is None
    assert row.next_due_at is not None and row.next_due_at <= system_clock()


def test_waking_does_not_wait_for_the_tick(sqlite_url: str, tmp_path: Path) -> None:
    world = World(sqlite_url, tmp_path, system_clock, tick_s=3600)
    first, second = Rings(1), Rings(2)
    source = world.channel("a", interval_s=3600)
    source.before_batch = lambda number: (first.one(number), second.one(number))  # type: ignore[assignment,func-returns-value]
    worker = Worker(world.app)
    worker.wake()  # before the start it is no error
    worker.start()
    assert first.wait(PATIENCE)
    with worker._quiet:
        assert worker._quiet.wait_for(
            lambda: not worker._active["polls"] and not worker._active["poll_tick"], PATIENCE
        )
    world.channels.poll_now(world.admin, "a")
    worker.wake()
    assert second.wait(PATIENCE)
    assert worker.stop(PATIENCE)
    world.app.close()


def test_no_more_is_claimed_than_threads_are_free(sqlite_url: str, tmp_path: Path) -> None:
    world = World(sqlite_url, tmp_path, worker_threads=2)
    go_on, inside = threading.Event(), Rings(2)
    for slug in ("a", "b", "c"):
        source = world.channel(slug)
        source.before_batch = lambda number: (inside.one(number), go_on.wait(PATIENCE))  # type: ignore[assignment,func-returns-value]
    worker = Worker(world.app)
    worker.poll_tick()
    worker.poll_tick()
    assert inside.wait(PATIENCE)
    assert sum(world.row(slug).lease_owner is not None for slug in ("a", "b", "c")) == 2
    go_on.set()
    assert worker.stop(PATIENCE)
    world.app.close()


def test_a_heartbeat_that_fails_says_so_once_without_what_it_says(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app = bootstrap.build(Settings(database_url=f"sqlite:///{tmp_path}/never-migrated.db", data_dir=tmp_path))
    caplog.set_level(logging.INFO, "aggregator.worker")
    worker = Worker(app)
    beats = [worker._guarded(name, tick) for name, (tick, _) in worker._ticks.items()]
    for _ in range(3):
        for beat in beats:
            beat()
    said = [record.message.split(" failed")[0] for record in caplog.records]
    assert said == [
        "poll_tick",
        "webhook_tick",
        "backfill_tick",
        "outbox_tick",
        "sweep_tick",
        "recount_tick",
        "attachment_tick",
        "reap_tick",
        "remind_tick",
        "ledger_tick",
        "watch_tick",
        "unseen_tick",
        "words_tick",
        "tidy_tick",
        "privacy_tick",
    ]
    assert "no such table" not in caplog.text and "UPDATE" not in caplog.text
    from aggregator.storage.migrate import upgrade

    upgrade(f"sqlite:///{tmp_path}/never-migrated.db")
    for beat in beats:
        beat()
    assert sum("works again" in record.message for record in caplog.records) == 15
    app.close()
