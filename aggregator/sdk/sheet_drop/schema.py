"""What a manifest of kind ``sheet`` may say, as JSON Schema, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.sdk.contract import ConfigInvalid
from aggregator.sdk.json_portal import schema as json_schema
from aggregator.sdk.json_portal.settings import implied_settings as settings_of_the_site
from aggregator.sdk.settings_schema import faults_of
from aggregator.sdk.sheet_drop.headings import FIELDS

__all__ = ["CAPABILITIES", "PUSH", "SOURCE", "checked", "implied_settings"]

#: A poll gives changed files only: what is absent from it has not vanished.
CAPABILITIES: Mapping[str, Any] = {"poll": "incremental", "idempotency": "none", "ordering": "none"}

_SITE = json_schema.SOURCE["properties"]

SOURCE: Mapping[str, Any] = {
    "type": "object",
    "description": "Which heading of a table holds which field; where the table is",
    "additionalProperties": False,
    "properties": {
        "columns": {
            "type": "object",
            "description": "Field: heading; received_at is needed. Without external_id the row's words tell",
            "additionalProperties": False,
            "properties": {name: {"type": "string", "minLength": 1} for name in FIELDS},
        },
        "formats": {
            "type": "object",
            "description": "How dates and numbers are written",
            "additionalProperties": False,
            "properties": {
                "timezone": {"type": "string", "examples": ["Asia/Ho_Chi_Minh"]},
                "dates": {"type": "array", "items": {"type": "string", "minLength": 2}},
                "decimal_comma": {"type": "boolean"},
            },
        },
        "defaults": {
            "type": "object",
            "description": "Values for empty cells and columns that are not there",
            "additionalProperties": {"type": "string"},
        },
        "encoding": {"type": "string", "enum": ["auto", "utf-8", "utf-16", "windows-1258"]},
        "sheet": {"type": "string", "description": "Of an Excel file; the first that is not hidden"},
        "batch_rows": {"type": "integer", "minimum": 1, "maximum": 10_000},
        "settle_s": {"type": "number", "minimum": 0, "maximum": 3600},
        "request": {
            **json_schema.SOURCE["properties"]["streams"]["items"]["properties"]["request"],
            "description": "The table is downloaded; not said: files are dropped into a folder",
        },
        **{name: _SITE[name] for name in ("base_url", "auth", "headers", "errors")},
    },
}

PUSH: Mapping[str, Any] = {
    "type": "object",
    "description": "A file has nobody who listens: nothing can be said here",
    "additionalProperties": False,
    "properties": {},
}

_FOLDER = {
    "type": "string",
    "title": "Thư mục nhận tệp",
    "description": "Đường dẫn trên máy chủ",
    "examples": ["/srv/motmoi/nhan"],
    "order": 1,
}


def checked(source: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """The section, or `ConfigInvalid` naming what is wrong with it; `settings`: a channel's own."""
    if faults := faults_of(SOURCE, source, "source."):
        raise ConfigInvalid(faults[0])
    if "received_at" not in source.get("columns", {}) and "columns" not in settings.get("properties", {}):
        raise ConfigInvalid(
            "source.columns: received_at is missing",
            hint="map the column with the date of the report: without it no deadline can be counted",
        )
    return source


def implied_settings(source: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Schema of a channel's settings: a folder, or what the download needs."""
    if "request" in source:
        return settings_of_the_site(source)
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["folder"],
        "properties": {"folder": _FOLDER},
    }
