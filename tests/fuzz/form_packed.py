"""Tables as text, and zip archives (Excel files) whose parts, sizes and directory do not fit together."""

from __future__ import annotations

import gzip
import io
import re
import struct
import warnings
import zipfile
from random import Random

from tests.fuzz import odd
from tests.fuzz.form_markup import XML
from tests.fuzz.mutators import Mutator, flip, recoded

# -- text ----------------------------------------------------------------------------------------


def _cell(content: bytes, rng: Random) -> bytes:
    """Another cell, with or without the quotes that it needs."""
    lines = content.split(b"\n")
    at = rng.randrange(len(lines))
    cells = lines[at].split(b",")
    made = odd.text(rng) if rng.random() < 0.6 else rng.choice(odd.DATES)
    if rng.random() < 0.5:
        made = '"' + made.replace('"', '""') + rng.choice(('"', '"', "", '"x'))
    cells[rng.randrange(len(cells))] = made.encode("utf-8", "surrogatepass")
    if rng.random() < 0.2:
        del cells[rng.randrange(len(cells))]
    lines[at] = b",".join(cells)
    return b"\n".join(lines)


def _lines(content: bytes, rng: Random) -> bytes:
    """Lines in another order, twice, without their end, or with another end."""
    lines = content.split(b"\n")
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    made = (
        lines[:at] + lines[at + 1 :], [*lines, *lines],
            [*lines[:at], lines[at] + lines[other], *lines[at + 1 :]],
        lines[at:], lines[::-1], [*lines[:at], b'"', *lines[at:]], [lines[0], *[b","] * 500],
            [lines[at]] * 400,
    )  # fmt: skip
    return rng.choice((b"\n", b"\n", b"\r", b"\r\n", b"\n\r", b"\x0b")).join(rng.choice(made))


def _delimited(content: bytes, rng: Random) -> bytes:
    """Another delimiter, everywhere or here and there."""
    return content.replace(b",", rng.choice((b";", b"\t", b"|", b",,", b";,")), rng.choice((-1, -1, 3)))


def _zipped(content: bytes, rng: Random) -> bytes:
    """Packed with gzip, whole or not; now and then fifty megabytes of nothing."""
    plain = b"\x00" * 5_000_000 if rng.random() < 0.01 else content
    packed = gzip.compress(plain, 1, mtime=0)
    return packed if rng.random() < 0.4 else flip(packed[: rng.randrange(1, len(packed))], rng)


TABLE: tuple[Mutator, ...] = (_cell, _cell, _cell, _lines, _lines, _delimited, recoded, _zipped)

# -- zip -----------------------------------------------------------------------------------------

_NAMES = (
    "../../x", "/etc/passwd", "", "xl/workbook.xml", "xl/worksheets/sheet1.xml", "[Content_Types].xml",
    "a" * 60_000,
    "xl\\workbook.xml", "xl/sharedStrings.xml", "CON", "\u202e.xml", "xl/_rels/workbook.xml.rels",
)  # fmt: skip


def _repacked(content: bytes, rng: Random) -> bytes:
    """One part changed as XML, dropped, doubled, renamed or blown up, and packed properly again."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as old:
            parts = [(one.filename, old.read(one)) for one in old.infolist()]
    except (
        zipfile.BadZipFile,
        ValueError,
        NotImplementedError,
        OSError,
        RuntimeError,
        EOFError,
        struct.error,
    ):
        return flip(content, rng)
    except Exception:  # noqa: BLE001 (zlib, lzma and bz2 each have errors of their own; it is only a sample)
        return flip(content, rng)
    if not parts or sum(len(part) for _, part in parts) > 2_000_000:
        return flip(content, rng)
    at = rng.randrange(len(parts))
    name, part = parts[at]
    kind = rng.randrange(10)
    if kind < 6:
        parts[at] = name, rng.choice(XML)(part, rng)[:1_000_000]
    elif kind == 6:
        del parts[at]
    elif kind == 7:
        parts.append((rng.choice(_NAMES) or name, part))
    elif kind == 8:
        parts[at] = rng.choice(_NAMES), part
    else:
        parts[at] = name, part.replace(b"<row", b"<row " + b" " * 900_000, 1)
    made = io.BytesIO()
    method = rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2))
    with warnings.catch_warnings(), zipfile.ZipFile(made, "w", method) as new:
        warnings.simplefilter("ignore")  # two parts of one name are what is wanted
        for name, part in parts:
            new.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), part, method)
    return made.getvalue()


#: Offsets of the fields in a local header and in the directory: flags, method, CRC, sizes.
_LOCAL = ((b"PK\x03\x04", 6, "H"), (b"PK\x03\x04", 8, "H"), (b"PK\x03\x04", 14, "I"), (b"PK\x03\x04", 18,
    "I"),
          (b"PK\x03\x04", 22, "I"), (b"PK\x03\x04", 26, "H"))  # fmt: skip
_CENTRAL = ((b"PK\x01\x02", 8, "H"), (b"PK\x01\x02", 10, "H"), (b"PK\x01\x02", 16, "I"), (b"PK\x01\x02", 20,
    "I"),
            (b"PK\x01\x02", 24, "I"), (b"PK\x01\x02", 42, "I"), (b"PK\x05\x06", 8, "H"), (b"PK\x05\x06", 12,
            "I"),
            (b"PK\x05\x06", 16, "I"), (b"PK\x05\x06", 20, "H"))  # fmt: skip


def _header(content: bytes, rng: Random) -> bytes:
    """A field of a header that lies: a size of four gigabytes, a wrong sum, an unknown method."""
    mark, offset, kind = rng.choice(_LOCAL + _CENTRAL)
    found = [match.start() for match in re.finditer(re.escape(mark), content)]
    if not found:
        return flip(content, rng)
    at = rng.choice(found) + offset
    size = struct.calcsize(kind)
    value = rng.choice(
        (0, 1, 8, 9, 99, 0x7FFF, 2 ** (8 * size) - 1, 2 ** (8 * size - 1), 400_000_001)
    ) % 2 ** (8 * size)
    return content[:at] + struct.pack(f"<{kind}", value) + content[at + size :]


def _without_directory(content: bytes, _rng: Random) -> bytes:
    """What a broken download leaves."""
    return content[: content.rfind(b"PK\x01\x02")]


PACKED: tuple[Mutator, ...] = (_repacked, _repacked, _repacked, _header, _header, _without_directory)
