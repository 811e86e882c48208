"""A ward office beside a simulated 1022 portal over real HTTP, where colleagues work as well.

`polled()` is a poll, `delivered()` a worker's round, `colleague(...)` somebody who works at the portal
itself. Both sides live by one clock.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from aggregator.domain.beliefs import Kind
from aggregator.domain.workflow import ReplyKind
from aggregator.sdk.discovery import discover
from aggregator.sdk.sandbox import Running, serve
from aggregator.services import counters
from aggregator.services.belief_views import DifferenceView
from aggregator.storage import case_queries, outbox_queries
from aggregator.storage.case_tables import memberships
from aggregator.storage.report_tables import reports
from connectors.portal_1022 import sandbox
from tests.services.outbox_world import impatient
from tests.services.polling_world import START, WARD_A, World

SLUG = "cong"
#: The portal's list does not tell of answers: what is closed is read again once a day.
A_DAY = 25 * 60
OURS = "Đã vá ổ gà trước số nhà 12 Lê Lợi sáng 10/11. Cảm ơn bà đã phản ánh."
THEIRS = "Phòng Quản lý đô thị đã kiểm tra và san lấp xong mặt đường tại vị trí phản ánh."


class Beside(World):
    """The office, and what stands at the portal."""

    def __init__(self, url: str, folder: Path, running: Running) -> None:
        super().__init__(url, folder)
        self.portal = running
        running.portal.clock = self.clock
        self.app.connectors["portal_1022"] = impatient(discover()["portal_1022"])  # type: ignore[index]
        self.channels.add(
            {"slug": SLUG, "kind": "portal_1022", "title": "Cổng 1022", "ward": WARD_A,
             "config": {"base_url": running.url, "scope": "officer", "auth": "none",
                        "refresh_open_minutes": 1},
             "options": {"allow_private": True}}
        )  # fmt: skip

    # What happens

    def polled(self, minutes: float = 15) -> None:
        self.clock.wait(minutes=minutes)
        result = self.polling.poll(SLUG)
        assert result.outcome == "ok", result

    def delivered(self) -> None:
        self.clock.wait(minutes=1)
        self.app.outbox.drain("worker-1")

    def asked(self) -> None:
        """The worker reads what was asked for; the polls that are due go first."""
        self.polled(minutes=0)
        assert self.app.backfills.tick("worker-1") is not None

    def answered(self, case: int, words: str = OURS, kind: ReplyKind = ReplyKind.RESULT) -> None:
        """Lan answers, it is delivered, and the portal shows it."""
        self.app.cases.reply(self.lan, case, kind, words)
        self.delivered()
        self.polled()

    def colleague(self, report: str, *answers: str | dict[str, Any], status: str | None = None) -> None:
        """What the portal shows under the report from now on."""
        shown = [{"body": one} if isinstance(one, str) else one for one in answers]
        self.control("POST", "answers", {"id": report, "answers": shown, "status": status})

    def edits(self, report: str, **changes: Any) -> None:
        now = next(one for one in self.control("GET", "state")["reports"] if one["id"] == report)
        self.control("POST", "reports", {**now, "updated": self.clock().isoformat(), **changes})

    def control(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.portal.url}/_control/{path}", data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def citizens_read(self, report: str) -> list[str]:
        answers = self.control("GET", "state")["answers"]
        return [one["body"] for one in answers.get(report, [])]

    # What is seen

    def case_of(self, external_id: str) -> int:
        with self.app.db.read() as tx:
            query = (
                select(memberships.c.case_id)
                .join(reports, reports.c.id == memberships.c.report_id)
                .where(reports.c.external_id == external_id, memberships.c.ended_at.is_(None))
            )
            return int(tx.execute(query).scalar_one())

    def row_of(self, case: int) -> Any:
        with self.app.db.read() as tx:
            return case_queries.row(tx, case)

    def differences(self, *, is_open: bool = True) -> list[DifferenceView]:
        return list(self.app.beliefs.page(self.lan, SLUG, is_open=is_open, size=100).items)

    def kinds(self) -> list[Kind]:
        return sorted((one.kind for one in self.differences()), key=list(Kind).index)

    def only(self) -> DifferenceView:
        (one,) = self.differences()
        return one

    def events(self, case: int, kind: str) -> list[dict[str, Any]]:
        """The case's entries of this kind in its timeline, oldest first."""
        timeline = self.app.cases.case(self.lan, case).timeline
        return [dict(entry.data) for entry in timeline if entry.kind == kind]

    def states(self) -> list[str]:
        with self.app.db.read() as tx:
            return [row.state for row in outbox_queries.listed(tx, ward=None)]

    def is_sound(self) -> None:
        """Numbers that are kept equal those that are counted, and the ledger holds."""
        with self.app.db.read() as tx:
            rows = tx.execute(text("SELECT ward_code, dim, key, bucket, n FROM case_counts WHERE n <> 0"))
            assert {tuple(row[:4]): row[4] for row in rows} == {
                key: n for key, n in counters.recount(tx).items() if n
            }
        assert self.app.evidence.verify().findings == ()


@contextmanager
def beside_a_portal(url: str, folder: Path, count: int = 3, **more: Any) -> Iterator[Beside]:
    """A portal with reports "1".."count", and an office that has read them."""
    places = ("Lê Lợi", "Trần Phú", "Hùng Vương", "Nguyễn Huệ", "Pasteur", "Hai Bà Trưng")
    problems = ("Ổ gà lớn", "Đèn đường tắt", "Cống nghẹt", "Cây đổ", "Rác ứ đọng", "Nước đục")
    scenario = {
        "auth": "none",
        "reports": [
            {"id": str(n), "subject": f"{problems[n % 6]} tại {13 * n} {places[n % 6]}",
             "body": f"{problems[n % 6]} trước nhà {13 * n} {places[n % 6]}, việc số {n * 7919}.",
             "status": "in_progress",
             "created": (START - timedelta(hours=5)).isoformat(), **more}
            for n in range(1, count + 1)
        ],
    }  # fmt: skip
    with serve(sandbox.build(scenario)) as running:
        made = Beside(url, folder, running)
        made.polled()
        try:
            yield made
        finally:
            made.app.close()
