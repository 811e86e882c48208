"""Whether order, workers and engine matter to which reports share a case.

    one worker, in the order of time  |  four workers at once, pages shuffled  |  one worker, as they had it

What is promised, and counted here as broken where it does not hold:

    The reports that were stored, in the order in which they were stored, give the same cases on either
    engine, from one worker or four, whatever the pages they came in. ("as they had it")
    Another order can only move a report that is alike enough to join two cases: it joins the better of
    those it meets, and each that it did not join is asked about. ("in the order of time")

Nothing here waits or is timed: workers are processes that start together and fight for the wards.
"""

from __future__ import annotations

import itertools
import random
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sqlalchemy import select

from aggregator.sdk.contract import Record
from aggregator.storage import migrate
from aggregator.storage.bulk import insert_rows
from aggregator.storage.case_tables import memberships
from aggregator.storage.place_tables import wards
from aggregator.storage.report_tables import judgements, reports
from tests import factories
from tests.benchmarks import streams
from tests.benchmarks.streams import HELD
from tests.benchmarks.table import Figure, at_most, told
from tests.factories import Office, record
from tests.postgres_server import running

WORKERS, PAGE = 4, 20
#: (channel, what it brings), in the order of time.
Sent = list[tuple[str, Record]]


def measure(count: int) -> Iterator[tuple[str, list[Figure]]]:
    """Each engine with what four workers and another order changed on it."""
    sent = arriving(count, seed=2026)
    with tempfile.TemporaryDirectory(prefix="motmoi-bench-") as name, running() as server:
        folder = Path(name)
        alone(f"sqlite:///{folder}/time.db", folder, sent)
        in_time = outcome(f"sqlite:///{folder}/time.db", folder, sent)
        # What four workers stored on one engine, one worker gets again on the other.
        with server.fresh() as four, server.fresh() as one:
            for engine, url, again in (
                ("postgresql", four, f"sqlite:///{folder}/one.db"),
                ("sqlite", f"sqlite:///{folder}/four.db", one),
            ):
                found = compare(folder, url, again, in_time, sent, seed=7)
                yield f"four workers at once on {engine}, {count:,} reports", _figures(found)


def _figures(found: Comparison) -> list[Figure]:
    return [
        at_most("cases otherwise than one worker gives them, in the same order", found.otherwise, 0),
        at_most("pairs apart that are one case in order of time, unasked", found.unasked, 0),
        told("pairs apart in one of the two orders", found.apart, note=f"of {found.stored} reports"),
    ]


# The stream ----------------------------------------------------------------------------------------


def arriving(count: int, seed: int) -> Sent:
    """A stream of the held half, told through four channels."""
    dice = random.Random(seed)
    made = streams.stream(HELD, count, seed, days=max(1, count // 150))
    return [(f"kenh-{dice.randrange(WORKERS)}", _record(at, one.row)) for at, one in enumerate(made)]


def _record(at: int, row: dict[str, Any]) -> Record:
    return record(
        f"{at:06}", row["body"], subject=row["subject"], address=row["address"], lat=row["lat"],
        lng=row["lng"], occurred_at=datetime.fromisoformat(row["received_at"]), ward=row["ward"],
        phone=row["reporter_phone"], category_raw=row["category"],
    )  # fmt: skip


def pages(sent: Sent) -> Iterator[tuple[str, list[Record]]]:
    """What follows one another on one channel, together."""
    for slug, group in itertools.groupby(sent, key=lambda one: one[0]):
        yield slug, [found for _, found in group]


def shuffled(sent: Sent, seed: int) -> dict[str, list[list[Record]]]:
    """Channel -> its pages, as a portal with several lists and a few repeated polls might give them."""
    dice = random.Random(seed)
    dealt: dict[str, list[list[Record]]] = {}
    for slug in sorted({slug for slug, _ in sent}):
        own = [found for channel, found in sent if channel == slug]
        dealt[slug] = [own[at : at + PAGE] for at in range(0, len(own), PAGE)]
        dice.shuffle(dealt[slug])
    return dealt


# Offices -------------------------------------------------------------------------------------------


def make(url: str, folder: Path, sent: Sent) -> None:
    """An empty office at `url` that knows the stream's wards and channels."""
    folder.mkdir(parents=True, exist_ok=True)
    migrate.upgrade(url)
    factories.seed(url)
    with _office(url, folder, sent) as office:
        known = {ward for found in office.rows(select(wards.c.code)) for ward in found}
        codes = {found.location.ward_code for _, found in sent if found.location.ward_code} - known
        with office.db.write() as tx:
            insert_rows(tx, wards, [{"code": code, "name": f"Phường {code}"} for code in sorted(codes)])
        for slug in sorted({slug for slug, _ in sent}):
            office.channel(slug)


@contextmanager
def _office(url: str, folder: Path, sent: Sent) -> Iterator[Office]:
    with closing(Office(url, folder)) as office:
        office.clock.at = max(found.occurred_at for _, found in sent) + timedelta(hours=1)
        yield office


def alone(url: str, folder: Path, sent: Sent) -> None:
    """One worker takes in the stream in this order."""
    make(url, folder, sent)
    with _office(url, folder, sent) as office:
        for slug, found in pages(sent):
            office.receives(slug, *found)


def at_once(url: str, folder: Path, sent: Sent, seed: int) -> None:
    """As many processes as channels, each with its own channel's pages, all starting together."""
    make(url, folder, sent)
    processes = get_context("spawn")
    start = processes.Barrier(WORKERS)
    workers = [
        processes.Process(target=_work, args=(url, folder, sent, slug, own, start))
        for slug, own in shuffled(sent, seed).items()
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    ended = [worker.exitcode for worker in workers]
    assert ended == [0] * WORKERS, f"workers ended with {ended}"


def _work(url: str, folder: Path, sent: Sent, slug: str, own: list[list[Record]], start: Any) -> None:
    with _office(url, folder, sent) as office:
        office.run(slug)
        start.wait()
        for page in own:
            office.receives(slug, *page)


# What came of it -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """Report -> case, in the order in which reports were stored; and pairs that are asked about."""

    case_of: dict[str, int]
    asked: frozenset[tuple[str, str]]

    @property
    def cases(self) -> set[frozenset[str]]:
        found: dict[int, set[str]] = {}
        for report, case in self.case_of.items():
            found.setdefault(case, set()).add(report)
        return {frozenset(members) for members in found.values()}

    def asks(self, one: str, other: str) -> bool:
        """Whether somebody is asked if the cases of these two are one."""
        wanted = {self.case_of[one], self.case_of[other]}
        return any({self.case_of[a], self.case_of[b]} == wanted for a, b in self.asked)


def outcome(url: str, folder: Path, sent: Sent) -> Outcome:
    with _office(url, folder, sent) as office:
        names = dict(office.rows(select(reports.c.id, reports.c.external_id).order_by(reports.c.id)))
        living = select(memberships.c.report_id, memberships.c.case_id).where(
            memberships.c.ended_at.is_(None)
        )
        case_of = dict(office.rows(living))
        unsure = select(judgements.c.report_a, judgements.c.report_b).where(
            judgements.c.judgement == "unsure"
        )
        asked = frozenset((names[one], names[other]) for one, other in office.rows(unsure))
        office.is_sound()
    return Outcome({name: case_of[number] for number, name in names.items()}, asked)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Four workers at once: against one worker in the very order they stored, and in the order of time.

    `apart`: pairs in one case in the one and in two in the other; `unasked`: those where nobody is asked.
    """

    stored: int
    otherwise: int
    apart: int
    unasked: int


def compare(folder: Path, url: str, again: str, in_time: Outcome, sent: Sent, seed: int) -> Comparison:
    """Four workers on `url`, then one on the empty database `again` in the order that they stored."""
    at_once(url, folder, sent, seed)
    four = outcome(url, folder, sent)
    of = {found.external_id: (slug, found) for slug, found in sent}
    as_they_had_it = [of[report] for report in four.case_of]
    alone(again, folder, as_they_had_it)
    one = outcome(again, folder, sent)
    apart = list(_apart(four, in_time))
    return Comparison(
        stored=len(four.case_of),
        otherwise=len(four.cases ^ one.cases),
        apart=len(apart),
        unasked=sum(not (four.asks(*pair) or in_time.asks(*pair)) for pair in apart),
    )


def _apart(some: Outcome, others: Outcome) -> Iterator[tuple[str, str]]:
    for mine, theirs in ((some, others), (others, some)):
        for case in mine.cases:
            for one, other in itertools.combinations(sorted(case), 2):
                if theirs.case_of[one] != theirs.case_of[other]:
                    yield one, other
