"""When reports join by themselves: the thresholds of each ward and category, tried before they are set.

    settings | the form asks for a preview (a plain GET) | what the last month would have been | apply

What may surprise: scores are shown and typed as percent, as an office says them; a comma is as good as
a point. Everybody signed in may look, because everybody works with what comes of it.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.match_rule import CAPS, SAME_FLOOR, SAME_MOST, UNSURE_LEAST, WINDOWS
from aggregator.domain.people import Right
from aggregator.services.match_rules import Scope
from inbox_web.access import Door, actor, open_to, services
from inbox_web.forms import no_number, once, say, whole
from inbox_web.language import _

blueprint = Blueprint("matching", __name__)

#: Days that a preview may look back.
PERIODS = (7, 30, 90)
BOUNDS = {
    "same": (SAME_FLOOR, SAME_MOST),
    "unsure": (UNSURE_LEAST, SAME_MOST),
    "cap": CAPS,
    "window_days": WINDOWS,
}


@blueprint.get("/matching")
@open_to(Door.SIGNED_IN)
def page() -> str:
    """What holds where, and the form, filled with what holds in the scope that the address names."""
    person, rules = actor(), services().match_rules
    scope = Scope(person.ward or request.args.get("ward") or None, request.args.get("category") or None)
    return render_template(
        "matching/page.html",
        thresholds=rules.thresholds(person),
        changes=rules.changes(person),
        choices=services().inbox.choices(person),
        scope=scope,
        holding=rules.holding(person, scope),
        periods=PERIODS,
        bounds=BOUNDS,
    )


@blueprint.get("/matching/preview")
@open_to(Right.TUNE)
def preview() -> str:
    """What the last weeks would have been. Takes some seconds of one core for a large ward."""
    given = request.args
    found = services().previews.preview(
        actor(), _scope(given), **_values(given), back="back" in given,
        days=whole(given, "days") or 30, page=whole(given, "page") or 1,
    )  # fmt: skip
    names = services().inbox.choices(actor())
    return render_template(
        "matching/preview.html", found=found, back="back" in given, asked=_asked(given),
        ward=_label(names.wards, found.scope.ward), category=_label(names.categories, found.scope.category),
    )  # fmt: skip


@blueprint.post("/matching/apply")
@open_to(Right.TUNE)
def apply() -> Response:
    form, rules = request.form, services().match_rules
    scope, why = _scope(form), form.get("why", "")
    if "back" in form:
        rules.unset(actor(), scope, why=why, once=once())
        say(_("Taken back. New reports are judged by the wider rule again."))
    else:
        rules.set(actor(), scope, **_values(form), why=why, once=once())
        say(_("New reports are judged by these thresholds from now on. What was joined stays as it is."))
    return redirect(url_for("matching.page"), code=303)


def _scope(given: Any) -> Scope:
    return Scope(actor().ward or given.get("ward") or None, given.get("category") or None)


def _asked(given: Any) -> dict[str, str]:
    """The preview's own address, for its other pages and for the form that applies it."""
    kept = ("ward", "category", "same", "unsure", "cap", "window_days", "days", "back")
    return {name: given[name] for name in kept if name in given}


def _values(given: Any) -> dict[str, Any]:
    shares = {name: _percent(given, name) for name in ("same", "unsure")}
    return {**shares, **{name: whole(given, name) for name in ("cap", "window_days")}}


def _percent(given: Any, name: str) -> float | None:
    typed = given.get(name, "").replace("%", "").replace(",", ".").strip()
    if not typed:
        return None
    try:
        return round(float(typed) / 100, 6)
    except ValueError as error:
        raise no_number(name, typed) from error


def _label(choices: Any, value: str | None) -> str | None:
    return next((str(one.label) for one in choices if one.value == value), value)
