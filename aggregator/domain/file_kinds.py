"""What a file is by its first bytes: a name says nothing, nor does what a browser calls it."""

from __future__ import annotations

from typing import Final

PNG: Final = b"\x89PNG\r\n\x1a\n"
_STARTS: Final = (
    (PNG, "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
#: Brands of what telephones save as HEIC or AVIF.
_HEIC: Final = frozenset((b"heic", b"heix", b"mif1", b"msf1", b"avif"))


def kind_of(content: bytes) -> str | None:
    """The content type of a picture or a PDF; None for anything else."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC:
        return "image/heic"
    return next((kind for start, kind in _STARTS if content.startswith(start)), None)
