"""A fall is called sure only where chance does not do it, and a real one is found with a dozen looks."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.domain.tally import LEAST_FALL, NEWEST, REMEMBERED, SURE, Tally, at_most, fallen, lower_bound


def exact(most: int, looks: int, probable: float) -> float:
    """The chance of `most` or fewer of `looks`, summed up."""
    return sum(math.comb(looks, k) * probable**k * (1 - probable) ** (looks - k) for k in range(most + 1))


@given(st.integers(1, 200), st.data())
def test_the_bound_is_never_below_the_exact_chance(looks: int, data: st.DataObject) -> None:
    most = data.draw(st.integers(0, looks))
    probable = data.draw(st.floats(0.001, 0.999))
    assert at_most(most / looks, looks, probable) >= exact(most, looks, probable) * (1 - 1e-9)


@given(st.integers(1, 500), st.data(), st.floats(1e-9, 0.5))
def test_below_the_lower_bound_the_past_would_have_been_a_rare_chance(
    looks: int, data: st.DataObject, sure: float
) -> None:
    share = data.draw(st.integers(0, looks)) / looks
    floor = lower_bound(share, looks, sure)
    assert 0 <= floor <= share
    if floor > 1e-6:
        # One that is really rarer shows this share or more with a chance below `sure`, by symmetry.
        assert at_most(1 - share, looks, 1 - floor * 0.99) <= sure * 1.001


@given(st.lists(st.lists(st.booleans(), max_size=40), max_size=60))
def test_a_tally_is_a_share_of_bounded_weight_and_keeps_the_newest_looks(runs: list[list[bool]]) -> None:
    tally, told = Tally(), []
    for looks in runs:
        tally, told = tally.after(looks), [*told, *looks]
    assert 0 <= tally.so <= tally.of <= REMEMBERED
    newest = told[-NEWEST:]
    assert (tally.length, tally.bits.bit_count()) == (len(newest), sum(newest))
    if told and len(told) <= REMEMBERED:
        assert tally.share == pytest.approx(sum(told) / len(told))


@given(st.lists(st.booleans(), min_size=50, max_size=300), st.lists(st.booleans(), max_size=60))
def test_what_is_called_a_fall_is_one(told: list[bool], looks: list[bool]) -> None:
    past = Tally().after([True] * 200).after(told)
    found = fallen(past, looks)
    if found is not None:
        assert found.before - found.so / found.of > LEAST_FALL
        assert found.chance <= SURE
        assert not all(looks)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.35, 1.0), st.integers())
def test_an_honest_field_never_falls_however_long_it_is_watched(share: float, seed: int) -> None:
    dice = random.Random(seed)
    tally = Tally().after([dice.random() < share for _ in range(200)])
    for _ in range(200):
        looks = [dice.random() < share for _ in range(dice.randint(1, 20))]
        assert fallen(tally, looks) is None
        tally = tally.after(looks)


@pytest.mark.parametrize(
    ("share", "past", "needed"),
    [
        (1.0, 1000, 10),  # always filled, long known: ten reports without it are enough
        (1.0, 200, 16),  # always filled, a few weeks known
        (0.9, 1000, 24),
        (0.6, 1000, 64),  # every other citizen leaves it out: more reports are needed to be sure
    ],
)
def test_how_many_reports_in_a_row_prove_that_a_field_is_gone(share: float, past: int, needed: int) -> None:
    tally = Tally(share * past, float(past))
    assert fallen(tally, [False] * needed) is not None
    assert fallen(tally, [False] * (needed // 2)) is None


def test_single_reports_without_a_field_add_up_over_polls() -> None:
    tally, polls = Tally().after([True] * 400), 1
    while fallen(tally, [False]) is None:
        tally, polls = tally.after([False]), polls + 1
    assert 10 <= polls <= 14
