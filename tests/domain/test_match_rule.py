"""Which rule holds where, and that a model without training changes no score."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.match_rule import DEFAULT, HAND_SET, RULE_VERSION, Model, Rule, RuleBook, Thresholds
from aggregator.domain.matching import Traits, judge
from aggregator.services.clustering import traits_of
from tests.benchmarks import streams

STRICT, LOOSE, WARD_ONLY = Thresholds(same=0.99), Thresholds(same=0.8), Thresholds(same=0.95)
BOOK = RuleBook({("27142", "rac"): STRICT, (None, "rac"): LOOSE, ("27142", None): WARD_ONLY})
MADE = [traits_of(one.row, number) for number, one in enumerate(streams.stream(streams.BUILDERS, 120, 3))]
PAIRS = st.tuples(st.sampled_from(MADE), st.sampled_from(MADE))

SCOPES = [
    (("27142", "rac"), STRICT, "ward and category"),
    (("26740", "rac"), LOOSE, "the category before everything"),
    (("27142", "den"), WARD_ONLY, "the ward where its category has none"),
    (("27142", None), WARD_ONLY, "a report without a category"),
    (("26740", "den"), Thresholds(), "nothing set: the product's own"),
    ((None, None), Thresholds(), "neither ward nor category known"),
]


@pytest.mark.parametrize(("scope", "expected"), [row[:2] for row in SCOPES], ids=[row[2] for row in SCOPES])
def test_the_most_specific_thresholds_hold(
    scope: tuple[str | None, str | None], expected: Thresholds
) -> None:
    assert BOOK.rule(*scope).thresholds == expected


def test_the_version_names_the_model_and_the_change_of_thresholds() -> None:
    assert DEFAULT.version == RULE_VERSION
    trained = Model(version=f"{RULE_VERSION}+m3")
    assert Rule(Thresholds(number=12), trained).version == f"{RULE_VERSION}+m3.t12"


def test_a_model_trained_over_other_weights_is_left_out() -> None:
    book = RuleBook(model=Model(version="2025.1+m1", base="2025.1", shift=4.0))
    assert book.rule("27142", "rac").model == HAND_SET


def _log_odds(score: float) -> float:
    return math.log(score / (1 - score))


@given(PAIRS)
def test_a_model_that_scales_by_one_changes_no_judgement(pair: tuple[Traits, Traits]) -> None:
    new, old = pair
    usual = judge(new, old)
    ones = Model(scales=dict.fromkeys(usual.features, 1.0))
    assert judge(new, old, Rule(model=ones)) == usual


@given(PAIRS, st.floats(-3, 3), st.floats(0, 3))
def test_a_model_adds_its_shift_and_scales_what_each_feature_contributes(
    pair: tuple[Traits, Traits], shift: float, scale: float
) -> None:
    always = Thresholds(unsure=0.0)  # the text is looked at twice whatever the score
    usual = judge(*pair, Rule(always))
    told = judge(*pair, Rule(always, Model(shift=shift, scales={"place": scale})))
    expected = _log_odds(usual.score) + shift + (scale - 1) * usual.features["place"]
    if abs(expected) < 25 and abs(_log_odds(usual.score)) < 25:  # beyond, the logistic is cut off
        assert _log_odds(told.score) == pytest.approx(expected, abs=1e-3)
    assert told.features == usual.features, "what is stored is unscaled, so that training can go on"
