"""The life of one answer on its way to one source, and when it is tried again.

    pending ──claim──> leased ──push ok──> sent ──seen in a poll──> acknowledged
       ^                 │ │ └─ refused for good ──> dead      (a person looks)
       │ not there       │ └─── outcome unknown ──> confirming ──lookup──> sent | pending | unclear
       └─ try later ─────┘        (also: the lease ran out, the worker died)
    manual ──a person ticks it──> sent          (the channel has no write call, or none for this answer)
    pending, manual ──taken back before anybody touched it──> withdrawn

Principle: never blind (I8). A message that may have left us is looked up at the source before it is
sent again, after the source had time to settle, because a late commit may appear after "absent";
where the source cannot be read back, the state is `unclear` and a person decides. So the state says
what to do first: `pending` has provably not arrived and is pushed; `confirming` may have arrived and
stays `confirming` through every later failure until the source shows it, takes it or refuses it.

How a look decides: the source's answers are counted by their words, because two answers to one
report may say the same ("đã xử lý xong"); as many as were delivered before are those, one more is
ours. Known exception: a source that shows only its newest answer shows the same words once for two
messages; there the connector's own word counts where it compares keys, and a second push of equal
words replaces the first, which harms nobody.

Tried and dropped: a flag "may have left" beside the state (the two could disagree after a crash
between their updates); dead-lettering after N unknown outcomes (a portal may be away for a month).

What may surprise: `pending` says nothing about the case, which may long be resolved (I7).
"""

from __future__ import annotations

import enum
import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta

from aggregator.domain.text import clean
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import (
    AuthFailed,
    ByHand,
    ConfigInvalid,
    Permanent,
    RateLimited,
    Transient,
)


class Delivery(enum.StrEnum):
    PENDING = "pending"
    LEASED = "leased"
    CONFIRMING = "confirming"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    MANUAL = "manual"
    UNCLEAR = "unclear"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"


#: A later message of the same report may go only when every earlier one is in one of these.
FINAL = frozenset({Delivery.SENT, Delivery.ACKNOWLEDGED, Delivery.DEAD, Delivery.WITHDRAWN})
#: States that keep a case in sight of its officer: somebody must act.
NEEDS_PERSON = frozenset({Delivery.MANUAL, Delivery.UNCLEAR, Delivery.DEAD})
#: On their way by themselves: a worker takes them when they are due.
WAITING = frozenset({Delivery.PENDING, Delivery.LEASED, Delivery.CONFIRMING})
#: The source has it, as far as we know.
DELIVERED = frozenset({Delivery.SENT, Delivery.ACKNOWLEDGED})
#: More failed tries than this, and the officer is told, though the tries go on.
STUBBORN = 5


def backoff(failures: int, *, first_s: float, cap_s: float, spread: float | None = None) -> timedelta:
    """Exponential, capped, with full jitter in the upper half; `failures` counts from 1.

    `spread` in 0..1 replaces the random draw where a test wants the exact value.
    """
    ceiling = min(cap_s, first_s * 2.0 ** min(max(failures, 1) - 1, 30))
    draw = random.random() if spread is None else spread
    return timedelta(seconds=ceiling * (0.5 + 0.5 * draw))


# The source's own vocabulary --------------------------------------------------------------------------

#: What a kind is said as where the source has no word for it, the best first.
_SAID_AS: dict[ReplyKind, tuple[ReplyKind, ...]] = {
    ReplyKind.ACKNOWLEDGEMENT: (ReplyKind.PROGRESS,),
    ReplyKind.EXTENSION: (ReplyKind.PROGRESS,),
    # Our part ends: where a source cannot say who goes on, that we do not is the truth about us.
    ReplyKind.TRANSFER: (ReplyKind.REFUSAL, ReplyKind.PROGRESS),
}


#: The error code of a message whose source takes no answer of its kind.
NO_KIND = "no_kind"


def spoken_as(
    kind: ReplyKind, takes: Collection[str], *, corrected: ReplyKind | None = None
) -> ReplyKind | None:
    """The kind by which a source that `takes` these is told an answer; None: a person must carry it.

    A correction without a word of its own is told as what it corrects (`corrected`); its text says that
    it is one. A result is never told as progress, nor the other way round: that would be a guess.
    """
    if kind.value in takes:
        return kind
    if kind is ReplyKind.CORRECTION and corrected is not None:
        return spoken_as(corrected, takes)
    return next((other for other in _SAID_AS.get(kind, ()) if other.value in takes), None)


# After a failure ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Patience:
    """How one channel wants to be retried, in seconds (`options` of the channel)."""

    first_s: float = 30.0
    #: So that a portal that is back has an answer within five minutes, even where a worker dies with the
    #: first try: two minutes more until that one is looked up.
    cap_s: float = 150.0
    #: After an attempt of unknown outcome the source is left alone this long before the look.
    settle_s: float = 60.0


class Stage(enum.Enum):
    """How far a try had come when it failed."""

    OPEN = "open"  # nothing was said to the source yet
    LOOKUP = "lookup"  # only reading
    PUSH = "push"  # the answer may have left


class Writing(enum.Enum):
    """What a try says about writing to the whole channel."""

    FINE = "fine"
    ITEM = "item"  # this message's matter alone
    FAILED = "failed"
    ASKED_TO_WAIT = "asked_to_wait"
    SIGNED_OUT = "signed_out"
    MISCONFIGURED = "misconfigured"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of the message, and what the channel learns."""

    state: Delivery
    writing: Writing
    #: Until the message is tried again; None where no worker will try.
    wait: timedelta | None = None
    #: For how long the channel's queue is held; None leaves it open.
    hold: timedelta | None = None
    #: False where the try says nothing about the message (signed out, asked to wait).
    counted: bool = True


def after_failure(
    error: Exception,
    stage: Stage,
    *,
    unsure: bool,
    readable: bool,
    attempts: int,
    write_failures: int,
    patience: Patience,
    spread: float | None = None,
) -> Verdict:
    """What a failed try means. The class of the error is the recovery action, as in the contract.

    `unsure`: an earlier try may have arrived. `readable`: the source can be read back.
    `attempts` counts this try; `write_failures` are the channel's in a row before it.
    """
    same = Delivery.CONFIRMING if unsure else Delivery.PENDING

    def grown(failures: int) -> timedelta:
        return backoff(failures, first_s=patience.first_s, cap_s=patience.cap_s, spread=spread)

    if isinstance(error, RateLimited):
        told = timedelta(seconds=error.retry_after) if error.retry_after is not None else grown(1)
        return Verdict(same, Writing.ASKED_TO_WAIT, told, told, counted=False)
    if isinstance(error, AuthFailed):
        return Verdict(same, Writing.SIGNED_OUT, timedelta(0), counted=False)
    if isinstance(error, ConfigInvalid):
        return Verdict(same, Writing.MISCONFIGURED, timedelta(0), counted=False)
    if isinstance(error, Permanent) and stage is not Stage.OPEN:
        # A source that refuses the look leaves nobody but a person to find out.
        refused = Delivery.MANUAL if isinstance(error, ByHand) else Delivery.DEAD
        return Verdict(refused if stage is Stage.PUSH else Delivery.UNCLEAR, Writing.ITEM)
    if stage is Stage.PUSH and not isinstance(error, Transient):
        # One lost answer holds nobody else's; the second in a row is the portal's trouble.
        hold = grown(write_failures) if write_failures else None
        if not readable:
            return Verdict(Delivery.UNCLEAR, Writing.FAILED, hold=hold)
        wait = max(timedelta(seconds=patience.settle_s), grown(attempts))
        return Verdict(Delivery.CONFIRMING, Writing.FAILED, wait, hold)
    pause = grown(write_failures + 1)
    return Verdict(same, Writing.FAILED, pause, pause)


# Reading back ---------------------------------------------------------------------------------------


def comparable(text: str) -> str:
    """An answer's words as compared: NFC, white space folded, case kept."""
    return " ".join(clean(text).split())


def shown(body: str, texts: Iterable[str]) -> int:
    """How often a source that shows `texts` shows the answer `body`."""
    wanted = comparable(body)
    return sum(comparable(text) == wanted for text in texts)


@dataclass(frozen=True, slots=True)
class Look:
    """What a lookup brought, reduced to what decides."""

    #: The answers that the source shows for the report.
    texts: tuple[str, ...] = ()
    #: The connector says: this one is ours.
    found: bool = False
    found_ref: str | None = None


def judge_look(
    look: Look, body: str, *, twins: int, known_refs: Collection[str], by_key: bool
) -> Delivery | None:
    """`ACKNOWLEDGED` (its words are there), `SENT` (the connector found it), None (absent).

    `twins` are earlier delivered messages of the same report with the same words, `known_refs` the
    source's names of earlier ones; `by_key` says that the connector compares keys, not words.
    """
    seen = shown(body, look.texts)
    if seen > twins:
        return Delivery.ACKNOWLEDGED
    if not look.found or (look.found_ref is not None and look.found_ref in known_refs):
        return None
    # Words that are there only as often as earlier messages said them are those messages' words.
    return Delivery.SENT if by_key or seen == 0 else None
