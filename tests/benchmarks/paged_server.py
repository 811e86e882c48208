"""A portal with a paged JSON list, as long as asked for, in a process whose CPU is not counted.

    python -m tests.benchmarks.paged_server --count 100000        prints its address, serves until killed

    GET /reports?page=3&size=500    {"total": 100000, "data": [...]}, oldest first

The reports are those of `stored`: a city that grows corner by corner and period by period, never the same
ten thousand again. Parts are made when they are first asked for, and two of them are held.
"""

from __future__ import annotations

import argparse
import json
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.benchmarks import stored, streams
from tests.benchmarks.streams import HELD

CIRCLE = stored.MOST_WARDS // stored.WARDS_A_PART


@lru_cache(maxsize=2)
def part(number: int, parts: int) -> list[bytes]:
    """The reports of one part as JSON, oldest first."""
    place = number % CIRCLE
    made = streams.stream(HELD, stored.PART, stored.SEED + number, stored.DAYS, stored._corner(place))
    stored._shift(made, place, (parts - 1 - number) // CIRCLE)
    made.sort(key=lambda one: one.row["received_at"])
    return [_row(one.row, number * stored.PART + at) for at, one in enumerate(made, start=1)]


def _row(row: dict[str, Any], number: int) -> bytes:
    shown = {
        "id": number,
        "title": row["subject"],
        "content": row["body"],
        "address": row["address"],
        "lat": row["lat"],
        "lng": row["lng"],
        "ward": row["ward"],
        "topic": row["category"],
        "phone": row["reporter_phone"],
        "sent": row["received_at"],
        "state": "Chưa xử lý",
    }
    return json.dumps(shown, ensure_ascii=False).encode()


class Handler(BaseHTTPRequestHandler):
    """One page a request."""

    protocol_version = "HTTP/1.1"
    count = 0

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        page, size = int(asked["page"][0]), int(asked["size"][0])
        first, last = (page - 1) * size, min(page * size, self.count)
        parts = -(-self.count // stored.PART)
        rows: list[bytes] = []
        for at in range(first, max(first, last), size):
            while at < last:
                number, inside = divmod(at, stored.PART)
                taken = part(number, parts)[inside : inside + last - at]
                rows += taken
                at += len(taken)
        body = b'{"total":%d,"data":[%s]}' % (self.count, b",".join(rows))
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    Handler.count = parser.parse_args().count
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
