"""Where on earth: one reading of the coordinates that portals send.

Portals write "no position" as 0,0, as numbers out of range or as NaN, and some write longitude first:
10.7 and 106.6 can only be meant one way in Viet Nam, so such a pair is put right and not dropped.
"""

from __future__ import annotations

__all__ = ["in_viet_nam", "point"]


def in_viet_nam(lat: float, lng: float) -> bool:
    """Whether a point lies in the rectangle around the country and its islands."""
    return 8 <= lat <= 24 and 102 <= lng <= 118


def point(lat: float | None, lng: float | None) -> tuple[float, float] | None:
    """(latitude, longitude) in degrees, or None where the two are no point; swapped ones are put right."""
    if lat is None or lng is None or (lat == 0 and lng == 0):
        return None
    if in_viet_nam(lng, lat):
        return lng, lat
    # NaN fails every comparison.
    return (lat, lng) if -90 <= lat <= 90 and -180 <= lng <= 180 else None
