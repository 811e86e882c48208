"""A channel set up against one simulated district portal, and what tests say about it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import requests

import connectors.district_html as package
from aggregator.sdk.contract import PushCommand, SourceStatus
from aggregator.sdk.discovery import load_manifest
from aggregator.sdk.levels import compiled
from aggregator.sdk.sandbox import serve
from aggregator.sdk.testing import context_for
from connectors.district_html import sandbox

MANIFEST = load_manifest(Path(package.__file__).parent)
CONNECTOR = compiled(MANIFEST)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
START = datetime(2026, 10, 1, 1, 0, tzinfo=UTC)


def report(n, **more):
    return {
        "id": f"PA-{n:04d}",
        "subject": f"Rác chất đống ở hẻm {n}",
        "body": "Rác ba ngày chưa thu gom.\nMùi rất nặng.",
        "name": f"Người Gửi {n}",
        "phone": "0900 000 000",
        "email": "vidu@example.vn",
        "address": f"Hẻm {n} Lê Văn Sỹ",
        "area": "Phường 13, Quận 3",
        "lat": 10.7869,
        "lng": 106.6813,
        "category": "Môi trường",
        "urgency": "Khẩn",
        "created": (START + timedelta(hours=n)).isoformat(),
        "due": (START + timedelta(days=5, hours=n)).isoformat(),
        **more,
    }


class Channel:
    """A channel set up against one simulated portal, with its kept state and cursor."""

    def __init__(self, scenario):
        self.running = serve(sandbox.build(scenario))
        self.portal = self.running.portal
        self.config, self.secrets = sandbox.settings_for(self.running.url, scenario)
        self.state, self.cursor = {}, None

    def ctx(self, **more):
        return context_for(
            self.running,
            MANIFEST,
            **{"config": self.config, "secrets": self.secrets, "state": self.state, **more},
        )

    def poll(self):
        batches = list(CONNECTOR.poll(self.ctx(), self.cursor))
        assert [b.complete for b in batches] == [False] * (len(batches) - 1) + [True]
        self.cursor = json.loads(json.dumps(batches[-1].next_cursor))
        return batches

    def records(self):
        return [record for batch in self.poll() for record in batch.records]

    def fault(self, kind, **options):
        requests.post(f"{self.running.url}/_control/faults", json={"kind": kind, **options}, timeout=5)

    def edit(self, **changes):
        requests.post(f"{self.running.url}/_control/reports", json=[changes], timeout=5)

    def shown(self):
        return requests.get(f"{self.running.url}/_control/state", timeout=5).json()


def command(
    body="Đã thu gom rác sáng nay.", attempt=1, external_id="PA-0002", status=SourceStatus.RESOLVED, files=()
):  # fmt: skip
    return PushCommand(
        idempotency_key="k1",
        external_id=external_id,
        kind="result",
        body=body,
        status=status,
        at=START,
        author_name="Lan",
        attempt=attempt,
        attachments=tuple(files),
    )
