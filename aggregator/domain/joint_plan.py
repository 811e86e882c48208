"""What becomes of many "the same" said at once: which cases become one, and which pairs are left out.

The pairs are taken best first. Two groups become one where nothing forbids it: both still worked on, of
one ward, nobody said that any of the one differs from any of the other, and together they stay below the
cap. The case that came first stays, for its code is the one that citizens were told first; the earliest
deadline of all counts (I5).

What may surprise: the order decides what fits below the cap, so the surest pairs get their way.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product

__all__ = ["Group", "Joinable", "Plan", "Refusal", "plan"]


class Refusal(enum.StrEnum):
    """Why a question is left out."""

    CLOSED = "closed"
    OTHER_WARD = "other_ward"
    LEGAL = "legal"
    TOLD_APART = "told_apart"
    CAP = "cap"
    #: Somebody answered it, or changed one of the cases, meanwhile.
    CHANGED = "changed"
    SETTLED = "settled"
    #: Both cases already become one through other pairs.
    ALREADY = "already"


@dataclass(frozen=True, slots=True)
class Joinable:
    """A case, as far as it matters here."""

    id: int
    ward: str
    is_open: bool
    legal: bool
    size: int
    received_at: datetime
    due_at: datetime | None


@dataclass(slots=True)
class Group:
    """Cases that become one: the first one stays."""

    cases: list[Joinable]

    @property
    def stays(self) -> Joinable:
        return min(self.cases, key=lambda case: (case.received_at, case.id))

    @property
    def goes(self) -> list[Joinable]:
        stays = self.stays
        return sorted((case for case in self.cases if case is not stays), key=lambda case: case.id)

    @property
    def size(self) -> int:
        return sum(case.size for case in self.cases)

    @property
    def ruling(self) -> Joinable:
        """The case whose deadline counts."""
        never = datetime.max.replace(tzinfo=UTC)
        return min(self.cases, key=lambda case: (case.due_at or never, case.received_at, case.id))


@dataclass(frozen=True, slots=True)
class Plan:
    """`refused`: place of the pair in the list given, and why."""

    groups: list[Group]
    refused: dict[int, Refusal] = field(default_factory=dict)


def plan(
    pairs: Sequence[tuple[Joinable, Joinable]], told_apart: Collection[tuple[int, int]], cap: int
) -> Plan:
    """Which cases become one. `told_apart`: pairs of case ids, the lower first, that must not meet."""
    home = {case.id: Group([case]) for pair in pairs for case in pair}
    refused: dict[int, Refusal] = {}
    for place, (one, other) in enumerate(pairs):
        mine, theirs = home[one.id], home[other.id]
        why = _refusal(one, other, mine, theirs, told_apart, cap)
        if why is not None:
            refused[place] = why
            continue
        mine.cases += theirs.cases
        for case in theirs.cases:
            home[case.id] = mine
    groups = {id(group): group for group in home.values() if len(group.cases) > 1}
    return Plan(list(groups.values()), refused)


def _refusal(
    one: Joinable, other: Joinable, mine: Group, theirs: Group,
    told_apart: Collection[tuple[int, int]], cap: int,
) -> Refusal | None:  # fmt: skip
    if mine is theirs:
        return Refusal.ALREADY
    checks = (
        (Refusal.OTHER_WARD, one.ward != other.ward),
        (Refusal.LEGAL, one.legal or other.legal),
        (Refusal.CLOSED, not (one.is_open and other.is_open)),
        (Refusal.TOLD_APART, _must_not_meet(mine, theirs, told_apart)),
        (Refusal.CAP, mine.size + theirs.size > cap),
    )
    return next((why for why, holds in checks if holds), None)


def _must_not_meet(mine: Group, theirs: Group, told_apart: Collection[tuple[int, int]]) -> bool:
    pairs = product(mine.cases, theirs.cases)
    return any((min(a.id, b.id), max(a.id, b.id)) in told_apart for a, b in pairs)
