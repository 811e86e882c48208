"""`motmoi user`: accounts, made on the machine itself."""

from __future__ import annotations

import os
import select
import stat
import sys
from typing import TYPE_CHECKING

import click

from aggregator.cli.frame import Group, say, show, table
from aggregator.cli.opening import OPERATOR, ensure_ward, opened
from aggregator.domain.people import Role
from aggregator.errors import InputInvalid

if TYPE_CHECKING:
    from aggregator.bootstrap import Aggregator


@click.group(cls=Group)
def user() -> None:
    """Accounts of the people who sign in."""


@user.command()
@click.argument("login")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True,
              help="What the person may do.")  # fmt: skip
@click.option("--ward", metavar="CODE", help="Their ward, made where it is missing. Leaders and "
              "administrators without one see every ward.")  # fmt: skip
@click.option("--name", help="As colleagues see it; the login where it is not given.")
@click.option("--unit", metavar="NAME", help="Their unit in the ward, made where it is missing.")
def add(login: str, role: str, ward: str | None, name: str | None, unit: str | None) -> None:
    """Make an account.

    The password is the first line of standard input where something is piped in; otherwise one is
    made up and printed, this once.
    """
    given = _piped_password()
    with opened() as product:
        if ward:
            ensure_ward(product, ward)
        unit_id = _unit(product, ward, unit) if unit else None
        password = product.accounts.add(login, name or login, Role(role), ward, given, unit_id)
    made_up = None if given is not None else password
    document = {"login": login.strip().casefold(), "role": role, "ward": ward, "unit": unit_id,
                "password": made_up}  # fmt: skip
    lines = [f"Made the account {document['login']} ({role}, {f'ward {ward}' if ward else 'every ward'})."]
    show(document, lines + ([f"Password: {made_up}"] if made_up else []))
    if made_up:
        say("The password is shown this once. Hand it over on paper; it can be changed after signing in.")


@user.command("list")
def list_() -> None:
    """List the accounts, the closed ones too."""
    with opened() as product:
        people = product.accounts.officers(OPERATOR)
    headings = ("login", "name", "role", "ward", "unit", "state", "last here")
    rows = [
        (
            one.login,
            one.name,
            one.role,
            one.ward_code,
            one.unit,
            "open" if one.active else "closed",
            one.seen_at,
        )
        for one in people
    ]
    show(people, table(headings, rows) if rows else "No account yet. Make one: motmoi user add")


@user.command()
@click.argument("login")
def password(login: str) -> None:
    """Make up a new password for LOGIN and print it, this once; a closed account is open again."""
    with opened() as product:
        made = product.accounts.give_password(OPERATOR, _find(product, login))
    show({"login": login, "password": made}, f"Password: {made}")
    say("The password is shown this once. Hand it over on paper; it can be changed after signing in.")


@user.command()
@click.argument("login")
def close(login: str) -> None:
    """Close the account of LOGIN: it opens nothing any more, and stays for the record."""
    with opened() as product:
        product.accounts.deactivate(OPERATOR, _find(product, login))
    show({"login": login, "closed": True}, f"The account {login} is closed.")


def _find(product: Aggregator, login: str) -> int:
    wanted = login.strip().casefold()
    for person in product.accounts.officers(OPERATOR):
        if person.login == wanted:
            return person.id
    raise InputInvalid(f"no account has the login {login!r}", field="login", hint="see motmoi user list")


def _piped_password() -> str | None:
    """The first line of standard input, or None where nothing is piped in."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (AttributeError, OSError, ValueError):  # closed, or none at all
        return None
    # A terminal or /dev/null pipes nothing in. A socket may stay silent for ever: not asked either.
    if not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode)):
        return None
    if not select.select([sys.stdin], [], [], 2)[0]:
        say("Waiting for the password on standard input (</dev/null: one is made up).")
    return sys.stdin.readline().rstrip("\r\n") or None


def _unit(product: Aggregator, ward: str | None, name: str) -> int:
    if not ward:
        raise InputInvalid("--unit needs a ward", field="unit", hint="give --ward CODE")
    wanted = " ".join(name.split())
    for choice in product.inbox.choices(OPERATOR).units:
        if choice.ward_code == ward and choice.label.casefold() == wanted.casefold():
            return int(choice.value)
    return product.accounts.ensure_unit(ward, wanted, [])
