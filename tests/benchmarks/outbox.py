"""`make bench-outbox`: how fast answers leave, what finding the next costs, whether portals' rates are kept.

    make bench-outbox                            both databases, a few minutes
    make bench-outbox ARGS="--no-postgres"       SQLite only
    make bench-outbox ARGS="--plans"             also the query plans of a claim

The portals answer over HTTP from a process of their own, so that what is counted is the worker: by its CPU
seconds, as all here, and by the clock on the wall less the time in which it was ready and had no core, for
the machine is shared. Rates are those of one worker as it is installed. What may surprise: the cost of a
claim is measured against 100 that wait, not one, because PostgreSQL reads a small table from end to end; and
with rows in front that no claim may take. Exit code 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import select

from aggregator import bootstrap
from aggregator.settings import Settings
from aggregator.storage.case_tables import outbox
from aggregator.storage.migrate import upgrade
from aggregator.worker import Worker
from tests.benchmarks.fast_portal import FastPortal, fast_portals
from tests.benchmarks.meters import cpu_of_processes, in_turns, queued, server_processes, watched, work_units
from tests.benchmarks.table import Figure, at_least, at_most, lines, told
from tests.postgres_server import running
from tests.services.outbox_world import Clock, World
from tests.storms.portals import connectors

#: Deliveries of one worker a second, and a CPU second.
SPEED = 500
#: A claim of many against one of few: CPU. The database's own units are told: an index grows by its height.
CPU = 1.2
FEW, MANY, IN_FRONT = 100, 10_000, 2_000
#: Five portals that allow this many answers a second each, and how near the worker comes to it.
PORTALS, ALLOWED, NEAR = 5, 20, 0.9


def measure(engines: tuple[str, ...], count: int, rounds: int) -> Iterator[tuple[str, list[Figure]]]:
    for engine in engines:
        yield f"Deliveries over HTTP, {engine}", list(_speed(engine, count))
        yield f"Claiming a batch, {MANY:,} waiting against {FEW}, {engine}", list(_claim(engine, rounds))
        title = f"{count:,} answers to {PORTALS} portals that allow {ALLOWED} a second each, {engine}"
        yield title, list(_rate(engine, count))


# How fast -----------------------------------------------------------------------------------------------


def _speed(engine: str, count: int) -> Iterator[Figure]:
    with fast_portals() as (portal,), _world(engine) as world:
        world.many_answers(_channel(world, portal), count)
        world.outbox.drain("warm", 100)  # imports, plans, the first connection
        servers = server_processes()
        cpu, server = time.process_time(), cpu_of_processes(servers)
        began, without_core = time.monotonic(), queued()
        sent = world.outbox.drain("worker", count).sent
        took, without_core = time.monotonic() - began, queued() - without_core
        cpu, server = time.process_time() - cpu, cpu_of_processes(servers) - server
        assert sent == count - 100 == len(portal.arrivals()) - 100
    note = f"{sent / took:,.0f} with its waiting for a core, the machine shared"
    yield at_least("deliveries a second, one portal", sent / (took - without_core), SPEED, "", note)
    yield at_least("deliveries a CPU second of one worker", sent / cpu, SPEED, "")
    yield told("of it in the database server", 1000 * server / sent, "ms each")


# What finding the next costs ----------------------------------------------------------------------------


def _claim(engine: str, rounds: int) -> Iterator[Figure]:
    with ExitStack() as stack:
        worlds = [_queue(stack, engine, length) for length in (FEW, MANY)]
        works = [partial(_take_and_give_back, world) for world in worlds]
        units = [work_units(world.db, work)[1] for world, work in zip(worlds, works, strict=True)]
        costs = in_turns(works, rounds, 30)
    yield at_most("CPU", costs[1] / costs[0], CPU, "x", f"{1000 * costs[1]:.2g} ms a batch of 20")
    yield told("work units", units[1] / units[0], "x", f"{units[1]:,}")


def _queue(stack: ExitStack, engine: str, length: int) -> World:
    """`length` that are due; where it is long, others beside them that no claim may take."""
    world = stack.enter_context(_world(engine))
    channel, held = world.channel("by_key"), world.channel("by_key", slug="held")
    world.many_answers(channel, length)
    if length > FEW:
        world.set_schedule(held, paused=True)
        world.many_answers(held, IN_FRONT, ago=timedelta(days=1))
        world.many_answers(channel, IN_FRONT, ago=timedelta(days=-1))
        world.many_answers(channel, IN_FRONT, ago=timedelta(days=2), behind=True)
    if engine == "postgres":  # it does so by itself; on SQLite the product never does
        with world.db.engine.connect() as tx:
            tx.exec_driver_sql("ANALYZE")
            tx.commit()
    return world


def _take_and_give_back(world: World) -> None:
    with world.db.engine.connect() as tx:
        assert world.outbox.deliveries.claim_in(tx, "bench", 20) is not None
        tx.rollback()


def plans(engine: str) -> Iterator[str]:
    """How the database finds what is due, in its own words."""
    with ExitStack() as stack:
        world = _queue(stack, engine, MANY)
        with watched(world.db) as seen:
            _take_and_give_back(world)
        explain = "EXPLAIN QUERY PLAN" if engine == "sqlite" else "EXPLAIN"
        with world.db.engine.connect() as tx:
            for statement, values in seen.statements:
                if "outbox" in statement and statement.startswith("SELECT"):
                    yield f"-- {' '.join(statement.split())[:100]} ..."
                    found = tx.exec_driver_sql(f"{explain} {statement}", values)
                    yield from (f"   {row[-1]}" for row in found)
            tx.rollback()


# At the portals' rate -----------------------------------------------------------------------------------


def _rate(engine: str, count: int) -> Iterator[Figure]:
    with fast_portals(PORTALS) as portals, _world(engine) as world:
        world.clock = _Now()
        for portal in portals:
            channel = _channel(world, portal, min_gap_s=1 / ALLOWED)
            world.many_answers(channel, count // PORTALS)
            # Each has just come back, and what was tried meanwhile lost its place.
            world.set_schedule(channel, write_failures=3)
        cpu, before = time.process_time(), _memory()
        began = time.monotonic()
        most = _work(world)
        cpu = time.process_time() - cpu
        arrivals = [portal.arrivals() for portal in portals]
    assert [len(found) for found in arrivals] == [count // PORTALS] * PORTALS
    rates = [(len(found) - 1) / (found[-1] - found[0]) / ALLOWED for found in arrivals]
    busiest = max(_most_within_a_second(found) for found in arrivals)
    took, ideal = max(found[-1] for found in arrivals) - began, count / PORTALS / ALLOWED
    each = ", ".join(f"{rate:.2f}" for rate in rates)
    yield at_least("rate against the allowed one, the slowest portal", min(rates), NEAR, "x", each)
    yield at_most("the most that came within any second, against it", busiest / ALLOWED, 1.1, "x")
    yield at_most("until all were there, against the ideal", took / ideal, 1 / NEAR, "x", f"{took:.1f} s")
    yield told("CPU of the worker for each answer", 1000 * cpu / count, "ms")
    yield told("memory that the queue added", most - before, "MB", f"{most:.0f} MB in all")


def _work(world: World) -> float:
    """One worker as it is installed, ticking until nothing is left; the most megabytes it had."""
    with tempfile.TemporaryDirectory(prefix="motmoi-bench-") as folder:
        url = world.db.url.render_as_string(hide_password=False)
        app = bootstrap.build(Settings(database_url=url, data_dir=Path(folder)))
        worker = Worker(dataclasses.replace(app, outbox=world.another_worker()))
        most = _memory()
        while _anything_left(world):
            worker.outbox_tick()
            time.sleep(app.settings.tick_s)
            most = max(most, _memory())
        assert worker.stop()
        app.close()
    return most


def _memory() -> float:
    return psutil.Process().memory_info().rss / 1e6


def _anything_left(world: World) -> bool:
    with world.db.read() as tx:
        waiting = outbox.c.state.in_(("pending", "leased", "confirming"))
        return tx.scalar(select(outbox.c.id).where(waiting).limit(1)) is not None


def _most_within_a_second(arrived: list[float]) -> int:
    first, most = 0, 0
    for last, at in enumerate(arrived):
        while at - arrived[first] >= 1:
            first += 1
        most = max(most, last - first + 1)
    return most


# Worlds -------------------------------------------------------------------------------------------------

_slugs = itertools.count(1)


class _Now(Clock):
    """The machine's time: a worker that waits politely cannot be told when to go on."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)


@contextmanager
def _world(engine: str) -> Iterator[World]:
    with ExitStack() as stack:
        if engine == "postgres":
            url = stack.enter_context(stack.enter_context(running()).fresh())
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="motmoi-bench-"))
            url = f"sqlite:///{Path(folder) / 'motmoi.db'}"
        upgrade(url)
        world = World(url, connectors(blind=False))
        stack.callback(world.db.close)
        yield world


def _channel(world: World, portal: FastPortal, **options: Any) -> int:
    slug = f"portal-{next(_slugs)}"
    return world.channel("by_key", slug=slug, config={"base_url": portal.url}, options=options)


def main() -> int:
    options = _options()
    engines = ("sqlite",) if options.no_postgres else ("sqlite", "postgres")
    missed: list[Figure] = []
    for title, figures in measure(engines, options.answers, options.rounds):
        print("\n".join(lines(title, figures)), flush=True)
        missed += [figure for figure in figures if not figure.ok]
    for engine in engines if options.plans else ():
        print("\n".join([engine, *plans(engine), ""]), flush=True)
    names = ", ".join(one.what for one in missed)
    print(f"{len(missed)} short of the goal: {names}" if missed else "All as promised.")
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-outbox", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--answers", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5, help="repeated runs of which the median counts (5)")
    parser.add_argument("--plans", action="store_true", help="show how the databases find what is due")
    parser.add_argument("--no-postgres", action="store_true", help="SQLite only")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
