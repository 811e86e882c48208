"""`motmoi sla whatif`: another rule, other days or hours, tried on the cases of the last month."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.deadline_rules import parts, said
from aggregator.cli.frame import Group, moment, plain, show
from aggregator.cli.opening import OPERATOR, opened
from aggregator.cli.working_time import UNIT, WARD, day_of
from aggregator.errors import InputInvalid

if TYPE_CHECKING:
    from aggregator.services.whatif import Trial

DAYS = click.option("--days", default=30, show_default=True, help="How far back cases are tried.")
PAGE = click.option("--page", default=1, show_default=True, help="Which page of the cases.")


@click.group(cls=Group)
def whatif() -> None:
    """Try a change on past cases: who would have been late. Writes nothing."""


@whatif.command()
@click.option("--key", help="The rule that is changed; a new one where it is not given.")
@click.option("--retired", is_flag=True, help="As if the rule had been given up.")
@parts
@DAYS
@PAGE
def rule(key: str | None, retired: bool, days: int, page: int, **given: Any) -> None:
    """Try a rule as if it had held the whole time."""
    if retired and key is None:
        raise InputInvalid("which rule is given up?", field="key", hint="give --key")
    with opened() as product:
        found = product.whatif.rule(OPERATOR, said(given), key=key, retired=retired, days=days, page=page)
    show(found, page_of(found))


@whatif.command()
@click.option("--off", "days_off", multiple=True, metavar="DATE", help="As if this day had been off.")
@click.option("--works", "days_on", multiple=True, metavar="DATE", help="As if this day had been worked.")
@WARD
@UNIT
@DAYS
@PAGE
def calendar(
    days_off: tuple[str, ...], days_on: tuple[str, ...], ward: str | None, unit_id: int | None, days: int,
    page: int,
) -> None:  # fmt: skip
    """Try days off or on."""
    from aggregator.services.recounts import Scope

    tried = [day_of(day, off=True) for day in days_off] + [day_of(day, off=False) for day in days_on]
    if not tried:
        raise InputInvalid("no day is given", field="off", hint="give --off or --works")
    with opened() as product:
        found = product.whatif.calendar(OPERATOR, Scope(ward, unit_id), set_days=tried, days=days, page=page)
    show(found, page_of(found))


def page_of(found: Trial) -> Iterator[str]:
    """The outcome for a person."""
    cut = " (the newest only: there were more)" if found.shortened else ""
    yield f"{found.judged} cases from {found.since:%d/%m/%Y} to {found.until:%d/%m/%Y}{cut}"
    yield (
        f"late: {found.late_now} now, {found.late_then} then; newly late {found.newly_late}, no longer late "
        f"{found.no_longer_late}; another deadline {found.moved}"
    )
    for row in found.rows:
        state = f"{_late(row.late_now)} -> {_late(row.late_then)}"
        yield plain(f"  {row.code}  {moment(row.now_due)} -> {moment(row.then_due)}  {state}")
    if found.pages > 1:
        yield f"page {found.page} of {found.pages}"


def _late(late: bool) -> str:
    return "late" if late else "in time"
