"""All open questions of an officer's wards, and deciding many of them at once.

    list | choose | preview (nothing is done) | decide: one transaction | what came of each | undo all

What may surprise: the decision plans again and does what the preview showed only where nothing changed
in between. A question that somebody answered meanwhile, or one of whose cases changed, is left out and
told; the others are done.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain import joint_plan
from aggregator.domain.joint_plan import Plan, Refusal
from aggregator.domain.match_rule import Thresholds
from aggregator.domain.people import Actor, Right
from aggregator.domain.sketch import apart
from aggregator.domain.text import clean
from aggregator.domain.workflow import Status
from aggregator.errors import InputInvalid, MoveNotAllowed
from aggregator.services import counters, duplicates, joining, ledger
from aggregator.services.answers import Answers
from aggregator.services.case_page import reasons
from aggregator.services.clock import Clock
from aggregator.services.comparing import joinable
from aggregator.services.deadlines import Deadlines
from aggregator.services.frame import not_found, require
from aggregator.services.views.questions import (
    BatchView,
    DoneView,
    GroupView,
    PlanView,
    QuestionFilter,
    QuestionPage,
    QuestionSide,
    QuestionView,
    RefusedView,
)
from aggregator.storage import (
    case_queries,
    decision_queries,
    ids,
    inbox_queries,
    match_queries,
    question_queries,
    report_queries,
    request_queries,
)
from aggregator.storage.db import Database, Tx
from aggregator.storage.question_queries import QuestionQuery

#: Decided together, at most: a person has looked at no more than that.
MOST_AT_ONCE = 50
MOST_ROWS = 100
#: Counting ends here: beyond, "that many or more" says enough.
MOST_COUNTED = 10_000
#: Score bands in words: name -> (from, below).
BANDS: dict[str, tuple[float | None, float | None]] = {
    "high": (0.8, None),
    "middle": (0.6, 0.8),
    "low": (None, 0.6),
}
VERBS = ("same", "different")

#: Question -> the versions of its two cases.
Seen = Mapping[int, tuple[int, int]]


class Review:
    """The list of open questions, and batches of decisions."""

    def __init__(self, db: Database, clocks: Deadlines, answers: Answers, clock: Clock) -> None:
        self._db = db
        self._clocks = clocks
        self._answers = answers
        self._clock = clock

    # Looking

    def page(self, actor: Actor, wanted: QuestionFilter) -> QuestionPage:
        """One page of open questions, the likeliest first."""
        require(actor, Right.HANDLE)
        size = max(1, min(wanted.size, MOST_ROWS))
        at_least, below = BANDS.get(wanted.score, (None, None))
        ward = actor.ward if actor.ward is not None else clean(wanted.ward[:50]) or None
        query = QuestionQuery(
            ward=ward, category=clean(wanted.category[:100]) or None, at_least=at_least, below=below,
            since=self._since(wanted.days), after=_place(wanted.after), size=size,
        )  # fmt: skip
        with self._db.read() as tx:
            rows = question_queries.page(tx, query)
            total = question_queries.count(tx, actor.ward, MOST_COUNTED)
            views = _views(tx, rows[:size])
        return QuestionPage(views, _token(rows[size - 1]) if len(rows) > size else "", total)

    def _since(self, days: int | None) -> datetime | None:
        return self._clock() - timedelta(days=days) if days and 0 < days < 10_000 else None

    def preview(self, actor: Actor, verb: str, question_ids: Sequence[int]) -> PlanView:
        """What deciding these together would do, and what would be left out."""
        require(actor, Right.HANDLE)
        _check(verb, question_ids)
        with self._db.read() as tx:
            return _Planned(tx, actor, verb, question_ids).view()

    def batch(self, actor: Actor, batch_id: int) -> BatchView:
        """What came of a batch. `NotFound` where this person sees none of its cases."""
        with self._db.read() as tx:
            batch, made = decision_queries.batch(tx, batch_id), decision_queries.of_batch(tx, batch_id)
            mine = [row for row in made if actor.sees(row.ward_code)]
            if batch is None or (batch.officer_id != actor.id and not mine):
                raise not_found()
            refused = [RefusedView(*row) for row in batch.refused] if batch.officer_id == actor.id else []
            cases = case_queries.rows(tx, {case for row in mine for case in (row.case_id, row.other_id)})
            who = inbox_queries.officer_names(tx, [batch.officer_id])
        done = [
            DoneView(row.id, row.case_id, cases[row.case_id].code, row.other_id, cases[row.other_id].code,
                     row.undone_at is not None)
            for row in mine
        ]  # fmt: skip
        return BatchView(
            batch.id, batch.kind, who.get(batch.officer_id, ""), batch.at, tuple(done), tuple(refused)
        )

    # Doing

    def decide(
        self, actor: Actor, verb: str, question_ids: Sequence[int], seen: Seen, *, once: str | None = None
    ) -> int:
        """Decide all of them that are still as `seen` in the preview; the batch."""
        require(actor, Right.HANDLE)
        _check(verb, question_ids)
        with self._db.write() as tx:
            ledger.lock(tx, _wards(tx, actor, question_ids))
            done = request_queries.result_of(tx, once, actor.id)
            if done is not None:
                return int(done["result"])
            now = self._clock()
            planned = _Planned(tx, actor, verb, question_ids, seen)
            values = {"officer_id": actor.id, "kind": verb, "at": now, "refused": planned.refused()}
            batch = decision_queries.add_batch(tx, values)
            with counters.kept(tx, *planned.cases):
                self._carry_out(tx, actor, planned, batch, now)
            request_queries.remember(tx, once, actor.id, now, {"result": batch})
        return batch

    def _carry_out(self, tx: Tx, actor: Actor, planned: _Planned, batch: int, now: datetime) -> None:
        for one, other in planned.apart:
            found = case_queries.rows(tx, [one, other])
            duplicates.tell_apart(tx, actor, found[one], found[other], now, batch)
        for group in planned.plan.groups:
            for goes in group.goes:
                # Read again each time: the case that stays has just grown.
                found = case_queries.rows(tx, [goes.id, group.stays.id])
                joining.merge(
                    tx, self._clocks, actor, found[goes.id], found[group.stays.id], now, batch=batch
                )
        self._answers.joined(tx, actor, [group.stays.id for group in planned.plan.groups], now)

    def undo(self, actor: Actor, batch_id: int, *, once: str | None = None) -> tuple[int, int]:
        """Take back all that stands of a batch, the newest first; how many were and were not."""
        require(actor, Right.HANDLE)
        with self._db.read() as tx:
            wards = {row.ward_code for row in decision_queries.of_batch(tx, batch_id)}
        if not wards or not all(actor.sees(ward) for ward in wards):
            raise not_found()
        with self._db.write() as tx:
            ledger.lock(tx, sorted(wards))
            done = request_queries.result_of(tx, once, actor.id)
            if done is not None:
                return done["result"][0], done["result"][1]
            now = self._clock()
            standing = [row for row in decision_queries.of_batch(tx, batch_id) if row.undone_at is None]
            touched = {one for row in standing for one in duplicates.touched(tx, row)}
            with counters.kept(tx, *touched):
                undone = sum(self._undone(tx, actor, row.id, now) for row in reversed(standing))
            result = (undone, len(standing) - undone)
            request_queries.remember(tx, once, actor.id, now, {"result": result})
        return result

    def _undone(self, tx: Tx, actor: Actor, decision_id: int, now: datetime) -> bool:
        try:
            duplicates.take_back(tx, self._clocks, actor, decision_id, now)
        except MoveNotAllowed:  # raised before anything is written: something was built on this one
            return False
        return True


class _Planned:
    """What deciding these questions together means now: `plan` for "same", `apart` for "different"."""

    def __init__(
        self, tx: Tx, actor: Actor, verb: str, question_ids: Sequence[int], seen: Seen | None = None
    ) -> None:
        self._verb = verb
        rows = question_queries.chosen(tx, actor.ward, question_ids)
        homes = case_queries.case_of_report(tx, [one for row in rows for one in (row.report_a, row.report_b)])
        self._pairs = {row.id: (homes[row.report_a], homes[row.report_b]) for row in rows}
        self.cases: dict[int, Any] = case_queries.rows(tx, homes.values())
        self._gone = _settled(tx, actor, [one for one in question_ids if one not in self._pairs])
        self._changed = [
            row for row in self._pairs if seen is not None and seen.get(row) != self._versions(row)
        ]
        going = [row for row in self._pairs if row not in self._changed]
        self.apart = [self._pairs[row] for row in going] if verb == "different" else []
        self._order = going if verb == "same" else []
        self.plan = self._planned(tx) if self._order else Plan([])

    def _planned(self, tx: Tx) -> Plan:
        members = case_queries.living_in(tx, self.cases)
        legal = match_queries.legal_cases(tx, self.cases)
        sides = {case: joinable(row, legal=case in legal) for case, row in self.cases.items()}
        pairs = [(sides[one], sides[other]) for one, other in (self._pairs[row] for row in self._order)]
        return joint_plan.plan(pairs, self._told_apart(tx, members), Thresholds().cap)

    def _told_apart(self, tx: Tx, members: Sequence[int]) -> set[tuple[int, int]]:
        settled = match_queries.settled_pairs(tx, members)
        homes = case_queries.case_of_report(tx, {one for pair in settled for one in pair})
        return {(min(homes[a], homes[b]), max(homes[a], homes[b])) for a, b in settled}

    def _versions(self, question: int) -> tuple[int, int]:
        one, other = self._pairs[question]
        return self.cases[one].version, self.cases[other].version

    def refused(self) -> list[list[Any]]:
        """[question, code, code, why, case, case] of each that is left out."""
        why = {
            self._order[place]: refusal
            for place, refusal in self.plan.refused.items()
            if refusal is not Refusal.ALREADY  # it gets what was asked for
        }
        why |= dict.fromkeys(self._changed, Refusal.CHANGED)
        left = [
            [row, *(self.cases[case].code for case in self._pairs[row]), reason.value, *self._pairs[row]]
            for row, reason in why.items()
        ]
        return left + self._gone

    def view(self) -> PlanView:
        code = {case: row.code for case, row in self.cases.items()}
        groups = [
            GroupView(
                stays=code[group.stays.id], goes=tuple(code[case.id] for case in group.goes),
                title=self.cases[group.stays.id].title, size=group.size, due_at=group.ruling.due_at,
                due_of=code[group.ruling.id],
            )
            for group in self.plan.groups
        ]  # fmt: skip
        return PlanView(
            verb=self._verb,
            groups=tuple(groups),
            pairs=tuple((code[one], code[other]) for one, other in self.apart),
            refused=tuple(RefusedView(*row) for row in self.refused()),
            seen=tuple((row, *self._versions(row)) for row in self._pairs),
        )


def _settled(tx: Tx, actor: Actor, question_ids: Iterable[int]) -> list[list[Any]]:
    """Questions that somebody answered meanwhile; those of other wards' cases are not even named."""
    named = question_queries.named(tx, list(question_ids))
    homes = case_queries.case_of_report(tx, {one for pair in named.values() for one in pair})
    cases = case_queries.rows(tx, homes.values())
    left = []
    for question, pair in named.items():
        one, other = (cases[homes[report]] for report in pair)
        if actor.sees(one.ward_code) and actor.sees(other.ward_code):
            left.append([question, one.code, other.code, Refusal.SETTLED.value, one.id, other.id])
    return left


def _wards(tx: Tx, actor: Actor, question_ids: Sequence[int]) -> list[str]:
    rows = question_queries.chosen(tx, actor.ward, question_ids)
    homes = case_queries.case_of_report(tx, [row.report_a for row in rows])
    return sorted({row.ward_code for row in case_queries.rows(tx, homes.values()).values()})


def _check(verb: str, question_ids: Sequence[int]) -> None:
    if verb not in VERBS:
        raise InputInvalid(
            f"no such decision: {verb}", field="do", message_vi="Hãy chọn “Cùng một việc” hoặc “Khác nhau”."
        )
    if not question_ids:
        raise InputInvalid("nothing is chosen", field="q", message_vi="Hãy đánh dấu ít nhất một cặp.")
    if len(question_ids) > MOST_AT_ONCE:
        raise InputInvalid(
            f"at most {MOST_AT_ONCE} at once", field="q",
            message_vi=f"Mỗi lần xử lý tối đa {MOST_AT_ONCE} cặp.",
        )  # fmt: skip


def _views(tx: Tx, rows: Sequence[Any]) -> tuple[QuestionView, ...]:
    cases = inbox_queries.rows(tx, [case for row in rows for case in (row.case_a, row.case_b)])
    points = report_queries.points(tx, [one for row in rows for one in (row.report_a, row.report_b)])
    return tuple(_view(row, cases, points) for row in rows)


def _view(row: Any, cases: Mapping[int, Any], points: Mapping[int, tuple[float, float]]) -> QuestionView:
    sides = [(cases[row.case_a], row.report_a), (cases[row.case_b], row.report_b)]
    (one, own), (other, its) = sorted(sides, key=lambda side: (side[0].received_at, side[0].id))
    both = own in points and its in points
    return QuestionView(
        id=row.id, score=row.score, reasons=reasons(row.reasons), one=_side(one), other=_side(other),
        recurrence=other.is_open and not one.is_open, apart=apart(points[own], points[its]) if both else None,
    )  # fmt: skip


def _side(row: Any) -> QuestionSide:
    return QuestionSide(
        case_id=row.id, code=row.code, title=row.title, extract=row.extract, address=row.address,
        channel=row.channel, category=row.category_code, status=Status(row.status), is_open=row.is_open,
        received_at=row.received_at, report_count=row.report_count, version=row.version,
    )  # fmt: skip


def _token(row: Any) -> str:
    return base64.urlsafe_b64encode(f"{row.score!r}|{row.id}".encode()).decode()


def _place(token: str) -> tuple[float, int] | None:
    """The place a token names; one that was tampered with is the first page."""
    try:
        score, _, row_id = base64.urlsafe_b64decode(token.encode()).decode().partition("|")
        return (float(score), int(row_id)) if ids.possible(int(row_id)) else None
    except (ValueError, binascii.Error):
        return None
