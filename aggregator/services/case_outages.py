"""What the outages of its sources mean for one case: events of its timeline, and the deadlines that they hit.

What may surprise: a single failed try that was followed by a good one is left out of a timeline. Portals
stumble every day, and between the officers' own acts a case would show nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from aggregator.services.unreachable import told
from aggregator.services.views.case import TimelineEntry
from aggregator.services.views.delivery import DeliveryView
from aggregator.services.views.outages import Unreachable
from aggregator.storage import outage_queries, unreachable_queries
from aggregator.storage.db import Tx
from aggregator.storage.outage_queries import Outage

#: Outages that one timeline shows, the newest of them.
SHOWN = 20


def unreachable(tx: Tx, case_id: int) -> tuple[Unreachable, ...]:
    """The case's deadlines that were kept while the source could not be used."""
    return told(unreachable_queries.of_cases(tx, [case_id]))


def entries(
    tx: Tx, case: Any, report_ids: Collection[int], deliveries: Sequence[DeliveryView], now: datetime
) -> list[TimelineEntry]:
    """Beginnings and ends of the outages that touch the case's life, in no order."""
    known = outage_queries.beside(tx, report_ids, case.received_at, _until(case, deliveries, now))
    telling = [pair for pair in known if pair[0].span.attempts > 1 or pair[0].span.ended_at is None]
    found = []
    for outage, slug in telling[-SHOWN:]:
        data = _data(outage, slug)
        found.append(TimelineEntry(outage.span.began_at, "outage_began", None, data))
        if outage.span.ended_at is not None:
            found.append(TimelineEntry(outage.span.ended_at, "outage_ended", None, data))
    return found


def _until(case: Any, deliveries: Sequence[DeliveryView], now: datetime) -> datetime:
    """The end of the case's life: it is closed, and its sources have all answers."""
    if case.closed_at is None or any(one.sent_at is None for one in deliveries):
        return now
    last: datetime = max([case.closed_at, *(one.sent_at for one in deliveries if one.sent_at)])
    return last


def _data(outage: Outage, slug: str) -> dict[str, Any]:
    span = outage.span
    return {
        "channel": slug, "capability": span.capability.value, "attempts": span.attempts,
        "ours_maybe": span.ours_maybe,
    }  # fmt: skip
