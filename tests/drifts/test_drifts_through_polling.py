"""Drifts of `make drifts` that only the channel's past can tell, through polling and intake."""

from tests.drifts.polling import tried


def test_list_without_a_count_that_is_cut_or_emptied_is_held_in_the_first_poll():
    outcomes = {
        one.name.split()[-2]: one.outcome for one in tried("national_bus", 200, named="(halve|empty) result$")
    }
    assert outcomes == {"halve": "held", "empty": "held"}
