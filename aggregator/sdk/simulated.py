"""What a simulated portal holds: neutral reports, the answers given to them, and its planned faults.

Reports are in our words (ISO times, `SourceStatus` values); each portal dresses them in its own
field names, codes and date formats. Invented people only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

__all__ = [
    "FAULTS",
    "LOGIN_PAGE",
    "MAINTENANCE_PAGE",
    "Fault",
    "SimAnswer",
    "SimFile",
    "SimReport",
    "instant",
]

FAULTS = frozenset(
    (
        "outage",
        "status",
        "latency",
        "truncate",
        "login_page",
        "maintenance",
        "commit_then_drop",
        "expire_sessions",
        "oversize",
        "bad_record",
        "repeat_page",
    )
)

LOGIN_PAGE = """<!doctype html><html lang="vi"><head><title>Đăng nhập</title></head><body>
<form method="post" action="/login"><label>Tên đăng nhập <input name="username"></label>
<label>Mật khẩu <input type="password" name="password"></label><button>Đăng nhập</button></form>
</body></html>"""
MAINTENANCE_PAGE = """<!doctype html><html lang="vi"><head><title>Bảo trì hệ thống</title></head>
<body><h1>Hệ thống đang bảo trì</h1><p>Vui lòng quay lại sau.</p></body></html>"""


@dataclass(slots=True)
class SimReport:
    """One report as the simulated portal holds it. Invented people only."""

    id: str
    subject: str
    body: str = ""
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    anonymous: bool = False
    address: str | None = None
    area: str | None = None
    ward_code: str | None = None
    lat: float | None = None
    lng: float | None = None
    category: str | None = None
    urgency: str | None = None
    created: datetime = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
    due: datetime | None = None
    #: A `SourceStatus` value; the portal shows its own word for it.
    status: str = "new"
    #: ``{filename, base64, content_type}`` each.
    attachments: list[dict[str, Any]] = field(default_factory=list)
    updated: datetime | None = None

    @property
    def changed(self) -> datetime:
        """When the portal last changed it."""
        return max(self.updated, self.created) if self.updated else self.created

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> SimReport:
        """From a neutral dictionary; raises `ValueError` naming what is wrong."""
        known = {name: data[name] for name in cls.__slots__ if name in data}
        unknown = sorted(set(data) - set(known))
        if unknown or "id" not in known or "subject" not in known:
            raise ValueError(f"a report needs id and subject; unknown: {unknown}")
        for name in ("created", "due", "updated"):
            if known.get(name) is None:
                known.pop(name, None)
            else:
                known[name] = instant(known[name])
        known["id"] = str(known["id"])
        return cls(**known)

    def neutral(self) -> dict[str, Any]:
        """The dictionary that `of` reads."""
        return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class SimFile:
    """A file that came with an answer."""

    filename: str
    content_type: str
    size: int
    sha256: str

    @property
    def is_picture(self) -> bool:
        return self.content_type.startswith("image/")

    @classmethod
    def taken(cls, filename: str, content_type: str, content: bytes) -> SimFile:
        """Of the bytes that came."""
        return cls(filename, content_type, len(content), hashlib.sha256(content).hexdigest())


@dataclass(frozen=True, slots=True)
class SimAnswer:
    """One answer that the portal shows to the citizen."""

    body: str
    at: datetime
    author: str = ""
    #: The files that stand under it, by name, type, size and hash.
    files: tuple[SimFile, ...] = ()

    def neutral(self) -> dict[str, Any]:
        """As the control API shows it."""
        shown = {"body": self.body, "at": self.at.isoformat(), "author": self.author}
        return shown | ({"files": [asdict(file) for file in self.files]} if self.files else {})

    @classmethod
    def of(cls, data: Mapping[str, Any], usual: datetime | None = None) -> SimAnswer:
        """From what `neutral` shows; `usual` is when it was given where that is not said."""
        files = tuple(SimFile(**file) for file in data.get("files", ()))
        return cls(data["body"], instant(data.get("at") or usual), data.get("author", ""), files)


@dataclass(slots=True)
class Fault:
    """Something that goes wrong for the next `count` fitting requests; None is until deleted."""

    kind: str
    count: int | None = 1
    path: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Fault:
        """From a control request; raises `ValueError`."""
        options = dict(data)
        kind, count, path = options.pop("kind", None), options.pop("count", 1), options.pop("path", None)
        if kind not in FAULTS:
            raise ValueError(f"unknown fault {kind!r}; one of {', '.join(sorted(FAULTS))}")
        re.compile(path or "")
        return cls(kind, count, path, options)

    def fits(self, path: str) -> bool:
        """Whether this request is one of those meant."""
        return self.count != 0 and (self.path is None or re.search(self.path, path) is not None)

    def use(self) -> Fault:
        """Count one use down."""
        if self.count is not None:
            self.count -= 1
        return self


def instant(value: Any) -> datetime:
    """An aware instant from ISO text; `ValueError` where it has no zone."""
    at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if at.tzinfo is None:
        raise ValueError(f"a time without zone: {value}")
    return at.astimezone(UTC)
