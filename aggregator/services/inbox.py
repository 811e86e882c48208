"""The one list of all channels, scoped to the person who looks (I13), and what its filters offer.

A page costs the same at a hundred cases and at a hundred thousand: rows come in index order from
where the last page ended, counts are kept counters, and nothing is counted by looking.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

from aggregator.domain.people import Actor
from aggregator.domain.text import e164, squash
from aggregator.services.rows import inbox_row
from aggregator.services.views import VIEWS, Choice, Choices, InboxFilter, InboxPage
from aggregator.storage import count_queries, inbox_queries
from aggregator.storage.db import Database, Tx
from aggregator.storage.inbox_queries import ListQuery
from aggregator.storage.vault import Vault

MOST_ROWS = 200
MOST_NEWS = 100

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
    "closed_late": {"is_open": False, "late": True},
}


class Inbox:
    """Pages of cases."""

    def __init__(self, db: Database, vault: Vault) -> None:
        self._db = db
        self._vault = vault

    def page(self, actor: Actor, wanted: InboxFilter) -> InboxPage:
        """One page of the list and the number of cases in each view."""
        size = max(1, min(wanted.size, MOST_ROWS))
        with self._db.read() as tx:
            query = self._query(tx, actor, wanted, size)
            rows = inbox_queries.page(tx, query)
            counts = self._counts(tx, actor)
            # A search answers one question: it is not watched for new cases.
            newest = 0 if wanted.q.strip() else inbox_queries.newest(tx)
        more = len(rows) > size
        return InboxPage(
            rows=tuple(inbox_row(row) for row in rows[:size]),
            next=_token(rows[size - 1]) if more else "",
            counts=counts,
            newest=newest,
        )

    def arrived(self, actor: Actor, after_id: int) -> int:
        """How many cases this person sees have come since `InboxPage.newest`; a hundred is many."""
        with self._db.read() as tx:
            return inbox_queries.arrived(tx, actor.ward, after_id, MOST_NEWS)

    def _query(self, tx: Tx, actor: Actor, wanted: InboxFilter, size: int) -> ListQuery:
        ward = actor.ward if actor.ward is not None else (wanted.ward or None)
        given = {"is_open": True, **_VIEW.get(wanted.view, {})}
        if wanted.status:
            given["status"] = wanted.status
        officer = actor.id if wanted.view == "mine" else wanted.officer
        return ListQuery(
            ward=ward,
            channel=wanted.channel or None,
            category=wanted.category or None,
            unit=wanted.unit,
            officer=officer,
            case_ids=self._found(tx, wanted.q, ward) if wanted.q.strip() else None,
            after=_place(wanted.after),
            size=size,
            **given,
        )

    def _found(self, tx: Tx, q: str, ward: str | None) -> list[int]:
        words = squash(q[:200]).split()[:12]
        phone = e164(q)
        index = self._vault.blind(phone, "phone") if phone else None
        return inbox_queries.search(tx, words, index, q.strip(), ward)

    def _counts(self, tx: Tx, actor: Actor) -> dict[str, int]:
        kept = count_queries.cells(tx, actor.ward, ("all", "status", "officer"))
        total: Counter[tuple[str, str, str]] = Counter()
        for (_, dim, key, bucket), n in kept.items():
            total[dim, key, bucket] += n
        counts = {
            "open": total["all", "", "open"],
            "mine": total["officer", str(actor.id), "open"],
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
        """The open case that follows this one in the order of deadlines, None at the end."""
        with self._db.read() as tx:
            found = inbox_queries.rows(tx, [case_id]).get(case_id)
            if found is None or not actor.sees(found.ward_code):
                return None
            query = ListQuery(ward=actor.ward, is_open=True, after=(found.sort_at, found.id), size=1)
            rows = inbox_queries.page(tx, query)
        return rows[0].id if rows else None


def _token(row: Any) -> str:
    return base64.urlsafe_b64encode(f"{row.sort_at.isoformat()}|{row.id}".encode()).decode()


def _place(token: str) -> tuple[datetime, int] | None:
    """The place a token names; a token that was tampered with is the first page."""
    try:
        at, _, case_id = base64.urlsafe_b64decode(token.encode()).decode().partition("|")
        found = datetime.fromisoformat(at)
        return (found, int(case_id)) if found.tzinfo and 0 < int(case_id) < 2**63 else None
    except (ValueError, binascii.Error, UnicodeError):
        return None
