"""Bodies outside the ward: the administrator's list, and the answer that names one of them.

What may surprise: choosing the body is a page of its own, with an address, because the prepared text
depends on it and the page works without JavaScript.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for

from aggregator.domain.people import Right
from aggregator.errors import AggregatorError, InputInvalid
from inbox_web.access import actor, open_to, services
from inbox_web.answering import on_its_way
from inbox_web.case import Answer, Done, change
from inbox_web.errors import message
from inbox_web.forms import guards, number, say
from inbox_web.language import _

blueprint = Blueprint("bodies", __name__)


@blueprint.get("/bodies")
@open_to(Right.OPERATE)
def page() -> str:
    return _page()


@blueprint.post("/bodies")
@open_to(Right.OPERATE)
def put() -> Answer:
    given = request.form
    try:
        services().bodies.put(
            actor(), number("body_id"), given.get("name", ""), given.get("contact", ""),
            given.getlist("field"), active="unused" not in given, **guards(),
        )  # fmt: skip
    except InputInvalid as error:
        return _page(error), 422
    say(_("Saved."))
    return redirect(url_for("bodies.page"), code=303)


@blueprint.get("/cases/<int:case_id>/refuse")
@open_to(Right.HANDLE)
def choose(case_id: int) -> str:
    """Which body is competent; with `body` in the address its prepared text."""
    case = services().cases.case(actor(), case_id)
    offered = services().bodies.offered(actor(), case_id)
    chosen = next((one for one in offered if one.id == request.args.get("body", type=int)), None)
    return render_template("bodies/refuse.html", case=case, row=case.row, offered=offered, chosen=chosen)


@blueprint.post("/cases/<int:case_id>/refuse")
@open_to(Right.HANDLE)
def refuse(case_id: int) -> Answer:
    def act() -> Done:
        body_id, text = number("body_id") or 0, request.form.get("body", "")
        given = services().bodies.refuse(actor(), case_id, body_id, text, **guards())
        return on_its_way(case_id, given, draft=f"refuse-{case_id}")

    return change(case_id, act)


def _page(error: AggregatorError | None = None) -> str:
    return render_template(
        "bodies/page.html", bodies=services().bodies.list(actor()),
        choices=services().inbox.choices(actor()), error=message(error) if error else "",
    )  # fmt: skip
