"""Open questions: pairs of cases that may be one problem, decided one by one or many at once.

    list | tick some | preview (a plain address, nothing is done) | decide | what came of each | undo all

What may surprise: each single decision of the list is the very form of the case page; it only leads back
to the list.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.people import Right
from aggregator.errors import InputInvalid
from aggregator.services.review import BANDS, MOST_AT_ONCE
from aggregator.services.views.questions import QuestionFilter
from inbox_web.access import actor, open_to, services
from inbox_web.errors import message
from inbox_web.forms import once, say
from inbox_web.language import ngettext

blueprint = Blueprint("review", __name__)


def asked() -> QuestionFilter:
    """The filter that the address says; what cannot be read is no filter."""
    given = request.args
    return QuestionFilter(
        category=given.get("category", ""),
        score=given.get("score", "") if given.get("score") in BANDS else "",
        days=given.get("days", type=int),
        ward=given.get("ward", ""),
        after=given.get("after", ""),
    )


def address(chosen: QuestionFilter, **changes: Any) -> str:
    """The address of the list with some parts changed; a changed filter starts at the first page."""
    values = asdict(replace(chosen, **{"after": "", **changes}))
    values.pop("size")
    return url_for("review.page", **{name: value for name, value in values.items() if value})


@blueprint.get("/review")
@open_to(Right.HANDLE)
def page() -> str:
    chosen = asked()
    return render_template(
        "review/page.html",
        page=services().review.page(actor(), chosen),
        chosen=chosen,
        choices=services().inbox.choices(actor()),
        address=address,
        most=MOST_AT_ONCE,
        filtered=chosen != QuestionFilter(after=chosen.after),
    )


@blueprint.get("/review/preview")
@open_to(Right.HANDLE)
def preview() -> str | Response:
    """What the ticked questions, decided together, would come to."""
    verb, questions = request.args.get("do", ""), _numbers(request.args.getlist("q"))
    try:
        plan = services().review.preview(actor(), verb, questions)
    except InputInvalid as error:
        say(message(error), bad=True)
        return redirect(url_for("review.page"), code=303)
    return render_template("review/preview.html", plan=plan)


@blueprint.post("/review/decide")
@open_to(Right.HANDLE)
def decide() -> Response:
    """The previewed decision. Each question comes with the versions that the preview saw."""
    seen = {}
    for given in request.form.getlist("seen"):
        numbers = _numbers(given.split("-"))
        if len(numbers) == 3:
            seen[numbers[0]] = (numbers[1], numbers[2])
    try:
        batch = services().review.decide(actor(), request.form.get("do", ""), list(seen), seen, once=once())
    except InputInvalid as error:
        say(message(error), bad=True)
        return redirect(url_for("review.page"), code=303)
    return redirect(url_for("review.batch", batch_id=batch), code=303)


@blueprint.get("/review/batches/<int:batch_id>")
@open_to(Right.HANDLE)
def batch(batch_id: int) -> str:
    return render_template("review/batch.html", batch=services().review.batch(actor(), batch_id))


@blueprint.post("/review/batches/<int:batch_id>/undo")
@open_to(Right.HANDLE)
def undo(batch_id: int) -> Response:
    undone, left = services().review.undo(actor(), batch_id, once=once())
    say(ngettext("%(num)s decision undone.", "%(num)s decisions undone.", undone))
    if left:
        say(
            ngettext(
                "%(num)s could not be undone by itself: something was built on it since.",
                "%(num)s could not be undone by themselves: something was built on them since.",
                left,
            ),
            bad=True,
        )
    return redirect(url_for("review.batch", batch_id=batch_id), code=303)


def _numbers(given: list[str]) -> list[int]:
    return [int(one) for one in given if one.isascii() and one.isdecimal() and len(one) < 19]
