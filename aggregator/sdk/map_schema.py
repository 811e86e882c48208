"""What a manifest's ``map`` may say: the names of `Record` and its parts, as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from aggregator.sdk.contract import Answer, Attachment, Location, Person, Record

__all__ = ["ANSWER", "ATTACHMENT", "MAP_SCHEMA", "NAMES", "PERSON", "PLACE", "TEXTS", "TIMES"]

TEXTS = ("category_raw", "urgency_raw", "status_raw")
TIMES = ("occurred_at", "updated_at", "due_at")
PERSON = tuple(f.name for f in fields(Person))
PLACE = tuple(f.name for f in fields(Location))
ATTACHMENT = ("each", *(f.name for f in fields(Attachment)))
ANSWER = ("each", *(f.name for f in fields(Answer)))
NAMES = tuple(f.name for f in fields(Record) if f.name not in ("status", "volatile"))

_EXPRESSION = {"type": "string", "minLength": 1, "description": "JMESPath with filters"}


def _table(names: Sequence[str], what: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": what,
        "additionalProperties": False,
        "properties": dict.fromkeys(names, _EXPRESSION),
    }


#: JSON Schema of a ``map`` section.
MAP_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "Our field: an expression over one record of the source",
    "additionalProperties": False,
    "required": ["external_id", "occurred_at"],
    "properties": {
        **dict.fromkeys(("external_id", *TIMES, "subject", "body", "kind", *TEXTS), _EXPRESSION),
        "url": {
            "type": ["string", "object"],
            "description": "An expression, or {template: address with places}",
            "additionalProperties": False,
            "properties": {"template": {"type": "string"}},
        },
        "person": _table(PERSON, "Who reported"),
        "location": _table(PLACE, "Where it is"),
        "attachments": {
            "type": ["object", "array"],
            "items": _table(ATTACHMENT, "Files: `each` finds the list, the others read one entry"),
            "additionalProperties": False,
            "properties": dict.fromkeys(ATTACHMENT, _EXPRESSION),
        },
        "answers": {
            "type": ["object", "array"],
            "items": _table(ANSWER, "Answers: `each` finds the list, the others read one entry"),
            "additionalProperties": False,
            "properties": dict.fromkeys(ANSWER, _EXPRESSION),
        },
        "extra": {"type": "object", "additionalProperties": _EXPRESSION},
    },
}
