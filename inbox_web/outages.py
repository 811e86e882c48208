"""Outages on screen: a channel's, one with what shows it, and the leaders' numbers of a period."""

from __future__ import annotations

from io import BytesIO

from flask import Blueprint, redirect, render_template, request, url_for
from flask import Response as FileResponse
from werkzeug.wrappers import Response

from aggregator.domain.people import Right
from aggregator.errors import InputInvalid
from aggregator.services.outages import as_csv
from aggregator.services.views.outages import OutageFigures
from inbox_web.access import actor, open_to, services
from inbox_web.downloads import download
from inbox_web.errors import message
from inbox_web.forms import as_day, say
from inbox_web.language import _

blueprint = Blueprint("outages", __name__)


@blueprint.get("/channels/<slug>/outages")
@open_to(Right.CHANNELS)
def of_channel(slug: str) -> str:
    product = services()
    channel, found = product.channels.view(actor(), slug), product.outages.of_channel(actor(), slug)
    return render_template("outages/channel.html", channel=channel, outages=found)


@blueprint.get("/channels/<slug>/outages/<int:outage_id>")
@open_to(Right.CHANNELS)
def one(slug: str, outage_id: int) -> str:
    return _one(slug, outage_id)


def _one(slug: str, outage_id: int, error: str = "") -> str:
    product = services()
    story, channel = product.outages.story(actor(), slug, outage_id), product.channels.view(actor(), slug)
    return render_template("outages/one.html", channel=channel, story=story, error=error)


@blueprint.post("/channels/<slug>/outages/<int:outage_id>/screenshots")
@open_to(Right.CHANNELS)
def attach(slug: str, outage_id: int) -> Response | tuple[str, int]:
    file = request.files.get("file")
    try:
        services().outages.attach(actor(), slug, outage_id, file.read() if file else b"")
    except InputInvalid as error:
        return _one(slug, outage_id, message(error)), 422
    say(_("The picture is kept with the outage."))
    return redirect(url_for("outages.one", slug=slug, outage_id=outage_id), code=303)


@blueprint.get("/channels/<slug>/outages/<int:outage_id>/kept/<int:proof_id>")
@open_to(Right.CHANNELS)
def proof(slug: str, outage_id: int, proof_id: int) -> Response:
    """What the source said, or a screenshot: always as a download, never shown inside our pages."""
    content, kind, name = services().outages.proof(actor(), slug, outage_id, proof_id)
    return download(BytesIO(content), name, kind)


@blueprint.get("/dashboard/outages")
@open_to(Right.DASHBOARD)
def figures() -> str:
    return render_template("outages/figures.html", figures=_figures())


@blueprint.get("/dashboard/outages.csv")
@open_to(Right.DASHBOARD)
def export() -> FileResponse:
    found = _figures()
    name = f"gian-doan-{found.first:%Y%m%d}-{found.last:%Y%m%d}.csv"
    # The mark in front tells spreadsheet programs that it is UTF-8.
    return FileResponse(
        "\ufeff" + as_csv(found), mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )  # fmt: skip


def _figures() -> OutageFigures:
    first, last = (request.args.get(name, "").strip() for name in ("first", "last"))
    return services().outages.figures(
        actor(), as_day(first, "first") if first else None, as_day(last, "last") if last else None
    )
