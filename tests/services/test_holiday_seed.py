"""The shipped holiday rows against published decisions."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from aggregator.domain.shifts import WARD_WEEK
from aggregator.domain.worktime import VN, Calendar
from aggregator.errors import InputInvalid
from aggregator.services.holiday_seed import vietnam_days

ROWS = {row.day: row for row in vietnam_days(2024, 2027)}

KNOWN = [
    ("2026-01-02", False, "decision", "swapped by 12729/VPCP-KGVX"),
    ("2026-01-10", True, "decision", "worked in its place, a Saturday"),
    ("2026-02-16", False, "package", "Tết 2026 begins"),
    ("2026-02-20", False, "package", "Tết 2026 ends"),
    ("2026-04-27", False, "package", "Hùng Kings' Sunday in lieu"),
    ("2026-08-22", True, "package", "make-up Saturday"),
    ("2026-08-31", False, "package", "swapped with 22 August"),
    ("2025-04-26", True, "package", "make-up Saturday 2025"),
    ("2025-05-02", False, "package", "swapped with 26 April 2025"),
    ("2024-05-04", True, "package", "make-up Saturday 2024"),
]


@pytest.mark.parametrize(("day", "works", "source", "note"), KNOWN, ids=[row[3] for row in KNOWN])
def test_a_published_day_is_in_the_seed(day: str, works: bool, source: str, note: str) -> None:
    row = ROWS[date.fromisoformat(day)]
    assert (row.works, row.source) == (works, source), note
    assert row.note


def test_corrections_name_the_official_letter() -> None:
    assert ROWS[date(2026, 1, 2)].decision == ROWS[date(2026, 1, 10)].decision == "12729/VPCP-KGVX"
    assert ROWS[date(2026, 1, 10)].note == "Làm bù cho thứ Sáu 02/01/2026"


def test_make_up_days_say_which_day_they_pay_for() -> None:
    assert ROWS[date(2026, 8, 22)].note == "Làm bù cho ngày 31/08/2026"


def test_a_year_not_yet_announced_is_marked_as_a_forecast() -> None:
    assert "dự tính" in ROWS[date(2027, 2, 8)].note
    assert "dự tính" not in ROWS[date(2026, 2, 17)].note


def test_rows_are_one_a_day_in_order_and_inside_the_years() -> None:
    rows = vietnam_days(2026, 2026)
    assert [row.day for row in rows] == sorted({row.day for row in rows})
    assert {row.day.year for row in rows} == {2026}
    with pytest.raises(InputInvalid):
        vietnam_days(2027, 2026)


def test_the_seeded_calendar_counts_over_the_swap_of_january_2026() -> None:
    calendar = Calendar(WARD_WEEK, ROWS.values(), first_year=2024, last_year=2027)
    received = datetime(2025, 12, 31, 9, 0, tzinfo=VN)
    assert calendar.add_working_days(received, 6) == datetime(2026, 1, 10, 17, 0, tzinfo=VN)
