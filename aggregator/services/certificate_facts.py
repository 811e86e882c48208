"""A statement in the making: what it says, and beside each proven word the entry that proves it.

    statement.say("reports", entry, {"channel": "cong-1022"}, received_at="data.received_at")

puts {"channel": …, "received_at": …} into the list and a fact: the name is the path of the word in the
statement, the field its path in the entry. Who checks compares the three: statement, fact, entry. What
may surprise: entries that hold free words of officers are proven by their time and kind alone. Their data
stays in the house, because it may name somebody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aggregator.domain.ledger import instant

#: Kinds whose data is ids, codes, instants and hashes only, whatever happened.
_PLAIN = frozenset(
    {"opened", "joined", "replied", "answer_adopted", "reply_withdrawn", "delivery", "resumed", "merged",
     "unmerged", "split", "split_off", "outage_began", "outage_ended"}
)  # fmt: skip
#: Kinds with a place for free words, open where it was left empty.
_WORDS = {"moved": "reason", "paused": "note"}


@dataclass(frozen=True, slots=True)
class Kept:
    """One entry of the ledger with its data parsed; None where it was erased."""

    chain: str
    seq: int
    at: datetime
    kind: str
    case_id: int | None
    officer_id: int | None
    channel_id: int | None
    data: Mapping[str, Any] | None

    def get(self, name: str) -> Any:
        """A word of the data, None where there is none."""
        return self.data.get(name) if self.data else None

    def at_field(self, path: str) -> Any:
        """The value at a path like "data.deadlines.0.due_at", as it stands in a bundle."""
        found: Any = {"at": instant(self.at), "kind": self.kind, "data": self.data}
        for step in path.split("."):
            found = found[int(step)] if isinstance(found, list) else found[step]
        return found


def kept(row: Any) -> Kept:
    return Kept(
        row.chain, row.seq, row.at, row.kind, row.case_id, row.officer_id, row.channel_id,
        json.loads(row.data) if row.data else None,
    )  # fmt: skip


def may_show(entry: Kept, *, names: bool) -> bool:
    """Whether the entry's data may leave the house; `names`: officers may be named."""
    if entry.data is None:
        return False
    if entry.kind == "assigned":
        return names or not entry.get("officer")
    if entry.kind in _WORDS:
        return not entry.get(_WORDS[entry.kind])
    return entry.kind in _PLAIN


@dataclass(slots=True)
class Statement:
    """What is said so far. `document` is plain JSON."""

    names: bool
    document: dict[str, Any] = field(default_factory=dict)
    facts: list[dict[str, Any]] = field(default_factory=list)

    def say(self, of: str, entry: Kept | None, plain: Mapping[str, Any], **proven: str) -> dict[str, Any]:
        """One more row of the list `of`; what `proven` names is read from the entry, where it may be shown.

        Without an entry, or where its data stays in the house, those words are None and no fact.
        """
        rows = self.document.setdefault(of, [])
        row = dict(plain)
        rows.append(row)
        self.prove(row, f"{of}.{len(rows) - 1}", entry, **proven)
        return row

    def prove(self, row: dict[str, Any], path: str, entry: Kept | None, **proven: str) -> None:
        """More words of a row, from another entry; an empty path is the statement itself."""
        for name, source in proven.items():
            row[name] = None
            if entry is None or (source.startswith("data") and not may_show(entry, names=self.names)):
                continue
            try:
                row[name] = entry.at_field(source)
            except LookupError:
                continue  # an entry of an earlier version does not say it
            place = f"{path}.{name}" if path else name
            self.facts.append(
                {"name": place, "value": row[name], "chain": entry.chain, "seq": entry.seq, "field": source}
            )


def needed(facts: list[dict[str, Any]]) -> dict[tuple[str, int], bool]:
    """(chain, seq) of every entry that facts name -> whether they read its data."""
    found: dict[tuple[str, int], bool] = {}
    for fact in facts:
        place = (fact["chain"], fact["seq"])
        found[place] = found.get(place, False) or fact["field"].startswith("data")
    return found
