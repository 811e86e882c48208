"""What people are told inside the product, and what they have read of it.

`tell` is a part of the transaction in which the thing happens; what is told stays until its person has
read it. What may surprise: a notice is about a case, not about an event. What happens to the same case
again before the notice was read is counted on it, so that a hundred reports of one burst pipe are one
line; and nobody is told of what they did themselves.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aggregator.domain.people import Actor
from aggregator.services import cover, legal_matters
from aggregator.services.clock import Clock
from aggregator.services.views.notices import NoticePage, NoticeView
from aggregator.storage import decision_queries, ids, notice_queries
from aggregator.storage.db import Database, Tx

#: Kept that long, read or not.
KEPT = timedelta(days=90)
SIZE = 50


@dataclass(frozen=True, slots=True)
class Notice:
    """`times`: how many such things it tells of. `entry`: the newest one's place in the ward's ledger."""

    officer_id: int
    kind: str
    case_id: int
    ward_code: str
    times: int = 1
    entry: int | None = None


def tell(tx: Tx, found: Iterable[Notice], now: datetime, *, by: int | None = None) -> None:
    """Tell each person once; `by`, who did it, knows."""
    notice_queries.put(
        tx,
        [
            {"officer_id": one.officer_id, "ward_code": one.ward_code, "kind": one.kind,
             "case_id": one.case_id, "times": one.times, "entry_seq": one.entry, "created_at": now, "at": now,
             "read_at": None}
            for one in sorted(set(found), key=lambda one: (one.officer_id, one.kind, one.case_id))
            if one.officer_id != by
        ],
    )  # fmt: skip


def owners(tx: Tx, cases: Iterable[Any], now: datetime) -> set[int]:
    """Who answers for these cases: their officers, who stands in for them, and the people of their units."""
    known = list(cases)
    units = notice_queries.people_of_units(tx, (case.unit_id for case in known if case.unit_id is not None))
    officers = {case.officer_id for case in known if case.officer_id is not None}
    answering = {one for pair in cover.both(tx, officers, now).values() for one in pair}
    return answering | {person for people in units.values() for person in people}


class Notices:
    """The notices of a person."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def page(self, actor: Actor, after: str = "") -> NoticePage:
        """The newest notices of this person; `after` is a token of the page before."""
        with self._db.read() as tx:
            rows = notice_queries.page(tx, actor.id, actor.ward, _place(after), SIZE)
            told = [json.loads(row.data) if row.data else {} for row in rows[:SIZE]]
            made = [data["decision"] for data in told if "decision" in data]
            standing = decision_queries.undoable(tx, made) if made else set()
        views = (_view(actor, row, data, standing) for row, data in zip(rows, told, strict=False))
        return NoticePage(tuple(views), _token(rows[SIZE - 1]) if len(rows) > SIZE else "")

    def read(self, actor: Actor, notice_id: int | None = None) -> int:
        """Mark one notice as read, or all of them; how many were unread."""
        with self._db.write() as tx:
            return notice_queries.mark_read(tx, actor.id, self._clock(), notice_id)

    def prune(self) -> int:
        """Forget what is older than ninety days; how many notices that were."""
        with self._db.write() as tx:
            return notice_queries.forget_before(tx, self._clock() - KEPT)


def _view(actor: Actor, row: Any, data: dict[str, Any], standing: set[int]) -> NoticeView:
    decision = data.get("decision")
    title = row.title if legal_matters.may_read(actor, row) else ""
    return NoticeView(
        id=row.id, kind=row.kind, case_id=row.case_id, code=row.code, times=row.times,
        title=title, at=row.at, read=row.read_at is not None, who=row.who, data=data,
        # Of several only the newest is named, so only the newest could be meant.
        decision_id=decision if decision in standing and row.times == 1 else None,
    )  # fmt: skip


def _token(row: Any) -> str:
    return base64.urlsafe_b64encode(f"{row.at.isoformat()}|{row.id}".encode()).decode()


def _place(token: str) -> tuple[datetime, int] | None:
    """The place a token names; one that was tampered with is the first page."""
    try:
        at, _, row_id = base64.urlsafe_b64decode(token.encode()).decode().partition("|")
        found = datetime.fromisoformat(at)
        return (found.astimezone(UTC), int(row_id)) if found.tzinfo and ids.possible(int(row_id)) else None
    except (ValueError, OverflowError, binascii.Error):
        return None
