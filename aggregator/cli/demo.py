"""`motmoi demo`: a whole ward day on a throw-away folder, to look at and to drive. `make run` starts it.

Simulated portals, worker and web run in this one process; Ctrl-C (or SIGTERM) ends all of them and
removes the folder. What may surprise: with `--json` the one document comes when everything is ready,
and the demo then goes on serving.
"""

from __future__ import annotations

import logging
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aggregator import settings as environment
from aggregator.cli.frame import Command, say, show
from aggregator.cli.serve import serving, working
from aggregator.cli.signals import Stop
from aggregator.errors import InputInvalid

if TYPE_CHECKING:
    from aggregator.demo.day import Day

HOST = "127.0.0.1"


@click.command(cls=Command, usual=logging.ERROR)
@click.option("--port", type=click.IntRange(0, 65_535), help="Where the web answers (default: MOTMOI_PORT).")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is another day.")
@click.option(
    "--reports", type=click.IntRange(10, 2_000), default=140, show_default=True, help="Reports of the day."
)
@click.option(
    # Long enough to take an answer back, short enough to wait for it at the portals.
    "--undo", type=click.FloatRange(0, 600), default=8.0, show_default=True,
    help="Seconds in which an answer can be taken back.",
)  # fmt: skip
@click.option(
    "--every", type=click.IntRange(1, 3_600), default=10, show_default=True,
    help="Seconds between two readings of a portal.",
)  # fmt: skip
@click.option("--no-web", is_flag=True, help="Portals and worker only.")
def demo(port: int | None, seed: int, reports: int, undo: float, every: int, no_web: bool) -> None:
    """Show a realistic ward day: simulated portals, worker and web, thrown away afterwards."""
    chosen = _free_port(port if port is not None else environment.load().port)
    with Stop("Đang dừng / stopping") as stop, _throw_away_folder() as folder:
        day = _prepared(folder, chosen, seed=seed, count=reports, undo_s=undo, every_s=every)
        try:
            with working(day.product), nullcontext() if no_web else serving(day.product) as address:
                _tell(day, address)
                stop.wait()
        finally:
            day.close()
    say("Đã dừng, không để lại gì / stopped, nothing is left behind.")


@contextmanager
def _throw_away_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="motmoi-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prepared(folder: Path, port: int, **chosen: Any) -> Day:
    from aggregator.demo.day import prepare

    started = time.monotonic()
    say("Một Mối: chuẩn bị một ngày mẫu / preparing a sample day")

    def tell(step: str) -> None:
        say(f"  {time.monotonic() - started:4.1f} s  {step}")

    return prepare(folder, port=port, tell=tell, **chosen)


def _tell(day: Day, address: str | None) -> None:
    document: dict[str, Any] = {
        "address": address,
        "sign_ins": [
            {"login": one.login, "password": one.password, "role": one.role_vi} for one in day.sign_ins
        ],
        "portals": {slug: one.url for slug, one in day.running.items()},
        "folder": str(day.product.settings.data_dir),
        "database_url": day.product.settings.database_url,
    }
    show(document, _words(day, address))


def _words(day: Day, address: str | None) -> list[str]:
    lines = ["", f"  Mở / open:   {address}"] if address else [""]
    lines += [f"  {one.login:<8} {one.password:<16} {one.role_vi}" for one in day.sign_ins]
    lines += ["", "  Cổng giả lập / simulated portals (…/_control/state, …/_control/faults):"]
    lines += [f"  {slug:<12} {one.url}" for slug, one in day.running.items()]
    away = day.running["binh-thanh"].url
    lines += [
        "",
        f"  Bật lại cổng đang tắt / bring back the one that is away:  curl -X DELETE {away}/_control/faults",
    ]
    folder = day.product.settings.data_dir
    lines += [
        "  Dòng lệnh trên ngày này / commands on this day:",
        f"  export MOTMOI_DATA_DIR={folder} MOTMOI_DATABASE_URL={day.product.settings.database_url}",
        "",
    ]
    lines += ["  Ctrl-C: dừng và xoá tất cả / stop and remove everything", ""]
    return lines


def _free_port(port: int) -> int:
    """The port, or the one that 0 stands for; `InputInvalid` where somebody has it already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise InputInvalid(
                f"port {port} is taken: {error.strerror}", field="port", hint="choose another: --port 8023"
            ) from error
        return int(probe.getsockname()[1])
