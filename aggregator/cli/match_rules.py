"""`motmoi match thresholds` and `match preview`: what joins by itself, where, and what that would change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.acting import AS, WHY, acting
from aggregator.cli.frame import Command, Group, moment, plain, show, table
from aggregator.cli.opening import OPERATOR, opened
from aggregator.errors import InputInvalid

if TYPE_CHECKING:
    from aggregator.domain.match_rule import Thresholds
    from aggregator.services.match_preview import Difference, Preview
    from aggregator.services.match_rules import Scope

WARD = click.option("--ward", metavar="CODE", help="One ward; every ward where it is not given.")
CATEGORY = click.option("--category", metavar="CODE", help="One category; every one where it is not given.")
SAME = click.option("--same", type=float, help="From this score on a report joins by itself.")
UNSURE = click.option("--unsure", type=float, help="From this score on an officer is asked.")
CAP = click.option("--cap", type=int, help="Reports beyond which a case no longer grows by itself.")
WINDOW = click.option("--window", "window_days", type=int, metavar="DAYS",
                      help="Days after which nothing joins by itself.")  # fmt: skip


@click.group(cls=Group)
def thresholds() -> None:
    """By which score reports join or are offered, per category and ward."""


@thresholds.command("list")
def list_() -> None:
    """Show what holds where; the most specific wins."""
    with opened() as product:
        views = product.match_rules.thresholds(OPERATOR)
    rows = [
        (*_named(view.scope), *_figures(view.values), view.valid_from, view.who, view.why) for view in views
    ]
    headings = ("ward", "category", "same", "unsure", "cap", "days", "since", "who", "why")
    document = [{**_scope(view.scope), **_values(view.values), "valid_from": view.valid_from, "who": view.who,
                 "why": view.why} for view in views]  # fmt: skip
    show(document, table(headings, rows))


@thresholds.command("set")
@WARD
@CATEGORY
@SAME
@UNSURE
@CAP
@WINDOW
@WHY
@AS
def set_(ward: str | None, category: str | None, why: str, login: str | None, **given: Any) -> None:
    """Set thresholds from now on; what is not given stays as it is there. Old judgements stay."""
    if all(value is None for value in given.values()):
        raise InputInvalid("nothing to set", hint="give --same, --unsure, --cap or --window")
    with opened() as product:
        actor = acting(product, login)
        scope = _wanted(ward, category)
        product.match_rules.set(actor, scope, why=why, **given)
        values = product.match_rules.holding(actor, scope)
    show({**_scope(scope), **_values(values)}, f"{_place(scope)}: {_told(values)}, from now on.")


@thresholds.command()
@WARD
@CATEGORY
@WHY
@AS
def unset(ward: str | None, category: str | None, why: str, login: str | None) -> None:
    """Take thresholds back: what is less specific holds there again."""
    with opened() as product:
        actor = acting(product, login)
        scope = _wanted(ward, category)
        product.match_rules.unset(actor, scope, why=why)
    show(_scope(scope), f"{_place(scope)}: taken back.")


@click.command(cls=Command)
@WARD
@CATEGORY
@SAME
@UNSURE
@CAP
@WINDOW
@click.option("--days", default=30, show_default=True, help="How far back reports are judged again.")
@click.option("--page", default=1, show_default=True, help="Which page of the differences.")
def preview(ward: str | None, category: str | None, days: int, page: int, **given: Any) -> None:
    """Show what the last month would have been under other thresholds. Writes nothing."""
    with opened() as product:
        found = product.previews.preview(OPERATOR, _wanted(ward, category), days=days, page=page, **given)
    show(_document(found), _page(found))


def _document(found: Preview) -> dict[str, Any]:
    names = ("since", "until", "judged", "shortened", "joined_now", "joined_then", "asked_now", "asked_then",
             "days", "wrong", "right", "page", "pages", "rows")  # fmt: skip
    return {
        **_scope(found.scope), **_values(found.values), **{name: getattr(found, name) for name in names},
        "counts": {change.value: count for change, count in found.counts.items()},
    }  # fmt: skip


def _page(found: Preview) -> Iterator[str]:
    yield f"{_place(found.scope)}: {_told(found.values)}"
    cut = " (the newest only: there were more)" if found.shortened else ""
    yield f"{found.judged} reports from {moment(found.since)} to {moment(found.until)} judged again{cut}"
    yield f"joined by themselves: {found.joined_now} now, {found.joined_then} then"
    yield f"suggestions: {found.asked_now} now, {found.asked_then} then"
    counts = {change.value: count for change, count in found.counts.items()}
    yield (
        f"would join: {counts.get('joins', 0)} (officers called {found.right} of them the same,"
        f" {found.wrong} different); no longer: {counts.get('apart', 0)};"
        f" another case: {counts.get('elsewhere', 0)}"
    )
    for row in found.rows:
        yield from _difference(row)
    if found.pages > 1:
        yield f"page {found.page} of {found.pages}"


def _difference(row: Difference) -> Iterator[str]:
    told = f", an officer said: {row.told}" if row.told else ""
    yield ""
    yield f"{row.change.value}  score {row.score:.3f}{told}"
    for end in (row.report, row.other):
        yield plain(f"  {end.code}  {moment(end.received_at)}  {end.address or '-'}  {end.excerpt[:80]}")
    yield plain("  " + "; ".join(reason.text_vi for reason in row.reasons[:4]))


def _wanted(ward: str | None, category: str | None) -> Scope:
    from aggregator.services.match_rules import Scope

    return Scope(ward or None, category or None)


def _named(scope: Scope) -> tuple[str, str]:
    return scope.ward or "every", scope.category or "every"


def _place(scope: Scope) -> str:
    ward, category = _named(scope)
    return f"ward {ward}, category {category}"


def _scope(scope: Scope) -> dict[str, Any]:
    return {"ward": scope.ward, "category": scope.category}


def _values(values: Thresholds) -> dict[str, Any]:
    return {name: getattr(values, name) for name in ("same", "unsure", "cap", "window_days")}


def _figures(values: Thresholds) -> tuple[float, float, int, int]:
    return values.same, values.unsure, values.cap, values.window_days


def _told(values: Thresholds) -> str:
    return (
        f"same {values.same:g}, unsure {values.unsure:g}, at most {values.cap} reports,"
        f" {values.window_days} days"
    )
