"""One poll: the list, then the reports that are new or changed there, oldest first.

    walk the list -> open each report -> Record, or Problem with the pages' bytes -> batches of 20

What may surprise: a page that answers 500 while the portal is otherwise well is a broken record, not an
outage, and so is one that shows another report. It is put off, tried again at the next polls wherever it
stands in the list, and quarantined after three tries; else one record would hold up all others for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from aggregator.sdk.contract import (
    AuthFailed,
    BadRecord,
    Batch,
    ChannelError,
    Context,
    Cursor,
    Problem,
    RawItem,
    Record,
    SchemaDrift,
    Transient,
)
from aggregator.sdk.html_portal.listing import Deep, Limits, gaps, walk
from aggregator.sdk.html_portal.mapping import Row
from aggregator.sdk.html_portal.paging import Pager
from aggregator.sdk.html_portal.site import Site

__all__ = ["BATCH", "Look", "Remap", "batch_of", "look", "not_all_wrong", "poll"]

#: One kept report into its record: `HtmlPortal.remap`, so that a subclass's corrections count everywhere.
Remap = Callable[[RawItem], Record]
BATCH = 20
TRIES = 3
#: Rows of the list's top that are remembered.
TOP = 200


@dataclass(slots=True)
class Memory:
    """What the cursor remembers."""

    #: Key to fingerprint; the most lately listed stand last.
    seen: dict[str, str] = field(default_factory=dict)
    deep: Deep = field(default_factory=Deep)
    #: Key to fingerprint and number of failed tries.
    later: dict[str, tuple[str, int]] = field(default_factory=dict)
    #: Address of the list page to go on with, where pages have no numbers.
    link: Mapping[str, Any] | None = None
    #: Keys of the first rows of the list, as they stood there.
    top: tuple[str, ...] = ()

    @classmethod
    def of(cls, cursor: Cursor | None) -> Memory:
        """From a stored cursor."""
        kept: Mapping[str, Any] = cursor or {}
        return cls(
            seen=dict(kept.get("seen", ())),
            deep=Deep(**kept.get("deep", {})),
            later={key: (print_, tries) for key, print_, tries in kept.get("later", ())},
            link=kept.get("link"),
            top=tuple(kept.get("top", ())),
        )

    def cursor(self, limit: int) -> dict[str, Any]:
        """As JSON. Lists of pairs, since a stored object does not keep its order everywhere."""
        return {
            "v": 1,
            "seen": [[key, print_] for key, print_ in self.seen.items()][-limit:],
            "deep": {"page": self.deep.page, "done": self.deep.done},
            "later": [[key, print_, tries] for key, (print_, tries) in self.later.items()],
            "top": list(self.top),
            **({"link": dict(self.link)} if self.link else {}),
        }

    def settle(self, look: Look) -> bool:
        """Take in what became of one row; false where it is put off to the next poll."""
        row = look.row
        tries = self.later.pop(row.key, ("", 0))[1] + 1
        if look.put_off and tries < TRIES:
            self.later[row.key] = (row.fingerprint, tries)
            return False
        self.seen[row.key] = row.fingerprint
        return True


@dataclass(frozen=True, slots=True)
class Look:
    """One row, looked at."""

    row: Row
    item: RawItem
    record: Record | None = None
    error: BadRecord | None = None
    put_off: bool = False
    #: Another report's page came.
    other: bool = False


def poll(ctx: Context, site: Site, cursor: Cursor | None, remap: Remap) -> Iterator[Batch]:
    """The batches of one poll; the last one is complete and carries where to go on."""
    limits, memory = Limits.of(ctx.config), Memory.of(cursor)
    pager = Pager(site, memory.link)
    with site.keeping():
        walked, deep = walk(pager, memory.seen, memory.deep, limits)
        _expect_no_gap(site, gaps(memory.top, walked, limits))
    put_off = [Row(key, old[0], "") for key, old in memory.later.items() if key not in walked.rows]
    rows = iter(put_off + walked.oldest_first())
    part = list(islice(rows, BATCH))
    while True:
        looks = [look(site, row, remap) for row in part]
        not_all_wrong(looks)
        looks = [one for one in looks if memory.settle(one)]
        part = list(islice(rows, BATCH))
        if not part:
            memory.deep, memory.link, memory.top = deep, pager.keep(deep.page), walked.head[:TOP]
            memory.seen = _lately_listed_last(memory.seen, walked.rows)
        cursor = memory.cursor(limits.max_tracked)
        if part:
            yield batch_of(looks, cursor)
            continue
        yield batch_of(looks, cursor, source_count=walked.total, listed=len(walked.rows), complete=True)
        return


def batch_of(
    looks: Sequence[Look],
    cursor: Cursor,
    *,
    source_count: int | None = None,
    listed: int = 0,
    complete: bool = False,
) -> Batch:
    """What became of some rows, as one batch."""
    good = [(one.record, one.item) for one in looks if one.record is not None]
    return Batch(
        records=tuple(record for record, _ in good),
        items=tuple(item for _, item in good),
        problems=tuple(Problem(one.item, one.error) for one in looks if one.error is not None),
        next_cursor=cursor,
        source_count=source_count,
        complete=complete,
        listed=listed,
    )


def _expect_no_gap(site: Site, missing: Sequence[str]) -> None:
    """Reports that are gone altogether may be missing from the list; those that are there may not."""
    if missing and any(site.report(key) is not None for key in missing[:2]):
        raise SchemaDrift(
            f"{len(missing)} known reports are missing from the list, and their pages are still there",
            hint="Pages may show fewer rows now: check list.row and list.path of the layout. If the portal "
            "lists open reports only, allow an empty list in the channel's settings",
            message_vi=f"Danh sách thiếu {len(missing)} phản ánh đã biết mà cổng vẫn còn: trang danh sách có "
            "thể hiện ít dòng hơn trước. Nếu cổng chỉ liệt kê phản ánh chưa xử lý, hãy cho phép để trống",
            evidence={"missing": len(missing)},
        )


def _lately_listed_last(seen: dict[str, str], rows: dict[str, Row]) -> dict[str, str]:
    listed = [key for key in reversed(rows) if key in seen]
    unlisted = {key: print_ for key, print_ in seen.items() if key not in rows}
    return {**unlisted, **{key: seen[key] for key in listed}}


def look(site: Site, row: Row, remap: Remap) -> Look:
    """Open the report of one row. Raises what is the portal's trouble, not the report's."""
    as_row = RawItem(row.html.encode(), "text/html; charset=utf-8", f"row of {row.key}")
    if not row.has_id:
        return Look(row, as_row, error=BadRecord("a row of the list has no id", field="id"))
    try:
        report = site.report(row.key)
    except ChannelError as error:
        if not _one_record_only(error):
            raise
        bad = BadRecord(f"report {row.key}: {error.message}", external_id=row.key, evidence=error.evidence)
        return Look(row, as_row, error=bad, put_off=isinstance(error, Transient))
    if report is None:
        gone = BadRecord(f"report {row.key} is listed but has no page (404)", external_id=row.key)
        return Look(row, as_row, error=gone)
    item = report.item()
    try:
        record = remap(item)
    except BadRecord as error:
        error.external_id = error.external_id or row.key
        return Look(row, item, error=error)
    if record.external_id != row.key:
        other = BadRecord(f"the page of report {row.key} shows another report", external_id=row.key)
        return Look(row, item, error=other, put_off=True, other=True)
    return Look(row, item, record=record)


def _one_record_only(error: ChannelError) -> bool:
    """Trouble of one page of a portal whose list has just been read: 500, not allowed, far too large."""
    if isinstance(error, Transient):
        return error.evidence.get("status") == 500
    if isinstance(error, AuthFailed):
        return error.evidence.get("status") == 403
    return isinstance(error, SchemaDrift) and "max_bytes" in error.evidence


def not_all_wrong(looks: Sequence[Look]) -> None:
    """One bad page is quarantined; several and not one good is a changed layout. A page of another
    report says nothing about its own, so it is asked for again, and several are the portal's trouble."""
    others = [one for one in looks if one.other]
    if len(others) >= 3:
        raise SchemaDrift(
            f"the pages of {len(others)} reports show another report",
            hint="Check detail.path of the layout, and whether the portal serves from a cache",
            evidence={"reports": len(others), **_kept(others[0].item)},
        )
    bad = [one for one in looks if one.error is not None and not one.put_off]
    if len(bad) >= 3 and len(bad) == len(looks):
        first, error = bad[0].item, bad[0].error
        assert error is not None
        raise SchemaDrift(
            f"none of {len(bad)} reports can be read: {error.message}",
            hint="The portal's layout has probably changed: check detail of its layout",
            evidence={"reports": len(bad), "field": error.field, **_kept(first)},
        )


def _kept(item: RawItem) -> dict[str, Any]:
    """The page itself, for the quarantine."""
    return {"content": item.content, "content_type": item.content_type, "url": item.ref}
