"""Signing in and out, and the language of the screens."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from aggregator.errors import AggregatorError
from inbox_web.access import Door, drop_token, open_to, safe_next, services, set_token, token
from inbox_web.errors import message
from inbox_web.language import LANGUAGES
from inbox_web.security import SIGN_IN_LIMIT, limiter

blueprint = Blueprint("auth", __name__)


@blueprint.get("/sign-in")
@open_to(Door.PUBLIC)
def sign_in() -> str:
    return _form()


@blueprint.post("/sign-in")
@open_to(Door.PUBLIC)
@limiter.limit(SIGN_IN_LIMIT)
def enter() -> Response | tuple[str, int]:
    login = request.form.get("login", "").strip()
    try:
        new_token, person = services().accounts.sign_in(
            login, request.form.get("password", ""), origin=request.remote_addr or ""
        )
    except AggregatorError as error:
        if error.code != "sign_in_rejected":
            raise
        return _form(login=login, error=message(error)), 422
    session.clear()  # a new form token for a new person
    session["language"] = person.language
    response = redirect(safe_next(request.form.get("next")), code=303)
    set_token(response, new_token)
    return response


@blueprint.post("/sign-out")
@open_to(Door.PUBLIC)
def leave() -> Response:
    if token():
        services().accounts.sign_out(token())
    language = session.get("language", "vi")
    session.clear()
    session["language"] = language
    response = redirect(url_for("auth.sign_in"), code=303)
    drop_token(response)
    return response


@blueprint.post("/language")
@open_to(Door.PUBLIC)
def speak() -> Response:
    """Remember the language with the account where there is one, else with the form cookie."""
    wanted = request.form.get("language", "")
    if wanted in LANGUAGES:
        session["language"] = wanted
        person = services().accounts.who(token()) if token() else None
        if person is not None:
            services().accounts.set_language(person, wanted)
    return redirect(safe_next(request.form.get("next")), code=303)


def _form(login: str = "", error: str = "") -> str:
    target = request.values.get("next", "")
    return render_template("auth/sign_in.html", login=login, error=error, next=target)
