"""Answers that were delivered and that no poll has shown since: their sources are asked, report by report.

Many a portal's list says nothing of answers, and a connector leaves out what has not changed in the list. So
an answer that was taken and never shown would go unnoticed for ever. An hour after its delivery its report
is read once by its id; what comes of that is compared like any other record (`services.beliefs`), and what
was compared once is not asked for again. What may surprise: only sources that give single reports can be
asked; of the others the next poll that shows the report tells.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from aggregator.errors import AggregatorError
from aggregator.sdk.contract import Capabilities
from aggregator.services.backfills import Backfills
from aggregator.services.clock import Clock
from aggregator.storage import backfill_queries, belief_queries, channel_queries
from aggregator.storage.db import Database

#: By then the usual polls have come by; older than this, nobody waits for it any more.
AFTER, AT_MOST = timedelta(hours=1), timedelta(days=30)
#: Reports of one channel asked for at once: a portal is not flooded on our account.
MOST = 20


class Unseen:
    """Asks for what no poll has shown."""

    def __init__(
        self, db: Database, backfills: Backfills, capabilities: Callable[[str], Capabilities], clock: Clock
    ) -> None:
        self._db = db
        self._backfills = backfills
        self._capabilities = capabilities
        self._clock = clock

    def tick(self) -> int:
        """Have reports with such answers read again; how many reports."""
        now = self._clock()
        wanted: dict[str, list[str]] = {}
        with self._db.read() as tx:
            for channel in channel_queries.all_channels(tx):
                if not self._capabilities(channel.kind).fetch or channel.paused:
                    continue
                if any(row.state == "active" for row in backfill_queries.of_channel(tx, channel.id, 1)):
                    continue
                unseen = belief_queries.unseen(tx, channel.id, now - AT_MOST, now - AFTER, MOST)
                if unseen:
                    wanted[channel.slug] = unseen
        return sum(self._ask(slug, ids) for slug, ids in wanted.items())

    def _ask(self, slug: str, ids: list[str]) -> int:
        try:
            self._backfills.start(None, slug, ids=ids)
        except AggregatorError:  # its connector does not load, or no longer gives single reports
            return 0
        return len(ids)
