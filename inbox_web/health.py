"""Two questions of a watchdog: does the process live, and can it serve?"""

from __future__ import annotations

from flask import Blueprint, Response

from inbox_web.access import Door, open_to, services

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@open_to(Door.PUBLIC)
def alive() -> Response:
    return Response("ok\n", content_type="text/plain")


@blueprint.get("/readyz")
@open_to(Door.PUBLIC)
def ready() -> Response:
    """200 where the database answers, else the 503 of the error page."""
    services().accounts.wards()
    return Response("ok\n", content_type="text/plain")
