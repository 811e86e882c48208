"""What a point on the map says about wards, of which only the centre and the area are known.

Centres are no borders: a point decides only where it is clearly nearer to one of a few centres, and can tell
which ward it is too far away from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from aggregator.domain.place_table import NewWard, Table

#: How much nearer the nearest centre must be, as a share of the way to the second; and how far from it
#: a point may lie, in radii of a circle of the ward's area (wards are no circles).
_CLEARLY, _REACH = 0.5, 1.5


def nearest(codes: Sequence[str], places: Table, at: tuple[float, float]) -> str | None:
    """The ward whose centre the point is clearly nearest to, None where that decides nothing."""
    ranked = sorted((_distance(at, places.wards[code]), code) for code in codes)
    if len(ranked) < 2:
        return None
    (first, code), (second, _) = ranked[:2]
    near = first <= _REACH * places.wards[code].radius_km
    return code if near and first <= _CLEARLY * second else None


def _distance(at: tuple[float, float], ward: NewWard) -> float:
    """Kilometres on a flat earth, good to a few metres within a city."""
    north = (ward.lat - at[0]) * 111.2
    east = (ward.lng - at[1]) * 111.2 * math.cos(math.radians(at[0]))
    return math.hypot(north, east)


def far_away(code: str, places: Table, at: tuple[float, float] | None) -> bool:
    """Whether there is a point, and it cannot be in the ward."""
    ward = places.wards[code]
    return at is not None and ward.radius_km > 0 and _distance(at, ward) > 3 * ward.radius_km + 1
