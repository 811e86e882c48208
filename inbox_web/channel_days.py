"""A channel's past on screen: its days beside the source's count, reading days again, diagnostics."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

from flask import Blueprint, redirect, render_template, request, url_for
from flask import Response as FileResponse
from werkzeug.wrappers import Response

from aggregator.domain.people import Right
from aggregator.errors import AggregatorError, ChannelError, MoveNotAllowed
from inbox_web.access import actor, open_to, services
from inbox_web.forms import a_day, say
from inbox_web.language import _, current

blueprint = Blueprint("channel_days", __name__)


@blueprint.get("/channels/<slug>/days")
@open_to(Right.CHANNELS)
def page(slug: str) -> str:
    product = services()
    channel, found = product.channels.view(actor(), slug), product.reconciling.page(actor(), slug)
    return render_template(
        "channels/days.html", channel=channel, found=found, week_ago=found.today - timedelta(days=6),
        backfills=product.backfills.list(actor(), slug), ways=product.backfills.ways(channel.kind),
    )  # fmt: skip


@blueprint.post("/channels/<slug>/days")
@open_to(Right.OPERATE)
def count(slug: str) -> Response:
    """Ask the source for its count. Slow: it goes over the network before it answers."""
    try:
        days = services().reconciling.count(actor(), slug, a_day("first"), a_day("last"))
    except (ChannelError, MoveNotAllowed) as error:
        say(_said(error), bad=True)
    else:
        lacking = sum(day.missing > 0 for day in days)
        if lacking:
            say(_("%(n)s days lack reports that the source has. Read them again.", n=lacking), bad=True)
        else:
            say(_("Every compared day is complete."))
    return _back(slug)


@blueprint.post("/channels/<slug>/backfills")
@open_to(Right.OPERATE)
def start(slug: str) -> Response:
    """By days, or by ids where some were typed."""
    ids = re.split(r"[\s,;]+", request.form.get("ids", "").strip())
    if ids != [""]:
        services().backfills.start(actor(), slug, ids=ids)
    else:
        services().backfills.start(actor(), slug, first=a_day("first"), last=_last())
    say(_("Reading begins within seconds. Regular polls go first."))
    return _back(slug)


@blueprint.post("/channels/<slug>/backfills/<int:backfill_id>")
@open_to(Right.OPERATE)
def steer(slug: str, backfill_id: int) -> Response:
    backfills = services().backfills
    if request.form.get("do") == "stop":
        backfills.stop(actor(), slug, backfill_id)
        say(_("Stopped. What was read stays."))
    else:
        backfills.go_on(actor(), slug, backfill_id)
        say(_("It goes on where it stopped."))
    return _back(slug)


@blueprint.get("/channels/<slug>/diagnostics")
@open_to(Right.OPERATE)
def diagnostics(slug: str) -> FileResponse:
    """Everything a maintainer needs and nothing of any citizen, as a file."""
    found = services().diagnostics.of(actor(), slug)
    answer = FileResponse(json.dumps(found, ensure_ascii=False, indent=1), mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{slug}-diagnostics.json"'
    return answer


def _last() -> date:
    return a_day("last" if request.form.get("last", "").strip() else "first")


def _said(error: AggregatorError) -> str:
    return error.message_vi if current() == "vi" else error.message


def _back(slug: str) -> Response:
    return redirect(url_for("channel_days.page", slug=slug), code=303)
