"""When each report is due, which deadline rules its case, and the sweep that writes each stage once.

What is owed hangs on the report, because each came at its own time and its source may demand its own
deadline. There is one for each step that a rule speaks of (classify, first answer, result ...), met by
the work itself. The case shows the earliest deadline still owed (I5), and joining or splitting only
changes which reports are asked. The log of clock events is the truth (I6); `due_at`, `due_step`,
`stage` and `next_at` are columns derived from it, and `refresh` derives them again. Whether a finished
case was late is asked of the result alone.

The sweep
    1. Read which cases have `next_at` in the past; none is the usual answer and costs one index probe.
    2. Lock the wards' chains, read those cases again.
    3. Write the stage they are in now, with the instant of the next one, a ledger entry, the counters.
A case is found again only when its next instant comes, so each stage is written once, by one worker.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain import sla
from aggregator.domain.sla import ClockEvent, ClockKind, Due, Reopening, Stage, Step
from aggregator.domain.workflow import Status
from aggregator.domain.worktime import CalendarExhausted
from aggregator.services import clock_jumps, clock_log, counters, ledger
from aggregator.services.clock import Clock
from aggregator.services.ledger import Draft
from aggregator.services.rules import Book, Rules
from aggregator.storage import case_queries, report_queries
from aggregator.storage.db import Database, Tx

log = logging.getLogger(__name__)

#: A source tells its deadline, not when to warn of it: the last fifth of the time, as for our own rules.
SOURCE_WARN = 0.8
#: Where a case without any deadline stands in lists: after all that have one.
NO_DEADLINE = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Owed:
    """One deadline of one report, before or after it was stored."""

    report_id: int
    origin: str
    policy_id: int | None
    due: Due
    step: str = Step.RESULT.value
    met_at: datetime | None = None

    def row(self, calendar_version: int | None) -> dict[str, Any]:
        return {
            "report_id": self.report_id, "step": self.step, "origin": self.origin,
            "policy_id": self.policy_id, "calendar_version": calendar_version,
            "due_at": self.due.due_at, "due_soon_at": self.due.due_soon_at, "met_at": self.met_at,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class CaseClock:
    """The derived columns of a case."""

    due_at: datetime | None
    stage: str
    next_at: datetime | None
    due_step: str = Step.RESULT.value
    #: When somebody may have to be told of it: from then on reminders look at the case.
    remind_at: datetime | None = None


def source_due(received_at: datetime, due_at: datetime, paused: bool = False) -> Due:
    """The source's own deadline stands as given: our pauses do not move it."""
    warn = received_at + (due_at - received_at) * SOURCE_WARN if due_at > received_at else due_at
    return Due(due_at=due_at, due_soon_at=warn, paused=False, stopped_at=None, used_seconds=0)


def ruling(owed: Sequence[Owed]) -> Owed | None:
    """The earliest deadline. One that a pause holds stands behind those that run: it moves every day."""
    counting = [item for item in owed if not _held(item.due)]
    return min(counting or owed, key=lambda item: item.due.due_at, default=None)


def _held(due: Due) -> bool:
    # What was overdue when it was paused stays overdue: a pause hides no lateness.
    return due.paused_at is not None and due.due_at > due.paused_at


def case_clock(owed: Sequence[Owed], now: datetime) -> CaseClock:
    """The earliest deadline still owed rules, and its stage is the case's."""
    owed = [item for item in owed if item.met_at is None]
    first = ruling(owed)
    if first is None:
        return CaseClock(None, Stage.NONE.value, None)
    stage = sla.stage(first.due, now)
    if stage is Stage.NONE and any(_held(item.due) for item in owed):
        stage = Stage.PAUSED  # a source's deadline runs on while ours is paused: the pause still shows
    remind_at = None if first.due.paused_at is not None else first.due.due_soon_at
    return CaseClock(first.due.due_at, stage.value, sla.next_change(first.due, now), first.step, remind_at)


def look_at(case: Any, derived: CaseClock, now: datetime) -> datetime | None:
    """When reminders must look at a case whose stored row becomes `derived`.

    At once where a warning may have been given that no longer holds; as planned where nothing moved.
    """
    if derived.remind_at is None or not case.is_open:
        return None
    if (case.due_at, case.stage) == (derived.due_at, derived.stage):
        found: datetime | None = case.remind_at
        return found
    warned = case.due_at is not None and case.stage in (Stage.DUE_SOON, Stage.OVERDUE)
    return now if warned and case.due_at != derived.due_at else derived.remind_at


class Deadlines:
    """Clocks of cases. Verbs that take `tx` are parts of somebody else's transaction."""

    def __init__(self, db: Database, rules: Rules, clock: Clock) -> None:
        self._db = db
        self._rules = rules
        self._clock = clock
        self._swept_at: datetime | None = None

    def book(self, tx: Tx) -> Book:
        """The rules in force."""
        return self._rules.book(tx)

    def first(
        self, book: Book, *, report_id: int, ward: str, channel: str, category: str | None,
        urgency: str | None, kind: str | None, received_at: datetime, source_due_at: datetime | None,
        now: datetime,
    ) -> list[Owed]:  # fmt: skip
        """What a report that has just arrived is owed; empty only where no rule speaks of it."""
        owed = []
        for step in book.steps:
            policy = book.policy(
                step, channel=channel, category=category, urgency=urgency, kind=kind, at=received_at
            )
            if policy is None:
                continue
            met_at = now if step == Step.CLASSIFY and category else None
            try:
                due = sla.due(policy, book.calendar(ward), [ClockEvent(ClockKind.START, received_at)])
            except CalendarExhausted:
                # A report dated a century off still comes in; it stands at the end, without a deadline.
                log.warning(
                    "report %s: no %s deadline, %s is beyond the calendar", report_id, step, received_at
                )
            else:
                owed.append(Owed(report_id, "policy", policy.id, due, step, met_at))
        if source_due_at is not None:
            owed.append(Owed(report_id, "source", None, source_due(received_at, source_due_at)))
        return owed

    def refresh(self, tx: Tx, case_id: int, now: datetime) -> CaseClock:
        """Derive the case's clock from the log again and store it. The counters are the caller's.

        Of a closed case that is whether it was late, and its place among the closed ones.
        """
        case = case_queries.row(tx, case_id)
        assert case is not None, f"case {case_id} of a running change"
        members = [member.report_id for member in case_queries.living(tx, case_id)]
        found = self.owed(tx, case.ward_code, members, clock_log.read(tx, members))
        case_queries.set_deadlines(
            tx,
            [
                {"id": row.id, "due_at": owed.due.due_at, "due_soon_at": owed.due.due_soon_at}
                for row, owed in found
                if (owed.due.due_at, owed.due.due_soon_at) != (row.due_at, row.due_soon_at)
            ],
        )
        derived = case_clock([owed for _, owed in found], now)
        late, order = None, derived.due_at or case.received_at + NO_DEADLINE
        if not case.is_open:
            result = ruling([owed for _, owed in found if owed.step == Step.RESULT])
            due_at = result.due.due_at if result else case.due_at
            derived = CaseClock(due_at, Stage.DONE.value, None)
            late, order = _late(case, result), case.closed_at or now
        case_queries.change_quietly(
            tx, case_id, due_at=derived.due_at, due_step=derived.due_step, stage=derived.stage,
            next_at=derived.next_at, late=late, sort_at=order, remind_at=look_at(case, derived, now),
        )  # fmt: skip
        return derived

    def owed(
        self, tx: Tx, ward: str, report_ids: Sequence[int], logs: Mapping[int, Sequence[Any]]
    ) -> list[tuple[Any, Owed]]:
        """What each report is owed by its log: the stored row, and what it should say."""
        book = self._rules.book(tx)
        found = []
        for row in case_queries.deadlines_of(tx, report_ids):
            if row.origin == "source":
                due = source_due(clock_log.started(logs[row.report_id]), row.due_at)
            else:
                events = clock_log.of_step(logs[row.report_id], row.step)
                due = sla.due(book.policies[row.policy_id], book.calendar(ward), events)
            found.append((row, Owed(row.report_id, row.origin, row.policy_id, due, row.step, row.met_at)))
        return found

    def rechoose(
        self, tx: Tx, case_id: int, now: datetime, officer_id: int | None, *, several_units: bool
    ) -> bool:
        """Count the case's reports by the rules that hold today for what it has become; whether any moved.

        Called where a person changed what rules are chosen by: category, urgency, units involved. Each
        change is an event of the report's clock; the caller refreshes the case.
        """
        book, case = self._rules.book(tx), case_queries.row(tx, case_id)
        assert case is not None, f"case {case_id} of a running change"
        members = [member.report_id for member in case_queries.living(tx, case_id)]
        rows = {row.id: row for row in report_queries.in_case_ids(tx, members)}
        changed = []
        for owed in case_queries.deadlines_of(tx, members):
            report = rows[owed.report_id]
            policy = None if owed.origin == "source" else book.policy(
                owed.step, channel=report.slug, category=case.category_code, urgency=case.urgency,
                kind=report.kind, at=report.received_at, several_units=several_units,
            )  # fmt: skip
            if policy is not None and policy.id != owed.policy_id and owed.met_at is None:
                clock_log.append_for(
                    tx, case.id, [owed.report_id], ClockKind.POLICY_CHANGE, now, officer_id,
                    reason=f"{policy.key} {policy.version}", step=owed.step,
                )  # fmt: skip
                changed.append({"id": owed.id, "policy_id": policy.id})
        case_queries.set_policies(tx, changed)
        return bool(changed)

    def sweep(self, limit: int = 500) -> int:
        """Write every stage that has come since the last sweep; how many were written.

        Where the clock has gone back since then, stages that were written too early are taken back first.
        """
        now = self._clock()
        if self._swept_at is None or now < self._swept_at:
            clock_jumps.take_back(self._db, self.refresh, now)
        self._swept_at = now
        with self._db.read() as tx:
            if not case_queries.due_stages(tx, now, 1):
                return 0
        with self._db.write() as tx:
            wards = {row.ward_code for row in case_queries.due_stages(tx, now, limit)}
            ledger.lock(tx, sorted(wards))
            now = self._clock()
            rows = [row for row in case_queries.due_stages(tx, now, limit) if row.ward_code in wards]
            return self._write_stages(tx, rows, now)

    def _write_stages(self, tx: Tx, rows: Sequence[Any], now: datetime) -> int:
        before = case_queries.facts(tx, [row.id for row in rows])
        changed, drafts = [], []
        for row in rows:
            overdue = row.due_at is None or row.due_at <= now
            stage = Stage.OVERDUE if overdue else Stage.DUE_SOON
            changed.append({"id": row.id, "stage": stage.value, "next_at": None if overdue else row.due_at})
            if stage.value != row.stage:
                told = {"stage": stage.value, "due_at": row.due_at.isoformat() if row.due_at else None}
                if row.due_step != Step.RESULT:
                    told["step"] = row.due_step
                drafts.append(Draft(row.ward_code, "stage", now, told, case_id=row.id))
        case_queries.set_stages(tx, changed)
        ledger.append(tx, drafts)
        counters.shift(tx, before.values(), case_queries.facts(tx, before).values())
        return len(drafts)


def close(tx: Tx, case_id: int, report_ids: Sequence[int], now: datetime, officer_id: int) -> None:
    """Stop every clock of a case that people have finished with (I7: whatever the portals know)."""
    clock_log.append(tx, case_id, ClockKind.STOP, now, officer_id)
    case_queries.meet_deadlines(tx, report_ids, now, tuple(Step))


def reopen(
    tx: Tx, book: Book, case_id: int, report_ids: Sequence[int], now: datetime, officer_id: int
) -> None:
    """Start the clocks again as each report's rule says; what sources demand, they demand as of now."""
    clock_log.append(tx, case_id, ClockKind.REOPEN, now, officer_id)
    afresh = [
        row.report_id
        for row in case_queries.deadlines_of(tx, report_ids)
        if row.step == Step.RESULT and row.policy_id is not None
        and book.policies[row.policy_id].reopening is Reopening.AFRESH
    ]  # fmt: skip
    clock_log.append_for(tx, case_id, afresh, ClockKind.START, now, officer_id, reason="reopened")
    owe_again(tx, report_ids)


def owe_again(tx: Tx, report_ids: Sequence[int]) -> None:
    """The result is owed once more; what came before it stays done."""
    case_queries.owe_again(tx, report_ids, Step.RESULT)
    follow_sources(tx, report_ids)


def meet(tx: Tx, report_ids: Sequence[int], step: Step, now: datetime) -> None:
    """The work has done this step for these reports; what was met before keeps its time."""
    case_queries.meet_deadlines(tx, report_ids, now, (step,))


def follow_sources(tx: Tx, report_ids: Sequence[int]) -> None:
    """Take on the deadlines that the sources of these reports demand now, or no longer."""
    case_queries.delete_source_deadlines(tx, report_ids)
    case_queries.insert_deadlines(
        tx,
        [
            Owed(row.id, "source", None, source_due(row.received_at, row.source_due_at)).row(None)
            for row in report_queries.with_source_deadline(tx, report_ids)
        ],
    )


def _late(case: Any, result: Owed | None) -> bool | None:
    """Whether it was closed after its deadline; in the deadline's very second is in time."""
    if case.status in (Status.MERGED, Status.HANDED_OVER) or case.closed_at is None:
        return None
    due_at = result.due.due_at if result else case.due_at
    return due_at is not None and case.closed_at.replace(microsecond=0) > due_at
