"""The JSON Schema (2020-12) of ``connector.yaml``: for editors, and for `lint.findings`.

    Capabilities, SourceStatus, each level's SOURCE and PUSH -> manifest_schema()

Promise: made from what the product itself reads, so an editor and the product never disagree. What may
surprise: a level's own ``$defs`` are lifted to the top under its kind's name, because editors follow no
reference into a part with another base.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from aggregator.domain.hand_form import DATE_FORMAT, Value
from aggregator.sdk.contract import API, AnswerKind, Capabilities, SourceStatus
from aggregator.sdk.levels import KINDS, installed, level_of
from aggregator.sdk.manifest import DEFAULTS, ID, choices
from aggregator.sdk.settings_schema import KEYWORDS, TYPES, UNREAD

__all__ = ["SCHEMA_FILE", "manifest_schema", "schema_text"]

#: The schema's name beside connectors' folders, where a manifest's first line tells an editor to look.
SCHEMA_FILE = "connector.schema.json"

_CAPABILITIES = {
    "poll": "What one poll gives: what is new or changed, or everything there is.",
    "attachments": "Files come within the record, are downloaded one by one, or do not come at all.",
    "push_reply": "Answers can be carried back.",
    "push_kinds": "The kinds of answer that the source has a word of its own for. What it lacks is said by "
    "another kind, or carried by a person.",
    "push_status": "The state shown at the source can be changed.",
    "idempotency": "How a repeated answer is kept from arriving twice.",
    "ordering": "Whether the answers to one report must arrive in order.",
    "revisions": "A report may change after it was created.",
    "backfill": "Whether the past can be asked for, and how.",
    "conditional_get": "The source honours ETag or Last-Modified.",
    "max_reply_chars": "The longest answer that the source takes.",
    "push_attachments": "Files (pictures, PDF) go with an answer.",
    "push_max_files": "The most files that the source takes with an answer.",
    "push_max_bytes": "The most bytes that these files may have together.",
    "push_max_file_bytes": "The most bytes that each of them may have.",
    "push_file_types": "The types of files that the source takes; what is of another stays behind.",
    "fetch": "One report can be read by its id.",
    "webhook": "The source calls us.",
}
_DEFAULTS = {
    "interval_s": "Seconds between two polls.",
    "min_gap_s": "Seconds between two requests to the same host.",
    "deadline_s": "Seconds after which a poll gives up.",
    "max_bytes": "The largest answer that is read.",
}
_WORDS = {
    "type": "object",
    "description": "Texts for people, in Vietnamese and English.",
    "required": ["vi", "en"],
    "additionalProperties": {"type": "string", "minLength": 1},
    "examples": [{"vi": "Cổng mẫu", "en": "Sample portal"}],
}


def manifest_schema() -> dict[str, Any]:
    """The whole schema; a kind that this installation lacks has no rules of its own in it."""
    defs: dict[str, Any] = {"setting": _setting()}
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:motmoi:connector:{API}",
        "title": "connector.yaml of Một Mối",
        "type": "object",
        "required": ["id", "version", "api", "title", "description", "maintainer"],
        "properties": _properties(),
        "additionalProperties": False,
        "allOf": [_of_python(), *(_of_kind(kind, defs) for kind in KINDS if installed(kind))],
        "$defs": defs,
    }
    return _Folded(whole).schema


def schema_text() -> str:
    """The schema as the file that editors read."""
    return json.dumps(manifest_schema(), ensure_ascii=False, indent=1) + "\n"


def _properties() -> dict[str, Any]:
    statuses = [status.value for status in SourceStatus]
    return {
        "id": {
            "type": "string",
            "pattern": f"^{ID.pattern}$",
            "description": "Small letters, digits and _, as in portal_1022. Never changed later.",
            "examples": ["portal_1022"],
        },
        "version": {
            "type": "string",
            "minLength": 1,
            "description": "In quotes, so that it is no number.",
            "examples": ["1.0"],
        },
        "api": {"const": API, "description": "The version of the connector contract."},
        "title": _WORDS,
        "description": _WORDS,
        "maintainer": {"type": "string", "minLength": 1, "description": "Who answers for it."},
        "kind": {
            "enum": ["python", *KINDS],
            "default": "python",
            "description": "What reads the source: the folder's own code, or the product by `source` below.",
        },
        "capabilities": _capabilities(),
        "config_schema": {"$ref": "#/$defs/setting"},
        "status_map": {
            "type": "object",
            "description": "The source's word for a state -> ours. The first entry that says a state is the "
            "word written back.",
            "additionalProperties": {"enum": statuses},
            "examples": [{"Đang xử lý": "in_progress"}],
        },
        "answer_words": {
            "type": "object",
            "description": "Kind of answer -> the source's word for the state that goes with it, where that "
            "is not the word of `status_map`.",
            "properties": {kind: {"type": "string", "minLength": 1} for kind in get_args(AnswerKind)},
            "additionalProperties": False,
            "examples": [{"transfer": "CHUYEN_TIEP"}],
        },
        "defaults": {
            "type": "object",
            "description": "Polite habits; a channel's own options go over them.",
            "properties": {
                name: {
                    "type": "number",
                    "description": _DEFAULTS[name],
                    **({"minimum": 0} if name == "min_gap_s" else {"exclusiveMinimum": 0}),
                }
                for name in DEFAULTS
            },
            "additionalProperties": False,
        },
        "source": {"type": "object", "description": "How the source is read."},
        "push": {"type": "object", "description": "How answers are carried back."},
        "manual": _manual(),
    }


def _manual() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "What a person fills in at the source who brings an answer there by hand.",
        "properties": {
            "url": {
                "type": "string",
                "minLength": 1,
                "description": "The page of one report, with the places {external_id} and {config.x}. "
                "Without it the address that the report came with.",
                "examples": ["{config.base_url}/phan-anh/{external_id}"],
            },
            "fields": {
                "type": "array",
                "minItems": 1,
                "description": "The fields of the source's form in its order. One that an answer has nothing "
                "for is left out.",
                "items": {
                    "type": "object",
                    "required": ["value"],
                    "additionalProperties": False,
                    "properties": {
                        "value": {
                            "enum": [value.value for value in Value],
                            "description": "What the field asks for; `status` is the source's own word.",
                        },
                        "label": {**_WORDS, "description": "What the source calls it."},
                        "format": {
                            "type": "string",
                            "minLength": 1,
                            "default": DATE_FORMAT,
                            "description": "How the source wants a date, as in strftime.",
                        },
                        "max": {
                            "type": "integer",
                            "minimum": 1,
                            "description": "The longest text that the field takes, in characters.",
                        },
                    },
                },
            },
        },
        "additionalProperties": False,
    }


def _capabilities() -> dict[str, Any]:
    def rule(allowed: tuple[Any, ...] | list[Any] | type) -> dict[str, Any]:
        if isinstance(allowed, tuple):
            return {"enum": list(allowed)}
        if isinstance(allowed, list):
            return {"type": "array", "items": {"enum": allowed}, "uniqueItems": True}
        return {"type": "boolean"} if allowed is bool else {"type": "integer", "minimum": 1}

    return {
        "type": "object",
        "description": "What the source allows. Nothing is offered to a person that is not true here.",
        "properties": {
            name: {
                **rule(allowed),
                "description": _CAPABILITIES[name],
                "default": list(usual) if isinstance(usual, tuple) else usual,
            }
            for name, allowed in choices().items()
            for usual in (getattr(Capabilities(), name),)
        },
        "additionalProperties": False,
    }


def _setting() -> dict[str, Any]:
    types = {"enum": list(TYPES)}
    return {
        "type": "object",
        "description": "The channel's settings as JSON Schema, drawn as the form that a person fills in; "
        "`secret: true` stores a setting encrypted.",
        "propertyNames": {"not": {"enum": sorted(UNREAD)}},
        "properties": {
            **{key: {"type": list(kinds) if len(kinds) > 1 else kinds[0]} for key, kinds in KEYWORDS.items()},
            "type": {"anyOf": [types, {"type": "array", "items": types}]},
            "required": {"type": "array", "items": {"type": "string"}},
            "properties": {"type": "object", "additionalProperties": {"$ref": "#/$defs/setting"}},
            "additionalProperties": {"anyOf": [{"type": "boolean"}, {"$ref": "#/$defs/setting"}]},
            "items": {"$ref": "#/$defs/setting"},
        },
    }


def _of_python() -> dict[str, Any]:
    return {
        "if": {"properties": {"kind": {"const": "python"}}},
        "then": {
            "required": ["capabilities", "config_schema"],
            "properties": {"source": {"not": {}}, "push": {"not": {}}},
        },
        "else": {"required": ["source"]},
    }


def _of_kind(kind: str, defs: dict[str, Any]) -> dict[str, Any]:
    level = level_of(kind)
    return {
        "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
        "then": {
            "properties": {
                "source": _lifted(level.SOURCE, f"{kind}_source", defs),
                "push": _lifted(level.PUSH, f"{kind}_push", defs),
            }
        },
    }


def _lifted(schema: Mapping[str, Any], name: str, defs: dict[str, Any]) -> dict[str, Any]:
    """The schema with its ``$defs`` moved into `defs` as ``name_…``, and its references with them."""

    def moved(part: Any) -> Any:
        if isinstance(part, Mapping):
            return {
                key: value.replace("#/$defs/", f"#/$defs/{name}_")
                if key == "$ref" and isinstance(value, str)
                else moved(value)
                for key, value in part.items()
                if key not in ("$defs", "$schema", "$id")
            }
        return [moved(item) for item in part] if isinstance(part, list | tuple) else part

    for key, part in schema.get("$defs", {}).items():
        defs[f"{name}_{key}"] = moved(part)
    whole: dict[str, Any] = moved(schema)
    return whole


class _Folded:
    """A schema in which every larger part stands once, and is referred to where it stood again.

    A third of the size, for a file that is kept under version control and read by people, too.
    """

    LARGE = 250

    def __init__(self, whole: dict[str, Any]) -> None:
        self._count = Counter(self._parts(whole))
        self._names: dict[str, str] = {}
        self._defs: dict[str, Any] = {}
        folded = {key: self._fold(part, key) for key, part in whole.items() if key != "$defs"}
        own = {key: self._fold(part, key) for key, part in whole["$defs"].items()}
        self.schema: dict[str, Any] = {**folded, "$defs": {**own, **self._defs}}

    def _parts(self, part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            if _is_schema(part) and len(text := json.dumps(part)) > self.LARGE:
                yield text
            for below in part.values():
                yield from self._parts(below)
        elif isinstance(part, list):
            for below in part:
                yield from self._parts(below)

    def _fold(self, part: Any, name: str) -> Any:
        if isinstance(part, list):
            return [self._fold(below, name) for below in part]
        if not isinstance(part, dict):
            return part
        text = json.dumps(part) if _is_schema(part) else ""
        if self._count[text] < 2:
            return {key: self._fold(below, key) for key, below in part.items()}
        if text not in self._names:
            self._names[text] = own = f"{name}_{len(self._names) + 1}"
            self._defs[own] = {key: self._fold(below, key) for key, below in part.items()}
        return {"$ref": f"#/$defs/{self._names[text]}"}


def _is_schema(part: dict[str, Any]) -> bool:
    """Not a table of properties, which may have one that is called "type"."""
    return isinstance(part.get("type"), str | list)
