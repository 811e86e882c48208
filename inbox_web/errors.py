"""Pages for what went wrong, in words, and the one place that catches broadly.

A hidden case and a missing one answer with the same bytes (I13). What nobody foresaw is logged with
an id that the page shows, so that a person on the phone can name it; the log never holds the form.
"""

from __future__ import annotations

import errno
import logging
import secrets

from flask import Flask, render_template, request
from flask_limiter.errors import RateLimitExceeded
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.exceptions import NotFound as NoSuchPage

from aggregator.errors import AggregatorError, InputInvalid, MoveNotAllowed, NotAllowed, NotFound, StaleWrite
from aggregator.services.ledger_tree import LedgerRewritten
from inbox_web.language import _, current

log = logging.getLogger(__name__)

Answer = tuple[str, int, dict[str, str]]
#: After so many seconds a refused form may be sent again.
_AGAIN_S = 30
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def message(error: AggregatorError) -> str:
    """The error's own words in the person's language."""
    return error.message_vi if current() == "vi" else str(error)


def _page(
    status: int, title: str, text: str, *, hint: str = "", number: str = "", again_s: int = 0
) -> Answer:
    page = render_template("errors/page.html", title=title, text=text, hint=hint, number=number)
    return page, status, {"Retry-After": str(again_s)} if again_s else {}


def _missing(_error: Exception) -> Answer:
    return _page(
        404,
        _("Not found"),
        _("There is no such page or case, or it is not yours to see."),
        hint=_("Check the address, or look for the case code in the inbox."),
    )


def _forbidden(error: NotAllowed) -> Answer:
    return _page(403, _("Not allowed"), message(error), hint=_("Ask your administrator if you need this."))


def _refused(error: AggregatorError) -> Answer:
    return _page(422, _("That did not work"), message(error), hint=_("Go back, correct it and try again."))


def _stale(error: StaleWrite) -> Answer:
    return _page(409, _("Somebody was faster"), message(error), hint=_("Go back and load the page again."))


def _form_refused(_error: CSRFError) -> Answer:
    return _page(
        400,
        _("This form has expired"),
        _("Nothing was changed. You were signed out, or the page was opened before you signed in."),
        hint=_("Load the page again and send it once more. What you typed is kept in this browser."),
    )


def _too_large(_error: RequestEntityTooLarge) -> Answer:
    return _page(
        413,
        _("Too large"),
        _("Nothing was stored: the files are too large together."),
        hint=_("Go back and send fewer or smaller photos."),
    )


def _too_often(_error: RateLimitExceeded) -> Answer:
    return _page(429, _("Too many attempts"), _("Wait one minute, then sign in again."))


def _unsigned(error: LedgerRewritten) -> Answer:
    log.error("nothing is signed: %s", error)
    return _page(
        503,
        _("Nothing can be signed now"),
        message(error),
        hint=_("Call the person who runs this server. What you entered is kept."),
    )


def _unavailable() -> Answer:
    return _page(
        503,
        _("The database does not answer"),
        # Not "nothing was changed": of a commit that failed nobody knows.
        _("What you sent may not be saved. Send it again: a form is known by its key, and never done twice. "
          "Reports are not lost: they are fetched again when it is back."),
        hint=_("Try again in a minute. If it stays, call the person who runs this server."),
        again_s=_AGAIN_S,
    )  # fmt: skip


def _full() -> Answer:
    return _page(
        503,
        _("The disk of the server is full"),
        _("What you sent is not saved. What was saved before is not lost."),
        hint=_("Call the person who runs this server; when there is room again, send it once more."),
        again_s=_AGAIN_S,
    )


def _http(error: HTTPException) -> Answer:
    return _page(error.code or 500, error.name, error.description or "")


def _unforeseen(error: Exception) -> Answer:
    if isinstance(error, AggregatorError) and error.code == "database_unavailable":
        log.error("database unavailable at %s: %s", request.endpoint, error)
        return _unavailable()
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        log.error("no room on the disk at %s: %s", request.endpoint, error.strerror)
        return _full()
    number = secrets.token_hex(4)
    log.exception("error %s at %s %s", number, request.method, request.url_rule, exc_info=error)
    return _page(
        500,
        _("Something went wrong"),
        _("The error has been recorded. Nothing that you saved before is lost."),
        hint=_("Try again. If it happens again, tell your administrator this number:"),
        number=number,
    )


def install(app: Flask) -> None:
    app.register_error_handler(NotFound, _missing)
    app.register_error_handler(NoSuchPage, _missing)
    app.register_error_handler(NotAllowed, _forbidden)
    app.register_error_handler(StaleWrite, _stale)
    app.register_error_handler(InputInvalid, _refused)
    app.register_error_handler(MoveNotAllowed, _refused)
    app.register_error_handler(LedgerRewritten, _unsigned)
    app.register_error_handler(CSRFError, _form_refused)
    app.register_error_handler(RateLimitExceeded, _too_often)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unforeseen)
