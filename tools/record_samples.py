"""Records each shipped connector against its own simulated portal, as an author records a real one.

    python tools/record_samples.py [ID]...

Writes ``tests/connectors/<id>/recorded``; the tests run the connector on it again. The reports are
invented twice: by the simulated portal, and once more by the recorder.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.sdk.cassette import save
from aggregator.sdk.cassette_record import recording
from aggregator.sdk.cassette_run import replay, write_expected
from aggregator.sdk.conformance.scenario import PortalStage, a_report, scenario_of
from aggregator.sdk.discovery import Found, discover
from aggregator.services.channel_spec import checked
from aggregator.services.connections import manifest_of
from aggregator.services.rehearsal import changed_by_scrubbing, listened

#: Soon after the reports were sent: some sources are asked for the last weeks alone.
NOW = datetime.fromisoformat(a_report(5)["created"]) + timedelta(days=2)
#: Days from and to: the next poll asks for others, and nothing new lies between.
MOVING = {"hue_token": ("TuNgay", "DenNgay")}
TESTS = Path(__file__).parents[1] / "tests" / "connectors"


def reports() -> list[dict[str, Any]]:
    """Five: usual, anonymous, in work and late, with words that must be escaped, long and in capitals."""
    odd: tuple[dict[str, Any], ...] = (
        {},
        {"anonymous": True, "name": None, "phone": None, "email": None},
        {"status": "in_progress", "due": "2026-10-01T02:00:00+00:00"},
        {"body": 'Cửa hàng "A & B" <b>lấn chiếm</b> vỉa hè.\nGọi tôi số 090 123 4567.'},
        {"subject": "RÁC TỒN ĐỌNG", "body": "Rác chất đống. " * 40, "status": "resolved"},
    )
    return [{**a_report(number), **more} for number, more in enumerate(odd, 1)]


def record(found: Found) -> str:
    """Record one connector; how it went, in a line."""
    manifest = manifest_of(found)
    if found.sandbox() is None:
        return "has no simulated portal"
    stage = scenario_of(found, manifest).open(reports())
    if not isinstance(stage, PortalStage):
        return "reads no portal over HTTP"
    given = {
        "slug": "mau",
        "kind": found.id,
        "ward": "27142",
        "config": stage.config,
        "secrets": stage.secrets,
    }
    spec = checked({**given, "options": {"allow_private": True, "min_gap_s": 0}}, {found.id: found})
    try:
        first, ignored = found.connector().check, MOVING.get(found.id, ())
        session, live = listened(found, spec, first=first, now=NOW, ignored=ignored)
    finally:
        stage.close()
    host = found.id.replace("_", "-")
    recorded = recording(session, origin=f"https://{host}.example.gov.vn")
    folder = TESTS / found.id / "recorded"
    save(recorded.cassette, folder)
    outcome = replay(found.connector(), manifest, recorded.cassette)
    write_expected(outcome, folder)
    count = len(recorded.cassette.exchanges)
    wrong = [*changed_by_scrubbing(live, outcome), outcome.error]
    return f"{count} exchanges, {len(outcome.records)} records {', '.join(filter(None, wrong))}"


if __name__ == "__main__":
    for one in discover().values():
        if one.id in sys.argv[1:] or not sys.argv[1:]:
            print(f"{one.id}: {record(one)}")  # noqa: T201
