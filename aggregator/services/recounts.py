"""Recounting open cases in the background after a calendar, or at a person's wish a rule, has changed.

    a job is a row: whose cases, and where it stands | the worker takes a step of at most `BATCH` cases
    | alone in the ward | count every clock again | store what moved, one ledger entry a case, the numbers
    | say where it stands | commit

Promise: a step is one transaction, so whoever is killed in the middle loses nothing and doubles nothing,
and the next worker goes on where the last commit stood. Finished cases are not looked at. What may
surprise: a case that nobody would see a change of gets no entry; only which calendar it was counted by is
noted. Somebody who touches a case before the job reaches it has it counted anew in passing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from aggregator.domain.sla import ClockKind, Stage
from aggregator.services import clock_log, counters, ledger
from aggregator.services.clock import Clock
from aggregator.services.deadlines import (
    CaseClock,
    Counted,
    Rechosen,
    changed_rows,
    count,
    derive,
    look_at,
    rechosen,
    write_rechosen,
)
from aggregator.services.ledger import Draft
from aggregator.services.rules import Book, Rules, recall
from aggregator.storage import case_queries, place_queries, recount_queries
from aggregator.storage.db import Database, Tx

#: Cases of one transaction: a quarter of a second in which the ward waits.
BATCH = 1000
_RAISED = (Stage.DUE_SOON.value, Stage.OVERDUE.value)
_ORDER = {Stage.OVERDUE.value: 2, Stage.DUE_SOON.value: 1}


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose cases: one unit's, one ward's, or everybody's."""

    ward: str | None = None
    unit_id: int | None = None


@dataclass(frozen=True, slots=True)
class Recounted:
    """One case, before and after. `rows` are the deadlines to be stored."""

    case: Any
    clock: CaseClock
    order: datetime
    rows: Sequence[Mapping[str, Any]]
    moved: bool

    @property
    def stage_changed(self) -> bool:
        return bool(self.case.stage != self.clock.stage)

    @property
    def taken_back(self) -> bool:
        was, now = self.case.stage, self.clock.stage
        return was in _RAISED and _ORDER.get(now, 0) < _ORDER[was]


def order(
    tx: Tx, kind: str, scope: Scope, why: str, officer_id: int | None, now: datetime, rule: str | None = None
) -> int:
    """Ask for a recount, in the transaction that changed the rules; the job's id."""
    if kind == "calendar":
        recount_queries.replace(tx, kind, scope.ward, scope.unit_id, now)
    return recount_queries.insert_job(
        tx,
        {
            "kind": kind, "rule_key": rule, "ward_code": scope.ward, "unit_id": scope.unit_id, "why": why,
            "officer_id": officer_id, "created_at": now, "at_ward": "", "after_case": 0, "seen": 0,
            "total": recount_queries.count(tx, scope.ward, scope.unit_id), "changed": 0, "taken_back": 0,
            "finished_at": None, "replaced": False,
        },
    )  # fmt: skip


class Recounts:
    """The worker's side. Reminders look again at every case whose warning is taken back (`remind_at`)."""

    def __init__(self, db: Database, rules: Rules, clock: Clock) -> None:
        self._db = db
        self._rules = rules
        self._clock = clock

    def tick(self) -> bool:
        """Take one step of the oldest job; False where nothing is to be done."""
        with self._db.read() as tx:
            jobs = recount_queries.unfinished(tx)
        return any(self._step(job.id) for job in jobs[:1])

    def _step(self, job_id: int) -> bool:
        with self._db.write() as tx:
            job = recount_queries.take(tx, job_id)
            if job is None:  # another worker is at it
                return False
            ward, case_ids = self._next(tx, job)
            if ward is None:
                recount_queries.set_job(tx, job_id, finished_at=self._clock())
                return True
            ledger.lock(tx, [ward])
            now = self._clock()
            found = self._counted(tx, job, case_ids, now)
            back = self._write(tx, job, found, now)
            recount_queries.set_job(
                tx, job_id, at_ward=ward, after_case=case_ids[-1], seen=job.seen + len(case_ids),
                changed=job.changed + sum(each.moved for each in found), taken_back=job.taken_back + back,
            )  # fmt: skip
        return True

    def _next(self, tx: Tx, job: Any) -> tuple[str | None, list[int]]:
        """The ward whose turn it is, and its next cases; (None, []) at the end."""
        for ward in sorted(row.code for row in place_queries.all_wards(tx)):
            if ward < job.at_ward or job.ward_code not in (None, ward):
                continue
            after = job.after_case if ward == job.at_ward else 0
            if found := recount_queries.next_cases(tx, ward, job.unit_id, after, BATCH):
                return ward, found
        return None, []

    def _counted(self, tx: Tx, job: Any, case_ids: Sequence[int], now: datetime) -> list[Recounted]:
        book = self._rules.book(tx)
        # Read again: only now is nobody else at work in this ward.
        cases = [case for case in recount_queries.cases_by_id(tx, case_ids) if case.is_open]
        by_rule = job.kind == "policy"
        found = gather(tx, book, cases, choosing=by_rule)
        if by_rule:
            changes = changes_of(book, found, job.rule_key)
            write_rechosen(tx, changes, now, job.officer_id)
            touched = {change.case_id for change in changes}
            found = gather(tx, book, [case for case in cases if case.id in touched], choosing=False)
        return recounted(book, found, now)

    def _write(self, tx: Tx, job: Any, found: Sequence[Recounted], now: datetime) -> int:
        """Store all that moved; how many stages were taken back."""
        recount_queries.set_deadlines(tx, [dict(row) for each in found for row in each.rows])
        moved = [each for each in found if each.moved]
        restaged = [each.case.id for each in moved if each.stage_changed]
        before = case_queries.facts(tx, restaged)
        recount_queries.set_clocks(
            tx,
            [
                {
                    "id": each.case.id, "due_at": each.clock.due_at, "due_step": each.clock.due_step,
                    "stage": each.clock.stage, "next_at": each.clock.next_at, "sort_at": each.order,
                    "remind_at": look_at(each.case, each.clock, now),
                }
                for each in moved
            ],
        )  # fmt: skip
        ledger.append(tx, [_entry(job, each, now) for each in moved])
        counters.shift(tx, before.values(), case_queries.facts(tx, restaged).values())
        return sum(each.taken_back for each in moved)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Some cases with all that their clocks are counted from, so that nothing is asked while counting.

    `rows`: report -> its deadlines; `reports`: report -> what rules are chosen by.
    """

    cases: Sequence[Any]
    members: Mapping[int, Sequence[int]]
    logs: Mapping[int, Sequence[Any]]
    rows: Mapping[int, Sequence[Any]]
    reports: Mapping[int, Any]

    def of(self, case: Any) -> list[Any]:
        """The deadlines of one case."""
        return [row for report_id in self.members[case.id] for row in self.rows.get(report_id, ())]


def gather(tx: Tx, book: Book, cases: Sequence[Any], *, choosing: bool = True) -> Gathered:
    """Read what these cases' clocks are counted from, and (`choosing`) what their rules are chosen by."""
    members = recount_queries.members_of(tx, [case.id for case in cases])
    report_ids = [report_id for case in cases for report_id in members[case.id]]
    rows: dict[int, list[Any]] = {}
    for row in case_queries.deadlines_of(tx, report_ids):
        rows.setdefault(row.report_id, []).append(row)
    recall(tx, book, (row.calendar_version for each in rows.values() for row in each))
    chosen_by = recount_queries.chosen_by(tx, report_ids) if choosing else {}
    return Gathered(cases, members, clock_log.read(tx, report_ids), rows, chosen_by)


def changes_of(book: Book, found: Gathered, rule: str | None) -> list[Rechosen]:
    """What today's rules would count otherwise, as far as this rule is the old or the new one."""
    changes = []
    for case in found.cases:
        rows = found.of(case)
        several = several_units(book, rows)
        changes += [
            change
            for change in rechosen(book, case, rows, found.reports, several_units=several)
            if rule in _keys(book, change)
        ]
    return changes


def several_units(book: Book, rows: Sequence[Any]) -> bool:
    """Whether a case is counted as one that several units work on: by the rule that it was given."""
    return any(row.policy_id is not None and book.policies[row.policy_id].several_units for row in rows)


def _keys(book: Book, change: Rechosen) -> set[str]:
    was = book.policies[change.row.policy_id].key
    return {was} if change.policy is None else {was, change.policy.key}


def as_if(found: Gathered, changes: Sequence[Rechosen], now: datetime) -> Gathered:
    """The same cases as they would be if these changes were made at `now`; nothing is written."""
    chosen = {change.row.id: change for change in changes}
    told: dict[int, list[Any]] = {}
    for change in changes:
        if change.policy is not None:
            event = SimpleNamespace(
                kind=ClockKind.POLICY_CHANGE, at=now, reason="", minutes=0, due_at=None, unit_id=None,
                step=change.row.step,
            )  # fmt: skip
            told.setdefault(change.row.report_id, []).append(event)
    touched = {change.case_id for change in changes}
    rows = {
        report_id: [moved for row in each if (moved := _moved(row, chosen.get(row.id))) is not None]
        for report_id, each in found.rows.items()
    }
    return replace(
        found,
        cases=[case for case in found.cases if case.id in touched],
        logs={
            **found.logs,
            **{report_id: [*found.logs[report_id], *each] for report_id, each in told.items()},
        },
        rows=rows,
    )


def _moved(row: Any, change: Rechosen | None) -> Any | None:
    if change is None:
        return row
    return change.policy and SimpleNamespace(**{**row._mapping, "policy_id": change.policy.id})


def recounted(book: Book, found: Gathered, now: datetime) -> list[Recounted]:
    """Each case counted again by its log."""
    return [
        _recounted(case, [count(book, case, row, found.logs) for row in found.of(case)], now)
        for case in found.cases
    ]


def _recounted(case: Any, counted: Sequence[Counted], now: datetime) -> Recounted:
    clock, _, place = derive(case, [each.owed for each in counted], now)
    rows = changed_rows(counted)
    moved = (case.due_at, case.due_step, case.stage) != (clock.due_at, clock.due_step, clock.stage) or any(
        (each.row.due_at, each.row.due_soon_at) != (each.owed.due.due_at, each.owed.due.due_soon_at)
        for each in counted
    )
    return Recounted(case, clock, place, rows, moved)


def _entry(job: Any, each: Recounted, now: datetime) -> Draft:
    case, clock = each.case, each.clock
    data: dict[str, Any] = {
        "was": _iso(case.due_at), "now": _iso(clock.due_at), "why": job.why, "recount": job.id,
        "by": job.rule_key or "calendar",
    }  # fmt: skip
    if each.stage_changed:
        data |= {"stage_was": case.stage, "stage": clock.stage}
    return Draft(case.ward_code, "recounted", now, data, case_id=case.id, officer_id=job.officer_id)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
