"""Coordinates as portals write them."""

import math

import pytest

from aggregator.domain.point import point


@pytest.mark.parametrize(
    ("lat", "lng", "meant", "note"),
    [
        (10.7626, 106.6601, (10.7626, 106.6601), "Ho Chi Minh City"),
        (106.6601, 10.7626, (10.7626, 106.6601), "longitude first: put right"),
        (16.5, 112.0, (16.5, 112.0), "the islands"),
        (41.88, -87.63, (41.88, -87.63), "another country's portal"),
        (0.0, 0.0, None, "how portals write that there is none"),
        (0, 0, None, "the same in whole numbers"),
        (106.6601, 106.6601, None, "out of range, and no swap would help"),
        (10.7626, None, None, "half of a point"),
        (None, 106.6601, None, "the other half"),
        (math.nan, 106.6601, None, "not a number"),
        (10.7626, math.inf, None, "no end"),
        (1e300, -181.0, None, "off the earth"),
    ],
)
def test_a_point_is_read_or_there_is_none(
    lat: float | None, lng: float | None, meant: tuple[float, float] | None, note: str
):
    assert point(lat, lng) == meant, note
