"""Two cases side by side: what an officer needs to say whether they are one problem.

They are compared through the two of their reports that are most alike. What may surprise: whether both
came from the same telephone is told, the number never; and where somebody asked to stay unknown, not
even that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aggregator.domain import comparison, joint_plan, matching
from aggregator.domain.comparison import Where
from aggregator.domain.differences import Part, differences
from aggregator.domain.joint_plan import Joinable
from aggregator.domain.matching import Traits
from aggregator.domain.people import Actor
from aggregator.domain.sketch import apart, sketch
from aggregator.domain.workflow import Status
from aggregator.errors import MoveNotAllowed
from aggregator.services import case_page, legal_matters
from aggregator.services.arrival_rows import reasons as stored_reasons
from aggregator.services.frame import seen
from aggregator.services.views.comparison import ComparisonView, MergedView, SideView
from aggregator.storage import case_queries, inbox_queries, match_queries, question_queries, report_queries
from aggregator.storage.db import Database, Tx

_SAME_PLACE = (Where.HOUSE, Where.ALLEY, Where.JUNCTION, Where.LANDMARK)
_OTHER_PLACE = (Where.OTHER_HOUSE, Where.OTHER_STREET)


class Comparing:
    """Reads two cases of one person's wards."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def cases(self, actor: Actor, case_id: int, other_id: int) -> ComparisonView:
        """The two side by side. `NotFound` alike for a hidden and for a missing one (I13)."""
        with self._db.read() as tx:
            case, other = seen(tx, actor, case_id), seen(tx, actor, other_id)
            for one in (case, other):
                legal_matters.check_may_read(actor, one)
            mine, theirs = (case_queries.living_in(tx, [one.id]) for one in (case, other))
            _check(case, other, mine, theirs)
            view = _compared(tx, case, other, mine, theirs)
            offered = case_page.suggestions(tx, case, mine) if case.is_open else ()
            return replace(view, others=offered)


def _check(case: Any, other: Any, mine: Sequence[int], theirs: Sequence[int]) -> None:
    if case.id == other.id:
        raise MoveNotAllowed(
            "a case is not compared with itself", message_vi="Đây là cùng một vụ việc, không có gì để so."
        )
    if case.ward_code != other.ward_code:
        raise MoveNotAllowed(
            "cases of two wards are not compared", message_vi="Không so hai vụ việc của hai phường khác nhau."
        )
    for one, reports in ((case, mine), (other, theirs)):
        if not reports:
            raise MoveNotAllowed(
                f"case {one.id} has no reports any more",
                message_vi=f"{one.code} không còn phản ánh nào: đã được gộp vào vụ việc khác.",
            )


def _compared(tx: Tx, case: Any, other: Any, mine: Sequence[int], theirs: Sequence[int]) -> ComparisonView:
    said = question_queries.between(tx, mine, theirs)
    own, its = _best(said, mine, theirs)
    traits = match_queries.stored_traits(tx, [own, its])
    pair = comparison.compare(traits[own], traits[its])
    score, why = _judged(said, traits[own], traits[its])
    points = report_queries.points(tx, [own, its])
    both = own in points and its in points
    rows, reports = inbox_queries.rows(tx, [case.id, other.id]), _reports(tx, own, its)
    subjects = differences(reports[own].subject, reports[its].subject)
    bodies = differences(reports[own].body, reports[its].body)
    return ComparisonView(
        one=_side(case, rows[case.id], reports[own], subjects[0], bodies[0]),
        other=_side(other, rows[other.id], reports[its], subjects[1], bodies[1]),
        score=score,
        reasons=case_page.reasons(why),
        apart=apart(points[own], points[its]) if both else None,
        sketch=sketch(points[own], points[its]) if both else None,
        same_place=True if pair.where in _SAME_PLACE else False if pair.where in _OTHER_PLACE else None,
        same_category=None if pair.category == 0 else pair.category > 0,
        same_phone=_same_phone(traits[own], traits[its]),
        hours_apart=pair.days * 24,
        merged=_merged(case, other) if case.is_open and other.is_open else None,
        recurrence=_recurs(case, other),
        said=_said(said),
    )


def _best(said: Sequence[Any], mine: Sequence[int], theirs: Sequence[int]) -> tuple[int, int]:
    """The pair of reports, one of each case, that is most alike as far as anybody knows."""
    if not said:
        return mine[0], theirs[0]
    first, second = said[0].report_a, said[0].report_b
    return (first, second) if first in set(mine) else (second, first)


def _judged(said: Sequence[Any], own: Traits, its: Traits) -> tuple[float, Sequence[Any]]:
    """The score and reasons as the officer was asked, or judged now where nobody ever asked."""
    if said and said[0].score is not None:
        return said[0].score, said[0].reasons
    new, old = sorted((own, its), key=lambda t: (t.received_at, t.report_id), reverse=True)
    verdict = matching.judge(new, old)
    return verdict.score, stored_reasons(verdict)


def _reports(tx: Tx, *report_ids: int) -> dict[int, Any]:
    return {row.id: row for row in report_queries.in_case_ids(tx, report_ids)}


def _side(case: Any, row: Any, report: Any, subject: tuple[Part, ...], body: tuple[Part, ...]) -> SideView:
    return SideView(
        case_id=case.id, code=case.code, status=Status(case.status), is_open=case.is_open,
        version=case.version, report_count=case.report_count, received_at=report.received_at,
        due_at=case.due_at, channel=report.title, external_id=report.external_id,
        category=report.category_code, address=", ".join(filter(None, (report.address, report.area))) or None,
        subject=subject, body=body, owner=row.officer or row.unit,
    )  # fmt: skip


def _same_phone(own: Traits, its: Traits) -> bool | None:
    return None if own.phone is None or its.phone is None else own.phone == its.phone


def _recurs(case: Any, other: Any) -> bool:
    earlier, later = sorted((case, other), key=lambda one: (one.received_at, one.id))
    return later.is_open and not earlier.is_open


def _said(said: Sequence[Any]) -> str:
    """What a person said of the two, if anybody did."""
    for row in said:
        if row.officer_id is not None and (row.judgement == "different" or row.recurrence):
            return "recurrence" if row.recurrence else "different"
    return ""


def _merged(case: Any, other: Any) -> MergedView:
    group = joint_plan.Group([joinable(case), joinable(other)])
    codes = {case.id: case.code, other.id: other.code}
    return MergedView(
        stays=codes[group.stays.id], goes=codes[group.goes[0].id], size=group.size,
        due_at=group.ruling.due_at, due_of=codes[group.ruling.id],
    )  # fmt: skip


def joinable(case: Any, *, legal: bool = False) -> Joinable:
    """A stored case, as a plan of merges sees it."""
    return Joinable(
        id=case.id, ward=case.ward_code, is_open=case.is_open, legal=legal, size=case.report_count,
        received_at=case.received_at, due_at=case.due_at,
    )  # fmt: skip
