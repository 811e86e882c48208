"""Personal-data requests on screen: the register with its two terms, and what is done for each.

    list | enter | one request: answer, find the person, hand out, restrict, erase, close
         | holds: cases that are kept whatever their age

What may surprise: looking for a person is a post, so that no name stands in an address or a log; and what
was found comes back with what was sought in hidden fields, because the next step needs both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from aggregator.domain.people import Right
from aggregator.domain.privacy import Asks, CameBy, Outcome, Owed
from aggregator.domain.retention import Stays
from aggregator.domain.subject import Sought
from aggregator.domain.worktime import VN
from aggregator.errors import AggregatorError, InputInvalid, MoveNotAllowed
from aggregator.services.privacy.erasing import Erased, Way
from aggregator.services.privacy.finding import FoundCase
from aggregator.services.privacy.holds import HoldReason
from aggregator.services.privacy.register import Asked
from inbox_web.access import actor, open_to, services
from inbox_web.errors import message
from inbox_web.forms import a_moment, guards, number, once, one_of, say
from inbox_web.language import _, _l

blueprint = Blueprint("privacy", __name__)

Answer = str | BaseResponse | tuple[str, int]

ASKS = {
    Asks.ACCESS: _l("See their data"),
    Asks.CORRECT: _l("Correct their data"),
    Asks.ERASE: _l("Erase their data"),
    Asks.RESTRICT: _l("Restrict the processing"),
    Asks.OBJECT: _l("Object to the processing"),
    Asks.WITHDRAW: _l("Withdraw their consent"),
}
CAME_BY = {
    CameBy.IN_PERSON: _l("at the office"),
    CameBy.PHONE: _l("by telephone"),
    CameBy.POST: _l("by post"),
    CameBy.EMAIL: _l("by e-mail"),
    CameBy.PORTAL: _l("through a portal"),
}
OUTCOMES = {
    Outcome.DONE: _l("Done"),
    Outcome.PARTLY: _l("Done in part"),
    Outcome.REFUSED: _l("Refused, with the reason told"),
    Outcome.TAKEN_BACK: _l("Taken back by the person"),
}
OWED = {
    Owed.ANSWER_LATE: _l("The answer is overdue"),
    Owed.DONE_LATE: _l("Overdue"),
    Owed.ANSWER_SOON: _l("To be answered within a day"),
    Owed.DONE_SOON: _l("To be done within three days"),
    Owed.ANSWER: _l("To be answered"),
    Owed.DONE: _l("Answered, to be done"),
    Owed.NOTHING: _l("Closed"),
}
WAYS = {
    Way.IDENTITY: _l("Only who sent it: nobody can tell any more whose report it is"),
    Way.REDACT: _l("Who sent it, and the person's name and numbers in every text"),
    Way.ALL: _l("All of it: not a word of the report stays"),
}
STAYS = {
    Stays.HOLD: _l("held"),
    Stays.LEGAL: _l("complaint or denunciation"),
    Stays.SENDING: _l("an answer is on its way"),
    Stays.REQUEST: _l("a personal-data request is open"),
    Stays.OPEN: _l("waits for a person"),
}
ACTS = {
    "exported": _l("handed out"),
    "restricted": _l("restricted"),
    "lifted": _l("restriction lifted"),
    "identity": _l("sender erased"),
    "redact": _l("redacted"),
    "all": _l("erased"),
}
BY = {
    "phone": _l("telephone"),
    "email": _l("e-mail"),
    "name": _l("name"),
    "id_number": _l("ID number"),
    "text": _l("named in the text"),
    "code": _l("case code"),
}
HOLDS = {
    HoldReason.COMPLAINT: _l("A complaint is being settled"),
    HoldReason.INSPECTION: _l("An inspection"),
    HoldReason.COURT: _l("A court case"),
    HoldReason.OTHER: _l("Another reason"),
}
_LINES = ("name", "phone", "email", "address", "id_number", "for_whom", "words")
_SOUGHT = ("name", "phone", "email", "id_number", "address")


@blueprint.get("/privacy/requests")
@open_to(Right.PRIVACY)
def page() -> str:
    is_open = "closed" not in request.args
    before = request.args.get("before", type=int) or 2**62
    found = services().register.list(actor(), is_open=is_open, before=before)
    return render_template("privacy/list.html", found=found, is_open=is_open, **_words())


@blueprint.get("/privacy/requests/new")
@open_to(Right.PRIVACY)
def new() -> str:
    return _form({})


@blueprint.post("/privacy/requests")
@open_to(Right.PRIVACY)
def enter() -> Answer:
    try:
        asked = Asked(**{name: request.form.get(name, "") for name in _LINES})
        made = services().register.enter(
            actor(), one_of(Asks, "kind"), one_of(CameBy, "came_by"), a_moment("received_at"), asked,
            ward=request.form.get("ward") or None, once=once(),
        )  # fmt: skip
    except InputInvalid as error:
        return _form(request.form, error), 422
    say(_("Entered. Its two terms run from the moment it was received."))
    return redirect(url_for("privacy.one", request_id=made), code=303)


@blueprint.get("/privacy/requests/<int:request_id>")
@open_to(Right.PRIVACY)
def one(request_id: int) -> str:
    return _one(request_id)


@blueprint.post("/privacy/requests/<int:request_id>/answer")
@open_to(Right.PRIVACY)
def answer(request_id: int) -> Answer:
    try:
        services().register.answer(actor(), request_id, request.form.get("text", ""), **guards())
    except (InputInvalid, MoveNotAllowed) as error:
        return _one(request_id, error=error), 422
    say(_("Recorded as answered."))
    return _back(request_id)


@blueprint.post("/privacy/requests/<int:request_id>/close")
@open_to(Right.PRIVACY)
def close(request_id: int) -> Answer:
    try:
        services().register.close(actor(), request_id, one_of(Outcome, "outcome"), **guards())
    except (InputInvalid, MoveNotAllowed) as error:
        return _one(request_id, error=error), 422
    say(_("The request is closed."))
    return _back(request_id)


@blueprint.post("/privacy/requests/<int:request_id>/find")
@open_to(Right.PRIVACY)
def find(request_id: int) -> Answer:
    """Where the person is; changes nothing, and the look is in the ledger."""
    codes = request.form.get("codes", "").replace(",", " ").split()
    try:
        reason = f"#{request_id}"
        found = services().finding.find(actor(), _sought(), reason, codes)
    except InputInvalid as error:
        return _one(request_id, error=error), 422
    return _one(request_id, found=found)


@blueprint.post("/privacy/requests/<int:request_id>/document")
@open_to(Right.PRIVACY)
def document(request_id: int) -> Answer:
    """The person's own data: a page to print, or one JSON file."""
    told = services().granting.document(actor(), request_id, _chosen())
    if request.form.get("as") == "json":
        name = f"du-lieu-ca-nhan-{request_id}.json"
        return Response(
            json.dumps(told, ensure_ascii=False, indent=2), mimetype="application/json",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )  # fmt: skip
    return render_template("privacy/document.html", told=told, moment=datetime.fromisoformat, **_words())


@blueprint.post("/privacy/requests/<int:request_id>/restrict")
@open_to(Right.PRIVACY)
def restrict(request_id: int) -> Answer:
    hidden = services().granting.restrict(actor(), request_id, _chosen())
    say(_("Out of sight now: the senders of %(n)s reports.", n=hidden), bad=not hidden)
    return _back(request_id)


@blueprint.post("/privacy/requests/<int:request_id>/lift")
@open_to(Right.PRIVACY)
def lift(request_id: int) -> Answer:
    services().granting.lift(actor(), request_id, _chosen())
    say(_("The restriction is lifted."))
    return _back(request_id)


@blueprint.post("/privacy/requests/<int:request_id>/erase")
@open_to(Right.PRIVACY)
def erase(request_id: int) -> Answer:
    try:
        # Who erases for a request that is not theirs to see learns no more than of a missing one.
        services().register.request(actor(), request_id)
        way = one_of(Way, "way")
        if "sure" not in request.form:
            raise InputInvalid(
                "say that you are sure", field="sure",
                message_vi="Việc xoá không khôi phục được. Hãy đánh dấu xác nhận rồi bấm Xoá.",
            )  # fmt: skip
        done = services().erasing.erase(
            actor(), request_id, _sought(), _chosen(), way, files="files" in request.form
        )
    except InputInvalid as error:
        return _one(request_id, error=error), 422
    say(_told(done), bad=bool(done.kept))
    return _back(request_id)


@blueprint.get("/privacy/holds")
@open_to(Right.PRIVACY)
def holds() -> str:
    return _holds()


@blueprint.post("/privacy/holds")
@open_to(Right.PRIVACY)
def hold() -> Answer:
    given = request.form
    try:
        services().holds.put(
            actor(), given.get("code", ""), one_of(HoldReason, "reason"), given.get("note", "")
        )
    except (InputInvalid, MoveNotAllowed) as error:
        return _holds(error), 422
    say(_("The case is held: nothing of it is forgotten until you lift that."))
    return redirect(url_for("privacy.holds"), code=303)


@blueprint.post("/privacy/holds/lift")
@open_to(Right.PRIVACY)
def lift_hold() -> Answer:
    services().holds.lift(actor(), number("case_id") or 0)
    say(_("The hold is lifted."))
    return redirect(url_for("privacy.holds"), code=303)


def _told(done: Erased) -> str:
    told = _(
        "Erased from %(cases)s cases: %(reports)s reports, %(answers)s answers, %(entries)s notes, %(files)s"
        " files.",
        cases=done.cases, reports=done.reports, answers=done.answers, entries=done.entries, files=done.files,
    )  # fmt: skip
    for code, why in done.kept.items():
        told += " " + _("%(code)s stays for now: %(why)s.", code=code, why=STAYS[why])
    return told


def _one(
    request_id: int, *, found: tuple[FoundCase, ...] | None = None, error: AggregatorError | None = None
) -> str:
    view = services().register.request(actor(), request_id)
    asked = {name: (view.asked or {}).get(name, "") for name in _SOUGHT}
    sought = {name: request.form.get(name, asked[name]) for name in _SOUGHT}
    return render_template(
        "privacy/request.html", view=view, found=found, sought=sought,
        codes=request.form.get("codes", ""), error=message(error) if error else "",
        erasing=services().retention.erasing(), **_words(),
    )  # fmt: skip


def _form(typed: Mapping[str, str], error: AggregatorError | None = None) -> str:
    return render_template(
        "privacy/form.html", typed=typed, error=message(error) if error else "",
        field=error.field if isinstance(error, InputInvalid) else "",
        wards=services().accounts.wards() if actor().ward is None else (),
        now_local=f"{services().clock().astimezone(VN):%Y-%m-%dT%H:%M}", **_words(),
    )  # fmt: skip


def _holds(error: AggregatorError | None = None) -> str:
    return render_template(
        "privacy/holds.html", holds=services().holds.list(actor()), typed=request.form,
        error=message(error) if error else "", **_words(),
    )  # fmt: skip


def _words() -> dict[str, Any]:
    return {
        "ASKS": ASKS, "CAME_BY": CAME_BY, "OUTCOMES": OUTCOMES, "OWED": OWED, "WAYS": WAYS, "STAYS": STAYS,
        "ACTS": ACTS, "BY": BY, "HOLDS": HOLDS,
    }  # fmt: skip


def _sought() -> Sought:
    return Sought(**{name: request.form.get(name, "")[:200] for name in _SOUGHT})


def _chosen() -> list[int]:
    return sorted({one for one in request.form.getlist("report_id", type=int) if 0 < one < 2**63})


def _back(request_id: int) -> BaseResponse:
    return redirect(url_for("privacy.one", request_id=request_id), code=303)
