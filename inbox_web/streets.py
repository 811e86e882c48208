"""What officers have decided about streets: what the next report follows, and how to take it back."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from aggregator.domain.people import Right
from inbox_web.access import actor, open_to, services
from inbox_web.forms import say
from inbox_web.language import _

blueprint = Blueprint("streets", __name__)


@blueprint.get("/streets")
@open_to(Right.HANDLE)
def page() -> str:
    return render_template("streets/page.html", streets=services().placing.streets(actor()))


@blueprint.post("/streets/<int:decision_id>/withdraw")
@open_to(Right.HANDLE)
def withdraw(decision_id: int) -> Response:
    services().placing.withdraw(actor(), decision_id)
    say(_("Taken back. The next report of this street does not follow it."))
    return redirect(url_for("streets.page"), code=303)
