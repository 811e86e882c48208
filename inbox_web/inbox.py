"""The inbox: every channel in one list, the most urgent first.

The address is the filter: what a person sees can be sent to a colleague as a link. What may
surprise: the list never moves by itself. The page asks now and then how many cases have come since
it was drawn and says so in a bar; loading them is the person's choice.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from flask import Blueprint, jsonify, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.services.views.inbox import InboxFilter
from inbox_web.access import Door, actor, open_to, services
from inbox_web.labels import VIEWS

blueprint = Blueprint("inbox", __name__)


def asked() -> InboxFilter:
    """The filter that the address says; what cannot be read is no filter."""
    given = request.args
    return InboxFilter(
        view=given.get("view", "open") if given.get("view") in VIEWS else "open",
        q=given.get("q", "").strip()[:200],
        channel=given.get("channel", ""),
        category=given.get("category", ""),
        unit=given.get("unit", type=int),
        officer=given.get("officer", type=int),
        status=given.get("status", ""),
        ward=given.get("ward", ""),
        after=given.get("after", ""),
    )


def address(chosen: InboxFilter, **changes: Any) -> str:
    """The address of the list with some parts changed; a changed filter starts at the first page."""
    values = asdict(replace(chosen, **{"after": "", **changes}))
    values.pop("size")
    if values["view"] == "open":
        values.pop("view")
    return url_for("inbox.page", **{name: value for name, value in values.items() if value not in ("", None)})


@blueprint.get("/")
@open_to(Door.SIGNED_IN)
def page() -> str:
    chosen = asked()
    found = services().inbox.page(actor(), chosen)
    return render_template(
        "inbox/page.html",
        page=found,
        chosen=chosen,
        choices=services().inbox.choices(actor()),
        address=address,
        filtered=chosen != InboxFilter(view=chosen.view, after=chosen.after),
        narrowed=chosen != InboxFilter(view=chosen.view, after=chosen.after, q=chosen.q),
    )


@blueprint.get("/arrived")
@open_to(Door.SIGNED_IN)
def arrived() -> Response:
    """How many cases came after case `after`; 304 while the answer stays the same."""
    count = services().inbox.arrived(actor(), request.args.get("after", 0, type=int))
    response = jsonify(n=count)
    response.headers["Cache-Control"] = "no-cache, private"
    response.set_etag(f"{actor().id}-{count}")
    return response.make_conditional(request)
