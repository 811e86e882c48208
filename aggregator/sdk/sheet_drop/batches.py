"""Rows in pieces, and each piece as a batch: what is a report, and what is put aside with its row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from aggregator.sdk.contract import BadRecord, Batch, Context, Cursor, Problem, RawItem, Record
from aggregator.sdk.identity import require_ids
from aggregator.sdk.sheet_drop.headings import TOP_ROWS, find_header, named, propose_mapping
from aggregator.sdk.sheet_drop.mapping import Layout, RowReader
from aggregator.sdk.sheet_drop.reader import Broken, Row, rows_of

__all__ = ["AHEAD", "batch_of", "misshapen", "opened", "pages", "proposal_for"]

#: A report's date may lie this far ahead of our clock: the exporting PC's own may be wrong.
AHEAD = timedelta(days=1)
#: A batch of long texts ends before its row count is reached, so that memory stays flat.
_BATCH_BYTES = 4_000_000

_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def proposal_for(path: Path, encoding: str = "auto") -> dict[str, str]:
    """Field -> heading for a file nobody has mapped yet; empty where no row looks like a header.

    Raises `SchemaDrift` where the file is no table.
    """
    with path.open("rb") as handle:
        rows = rows_of(handle, path.name, encoding)
        top = [cells for _, cells in islice(rows, TOP_ROWS) if not isinstance(cells, Broken)]
    return max((propose_mapping(named(cells)) for cells in top), key=len, default={})


def opened(
    handle: IO[bytes], name: str, ctx: Context, layout: Layout
) -> tuple[Iterator[Row], tuple[str, ...]]:
    """The rows below the header, and the names of the columns."""
    rows = rows_of(handle, name, ctx.config.get("encoding") or "auto", ctx.config.get("sheet"))
    top = list(islice(rows, TOP_ROWS))
    tables = [[] if isinstance(cells, Broken) else cells for _, cells in top]
    header = find_header(tables, layout.columns, name)
    return chain(top[header + 1 :], rows), named(tables[header])


def pages(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    """Rows in pieces of at most `size` rows, and of a bounded number of letters."""
    page: list[Row] = []
    letters = 0
    for row in rows:
        page.append(row)
        letters += len(row[1].text) if isinstance(row[1], Broken) else sum(map(len, row[1]))
        if len(page) >= size or letters >= _BATCH_BYTES:
            yield page
            page, letters = [], 0
    if page:
        yield page


def batch_of(
    page: Sequence[Row],
    headings: tuple[str, ...],
    read_row: RowReader,
    name: str,
    ctx: Context,
    cursor: Cursor,
) -> Batch:
    records: list[Record] = []
    items: list[RawItem] = []
    problems: list[Problem] = []
    latest = ctx.now() + AHEAD
    width = len(headings)
    for number, cells in page:
        if isinstance(cells, Broken):
            problems.append(Problem(_item(cells.text, name, number), misshapen(name, number, cells.why)))
            continue
        if len(cells) != width:
            cells = _fitted(cells, headings)
        if not any(map(str.strip, cells)):
            continue  # an empty row is Excel's, not a citizen's
        if len(cells) != width:
            why = f"it has {len(cells)} cells and the header {width}"
            problems.append(Problem(_item(cells, name, number), misshapen(name, number, why)))
            continue
        item = _item(dict(zip(headings, cells, strict=True)), name, number)
        try:
            records.append(read_row(cells, number, latest))
            items.append(item)
        except BadRecord as error:
            problems.append(Problem(item, error))
    require_ids(records)
    # No pages: the items hold every cell of every row, so a copy of the file would archive it twice.
    return Batch(tuple(records), tuple(items), cursor, problems=tuple(problems), listed=len(page))


def _fitted(cells: list[str], headings: tuple[str, ...]) -> list[str]:
    """The cells made as many as the headings where that changes nothing: only nameless columns differ."""
    width = len(headings)
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) < width and all(heading.startswith("(") for heading in headings[len(cells) :]):
        cells = cells + [""] * (width - len(cells))
    return cells


def _item(content: Any, name: str, number: int) -> RawItem:
    return RawItem(_json(content).encode(), "application/json", f"{name} row {number}")


def misshapen(file: str, number: int, why: str) -> BadRecord:
    return BadRecord(
        f"{file} row {number}: {why}",
        row=number,
        hint="put texts with a delimiter or a line break in double quotes, and double the quotes in them",
    )
