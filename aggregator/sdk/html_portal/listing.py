"""Which rows of the paged list need a look, and where to go on next time.

    page 1, 2, ...  until a page holds nothing new, and the overlap pages after it    (head)
    then: the rest of a first reading, or a few old pages in turn                      (deep)

Promise: a report is missed only while it hides behind `sweep` pages not yet had their turn, never
for good. What may surprise: the list moves while it is read, so rows are met twice (taken once) and
pages overlap; a page past the end may be empty or the last one again, both end the list; an end
before the portal's own count is reached is `SchemaDrift`, not a short list. Where the portal counts more
than was ever seen, the whole list is read again: pages that show fewer rows would hide the rest for good.
Where it counts nothing, the top of the list is compared with what it was: known reports stand there in a row,
and leave it one by one (`gaps`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aggregator.sdk.contract import SchemaDrift
from aggregator.sdk.html_portal.mapping import ListPage, Row

FetchPage = Callable[[int], ListPage]

#: From so many rows on, a single id among them is no coincidence.
_SEVERAL = 3
#: A list of which so many known rows are gone at once, and so large a share, was not tidied up by anybody.
_GONE, _SHARE = 3, 1 / 3


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one poll goes."""

    max_pages: int
    overlap_pages: int
    sweep_pages: int
    max_tracked: int
    may_be_empty: bool
    #: Pages of the past that a first reading takes; 0 is all of it.
    history_pages: int = 0

    @property
    def first_pages(self) -> int:
        """Pages that the head of a first reading may take."""
        return min(self.max_pages, self.history_pages) if self.history_pages else self.max_pages

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Limits:
        """From a channel's settings."""
        return cls(
            max_pages=max(2, int(config.get("max_pages", 50))),
            overlap_pages=int(config.get("overlap_pages", 1)),
            sweep_pages=int(config.get("sweep_pages", 1)),
            max_tracked=int(config.get("max_tracked", 5000)),
            may_be_empty=bool(config.get("may_be_empty", False)),
            history_pages=int(config.get("history_pages", 0)),
        )


@dataclass(frozen=True, slots=True)
class Deep:
    """Where below the head to go on: number of pages down, and whether the end was once reached."""

    page: int = 0
    done: bool = False


@dataclass(slots=True)
class Walk:
    """One reading of the list."""

    known: Mapping[str, str]
    rows: dict[str, Row] = field(default_factory=dict)
    pages_read: int = 0
    #: Rows of the fullest page.
    page_size: int = 0
    total: int | None = None
    #: Keys of the rows from the list's first to the last one read without a gap, as they stand there.
    head: tuple[str, ...] = ()
    _ended: bool = False
    _shown: set[tuple[str, ...]] = field(default_factory=set)

    def take(self, page: ListPage) -> bool:
        """Take a page in; true where it held something new."""
        self.pages_read += 1
        self.page_size = max(self.page_size, len(page.rows))
        if page.total is not None:
            # The least of what the pages say: reports may come and go while the list is read.
            self.total = page.total if self.total is None else min(self.total, page.total)
        keys = tuple(row.key for row in page.rows)
        if len(keys) >= _SEVERAL and len(set(keys)) == 1:
            raise SchemaDrift(
                f"all {len(keys)} rows of the list have one id",
                hint="The id is read from a place that no longer holds it: check list.id of its layout",
                evidence={"rows": len(keys)},
            )
        if not keys or keys in self._shown:
            self._ended = True
            return False
        self._shown.add(keys)
        fresh = [row for row in page.rows if row.key not in self.rows]
        self.rows.update((row.key, row) for row in fresh)
        return any(self.known.get(row.key) != row.fingerprint for row in fresh)

    def at_end(self) -> bool:
        """Whether the last page taken was past the end: empty, or one that was shown before."""
        return self._ended

    def hides_some(self) -> bool:
        """Whether the portal counts more reports than were ever seen: its pages may show fewer rows now."""
        return self.total is not None and len(self.known.keys() | self.rows.keys()) < self.total

    def oldest_first(self) -> list[Row]:
        """The rows to look at, in the order in which the reports came."""
        return [row for row in reversed(self.rows.values()) if self.known.get(row.key) != row.fingerprint]


def walk(fetch: FetchPage, known: Mapping[str, str], deep: Deep, limits: Limits) -> tuple[Walk, Deep]:
    """Read the list as far as needed. `fetch` takes 0 for the first page."""
    walked = Walk(known)
    page = _head(fetch, walked, limits, limits.max_pages if deep.done else limits.first_pages)
    walked.head = tuple(walked.rows)
    if walked.at_end():
        not_cut_short(walked.total, len(walked.rows), walked.pages_read)
        return walked, Deep(0, done=True)
    if deep.done and walked.hides_some() and _reads_all(walked, limits):
        deep = Deep(page, done=False)
    page = max(page, deep.page)
    budget = _budget(walked, page, deep, limits)
    while budget > 0 and not walked.at_end():
        walked.take(fetch(page))
        page, budget = page + 1, budget - 1
    if walked.at_end():
        not_cut_short(walked.total, walked.page_size * (page - 1), walked.pages_read)
        return walked, Deep(0, done=True)
    past = 0 < limits.history_pages <= page
    if deep.done or past:
        swept = past or page * walked.page_size >= limits.max_tracked
        return walked, Deep(0 if swept else page, done=True)
    # Deletions pull the list up: a first reading goes on one page earlier than it stopped.
    return walked, Deep(page - 1, done=False)


def _reads_all(walked: Walk, limits: Limits) -> bool:
    """Whether all that the portal counts is read and remembered, so that its count must be explained."""
    return not limits.history_pages and (walked.total or 0) <= limits.max_tracked


def _budget(walked: Walk, page: int, deep: Deep, limits: Limits) -> int:
    """Pages below the head that this poll may still read."""
    # A first reading goes on a page earlier than it stopped, so fewer than two pages would stand still.
    budget = limits.sweep_pages if deep.done else max(2, limits.max_pages - walked.pages_read)
    return min(budget, limits.history_pages - page) if limits.history_pages else budget


def _head(fetch: FetchPage, walked: Walk, limits: Limits, most: int) -> int:
    page = quiet = 0
    while page < most and quiet <= limits.overlap_pages:
        found = fetch(page)
        if page == 0 and not found.rows:
            must_say_empty(found, walked.known, limits)
        quiet = 0 if walked.take(found) else quiet + 1
        if walked.at_end():
            break
        page += 1
    return page


def must_say_empty(page: ListPage, known: Mapping[str, str], limits: Limits) -> None:
    """Raises `SchemaDrift` for a first page without rows that does not explain itself."""
    evidence = {"known": len(known), "total": page.total}
    if not page.says_empty:
        raise SchemaDrift(
            "the list has no rows and does not say that it is empty",
            hint="The portal's layout has probably changed: check list.row and list.empty of its layout",
            evidence=evidence,
        )
    if known and not limits.may_be_empty:
        raise SchemaDrift(
            f"the list is empty though {len(known)} reports are known",
            hint="If the portal lists open reports only, allow an empty list in the channel's settings",
            evidence=evidence,
        )


def gaps(before: Sequence[str], walked: Walk, limits: Limits) -> list[str]:
    """Reports of the last head that are missing between others of it; none where few are, or a count tells.

    A list of open reports only may lose many at once.
    """
    if walked.total is not None or limits.may_be_empty:
        return []
    places = [place for place, key in enumerate(before) if key in walked.head]
    reach = before[: max(places, default=0)]
    missing = [key for key in reach if key not in walked.rows]
    return missing if len(missing) >= max(_GONE, len(reach) * _SHARE) else []


def not_cut_short(total: int | None, room: int, pages: int) -> None:
    """Raises `SchemaDrift` where the pages read have room for fewer reports than the portal counts."""
    if total is not None and room < total:
        raise SchemaDrift(
            f"the list ends after {room} of {total} reports",
            hint="Paging has probably changed: check list.path and list.row of its layout",
            evidence={"room": room, "total": total, "pages": pages},
        )
