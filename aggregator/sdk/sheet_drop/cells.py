"""What one cell says: dates, numbers and flags as people type them, or None.

Pure. What may surprise: dates are day first unless the channel names other forms, because that is
how Vietnamese is written; "03/04/2026" is the third of April. A bare number where a date is expected
is Excel's own count of days, which an export writes when the column was never formatted as a date.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aggregator.sdk.values import SAYS_NO, Unreadable, fold, to_utc

__all__ = ["date_reader", "flag", "number"]

DAY_FIRST = (
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y",
    "%H:%M:%S %d/%m/%Y",
    "%H:%M %d/%m/%Y",
    "%H:%M, %d/%m/%Y",
    "%d-%m-%Y %H:%M:%S",
    "%d-%m-%Y %H:%M",
    "%d-%m-%Y",
    "%d.%m.%Y",
)
#: What exports put where they have no value. Read as empty in typed cells only: a text is a text.
NOTHING = frozenset(("", "-", "na", "n/a", "nan", "null", "none", "#n/a", "nil"))

# Excel's day 0; its day 60 is a 29 February 1900 that never was, long before anybody's report.
_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 (a local wall-clock time: the zone is put on later)
_EXCEL_DAYS = (20_000.0, 80_000.0)  # 1954 to 2119: outside, a number is not meant as a date

#: Distinct date texts remembered. A file of a million rows has a few thousand days, or a million
#: seconds: then the memory is emptied, and stays flat.
_REMEMBERED = 20_000


def date_reader(zone: ZoneInfo, forms: Sequence[str] = ()) -> Callable[[str], datetime | None]:
    """A function from a cell to the instant in UTC, or None where the cell is not a date.

    ISO first, then `forms` (`strptime`; day first where none are given). A time without a zone is
    the wall clock of `zone`.
    """
    known: dict[str, datetime | None] = {}
    forms = tuple(forms) or DAY_FIRST

    def read(cell: str) -> datetime | None:
        if cell in known:
            return known[cell]
        if len(known) >= _REMEMBERED:
            known.clear()
        known[cell] = found = _instant(cell, zone, forms)
        return found

    return read


def _instant(cell: str, zone: ZoneInfo, forms: Sequence[str]) -> datetime | None:
    wall = _iso(cell) or _formed(cell, forms) or _serial(cell)
    if wall is None:
        return None
    try:
        return to_utc(wall, zone)
    except Unreadable:  # year 1 or 9999 moved over the edge of the calendar
        return None


def _iso(cell: str) -> datetime | None:
    try:
        return datetime.fromisoformat(cell)
    except ValueError:
        return None


def _formed(cell: str, forms: Sequence[str]) -> datetime | None:
    for form in forms:
        try:
            return datetime.strptime(cell, form)  # noqa: DTZ007 (the zone is put on later)
        except ValueError:
            continue
    return None


def _serial(cell: str) -> datetime | None:
    try:
        days = float(cell)
    except ValueError:
        return None
    if not _EXCEL_DAYS[0] <= days <= _EXCEL_DAYS[1]:
        return None
    # Excel keeps fractions of a day: rounded, or 14:30 comes out as 14:29:59.999997.
    return _EXCEL_EPOCH + timedelta(seconds=round(days * 86_400))


def number(cell: str, *, decimal_comma: bool = False) -> float | None:
    """The number, or None where there is none. Raises `ValueError` where the cell is something else."""
    if cell.lower() in NOTHING:
        return None
    if decimal_comma:
        cell = cell.replace(".", "").replace(",", ".")
    value = float(cell)
    if value - value != 0.0:  # nan and the infinities
        raise ValueError(cell)
    return value


def flag(cell: str) -> bool:
    """Whether a box is ticked. What is not clearly a "no" counts: it guards a name (I12)."""
    folded = fold(cell)
    return folded not in NOTHING and folded not in SAYS_NO
