"""A bad month at a portal, small: every answer arrives once and in order, and without care it does not.

Each run prints what was thrown at it. The controls at the end take one protection away and must show
doubles, or the runs before them would prove nothing.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from aggregator.domain.delivery import Delivery
from aggregator.errors import RateLimited, SchemaDrift, Transient, UnknownOutcome
from aggregator.sdk.contract import Context, PushCommand, PushResult, RemoteState, SourceStatus
from aggregator.sdk.discovery import Found
from aggregator.services.connections import Line
from aggregator.services.delivering import Batch
from aggregator.storage.outbox_claims import Claimed
from tests.services.outbox_world import (
    Counter,
    Portal,
    World,
    counter_found,
    portal_config,
    portal_connectors,
    simulated_portal,
)

STEP_S = 15
AWAY_FROM, AWAY_TO = 120, 3720  # seconds into the run


class Storm(Counter):
    """A source that fails in every way the contract knows, by a seeded die."""

    clock: Callable[[], datetime]
    start: datetime

    def __init__(self, seed: int, faults: tuple[str, ...]) -> None:
        super().__init__()
        self.die = random.Random(seed)
        self.faults = faults
        self.tally: Tally[str] = Tally()
        #: Taken, but shown only from an instant on.
        self.late: list[tuple[datetime, PushCommand]] = []
        self.keys: list[str] = []
        #: Messages whose last push was unclear and that nobody has looked up since.
        self.in_doubt: set[str] = set()
        self.blind = 0

    def set_clock(self, clock: Callable[[], datetime]) -> None:
        self.clock, self.start = clock, clock()

    @property
    def away(self) -> bool:
        return AWAY_FROM <= (self.clock() - self.start).total_seconds() < AWAY_TO

    def take(self, command: PushCommand) -> None:
        super().take(command)
        self.keys.append(command.idempotency_key)

    def push(self, _ctx: Context, command: PushCommand) -> PushResult:
        self._appear()
        self.pushes += 1
        self.blind += command.idempotency_key in self.in_doubt
        if self.away:
            self._count("away")
            raise Transient("no route to host")
        fault = self.die.choices(self.faults, weights=[_FAULTS[name][0] for name in self.faults])[0]
        self._count(fault)
        _FAULTS[fault][1](self, command)
        self.take(command)
        return PushResult("sent")

    def lookup(self, ctx: Context, command: PushCommand) -> RemoteState | None:
        self._appear()
        if self.away or self.die.random() < 0.15:
            self._count("look failed")
            raise Transient("no route to host")
        self.in_doubt.discard(command.idempotency_key)
        return super().lookup(ctx, command)

    def _appear(self) -> None:
        for item in [item for item in self.late if item[0] <= self.clock()]:
            self.late.remove(item)
            self.take(item[1])

    def _count(self, what: str) -> None:
        self.tally[what] += 1

    # What can go wrong with a push

    def fine(self, _command: PushCommand) -> None:
        return

    def refused_connection(self, _command: PushCommand) -> None:
        raise Transient("connection refused")

    def asks_to_wait(self, _command: PushCommand) -> None:
        raise RateLimited("429", retry_after=20)

    def lost_before(self, command: PushCommand) -> None:
        self.in_doubt.add(command.idempotency_key)
        raise UnknownOutcome("reset")

    def lost_after(self, command: PushCommand) -> None:
        self.take(command)
        self.lost_before(command)

    def late_commit(self, command: PushCommand) -> None:
        """Taken, but shown only after a while: the look that comes too early says "absent"."""
        self.late.append((self.clock() + timedelta(seconds=self.die.uniform(1, 55)), command))
        self.lost_before(command)

    def maintenance_page(self, command: PushCommand) -> None:
        self.in_doubt.add(command.idempotency_key)
        if self.die.random() < 0.5:
            self.take(command)
        raise SchemaDrift("a page came")

    def bug(self, command: PushCommand) -> None:
        self.in_doubt.add(command.idempotency_key)
        self.take(command)
        raise KeyError("id")


_FAULTS: dict[str, tuple[int, Callable[[Storm, PushCommand], None]]] = {
    "fine": (50, Storm.fine),
    "refused connection": (10, Storm.refused_connection),
    "asked to wait": (4, Storm.asks_to_wait),
    "lost before": (8, Storm.lost_before),
    "lost after": (12, Storm.lost_after),
    "late commit": (10, Storm.late_commit),
    "maintenance page": (6, Storm.maintenance_page),
    "bug": (4, Storm.bug),
}


def storm(
    url: str, *, answers: int, lookup: Any = None, faults: tuple[str, ...] = tuple(_FAULTS), **options: Any
) -> tuple[World, Storm]:
    random.seed(8)  # of the back-off's jitter: the same storm on every machine
    source = Storm(8, faults)
    if lookup is not None:
        source.lookup = lookup  # type: ignore[method-assign]
    world = World(url, {"counter": counter_found(source)})
    source.set_clock(world.clock)
    channel = world.channel("counter", options=options)
    case = world.case(channel=channel)
    for number in range(answers // 2):
        report = world.report(channel, str(number))
        world.answer(case, report, "Đang xử lý.", kind="progress")
        # Every third report gets the same words twice.
        world.answer(case, report, "Đang xử lý." if number % 3 == 0 else f"Đã xong {number}.")
    return world, source


def weather(world: World, source: Storm, *, rounds: int = 2000) -> None:
    """Rounds of a worker that sometimes dies, before or after its push, until nothing waits."""
    for number in range(rounds):
        if number % 12 == 0 and (claimed := world.outbox.claim("dies")) is not None:
            source.tally["worker died"] += 1
            if number % 24 == 0:
                # In doubt for us, whatever the source said to the dead worker.
                source.in_doubt |= {one.idempotency_key for one in carried_only(world, claimed)}
        if number % 4 == 0 and not source.away:
            world.poll_succeeds(1)
        world.outbox.drain(f"worker-{number}", 6)
        if not world.rows(state=("pending", "leased", "confirming")):
            break
        world.clock.wait(STEP_S)
    world.clock.wait(120)
    source._appear()


def carried_only(world: World, batch: Batch) -> list[Claimed]:
    """What a worker pushed that dies before it can say so."""
    with Line(world.outbox.deliveries.connections, batch.channel) as line:
        return [one.claimed for one in world.outbox.deliveries.carry(batch, line, lambda: False)]


def doubles(source: Storm) -> int:
    return sum(count - 1 for count in Tally(source.keys).values())


def test_a_stormy_portal_gets_each_answer_once_and_in_order(database_url: str) -> None:
    world, source = storm(database_url, answers=60)
    weather(world, source)
    print(f"{source.pushes} pushes, {source.looks} looks: {dict(source.tally)}; {source.blind} blind")
    assert {row.state for row in world.rows()} <= {"sent", "acknowledged"}
    assert (len(source.keys), doubles(source), source.blind) == (60, 0, 0)
    order = [row.idempotency_key for row in sorted(world.rows(), key=lambda row: (row.report_id, row.seq))]
    reports = {row.idempotency_key: row.report_id for row in world.rows()}
    for report in set(reports.values()):
        arrived = [key for key in source.keys if reports[key] == report]
        assert arrived == [key for key in order if reports[key] == report]
    back = source.start + timedelta(seconds=AWAY_TO)
    recovered = min((row.sent_at - back).total_seconds() for row in world.rows() if row.sent_at >= back)
    assert recovered <= 300 + STEP_S, "within five minutes of the portal's return"
    world.close()


def test_control_without_reading_back_the_storm_doubles_answers(sqlite_url: str) -> None:
    def sees_nothing(_ctx: Context, _command: PushCommand) -> RemoteState:
        return RemoteState(SourceStatus.NEW)

    world, source = storm(sqlite_url, answers=60, lookup=sees_nothing)
    weather(world, source)
    print(f"without reading back: {doubles(source)} of {len(set(source.keys))} answers doubled")
    assert doubles(source) > 5
    world.close()


@pytest.mark.parametrize("settle_s", [60, 0])
def test_a_commit_that_shows_late_is_doubled_only_without_settling_time(
    sqlite_url: str, settle_s: int
) -> None:
    patience = {"settle_s": settle_s, "retry_first_s": 0.1, "retry_cap_s": 1}
    world, source = storm(sqlite_url, answers=4, faults=("late commit",), **patience)
    source.start -= timedelta(days=1)  # the long outage is behind it
    weather(world, source)
    print(f"settling time {settle_s} s: {doubles(source)} of {len(set(source.keys))} answers doubled")
    assert (doubles(source) > 0) == (settle_s == 0)
    assert source.tally["late commit"] > 0
    world.close()


# The same over HTTP, against the simulated portal -----------------------------------------------------

HTTP_FAULTS = [
    ("commit_then_drop", {}),
    ("commit_then_drop", {}),
    ("status", {"code": 500}),
    ("status", {"code": 503, "retry_after": 30}),
    ("outage", {}),
    ("truncate", {}),
    ("maintenance", {}),
    ("login_page", {}),
]


@pytest.fixture
def portal() -> Iterator[Portal]:
    with simulated_portal(count=20) as running:
        yield running


def bad_day(url: str, portal: Portal, connectors: dict[str, Found]) -> tuple[World, dict[str, list[str]]]:
    """Two answers to each of 20 reports while every third request goes wrong; what citizens read then."""
    world = World(url, connectors)
    portal.running.portal.clock = world.clock
    channel = world.channel("portal_1022", config=portal_config(portal))
    case = world.case(channel=channel)
    for number in range(1, 21):
        report = world.report(channel, str(number))
        world.answer(case, report, f"Đang xử lý {number}.", kind="progress")
        world.answer(case, report, f"Đã xong {number}.")
    die = random.Random(21)
    for _ in range(400):
        kind, options = die.choice(HTTP_FAULTS)
        portal.fault(kind, path=die.choice(["xuly$", "xuly$", None]), **options)
        world.work(limit=3)
        portal.heal()
        world.set_schedule(channel, state="ok")  # a login page stopped it, and a person signed in again
        if not world.rows(state=("pending", "leased", "confirming")):
            break
        world.clock.wait(30)
    return world, {str(n): portal.read(str(n)) for n in range(1, 21)}


def test_a_bad_day_over_http_reaches_every_citizen_once(sqlite_url: str, portal: Portal) -> None:
    world, read = bad_day(sqlite_url, portal, portal_connectors())
    assert read == {str(n): [f"Đang xử lý {n}.", f"Đã xong {n}."] for n in range(1, 21)}
    assert {row.state for row in world.rows()} <= {Delivery.SENT, Delivery.ACKNOWLEDGED}
    world.close()


def test_control_a_connector_that_never_looks_tells_citizens_twice(sqlite_url: str, portal: Portal) -> None:
    found = portal_connectors()["portal_1022"]
    blind = dataclasses.replace(found, _loaded=Blind(found.connector()))
    world, read = bad_day(sqlite_url, portal, {"portal_1022": blind})
    doubled = sum(len(texts) - len(set(texts)) for texts in read.values())
    print(f"without looking: {doubled} answers doubled over HTTP")
    assert doubled > 0
    world.close()


class Blind:
    """A connector with its reading back taken out, its own and ours."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def push(self, ctx: Context, command: PushCommand) -> PushResult:
        result: PushResult = self._real.push(ctx, dataclasses.replace(command, attempt=1))
        return result

    def lookup(self, _ctx: Context, _command: PushCommand) -> RemoteState:
        return RemoteState(SourceStatus.NEW)
