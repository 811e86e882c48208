"""One simulated Open311 endpoint a test, in JSON and in XML, and contexts to it. Invented people only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aggregator.sdk.contract import Context, Cursor, PushCommand, SourceStatus
from aggregator.sdk.discovery import load_manifest
from aggregator.sdk.open311 import Open311Endpoint
from aggregator.sdk.sandbox import Running, serve
from aggregator.sdk.testing import context_for
from connectors import open311
from connectors.open311.sandbox import build

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
MANIFEST = load_manifest(Path(open311.__file__).parent)
CONNECTOR = Open311Endpoint(MANIFEST)


def a_report(number: int, **changes: Any) -> dict[str, Any]:
    created = NOW - timedelta(days=5) + timedelta(minutes=number % 1000)
    return {
        "id": str(number),
        "subject": f"Ổ gà số {number}",
        "body": f"Đường hẻm {number} có ổ gà lớn & sâu",
        "name": "Trần Thị Mẫu",
        "phone": "0900000001",
        "address": f"{number} đường Mẫu",
        "category": "Hạ tầng đô thị",
        "lat": 10.78,
        "lng": 106.69,
        "created": created.isoformat(),
        **changes,
    }


class Polled:
    def __init__(self, batches: list[Any]) -> None:
        self.batches = batches
        self.records = [record for batch in batches for record in batch.records]
        self.problems = [problem for batch in batches for problem in batch.problems]
        self.ids = [record.external_id for record in self.records]
        self.cursor = batches[-1].next_cursor

    def one(self, id_: str) -> Any:
        return [record for record in self.records if record.external_id == id_][-1]


class City:
    """An endpoint that runs; state (what discovery told) lasts over its contexts."""

    def __init__(self, running: Running, format_: str) -> None:
        self.running, self.portal, self.format = running, running.portal, format_
        self.state: dict[str, Any] = {}
        self.now = NOW
        self.portal.clock = lambda: self.now

    def context(self, **options: Any) -> Context:
        config = {"format": self.format, **options.pop("config", {})}
        options = {"state": self.state, "now": lambda: self.now, **options}
        return context_for(self.running, MANIFEST, config, **options)

    def fault(self, kind: str, **options: Any) -> None:
        from aggregator.sdk.sandbox import Fault

        self.portal.faults.append(Fault.of({"kind": kind, **options}))

    def poll(self, cursor: Cursor | None = None, connector: Any = CONNECTOR, **options: Any) -> Polled:
        return Polled(list(connector.poll(self.context(**options), cursor)))


@pytest.fixture(params=["json", "xml"])
def city(request: pytest.FixtureRequest) -> Iterator[Callable[..., City]]:
    running: list[Running] = []

    def start(reports: int | list[dict[str, Any]] = 3, **scenario: Any) -> City:
        listed = [a_report(1000 + n) for n in range(1, reports + 1)] if isinstance(reports, int) else reports
        running.append(serve(build({"reports": listed, **scenario})))
        return City(running[-1], request.param)

    yield start
    for one in running:
        one.close()


@pytest.fixture
def answer() -> Callable[..., PushCommand]:
    def make(id_: str = "1001", body: str = "Đã vá xong, cảm ơn bà con.", **more: Any) -> PushCommand:
        values = {"idempotency_key": f"mm-{id_}", "status": SourceStatus.RESOLVED, "at": NOW, **more}
        return PushCommand(external_id=id_, kind="result", body=body, **values)

    return make
