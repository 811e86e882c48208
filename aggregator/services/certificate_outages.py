"""The times of outages in a statement: which touch a case, which lay over a deadline, what is told of them.

What may surprise: an outage is told as far as failed tries show it, and no further. Between the last failed
try and the first good one nobody knows, so both are named and nothing is claimed of the time between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aggregator.domain.certificates import Interruption
from aggregator.domain.outages import Capability, Span
from aggregator.services.certificate_facts import Kept

#: A row of the statement's list of outages.
Row = Mapping[str, Any]
#: When an outage ends that has not ended.
_NEVER = datetime.max.replace(tzinfo=UTC)
#: What a source that was out in several ways at once is said to have been, the plainest first.
_HOW = ("read", "sign_in", "write")


def instant_of(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def paired(entries: Iterable[Kept]) -> list[tuple[Kept, Kept | None]]:
    """The entries of each outage: of its beginning, and the newest of its end."""
    began: dict[int, Kept] = {}
    ended: dict[int, Kept] = {}
    for entry in entries:
        if entry.data:
            (began if entry.kind == "outage_began" else ended)[entry.data["outage"]] = entry
    return [(one, ended.get(number)) for number, one in began.items()]


def touches(began: Kept, ended: Kept | None, since: datetime, until: datetime | None) -> bool:
    start = datetime.fromisoformat(began.get("at"))
    over = datetime.fromisoformat(ended.get("ended_at")) if ended else None
    return (until is None or start <= until) and (over is None or over > since)


def ends_at(row: Row) -> datetime:
    return instant_of(row["ended_at"]) or _NEVER


def span_of(row: Row) -> Span:
    capability = Capability(row["capability"])
    gaps = tuple((datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in row["gaps"] or ())
    return Span(
        capability, capability, datetime.fromisoformat(row["began_at"]),
        datetime.fromisoformat(row["last_failed_at"]), instant_of(row["ended_at"]),
        attempts=row["attempts"] or 1, gaps=gaps, ours_maybe=bool(row["ours_maybe"]),
    )  # fmt: skip


def lay_over(row: Row, due_at: datetime | None) -> bool:
    """Whether the outage lay over the deadline."""
    return due_at is not None and datetime.fromisoformat(row["began_at"]) <= due_at < ends_at(row)


def interruption(title: str, rows: Sequence[Row]) -> Interruption:
    """What the sentence says of one source that was out, perhaps in several ways at once."""
    ends = [instant_of(row["ended_at"]) for row in rows]
    known = [end for end in ends if end]
    return Interruption(
        title, min(datetime.fromisoformat(row["began_at"]) for row in rows),
        max(datetime.fromisoformat(row["last_failed_at"]) for row in rows),
        max(known) if len(known) == len(ends) else None,
        min((row["capability"] for row in rows), key=_HOW.index), all(row["ours_maybe"] for row in rows),
    )  # fmt: skip
