"""One channel is polled by one worker, nothing is lost or doubled, and errors say what happens next."""

from __future__ import annotations

import logging
import threading
from collections import Counter as Tally
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from aggregator.domain.polling import HELD, State
from aggregator.domain.runs import Counts
from aggregator.errors import (
    AuthFailed,
    ConfigInvalid,
    Permanent,
    RateLimited,
    SchemaDrift,
    Transient,
    UnknownOutcome,
)
from aggregator.sdk.sandbox import Fault, serve
from aggregator.services.polling import ChannelBusy
from aggregator.storage.channel_tables import channel_schedule
from connectors.portal_1022 import sandbox as portal_1022
from tests.services.polling_world import START, WARD_A, Source, World


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(database_url, tmp_path)
    yield made
    made.app.close()


@pytest.fixture
def small_world(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """For rules that no database decides."""
    made = World(sqlite_url, tmp_path)
    yield made
    made.app.close()


# What a poll does -----------------------------------------------------------------------------------


def test_a_poll_stores_what_is_new_once_and_goes_on_behind_it(world: World) -> None:
    source = world.channel()
    source.send("1", "2", "3")
    first = world.poll_when_due()
    assert (first.outcome, first.counts) == ("ok", Counts(3, 3, 0, 0, 0))
    source.send("4")
    source.send("2", body="Đã sâu hơn, rất nguy hiểm")
    second = world.poll_when_due()
    assert second.counts == Counts(2, 2, 0, 1, 0)
    assert world.stored() == {"1": 1, "2": 2, "3": 1, "4": 1}
    run = world.runs()[-1]
    assert (run.outcome, run.seen, run.stored, run.revised, run.source_count) == ("ok", 2, 2, 1, 5)
    assert (run.cursor_before["n"], run.cursor_after["n"]) == (3, 5)


def test_it_is_due_again_on_its_beat_and_missed_slots_are_one(small_world: World) -> None:
    world = small_world
    world.channel()
    world.poll_when_due()
    assert world.row().next_due_at == START + timedelta(seconds=60)
    assert world.polling.claim("worker-1") is None
    world.clock.wait(hours=5)  # the machine was off
    claim = world.polling.claim("worker-1")
    world.polling.run(claim)
    assert world.row().next_due_at == world.clock() + timedelta(seconds=60)


def test_what_was_committed_before_a_crash_stays_and_the_rest_comes_next(world: World) -> None:
    source = world.channel()
    source.send("1", "2", "3")
    source.go_wrong = [Transient("connection reset")]  # after the first of two batches
    assert world.poll_when_due().counts == Counts(2, 2, 0, 0, 0)
    assert set(world.stored()) == {"1", "2"}
    assert world.poll_when_due().counts == Counts(1, 1, 0, 0, 0)
    assert world.stored() == {"1": 1, "2": 1, "3": 1}


def test_a_backlog_cut_off_by_the_deadline_is_a_success_that_goes_on_at_once(small_world: World) -> None:
    world = small_world
    source = world.channel()
    source.send("1", "2", "3", "4")
    source.before_batch = lambda number: world.clock.wait(seconds=100)
    result = world.poll_when_due()
    assert (result.outcome, result.cut_short, result.counts.stored) == ("ok", True, 2)
    assert world.row().next_due_at == world.clock() and world.row().state == State.OK
    source.before_batch = lambda number: None
    assert world.poll_when_due().counts.stored == 2


def test_a_worker_that_is_told_to_stop_ends_after_its_batch(small_world: World) -> None:
    world = small_world
    source = world.channel()
    source.send("1", "2", "3")
    claim = world.polling.claim("worker-1")
    assert world.polling.run(claim, stop=lambda: True).counts.stored == 2
    row = world.row()
    assert row.lease_owner is None and row.next_due_at == world.clock()


def test_no_batch_at_all_is_an_error(small_world: World) -> None:
    source = small_world.channel()
    source.silent = True
    assert small_world.poll_when_due().error_code == "schema_drift"
    assert small_world.row().state == State.PARSING_PROBLEM


def test_what_the_connector_keeps_is_saved_with_success_only(small_world: World) -> None:
    world = small_world
    source = world.channel()
    source.send("1")
    world.poll_when_due()
    source.go_wrong = [Transient("down")]
    world.poll_when_due()
    world.poll_when_due()
    states = [dict(context.state) for context in source.contexts]
    assert [state.get("session") for state in states] == ["session-1", "session-2", "session-3"]
    sealed = world.row().connector_state
    assert sealed is not None and b"session" not in sealed
    source.go_wrong = [AuthFailed("signed out")]
    world.poll_when_due()
    assert world.row().connector_state is None


def test_a_real_portal_over_http_is_read_signed_out_and_read_again(world: World) -> None:
    scenario = {"reports": [{"id": str(n), "subject": f"Ổ gà {n}", "body": "Rất sâu"} for n in (1, 2, 3)]}
    with serve(portal_1022.build(scenario)) as running:
        options = {"allow_private": True, "min_gap_s": 0}
        config = {"base_url": running.url}
        world.channels.add(
            {"slug": "1022", "kind": "portal_1022", "ward": WARD_A, "config": config, "options": options}
        )
        assert [step.ok for step in world.channels.check("1022")].count(False) == 0
        assert world.poll_when_due("1022").counts.stored == 3
        assert world.runs()[-1].requests > 0 and world.runs()[-1].bytes > 0
        running.portal.faults.append(Fault("login_page", 1))
        assert world.poll_when_due("1022").error_code == "auth_failed"
        world.channels.resume(world.admin, "1022")
        assert world.poll_when_due("1022").counts.stored == 0
    world.due("1022")
    world.polling.poll("1022")
    assert world.row("1022").last_error_code == "transient"


# One worker a channel -------------------------------------------------------------------------------


def test_two_workers_never_hold_a_channel_together(world: World) -> None:
    world.channel()
    assert world.polling.claim("worker-1") is not None
    assert world.polling.claim("worker-2") is None
    with pytest.raises(ChannelBusy):
        world.polling.poll("a")


def test_two_channels_of_one_host_take_turns(world: World) -> None:
    world.channel("a", host="cong")
    world.channel("b", host="cong")
    first = world.polling.claim("worker-1")
    assert world.polling.claim("worker-2") is None
    world.polling.run(first)
    assert world.polling.claim("worker-2").channel.slug == "b"


class Visits:
    """Counts who is at a host at the same time, seen from inside the polls."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        self.now: Tally[str] = Tally()
        self.most: Tally[str] = Tally()

    def watch(self, source: Source, host: str) -> None:
        poll = source.poll

        def watched(ctx: Any, cursor: Any) -> Iterator[Any]:
            with self.guard:
                self.now[host] += 1
                self.most[host] = max(self.most[host], self.now[host])
            yield from poll(ctx, cursor)
            with self.guard:
                self.now[host] -= 1

        source.poll = watched  # type: ignore[method-assign]


def test_workers_that_race_share_the_channels_without_a_double(world: World) -> None:
    slugs, visits, together = [f"c{number}" for number in range(6)], Visits(), threading.Barrier(4)
    for slug in slugs:
        host = f"host{int(slug[1]) // 2}"  # in pairs: c0 with c1, c2 with c3, c4 with c5
        source = world.channel(slug, host=host)
        source.send(f"{slug}-1", f"{slug}-2", f"{slug}-3")
        visits.watch(source, host)
    failed: list[BaseException] = []

    def work(owner: str) -> None:
        try:
            together.wait()
            while len(world.stored()) < 18 and not failed:
                if (claim := world.polling.claim(owner)) is not None:
                    assert world.polling.run(claim).outcome == "ok"
        except BaseException as error:  # noqa: BLE001 (shown by the test)
            failed.append(error)

    threads = [threading.Thread(target=work, args=(f"worker-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert {slug: source.polls for slug, source in world.sources.items()} == dict.fromkeys(slugs, 1)
    assert visits.most == {"host0": 1, "host1": 1, "host2": 1}
    assert [run.outcome for run in world.runs()] == ["ok"] * 6


def test_a_worker_that_slept_past_its_lease_stores_nothing_more(world: World) -> None:
    source = world.channel()
    source.send("1", "2", "3", "4")
    slow = world.polling.claim("slow")

    def sleep(number: int) -> None:
        if number == 1:
            source.before_batch = lambda number: None
            world.clock.wait(seconds=500)
            world.polling.reap()
            other = world.polling.claim("other")
            assert world.polling.run(other).counts == Counts(2, 2, 0, 0, 0)

    source.before_batch = sleep
    result = world.polling.run(slow)
    assert (result.outcome, result.counts) == ("lost", Counts(2, 2, 0, 0, 0))
    assert world.stored() == {"1": 1, "2": 1, "3": 1, "4": 1}
    assert [run.outcome for run in world.runs()] == ["abandoned", "ok"]
    assert world.row().state == State.OK and world.row().lease_owner is None


def test_a_worker_that_comes_back_to_a_free_channel_is_fenced_too(world: World) -> None:
    source = world.channel()
    source.send("1")

    def die(number: int) -> None:
        world.clock.wait(seconds=500)
        assert world.polling.reap() == 1

    source.before_batch = die
    claim = world.polling.claim("slow")
    assert world.polling.run(claim).outcome == "lost"
    assert world.stored() == {}


def test_what_a_killed_worker_held_is_taken_over_when_its_lease_is_over(world: World) -> None:
    source = world.channel()
    source.send("1")
    world.polling.claim("killed")
    world.clock.wait(seconds=119)
    assert world.polling.claim("other") is None
    world.clock.wait(seconds=2)
    assert world.polling.run(world.polling.claim("other")).counts.stored == 1
    assert world.polling.reap() == 1
    assert [run.outcome for run in world.runs()] == ["abandoned", "ok"]


def test_progress_keeps_the_lease(world: World) -> None:
    source = world.channel()
    source.send("1", "2", "3", "4")
    source.before_batch = lambda number: world.clock.wait(seconds=80)
    claim = world.polling.claim("slow")
    import_like = claim.__class__(
        claim.run, claim.channel, claim.deadline + timedelta(hours=1), claim.cursor, claim.config
    )
    assert world.polling.run(import_like).counts.stored == 4  # 160 s with a lease of 120 s


# What an error means --------------------------------------------------------------------------------

#: error, state after the first time, seconds until the next try (at least, at most)
ERRORS = [
    (Transient("timeout"), State.OK, 15, 30),
    (UnknownOutcome("odd for a poll"), State.OK, 15, 30),
    (RateLimited("429", retry_after=333), State.THROTTLED, 333, 333),
    (RateLimited("429, says nothing"), State.THROTTLED, 60, 60),
    (AuthFailed("401"), State.NEEDS_REAUTH, None, None),
    (ConfigInvalid("404 for the list"), State.MISCONFIGURED, None, None),
    (SchemaDrift("no table"), State.PARSING_PROBLEM, 60, 60),
    (Permanent("410"), State.PARSING_PROBLEM, 60, 60),
    (ValueError("Trần Thị Bí Mật 0901000222"), State.OK, 15, 30),
]


def test_an_error_that_quotes_what_no_database_takes_is_told_all_the_same(world: World) -> None:
    """Unsaid, it would leave the channel leased and silent for ever."""
    source = world.channel()
    seen = {"content": b"\x00", "content_type": "text/\x00", "url": "\ud800", "found": "\ud800\x00"}
    source.go_wrong = [SchemaDrift("no table in '\x00\ud800'", message_vi="\x00", evidence=seen)]
    assert world.poll_when_due().outcome == "failed"
    assert world.row().last_error == "no table in ''"


@pytest.mark.parametrize(("error", "state", "least", "most"), ERRORS, ids=lambda value: type(value).__name__)
def test_each_error_has_its_state_and_its_next_try(
    small_world: World, error: Exception, state: State, least: float | None, most: float | None
) -> None:
    world = small_world
    source = world.channel()
    source.go_wrong = [error]
    result = world.poll_when_due()
    row = world.row()
    assert (result.outcome, row.state, row.lease_owner) == ("failed", state, None)
    if least is None:
        world.clock.wait(days=2)
        assert state in HELD and world.polling.claim("worker-1") is None
        return
    assert most is not None and row.next_due_at is not None
    assert least <= (row.next_due_at - world.clock()).total_seconds() <= most
    assert world.poll_when_due().outcome == "ok"
    assert (world.row().state, world.row().last_error_code, world.row().failures) == (State.OK, None, 0)


def test_an_outage_backs_off_is_told_once_and_its_end_once(
    small_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world = small_world
    caplog.set_level(logging.INFO, "aggregator")
    source = world.channel()
    source.go_wrong = [Transient("timeout")] * 8
    waits = []
    for _ in range(8):
        world.poll_when_due()
        due = world.row().next_due_at
        assert due is not None
        waits.append((due - world.clock()).total_seconds())
    ceilings = [30, 60, 120, 240, 480, 900, 900, 900]
    assert all(ceiling / 2 <= wait <= ceiling for wait, ceiling in zip(waits, ceilings, strict=True))
    assert world.row().state == State.DEGRADED and world.row().down_since == START
    world.poll_when_due()
    assert (world.row().breaker, world.row().state) == ("half_open", State.DEGRADED)
    world.poll_when_due()
    assert (world.row().breaker, world.row().down_since) == ("closed", None)
    lines = [record.message for record in caplog.records if record.name.startswith("aggregator.services")]
    assert [line.split(" (")[0] for line in lines] == ["channel a is down", "channel a is back"]
    assert (world.told("channel_down"), world.told("channel_back")) == (1, 1)


def test_a_wait_that_the_portal_asked_for_does_not_count_as_failing(small_world: World) -> None:
    world = small_world
    world.channel().go_wrong = [Transient("x"), RateLimited("429", retry_after=5), Transient("x")]
    for _ in range(3):
        world.poll_when_due()
    assert (world.row().failures, world.row().state) == (2, State.OK)


def test_a_defect_is_tried_once_more_then_stops_the_channel(
    small_world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world = small_world
    secret = "Trần Thị Bí Mật"
    world.channel().go_wrong = [ValueError(secret), KeyError(secret)]
    world.poll_when_due()
    assert world.row().state == State.OK
    result = world.poll_when_due()
    assert (world.row().state, result.error_code) == (State.BROKEN, "bug")
    assert result.error is not None and "polling_world.py" in result.error
    texts = caplog.text + result.error + str(result.error_vi) + str(world.row())
    assert secret not in texts and "KeyError" in caplog.text


@pytest.mark.parametrize("verb", ["resume", "poll_now"])
def test_a_person_lets_a_stopped_channel_try_again(small_world: World, verb: str) -> None:
    world = small_world
    source = world.channel()
    source.go_wrong = [AuthFailed("401")]
    world.poll_when_due()
    getattr(world.channels, verb)(world.admin, "a")
    assert world.row().state == State.DEGRADED  # it is down until it has really been read
    assert world.poll_when_due().outcome == "ok"
    assert world.row().state == State.OK and world.told("channel_back") == 1


def test_an_interval_changed_during_a_poll_counts_from_then(small_world: World) -> None:
    world = small_world
    source = world.channel()
    source.send("1")
    wanted = START + timedelta(hours=3)

    def edit(number: int) -> None:
        with world.app.db.write() as tx:
            tx.execute(update(channel_schedule).values(next_due_at=wanted))

    source.before_batch = edit
    world.polling.run(world.polling.claim("worker-1"))
    assert world.row().next_due_at == wanted


@pytest.mark.parametrize(
    ("code", "failed_read", "open_after", "failures_after"),
    [
        ("transient", True, None, 0),  # the portal was away for all, and is back
        ("transient", False, None, 4),  # it can be read and not be written: still not well
        ("rate_limited", True, "told", 4),  # it asked to wait: reading does not change that
    ],
)
def test_a_good_poll_lets_answers_try_at_once(
    small_world: World, code: str, failed_read: bool, open_after: Any, failures_after: int
) -> None:
    world = small_world
    source = world.channel()
    source.go_wrong = [Transient("down")] if failed_read else []
    told = START + timedelta(hours=1)
    if failed_read:
        world.poll_when_due()
    with world.app.db.write() as tx:
        values = {"write_failures": 4, "write_open_until": told, "write_error_code": code}
        tx.execute(update(channel_schedule).values(**values))
    world.poll_when_due()
    row = world.row()
    assert row.write_open_until == (told if open_after else None) and row.write_failures == failures_after


# Quarantine -----------------------------------------------------------------------------------------


def test_a_page_that_changed_is_kept_and_the_cursor_stays(world: World) -> None:
    source = world.channel()
    source.send("1")
    world.poll_when_due()
    source.send("2")
    page = "<html>bảo trì</html>"
    source.go_wrong = [
        SchemaDrift("no table", evidence={"content": page, "url": "http://a.example.vn/list"})
    ] * 2
    world.poll_when_due()
    world.poll_when_due()
    (kept,) = world.quarantined()  # the same trouble is one row and one copy
    assert (kept.scope, kept.state, kept.tries) == ("page", "open", 2)
    assert world.row().cursor == {"v": 1, "n": 1}
    assert world.poll_when_due().counts.stored == 1
    assert world.quarantined()[0].state == "superseded"


def test_one_bad_record_is_quarantined_and_replayed_after_the_fix(world: World) -> None:
    source = world.channel()
    source.send("1", "2", "3")
    source.unreadable = {"2", "3"}
    assert world.poll_when_due().counts == Counts(3, 1, 0, 0, 2)
    source.unreadable = {"3"}
    cursor, polls = world.row().cursor, source.polls
    result = world.polling.replay("a")
    assert (result.outcome, result.counts) == ("ok", Counts(2, 1, 0, 0, 1))
    assert world.row().cursor == cursor and source.polls == polls
    assert [(row.external_id, row.state, row.tries) for row in world.quarantined()] == [
        ("2", "replayed", 1),
        ("3", "open", 2),
    ]
    source.unreadable = set()
    assert world.polling.replay("a").counts == Counts(1, 1, 0, 0, 0)
    assert set(world.stored()) == {"1", "2", "3"}
    assert world.polling.replay("a").counts == Counts()
    assert [run.kind for run in world.runs()] == ["poll", "replay", "replay", "replay"]


def test_a_failing_replay_says_nothing_about_the_channel(small_world: World) -> None:
    world = small_world
    source = world.channel()
    source.send("1", "2")
    source.unreadable = {"1"}
    world.poll_when_due()

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    source.remap = broken  # type: ignore[method-assign]
    before = world.row()
    result = world.polling.replay("a")
    assert result.counts == Counts(1, 0, 0, 0, 1)  # a defect in one item is that item's problem
    after = world.row()
    assert (after.state, after.failures, after.next_due_at) == (before.state, 0, before.next_due_at)


# Once, by hand --------------------------------------------------------------------------------------


def test_a_dry_run_counts_and_leaves_no_trace(world: World) -> None:
    source = world.channel()
    source.send("1", "2")
    world.poll_when_due()
    source.send("2", "3", "3")
    source.send("1", body="Khác hẳn")
    before, runs = world.row(), len(world.runs())
    assert world.polling.poll("a", dry_run=True).counts == Counts(4, 2, 2, 1, 0)
    assert (world.row(), len(world.runs()), set(world.stored())) == (before, runs, {"1", "2"})
    assert world.polling.poll("a").counts == Counts(4, 2, 2, 1, 0)


def test_an_import_reads_from_the_start_and_leaves_the_channels_health(world: World) -> None:
    source = world.channel("tep", can={"poll": "none"})
    source.send("1", "2", "3")
    assert world.row("tep").next_due_at is None and world.polling.claim("worker-1") is None
    first = world.polling.poll("tep", kind="import", config={"page_size": 100})
    again = world.polling.poll("tep", kind="import")
    assert (first.counts, again.counts) == (Counts(3, 3, 0, 0, 0), Counts(3, 0, 3, 0, 0))
    assert source.contexts[0].config["page_size"] == 100
    row = world.row("tep")
    assert row.next_due_at is None and row.last_success_at is None and row.lease_owner is None


# Files ----------------------------------------------------------------------------------------------


def test_a_photo_is_kept_once_by_its_content(world: World, tmp_path: Path) -> None:
    source = world.channel()
    source.send("1", files=["front", "side"])
    source.send("2", files=["front-again"])
    source.files = {"front": b"photo", "front-again": b"photo", "side": b"other"}
    world.poll_when_due()
    while world.polling.attachments.tick():
        pass
    rows = world.files()
    assert [row.state for row in rows] == ["stored"] * 3
    paths = {tmp_path / "attachments" / row.sha256[:2] / row.sha256[2:] for row in rows}
    assert {path.read_bytes() for path in paths} == {b"photo", b"other"}
    assert sum(path.is_file() for path in (tmp_path / "attachments").rglob("*")) == 2


def test_a_file_that_cannot_be_had_does_not_keep_the_others(small_world: World) -> None:
    world = small_world
    source = world.channel()
    source.send("1", files=["gone", "huge", "defect", "fine", "later"])
    source.files = {
        "huge": b"x" * 20_000_001,
        "defect": ZeroDivisionError(),
        "fine": b"photo",
        "later": Transient("timeout"),
    }
    world.poll_when_due()
    world.polling.attachments.tick()
    states = {row.ref: (row.state, row.tries) for row in world.files()}
    assert states == {
        "gone": ("refused", 1), "huge": ("refused", 1), "defect": ("pending", 1), "fine": ("stored", 1),
        "later": ("pending", 1),
    }  # fmt: skip
    assert world.polling.attachments.tick() == 0  # not before its time
    source.files["later"] = b"late photo"
    world.clock.wait(hours=1)
    world.polling.attachments.tick()
    assert world.files()[4].state == "stored"


def test_a_file_that_never_comes_is_given_up(small_world: World) -> None:
    world = small_world
    source = world.channel()
    source.send("1", files=["later"])
    source.files = {"later": Transient("timeout")}
    world.poll_when_due()
    tries = 0
    while world.files()[0].state == "pending":
        tries += world.polling.attachments.tick()
        world.clock.wait(hours=6)
        assert tries < 50
    assert world.files()[0].state == "refused" and tries == 16
