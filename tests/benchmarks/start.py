"""`make run` as a visitor types it: how long to the first page, and whether Ctrl-C leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import psutil

from tests.benchmarks.city import ROOT
from tests.benchmarks.table import Figure, at_most

#: Wall seconds, for this is what the visitor waits.
FIRST_PAGE, STOPPED = 15, 15
GIVE_UP_S = 120


def measure() -> Iterator[tuple[str, list[Figure]]]:
    port = _free_port()
    begin = time.monotonic()
    child = subprocess.Popen(
        ["make", "run", f"ARGS=--port {port}"], cwd=ROOT, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    family: list[psutil.Process] = []
    try:
        _wait_for_page(child, port)
        first_page = time.monotonic() - begin
        family = psutil.Process(child.pid).children(recursive=True)
        begin = time.monotonic()
        os.killpg(child.pid, signal.SIGINT)  # what Ctrl-C does: the whole foreground group hears it
        _, left = psutil.wait_procs([psutil.Process(child.pid), *family], timeout=GIVE_UP_S)
        stopped = time.monotonic() - begin
    finally:
        for process in [*family, child]:
            if psutil.pid_exists(process.pid):
                process.kill()
        child.wait()
    yield (
        "`make run`, environment already made",
        [
            at_most("seconds to the first page", first_page, FIRST_PAGE, "s"),
            at_most("seconds from Ctrl-C to the end", stopped, STOPPED, "s", f"{1 + len(family)} processes"),
            at_most("processes left behind", len(left), 0),
        ],
    )


def _wait_for_page(child: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + GIVE_UP_S
    while time.monotonic() < until:
        assert child.poll() is None, f"make run ended with {child.returncode}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                assert answer.status == 200, answer.status
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError(f"no page after {GIVE_UP_S} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
