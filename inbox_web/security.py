"""What every response carries, and what every unsafe request must carry.

Headers: no script, style or frame that is not ours; pages are never stored by a browser (shared
office PCs). Forms: a token bound to a signed session cookie. Sign-in: a ceiling per address, beside
the back-off per login in the services. What may surprise: the signed cookie holds no personal data,
only the form token and the message shown after a redirect.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Flask, Response, current_app, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFProtect

from aggregator.services.answer_files import MOST_TOGETHER

if TYPE_CHECKING:
    from aggregator.bootstrap import Aggregator

CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)

HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    # same-origin and not no-referrer: the form guard compares the referrer over HTTPS.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

#: A whole office signs in at half past seven behind one address, so this only stops machines.
SIGN_IN_LIMIT = "60 per minute"

#: Largest form that is read: the longest answer, in four-byte letters, and then some.
MAX_FORM_BYTES = 512_000

View = TypeVar("View", bound=Callable[..., Any])

limiter = Limiter(get_remote_address, storage_uri="memory://", default_limits=[])
csrf = CSRFProtect()


def takes_up_to(most: int) -> Callable[[View], View]:
    """Declare how many bytes a request of this route may have; others hold a form at most."""

    def declare(view: View) -> View:
        view.most_bytes = most  # type: ignore[attr-defined]
        return view

    return declare


#: For answers with files: twice what the service takes, so that who chose too much keeps their words.
takes_answer_files = takes_up_to(2 * MOST_TOGETHER + MAX_FORM_BYTES)


def _size() -> None:
    # Before anything reads the body, as the form guard does for its token.
    most = getattr(current_app.view_functions.get(request.endpoint or ""), "most_bytes", None)
    if most is not None:
        request.max_content_length = most


def install(app: Flask, aggregator: Aggregator) -> None:
    secure = aggregator.settings.secure_cookies
    app.config.update(
        SECRET_KEY=aggregator.vault.sign(b"session"),
        SESSION_COOKIE_NAME="__Host-motmoi_form" if secure else "motmoi_form",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=secure,
        WTF_CSRF_TIME_LIMIT=None,  # a page may lie open all day; the token ends with its session
        WTF_CSRF_FIELD_NAME="csrf_token",
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
        RATELIMIT_HEADERS_ENABLED=False,
    )
    app.before_request(_size)
    csrf.init_app(app)
    limiter.init_app(app)
    app.after_request(_headers)


def _headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    response.headers.setdefault("Cache-Control", "no-store")
    return response
