"""The life of one answer on its way to one source, and when it is tried again.

    pending ──claim──> leased ──push ok──> sent ──seen in a poll──> acknowledged
       ^                 │ │ └─ refused for good ──> dead      (a person looks)
       │ not there       │ └─── outcome unknown ──> confirming ──lookup──> sent | pending | unclear
       └─ try later ─────┘        (also: the lease ran out, the worker died)
    manual ──a person ticks it──> sent          (the channel has no write call)

Principle: never blind (I8). A message that may have left us is looked up at the source before it is
sent again, after the source had time to settle, because a late commit may appear after "absent";
where the source cannot be read back, the state is `unclear` and a person decides. What may surprise:
`pending` says nothing about the case, which may long be resolved (I7).
"""

from __future__ import annotations

import enum
import random
from datetime import timedelta


class Delivery(enum.StrEnum):
    PENDING = "pending"
    LEASED = "leased"
    CONFIRMING = "confirming"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    MANUAL = "manual"
    UNCLEAR = "unclear"
    DEAD = "dead"


#: A later message of the same report may go only when every earlier one is in one of these.
FINAL = frozenset({Delivery.SENT, Delivery.ACKNOWLEDGED, Delivery.DEAD})
#: States that keep a case in sight of its officer: somebody must act.
NEEDS_PERSON = frozenset({Delivery.MANUAL, Delivery.UNCLEAR, Delivery.DEAD})


def backoff(failures: int, *, first_s: float, cap_s: float, spread: float | None = None) -> timedelta:
    """Exponential, capped, with full jitter in the upper half; `failures` counts from 1.

    `spread` in 0..1 replaces the random draw where a test wants the exact value.
    """
    ceiling = min(cap_s, first_s * 2.0 ** min(max(failures, 1) - 1, 30))
    draw = random.random() if spread is None else spread
    return timedelta(seconds=ceiling * (0.5 + 0.5 * draw))
