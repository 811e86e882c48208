"""The web in a process of its own, and a person who works in it over the socket, whatever it answers.

A form is sent again as a browser would send it: the same fields, the one-time key among them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from aggregator.bootstrap import Aggregator
from tests.chaos import errands
from tests.chaos.victims import product_of
from tests.web.office import fields


@dataclass(frozen=True, slots=True)
class Web:
    """A running web: its process and its address."""

    pid: int
    url: str


@contextmanager
def web(database_url: str, folder: Path) -> Iterator[Web]:
    """`motmoi web` on this database, until the block ends."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOTMOI_")}
    environment |= {"MOTMOI_DATABASE_URL": database_url, "MOTMOI_DATA_DIR": str(folder)}
    program = [sys.executable, "-c", "import sys; from aggregator.cli import main; sys.exit(main())"]
    with subprocess.Popen(
        [*program, "-q", "web", "--port", "0"], env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            yield Web(process.pid, process.stdout.readline().split()[-1])
        finally:
            process.terminate()
            process.wait(timeout=30)


def furnished(database_url: str, folder: Path) -> Aggregator:
    """An office with Lan and two cases."""
    product = product_of(database_url, str(folder))
    errands.furnish(product, "http://127.0.0.1:9")
    errands.take_in(product, 0)
    return product


class Person:
    """Lan at her browser."""

    def __init__(self, url: str) -> None:
        self.url, self._browser = url, requests.Session()
        page = self._browser.get(f"{url}/sign-in", timeout=30)
        form = fields(page.text, "/sign-in") | {"login": "lan", "password": errands.PASSWORD}
        assert self._browser.post(f"{url}/sign-in", data=form, timeout=30).status_code == 200

    def form(self, case: int) -> dict[str, str] | None:
        """The note form of a case's page; None where the page cannot be had now."""
        page = self._browser.get(f"{self.url}/cases/{case}", timeout=30)
        return fields(page.text, f"/cases/{case}/note") if page.status_code == 200 else None

    def answer_form(self, case: int) -> dict[str, str]:
        """The form of an answer on a case's page."""
        page = self._browser.get(f"{self.url}/cases/{case}", timeout=30)
        return fields(page.text, f"/cases/{case}/reply")

    def answer(
        self, case: int, form: dict[str, str], text: str, files: Mapping[str, Any]
    ) -> requests.Response:
        """Send an answer that finishes the case, with files; the answer as it comes, not followed."""
        return self._browser.post(
            f"{self.url}/cases/{case}/reply", data=form | {"body": text, "kind": "result"}, files=files,
            timeout=60, allow_redirects=False,
        )  # fmt: skip

    def send(self, case: int, form: dict[str, str], text: str) -> requests.Response:
        """Send the note; the answer as it comes, not followed."""
        return self._browser.post(
            f"{self.url}/cases/{case}/note", data=form | {"text": text}, timeout=60, allow_redirects=False
        )


def notes(product: Aggregator, case: int) -> list[str]:
    """What the case's record holds."""
    with product.db.read() as tx:
        found = tx.exec_driver_sql(
            f"SELECT data FROM ledger_entries WHERE kind = 'noted' AND case_id = {case:d} ORDER BY id"
        )
        return [json.loads(row[0])["text"] for row in found]
