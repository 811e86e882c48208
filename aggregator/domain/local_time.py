"""Moments and days as an office in Viet Nam reads them: by its own clock, to the minute.

Vietnamese texts name the day in a sentence ("17:00 ngày 24/12/2026") and leave the word out in a table or a
list ("17:00 24/12/2026"). What may surprise: a midnight is 00:00 here. Where a deadline is meant, which ends
with the day before, the text of deadlines tells it (`sla_sentence`, `certificates`).
"""

from __future__ import annotations

from datetime import datetime

from aggregator.domain.worktime import VN


def moment_vi(at: datetime) -> str:
    """'17:00 ngày 24/12/2026', within a sentence."""
    return f"{at.astimezone(VN):%H:%M ngày %d/%m/%Y}"


def near_moment_vi(at: datetime) -> str:
    """'17:00 ngày 24/12', where the year goes without saying."""
    return f"{at.astimezone(VN):%H:%M ngày %d/%m}"


def stamp_vi(at: datetime) -> str:
    """'17:00 24/12/2026', in a table or a list."""
    return f"{at.astimezone(VN):%H:%M %d/%m/%Y}"


def day_vi(at: datetime) -> str:
    """'24/12/2026', the day that it is then."""
    return f"{at.astimezone(VN):%d/%m/%Y}"
