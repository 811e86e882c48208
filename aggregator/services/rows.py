"""Database rows into what screens show."""

from __future__ import annotations

from typing import Any

from aggregator.domain.workflow import Status
from aggregator.services.views import InboxRow


def inbox_row(row: Any) -> InboxRow:
    """One line of a list."""
    return InboxRow(
        id=row.id, code=row.code, ward_code=row.ward_code, title=row.title, extract=row.extract,
        address=row.address, category=row.category_code, channel=row.channel,
        channel_slug=row.channel_slug, unit=row.unit, officer=row.officer, status=Status(row.status),
        received_at=row.received_at, due_at=row.due_at, closed_at=row.closed_at, stage=row.stage,
        report_count=row.report_count, unread=row.unread, delivery_problem=row.delivery_problem,
        version=row.version,
    )  # fmt: skip
