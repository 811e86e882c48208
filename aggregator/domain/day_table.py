"""Days that differ, and hours, as people write them: in a file, in a field of a form.

Promise: reading a table gives either its days or every problem in it, each with its line and column, so
that one look at the file corrects all of them. What `written` writes, `read` reads back as it was.

    ngày;làm việc;giờ;số quyết định;ghi chú          [[ngay]]
    02/01/2026;nghỉ;;12729/VPCP-KGVX;Hoán đổi        ngày = 2026-01-02
    14/02/2026;làm;07:30-11:30;;Nửa ngày             "làm việc" = false

What may surprise: English headings are as good, in any order, with commas, semicolons or tabs between;
and TOML tells no lines, so the line told there is that of the day's own heading.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final

from aggregator.domain.shifts import DayOverride, Shift, ShiftInvalid, checked_shifts
from aggregator.domain.text import fold
from aggregator.errors import InputInvalid

#: No office enters days of another age; a year typed with a digit too few or too many is a slip.
YEARS: Final = range(2000, 2101)
#: A year has 366 days; ten times that is not a table of exceptions any more.
MOST_DAYS: Final = 3660
TEXT_MOST: Final = 300

_COLUMNS: Final = {
    "day": ("day", "date", "ngay"),
    "works": ("works", "working", "lam viec", "lam", "co lam viec"),
    "hours": ("hours", "gio", "gio lam viec", "shifts"),
    "decision": ("decision", "so quyet dinh", "van ban", "so van ban"),
    "note": ("note", "ghi chu", "noi dung"),
}
_HEADINGS: Final = ("ngày", "làm việc", "giờ", "số quyết định", "ghi chú")
_WORKS: Final = {
    True: ("1", "true", "yes", "x", "co", "lam", "lam viec", "di lam", "lam bu"),
    False: ("0", "false", "no", "khong", "nghi", "nghi le"),
}
_ALL_DAY: Final = ("24/24", "24h", "ca ngay", "all day")


@dataclass(frozen=True, slots=True)
class Problem:
    """What cannot be used, and where: `line` counts from 1, `column` is the heading's own word."""

    line: int
    column: str
    why: str
    why_vi: str


@dataclass(frozen=True, slots=True)
class DayTable:
    """The days of a file, or what is wrong with it; never both."""

    days: tuple[DayOverride, ...]
    problems: tuple[Problem, ...]


def read(text: str, kind: str) -> DayTable:
    """The table in `text`, which is ``csv`` or ``toml``; `InputInvalid` where it is no table at all."""
    rows = _toml_rows(text) if kind == "toml" else _csv_rows(text)
    if len(rows) > MOST_DAYS:
        raise InputInvalid(
            f"{len(rows)} days in one file, at most {MOST_DAYS}", field="file",
            message_vi=f"Tệp có {len(rows)} ngày, tối đa {MOST_DAYS}.",
        )  # fmt: skip
    reader = _Reader()
    for line, row, names in rows:
        reader.take(line, row, names)
    return reader.result()


class _Reader:
    """Collects days and problems row by row."""

    def __init__(self) -> None:
        self._days: dict[date, DayOverride] = {}
        self._lines: dict[date, int] = {}
        self._problems: list[Problem] = []

    def take(self, line: int, row: Mapping[str, Any], names: Mapping[str, str]) -> None:
        found = len(self._problems)
        day = self._part(line, names["day"], lambda: a_date(row.get("day")))
        works = self._part(line, names.get("works", "works"), lambda: _works(row.get("works")))
        hours = self._part(line, names.get("hours", "hours"), lambda: _hours(row.get("hours")))
        if day is not None and day in self._lines:
            self._problem(
                line, names["day"], f"{day} stands in line {self._lines[day]} already",
                f"ngày {day:%d/%m/%Y} đã có ở dòng {self._lines[day]}",
            )  # fmt: skip
        if works is False and hours:
            self._problem(
                line, names.get("hours", "hours"), "a day off has no hours", "ngày nghỉ thì không có giờ làm"
            )
        if day is not None:
            self._lines.setdefault(day, line)
        if len(self._problems) == found and day is not None and works is not None:
            note, decision = (_text(row.get(name)) for name in ("note", "decision"))
            self._days[day] = DayOverride(day, works, note, decision, "person", hours or ())

    def _part(self, line: int, column: str, parse: Any) -> Any:
        try:
            return parse()
        except InputInvalid as error:
            self._problem(line, column, error.message, error.message_vi)
        return None

    def _problem(self, line: int, column: str, why: str, why_vi: str) -> None:
        self._problems.append(Problem(line, column, why, why_vi))

    def result(self) -> DayTable:
        if self._problems:
            return DayTable((), tuple(self._problems))
        return DayTable(tuple(self._days[day] for day in sorted(self._days)), ())


_Row = tuple[int, Mapping[str, Any], Mapping[str, str]]


def _csv_rows(text: str) -> list[_Row]:
    text = text.lstrip("\ufeff")
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(";,\t", key=first.count)
    lines = csv.reader(io.StringIO(text), delimiter=separator)
    rows: list[_Row] = []
    known: dict[int, str] = {}
    names: dict[str, str] = {}
    try:
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if not known:
                known = {at: name for at, cell in enumerate(cells) if (name := _column(cell))}
                names = {name: cells[at].strip() for at, name in known.items()}
                _all_there(names)
                continue
            row = {name: cells[at] for at, name in known.items() if at < len(cells)}
            rows.append((lines.line_num, row, names))
    except csv.Error as error:
        raise _no_table(f"line {lines.line_num}: {error}") from error
    if not known:
        raise _no_table("it is empty")
    return rows


def _toml_rows(text: str) -> list[_Row]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _no_table(str(error)) from error
    tables = next((value for value in document.values() if isinstance(value, list)), None)
    if tables is None or not all(isinstance(row, dict) for row in tables):
        raise _no_table("it has no [[ngay]] tables")
    heads = [number for number, line in enumerate(text.splitlines(), 1) if line.strip().startswith("[[")]
    rows: list[_Row] = []
    for line, table in zip(heads, tables, strict=False):
        names = {name: key for key in table if (name := _column(key))}
        _all_there(names)
        rows.append((line, {name: table[key] for name, key in names.items()}, names))
    return rows


def _column(heading: str) -> str | None:
    word = " ".join(fold(heading).replace("_", " ").split())
    return next((name for name, words in _COLUMNS.items() if word in words), None)


def _all_there(names: Mapping[str, str]) -> None:
    missing = [name for name in ("day", "works") if name not in names]
    if missing:
        vi = {"day": "ngày", "works": "làm việc"}[missing[0]]
        raise InputInvalid(
            f"there is no column {missing[0]}", field="file",
            hint=f"the headings are {'; '.join(_HEADINGS)}",
            message_vi=f"Thiếu cột “{vi}”. Các cột: {'; '.join(_HEADINGS)}.",
        )  # fmt: skip


def _no_table(why: str) -> InputInvalid:
    return InputInvalid(f"this is no table of days: {why}", field="file",
                        message_vi="Tệp này không phải bảng ngày làm việc, ngày nghỉ đọc được.")  # fmt: skip


# The parts of a row ---------------------------------------------------------------------------------


def a_date(given: Any) -> date:
    """'02/01/2026' or '2026-01-02'; `InputInvalid` for what is no day, or not of our times."""
    typed = given.isoformat() if isinstance(given, date) else str(given or "").strip()
    try:
        day = date.fromisoformat(_iso(typed))
    except ValueError as error:
        raise InputInvalid(
            f"{typed!r} is no date", field="day",
            message_vi=f"“{typed}” không phải là ngày có thật. Hãy ghi như 24/12/2026.",
        ) from error  # fmt: skip
    if day.year not in YEARS:
        raise InputInvalid(
            f"{day}: the year is not of {YEARS[0]}..{YEARS[-1]}", field="day",
            message_vi=f"Năm {day.year} nằm ngoài khoảng {YEARS[0]}–{YEARS[-1]}.",
        )  # fmt: skip
    return day


def _iso(typed: str) -> str:
    parts = re.split(r"[/.]", typed)
    return f"{parts[2]}-{parts[1]:0>2}-{parts[0]:0>2}" if len(parts) == 3 else typed


def _works(given: Any) -> bool:
    if isinstance(given, bool):
        return given
    word = " ".join(fold(str(given or "")).split())
    for works, words in _WORKS.items():
        if word in words:
            return works
    raise InputInvalid(
        f"{given!r} does not say whether the office works",
        field="works",
        hint="write làm or nghỉ",
        message_vi=f"“{given or ''}” không rõ là làm hay nghỉ. Hãy ghi “làm” hoặc “nghỉ”.",
    )


def _hours(given: Any) -> tuple[Shift, ...]:
    typed = "; ".join(map(str, given)) if isinstance(given, list) else str(given or "")
    return hours(typed)


def _text(given: Any) -> str:
    return " ".join(str(given or "").split())[:TEXT_MOST]


def hours(typed: str, day: str = "") -> tuple[Shift, ...]:
    """'07:30-11:30; 13:30-17:00' as shifts, checked; none for nothing, the whole day for '24/24'."""
    if " ".join(fold(typed).split()) in _ALL_DAY:
        return (Shift(time.min, time.min),)
    shifts = []
    for part in re.split(r"[;,\n]| va ", typed):
        if not part.strip():
            continue
        bounds = re.split(r"\s*[-–—]\s*", part.strip())
        if len(bounds) != 2:
            raise _no_hours(part)
        shifts.append(Shift(_time(bounds[0], part), _time(bounds[1], part)))
    try:
        return checked_shifts(shifts, day or typed.strip())
    except ShiftInvalid as error:
        raise InputInvalid(
            error.message, field="hours", hint=error.hint, message_vi=error.message_vi
        ) from error


def _time(typed: str, part: str) -> time:
    found = re.fullmatch(r"(\d{1,2})(?:[:hg.](\d{2})?)?", typed.strip().lower())
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (99, 0)
    if (hour, minute) == (24, 0):
        return time.min
    if hour > 23 or minute > 59:
        raise _no_hours(part)
    return time(hour, minute)


def _no_hours(part: str) -> InputInvalid:
    return InputInvalid(
        f"{part.strip()!r} is no stretch of hours", field="hours", hint="write 07:30-11:30; 13:30-17:00",
        message_vi=f"“{part.strip()}” không phải là giờ làm việc. Hãy ghi như 07:30-11:30; 13:30-17:00.",
    )  # fmt: skip


# Writing --------------------------------------------------------------------------------------------


def hours_text(shifts: Iterable[Shift]) -> str:
    """'07:30-11:30; 13:30-17:00'; an end at midnight is 24:00."""
    return "; ".join(
        f"{shift.start:%H:%M}-{'24:00' if shift.end == time.min else format(shift.end, '%H:%M')}"
        for shift in shifts
    )


def written(days: Sequence[DayOverride], kind: str) -> str:
    """The table as ``csv`` (with semicolons, as spreadsheets here expect) or ``toml``."""
    return _toml(days) if kind == "toml" else _csv(days)


def _csv(days: Sequence[DayOverride]) -> str:
    out = io.StringIO()
    table = csv.writer(out, delimiter=";", lineterminator="\n")
    table.writerow(_HEADINGS)
    for day in days:
        works = "làm" if day.works else "nghỉ"
        table.writerow([f"{day.day:%d/%m/%Y}", works, hours_text(day.shifts), day.decision, day.note])
    return out.getvalue()


def _toml(days: Sequence[DayOverride]) -> str:
    lines = []
    for day in days:
        lines += ["[[ngay]]", f"day = {day.day.isoformat()}", f"works = {str(day.works).lower()}"]
        if day.shifts:
            lines.append(f"hours = {_quoted(hours_text(day.shifts))}")
        lines += [f"decision = {_quoted(day.decision)}", f"note = {_quoted(day.note)}", ""]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    # A TOML basic string: backslash and quote escaped; control characters never get this far.
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
