"""Answers that a person brings to their source, and answers whose fate a person must decide.

    list (by need, channel, mine) | copy field by field | done: when, number, picture | undo
    not known whether it arrived: there / not there      ticked, but not shown: look again / bring it again

What may surprise: each form carries the version that its page was drawn from, so that a decision is never
taken on what somebody else, or a worker, has changed meanwhile; that is told beside the list and no error. A
tick that cannot be taken leads to the list that begins with it, with all that was typed still in its form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.errands import Need
from aggregator.domain.people import Right
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed
from aggregator.services.errand_page import ErrandFilter, need_of
from aggregator.services.errands import MOST_BYTES, MOST_REFERENCE, Done
from inbox_web.access import actor, open_to, safe_next, services
from inbox_web.downloads import download
from inbox_web.errors import message
from inbox_web.forms import a_moment, guards, say
from inbox_web.labels import ERRANDS
from inbox_web.language import _
from inbox_web.security import MAX_FORM_BYTES, takes_up_to
from inbox_web.wording import for_field

blueprint = Blueprint("manual", __name__)
#: What is read before the service judges: twice what it takes, so that who chose too large a picture keeps
#: what they typed.
_MOST = 2 * MOST_BYTES + MAX_FORM_BYTES


@dataclass(frozen=True, slots=True)
class Refused:
    """A tick that could not be taken: whose, why, which field it is (empty: none), and what was typed."""

    delivery_id: int
    error: str
    field: str
    done_at: str
    reference: str
    #: A picture was chosen, which no page can keep for its person.
    had_file: bool


def asked() -> ErrandFilter:
    """The filter that the address says; what cannot be read is no filter."""
    given = request.args
    need = need_of(given.get("need", ""))
    return ErrandFilter(
        need=need.word if need else "", channel=given.get("channel", ""), mine="mine" in given,
        after=given.get("after", ""),
    )  # fmt: skip


def address(chosen: ErrandFilter, **changes: Any) -> str:
    """The address of the list with some parts changed; a changed filter starts at the first page."""
    values = asdict(replace(chosen, **{"after": "", **changes}))
    values.pop("size")
    values["mine"] = 1 if values["mine"] else None
    return url_for("manual.page", **{name: value for name, value in values.items() if value})


@blueprint.get("/by-hand")
@open_to(Right.HANDLE)
def page() -> str:
    return _list(asked())


def _list(chosen: ErrandFilter, refused: Refused | None = None) -> str:
    found = services().errands.page(actor(), chosen)
    return render_template(
        "manual/page.html", page=found, chosen=chosen, address=address, Need=Need, ERRANDS=ERRANDS,
        latest=for_field(services().clock()), most_mb=MOST_BYTES // 1_000_000,
        most_reference=MOST_REFERENCE, refused=refused,
    )  # fmt: skip


@blueprint.get("/deliveries/<int:delivery_id>")
@open_to(Right.HANDLE)
def one(delivery_id: int) -> Response:
    """The page of the list that begins with this answer; the whole list where nothing is asked about it."""
    place = services().errands.place(actor(), delivery_id)
    if place is None:
        say(_("Nothing is asked about this answer any more."))
        return redirect(url_for("manual.page"), code=303)
    target = address(place, after=place.after)
    return redirect(f"{target}#d{delivery_id}", code=303)


@blueprint.post("/deliveries/<int:delivery_id>/done")
@takes_up_to(_MOST)
@open_to(Right.HANDLE)
def tick(delivery_id: int) -> Response | tuple[str, int]:
    try:
        services().errands.tick(actor(), delivery_id, _done(), **guards())
    except (NotAllowed, InputInvalid) as error:
        place = services().errands.place(actor(), delivery_id)
        if place is None or need_of(place.need) not in (Need.REFUSED, Need.MANUAL):
            return _told(message(error), bad=True)
        return _list(place, _refused(delivery_id, error)), 422
    undo = url_for("manual.untick", delivery_id=delivery_id)
    return _told(_("Ticked off. The citizen's source has the answer."), undo=undo)


@blueprint.post("/deliveries/<int:delivery_id>/not-done")
@open_to(Right.HANDLE)
def untick(delivery_id: int) -> Response:
    return _decide(
        lambda: services().errands.untick(actor(), delivery_id, **guards()),
        _("The tick is taken back: the answer waits again."),
    )


@blueprint.post("/deliveries/<int:delivery_id>/fate")
@open_to(Right.HANDLE)
def fate(delivery_id: int) -> Response:
    arrived = request.form.get("arrived") == "yes"
    return _decide(
        lambda: services().errands.resolve_unclear(actor(), delivery_id, arrived, **guards()),
        _("Noted: it arrived.") if arrived else _("Noted: it is sent again."),
        undo=url_for("manual.untick", delivery_id=delivery_id) if arrived else "",
    )


@blueprint.post("/deliveries/<int:delivery_id>/unseen")
@open_to(Right.HANDLE)
def unseen(delivery_id: int) -> Response:
    """The source does not show what was ticked off: wait again, or never for this source."""
    if request.form.get("do") == "silent":
        return _decide(
            lambda: services().errands.source_is_silent(actor(), delivery_id, **guards()),
            _("Noted: this source shows no answers. Nobody is asked about it any more."),
        )
    return _decide(
        lambda: services().errands.look_again(actor(), delivery_id, **guards()),
        _("Noted: the source gets another day to show it."),
    )


@blueprint.post("/deliveries/<int:delivery_id>/read")
@open_to(Right.HANDLE)
def read(delivery_id: int) -> Response:
    """Have the source read for this one report; the card shows what came when the page is loaded again."""
    return _decide(
        lambda: services().beliefs.read_again(actor(), delivery_id),
        _("The source is asked within seconds. Load this page again then."),
    )


@blueprint.post("/deliveries/<int:delivery_id>/retry")
@open_to(Right.HANDLE)
def retry(delivery_id: int) -> Response:
    return _decide(lambda: services().outbox.retry(actor(), delivery_id), _("It is tried again now."))


@blueprint.post("/by-hand/sources/<slug>/shows")
@open_to(Right.HANDLE)
def shows(slug: str) -> Response:
    return _decide(
        lambda: services().errands.source_speaks(actor(), slug),
        _("What is ticked off from now on is looked for at this source again."),
    )


@blueprint.get("/ticks/<int:tick_id>/file")
@open_to(Right.HANDLE)
def proof(tick_id: int) -> Response:
    """The picture handed in with a tick."""
    return download(*services().errands.proof(actor(), tick_id))


def _done() -> Done:
    file = request.files.get("file")
    done_at = a_moment("done_at") if request.form.get("done_at", "").strip() else None  # nothing typed is now
    return Done(done_at, request.form.get("reference", ""), file.read() if file and file.filename else b"")


def _refused(delivery_id: int, error: NotAllowed | InputInvalid) -> Refused:
    typed, file = request.form, request.files.get("file")
    return Refused(
        delivery_id, message(error), error.field if isinstance(error, InputInvalid) else "",
        typed.get("done_at", ""), typed.get("reference", ""), had_file=bool(file and file.filename),
    )  # fmt: skip


def _decide(act: Callable[[], object], done: str, *, undo: str = "") -> Response:
    """Back to where the person was. A message that somebody decided meanwhile is told, not an error."""
    try:
        act()
    except (NotAllowed, MoveNotAllowed, InputInvalid) as error:
        return _told(message(error), bad=True)
    return _told(done, undo=undo)


def _told(text: str, *, bad: bool = False, undo: str = "") -> Response:
    say(text, bad=bad, undo=undo)
    return redirect(safe_next(request.form.get("back") or url_for("manual.page")), code=303)
