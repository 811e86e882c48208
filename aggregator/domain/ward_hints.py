"""The ward and district that the words behind an address name, folded."""

from __future__ import annotations

import re

from aggregator.domain.street_names import Page, read_name

WARD = re.compile(
    r"\b(?:phuong|xa|dac khu|thi tran|(?:p|f|x)(?=\.|\s?\d))[\s.]{0,2}(?P<name>\d{1,2}\b|(?=[^\W\d]))"
)
DISTRICT = re.compile(
    r"(?<!co )\b(?:quan|huyen|thi xa|thanh pho|(?:q|h|tx|tp)(?=\.|\s?\d))[\s.]{0,2}"
    r"(?P<name>\d{1,2}\b|(?=[^\W\d]))"
)
HINTS_WITHIN = 90
"""Characters behind a place in which the ward and district stand that go with it."""


def hint(page: Page, pattern: re.Pattern[str], start: int, end: int) -> tuple[str | None, int]:
    """The name that `WARD` or `DISTRICT` finds between two places of a page, and where it ends."""
    match = pattern.search(page.folded, start, end)
    if not match:
        return None, start
    if match["name"]:
        return match["name"].lstrip("0"), match.end()
    # "cơ quan chức năng", "quản lý": folded they look like districts, so a name needs its capital.
    if not page.capital(match.end()) and not page.field:
        return None, start
    named = read_name(page, match.end(), sure=True)
    return named if named else (None, start)
