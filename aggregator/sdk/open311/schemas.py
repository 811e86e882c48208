"""What a manifest of ``kind: open311`` may say, and what a channel of it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.sdk.open311.mapping import FIELDS

_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 1}

SOURCE: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "description": "How an Open311 GeoReport v2 endpoint is read. Everything has a default.",
    "properties": {
        "format": {"enum": ["json", "xml"], "description": "Which of the two formats is asked for."},
        "limit": {**_COUNT, "description": "Rows that one answer holds at most; GeoReport says 1,000."},
        "window_days": {**_COUNT, "maximum": 90, "description": "The widest span of one question, in days."},
        "overlap_minutes": {
            **_COUNT,
            "description": "How far each poll reaches back behind the newest seen.",
        },
        "refresh": {
            "type": "integer",
            "minimum": 0,
            "description": "Open requests read again by id, a poll.",
        },
        "max_tracked": {**_COUNT, "description": "Open requests that are remembered."},
        "ids": {"enum": ["list", "single"], "description": "Whether several ids may be asked for at once."},
        "updates": {"type": "boolean", "description": "The endpoint has mySociety's servicerequestupdates."},
        "changed_since": {
            **_TEXT,
            "description": "Its own parameter for 'changed since', e.g. updated_after.",
        },
        "empty_is_404": {"type": "boolean", "description": "It answers 404 where there is nothing to list."},
        "map": {
            "type": "object",
            "additionalProperties": False,
            "description": "Our field to its place in a row, dots into tables: extended_attributes.title",
            "properties": dict.fromkeys(FIELDS, _TEXT),
        },
    },
}
DEFAULTS: Mapping[str, Any] = {
    "limit": 1000,
    "window_days": 7,
    "overlap_minutes": 120,
    "refresh": 100,
    "max_tracked": 5000,
    "ids": "list",
    "updates": False,
    "changed_since": "",
    "empty_is_404": False,
}

PUSH: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "description": "How an answer is posted as an update (mySociety's extension).",
    "properties": {
        "path": {**_TEXT, "description": "Without format; usually servicerequestupdates."},
        "status_case": {"enum": ["upper", "as_is"], "description": "FixMyStreet writes OPEN, FIXED, CLOSED."},
        "already_exists": {
            "type": "array",
            "items": _TEXT,
            "description": "Words by which the endpoint says that it has this update: a success.",
        },
        "params": {"type": "object", "additionalProperties": _TEXT, "description": "Sent with every update."},
    },
}
PUSH_DEFAULTS: Mapping[str, Any] = {
    "path": "servicerequestupdates",
    "status_case": "upper",
    "already_exists": ["already exists"],
    "params": {},
}

CONFIG: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": [],
    "properties": {
        "base_url": {
            "type": "string",
            "format": "uri",
            "title": "Địa chỉ API (GeoReport v2)",
            "examples": ["https://api.tp.example.vn/open311/v2"],
            "order": 1,
        },
        "discovery_url": {
            "type": "string",
            "format": "uri",
            "title": "Địa chỉ tài liệu discovery",
            "description": "Điền một trong hai địa chỉ; có discovery thì hệ thống tự tìm địa chỉ API.",
            "order": 2,
        },
        "endpoint_type": {
            "enum": ["production", "test"],
            "title": "Loại địa chỉ trong discovery",
            "labels": {"production": "Chính thức", "test": "Thử nghiệm"},
            "default": "production",
            "order": 3,
        },
        "jurisdiction_id": {"type": "string", "title": "Mã địa bàn (jurisdiction_id)", "order": 4},
        "api_key": {"type": "string", "secret": True, "title": "Khoá truy cập (api_key)", "order": 5},
        "format": {"enum": ["json", "xml"], "title": "Dạng dữ liệu", "order": 6},
        "updates": {
            "type": "boolean",
            "title": "Có phần cập nhật (servicerequestupdates)",
            "description": "Phần mở rộng của mySociety: đọc lại phúc đáp và nhận ra phản ánh vừa thay đổi.",
            "order": 7,
        },
        "since_days": {
            "type": "integer",
            "minimum": 1,
            "maximum": 3650,
            "title": "Số ngày đọc lại ở lần đầu",
            "default": 30,
            "order": 8,
        },
        "limit": {
            "type": "integer",
            "minimum": 2,
            "maximum": 100000,
            "title": "Số phản ánh nhiều nhất của một lần trả lời",
            "description": "Chỉ điền khi hệ thống nguồn trả về ít hơn 1.000 (theo chuẩn) mỗi lần.",
            "order": 9,
        },
    },
}

HINTS: Mapping[str, str] = {
    "auth_failed": "Kiểm tra khoá truy cập (api_key) và mã địa bàn (jurisdiction_id)",
    "config_invalid": "Kiểm tra địa chỉ API hoặc địa chỉ discovery, và mã địa bàn",
    "transient": "Kiểm tra địa chỉ có mở được từ máy này không, rồi thử lại",
    "schema_drift": "Hệ thống nguồn trả về dữ liệu khác chuẩn GeoReport v2: kiểm tra dạng dữ liệu",
    "bad_record": "Phản ánh mẫu thiếu mã hoặc thời gian: gửi thông tin chẩn đoán cho người bảo trì",
}


def capabilities(writes: bool) -> dict[str, Any]:
    """What an endpoint can do, with or without updates of ours."""
    return {
        "poll": "incremental",
        "attachments": "download",
        "push_reply": writes,
        "push_status": writes,
        "idempotency": "read_back" if writes else "none",
        "revisions": True,
        "backfill": "by_date",
        "fetch": True,
    }
