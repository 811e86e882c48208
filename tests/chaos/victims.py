"""Processes that work until they are killed, and what they could still say.

    the judge (campaign)            | the nursery (this module, a process)       | a victim
    {"url": ..., "from": 17, ...}   | forks, waits, kills where asked to         | does errand 17, 18, ...
    errands acknowledged, the end   | tells how it ended                         | writes "17" when 17 is done

A victim does numbered errands: what errand n is follows from n alone, and each verb gets a one-time key made
of n, so whoever comes after a victim does its last errand again exactly as a browser would that got no
answer. A number is written to the pipe only after the service has returned: that errand was acknowledged.

Where a victim dies: just before its k-th commit, just after it (committed, and nobody was told), at its
k-th statement, or whenever the nursery's clock says. All four are SIGKILL.

What may surprise: victims are forked from one process that has everything loaded and no database open, or
ten thousand of them would spend hours importing.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event, make_url

from aggregator.bootstrap import Aggregator, build
from aggregator.domain.people import Actor
from aggregator.services.clock import Clock, system_clock
from aggregator.settings import Settings
from aggregator.storage import migrate
from aggregator.storage.db import DatabaseUnavailable
from tests.chaos import errands, forgetting

#: Errands of one life at most: a victim whose hour never comes ends by itself.
LIFE = 40


@dataclass(frozen=True, slots=True)
class Death:
    """Where a victim dies. `how`: before, after (a commit), statement, moment (seconds), or never.

    server: not the victim but a process of its PostgreSQL server dies, after so many seconds.
    """

    how: str
    at: float

    @classmethod
    def drawn(cls, draw: random.Random) -> Death:
        how = draw.choice(("before", "after", "after", "statement", "moment"))
        most = {"before": 30, "after": 30, "statement": 300}.get(how)
        return cls(how, draw.randint(1, most) if most else draw.uniform(0.005, 0.4))


@dataclass(frozen=True, slots=True)
class Life:
    """What a victim is told."""

    url: str
    folder: str
    first: int
    death: Death
    #: Errands it does at most.
    most: int = LIFE
    #: Of which module: errands, forgetting.
    work: str = "errands"


@dataclass(frozen=True, slots=True)
class End:
    """What was seen of a life: the errands it acknowledged, and whether it was killed."""

    done: tuple[int, ...]
    killed: bool
    #: What it said where it ended by an error of its own: never expected.
    error: str = ""


def product_of(url: str, folder: str, clock: Clock = system_clock) -> Aggregator:
    """The product with leases so short that the dead hold nothing up."""
    settings = Settings(
        database_url=url, data_dir=Path(folder), undo_s=0, lease_s=1.0, poll_deadline_s=0.9,
        push_deadline_s=0.9,
    )  # fmt: skip
    return build(settings, clock)


def _doom(product: Aggregator, death: Death) -> None:
    """Have this process killed at its k-th statement or commit."""
    left = int(death.at)

    def passed() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    engine = product.db.engine
    if death.how == "statement":
        event.listen(engine, "before_cursor_execute", lambda *_: passed())
    elif death.how in ("before", "after"):
        commit = engine.dialect.do_commit

        def doomed(connection: Any) -> None:
            if death.how == "before":
                passed()
            commit(connection)
            if death.how == "after":
                passed()

        engine.dialect.do_commit = doomed  # type: ignore[method-assign]


def _live(life: Life, tell: Callable[[int], None]) -> None:
    do, clock = _WORK[life.work]
    product = product_of(life.url, life.folder, clock)
    _doom(product, life.death)
    lan = Actor(**_lan(product))
    number = life.first
    while number < life.first + life.most:
        try:
            do(product, lan, number)
        except (DatabaseUnavailable, errands.Busy):
            time.sleep(0.05)  # the server recovers, or a dead one's lease runs; then the same errand again
            continue
        tell(number)
        number += 1
    product.close()


_WORK = {"errands": (errands.do, system_clock), "forgetting": (forgetting.do, forgetting.later)}


def _lan(product: Aggregator) -> dict[str, Any]:
    while True:
        try:
            return errands.lan(product)
        except DatabaseUnavailable:
            time.sleep(0.05)


# The nursery -------------------------------------------------------------------------------------------


def _one(life: Life) -> End:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 0
        try:
            _live(life, lambda number: os.write(writing, f"{number}\n".encode()) and None)
        except BaseException as error:  # noqa: BLE001 (the edge of a process: it says why, and ends)
            os.write(writing, f"! {type(error).__name__}: {error}\n".replace("\n", " ").encode() + b"\n")
            status = 1
        finally:
            os._exit(status)
    os.close(writing)
    if life.death.how in ("moment", "server"):
        time.sleep(life.death.at)
        with contextlib.suppress(ProcessLookupError, psycopg.OperationalError):
            os.kill(child if life.death.how == "moment" else _a_backend(life.url), signal.SIGKILL)
    with os.fdopen(reading) as pipe:
        lines = pipe.read().splitlines()
    _, status = os.waitpid(child, 0)
    errors = [line[2:] for line in lines if line.startswith("! ")]
    done = tuple(int(line) for line in lines if not line.startswith("! "))
    return End(done, os.WIFSIGNALED(status), errors[0] if errors else "")


def _a_backend(url: str) -> int:
    """The server's process that serves the victim (any other client's, where it has none just now)."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as tx:
        query = (
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND pid <> pg_backend_pid() ORDER BY backend_start DESC LIMIT 1"
        )
        found = tx.execute(query).fetchone()
    if found is None:
        raise ProcessLookupError("nobody is served just now")
    return int(found[0])


def _warm() -> None:
    """Everything that is made once per process, made before the first fork."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/warm.db"
        migrate.upgrade(url)
        product = build(Settings(database_url=url, data_dir=Path(folder), undo_s=0))
        errands.furnish(product, "http://127.0.0.1:9")
        lan = Actor(**errands.lan(product))
        for number in range(errands.ROUND):
            errands.do(product, lan, number)
        product.close()


def main() -> None:
    _warm()
    print("ready", flush=True)
    for line in sys.stdin:
        told = json.loads(line)
        end = _one(Life(**{**told, "death": Death(**told["death"])}))
        print(json.dumps(asdict(end)), flush=True)


if __name__ == "__main__":
    main()
