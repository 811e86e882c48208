"""Marking deadlines that were kept by the officer and fell into an outage of the source.

    a message's state changes | its answer's deadlines, due and not delivered by then | verdict | mark

What may surprise: the mark is set when the source is tried after the deadline, not at the deadline itself:
only then is known whether the outage lasted. It changes no clock and no state of the case.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from aggregator.domain.outages import Capability
from aggregator.domain.timeliness import Kind, Why, verdict
from aggregator.services.views.outages import Unreachable
from aggregator.storage import outage_queries, unreachable_queries
from aggregator.storage.db import Tx


def weigh(tx: Tx, message_ids: Collection[int], now: datetime) -> int:
    """Mark what these messages show to have been handled in time, source unreachable; how many."""
    marked = 0
    for row in unreachable_queries.not_there_when_due(tx, message_ids, now):
        known = outage_queries.overlapping(tx, [row.channel_id], row.answered_at, row.due_at)
        told = verdict(row.due_at, row.answered_at, row.delivered_at, [one.span for one in known], as_of=now)
        if told.kind is not Kind.UNREACHABLE:
            continue
        why = next(one.span for one in told.weighed if one.why is Why.EXPLAINS)
        outage = next(one.id for one in known if one.span == why)
        values = dict(row._mapping)
        del values["channel_id"]
        unreachable_queries.mark(tx, {**values, "outage_id": outage})
        marked += 1
    return marked


def told(rows: Iterable[Any]) -> tuple[Unreachable, ...]:
    """The marks as the screens show them."""
    return tuple(
        Unreachable(
            row.case_id, row.code, row.title, row.channel, row.step, row.due_at, row.answered_at,
            row.delivered_at, Capability(row.capability), row.began_at, row.ended_at,
        )
        for row in rows
    )  # fmt: skip
