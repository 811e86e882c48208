"""Who answers while somebody is away: the chain of substitutes, read at an instant.

Promises that an absence moves nothing. The owner of a case stays its owner; who answers for them is
worked out from the absences and the time of day, so cover begins and ends by itself, to the minute, and
no job that ran late can make it wrong.

How it works
    An absence names one substitute, or none. Who is away is answered for by the substitute; where that
    one is away too, by theirs, and so on. The chain ends with nobody where somebody in it has no
    substitute, or where it comes back to somebody it has passed.

Known exceptions
    Half days are cut at noon, whatever the office's hours are: people say "sáng" and "chiều".
    Two absences of one person at a time are refused where they are entered; of two that are stored all
    the same the one that lasts longer counts.

Tried and dropped
    Handing the cases to the substitute and back again. A case that was passed on meanwhile came back to
    who had given it away, and everything hung on a job that ran at the right minute.
"""

from __future__ import annotations

import enum
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from aggregator.domain.worktime import VN
from aggregator.errors import InputInvalid

NOON = time(12)


class AbsenceReason(enum.StrEnum):
    """Why somebody is away. Nothing depends on it; leaders count by it."""

    LEAVE = "leave"
    SICK = "sick"
    MISSION = "mission"
    TRAINING = "training"
    MATERNITY = "maternity"
    OTHER = "other"


class Why(enum.StrEnum):
    """How the question "who answers?" ended."""

    PRESENT = "present"
    COVERED = "covered"
    NO_SUBSTITUTE = "no_substitute"
    CYCLE = "cycle"


@dataclass(frozen=True, slots=True)
class Absence:
    """Somebody is away from `starts_at` up to, and not including, `ends_at`."""

    officer: int
    starts_at: datetime
    ends_at: datetime
    #: None also where the one who was named has left the ward or the office.
    substitute: int | None = None
    id: int = 0

    def holds(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True)
class Standing:
    """Who answers for `officer` at one instant."""

    officer: int
    answers: int | None
    why: Why
    #: Everybody in turn, the officer first, up to who answers or where the chain broke.
    chain: tuple[int, ...]
    #: When the officer is back; None where they are there.
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch in which nobody answers for `officer`; `last` is where the chain of substitutes ends."""

    officer: int
    start: datetime
    end: datetime
    why: Why
    last: int


@dataclass(frozen=True, slots=True)
class FieldGap:
    """A stretch in which nobody who is responsible for a category is there, nor anybody for them."""

    category: str
    start: datetime
    end: datetime
    #: Who is responsible; empty where nobody ever was named.
    people: tuple[int, ...]


class Rota:
    """Absences, asked about any instant they span."""

    def __init__(self, absences: Iterable[Absence]) -> None:
        self._of: dict[int, list[Absence]] = {}
        for one in sorted(absences, key=lambda each: (each.ends_at, each.id), reverse=True):
            self._of.setdefault(one.officer, []).append(one)

    def away(self, officer: int, at: datetime) -> Absence | None:
        return next((one for one in self._of.get(officer, ()) if one.holds(at)), None)

    def at(self, officer: int, at: datetime) -> Standing:
        """Who answers for them at that instant."""
        absence = self.away(officer, at)
        if absence is None:
            return Standing(officer, officer, Why.PRESENT, (officer,))
        chain, until = [officer], absence.ends_at
        while absence is not None:
            named = absence.substitute
            if named is None:
                return Standing(officer, None, Why.NO_SUBSTITUTE, tuple(chain), until)
            if named in chain:
                return Standing(officer, None, Why.CYCLE, tuple(chain), until)
            chain.append(named)
            absence = self.away(named, at)
        return Standing(officer, chain[-1], Why.COVERED, tuple(chain), until)

    def covered_by(self, officer: int, at: datetime) -> tuple[Standing, ...]:
        """Those for whom this officer answers then, themselves left out."""
        found = (self.at(one, at) for one in self._of if one != officer)
        return tuple(each for each in found if each.answers == officer and each.why is Why.COVERED)

    def gaps(self, officer: int, start: datetime, end: datetime) -> tuple[Gap, ...]:
        """When nobody answers for this officer between two instants."""
        found: list[Gap] = []
        for begin, stop in self.stretches(start, end):
            then = self.at(officer, begin)
            if then.answers is not None:
                continue
            gap = Gap(officer, begin, stop, then.why, then.chain[-1])
            if found and found[-1].end == begin and (found[-1].why, found[-1].last) == (gap.why, gap.last):
                gap = Gap(officer, found.pop().start, stop, gap.why, gap.last)
            found.append(gap)
        return tuple(found)

    def stretches(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """The time from `start` to `end`, cut wherever somebody leaves or comes back."""
        cuts = {start, end} if start < end else set()
        for absences in self._of.values():
            cuts |= {at for one in absences for at in (one.starts_at, one.ends_at) if start < at < end}
        ordered = sorted(cuts)
        return list(itertools.pairwise(ordered))


def unattended(
    rota: Rota, responsible: Mapping[str, Sequence[int]], start: datetime, end: datetime
) -> tuple[FieldGap, ...]:
    """For each category, when nobody answers for it between two instants; in the categories' order."""
    stretches = rota.stretches(start, end)
    found: list[FieldGap] = []
    for category, people in responsible.items():
        mine: list[FieldGap] = []
        for begin, stop in stretches:
            if any(rota.at(one, begin).answers is not None for one in people):
                continue
            since = mine.pop().start if mine and mine[-1].end == begin else begin
            mine.append(FieldGap(category, since, stop, tuple(people)))
        found += mine
    return tuple(found)


def span(
    first: date, last: date, *, from_noon: bool = False, until_noon: bool = False
) -> tuple[datetime, datetime]:
    """The instants of an absence from the first day to the last, both included, in Viet Nam.

    `from_noon`: away from noon of the first day on; `until_noon`: back at noon of the last one.
    """
    if first > last or (first == last and from_noon and until_noon):
        raise InputInvalid(
            f"an absence from {first} to {last} has no time in it", field="last",
            message_vi="Ngày về phải sau ngày bắt đầu nghỉ.",
        )  # fmt: skip
    starts = datetime.combine(first, NOON if from_noon else time(), VN)
    ends = datetime.combine(last, NOON, VN) if until_noon else midnight(last + timedelta(days=1))
    return starts.astimezone(UTC), ends.astimezone(UTC)


def midnight(day: date) -> datetime:
    """When that day begins in Viet Nam."""
    return datetime.combine(day, time(), VN).astimezone(UTC)


def until_vi(ends_at: datetime) -> str:
    """The last day of an absence as people say it: "25/11", "trưa 25/11", or the hour it was ended."""
    return _until(ends_at, "trưa {:%d/%m}", "{:%H:%M %d/%m}")


def until_en(ends_at: datetime) -> str:
    return _until(ends_at, "noon of {:%d/%m}", "{:%H:%M, %d/%m}")


def _until(ends_at: datetime, noon: str, hour: str) -> str:
    at = ends_at.astimezone(VN)
    if at.time() == time():
        return f"{at - timedelta(days=1):%d/%m}"
    return (noon if at.time() == NOON else hour).format(at)
