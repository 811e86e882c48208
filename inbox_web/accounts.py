"""Accounts: one's own password, and the administrator's list of the people who sign in.

What may surprise: a made-up password is shown on the very page that answers the click, and never again;
only its digest is stored. A closed account stays in the list, because the ledger names it; a new password
opens it again.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from aggregator.domain.people import Right, Role
from aggregator.errors import InputInvalid
from inbox_web.access import Door, actor, open_to, services, token
from inbox_web.errors import message
from inbox_web.forms import number, say
from inbox_web.language import _
from inbox_web.security import SIGN_IN_LIMIT, limiter

blueprint = Blueprint("accounts", __name__)

Answer = Response | tuple[str, int]


@blueprint.get("/account")
@open_to(Door.SIGNED_IN)
def mine() -> str:
    return render_template("accounts/mine.html")


@blueprint.post("/account/password")
@open_to(Door.SIGNED_IN)
@limiter.limit(SIGN_IN_LIMIT)
def change_password() -> Answer:
    form = request.form
    try:
        if form.get("new") != form.get("repeated"):
            raise InputInvalid(
                "the two new passwords differ", field="repeated",
                message_vi="Hai lần nhập mật khẩu mới không giống nhau.",
            )  # fmt: skip
        services().accounts.change_password(actor(), form.get("old", ""), form.get("new", ""), keep=token())
    except InputInvalid as error:
        wrong = "new" if error.field == "password" else error.field
        return render_template("accounts/mine.html", wrong=wrong, why=message(error)), 422
    say(_("Your password is changed. Everywhere else you are signed out."))
    return redirect(url_for("accounts.mine"), code=303)


@blueprint.get("/settings/accounts")
@open_to(Right.OPERATE)
def page() -> str:
    return _page()


@blueprint.post("/settings/accounts")
@open_to(Right.OPERATE)
def add() -> str | Answer:
    form = request.form
    try:
        role, ward, unit_id = _place()
        made = services().accounts.add(
            form.get("login", ""), form.get("name", ""), role, ward, None, unit_id, actor=actor()
        )
    except InputInvalid as error:
        return _page(typed=form, wrong=error.field, why=message(error)), 422
    return _page(login=form.get("login", "").strip().casefold(), made=made)


@blueprint.post("/settings/accounts/<int:officer_id>/place")
@open_to(Right.OPERATE)
def change_place(officer_id: int) -> Answer:
    try:
        role, ward, unit_id = _place()
        services().accounts.change(actor(), officer_id, role=role, ward=ward, unit_id=unit_id)
    except InputInvalid as error:
        return _page(why=message(error)), 422
    say(_("Saved. They sign in again, and see what belongs to their place."))
    return redirect(url_for("accounts.page"), code=303)


@blueprint.post("/settings/accounts/<int:officer_id>/password")
@open_to(Right.OPERATE)
def give_password(officer_id: int) -> str:
    made = services().accounts.give_password(actor(), officer_id)
    found = next(one for one in services().accounts.officers(actor()) if one.id == officer_id)
    return _page(login=found.login, made=made)


@blueprint.post("/settings/accounts/<int:officer_id>/close")
@open_to(Right.OPERATE)
def close(officer_id: int) -> Answer:
    try:
        services().accounts.deactivate(actor(), officer_id)
    except InputInvalid as error:
        return _page(why=message(error)), 422
    say(_("The account is closed. Name somebody else for the cases it still has."))
    return redirect(url_for("accounts.page"), code=303)


def _place() -> tuple[Role, str | None, int | None]:
    """Role, ward and unit of the form, or `InputInvalid`."""
    role = request.form.get("role", "")
    if role not in list(Role):
        raise InputInvalid(f"role {role!r} is unknown", field="role", message_vi="Chưa chọn vai trò.")
    return Role(role), request.form.get("ward") or None, number("unit_id")


def _page(**more: Any) -> str:
    wards = [one for one in services().accounts.wards() if actor().sees(one.value)]
    units = services().inbox.choices(actor()).units
    people = services().accounts.officers(actor())
    return render_template("accounts/page.html", people=people, wards=wards, units=units, **more)
