"""Channels against simulated district portals: on both faces, or on the table face alone."""

import pytest

from tests.connectors.district_html.district_channel import Channel, report


@pytest.fixture(params=["table", "cards"])
def channel(request):
    yield from _channels(request.param)


@pytest.fixture
def table():
    yield from _channels("table")


def _channels(face):
    made = []

    def make(count=3, **scenario):
        reports = scenario.pop("reports", [report(n) for n in range(1, count + 1)])
        made.append(Channel({"face": face, "reports": reports, **scenario}))
        return made[-1]

    yield make
    for one in made:
        one.running.close()
