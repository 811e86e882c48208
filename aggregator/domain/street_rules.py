"""What officers decided about streets, and what follows from it for the next report of the same street.

Principles. An officer's decision is kept as it was made: old ward (where the text named one), street,
house number, ward. A rule is nothing but the living decisions about one street; taking a decision back
is all that undoing needs, and the same decisions always give the same rule. A rule never speaks against
coordinates or against a ward of today that the text names; `places` sees to that.

How it works. Decisions belong together by old ward and street ("Phường 4, Quận 3" + "cao thang"), or,
where the text named no ward, by the ward that the report was sent to and street. Of several decisions
about one report the last counts. Then, for a house on that street:

    all say the same ward                           that ward, sure
    they differ, two or more on its side of         that ward, sure: borders often run along a street, one
    the street (odd, even) agree                    side in each ward
    they differ, but the nearest below and the      that ward, sure: borders also cross streets
    nearest above on its side agree
    anything else                                   the ward named most often, not sure: it asks again

Known exceptions. Side and range need house numbers; decisions without one say nothing of either, and a
report without one is asked about as soon as two decisions differ. Of "123/4/5" the number on the street
counts, 123: the alley opens there. Landmarks and junctions are spots and are learned like streets.

Rejected: learning weights (an officer must be able to say which decision moved a report); counting the
reports that nobody objected to as decisions (silence is no word).
"""

from __future__ import annotations

import enum
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: How sure a rule is by the number of decisions that agree (the last holds for more), and one contested.
AGREED, CONTESTED = (0.92, 0.93, 0.94), 0.8
#: Decisions on one side of the street that must agree where others differ.
ONE_SIDE = 2

#: (code, title) of an old ward: a code alone means nothing, 77 of the city's changed their ward.
Old = tuple[str, str]


class Cause(enum.StrEnum):
    """What an officer did that decided on the ward of a report."""

    MOVED = "moved"
    GUIDED = "guided"
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class Decision:
    """One officer's word; `street` is None where it teaches nothing. `sent_to`: the ward of the channel."""

    report_id: int
    old: Old | None
    sent_to: str
    street: str | None
    house: int | None
    ward_code: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the decisions say of one house: `count` of them for this ward, `against` for others."""

    ward_code: str
    confidence: float
    count: int
    against: int


class StreetRules:
    """All living decisions, by what they are about. Decisions come oldest first."""

    def __init__(self, decisions: Iterable[Decision] = ()) -> None:
        newest = {one.report_id: one for one in decisions}
        self._about: dict[tuple[Old | str, str], list[Decision]] = defaultdict(list)
        for one in newest.values():
            if one.street:
                self._about[one.old or one.sent_to, one.street].append(one)
        self._streets: dict[Old | str, set[str]] = defaultdict(set)
        for about, street in self._about:
            self._streets[about].add(street)

    def __bool__(self) -> bool:
        return bool(self._about)

    def streets(self, about: Old | str) -> frozenset[str]:
        """The streets on which something was decided for this old ward, or for this ward of a channel."""
        return frozenset(self._streets.get(about, ()))

    def ruling(self, about: Old | str, street: str, house: int | None) -> Ruling | None:
        """What was decided for a house on this street; None where nothing was."""
        decided = self._about.get((about, street))
        return rule(decided, house) if decided else None


def rule(decided: Sequence[Decision], house: int | None) -> Ruling:
    """The ruling that decisions about one street give for a house on it. There must be one at least."""
    named = Counter(one.ward_code for one in decided)
    ward, count = min(named.items(), key=lambda item: (-item[1], item[0]))
    if len(named) > 1 and house is not None:
        side = [one for one in decided if one.house is not None and (one.house - house) % 2 == 0]
        if found := _one_side(side) or _between(side, house):
            return _sure(found, named)
    if len(named) > 1:
        return Ruling(ward, CONTESTED, count, len(decided) - count)
    return _sure(ward, named)


def _sure(ward: str, named: Counter[str]) -> Ruling:
    count = named[ward]
    return Ruling(ward, AGREED[min(count, len(AGREED)) - 1], count, named.total() - count)


def _one_side(side: Sequence[Decision]) -> str | None:
    wards = {one.ward_code for one in side}
    return wards.pop() if len(wards) == 1 and len(side) >= ONE_SIDE else None


def _between(side: Sequence[Decision], house: int) -> str | None:
    """The ward of the nearest decisions below and above, where they agree."""
    below = max((one.house for one in side if one.house is not None and one.house <= house), default=None)
    above = min((one.house for one in side if one.house is not None and one.house >= house), default=None)
    if below is None or above is None:
        return None
    wards = {one.ward_code for one in side if one.house in (below, above)}
    return wards.pop() if len(wards) == 1 else None


_LEADING = re.compile(r"\d{1,5}")


def number_of(house: str | None) -> int | None:
    """The number on the street itself: 123 of "123/4/5", 45 of "45a"; None where there is none."""
    found = _LEADING.match(house or "")
    return int(found[0]) if found else None
