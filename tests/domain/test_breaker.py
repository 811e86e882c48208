"""The breaker: what opens it, what lets the portal back in, and what it takes no notice of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.breaker import OPENS_AFTER, Breaker, State, after
from aggregator.errors import AuthFailed, RateLimited, SchemaDrift, Transient

NOW = datetime(2026, 11, 10, 2, 30, tzinfo=UTC)
THEN = NOW + timedelta(minutes=2)
CLOSED, OPEN, HALF = State.CLOSED, State.OPEN, State.HALF_OPEN

#: what came of the try, before -> after, and why
TABLE = [
    (Transient(""), Breaker(), Breaker(CLOSED, 1), "one failure is an accident"),
    (Transient(""), Breaker(CLOSED, 4), Breaker(OPEN, 5, 0, THEN), "the fifth in a row opens it"),
    (None, Breaker(CLOSED, 4), Breaker(), "a good try ends the row"),
    (SchemaDrift(""), Breaker(CLOSED, 4), Breaker(), "a changed page is an answer"),
    (AuthFailed(""), Breaker(CLOSED, 4), Breaker(), "so is a refused account"),
    (RateLimited(""), Breaker(CLOSED, 4), Breaker(CLOSED, 4), "being asked to wait says nothing"),
    (None, Breaker(HALF, 5), Breaker(HALF, 5, 1), "one good probe is not enough"),
    (None, Breaker(HALF, 5, 1), Breaker(), "two are"),
    (Transient(""), Breaker(HALF, 5, 1), Breaker(OPEN, 6, 0, THEN), "a failed probe opens it again"),
    (AuthFailed(""), Breaker(HALF, 5, 1), Breaker(HALF, 5, 1), "neither good nor a failure"),
]


@pytest.mark.parametrize(("error", "was", "found", "why"), TABLE)
def test_only_failing_to_reach_the_portal_opens_the_breaker(
    error: Exception | None, was: Breaker, found: Breaker, why: str
) -> None:
    assert after(was, error, THEN) == found, why


@given(st.lists(st.sampled_from([Transient(""), RateLimited(""), AuthFailed(""), None]), max_size=40))
def test_it_is_open_exactly_while_it_has_a_time(tries: list[Exception | None]) -> None:
    breaker = Breaker()
    for error in tries:
        breaker = after(breaker, error, THEN)
        assert (breaker.state is OPEN) == (breaker.until is not None)
        assert breaker.state is not OPEN or breaker.failures >= OPENS_AFTER
