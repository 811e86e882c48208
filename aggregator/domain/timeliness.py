"""Whether a deadline was kept: one verdict from the due instant, the answer, its delivery and the outages.

    due, answered at, delivered at, outages of the source ──> Verdict (kind, what each outage weighs)

Principles. The officer's act counts for the office, the delivery for the source; the verdict tells both and
mixes neither. Answered late stays late, whatever the source did. An outage excuses a late delivery only
where failed tries show it: it had not ended when the deadline fell due, and at least one failed try, or the
time between two, lies between the answer and the deadline. Nothing is excused by what nobody tried (our
worker was off, an account waits for a person) nor by what may have been our own network; the reasons say so.

What may surprise: an outage that was over before the deadline excuses nothing, though it may have cost the
time that the delivery then lacked. The source could be used when it was due, and that is what is certified.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aggregator.domain.outages import Span


class Kind(enum.StrEnum):
    #: Nothing to judge yet: not answered, and not due.
    OPEN = "open"
    #: Answered, not delivered yet, and not due.
    ON_ITS_WAY = "on_its_way"
    IN_TIME = "in_time"
    #: Answered in time; the source could not be used when it was due.
    UNREACHABLE = "unreachable"
    #: Answered in time; it reached the source late, or has not yet, and no outage explains it.
    DELIVERED_LATE = "delivered_late"
    LATE = "late"


_LABEL_VI: Final = {
    Kind.OPEN: "chưa đến hạn",
    Kind.ON_ITS_WAY: "đã phúc đáp, đang chuyển lên cổng",
    Kind.IN_TIME: "trong hạn",
    Kind.UNREACHABLE: "xử lý trong hạn, cổng không truy cập được",
    Kind.DELIVERED_LATE: "xử lý trong hạn, đến cổng sau hạn",
    Kind.LATE: "quá hạn",
}


class Why(enum.StrEnum):
    """Why an outage explains the delivery, or does not."""

    EXPLAINS = "explains"
    OVER_BEFORE = "over_before"
    NOT_TRIED = "not_tried"
    OURS_MAYBE = "ours_maybe"


@dataclass(frozen=True, slots=True)
class Weighed:
    """One outage of the time between answer and deadline, and what it weighs."""

    span: Span
    why: Why


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one deadline, with all that the judgement rests on."""

    kind: Kind
    due: datetime
    answered_at: datetime | None
    delivered_at: datetime | None
    weighed: tuple[Weighed, ...] = ()

    @property
    def label_vi(self) -> str:
        return _LABEL_VI[self.kind]


def verdict(
    due: datetime,
    answered_at: datetime | None,
    delivered_at: datetime | None,
    spans: Iterable[Span],
    *,
    as_of: datetime,
) -> Verdict:
    """What became of a deadline, as known at `as_of`.

    `answered_at` is the officer's act, `delivered_at` when the source took or showed the answer, `spans`
    are the outages of the channel that it goes to, in any order (more than matter may be given).
    """
    if answered_at is None:
        return Verdict(Kind.LATE if as_of > due else Kind.OPEN, due, None, delivered_at)
    if answered_at > due:
        return Verdict(Kind.LATE, due, answered_at, delivered_at)
    if delivered_at is not None and delivered_at <= due:
        return Verdict(Kind.IN_TIME, due, answered_at, delivered_at)
    if delivered_at is None and as_of <= due:
        return Verdict(Kind.ON_ITS_WAY, due, answered_at, None)
    weighed = _weighed(spans, answered_at, due)
    explains = any(one.why is Why.EXPLAINS for one in weighed)
    kind = Kind.UNREACHABLE if explains else Kind.DELIVERED_LATE
    return Verdict(kind, due, answered_at, delivered_at, weighed)


def _weighed(spans: Iterable[Span], answered_at: datetime, due: datetime) -> tuple[Weighed, ...]:
    touching = (
        span
        for span in spans
        if span.sure and span.began_at <= due and (span.ended_at is None or span.ended_at >= answered_at)
    )
    found = [Weighed(span, _why(span, answered_at, due)) for span in touching]
    return tuple(sorted(found, key=lambda one: (one.span.began_at, one.span.capability)))


def _why(span: Span, answered_at: datetime, due: datetime) -> Why:
    if span.ended_at is not None and span.ended_at <= due:
        return Why.OVER_BEFORE
    if not any(since <= due and until >= answered_at for since, until in span.pieces()):
        return Why.NOT_TRIED
    return Why.OURS_MAYBE if span.ours_maybe else Why.EXPLAINS
