"""Real citizens' texts, served by the simulated 1022 portal over HTTP, through the whole line.

The texts lie beside the project, not in it; without them there is nothing to collect here.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from aggregator.bootstrap import Aggregator, build
from aggregator.domain.people import Actor, Role
from aggregator.domain.text import clean
from aggregator.sdk.sandbox import serve
from aggregator.services import starting_set
from aggregator.services.views.inbox import InboxFilter
from aggregator.settings import Settings
from connectors.portal_1022.sandbox import build as portal_of

REAL = Path(__file__).parents[3] / "shared" / "data" / "vn_real_complaints.tsv"
VN = ZoneInfo("Asia/Ho_Chi_Minh")
EVERYBODY = Actor(0, "operator", "operator", Role.LEADER, None)

if REAL.exists():
    with REAL.open(encoding="utf-8", newline="") as file:
        ROWS = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))

    @pytest.fixture
    def product(database_url: str, tmp_path: Path) -> Iterator[Aggregator]:
        found = build(Settings(database_url=database_url, data_dir=tmp_path))
        starting_set.seed(found.db, found.clock())
        found.accounts.ensure_ward("27142", "Phường Nhiêu Lộc")
        yield found
        found.close()

    def neutral(row: dict[str, str]) -> dict[str, object]:
        # Some of the published reports came without their time.
        sent = datetime.fromisoformat(row["time"] or "2026-04-20T08:00").replace(tzinfo=VN)
        body = row["text"]
        return {"id": row["id"], "subject": body[:80], "body": body, "created": sent.isoformat()}

    def test_real_reports_arrive_whole_once_and_are_found_without_accents(product: Aggregator) -> None:
        with serve(portal_of({"reports": [neutral(row) for row in ROWS]})) as portal:
            product.channels.add(
                {"slug": "that", "kind": "portal_1022", "title": "Cổng thật", "ward": "27142",
                 "config": {"base_url": portal.url}, "secrets": {},
                 "options": {"allow_private": True, "min_gap_s": 0}}
            )  # fmt: skip
            first, second = product.polling.poll("that").counts, product.polling.poll("that").counts

        assert (first.seen, first.stored, first.quarantined) == (len(ROWS), len(ROWS), 0)
        assert (second.stored, second.quarantined) == (0, 0)
        rows = product.inbox.page(EVERYBODY, InboxFilter(size=200)).rows
        bodies = {report.body for row in rows for report in product.cases.case(EVERYBODY, row.id).reports}
        assert {clean(body).strip() for body in bodies} == {clean(row["text"]).strip() for row in ROWS}
        found = product.inbox.page(EVERYBODY, InboxFilter(q="ho ga khuc thua du")).rows
        assert [row for row in found if "Khúc Thừa Dụ" in row.title or "Khúc Thừa Dụ" in row.extract]
        assert not product.evidence.verify().findings
        assert not product.figures.recount()
