"""What an officer takes down: the form, and the receipt that the citizen takes home.

After the form the case's page is shown, with what looks like the same problem beside it. What may
surprise: the receipt names the citizen, so drawing it is a look that is logged, like every other.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.people import Right
from aggregator.domain.worktime import VN
from aggregator.errors import AggregatorError, InputInvalid, MoveNotAllowed, NotAllowed
from aggregator.services.walk_in import LONGEST_BODY, MOST_PHOTO_BYTES, MOST_PHOTOS, Came, Form, Photo
from inbox_web.access import actor, open_to, services
from inbox_web.errors import message
from inbox_web.forms import a_moment, once, one_of, say
from inbox_web.language import _
from inbox_web.security import takes_up_to

blueprint = Blueprint("entry", __name__)

#: All photos of one form, and its words.
MOST_BYTES = MOST_PHOTOS * MOST_PHOTO_BYTES // 2
_TEXTS = ("subject", "name", "phone", "address", "area", "category")
Answer = str | Response | tuple[str, int]


@blueprint.get("/entries/new")
@open_to(Right.HANDLE)
def page() -> str:
    return _page({})


@blueprint.post("/entries")
@open_to(Right.HANDLE)
@takes_up_to(MOST_BYTES)
def register() -> Answer:
    try:
        entered = services().walk_in.register(actor(), _form(), _photos(), once=once())
    except (InputInvalid, MoveNotAllowed) as error:
        return _page(request.form, error), 422
    say(
        _("Taken down. What looks like the same problem is shown here."), sent="entry",
        link=url_for("entry.receipt", case_id=entered.case_id, report_id=entered.report_id),
        link_text=_("Receipt for the citizen"),
    )  # fmt: skip
    return redirect(url_for("case.page", case_id=entered.case_id), code=303)


@blueprint.get("/cases/<int:case_id>/reports/<int:report_id>/receipt")
@open_to(Right.HANDLE)
def receipt(case_id: int, report_id: int) -> str:
    """The receipt of one report, for printing."""
    case = services().cases.case(actor(), case_id)
    report = next((one for one in case.reports if one.id == report_id and one.from_officer), None)
    if report is None:
        abort(404)
    try:
        known: Mapping[str, str] = services().cases.reveal(actor(), report_id, _("Printing the receipt"))
    except NotAllowed:
        known = {}  # anonymous: nothing is known, and nothing is looked at
    return render_template(
        "entry/receipt.html",
        row=case.row,
        report=report,
        known=known,
        choices=services().inbox.choices(actor()),
    )


def _form() -> Form:
    given = {name: request.form.get(name, "") for name in _TEXTS}
    return Form(
        came=one_of(Came, "came"), received_at=a_moment("received_at"), body=request.form.get("body", ""),
        anonymous="anonymous" in request.form, **given,
    )  # fmt: skip


def _photos() -> list[Photo]:
    files = (file for file in request.files.getlist("photos") if file.filename)
    return [Photo(str(file.filename)[-150:], file.read()) for file in files]


def _page(typed: Mapping[str, str], error: AggregatorError | None = None) -> str:
    person = actor()
    return render_template(
        "entry/form.html",
        typed=typed,
        error=message(error) if error else "",
        field=error.field if isinstance(error, InputInvalid) else "",
        choices=services().inbox.choices(person),
        ways=list(Came),
        limit=LONGEST_BODY,
        photos=MOST_PHOTOS,
        may_enter=person.ward is not None,
        now_local=f"{services().clock().astimezone(VN):%Y-%m-%dT%H:%M}",
    )
