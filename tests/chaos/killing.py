"""Workers killed with SIGKILL while they poll and deliver, and what must be true afterwards.

    portals (this process) | worker (a process) | kill -9 at a random request | again | one last worker

Killing happens at a request count, not after a time: every kill is in the middle of some work. What is
compared at the end is what the portals themselves counted.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, select

from aggregator.bootstrap import Aggregator, build
from aggregator.domain.people import Actor, Role
from aggregator.domain.workflow import ReplyKind
from aggregator.sdk.sandbox import serve
from aggregator.services import starting_set
from aggregator.services.views.inbox import InboxFilter
from aggregator.settings import Settings
from aggregator.storage import migrate
from aggregator.storage.case_tables import outbox
from aggregator.storage.report_tables import reports
from connectors.district_html import sandbox as district
from connectors.portal_1022 import sandbox as portal_1022

TIMING = "lease_s = 3.0\npoll_deadline_s = 2.0\npush_deadline_s = 2.0\ntick_s = 0.1\n"
OPTIONS = {
    "allow_private": True, "interval_s": 1, "retry_first_s": 0.2, "retry_cap_s": 1, "settle_s": 0.5,
    "min_gap_s": 0,
}  # fmt: skip
#: Seconds in which the last worker must have brought everything in order.
PATIENCE = 90


@dataclass
class Outcome:
    """What the portals counted, and what the database says."""

    kills: int
    portal_reports: int
    stored_reports: int
    messages: int
    delivered: dict[str, int]
    out_of_order: list[str]
    ledger_findings: int
    wrong_counts: int
    waiting: int

    @property
    def holds(self) -> bool:
        whole = self.stored_reports == self.portal_reports and len(self.delivered) == self.messages
        wrong = self.doubled or self.out_of_order or self.ledger_findings or self.wrong_counts
        return whole and not wrong and not self.waiting

    @property
    def doubled(self) -> list[str]:
        return [report for report, times in self.delivered.items() if times > 1]


def report(number: int, prefix: str) -> dict[str, Any]:
    return {
        "id": f"{prefix}{number:05}",
        "subject": f"Đống rác số {number} chưa dọn",
        "body": f"Đống rác trước nhà {number} đường Thử Nghiệm {prefix} bốc mùi đã {number} ngày.",
        "name": "Người Thử", "phone": "0900000199", "address": f"{number} Thử Nghiệm {prefix}",
        "category": "Môi trường", "created": f"2026-11-{1 + number % 20:02}T0{number % 9}:15:00+07:00",
    }  # fmt: skip


class Campaign:
    """One database, two portals, workers that die."""

    def __init__(self, folder: Path, url: str, seed: int) -> None:
        self.folder, self.url, self.draw = folder, url, random.Random(seed)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "settings.toml").write_text(TIMING)
        migrate.upgrade(url)
        self.product: Aggregator = build(Settings(database_url=url, data_dir=folder, undo_s=0))
        starting_set.seed(self.product.db, self.product.clock())
        self.product.accounts.ensure_ward("27142", "Phường Nhiêu Lộc")
        self.product.accounts.add("lan", "Lan", Role.OFFICER, "27142", "mat-khau-cua-lan-1")
        lan = self.product.accounts.who(self.product.accounts.sign_in("lan", "mat-khau-cua-lan-1")[0])
        assert lan is not None
        self.lan: Actor = lan
        self.given = 0
        self.portals = [
            serve(portal_1022.build({"auth": "basic", "accounts": {"phuong": "x1"}})),
            serve(district.build({"face": "table", "page_size": 10})),
        ]
        self.more(12)
        config = {
            "base_url": self.portals[0].url, "scope": "officer", "auth": "basic", "refresh_open_minutes": 1
        }  # fmt: skip
        self._add("c1022", "portal_1022", config, {"username": "phuong", "password": "x1"})
        config, secrets = district.settings_for(self.portals[1].url, {"face": "table"})
        self._add("quan", "district_html", config, secrets)
        self.replies = 0

    def _add(self, slug: str, kind: str, config: dict[str, Any], secrets: dict[str, str]) -> None:
        self.product.channels.add(
            {"slug": slug, "kind": kind, "title": slug, "ward": "27142", "config": config,
             "secrets": secrets, "options": OPTIONS}
        )  # fmt: skip

    def more(self, count: int) -> None:
        """New reports at both portals."""
        numbers = range(self.given + 1, self.given + count + 1)
        self.given += count
        for running, prefix in zip(self.portals, ("10", "Q"), strict=True):
            running.portal.load([report(number, prefix) for number in numbers])

    def answer(self, count: int) -> None:
        """Answers to open cases: progress first, then a result, so that order matters."""
        rows = self.product.inbox.page(self.lan, InboxFilter(size=100)).rows
        for row in self.draw.sample(list(rows), min(count, len(rows))):
            if self.draw.random() < 0.5:
                self._reply(row.id, ReplyKind.PROGRESS)
            self._reply(row.id, ReplyKind.RESULT)

    def _reply(self, case_id: int, kind: ReplyKind) -> None:
        self.replies += 1
        text = f"Phúc đáp thứ {self.replies:05}: đã cho người dọn sạch."
        self.product.cases.reply(self.lan, case_id, kind, text)

    def requests(self) -> int:
        return sum(running.portal.requests for running in self.portals)

    def worker(self) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MOTMOI_")}
        environment |= {
            "MOTMOI_DATABASE_URL": self.url, "MOTMOI_DATA_DIR": str(self.folder),
            "MOTMOI_CONFIG": str(self.folder / "settings.toml"),
        }  # fmt: skip
        command = [sys.executable, "-c", "import sys; from aggregator.cli import main; sys.exit(main())"]
        with (self.folder / "worker.log").open("ab") as log:
            return subprocess.Popen([*command, "-q", "worker"], env=environment, stdout=log, stderr=log)

    def kill_one(self) -> None:
        """Start a worker and kill it in the middle of its n-th request."""
        process = self.worker()
        until = self.requests() + self.draw.randint(2, 25)
        self._wait(lambda: self.requests() >= until, process)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def finish(self, kills: int) -> Outcome:
        """Live until nothing is left to do; then everything is counted."""
        self.live()
        return self._count(kills)

    def live(self) -> None:
        """One worker that may live until nothing is left to do."""
        process = self.worker()
        try:
            self._wait(self._settled, process)
        finally:
            process.terminate()
            process.wait(timeout=30)

    def _settled(self) -> bool:
        states = [view.state.value for view in self.product.outbox.list(None)]
        seen = self._rows(reports)
        return seen == 2 * self.given and all(state == "sent" for state in states)

    def _rows(self, table: Table) -> int:
        with self.product.db.read() as tx:
            return tx.scalar(select(func.count()).select_from(table)) or 0

    def _wait(self, condition: Any, process: subprocess.Popen[bytes]) -> None:
        pause, end = threading.Event(), time.monotonic() + PATIENCE
        while not condition():
            assert process.poll() is None, (self.folder / "worker.log").read_text()[-2000:]
            assert time.monotonic() < end, f"not settled in {PATIENCE} s"
            pause.wait(0.02)

    def _count(self, kills: int) -> Outcome:
        answers = {
            external_id: [answer.body for answer in given]
            for running in self.portals
            for external_id, given in running.portal.answers.items()
        }
        # A case of two reports sends the same words to both: each report's answers are counted alone.
        shown = Counter(f"{report}: {body}" for report, given in answers.items() for body in given)
        return Outcome(
            kills=kills,
            portal_reports=2 * self.given,
            stored_reports=self._rows(reports),
            messages=self._rows(outbox),
            delivered=dict(shown),
            out_of_order=[one for one, given in answers.items() if given != sorted(given)],
            ledger_findings=len(self.product.evidence.verify().findings),
            wrong_counts=len(self.product.figures.recount()),
            waiting=len([view for view in self.product.outbox.list(None) if view.state.value != "sent"]),
        )

    def close(self) -> None:
        for running in self.portals:
            running.close()
        self.product.close()


def campaign(folder: Path, url: str, kills: int, seed: int = 7) -> Outcome:
    """Kill `kills` workers in the middle of their work, then let one finish."""
    run = Campaign(folder, url, seed)
    try:
        run.live()  # something to answer
        for _ in range(kills):
            run.more(run.draw.randint(0, 3))
            run.answer(run.draw.randint(1, 3))
            run.kill_one()
        return run.finish(kills)
    finally:
        run.close()


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
        found = campaign(Path(place), f"sqlite:///{place}/motmoi.db", count)
        print(
            f"{found.kills} kills: {found.stored_reports} of {found.portal_reports} reports stored, "
            f"{len(found.delivered)} of {found.messages} answers at the portals, "
            f"{len(found.doubled)} doubled, {len(found.out_of_order)} out of order, "
            f"{found.ledger_findings} ledger findings, {found.wrong_counts} wrong counts, "
            f"{found.waiting} still waiting"
        )
        sys.exit(not found.holds)
