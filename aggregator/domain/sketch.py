"""Two points on the ground: how far apart, in which direction, and a sketch of it without any map.

The earth is flat here: within a city that is right to a metre. North is up, and both axes have the same
scale. What may surprise: points closer than `_TOGETHER` metres are drawn at one spot, because that is how
exactly a telephone knows where it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Apart", "Sketch", "apart", "sketch"]

_METRES_A_DEGREE = 111_320.0
_TOGETHER = 5
_DIRECTIONS = ("n", "ne", "e", "se", "s", "sw", "w", "nw")

Point = tuple[float, float]
"""Latitude and longitude, in degrees."""


@dataclass(frozen=True, slots=True)
class Apart:
    """`direction`: where the other lies as seen from the one, "" where they are together."""

    metres: int
    direction: str


@dataclass(frozen=True, slots=True)
class Sketch:
    """A drawing of `WIDTH` by `HEIGHT` units: both points, and a bar of so many metres."""

    one: tuple[int, int]
    other: tuple[int, int]
    bar: int
    bar_metres: int

    WIDTH = 240
    HEIGHT = 160


def apart(one: Point, other: Point) -> Apart:
    """How far `other` is from `one`, and where."""
    east, north = _offset(one, other)
    metres = math.hypot(east, north)
    if metres < _TOGETHER:
        return Apart(round(metres), "")
    eighths = round(math.degrees(math.atan2(east, north)) / 45) % 8
    return Apart(round(metres), _DIRECTIONS[eighths])


def sketch(one: Point, other: Point) -> Sketch:
    """Both points inside the drawing, as large as fits, with a round number of metres for scale."""
    east, north = _offset(one, other)
    units = min(
        (Sketch.WIDTH - 80) / max(abs(east), _TOGETHER), (Sketch.HEIGHT - 90) / max(abs(north), _TOGETHER)
    )
    bar_metres = _round_below(90 / units)
    across, up = round(east * units / 2), round(north * units / 2)
    middle = (Sketch.WIDTH // 2, (Sketch.HEIGHT - 30) // 2)
    return Sketch(
        one=(middle[0] - across, middle[1] + up),
        other=(middle[0] + across, middle[1] - up),
        bar=max(1, round(bar_metres * units)),
        bar_metres=bar_metres,
    )


def _round_below(metres: float) -> int:
    """The largest of 1, 2, 5, 10, 20, 50 ... that is not above; at least 1."""
    power = 10 ** max(0, math.floor(math.log10(max(metres, 1.0))))
    return int(max(step * power for step in (1, 2, 5) if step * power <= max(metres, 1.0)))


def _offset(one: Point, other: Point) -> tuple[float, float]:
    """Metres to the east and to the north."""
    shrink = math.cos(math.radians((one[0] + other[0]) / 2))
    return (other[1] - one[1]) * shrink * _METRES_A_DEGREE, (other[0] - one[0]) * _METRES_A_DEGREE
