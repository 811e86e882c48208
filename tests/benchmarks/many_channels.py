"""Five hundred channels every minute, four workers on PostgreSQL, one of them killed now and then.

    python -m tests.benchmarks.many_channels                       three minutes
    python -m tests.benchmarks.many_channels --minutes 10 --kills 30

    portal (this process) | 4 workers (processes) | kill -9 | a new one | the books of the runs

Each channel is a host of its own (127.1.x.y), since two polls of one host wait for each other. What is
counted: a start is late by how long after its beat it began; a duplicate is a report or a revision stored
twice, or two runs of one channel that held the same fence; a loss is a report that the portal showed and
nobody stored once all is quiet. What may surprise: a channel whose worker was killed waits for its lease to
run out, and those starts are in the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import text

from aggregator import bootstrap
from aggregator.cli.opening import upgrade
from aggregator.settings import Settings
from tests.benchmarks.table import Figure, at_most, lines, told
from tests.postgres_server import running

INTERVAL_S, LEASE_S = 60, 20
LAG_S = 2.0
WARD = "27142"
#: How often a poll finds something new.
NEWS = 0.3

MANIFEST = """\
id: many
version: "1.0"
api: 1
kind: json
title: {vi: Cổng mẫu, en: A portal}
description: {vi: Cổng mẫu để đo, en: A portal to measure with}
maintainer: Một Mối
source:
  streams:
    - request: {path: /reports}
      records: data
  pagination: {type: none}
  map:
    external_id: id
    occurred_at: sent | date('iso')
    subject: title
    body: title
"""


class Portal(BaseHTTPRequestHandler):
    """Each host has its own short list, which grows now and then."""

    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    lists: Counter[str] = Counter()
    draw = random.Random(7)
    growing = True

    def do_GET(self) -> None:
        host = str(self.headers["Host"]).partition(":")[0]
        with self.lock:
            if self.growing and (self.lists[host] == 0 or self.draw.random() < NEWS):
                self.lists[host] += 1
            count = self.lists[host]
        rows = [
            {"id": f"{host}-{n}", "title": f"Đèn đường số {n} hỏng", "sent": "2026-11-02T08:00:00+07:00"}
            for n in range(max(1, count - 20), count + 1)
        ]
        body = json.dumps({"data": rows}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


def measure(channels: int, workers: int, minutes: float, kills: int) -> Iterator[tuple[str, list[Figure]]]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="motmoi-bench-")))
        server = stack.enter_context(running())
        url = stack.enter_context(server.fresh())
        portal = ThreadingHTTPServer(("0.0.0.0", 0), Portal)  # loopback has many addresses
        threading.Thread(target=portal.serve_forever, daemon=True).start()
        stack.callback(portal.shutdown)
        product = stack.enter_context(closing(_prepared(folder, url, channels, portal.server_port)))
        _live(folder, url, workers, minutes, kills, product)
        if not Portal.lists:
            raise SystemExit(f"no worker read anything:\n{(folder / 'worker.log').read_text()[-2000:]}")
        yield f"{channels} channels a minute, {workers} workers, {kills} kills", _books(product, minutes)


def _prepared(folder: Path, url: str, channels: int, port: int) -> bootstrap.Aggregator:
    connector = folder / "connectors" / "many"
    connector.mkdir(parents=True)
    (connector / "connector.yaml").write_text(MANIFEST, "utf-8")
    names = {
        "lease_s": LEASE_S,
        "poll_deadline_s": LEASE_S - 5,
        "push_deadline_s": LEASE_S - 5,
        "tick_s": 0.5,
    }
    timing = "".join(f"{name} = {float(value)}\n" for name, value in names.items())
    (folder / "settings.toml").write_text(timing)
    settings = Settings(database_url=url, data_dir=folder)
    upgrade(settings)
    product = bootstrap.build(settings)
    product.accounts.ensure_ward(WARD, "Phường Nhiêu Lộc")
    for number in range(channels):
        product.channels.add(
            {
                "slug": f"kenh-{number}", "kind": "many", "title": f"Kênh {number}", "ward": WARD,
                "config": {"base_url": f"http://127.1.{number // 250}.{number % 250 + 1}:{port}"},
                "options": {"allow_private": True, "interval_s": INTERVAL_S, "min_gap_s": 0},
            }
        )  # fmt: skip
    with product.db.write() as tx:  # their beats spread over the minute, as those of channels made by hand
        tx.execute(
            text(
                "UPDATE channel_schedule SET next_due_at = now() + make_interval(secs => 5 +"
                " (channel_id % :channels) * :interval / (:channels)::float)"
            ),
            {"channels": channels, "interval": INTERVAL_S},
        )
    return product


def _live(
    folder: Path, url: str, workers: int, minutes: float, kills: int, product: bootstrap.Aggregator
) -> None:
    draw = random.Random(11)
    alive = [_worker(folder, url) for _ in range(workers)]
    try:
        began = time.monotonic()
        for number in range(kills):
            _pause(began + (number + draw.random()) * minutes * 60 / kills)
            victim = alive.pop(draw.randrange(len(alive)))
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            alive.append(_worker(folder, url))
        _pause(began + minutes * 60)
        Portal.growing = False
        _pause(time.monotonic() + INTERVAL_S + LEASE_S + 10)  # everything is asked for once more
    finally:
        for process in alive:
            process.terminate()
        for process in alive:
            process.wait(timeout=60)


def _pause(until: float) -> None:
    time.sleep(max(0.0, until - time.monotonic()))


def _worker(folder: Path, url: str) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOTMOI_")}
    environment |= {
        "MOTMOI_DATABASE_URL": url, "MOTMOI_DATA_DIR": str(folder),
        "MOTMOI_CONFIG": str(folder / "settings.toml"),
    }  # fmt: skip
    command = [sys.executable, "-c", "import sys; from aggregator.cli import main; sys.exit(main())"]
    with (folder / "worker.log").open("ab") as log:
        return subprocess.Popen([*command, "-q", "worker"], env=environment, stdout=log, stderr=log)


# The books ---------------------------------------------------------------------------------------


def _books(product: bootstrap.Aggregator, minutes: float) -> list[Figure]:
    with product.db.read() as tx:
        runs = tx.execute(
            text(
                "SELECT channel_id, fence, started_at, outcome, stored FROM poll_runs ORDER BY channel_id, id"
            )
        ).all()
        stored = tx.execute(text("SELECT count(*), count(DISTINCT external_id) FROM reports")).one()
        revisions = tx.scalar(text("SELECT count(*) FROM report_revisions"))
        fences = tx.execute(
            text("SELECT count(*) - count(DISTINCT (channel_id, fence)) FROM poll_runs")
        ).scalar_one()
    lags, committed = list(_lags(runs)), sum(run.stored for run in runs)
    shown = sum(Portal.lists.values())
    ok = sum(run.outcome == "ok" for run in runs)
    return [
        told("polls that ended well", ok, note=f"{ok / (minutes + 1.5):,.0f} a minute"),
        told("  that died with their worker", sum(run.outcome in ("abandoned", "running") for run in runs)),
        at_most("fences held twice", fences, 0),
        at_most("reports stored twice", stored[0] - stored[1], 0),
        at_most("revisions beyond what runs committed", (revisions or 0) - committed, 0),
        at_most("reports shown and not stored", shown - stored[1], 0),
        told("start lag, median", statistics.median(lags), "s"),
        at_most("start lag, 99 of 100", sorted(lags)[int(len(lags) * 0.99)], LAG_S, "s"),
        told("start lag, worst", max(lags), "s"),
    ]


def _lags(runs: Any) -> Iterator[float]:
    """How long after its beat each poll began. The beat is the earliest that fits all its starts."""
    starts: dict[int, list[datetime]] = {}
    for run in runs:
        starts.setdefault(run.channel_id, []).append(run.started_at)
    for times in starts.values():
        phases = [(at - times[0]) / timedelta(seconds=INTERVAL_S) % 1 for at in times]
        # Phases lie on a circle; the beat is the start behind the widest gap.
        ordered = sorted(phases)
        gaps = [(b - a) % 1 for a, b in zip([ordered[-1], *ordered[:-1]], ordered, strict=True)]
        beat = ordered[gaps.index(max(gaps))] if len(ordered) > 1 else ordered[0]
        for phase in phases:
            yield (phase - beat) % 1 * INTERVAL_S


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--channels", type=int, default=500)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--kills", type=int, default=9)
    options = parser.parse_args()
    missed = []
    for title, figures in measure(options.channels, options.workers, options.minutes, options.kills):
        print("\n".join(lines(title, figures)), flush=True)
        missed += [figure for figure in figures if not figure.ok]
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
