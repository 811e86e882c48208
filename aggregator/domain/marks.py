"""Bounding what stands above and below one letter, before a text is normalised.

Normalising sorts the marks of each letter, and takes quadratic time in their number: a page of 200,000
marks in the wrong order holds a worker for half a minute, in C code that no deadline interrupts. Unicode
knows this (UAX #15, "stream-safe text format") and calls 30 in a row enough for every language.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

__all__ = ["few_marks"]

MOST = 30
#: So many marks are sorted in no time; nearly all texts are shorter, and are not looked at.
_SHORT = 500
#: Above it there are no marks, but for symbols that nobody combines.
_LAST = 0x1F000


def few_marks(text: str) -> str:
    """The text without the marks that are more than 30 in a row; any other text as it is."""
    if len(text) <= _SHORT or text.isascii():
        return text
    return _too_many().sub(r"\1", text)


@cache
def _too_many() -> re.Pattern[str]:
    marks = "".join(char for char in map(chr, range(0x300, _LAST)) if unicodedata.combining(char))
    return re.compile(f"([{marks}]{{{MOST}}})[{marks}]+")
