"""Rows out of files: CSV (also gzipped, any usual delimiter and encoding) and Excel .xlsx.

    open file -> which kind (by its first bytes) -> encoding, delimiter -> (row number, cells)

Promise: a broken row is given back as `Broken` with its text, and the rows after it are read; a file
that is not what it claims to be is an error and never an empty success. CSV is read in a stream, so
memory does not grow with the file. What may surprise: the kind is told by content and not by name,
because exports are often renamed; and a whole CSV is decoded once before its first row is used,
because the first bad letter may be in the last row.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import IO, TYPE_CHECKING, Any

from aggregator.domain.marks import few_marks
from aggregator.sdk.contract import ConfigInvalid, SchemaDrift

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

__all__ = ["Broken", "Row", "rows_of"]

DELIMITERS = ",;\t"
_CHUNK = 1 << 18
#: Bytes that are looked at to tell Windows-1258 from an older font's encoding, and its own letters.
_JUDGED = 1 << 20
_VIETNAMESE = frozenset("àáâăèéêíóôơùúưđ")
#: Lines one cell may span. An unclosed quote would swallow the file; past this it is the quote's fault.
_CELL_LINES = 300
#: Excel files are read whole. Above this (unpacked), the way is CSV, which is streamed.
_XLSX_BYTES = 400_000_000


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that is not a row: its text as it stands in the file, and why."""

    text: str
    why: str


#: The row's number in the file, from 1, and its cells.
Row = tuple[int, "list[str] | Broken"]


def rows_of(handle: IO[bytes], name: str, encoding: str = "auto", sheet: str | None = None) -> Iterator[Row]:
    """All rows of the file from the top. Raises `SchemaDrift` where it cannot be read as a table."""
    handle.seek(0)
    magic = handle.read(8)
    handle.seek(0)
    if not magic:
        raise SchemaDrift(f"{name}: the file is empty", hint="export it again")
    if magic.startswith(b"PK\x03\x04"):
        return _xlsx_rows(handle, name, sheet)
    if magic.startswith(b"\xd0\xcf\x11\xe0"):
        raise SchemaDrift(
            f"{name}: an old Excel file, or one with a password", hint="save it as .xlsx without a password"
        )
    return _text_rows(handle, name, encoding, packed=magic.startswith(b"\x1f\x8b"))


# --- CSV ------------------------------------------------------------------------------------------


def _text_rows(handle: IO[bytes], name: str, encoding: str, *, packed: bool) -> Iterator[Row]:
    def start() -> IO[bytes]:
        handle.seek(0)
        return gzip.GzipFile(fileobj=handle, mode="rb") if packed else handle  # type: ignore[return-value]

    try:
        found = _encoding(start, name, encoding)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SchemaDrift(
            f"{name}: the compressed file is damaged or cut off", hint="copy it again"
        ) from error
    text = io.TextIOWrapper(start(), encoding=found, newline="")
    sample = text.read(1 << 16)
    if not sample.strip():
        raise SchemaDrift(f"{name}: the file is empty", hint="export it again")
    if sample.lstrip()[:1] == "<":
        raise SchemaDrift(f"{name}: a web page, not a table", hint="export it as CSV or .xlsx")
    delimiter = _delimiter(sample)
    text.detach()
    text = io.TextIOWrapper(start(), encoding=found, newline="")
    lines: Iterator[str] = text
    if found == "cp1258":  # keeps the tone as a letter of its own: "a" + "´"
        lines = (unicodedata.normalize("NFC", few_marks(line)) for line in text)
    return _csv_rows(lines, delimiter)


def _encoding(start: Any, name: str, wanted: str) -> str:
    stream: IO[bytes] = start()
    head = stream.read(4096)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        found = "utf-16"
    elif head.startswith(codecs.BOM_UTF8):
        found = "utf-8-sig"
    elif wanted == "auto" and b"\0" in head:
        found = "utf-16-le" if head[1::2].count(0) >= head[0::2].count(0) else "utf-16-be"
    else:
        found = {"auto": "utf-8", "windows-1258": "cp1258", "utf-16": "utf-16-le"}.get(wanted, wanted)
    fault = _undecodable(start(), found)
    if fault is None:
        return found
    if wanted == "auto" and found == "utf-8" and _undecodable(start(), "cp1258") is None:
        if _vietnamese(start()):
            return "cp1258"
        raise SchemaDrift(
            f"{name}: neither UTF-8 nor Windows-1258, perhaps an old Vietnamese font (TCVN3, VNI)",
            hint="convert it to Unicode, then save it as 'CSV UTF-8' or .xlsx",
        )
    raise SchemaDrift(
        f"{name}: not {found}: a letter at byte {fault} cannot be read",
        hint="save it as 'CSV UTF-8' or .xlsx, or set the channel's encoding",
    )


def _undecodable(stream: IO[bytes], encoding: str) -> int | None:
    """The place of the first byte that `encoding` cannot read, None where all can be read."""
    decoder = codecs.getincrementaldecoder(encoding)()
    done = 0
    try:
        while chunk := stream.read(_CHUNK):
            decoder.decode(chunk)
            done += len(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return done + error.start
    return None


def _vietnamese(stream: IO[bytes]) -> bool:
    """Whether the text makes sense as Windows-1258: its tone marks stand on vowels.

    Every byte means something there, so that "it can be decoded" proves nothing; an old font's
    bytes put tone marks on consonants and symbols inside words.
    """
    good = bad = 0
    text = stream.read(_JUDGED).decode("cp1258", errors="replace")
    for before, char in itertools.pairwise(text):
        if char.isascii():
            continue
        if unicodedata.combining(char):
            fits = unicodedata.normalize("NFD", before)[0] in "aeiouyAEIOUY"
        else:
            fits = char.lower() in _VIETNAMESE or unicodedata.category(char)[0] in "PZ" or char == "₫"
        good, bad = good + fits, bad + (not fits)
    return good >= 9 * bad


def _delimiter(sample: str) -> str:
    """The delimiter under which most rows have the same, largest number of cells."""
    if sample[:4].lower() == "sep=" and sample[4:5] in DELIMITERS:
        return sample[4]
    lines = sample.splitlines(keepends=True)[:50]

    def agreement(delimiter: str) -> int:
        widths = [len(cells) for _, cells in _csv_rows(iter(lines), delimiter) if isinstance(cells, list)]
        if not widths:
            return 0
        usual = max(set(widths), key=lambda width: (widths.count(width), width))
        return widths.count(usual) * (usual - 1)

    return max(DELIMITERS, key=agreement)


class _Lines:
    """Lines with their number, which can be given back: a stray quote must not cost the rows after it."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._back: list[str] = []
        self.number = 0
        self.taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._back.pop() if self._back else next(self._lines)
        self.number += 1
        self.taken.append(line)
        if len(self.taken) > _CELL_LINES:
            raise csv.Error("a quote is not closed")
        return line

    def give_back_all_but_first(self) -> str:
        first, rest = self.taken[0], self.taken[1:]
        self._back.extend(reversed(rest))
        self.number -= len(rest)
        return first


def _csv_rows(lines: Iterator[str], delimiter: str) -> Iterator[Row]:
    source = _Lines(lines)
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    taken = source.taken
    widths: set[int] = set()
    while True:
        taken.clear()
        number = source.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, Broken(source.give_back_all_but_first(), f"its quotes do not match ({error})")
            continue
        if len(taken) == 1:
            widths.add(len(cells))
        elif widths and len(cells) not in widths:
            # Rows swallowed by a stray quote: the first line is at fault, the others are rows again.
            yield number, Broken(source.give_back_all_but_first(), "its quotes do not match")
            continue
        if number == 1 and cells and cells[0][:4].lower() == "sep=":
            continue  # Excel's own hint about the delimiter
        yield number, cells


# --- Excel ----------------------------------------------------------------------------------------


def _xlsx_rows(handle: IO[bytes], name: str, wanted: str | None) -> Iterator[Row]:
    # Imported here: a channel of CSV files never needs it, and it costs memory.
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        with zipfile.ZipFile(handle) as package:
            unpacked = sum(entry.file_size for entry in package.infolist())
        if unpacked > _XLSX_BYTES:
            raise SchemaDrift(f"{name}: too large for an Excel file", hint="save it as CSV UTF-8")
        handle.seek(0)
        sheet = _sheet(CalamineWorkbook.from_filelike(handle), name, wanted)
    except (CalamineError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise SchemaDrift(
            f"{name}: the Excel file is damaged, cut off, or not an Excel file", hint="save it again as .xlsx"
        ) from error
    return ((number, list(map(_text, cells))) for number, cells in enumerate(sheet.iter_rows(), start=1))


def _sheet(book: CalamineWorkbook, name: str, wanted: str | None) -> CalamineSheet:
    from python_calamine import SheetVisibleEnum

    if wanted:
        if wanted not in book.sheet_names:
            raise ConfigInvalid(f"{name}: no sheet {wanted!r}", hint=f"it has: {', '.join(book.sheet_names)}")
        return book.get_sheet_by_name(wanted)
    if not book.sheet_names:
        raise SchemaDrift(f"{name}: the Excel file has no sheet", hint="save it again as .xlsx")
    visible = (s.name for s in book.sheets_metadata if s.visible == SheetVisibleEnum.Visible)
    sheet = book.get_sheet_by_name(next(visible, book.sheet_names[0]))
    if sheet.start is None:
        raise SchemaDrift(f"{name}: the sheet {sheet.name!r} is empty", hint="export it again")
    return sheet


def _text(cell: Any) -> str:
    """A cell as text. Formulas come with the value that Excel last computed, and nothing computes here."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime | date | time):
        return cell.isoformat(" ") if isinstance(cell, datetime) else cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell)
