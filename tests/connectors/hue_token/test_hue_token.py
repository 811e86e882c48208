"""Hue-type portals, read by the manifest alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import connectors.hue_token
from aggregator.sdk.contract import AuthFailed, Batch, Context, RawItem, Record, SchemaDrift, SourceStatus
from aggregator.sdk.discovery import load_manifest
from aggregator.sdk.json_portal import JsonPortal
from aggregator.sdk.sandbox import Running, reply, serve
from aggregator.sdk.testing import context_for
from connectors.hue_token import sandbox

FOLDER = Path(connectors.hue_token.__file__).parent
SAMPLES = Path(__file__).parent / "samples"
MANIFEST = load_manifest(FOLDER)
CONNECTOR = JsonPortal(MANIFEST)
NOW = datetime(2026, 1, 20, 2, 0, tzinfo=UTC)


def report(number: int, **more: Any) -> dict[str, Any]:
    """A neutral report, an hour after the one before."""
    at = datetime(2026, 1, 5, 1, 0, tzinfo=UTC) + timedelta(hours=number)
    given = {
        "id": str(1000 + number),
        "subject": f"Nắp cống vỡ {number}",
        "body": "Trước chợ.",
        "created": at,
    }
    return {**given, "category": "Đô thị", "name": "Lê Văn Mẫu", "lat": 16.46, "lng": 107.59, **more}


@dataclass
class Office:
    """A portal that runs and a channel that reads it."""

    running: Running
    portal: Any
    now: datetime = NOW
    cursor: Any = None
    secrets: dict[str, str] = field(default_factory=lambda: {"token": "ma-truy-cap-thu"})

    def context(self) -> Context:
        config, _ = sandbox.settings_for(self.running.url, {})
        return context_for(self.running, MANIFEST, config, self.secrets, self.now)

    def poll(self) -> list[Record]:
        batches: list[Batch] = list(CONNECTOR.poll(self.context(), self.cursor))
        self.cursor = json.loads(json.dumps(batches[-1].next_cursor))
        return [record for batch in batches for record in batch.records]


@pytest.fixture
def office() -> Iterator[Office]:
    portal = sandbox.build({})
    with serve(portal) as running:
        yield Office(running, portal)


def _mapped(name: str) -> Record:
    line = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
    item = RawItem(json.dumps({"stream": "done", "line": line}).encode())
    return CONNECTOR.remap(context_for("http://127.0.0.1:9", MANIFEST, {"agency": "x"}), item)


def test_a_done_report_is_read_with_its_answer_and_the_files_of_both_sides() -> None:
    record = _mapped("done_with_answer")
    assert record.external_id == "48213" and record.status is SourceStatus.RESOLVED
    assert record.body == "Rác chưa được thu gom ba ngày ." or record.body == "Rác chưa được thu gom ba ngày."
    assert record.occurred_at == datetime(2026, 1, 5, 1, 12, 40, tzinfo=UTC)
    assert record.updated_at == datetime(2026, 1, 6, 3, 31, 2, tzinfo=UTC)
    assert record.due_at == datetime(2026, 1, 8, 16, 59, tzinfo=UTC)
    assert record.category_raw == "Vệ sinh môi trường"
    assert (record.location.lat, record.location.lng) == (16.4637, 107.5847)
    assert [file.filename for file in record.attachments] == ["rac.jpg", "sach.jpg"]
    assert [(answer.body, answer.author) for answer in record.answers] == [
        ("Đã thu gom sáng 06/01.", "UBND phường Mẫu")
    ]


def test_an_open_report_without_place_person_or_answer_is_read_all_the_same() -> None:
    record = _mapped("open_without_place")
    assert record.external_id == "PA-77" and record.status is SourceStatus.IN_PROGRESS
    assert record.location.lat is None and record.person.name is None
    assert record.answers == () and record.attachments == () and record.updated_at is None
    assert record.due_at == datetime(2026, 1, 8, 10, 0, tzinfo=UTC)


def test_open_and_done_reports_come_once_each(office: Office) -> None:
    office.portal.load([report(n, status="resolved" if n % 2 else "new") for n in range(14)])
    found = office.poll()
    assert sorted(record.external_id for record in found) == [str(1000 + n) for n in range(14)]
    assert {record.category_raw for record in found} == {"Đô thị"}


def test_a_report_that_was_dealt_with_comes_again_with_its_answer(office: Office) -> None:
    office.portal.load([report(n) for n in range(3)])
    office.poll()
    office.portal.clock = lambda: office.now
    office.portal.answer("1001", "Đã thay nắp cống.", "UBND phường", "resolved")
    (again,) = [record for record in office.poll() if record.external_id == "1001"]
    assert again.status is SourceStatus.RESOLVED and again.answers[0].body == "Đã thay nắp cống."


def test_a_late_edit_is_found_where_the_portal_goes_by_the_day_of_sending(office: Office) -> None:
    office.portal.dated_by = "sent"
    office.portal.load([report(0), report(240), report(241, status="resolved")])
    office.poll()
    office.portal.clock = lambda: office.now
    office.portal.answer("1000", "Đã xong.", "", "resolved")
    assert "1000" not in [record.external_id for record in office.poll()]
    office.now += timedelta(days=1)
    assert "1000" in [record.external_id for record in office.poll()]


def test_a_wrong_token_under_status_200_asks_for_a_person(office: Office) -> None:
    office.secrets = {"token": "sai"}
    with pytest.raises(AuthFailed):
        office.poll()
    steps = CONNECTOR.check(office.context())
    assert [step.ok for step in steps] == [True, True, False] and "token" in steps[-1].detail


def test_a_list_that_is_null_is_not_an_empty_one(office: Office) -> None:
    office.portal.by_agency = lambda request: reply({"code": 200, "data": None, "totalrow": 0})
    office.portal._rules = type(office.portal._rules)([], strict_slashes=False)
    office.portal.route("/theodonvi", ("POST",))(office.portal.by_agency)
    with pytest.raises(SchemaDrift):
        office.poll()
