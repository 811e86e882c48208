"""What is measured and how: CPU time, statements, and the database's own work units.

CPU time and not the clock on the wall, because the machine is shared; ratios of two sizes measured in
turns, because the same code costs 0 to 60 % more or less from minute to minute; medians, because one
run in ten meets something else. Work units do not depend on the machine at all:

    SQLite      steps of its virtual machine (full-text lookups are inside one step: their CPU tells)
    PostgreSQL  shared buffers touched, hit or read, over all statements of a request
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import event

from aggregator.storage.db import Database


def cpu_of(work: Callable[[], Any], times: int = 1) -> float:
    """CPU seconds that one `work()` costs this process, over `times` of them."""
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times


def in_turns(works: list[Callable[[], Any]], rounds: int, times: int) -> list[float]:
    """CPU seconds of each work: the median of `rounds`, each work once a round."""
    for work in works:
        work()  # caches, plans and templates: a page is opened more than once a day
    costs: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, found in zip(works, costs, strict=True):
            found.append(cpu_of(work, times))
    return [statistics.median(found) for found in costs]


def queued() -> float:
    """Seconds that this thread was ready to go on and had no core so far; 0 where the system does not say.

    What is left of the clock on the wall without them is what a machine of its own would take, or less: other
    processes' waiting for a core is still in it.
    """
    try:
        told = Path("/proc/thread-self/schedstat").read_text()
    except OSError:
        return 0.0
    return int(told.split()[1]) / 1e9


def server_processes() -> list[psutil.Process]:
    """The database server that this process started, and its connections; none on SQLite."""
    own = psutil.Process().children(recursive=True)
    return [one for one in own if one.name().startswith("postgres")]


def cpu_of_processes(server: list[psutil.Process]) -> float:
    """CPU seconds of the server so far."""
    used = 0.0
    for one in server:
        times = one.cpu_times()
        used += times.user + times.system
    return used


@dataclass(slots=True)
class Seen:
    """What one stretch of work asked of the database."""

    statements: list[tuple[str, Any]] = field(default_factory=list)
    #: SQLite only; on PostgreSQL `buffers` asks afterwards.
    steps: int = 0


@contextmanager
def watched(db: Database) -> Iterator[Seen]:
    """Count statements, and on SQLite every step of its virtual machine."""
    seen = Seen()
    # On PostgreSQL the reader is the same engine with other options, and would be heard twice.
    engines = {engine.pool: engine for engine in (db.reader, db.engine)}.values()

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        seen.statements.append((statement, parameters))

    def step() -> int:
        seen.steps += 1
        return 0

    def checkout(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.set_progress_handler(step, 1)

    def checkin(connection: Any, _record: Any) -> None:
        if connection is not None:
            connection.set_progress_handler(None, 1)

    hooks = [("before_cursor_execute", note)]
    if db.dialect == "sqlite":
        hooks += [("checkout", checkout), ("checkin", checkin)]
    for engine in engines:
        for name, hook in hooks:
            event.listen(engine, name, hook)
    try:
        yield seen
    finally:
        for engine in engines:
            for name, hook in hooks:
                event.remove(engine, name, hook)


def work_units(db: Database, work: Callable[[], Any]) -> tuple[int, int]:
    """(statements, work units) of one `work()`."""
    work()
    with watched(db) as seen:
        work()
    asked = [(text, values) for text, values in seen.statements if not text.startswith("BEGIN")]
    return len(asked), seen.steps if db.dialect == "sqlite" else _buffers(db, asked)


def _buffers(db: Database, asked: list[tuple[str, Any]]) -> int:
    """Buffers that these statements touch. They run again, and are rolled back."""
    total = 0
    with db.engine.connect() as tx:
        for text, values in asked:
            plan = tx.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}", values).scalar()
            root = plan[0]["Plan"]
            total += root["Shared Hit Blocks"] + root["Shared Read Blocks"]
        tx.rollback()
    return total
