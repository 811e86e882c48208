"""Notices in the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class NoticeView:
    """What happened to a case that is this person's to know of."""

    id: int
    #: merged, merged_away, unmerged, unmerged_away, joined, recurred, ...
    kind: str
    case_id: int
    code: str
    title: str
    #: How often since it was last read.
    times: int
    at: datetime
    read: bool
    who: str | None
    #: The ledger entry's own words on the newest of it.
    data: Mapping[str, Any]
    #: Set where it can be undone from here.
    decision_id: int | None


@dataclass(frozen=True, slots=True)
class NoticePage:
    rows: tuple[NoticeView, ...]
    next: str
