"""Setting a channel up on screen: the form is the connector's own, secrets go one way only."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.people import Right
from aggregator.errors import InputInvalid
from aggregator.services.channel_settings import Form
from inbox_web.access import actor, open_to, services
from inbox_web.forms import say
from inbox_web.language import _

blueprint = Blueprint("channel_settings", __name__)


@blueprint.get("/channels/new")
@open_to(Right.OPERATE)
def new() -> str:
    """Which connector, and then its form."""
    kinds = services().channel_settings.kinds(actor())
    kind = request.args.get("kind", "")
    if kind not in {one[0] for one in kinds}:
        return render_template("channels/kinds.html", kinds=kinds)
    return _page(services().channel_settings.blank(actor(), kind))


@blueprint.post("/channels/new")
@open_to(Right.OPERATE)
def add() -> Response | str | tuple[str, int]:
    settings, kind = services().channel_settings, request.form.get("kind", "")
    try:
        slug = settings.add(actor(), kind, request.form)
    except InputInvalid as error:
        return _again(settings.blank(actor(), kind), error)
    say(_("The channel is made and read within seconds. Press Check to see whether everything works."))
    return redirect(url_for("channels.one", slug=slug), code=303)


@blueprint.get("/channels/<slug>/settings")
@open_to(Right.OPERATE)
def edit(slug: str) -> str:
    return _page(services().channel_settings.of(actor(), slug))


@blueprint.post("/channels/<slug>/settings")
@open_to(Right.OPERATE)
def change(slug: str) -> Response | tuple[str, int]:
    settings = services().channel_settings
    try:
        settings.change(actor(), slug, request.form)
    except InputInvalid as error:
        return _again(settings.of(actor(), slug), error)
    say(_("Saved. The channel tries at once with its new settings."))
    return redirect(url_for("channels.one", slug=slug), code=303)


def _again(form: Form, error: InputInvalid) -> tuple[str, int]:
    """The same page with what was typed, but for secrets, and what is wrong with it."""
    return _page(services().channel_settings.typed(form, request.form), error), 422


def _page(form: Form, error: InputInvalid | None = None) -> str:
    return render_template(
        "channels/settings.html", form=form, error=error, choices=services().inbox.choices(actor())
    )
