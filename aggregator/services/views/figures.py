"""The leaders' page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CountRow:
    """One line of the leaders' table: `key` and `dim` give the inbox link behind each number."""

    key: str
    label: str
    open: int
    due_soon: int
    overdue: int
    paused: int
    done: int
    done_late: int
    #: Complaints and denunciations, in none of the numbers above: to be decided on, and handed over.
    legal: int = 0
    legal_done: int = 0


@dataclass(frozen=True, slots=True)
class Dashboard:
    at: datetime
    total: CountRow
    units: tuple[CountRow, ...]
    officers: tuple[CountRow, ...]
    categories: tuple[CountRow, ...]
    channels: tuple[CountRow, ...]
