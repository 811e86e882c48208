"""An answer and its way to each source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from aggregator.domain.delivery import Delivery
from aggregator.services.answer_files import Left


@dataclass(frozen=True, slots=True)
class FileView:
    """A file that goes with an answer; `there`: it was not forgotten."""

    id: int
    filename: str
    content_type: str
    size: int
    there: bool


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One answer's way to one source."""

    id: int
    reply_id: int
    report_id: int
    external_id: str
    channel: str
    channel_slug: str
    state: Delivery
    attempts: int
    next_attempt_at: datetime | None
    sent_at: datetime | None
    acknowledged_at: datetime | None
    error: str | None
    #: True while the whole channel is held back (signed out, paused, down); `hint_vi` says why.
    held: bool
    hint_vi: str
    #: Link to the report at its source, for carrying an answer over by hand.
    url: str | None
    error_vi: str | None = None
    error_code: str | None = None
    #: A person carried it over, or saw it at the source.
    carried: bool = False
    #: And the source does not show it.
    unseen: bool = False
    #: Files of the answer that do not go with it, and which (empty: only their number is known).
    files_left: int = 0
    left: tuple[Left, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplyView:
    """One answer, with its way to each source."""

    id: int
    kind: str
    body: str
    at: datetime
    who: str
    deliveries: tuple[DeliveryView, ...]
    transfer_to: str = ""
    #: The date that an extension promised.
    due_at: datetime | None = None
    #: Until when it can be taken back, and for how many seconds more; None: it cannot.
    undo_until: datetime | None = None
    undo_s: float | None = None
    withdrawn_at: datetime | None = None
    #: Who took it back.
    withdrawn_by: str = ""
    withdrawn_by_id: int | None = None
    #: The answer that this one corrects and when that was given; and when this one was corrected last.
    corrects: int | None = None
    corrects_at: datetime | None = None
    corrected_at: datetime | None = None
    #: Some source has it, or will: it can be corrected.
    may_correct: bool = False
    files: tuple[FileView, ...] = ()

    @property
    def summary(self) -> tuple[tuple[str, int], ...]:
        """Stage -> how many sources are there, what needs a person first."""
        found = Counter(STAGES[delivery.state] for delivery in self.deliveries)
        return tuple((stage, found[stage]) for stage in _ORDER if found[stage])


#: What a person tells apart at a glance.
STAGES: Mapping[Delivery, str] = {
    Delivery.DEAD: "failed",
    Delivery.UNCLEAR: "person",
    Delivery.MANUAL: "person",
    Delivery.PENDING: "queued",
    Delivery.LEASED: "queued",
    Delivery.CONFIRMING: "queued",
    Delivery.SENT: "sent",
    Delivery.ACKNOWLEDGED: "seen",
    Delivery.WITHDRAWN: "withdrawn",
}
_ORDER = ("failed", "person", "queued", "sent", "seen", "withdrawn")
