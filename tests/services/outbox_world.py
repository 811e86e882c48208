"""Ward A with Lan and Minh, ward B with Huệ, one case with reports, and a source to answer to.

`World` speaks in answers and citizens: `answer(report, words)` queues, `work()` is a worker's round,
`citizens_read(report)` is what the source shows. `Counter` is a source without HTTP for what a portal
cannot be told to do (broken connectors, no reading back).
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, text, update

from aggregator.domain.delivery import Delivery
from aggregator.domain.people import Actor, Role
from aggregator.sdk.contract import (
    Answer,
    Capabilities,
    Context,
    Manifest,
    PushCommand,
    PushResult,
    RemoteState,
    SourceStatus,
)
from aggregator.sdk.discovery import Found, discover
from aggregator.sdk.sandbox import Running, serve
from aggregator.services import counters, delivery_log, ledger
from aggregator.services.errands import Errands
from aggregator.services.outbox import DrainResult, Outbox
from aggregator.services.views.delivery import DeliveryView
from aggregator.settings import Settings
from aggregator.storage import case_queries, channel_queries, outbox_claims, outbox_queries
from aggregator.storage.account_tables import officers
from aggregator.storage.case_tables import cases, outbox, replies
from aggregator.storage.channel_tables import channel_schedule
from aggregator.storage.db import Database, Tx
from aggregator.storage.ledger_tables import ledger_entries
from aggregator.storage.outbox_queries import NewMessage
from aggregator.storage.place_tables import wards
from aggregator.storage.report_tables import reports
from aggregator.storage.vault import Vault
from connectors.portal_1022 import sandbox

WARD_A, WARD_B = "27142", "26740"
# The portal's answers carry the machine's time, so ours starts there too.
START = datetime.now(UTC).replace(microsecond=0)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def wait(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Counter:
    """A source in this process: keeps what it takes; `next_push` goes wrong once, as told."""

    def __init__(self) -> None:
        self.taken: dict[str, list[str]] = {}
        self.pushes = self.looks = 0
        self.next_push: list[Callable[[PushCommand], None]] = []
        self.next_look: list[Callable[[], None]] = []
        self.commands: list[PushCommand] = []

    def take(self, command: PushCommand) -> None:
        self.taken.setdefault(command.external_id, []).append(command.body)

    def push(self, _ctx: Context, command: PushCommand) -> PushResult:
        self.pushes += 1
        self.commands.append(command)
        if self.next_push:
            self.next_push.pop(0)(command)
        self.take(command)
        return PushResult("sent", remote_ref=f"ref-{self.pushes}")

    def lookup(self, _ctx: Context, command: PushCommand) -> RemoteState | None:
        self.looks += 1
        if self.next_look:
            self.next_look.pop(0)()
        answers = tuple(Answer(body) for body in self.taken.get(command.external_id, ()))
        found = next((answer for answer in answers if answer.body == command.body), None)
        return RemoteState(SourceStatus.RESOLVED, answers, found)

    def check(self, *_: Any) -> Any: ...
    def poll(self, *_: Any) -> Any: ...
    def remap(self, *_: Any) -> Any: ...
    def fetch_attachment(self, *_: Any) -> Any: ...


def counter_found(counter: Counter, kind: str = "counter", **can: Any) -> Found:
    capabilities = Capabilities(**{"push_reply": True, "idempotency": "read_back", **can})
    manifest = Manifest(
        kind, "1", 1, {"vi": kind}, {"vi": kind}, "tests", capabilities,
        {"type": "object", "properties": {}}, {}, {}, Path(),
    )  # fmt: skip
    return Found(kind, manifest, "tests", _loaded=counter)  # type: ignore[arg-type]


def impatient(found: Found) -> Found:
    """The connector as it is, without the polite pause between two requests."""
    assert found.manifest is not None
    manifest = dataclasses.replace(found.manifest, defaults={**found.manifest.defaults, "min_gap_s": 0})
    return dataclasses.replace(found, manifest=manifest)


class World:
    """One database, one worker, and whatever channels a test adds."""

    def __init__(self, url: str, connectors: Mapping[str, Found], settings: Settings | None = None) -> None:
        self.db = Database(url)
        self.vault = Vault([bytes(32)])
        self.clock = Clock()
        self.connectors = dict(connectors)
        self.settings = settings or Settings()
        self.outbox = self.another_worker()
        self.errands = Errands(self.db, self.connectors, self.clock, self.settings.data_dir)
        self._numbers = itertools.count(1)
        with self.db.write() as tx:
            tx.execute(
                insert(wards), [{"code": WARD_A, "name": "Phường A"}, {"code": WARD_B, "name": "Phường B"}]
            )
        self.lan = self._officer("lan", "Trần Thị Lan", Role.OFFICER, WARD_A)
        self.minh = self._officer("minh", "Lê Minh", Role.LEADER, WARD_A)
        self.hue = self._officer("hue", "Ngô Huệ", Role.OFFICER, WARD_B)

    def another_worker(self) -> Outbox:
        """A second process as far as the database can tell."""
        return Outbox(self.db, self.vault, self.connectors, self.clock, self.settings)

    def _officer(self, login: str, name: str, role: Role, ward: str) -> Actor:
        with self.db.write() as tx:
            key = tx.execute(
                insert(officers).values(
                    login=login, name=name, role=role.value, ward_code=ward, password_hash="x", language="vi",
                    active=True, created_at=START,
                )
            ).inserted_primary_key  # fmt: skip
        assert key is not None
        return Actor(key[0], login, name, role, ward)

    def channel(self, kind: str, slug: str | None = None, **more: Any) -> int:
        options = {"allow_private": True, **more.pop("options", {})}
        with self.db.write() as tx:
            return channel_queries.insert_channel(
                tx,
                {"slug": slug or kind, "kind": kind, "title": slug or kind, "ward_code": WARD_A,
                 "config": more.pop("config", {}), "secrets": None, "options": options, "created_at": START},
                {"interval_s": 60, "next_due_at": START, "host_key": slug or kind},
            )  # fmt: skip

    def case(self, ward: str = WARD_A, *, channel: int) -> int:
        number = next(self._numbers)
        with self.db.write() as tx:
            key = tx.execute(
                insert(cases).values(
                    code=f"26-{number}", ward_code=ward, title="Ổ gà", extract="Ổ gà lớn", channel_id=channel,
                    status="new", is_open=True, received_at=START, opened_at=START, stage="none",
                    sort_at=START, report_count=1, unread=True, delivery_problem=False, version=1,
                )
            ).inserted_primary_key  # fmt: skip
            assert key is not None
            counters.shift(tx, [], case_queries.facts(tx, [key[0]]).values())
        return int(key[0])

    def report(self, channel: int, external_id: str, ward: str = WARD_A) -> int:
        with self.db.write() as tx:
            key = tx.execute(
                insert(reports).values(
                    channel_id=channel, external_id=external_id, ward_code=ward, kind="feedback",
                    received_at=START, first_seen_at=START, changed_at=START, subject="Ổ gà", body="Ổ gà lớn",
                    source_status="new", anonymous=False, revision=1, revision_hash="x", search_text="o ga",
                )
            ).inserted_primary_key  # fmt: skip
        assert key is not None
        return int(key[0])

    def answer(self, case: int, report: int, words: str, kind: str = "result") -> int:
        """Lan answers: a reply and its message, as the case's own verb queues them."""
        with self.db.write() as tx:
            row = tx.execute(
                select(reports.c.channel_id, reports.c.ward_code).where(reports.c.id == report)
            ).one()
            channel = channel_queries.by_id(tx, row.channel_id)
            ledger.lock(tx, [row.ward_code])
            reply = tx.execute(
                insert(replies).values(
                    case_id=case, officer_id=self.lan.id, kind=kind, body=words, at=self.clock()
                )
            ).inserted_primary_key
            assert reply is not None
            message = NewMessage(
                f"key-{next(self._numbers)}", reply[0], report, channel.id, case,
                self._first_state(channel.kind), self.clock(),
            )  # fmt: skip
            (message_id,) = outbox_queries.enqueue(tx, [message])
            delivery_log.refresh_problems(tx, [case])
        return message_id

    def _first_state(self, kind: str) -> Delivery:
        found = self.connectors.get(kind)
        can = found.manifest.capabilities if found and found.manifest else Capabilities(push_reply=True)
        return Delivery.PENDING if can.push_reply else Delivery.MANUAL

    def many_answers(
        self, channel: int, count: int, *, ago: timedelta = timedelta(0), behind: bool = False
    ) -> None:
        """A queue of `count` messages to as many reports, without the verbs' ceremony."""
        case = self.case(channel=channel)
        at = self.clock() - ago
        like = self.rows_of_a_queue(channel, case, count, at)
        like[1][:] = [{**message, "behind": behind} for message in like[1]]
        if count > 1:
            with self.db.write() as tx:
                tx.execute(insert(reports), like[0])
                tx.execute(insert(outbox), like[1])

    def rows_of_a_queue(
        self, channel: int, case: int, count: int, at: datetime
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        first = self.answer(case, self.report(channel, f"first of {next(self._numbers)}"), "Đã xong.")
        with self.db.read() as tx:
            message = dict(tx.execute(select(outbox).where(outbox.c.id == first)).mappings().one())
            report = dict(
                tx.execute(select(reports).where(reports.c.id == message["report_id"])).mappings().one()
            )
        new = [next(self._numbers) + 100_000 for _ in range(count - 1)]
        return (
            [{**report, "id": n, "external_id": f"many-{n}"} for n in new],
            [
                {**message, "id": n, "report_id": n, "idempotency_key": f"many-{n}", "next_attempt_at": at}
                for n in new
            ],
        )

    # A worker, a poll, time

    def work(self, limit: int = 50) -> DrainResult:
        return self.outbox.drain("worker", limit)

    def work_until_quiet(self, rounds: int = 60, step_s: float = 30) -> None:
        """A worker's day, compressed: rounds until nothing waits."""
        for _ in range(rounds):
            self.work()
            if not self.rows(state=("pending", "leased", "confirming")):
                return
            self.clock.wait(step_s)
        raise AssertionError(f"still waiting: {self.rows(state=('pending', 'leased', 'confirming'))}")

    def poll_succeeds(self, channel: int) -> None:
        with self.db.write() as tx:
            outbox_claims.wake(tx, channel, self.clock())

    def poll_shows(self, channel: int, report: int, texts: list[str]) -> None:
        """A poll brings the report with these answers under it."""
        with self.db.write() as tx:
            delivery_log.acknowledge(tx, channel, {report: texts}, self.clock())

    # What can be seen

    def view(self, message: int) -> DeliveryView:
        return next(v for v in self._views() if v.id == message)

    def _views(self) -> Iterator[DeliveryView]:
        for state in Delivery:
            yield from self.outbox.list(None, state)

    def state(self, message: int) -> Delivery:
        return self.view(message).state

    def rows(self, *, state: tuple[str, ...] | None = None) -> list[Any]:
        with self.db.read() as tx:
            query = select(outbox).order_by(outbox.c.id)
            return list(tx.execute(query.where(outbox.c.state.in_(state)) if state else query))

    def schedule(self, channel: int) -> Any:
        with self.db.read() as tx:
            return tx.execute(select(channel_schedule).where(channel_schedule.c.channel_id == channel)).one()

    def set_schedule(self, channel: int, **values: Any) -> None:
        with self.db.write() as tx:
            tx.execute(
                update(channel_schedule).where(channel_schedule.c.channel_id == channel).values(**values)
            )

    def log_of(self, message: int) -> list[dict[str, Any]]:
        """The message's ledger entries, in order."""
        with self.db.read() as tx:
            query = select(ledger_entries.c.data).where(ledger_entries.c.kind == "delivery")
            entries = [json.loads(data) for data in tx.scalars(query.order_by(ledger_entries.c.seq))]
        return [entry for entry in entries if entry["outbox"] == message]

    def has_problem(self, case: int) -> bool:
        """The case's mark; and what was kept beside it says the same as its rows and a recount."""
        with self.db.read() as tx:
            marked = bool(tx.scalar(select(cases.c.delivery_problem).where(cases.c.id == case)))
            assert marked == (case in outbox_queries.problem_cases(tx))
            assert _kept(tx) == {key: n for key, n in counters.recount(tx).items() if n}
        return marked

    def close(self) -> None:
        self.db.close()


def _kept(tx: Tx) -> dict[tuple[str, ...], int]:
    rows = tx.execute(text("SELECT ward_code, dim, key, bucket, n FROM case_counts WHERE n <> 0"))
    return {tuple(row[:4]): row[4] for row in rows}


class Portal:
    """A simulated 1022 portal over HTTP, as its citizens and its faults are seen from outside."""

    def __init__(self, running: Running) -> None:
        self.running = running

    def fault(self, kind: str, count: int | None = 1, path: str | None = "xuly$", **options: Any) -> None:
        self._control("POST", "faults", {"kind": kind, "count": count, "path": path, **options})

    def heal(self) -> None:
        self._control("DELETE", "faults")

    def read(self, external_id: str) -> list[str]:
        answers: dict[str, list[dict[str, Any]]] = self._control("GET", "state")["answers"]
        return [answer["body"] for answer in answers.get(external_id, [])]

    def writes(self) -> int:
        return int(self._control("GET", "state")["writes"])

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.running.url}/_control/{path}", data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())


@contextmanager
def simulated_portal(clock: Clock | None = None, count: int = 3) -> Iterator[Portal]:
    """A portal with reports "1".."count", open to officers without a password."""
    scenario = {
        "auth": "none",
        "reports": [{"id": str(n), "subject": f"Ổ gà {n}"} for n in range(1, count + 1)],
    }
    portal = sandbox.build(scenario)
    if clock is not None:
        portal.clock = clock
    with serve(portal) as running:
        yield Portal(running)


@contextmanager
def beside_a_portal(url: str, portal: Portal) -> Iterator[World]:
    """A ward whose one channel is that portal over HTTP, which is well and holds no answers yet."""
    portal.heal()
    portal.running.portal.answers.clear()
    world = World(url, portal_connectors())
    yield world
    world.close()


def portal_connectors() -> dict[str, Found]:
    return {"portal_1022": impatient(discover()["portal_1022"])}


def portal_config(portal: Portal) -> dict[str, Any]:
    return {"base_url": portal.running.url, "scope": "officer", "auth": "none"}
