"""`make storms`: a month of bad weather over five portals, and what came of every answer.

    make storms                          10,000 answers in 30 days; then the control, smaller
    make storms ARGS="--answers 2000"    also --days, --seed, --postgres, --no-control

    answers are written | workers work, some die with a batch in hand | portals go and come back
        | a person looks every hour | ... | everything is counted at the portals

One clock for the product, the portals and the lines between; it moves by steps, and by each request. The
control is the same storm with reading back taken out of the connectors: it must show citizens answers twice,
or the run before it would prove nothing. Exit code 1 where anything is lost, doubled, blind or out of order,
or the control is clean.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import update

from aggregator.errors import NotAllowed, RateLimited
from aggregator.sdk.sandbox import serve
from aggregator.services.connections import Line as Wire
from aggregator.services.connections import secrets_purpose, state_purpose
from aggregator.services.errand_page import ErrandFilter
from aggregator.services.evidence import Evidence
from aggregator.storage.channel_tables import channel_schedule, channels
from aggregator.storage.migrate import upgrade
from tests.services.outbox_world import World
from tests.storms import returns
from tests.storms.portals import KINDS, connectors, numbers
from tests.storms.proxy import Entry, Line
from tests.storms.returns import ASKED_TO_WAIT, SIGNED_OUT, Measured, Return
from tests.storms.weather import Outage, Weather, outages

#: A message for which a worker died is looked for this often before the run is called stuck.
PATIENCE_DAYS = 5
#: Steps of the clock: near a recovery, where minutes count, and else.
FINE_S, COARSE_S = 20, 900
NEAR = timedelta(minutes=10)
#: Offices answer in bursts, so often.
BURST = timedelta(hours=2)
REPORTS_A_CASE = 10
#: How long a silent portal is waited for: it costs real time.
SILENT_S = 1.0
WAITING = ("pending", "leased", "confirming")


@dataclass(frozen=True, slots=True)
class Plan:
    """How big a storm."""

    answers: int
    days: float
    seed: int = 7
    workers: int = 2
    #: Workers that work at the same instant, or one after the other: then the run is the same each time.
    threads: bool = False
    blind: bool = False
    long_outages: bool = True
    portals: tuple[str, ...] = tuple(KINDS)


@dataclass(slots=True)
class Outcome:
    """What came of it, as portals, proxies, the person and the ledger count."""

    answers: int
    taken: Counter[str] = field(default_factory=Counter)
    out_of_order: list[str] = field(default_factory=list)
    blind: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    #: Unclear messages that were on the person's page, and those that were not.
    shown: int = 0
    hidden: int = 0
    #: What the person did.
    done: Counter[str] = field(default_factory=Counter)
    abandoned: int = 0
    requests: int = 0
    outages: int = 0
    #: From each return to the first answer taken, where something was owed.
    first: list[Measured] = field(default_factory=list)
    ledger_findings: int = 0
    days: float = 0
    took_s: float = 0

    @property
    def lost(self) -> int:
        return self.answers - len(self.taken)

    @property
    def doubled(self) -> int:
        return sum(count > 1 for count in self.taken.values())

    @property
    def slowest_first(self) -> float:
        """Of all returns but those where the portal itself had asked for a pause."""
        return max((one.took_s for one in self.first if one.held != ASKED_TO_WAIT), default=0.0)

    @property
    def holds(self) -> bool:
        bad = (self.lost, self.doubled, len(self.out_of_order), len(self.blind), self.hidden)
        done = set(self.states) <= {"sent", "acknowledged"}
        return not any(bad) and done and not self.ledger_findings and self.slowest_first <= 300


class Storm:
    """One database, five portals behind bad lines, workers that come and go, and one person."""

    def __init__(self, url: str, plan: Plan) -> None:
        self.plan = plan
        self.world = World(url, connectors(blind=plan.blind))
        self.die = random.Random(plan.seed)
        self.start = self.world.clock()
        self.end = self.start + timedelta(days=plan.days)
        self.out = Outcome(plan.answers)
        self._lock = threading.Lock()
        self._ids: dict[str, int] = {}
        self._returns: list[Return] = []
        #: A person has signed in: until then minutes count.
        self._watched_until = self.start
        #: The case of each report.
        self.cases: dict[int, int] = {}
        self.lines: dict[str, Line] = {}
        self.away: dict[str, list[Outage]] = {}
        self.reports: dict[str, list[int]] = {}
        for name in plan.portals:
            self._open(name)
        self._written = self._schedule()
        self._names = 0

    # What there is

    def _open(self, name: str) -> None:
        kind, count = KINDS[name], max(2, self.plan.answers // len(self.plan.portals) // 2)
        portal = kind.build()
        portal.clock = self.world.clock
        portal.load(
            [{"id": f"{n}", "subject": f"Ổ gà {n}", "body": f"Ổ gà số {n}"} for n in range(1, count + 1)]
        )
        line = Line(serve(portal), Weather(self.plan.seed, name), self.world.clock, self._lock)
        config, secrets = kind.settings(line.url)
        options = {"read_timeout_s": SILENT_S}
        channel = self.world.channel(kind.connector, slug=name, config=config, options=options)
        self._ids[name] = channel
        self._keep_secrets(channel, name, secrets, count)
        self.lines[name] = line
        self.away[name] = outages(
            self.plan.seed, name, self.start, self.plan.days, long=self.plan.long_outages
        )
        self.reports[name] = [self.world.report(channel, f"{n}") for n in range(1, count + 1)]
        for at, report in enumerate(self.reports[name]):
            if at % REPORTS_A_CASE == 0:
                case = self.world.case(channel=channel)
            self.cases[report] = case

    def _keep_secrets(self, channel: int, name: str, secrets: dict[str, str], count: int) -> None:
        vault = self.world.vault
        # What polls would have told the connector: the officers' number of each report.
        known = {"processing": {f"{n}": f"9{n}" for n in range(1, count + 1)}} if name == "city" else {}
        with self.world.db.write() as tx:
            sealed = vault.seal_json(secrets, secrets_purpose(name))
            tx.execute(update(channels).where(channels.c.id == channel).values(secrets=sealed))
            state = vault.seal_json(known, state_purpose(name))
            row = channel_schedule.c.channel_id == channel
            tx.execute(update(channel_schedule).where(row).values(connector_state=state))

    def _schedule(self) -> list[tuple[datetime, int]]:
        """When each answer is written, and to which report: some get several, others none."""
        plan, found = self.plan, []
        span = (self.end - self.start) * 0.9
        for number in range(plan.answers):
            name = plan.portals[number % len(plan.portals)]
            report = self.die.choice(self.reports[name])
            bursts = span // BURST or 1
            found.append((self.start + BURST * self.die.randrange(bursts), report))
        return sorted(found, reverse=True)

    # Time

    def run(self, tell: Callable[[str], None] = lambda _line: None) -> Outcome:
        """The whole storm; `tell` hears of every tenth of it."""
        began = time.monotonic()
        random.seed(self.plan.seed)  # of the back-off's jitter
        next_look, next_told, count = self.start, self.start, 0
        while self.world.clock() < self.end or self._is_open():
            if self.world.clock() > self.end + timedelta(days=PATIENCE_DAYS):
                break
            self._change_weather()
            count = self._write(count)
            self._work()
            if self.world.clock() >= next_look:
                self._look()
                next_look = self.world.clock() + timedelta(hours=1)
            self._step()
            if self.world.clock() >= next_told:
                tell(f"{next_told:%d/%m}: {count:,} of {self.plan.answers:,} written")
                next_told += (self.end - self.start) / 10
        self._count()
        self.out.took_s = time.monotonic() - began
        return self.out

    def _is_open(self) -> bool:
        return bool(self._written) or bool(self.world.rows(state=(*WAITING, "unclear", "dead", "manual")))

    def _step(self) -> None:
        """To the next thing that happens, or a step; in small steps around a recovery and after a sign-in."""
        now = self.world.clock()
        near = now < self._watched_until or any(
            one.end - timedelta(seconds=COARSE_S) <= now <= one.end + NEAR
            for found in self.away.values()
            for one in found
        )
        self.world.clock.wait(FINE_S if near else COARSE_S)
        for line in self.lines.values():
            line.mature()

    def _change_weather(self) -> None:
        now = self.world.clock()
        for name, line in self.lines.items():
            present = next((one for one in self.away[name] if one.begin <= now < one.end), None)
            if present and not line.away:
                line.leave(present.how)
                self.out.outages += 1
            elif line.away and present is None:
                line.come_back()
                self._back(name, max(one.end for one in self.away[name] if one.end <= now))

    def _back(self, name: str, since: datetime) -> None:
        """Note a return where something is owed; one that is signed out is noted when a person comes."""
        schedule = self.world.schedule(self._ids[name])
        if schedule.state == "ok" and self._owes(name):
            pause = schedule.write_error_code == RateLimited.code and schedule.write_open_until
            held = ASKED_TO_WAIT if pause and pause > since else ""
            self._returns.append(Return(name, since, held))

    def _owes(self, name: str) -> bool:
        """Whether an answer is on its way that the portal does not have."""
        taken = self.lines[name].taken()
        mine = [row for row in self.world.rows(state=WAITING) if row.channel_id == self._ids[name]]
        return any(not row.behind and self._number(row.id) not in taken for row in mine)

    # People and workers

    def _write(self, count: int) -> int:
        """The answers whose time has come; every second one is the report's result."""
        while self._written and self._written[-1][0] <= self.world.clock():
            _, report = self._written.pop()
            words = f"Đã xử lý xong việc số m{count:05}."
            kind = "progress" if self.die.random() < 0.5 else "result"
            self.world.answer(self.cases[report], report, words, kind=kind)
            count += 1
        return count

    def _work(self) -> None:
        if self.die.random() < 0.04:
            self._die()
        names = [f"worker-{number}" for number in range(self.plan.workers)]
        if not self.plan.threads:
            for name in names:
                self.world.another_worker().drain(name, 200)
            return
        with ThreadPoolExecutor(len(names)) as pool:
            list(pool.map(lambda name: self.world.another_worker().drain(name, 200), names))

    def _die(self) -> None:
        """A worker takes a batch, pushes some of it, and is never heard of again."""
        self._names += 1
        worker = self.world.another_worker()
        batch = worker.claim(f"dies-{self._names}")
        if batch is None:
            return
        self.out.abandoned += 1
        pushes = self.die.randint(0, len(batch.messages))
        with Wire(worker.deliveries.connections, batch.channel) as wire:
            tries = worker.deliveries.carry(batch, wire, lambda: False)
            for _ in range(pushes):
                next(tries, None)

    def _look(self) -> None:
        """The person's hour: what is unclear, what was refused, which channel wants a new sign-in."""
        world = self.world
        unclear = {row.id: row for row in world.rows(state=("unclear",))}
        on_page = set(self._page()) if unclear else set()
        self.out.shown += len(unclear.keys() & on_page)
        self.out.hidden += len(unclear.keys() - on_page)
        names = {channel: name for name, channel in self._ids.items()}
        for message, row in unclear.items():
            arrived = self.lines[names[row.channel_id]].person_looks(self._number(message))
            try:
                world.errands.resolve_unclear(world.lan, message, arrived)
            except NotAllowed:
                self.out.done["looked too early, looks again"] += 1
                continue
            self.out.done["looked: there" if arrived else "looked: not there"] += 1
        for row in world.rows(state=("dead",)):
            world.outbox.retry(world.lan, row.id)
            self.out.done["sent again"] += 1
        for name, channel in self._ids.items():
            if world.schedule(channel).state != "ok" and not self.lines[name].away:
                world.set_schedule(channel, state="ok")
                self.out.done["signed in again"] += 1
                self.lines[name].calm_down()
                if self._owes(name):
                    self._returns.append(Return(name, world.clock(), SIGNED_OUT))
                    self._watched_until = world.clock() + NEAR

    def _page(self) -> Iterator[int]:
        """The ids on the person's page, all its pages through."""
        wanted = ErrandFilter(size=100)
        while True:
            page = self.world.errands.page(self.world.lan, wanted)
            yield from (row.delivery.id for row in page.rows)
            if not page.next:
                return
            wanted = ErrandFilter(size=100, after=page.next)

    def _number(self, message: int) -> str:
        return f"m{message - 1:05}"

    # Counting

    def _count(self) -> None:
        out, world = self.out, self.world
        for name, line in self.lines.items():
            out.taken += line.taken()
            out.faults += line.weather.seen
            out.requests += len(line.log)
            portal = line.running.portal
            for report, given in portal.answers.items():
                first = list(dict.fromkeys(numbers(given)))
                if first != sorted(first):
                    out.out_of_order.append(f"{name}/{report}")
            out.blind += [f"{name}/{number}" for number in blind(line.log, by_key=KINDS[name].by_key)]
            out.first += list(self._measured(name, line))
        out.states = Counter(row.state for row in world.rows())
        out.days = (world.clock() - self.start) / timedelta(days=1)
        out.ledger_findings = len(Evidence(world.db).verify().findings)

    def _measured(self, name: str, line: Line) -> Iterator[Measured]:
        arrived = [answer.at for given in line.running.portal.answers.values() for answer in given]
        away = [outage.begin for outage in self.away[name]]
        for one in self._returns:
            took = one.took_s(arrived, away) if one.portal == name else None
            if took is not None:
                yield Measured(one.held, took)

    def close(self) -> None:
        for line in self.lines.values():
            line.close()
        self.world.close()


def blind(log: Sequence[Entry], *, by_key: bool) -> Iterator[str]:
    """Answers posted again though nobody had looked since a post of unclear outcome.

    Where the portal refuses a key that it has, posting again is the look.
    """
    doubtful: dict[str, str] = {}
    for entry in log:
        asked = entry.asked
        doubtful.pop(entry.looked_for, None)
        if (number := asked.number) is not None:
            if number in doubtful and not by_key:
                yield number
            if not entry.refused:
                doubtful[number] = asked.path
        elif asked.method == "GET":
            looked = [number for number, path in doubtful.items() if _same_report(path, asked.path)]
            for number in looked:
                del doubtful[number]


def _same_report(written: str, read: str) -> bool:
    """Whether the page that was read is that of the report that was written to."""
    last = read.partition("?")[0].rstrip("/").rpartition("/")[2]
    return last in written.split("/") or last == "danh-sach"


@contextmanager
def storm(url: str, plan: Plan) -> Iterator[Storm]:
    found = Storm(url, plan)
    try:
        yield found
    finally:
        found.close()


def told(title: str, out: Outcome) -> str:
    """The counts as a table."""
    rows: list[tuple[str, object]] = [
        ("answers written", out.answers),
        ("taken by the portals, each once", sum(count == 1 for count in out.taken.values())),
        ("doubled / lost", f"{out.doubled} / {out.lost}"),
        ("reports out of order", len(out.out_of_order)),
        ("blind repeats", len(out.blind)),
        ("requests, faults in them", f"{out.requests:,}, {out.faults.total():,}"),
        ("outages", out.outages),
        *returns.told(out.first),
        ("workers abandoned with a batch", out.abandoned),
        ("unclear: on the person's page / missing there", f"{out.shown} / {out.hidden}"),
        ("the person's work", ", ".join(f"{what} {n}" for what, n in sorted(out.done.items())) or "none"),
        ("states at the end", ", ".join(f"{state} {n}" for state, n in sorted(out.states.items()))),
        ("ledger findings", out.ledger_findings),
        ("virtual days; real seconds", f"{out.days:.1f}; {out.took_s:.0f}"),
        *((f"  {fault}", n) for fault, n in sorted(out.faults.items())),
    ]
    width = max(len(what) for what, _ in rows)
    return "\n".join(
        [title, "-" * len(title), *(f"{what.ljust(width)}  {found}" for what, found in rows), ""]
    )


def main() -> int:
    options = _options()
    plan = Plan(options.answers, options.days, options.seed, threads=True)
    with tempfile.TemporaryDirectory(prefix="motmoi-storm-") as folder, _database(options, folder) as url:
        with storm(url, plan) as run:
            out = run.run(lambda line: print(line, file=sys.stderr, flush=True))
    print(told(f"{plan.answers:,} answers in {plan.days:g} days", out), flush=True)
    if options.no_control:
        return int(not out.holds)
    control = replace(plan, answers=max(200, plan.answers // 10), days=plan.days / 10, blind=True)
    with tempfile.TemporaryDirectory(prefix="motmoi-storm-") as folder, _database(options, folder) as url:
        with storm(url, control) as run:
            doubled = run.run()
    print(told("control: the same without reading back", doubled))
    return int(not (out.holds and doubled.doubled))


@contextmanager
def _database(options: argparse.Namespace, folder: str) -> Iterator[str]:
    if not options.postgres:
        url = f"sqlite:///{Path(folder) / 'motmoi.db'}"
        upgrade(url)
        yield url
        return
    from tests.postgres_server import running

    with running() as server, server.fresh() as url:
        upgrade(url)
        yield url


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make storms", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--answers", type=int, default=10_000)
    parser.add_argument("--days", type=float, default=30)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL")
    parser.add_argument("--no-control", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
