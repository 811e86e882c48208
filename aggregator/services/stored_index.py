"""The posting lists in the database: candidates for the reports of one batch.

What may surprise: reports of one batch are matched with one another too, in their order, before any of
them is stored; the batch's own keys are read with the database's as if it were stored already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from aggregator.domain import matching
from aggregator.domain.matching import Traits
from aggregator.domain.traits import PER_KEY, day_of, is_cell, newest_around
from aggregator.storage import match_queries
from aggregator.storage.db import Tx


class StoredCandidates:
    """The database's posting lists for one batch, inside one transaction.

    `keys`: report id -> the keys under which it is found.
    """

    def __init__(self, tx: Tx, batch: Sequence[Traits], keys: Mapping[int, Sequence[int]]) -> None:
        self._keys = keys
        self._lookups = {t.report_id: matching.lookup_keys(t) for t in batch}
        self._since = _since(batch, self._lookups)
        self._postings = match_queries.postings(tx, self._since)
        self._known = match_queries.stored_traits(tx, self._wanted(batch))
        self._days = {t.report_id: day_of(t.received_at) for t in (*self._known.values(), *batch)}
        self._sizes: dict[int, int] = {}
        for t in self._known.values():
            if t.case_id is not None:
                self._sizes[t.case_id] = t.case_size
        self._fresh: dict[int, list[int]] = defaultdict(list)

    def _wanted(self, batch: Sequence[Traits]) -> set[int]:
        """The stored reports that may come out of `near`: of crowded cells only the newest are read."""
        wanted: set[int] = set()
        for t in batch:
            around: list[int] = []
            day = day_of(t.received_at)
            for key, days in self._lookups[t.report_id].items():
                held = self._postings.get(key, [])
                # Where another report of the batch looks back further, its oldest are told apart by day.
                if is_cell(key) and self._since[key] == day - days:
                    around += held
                else:
                    wanted.update(held)
            wanted.update(newest_around(around))
        return wanted

    def near(self, t: Traits) -> list[Traits]:
        near: set[int] = set()
        around: list[int] = []
        day = day_of(t.received_at)
        for key, days in self._lookups[t.report_id].items():
            held = self._held(key, day - days)
            if is_cell(key):
                around += held
            else:
                near.update(held)
        near.update(newest_around(around))
        return [self._known[one] for one in sorted(near) if one in self._known]

    def _held(self, key: int, since: int) -> list[int]:
        """The key's posting list as the database would give it to this report alone, the batch stored.

        So the pages in which reports come change nothing: a page may hold a report of last year beside
        today's, and one that came late is older than what is stored.
        """
        stored, fresh = self._postings.get(key, []), self._fresh.get(key)
        if fresh is None and self._since[key] == since:
            return stored
        days = self._days
        held = [one for one in (*stored, *(fresh or ())) if days.get(one, -1) >= since]
        held.sort(key=lambda one: (days[one], one), reverse=True)
        return held[:PER_KEY]

    def size(self, case_id: int) -> int:
        return self._sizes.get(case_id, 0)

    def add(self, t: Traits, case_id: int) -> None:
        self._sizes[case_id] = self._sizes.get(case_id, 0) + 1
        self._known[t.report_id] = replace(t, case_id=case_id)
        for key in self._keys[t.report_id]:
            self._fresh[key].append(t.report_id)


def _since(batch: Sequence[Traits], lookups: Mapping[int, Mapping[int, int]]) -> dict[int, int]:
    """Key -> the oldest day that any report of the batch looks at."""
    since: dict[int, int] = {}
    for t in batch:
        day = day_of(t.received_at)
        for key, days in lookups[t.report_id].items():
            since[key] = min(since.get(key, day), day - days)
    return since
