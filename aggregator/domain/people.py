"""Who is asking, and what they may see and do (I13).

An officer or leader sees one ward; an administrator or city leader without a ward sees the whole
installation. What may surprise: a thing that a person may not see does not exist for them, so a
hidden case and a missing case raise the same `NotFound` with the same words.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Role(enum.StrEnum):
    OFFICER = "officer"
    LEADER = "leader"
    ADMIN = "admin"


class Right(enum.StrEnum):
    """What a role may do beyond seeing its ward's cases."""

    HANDLE = "handle"  # reply, note, assign, pause, merge, split
    LEGAL = "legal"  # read complaints and denunciations, and decide on them
    UNMASK = "unmask"  # see who reported; each look is logged
    DASHBOARD = "dashboard"
    CHANNELS = "channels"  # see channel health
    OPERATE = "operate"  # poll now, pause, replay, change rules
    TUNE = "tune"  # set by which thresholds reports are judged
    PRIVACY = "privacy"  # answer people about their data: find, hand out, restrict, erase; holds


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.OFFICER: frozenset({Right.HANDLE, Right.UNMASK, Right.CHANNELS}),
    # Answering about personal data reads legal matters, too, and needs to know the ward's people.
    Role.LEADER: frozenset(set(Right) - {Right.OPERATE}),
    Role.ADMIN: frozenset({Right.DASHBOARD, Right.CHANNELS, Right.OPERATE, Right.TUNE}),
}


@dataclass(frozen=True, slots=True)
class Marks:
    """What waits for a person, as counted when they came: each at most a hundred, which is "many"."""

    unread: int = 0
    questions: int = 0
    #: Channels that wait for a person.
    alarms: int = 0
    #: Answers that somebody has to bring to their source, or to decide about.
    errands: int = 0


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person, as every service verb receives them."""

    id: int
    login: str
    name: str
    role: Role
    #: None sees every ward.
    ward: str | None
    unit_id: int | None = None
    language: str = "vi"
    #: An officer whom a leader named to read complaints and denunciations.
    legal: bool = False
    marks: Marks = Marks()

    def sees(self, ward: str) -> bool:
        return self.ward is None or self.ward == ward

    def may(self, right: Right) -> bool:
        named = right is Right.LEGAL and self.legal and self.role is Role.OFFICER
        return named or right in RIGHTS[self.role]
