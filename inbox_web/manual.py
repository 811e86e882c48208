"""Answers that a person carries to their source, and answers whose fate a person must decide."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.people import Right
from aggregator.errors import NotAllowed
from inbox_web.access import actor, open_to, safe_next, services
from inbox_web.errors import message
from inbox_web.forms import once, say
from inbox_web.language import _

blueprint = Blueprint("manual", __name__)


@blueprint.get("/by-hand")
@open_to(Right.HANDLE)
def page() -> str:
    return render_template("manual/page.html", items=services().outbox.manual(actor()))


@blueprint.post("/deliveries/<int:delivery_id>/done")
@open_to(Right.HANDLE)
def tick(delivery_id: int) -> Response:
    return _decide(
        lambda: services().outbox.tick_manual(actor(), delivery_id, once=once()),
        _("Ticked off. The citizen's source has the answer."),
    )


@blueprint.post("/deliveries/<int:delivery_id>/fate")
@open_to(Right.HANDLE)
def fate(delivery_id: int) -> Response:
    arrived = request.form.get("arrived") == "yes"
    return _decide(
        lambda: services().outbox.resolve_unclear(actor(), delivery_id, arrived, once=once()),
        _("Noted: it arrived.") if arrived else _("Noted: it is sent again."),
    )


@blueprint.post("/deliveries/<int:delivery_id>/retry")
@open_to(Right.HANDLE)
def retry(delivery_id: int) -> Response:
    return _decide(lambda: services().outbox.retry(actor(), delivery_id), _("It is tried again now."))


def _decide(act: Callable[[], object], done: str) -> Response:
    """Back to where the person was. A message that somebody decided meanwhile is told, not an error."""
    try:
        act()
        say(done)
    except NotAllowed as error:
        say(message(error), bad=True)
    return redirect(safe_next(request.form.get("back") or url_for("manual.page")), code=303)
