"""What goes wrong when: drawn from a seed, so that the same storm comes again.

A fault of a write is drawn by its portal, its answer and how often that was tried; one of a read by how
many reads came before. So a write meets the same fault whatever else happens around it.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

#: fault -> of a thousand writes, of a thousand reads. What is left over is fine weather.
FAULTS = {
    "reset before": (25, 15),  # cut before the portal saw it
    "reset after": (35, 0),  # taken, and the answer lost
    "silence before": (4, 2),  # nothing ever comes back
    "silence after": (6, 0),
    "truncated": (25, 10),  # half of the answer under the whole one's length
    "late commit": (25, 0),  # lost as it seems, and taken a while later
    "429": (20, 15),  # with Retry-After, in seconds
    "maintenance before": (15, 15),  # a page with HTTP 200 in place of the answer
    "maintenance after": (15, 0),
    "503": (15, 10),
    "session expired": (20, 10),
}
KINDS_OF_OUTAGE = ("refused", "maintenance", "503")
#: After an outage or a person's sign-in the line is good for so long: what is measured there is the product.
CALM = timedelta(minutes=5)
#: A late commit shows within this of the settling time that channels grant (60 s).
LATEST_S = 55.0


@dataclass(frozen=True, slots=True)
class Outage:
    """A portal is away from `begin` to `end`; `how` it shows."""

    begin: datetime
    end: datetime
    how: str


class Weather:
    """The faults of one portal."""

    def __init__(self, seed: int, portal: str) -> None:
        self._seed = f"{seed}/{portal}"
        self._tries: Counter[str] = Counter()
        self.seen: Counter[str] = Counter()

    def draw(self, number: str | None, *, calm: bool) -> tuple[str, random.Random]:
        """The fault of this request ("" for none), and the die it was drawn with; `number`: of a write."""
        name = number or "read"
        self._tries[name] += 1
        die = random.Random(f"{self._seed}/{name}/{self._tries[name]}")
        weights = [of[0 if number else 1] for of in FAULTS.values()]
        (fault,) = die.choices([*FAULTS, ""], weights=[*weights, 1000 - sum(weights)])
        fault = "" if calm else fault
        if fault:
            self.seen[fault] += 1
        return fault, die


def outages(seed: int, portal: str, start: datetime, days: float, *, long: bool) -> list[Outage]:
    """Some short ones, and on a long run one of one to three days; none at the very end."""
    die = random.Random(f"{seed}/{portal}/outages")
    lengths = [die.uniform(0.5, 8) for _ in range(max(1, int(days / 6)))]
    if long:
        lengths.append(die.uniform(24, 72))
    die.shuffle(lengths)
    room = days * 24 * 0.9 / len(lengths)
    found = []
    for place, hours in enumerate(lengths):
        hours = min(hours, room * 0.8)
        begin = start + timedelta(hours=place * room + die.uniform(0, room - hours))
        # A source that nobody can read back would make a person look for every probe of a long one.
        how = "refused" if portal == "one_way" and hours > 2 else die.choice(KINDS_OF_OUTAGE)
        found.append(Outage(begin, begin + timedelta(hours=hours), how))
    return found
