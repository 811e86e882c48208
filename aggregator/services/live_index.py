"""The posting lists in memory: candidates for a stream of reports in the order of their arrival.

Promise: at most 1.5 kB a live report, and nothing but live ones: open, or received in the last sixty
days. What may surprise: a key that one report has (most houses, most texts) holds the report itself and
no list; a closing time is known here before it comes, but is used for nothing except to forget the
report after it (`matching` counts a case as closed only from that instant on).
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta
from heapq import heappop, heappush

from aggregator.domain import matching
from aggregator.domain.matching import Traits
from aggregator.domain.traits import BROAD_DAYS, PER_KEY

_KEPT = timedelta(days=BROAD_DAYS)


class LiveCandidates:
    """The live reports under their keys. Reports are asked about and added in time order."""

    def __init__(self) -> None:
        self._postings: dict[int, Traits | list[Traits]] = {}
        self._recent: deque[Traits] = deque()
        self._waiting: list[tuple[datetime, int, Traits]] = []
        self._sizes: dict[int, tuple[int, int]] = {}  # of cases with several: reports, the newest of them
        self._words: dict[str, str] = {}

    def near(self, t: Traits) -> list[Traits]:
        self._forget(t.received_at)
        found: dict[int, Traits] = {}
        since = t.received_at - _KEPT
        for key, days in matching.lookup_keys(t).items():
            held = self._postings.get(key)
            if held is None:
                continue
            for one in held if isinstance(held, list) else (held,):
                # What is open for longer is found by its precise keys only, as in the database.
                if days > BROAD_DAYS or one.received_at >= since:
                    found[one.report_id] = one
        return [found[report_id] for report_id in sorted(found)]

    def size(self, case_id: int) -> int:
        return self._sizes.get(case_id, (1, 0))[0]

    def add(self, t: Traits, case_id: int) -> None:
        if case_id != t.report_id:  # a case is named after its first report
            self._sizes[case_id] = (self.size(case_id) + 1, t.report_id)
        t = self._lean(t, case_id)
        self._recent.append(t)
        for key in matching.keys(t):
            held = self._postings.get(key)
            if held is None:
                self._postings[key] = t
            elif isinstance(held, list):
                held.append(t)
                if len(held) > PER_KEY:
                    del held[0]
            else:
                self._postings[key] = [held, t]

    def __len__(self) -> int:
        """Live reports."""
        return len(self._recent) + len(self._waiting)

    def _lean(self, t: Traits, case_id: int) -> Traits:
        """Without what is not compared, and with each street, ward and category in memory once."""
        own = self._words.setdefault
        return replace(
            t, category=t.category and own(t.category, t.category), ward=t.ward and own(t.ward, t.ward),
            street=t.street and own(t.street, t.street), channel=own(t.channel, t.channel), written=None,
            case_id=case_id,
        )  # fmt: skip

    def _forget(self, now: datetime) -> None:
        while self._recent and self._recent[0].received_at < now - _KEPT:
            t = self._recent.popleft()
            heappush(self._waiting, (t.closed_at or datetime.max.replace(tzinfo=now.tzinfo), t.report_id, t))
        while self._waiting and self._waiting[0][0] <= now:
            self._drop(heappop(self._waiting)[2])

    def _drop(self, t: Traits) -> None:
        for key in matching.keys(t):
            held = self._postings.get(key)
            if held is t:
                del self._postings[key]
            elif isinstance(held, list):
                rest = [one for one in held if one is not t]
                if rest:
                    self._postings[key] = rest if len(rest) > 1 else rest[0]
                else:
                    del self._postings[key]
        if t.case_id is not None and self._sizes.get(t.case_id, (0, 0))[1] == t.report_id:
            del self._sizes[t.case_id]
