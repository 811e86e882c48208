"""The demo as a person starts it: its own process, driven from outside over HTTP and the command line."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import requests

from aggregator.cli import main

COMMAND = [sys.executable, "-c", "import sys; from aggregator.cli import main; sys.exit(main())"]
PATIENCE = 60


@dataclass(frozen=True)
class Demo:
    """A running demo and where everything of it is."""

    process: subprocess.Popen[str]
    told: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.told["address"]).rstrip("/")

    def password(self, login: str) -> str:
        return str(next(one["password"] for one in self.told["sign_ins"] if one["login"] == login))

    def signed_in(self, login: str) -> Browser:
        return Browser(self.url, login, self.password(login))

    def answers(self, portal: str) -> dict[str, list[str]]:
        """What the portal itself holds: report id -> texts of the answers given to it."""
        state = requests.get(f"{self.told['portals'][portal]}/_control/state", timeout=10).json()
        return {report: [one["body"] for one in given] for report, given in state["answers"].items()}

    def fault(self, portal: str, **fault: Any) -> None:
        url = f"{self.told['portals'][portal]}/_control/faults"
        requests.post(url, json={"count": None, **fault}, timeout=10).raise_for_status()

    def mend(self, portal: str) -> None:
        requests.delete(f"{self.told['portals'][portal]}/_control/faults", timeout=10).raise_for_status()

    def motmoi(self, *args: str) -> Any:
        """One command on the demo's database, without a process of its own; its JSON."""
        environment = _environment() | {
            "MOTMOI_DATABASE_URL": self.told["database_url"],
            "MOTMOI_DATA_DIR": self.told["folder"],
        }
        root, out = logging.getLogger(), io.StringIO()
        handlers, level = root.handlers[:], root.level
        try:
            with patch.dict(os.environ, environment, clear=True), redirect_stdout(out):
                assert main(["--json", *args]) in (0, 1), out.getvalue()
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
        return json.loads(out.getvalue())


class Browser:
    """Forms and links without JavaScript, as an old browser would use them."""

    def __init__(self, url: str, login: str, password: str) -> None:
        self.url, self.session = url, requests.Session()
        page = self.get("/sign-in")
        self.post("/sign-in", page, login=login, password=password)

    def get(self, path: str, status: int = 200) -> str:
        answer = self.session.get(self.url + path, timeout=30)
        assert answer.status_code == status, f"{path}: {answer.status_code}"
        return answer.text

    def post(self, path: str, page: str, **fields: Any) -> str:
        hidden = {
            name: found.group(1)
            for name in ("csrf_token", "once", "version")
            if (found := re.search(rf'name="{name}" value="([^"]*)"', page))
        }
        answer = self.session.post(self.url + path, data=hidden | fields, timeout=30)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:300]}"
        return answer.text

    def cases(self, query: str) -> list[int]:
        """Ids of the cases listed at `/?query`, in their order."""
        found = re.findall(r'href="/cases/(\d+)', self.get(f"/?{query}"))
        return list(dict.fromkeys(int(one) for one in found))


@contextmanager
def running(*options: str) -> Iterator[Demo]:
    """A demo on a free port, ended with Ctrl-C."""
    process = subprocess.Popen(
        [*COMMAND, "--json", "demo", "--port", "0", *options],
        env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        yield Demo(process, _document(process))
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def eventually(holds: Callable[[], Any], what: str) -> Any:
    """Wait until `holds()` is true; its value."""
    pause, end = threading.Event(), time.monotonic() + PATIENCE
    while not (value := holds()):
        assert time.monotonic() < end, f"not within {PATIENCE} s: {what}"
        pause.wait(0.1)
    return value


def _document(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The one JSON document that the demo prints when it is ready."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line.rstrip() == "}":
            found: dict[str, Any] = json.loads(text)
            return found
    raise AssertionError(f"the demo ended: {process.wait()}")


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("MOTMOI_")}
