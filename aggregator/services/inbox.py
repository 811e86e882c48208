"""The one list of all channels, scoped to the person who looks (I13), and what its filters offer.

A page costs the same at a hundred cases and at a hundred thousand: rows come in index order from
where the last page ended, counts are kept counters, and nothing is counted by looking.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any

from aggregator.domain.people import Actor, Right, Role
from aggregator.domain.text import clean, e164, squash
from aggregator.services import cover
from aggregator.services.clock import Clock
from aggregator.services.deadlines import NO_DEADLINE
from aggregator.services.rows import inbox_row
from aggregator.services.views.inbox import VIEWS, Choice, Choices, InboxFilter, InboxPage
from aggregator.storage import count_queries, ids, inbox_queries, search_queries
from aggregator.storage.db import Database, Tx
from aggregator.storage.inbox_queries import ListQuery
from aggregator.storage.vault import Vault

MOST_ROWS = 200
MOST_NEWS = 100
#: Characters of a search that are read.
MOST_TYPED = 200

#: What each view asks of the list.
_VIEW: dict[str, dict[str, Any]] = {
    "open": {},
    "new": {"status": "new"},
    "mine": {},
    "due_soon": {"stage": "due_soon"},
    "overdue": {"stage": "overdue"},
    "needs_info": {"status": "needs_info"},
    "waiting_unit": {"status": "waiting_unit"},
    "problem": {"problem": True},
    "closed": {"is_open": False},
    "paused": {"stage": "paused"},
    "legal": {"legal": ("suspected", "recognised")},
    "legal_done": {"legal": ("confirmed",), "is_open": False},
    "closed_late": {"is_open": False, "late": True},
}


class Inbox:
    """Pages of cases."""

    def __init__(self, db: Database, vault: Vault, clock: Clock) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock

    def page(self, actor: Actor, wanted: InboxFilter) -> InboxPage:
        """One page of the list and the number of cases in each view."""
        size = max(1, min(wanted.size, MOST_ROWS))
        with self._db.read() as tx:
            duty = cover.read(tx, actor.ward, self._clock())
            stands_in = duty.stands_in_for(actor.id)
            mine = (actor.id, *stands_in)
            query = self._query(tx, actor, wanted, size, mine)
            rows = inbox_queries.page(tx, query)
            counts = self._counts(tx, query.ward, mine)
            # A search answers one question: it is not watched for new cases.
            newest = inbox_queries.newest(tx) if query.case_ids is None else 0
        more = len(rows) > size
        return InboxPage(
            rows=tuple(inbox_row(row, actor, duty) for row in rows[:size]),
            next=_token(rows[size - 1]) if more else "",
            counts=counts,
            newest=newest,
            stands_in=tuple(stands_in.values()),
            nobody_for=duty.nobody_for() if actor.role is Role.LEADER else (),
        )

    def arrived(self, actor: Actor, after_id: int) -> int:
        """How many cases this person sees have come since `InboxPage.newest`; a hundred is many."""
        after_id = after_id if ids.possible(after_id) else 0
        with self._db.read() as tx:
            return inbox_queries.arrived(tx, actor.ward, after_id, MOST_NEWS)

    def _query(
        self, tx: Tx, actor: Actor, wanted: InboxFilter, size: int, mine: tuple[int, ...]
    ) -> ListQuery:
        ward = actor.ward if actor.ward is not None else _word(wanted.ward)
        q = clean(wanted.q[:MOST_TYPED]).strip()
        given = {"is_open": True, **_VIEW.get(wanted.view, {})}
        if wanted.status:
            given["status"] = _word(wanted.status)
        officers = mine if wanted.view == "mine" else ()
        return ListQuery(
            ward=ward,
            channel=_word(wanted.channel),
            category=_word(wanted.category),
            unit=_row_id(wanted.unit),
            officer=None if officers else _row_id(wanted.officer),
            officers=officers,
            case_ids=self._found(tx, q, ward, actor) if q else None,
            after=_place(wanted.after),
            size=size,
            **given,
        )

    def _found(self, tx: Tx, q: str, ward: str | None, actor: Actor) -> list[int]:
        words = squash(q).split()[:12]
        phone = e164(q)
        index = self._vault.blind(phone, "phone") if phone else None
        return search_queries.search(
            tx, words, index, q, ward, restricted=actor.may(Right.LEGAL), everybody=actor.may(Right.PRIVACY)
        )

    def _counts(self, tx: Tx, ward: str | None, mine: tuple[int, ...]) -> dict[str, int]:
        kept = count_queries.cells(tx, ward, ("all", "status", "officer"))
        total: Counter[tuple[str, str, str]] = Counter()
        for (_, dim, key, bucket), n in kept.items():
            total[dim, key, bucket] += n
        counts = {
            "open": total["all", "", "open"],
            "mine": sum(total["officer", str(one), "open"] for one in mine),
            "legal": total["all", "", "legal"],
            "closed": total["all", "", "done"],
            **{view: total["all", "", view] for view in ("due_soon", "overdue", "problem")},
            **{view: total["status", view, "open"] for view in ("new", "needs_info", "waiting_unit")},
        }
        return {view: counts[view] for view in VIEWS}

    def choices(self, actor: Actor) -> Choices:
        """What the filters and forms offer this person."""
        with self._db.read() as tx:
            found = inbox_queries.choices(tx, actor.ward, english=actor.language == "en")
        offered: dict[str, list[Choice]] = defaultdict(list)
        for row in found:
            offered[row.kind].append(Choice(row.value, row.label, row.ward_code or ""))
        return Choices(
            channels=tuple(offered["channel"]),
            categories=tuple(offered["category"]),
            units=tuple(offered["unit"]),
            officers=tuple(offered["officer"]),
            wards=tuple(offered["ward"]),
        )

    def next_after(self, actor: Actor, case_id: int) -> int | None:
        """The open case that follows this one in the order of deadlines, None at the end.

        One that has just been answered still stands where its deadline was.
        """
        with self._db.read() as tx:
            found = inbox_queries.rows(tx, [case_id]).get(case_id)
            if found is None or not actor.sees(found.ward_code):
                return None
            place = found.sort_at if found.is_open else found.due_at or found.received_at + NO_DEADLINE
            query = ListQuery(ward=actor.ward, is_open=True, after=(place, found.id), size=1)
            rows = inbox_queries.page(tx, query)
        return rows[0].id if rows else None


def _token(row: Any) -> str:
    return base64.urlsafe_b64encode(f"{row.sort_at.isoformat()}|{row.id}".encode()).decode()


def _place(token: str) -> tuple[datetime, int] | None:
    """The place a token names; a token that was tampered with is the first page."""
    try:
        at, _, case_id = base64.urlsafe_b64decode(token.encode()).decode().partition("|")
        found = datetime.fromisoformat(at)
        if not found.tzinfo or not ids.possible(int(case_id)):
            return None
        return found.astimezone(UTC), int(case_id)
    except (ValueError, OverflowError, binascii.Error):
        return None


def _word(text: str) -> str | None:
    """What an address says, as something that may be asked of a database; None where it says nothing."""
    if not text:
        return None
    return clean(text[:100]) or "?"


def _row_id(number: int | None) -> int | None:
    """0 is "none yet"; a number that no row can have finds nothing."""
    return number if not number or ids.possible(number) else -1
