"""What a worker does every second while nothing is due, and taking one answer out of a long queue."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from aggregator.storage.migrate import upgrade
from tests.benchmarks import city
from tests.benchmarks.meters import in_turns, work_units
from tests.benchmarks.table import Figure, at_most
from tests.services.outbox_world import Counter, World, counter_found

CPU, UNITS = 1.5, 1.05
SHORT, LONG = 10, 10_000


def measure(small: int, large: int, rounds: int) -> Iterator[tuple[str, list[Figure]]]:
    yield f"A sweep with nothing due, {large:,} cases against {small:,}", list(_sweep(small, large, rounds))
    title = f"Claiming an answer, {LONG:,} waiting against {SHORT}"
    yield title, list(_claim(rounds))


def _sweep(small: int, large: int, rounds: int) -> Iterator[Figure]:
    with ExitStack() as stack:
        offices = [stack.enter_context(city.city(size)) for size in (small, large)]
        works = [office.services.deadlines.sweep for office in offices]
        assert [work() for work in works] == [0, 0], "something is due"
        units = [work_units(office.services.db, office.services.deadlines.sweep)[1] for office in offices]
        costs = in_turns(works, rounds, 200)
    yield at_most("CPU", costs[1] / costs[0], CPU, "x", f"{1000 * costs[1]:.2g} ms")
    yield at_most("work units", units[1] / units[0], UNITS, "x", f"{units[1]}")


def _claim(rounds: int) -> Iterator[Figure]:
    with ExitStack() as stack:
        worlds = [_queue(stack, length) for length in (SHORT, LONG)]
        works = [partial(_take_and_give_back, world) for world in worlds]
        units = [work_units(world.db, work)[1] for world, work in zip(worlds, works, strict=True)]
        costs = in_turns(works, rounds, 50)
    yield at_most("CPU", costs[1] / costs[0], CPU, "x", f"{1000 * costs[1]:.2g} ms")
    yield at_most("work units", units[1] / units[0], UNITS, "x", f"{units[1]}")


def _queue(stack: ExitStack, length: int) -> World:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="motmoi-bench-"))
    url = f"sqlite:///{Path(folder) / 'motmoi.db'}"
    upgrade(url)
    world = World(url, {"counter": counter_found(Counter())})
    stack.callback(world.db.close)
    world.many_answers(world.channel("counter"), length)
    return world


def _take_and_give_back(world: World) -> None:
    with world.db.engine.connect() as tx:
        assert world.outbox.deliveries.claim_in(tx, "bench", 1) is not None
        tx.rollback()
