"""Where reports come from: does each channel live, and if not, why and what to do."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.people import Right
from inbox_web.access import actor, open_to, services
from inbox_web.forms import say
from inbox_web.language import _

blueprint = Blueprint("channels", __name__)

#: Outages that the channel's page shows; all of them have a page of their own.
NEWEST_OUTAGES = 5


@blueprint.get("/channels")
@open_to(Right.CHANNELS)
def page() -> str:
    return render_template("channels/list.html", channels=services().channels.list(actor()))


@blueprint.get("/channels/<slug>")
@open_to(Right.CHANNELS)
def one(slug: str) -> str:
    return _one(slug)


@blueprint.post("/channels/<slug>/poll")
@open_to(Right.OPERATE)
def poll(slug: str) -> Response:
    services().channels.poll_now(actor(), slug)
    return _back(slug, _("The channel is asked within seconds."))


@blueprint.post("/channels/<slug>/pause")
@open_to(Right.OPERATE)
def pause(slug: str) -> Response:
    services().channels.pause(actor(), slug)
    return _back(slug, _("Paused. Nothing is fetched or sent until you resume it."))


@blueprint.post("/channels/<slug>/resume")
@open_to(Right.OPERATE)
def resume(slug: str) -> Response:
    services().channels.resume(actor(), slug)
    return _back(slug, _("Resumed. What came meanwhile is fetched now."))


@blueprint.post("/channels/<slug>/check")
@open_to(Right.OPERATE)
def check(slug: str) -> str:
    """Ask the portal step by step. Slow: it goes over the network before it answers."""
    services().channels.view(actor(), slug)  # NotFound for who may not see it
    return _one(slug, steps=services().channels.check(slug))


@blueprint.post("/channels/<slug>/calls/replay")
@open_to(Right.OPERATE)
def replay_calls(slug: str) -> Response:
    """Read the kept calls again, with the connector as it is now."""
    services().webhooks.replay(actor(), slug)
    return _back(slug, _("The kept calls are read again within seconds."))


@blueprint.post("/channels/<slug>/pins")
@open_to(Right.OPERATE)
def pin(slug: str) -> Response:
    """Watch one known report: it is read again now and then, and must be what is stored."""
    services().canaries.pin(actor(), slug, request.form.get("report", ""))
    return _back(slug, _("Pinned. It is read again with the next poll."))


@blueprint.post("/channels/<slug>/pins/remove")
@open_to(Right.OPERATE)
def unpin(slug: str) -> Response:
    services().canaries.unpin(actor(), slug, request.form.get("report", ""))
    return _back(slug, _("No longer pinned."))


def _one(slug: str, **more: Any) -> str:
    channel, calls = services().channels.view(actor(), slug), services().webhooks.view(actor(), slug)
    base = services().settings.public_url.rstrip("/") or request.url_root.rstrip("/")
    quality, pinned = services().channels.quality(channel.kind), services().canaries.of(actor(), slug)
    differing = services().beliefs.count(actor(), slug)
    outages = services().outages.of_channel(actor(), slug, limit=NEWEST_OUTAGES)
    return render_template(
        "channels/one.html",
        channel=channel,
        calls=calls,
        base=base,
        quality=quality,
        pinned=pinned,
        differing=differing,
        outages=outages,
        unknown=services().status_words.unknown(actor(), slug),
        **more,
    )


def _back(slug: str, text: str) -> Response:
    say(text)
    return redirect(url_for("channels.one", slug=slug), code=303)
