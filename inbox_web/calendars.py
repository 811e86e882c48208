"""Working calendars on screen: the year at a glance, the hours of the week, the days that differ, files.

    a calendar of all, of a ward, of a unit | its year | a change is tried on past cases or saved
    | the worker counts open cases again: the page says how far it is

What may surprise: holidays that the program computes are shown as proposals with a box each; nothing of
them holds before a person has said yes. A file is read first and shown; a second press takes it.
"""

from __future__ import annotations

import calendar as months
from collections.abc import Iterator
from datetime import date
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask import Response as FileResponse
from werkzeug.wrappers import Response

from aggregator.domain import day_table
from aggregator.domain.people import Right
from aggregator.domain.shifts import DayOverride
from aggregator.errors import InputInvalid
from aggregator.services.calendars import this_year
from aggregator.services.recounts import Scope
from aggregator.services.views.calendars import CalendarView
from inbox_web.access import Door, actor, open_to, services
from inbox_web.forms import guards, once, say
from inbox_web.language import _

blueprint = Blueprint("calendars", __name__)

#: A table of days is some kilobytes; what is larger is another file.
FILE_MOST = 256 * 1024
_TYPES = {"csv": "text/csv", "toml": "application/toml"}


@blueprint.get("/settings/calendars")
@open_to(Door.SIGNED_IN)
def page() -> str:
    """One calendar, by default everybody's, with its year."""
    person, calendars = actor(), services().calendars
    scope, year = _scope(request.args), _year(request.args)
    view = calendars.view(person, scope, year)
    return render_template(
        "calendars/page.html", view=view, year=year, scope=scope, months=list(_months(view, year)),
        calendars=calendars.list(person), jobs=calendars.recounts(person),
        proposals=calendars.proposals(person, year) if scope == Scope() else (),
        choices=services().inbox.choices(person), hours=_hours_of(view),
    )  # fmt: skip


@blueprint.post("/settings/calendars/days")
@open_to(Right.OPERATE)
def set_day() -> Response:
    form = request.form
    services().calendars.set_days(
        actor(), _scope(form), list(_days(form)), why=form.get("why", ""), **guards()
    )
    say(_("Saved. Open cases are counted again in the background."))
    return _back(form)


@blueprint.post("/settings/calendars/days/remove")
@open_to(Right.OPERATE)
def unset_day() -> Response:
    form = request.form
    day = day_table.a_date(form.get("day", ""))
    why = form.get("why", "").strip() or _("Taken out of the list")
    services().calendars.unset_days(actor(), _scope(form), [day], why=why, **guards())
    say(_("Saved. Open cases are counted again in the background."))
    return _back(form)


@blueprint.post("/settings/calendars/week")
@open_to(Right.OPERATE)
def set_week() -> Response:
    form, calendars = request.form, services().calendars
    if "drop" in form:
        calendars.drop(actor(), _scope(form), why=form.get("why", ""), **guards())
    elif "always" in form:
        calendars.day_and_night(actor(), _scope(form), why=form.get("why", ""), **guards())
    else:
        week = {at: day_table.hours(form.get(f"day{at}", "")) for at in range(7)}
        calendars.set_week(
            actor(), _scope(form), week, shared_days="through_holidays" not in form,
            why=form.get("why", ""), **guards(),
        )  # fmt: skip
    say(_("Saved. Open cases are counted again in the background."))
    return _back(form)


@blueprint.post("/settings/calendars/proposals")
@open_to(Right.OPERATE)
def accept() -> Response:
    form = request.form
    days = [day_table.a_date(day) for day in form.getlist("day")]
    services().calendars.accept(actor(), _year(form), days, why=form.get("why", ""), once=once())
    say(_("Saved. Open cases are counted again in the background."))
    return _back(form)


@blueprint.post("/settings/calendars/file")
@open_to(Right.OPERATE)
def import_file() -> Response | str:
    """Read the file and show what it would change; the second press, from that page, takes it."""
    form, scope = request.form, _scope(request.form)
    text, kind = _file()
    apply = "apply" in form
    plan = services().calendars.read_file(
        actor(), scope, text, kind, apply=apply, why=form.get("why", ""), **guards()
    )
    if apply and not plan.problems:
        say(_("The file is taken. Open cases are counted again in the background."))
        return _back(form)
    version = form.get("version", type=int)
    return render_template(
        "calendars/file.html", plan=plan, text=text, kind=kind, scope=scope, year=_year(form), version=version
    )


@blueprint.get("/settings/calendars/file.<kind>")
@open_to(Door.SIGNED_IN)
def export_file(kind: str) -> FileResponse:
    if kind not in _TYPES:
        raise InputInvalid(f"no such kind of file: {kind}", field="kind")
    year = request.args.get("year", type=int)
    text = services().calendars.export(actor(), _scope(request.args), kind, year)
    name = f"lich-lam-viec-{year or 'tat-ca'}.{kind}"
    # Spreadsheets take a CSV for UTF-8 only where it begins with the mark.
    body = ("\ufeff" if kind == "csv" else "") + text
    return FileResponse(
        body, mimetype=_TYPES[kind], headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@blueprint.get("/settings/calendars/try")
@open_to(Right.OPERATE)
def trial() -> str:
    """Days off or on, tried on the cases of the last weeks; the same fields then save them."""
    given = request.args
    days = list(_days(given))
    found = services().whatif.calendar(
        actor(), _scope(given), set_days=days, days=given.get("days", 30, type=int),
        page=given.get("page", 1, type=int),
    )  # fmt: skip
    asked = {name: value for name, value in given.items() if name != "page"}
    return render_template(
        "calendars/trial.html", found=found, asked=asked, days=days, scope=_scope(given), year=_year(given)
    )


def _scope(given: Any) -> Scope:
    return Scope(given.get("ward") or None, given.get("unit", type=int))


def _year(given: Any) -> int:
    year: int = given.get("year", type=int) or this_year(services().clock())
    if year not in day_table.YEARS:
        raise InputInvalid(f"no such year: {year}", field="year", message_vi=f"Không có năm {year}.")
    return year


def _days(form: Any) -> Iterator[DayOverride]:
    """The day that the form names, or each of a stretch of them."""
    first = day_table.a_date(form.get("day", ""))
    last = day_table.a_date(form["until"]) if form.get("until", "").strip() else first
    if not 0 <= (last - first).days <= 60:
        raise InputInvalid(
            f"{first} to {last} runs backwards or is longer than two months", field="until",
            message_vi="Ngày cuối phải sau ngày đầu và cách không quá 60 ngày.",
        )  # fmt: skip
    works = form.get("works") == "yes"
    hours = day_table.hours(form.get("hours", ""))
    if hours and not works:
        raise InputInvalid("a day off has no hours", field="hours",
                           message_vi="Ngày nghỉ thì không có giờ làm. Hãy bỏ trống ô giờ.")  # fmt: skip
    note, decision = (
        " ".join(form.get(name, "").split())[: day_table.TEXT_MOST] for name in ("note", "decision")
    )
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        yield DayOverride(date.fromordinal(ordinal), works, note, decision, "person", hours)


def _file() -> tuple[str, str]:
    """The text of the uploaded file, or of the page that showed it, and its kind."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        if not request.form.get("text"):
            raise InputInvalid(
                "no file is chosen", field="file", message_vi="Hãy chọn một tệp .csv hoặc .toml."
            )
        return request.form["text"], request.form.get("kind", "csv")
    kind = sent.filename.rsplit(".", 1)[-1].lower()
    raw = sent.stream.read(FILE_MOST + 1)
    if kind not in _TYPES or len(raw) > FILE_MOST:
        raise InputInvalid(
            "only .csv and .toml up to 256 kB", field="file",
            message_vi="Chỉ nhận tệp .csv hoặc .toml, tối đa 256 kB.",
        )  # fmt: skip
    try:
        return raw.decode("utf-8-sig"), kind
    except UnicodeDecodeError as error:
        raise InputInvalid(
            "the file is not in UTF-8", field="file",
            message_vi="Tệp không phải mã UTF-8. Trong Excel hãy lưu dạng “CSV UTF-8”.",
        ) from error  # fmt: skip


def _hours_of(view: CalendarView) -> list[str]:
    return [day_table.hours_text(view.week[at]) for at in range(7)]


def _months(view: CalendarView, year: int) -> Iterator[tuple[int, list[list[dict[str, Any] | None]]]]:
    """Twelve months of weeks; each day with what it is, None beside the month."""
    special = {each.day.day: each.day for each in view.days}
    for month in range(1, 13):
        weeks = months.Calendar().monthdatescalendar(year, month)
        yield (
            month,
            [[_cell(day, view, special) if day.month == month else None for day in week] for week in weeks],
        )


def _cell(day: date, view: CalendarView, special: dict[date, DayOverride]) -> dict[str, Any]:
    row = special.get(day)
    works = view.calendar.is_working_day(day)
    kind = "off" if not works else "on"
    if row is not None:
        kind = "holiday" if not row.works else "half" if row.shifts else "makeup"
    return {"day": day, "kind": kind, "note": row.note if row else ""}


def _back(form: Any) -> Response:
    return redirect(
        url_for("calendars.page", ward=form.get("ward") or None, unit=form.get("unit") or None,
                year=form.get("year") or None),
        code=303,
    )  # fmt: skip
