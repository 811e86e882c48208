"""Single values as portals and people write them: texts, numbers, a yes or no, an instant.

Pure. What cannot be read raises `Unreadable`, whose message may quote dates and numbers, never whole texts.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from aggregator.domain.marks import few_marks

#: Folded words that say "no". Whatever else stands where a person asks not to be named counts as a yes (I12).
SAYS_NO: Final = frozenset(("0", "khong", "no", "false", "f", "n", "co ten", "cong khai"))
_LONGEST_NUMBER = 40


class Unreadable(Exception):
    """A value that cannot be read; its message may quote dates and numbers, never texts."""


def short(value: Any, most: int = 24) -> str:
    """A value cut for a message: enough to find it, too little to carry a report."""
    text = str(value)
    return repr(text if len(text) <= most else text[: most - 1] + "…")


def plain_text(value: Any) -> str:
    """A text or a number as text; `Unreadable` for what is neither."""
    if type(value) is str:
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))  # an id that a spreadsheet has passed through: 1001.0
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            return str(value)
        except ValueError as error:  # Python writes no number of more than 4,300 digits
            raise Unreadable("a number without end") from error
    raise Unreadable(f"a text expected, not {_kind(value)}")


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    return names.get(type(value), type(value).__name__)


def fold(text: str) -> str:
    """Lower case without accents, single spaces."""
    parts = unicodedata.normalize("NFD", few_marks(text.replace("đ", "d").replace("Đ", "d").lower()))
    return " ".join("".join(c for c in parts if not unicodedata.combining(c)).split())


def number(value: Any, *, comma: bool = False) -> int | float:
    """A number, whole ones as such; `comma`: the portal writes a decimal comma. `Unreadable` for none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = plain_text(value).strip()
    if comma:
        text = text.replace(".", "").replace(",", ".")
    try:
        read = float(text) if len(text) <= _LONGEST_NUMBER else float("nan")
    except ValueError:
        read = float("nan")
    if read - read != 0.0:  # not a number, or without end
        raise Unreadable(f"{short(value)} is not a number")
    return int(read) if read.is_integer() else read


def to_utc(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant in UTC; `Unreadable` at the edge of the calendar."""
    try:
        return (wall if wall.tzinfo else wall.replace(tzinfo=zone)).astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise Unreadable(f"{short(wall)} is an impossible date") from error
