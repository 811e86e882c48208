"""Ids that no longer tell reports apart.

A column or key that turns constant ("xem chi tiết" in every row) makes one report of all: each would be
taken for the next edit of the one before, and a whole page would come in as a single report. What may
surprise: only a page whose reports *all* share one id is refused. Two rows of one id are common, where a
list moves while it is read or a portal shows a report once for each answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.errors import SchemaDrift
from aggregator.sdk.contract import Record

__all__ = ["require_ids"]

#: From so many reports on, a single id among them is no coincidence.
_SEVERAL = 3


def require_ids(records: Sequence[Record]) -> None:
    """Return where the reports of one page have ids of their own; else `SchemaDrift`."""
    if len(records) < _SEVERAL or len({record.external_id for record in records}) > 1:
        return
    if len({_said(record) for record in records}) > 1:
        raise SchemaDrift(
            f"{len(records)} different reports have one id",
            hint="The id is read from a place that no longer holds it",
            message_vi=f"{len(records)} phản ánh khác nhau có cùng một mã",
            evidence={"records": len(records)},
        )


def _said(record: Record) -> tuple[object, ...]:
    return record.subject, record.body, record.occurred_at, record.person, record.location
