"""The inbox list: what its address asks for, its rows, and the choices of its filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.domain.legal import LegalState
from aggregator.domain.workflow import Status
from aggregator.services.cover_views import CoverView

#: The inbox's views, in the order of the menu.
VIEWS = (
    "open",
    "new",
    "mine",
    "due_soon",
    "overdue",
    "needs_info",
    "waiting_unit",
    "problem",
    "legal",
    "closed",
)


#: Views without a menu entry: what lies behind figures of the leaders' page.
MORE_VIEWS = ("paused", "closed_late", "legal_done")


@dataclass(frozen=True, slots=True)
class InboxFilter:
    """What an inbox address says. Empty means no filter. `after` is a keyset token from `Page`."""

    view: str = "open"
    q: str = ""
    channel: str = ""  # slug
    category: str = ""  # code
    unit: int | None = None  # 0: no unit yet
    officer: int | None = None  # 0: nobody yet
    status: str = ""
    ward: str = ""  # only useful to who sees several
    after: str = ""
    size: int = 50


@dataclass(frozen=True, slots=True)
class InboxRow:
    id: int
    code: str
    ward_code: str
    title: str
    extract: str
    address: str | None
    category: str | None  # code
    channel: str  # title
    channel_slug: str
    unit: str | None
    officer: str | None
    status: Status
    received_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    #: none, due_soon, overdue, paused, done
    stage: str
    report_count: int
    unread: bool
    delivery_problem: bool
    version: int
    #: Whether it is, or may be, a complaint or denunciation.
    legal: LegalState | None = None
    #: Restricted, and this person has not the right: title, text, place and channel are left out.
    masked: bool = False
    #: Set while the officer is away.
    cover: CoverView | None = None


@dataclass(frozen=True, slots=True)
class InboxPage:
    rows: tuple[InboxRow, ...]
    #: Keyset token of the next page, empty on the last one.
    next: str
    #: View -> number of cases (kept counters, never a scan); "mine" for this person.
    counts: Mapping[str, int]
    #: The newest case this person sees, for `Inbox.arrived`: how many have come since.
    newest: int = 0
    #: Those for whom this person stands in now: their cases are among "mine".
    stands_in: tuple[CoverView, ...] = ()
    #: Who is away without anybody standing in; told to leaders.
    nobody_for: tuple[CoverView, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a select box."""

    value: str
    label: str
    ward_code: str = ""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters and forms offer this person."""

    channels: tuple[Choice, ...]
    categories: tuple[Choice, ...]
    units: tuple[Choice, ...]
    officers: tuple[Choice, ...]
    wards: tuple[Choice, ...]
