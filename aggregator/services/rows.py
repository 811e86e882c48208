"""Database rows into what screens show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aggregator.domain.people import Actor
from aggregator.domain.workflow import Status
from aggregator.services import legal_matters
from aggregator.services.cover import Duty
from aggregator.services.views.inbox import InboxRow


def inbox_row(row: Any, actor: Actor, duty: Duty) -> InboxRow:
    """One line of a list, as this person may read it; `duty`: who is away now."""
    whole = _whole(row, duty)
    if legal_matters.may_read(actor, row):
        return whole
    return replace(
        whole, title="", extract="", address=None, category=None, channel="", channel_slug="", masked=True
    )


def _whole(row: Any, duty: Duty) -> InboxRow:
    return InboxRow(
        id=row.id, code=row.code, ward_code=row.ward_code, title=row.title, extract=row.extract,
        address=row.address, category=row.category_code, channel=row.channel,
        channel_slug=row.channel_slug, unit=row.unit, officer=row.officer, status=Status(row.status),
        received_at=row.received_at, due_at=row.due_at, closed_at=row.closed_at, stage=row.stage,
        report_count=row.report_count, unread=row.unread, delivery_problem=row.delivery_problem,
        version=row.version, legal=legal_matters.state_of(row),
        cover=duty.cover(row.officer_id) if row.is_open else None,
    )  # fmt: skip
