"""A house among its alleys as one chain of numbers from the street inwards, however it was written.

    số 5 ngách 4 ngõ 123 -> "123/4/5"        ngách 4 ngõ 123 -> "123/4/", the alley itself

Leading zeros go; a range "278 - 280" stays a range, because another range is another place.
"""

from __future__ import annotations

import re

# How deep in the chain each word stands. Huế, Đà Nẵng: kiệt, hẻm; Hà Nội: ngõ, ngách, hẻm; Sài Gòn: hẻm.
DEPTH = {"kiet": 1, "ngo": 1, "k": 1, "ngach": 2, "hem": 3}
_HOUSE_DEPTH = 9


def numbers_of(number: str) -> list[str]:
    """The numbers of a chain as written in one piece: "123 / 04" is 123 and 4."""
    if number.isdigit():
        return [number.lstrip("0") or "0"]
    parts = re.split(r"\s?/\s?", re.sub(r"\s?-\s?", "-", number))
    return [part.lstrip("0") or "0" for part in parts]


def chain_of(items: list[tuple[str, str]]) -> str:
    """The canonical chain of items as written, each a kind and a number."""
    ordered = sorted(items, key=lambda item: DEPTH.get(item[0], _HOUSE_DEPTH))
    chain: list[str] = []
    for _, number in ordered:
        parts = numbers_of(number)
        chain = parts if parts[: len(chain)] == chain else chain + parts
    innermost = ordered[-1]
    # "hẻm 123/4" is house 4 of alley 123 to most who write it; "ngách 4 ngõ 123" is the alley.
    alley = innermost[0] in DEPTH and "/" not in innermost[1]
    return "/".join(chain) + ("/" if alley else "")
