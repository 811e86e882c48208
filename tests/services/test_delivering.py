"""Batches: what goes together, what goes back, who may write to a host, and who waits for whom."""

from __future__ import annotations

import dataclasses
import random
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator import bootstrap
from aggregator.errors import Permanent, Transient, UnknownOutcome
from aggregator.sdk.contract import Context, PushCommand, PushResult
from aggregator.services.delivering import BATCH, RUN, DrainResult
from aggregator.settings import Settings
from aggregator.worker import Worker
from tests.services.outbox_world import Counter, World, counter_found

PATIENCE = 30


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def world(database_url: str, counter: Counter) -> Iterator[World]:
    found = {
        "counter": counter_found(counter),
        "deaf": counter_found(counter, "deaf", idempotency="none"),
    }
    world = World(database_url, found)
    yield world
    world.close()


def fine(_command: PushCommand) -> None:
    """The source takes it."""


def away(_command: PushCommand) -> None:
    raise Transient("no route")


def told(counter: Counter) -> list[str]:
    return [command.external_id for command in counter.commands]


def test_what_stands_behind_a_failure_goes_back_as_it_was(world: World, counter: Counter) -> None:
    world.many_answers(world.channel("counter"), 5)
    places = {row.id: row.next_attempt_at for row in world.rows()}
    counter.next_push += [fine, away]
    assert world.work() == DrainResult(sent=1, waiting=1)
    sent, tried, *rest = world.rows()
    assert (sent.state, tried.state, tried.attempts) == ("sent", "pending", 1)
    assert [(row.state, row.attempts, row.lease_owner) for row in rest] == [("pending", 0, None)] * 3
    assert [row.next_attempt_at for row in rest] == [places[row.id] for row in rest]
    assert [entry["state"] for entry in world.log_of(rest[0].id)] == [], "as if it had never been claimed"


def test_after_a_failure_one_goes_first_and_the_oldest_keep_their_places(
    world: World, counter: Counter
) -> None:
    world.many_answers(world.channel("counter"), 6)
    counter.next_push += [away, away, away]
    for _ in range(3):
        assert world.work() == DrainResult(waiting=1), "one a pause, whatever waits"
        world.clock.wait(240)
    assert world.work().sent == 6
    failed, (probe, *rest) = told(counter)[:3], told(counter)[3:]
    assert len({*failed, probe}) == 4, "each time another, lest one bad answer hold all"
    assert rest[:3] == failed, "what was tried meanwhile lost no place"


def test_an_answer_that_always_fails_does_not_keep_the_head_of_the_queue(
    world: World, counter: Counter
) -> None:
    world.many_answers(world.channel("counter"), 2 * BATCH)

    def push(ctx: Context, command: PushCommand, push: Any = counter.push) -> PushResult:
        if command.external_id.startswith("first"):
            raise Transient("this one alone")
        result: PushResult = push(ctx, command)
        return result

    counter.push = push  # type: ignore[method-assign]
    for _ in range(4):
        world.work()
        world.clock.wait(60)
    assert len(world.rows(state=("sent",))) == 2 * BATCH - 1


def test_a_message_in_doubt_stops_nobody_and_the_second_in_a_row_does(world: World, counter: Counter) -> None:
    def lost(_command: PushCommand) -> None:
        raise UnknownOutcome("reset")

    world.many_answers(world.channel("counter"), 6)
    counter.next_push += [lost, fine, lost, lost]
    assert world.work() == DrainResult(sent=1, waiting=3)
    assert [row.state for row in world.rows()] == [
        "confirming", "sent", "confirming", "confirming", "pending", "pending",
    ]  # fmt: skip


def test_a_refusal_is_that_answers_matter_alone(world: World, counter: Counter) -> None:
    def refused(_command: PushCommand) -> None:
        raise Permanent("too long")

    world.many_answers(world.channel("counter"), 4)
    counter.next_push += [refused, fine, refused]
    assert world.work() == DrainResult(sent=2, failed=2)


def test_of_a_source_that_cannot_be_read_back_one_answer_at_a_time_is_in_doubt(world: World) -> None:
    world.many_answers(world.channel("deaf"), 3)
    batch = world.outbox.claim("dies")
    assert batch is not None and len(batch.messages) == 1
    world.clock.wait(world.settings.lease_s)
    assert world.work() == DrainResult(sent=2, failed=1)


def test_a_dead_workers_batch_is_looked_up_and_the_rest_does_not_wait_for_that(
    world: World, counter: Counter
) -> None:
    world.many_answers(world.channel("counter", options={"settle_s": 600}), BATCH + 2)
    assert world.outbox.claim("dies") is not None
    assert world.work().total == 0, "its turn of the host still runs"
    world.clock.wait(world.settings.lease_s)
    assert world.work().sent == 2
    assert counter.looks == 0
    world.clock.wait(600)
    assert world.work().sent == BATCH
    assert counter.looks == BATCH


def test_slow_answers_are_begun_only_while_each_has_time_enough(world: World, counter: Counter) -> None:
    def slow(_command: PushCommand) -> None:
        world.clock.wait(20)

    world.many_answers(world.channel("counter"), 5)
    counter.next_push += [slow] * 5
    assert world.work().sent == 5
    deadlines = [command.attempt for command in counter.commands]
    assert deadlines == [1] * 5, "given back untried and claimed again: no try is counted"


@pytest.mark.parametrize(
    "seconds_each, following, why",
    [
        (0.001, RUN - BATCH, "as many as fit before the run may give way"),
        (0.1, 30, "what three seconds bring"),
        (1, BATCH, "of a slow source no more than at first"),
    ],
)
def test_a_batch_follows_what_its_source_takes_in_three_seconds(
    world: World, counter: Counter, seconds_each: float, following: int, why: str
) -> None:
    in_hand: list[int] = []

    def take(_command: PushCommand) -> None:
        in_hand.append(len(world.rows(state=("leased",))))
        world.clock.wait(seconds_each)

    world.many_answers(world.channel("counter"), 2 * RUN)
    counter.next_push += [take] * (BATCH + 1)
    assert world.work(limit=2 * RUN).sent == 2 * RUN
    assert in_hand == [BATCH] * BATCH + [following], why


@pytest.mark.parametrize("waiting, why", [(1, "it is looked up"), (3, "the others need not wait for that")])
def test_a_portal_that_is_back_has_an_answer_in_five_minutes_though_a_worker_dies_with_the_first(
    world: World, counter: Counter, monkeypatch: pytest.MonkeyPatch, waiting: int, why: str
) -> None:
    monkeypatch.setattr(random, "random", lambda: 1.0)  # each pause as long as it may be
    world.many_answers(world.channel("counter"), waiting)
    counter.next_push += [away] * 8
    while counter.next_push:
        world.work()
        world.clock.wait(30)
    back = world.clock()
    while world.outbox.claim("dies") is None:
        world.clock.wait(10)
    while not world.work().sent:
        world.clock.wait(10)
    assert world.clock() - back <= timedelta(minutes=5), why


# One worker a host ------------------------------------------------------------------------------------


def test_two_workers_never_write_to_one_host_at_once(world: World, counter: Counter) -> None:
    channels = [world.channel("counter", slug=slug, options={"min_gap_s": 5}) for slug in ("a", "b")]
    for channel in channels:
        world.set_schedule(channel, host_key="one host")
        world.many_answers(channel, 2)
    batch = world.outbox.claim("first", 1)
    other = world.another_worker()
    assert batch is not None and other.claim("second") is None
    assert world.outbox.deliver(batch).sent == 1
    assert other.claim("second") is None, "the host's pause holds between workers, too"
    world.clock.wait(5)
    following = other.claim("second")
    assert following is not None and following.channel.id != batch.channel.id, "the other channel's turn"


def test_a_worker_whose_turn_was_taken_claims_nothing_more(world: World, counter: Counter) -> None:
    world.many_answers(world.channel("counter"), 2 * BATCH)
    stalled = world.outbox.claim("stalled")
    assert stalled is not None
    world.clock.wait(world.settings.lease_s)
    taken_over = world.another_worker().claim("quick")
    assert taken_over is not None
    world.outbox.deliver(stalled, 2 * BATCH)
    assert len(world.rows(state=("leased",))) == BATCH, "those of the quick one"
    assert world.another_worker().claim("third") is None, "and the host is still the quick one's"


# In order ---------------------------------------------------------------------------------------------


def test_what_waits_behind_an_older_answer_is_in_no_queue_until_its_turn(
    world: World, counter: Counter
) -> None:
    channel = world.channel("counter")
    case, report = world.case(channel=channel), world.report(channel, "7")
    words = ["1", "2", "3"]
    for one in words:
        world.answer(case, report, one)
    assert [row.behind for row in world.rows()] == [False, True, True]
    batch = world.outbox.claim("worker")
    assert batch is not None and [claimed.body for claimed in batch.messages] == ["1"]
    world.outbox.deliver(batch)
    assert [row.behind for row in world.rows()] == [False, False, True]
    world.work()
    assert counter.taken["7"] == words
    assert world.outbox.mend() == 0, "nothing was out of line"


def test_an_answer_tried_again_goes_before_the_later_one_that_waits(world: World, counter: Counter) -> None:
    def refused(_command: PushCommand) -> None:
        raise Permanent("closed")

    channel = world.channel("counter")
    case, report = world.case(channel=channel), world.report(channel, "7")
    first = world.answer(case, report, "1")
    counter.next_push.append(refused)
    world.work()
    world.set_schedule(channel, paused=True)
    world.answer(case, report, "2")
    world.outbox.retry(world.lan, first)
    assert [row.behind for row in world.rows()] == [False, True]
    world.set_schedule(channel, paused=False)
    world.work()
    assert counter.taken["7"] == ["1", "2"]


# Beside each other ------------------------------------------------------------------------------------


def test_each_of_many_slow_portals_is_written_to_at_the_same_time(sqlite_url: str, tmp_path: Path) -> None:
    slow = Counter()
    world = World(sqlite_url, {"slow": counter_found(slow, "slow")})
    all_there = threading.Barrier(8)
    slow.next_push += [lambda _command: all_there.wait(PATIENCE) and None] * all_there.parties
    for number in range(all_there.parties):
        world.many_answers(world.channel("slow", slug=f"slow-{number}"), 2)
    app = bootstrap.build(Settings(database_url=sqlite_url, data_dir=tmp_path))
    worker = Worker(dataclasses.replace(app, outbox=world.outbox))
    worker.outbox_tick()
    assert worker.stop(PATIENCE)
    app.close()
    world.close()
    assert slow.pushes >= all_there.parties and not all_there.broken


def test_a_slow_portal_holds_back_no_other(sqlite_url: str, tmp_path: Path) -> None:
    slow, quick = Counter(), Counter()
    go_on, arrived = threading.Event(), threading.Event()
    slow.next_push.append(lambda _command: go_on.wait(PATIENCE) and None)
    quick.next_push.append(lambda _command: arrived.set())
    world = World(sqlite_url, {"slow": counter_found(slow, "slow"), "quick": counter_found(quick, "quick")})
    world.many_answers(world.channel("slow"), 2, ago=timedelta(hours=1))
    world.many_answers(world.channel("quick"), 2)
    app = bootstrap.build(Settings(database_url=sqlite_url, data_dir=tmp_path))
    worker = Worker(dataclasses.replace(app, outbox=world.outbox))
    worker.outbox_tick()
    assert arrived.wait(PATIENCE)
    assert slow.taken == {}
    go_on.set()
    assert worker.stop(PATIENCE)
    assert slow.pushes == 1 and quick.pushes == 2, "stopped after the one under way"
    app.close()
    world.close()
