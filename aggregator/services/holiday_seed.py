"""The holiday rows a new installation starts with: computed days, corrected by published decisions.

Promises one `DayOverride` a day, in date order, each with a Vietnamese note and its source:
``decision`` for the shipped corrections below, ``package`` for what the `holidays` package computes.
An administrator's own rows (``person``) stand over both.

What would surprise: the package is right about Tết and the statutory days but late or silent about
swaps, so its word is a proposal. Years after `LAST_DECIDED_YEAR` are forecasts (the government usually
announces swaps late in the year before), and their notes say so. Holidays that fall on a weekend are
rows too: they explain themselves and hurt nobody.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Final

from aggregator.domain.shifts import DayOverride
from aggregator.errors import InputInvalid

if TYPE_CHECKING:
    import holidays

#: The last year whose days off were announced when these rows were written.
LAST_DECIDED_YEAR: Final = 2026
_FORECAST: Final = "dự tính, chờ thông báo chính thức"
_SWAP: Final = re.compile(r"thay cho ngày (\d\d)/(\d\d)/(\d{4})")

_LETTER_12729: Final = "12729/VPCP-KGVX"  # Government Office, 25 December 2025; the package has neither day
CORRECTIONS: Final = (
    DayOverride(
        date(2026, 1, 2),
        works=False,
        note="Nghỉ hoán đổi sang thứ Bảy 10/01/2026",
        decision=_LETTER_12729,
        source="decision",
    ),
    DayOverride(
        date(2026, 1, 10),
        works=True,
        note="Làm bù cho thứ Sáu 02/01/2026",
        decision=_LETTER_12729,
        source="decision",
    ),
)


def vietnam_days(first_year: int, last_year: int) -> list[DayOverride]:
    """Vietnam's days off and make-up Saturdays of these years, one row a day, in date order."""
    if first_year > last_year:
        raise InputInvalid(f"years {first_year}..{last_year} run backwards", field="first_year")
    import holidays  # here: no start of the product but its first needs it, and it takes long to load

    years = range(first_year, last_year + 1)
    known = holidays.country_holidays("VN", years=years, language="vi")
    rows = {
        day: DayOverride(day, works=False, note=_note(day, name), source="package")
        for day, name in known.items()
    }
    swapped = _swaps(known)
    for day in known.weekend_workdays:
        if day.year in years:
            rows[day] = DayOverride(day, works=True, note=_made_up_note(day, swapped), source="package")
    rows.update({row.day: row for row in CORRECTIONS if row.day.year in years})
    return [rows[day] for day in sorted(rows)]


def _note(day: date, name: str) -> str:
    return f"{name} ({_FORECAST})" if day.year > LAST_DECIDED_YEAR else name


def _swaps(known: holidays.HolidayBase) -> dict[date, date]:
    """Make-up day -> the day off it pays for, as the package's names tell it."""
    found: dict[date, date] = {}
    for day, name in known.items():
        if match := _SWAP.search(name):
            of_day, month, year = map(int, match.groups())
            found[date(year, month, of_day)] = day
    return found


def _made_up_note(day: date, swapped: dict[date, date]) -> str:
    off = swapped.get(day)
    return _note(day, f"Làm bù cho ngày {off:%d/%m/%Y}" if off else "Làm bù")
