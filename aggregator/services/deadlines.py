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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain import sla
from aggregator.domain.sla import ClockEvent, ClockKind, Due, Policy, Reopening, Stage, Step
from aggregator.domain.workflow import Status
from aggregator.domain.worktime import Calendar, CalendarExhausted
from aggregator.services import clock_jumps, clock_log, counters, due_rows, ledger
from aggregator.services.clock import Clock
from aggregator.services.ledger import Draft
from aggregator.services.rules import Book, Rules, recall
from aggregator.storage import case_queries, recount_queries, report_queries
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
            "policy_id": self.policy_id,
            "calendar_version": None if self.origin == "source" else calendar_version,
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


@dataclass(frozen=True, slots=True)
class Counted:
    """What is stored of one deadline, what the log says of it, and the calendar it was counted by."""

    row: Any
    owed: Owed
    calendar: Calendar


def count(book: Book, case: Any, row: Any, logs: Mapping[int, Sequence[Any]]) -> Counted:
    """One deadline by its log. `rules.recall` has brought the versions that the rows name.

    What is met, or belongs to a finished case, stays as its own calendar had it: a day off that is entered
    later makes nobody late, or in time, who is done.
    """
    calendar = book.calendar(case.ward_code, case.unit_id)
    if row.calendar_version != calendar.version and (row.met_at is not None or not case.is_open):
        calendar = book.past.get(row.calendar_version) or calendar
    if row.origin == "source":
        due = source_due(clock_log.started(logs[row.report_id]), row.due_at)
    else:
        events = clock_log.of_step(logs[row.report_id], row.step)
        due = sla.due(book.policies[row.policy_id], calendar, events)
    owed = Owed(row.report_id, row.origin, row.policy_id, due, row.step, row.met_at)
    return Counted(row, owed, calendar)


def changed_rows(found: Iterable[Counted]) -> list[dict[str, Any]]:
    """What must be stored so that the rows say what the log says."""
    rows = []
    for each in found:
        row, due = each.row, each.owed.due
        version = None if row.origin == "source" else each.calendar.version
        if (due.due_at, due.due_soon_at, version) != (row.due_at, row.due_soon_at, row.calendar_version):
            rows.append(
                {
                    "id": row.id, "due_at": due.due_at, "due_soon_at": due.due_soon_at,
                    "calendar_version": version,
                }
            )  # fmt: skip
    return rows


def derive(case: Any, owed: Sequence[Owed], now: datetime) -> tuple[CaseClock, bool | None, datetime]:
    """The clock of a case, whether it was late, and its place in lists."""
    derived = case_clock(owed, now)
    if case.is_open:
        return derived, None, derived.due_at or case.received_at + NO_DEADLINE
    result = ruling([one for one in owed if one.step == Step.RESULT])
    due_at = result.due.due_at if result else case.due_at
    return CaseClock(due_at, Stage.DONE.value, None), _late(case, result), case.closed_at or now


@dataclass(frozen=True, slots=True)
class Rechosen:
    """A deadline that another rule speaks of now, or (`policy` None) none any more."""

    case_id: int
    row: Any
    policy: Policy | None


def rechosen(
    book: Book, case: Any, rows: Iterable[Any], reports: Mapping[int, Any], *, several_units: bool
) -> list[Rechosen]:
    """Which of a case's unmet deadlines today's rules would count otherwise. Sources' own stand."""
    found = []
    for row in rows:
        if row.origin == "source" or row.met_at is not None:
            continue
        report = reports[row.report_id]
        policy = book.policy(
            row.step, channel=report.slug, category=case.category_code, urgency=case.urgency,
            kind=report.kind, at=report.received_at, several_units=several_units,
        )  # fmt: skip
        if policy is None or policy.id != row.policy_id:
            found.append(Rechosen(case.id, row, policy))
    return found


def write_rechosen(tx: Tx, changes: Sequence[Rechosen], now: datetime, officer_id: int | None) -> None:
    """Tell each clock of its new rule, and drop what no rule speaks of any more."""
    for change in changes:
        told = f"{change.policy.key} {change.policy.version}" if change.policy else ""
        clock_log.append_for(
            tx, change.case_id, [change.row.report_id], ClockKind.POLICY_CHANGE, now, officer_id,
            reason=told, step=change.row.step,
        )  # fmt: skip
    moved = [{"id": each.row.id, "policy_id": each.policy.id} for each in changes if each.policy]
    recount_queries.set_deadlines(tx, moved)
    recount_queries.drop_deadlines(tx, [each.row.id for each in changes if each.policy is None])


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
        now: datetime, unit_id: int | None = None,
    ) -> list[Owed]:  # fmt: skip
        """What a report that has just arrived is owed; empty only where no rule speaks of it."""
        owed, calendar = [], book.calendar(ward, unit_id)
        for step in book.steps:
            policy = book.policy(
                step, channel=channel, category=category, urgency=urgency, kind=kind, at=received_at
            )
            if policy is None:
                continue
            met_at = now if step == Step.CLASSIFY and category else None
            try:
                due = sla.due(policy, calendar, [ClockEvent(ClockKind.START, received_at)])
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
        found = self.owed(tx, case, members, clock_log.read(tx, members))
        recount_queries.set_deadlines(tx, changed_rows(found))
        derived, late, order = derive(case, [each.owed for each in found], now)
        case_queries.change_quietly(
            tx, case_id, due_at=derived.due_at, due_step=derived.due_step, stage=derived.stage,
            next_at=derived.next_at, late=late, sort_at=order, remind_at=look_at(case, derived, now),
        )  # fmt: skip
        return derived

    def owed(
        self, tx: Tx, case: Any, report_ids: Sequence[int], logs: Mapping[int, Sequence[Any]]
    ) -> list[Counted]:
        """What each report of the case is owed by its log, beside what is stored of it."""
        book, rows = self._rules.book(tx), case_queries.deadlines_of(tx, report_ids)
        recall(tx, book, (row.calendar_version for row in rows))
        return [count(book, case, row, logs) for row in rows]

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
        reports = recount_queries.chosen_by(tx, members)
        rows = case_queries.deadlines_of(tx, members)
        changes = [
            change
            for change in rechosen(book, case, rows, reports, several_units=several_units)
            if change.policy is not None
        ]
        write_rechosen(tx, changes, now, officer_id)
        return bool(changes)

    def sweep(self, limit: int = 500) -> int:
        """Write every stage that has come since the last sweep; how many were written.

        Where the clock has gone back since then, stages that were written too early are taken back first.
        """
        now = self._clock()
        if self._swept_at is None or now < self._swept_at:
            clock_jumps.take_back(self._db, self.refresh, now)
        self._swept_at = now
        return due_rows.look(self._db, self._clock, case_queries.due_stages, limit, self._write_stages)

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
