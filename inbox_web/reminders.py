"""How a person is reminded of deadlines: by which ways, at what hours, and in their own calendar.

What may surprise: the calendar's address is shown on the very page that answers the click, and never again;
only its digest is stored. The feed itself is open to whoever has the address, because calendar programs
cannot sign in; one that is unknown and one that was revoked are the same missing page.
"""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from aggregator.errors import InputInvalid
from inbox_web.access import Door, actor, open_to, services
from inbox_web.errors import message
from inbox_web.forms import say
from inbox_web.language import _

blueprint = Blueprint("reminders", __name__)

#: What a checkbox sends.
_TICKS = ("in_app", "by_mail", "daily", "weekly")
_TYPED = ("email", "quiet_from", "quiet_to")
#: Calendar programs ask again after so many seconds at the earliest.
FEED_AGE_S = 900


@blueprint.get("/reminders")
@open_to(Door.SIGNED_IN)
def page() -> str:
    return _page()


@blueprint.post("/reminders")
@open_to(Door.SIGNED_IN)
def choose() -> BaseResponse | tuple[str, int]:
    form = request.form
    ticks = {name: name in form for name in _TICKS}
    typed = {name: form.get(name, "")[:200] for name in _TYPED}
    try:
        services().reminder_choices.choose(actor(), **ticks, **typed)  # type: ignore[arg-type]
    except InputInvalid as error:
        # Nothing that was typed is lost.
        return _page(given={**ticks, **typed}, wrong=error.field, why=message(error)), 422
    say(_("Saved. You are reminded like this from now on."))
    return redirect(url_for("reminders.page"), code=303)


@blueprint.post("/reminders/feed")
@open_to(Door.SIGNED_IN)
def make_feed() -> str:
    token = services().reminder_choices.make_feed(actor())
    return _page(feed=_feed_url(token))


@blueprint.post("/reminders/feed/revoke")
@open_to(Door.SIGNED_IN)
def revoke_feed() -> BaseResponse:
    services().reminder_choices.revoke_feed(actor())
    say(_("The calendar's address is no longer valid."))
    return redirect(url_for("reminders.page"), code=303)


@blueprint.get("/ical/<token>.ics")
@open_to(Door.PUBLIC)
def feed(token: str) -> BaseResponse:
    text = services().reminder_choices.feed(token)
    answer = Response(text, content_type="text/calendar; charset=utf-8")
    answer.headers["Cache-Control"] = f"private, max-age={FEED_AGE_S}"
    answer.add_etag()
    return answer.make_conditional(request)


def _page(given: dict[str, object] | None = None, wrong: str = "", why: str = "", feed: str = "") -> str:
    mine = services().reminder_choices.of(actor())
    shown = given or {name: getattr(mine, name) for name in (*_TICKS, *_TYPED)}
    return render_template(
        "reminders/page.html", mine=mine, shown=shown, wrong=wrong, why=why, feed=feed
    )  # fmt: skip


def _feed_url(token: str) -> str:
    """Where the office is known by a public address, that one: a calendar is read from elsewhere, too."""
    public = services().settings.public_url.rstrip("/")
    path = url_for("reminders.feed", token=token)
    return public + path if public else url_for("reminders.feed", token=token, _external=True)
