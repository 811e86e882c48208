"""How far the polls of an endpoint have come, and what is still open there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aggregator.sdk.contract import Cursor, Record, SourceStatus

_DONE = frozenset((SourceStatus.RESOLVED, SourceStatus.REJECTED, SourceStatus.DUPLICATE))

#: Requests of the overlap that are remembered, the newest.
_LATELY = 200


@dataclass(slots=True)
class Memory:
    """What the cursor remembers, version 1."""

    newest: datetime | None = None
    updates: datetime | None = None
    changed: datetime | None = None
    #: Open requests, the longest unread first.
    open: dict[str, None] = field(default_factory=dict)
    #: What the next list must show again, as it reaches back: id -> (when made, its status), oldest first.
    lately: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    #: The longest list that was seen to be whole.
    whole: int = 0

    @classmethod
    def of(cls, cursor: Cursor | None) -> Memory:
        """From a stored cursor."""
        kept: Mapping[str, Any] = cursor or {}
        times = {
            name: datetime.fromisoformat(kept[name]) if kept.get(name) else None
            for name in ("newest", "updates", "changed")
        }
        lately = {id_: (datetime.fromisoformat(at), said) for id_, at, said in kept.get("lately", ())}
        whole = int(kept.get("whole", 0))
        return cls(**times, open=dict.fromkeys(kept.get("open", ())), lately=lately, whole=whole)

    def cursor(self, most: int, overlap: timedelta) -> dict[str, Any]:
        """As JSON, with at most so many open requests: those read last."""
        if self.newest:
            reach = self.newest - overlap
            recent = [pair for pair in self.lately.items() if pair[1][0] >= reach]
            self.lately = dict(sorted(recent, key=lambda pair: pair[1][0])[-_LATELY:])
        lately = [[id_, at.isoformat(), said] for id_, (at, said) in self.lately.items()]
        times = {name: getattr(self, name) for name in ("newest", "updates", "changed")}
        texts = {name: at.isoformat() if at else None for name, at in times.items()}
        return {"v": 1, **texts, "open": list(self.open)[-most:], "lately": lately, "whole": self.whole}

    def advance(self, times: Sequence[datetime], waiting: Sequence[datetime]) -> None:
        """Move to the newest of `times`, but not past what still waits for its number."""
        newest = max((*times, *([self.newest] if self.newest else ())), default=None)
        self.newest = min((newest, *waiting)) if newest and waiting else newest

    def saw(self, record: Record) -> None:
        """Watch it while it is open; it stands last in line now."""
        self.open.pop(record.external_id, None)
        if record.status not in _DONE:
            self.open[record.external_id] = None
        self.lately.pop(record.external_id, None)
        self.lately[record.external_id] = (record.occurred_at, record.status_raw or "")
