"""When the computer's clock has gone back: warnings that were given in a time that never came are taken back.

A clock that leaps ahead (a wrong battery, a wrong answer from a time server) makes cases due soon or overdue
that are not. Nobody can tell a leap from a night switched off, so the sweep believes it; but once the clock
has gone back, what it wrote can be told: the case is overdue, and its deadline has not come. Each such case
gets the stage it is in, with a ledger entry that says why, and is warned of again when its time comes.

What may surprise: this is looked for when a worker starts and when its own clock has gone back, not in every
sweep. Were two workers' clocks apart, they would else take each other's stages back for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from aggregator.services import counters, ledger
from aggregator.services.ledger import Draft
from aggregator.storage import case_queries
from aggregator.storage.db import Database, Tx

if TYPE_CHECKING:
    from aggregator.services.deadlines import CaseClock

#: So many cases a transaction.
PART = 500


def take_back(db: Database, refresh: Callable[[Tx, int, datetime], CaseClock], now: datetime) -> int:
    """Give every case that was warned of too early its stage of `now`; how many there were."""
    taken, after = 0, 0
    while True:
        with db.read() as tx:
            rows = case_queries.warned_early(tx, now, after, PART)
        if not rows:
            return taken
        ids, after = {row.id for row in rows}, rows[-1].id
        with db.write() as tx:
            ledger.lock(tx, sorted({row.ward_code for row in rows}))
            # Read again under the lock: an officer may have answered one of them in between.
            before = case_queries.facts(tx, sorted(ids))
            drafts = []
            for case_id, was in before.items():
                derived = refresh(tx, case_id, now)
                if was.is_open and derived.stage != was.stage:
                    told = {"stage": derived.stage, "taken_back": was.stage}
                    drafts.append(Draft(was.ward_code, "stage", now, told, case_id=case_id))
            ledger.append(tx, drafts)
            counters.shift(tx, before.values(), case_queries.facts(tx, before).values())
        taken += len(drafts)
