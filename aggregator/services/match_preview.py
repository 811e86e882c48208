"""What the last month would have been under other thresholds.

    stored traits of the ward | judged again under what holds now | and under what is proposed
                              | the differences, with what people said of these pairs meanwhile

Promise: nothing is written, and no transaction is open while it is computed. Only reports for which the
proposal changes the rule are judged again; the others stand where they stand now. What may surprise:
"now" is computed too, so that the two differ by the thresholds alone and not by what people did since.
It is bounded: of a large scope the newest reports are taken, and `shortened` says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from aggregator.domain.match_rule import RuleBook, Thresholds
from aggregator.domain.matching import Traits, Verdict
from aggregator.domain.people import Actor, Right
from aggregator.domain.traits import BROAD_DAYS, traits
from aggregator.domain.worktime import VN
from aggregator.errors import InputInvalid
from aggregator.services.clock import Clock
from aggregator.services.frame import require
from aggregator.services.match_rules import MatchRules, Scope, proposed
from aggregator.services.replay import Lived, Outcome, replay
from aggregator.services.rules import Book, Rules
from aggregator.services.views.case import ReasonView
from aggregator.storage import match_rule_queries
from aggregator.storage.db import Database, Tx

#: Reports judged again at most, and reports read with those around them: some seconds of one core.
MOST_JUDGED, MOST_READ = 4000, 20_000
DAYS_MOST = 92
PER_PAGE = 20
EXCERPT = 160


class Change(StrEnum):
    """What the proposal does to one report."""

    JOINS = "joins"  # it would have joined a case, and does not now
    APART = "apart"  # it joins a case now, and would not have
    ELSEWHERE = "elsewhere"  # it would have joined another case


@dataclass(frozen=True, slots=True)
class PairEnd:
    """One report of a listed pair, with the case it lives in today."""

    report_id: int
    case_id: int
    code: str
    address: str | None
    excerpt: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """One report that would have gone another way. `told` is what a person said of the pair, if any."""

    change: Change
    report: PairEnd
    other: PairEnd
    score: float
    reasons: tuple[ReasonView, ...]
    told: str | None


@dataclass(frozen=True, slots=True)
class Day:
    """Suggestions made on one day, as it is and as it would be."""

    day: date
    now: int
    then: int


@dataclass(frozen=True, slots=True)
class Preview:
    """The comparison; `rows` are one page of the differences, surest first."""

    scope: Scope
    now: Thresholds
    values: Thresholds
    since: datetime
    until: datetime
    judged: int
    shortened: bool
    joined_now: int
    joined_then: int
    asked_now: int
    asked_then: int
    days: tuple[Day, ...]
    counts: Mapping[Change, int]
    #: Of those that would join: pairs that a person has told apart meanwhile, or called the same.
    wrong: int
    right: int
    rows: tuple[Difference, ...]
    page: int
    pages: int


@dataclass(frozen=True, slots=True)
class _Found:
    change: Change
    report: int
    other: int
    verdict: Verdict


class Previews:
    """Compares proposals with the past."""

    def __init__(self, db: Database, rules: Rules, match_rules: MatchRules, clock: Clock) -> None:
        self._db = db
        self._rules = rules
        self._match_rules = match_rules
        self._clock = clock

    def preview(
        self, actor: Actor, scope: Scope, *, same: float | None = None, unsure: float | None = None,
        cap: int | None = None, window_days: int | None = None, back: bool = False, days: int = 30,
        page: int = 1,
    ) -> Preview:  # fmt: skip
        """The last `days` under the proposal; `back`: as if the scope's own thresholds were taken back.

        Refused for who could not set them, and for values out of bounds.
        """
        require(actor, Right.TUNE)
        if not 1 <= days <= DAYS_MOST:
            raise InputInvalid(
                f"days {days} is not between 1 and {DAYS_MOST}", field="days",
                message_vi=f"Số ngày xem thử phải từ 1 đến {DAYS_MOST}.",
            )  # fmt: skip
        self._match_rules.check(actor, scope)
        until = self._clock()
        since = until - timedelta(days=days)
        with self._db.read() as tx:
            book = self._rules.book(tx)
            then = book.matching.without(scope.ward, scope.category) if back else None
            values = (
                proposed(book, scope, same=same, unsure=unsure, cap=cap, window_days=window_days)
                if then is None
                else then.rule(scope.ward, scope.category).thresholds
            )
            lived, cut = _lived(tx, _wards(book, scope), since - timedelta(days=BROAD_DAYS))
        then = then or book.matching.with_thresholds(scope.ward, scope.category, values)
        again, fewer = _again(lived, book.matching, then, since)
        found = _compared(lived, again, book.matching, then)
        with self._db.read() as tx:
            pairs = {_pair(one) for one in found.differences}
            told = match_rule_queries.told_by_people(tx, pairs)
            pages = max(1, -(-len(found.differences) // PER_PAGE))
            page = min(max(1, page), pages)
            listed = found.differences[(page - 1) * PER_PAGE : page * PER_PAGE]
            shown = match_rule_queries.shown(tx, [end for one in listed for end in (one.report, one.other)])
        holding = book.matching.rule(scope.ward, scope.category).thresholds
        joins = [told.get(_pair(one)) for one in found.differences if one.change is Change.JOINS]
        return Preview(
            scope=scope, now=holding, values=values, since=max(since, found.first or since), until=until,
            judged=len(again), shortened=cut or fewer,
            joined_now=found.joined[0], joined_then=found.joined[1],
            asked_now=sum(day.now for day in found.days), asked_then=sum(day.then for day in found.days),
            days=found.days, counts=Counter(one.change for one in found.differences),
            wrong=joins.count("different"), right=joins.count("same"),
            rows=tuple(_difference(one, shown, told) for one in listed
                       if one.report in shown and one.other in shown),
            page=page, pages=pages,
        )  # fmt: skip


# --- reading and judging again -----------------------------------------------------------------------


def _wards(book: Book, scope: Scope) -> list[str]:
    return [scope.ward] if scope.ward is not None else sorted(book.wards)


def _lived(tx: Tx, wards: Sequence[str], since: datetime) -> tuple[list[Lived], bool]:
    """The newest reports of these wards in time order; True where there were more than are read."""
    found: list[Lived] = []
    share = MOST_READ // max(1, len(wards))
    cut = False
    for ward in wards:
        part = match_rule_queries.lived(tx, ward, since, share + 1)
        cut = cut or len(part) > share
        found += part[:share]
    found.sort(key=lambda one: (one[0].received_at, one[0].report_id))
    return found, cut


def _again(lived: Sequence[Lived], now: RuleBook, then: RuleBook, since: datetime) -> tuple[set[int], bool]:
    """The reports that the proposal is about, the newest of them; True where there were more."""
    touched = [
        t.report_id
        for t, _ in lived
        if t.received_at >= since and now.rule(t.ward, t.category) != then.rule(t.ward, t.category)
    ]
    return set(touched[-MOST_JUDGED:]), len(touched) > MOST_JUDGED


@dataclass(frozen=True, slots=True)
class _Compared:
    differences: list[_Found]
    joined: tuple[int, int]
    days: tuple[Day, ...]
    first: datetime | None


def _compared(lived: Sequence[Lived], again: set[int], now: RuleBook, then: RuleBook) -> _Compared:
    def judged(t: Traits) -> bool:
        return t.report_id in again

    before, after = replay(lived, now, judged), replay(lived, then, judged)
    was, would = before.outcomes, after.outcomes
    at = {t.report_id: t.received_at for t, _ in lived if t.report_id in again}
    found = [
        one
        for report in was
        if (one := _changed(report, was[report], would[report], before.cases)) is not None
    ]
    found.sort(key=lambda one: (one.change, -one.verdict.score, one.report))
    return _Compared(
        found,
        (sum(one.beside is not None for one in was.values()),
         sum(one.beside is not None for one in would.values())),
        _days(at, was, would), min(at.values(), default=None),
    )  # fmt: skip


def _changed(report: int, was: Outcome, would: Outcome, cases: Mapping[int, int]) -> _Found | None:
    if was.beside is None and would.beside is not None and would.verdict is not None:
        return _Found(Change.JOINS, report, would.beside, would.verdict)
    if was.beside is not None and was.verdict is not None:
        if would.beside is None:
            return _Found(Change.APART, report, was.beside, dict(would.asked).get(was.beside, was.verdict))
        if cases[would.beside] != was.case and would.verdict is not None:
            return _Found(Change.ELSEWHERE, report, would.beside, would.verdict)
    return None


def _days(
    at: Mapping[int, datetime], was: Mapping[int, Outcome], would: Mapping[int, Outcome]
) -> tuple[Day, ...]:
    now, then, days = Counter[date](), Counter[date](), set[date]()
    for report, received_at in at.items():
        day = received_at.astimezone(VN).date()
        days.add(day)
        now[day] += len(was[report].asked)
        then[day] += len(would[report].asked)
    return tuple(Day(day, now[day], then[day]) for day in sorted(days))


# --- what is shown -----------------------------------------------------------------------------------


def _pair(one: _Found) -> tuple[int, int]:
    return (min(one.report, one.other), max(one.report, one.other))


def _difference(one: _Found, shown: Mapping[int, Any], told: Mapping[tuple[int, int], str]) -> Difference:
    return Difference(
        one.change, _end(shown[one.report]), _end(shown[one.other]), one.verdict.score,
        tuple(
            ReasonView(each.code, each.text_vi, each.text_en)
            for each in _accented(one.verdict, shown[one.report]).reasons
        ),
        told.get(_pair(one)),
    )  # fmt: skip


def _accented(verdict: Verdict, row: Any) -> Verdict:
    """With the street as the report writes it: what is stored to be compared has no accents."""
    seen = verdict.evidence
    if seen is None:
        return verdict
    read = traits(
        report_id=row.id, received_at=row.received_at, subject=row.subject, body=row.body,
        address=row.address, lat=None, lng=None, ward=None, category=None, phone=None, channel="",
    )  # fmt: skip
    new = replace(seen.new, wording=read.wording if read.street == seen.new.street else None)
    return verdict._replace(evidence=seen._replace(new=new))


def _end(row: Any) -> PairEnd:
    text = " ".join(f"{row.subject} {row.body}".split())
    return PairEnd(row.id, row.case_id, row.code, row.address, text[:EXCERPT], row.received_at)
