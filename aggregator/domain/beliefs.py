"""What a source shows of a report beside what we believe of it: where the two differ, and what can be done.

Three things are compared: the answers, word by word; the status; the deadline. (How many reports a source
has of a day beside how many we hold is another question: `services.reconciling`.)

Principles
    1. Neither side is right by rule. A difference is told with both sides; a person decides.
    2. Silence is weak evidence. "Not shown" counts only where the source has shown some answer before, and
       only once it had time to show this one (`SETTLING`: a page may be as old as a poll is long).
    3. What we did ourselves is no difference: a status that our own answer led to, an answer on its way.
    4. The same difference is told once. `about` names it; what a person has laid aside stays laid aside
       until the source shows something else.

How answers find each other: equal words first, as often as they are said; then the source's own name of an
answer; then likeness, best first: the beginning of ours (the source cut it), ours with something around
it, or mostly the same words (somebody edited it). What is left of ours is missing, what is left of theirs
was written by somebody else.

Known exceptions. A source that shows only its newest answer makes the older ones "missing" once: so only the
newest delivered answer is asked for. A source without a word for its status is compared without one.
A case that was handed over or merged away is compared by its answers alone.

Tried and dropped: asking for every answer ever delivered (above); calling a status that lags behind an answer
a difference at sources that do not let us set it: there a clerk of the portal moves it, in days.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rapidfuzz import fuzz

from aggregator.domain.delivery import DELIVERED, Delivery, comparable
from aggregator.domain.text import sha256_of
from aggregator.domain.workflow import OPEN, Status

#: What was read may be as old as a poll is long, and portals show what they took a while later.
SETTLING = timedelta(minutes=10)
#: Of 100: this much of the words in common, and it is the same answer, edited.
ALIKE = 60.0
#: The beginning of an answer that a source cut: shorter ones say nothing.
SHORTEST_CUT = 20
#: Answers of one report that are compared; the newest matter.
MOST_ANSWERS = 30
_ELLIPSES = "….[] "


class Kind(enum.StrEnum):
    """In what the source and we differ."""

    ANSWER_FOREIGN = "answer_foreign"
    ANSWER_EDITED = "answer_edited"
    ANSWER_MISSING = "answer_missing"
    SOURCE_CLOSED = "source_closed"
    SOURCE_OPEN = "source_open"
    SOURCE_REOPENED = "source_reopened"
    STATUS_UNMAPPED = "status_unmapped"
    DEADLINE_EARLIER = "deadline_earlier"
    DEADLINE_LATER = "deadline_later"
    REPORT_GONE = "report_gone"


class Severity(enum.StrEnum):
    """How much hangs on it: a citizen may be without the answer; somebody should look; good to know."""

    ACT = "act"
    LOOK = "look"
    NOTE = "note"


class Remedy(enum.StrEnum):
    """What a person may do about a difference."""

    ADOPT = "adopt"  # their answer is our answer, from their time on
    NOT_OURS = "not_ours"  # leave it there; it answers nothing
    AUTOMATIC = "automatic"  # the portal writes this by itself, under every report
    SEND_AGAIN = "send_again"
    REOPEN = "reopen"
    TAKE_DEADLINE = "take_deadline"
    ASK = "ask"  # read this one report again, now
    MOVED = "moved"  # the source has it under another number
    KNOWN = "known"  # it may stay so, because …


SEVERITIES: dict[Kind, Severity] = {
    Kind.ANSWER_FOREIGN: Severity.LOOK,
    Kind.ANSWER_EDITED: Severity.LOOK,
    Kind.ANSWER_MISSING: Severity.ACT,
    Kind.SOURCE_CLOSED: Severity.LOOK,
    Kind.SOURCE_OPEN: Severity.LOOK,
    Kind.SOURCE_REOPENED: Severity.ACT,
    Kind.STATUS_UNMAPPED: Severity.NOTE,
    Kind.DEADLINE_EARLIER: Severity.NOTE,
    Kind.DEADLINE_LATER: Severity.LOOK,
    Kind.REPORT_GONE: Severity.ACT,
}
_REMEDIES: dict[Kind, tuple[Remedy, ...]] = {
    Kind.ANSWER_FOREIGN: (Remedy.ADOPT, Remedy.NOT_OURS, Remedy.AUTOMATIC, Remedy.ASK),
    Kind.ANSWER_EDITED: (Remedy.SEND_AGAIN, Remedy.ASK, Remedy.KNOWN),
    Kind.ANSWER_MISSING: (Remedy.SEND_AGAIN, Remedy.ASK, Remedy.KNOWN),
    Kind.SOURCE_CLOSED: (Remedy.ASK, Remedy.KNOWN),
    Kind.SOURCE_OPEN: (Remedy.REOPEN, Remedy.ASK, Remedy.KNOWN),
    Kind.SOURCE_REOPENED: (Remedy.REOPEN, Remedy.ASK, Remedy.KNOWN),
    Kind.STATUS_UNMAPPED: (Remedy.KNOWN,),
    Kind.DEADLINE_EARLIER: (),
    Kind.DEADLINE_LATER: (Remedy.TAKE_DEADLINE, Remedy.ASK, Remedy.KNOWN),
    Kind.REPORT_GONE: (Remedy.MOVED, Remedy.ASK, Remedy.KNOWN),
}
#: Settled so, the same difference is not told again.
LAID_ASIDE = frozenset({Remedy.KNOWN, Remedy.NOT_OURS, Remedy.AUTOMATIC, Remedy.MOVED})

#: A source's statuses in our words (`sdk.contract.SourceStatus`), by what they say of the work.
DONE_THERE = frozenset({"resolved", "rejected", "duplicate"})
OPEN_THERE = frozenset({"new", "accepted", "in_progress", "waiting", "needs_info", "reopened"})
REOPENED, UNMAPPED = "reopened", "unmapped"
#: The differences that `of_status` finds.
OF_STATUS = frozenset({Kind.SOURCE_REOPENED, Kind.SOURCE_OPEN, Kind.SOURCE_CLOSED, Kind.STATUS_UNMAPPED})


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """An answer as the source shows it, whoever wrote it."""

    body: str
    at: datetime | None = None
    author: str = ""
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What the source shows of one report now."""

    status: str
    status_raw: str | None = None
    #: When it last showed the report as done; None where it never did.
    done_at: datetime | None = None
    due_at: datetime | None = None
    #: What it showed at the look before.
    due_before: datetime | None = None
    answers: tuple[ShownAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One of our answers to this report, and what we believe of its delivery."""

    id: int
    body: str
    state: Delivery
    #: It ends the matter: a result or a refusal.
    closes: bool = True
    tried: bool = True
    sent_at: datetime | None = None
    ref: str | None = None
    #: The source has shown its very words before.
    was_shown: bool = False

    def settled(self, now: datetime) -> bool:
        """Delivered, and the source had time to show it."""
        return self.state in DELIVERED and self.sent_at is not None and now - self.sent_at >= SETTLING


@dataclass(frozen=True, slots=True)
class Held:
    """What we believe of one report. `status`: of the case that it lives in."""

    status: Status
    messages: tuple[Message, ...] = ()
    #: The source's deadline as our clock counts it; None where none is counted.
    counted_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of the source itself."""

    #: It has shown an answer of anybody before: only then its silence says something.
    shows_answers: bool = True
    #: An answer carries the status to it.
    takes_status: bool = True


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference of one report. `about` is its name: the same is not told twice.

    `ours`, `theirs`: words of answers, codes of statuses, instants in ISO form; empty where there is none.
    """

    kind: Kind
    about: str
    ours: str = ""
    theirs: str = ""
    message_id: int | None = None
    #: When the source says that it was written, and by whom.
    at: datetime | None = None
    author: str = ""
    #: Of an answer that is not as we sent it: edited, cut, wrapped; removed: its words were there before.
    #: Of a status: the source's own word.
    note: str = ""

    @property
    def severity(self) -> Severity:
        return SEVERITIES[self.kind]


def remedies(kind: Kind, *, can_push: bool, can_look: bool, can_fetch: bool) -> tuple[Remedy, ...]:
    """What a person may do, first the usual. `can_look`: before a repeat the source can be looked at (I8)."""
    missing = set() if can_push and can_look else {Remedy.SEND_AGAIN}
    missing |= set() if can_fetch else {Remedy.ASK}
    return tuple(remedy for remedy in _REMEDIES[kind] if remedy not in missing)


def compare(shown: Shown, held: Held, source: Source, now: datetime) -> tuple[Difference, ...]:
    """Everything in which the two differ, in the order of `Kind`."""
    # What was taken back has never left us.
    left = tuple(message for message in held.messages if message.state is not Delivery.WITHDRAWN)
    held = replace(held, messages=left)
    found = [*_answers(shown, held, source, now)]
    written_there = any(one.kind is Kind.ANSWER_FOREIGN for one in found)
    found += of_status(shown, held, source, now, written_there=written_there)
    found += _deadline(shown, held)
    return tuple(sorted(found, key=lambda one: list(Kind).index(one.kind)))


def gone(held: Held) -> tuple[Difference, ...]:
    """The source was asked for the report and does not have it. Fine where it has our last word."""
    closed = any(message.closes and message.state in DELIVERED for message in held.messages)
    if closed and held.status not in OPEN:
        return ()
    return (Difference(Kind.REPORT_GONE, "", ours=held.status.value),)


def fingerprint(text: str) -> str:
    """A short name of an answer's words, the same however the page wraps its lines."""
    return sha256_of(comparable(text))[:24]


# Answers ---------------------------------------------------------------------------------------------


def _answers(shown: Shown, held: Held, source: Source, now: datetime) -> Iterable[Difference]:
    # What was never tried cannot be there: words like it are somebody else's.
    tried = [
        one for one in held.messages if one.tried or one.state not in (Delivery.PENDING, Delivery.LEASED)
    ]
    theirs, ours = _without_equal(shown.answers[-MOST_ANSWERS:], tried)
    for message, answer, note in _alike(ours, theirs):
        ours.remove(message)
        theirs.remove(answer)
        yield Difference(
            Kind.ANSWER_EDITED, f"{message.id}:{fingerprint(answer.body)}", message.body, answer.body,
            message.id, answer.at, answer.author, note,
        )  # fmt: skip
    newest = max((one.id for one in held.messages if one.state in DELIVERED), default=None)
    for message in ours:
        if message.id == newest and message.settled(now) and (source.shows_answers or message.was_shown):
            note = "removed" if message.was_shown else ""
            yield Difference(
                Kind.ANSWER_MISSING, str(message.id), message.body, "", message.id, message.sent_at, note=note
            )
    for answer in theirs:
        if comparable(answer.body):
            yield Difference(
                Kind.ANSWER_FOREIGN, fingerprint(answer.body), "", answer.body, None, answer.at, answer.author
            )


def _without_equal(
    answers: Sequence[ShownAnswer], messages: Sequence[Message]
) -> tuple[list[ShownAnswer], list[Message]]:
    """Those of both that the other side does not say in equal words, as often as they are said."""
    said = Counter(comparable(answer.body) for answer in answers)
    ours = []
    for message in messages:
        words = comparable(message.body)
        if said[words]:
            said[words] -= 1
        else:
            ours.append(message)
    theirs = []
    for answer in reversed(answers):  # of equal words the oldest were matched
        words = comparable(answer.body)
        if said[words]:
            said[words] -= 1
            theirs.append(answer)
    return theirs[::-1], ours


def _alike(ours: Sequence[Message], theirs: Sequence[ShownAnswer]) -> list[tuple[Message, ShownAnswer, str]]:
    """Pairs that are one answer in two wordings, the likest first, each of both at most once."""
    scored = [
        (score, -number, message, answer, note)
        for number, message in enumerate(ours)
        for answer in theirs
        for score, note in [_likeness(message, answer)]
        if score >= ALIKE
    ]
    pairs: list[tuple[Message, ShownAnswer, str]] = []
    taken: set[int] = set()
    for _score, _order, message, answer, note in sorted(scored, key=lambda one: one[:2], reverse=True):
        if not {id(message), id(answer)} & taken:
            taken |= {id(message), id(answer)}
            pairs.append((message, answer, note))
    return pairs


def _likeness(message: Message, answer: ShownAnswer) -> tuple[float, str]:
    score, note = likeness(message.body, answer.body)
    said = comparable(message.body) and comparable(answer.body)
    by_name = said and message.ref is not None and message.ref == answer.ref
    return (100.0, "edited") if by_name and score < 100 else (score, note)


def likeness(our_body: str, their_body: str) -> tuple[float, str]:
    """How far a text at a source is an answer of ours, of 100, 0 below `ALIKE`; and what was done to it."""
    ours, theirs = comparable(our_body), comparable(their_body)
    if not ours or not theirs:
        return 0.0, ""
    begun = theirs.rstrip(_ELLIPSES)
    if len(begun) >= SHORTEST_CUT and ours.startswith(begun):
        return 100.0, "cut"
    if len(ours) >= SHORTEST_CUT and ours in theirs:
        return 100.0, "wrapped"
    return fuzz.ratio(ours, theirs, score_cutoff=ALIKE), "edited"


# Status ----------------------------------------------------------------------------------------------


def of_status(
    shown: Shown, held: Held, source: Source, now: datetime, *, written_there: bool
) -> list[Difference]:
    """The difference in status, if there is one. `written_there`: somebody else answered at the source."""
    raw = (shown.status_raw or "").strip()
    if not raw or held.status in (Status.MERGED, Status.HANDED_OVER):
        return []
    if shown.status == UNMAPPED:
        return [Difference(Kind.STATUS_UNMAPPED, fingerprint(raw), "", raw, note=raw)]
    kind = _status_kind(shown, held, source, now)
    if kind is None or (kind is Kind.SOURCE_CLOSED and written_there):
        return []  # a colleague's answer tells of the closing, too
    about = f"{held.status.value}/{shown.status}"
    return [Difference(kind, about, held.status.value, shown.status, note=raw)]


def _status_kind(shown: Shown, held: Held, source: Source, now: datetime) -> Kind | None:
    closing = [message for message in held.messages if message.closes]
    delivered = [message for message in closing if message.state in DELIVERED]
    if held.status in OPEN:
        # Closed there by our own answer, before the case was opened again here: no news.
        return Kind.SOURCE_CLOSED if shown.status in DONE_THERE and not delivered else None
    if shown.status not in OPEN_THERE or not delivered:
        return None
    answered_at = max((one.sent_at for one in delivered if one.sent_at is not None), default=None)
    done_since = shown.done_at is not None and (answered_at is None or shown.done_at >= answered_at)
    if shown.status == REOPENED or done_since:
        return Kind.SOURCE_REOPENED
    whole = len(delivered) == len(closing) and all(message.settled(now) for message in delivered)
    return Kind.SOURCE_OPEN if source.takes_status and whole else None


# Deadline --------------------------------------------------------------------------------------------


def _deadline(shown: Shown, held: Held) -> list[Difference]:
    """An earlier deadline is counted at once (I5); a later one, or none any more, waits for a person."""
    if held.status not in OPEN:
        return []
    if shown.due_at == held.counted_due:
        moved = shown.due_before is not None and shown.due_at is not None and shown.due_at < shown.due_before
        return [_moved(Kind.DEADLINE_EARLIER, shown.due_before, shown.due_at)] if moved else []
    return [_moved(Kind.DEADLINE_LATER, held.counted_due, shown.due_at)]


def _moved(kind: Kind, was: datetime | None, now: datetime | None) -> Difference:
    theirs = now.isoformat() if now else ""
    return Difference(kind, theirs or "none", was.isoformat() if was else "", theirs)


def told_once(found: Iterable[Difference]) -> tuple[Difference, ...]:
    """Without those of one name (a portal may show the same foreign words twice)."""
    first: dict[tuple[Kind, str], Difference] = {}
    for one in found:
        first.setdefault((one.kind, one.about), one)
    return tuple(first.values())
