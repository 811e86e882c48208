"""How long each kind of data is kept, and what keeps it longer.

Principles: data goes by kind, not by table; a period counts from the day a case was closed (or last
changed at its source, where that is later), for what belongs to no case from the day it was made; what is
still needed stays, and the plan says why.

What may surprise: every period of `STARTING` is a proposal, not law. No paper that names periods for
feedback was at hand: the office enters its own, with the paper, and nothing is forgotten before an
administrator has seen a dry run and switched it on.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

#: Days. Shorter would take from an officer what a reopened case needs; longer than a century is "for ever".
SHORTEST, LONGEST = 30, 36_500


class Kind(enum.StrEnum):
    """What is forgotten together."""

    IDENTITY = "identity"  # who reported, and what finds them: blind indexes, the telephone's matching key
    FILES = "files"  # attachments, rows and content
    RAW = "raw"  # each revision's raw item
    TEXT = "text"  # subject, body, address, place of reports; face of the case; search, matching
    ANSWERS = "answers"  # what officers answered
    NOTES = "notes"  # officers' words in the ledger and beside the case
    PAGES = "pages"  # archived pages of polls
    QUARANTINE = "quarantine"  # settled items and held batches
    CALLS = "calls"  # calls of sources that were kept
    EVIDENCE = "evidence"  # pages and screenshots that show an outage; their hashes stay
    REQUESTS = "requests"  # the register of personal-data requests


class Certainty(enum.StrEnum):
    PROPOSAL = "proposal"
    DECIDED = "decided"


class Stays(enum.StrEnum):
    """Why something is kept beyond its period."""

    HOLD = "hold"  # somebody said: keep it
    LEGAL = "legal"  # a complaint or denunciation, or it may be one
    SENDING = "sending"  # an answer is still on its way
    REQUEST = "request"  # an open personal-data request is about it
    OPEN = "open"  # waits for a person (quarantine), or for a replay


#: Counted from the closing of the case; the others from when they were made.
OF_CASES = (Kind.IDENTITY, Kind.FILES, Kind.RAW, Kind.TEXT, Kind.ANSWERS, Kind.NOTES)
OF_THEIR_OWN = (Kind.PAGES, Kind.QUARANTINE, Kind.CALLS, Kind.EVIDENCE, Kind.REQUESTS)

#: Proposals, in days.
STARTING: dict[Kind, int | None] = {
    Kind.IDENTITY: 730,
    Kind.FILES: 1825,
    Kind.RAW: 365,
    Kind.TEXT: 3650,
    Kind.ANSWERS: 3650,
    Kind.NOTES: 3650,
    Kind.PAGES: 180,
    Kind.QUARANTINE: 180,
    Kind.CALLS: 90,
    Kind.EVIDENCE: 1825,
    Kind.REQUESTS: 1825,
}

#: Ledger entries that hold officers' own words and prove no time by themselves. What an extension, a pause
#: or an answer says stays as long as the chain: deadlines are proven by it.
WORDED = ("noted", "unmasked", "legal_dismissed", "legal_undone", "unit_joined")


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for one kind. `days` None keeps without an end; `number` 0 is the starting set."""

    kind: Kind
    days: int | None
    certainty: Certainty
    source: str = ""
    why: str = ""
    number: int = 0

    def cutoff(self, now: datetime) -> datetime | None:
        """What ended before this instant is due; None where nothing ever is."""
        return None if self.days is None else now - timedelta(days=self.days)


def starting(kind: Kind) -> Rule:
    return Rule(kind, STARTING[kind], Certainty.PROPOSAL)


def ranges(places: Iterable[tuple[str, int]]) -> list[list[str | int]]:
    """(chain, seq) places as [chain, first, last], sorted: how an "erased" entry names them."""
    found: list[list[str | int]] = []
    for chain, seq in sorted(set(places)):
        last = found[-1] if found else None
        if last is not None and last[0] == chain and last[2] == seq - 1:
            last[2] = seq
        else:
            found.append([chain, seq, seq])
    return found
