"""When each report is due, which deadline rules its case, and the sweep that writes each stage once.

What is owed hangs on the report, because each came at its own time and its source may demand its own
deadline. The case shows the earliest deadline still owed (I5), and joining or splitting only changes
which reports are asked. The log of clock events is the truth (I6); `due_at`, `stage` and `next_at`
are columns derived from it, and `refresh` derives them again.

The sweep
    1. Read which cases have `next_at` in the past; none is the usual answer and costs one index probe.
    2. Lock the wards' chains, read those cases again.
    3. Write the stage they are in now, with the instant of the next one, a ledger entry, the counters.
A case is found again only when its next instant comes, so each stage is written once, by one worker.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain import sla
from aggregator.domain.sla import ClockEvent, ClockKind, Due, Stage
from aggregator.domain.workflow import Status
from aggregator.domain.worktime import CalendarExhausted
from aggregator.services import counters, ledger
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

    def row(self, calendar_version: int | None) -> dict[str, Any]:
        return {
            "report_id": self.report_id, "step": "result", "origin": self.origin,
            "policy_id": self.policy_id, "calendar_version": calendar_version,
            "due_at": self.due.due_at, "due_soon_at": self.due.due_soon_at, "met_at": None,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class CaseClock:
    """The derived columns of a case."""

    due_at: datetime | None
    stage: str
    next_at: datetime | None


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
    """The earliest deadline rules, and its stage is the case's."""
    first = ruling(owed)
    if first is None:
        return CaseClock(None, Stage.NONE.value, None)
    stage = sla.stage(first.due, now)
    if stage is Stage.NONE and any(_held(item.due) for item in owed):
        stage = Stage.PAUSED  # a source's deadline runs on while ours is paused: the pause still shows
    return CaseClock(first.due.due_at, stage.value, sla.next_change(first.due, now))


class Deadlines:
    """Clocks of cases. Verbs that take `tx` are parts of somebody else's transaction."""

    def __init__(self, db: Database, rules: Rules, clock: Clock) -> None:
        self._db = db
        self._rules = rules
        self._clock = clock

    def first(
        self, book: Book, *, report_id: int, ward: str, channel: str, category: str | None,
        urgency: str | None, received_at: datetime, source_due_at: datetime | None,
    ) -> list[Owed]:  # fmt: skip
        """What a report that has just arrived is owed; empty only where no rule speaks of it."""
        owed = []
        policy = book.policy(channel=channel, category=category, urgency=urgency, at=received_at)
        if policy is not None:
            start = [ClockEvent(ClockKind.START, received_at)]
            try:
                due = sla.due(policy, book.calendar(ward), start)
            except CalendarExhausted:
                # A report dated a century off still comes in; it stands at the end, without a deadline.
                log.warning("no calendar for a report of %s: no deadline set", received_at.date())
            else:
                owed.append(Owed(report_id, "policy", policy.id, due))
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
        found = self._owed(tx, self._rules.book(tx), case.ward_code, members)
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
            derived = CaseClock(derived.due_at or case.due_at, Stage.DONE.value, None)
            late, order = _late(case, derived), case.closed_at or now
        case_queries.change_quietly(
            tx, case_id, due_at=derived.due_at, stage=derived.stage, next_at=derived.next_at, late=late,
            sort_at=order,
        )  # fmt: skip
        return derived

    def _owed(self, tx: Tx, book: Book, ward: str, report_ids: Sequence[int]) -> list[tuple[Any, Owed]]:
        """What each report is owed by its log: the stored row, and what it should say."""
        events = _events(tx, report_ids)
        found = []
        for row in case_queries.deadlines_of(tx, report_ids):
            clock = events[row.report_id]
            if row.origin == "source":
                due = source_due(_started(clock), row.due_at)
            else:
                due = sla.due(book.policies[row.policy_id], book.calendar(ward), clock)
            found.append((row, Owed(row.report_id, row.origin, row.policy_id, due)))
        return found

    def explain(self, tx: Tx, case: Any, report_ids: Sequence[int]) -> tuple[str, str]:
        """How the deadline of the case's row came about, a plain sentence in Vietnamese and in English."""
        book = self._rules.book(tx)
        first = ruling([owed for _, owed in self._owed(tx, book, case.ward_code, report_ids)])
        if first is None:
            return "Chưa có quy định thời hạn áp dụng.", "No deadline rule applies."
        if first.policy_id is None:
            return "Theo hạn mà kênh tiếp nhận đặt ra.", "As demanded by the source channel."
        events = _events(tx, [first.report_id])[first.report_id]
        told = sla.explain(book.policies[first.policy_id], book.calendar(case.ward_code), events)
        return told.sentence_vi, told.sentence_en

    def sweep(self, limit: int = 500) -> int:
        """Write every stage that has come since the last sweep; how many were written."""
        now = self._clock()
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
                drafts.append(Draft(row.ward_code, "stage", now, told, case_id=row.id))
        case_queries.set_stages(tx, changed)
        ledger.append(tx, drafts)
        counters.shift(tx, before.values(), case_queries.facts(tx, before).values())
        return len(drafts)


def close(tx: Tx, case_id: int, report_ids: Sequence[int], now: datetime, officer_id: int) -> None:
    """Stop every clock of a case that people have finished with (I7: whatever the portals know)."""
    _event(tx, case_id, ClockKind.STOP, now, "", officer_id)
    case_queries.meet_deadlines(tx, report_ids, now)


def reopen(tx: Tx, case_id: int, report_ids: Sequence[int], now: datetime, officer_id: int) -> None:
    """Let the clocks go on where they stopped; what sources demand, they demand as of now."""
    _event(tx, case_id, ClockKind.REOPEN, now, "", officer_id)
    owe_again(tx, report_ids)


def owe_again(tx: Tx, report_ids: Sequence[int]) -> None:
    case_queries.meet_deadlines(tx, report_ids, None)
    follow_sources(tx, report_ids)


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


def pause(tx: Tx, case_id: int, now: datetime, reason: str, officer_id: int) -> None:
    _event(tx, case_id, ClockKind.PAUSE, now, reason, officer_id)


def resume(tx: Tx, case_id: int, now: datetime, officer_id: int) -> None:
    _event(tx, case_id, ClockKind.RESUME, now, "", officer_id)


def pause_reason(tx: Tx, case_id: int) -> str | None:
    """Why the case's clock stands still now, None where it runs."""
    return pause_reasons(tx, [case_id]).get(case_id)


def pause_reasons(tx: Tx, case_ids: Iterable[int]) -> dict[int, str]:
    """Those of the cases whose clock stands still now, with why."""
    reasons: dict[int, str] = {}
    for event in case_queries.clock_of_cases(tx, case_ids):
        if event.kind == ClockKind.PAUSE:
            reasons[event.case_id] = event.reason
        elif event.kind in (ClockKind.RESUME, ClockKind.STOP, ClockKind.REOPEN):
            reasons.pop(event.case_id, None)
    return reasons


def carry_pause(
    tx: Tx, case_id: int, report_ids: Sequence[int], *, was: str | None, now_in: str | None, at: datetime
) -> None:
    """A report that changes case takes on whether the new one's clock stands still, from now on.

    `was` and `now_in` are the pause reasons of the old and the new case, None where it runs.
    """
    if (was is None) == (now_in is None):
        return
    kind = ClockKind.PAUSE if now_in is not None else ClockKind.RESUME
    case_queries.insert_clock_events(
        tx,
        [
            {"case_id": case_id, "report_id": report_id, "kind": kind.value, "at": at,
             "reason": now_in or "", "officer_id": None}
            for report_id in report_ids
        ],
    )  # fmt: skip


def start_row(case_id: int, report_id: int, received_at: datetime) -> dict[str, Any]:
    return {
        "case_id": case_id, "report_id": report_id, "kind": ClockKind.START.value, "at": received_at,
        "reason": "", "officer_id": None,
    }  # fmt: skip


def _event(tx: Tx, case_id: int, kind: ClockKind, at: datetime, reason: str, officer_id: int) -> None:
    case_queries.insert_clock_events(
        tx,
        [{"case_id": case_id, "report_id": None, "kind": kind.value, "at": at, "reason": reason,
          "officer_id": officer_id}],
    )  # fmt: skip


def _events(tx: Tx, report_ids: Sequence[int]) -> dict[int, list[ClockEvent]]:
    """Report -> its clock's log, as the rules read it."""
    return {
        report: [ClockEvent(ClockKind(row.kind), row.at, row.reason) for row in rows]
        for report, rows in case_queries.clock_of_reports(tx, report_ids).items()
    }


def _started(events: Sequence[ClockEvent]) -> datetime:
    return next(event.at for event in events if event.kind is ClockKind.START)


def _late(case: Any, derived: CaseClock) -> bool | None:
    """Whether it was closed after its deadline; in the deadline's very second is in time."""
    if case.status == Status.MERGED or case.closed_at is None:
        return None
    return derived.due_at is not None and case.closed_at.replace(microsecond=0) > derived.due_at
