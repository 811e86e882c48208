"""A JSON portal of no one's in particular, over real HTTP, and manifests that describe it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.sdk.contract import Batch, Context, Cursor, Manifest
from aggregator.sdk.json_portal import JsonPortal
from aggregator.sdk.manifest import manifest_of
from aggregator.sdk.sandbox import Portal, Request, Response, reply

NOW = datetime(2026, 1, 20, 1, 0, tzinfo=UTC)
MAP = {
    "external_id": "code",
    "occurred_at": "sent | date('%d/%m/%Y %H:%M')",
    "updated_at": "changed",
    "subject": "title",
    "body": "text",
    "category_raw": "topic.name",
    "status_raw": "state",
    "person": {"name": "from.name", "phone": "from.phone"},
    "location": {"address": "place", "lat": "lat", "lng": "lng"},
}


def line(number: int, **more: Any) -> dict[str, Any]:
    """One record as the portal has it; reports are a minute apart."""
    at = datetime(2026, 1, 5, 8, 0, tzinfo=UTC) + timedelta(minutes=number)
    return {
        "code": f"PA-{number}",
        "sent": f"{at:%d/%m/%Y %H:%M}",
        "changed": f"{at:%Y-%m-%dT%H:%M:%S}+07:00",
        "title": f"Đèn đường hỏng {number}",
        "text": "Đèn trước số 12 không sáng đã ba đêm.",
        "topic": {"name": "Chiếu sáng"},
        "state": "Mới",
        "from": {"name": "Trần Thị Mẫu", "phone": "0900000001"},
        "place": "12 đường Mẫu",
        "lat": 10.77,
        "lng": "106.70",
        **more,
    }


class Lists(Portal):
    """Lists under every kind of paging, a sign-in, details; `lines` are its records."""

    kind = "lists"

    def __init__(self, lines: list[Any], size: int = 10) -> None:
        super().__init__()
        self.lines, self.size = lines, size
        self.asked: list[dict[str, str]] = []
        self.envelope: dict[str, Any] = {}
        self.route("/list")(self.by_page)
        self.route("/offset")(self.by_offset)
        self.route("/token")(self.by_token)
        self.route("/next")(self.by_next)
        self.route("/link")(self.by_link)
        self.route("/all")(self.whole)
        self.route("/item/<id_>")(self.item)

    def _since(self, request: Request) -> list[Any]:
        self.asked.append(dict(request.args))
        since = request.args.get("since")
        return [
            one for one in self.lines if since is None or not isinstance(one, dict) or one["changed"] >= since
        ]

    def _answer(self, chosen: list[Any], start: int, **more: Any) -> Response:
        data = {"items": chosen[start : start + self.size], "total": len(chosen), **more, **self.envelope}
        return reply(data)

    def by_page(self, request: Request) -> Response:
        chosen = self._since(request)
        pages = max(1, -(-len(chosen) // self.size))
        number = min(int(request.args.get("page", 1)), pages)  # past the end: the last page again
        if self.take("repeat_page", request.path):
            number = 1
        return self._answer(chosen, (number - 1) * self.size, pages=pages)

    def by_offset(self, request: Request) -> Response:
        return self._answer(self._since(request), int(request.args.get("offset", 0)))

    def by_token(self, request: Request) -> Response:
        chosen, start = self._since(request), int(request.args.get("token", "0"))
        end = start + self.size
        return self._answer(chosen, start, next=str(end) if end < len(chosen) else str(start))

    def by_next(self, request: Request) -> Response:
        chosen, start = self._since(request), int(request.args.get("at", "0"))
        end = start + self.size
        return self._answer(chosen, start, next=f"/next?at={end}" if end < len(chosen) else None)

    def by_link(self, request: Request) -> Response:
        chosen, start = self._since(request), int(request.args.get("at", "0"))
        end = start + self.size
        answer = self._answer(chosen, start)
        if end < len(chosen):
            answer.headers["Link"] = f'</link?at=0>; rel="first", </link?at={end}>; rel="next"'
        return answer

    def whole(self, request: Request) -> Response:
        self.asked.append(dict(request.args))
        return reply(self.lines)

    def item(self, request: Request, id_: str) -> Response:
        found = next((one for one in self.lines if isinstance(one, dict) and one["code"] == id_), None)
        return reply({"data": found}) if found else reply({"message": "không có"}, 404)


def manifest(source: Mapping[str, Any], push: Mapping[str, Any] | None = None, **more: Any) -> Manifest:
    """A manifest of kind json around a source section."""
    given = {"map": MAP, **copy.deepcopy(dict(source))}
    data = {
        "id": "lists",
        "version": "1.0",
        "api": 1,
        "title": {"vi": "Cổng mẫu", "en": "Sample portal"},
        "description": {"vi": "Cổng mẫu", "en": "Sample portal"},
        "maintainer": "Một Mối",
        "kind": "json",
        "source": given,
        "status_map": {"Mới": "new", "Xong": "resolved"},
        **more,
    }
    if push:
        data["push"] = dict(push)
    return manifest_of(data, Path())


def stream(path: str = "/list", **more: Any) -> dict[str, Any]:
    """A stream section."""
    return {"request": {"path": path}, "records": "items", **more}


def portal_of(source: Mapping[str, Any], push: Mapping[str, Any] | None = None, **more: Any) -> JsonPortal:
    """The connector of a source section."""
    return JsonPortal(manifest(source, push, **more))


def ids(batches: list[Batch]) -> list[str]:
    """The records' ids in their order."""
    return [record.external_id for batch in batches for record in batch.records]


def polled(connector: JsonPortal, ctx: Context, cursor: Cursor | None = None) -> list[Batch]:
    """A whole poll."""
    return list(connector.poll(ctx, cursor))
