"""Two cases: side by side, and what a person says of them. Taking back what was said or done of two.

What may surprise: a code that no case has is an entry to correct, not a missing page.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.people import Right
from aggregator.errors import InputInvalid, MoveNotAllowed, NotFound
from inbox_web.access import Door, actor, open_to, safe_next, services
from inbox_web.case import Answer, Done, case_page, change
from inbox_web.errors import message
from inbox_web.forms import guards, number, once, say
from inbox_web.language import _

blueprint = Blueprint("duplicates", __name__)


@blueprint.post("/cases/<int:case_id>/merge")
@open_to(Right.HANDLE)
def merge(case_id: int) -> Answer:
    """This case into the one whose code was typed."""

    def act() -> Done:
        done = services().duplicates.merge(actor(), case_id, _by_code(), **guards())
        return Done(_merged(), case_id=done.case_id, decision=done.id)

    return change(case_id, act)


@blueprint.get("/cases/<int:case_id>/compare/<int:other_id>")
@open_to(Door.SIGNED_IN)
def compare(case_id: int, other_id: int) -> Answer:
    """Two cases side by side."""
    try:
        view = services().comparing.cases(actor(), case_id, other_id)
    except MoveNotAllowed as error:
        return case_page(services().cases.case(actor(), case_id), error=message(error)), 422
    return render_template("case/compare.html", pair=view, choices=services().inbox.choices(actor()))


@blueprint.post("/cases/<int:case_id>/same")
@open_to(Right.HANDLE)
def same(case_id: int) -> Answer:
    def act() -> Done:
        done = services().duplicates.same(actor(), case_id, number("other_id") or 0, **_both())
        return Done(_merged(), case_id=done.case_id, decision=done.id)

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/different")
@open_to(Right.HANDLE)
def different(case_id: int) -> Answer:
    def act() -> Done:
        done = services().duplicates.different(actor(), case_id, number("other_id") or 0, **_both())
        return Done(_("Noted: not the same. This is not suggested again."), decision=done.id)

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/recurrence")
@open_to(Right.HANDLE)
def recurrence(case_id: int) -> Answer:
    def act() -> Done:
        done = services().duplicates.recurs(actor(), case_id, number("other_id") or 0, **_both())
        return Done(_("Noted: it has come back. Each of the two cases shows the other."), decision=done.id)

    return change(case_id, act)


@blueprint.post("/decisions/<int:decision_id>/undo")
@open_to(Right.HANDLE)
def undo(decision_id: int) -> Response:
    """Back to where the person was. What cannot be undone any more is told, not an error."""
    try:
        case_id = services().duplicates.undo(actor(), decision_id, once=once())
    except MoveNotAllowed as error:
        say(message(error), bad=True)
        return redirect(safe_next(request.form.get("back")), code=303)
    say(_("Undone. Everything is as it was before."))
    back = request.form.get("back")
    return redirect(safe_next(back) if back else url_for("case.page", case_id=case_id), code=303)


def _merged() -> str:
    return _("Merged. Every sender still gets their own answer.")


def _both() -> dict[str, Any]:
    """The guards of a form about two cases."""
    return {**guards(), "other_version": number("other_version")}


def _by_code() -> int:
    """The case whose code was typed. A wrong code is an entry to correct, not a missing page."""
    code = request.form.get("code", "").strip()
    try:
        return services().cases.find(actor(), code)
    except NotFound as error:
        raise InputInvalid(
            f"no case has the code {code!r}",
            field="code",
            message_vi=f"Không có vụ việc nào mang mã “{code}”.",
        ) from error
