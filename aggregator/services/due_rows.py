"""What becomes due in the wards' chains, looked at in turns.

    anything due? (read) | lock the chains of what is due | read again under the lock | act | commit

What may surprise: it is read three times. Nothing being due is the usual case and must not make a writer
wait; and between the reading that names the wards and the lock an officer may have settled something, so
what is acted on is only what is still due then, in a ward that is locked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from aggregator.services import ledger
from aggregator.services.clock import Clock
from aggregator.storage.db import Database, Tx

#: (transaction, now, at most) -> rows with a `ward_code`.
DueRows = Callable[[Tx, datetime, int], Sequence[Any]]


def look(
    db: Database, clock: Clock, due: DueRows, limit: int, act: Callable[[Tx, list[Any], datetime], int]
) -> int:
    """Act on what is due, at most `limit` rows, in one transaction; what `act` says, 0 where nothing was."""
    with db.read() as tx:
        if not due(tx, clock(), 1):
            return 0
    with db.write() as tx:
        wards = {row.ward_code for row in due(tx, clock(), limit)}
        ledger.lock(tx, sorted(wards))
        now = clock()
        return act(tx, [row for row in due(tx, now, limit) if row.ward_code in wards], now)
