"""What a channel sent that was not taken in: why, beside what was taken in before, and what to do with it."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.people import Right
from aggregator.errors import InputInvalid
from aggregator.services.polling import RunResult
from aggregator.services.quarantine import Beside
from inbox_web.access import actor, open_to, services
from inbox_web.errors import message
from inbox_web.forms import say
from inbox_web.language import _, current, ngettext

blueprint = Blueprint("quarantine", __name__)


@blueprint.get("/channels/<slug>/quarantine")
@open_to(Right.CHANNELS)
def page(slug: str) -> str:
    state = request.args.get("state", "open")
    before = request.args.get("before", type=int)
    return render_template(
        "quarantine/list.html",
        channel=services().channels.view(actor(), slug),
        found=services().quarantine.page(actor(), slug, state, before),
        state=state,
        before=before,
    )


@blueprint.get("/channels/<slug>/quarantine/<int:item_id>")
@open_to(Right.CHANNELS)
def item(slug: str, item_id: int) -> str:
    return _item(slug, services().quarantine.item(actor(), slug, item_id))


@blueprint.post("/channels/<slug>/quarantine/<int:item_id>/reveal")
@open_to(Right.UNMASK)
def reveal(slug: str, item_id: int) -> str | tuple[str, int]:
    """The pages with people's data in this one answer; no address carries it."""
    reason = request.form.get("reason", "")
    try:
        return _item(slug, services().quarantine.unmasked(actor(), slug, item_id, reason))
    except InputInvalid as error:
        return _item(slug, services().quarantine.item(actor(), slug, item_id), message(error)), 422


@blueprint.post("/channels/<slug>/replay")
@open_to(Right.OPERATE)
def replay(slug: str) -> Response:
    """Read the quarantined records (or one) again, with the connector as it is now."""
    one = request.form.get("item", type=int)
    _say_read(services().quarantine.replay(actor(), slug, one))
    return _to_list(slug)


@blueprint.post("/channels/<slug>/quarantine/<int:item_id>/accept")
@open_to(Right.OPERATE)
def accept(slug: str, item_id: int) -> Response:
    """It is right so: take the page in, and take its look for the channel's from now on."""
    result = services().quarantine.accept(actor(), slug, item_id)
    if result.outcome == "ok":
        say(_("Taken in as it is: %(n)s new or changed reports. The channel is read again now.",
              n=result.counts.stored))  # fmt: skip
    else:
        _say_read(result)
    return _to_list(slug)


@blueprint.post("/channels/<slug>/quarantine/dismiss")
@open_to(Right.OPERATE)
def dismiss(slug: str) -> Response:
    """Nobody needs to look at these again; their bytes stay."""
    chosen = request.form.getlist("item", type=int)
    if not chosen:
        say(_("Choose the items first."), bad=True)
        return _to_list(slug)
    done = services().quarantine.dismiss(actor(), slug, chosen, request.form.get("reason", ""))
    say(ngettext("%(num)s item was dismissed.", "%(num)s items were dismissed.", done))
    return _to_list(slug)


def _item(slug: str, found: Beside, error: str = "") -> str:
    channel = services().channels.view(actor(), slug)
    return render_template("quarantine/item.html", channel=channel, found=found, error=error)


def _say_read(result: RunResult) -> None:
    if result.outcome != "ok":
        say((result.error_vi if current() == "vi" else result.error) or _("failed"), bad=True)
        return
    said = _("Read again: %(good)s taken in, %(bad)s still cannot be read.",
             good=result.counts.seen - result.counts.quarantined, bad=result.counts.quarantined)  # fmt: skip
    say(said, bad=bool(result.counts.quarantined))


def _to_list(slug: str) -> Response:
    return redirect(url_for("quarantine.page", slug=slug), code=303)
