"""A channel's lease for what comes in pieces: calls of sources, reports that officers type in.

    turn = turns.take(slug or row) | intake.receive(turn.run, batch) ... | turns.end(turn)

One run an hour and kind goes on from piece to piece, so that a busy channel does not drown its polls in
the list of runs. What may surprise: a turn waits for nobody. Where the channel is being read, the caller
comes again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain.runs import Run, RunKind
from aggregator.services.connections import zone_of
from aggregator.storage import channel_queries
from aggregator.storage.channel_queries import ChannelRow, HostTaken
from aggregator.storage.db import Database

#: How long one run goes on.
WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Turn:
    """A channel that is ours until `run.lease_until`, and the run that goes on."""

    run: Run
    channel: ChannelRow


def take(
    db: Database, channel_id: int, kind: RunKind, owner: str, now: datetime, lease: timedelta
) -> Turn | None:
    """The channel, leased; None while somebody else reads it, or its host."""
    until = now + lease
    try:
        with db.write() as tx:
            channel = channel_queries.claim_one(tx, channel_id, owner, now, until)
            if channel is None:
                return None
            window = now.replace(minute=0, second=0, microsecond=0)
            run_id = channel_queries.resume_run(tx, channel, kind, window, now)
    except HostTaken:
        return None
    zone, ward = zone_of(channel), channel.ward_code
    run = Run(run_id, channel.id, channel.slug, ward, channel.fence, owner, kind, zone, until)
    return Turn(run, channel)


def end(db: Database, turn: Turn, now: datetime, *, stored: bool) -> None:
    """Give the lease back. Raises `LeaseLost` where somebody took over."""
    health: dict[str, Any] = {"last_item_at": now} if stored else {}
    with db.write() as tx:
        channel_queries.finish(tx, turn.run, health, {"outcome": "ok", "finished_at": now})
