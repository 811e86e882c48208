"""What the status words of a channel's source mean: the unknown ones, the map, and the way out."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.people import Right
from aggregator.errors import InputInvalid
from aggregator.services.status_words import meaning
from inbox_web.access import actor, open_to, safe_next, services
from inbox_web.errors import message
from inbox_web.forms import say
from inbox_web.language import _, ngettext

blueprint = Blueprint("statuses", __name__)


@blueprint.get("/channels/<slug>/statuses")
@open_to(Right.CHANNELS)
def page(slug: str) -> str:
    return render_template("statuses/page.html", statuses=services().status_words.of(actor(), slug))


@blueprint.post("/channels/<slug>/statuses")
@open_to(Right.OPERATE)
def give(slug: str) -> Response:
    """One word, one meaning; or the channel's own entry is taken back."""
    word = request.form.get("word", "")
    try:
        status = None if "back" in request.form else meaning(request.form.get("status", ""))
        moved = services().status_words.say(actor(), slug, word, status)
    except InputInvalid as error:
        say(message(error), bad=True)
    else:
        say(_told(moved, back=status is None))
    home = url_for("statuses.page", slug=slug)
    return redirect(safe_next(request.form.get("next") or home), code=303)


def _told(moved: int, *, back: bool) -> str:
    kept = _("Taken back: the connector's map counts again.") if back else _("Kept.")
    reports = ngettext("%(num)s stored report follows.", "%(num)s stored reports follow.", moved)
    return f"{kept} {reports}" if moved else kept
