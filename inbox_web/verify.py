"""Where anybody who holds a certificate checks it, without an account.

    /verify                 type the serial, or give the file      /verify/<code>   what the QR code leads to
    /verify/motmoi_check.py the stand-alone verifier               /verify/key.txt  the public key

Promise: no name, no words of a report, nothing of a case beyond what its certificate says. What may
surprise: a code that was never given out, a mistyped one and one that must not be shown any more get the
same answer; and a file that is checked here is read in memory, never stored.
"""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_limiter.errors import RateLimitExceeded
from werkzeug.wrappers import Response as BaseResponse

from aggregator.errors import NotFound
from inbox_web.access import Door, open_to, services
from inbox_web.language import _
from inbox_web.security import limiter, takes_up_to
from inbox_web.wording import when

blueprint = Blueprint("verify", __name__)

#: A person scans some papers a minute; a machine that guesses serials would need centuries.
LOOK_LIMIT = "30 per minute"
#: A certificate's file is some tens of kilobytes; one of a flood's case has a few hundred.
MAX_FILE_BYTES = 2_000_000

Answer = str | tuple[str, int] | BaseResponse


@blueprint.app_template_filter()
def told_at(text: str) -> str:
    """An instant of a statement, as people read it."""
    return when(datetime.fromisoformat(text))


@blueprint.get("/verify")
@open_to(Door.PUBLIC)
def door() -> Answer:
    code = request.args.get("code", "").strip()
    if code:
        return redirect(url_for("verify.look", code=code), code=303)
    return render_template("certificates/door.html")


@blueprint.get("/verify/<code>")
@open_to(Door.PUBLIC)
@limiter.limit(LOOK_LIMIT)
def look(code: str) -> Answer:
    try:
        found = services().certificates.found(code)
    except NotFound:
        return render_template("certificates/door.html", unknown=True), 404
    return render_template("certificates/look.html", found=found)


@blueprint.post("/verify/check")
@open_to(Door.PUBLIC)
@takes_up_to(MAX_FILE_BYTES)
@limiter.limit(LOOK_LIMIT)
def check() -> Answer:
    """The verifier over a file or its pasted text, in this process and in memory."""
    given = request.files.get("file")
    content = given.read() if given else b""
    # What is copied off a screen may have gained a line break at its end.
    content = content or request.form.get("text", "").strip().encode()
    if not content:
        return redirect(url_for("verify.door"), code=303)
    return render_template("certificates/checked.html", checked=services().certificates.check(content))


@blueprint.get("/verify/motmoi_check.py")
@open_to(Door.PUBLIC)
def verifier() -> Response:
    return _file(services().certificates.verifier(), "text/x-python", "motmoi_check.py")


@blueprint.get("/verify/key.txt")
@open_to(Door.PUBLIC)
def key() -> Response:
    """The public key, hex: what `--key` takes."""
    return _file(f"{services().certificates.key()}\n".encode(), "text/plain", "motmoi-key.txt")


def _file(content: bytes, kind: str, name: str) -> Response:
    answer = Response(content, content_type=f"{kind}; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


@blueprint.errorhandler(RateLimitExceeded)
def _too_often(_error: RateLimitExceeded) -> Answer:
    page = render_template(
        "errors/page.html", title=_("Too many attempts"), text=_("Wait one minute, then try again.")
    )
    return page, 429
