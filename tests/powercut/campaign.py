"""The power goes, a hundred thousand times: is what was acknowledged there when it is back?

    one working day, every write recorded -> between any two writes: what the disk may hold -> judged

The day is `tests.chaos.errands` over the real services and the simulated 1022 portal, on SQLite. Each image
is opened as after a power cut, and asked: is the file whole, is each acknowledged errand there with its
ledger entries and its sent messages, is nothing doubled or torn, does the ledger verify, and, now and then,
does the work go on from there. `normal` is the control: `synchronous=NORMAL`, which loses.

    python -m tests.powercut.campaign 100000
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import event, func, select

from aggregator.domain.people import Actor
from aggregator.sdk.sandbox import serve
from aggregator.services.evidence import Evidence
from aggregator.storage import integrity, migrate
from aggregator.storage.case_tables import outbox
from aggregator.storage.db import Database, DatabaseUnavailable, Tx
from aggregator.storage.ledger_tables import ledger_entries
from connectors.portal_1022 import sandbox as portal_1022
from tests.chaos import errands, judging
from tests.chaos.victims import product_of
from tests.powercut.platter import Platter
from tests.powercut.recorder import Event, Mark, recording

#: Errands of a day: some checkpoints of the write-ahead log fall into it.
DAY = 10 * errands.ROUND
#: Every so many images the whole ledger is verified, and every so many the work goes on from one.
VERIFIED, RESUMED = 10, 75
#: Images of one day at most: then a new one is worked, in a new database.
IMAGES = 5000
#: The errand of a round that posts to the portal, which remembers the whole day: not done again.
_DELIVERS = 6
_NAME = "motmoi.db"
#: Images are written where no real disk is waited for.
_MEMORY = "/dev/shm"


@dataclass(slots=True)
class Found:
    """The count. Everything but the first lines must be nothing."""

    days: int = 0
    moments: int = 0
    images: int = 0
    resumed: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    corrupt: list[str] = field(default_factory=list)

    @property
    def faults(self) -> dict[str, list[str]]:
        return {name: getattr(self, name) for name in FAULTS if getattr(self, name)}


FAULTS = ("lost", "doubled", "torn", "corrupt")


@dataclass(frozen=True, slots=True)
class Day:
    """All that was asked of the disk, from where in it the office worked, and for whom."""

    events: list[Event]
    began: int
    first: int
    lan: Actor


def day(folder: Path, first: int, *, normal: bool = False) -> Day:
    """A working day from errand `first` on, in a new database, recorded."""
    portal = serve(portal_1022.build({"auth": "basic", "accounts": {"phuong": "x1"}}))
    url = f"sqlite:///{folder / _NAME}"
    for number in range(first, first + DAY, errands.ROUND):
        portal.portal.load(errands.at_the_portal(number))
    try:
        with recording() as disk:
            migrate.upgrade(url)
            product = product_of(url, str(folder))
            if normal:
                event.listen(product.db.engine, "connect", _let_wait)
            errands.furnish(product, portal.url)
            lan, began = Actor(**errands.lan(product)), len(disk.events)
            for number in range(first, first + DAY):
                errands.do(product, lan, number)
                with product.db.read() as tx:
                    disk.events.append(Mark(number, *_reached(tx)))
            events = list(disk.events)  # what closing does is no part of the day
            product.close()
    finally:
        portal.close()
    return Day(events, began, first, lan)


def _let_wait(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")


def _reached(tx: Tx) -> tuple[int, int]:
    """Ledger entries, and messages that the source has."""
    sent = outbox.c.state.in_(("sent", "acknowledged"))
    entries = tx.scalar(select(func.count()).select_from(ledger_entries)) or 0
    return entries, tx.scalar(select(func.count()).select_from(outbox).where(sent)) or 0


class Cuts:
    """Power cuts in one day."""

    def __init__(self, folder: Path, worked: Day, draw: random.Random, found: Found) -> None:
        self._folder, self._day, self._draw, self._found = folder, worked, draw, found
        self._done: set[int] = set()
        self._mark = Mark(worked.first - 1, 0, 0)

    def run(self, images: int) -> None:
        """So many, spread evenly over the day's writes."""
        platter, made, asked = Platter(), 0, len(self._day.events) - self._day.began
        for place, one in enumerate(self._day.events):
            platter.step(one)
            if isinstance(one, Mark):
                self._done.add(one.number)
                self._mark = one
            if place < self._day.began:
                continue
            due = (place - self._day.began + 1) * images // asked
            self._found.moments += made < due
            for _ in range(due - made):
                self._judge(platter.image(self._draw))
            made = due

    def _judge(self, image: Mapping[str, bytes | bytearray]) -> None:
        found, folder = self._found, self._folder / "image"
        found.images += 1
        folder.mkdir()
        try:
            for name, content in image.items():
                (folder / name).write_bytes(content)
            shutil.copy(self._folder / "secret.key", folder)
            self._ask(Database(f"sqlite:///{folder / _NAME}"))
            if found.images % RESUMED == 0:
                self._resume(folder)
        except DatabaseUnavailable as error:
            self._note("corrupt", [str(error)])
        finally:
            shutil.rmtree(folder)

    def _ask(self, db: Database) -> None:
        try:
            with db.read() as tx:
                self._note("corrupt", integrity.faults(tx))
                self._note("lost", judging.lost(tx, self._done, self._day.lan.id))
                self._note("doubled", judging.doubled(tx))
                self._note("torn", judging.torn(tx))
                entries, sent = _reached(tx)
            if entries < self._mark.entries or sent < self._mark.sent:
                self._note("lost", [f"{entries} entries and {sent} sent messages of {self._mark}"])
            if self._found.images % VERIFIED == 0:
                self._note("corrupt", (one.message for one in Evidence(db).verify().findings))
        finally:
            db.close()

    def _resume(self, folder: Path) -> None:
        """The office opens again: what was in hand is done again, and the round ends well."""
        self._found.resumed += 1
        product = product_of(f"sqlite:///{folder / _NAME}", str(folder))
        try:
            for number in range(self._mark.number + 1, self._day.first + DAY):
                if number % errands.ROUND != _DELIVERS:
                    errands.do(product, self._day.lan, number)
        finally:
            product.close()
        self._ask(Database(f"sqlite:///{folder / _NAME}"))

    def _note(self, kind: str, faults: Iterable[str]) -> None:
        getattr(self._found, kind).extend(f"after errand {self._mark.number}: {one}" for one in faults)


def campaign(folder: Path, images: int, *, seed: int = 7, normal: bool = False) -> Found:
    """So many power cuts, at most `IMAGES` in each day."""
    found, draw = Found(), random.Random(seed)
    while found.images < images:
        here = folder / f"day{found.days}"
        here.mkdir()
        worked = day(here, found.days * DAY, normal=normal)
        found.days += 1
        Cuts(here, worked, draw, found).run(min(IMAGES, images - found.images))
        shutil.rmtree(here)
        print(f"{found.images} images", file=sys.stderr, flush=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Cut the power in mid work, and count what is left.")
    parser.add_argument("images", type=int, nargs="?", default=100_000)
    parser.add_argument("--normal", action="store_true", help="the control: commits do not wait for the disk")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=_MEMORY if Path(_MEMORY).is_dir() else None) as folder:
        found = campaign(Path(folder), given.images, seed=given.seed, normal=given.normal)
    print(
        f"{found.images} images of {found.moments} moments in {found.days} days; "
        f"the work went on from {found.resumed} of them"
    )
    judging.show({name: getattr(found, name) for name in FAULTS})
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
