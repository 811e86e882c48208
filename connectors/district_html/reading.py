"""One poll: the list, then the pages of what is new or changed there, oldest first.

    walk the list -> open each page -> Record, or Problem with the page's bytes -> batches of 20

What may surprise: a page that answers 500 while the portal is otherwise well is a broken record,
not an outage. It is put off, tried again at the next polls wherever it stands in the list, and
quarantined after three tries; else one record would hold up all others for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
from connectors.district_html import mapping
from connectors.district_html.client import Site
from connectors.district_html.listing import Deep, Limits, walk
from connectors.district_html.mapping import ListPage, Row

BATCH = 20
TRIES = 3


@dataclass(slots=True)
class Memory:
    """What the cursor remembers."""

    #: Key to fingerprint; the most lately listed stand last.
    seen: dict[str, str] = field(default_factory=dict)
    deep: Deep = field(default_factory=Deep)
    #: Key to fingerprint and number of failed tries.
    later: dict[str, tuple[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, cursor: Cursor | None) -> Memory:
        """From a stored cursor."""
        kept: Mapping[str, Any] = cursor or {}
        return cls(
            seen=dict(kept.get("seen", ())),
            deep=Deep(**kept.get("deep", {})),
            later={key: (print_, tries) for key, print_, tries in kept.get("later", ())},
        )

    def cursor(self, limit: int) -> dict[str, Any]:
        """As JSON. Lists of pairs, since a stored object does not keep its order everywhere."""
        return {
            "v": 1,
            "seen": [[key, print_] for key, print_ in self.seen.items()][-limit:],
            "deep": {"page": self.deep.page, "done": self.deep.done},
            "later": [[key, print_, tries] for key, (print_, tries) in self.later.items()],
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


def poll(ctx: Context, cursor: Cursor | None) -> Iterator[Batch]:
    """The batches of one poll; the last one is complete and carries where to go on."""
    site, limits, memory = Site(ctx), Limits.of(ctx.config), Memory.of(cursor)
    walked, deep = walk(lambda page: _list_page(site, page), memory.seen, memory.deep, limits)
    put_off = [Row(key, old[0], "") for key, old in memory.later.items() if key not in walked.rows]
    rows = iter(put_off + walked.oldest_first())
    part = list(islice(rows, BATCH))
    while True:
        looks = [_look(ctx, site, row) for row in part]
        _not_all_wrong(looks)
        looks = [look for look in looks if memory.settle(look)]
        part = list(islice(rows, BATCH))
        if not part:
            memory.deep = deep
            memory.seen = _lately_listed_last(memory.seen, walked.rows)
        good = [(look.record, look.item) for look in looks if look.record is not None]
        yield Batch(
            records=tuple(record for record, _ in good),
            items=tuple(item for _, item in good),
            problems=tuple(Problem(look.item, look.error) for look in looks if look.error is not None),
            next_cursor=memory.cursor(limits.max_tracked),
            source_count=None if part else walked.total,
            complete=not part,
            listed=0 if part else len(walked.rows),
        )
        if not part:
            return


def _list_page(site: Site, number: int) -> ListPage:
    part = site.layout.list
    page = site.get(part.path.replace("{page}", str(part.first_page + number)))
    return mapping.read_list(page.tree, part)


def _lately_listed_last(seen: dict[str, str], rows: dict[str, Row]) -> dict[str, str]:
    listed = [key for key in reversed(rows) if key in seen]
    unlisted = {key: print_ for key, print_ in seen.items() if key not in rows}
    return {**unlisted, **{key: seen[key] for key in listed}}


def _look(ctx: Context, site: Site, row: Row) -> Look:
    as_row = RawItem(row.html.encode(), "text/html; charset=utf-8", f"row of {row.key}")
    if not row.has_id:
        return Look(row, as_row, error=BadRecord("a row of the list has no id", field="id"))
    try:
        page = site.report(row.key)
    except ChannelError as error:
        if not _one_record_only(error):
            raise
        bad = BadRecord(f"report {row.key}: {error.message}", external_id=row.key, evidence=error.evidence)
        return Look(row, as_row, error=bad, put_off=isinstance(error, Transient))
    if page is None:
        gone = BadRecord(f"report {row.key} is listed but has no page (404)", external_id=row.key)
        return Look(row, as_row, error=gone)
    item = RawItem(page.response.content, page.content_type, f"report {row.key}")
    try:
        record = remap(ctx, site, item)
    except BadRecord as error:
        error.external_id = error.external_id or row.key
        return Look(row, item, error=error)
    if record.external_id != row.key:
        other = BadRecord(f"the page of report {row.key} shows another report", external_id=row.key)
        return Look(row, item, error=other)
    return Look(row, item, record=record)


def remap(ctx: Context, site: Site, item: RawItem) -> Record:
    """The record of one kept page, without network."""
    return mapping.record_of(
        item, site.layout, base_url=site.base_url, zone=ctx.zone, status_of=ctx.status_of
    )


def _one_record_only(error: ChannelError) -> bool:
    """Trouble of one page of a portal whose list has just been read: 500, not allowed, far too large."""
    if isinstance(error, Transient):
        return error.evidence.get("status") == 500
    if isinstance(error, AuthFailed):
        return error.evidence.get("status") == 403
    return isinstance(error, SchemaDrift) and "max_bytes" in error.evidence


def _not_all_wrong(looks: list[Look]) -> None:
    """One bad page is quarantined; several and not one good is a changed layout."""
    errors = [look.error for look in looks if look.error is not None and not look.put_off]
    if len(errors) >= 3 and len(errors) == len(looks):
        raise SchemaDrift(
            f"none of {len(errors)} reports can be read: {errors[0].message}",
            hint="The portal's layout has probably changed: check layout.detail",
            evidence={"reports": len(errors), "field": errors[0].field},
        )
