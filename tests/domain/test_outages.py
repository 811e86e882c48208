"""Outages: what failed tries show, what ends a span, and what is never claimed."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.outages import (
    AWAY,
    Attempt,
    Capability,
    Silent,
    Span,
    concerns,
    ends,
    ours_maybe,
    spans,
)

READ, SIGN_IN, WRITE = Capability.READ, Capability.SIGN_IN, Capability.WRITE
START = datetime(2026, 11, 10, 1, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def failed(minutes: float, code: str = "transient", tried: Capability = READ) -> Attempt:
    return Attempt(at(minutes), tried, code)


def good(minutes: float, tried: Capability = READ) -> Attempt:
    return Attempt(at(minutes), tried)


@pytest.mark.parametrize(
    ("tried", "code", "expected", "note"),
    [
        (READ, "transient", READ, "no answer, or an error page"),
        (READ, "schema_drift", READ, "a maintenance page with 200 is no list"),
        (READ, "bot_challenge", READ, "a challenge is no list either"),
        (READ, "auth_failed", SIGN_IN, "the account was refused, whatever was asked for"),
        (WRITE, "auth_failed", SIGN_IN, "also while an answer was sent"),
        (WRITE, "unknown_outcome", WRITE, "the answer to the write was lost"),
        (WRITE, "rate_limited", WRITE, "an outage once it lasts"),
        (READ, "config_invalid", None, "our settings are our fault"),
        (WRITE, "bug", None, "and so is our connector"),
        (WRITE, "permanent", None, "one answer is refused: the source works"),
        (READ, "permanent", READ, "what came could not be read"),
    ],
)
def test_a_failure_concerns(tried: Capability, code: str, expected: Capability | None, note: str) -> None:
    assert concerns(tried, code) is expected, note


@pytest.mark.parametrize(
    ("out", "tried", "by", "expected", "note"),
    [
        (READ, READ, READ, True, "it can be read again"),
        (READ, READ, WRITE, False, "a portal may take answers while its list is down"),
        (WRITE, WRITE, READ, False, "and be read while it takes none"),
        (WRITE, WRITE, WRITE, True, "it takes answers again"),
        (SIGN_IN, READ, READ, True, "reading had been refused, and is not any more"),
        (SIGN_IN, WRITE, READ, False, "writing had been refused: a page that all may read proves nothing"),
        (SIGN_IN, READ, WRITE, True, "who may write is signed in"),
        (SIGN_IN, WRITE, SIGN_IN, True, "somebody signed in"),
    ],
)
def test_a_good_try_ends(
    out: Capability, tried: Capability, by: Capability, expected: bool, note: str
) -> None:
    assert ends(Span(out, tried, START, START), by) is expected, note


def test_a_span_reaches_from_the_first_failed_try_to_the_first_good_one() -> None:
    (span,) = spans(READ, [good(0), failed(5), failed(10), failed(25), good(30), good(35)])
    assert (span.began_at, span.last_failed_at, span.ended_at) == (at(5), at(25), at(30))
    assert (span.ok_before, span.attempts, span.gaps) == (at(0), 3, ())
    assert span.at_least(at(0), at(60)) == timedelta(minutes=20)
    assert span.at_most(at(0), at(60)) == timedelta(minutes=25)


def test_time_in_which_we_were_away_ourselves_is_not_claimed() -> None:
    night = 15 * 60
    (span,) = spans(READ, [failed(0), failed(10), failed(night), failed(night + 10)])
    assert span.pieces() == ((at(0), at(10)), (at(night), at(night + 10)))
    assert span.at_least(at(0), at(2 * night)) == timedelta(minutes=20)
    assert span.at_most(at(0), at(2 * night)) == timedelta(minutes=2 * night)
    assert span.ended_at is None


def test_being_asked_to_wait_is_an_outage_only_when_it_lasts() -> None:
    short = [failed(0, "rate_limited"), failed(20, "rate_limited"), good(25)]
    assert spans(READ, short) == ()
    (lasting,) = spans(READ, [failed(0, "rate_limited"), failed(31, "rate_limited"), good(40)])
    assert (lasting.began_at, lasting.ended_at) == (at(0), at(40))
    (worse,) = spans(READ, [failed(0, "rate_limited"), failed(5), good(6)])
    assert worse.began_at == at(0), "the portal asked for time, then broke down"


def test_a_refused_account_is_out_until_what_was_refused_works() -> None:
    tries = [failed(0, "auth_failed", WRITE), good(5), good(10, WRITE)]
    (span,) = spans(SIGN_IN, tries)
    assert (span.began_at, span.ended_at) == (at(0), at(10))
    assert spans(WRITE, tries) == () == spans(READ, tries)


TRIES = st.lists(
    st.builds(
        Attempt,
        st.integers(0, 600).map(at),
        st.sampled_from(list(Capability)),
        st.sampled_from(["", "", "transient", "auth_failed", "rate_limited", "unknown_outcome", "bug"]),
        st.booleans(),
    ),
    max_size=40,
)


@given(TRIES, st.randoms())
def test_tries_in_any_order_give_the_same_spans(tries: list[Attempt], chance: random.Random) -> None:
    shuffled = list(tries)
    chance.shuffle(shuffled)
    for capability in Capability:
        assert spans(capability, shuffled) == spans(capability, tries)


@given(TRIES)
def test_spans_never_overlap_and_claim_only_what_failed_tries_show(tries: list[Attempt]) -> None:
    for capability in Capability:
        found = spans(capability, tries)
        bad = {one.at for one in tries if one.code and concerns(one.tried, one.code) is capability}
        for span, following in itertools.pairwise(found):
            assert span.ended_at is not None and span.ended_at <= following.began_at
        for span in found:
            assert span.ended_at is None or span.ended_at >= span.last_failed_at
            assert all({since, until} <= bad for since, until in span.pieces())
            assert all(until - since > AWAY for since, until in span.gaps)
            whole = span.at_least(at(0), at(600)) + sum((b - a for a, b in span.gaps), timedelta())
            assert whole == span.last_failed_at - span.began_at


def test_sources_that_go_silent_together_may_be_our_own_network() -> None:
    both = [Silent(1, "a.vn", at(0)), Silent(2, "b.vn", at(1))]
    assert ours_maybe(both, {}) == {1, 2}
    assert ours_maybe(both[:1], {}) == frozenset(), "one host alone says nothing"
    assert ours_maybe(both, {"c.vn": at(5)}) == frozenset(), "the network was there: a third one answered"
    assert ours_maybe(both, {"c.vn": at(0.5)}) == {2}, "it answered before the second went silent"
    same = [Silent(1, "a.vn", at(0)), Silent(2, "a.vn", at(1))]
    assert ours_maybe(same, {}) == frozenset(), "two channels of one portal are one host"
    assert ours_maybe(both, {"a.vn": at(3)}) == {1}, (
        "the first portal answers in other ways: the second is its own"
    )
