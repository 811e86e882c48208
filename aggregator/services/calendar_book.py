"""Writing calendars: every change makes a new version of each calendar that it touches.

    what is said of days or hours | each touched calendar is built whole, or refused | its version is kept
                                  | the installation's chain hears of it | open cases are recounted

Parts of somebody else's transaction, which holds the installation's own chain. What may surprise: a day
that all share gives every calendar that follows it a new version, because each of them changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from aggregator.domain.shifts import WARD_WEEK, DayOverride
from aggregator.errors import InputInvalid
from aggregator.services.rules import calendar_of, kept, overrides_of, shifts_row, week_row
from aggregator.storage import calendar_queries, place_queries
from aggregator.storage.db import Tx


def first(tx: Tx, now: datetime, days: Iterable[DayOverride]) -> None:
    """The calendar of a new installation, with its shared days, as version 1."""
    row = {"ward_code": None, "unit_id": None, "name": "Giờ hành chính", "week": week_row(WARD_WEEK),
           "version": 1, "changed_at": now, "shared_days": True}  # fmt: skip
    calendar_id = place_queries.insert_calendar(tx, row)
    calendar_queries.put_days(tx, [day_row(None, day) for day in days])
    keep(tx, [calendar_id], now, officer_id=None, why="")


def day_row(calendar_id: int | None, day: DayOverride) -> dict[str, Any]:
    return {
        "calendar_id": calendar_id, "day": day.day, "works": day.works, "note": day.note,
        "decision": day.decision, "source": day.source, "shifts": shifts_row(day.shifts),
    }  # fmt: skip


def keep(tx: Tx, calendar_ids: Sequence[int], now: datetime, officer_id: int | None, why: str) -> list[int]:
    """Give these calendars, as they now are, their next versions; `InputInvalid` where one cannot be.

    Building each is the check: overlapping shifts, a working day without hours and a week in which nobody
    ever works are refused here, and the caller's transaction with them.
    """
    days, numbers = place_queries.all_days(tx), []
    for row in place_queries.all_calendars(tx):
        if row.id not in calendar_ids:
            continue
        if not any(row.week.values()):
            raise InputInvalid(
                f"calendar {row.name!r} has no working minute in its week", field="week",
                hint="give at least one weekday a shift",
                message_vi="Tuần làm việc không có giờ làm nào. Hãy nhập ít nhất một ca.",
            )  # fmt: skip
        calendar_of(row, days)
        number = calendar_queries.next_number(tx)
        calendar_queries.insert_version(
            tx,
            {
                "number": number, "calendar_id": row.id, "week": row.week,
                "days": [kept(day) for day in overrides_of(row, days)], "at": now,
                "officer_id": officer_id, "why": why,
            },
        )  # fmt: skip
        calendar_queries.change_calendar(tx, row.id, version=number, changed_at=now)
        numbers.append(number)
    return numbers
