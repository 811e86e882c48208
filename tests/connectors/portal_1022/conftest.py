"""One simulated 1022 portal a test, and the connector's context that speaks to it. Invented people only."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from aggregator.sdk.contract import Context
from aggregator.sdk.discovery import load_manifest
from aggregator.sdk.sandbox import Running, serve
from aggregator.sdk.testing import context_for
from connectors import portal_1022
from connectors.portal_1022.sandbox import build

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
MANIFEST = load_manifest(Path(portal_1022.__file__).parent)


def a_report(number: int, **changes: Any) -> dict[str, Any]:
    created = NOW - timedelta(days=5) + timedelta(minutes=number)
    return {
        "id": str(number),
        "subject": f"Ổ gà số {number}",
        "body": f"Đường hẻm {number} có ổ gà lớn",
        "name": "Trần Thị Mẫu",
        "phone": "0900000001",
        "address": f"{number} đường Mẫu",
        "category": "Hạ tầng đô thị",
        "created": created.isoformat(),
        **changes,
    }


class Office:
    """A portal that runs, and contexts to it; state (session tokens) lasts over the contexts."""

    def __init__(self, running: Running) -> None:
        self.running, self.portal = running, running.portal
        self.state: dict[str, Any] = {}
        self.now = NOW
        self.portal.clock = lambda: self.now

    def context(self, **options: Any) -> Context:
        config = {"page_size": 5, **options.pop("config", {})}
        options = {"state": self.state, "now": lambda: self.now, **options}
        return context_for(self.running, MANIFEST, config, **options)

    def officer(self, **options: Any) -> Context:
        config = {"scope": "officer", "auth": "jwt", **options.pop("config", {})}
        secrets = {"username": "lan", "password": "mật-khẩu-thử"}
        return self.context(config=config, secrets=secrets, **options)

    def fault(self, kind: str, **options: Any) -> None:
        requests.post(
            f"{self.running.url}/_control/faults", json={"kind": kind, **options}
        ).raise_for_status()

    def poll(self, cursor: Any = None, ctx: Context | None = None) -> "Polled":
        return Polled(list(portal_1022.CONNECTOR.poll(ctx or self.context(), cursor)))


class Polled:
    def __init__(self, batches: list[Any]) -> None:
        self.batches = batches
        self.records = [r for b in batches for r in b.records]
        self.problems = [p for b in batches for p in b.problems]
        self.ids = [r.external_id for r in self.records]
        self.cursor = batches[-1].next_cursor


@pytest.fixture
def open_office() -> Iterator[Callable[..., Office]]:
    running: list[Running] = []

    def start(reports: int | list[dict[str, Any]] = 3, **scenario: Any) -> Office:
        listed = [a_report(1000 + n) for n in range(1, reports + 1)] if isinstance(reports, int) else reports
        accounts = {"lan": "mật-khẩu-thử"}
        running.append(serve(build({"reports": listed, "accounts": accounts, "auth": "jwt", **scenario})))
        return Office(running[-1])

    yield start
    for one in running:
        one.close()


@pytest.fixture
def report() -> Callable[..., dict[str, Any]]:
    return a_report
