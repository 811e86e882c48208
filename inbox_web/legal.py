"""Complaints and denunciations: handed over, feedback after all, asked again; and who may read them.

Each form is one route and one service verb, as on the rest of the case page. What may surprise: for a
restricted matter the services refuse whoever has not the right; a merely suspected one anybody who handles
cases may decide, because they can read it.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.legal import LegalKind
from aggregator.domain.people import Right
from aggregator.services.legal_matters import Confirm, Dismiss, Undo
from inbox_web.access import actor, open_to, services
from inbox_web.case import Answer, Done, change
from inbox_web.forms import a_day, guards, number, one_of, say
from inbox_web.language import _

blueprint = Blueprint("legal", __name__)


@blueprint.post("/cases/<int:case_id>/legal/confirm")
@open_to(Right.HANDLE)
def confirm(case_id: int) -> Answer:
    def act() -> Done:
        given = request.form
        said = Confirm(
            kind=one_of(LegalKind, "legal_kind"), handed_to=given.get("handed_to", ""),
            register_no=given.get("register_no", ""), registered_on=a_day("registered_on"),
        )  # fmt: skip
        services().cases.decide_legal(actor(), case_id, said, **guards())
        return Done(_("Handed over. It is no longer counted as feedback."))

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/legal/dismiss")
@open_to(Right.HANDLE)
def dismiss(case_id: int) -> Answer:
    def act() -> Done:
        said = Dismiss(request.form.get("why_feedback", ""))
        services().cases.decide_legal(actor(), case_id, said, **guards())
        return Done(_("Feedback after all. The clock reads as if it had never stopped."))

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/legal/undo")
@open_to(Right.HANDLE)
def undo(case_id: int) -> Answer:
    def act() -> Done:
        services().cases.decide_legal(actor(), case_id, Undo(request.form.get("why_undo", "")), **guards())
        return Done(_("The decision was taken back."))

    return change(case_id, act)


@blueprint.get("/legal/readers")
@open_to(Right.LEGAL)
def readers() -> str:
    return render_template("legal/readers.html", officers=services().accounts.legal_readers(actor()))


@blueprint.post("/legal/readers")
@open_to(Right.LEGAL)
def name_reader() -> Response:
    may_read = request.form.get("may_read") == "yes"
    services().accounts.name_legal_reader(actor(), number("officer_id") or 0, may_read=may_read)
    say(
        _("They may read complaints and denunciations now.")
        if may_read
        else _("They may no longer read complaints and denunciations.")
    )
    return redirect(url_for("legal.readers"), code=303)
