"""The door for sources that call us: no session, no form token; the signature is the connector's to judge.

    POST /intake/<channel>   a call       GET /intake/<channel>   a handshake, where a connector has one

What may surprise: the address is no secret and holds none, and one that no channel has answers like one
that takes no calls. The ceiling is per channel and address: a stranger cannot use up the source's share.
"""

from __future__ import annotations

from flask import Blueprint, request
from flask_limiter.errors import RateLimitExceeded
from flask_limiter.util import get_remote_address
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response

from aggregator.errors import AggregatorError, NotFound
from aggregator.services.webhooks import said, unverified
from inbox_web.access import Door, open_to, services
from inbox_web.security import csrf, limiter, takes_up_to

blueprint = Blueprint("intake", __name__)
csrf.exempt(blueprint)

#: The largest call that is read: text and addresses of files; files themselves are fetched.
MAX_CALL_BYTES = 1_000_000
#: A source that sends a year's backlog at once is slowed down, not refused for good.
CALL_LIMIT = "1200 per minute"


def _who() -> str:
    return f"{(request.view_args or {}).get('channel')}|{get_remote_address()}"


@blueprint.route("/intake/<channel>", methods=["GET", "POST"], provide_automatic_options=False)
@open_to(Door.PUBLIC)
@takes_up_to(MAX_CALL_BYTES)
@limiter.limit(CALL_LIMIT, key_func=_who)
def call(channel: str) -> Response:
    came = unverified(
        request.method,
        {name.lower(): value for name, value in request.headers},
        request.args.to_dict(),
        request.get_data(cache=False),
        services().clock(),
    )
    reply = services().webhooks.take(channel, came)
    return Response(reply.body, status=reply.status, content_type=reply.content_type)


@blueprint.errorhandler(NotFound)
def _no_door(_error: NotFound) -> Response:
    return _plain(404, "unknown", "no channel takes calls at this address")


@blueprint.errorhandler(RequestEntityTooLarge)
def _too_large(_error: RequestEntityTooLarge) -> Response:
    return _plain(413, "refused", f"a call holds at most {MAX_CALL_BYTES} bytes; send files as addresses")


@blueprint.errorhandler(RateLimitExceeded)
def _too_often(_error: RateLimitExceeded) -> Response:
    return _plain(429, "unavailable", "too many calls; repeat this one in a minute", wait=60)


@blueprint.errorhandler(AggregatorError)
def _later(_error: AggregatorError) -> Response:
    """The database did not take it: nothing was kept, and the source repeats."""
    return _plain(503, "unavailable", "nothing was kept; repeat this call", wait=30)


@blueprint.errorhandler(HTTPException)
def _http(error: HTTPException) -> Response:
    return _plain(error.code or 500, "refused", error.name)


def _plain(status: int, what: str, why: str, wait: int | None = None) -> Response:
    reply = said(status, what, why)
    headers = {} if wait is None else {"Retry-After": str(wait)}
    return Response(reply.body, status=status, content_type=reply.content_type, headers=headers)
