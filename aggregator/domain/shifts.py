"""The hours of an office's days: its shifts, the days that differ, and what cannot be a shift.

Times are the office's own clock. What may surprise: an end of 00:00 is midnight *after* the shift, so a night
shift is cut there into two days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Final

from aggregator.errors import InputInvalid

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_WEEKDAYS_VI: Final = ("Thứ Hai", "Thứ Ba", "Thứ Tư", "Thứ Năm", "Thứ Sáu", "Thứ Bảy", "Chủ nhật")


class ShiftInvalid(InputInvalid, ValueError):
    """A shift is empty, runs backwards or overlaps another; the message names the day."""

    code = "shift_invalid"


@dataclass(frozen=True, slots=True)
class Shift:
    """One stretch of work on one day, local time; an `end` of 00:00 is the end of the day (24:00)."""

    start: time
    end: time


@dataclass(frozen=True, slots=True)
class DayOverride:
    """A day that differs from its weekday: a holiday, a make-up Saturday, a half day.

    A day that works without `shifts` of its own works the hours of a normal day. `decision` is the
    number of the official letter, `source` who entered the row: ``person``, ``decision`` (shipped
    correction) or ``package`` (computed).
    """

    day: date
    works: bool
    note: str = ""
    decision: str = ""
    source: str = "person"
    shifts: tuple[Shift, ...] = ()


_MORNING: Final = Shift(time(7, 30), time(11, 30))
_AFTERNOON: Final = Shift(time(13, 30), time(17, 0))
#: A starting set, to be confirmed by each office: no rule that fixes these hours was verified.
WARD_WEEK: Final[Mapping[int, tuple[Shift, ...]]] = dict.fromkeys(range(5), (_MORNING, _AFTERNOON))
#: Day and night, for a hotline. Build it without overrides, or Tết would close the hotline.
ALWAYS: Final[Mapping[int, tuple[Shift, ...]]] = {day: (Shift(time.min, time.min),) for day in range(7)}


def checked_shifts(shifts: Iterable[Shift], day: str) -> tuple[Shift, ...]:
    """The shifts in order; refuses empty, backward and overlapping ones, naming `day`."""
    ordered = tuple(sorted(shifts, key=lambda shift: (shift.start, shift.end)))
    last_end = -1
    for shift in ordered:
        start, end = clock_seconds(shift.start), clock_seconds(shift.end) or 86_400
        if end <= start:
            raise ShiftInvalid(
                f"{day}: shift {shift.start:%H:%M}-{shift.end:%H:%M} is empty or runs backwards",
                field=day,
                hint="Cut a night shift at midnight into two days",
                message_vi=f"{_day_vi(day)}: ca {shift.start:%H:%M}-{shift.end:%H:%M} rỗng hoặc ngược giờ",
            )
        if start < last_end:
            raise ShiftInvalid(
                f"{day}: shift {shift.start:%H:%M}-{shift.end:%H:%M} overlaps the one before it",
                field=day,
                message_vi=f"{_day_vi(day)}: ca {shift.start:%H:%M}-{shift.end:%H:%M} chồng lên ca trước",
            )
        last_end = end
    return ordered


def _day_vi(day: str) -> str:
    """'Thứ Ba' of 'Tuesday', '24/12/2026' of '2026-12-24'."""
    if day in WEEKDAYS:
        return _WEEKDAYS_VI[WEEKDAYS.index(day)]
    try:
        return f"{date.fromisoformat(day):%d/%m/%Y}"
    except ValueError:
        return day  # what a person typed, before it belongs to any day


def clock_seconds(at: time) -> int:
    """Seconds since midnight of a clock time."""
    return at.hour * 3600 + at.minute * 60 + at.second


def one_per_day(overrides: Iterable[DayOverride]) -> dict[date, DayOverride]:
    """A person's row stands over a shipped or computed one; among equals the later row."""
    chosen: dict[date, DayOverride] = {}
    for row in overrides:
        known = chosen.get(row.day)
        if known is None or row.source == "person" or known.source != "person":
            chosen[row.day] = row
    return chosen
