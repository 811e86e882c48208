"""Why a case is due when it is: the rule, the calendar, each counted span, each pause, and whose time it was.

The page and `motmoi sla explain` show this one answer. What may surprise: of a case with many reports
only the one whose deadline rules is told in full, step by step; the others are lines with their dates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from aggregator.domain import sla
from aggregator.domain.sla import ClockKind, Policy, Step
from aggregator.domain.sla_units import time_by_unit
from aggregator.domain.workflow import PAUSE_REASONS
from aggregator.services import clock_log
from aggregator.services.clock_views import (
    Explained,
    ExtensionView,
    OtherView,
    PauseView,
    RuleView,
    SpanView,
    StepView,
    UnitTimeView,
)
from aggregator.services.deadlines import Counted, Deadlines, Owed, ruling
from aggregator.storage import inbox_queries
from aggregator.storage.db import Tx

#: Lines of other reports; a case of a flood has hundreds.
OTHERS = 50


def explained(tx: Tx, clocks: Deadlines, case: Any, report_ids: Sequence[int], now: datetime) -> Explained:
    """The answer for a case's row and its living reports."""
    logs = clock_log.read(tx, report_ids)
    found = clocks.owed(tx, case, report_ids, logs)
    open_owed = [each.owed for each in found if each.owed.met_at is None]
    first = ruling(open_owed or [each.owed for each in found if each.owed.step == Step.RESULT])
    if first is None:
        return Explained(None, None, (), (), ())
    rows = logs[first.report_id]
    teller = _Teller(tx, clocks, case, rows, first)
    mine = [each for each in found if each.owed.report_id == first.report_id]
    order = list(Step)
    mine.sort(key=lambda each: (order.index(Step(each.owed.step)), each.owed.due.due_at))
    others = [
        OtherView(owed.report_id, owed.due.due_at, owed.met_at)
        for owed in (each.owed for each in found)
        if owed.report_id != first.report_id and owed.step == Step.RESULT
    ]
    return Explained(
        report_id=first.report_id,
        started_at=clock_log.started(rows),
        steps=tuple(map(teller.step, mine)),
        others=tuple(others[:OTHERS]),
        units=teller.units(now),
        may_extend=case.is_open and not any(clock_log.extended(each) for each in logs.values()),
    )


class _Teller:
    """Tells the clock of one report."""

    def __init__(self, tx: Tx, clocks: Deadlines, case: Any, rows: Sequence[Any], first: Owed) -> None:
        self._tx = tx
        self._book = clocks.book(tx)
        self._calendar = self._book.calendar(case.ward_code, case.unit_id)
        self._rows = rows
        self._first = first

    def step(self, counted: Counted) -> StepView:
        owed, calendar = counted.owed, counted.calendar
        plain = StepView(
            step=owed.step, origin=owed.origin, due_at=owed.due.due_at, due_soon_at=owed.due.due_soon_at,
            met_at=owed.met_at, rules=owed == self._first,
            calendar_version=None if owed.policy_id is None else calendar.version,
            sentence_vi="Theo hạn mà kênh tiếp nhận đặt ra.",
            sentence_en="As demanded by the source channel.",
        )  # fmt: skip
        if owed.policy_id is None:
            return plain
        events = clock_log.of_step(self._rows, owed.step)
        told = sla.explain(self._book.policies[owed.policy_id], calendar, events)
        return replace(
            plain,
            sentence_vi=told.sentence_vi,
            sentence_en=told.sentence_en,
            rule=_rule(told.policy),
            spans=tuple(
                SpanView(start, end, round((end - start).total_seconds())) for start, end in told.due.spans
            ),
            pauses=tuple(
                PauseView(each.start, each.end, each.seconds, each.reason, PAUSE_REASONS.get(each.reason, ""))
                for each in told.pauses
            ),
            extensions=tuple(
                ExtensionView(event.at, event.due_at, event.reason)
                for event in events
                if event.kind is ClockKind.EXTEND and event.due_at is not None
            ),
            skipped=told.skipped,
            made_up=told.made_up,
            unknown_years=told.unknown_years,
        )

    def units(self, now: datetime) -> tuple[UnitTimeView, ...]:
        policy = self._policy()
        if policy is None:
            return ()
        events = clock_log.of_step(self._rows, Step.RESULT)
        shares = time_by_unit(policy, self._calendar, events, now)
        names = inbox_queries.unit_names(self._tx, {share.unit for share in shares if share.unit is not None})
        return tuple(
            UnitTimeView(
                None if share.unit is None else names.get(share.unit), share.start, share.end, share.seconds
            )
            for share in shares
        )

    def _policy(self) -> Policy | None:
        return self._book.policies.get(self._first.policy_id) if self._first.policy_id is not None else None


def _rule(policy: Policy) -> RuleView:
    return RuleView(
        key=policy.key, version=policy.version, name=policy.name, amount=policy.amount,
        unit=policy.unit.value, valid_from=policy.valid_from, valid_to=policy.valid_to,
        source=policy.source, certainty=policy.certainty,
    )  # fmt: skip
