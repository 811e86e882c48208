"""How long data is kept, on screen: the rules, the dry run, and switching the nightly run on.

What may surprise: the switch carries the numbers of the dry run that the person saw; where more is due by
the time they press it, they are asked to look again. A run from here is a part, the rest goes by night.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.people import Right
from aggregator.domain.retention import LONGEST, OF_CASES, SHORTEST, Certainty, Kind
from aggregator.errors import AggregatorError, InputInvalid, StaleWrite
from inbox_web.access import actor, open_to, services
from inbox_web.errors import message
from inbox_web.forms import once, one_of, say, whole
from inbox_web.language import _, _l
from inbox_web.privacy import STAYS

blueprint = Blueprint("retention", __name__)

Answer = str | Response | tuple[str, int]

#: What one press forgets at most of each kind, so that the page answers.
PART = 200

KINDS = {
    Kind.IDENTITY: _l("Who reported: name, telephone, e-mail, address, ID"),
    Kind.FILES: _l("Attachments"),
    Kind.RAW: _l("Raw items as the source sent them"),
    Kind.TEXT: _l("Words and places of reports"),
    Kind.ANSWERS: _l("Officers' answers"),
    Kind.NOTES: _l("Officers' notes and reasons"),
    Kind.PAGES: _l("Archived pages of polls"),
    Kind.QUARANTINE: _l("Settled items that could not be read"),
    Kind.CALLS: _l("Kept calls of sources"),
    Kind.EVIDENCE: _l("Pages and pictures kept of outages"),
    Kind.REQUESTS: _l("Personal-data requests: who asked, what was answered"),
}
CERTAINTIES = {
    Certainty.PROPOSAL: _l("proposal, not law: no paper is named"),
    Certainty.DECIDED: _l("decided"),
}


@blueprint.get("/settings/retention")
@open_to(Right.OPERATE)
def page() -> str:
    return _page()


@blueprint.post("/settings/retention/rule")
@open_to(Right.OPERATE)
def rule() -> Answer:
    given = request.form
    try:
        days = None if "keep" in given else whole(given, "days")
        if days is None and "keep" not in given:
            raise InputInvalid("how many days?", field="days", message_vi="Hãy nhập số ngày.")
        services().retention_policy.change(
            actor(), one_of(Kind, "kind"), days, source=given.get("source", ""), why=given.get("why", ""),
            once=once(),
        )  # fmt: skip
    except InputInvalid as error:
        return _page(error), 422
    say(_("Saved. It holds from the next run on."))
    return _back()


@blueprint.post("/settings/retention/turn")
@open_to(Right.OPERATE)
def turn() -> Answer:
    on = request.form.get("on") == "1"
    due = {line.kind.value: line.count for line in services().retention.plan(actor())}
    seen = {kind: whole(request.form, f"seen-{kind}") or 0 for kind in due}
    try:
        services().retention_policy.turn(actor(), on, seen, due)
    except StaleWrite as error:
        return _page(error), 409
    say(_("Every night what is due is forgotten.") if on else _("Nothing is forgotten by itself any more."))
    return _back()


@blueprint.post("/settings/retention/run")
@open_to(Right.OPERATE)
def run() -> Answer:
    """A part of what is due, at once."""
    if "sure" not in request.form:
        error = InputInvalid(
            "say that you are sure", field="sure",
            message_vi="Việc xoá không khôi phục được. Hãy đánh dấu xác nhận.",
        )  # fmt: skip
        return _page(error), 422
    done = services().retention.run(actor(), limit=PART)
    say(_("Forgotten: %(n)s.", n=done.total()) if done else _("Nothing was due."))
    return _back()


def _page(error: AggregatorError | None = None) -> str:
    retention, person = services().retention, actor()
    return render_template(
        "retention/page.html", plan=retention.plan(person), rules=services().retention_policy.rules(person),
        switch=services().retention_policy.switch(person), runs=retention.runs(person),
        erasing=retention.erasing(), holds=services().holds.list(person), mine=person.ward is None,
        error=message(error) if error else "", KINDS=KINDS, CERTAINTIES=CERTAINTIES, STAYS=STAYS,
        of_cases=OF_CASES, part=PART, shortest=SHORTEST, longest=LONGEST,
    )  # fmt: skip


def _back() -> Response:
    return redirect(url_for("retention.page"), code=303)
