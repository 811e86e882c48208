"""`motmoi retention`: how long data is kept, what is due to be forgotten, and forgetting it.

A file for `load` has one table a kind:

    [identity]
    days = 730          # or keep = true
    source = "Quyết định 12/QĐ-UBND ngày 05/01/2027"
    why = "Theo quy chế lưu trữ của phường"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.cli.acting import AS, WHY, acting
from aggregator.cli.frame import DONE, FINDING, Group, plain, show, table
from aggregator.cli.opening import OPERATOR, opened
from aggregator.domain.retention import Kind
from aggregator.errors import InputInvalid

if TYPE_CHECKING:
    from aggregator.services.privacy.retention import PlanLine

KINDS = click.Choice([kind.value for kind in Kind])


@click.group(cls=Group)
def retention() -> None:
    """How long each kind of data is kept, and forgetting what is due."""


@retention.command()
@click.option("--kind", "kinds", type=KINDS, multiple=True, help="Only this kind; several may be given.")
def plan(kinds: tuple[str, ...]) -> int:
    """Dry run: what is due, what stays and why. Changes nothing; exit 1 where something is due."""
    with opened() as product:
        lines = product.retention.plan(OPERATOR, _kinds(kinds))
    show({"due": sum(line.count for line in lines), "kinds": lines}, _plan(lines))
    return FINDING if any(line.count for line in lines) else DONE


@retention.command()
@click.option("--kind", "kinds", type=KINDS, multiple=True, help="Only this kind; several may be given.")
@click.option("--limit", type=click.IntRange(1), help="At most so many of each kind.")
@click.option("--keep-file", is_flag=True, help="Do not write the database anew afterwards.")
@AS
def run(kinds: tuple[str, ...], limit: int | None, keep_file: bool, login: str | None) -> None:
    """Forget what is due. Ended at any moment it is begun again with the same words."""
    with opened() as product:
        done = product.retention.run(acting(product, login), _kinds(kinds), limit)
        if not keep_file and product.retention.erasing().waits:
            product.retention.compact()
        waits = product.retention.erasing().waits
    lines = [f"{kind}: {number}" for kind, number in done.items()] or ["Nothing was due."]
    lines += ["Erased bytes are written over at night, or by: motmoi retention compact"] if waits else []
    show({"done": dict(done), "compact_waits": waits}, lines)


@retention.command()
def compact() -> None:
    """Write the database anew, so that what was erased is gone from its file. Writers wait meanwhile."""
    with opened() as product:
        product.retention.compact()
        removed = product.retention.look_around()
    show({"files_removed": removed}, f"Done; {removed} files that no report names were removed.")


@retention.command("rules")
def rules_() -> None:
    """Show how long each kind is kept. Proposals are not law: they rest on no paper yet."""
    with opened() as product:
        found = product.retention_policy.rules(OPERATOR)
        switch = product.retention_policy.switch(OPERATOR)
    rows = [
        (view.rule.kind, view.rule.days, view.rule.certainty, view.rule.source, view.at, view.who)
        for view in found
    ]
    text = table(("kind", "days", "certainty", "paper", "set", "by"), rows)
    text.append("Forgotten every night." if switch.on else "Nothing is forgotten by itself: switched off.")
    show({"on": switch.on, "rules": found}, text)


@retention.command("set")
@click.argument("kind", type=KINDS)
@click.option("--days", type=int, help="How long it is kept.")
@click.option("--keep", is_flag=True, help="Keep it without an end.")
@click.option("--source", default="", help="The paper that says so; without one it stays a proposal.")
@WHY
@AS
def set_(kind: str, days: int | None, keep: bool, source: str, why: str, login: str | None) -> None:
    """Set how long one kind is kept, from now on."""
    if (days is None) != keep:
        raise InputInvalid("give --days N or --keep", field="days")
    with opened() as product:
        product.retention_policy.change(acting(product, login), Kind(kind), days, source=source, why=why)
    show({"kind": kind, "days": days}, f"{kind}: {'kept' if days is None else f'{days} days'}.")


@retention.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@AS
def load(file: Path, login: str | None) -> None:
    """Set several kinds from a TOML file; what is already so is left alone."""
    wanted = _read(file)
    with opened() as product:
        actor = acting(product, login)
        held = {view.rule.kind: view.rule for view in product.retention_policy.rules(actor)}
        changed = [
            kind for kind, (days, source, _) in wanted.items()
            if (held[kind].days, held[kind].source) != (days, source)
        ]  # fmt: skip
        for kind in changed:
            days, source, why = wanted[kind]
            product.retention_policy.change(actor, kind, days, source=source, why=why)
    show({"changed": changed}, f"{len(changed)} of {len(wanted)} kinds changed.")


@retention.command()
@click.argument("state", type=click.Choice(["on", "off"]))
@AS
def nightly(state: str, login: str | None) -> None:
    """Let the worker forget every night what is due, or no longer. Shows the dry run that it confirms."""
    with opened() as product:
        actor = acting(product, login)
        lines = product.retention.plan(actor)
        due = {line.kind.value: line.count for line in lines}
        product.retention_policy.turn(actor, state == "on", due, due)
    show({"on": state == "on", "due": due}, [*_plan(lines), f"Nightly: {state}."])


@retention.command()
@click.argument("code")
@click.option("--reason", default="complaint", help="complaint, inspection, court or other.")
@click.option("--note", default="", help="Number of the paper, or why.")
@click.option("--lift", is_flag=True, help="Lift the hold again.")
@AS
def hold(code: str, reason: str, note: str, lift: bool, login: str | None) -> None:
    """Keep the case with this CODE from being forgotten."""
    from aggregator.services.privacy.holds import HoldReason

    with opened() as product:
        actor = acting(product, login)
        if lift:
            product.holds.lift(actor, product.cases.find(actor, code))
        else:
            try:
                why = HoldReason(reason)
            except ValueError as error:
                raise InputInvalid(f"--reason {reason!r} is not known", field="reason") from error
            product.holds.put(actor, code, why, note)
    show({"code": code, "held": not lift}, plain(f"{code}: {'may be forgotten' if lift else 'held'}."))


def _kinds(names: tuple[str, ...]) -> tuple[Kind, ...]:
    return tuple(Kind(name) for name in names) or tuple(Kind)


def _plan(lines: tuple[PlanLine, ...]) -> Iterator[str]:
    rows = [
        (line.kind, line.rule.days, line.count, line.oldest, ", ".join(line.sample),
         ", ".join(f"{why} {number}" for why, number in line.stays.items()))
        for line in lines
    ]  # fmt: skip
    yield from table(("kind", "days", "due", "oldest", "cases", "stays"), rows)


def _read(file: Path) -> dict[Kind, tuple[int | None, str, str]]:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputInvalid(f"{file.name}: {error}") from error
    found = {}
    for name, table_ in document.items():
        if name not in list(Kind) or not isinstance(table_, dict):
            raise InputInvalid(f"{file.name}: [{name}] is no kind", hint=f"one of {', '.join(Kind)}")
        if set(table_) - {"days", "keep", "source", "why"} or ("days" in table_) == ("keep" in table_):
            raise InputInvalid(f"{file.name}: [{name}] takes days or keep, source and why")
        days = table_.get("days")
        if days is not None and not isinstance(days, int):
            raise InputInvalid(f"{file.name}: [{name}] days is a whole number")
        found[Kind(name)] = (days, str(table_.get("source", "")), str(table_.get("why", "")))
    return found
