"""The ward a new report goes to: its source's word, else what its text says beyond doubt, else its channel's.

A report leaves its channel's ward only where exactly one guess is sure and that ward is one of this
installation's own; a wrong ward is worse than none. Where the sure guess is a ward that nobody serves
here, or a rule or street that was learned makes another ward likely, the report stays and the case page
asks the officer. What may surprise: an area field that names the
channel's own ward ends the matter unread, which is also what keeps intake fast; and a stored report
never moves, so a revision that names another ward only changes what the page says.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from aggregator.domain.place_table import key, province_of, table
from aggregator.domain.places import ASKS, AUTOMATIC, Learned, PlaceGuess, resolve
from aggregator.services.canonical import Canonical

#: Areas remembered: a channel's list of them is short and comes with every report.
AREAS = 2_000


class Destination(NamedTuple):
    """The ward of a report, and the guess that its page tells where it is not the ward of its channel."""

    ward: str
    guess: dict[str, Any] | None


def destination(
    wards: Mapping[str, str], channel_ward: str, vouched: str | None, values: Canonical, learned: Learned
) -> Destination:
    """Where a new report goes. `wards`: the installation's own, code to name; `vouched`: the source's."""
    if vouched is not None and vouched in wards:
        return Destination(vouched, None)
    if not is_todays(channel_ward, wards):
        return Destination(channel_ward, None)
    found = _telling_guess(channel_ward, values, learned)
    if found is None or found.ward_code == channel_ward:
        return Destination(channel_ward, None)
    moves = found.confidence >= AUTOMATIC and is_todays(found.ward_code, wards)
    return Destination(found.ward_code if moves else channel_ward, _row(found))


def is_todays(code: str, wards: Mapping[str, str]) -> bool:
    """Whether this ward is served here and is the country's ward of that code: 77 codes changed their ward.

    A ward made by its code alone has the code in its name.
    """
    name = wards.get(code)
    return name is not None and (code in name or _same_name(code, name))


@lru_cache(maxsize=AREAS)
def _same_name(code: str, name: str) -> bool:
    places = table(province_of(code) or "")
    return places is not None and key(places.wards[code].name)[1] == key(name)[1]


def revised_guess(
    wards: Mapping[str, str], ward: str, channel_ward: str, values: Canonical, learned: Learned
) -> dict[str, Any] | None:
    """What is kept of a revised report in `ward`: a guess that speaks against it, or for its move."""
    found = _telling_guess(channel_ward, values, learned) if is_todays(channel_ward, wards) else None
    told = found is not None and not ward == channel_ward == found.ward_code
    return _row(found) if found is not None and told else None


def _telling_guess(channel_ward: str, values: Canonical, learned: Learned) -> PlaceGuess | None:
    """The only sure guess of all texts together, else the one that was learned and asks.

    The area alone decides where it names the channel's ward.
    """
    province = province_of(channel_ward)
    if province is None:
        return None
    if values.area and _sure(guesses := _of_area(values.area, province)) == channel_ward:
        return guesses[0]
    guesses = resolve(
        values.address, values.area, values.subject, values.body,
        province=province, lat=values.lat, lng=values.lng, learned=learned, sent_to=channel_ward,
    )  # fmt: skip
    if _sure(guesses):
        return guesses[0]
    asking = [guess for guess in guesses if guess.by in ("rule", "streets") and guess.confidence >= ASKS]
    return asking[0] if len(asking) == 1 else None


@lru_cache(maxsize=AREAS)
def _of_area(area: str, province: str) -> tuple[PlaceGuess, ...]:
    return resolve(area, province=province)


def _sure(guesses: tuple[PlaceGuess, ...]) -> str | None:
    certain = [guess.ward_code for guess in guesses if guess.confidence >= AUTOMATIC]
    return certain[0] if len(certain) == 1 else None


def _row(guess: PlaceGuess) -> dict[str, Any]:
    return {
        "code": guess.ward_code, "name": guess.name, "confidence": round(guess.confidence, 2),
        "reason_vi": guess.reason_vi, "reason_en": guess.reason_en, "by": guess.by, "old": guess.old_unit,
    }  # fmt: skip
