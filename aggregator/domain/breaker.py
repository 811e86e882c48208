"""When a portal that cannot be reached is left alone, and how it is let back in.

    closed --five failures in a row--> open --its time is over--> half open --two good tries--> closed
                                         ^------a failed probe------'

Principles. Only not reaching the portal counts. Being asked to wait, refused an account or shown a changed
page are answers: they end the row of failures and never open the breaker. While it is open nobody reads
or fetches files; while it is half open only the poll that holds the channel's lease asks. Answers have a wait
of their own (`delivery.Writing`): a list that is too slow to be read must not hold them back.

What may surprise: one good try does not close it. A portal that answers every other time would else be up
and down all day, and everybody would be told each time.

Known exception: an answer that is neither good nor a failure leaves a half-open breaker as it is.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aggregator.errors import RateLimited, Transient

#: Failed tries in a row that open it, and good ones that close it.
OPENS_AFTER, CLOSES_AFTER = 5, 2
#: The longest wait for the second good try.
NEXT_PROBE = timedelta(seconds=30)


class State(enum.StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Breaker:
    """`until` is set while it is open; `probes` counts good tries since it is not closed."""

    state: State = State.CLOSED
    failures: int = 0
    probes: int = 0
    until: datetime | None = None


def after(was: Breaker, error: Exception | None, retry_at: datetime) -> Breaker:
    """The breaker after one try; `error` None is a good one, `retry_at` when the next try is due."""
    if error is None:
        probes = was.probes + 1
        if was.state is State.CLOSED or probes >= CLOSES_AFTER:
            return Breaker()
        return Breaker(State.HALF_OPEN, was.failures, probes)
    if isinstance(error, Transient):
        failures = was.failures + 1
        if was.state is not State.CLOSED or failures >= OPENS_AFTER:
            return Breaker(State.OPEN, failures, 0, retry_at)
        return Breaker(State.CLOSED, failures)
    if isinstance(error, RateLimited):
        return was
    return replace(was, failures=0) if was.state is State.CLOSED else was
