"""Who asks, and whether this page is for them.

A route declares its rule with `open_to`; the guard runs before every request and refuses a route
without one, so that a forgotten rule fails closed. What may surprise: a right only opens the page.
Which cases a person sees is decided in the services, query by query (I13).
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from aggregator.domain.people import Actor, Right
from aggregator.errors import NotAllowed

if TYPE_CHECKING:
    from aggregator.bootstrap import Aggregator


class Door(enum.StrEnum):
    """Rules that are not a right."""

    PUBLIC = "public"  # also before signing in
    SIGNED_IN = "signed_in"


Rule = Door | Right
View = TypeVar("View", bound=Callable[..., Any])


def open_to(rule: Rule) -> Callable[[View], View]:
    """Declare who may use a route."""

    def declare(view: View) -> View:
        view.rule = rule  # type: ignore[attr-defined]
        return view

    return declare


def rule_of(view: Callable[..., Any]) -> Rule | None:
    return getattr(view, "rule", None)


def services() -> Aggregator:
    return cast("Aggregator", current_app.extensions["motmoi"])


def actor() -> Actor:
    """The signed-in person. Only called behind a rule that asks for one."""
    person: Actor | None = g.get("actor")
    if person is None:
        raise RuntimeError("this route needs a person; its rule must not be PUBLIC")
    return person


def cookie_name() -> str:
    # The prefix makes browsers refuse the cookie from a sub-domain or over plain HTTP.
    return "__Host-motmoi" if services().settings.secure_cookies else "motmoi"


def set_token(response: Response | BaseResponse, token: str) -> None:
    secure = services().settings.secure_cookies
    # A session cookie: it ends with the browser, which on a shared PC is what people expect.
    response.set_cookie(cookie_name(), token, httponly=True, samesite="Lax", secure=secure, path="/")


def drop_token(response: Response | BaseResponse) -> None:
    secure = services().settings.secure_cookies
    response.delete_cookie(cookie_name(), httponly=True, samesite="Lax", secure=secure, path="/")


def token() -> str:
    return request.cookies.get(cookie_name(), "")


def safe_next(target: str | None) -> str:
    """`target` where it is a path of this site, else the inbox: never a door to elsewhere."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return url_for("inbox.page")
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or any(ord(char) < 32 for char in target):
        return url_for("inbox.page")
    return target


def install(app: Flask) -> None:
    app.before_request(_guard)
    app.context_processor(lambda: {"actor": g.get("actor"), "may": _may})


def _may(right: str) -> bool:
    person: Actor | None = g.get("actor")
    return person is not None and person.may(Right(right))


def _guard() -> BaseResponse | None:
    if request.endpoint is None:  # no such page: the 404 page shows the menu only to who is signed in
        g.actor = _person()
        return None
    rule = rule_of(current_app.view_functions[request.endpoint])
    if rule is None:
        raise RuntimeError(f"{request.endpoint} does not say who may use it: add access.open_to")
    if rule is Door.PUBLIC:
        return None
    g.actor = _person()
    if g.actor is None:
        return _to_sign_in()
    if isinstance(rule, Right) and not g.actor.may(rule):
        raise NotAllowed(
            f"{g.actor.role} has no right {rule}",
            message_vi="Tài khoản của bạn không có quyền dùng trang này.",
        )
    return None


def _person() -> Actor | None:
    by_hand = request.endpoint != "inbox.arrived"
    return services().accounts.who(token(), touch=by_hand) if token() else None


def _to_sign_in() -> BaseResponse:
    if request.accept_mimetypes.best == "application/json":
        abort(401)
    # A refused post cannot be repeated after signing in; the page it came from can be shown again.
    here = request.full_path.rstrip("?") if request.method == "GET" else urlsplit(request.referrer or "").path
    return redirect(url_for("auth.sign_in", next=here if here != "/" else None), code=303)
