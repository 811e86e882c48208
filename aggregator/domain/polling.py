"""What a failed poll means for its channel, and when it is tried again.

The class of the error is the recovery action (see `sdk.contract`):

    Transient, unknown outcome   back off, 30 s doubling to 15 min; down after three in a row
    RateLimited                  wait as told; says nothing about the channel's health
    SchemaDrift, BadRecord,      the pages are not what the connector knows: keep trying at the usual
    Permanent                    interval, because portals also change back
    AuthFailed                   stop until a person signs in again: retries lock accounts
    ConfigInvalid                stop until a person corrects the settings
    anything else                a defect: once it is taken for an accident, twice in a row stops it

What may surprise: a state that is down (`DOWN`) is left by a success only. Another kind of failure,
or a person who presses "resume", changes what is tried, not that the channel is down.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.domain.delivery import backoff
from aggregator.errors import (
    AuthFailed,
    BadRecord,
    ChannelError,
    ConfigInvalid,
    Permanent,
    RateLimited,
    SchemaDrift,
)


class State(enum.StrEnum):
    OK = "ok"
    THROTTLED = "throttled"
    DEGRADED = "degraded"
    PARSING_PROBLEM = "parsing_problem"
    NEEDS_REAUTH = "needs_reauth"
    MISCONFIGURED = "misconfigured"
    BROKEN = "broken"


#: Not polled until a person has acted.
HELD = frozenset({State.NEEDS_REAUTH, State.MISCONFIGURED, State.BROKEN})
#: Told once when entered, once when left.
DOWN = HELD | {State.DEGRADED, State.PARSING_PROBLEM}
#: Failed tries in a row before a channel counts as down.
DOWN_AFTER = 3
#: The longest wait between two tries of a channel that cannot be reached.
LONGEST_WAIT_S = 900.0
#: The longest that a portal may make us wait.
LONGEST_TOLD = timedelta(days=1)
#: What is stored for an error that is no channel error.
DEFECT = "bug"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`wait` None is the channel's usual interval."""

    state: State
    failures: int
    code: str
    wait: timedelta | None = None


def after_failure(
    error: Exception,
    *,
    was: State,
    failures: int,
    last_code: str | None,
    first_s: float,
    spread: float | None = None,
) -> Verdict:
    """What becomes of a channel in state `was` that had failed `failures` times in a row before."""
    code = error.code if isinstance(error, ChannelError) else DEFECT
    count = failures + 1
    match error:
        case RateLimited():
            told = error.retry_after
            wait = None if told is None else min(timedelta(seconds=max(told, 1.0)), LONGEST_TOLD)
            return Verdict(was if was in DOWN else State.THROTTLED, failures, code, wait)
        case AuthFailed():
            return Verdict(State.NEEDS_REAUTH, count, code)
        case ConfigInvalid():
            return Verdict(State.MISCONFIGURED, count, code)
        case SchemaDrift() | BadRecord() | Permanent():
            return Verdict(State.PARSING_PROBLEM, count, code)
    if code == DEFECT and failures and last_code == DEFECT:
        return Verdict(State.BROKEN, count, code)
    state = State.DEGRADED if count >= DOWN_AFTER else was if was in DOWN else State.OK
    return Verdict(state, count, code, backoff(count, first_s=first_s, cap_s=LONGEST_WAIT_S, spread=spread))


def next_slot(due: datetime | None, interval: timedelta, now: datetime) -> datetime:
    """The next time on the channel's beat. Slots missed meanwhile are one: a poll reads all there is."""
    slot = now if due is None else due + interval
    return slot if slot > now else now + interval
