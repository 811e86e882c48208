"""An answer and its way to each source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.domain.delivery import Delivery


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


@dataclass(frozen=True, slots=True)
class ReplyView:
    id: int
    kind: str
    body: str
    at: datetime
    who: str
    deliveries: tuple[DeliveryView, ...]
