"""The strangers' city: wards old and new, streets that bear one name in several wards, and the ways to
say where.

Nothing here is a real address. Numbers run along a street from its own start in each ward, alleys lead
off at right angles, and a telephone's point is the place and an error.
"""

import math
import random
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.strangers_names import (
    BLOCKS,
    FAMILIES,
    GIVENS,
    LANDMARK_NAMES,
    LANDMARKS,
    MIDDLES,
    NUMBERED,
    PLAIN_STREETS,
    WARD_PARTS,
    WARDS,
)
from tests.benchmarks.strangers_words import Problem

METRE = 1 / 111_320  # of latitude, in degrees
VAGUE = 0.04  # of those who write leave the number out


@dataclass(frozen=True)
class Ward:
    name: str
    district: str
    old: tuple[str, ...]
    lat: float
    lng: float
    alley: str  # the region's word: hẻm, kiệt, ngõ
    streets: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where a case is. `names`: the streets of a corner or stretch, a landmark's forms, or one street."""

    sort: str
    ward: Ward
    names: tuple[str, ...]
    chain: tuple[str, ...] = ()

    @property
    def street(self) -> str:
        return self.names[0]


def city(rng: random.Random, size: int) -> list[Ward]:
    streets = [_street(rng) for _ in range(size * 14)]
    rows = list(WARDS) + [
        (
            f"{rng.choice(WARD_PARTS[0])} {rng.choice(WARD_PARTS[1])} {i}",
            f"Quận {rng.randrange(13, 25)}",
            f"{i},{i + 1}",
        )
        for i in range(max(0, size - len(WARDS)))
    ]
    wards = []
    for i, (name, district, old) in enumerate(rows[:size]):
        side = math.isqrt(size) + 1
        lat, lng = 10.70 + i // side * 1500 * METRE, 106.60 + i % side * 1500 * METRE
        word = rng.choices(("hẻm", "kiệt", "ngõ"), (6, 2, 2))[0]
        chosen = tuple(dict.fromkeys(rng.choice(streets) for _ in range(24)))
        wards.append(Ward(name, district, tuple(old.split(",")), lat, lng, word, chosen))
    return wards


def _street(rng: random.Random) -> str:
    dice = rng.random()
    if dice < 0.12:
        return rng.choice(NUMBERED).format(n=rng.randrange(1, 60))
    if dice < 0.3:
        return rng.choice(PLAIN_STREETS)
    middle = f" {rng.choice(MIDDLES)}" if rng.random() < 0.7 else ""
    return f"{rng.choice(FAMILIES)}{middle} {rng.choice(GIVENS)}"


def draw_place(rng: random.Random, ward: Ward, problem: Problem) -> Place:
    streets = rng.sample(ward.streets, 3)
    sorts, weights = ("house", "alley", "flat", "landmark", "corner", "stretch"), (40, 26, 8, 10, 10, 6)
    sort = (
        rng.choices(sorts[:3], weights[:3])[0] if problem.spot == "house" else rng.choices(sorts, weights)[0]
    )
    if sort == "landmark":
        name = rng.choice(LANDMARK_NAMES)
        return Place(sort, ward, tuple(form.format(x=name) for form in rng.choice(LANDMARKS)))
    if sort == "flat":
        return Place(
            sort, ward, (rng.choice(BLOCKS), streets[0]), (rng.choice("ABCD"), str(rng.randrange(2, 25)))
        )
    if sort in ("corner", "stretch"):
        return Place(sort, ward, tuple(streets[: 2 if sort == "corner" else 3]))
    number = f"{rng.randrange(1, 420)}{rng.choice('ABCD') if rng.random() < 0.1 else ''}"
    turns = 0 if sort == "house" else rng.choice((1, 1, 1, 2, 2, 3))
    return Place(sort, ward, (streets[0],), (number, *(str(rng.randrange(1, 60)) for _ in range(turns))))


def place_key(place: Place) -> Any:
    """One name for places that reports could not tell apart."""
    return (place.ward.name, place.names if place.sort == "landmark" else frozenset(place.names), place.chain)


def beside(rng: random.Random, place: Place) -> Place | None:
    if not place.chain:
        return None
    step = rng.choice((-40, -16, -8, -4, -2, 2, 4, 8, 16, 40))
    digits = "".join(c for c in place.chain[-1] if c.isdigit())
    last = int(digits) + step
    return Place(place.sort, place.ward, place.names, (*place.chain[:-1], str(last))) if last > 0 else None


def elsewhere(rng: random.Random, place: Place, wards: list[Ward]) -> Place | None:
    others = [one for one in wards if place.street in one.streets and one is not place.ward]
    if not others or place.sort not in ("house", "alley"):
        return None
    return Place(place.sort, rng.choice(others), place.names, place.chain)


def fix(rng: random.Random, place: Place) -> tuple[float, float]:
    """The point a telephone gives: the place along its street, 5 to 60 m off, once in twelve 300 m off."""
    along = random.Random(f"{place.ward.name} {place.names[0]}")
    bearing, offset = along.uniform(0, math.tau), along.uniform(-450, 450)
    numbers = [int("".join(c for c in one if c.isdigit()) or 0) for one in place.chain] or [
        along.randrange(400)
    ]
    run, depth = numbers[0] * 2.5 - 500, 8 * sum(numbers[1:3])
    if place.sort in ("landmark", "flat"):
        run, depth = along.uniform(-500, 500), 0
    east = run * math.cos(bearing) - (offset + depth) * math.sin(bearing)
    north = run * math.sin(bearing) + (offset + depth) * math.cos(bearing)
    miss, way = (300 if rng.random() < 1 / 12 else rng.uniform(5, 60)), rng.uniform(0, math.tau)
    lat = place.ward.lat + (north + miss * math.sin(way)) * METRE
    lng = place.ward.lng + (east + miss * math.cos(way)) * METRE / math.cos(math.radians(place.ward.lat))
    return round(lat, 6), round(lng, 6)


def where(rng: random.Random, place: Place, channel: str, *, exact: bool) -> str:
    """How somebody says the place; unless `exact`, a few leave the number out."""
    vague = rng.random() < VAGUE and not exact
    street, word = place.street, place.ward.alley
    if place.chain and place.sort != "flat" and vague:
        said = f"đường {street}" if place.sort == "house" else f"đầu {word} {place.chain[0]} {street}"
        return said + _ward_words(rng, place.ward, 0.9)
    if place.sort == "landmark":
        said = rng.choice(place.names)
    elif place.sort == "flat":
        block, floor = place.chain
        name = rng.choice((f"chung cư {place.names[0]}", f"CC {place.names[0]}", f"cc {place.names[0]}"))
        said = rng.choice(
            (
                f"block {block} tầng {floor} {name}",
                f"{name} lô {block} lầu {floor}",
                f"tầng {floor}, block {block}, {name}",
            )
        )
    elif place.sort == "corner":
        a, b = place.names if rng.random() < 0.5 else place.names[::-1]
        said = rng.choice(
            (
                f"ngã tư {a} - {b}",
                f"góc {a} và {b}",
                f"giao lộ {a}/{b}",
                f"ngã 4 {a} giao {b}",
                f"ngã tư {a} {b}",
            )
        )
    elif place.sort == "stretch":
        a, b, c = place.names
        said = rng.choice((f"đường {a} đoạn từ {b} đến {c}", f"đường {a}, đoạn gần {b}", f"tuyến đường {a}"))
    elif place.sort == "house":
        n = place.chain[0]
        said = rng.choice(
            (
                f"số {n} {street}",
                f"{n} {street}",
                f"nhà số {n} đường {street}",
                f"{n} đường {street}",
                f"số nhà {n}, {street}",
                f"sn {n} {street}",
            )
        )
    else:
        said = _alley(rng, place.chain, street, word)
    said = said.replace("đường Đường", "đường")
    return said + _ward_words(rng, place.ward, 0.55 if channel != "app" else 0.3)


def _alley(rng: random.Random, chain: tuple[str, ...], street: str, word: str) -> str:
    slashes = "/".join(chain)
    if word == "ngõ" and len(chain) == 3 and rng.random() < 0.5:
        return f"số {chain[2]} ngách {chain[1]} ngõ {chain[0]} {street}"
    if word == "kiệt" and rng.random() < 0.3:
        return f"K{slashes} {street}"
    return rng.choice(
        (
            f"{slashes} {street}",
            f"{word} {slashes} {street}",
            f"nhà số {slashes} đường {street}",
            f"số nhà {chain[-1]}, {word} {'/'.join(chain[:-1])} {street}",
            f"{word} {slashes} đường {street}",
        )
    )


def _ward_words(rng: random.Random, ward: Ward, chance: float) -> str:
    if rng.random() > chance:
        return ""
    old = ward.old[len(ward.name) % len(ward.old)]
    short = ward.district.replace("Quận ", "Q.")
    said = (
        f", phường {ward.name}",
        f", P.{ward.name}",
        f", P. {ward.name}, TP.HCM",
        f", P.{old} {short} cũ",
        f", phường {old}, {ward.district} (cũ)",
        f" p{old} {short.lower().replace('.', '')}",
        f" (phường {ward.name})",
    )
    return rng.choices(said, (5, 4, 2, 2, 1, 1, 2))[0]


def address_field(rng: random.Random, place: Place, channel: str, *, exact: bool) -> str | None:
    if rng.random() > {"web": 0.85, "hotline_1022": 0.6, "app": 0.3}.get(channel, 0.03):
        return None
    return where(rng, place, "app", exact=exact) + (
        f", Phường {place.ward.name}, TP. Hồ Chí Minh" if rng.random() < 0.4 else ""
    )
