"""What a poll tells intake, and what intake answers: two values that cross between them.

`Run` says on whose behalf a batch is committed (the lease's owner and fence, checked inside the
batch's own transaction); `Counts` is the honest count of I15.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

#: webhook: what a source sent us; entry: what officers typed in. Both keep one run an hour.
RunKind = Literal["poll", "import", "replay", "webhook", "entry", "backfill", "count"]
#: Runs whose reports came when people sent them: the channel's rhythm is learned from these.
BY_ITSELF = ("poll", "webhook")


#: The kind of channels that officers fill themselves, at the counter and by telephone.
ENTRY_KIND = "walk_in"


@dataclass(frozen=True, slots=True)
class Run:
    """One poll, import, replay, hour of calls or part of a backfill that holds a lease.

    `zone` reads its naive times.
    """

    run_id: int
    channel_id: int
    channel_slug: str
    #: Where records go that do not say their ward.
    ward_code: str
    fence: int
    owner: str
    kind: RunKind
    zone: ZoneInfo
    #: The batch's commit prolongs the lease until here: progress keeps it. None leaves it as it is.
    lease_until: datetime | None = None
    #: The stream that its cursor belongs to; None is the stream of the polls.
    backfill_id: int | None = None
    #: Answers carry their status to this source, so its status should be what the last one led to.
    takes_status: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """seen = stored + unchanged + quarantined (I15); `revised` is a part of `stored`."""

    seen: int = 0
    stored: int = 0
    unchanged: int = 0
    revised: int = 0
    quarantined: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.seen + other.seen,
            self.stored + other.stored,
            self.unchanged + other.unchanged,
            self.revised + other.revised,
            self.quarantined + other.quarantined,
        )
