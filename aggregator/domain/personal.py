"""Personal data inside a text: telephone numbers, vehicle plates, e-mail addresses, each with its span.

Promise: what is found here is not readable in what is stored for comparison. Telephones and e-mails go
without a trace (the reporter's own number is compared as a field, by its blind index). A plate leaves a
stand-in, because two cars before one gate are two matters: one of ten thousand marks, so that equal
plates stay equal and nobody can tell from a mark which of the thousands of plates behind it was meant.

What may surprise: plates are found without a word before them ("51F-123.45", "59X1 2345"), so a house
number with a letter and a price after it can be taken for one. That costs the comparison a number; the
text itself is never changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from aggregator.domain.text import digest63, phones

__all__ = ["Kind", "Personal", "comparable", "hidden", "personal"]


class Kind(StrEnum):
    """What was found."""

    PHONE = "phone"
    PLATE = "plate"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Personal:
    """One piece of personal data: its plain value and where it stands in the text."""

    kind: Kind
    value: str
    start: int
    end: int


# Circular 79/2024/TT-BCA: province 11-99, a series of one or two letters and five digits (four on old
# plates), or on motorcycles letter and digit and five or four. People put "-", "." or a space between.
_FIVE = r"[0-9]{3}[.\s]?[0-9]{2}"
_PLATE = re.compile(
    rf"(?<![\w/.])(?P<province>[1-9][0-9])(?:\s?-\s?|\.)?(?!m[23]\b|[Mm][23]\s)"
    rf"(?:(?P<car>[A-Za-zĐđ]{{1,2}})\s?[-.]?\s?(?P<five>{_FIVE}|[0-9]{{4}})"
    rf"|(?P<bike>[A-Za-zĐđ][0-9])\s?[-.]?\s?(?P<rest>{_FIVE}|[0-9]{{4}}))(?![\w/])"
)
_EMAIL = re.compile(r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,4}")
_SCANNED = 8_000
"""Characters of a text that are searched, as for telephones; portals cap reports well below."""

# What every plate holds, and few texts do.
_FOUR_DIGITS = re.compile(r"[0-9]{3}[.\s]?[0-9]")
_MARKS = 10_000


def personal(text: str) -> list[Personal]:
    """All that is found in an NFC text, in its order and without overlap."""
    text = text[:_SCANNED]
    found = [Personal(Kind.PHONE, each.e164, each.start, each.end) for each in phones(text)]
    if _FOUR_DIGITS.search(text):
        found += [Personal(Kind.PLATE, _plate(match), *match.span()) for match in _PLATE.finditer(text)]
    if "@" in text:
        found += [Personal(Kind.EMAIL, match[0], *match.span()) for match in _EMAIL.finditer(text)]
    found.sort(key=lambda each: (each.start, -each.end))
    return [each for at, each in enumerate(found) if all(each.start >= one.end for one in found[:at])]


def hidden(text: str) -> str:
    """The text with "…" for each piece of personal data in it: for what leaves the product."""
    for each in reversed(personal(text)):
        text = f"{text[: each.start]}…{text[each.end :]}"
    return text


def _plate(match: re.Match[str]) -> str:
    number = "".join(filter(str.isdigit, match["five"] or match["rest"]))
    return f"{match['province']}{(match['car'] or match['bike']).upper()}-{number}"


def comparable(text: str, folded: str) -> str:
    """The folded text without personal data; `text` is its NFC original, letter for letter."""
    for each in reversed(personal(text)):
        mark = f"bs{digest63(each.value) % _MARKS:04d}" if each.kind is Kind.PLATE else ""
        folded = f"{folded[: each.start]} {mark} {folded[each.end :]}"
    return folded
