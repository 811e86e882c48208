"""What a manifest of kind ``json`` may say, as JSON Schema: editors complete from it, `lint` judges by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from aggregator.sdk.contract import AnswerKind
from aggregator.sdk.map_schema import MAP_SCHEMA

__all__ = ["ERROR_CLASSES", "PUSH", "SOURCE"]

#: Word of the manifest -> what happens next. ``nothing``: the answer is an empty list, or "not there".
ERROR_CLASSES = (
    "transient",
    "rate_limited",
    "auth_failed",
    "config_invalid",
    "schema_drift",
    "permanent",
    "nothing",
)


def _text(about: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": about, **more}


def _whole(about: str, least: int = 0, **more: Any) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "description": about, **more}


def _table(about: str, properties: Mapping[str, Any], *required: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": about,
        "additionalProperties": False,
        "properties": dict(properties),
        "required": list(required),
    }


_EXPRESSION = _text("JMESPath with filters", minLength=1)
_DURATION = _text(
    "So many seconds, minutes, hours or days", pattern=r"^\d{1,6}[smhd]$", examples=["2h", "7d"]
)
_FILLED = {"type": "object", "description": "Name: text with places", "additionalProperties": {}}

_REQUEST = _table(
    "One call of the source; its texts may have places such as {page} and {config.unit}",
    {
        "method": _text("GET where nothing is said", enum=["GET", "POST", "PUT", "PATCH"]),
        "path": _text("Behind the base address", pattern="^/"),
        "params": _FILLED,
        "headers": _FILLED,
        "body": {"description": "Sent as JSON"},
        "form": _FILLED,
    },
    "path",
)
_RULE = _table(
    "An answer that means something else than data: all that is said must hold",
    {
        "status": {"type": ["integer", "array"], "items": {"type": "integer"}},
        "contains": _text("A text in the answer, capitals ignored", minLength=1),
        "path": _text("An expression over the whole answer", minLength=1),
        "equals": {"description": "The value of path is this, or one of these"},
        "differs": {"description": "The value of path is none of these"},
        "class": _text("What happens next", enum=list(ERROR_CLASSES)),
        "say": _text("For the officer, in Vietnamese"),
    },
    "class",
)
_ERRORS = {"type": "array", "items": _RULE, "description": "The first that fits is meant"}
_TEST = _table(
    "When an answer means yes: all that is said must hold",
    {key: _RULE["properties"][key] for key in ("status", "contains", "path", "equals", "differs")},
)
_AUTH = _table(
    "How the source knows us",
    {
        "type": _text("", enum=["none", "basic", "bearer", "api_key", "token"]),
        "username": _text("basic: {config.username} where nothing is said"),
        "password": _text("basic: {secrets.password} where nothing is said"),
        "token": _text(
            "bearer, api_key: {secrets.token} where nothing is said. token: where it stands in the answer"
        ),
        "name": _text("api_key: the header's or parameter's name"),
        "in": _text("api_key", enum=["header", "query"]),
        "login": _REQUEST,
        "send": {
            "type": "object",
            "description": "token: the headers that carry it; elsewhere it is the place {token}",
            "additionalProperties": {"type": "string"},
        },
        "errors": _ERRORS,
    },
    "type",
)
_PAGINATION = _table(
    "How the list goes on",
    {
        "type": _text("", enum=["none", "page", "offset", "cursor", "next", "link_header"]),
        "param": _text("The parameter that says which page; not needed where {page}, {offset}, {next} stand"),
        "size_param": _text("The parameter that says how many"),
        "size": {
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": 10_000,
            "description": "Records on a page; the place {size}. A number, or a setting: {config.page_size}",
        },
        "first": _whole("The number of the first page"),
        "next": _text("cursor, next: where the next page's mark or address stands in the answer"),
        "stop": _table(
            "What else tells the end; an empty and a repeated page always do",
            {
                "pages": _text("Expression: how many pages there are"),
                "total": _text("Expression: how many records there are"),
                "when": _text("Expression: true on the last page"),
                "short_page": {"type": "boolean", "description": "A page with fewer than `size` is the last"},
            },
        ),
        "max_pages": _whole("More pages than this are an error, never cut off in silence", 1),
    },
    "type",
)
_INCREMENTAL = _table(
    "Asking for what changed since the last time",
    {
        "param": _text("The parameter that carries {cursor}; not needed where the place stands"),
        "until": _text("The parameter that carries the end of the window, {until}"),
        "format": _text("iso, iso_utc, epoch, epoch_ms, number or a form such as %Y-%m-%d"),
        "from": _text("Where the next cursor comes from", enum=["record", "envelope", "header"]),
        "field": _text(
            "record, envelope: an expression; header: its name. Not said: updated_at, else occurred_at"
        ),
        "overlap": {"type": ["string", "integer"], "description": "How much is asked for again: 2h; a count"},
        "start": _text("Where the first poll begins", examples=["2026-01-01"]),
        "order": _text("Whether the list is sorted by that field", enum=["ascending", "none"]),
        "sweep": _table(
            "A longer look back now and then, for edits that the source does not date",
            {"every": _DURATION, "back": _DURATION},
            "every",
            "back",
        ),
    },
)
_DETAIL = _table(
    "A second call for each record of the list; its values go over those of the list",
    {
        "request": _REQUEST,
        "follow": _text("Expression: the detail's address in the list's record"),
        "id": _text("Expression for {id} where it is not external_id"),
        "record": _text("Expression: the report inside the answer"),
        "refresh": _DURATION,
        "remember": _whole("Reports whose unchanged line needs no second call", 100, maximum=100_000),
    },
)
_STREAM = _table(
    "One list of the source",
    {
        "name": _text("Unique", pattern="^[a-z][a-z0-9_]{0,29}$"),
        "request": _REQUEST,
        "records": _text("Expression: the list inside the answer; @ where the answer is the list"),
        "pagination": _PAGINATION,
        "incremental": _INCREMENTAL,
        "detail": _DETAIL,
        "map": MAP_SCHEMA,
        "required": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Never empty in a good record",
        },
        "volatile": {
            "type": "array",
            "items": {"type": "string"},
            "description": "May change without being news",
        },
        "errors": _ERRORS,
    },
    "request",
    "records",
)

SOURCE: Mapping[str, Any] = _table(
    "How reports are read",
    {
        "base_url": _text("{config.base_url} where nothing is said"),
        "auth": _AUTH,
        "headers": _FILLED,
        "errors": _ERRORS,
        "tables": {
            "type": "object",
            "description": "Tables for the filter lookup",
            "additionalProperties": {"type": "object"},
        },
        "filters": {
            "type": "object",
            "description": "Name: filters in a row, as in day: strip | date('%d/%m/%Y')",
            "additionalProperties": {"type": "string", "minLength": 1},
        },
        "pagination": _PAGINATION,
        "incremental": _INCREMENTAL,
        "map": MAP_SCHEMA,
        "required": _STREAM["properties"]["required"],
        "volatile": _STREAM["properties"]["volatile"],
        "streams": {"type": "array", "items": _STREAM},
        "fetch": _table(
            "One report by its id, for canaries and for reading answers back",
            {
                "stream": _text("Whose map reads it; the first where nothing is said"),
                "request": _REQUEST,
                "record": _EXPRESSION,
                "errors": _ERRORS,
            },
            "request",
        ),
    },
    "streams",
)

_FILES = _table(
    "Files that go with an answer. In a form: `field`. In a body: its place {files:raw}, filled with an "
    "`entry` for each file, which carries the bytes or, after an `upload`, what the source calls them",
    {
        "field": _text("The form's field that takes the files (multipart)", minLength=1),
        "entry": {
            "description": "What stands for a file in {files:raw}; places {file_name} {file_type} "
            "{file_size} {file_hash} (SHA-256) {file_data} (base64) {file_ref}; {file_ref} where nothing is "
            "said"
        },
        "upload": _table(
            "A call for each file, before the answer",
            {
                "request": _REQUEST,
                "field": _text("The form's field that takes the file (multipart)", minLength=1),
                "ref": _text("Expression: what the source calls the file"),
                "errors": _ERRORS,
            },
            "request",
            "ref",
        ),
    },
)

PUSH: Mapping[str, Any] = _table(
    "How answers are delivered",
    {
        "reply": _table(
            "One answer; places: {id} {body} {status} {key} {at} {author} {title} {unit} {kind} "
            "{transfer_to} {due} {corrects} {files}",
            {
                "request": _REQUEST,
                "kinds": {
                    "type": "array",
                    "items": {"type": "string", "enum": list(get_args(AnswerKind))},
                    "description": "What the source has a word for; result, progress and refusal where "
                    "nothing is said",
                },
                "files": _FILES,
                "success": _TEST,
                "already_exists": _TEST,
                "remote_ref": _text("Expression: the answer's number at the source"),
                "errors": _ERRORS,
            },
            "request",
            "success",
        ),
        "check": _table(
            "A harmless call that only who may write is answered", {"request": _REQUEST}, "request"
        ),
    },
    "reply",
)
