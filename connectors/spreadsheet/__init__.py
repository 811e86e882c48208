"""Spreadsheets: a drop folder of CSV and Excel files, one report a row.

Portal     any office that can export a table; no owner, no address, no network
Allows     read; a changed row is a revision. No replies: they go to the citizen another way
Interval   5 minutes; an unchanged file costs one look at its size and time
Ids        the mapped id column; without one, a hash of what the row says (see `mapping`)
History    2026-11-22  first version: CSV, gzipped CSV, XLSX; drop folder and `motmoi import`

    folder -> which files (drop) -> rows (reader) -> header (headings) -> Record (mapping) -> Batch

What may surprise: a file that cannot be read does not hide the files after it. They are read first,
and the poll then ends with the first file's error. A deadline that passes in the middle of a large
file is `Transient`: what was given is committed, and the next poll goes on at the next row.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from aggregator.sdk.contract import (
    BadRecord,
    Batch,
    ChannelError,
    CheckResult,
    ConfigInvalid,
    Context,
    Cursor,
    FetchedFile,
    Permanent,
    Problem,
    PushCommand,
    PushResult,
    RawItem,
    Record,
    RemoteState,
    Transient,
)
from connectors.spreadsheet.drop import Progress, Stamp, candidates, fingerprint, settled, sha256_of
from connectors.spreadsheet.headings import FIELDS, TOP_ROWS, find_header, named, propose_mapping
from connectors.spreadsheet.mapping import Layout, RowReader
from connectors.spreadsheet.reader import Broken, Row, rows_of

__all__ = ["CONNECTOR", "FIELDS", "Spreadsheet", "proposal_for", "propose_mapping"]

#: A report's date may lie this far ahead of our clock: the exporting PC's own may be wrong.
_AHEAD = timedelta(days=1)
#: A batch of long texts ends before its row count is reached, so that memory stays flat.
_BATCH_BYTES = 4_000_000

_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Spreadsheet:
    """The connector. Holds no state: everything is in the settings, the files and the cursor."""

    def check(self, ctx: Context) -> list[CheckResult]:
        """Is the mapping right, is the folder there, does the newest file have the mapped headings?"""
        steps: list[CheckResult] = []
        try:
            layout = Layout.of(ctx.config, ctx.zone)
            steps.append(CheckResult("mapping", True, f"{len(layout.columns)} columns"))
            files = candidates(ctx.config)
            steps.append(CheckResult("files", True, _found(ctx.config, files)))
            for path in files[-1:]:
                with path.open("rb") as handle:
                    _, headings = _opened(handle, path.name, ctx, layout)
                steps.append(CheckResult("headings", True, f"{path.name}: {len(headings)} columns"))
        except (ChannelError, OSError) as error:
            step = ("mapping", "files", "headings")[len(steps)]
            hint = error.hint if isinstance(error, ChannelError) else "may the product read this file?"
            message = error.message if isinstance(error, ChannelError) else str(error.strerror)
            steps.append(CheckResult(step, False, message, hint))
        return steps

    def poll(self, ctx: Context, cursor: Cursor | None) -> Iterator[Batch]:
        """The rows of all new and changed files, oldest file first. Raises after the last good file."""
        layout = Layout.of(ctx.config, ctx.zone)
        progress = Progress(cursor, fingerprint(ctx.config, ctx.zone.key))
        files = candidates(ctx.config)
        if not ctx.config.get("file"):
            progress.keep_only({path.name for path in files})
        failure: ChannelError | None = None
        for path in files:
            try:
                yield from self._file(ctx, layout, path, progress)
            except Transient:
                raise
            except ChannelError as error:
                ctx.log.warning("%s: %s", path.name, error)
                failure = failure or error
        yield Batch((), (), progress.cursor(), complete=failure is None)
        if failure is not None:
            raise failure

    def _file(self, ctx: Context, layout: Layout, path: Path, progress: Progress) -> Iterator[Batch]:
        one_file = bool(ctx.config.get("file"))  # a person asked for it now: no waiting, no skipping
        name = path.name
        try:
            stamp = Stamp.of(path)
            wait = timedelta(seconds=0 if one_file else float(ctx.config.get("settle_s", 5)))
            if progress.is_done(name, stamp) and not one_file:
                return
            seen = progress.seen_before(name, stamp)
            if not settled(path, stamp, ctx.now(), wait, seen_before=seen):
                progress.wait(name, stamp)
                return
            with path.open("rb") as handle:
                start = progress.start(name, stamp, sha256_of(handle), again=one_file)
                if start is not None:
                    yield from self._batches(ctx, layout, handle, name, progress, start)
        except FileNotFoundError:
            return  # taken away between listing and opening; nothing was promised about it yet
        except PermissionError as error:
            raise ConfigInvalid(f"{name}: may not be read by the product", hint="check its rights") from error
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise Transient(f"{name}: changed or went away while it was read") from error

    def _batches(
        self, ctx: Context, layout: Layout, handle: IO[bytes], name: str, progress: Progress, start: int
    ) -> Iterator[Batch]:
        rows, headings = _opened(handle, name, ctx, layout)
        read_row = layout.bind(headings, name, ctx.status_of)
        done = start
        for page in _pages(islice(rows, start, None), int(ctx.config.get("batch_rows", 1000))):
            if ctx.now() > ctx.deadline:
                raise Transient(f"{name}: time is up at row {done}; the next poll goes on from there")
            done += len(page)
            progress.reached(name, done, done=False)
            yield _batch(page, headings, read_row, name, ctx, progress.cursor())
        progress.reached(name, done, done=True)

    def remap(self, ctx: Context, item: RawItem) -> Record:
        """Map one archived row again, under the settings of now."""
        file, _, position = item.ref.rpartition(" row ")
        number = int(position) if position.isdigit() else 0
        try:
            row = json.loads(item.content)
        except ValueError as error:
            raise BadRecord(f"{item.ref}: the archived row is not JSON", row=number) from error
        if not isinstance(row, dict):
            raise _misshapen(file, number, "its cells do not match the headings")
        layout = Layout.of(ctx.config, ctx.zone)
        return layout.bind(tuple(row), file, ctx.status_of)(list(row.values()), number, ctx.now() + _AHEAD)

    def push(self, ctx: Context, command: PushCommand) -> PushResult:
        """Never: a file has nobody who listens."""
        raise Permanent("a spreadsheet takes no replies", hint="answer the citizen by telephone or letter")

    def lookup(self, ctx: Context, command: PushCommand) -> RemoteState | None:
        """Nothing: no reply was ever sent."""
        return None

    def fetch_attachment(self, ctx: Context, ref: str) -> FetchedFile:
        """Never: rows carry no files."""
        raise Permanent("a spreadsheet has no attachments")


CONNECTOR = Spreadsheet()


def proposal_for(path: Path, encoding: str = "auto") -> dict[str, str]:
    """Field -> heading for a file nobody has mapped yet; empty where no row looks like a header.

    Raises `SchemaDrift` where the file is no table.
    """
    with path.open("rb") as handle:
        rows = rows_of(handle, path.name, encoding)
        top = [cells for _, cells in islice(rows, TOP_ROWS) if not isinstance(cells, Broken)]
    return max((propose_mapping(named(cells)) for cells in top), key=len, default={})


def _found(config: Mapping[str, Any], files: Sequence[Path]) -> str:
    if not config.get("folder") and not config.get("file"):
        return "no folder: files come by `motmoi import`"
    return f"{len(files)} file(s)"


def _opened(
    handle: IO[bytes], name: str, ctx: Context, layout: Layout
) -> tuple[Iterator[Row], tuple[str, ...]]:
    """The rows below the header, and the names of the columns."""
    rows = rows_of(handle, name, ctx.config.get("encoding") or "auto", ctx.config.get("sheet"))
    top = list(islice(rows, TOP_ROWS))
    tables = [[] if isinstance(cells, Broken) else cells for _, cells in top]
    header = find_header(tables, layout.columns, name)
    return chain(top[header + 1 :], rows), named(tables[header])


def _pages(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
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


def _batch(
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
    latest = ctx.now() + _AHEAD
    width = len(headings)
    for number, cells in page:
        if isinstance(cells, Broken):
            problems.append(Problem(_item(cells.text, name, number), _misshapen(name, number, cells.why)))
            continue
        if len(cells) != width:
            cells = _fitted(cells, headings)
        if not any(map(str.strip, cells)):
            continue  # an empty row is Excel's, not a citizen's
        if len(cells) != width:
            why = f"it has {len(cells)} cells and the header {width}"
            problems.append(Problem(_item(cells, name, number), _misshapen(name, number, why)))
            continue
        item = _item(dict(zip(headings, cells, strict=True)), name, number)
        try:
            records.append(read_row(cells, number, latest))
            items.append(item)
        except BadRecord as error:
            problems.append(Problem(item, error))
    # No pages: the items hold every cell of every row, so a copy of the file would archive it twice.
    return Batch(tuple(records), tuple(items), cursor, problems=tuple(problems))


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


def _misshapen(file: str, number: int, why: str) -> BadRecord:
    return BadRecord(
        f"{file} row {number}: {why}",
        row=number,
        hint="put texts with a delimiter or a line break in double quotes, and double the quotes in them",
    )
