"""Who is away, who stands in, and who handles which field.

    Trực thay     absences: the next two weeks at a glance, entering one, another substitute, back early
    Phân công     units, officers and their fields; what nobody answers for

What may surprise: entering an absence that nobody covers is not refused. The page that follows says in
red from when to when nobody answers, and so do the leader's inbox and figures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.cover import AbsenceReason, midnight, span
from aggregator.domain.worktime import VN
from aggregator.errors import AggregatorError, InputInvalid, MoveNotAllowed
from aggregator.services.cover_views import AbsenceView, CoverBoard, GapView
from inbox_web.access import Door, actor, open_to, services
from inbox_web.errors import message
from inbox_web.forms import a_day, guards, number, once, one_of, say
from inbox_web.labels import GAPS
from inbox_web.language import _
from inbox_web.wording import label, since, until

blueprint = Blueprint("cover", __name__)

Answer = str | Response | tuple[str, int]

#: Days that the strip shows.
DAYS = 14


@dataclass(frozen=True, slots=True)
class Said:
    """What a change says afterwards."""

    text: str
    warns: bool = False


@blueprint.get("/cover")
@open_to(Door.SIGNED_IN)
def page() -> str:
    return _page()


@blueprint.post("/cover")
@open_to(Door.SIGNED_IN)
def add() -> Answer:
    def act() -> Said:
        starts_at, ends_at = span(
            a_day("first"), a_day("last"), from_noon="from_noon" in request.form,
            until_noon="until_noon" in request.form,
        )  # fmt: skip
        gaps = services().absences.add(
            actor(), number("officer_id") or actor().id, starts_at, ends_at,
            reason=one_of(AbsenceReason, "reason"), substitute_id=number("substitute_id"),
            note=request.form.get("note", ""), once=once(),
        )  # fmt: skip
        return _warned(_("The absence is entered."), gaps)

    return _change(act)


@blueprint.post("/cover/<int:absence_id>/substitute")
@open_to(Door.SIGNED_IN)
def substitute(absence_id: int) -> Answer:
    def act() -> Said:
        gaps = services().absences.substitute(actor(), absence_id, number("substitute_id"), **guards())
        return _warned(_("Somebody else stands in now."), gaps)

    return _change(act)


@blueprint.post("/cover/<int:absence_id>/end")
@open_to(Door.SIGNED_IN)
def end(absence_id: int) -> Answer:
    def act() -> Said:
        services().absences.end(actor(), absence_id, **guards())
        return Said(_("The absence is over. Who was away has their cases back."))

    return _change(act)


@blueprint.get("/cover/fields")
@open_to(Door.SIGNED_IN)
def fields() -> str:
    return render_template(
        "cover/fields.html", board=services().fields.board(actor()), choices=services().inbox.choices(actor())
    )


@blueprint.post("/cover/fields/officer/<int:officer_id>")
@open_to(Door.SIGNED_IN)
def officer(officer_id: int) -> Response:
    services().fields.set_officer(actor(), officer_id, request.form.getlist("field"), once=once())
    say(_("Saved. New cases follow it."))
    return redirect(url_for("cover.fields"), code=303)


@blueprint.post("/cover/fields/unit")
@open_to(Door.SIGNED_IN)
def unit() -> Response:
    ward, name = request.form.get("ward", "") or actor().ward or "", request.form.get("name", "")
    services().fields.set_unit(actor(), ward, name, request.form.getlist("field"), once=once())
    say(_("Saved. New cases follow it."))
    return redirect(url_for("cover.fields"), code=303)


def _change(act: Callable[[], Said]) -> Answer:
    """Do it and say so; a refusal keeps what was typed."""
    try:
        told = act()
    except (InputInvalid, MoveNotAllowed) as error:
        return _page(error=error), 422
    say(told.text, bad=told.warns)
    return redirect(url_for("cover.page"), code=303)


def _warned(told: str, gaps: tuple[GapView, ...]) -> Said:
    return Said(" ".join([told, *(gap_line(gap) for gap in gaps)]), warns=bool(gaps))


def gap_line(gap: GapView) -> str:
    """When nobody answers for somebody, and why."""
    when = _("from %(start)s until %(end)s", start=since(gap.start), end=until(gap.end))
    why = label(GAPS, gap.why)
    who = "" if gap.last == gap.officer else f" ({gap.last})"
    return _("Nobody stands in for %(name)s %(when)s:", name=gap.officer, when=when) + f" {why}{who}."


def _page(error: AggregatorError | None = None) -> str:
    board = services().absences.board(actor())
    return render_template(
        "cover/page.html",
        board=board,
        days=_days(board),
        strip=_strip(board),
        reasons=list(AbsenceReason),
        gap_line=gap_line,
        error=message(error) if error else "",
        typed=request.form if error else {},
    )


def _days(board: CoverBoard) -> list[date]:
    today = board.at.astimezone(VN).date()
    return [today + timedelta(days=number) for number in range(DAYS)]


def _strip(board: CoverBoard) -> list[tuple[str, list[tuple[str, str]]]]:
    """Officer -> for each day "", day, morning or afternoon, and who answers."""
    found: dict[str, list[AbsenceView]] = defaultdict(list)
    for one in (*board.away, *board.coming):
        if one.starts_at < board.until:
            found[one.officer].append(one)
    return [(name, [_mark(day, mine) for day in _days(board)]) for name, mine in sorted(found.items())]


def _mark(day: date, absences: list[AbsenceView]) -> tuple[str, str]:
    morning, noon = midnight(day), midnight(day) + timedelta(hours=12)

    def holding(at: datetime) -> AbsenceView | None:
        return next((one for one in absences if one.starts_at <= at < one.ends_at), None)

    before, after = holding(morning), holding(noon)
    one: Any = before or after
    kind = "day" if before and after else "morning" if before else "afternoon" if after else ""
    return kind, (one.substitute or "") if one else ""
