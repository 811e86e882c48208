"""`motmoi rules`: deadline rules with their sources, changed in versions; open cases counted again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.acting import AS, WHY, acting
from aggregator.cli.frame import Group, moment, plain, show, table
from aggregator.cli.opening import OPERATOR, opened
from aggregator.errors import InputInvalid

if TYPE_CHECKING:
    from aggregator.services.views.deadline_rules import PolicyView, RecountPreview, RuleHistory

#: Options that name a part of a rule; an empty text takes a condition away.
_PARTS = (
    click.option("--name", help="What the rule is called."),
    click.option("--step", help="classify, forward, first_answer, progress or result."),
    click.option("--amount", type=int, help="How many of the unit."),
    click.option("--unit", help="minutes, working_hours, working_days or calendar_days."),
    click.option("--day-end", help="end_of_day or same_time."),
    click.option("--from", "valid_from", metavar="DATE", help="The first day it holds."),
    click.option("--to", "valid_to", metavar="DATE", help="The last day; '' for no end."),
    click.option("--channel", help="Only reports of this channel; '' for any."),
    click.option("--category", help="Only this category; '' for any."),
    click.option("--urgency", help="Only this urgency; '' for any."),
    click.option("--kind", help="feedback or proposal; '' for any."),
    click.option("--several-units", metavar="yes|no", help="Whether several units work on it; '' for any."),
    click.option("--warn", "warn_percent", type=int, help="Warn when so many percent are used."),
    click.option("--escalate", "escalate_hours", metavar="H,H", help="Working hours after the deadline at "
                 "which each next level is told."),
    click.option("--reopening", help="goes_on or afresh."),
    click.option("--by-acknowledgement", metavar="yes|no", help="Whether telling the sender that the report "
                 "was received meets it."),
    click.option("--source", help="The paper that it rests on."),
    click.option("--certainty", help="confirmed, press, press_days or unverified."),
)  # fmt: skip


def parts(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that name the parts of a rule."""
    for option in reversed(_PARTS):
        command = option(command)
    return command


def said(given: dict[str, Any]) -> dict[str, Any]:
    """What the options say, as the rulebook reads it; what was not given is left out."""
    from aggregator.domain.day_table import a_date
    from aggregator.domain.sla import Reopening, Unit
    from aggregator.domain.worktime import DayEnd

    readers: dict[str, Callable[[str], Any]] = {
        "unit": Unit, "day_end": DayEnd, "reopening": Reopening, "valid_from": a_date,
        "valid_to": lambda text: a_date(text) if text else None, "several_units": _yes_or_no,
        "by_acknowledgement": lambda text: bool(_yes_or_no(text)),
        "escalate_hours": lambda text: tuple(int(each) for each in text.split(",") if each.strip()),
        **{name: lambda text: text or None for name in ("channel", "category", "urgency", "kind")},
    }  # fmt: skip
    found = {}
    for name, value in given.items():
        if value is None:
            continue
        try:
            found[name] = readers[name](value) if name in readers else value
        except ValueError as error:
            option = name.replace("_", "-")
            raise InputInvalid(f"--{option} {value!r} is not known", field=name) from error
    return found


def _yes_or_no(text: str) -> bool | None:
    words: dict[str, bool | None] = {"yes": True, "no": False, "": None}
    if text not in words:
        raise ValueError(text)
    return words[text]


@click.group(cls=Group)
def rules() -> None:
    """Deadline rules: how long each step may take, from when, and by which paper."""


@rules.command("list")
def list_() -> None:
    """Show every rule, those that hold first; nothing unverified is called law."""
    with opened() as product:
        found = product.rulebook.rules(OPERATOR)
    rows = [
        (rule.key, rule.versions[0].policy.version, _state(rule.versions[0]), rule.versions[0].policy.step,
         _amount(rule.versions[0]), _scope(rule.versions[0]), rule.versions[0].policy.certainty)
        for rule in found
    ]  # fmt: skip
    headings = ("key", "version", "state", "step", "time", "holds for", "certainty")
    show([_document(rule) for rule in found], table(headings, rows))


@rules.command("show")
@click.argument("key")
def show_(key: str) -> None:
    """Show one rule through its versions, newest first."""
    with opened() as product:
        rule = product.rulebook.rule(OPERATOR, key)
    show(_document(rule), _page(rule))


@rules.command()
@click.option("--key", help="Its short name; made from the name where it is not given.")
@parts
@WHY
@AS
def add(key: str | None, why: str, login: str | None, **given: Any) -> None:
    """Add a rule; it holds for new reports from now on."""
    with opened() as product:
        made = product.rulebook.add(acting(product, login), said(given), key=key, why=why)
        rule = product.rulebook.rule(OPERATOR, made)
    show(_document(rule), f"{made}: version 1, for new reports from now on.")


@rules.command()
@click.argument("key")
@parts
@WHY
@AS
def change(key: str, why: str, login: str | None, **given: Any) -> None:
    """Change parts of a rule: a new version for new reports; open cases stay as they are."""
    with opened() as product:
        number = product.rulebook.change(acting(product, login), key, said(given), why=why)
        rule = product.rulebook.rule(OPERATOR, key)
    show(_document(rule), f"{key}: version {number}, for new reports from now on.")


@rules.command()
@click.argument("key")
@WHY
@AS
def retire(key: str, why: str, login: str | None) -> None:
    """Give a rule up; open cases keep the deadline it gave them."""
    with opened() as product:
        product.rulebook.retire(acting(product, login), key, why=why)
        rule = product.rulebook.rule(OPERATOR, key)
    show(_document(rule), f"{key}: given up.")


@rules.command()
@click.argument("key")
@click.option("--off", is_flag=True, help="Keep it without applying it.")
@click.option("--open-cases", is_flag=True, help="Count open cases again under the rule as it is now.")
@click.option("--preview", is_flag=True, help="With --open-cases: show what would change, write nothing.")
@click.option("--why", help="The reason, kept in the ledger; needed unless it is a preview.")
@AS
def apply(key: str, off: bool, open_cases: bool, preview: bool, why: str | None, login: str | None) -> None:
    """Apply a rule to new reports, or (--open-cases) count open cases again under it.

    Counting is done by the worker; `motmoi calendar show` and the page of rules tell how far it is.
    """
    with opened() as product:
        actor = acting(product, login)
        if preview:
            found = product.rulebook.preview_recount(actor, key)
            show(found, _preview(key, found))
        elif not why:
            raise InputInvalid("no reason is given", field="why", hint="give --why")
        elif open_cases:
            job = product.rulebook.recount(actor, key, why=why)
            show({"key": key, "recount": job}, f"{key}: open cases are counted again (job {job}).")
        else:
            number = product.rulebook.apply(actor, key, not off, why=why)
            state = "not applied" if off else "applied to new reports"
            show({"key": key, "version": number, "applied": not off}, f"{key}: version {number}, {state}.")


def _preview(key: str, found: RecountPreview) -> Iterator[str]:
    yield (
        f"{key}: {found.looked_at} open cases, {found.moved} would move "
        f"({found.earlier} earlier, {found.later} later); {found.newly_overdue} would be overdue at once"
    )
    for row in found.rows:
        yield plain(f"  {row.code}: {moment(row.was)} -> {moment(row.now)}  {row.stage_was} -> {row.stage}")
    if found.pages > 1:
        yield f"page {found.page} of {found.pages}"


def _document(rule: RuleHistory) -> dict[str, Any]:
    return {"key": rule.key, "current": rule.current is not None, "versions": rule.versions}


def _page(rule: RuleHistory) -> Iterator[str]:
    for view in rule.versions:
        policy = view.policy
        yield plain(f"{rule.key} version {policy.version} ({_state(view)}): {policy.name}")
        yield plain(f"  {policy.step}: {_amount(view)}, {_scope(view)}")
        yield f"  holds {policy.valid_from:%d/%m/%Y} to {_day(policy.valid_to)}"
        yield plain(f"  source: {policy.source or '-'} ({policy.certainty})")
        if view.made_at:
            yield plain(f"  made {moment(view.made_at)} by {view.who or 'operator'}: {view.why}")
        if view.retired_at:
            yield plain(
                f"  ended {moment(view.retired_at)} by {view.retired_by or 'operator'}: {view.retired_why}"
            )


def _day(day: Any) -> str:
    return "no end" if day is None else f"{day:%d/%m/%Y}"


def _state(view: PolicyView) -> str:
    return "given up" if view.retired_at else "applied" if view.applied else "not applied"


def _amount(view: PolicyView) -> str:
    return f"{view.policy.amount} {view.policy.unit.value}"


def _scope(view: PolicyView) -> str:
    policy = view.policy
    words = [f"{name} {value}" for name in ("channel", "category", "urgency", "kind")
             if (value := getattr(policy, name)) is not None]  # fmt: skip
    if policy.several_units is not None:
        words.append("several units" if policy.several_units else "one unit")
    return ", ".join(words) or "all reports"
