"""One case: what citizens wrote, what we owe them by when, and everything a person may do about it.

Each form is one route and one service verb. What may surprise: nothing a person typed is lost by a
refusal. Where somebody else changed the case meanwhile, the conflict page shows the case as it is
now and offers the same action again; where an entry is wrong, the page comes back with the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.people import Right
from aggregator.domain.workflow import ReplyKind, Status
from aggregator.errors import AggregatorError, InputInvalid, MoveNotAllowed, StaleWrite
from aggregator.services.views.case import CaseView
from aggregator.services.views.delivery import FileView, ReplyView
from inbox_web.access import Door, actor, open_to, safe_next, services
from inbox_web.downloads import download
from inbox_web.errors import message
from inbox_web.forms import a_day, files_again, guards, lost_files, number, once, one_of, say
from inbox_web.language import _
from inbox_web.wording import local

blueprint = Blueprint("case", __name__)

Answer = str | Response | tuple[str, int]

#: Not carried over to the conflict page: each page has its own.
PAGE_FIELDS = ("csrf_token", "version", "other_version", "once")


@dataclass(frozen=True, slots=True)
class Done:
    """What a change says afterwards, and where it leads."""

    text: str
    draft: str = ""
    link: str = ""
    case_id: int | None = None
    #: The ward that the case has gone to.
    ward: str = ""
    #: The decision that a button beside the words takes back, or another address that does so.
    decision: int | None = None
    undo: str = ""


@blueprint.get("/cases/<int:case_id>")
@open_to(Door.SIGNED_IN)
def page(case_id: int) -> str:
    view = services().cases.case(actor(), case_id)
    if view.row.unread and actor().may(Right.HANDLE):
        services().cases.mark_read(actor(), case_id)
    back = _taken_back(view, request.args.get("again", type=int))
    return case_page(view, typed=_typed_of(back), again=back.files if back else ())


@blueprint.post("/cases/<int:case_id>/note")
@open_to(Right.HANDLE)
def note(case_id: int) -> Answer:
    def act() -> Done:
        services().cases.note(actor(), case_id, request.form.get("text", ""), once=once())
        return Done(_("The note is saved. Only colleagues see it."), draft=f"note-{case_id}")

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/assign")
@open_to(Right.HANDLE)
def assign(case_id: int) -> Answer:
    def act() -> Done:
        unit_id, officer_id = number("unit_id"), number("officer_id")
        services().cases.assign(actor(), case_id, unit_id=unit_id, officer_id=officer_id, **guards())
        return Done(_("Assigned."))

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/units")
@open_to(Right.HANDLE)
def join_unit(case_id: int) -> Answer:
    """Another unit works on the case, beside the one that leads it."""

    def act() -> Done:
        day = a_day("unit_until") if request.form.get("unit_until", "").strip() else None
        unit_id, task = number("with_unit_id") or 0, request.form.get("task", "")
        services().case_units.join(actor(), case_id, unit_id, task, day, **guards())
        return Done(_("The unit works on it, too."))

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/units/<int:unit_id>")
@open_to(Right.HANDLE)
def unit_step(case_id: int, unit_id: int) -> Answer:
    """The unit has done its task, or works on the case no longer."""

    def act() -> Done:
        if request.form.get("step") == "done":
            services().case_units.done(actor(), case_id, unit_id, **guards())
            return Done(_("Noted: the unit has done its task."))
        services().case_units.leave(actor(), case_id, unit_id, **guards())
        return Done(_("The unit works on it no longer."))

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/move")
@open_to(Right.HANDLE)
def move(case_id: int) -> Answer:
    def act() -> Done:
        status = one_of(Status, "status")
        services().cases.move(actor(), case_id, status, request.form.get("reason", ""), **guards())
        return Done(_("The state was changed."))

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/pause")
@open_to(Right.HANDLE)
def pause(case_id: int) -> Answer:
    def act() -> Done:
        code, why = request.form.get("reason_code", ""), request.form.get("note", "")
        services().cases.pause(actor(), case_id, code, why, **guards())
        return Done(_("The clock stands still."))

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/resume")
@open_to(Right.HANDLE)
def resume(case_id: int) -> Answer:
    def act() -> Done:
        services().cases.resume(actor(), case_id, **guards())
        return Done(_("The clock runs again."))

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/split")
@open_to(Right.HANDLE)
def split(case_id: int) -> Answer:
    def act() -> Done:
        report_ids = [int(value) for value in request.form.getlist("report_id") if value.isdecimal()]
        if not report_ids:
            raise InputInvalid("no report is ticked", message_vi="Chưa chọn phản ánh nào để tách.")
        moved_to = services().cases.split(actor(), case_id, report_ids, **guards())
        return Done(
            _("Split. The ticked reports are a case of their own again."),
            link=url_for("case.page", case_id=moved_to),
        )

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/ward")
@open_to(Right.HANDLE)
def ward(case_id: int) -> Answer:
    """To another ward of this installation."""

    def act() -> Done:
        to = request.form.get("ward", "")
        code = services().placing.move(actor(), case_id, to, **guards())
        return Done(_("The case is in the other ward now, under the code %(code)s.", code=code), ward=to)

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/guide")
@open_to(Right.HANDLE)
def guide(case_id: int) -> Answer:
    """Not ours: the citizen is told whose it is."""

    def act() -> Done:
        to, body = request.form.get("ward", ""), request.form.get("body", "")
        services().placing.guide(actor(), case_id, to, body, **guards())
        return Done(_("The answer is on its way to every source."), draft=f"guide-{case_id}")

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/here")
@open_to(Right.HANDLE)
def here(case_id: int) -> Answer:
    def act() -> Done:
        services().placing.confirm(actor(), case_id, **guards())
        return Done(_("Noted: it belongs to this ward."))

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/address")
@open_to(Right.HANDLE)
def address(case_id: int) -> Answer:
    def act() -> Done:
        services().placing.correct(actor(), case_id, request.form.get("address", ""), **guards())
        return Done(_("The address was corrected."))

    return change(case_id, act)


@blueprint.post("/cases/<int:case_id>/reveal")
@open_to(Right.UNMASK)
def reveal(case_id: int) -> Answer:
    """The reporter's identity in this one answer; no address or cookie carries it."""
    report_id = number("report_id") or 0
    try:
        identity = services().cases.reveal(actor(), report_id, request.form.get("reason", ""))
    except InputInvalid as error:
        return case_page(services().cases.case(actor(), case_id), error=message(error)), 422
    return case_page(services().cases.case(actor(), case_id), revealed={report_id: identity})


@blueprint.get("/attachments/<int:attachment_id>")
@open_to(Door.SIGNED_IN)
def attachment(attachment_id: int) -> Response:
    """A citizen's file."""
    return download(*services().cases.attachment(actor(), attachment_id))


def change(case_id: int, act: Callable[[], Done]) -> Answer:
    """Do it and say so on the next page; a refusal keeps what was typed."""
    try:
        done = act()
    except (StaleWrite, InputInvalid, MoveNotAllowed) as error:
        if request.form.get("then") == "back":  # a list shows by itself how things are now
            say(message(error), bad=True)
            return redirect(_onward(case_id), code=303)
        if isinstance(error, StaleWrite):
            return _conflict(case_id, error), 409
        return case_page(
            services().cases.case(actor(), case_id), error=message(error), typed=request.form
        ), 422
    taken_back = url_for("duplicates.undo", decision_id=done.decision) if done.decision else done.undo
    say(done.text, link=done.link, sent=done.draft, undo=taken_back)
    if done.ward and not actor().sees(done.ward):
        return redirect(url_for("inbox.page"), code=303)
    return redirect(_onward(done.case_id or case_id), code=303)


def _onward(case_id: int) -> str:
    """Back to the case; or to the next one, or to the list, where the button said so."""
    if request.form.get("then") == "next":
        following = services().inbox.next_after(actor(), case_id)
        return url_for("case.page", case_id=following) if following else url_for("inbox.page")
    if request.form.get("then") == "back":
        return safe_next(request.form.get("back"))
    return url_for("case.page", case_id=case_id)


def _taken_back(view: CaseView, reply_id: int | None) -> ReplyView | None:
    """The answer that leads here, for who has taken it back."""
    mine = (reply for reply in view.replies if reply.withdrawn_by_id == actor().id)
    return next((reply for reply in mine if reply.id == reply_id), None)


def _typed_of(reply: ReplyView | None) -> Mapping[str, Any] | None:
    """Its words, as its form has them."""
    if reply is None:
        return None
    if reply.corrects is not None:
        return {"corrects": str(reply.corrects), "correction": reply.body.partition("\n")[2]}
    if reply.due_at is not None:
        return {"until": local(reply.due_at).date().isoformat(), "tell": reply.body}
    return {"kind": reply.kind, "body": reply.body, "transfer_to": reply.transfer_to}


def _ticked(view: CaseView) -> tuple[FileView, ...]:
    """The files that a refused form would have sent again."""
    wanted = set(files_again())
    gone = (reply for reply in view.replies if reply.withdrawn_at is not None)
    return tuple(file for reply in gone for file in reply.files if file.id in wanted)


def case_page(
    view: CaseView,
    *,
    error: str = "",
    typed: Mapping[str, Any] | None = None,
    again: Sequence[FileView] = (),
    revealed: Mapping[int, Mapping[str, str | None]] | None = None,
) -> str:
    """The page of a case: with what was wrong and typed, or with identities that were asked for."""
    return render_template(
        "case/page.html",
        case=view,
        row=view.row,
        choices=services().inbox.choices(actor()),
        channels=_channel_names(view),
        error=error,
        typed=typed or {},
        lost_files=lost_files(),
        again=[file for file in again or _ticked(view) if file.there],
        revealed=revealed or {},
        differences=services().beliefs.of_case(actor(), view.row.id),
        bodies=_bodies(view),
    )


def _bodies(view: CaseView) -> tuple[str, ...]:
    """Names to suggest for who goes on with the case, where it may be handed on."""
    if ReplyKind.TRANSFER not in view.offered or not actor().may(Right.HANDLE):
        return ()
    return services().bodies.known(actor(), view.row.id)


def _conflict(case_id: int, error: AggregatorError) -> str:
    """The case as it is now, and the same action once more with everything that was typed."""
    fields = [
        (name, value) for name, value in request.form.items(multi=True) if name not in PAGE_FIELDS and value
    ]
    view = services().cases.case(actor(), case_id)
    return render_template(
        "case/conflict.html",
        case=view,
        channels=_channel_names(view),
        fields=fields,
        action=request.path,
        lost_files=lost_files(),
        why=message(error),
    )


def _channel_names(view: CaseView) -> dict[str, str]:
    """Slug -> title of every channel that the page's events may name."""
    names = {view.row.channel_slug: view.row.channel}
    names |= {report.channel_slug: report.channel for report in view.reports}
    for reply in view.replies:
        names |= {delivery.channel_slug: delivery.channel for delivery in reply.deliveries}
    return names
