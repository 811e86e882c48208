"""Deadline rules on screen: what holds, since when, by which paper; changed in versions, tried before.

    list | one rule with its versions | the form asks for a trial (a plain GET) | save the next version
         | count open cases again: seen first, then asked for

What may surprise: everybody signed in may look, because everybody works by these rules; and a rule that
nobody confirmed says so in the same words wherever it is shown.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.day_table import a_date
from aggregator.domain.people import Right
from aggregator.domain.sla import Reopening, Step, Unit
from aggregator.domain.worktime import DayEnd
from aggregator.errors import InputInvalid
from aggregator.services.rule_proposals import CERTAINTIES, KINDS, URGENCIES
from inbox_web.access import Door, actor, open_to, services
from inbox_web.forms import guards, once, say, whole
from inbox_web.language import _
from inbox_web.wording import local

blueprint = Blueprint("deadline_rules", __name__)

#: Days that a trial may look back.
PERIODS = (7, 30, 90)
_TEXTS = ("name", "source", "certainty", "step")
_CONDITIONS = ("channel", "category", "urgency", "kind")


@blueprint.get("/settings/deadlines")
@open_to(Door.SIGNED_IN)
def page() -> str:
    return render_template(
        "rules/list.html", rules=services().rulebook.rules(actor()), jobs=_jobs(), mine=_mine()
    )


@blueprint.get("/settings/deadlines/new")
@open_to(Right.OPERATE)
def new() -> str:
    return render_template("rules/form.html", rule=None, policy=None, **_choices())


@blueprint.get("/settings/deadlines/rule/<key>")
@open_to(Door.SIGNED_IN)
def one(key: str) -> str:
    rule = services().rulebook.rule(actor(), key)
    policy = rule.versions[0].policy
    return render_template(
        "rules/form.html", rule=rule, policy=policy, jobs=_jobs(key), mine=_mine(), **_choices()
    )


@blueprint.get("/settings/deadlines/try")
@open_to(Right.OPERATE)
def trial() -> str:
    """What the last weeks would have been; the same fields then save it."""
    given = request.args
    key = given.get("key") or None
    retired = "retired" in given
    found = services().whatif.rule(
        actor(), {} if retired else _said(given), key=key, retired=retired,
        days=whole(given, "days") or 30, page=whole(given, "page") or 1,
    )  # fmt: skip
    asked = {name: value for name, value in given.items() if name != "page"}
    return render_template(
        "rules/trial.html", found=found, asked=asked, key=key, retired=retired,
        version=whole(given, "version"),
    )  # fmt: skip


@blueprint.post("/settings/deadlines/save")
@open_to(Right.OPERATE)
def save() -> Response:
    """A new rule, or the next version of the one that the form names."""
    form, book = request.form, services().rulebook
    key = form.get("key") or None
    if key is None:
        key = book.add(actor(), _said(form), why=form.get("why", ""), once=once())
        say(_("The rule is added. It holds for new reports from now on."))
    else:
        book.change(actor(), key, _said(form), why=form.get("why", ""), **guards())
        say(_("Saved as a new version. Open cases keep the deadline they have."))
    return redirect(url_for("deadline_rules.one", key=key), code=303)


@blueprint.post("/settings/deadlines/rule/<key>/state")
@open_to(Right.OPERATE)
def state(key: str) -> Response:
    """Apply it, keep it unapplied, or give it up."""
    book, why = services().rulebook, request.form.get("why", "")
    wanted = request.form.get("wanted", "")
    if wanted == "retire":
        book.retire(actor(), key, why=why, **guards())
        say(_("The rule is given up. Open cases keep the deadline they have."))
    else:
        book.apply(actor(), key, wanted == "apply", why=why, **guards())
        say(_("Saved as a new version. Open cases keep the deadline they have."))
    return redirect(url_for("deadline_rules.one", key=key), code=303)


@blueprint.get("/settings/deadlines/rule/<key>/recount")
@open_to(Right.OPERATE)
def preview(key: str) -> str:
    book = services().rulebook
    return render_template(
        "rules/recount.html", rule=book.rule(actor(), key),
        found=book.preview_recount(actor(), key, whole(request.args, "page") or 1),
    )  # fmt: skip


@blueprint.post("/settings/deadlines/rule/<key>/recount")
@open_to(Right.OPERATE)
def recount(key: str) -> Response:
    services().rulebook.recount(actor(), key, why=request.form.get("why", ""), once=once())
    say(_("Open cases are counted again in the background. The page shows how far it is."))
    return redirect(url_for("deadline_rules.one", key=key), code=303)


def _mine() -> bool:
    """Whether this person may change rules: they hold in every ward."""
    return actor().may(Right.OPERATE) and actor().ward is None


def _jobs(key: str | None = None) -> Any:
    found = services().calendars.recounts(actor(), "policy")
    return [job for job in found if key is None or job.rule_key == key]


def _choices() -> dict[str, Any]:
    offered = services().inbox.choices(actor())
    return {
        "categories": offered.categories, "channels": services().rulebook.channels(), "steps": list(Step),
        "units": list(Unit), "urgencies": URGENCIES, "kinds": KINDS, "certainties": CERTAINTIES,
        "today": local(services().clock()).date(), "periods": PERIODS,
    }  # fmt: skip


def _said(form: Any) -> dict[str, Any]:
    """What the form says, part by part; `InputInvalid` names the field that cannot be read."""
    found: dict[str, Any] = {name: form[name].strip() for name in _TEXTS if name in form}
    found |= {name: form.get(name, "").strip() or None for name in _CONDITIONS}
    for name in ("amount", "warn_percent"):
        found[name] = whole(form, name)
    found["warn_percent"] = found["warn_percent"] or 80
    found["unit"] = _member(Unit, form.get("unit"))
    found["day_end"] = _member(DayEnd, form.get("day_end") or DayEnd.END_OF_DAY)
    found["reopening"] = _member(Reopening, form.get("reopening") or Reopening.GOES_ON)
    found["valid_from"] = a_date(form.get("valid_from", ""))
    found["valid_to"] = a_date(form["valid_to"]) if form.get("valid_to", "").strip() else None
    several = form.get("several_units", "")
    found["several_units"] = None if several == "" else several == "yes"
    found["by_acknowledgement"] = form.get("by_acknowledgement") == "yes"
    found["escalate_hours"] = _levels(form.get("escalate_hours", ""))
    return found


def _member(kind: Any, given: Any) -> Any:
    try:
        return kind(given)
    except ValueError as error:
        raise InputInvalid(
            f"{given!r} is not offered", field="unit", message_vi="Hãy chọn một mục trong danh sách."
        ) from error


def _levels(typed: str) -> tuple[int, ...]:
    try:
        return tuple(int(each) for each in typed.replace(";", ",").split(",") if each.strip())
    except ValueError as error:
        raise InputInvalid(
            f"{typed[:20]!r} is no list of hours", field="escalate_hours",
            message_vi=f"“{typed[:20]}” không phải là dãy số giờ. Hãy ghi như 4, 8, 16.",
        ) from error  # fmt: skip
