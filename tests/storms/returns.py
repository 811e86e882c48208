"""A portal is back, or a person has signed in again: how long until it has the next answer.

Measured is what the product does by itself, so each return says what else held it: a portal that asked
for a pause (429 with Retry-After), or one that waited for a person's sign-in and is measured from there.
A return counts only where something was owed: an answer on its way that the portal did not have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

#: What held an answer besides the portal's being away.
SIGNED_OUT, ASKED_TO_WAIT = "signed out", "asked to wait"


@dataclass(frozen=True, slots=True)
class Return:
    """From `since` on answers could go to `portal`; `held` says what besides (empty: nothing)."""

    portal: str
    since: datetime
    held: str = ""

    def took_s(self, arrived: Iterable[datetime], away: Iterable[datetime]) -> float | None:
        """Seconds until the first answer; where the portal went away before one came, until then.

        None where it went away at once. `arrived` and `away`: when answers came and outages began.
        """
        first = min((at for at in arrived if at >= self.since), default=None)
        gone = min((at for at in away if at >= self.since), default=None)
        ends = [at for at in (first, gone) if at is not None]
        took = (min(ends) - self.since).total_seconds() if ends else None
        left_early = took is not None and min(ends) == gone and took < 300
        return None if left_early else took


@dataclass(frozen=True, slots=True)
class Measured:
    """A return and its seconds."""

    held: str
    took_s: float


def told(measured: Iterable[Measured]) -> Iterator[tuple[str, str]]:
    """Rows of the table: how many returns of each sort, and the slowest."""
    names = {
        "": "first answer after a return",
        ASKED_TO_WAIT: "  where the portal had asked for a pause",
        SIGNED_OUT: "  after a person's sign-in",
    }
    found = list(measured)
    for held, name in names.items():
        seconds = sorted(one.took_s for one in found if one.held == held)
        yield name, f"{len(seconds)}; slowest {seconds[-1]:.0f} s" if seconds else "none"
