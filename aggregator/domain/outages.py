"""Outages: when a source could not be used, told from our own tries and from nothing else.

    tries, in the order of their instants ──> spans of one channel and one capability

Principles. A span says only what somebody saw: it begins with the first failed try, it is certain between
failed tries, and it ends with the first good one. What lies between the last failed try and the good one
nobody knows, so it is never claimed. Where we ourselves did not try for longer than `AWAY`, that part is
kept as a gap and not claimed either: a worker that was switched off for the night has seen nothing.

How it works. What was being done when a try failed (`tried`) and the error's code say which capability
is out: an account that is refused is `sign_in`, whatever was being done; else it is what was being done.
A good try ends what it proves: a write proves sign in, a read proves reading alone; a read proves sign in
only where reading was what had been refused.

Ours, not the source's: wrong settings and defects of a connector are no failed try at all. Where sources
on different hosts go silent together, and none answers meanwhile, the spans are marked `ours_maybe`.

Known exceptions. Being asked to wait (429) is an answer and no outage, until it has lasted `LASTS`. While
a refused account waits for a person nobody tries, because retries lock accounts: such a span is one
instant long, however long the account was refused.

Dropped: taking the channel's state for the span (`down` needs three failures, and a person's "resume"
changes it), and ending a span at the last failed try plus the poll interval, which claims what was not seen.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

#: Between two failed tries that lie further apart nothing is claimed. The longest wait between two tries of
#: a source that cannot be reached is half of it.
AWAY = timedelta(minutes=30)
#: Being asked to wait becomes an outage when nothing else came back for so long.
LASTS = timedelta(minutes=30)

THROTTLED, REFUSED = "rate_limited", "auth_failed"
#: Codes of errors that say: the source could not be used.
_AWAY = frozenset({THROTTLED, REFUSED, "transient", "schema_drift", "bot_challenge", "unknown_outcome"})
#: While reading, these too: what came could not be read.
_UNREADABLE = frozenset({"permanent", "bad_record"})


class Capability(enum.StrEnum):
    READ = "read"
    SIGN_IN = "sign_in"
    WRITE = "write"


_STRENGTH = {Capability.READ: 0, Capability.SIGN_IN: 1, Capability.WRITE: 2}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a source. `code` is the error's, empty for a good one."""

    at: datetime
    tried: Capability
    code: str = ""
    #: The source's server said something, if only an error page.
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which one capability of one channel was out, as far as failed tries show it."""

    capability: Capability
    #: The strongest that was being done when it failed: what must work again to end a refused sign-in.
    tried: Capability
    began_at: datetime
    last_failed_at: datetime
    #: The first good try after the last failed one; None while there was none.
    ended_at: datetime | None = None
    #: The last good try before the first failed one, where one is known.
    ok_before: datetime | None = None
    attempts: int = 1
    #: Parts between two failed tries in which we did not try ourselves.
    gaps: tuple[tuple[datetime, datetime], ...] = ()
    #: False while all there was is being asked to wait.
    sure: bool = True
    #: At least one failed try was an answer of the source's server.
    answered: bool = False
    #: Other sources were silent, too: it may be the office's own network.
    ours_maybe: bool = False

    def pieces(self) -> tuple[tuple[datetime, datetime], ...]:
        """What is claimed: stretches from a failed try to a failed try, without our own gaps."""
        starts = (self.began_at, *(until for _, until in self.gaps))
        ends = (*(since for since, _ in self.gaps), self.last_failed_at)
        return tuple(zip(starts, ends, strict=True))

    def at_least(self, since: datetime, until: datetime) -> timedelta:
        """How much of the time from `since` to `until` is claimed."""
        return _overlap(self.pieces(), since, until)

    def at_most(self, since: datetime, until: datetime) -> timedelta:
        """How much of it at most, from the first failed try to the first good one (or `until`)."""
        return _overlap([(self.began_at, self.ended_at or until)], since, until)


def _overlap(pieces: Iterable[tuple[datetime, datetime]], since: datetime, until: datetime) -> timedelta:
    both = ((max(start, since), min(end, until)) for start, end in pieces)
    return sum((end - start for start, end in both if end > start), timedelta())


def laid_over(pieces: Iterable[tuple[datetime, datetime]], since: datetime, until: datetime) -> timedelta:
    """How much of the time from `since` to `until` these pieces cover; what several cover counts once."""
    total, covered = timedelta(), since
    for start, end in sorted(pieces):
        start, end = max(start, covered), min(end, until)
        if end > start:
            total, covered = total + (end - start), end
    return total


def concerns(tried: Capability, code: str) -> Capability | None:
    """Which capability a failed try says is out; None where the failure is not the source's."""
    if code == REFUSED:
        return Capability.SIGN_IN
    known = code in _AWAY or (tried is Capability.READ and code in _UNREADABLE)
    return tried if known else None


def ends(span: Span, good: Capability) -> bool:
    """Whether a good try at `good` proves that what was out works again."""
    if span.capability is not Capability.SIGN_IN:
        return good is span.capability
    return good is Capability.SIGN_IN or _STRENGTH[good] >= _STRENGTH[span.tried]


def begun(capability: Capability, failed: Attempt, ok_before: datetime | None = None) -> Span:
    """The span that a first failed try begins."""
    return Span(
        capability, failed.tried, failed.at, failed.at, ok_before=ok_before,
        sure=failed.code != THROTTLED, answered=failed.answered,
    )  # fmt: skip


def extended(span: Span, failed: Attempt) -> Span:
    """The span with one more failed try, not earlier than its last."""
    away = failed.at - span.last_failed_at > AWAY
    answered = span.answered or failed.answered
    return replace(
        span,
        tried=max(span.tried, failed.tried, key=_STRENGTH.__getitem__),
        last_failed_at=failed.at,
        attempts=span.attempts + 1,
        gaps=(*span.gaps, (span.last_failed_at, failed.at)) if away else span.gaps,
        sure=span.sure or failed.code != THROTTLED or failed.at - span.began_at >= LASTS,
        answered=answered,
        ours_maybe=span.ours_maybe and not answered,
    )


def spans(capability: Capability, attempts: Iterable[Attempt]) -> tuple[Span, ...]:
    """The spans that these tries make, in whatever order they are given; unproven ones are left out.

    Failed tries that concern another capability, and good ones that prove nothing here, change nothing.
    """
    done: list[Span] = []
    now: Span | None = None
    good_at: datetime | None = None
    # Of a failed and a good try at the same instant the good one is taken for the later: it ends.
    for attempt in sorted(attempts, key=lambda one: (one.at, not one.code, one.code, one.tried)):
        if attempt.code:
            if concerns(attempt.tried, attempt.code) is capability:
                now = begun(capability, attempt, good_at) if now is None else extended(now, attempt)
        elif now is None:
            if capability is not Capability.READ or attempt.tried is capability:
                good_at = attempt.at
        elif ends(now, attempt.tried):
            done.append(replace(now, ended_at=attempt.at))
            now, good_at = None, attempt.at
    if now is not None:
        done.append(now)
    return tuple(span for span in done if span.sure)


# Whose fault ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Silent:
    """An open span none of whose tries was answered, and the host that it asks."""

    id: int
    host: str
    began_at: datetime


def ours_maybe(silent: Sequence[Silent], well: Mapping[str, datetime]) -> frozenset[int]:
    """Those of the silent spans that our own network may have made; `well`: host -> its last good try.

    At least two hosts are silent, and no third one has answered since. One host alone says nothing.
    """
    hosts = {one.host for one in silent}
    if len(hosts) < 2:
        return frozenset()

    def alone(one: Silent) -> bool:
        return any(host != one.host and at >= one.began_at for host, at in well.items())

    return frozenset(one.id for one in silent if not alone(one))
