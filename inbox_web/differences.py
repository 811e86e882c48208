"""What sources show beside what we believe: all channels, one channel, and what a person does about it.

Each press is one verb. What may surprise: a remedy that changes a deadline, or many differences at once, is
shown first; only what was shown is then done, by its ids, so that nothing slips in between.
"""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.beliefs import Kind, Remedy
from aggregator.domain.people import Right
from aggregator.errors import InputInvalid, MoveNotAllowed
from aggregator.services.belief_verbs import MOST
from aggregator.services.belief_views import Settled
from inbox_web.access import actor, open_to, safe_next, services
from inbox_web.errors import message
from inbox_web.forms import once, one_of, say
from inbox_web.language import _, current, ngettext

blueprint = Blueprint("differences", __name__)

#: Refused ones that are named one by one.
NAMED = 5


@blueprint.get("/differences")
@open_to(Right.CHANNELS)
def summary() -> str:
    return render_template("differences/summary.html", channels=services().beliefs.summary(actor()))


@blueprint.get("/channels/<slug>/differences")
@open_to(Right.CHANNELS)
def page(slug: str) -> str:
    kind, settled = _kind(), request.args.get("state") == "settled"
    before = request.args.get("before", type=int)
    found = services().beliefs.page(actor(), slug, kind=kind, is_open=not settled, before=before)
    return render_template(
        "differences/page.html", found=found, kind=kind, settled=settled, before=before,
        unknown=_unknown(slug) if kind in (None, Kind.STATUS_UNMAPPED) else (),
        together=_together(found.items) if kind is not None and not settled else (),
    )  # fmt: skip


@blueprint.get("/channels/<slug>/differences/preview")
@open_to(Right.HANDLE)
def preview(slug: str) -> str | tuple[str, int]:
    """What a remedy would do to one difference (`id`) or to the newest of a kind."""
    return _preview(slug, request.args.getlist("id", type=int)[:MOST], request.args.get("remedy", ""))


@blueprint.post("/channels/<slug>/differences/settle")
@open_to(Right.HANDLE)
def settle_many(slug: str) -> Response | tuple[str, int] | str:
    """Do it to those that were shown and are still ticked."""
    remedy, ids = one_of(Remedy, "remedy"), request.form.getlist("id", type=int)
    if not ids:
        say(_("Choose the items first."), bad=True)
        return _back(slug)
    try:
        done = services().beliefs.settle_many(actor(), ids, remedy, reason=request.form.get("reason", ""))
    except InputInvalid as error:
        return _preview(slug, ids, remedy.value, message(error)), 422
    _say_settled(done, len(ids), remedy)
    return _back(slug)


@blueprint.post("/differences/<int:difference_id>")
@open_to(Right.HANDLE)
def settle(difference_id: int) -> Response:
    """One press on one difference; back to where the person was."""
    remedy, reason = one_of(Remedy, "remedy"), request.form.get("reason", "")
    try:
        services().beliefs.settle(actor(), difference_id, remedy, reason=reason, once=once())
    except (MoveNotAllowed, InputInvalid) as error:
        say(message(error), bad=True)
    else:
        say(_DONE[remedy]())
    return redirect(safe_next(request.form.get("back") or url_for("differences.summary")), code=303)


_DONE = {
    Remedy.ADOPT: lambda: _("Taken as our answer."),
    Remedy.NOT_OURS: lambda: _("Noted. It is told again only if its words change."),
    Remedy.AUTOMATIC: lambda: _("Noted. These words are no longer told in this channel."),
    Remedy.SEND_AGAIN: lambda: _("The source is looked at; our answer is sent where it is not there."),
    Remedy.REOPEN: lambda: _("The case is open again."),
    Remedy.TAKE_DEADLINE: lambda: _("The source's deadline counts now."),
    Remedy.ASK: lambda: _("The source is asked within seconds. Load this page again then."),
    Remedy.MOVED: lambda: _("Noted: the source has it under another number."),
    Remedy.KNOWN: lambda: _("Noted: it may stay so."),
}


def _preview(slug: str, ids: list[int], wanted: str, error: str = "") -> str:
    remedy = Remedy(wanted) if wanted in set(Remedy) else Remedy.KNOWN
    found = services().beliefs.page(actor(), slug, size=1)  # NotFound for who may not see any of it
    effects = services().beliefs.preview(actor(), remedy, ids=ids, slug=slug, kind=_kind())
    return render_template(
        "differences/preview.html", found=found, effects=effects, remedy=remedy, kind=_kind(), most=MOST,
        error=error, reason=request.form.get("reason", ""),
    )  # fmt: skip


def _kind() -> Kind | None:
    given = request.values.get("kind", "")
    return Kind(given) if given in set(Kind) else None


def _unknown(slug: str) -> tuple[object, ...]:
    """Status words without a meaning; what differs by one of them goes when it has one."""
    return services().status_words.unknown(actor(), slug)


def _together(items: tuple[object, ...]) -> tuple[Remedy, ...]:
    """What may be done to all of a kind: what is offered for the first of them."""
    offered: tuple[Remedy, ...] = getattr(items[0], "remedies", ()) if len(items) > 1 else ()
    return tuple(remedy for remedy in offered if remedy not in (Remedy.AUTOMATIC, Remedy.MOVED))


def _say_settled(done: Settled, wanted: int, remedy: Remedy) -> None:
    if remedy is Remedy.ASK:
        say(ngettext("%(num)s report is asked for.", "%(num)s reports are asked for.", done.done))
        return
    said = _("Done: %(done)s of %(wanted)s.", done=done.done, wanted=wanted)
    for code, vietnamese, english in done.refused[:NAMED]:
        said += f" {code}: {vietnamese if current() == 'vi' else english}"
    if len(done.refused) > NAMED:
        said += " " + _("And %(n)s more were not done.", n=len(done.refused) - NAMED)
    say(said, bad=bool(done.refused))


def _back(slug: str) -> Response:
    kind = _kind()
    return redirect(url_for("differences.page", slug=slug, kind=kind.value if kind else None), code=303)
