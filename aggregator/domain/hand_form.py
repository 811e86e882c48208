"""The form at a source, filled in with an answer, for a person who copies it there field by field.

    form, answer -> filled(form, answer) -> label, text, characters left; what is too long already in parts

The source decides: its fields in its order, its word for the state, its dates, its longest text. What may
surprise: a field for which an answer has nothing (no new deadline, no receiving body) is left out, so one
form serves every kind of answer.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aggregator.domain.worktime import VN


class Value(enum.StrEnum):
    """What a field of a source's form asks for."""

    EXTERNAL_ID = "external_id"
    STATUS = "status"
    BODY = "body"
    TRANSFER_TO = "transfer_to"
    DUE_AT = "due_at"
    DATE = "date"
    AUTHOR_NAME = "author_name"
    AUTHOR_TITLE = "author_title"
    UNIT = "unit"


LABELS: Final[dict[Value, dict[str, str]]] = {
    Value.EXTERNAL_ID: {"vi": "Mã phản ánh", "en": "Report number"},
    Value.STATUS: {"vi": "Trạng thái", "en": "State"},
    Value.BODY: {"vi": "Nội dung trả lời", "en": "Answer"},
    Value.TRANSFER_TO: {"vi": "Cơ quan tiếp nhận", "en": "Receiving body"},
    Value.DUE_AT: {"vi": "Hạn mới", "en": "New deadline"},
    Value.DATE: {"vi": "Ngày trả lời", "en": "Date of the answer"},
    Value.AUTHOR_NAME: {"vi": "Người trả lời", "en": "Answered by"},
    Value.AUTHOR_TITLE: {"vi": "Chức vụ", "en": "Title"},
    Value.UNIT: {"vi": "Đơn vị trả lời", "en": "Answering unit"},
}
DATE_FORMAT: Final = "%d/%m/%Y"


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of a source's form. `form` is how it wants a date, `most` its longest text."""

    value: Value
    label: Mapping[str, str]
    form: str = DATE_FORMAT
    most: int | None = None


@dataclass(frozen=True, slots=True)
class HandForm:
    """What a person fills in at the source, in its order, and where.

    `url` is the address of one report's page there, with places; empty: the report's own address.
    """

    fields: tuple[FormField, ...] = tuple(FormField(value, LABELS[value]) for value in Value)
    url: str = ""


@dataclass(frozen=True, slots=True)
class HandAnswer:
    """What an answer has for such a form; empty where it has nothing."""

    external_id: str
    status: str
    body: str
    at: datetime
    author_name: str
    author_title: str
    unit: str
    transfer_to: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """One field ready to copy; `parts` where its text is longer than the source takes."""

    value: Value
    label: Mapping[str, str]
    text: str
    most: int | None = None
    parts: tuple[str, ...] = ()

    @property
    def left(self) -> int | None:
        """Characters that the source would still take; below zero: too many. None: no limit is known."""
        return None if self.most is None else self.most - len(self.text)


def filled(form: HandForm, answer: HandAnswer, most: int | None = None) -> tuple[Filled, ...]:
    """The form with the answer in it, without the fields that this answer has nothing for.

    `most`: the longest answer that the channel takes, where the form's own field says nothing.
    """
    found = []
    for one in form.fields:
        if text := _text_of(answer, one):
            limit = one.most or (most if one.value is Value.BODY else None)
            parts = split(text, limit) if limit is not None and len(text) > limit else ()
            found.append(Filled(one.value, one.label, text, limit, parts))
    return tuple(found)


def _text_of(answer: HandAnswer, one: FormField) -> str:
    if one.value is Value.DATE:
        return answer.at.astimezone(VN).strftime(one.form)
    if one.value is Value.DUE_AT:
        return answer.due_at.astimezone(VN).strftime(one.form) if answer.due_at else ""
    return str(getattr(answer, one.value.value))


#: Where a text may be cut, the best first: between paragraphs, lines, sentences, words.
_CUTS: Final = ("\n\n", "\n", ". ", "; ", ", ", " ")
#: A part is not cut shorter than this share of what would fit, however fine the place.
_FULL: Final = 0.5


def split(text: str, most: int) -> tuple[str, ...]:
    """The text in numbered parts of at most `most` characters, cut where a reader pauses.

    Nothing of the text is lost but white space at the cuts. A limit too small for a number is met
    without one.
    """
    if len(text.strip()) <= most:
        return (text.strip(),) if text.strip() else ()
    room = most - len("(99/99) ")
    if room < len("(99/99) "):
        return tuple(_cut(text, max(most, 1)))
    parts = list(_cut(text, room))
    return tuple(f"({number}/{len(parts)}) {part}" for number, part in enumerate(parts, 1))


def _cut(text: str, most: int) -> Iterator[str]:
    left = text.strip()
    while len(left) > most:
        at = _place(left, most)
        yield left[:at].rstrip()
        left = left[at:].lstrip()
    if left:
        yield left


def _place(text: str, most: int) -> int:
    for mark in _CUTS:
        # The mark's white space may lie beyond the limit: it is not carried along.
        at = text.rfind(mark, int(most * _FULL), most + len(mark))
        end = at + len(mark.rstrip())
        if at > 0 and end <= most:
            return end
    return most
