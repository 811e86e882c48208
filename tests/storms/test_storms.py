"""A stormy day, small: each answer arrives once and in order; without reading back it does not (I8).

`make storms` does a month of it. A storm comes from its seed: the same one each time.
"""

from __future__ import annotations

from tests.storms.storm import Plan, storm, told

#: Over five portals, each of which is away once, in eighteen hours.
SMALL = Plan(240, 0.75, long_outages=False)


def test_every_answer_of_a_stormy_day_arrives_once_and_in_order(database_url: str) -> None:
    with storm(database_url, SMALL) as run:
        out = run.run()
    print(told("a stormy day", out))
    assert (out.lost, out.doubled, out.out_of_order, out.blind) == (0, 0, [], [])
    assert set(out.states) <= {"sent", "acknowledged"}
    assert out.shown > 0 and out.hidden == 0, "what nobody can know is on a person's page"
    assert out.slowest_first <= 300, "within five minutes of a portal's return"
    assert out.ledger_findings == 0
    assert out.abandoned > 0 and out.faults.total() > 50, "or it was no storm"


def test_control_without_reading_back_the_storm_doubles_answers(sqlite_url: str) -> None:
    # The other portals refuse a key that they have, or show their answers on the very page with the form.
    with storm(sqlite_url, Plan(80, 0.5, blind=True, long_outages=False, portals=("city",))) as run:
        out = run.run()
    print(told("without reading back", out))
    assert out.doubled > 0 and out.blind
