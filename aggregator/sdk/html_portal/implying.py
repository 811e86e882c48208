"""What an HTML manifest says without words: what the portal allows, and which settings a channel needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregator.sdk.html_portal.compiling import faces_of
from aggregator.sdk.html_portal.layout import Layout, meanings
from aggregator.sdk.levels import Implied

__all__ = ["implied"]


def implied(source: Mapping[str, Any], push: Mapping[str, Any]) -> Implied:
    """Capabilities and settings of a definition that its schemas have found well formed."""
    faces = faces_of(source, push)
    layouts = list(faces.values())
    replies = [face["reply"] for face in layouts if face.get("reply")]
    files = any(_pages_say(face, "attachments") for face in layouts)
    capabilities = {
        "poll": "incremental",
        "attachments": "download" if files else "none",
        "push_reply": bool(replies),
        "push_status": any(reply.get("status_field") for reply in replies),
        "push_attachments": any(reply.get("file_field") for reply in replies),
        "idempotency": "read_back" if replies else "none",
        "revisions": True,
        "backfill": "by_page",
        "fetch": True,
    }
    signs_in = any(face.get("login") for face in layouts)
    properties = {
        "base_url": _ADDRESS,
        **(_ACCOUNT if signs_in else {}),
        "layout": _layout(tuple(faces) if source.get("variants") else ()),
        **_LIMITS,
    }
    required = ["base_url", *(_ACCOUNT if signs_in else ())]
    return Implied(
        capabilities,
        {"type": "object", "additionalProperties": False, "required": required, "properties": properties},
    )


def _pages_say(face: Mapping[str, Any], part: str) -> bool:
    detail = face.get("detail") or {}
    return any(page.get(part) for page in (detail, *(detail.get("pages") or ())))


_ADDRESS: Mapping[str, Any] = {
    "type": "string",
    "format": "uri",
    "title": "Địa chỉ trang web",
    "description": "Phần đầu chung của mọi địa chỉ, ví dụ https://tiepnhan.example.vn",
    "order": 1,
}
_ACCOUNT: Mapping[str, Any] = {
    "username": {"type": "string", "title": "Tên đăng nhập", "order": 2},
    "password": {"type": "string", "secret": True, "title": "Mật khẩu", "order": 3},
}
_PART_TITLES = {
    "login": "Trang đăng nhập",
    "list": "Trang danh sách",
    "detail": "Trang chi tiết",
    "reply": "Biểu mẫu trả lời",
    "encoding": "Bảng mã của trang (khi trang khai sai)",
    "end_mark": "Dấu hiệu hết trang",
    "challenge": "Dấu hiệu đòi xác minh người thật",
}
_TEXTS = frozenset(("encoding", "end_mark", "challenge"))
_LIMITS: Mapping[str, Any] = {
    "max_pages": {
        "type": "integer",
        "minimum": 2,
        "title": "Số trang danh sách đọc nhiều nhất mỗi lần",
        "default": 50,
        "order": 5,
    },
    "overlap_pages": {
        "type": "integer",
        "minimum": 0,
        "title": "Số trang đọc thêm sau trang không có gì mới",
        "default": 1,
        "order": 6,
    },
    "sweep_pages": {
        "type": "integer",
        "minimum": 0,
        "title": "Số trang cũ soát lại mỗi lần",
        "description": "Phát hiện phản ánh cũ được sửa mà không lên đầu danh sách.",
        "default": 1,
        "order": 7,
    },
    "history_pages": {
        "type": "integer",
        "minimum": 0,
        "title": "Số trang cũ đọc khi mới kết nối",
        "description": "0 là đọc hết; phần còn lại có thể lấy sau bằng việc nạp bù.",
        "default": 0,
        "order": 8,
    },
    "max_tracked": {
        "type": "integer",
        "minimum": 100,
        "title": "Số phản ánh nhớ để nhận ra thay đổi",
        "default": 5000,
        "order": 9,
    },
    "may_be_empty": {
        "type": "boolean",
        "title": "Danh sách có thể trống sau khi đã có phản ánh",
        "description": "Bật khi trang chỉ liệt kê phản ánh chưa xử lý.",
        "default": False,
        "order": 10,
    },
}


def _layout(faces: tuple[str, ...]) -> dict[str, Any]:
    parts = {
        key: {"type": "string" if key in _TEXTS else "object", "title": _PART_TITLES[key]}
        for key in meanings(Layout)
    }
    chosen = (
        {
            "enum": [*faces, "none"],
            "title": "Mẫu bố cục",
            "default": faces[0],
            "labels": {"none": "Không theo mẫu nào"},
        }
        if faces
        else None
    )
    return {
        "type": "object",
        "title": "Bố cục trang",
        "description": (
            "Những chỗ trang này khác mẫu có sẵn: đường dẫn, bộ chọn CSS, nhãn, dạng ngày giờ. "
            "Chỉ ghi chỗ khác."
        ),
        "order": 4,
        "additionalProperties": False,
        "properties": {**({"preset": chosen} if chosen else {}), **parts},
        "default": {},
    }
