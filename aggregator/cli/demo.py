"""`motmoi demo`: a whole ward day on a throw-away folder, to look at and to drive. `make run` starts it.

Simulated portals, worker and web run in this one process; Ctrl-C (or SIGTERM) ends all of them and
removes the folder. What may surprise: with `--json` the one document comes when everything is ready,
and the demo then goes on serving.
"""

from __future__ import annotations

import importlib
import logging
import shutil
import signal
import socket
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from aggregator import settings as environment
from aggregator.cli.frame import Command, say, show
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
@click.option("--no-web", is_flag=True, help="Portals and worker only.")
def demo(port: int | None, seed: int, reports: int, no_web: bool) -> None:
    """Show a realistic ward day: simulated portals, worker and web, thrown away afterwards."""
    chosen = _free_port(port if port is not None else environment.load().port)
    _end_on_signals()
    folder = Path(tempfile.mkdtemp(prefix="motmoi-demo-"))
    try:
        _show_day(folder, chosen, seed, reports, web=not no_web)
    except KeyboardInterrupt:
        say("Đã dừng, không để lại gì / stopped, nothing is left behind.")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _show_day(folder: Path, port: int, seed: int, reports: int, *, web: bool) -> None:
    from aggregator.demo.day import prepare
    from aggregator.worker import Worker

    started = time.monotonic()
    say("Một Mối: chuẩn bị một ngày mẫu / preparing a sample day")
    day = prepare(
        folder, port=port, seed=seed, count=reports,
        tell=lambda step: say(f"  {time.monotonic() - started:4.1f} s  {step}"),
    )  # fmt: skip
    worker = Worker(day.product)
    try:
        worker.start()
        if web:
            _serve(day, port)
        else:
            _tell(day, None)
            threading.Event().wait()
    finally:
        worker.stop()
        day.close()


def _serve(day: Day, port: int) -> None:
    from waitress.server import create_server

    # By name: the product without a screen does not know the screen.
    app = importlib.import_module("inbox_web").create_app(day.product)
    server = create_server(app, host=HOST, port=port, threads=day.product.settings.web_threads)
    _tell(day, f"http://{HOST}:{port}/")
    with suppress(OSError):  # the listening socket is closed under it at the end
        server.run()
    raise KeyboardInterrupt  # the server swallows the signal that ended it


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


def _end_on_signals() -> None:
    """SIGTERM ends like Ctrl-C; both also where a shell started us in the background, ignoring SIGINT."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
