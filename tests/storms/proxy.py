"""The bad line between the product and one portal: real sockets, and a log of every request.

    accept -> read the request -> away? -> draw a fault -> forward, or not -> answer, or not

The portal behind it is well; whatever goes wrong goes wrong here. Each request moves the shared clock, so
that a busy hour takes time; faults that would wait do so by that clock, or until the other side gives up.
"""

from __future__ import annotations

import http.client
import random
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from aggregator.sdk.sandbox import Running
from aggregator.sdk.simulated import MAINTENANCE_PAGE
from tests.storms.portals import NUMBER, taken
from tests.storms.weather import CALM, LATEST_S, Weather

_HOP = ("connection", "transfer-encoding", "keep-alive", "date", "server")
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def number(self) -> str | None:
        """The answer that it carries; None for a request that only reads, or signs in."""
        found = NUMBER.search(self.body.decode("utf-8", "replace")) if self.method != "GET" else None
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. `refused`: the portal said no in so many words, so nothing is in doubt.

    `looked_for`: no request at all, a person who looked at the portal for this answer.
    """

    at: datetime
    asked: Asked
    fault: str
    refused: bool = False
    looked_for: str = ""


_NOTHING = Asked("", "", {}, b"")
Answer = tuple[int, list[tuple[str, str]], bytes]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, _request: Any, _address: Any) -> None:
        """The other side gave up first: that is its right."""


class Line:
    """One portal's proxy. It keeps its port while the portal is away."""

    def __init__(self, running: Running, weather: Weather, clock: Any, lock: threading.Lock) -> None:
        self.running, self.weather = running, weather
        self.clock, self._lock = clock, lock
        self.log: list[Entry] = []
        #: How the portal is away just now; empty: it is not.
        self.away = ""
        self._calm_until = clock()
        #: Writes that the portal gets later.
        self._late: list[tuple[datetime, Asked]] = []
        self._server: ThreadingHTTPServer | None = None
        self._listen(0)
        assert self._server is not None
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    # Away and back

    def leave(self, how: str) -> None:
        """The portal goes away: nobody listens any more, or only a page or an error answers."""
        self.away = how
        if how == "refused":
            self._deaf()

    def come_back(self) -> None:
        if self.away == "refused":
            self._listen(self.port)
        self.away = ""
        self.calm_down()

    def calm_down(self) -> None:
        """Nothing goes wrong for a while: what is measured then is the product."""
        self._calm_until = self.clock() + CALM

    def close(self) -> None:
        self._deaf()
        self.running.close()

    def _listen(self, port: int) -> None:
        self._server = _Server(("127.0.0.1", port), self._handler())
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()

    def _deaf(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    # One request

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        line = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _relay(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                asked = Asked(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
                line.relay(self, asked)

            do_GET = do_POST = do_PUT = _relay  # noqa: N815 (named by the standard library)

            def log_message(self, *_: Any) -> None:
                """The log is the line's own."""

        return Handler

    def relay(self, handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        calm = bool(self.away) or self.clock() < self._calm_until
        fault, die = self.weather.draw(asked.number, calm=calm)
        with self._lock:
            self.clock.wait(die.uniform(0.2, 1.2))
        self.mature()
        if self.away:
            self._note(asked, f"away: {self.away}")
            _while_away(handler, self.away)
            return
        _FAULTS[fault](self, handler, asked, die)

    def mature(self) -> None:
        """Hand over what the portal gets late, as far as its time has come."""
        with self._lock:
            due = [asked for at, asked in self._late if at <= self.clock()]
            self._late = [(at, asked) for at, asked in self._late if at > self.clock()]
        for asked in due:
            self._forward(asked)

    def _forward(self, asked: Asked) -> Answer:
        portal = urlsplit(self.running.url)
        connection = http.client.HTTPConnection(str(portal.hostname), portal.port, timeout=30)
        try:
            connection.request(asked.method, asked.path, asked.body, asked.headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _note(self, asked: Asked, fault: str, *, refused: bool = False) -> None:
        with self._lock:
            self.log.append(Entry(self.clock(), asked, fault, refused))

    # What can go wrong

    def fine(self, handler: BaseHTTPRequestHandler, asked: Asked, _die: random.Random) -> None:
        answer = self._forward(asked)
        self._note(asked, "", refused=400 <= answer[0] < 500)
        _give(handler, answer)

    def reset_before(self, handler: BaseHTTPRequestHandler, asked: Asked, _die: random.Random) -> None:
        self._note(asked, "reset before")
        _cut(handler)

    def reset_after(self, handler: BaseHTTPRequestHandler, asked: Asked, _die: random.Random) -> None:
        self._forward(asked)
        self._note(asked, "reset after")
        _cut(handler)

    def silence_before(self, handler: BaseHTTPRequestHandler, asked: Asked, _die: random.Random) -> None:
        self._note(asked, "silence before")
        _until_it_gives_up(handler)

    def silence_after(self, handler: BaseHTTPRequestHandler, asked: Asked, _die: random.Random) -> None:
        self._forward(asked)
        self._note(asked, "silence after")
        _until_it_gives_up(handler)

    def truncated(self, handler: BaseHTTPRequestHandler, asked: Asked, _die: random.Random) -> None:
        status, headers, body = self._forward(asked)
        self._note(asked, "truncated")
        _give(handler, (status, headers, body), cut_at=len(body) // 2)
        _cut(handler)

    def late_commit(self, handler: BaseHTTPRequestHandler, asked: Asked, die: random.Random) -> None:
        with self._lock:
            self._late.append((self.clock() + timedelta(seconds=die.uniform(1, LATEST_S)), asked))
        self._note(asked, "late commit")
        _cut(handler)

    def too_many(self, handler: BaseHTTPRequestHandler, asked: Asked, die: random.Random) -> None:
        self._note(asked, "429", refused=True)
        wait = str(die.randint(20, 90))
        _give(handler, (429, [("Content-Type", "text/plain"), ("Retry-After", wait)], b"slow down"))

    def maintenance_before(self, handler: BaseHTTPRequestHandler, asked: Asked, _die: random.Random) -> None:
        self._note(asked, "maintenance before")
        _give(handler, _PAGE)

    def maintenance_after(self, handler: BaseHTTPRequestHandler, asked: Asked, _die: random.Random) -> None:
        self._forward(asked)
        self._note(asked, "maintenance after")
        _give(handler, _PAGE)

    def unavailable(self, handler: BaseHTTPRequestHandler, asked: Asked, _die: random.Random) -> None:
        self._note(asked, "503")
        _give(handler, _DOWN)

    def session_expired(self, handler: BaseHTTPRequestHandler, asked: Asked, die: random.Random) -> None:
        self.running.portal.sessions.clear()
        self.fine(handler, asked, die)

    def person_looks(self, number: str) -> bool:
        """Whether the portal shows this answer, to somebody's own eyes."""
        with self._lock:
            self.log.append(Entry(self.clock(), _NOTHING, "", looked_for=number))
        return number in self.taken()

    # What the portal counts

    def taken(self) -> Any:
        return taken(self.running.portal)


_FAULTS: dict[str, Callable[..., None]] = {
    "": Line.fine,
    "reset before": Line.reset_before,
    "reset after": Line.reset_after,
    "silence before": Line.silence_before,
    "silence after": Line.silence_after,
    "truncated": Line.truncated,
    "late commit": Line.late_commit,
    "429": Line.too_many,
    "maintenance before": Line.maintenance_before,
    "maintenance after": Line.maintenance_after,
    "503": Line.unavailable,
    "session expired": Line.session_expired,
}
_PAGE: Answer = (200, [("Content-Type", "text/html; charset=utf-8")], MAINTENANCE_PAGE.encode())
_DOWN: Answer = (503, [("Content-Type", "text/plain")], b"down")


def _while_away(handler: BaseHTTPRequestHandler, how: str) -> None:
    if how == "refused":  # a connection from before: there is nobody behind it
        _cut(handler)
    else:
        _give(handler, _PAGE if how == "maintenance" else _DOWN)


def _give(handler: BaseHTTPRequestHandler, answer: Answer, cut_at: int | None = None) -> None:
    status, headers, body = answer
    handler.send_response_only(status)
    for name, value in headers:
        if name.lower() not in (*_HOP, "content-length"):
            handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[:cut_at])


def _cut(handler: BaseHTTPRequestHandler) -> None:
    """Reset the connection: what is under way is gone."""
    handler.close_connection = True
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    handler.connection.close()


def _until_it_gives_up(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.connection.settimeout(60)
    handler.connection.recv(1)
