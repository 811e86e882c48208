"""kill -9, thousands of times, over intake, status, answers, joining, delivery and ledger; then the count.

    nursery (a process) -> victim (forked) -> SIGKILL | the next victim does the errand again | ... | judged

Judged against what the victims had acknowledged and what the simulated portal itself shows: nothing
acknowledged is lost, nothing is there twice, no answer is there without its ledger entry and its messages.
On PostgreSQL the server's own processes are killed, too: it then throws out everybody and recovers, and
victims live on and do their errand again under the same key (a failed commit is not a "no").

    python -m tests.chaos.campaign 10000                 SQLite
    python -m tests.chaos.campaign 10000 --postgres      a server of its own; every tenth kill is the server's
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from aggregator.domain.people import Actor
from aggregator.sdk.sandbox import serve
from aggregator.storage import integrity, migrate
from aggregator.storage.case_tables import outbox, replies
from connectors.portal_1022 import sandbox as portal_1022
from tests.chaos import errands, judging
from tests.chaos.victims import LIFE, Death, End, Life, product_of

#: One in so many deaths is the database server's, where there is one.
SERVER_EVERY = 10
FAULTS = ("lost", "doubled", "torn", "out_of_order", "undelivered", "unsound")


@dataclass(frozen=True, slots=True)
class Judged:
    """The count. Everything but the first lines must be nothing."""

    kills: int
    server_kills: int
    lives: int
    acknowledged: int
    answers: int
    delivered: int
    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    torn: tuple[str, ...] = ()
    out_of_order: tuple[str, ...] = ()
    undelivered: tuple[str, ...] = ()
    unsound: tuple[str, ...] = ()

    @property
    def faults(self) -> dict[str, tuple[str, ...]]:
        return {name: getattr(self, name) for name in FAULTS if getattr(self, name)}


class Nursery:
    """The process that victims are forked from."""

    def __init__(self, log: Path) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MOTMOI_")}
        self._log = log.open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.victims"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self._log, text=True, env=clean, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert self._line() == "ready", log.read_text()

    def live(self, life: Life) -> End:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(life)) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._line())
        return End(tuple(told["done"]), told["killed"], told["error"])

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._log.close()


class Campaign:
    """One database, one portal, victims one after the other."""

    def __init__(self, folder: Path, url: str, seed: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.draw = random.Random(seed)
        self.life = Life(url, str(folder), 0, Death("never", 0))
        migrate.upgrade(url)
        self.portal = serve(portal_1022.build({"auth": "basic", "accounts": {"phuong": "x1"}}))
        self.product = product_of(url, str(folder))
        errands.furnish(self.product, self.portal.url)
        self.lan = Actor(**errands.lan(self.product))
        self.nursery = Nursery(folder / "nursery.log")
        self.next = self.loaded = 0
        self.done: set[int] = set()
        self.kills = self.server_kills = self.lives = 0

    def one(self, death: Death, most: int = LIFE) -> None:
        """One life, from where the last one ended, of so many errands at most."""
        while self.loaded < self.next + 2 * LIFE:
            self.portal.portal.load(errands.at_the_portal(self.loaded))
            self.loaded += errands.ROUND
        end = self.nursery.live(replace(self.life, first=self.next, death=death, most=most))
        assert not end.error, end.error
        self.lives += 1
        self.kills += end.killed
        self.server_kills += death.how == "server"
        self.done.update(end.done)
        self.next += len(end.done)

    def run(self, kills: int, *, server: bool = False) -> None:
        """Lives until so many ended by a kill."""
        while self.kills + self.server_kills < kills:
            by_server = server and self.lives % SERVER_EVERY == 0
            death = Death("server", self.draw.uniform(0.02, 0.3)) if by_server else Death.drawn(self.draw)
            self.one(death)
            if self.lives % 500 == 0:
                print(f"{self.kills} kills, {self.next} errands", file=sys.stderr, flush=True)

    def judged(self) -> Judged:
        """Finish the errand in hand and what waits for the portal, then count everything."""
        if left := -self.next % errands.ROUND:
            self.one(Death("never", 0), most=left)
        self._deliver()
        shown = self._shown()
        twice = (f"{one}: {times} times at the portal" for one, times in shown.items() if times > 1)
        with self.product.db.read() as tx:
            lost = tuple(judging.lost(tx, self.done, self.lan.id))
            doubled, torn = tuple(judging.doubled(tx)), tuple(judging.torn(tx))
        return Judged(
            kills=self.kills,
            server_kills=self.server_kills,
            lives=self.lives,
            acknowledged=len(self.done),
            answers=self._count(replies),
            delivered=sum(shown.values()),
            lost=lost,
            doubled=(*doubled, *twice),
            torn=torn,
            out_of_order=tuple(self._out_of_order()),
            undelivered=tuple(self._undelivered(len(shown))),
            unsound=tuple(self._unsound()),
        )

    def _deliver(self) -> None:
        """A dead victim's messages are free when its lease is over and the portal has settled."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            self.product.outbox.drain("judge", limit=10_000)
            if not {state for _, state in self._not_sent()} & {"pending", "leased", "confirming"}:
                return
            time.sleep(0.1)

    # What there is ----------------------------------------------------------------------------------

    def _count(self, table: Any) -> int:
        with self.product.db.read() as tx:
            return tx.scalar(select(func.count()).select_from(table)) or 0

    def _not_sent(self) -> list[tuple[int, str]]:
        """Number and state of every message that its source does not have."""
        found = select(outbox.c.id, outbox.c.state).where(outbox.c.state.not_in(("sent", "acknowledged")))
        with self.product.db.read() as tx:
            return [(row.id, row.state) for row in tx.execute(found)]

    def _shown(self) -> Counter[str]:
        answers = self.portal.portal.answers
        return Counter(f"{report}: {one.body}" for report, given in answers.items() for one in given)

    def _out_of_order(self) -> list[str]:
        answers = self.portal.portal.answers
        given = {report: [one.body for one in said] for report, said in answers.items()}
        return [report for report, said in given.items() if said != sorted(said)]

    def _undelivered(self, shown: int) -> Iterator[str]:
        yield from (f"message {number}: {state}" for number, state in self._not_sent())
        if shown != (queued := self._count(outbox)):
            yield f"{shown} of {queued} messages at the portal"

    def _unsound(self) -> Iterator[str]:
        yield from (finding.message for finding in self.product.evidence.verify().findings)
        yield from (str(wrong) for wrong in self.product.figures.recount())
        with self.product.db.read() as tx:
            yield from integrity.check(tx).findings

    def close(self) -> None:
        self.nursery.close()
        self.portal.close()
        self.product.close()


def campaign(folder: Path, url: str, kills: int, *, seed: int = 7, server: bool = False) -> Judged:
    """Kill so many, then judge. `server`: PostgreSQL's own processes, too."""
    run = Campaign(folder, url, seed)
    try:
        run.run(kills, server=server)
        return run.judged()
    finally:
        run.close()


@contextmanager
def _database(folder: Path, *, postgres: bool) -> Iterator[str]:
    if not postgres:
        yield f"sqlite:///{folder}/motmoi.db"
        return
    from tests.postgres_server import OwnServer

    with OwnServer(durable=True) as server:
        yield server.url("postgres")


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill processes in mid work, and count what is left.")
    parser.add_argument("kills", type=int, nargs="?", default=10_000)
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL, killing the server, too")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as place,
        _database(Path(place), postgres=given.postgres) as url,
    ):
        found = campaign(Path(place), url, given.kills, seed=given.seed, server=given.postgres)
    print(
        f"{found.kills} victims and {found.server_kills} server processes killed in {found.lives} lives: "
        f"{found.acknowledged} errands acknowledged, {found.answers} answers, {found.delivered} at the portal"
    )
    judging.show({name: getattr(found, name) for name in FAULTS})
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
