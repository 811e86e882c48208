"""The channel settings that follow from a definition: the address, and what the way of signing in needs."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["implied_settings"]

_PLACE = re.compile(r"\{(config|secrets)\.(\w+)")
_TITLES = {"username": "Tên đăng nhập", "password": "Mật khẩu", "token": "Mã truy cập (token)"}
_DEFAULTS = {
    "basic": ("{config.username}", "{secrets.password}"),
    "bearer": ("{secrets.token}",),
    "api_key": ("{secrets.token}",),
}


def implied_settings(source: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Schema of the settings: all that ``auth`` names is required, the rest is the manifest's."""
    properties: dict[str, Any] = {}
    if "base_url" not in source:
        properties["base_url"] = {
            "type": "string",
            "pattern": "^https?://",
            "title": "Địa chỉ cổng",
            "description": "Phần đầu chung của mọi địa chỉ, ví dụ https://gopy.example.gov.vn/api",
            "order": 1,
        }
    auth = source.get("auth") or {}
    given = {key: value for key, value in auth.items() if key in ("username", "password", "token", "login")}
    defaults = [] if given else list(_DEFAULTS.get(str(auth.get("type")), ()))
    if auth.get("type") == "basic":
        defaults = [text for key, text in zip(("username", "password"), _DEFAULTS["basic"], strict=True)
                    if key not in given]  # fmt: skip
    for origin, name in _PLACE.findall(json.dumps([given, defaults], default=str)):
        rule = {"type": "string", "title": _TITLES.get(name, name), "order": len(properties) + 1}
        properties.setdefault(name, {**rule, "secret": True} if origin == "secrets" else rule)
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }
