"""`motmoi cover`: who is away, who stands in, and which fields nobody answers for."""

from __future__ import annotations

from datetime import date, datetime

import click

from aggregator.cli.frame import DONE, FINDING, Group, show, table
from aggregator.cli.opening import OPERATOR, opened
from aggregator.domain.cover import AbsenceReason, midnight, span, until_en

_WARD = click.option("--ward", metavar="CODE", help="Of this ward only.")
_DAY = click.DateTime(formats=["%Y-%m-%d", "%d/%m/%Y"])


@click.group(cls=Group)
def cover() -> None:
    """Absences, substitutes, and fields that nobody answers for."""


@cover.command("list")
@_WARD
def list_(ward: str | None) -> None:
    """List who is away and will be, and who stands in."""
    with opened() as product:
        board = product.absences.board(OPERATOR)
    found = [one for one in (*board.away, *board.coming) if ward in (None, one.ward_code)]
    headings = ("id", "ward", "login", "from", "until", "stands in", "answers now")
    rows = [
        (one.id, one.ward_code, one.login, one.starts_at, one.ends_at, one.substitute, one.answers)
        for one in found
    ]
    show(found, table(headings, rows) if rows else "Nobody is away.")


@cover.command()
@click.argument("login")
@click.option("--from", "first", type=_DAY, required=True, help="The first day.")
@click.option("--to", "last", type=_DAY, required=True, help="The last day.")
@click.option("--from-noon", is_flag=True, help="Away from noon of the first day on.")
@click.option("--until-noon", is_flag=True, help="Back at noon of the last day.")
@click.option("--reason", type=click.Choice([one.value for one in AbsenceReason]), default="leave",
              show_default=True, help="Why; only the person and the leaders see it.")  # fmt: skip
@click.option("--substitute", metavar="LOGIN", help="Who stands in.")
def add(
    login: str, first: datetime, last: datetime, from_noon: bool, until_noon: bool, reason: str,
    substitute: str | None,
) -> int:  # fmt: skip
    """Enter that LOGIN is away; exit 1 where nobody would answer for a time."""
    with opened() as product:
        starts_at, ends_at = span(first.date(), last.date(), from_noon=from_noon, until_noon=until_noon)
        stands_in = product.absences.find(substitute) if substitute else None
        gaps = product.absences.add(
            OPERATOR, product.absences.find(login), starts_at, ends_at,
            reason=AbsenceReason(reason), substitute_id=stands_in,
        )  # fmt: skip
    lines = [f"{login} is away until {until_en(ends_at)}."]
    lines += [
        f"Nobody answers for {gap.officer} until {until_en(gap.end)} ({gap.why.value}: {gap.last})."
        for gap in gaps
    ]
    show({"login": login, "starts_at": starts_at, "ends_at": ends_at, "gaps": gaps}, lines)
    return FINDING if gaps else DONE


@cover.command()
@click.argument("absence_id", metavar="ID", type=int)
def end(absence_id: int) -> None:
    """End the absence ID now, or take it back before it begins."""
    with opened() as product:
        product.absences.end(OPERATOR, absence_id)
    show({"id": absence_id, "ended": True}, f"Absence {absence_id} is over.")


@cover.command()
@_WARD
@click.option("--on", type=_DAY, help="Begin with this day instead of now.")
def check(ward: str | None, on: datetime | None) -> int:
    """Look for fields without anybody who answers, two weeks ahead; exit 1 where there are any."""
    begin = midnight(date(on.year, on.month, on.day)) if on else None
    with opened() as product:
        gaps = product.fields.check(OPERATOR, ward=ward, on=begin)
    headings = ("ward", "field", "from", "until", "away")
    rows = [
        (gap.ward_code, gap.category, gap.start, gap.end, ", ".join(gap.people) or "nobody is named")
        for gap in gaps
    ]
    show(gaps, table(headings, rows) if rows else "Every field has somebody who answers.")
    return FINDING if gaps else DONE
