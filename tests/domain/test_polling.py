"""What a failed poll means for its channel, as a table, and when the next slot is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.polling import DOWN, HELD, State, after_failure, next_slot
from aggregator.errors import (
    AuthFailed,
    BadRecord,
    BotChallenge,
    ChannelError,
    ConfigInvalid,
    Permanent,
    RateLimited,
    SchemaDrift,
    Transient,
)

NOW = datetime(2026, 11, 10, 2, 30, tzinfo=UTC)
OK, DEGRADED, DRIFT = State.OK, State.DEGRADED, State.PARSING_PROBLEM

#: error, state before, failures before, last code, -> state, failures, seconds (None: at the interval)
TABLE = [
    # Not reached: patience first, down at the third time, a quarter of an hour at the most.
    (Transient(""), OK, 0, None, OK, 1, 30),
    (Transient(""), OK, 1, "transient", OK, 2, 60),
    (Transient(""), OK, 2, "transient", DEGRADED, 3, 120),
    (Transient(""), DEGRADED, 30, "transient", DEGRADED, 31, 900),
    (ChannelError("what no class says better"), OK, 0, None, OK, 1, 30),
    # Already down for another reason: still down.
    (Transient(""), DRIFT, 0, "schema_drift", DRIFT, 1, 30),
    (Transient(""), State.THROTTLED, 0, "rate_limited", OK, 1, 30),
    # Asked to wait: no failure.
    (RateLimited("", retry_after=7), OK, 2, "transient", State.THROTTLED, 2, 7),
    (RateLimited("", retry_after=0), OK, 0, None, State.THROTTLED, 0, 1),
    (RateLimited("", retry_after=10**9), OK, 0, None, State.THROTTLED, 0, 86_400),
    (RateLimited(""), OK, 0, None, State.THROTTLED, 0, None),
    (RateLimited("", retry_after=7), DEGRADED, 5, "transient", DEGRADED, 5, 7),
    # A person is needed.
    (AuthFailed(""), OK, 0, None, State.NEEDS_REAUTH, 1, None),
    (ConfigInvalid(""), OK, 0, None, State.MISCONFIGURED, 1, None),
    # Its pages changed: it is looked at as often as before.
    (SchemaDrift(""), OK, 0, None, DRIFT, 1, None),
    (BotChallenge(""), DEGRADED, 3, "transient", DRIFT, 4, None),
    (BadRecord(""), OK, 0, None, DRIFT, 1, None),
    (Permanent(""), OK, 0, None, DRIFT, 1, None),
    # A defect: an accident once.
    (KeyError(), OK, 0, None, OK, 1, 30),
    (KeyError(), OK, 1, "bug", State.BROKEN, 2, None),
    (KeyError(), OK, 1, "transient", OK, 2, 60),
    (KeyError(), DEGRADED, 0, "bug", DEGRADED, 1, 30),  # a person has let it try again
]


@pytest.mark.parametrize(("error", "was", "failures", "code", "state", "count", "seconds"), TABLE)
def test_the_class_of_the_error_is_the_recovery(
    error: Exception,
    was: State,
    failures: int,
    code: str | None,
    state: State,
    count: int,
    seconds: float | None,
) -> None:
    found = after_failure(error, was=was, failures=failures, last_code=code, first_s=30, spread=1.0)
    wait = None if found.wait is None else found.wait.total_seconds()
    assert (found.state, found.failures, wait) == (state, count, seconds)


@given(st.sampled_from([row[0] for row in TABLE]), st.sampled_from(sorted(DOWN - HELD)))
def test_no_failure_brings_a_channel_back_up(error: Exception, was: State) -> None:
    assert after_failure(error, was=was, failures=1, last_code=None, first_s=30).state in DOWN


@given(st.integers(-(10**7), 10**7), st.integers(1, 86_400))
def test_the_next_slot_is_ahead_and_no_further_than_one_interval(offset: int, interval_s: int) -> None:
    interval = timedelta(seconds=interval_s)
    due = NOW + timedelta(seconds=offset)
    slot = next_slot(due, interval, NOW)
    assert slot > NOW
    if due <= NOW:
        assert slot <= NOW + interval
