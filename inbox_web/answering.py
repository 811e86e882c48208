"""Answering a case, taking an answer back, correcting one; and how each ward does that.

What may surprise: taking back leads to the case's page with the words in the form again, but no address
carries them: it names the answer, and the page gives the words only to who took it back.
"""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.people import Right
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import InputInvalid, MoveNotAllowed
from inbox_web.access import Door, actor, open_to, services
from inbox_web.case import Answer, Done, change
from inbox_web.downloads import download
from inbox_web.errors import message
from inbox_web.forms import a_day, chosen_files, guards, once, one_of, say, whole
from inbox_web.language import _
from inbox_web.security import takes_answer_files

blueprint = Blueprint("answers", __name__)


@blueprint.post("/cases/<int:case_id>/reply")
@takes_answer_files
@open_to(Right.HANDLE)
def reply(case_id: int) -> Answer:
    def act() -> Done:
        kind, to = one_of(ReplyKind, "kind"), request.form.get("transfer_to", "")
        given = services().cases.reply(
            actor(), case_id, kind, request.form.get("body", ""),
            transfer_to=to, files=chosen_files(), **guards(),
        )  # fmt: skip
        return on_its_way(case_id, given, draft=f"reply-{case_id}")

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/replies/<int:reply_id>/correct")
@takes_answer_files
@open_to(Right.HANDLE)
def correct(case_id: int, reply_id: int) -> Answer:
    def act() -> Done:
        words = request.form.get("correction", "")
        given = services().cases.correct(actor(), case_id, reply_id, words, files=chosen_files(), **guards())
        return on_its_way(case_id, given, draft=f"correct-{reply_id}")

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/extend")
@takes_answer_files
@open_to(Right.HANDLE)
def extend(case_id: int) -> Answer:
    """Give the deadline's one extension; an answer where the citizen is told of it."""

    def act() -> Done:
        why, tell = request.form.get("why", ""), request.form.get("tell", "")
        given = services().cases.extend(
            actor(), case_id, a_day("until"), why, tell, files=chosen_files(), **guards()
        )
        extended = _("The deadline is extended.")
        if given is None:
            return Done(extended)
        leaving = on_its_way(case_id, given)
        return replace(leaving, text=f"{extended} {leaving.text}")

    return change(case_id, act)


@blueprint.get("/answer-files/<int:file_id>")
@open_to(Door.SIGNED_IN)
def file(file_id: int) -> Response:
    """A file that goes with an answer."""
    return download(*services().cases.answer_file(actor(), file_id))


def on_its_way(case_id: int, reply_id: int, *, draft: str = "") -> Done:
    """What is said after an answer: how long it can be taken back, and the button for that."""
    left = services().cases.undo_left(actor(), case_id, reply_id)
    if left is None:
        return Done(_("The answer is on its way to every source."), draft=draft)
    return Done(
        _("The answer leaves in %(n)s seconds. Until then it can be taken back.", n=left),
        draft=draft,
        undo=url_for("answers.withdraw", case_id=case_id, reply_id=reply_id),
    )


@blueprint.post("/cases/<int:case_id>/replies/<int:reply_id>/withdraw")
@open_to(Right.HANDLE)
def withdraw(case_id: int, reply_id: int) -> Response:
    """The answer never was. What has left already is told, not an error."""
    try:
        services().cases.withdraw_reply(actor(), case_id, reply_id, once=once())
    except MoveNotAllowed as error:
        say(message(error), bad=True)
        return redirect(url_for("case.page", case_id=case_id), code=303)
    say(_("Taken back: nothing was sent. The words are in the form again."))
    return redirect(url_for("case.page", case_id=case_id, again=reply_id, _anchor="reply"), code=303)


@blueprint.get("/answers")
@open_to(Right.OPERATE)
def page() -> str:
    return _page()


@blueprint.post("/answers")
@open_to(Right.OPERATE)
def put() -> Answer:
    given = request.form
    try:
        services().answer_settings.put(
            actor(), given.get("ward", ""), undo_s=whole(given, "undo_s"),
            acknowledges="acknowledges" in given, once=once(),
        )  # fmt: skip
    except InputInvalid as error:
        return _page(message(error)), 422
    say(_("Saved. It holds from the next answer on."))
    return redirect(url_for("answers.page"), code=303)


def _page(error: str = "") -> str:
    wards = services().answer_settings.of_wards(actor())
    return render_template("answers/page.html", wards=wards, error=error)
