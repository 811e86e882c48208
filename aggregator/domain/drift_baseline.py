"""What is seen of a channel in a batch and in a whole poll, and what is known of its look from before.

`drift` judges the one by the other; the names of the fields that are watched are the keys of all three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aggregator.domain.tally import Tally

#: Fields whose being filled is watched.
FILLED = ("subject", "body", "name", "phone", "address", "spot", "category", "status", "due", "url", "files")
#: What is true of the values of nearly every report.
TRUE = ("status_known", "date_past")
#: True of a report beside the one before it.
APART = ("date_apart", "text_apart")
#: True of a report that is known already: what does not change by itself.
KEPT = ("date_kept", "body_kept", "address_kept", "category_kept")
_NOTHING = Tally()
#: A report's date does not change, its words seldom; believed before the channel has shown it.
_BELIEVED = {
    "date_kept": Tally(245.0, 250.0),
    "body_kept": Tally(90.0, 100.0),
    "address_kept": Tally(245.0, 250.0),
    "category_kept": Tally(245.0, 250.0),
}


@dataclass(frozen=True, slots=True)
class Marks:
    """What a batch's news shows: per field the looks at it, oldest first."""

    looks: Mapping[str, Sequence[bool]]
    #: How many of them are reports (or unreadable items) that were not known.
    new: int = 0
    categories: frozenset[str] = frozenset()
    shape: str | None = None

    @property
    def reports(self) -> int:
        return len(self.looks.get("readable", ()))


@dataclass(frozen=True, slots=True)
class Whole:
    """What a whole poll showed. `listed`: rows that the connector counted (None: it does not); `rows`: the
    reports and unreadable items that it handed over."""

    listed: int | None
    rows: int
    #: Reports new or changed, and those of them (and items) that are new.
    news: int
    new: int
    source_count: int | None
    #: The channel's first poll.
    first: bool = False
    snapshot: bool = False

    @property
    def shown(self) -> int:
        return max(self.listed or 0, self.rows)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is known of a channel's look. `of_json` and `to_json` are its form at rest."""

    tallies: Mapping[str, Tally] = field(default_factory=dict)
    categories: frozenset[str] = frozenset()
    shapes: tuple[str, ...] = ()
    #: A whole poll was read: from here on there is a past. A first reading goes through the years, and
    #: portals changed over them.
    settled: bool = False
    #: Rows of the last poll, where the connector counts them.
    rows: int = 0
    #: Quiet polls in a row that listed something, and polls that listed nothing after some had.
    full: int = 0
    empties: int = 0
    #: Polls with news in a row that had known rows, too.
    with_known: int = 0
    count: int | None = None
    #: The count is of all that the source has, and not of what was asked for: it exceeds what is shown.
    wide: bool = False
    #: New reports since the count was taken; growth of the count that came as reports, of all growth.
    new_since: int = 0
    explained: Tally = _NOTHING
    falls: int = 0

    def tally(self, name: str) -> Tally:
        return self.tallies.get(name) or _BELIEVED.get(name, _NOTHING)

    def to_json(self) -> dict[str, Any]:
        plain = {
            "settled": self.settled, "rows": self.rows, "full": self.full, "empties": self.empties,
            "with_known": self.with_known, "count": self.count, "new_since": self.new_since,
            "falls": self.falls, "wide": self.wide,
        }  # fmt: skip
        return {
            **plain, "tallies": {name: _packed(tally) for name, tally in self.tallies.items()},
            "categories": sorted(self.categories), "shapes": list(self.shapes),
            "explained": _packed(self.explained),
        }  # fmt: skip

    @classmethod
    def of_json(cls, data: Mapping[str, Any] | None) -> Baseline:
        if not data:
            return cls()
        names = ("settled", "wide", "rows", "full", "empties", "with_known", "count", "new_since", "falls")
        return cls(
            tallies={name: Tally(*kept) for name, kept in data["tallies"].items()},
            categories=frozenset(data["categories"]),
            shapes=tuple(data["shapes"]),
            explained=Tally(*data["explained"]),
            **{name: data[name] for name in names},
        )


def _packed(tally: Tally) -> list[float]:
    return [round(tally.so, 2), round(tally.of, 2), tally.bits, tally.length]
