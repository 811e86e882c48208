"""Twenty thousand mutated payloads, other ones for each target, and nothing but values and our own errors.

`make fuzz` tries a million.
"""

from __future__ import annotations

import logging

import pytest

from tests.fuzz.running import run
from tests.fuzz.targets import shared_out, targets

COUNTS = shared_out(20_000)


@pytest.fixture(autouse=True)
def _loud_again():
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", COUNTS)
def test_no_payload_gets_through_as_anything_but_a_value_or_one_of_our_errors(name):
    tally = run(targets()[name], range(COUNTS[name]))
    assert tally.findings == [], "\n".join(map(str, tally.findings))
    assert tally.payloads == COUNTS[name]
    if tally.payloads > 50:
        assert tally.values, "mutations so wild that nothing is read test the first check alone"


def test_the_payloads_are_twenty_thousand_in_all():
    assert sum(COUNTS.values()) == 20_000


def test_a_payload_is_told_by_its_number_alone():
    from tests.fuzz.running import case_of

    for name, target in targets().items():
        one, other = (case_of(target, target.set_up(), 7).payload for _ in range(2))
        assert one == other, name
