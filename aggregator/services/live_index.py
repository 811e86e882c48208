"""The posting lists in memory: candidates for a stream of reports in the order of their arrival.

Promise: at most 1.5 kB a live report, and nothing but live ones: open, or received in the last sixty
days. What may surprise: a key that one report has (most houses, most texts) holds that report's bare
number, and more of them an array, because a list of objects for each key would weigh more than the
reports; a closing time is known here before it comes, but is used for nothing except to forget the report
after it (`matching` counts a case as closed only from that instant on).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush

from aggregator.domain import matching
from aggregator.domain.matching import Traits
from aggregator.domain.traits import BROAD_DAYS, PER_KEY, lookups, newest_around

_KEPT = timedelta(days=BROAD_DAYS)
_NEVER = datetime.max.replace(tzinfo=UTC)
_ALONE = (1, -1)


class LiveCandidates:
    """The live reports under their keys. Reports are added in time order, with rising numbers."""

    def __init__(self) -> None:
        self._reports: dict[int, Traits] = {}
        self._postings: dict[int, int | array[int]] = {}
        self._recent: deque[Traits] = deque()
        self._waiting: list[tuple[datetime, int]] = []
        self._sizes: dict[int, tuple[int, int]] = {}  # of cases with several: reports, the newest of them

    def near(self, t: Traits) -> list[Traits]:
        self._forget(t.received_at)
        # What is open for longer is found by its precise keys only, as in the database.
        since = self._recent[0].report_id if self._recent else t.report_id
        keys = lookups(t)
        around = list[int]()
        self._collect(around, keys.cells, since)
        found = newest_around(around)
        self._collect(found, keys.street, since)
        self._collect(found, keys.precise, 0)
        reports = self._reports
        return [reports[one] for one in sorted(set(found))]

    def _collect(self, found: list[int], keys: list[int], since: int) -> None:
        """Adds the numbers under the keys that are `since` or later; within a key they rise."""
        held_under = self._postings.get
        for key in keys:
            held = held_under(key)
            if held is None:
                continue
            if isinstance(held, int):
                if held >= since:
                    found.append(held)
            else:
                found += held if held[0] >= since else held[bisect_left(held, since) :]

    def size(self, case_id: int) -> int:
        return self._sizes.get(case_id, _ALONE)[0]

    def add(self, t: Traits, case_id: int) -> None:
        number = t.report_id
        if case_id != number:  # a case is named after its first report
            self._sizes[case_id] = (self.size(case_id) + 1, number)
        t = self._reports[number] = t.settled(case_id)
        self._recent.append(t)
        for key in matching.keys(t):
            held = self._postings.setdefault(key, number)
            if isinstance(held, array):
                held.append(number)
                if len(held) > PER_KEY:
                    del held[0]
            elif held != number:
                self._postings[key] = array("q", (held, number))

    def __len__(self) -> int:
        """Live reports."""
        return len(self._reports)

    def _forget(self, now: datetime) -> None:
        since = now - _KEPT
        while self._recent and self._recent[0].received_at < since:
            t = self._recent.popleft()
            heappush(self._waiting, (t.closed_at or _NEVER, t.report_id))
        while self._waiting and self._waiting[0][0] <= now:
            self._drop(heappop(self._waiting)[1])

    def _drop(self, number: int) -> None:
        t = self._reports.pop(number)
        for key in matching.keys(t):
            held = self._postings.get(key)
            if held == number:
                del self._postings[key]
            elif isinstance(held, array) and number in held:
                held.remove(number)
                if not held:
                    del self._postings[key]
        if t.case_id is not None and self._sizes.get(t.case_id, _ALONE)[1] == number:
            del self._sizes[t.case_id]
