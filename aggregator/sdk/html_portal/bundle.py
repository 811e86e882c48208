"""The pages of one report as one kept item, byte by byte as they came.

A report of one page is kept as that page. One of several begins with a comment that tells their sizes,
``<!--pages 5120 844-->``, so no page can pretend to be the next one; size 0 is a page that the portal
does not have.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["join", "split"]

_HEAD = re.compile(rb"<!--pages((?: \d{1,9}){2,9})-->\n")


def join(pages: Sequence[bytes]) -> bytes:
    """The pages in one piece."""
    if len(pages) == 1:
        return pages[0]
    return f"<!--pages {' '.join(str(len(page)) for page in pages)}-->\n".encode() + b"".join(pages)


def split(content: bytes) -> list[bytes]:
    """The pages again. What is shorter than its head says gives short or empty pages."""
    head = _HEAD.match(content)
    if head is None:
        return [content]
    pages, at = [], head.end()
    for size in map(int, head.group(1).split()):
        pages.append(content[at : at + size])
        at += size
    return pages
