"""Dates as a portal might write them after its next release."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["DATE", "redated"]

#: 05/10/2026, 2026-10-05, with or without an hour behind.
DATE = re.compile(r"\b(?:(\d{1,2})[/-](\d{1,2})[/-](\d{4})|(\d{4})-(\d{2})-(\d{2}))\b")
_MONTHS = ("một", "hai", "ba", "tư", "năm", "sáu", "bảy", "tám", "chín", "mười", "mười một", "mười hai")


def redated(value: Any) -> Any:
    """The text with its dates in words ("ngày 5 tháng mười, 2026"); other values as they are."""
    return DATE.sub(_in_words, value) if isinstance(value, str) else value


def _in_words(match: re.Match[str]) -> str:
    day, month, year = match[1] or match[6], match[2] or match[5], match[3] or match[4]
    number = int(month)
    word = _MONTHS[number - 1] if 1 <= number <= 12 else month
    return f"ngày {int(day)} tháng {word}, {year}"
