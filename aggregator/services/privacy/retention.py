"""The retention run: what is due is forgotten, batch by batch, and only what the plan says.

    plan (dry run) | a person confirms | run: per kind, per batch one transaction | files | database anew

Promise: ended at any instant, it has forgotten whole batches and nothing else; begun again it goes on with
what is left, because what is due is asked of the rows themselves. No transaction holds more than `BATCH`
cases. Files lie outside transactions: they go after the commit that forgets them, named in a row until
they are gone, so a crash in between is mended by the next sweep.

What may surprise: forgetting frees bytes but does not overwrite all of them. The database is written anew
once at night after something was erased (`Database.compact`), because that holds SQLite's one writer.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain.people import Actor, Right, Role
from aggregator.domain.retention import OF_CASES, OF_THEIR_OWN, Kind, Rule, Stays
from aggregator.domain.worktime import VN
from aggregator.services import ledger
from aggregator.services.clock import Clock
from aggregator.services.frame import require
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.services.privacy.files import FileSweep
from aggregator.services.privacy.forgetting import Home, chains_of, forget
from aggregator.services.privacy.policy import is_on, rules_in_force
from aggregator.storage import forgetting_queries, inbox_queries, request_queries, retention_queries
from aggregator.storage.db import Database, Tx

log = logging.getLogger(__name__)

#: Cases, or rows, of one transaction.
BATCH = 50
#: Hours of the office's night in which the worker forgets and writes the file anew.
NIGHT = range(5)
#: One-time keys of form posts: nobody's page is older.
POSTS_KEPT = timedelta(days=30)
SHOWN_RUNS = 20
#: Who forgets by night: nobody signed in.
WORKER = Actor(0, "worker", "worker", Role.ADMIN, None)

Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class PlanLine:
    """What a dry run says of one kind. `count`: cases of `OF_CASES`, rows of the others."""

    kind: Kind
    rule: Rule
    count: int
    oldest: datetime | None
    sample: tuple[str, ...]
    stays: Mapping[Stays, int]


@dataclass(frozen=True, slots=True)
class RunView:
    id: int
    cause: str
    started_at: datetime
    seen_at: datetime
    finished_at: datetime | None
    done: Mapping[str, int]
    who: str | None


@dataclass(frozen=True, slots=True)
class Erasing:
    """Whether something erased still waits to be written over in the database's own file."""

    erased_at: datetime | None
    compacted_at: datetime | None

    @property
    def waits(self) -> bool:
        done = self.compacted_at
        return self.erased_at is not None and (done is None or done < self.erased_at)


class Retention:
    """Plans and runs. Everything asked of it is in the ledger."""

    def __init__(self, db: Database, clock: Clock, files: FileSweep) -> None:
        self._db = db
        self._clock = clock
        self._files = files

    # Looking

    def plan(self, actor: Actor, kinds: Sequence[Kind] = tuple(Kind)) -> tuple[PlanLine, ...]:
        """What would be forgotten now, and what would stay and why; changes nothing."""
        require(actor, Right.OPERATE)
        now = self._clock()
        with self._db.read() as tx:
            rules = rules_in_force(tx)
            return tuple(_line(tx, rules[kind], now, actor.ward) for kind in kinds)

    def runs(self, actor: Actor) -> tuple[RunView, ...]:
        require(actor, Right.OPERATE)
        with self._db.read() as tx:
            rows = retention_queries.runs(tx, SHOWN_RUNS)
            names = inbox_queries.officer_names(tx, [row.officer_id for row in rows])
        return tuple(
            RunView(row.id, row.cause, row.started_at, row.seen_at, row.finished_at, row.done,
                    names.get(row.officer_id))
            for row in rows
        )  # fmt: skip

    def erasing(self) -> Erasing:
        with self._db.read() as tx:
            row = forgetting_queries.mark(tx)
        return Erasing(row.erased_at, row.compacted_at) if row else Erasing(None, None)

    # Doing

    def run(
        self, actor: Actor, kinds: Sequence[Kind] = tuple(Kind), limit: int | None = None,
        stop: Stop = lambda: False, cause: str = "person",
    ) -> Counter[str]:  # fmt: skip
        """Forget what is due, at most `limit` of each kind; kind -> how many."""
        require(actor, Right.OPERATE)
        done: Counter[str] = Counter()
        run_id = self._begin(actor, kinds, cause)
        for kind in kinds:
            self._kind(kind, run_id, done, limit, stop)
        self._files.sweep(stop)
        self._end(actor, run_id, done, finished=not stop())
        return done

    def _kind(self, kind: Kind, run_id: int, done: Counter[str], limit: int | None, stop: Stop) -> None:
        after = 0
        while not stop():
            size = min(BATCH, BATCH if limit is None else limit - done[kind.value])
            if size <= 0:
                return
            if kind in OF_CASES:
                number, after = self._cases(kind, after, size)
            else:
                number = self._rows(kind, size)
            if not number:
                return
            done[kind.value] += number
            with self._db.write() as tx:
                retention_queries.change_run(tx, run_id, seen_at=self._clock(), done=dict(done))

    def _cases(self, kind: Kind, after: int, size: int) -> tuple[int, int]:
        """One batch of cases behind `after`; how many, and the last of them."""
        with self._db.write() as tx:
            found = self._due(tx, kind, after, size)
            if found:
                ledger.lock(tx, chains_of(tx, found))
                # Alone in these wards from here on: what was reopened or held meanwhile is left out.
                found = self._due(tx, kind, after, size)
            if not found:
                return 0, after
            now = self._clock()
            why = {"why": "retention", "rule": rules_in_force(tx)[kind].number}
            forget(tx, kind, found, now, why)
        return len(found), found[-1].case_id

    def _due(self, tx: Tx, kind: Kind, after: int, size: int) -> list[Home]:
        cutoff = rules_in_force(tx)[kind].cutoff(self._clock())
        if cutoff is None:
            return []
        rows = retention_queries.cases_due(tx, kind, cutoff, after, size)
        return [Home(row.id, row.ward_code, row.code) for row in rows]

    def _rows(self, kind: Kind, size: int) -> int:
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            now, rule = self._clock(), rules_in_force(tx)[kind]
            cutoff = rule.cutoff(now)
            ids = retention_queries.rows_due(tx, kind, cutoff, size) if cutoff is not None else []
            if ids:
                _OF_ROWS[kind](tx, ids)
                told = {"what": [kind.value], "why": "retention", "rule": rule.number, "count": len(ids)}
                ledger.append(tx, [Draft(SYSTEM, "erased", now, told)])
                forgetting_queries.mark_erased(tx, now)
        return len(ids)

    def _begin(self, actor: Actor, kinds: Sequence[Kind], cause: str) -> int:
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            now = self._clock()
            run_id = retention_queries.begin_run(
                tx,
                {"cause": cause, "started_at": now, "seen_at": now, "done": {},
                 "officer_id": actor.id or None},
            )  # fmt: skip
            told = {"run": run_id, "cause": cause, "kinds": [kind.value for kind in kinds]}
            ledger.append(tx, [Draft(SYSTEM, "retention_begun", now, told, officer_id=actor.id or None)])
        return run_id

    def _end(self, actor: Actor, run_id: int, done: Mapping[str, int], *, finished: bool) -> None:
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            now = self._clock()
            ended = now if finished else None
            retention_queries.change_run(tx, run_id, seen_at=now, done=dict(done), finished_at=ended)
            told = {"run": run_id, "done": dict(done), "finished": finished}
            ledger.append(tx, [Draft(SYSTEM, "retention_ended", now, told, officer_id=actor.id or None)])

    # By itself

    def tick(self, stop: Stop = lambda: False) -> None:
        """The worker's look: old one-time keys and files at any hour, forgetting and compacting at night."""
        now = self._clock()
        self._files.sweep(stop)
        with self._db.write() as tx:
            request_queries.forget_before(tx, now - POSTS_KEPT)
        if now.astimezone(VN).hour not in NIGHT:
            return
        with self._db.read() as tx:
            wanted = is_on(tx) and not self._ran_tonight(tx, now)
        if wanted:
            done = self.run(WORKER, stop=stop, cause="night")
            log.info("retention: %s", ", ".join(f"{kind} {n}" for kind, n in done.items()) or "nothing due")
        if not stop() and self.erasing().waits:
            self.compact()

    def _ran_tonight(self, tx: Tx, now: datetime) -> bool:
        day = now.astimezone(VN).date()
        return any(
            row.cause == "night" and row.finished_at and row.started_at.astimezone(VN).date() == day
            for row in retention_queries.runs(tx, SHOWN_RUNS)
        )

    def look_around(self) -> int:
        """Remove files that no report names, whoever left them; how many."""
        return self._files.sweep() + self._files.orphans()

    def compact(self) -> None:
        """Write the database anew so that erased bytes are gone; holds SQLite's writer meanwhile."""
        began = self._clock()
        self._db.compact()
        with self._db.write() as tx:
            forgetting_queries.mark_compacted(tx, began)


def _line(tx: Tx, rule: Rule, now: datetime, ward: str | None) -> PlanLine:
    cutoff = rule.cutoff(now)
    if cutoff is None:
        return PlanLine(rule.kind, rule, 0, None, (), {})
    if rule.kind in OF_THEIR_OWN:
        due = retention_queries.plan_rows(tx, rule.kind, cutoff)
    else:
        due = retention_queries.plan_cases(tx, rule.kind, cutoff, ward)
    return PlanLine(rule.kind, rule, due.count, due.oldest, due.sample, due.stays)


_OF_ROWS: dict[Kind, Callable[[Tx, Sequence[int]], Any]] = {
    Kind.PAGES: forgetting_queries.pages,
    Kind.QUARANTINE: forgetting_queries.settled_items,
    Kind.CALLS: forgetting_queries.calls,
    Kind.EVIDENCE: forgetting_queries.evidence,
    Kind.REQUESTS: forgetting_queries.requests,
}
