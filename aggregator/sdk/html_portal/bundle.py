"""What is kept of one report: its pages, byte by byte as they came.

A report whose only page says its own id is kept as that page. Any other begins with a comment that tells
the id and the sizes of its pages, ``<!--report 4417 of 5120 844-->``, so that what is kept is enough to
read it again, and no page can pretend to be the next one. Size 0 is a page that the portal does not have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote, unquote

__all__ = ["join", "split"]

_HEAD = re.compile(rb"<!--report (\S*) of((?: \d{1,9}){1,9})-->\n")


def join(external_id: str, pages: Sequence[bytes]) -> bytes:
    """The pages in one piece, under their head."""
    sizes = " ".join(str(len(page)) for page in pages)
    return f"<!--report {quote(external_id, safe='')} of {sizes}-->\n".encode() + b"".join(pages)


def split(content: bytes) -> tuple[str, list[bytes]]:
    """The id (empty where the page says it) and the pages. What was cut off gives short or empty pages."""
    head = _HEAD.match(content)
    if head is None:
        return "", [content]
    pages, at = [], head.end()
    for size in map(int, head.group(2).split()):
        pages.append(content[at : at + size])
        at += size
    return unquote(head.group(1).decode("ascii", "replace")), pages
