"""Two worker processes and one reminder: one mail; and none lost when one is killed with it in hand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from aggregator.bootstrap import Aggregator, build
from aggregator.domain.people import Actor, Role
from aggregator.domain.runs import Run
from aggregator.services import ledger, starting_set
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.settings import Settings
from aggregator.storage import channel_queries, migrate
from aggregator.storage.reminder_tables import mails
from tests.factories import VN, batch, record
from tests.services.smtp_world import PATIENCE, Inboxes, mail_server

LEASE_S = 3.0
TIMING = {"lease_s": LEASE_S, "poll_deadline_s": 2.0, "push_deadline_s": 2.0, "tick_s": 0.1}


class City:
    """A database, a mail server, and one case of Lan's whose deadline is near now."""

    def __init__(self, url: str, folder: Path, mail: dict[str, Any]) -> None:
        self.url, self.folder = url, folder
        values = {**TIMING, **mail, "smtp_timeout_s": 60}
        toml = "\n".join(f"{name} = {_toml(value)}" for name, value in values.items())
        assert tomllib.loads(toml)
        (folder / "settings.toml").write_text(toml, encoding="utf-8")
        migrate.upgrade(url)
        self.product: Aggregator = build(Settings(database_url=url, data_dir=folder, **values))
        starting_set.seed(self.product.db, self.product.clock())
        self.product.accounts.ensure_ward("27142", "Phường A")
        self.product.accounts.add("lan", "Lan", Role.OFFICER, "27142", "mat-khau-cua-lan-1")
        self.lan: Actor = self.product.accounts.sign_in("lan", "mat-khau-cua-lan-1")[1]
        self._always_open()
        self._near_its_deadline()

    def _always_open(self) -> None:
        """An office that works day and night: the test runs at any hour."""
        week = {str(day): [["00:00", "00:00"]] for day in range(7)}
        with self.product.db.write() as tx:
            from aggregator.storage.place_tables import calendar_days, calendars

            tx.execute(calendar_days.delete())
            tx.execute(calendars.update().values(week=week))
            ledger.append(tx, [Draft(SYSTEM, "calendar_changed", self.product.clock(), {})])

    def _near_its_deadline(self) -> None:
        product, now = self.product, self.product.clock()
        product.reminder_choices.choose(
            self.lan, email="lan@phuong-a.test", in_app=True, by_mail=True, daily=False, weekly=False,
            quiet_from="", quiet_to="",
        )  # fmt: skip
        with product.db.write() as tx:
            channel = channel_queries.insert_channel(
                tx,
                {"slug": "k", "kind": "portal", "title": "Kênh", "ward_code": "27142", "config": {},
                 "secrets": None, "options": {}, "created_at": now},
                {"interval_s": 60, "next_due_at": now + timedelta(days=9), "host_key": "k"},
            )  # fmt: skip
            row = channel_queries.claim_one(tx, channel, "test", now, now + timedelta(minutes=2))
            assert row is not None
            run_id = channel_queries.start_run(tx, row, "poll", None, now)
        run = Run(run_id, channel, "k", "27142", row.fence, "test", "poll", VN)
        # Four fifths of the source's time are over just now.
        found = record("1", occurred_at=now - timedelta(hours=8), due_at=now + timedelta(hours=2))
        product.intake.receive(run, batch(found, cursor={"page": 1}))
        product.cases.assign(self.lan, 1, unit_id=None, officer_id=self.lan.id)

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """A worker process; killed at the end if it still runs."""
        environment = os.environ | {
            "MOTMOI_DATABASE_URL": self.url, "MOTMOI_DATA_DIR": str(self.folder),
            "MOTMOI_CONFIG": str(self.folder / "settings.toml"),
        }  # fmt: skip
        process = subprocess.Popen([sys.executable, "-m", "aggregator.cli", "-q", "worker"], env=environment)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def mails(self) -> list[tuple[str, bool]]:
        with self.product.db.read() as tx:
            return [tuple(row) for row in tx.execute(select(mails.c.state, mails.c.possible_repeat))]


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


@pytest.fixture
def world(empty_database_url: str, tmp_path: Path) -> Iterator[tuple[City, Inboxes]]:
    with mail_server() as (server, settings):
        city = City(empty_database_url, tmp_path, settings)
        yield city, server
        city.product.close()


def settled(city: City) -> list[tuple[str, bool]]:
    """The mails once none is on its way any more."""
    import time

    for _ in range(PATIENCE * 10):
        found = city.mails()
        if found and all(state in ("sent", "dead", "dropped") for state, _ in found):
            return found
        time.sleep(0.1)
    raise AssertionError(city.mails())


def test_two_workers_and_one_reminder_make_one_mail(world: tuple[City, Inboxes]) -> None:
    city, server = world
    with city.worker(), city.worker():
        assert server.arrived.wait(PATIENCE)
        assert settled(city) == [("sent", False)]
    assert [mail["To"] for mail in server.mails] == ["lan@phuong-a.test"]


def test_a_worker_killed_with_the_mail_in_hand_loses_nothing(world: tuple[City, Inboxes]) -> None:
    city, server = world
    server.gate.clear()
    with city.worker() as doomed:
        assert server.began.wait(PATIENCE)
        assert city.mails() == [("sending", False)]
        os.kill(doomed.pid, signal.SIGKILL)
        doomed.wait()
    server.gate.set()
    with city.worker():
        assert server.arrived.wait(PATIENCE)
        # Nobody can know whether the first one arrived, and the record says so.
        assert settled(city) == [("sent", True)]
    assert {mail["To"] for mail in server.mails} == {"lan@phuong-a.test"}
    assert len({mail["Message-ID"] for mail in server.mails}) == 1 == len(server.mails)
