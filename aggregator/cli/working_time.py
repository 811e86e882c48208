"""`motmoi calendar`: the hours of a week, the days that differ, files of them, and how far a recount is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.acting import AS, WHY, acting
from aggregator.cli.frame import FINDING, Group, moment, plain, show
from aggregator.cli.opening import OPERATOR, opened
from aggregator.errors import InputInvalid

if TYPE_CHECKING:
    from aggregator.domain.shifts import DayOverride
    from aggregator.services.recounts import Scope
    from aggregator.services.views.calendars import CalendarView, ImportPlan, RecountView

WARD = click.option("--ward", metavar="CODE", help="One ward's calendar; everybody's where it is not given.")
UNIT = click.option("--unit", "unit_id", type=int, metavar="ID", help="One unit's calendar.")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@click.group(cls=Group)
def calendar() -> None:
    """Working time: hours of the week, holidays and make-up days."""


@calendar.command("show")
@WARD
@UNIT
@click.option("--year", type=int, help="Of which year the days are shown; this year where it is not given.")
def show_(ward: str | None, unit_id: int | None, year: int | None) -> None:
    """Show the hours and days of one calendar, its version, and recounts under way."""
    from aggregator.services.calendars import this_year

    with opened() as product:
        scope, year = _scope(ward, unit_id), year or this_year(product.clock())
        view = product.calendars.view(OPERATOR, scope, year)
        jobs = product.calendars.recounts(OPERATOR)
    show(document_of(view, jobs), _page(view, jobs, year))


@calendar.command("set")
@click.argument("day")
@click.option("--off/--works", required=True, help="Whether it is a day off or a working day.")
@click.option("--hours", default="", help="The hours of a half day, for example 07:30-11:30.")
@click.option("--decision", default="", help="The number of the decision.")
@click.option("--note", default="", help="What it is.")
@WARD
@UNIT
@WHY
@AS
def set_(
    day: str, off: bool, hours: str, decision: str, note: str, ward: str | None, unit_id: int | None,
    why: str, login: str | None,
) -> None:  # fmt: skip
    """Say that DAY (02/01/2026 or 2026-01-02) differs from its weekday."""
    said = day_of(day, off=off, hours_text=hours, decision=decision, note=note)
    with opened() as product:
        job = product.calendars.set_days(acting(product, login), _scope(ward, unit_id), [said], why=why)
    _changed(job)


@calendar.command()
@click.argument("day")
@WARD
@UNIT
@WHY
@AS
def unset(day: str, ward: str | None, unit_id: int | None, why: str, login: str | None) -> None:
    """Take back what was said of DAY: it is like its weekday again."""
    from aggregator.domain.day_table import a_date

    with opened() as product:
        actor, scope = acting(product, login), _scope(ward, unit_id)
        job = product.calendars.unset_days(actor, scope, [a_date(day)], why=why)
    _changed(job)


@calendar.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@WARD
@UNIT
@click.option("--dry-run", is_flag=True, help="Show what would change, or what is wrong and where.")
@click.option("--why", default="", help="The reason, kept in the ledger; needed unless it is a dry run.")
@AS
def import_(
    file: Path, ward: str | None, unit_id: int | None, dry_run: bool, why: str, login: str | None
) -> None:
    """Take days from FILE (.csv or .toml). A file with a problem changes nothing."""
    kind, text = _kind(file.name), _text(file)
    with opened() as product:
        plan = product.calendars.read_file(
            acting(product, login), _scope(ward, unit_id), text, kind, apply=not dry_run, why=why
        )
    show(plan, _plan(plan, dry_run))
    if plan.problems:
        click.get_current_context().exit(FINDING)


@calendar.command()
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@WARD
@UNIT
@click.option("--year", type=int, help="Only this year.")
def export(file: Path, ward: str | None, unit_id: int | None, year: int | None) -> None:
    """Write the days entered to FILE (.csv or .toml), as `import` reads it."""
    kind = _kind(file.name)
    with opened() as product:
        text = product.calendars.export(OPERATOR, _scope(ward, unit_id), kind, year)
    file.write_text(text, encoding="utf-8-sig" if kind == "csv" else "utf-8")
    show({"file": file}, f"Written to {file}.")


@calendar.command()
@WARD
@UNIT
@click.option("--always", is_flag=True, help="Day and night, holidays too: a hotline.")
@click.option("--through-holidays", is_flag=True, help="The days that all share do not hold here.")
@WHY
@AS
def week(
    ward: str | None, unit_id: int | None, always: bool, through_holidays: bool, why: str,
    login: str | None, **hours: str | None,
) -> None:  # fmt: skip
    """Set the hours of weekdays; a day that is not given stays as it is, '' is a day off."""
    from aggregator.domain.day_table import hours as read_hours
    from aggregator.services.calendars import this_year

    with opened() as product:
        actor, scope = acting(product, login), _scope(ward, unit_id)
        if always:
            job = product.calendars.day_and_night(actor, scope, why=why)
        else:
            now = product.calendars.view(OPERATOR, scope, this_year(product.clock())).week
            given = {at: hours[name] for at, name in enumerate(WEEKDAYS)}
            said = {at: now[at] if text is None else read_hours(text) for at, text in given.items()}
            job = product.calendars.set_week(actor, scope, said, shared_days=not through_holidays, why=why)
    _changed(job)


for _name in WEEKDAYS:
    week.params.append(click.Option([f"--{_name}"], metavar="HOURS", help="As 07:30-11:30;13:30-17:00."))


def day_of(day: str, *, off: bool, hours_text: str = "", decision: str = "", note: str = "") -> DayOverride:
    """The day that these words describe; `InputInvalid` where they describe none."""
    from aggregator.domain import day_table
    from aggregator.domain.shifts import DayOverride

    shifts = day_table.hours(hours_text)
    if off and shifts:
        raise InputInvalid("a day off has no hours", field="hours")
    return DayOverride(day_table.a_date(day), not off, note, decision, "person", shifts)


def _changed(job: int | None) -> None:
    text = "Nothing is new." if job is None else f"Changed; open cases are counted again (job {job})."
    show({"changed": job is not None, "recount": job}, text)


def _scope(ward: str | None, unit_id: int | None) -> Scope:
    from aggregator.services.recounts import Scope

    return Scope(ward, unit_id)


def _kind(name: str) -> str:
    kind = name.rsplit(".", 1)[-1].lower()
    if kind not in ("csv", "toml"):
        raise InputInvalid(f"{name} is neither .csv nor .toml", field="file")
    return kind


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputInvalid(
            f"{file} is not written in UTF-8", field="file", hint="save it as CSV UTF-8"
        ) from error


def document_of(view: CalendarView, jobs: tuple[RecountView, ...]) -> dict[str, Any]:
    """One calendar for scripts."""
    from aggregator.domain.day_table import hours_text

    return {
        "scope": view.row.scope, "own": view.own, "version": view.row.version,
        "shared_days": view.row.shared_days,
        "week": {WEEKDAYS[day]: hours_text(shifts) for day, shifts in view.week.items()},
        "days": [
            {"day": each.day.day, "works": each.day.works, "hours": hours_text(each.day.shifts),
             "note": each.day.note, "decision": each.day.decision, "source": each.day.source,
             "shared": each.shared}
            for each in view.days
        ],
        "recounts": jobs,
    }  # fmt: skip


def _page(view: CalendarView, jobs: tuple[RecountView, ...], year: int) -> Iterator[str]:
    document = document_of(view, ())
    yield plain(f"{view.row.name}, version {view.row.version} of {moment(view.row.changed_at)}")
    for day, hours in document["week"].items():
        yield f"  {day}  {hours or 'off'}"
    yield f"Days of {year} that differ: {len(view.days)}"
    for each in document["days"]:
        works = "works" if each["works"] else "off"
        told = "  ".join(str(part) for part in (each["hours"], each["decision"], each["note"]) if part)
        yield plain(f"  {each['day']:%d/%m/%Y}  {works:5}  {told}")
    for job in jobs:
        state = "done" if job.finished_at else "under way"
        yield plain(
            f"Recount {job.id} {state}: {job.seen} of {job.total} seen, {job.changed} changed: {job.why}"
        )


def _plan(plan: ImportPlan, dry_run: bool) -> Iterator[str]:
    for problem in plan.problems:
        yield plain(f"line {problem.line}, {problem.column}: {problem.why}")
    if plan.problems:
        yield f"{len(plan.problems)} problems, nothing is changed."
        return
    verb = "would come" if dry_run else "came"
    yield f"{len(plan.added)} days {verb}, {len(plan.changed)} changed, {plan.same} as they were."
