"""Fitting moves little where little was decided, and never turns a feature against its sense."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.domain.match_rule import HAND_SET, Model, Thresholds
from aggregator.domain.match_score import FEATURES, contributions, log_odds
from aggregator.domain.matching import judge
from aggregator.domain.score_figures import grouped, measure
from aggregator.domain.training import LEAST, MOST, Decision, Source, fit, probability
from aggregator.services.clustering import traits_of
from tests.benchmarks import streams

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
MADE = [traits_of(one.row, number) for number, one in enumerate(streams.stream(streams.BUILDERS, 150, 3))]
SCALE = st.floats(LEAST, MOST)
PRESENT = st.builds(
    lambda shift, scales: Model(shift=shift, scales=scales),
    st.floats(-2, 2), st.dictionaries(st.sampled_from(sorted(FEATURES)), SCALE),
)  # fmt: skip


def decided(count: int, by: Model, seed: int = 1) -> list[Decision]:
    """Questions of made reports, answered by the chances that the model `by` gives them."""
    dice, found = random.Random(seed), []
    for number in range(count):
        new, old = dice.sample(MADE, 2)
        added = contributions(judge(new, old).features) | {"place": dice.choice((5.0, 4.0, 1.5, -3.0))}
        one = Decision(MONDAY + timedelta(hours=number), number, 0, False, Source.PARTED, added)
        same = dice.random() < probability(one, by)
        found.append(Decision(one.at, number, 0, same, Source.MERGED, added))
    return found


def test_every_feature_that_is_weighed_is_known_by_name() -> None:
    assert set(judge(MADE[0], MADE[1]).features) - {"alike", "days", "metres"} == FEATURES


@given(PRESENT)
def test_without_decisions_training_gives_the_present_model(present: Model) -> None:
    fitted = fit([], present, "candidate")
    assert (fitted.shift, fitted.scales) == (present.shift, present.scales)


@settings(max_examples=15)
@given(PRESENT, st.integers(1, 40))
def test_fitting_lowers_the_loss_and_keeps_every_scale_in_its_bounds(present: Model, seed: int) -> None:
    answers = decided(60, HAND_SET, seed)
    fitted = fit(answers, present, "candidate")
    assert all(LEAST <= scale <= MOST for scale in fitted.scales.values())

    def loss(model: Model) -> float:
        return measure(answers, model, lambda one: Thresholds()).log_loss

    assert loss(fitted) <= loss(present) + 1e-9


def test_few_decisions_move_little_and_many_find_the_truth() -> None:
    truth = Model(shift=0.8, scales={"time": 1.6, "place": 0.8})
    few, many = (fit(decided(count, truth), HAND_SET, "candidate") for count in (10, 4000))
    for name in ("time", "place"):
        assert abs(few.scales[name] - 1) < 0.15
        assert many.scales[name] == pytest.approx(truth.scales[name], abs=0.2)


def test_answers_against_a_feature_only_weaken_it() -> None:
    """Officers who always say the opposite do not teach that the same house speaks against."""
    contrary = [
        Decision(one.at, one.report, 0, one.contributions["place"] < 0, Source.MERGED, one.contributions)
        for one in decided(800, HAND_SET)
    ]
    assert fit(contrary, HAND_SET, "candidate").scales["place"] == LEAST


def test_a_calibrated_score_says_what_is_true() -> None:
    answers = decided(3000, HAND_SET)
    for one in measure(answers, HAND_SET, lambda each: Thresholds()).bins:
        assert one.count < 60 or one.true == pytest.approx(one.said, abs=0.12)


def test_what_a_veto_bars_is_asked_and_never_counted_as_joined() -> None:
    sure = {"place": 20.0}
    rows = [
        Decision(MONDAY, 1, 2, True, Source.KEPT, sure),
        Decision(MONDAY, 3, 4, False, Source.PARTED, sure, barred=True),
    ]
    found = measure(rows, HAND_SET, lambda one: Thresholds())
    assert (found.joins.count, found.joins.precision, found.joins.recall) == (1, 1.0, 1.0)
    assert (found.asks.count, found.asks.precision) == (2, 0.5)
    assert log_odds(sure) == 15.0


GROUPS = [
    ({1: 1, 2: 1, 3: 3}, 1.0, 1.0, 1.0, "as in truth"),
    ({1: 1, 2: 2, 3: 3}, 0.0, 1.0, 2 / 3, "nothing joined"),
    ({1: 1, 2: 1, 3: 1}, 0.5, 5 / 9, 1.0, "all in one"),
]


@pytest.mark.parametrize(
    ("cases", "pair_f1", "precision", "recall"), [row[:4] for row in GROUPS], ids=[row[4] for row in GROUPS]
)
def test_whole_cases_are_compared(
    cases: dict[int, int], pair_f1: float, precision: float, recall: float
) -> None:
    found = grouped({1: 7, 2: 7, 3: 8}, cases)
    assert (found.pair_f1, found.b_cubed_precision, found.b_cubed_recall) == pytest.approx(
        (pair_f1, precision, recall)
    )
