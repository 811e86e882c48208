"""What a person typed, cleaned, and neither empty nor too long.

`InputInvalid` names the field, so that the page can put the message beside it and keep the words.
"""

from __future__ import annotations

from aggregator.domain.text import clean
from aggregator.errors import InputInvalid


def text(typed: str, most: int, field: str, name_vi: str) -> str:
    """Words whose lines and paragraphs are kept: an answer, a note."""
    return _bounded(clean(typed).strip(), most, field, name_vi)


def line(typed: str, most: int, field: str, name_vi: str) -> str:
    """Words on one line: a name, a number, a place to hand over to."""
    return _bounded(" ".join(clean(typed).split()), most, field, name_vi)


def _bounded(words: str, most: int, field: str, name_vi: str) -> str:
    if not words:
        raise InputInvalid(f"{field} is empty", field=field, message_vi=f"Hãy nhập {name_vi}.")
    if len(words) > most:
        raise InputInvalid(
            f"{field} is longer than {most} characters", field=field,
            message_vi=f"{name_vi[:1].upper()}{name_vi[1:]} dài quá {most} ký tự.",
        )  # fmt: skip
    return words
