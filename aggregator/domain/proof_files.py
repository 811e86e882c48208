"""Pictures and papers that people hand in as proof: what they are is read from their bytes.

    bytes -> kind (PNG, JPEG, WebP, PDF) -> the same picture without what a camera or a program wrote into it

Promise: a file is taken for what its own bytes say, never for its name or for what a browser calls it; what
stands behind the end of a picture is cut off, so that no picture is a second file as well. Of pictures the
notes are left out (place, device, author, time), because a telephone writes where it was into each photo.

What may surprise: a PDF is kept as it is. Its notes are scattered through its objects, and taking them out
means writing it anew. And with its notes a JPEG loses the mark "hold me upright": a photo taken across lies
on its side, which a reader can turn.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from aggregator.domain.file_kinds import PNG, kind_of
from aggregator.errors import InputInvalid

#: Chunks that a PNG is drawn from; all others are notes.
_PNG_DRAWN = frozenset(
    (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD", b"pHYs")
)
#: The next mark behind a scan's data: neither an escaped byte nor a restart nor padding.
_JPEG_MARK = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
#: Chunks of a WebP that are notes, and the bits of its header that announce them.
_WEBP_NOTES, _WEBP_BITS = frozenset((b"EXIF", b"XMP ")), 0b0000_1100


#: How a file of each kind is called when it is downloaded.
SUFFIXES = {"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "application/pdf": ".pdf"}


@dataclass(frozen=True, slots=True)
class ProofFile:
    """A file as it is kept. `stripped`: notes that a program might have written into it are left out."""

    content: bytes
    content_type: str
    stripped: bool


def read(content: bytes, most: int) -> ProofFile:
    """The file that these bytes are; `InputInvalid` for another kind, a broken one, and above `most`."""
    if len(content) > most:
        raise InputInvalid(
            f"the file has more than {most} bytes", field="file",
            message_vi=f"Tệp lớn hơn {most // 1_000_000} MB. Hãy chụp lại nhỏ hơn.",
        )  # fmt: skip
    kind = kind_of(content)
    try:
        match kind:
            case "image/png":
                return ProofFile(_png(content), kind, stripped=True)
            case "image/jpeg":
                return ProofFile(_jpeg(content), kind, stripped=True)
            case "image/webp":
                return ProofFile(_webp(content), kind, stripped=True)
    except (struct.error, IndexError) as error:
        raise _broken() from error
    if kind == "application/pdf" and b"%%EOF" in content[-1024:]:
        return ProofFile(content, kind, stripped=False)
    raise InputInvalid(
        "neither PNG, JPEG, WebP nor PDF", field="file",
        message_vi="Tệp không phải ảnh PNG, JPEG, WebP hoặc PDF.",
    )  # fmt: skip


def _broken() -> InputInvalid:
    return InputInvalid(
        "the picture is broken", field="file", message_vi="Tệp ảnh bị hỏng. Hãy chụp hoặc chọn lại."
    )


def _png(content: bytes) -> bytes:
    kept, at = [PNG], len(PNG)
    while True:
        size, kind = struct.unpack_from(">I4s", content, at)
        end = at + 12 + size
        if end > len(content):
            raise _broken()
        if kind in _PNG_DRAWN:
            kept.append(content[at:end])
        if kind == b"IEND":
            return b"".join(kept)
        at = end


def _jpeg(content: bytes) -> bytes:
    kept, at = [content[:2]], 2
    while True:
        if content[at] != 0xFF:
            raise _broken()
        marker = content[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == 0xD9:
            return b"".join((*kept, content[at : at + 2]))
        (size,) = struct.unpack_from(">H", content, at + 2)
        end = at + 2 + size
        if size < 2 or end > len(content):
            raise _broken()
        if marker == 0xDA:  # a scan: its data follows, in which every 0xFF that is no mark is escaped
            after = _JPEG_MARK.search(content, end)
            if after is None:
                raise _broken()
            end = after.start()
        # APP0 and APP14 say how colours are stored; the other APPn and comments are notes.
        if marker in (0xE0, 0xEE) or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(content[at:end])
        at = end


def _webp(content: bytes) -> bytes:
    (size,) = struct.unpack_from("<I", content, 4)
    if size + 8 > len(content):
        raise _broken()
    kept, at = [], 12
    while at + 8 <= size + 8:
        kind, length = struct.unpack_from("<4sI", content, at)
        end = at + 8 + length + length % 2
        if at + 8 + length > size + 8:
            raise _broken()
        chunk = content[at:end]
        if kind == b"VP8X":
            chunk = chunk[:8] + bytes([chunk[8] & ~_WEBP_BITS]) + chunk[9:]
        if kind not in _WEBP_NOTES:
            kept.append(chunk)
        at = end
    if not kept:
        raise _broken()
    body = b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
