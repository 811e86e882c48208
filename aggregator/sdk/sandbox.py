"""Simulated portals: what demos, tests and load runs talk to, over real HTTP.

    request -> /_control? -> fault in place of an answer? -> route -> saved -> fault that spoils it?

Promise: what a portal has taken is on disk before its answer leaves (where `state_file` is given),
so that a killed portal comes back as it was, and a test may ask `/_control/state` what citizens
would see. What may surprise: reports here are *neutral* (our words, ISO times, `SourceStatus`
values); each portal dresses them in its own field names, codes and date formats. A portal serves
one request at a time, as its lock says; only latency is waited for outside the lock.

The control API, for tests and demos in any language:

    GET    /_control/state    {kind, reports: [...], answers: {external_id: [{body, at, author}]},
                               requests, writes, faults: [...]}
    POST   /_control/reports  a list of neutral reports; an id that is there is replaced (an edit)
    DELETE /_control/reports  a list of ids: the portal has these reports no more
    POST   /_control/answers  {id, answers: [{body, at, author}], status or null}: somebody worked at the
                              portal itself, and this is what it shows from now on
    POST   /_control/faults   {kind, count: n or null (until deleted), path: regex or null, ...}
    DELETE /_control/faults   all is well again

Faults: ``outage`` (closed without an answer), ``status`` (code, retry_after), ``latency`` (seconds,
at most 30), ``truncate``, ``login_page`` (200), ``maintenance`` (200), ``commit_then_drop`` (the
write happens, its answer is lost, after `seconds` of silence), ``expire_sessions``, ``oversize``
(bytes), and two that a portal's own pages carry out: ``bad_record`` and ``repeat_page``.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.serving import BaseWSGIServer, ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from aggregator.sdk.simulated import LOGIN_PAGE, MAINTENANCE_PAGE, Fault, SimAnswer, SimFile, SimReport

__all__ = [
    "Fault",
    "Portal",
    "Request",
    "Response",
    "Running",
    "SimAnswer",
    "SimFile",
    "SimReport",
    "header",
    "page",
    "reply",
    "serve",
]

_MAX_LATENCY_S = 30.0
_DROPPED, _SENT = "motmoi.dropped", "motmoi.headers"


class Portal:
    """A simulated portal as a WSGI application. A connector's `sandbox.build` makes one."""

    kind = "portal"

    def __init__(
        self, *, state_file: Path | None = None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.reports: dict[str, SimReport] = {}
        self.answers: dict[str, list[SimAnswer]] = {}
        #: Session token -> login name. Kept over a restart, as a portal's database would.
        self.sessions: dict[str, str] = {}
        #: Whatever else a portal must remember; plain JSON.
        self.store: dict[str, Any] = {}
        self.faults: list[Fault] = []
        self.requests = 0
        self.writes = 0
        self._state_file = state_file
        self._rules = Map([], strict_slashes=False)
        #: Where set, every answer of the portal's own pages goes through it: how a changed portal is played.
        self.rewrite: Callable[[Request, Response], Response] | None = None
        self.closing = threading.Event()
        if state_file is not None and state_file.exists():
            self._restore(json.loads(state_file.read_text("utf-8")))

    # -- what a portal's author uses -------------------------------------------------------------

    def route(self, rule: str, methods: Iterable[str] = ("GET",)) -> Callable[[_Handler], _Handler]:
        """Register ``handler(request, **parts) -> Response`` for a path such as ``/gopy/<id>``."""

        def register(handler: _Handler) -> _Handler:
            self._rules.add(Rule(rule, endpoint=handler, methods=list(methods)))
            return handler

        return register

    def load(self, reports: Iterable[Mapping[str, Any]]) -> int:
        """Take neutral reports, replacing those with a known id; returns how many."""
        taken = [SimReport.of(data) for data in reports]
        with self.lock:
            for report in taken:
                if report.id in self.reports and report.updated is None:
                    report.updated = self.clock()
                self.reports[report.id] = report
            self.save()
        return len(taken)

    def answer(
        self, report_id: str, body: str, author: str = "", status: str | None = None,
        files: Iterable[SimFile] = (),
    ) -> SimAnswer:  # fmt: skip
        """Write an answer down with its files (and the new status); saved when this returns."""
        with self.lock:
            given = SimAnswer(body, self.clock(), author, tuple(files))
            self.answers.setdefault(report_id, []).append(given)
            report = self.reports[report_id]
            self.reports[report_id] = replace(report, status=status or report.status, updated=given.at)
            self.wrote()
        return given

    def work_at(
        self,
        id: str,
        answers: Iterable[Mapping[str, Any]],
        status: str | None = None,
    ) -> int:
        """Somebody works at the portal itself: the answers it shows from now on, and the status."""
        with self.lock:
            now, report = self.clock(), self.reports[id]
            self.answers[id] = [SimAnswer.of(one, now) for one in answers]
            self.reports[id] = replace(report, status=status or report.status, updated=now)
            self.save()
            return len(self.answers[id])

    def lose(self, ids: Iterable[str]) -> int:
        """Reports that the portal has no more; how many it had."""
        with self.lock:
            lost = sum(self.reports.pop(one, None) is not None for one in ids)
            self.save()
        return lost

    def wrote(self) -> None:
        """A request changed the portal: count it and save."""
        self.writes += 1
        self.save()

    def newest_first(self) -> list[SimReport]:
        """The reports by last change."""
        return sorted(self.reports.values(), key=lambda r: (r.changed, r.id), reverse=True)

    def take(self, kind: str, path: str) -> Fault | None:
        """The next fault of this kind for this path, used up once."""
        with self.lock:
            fault = next((f for f in self.faults if f.kind == kind and f.fits(path)), None)
            return fault.use() if fault else None

    # -- one request -----------------------------------------------------------------------------

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        response = self._dispatch(request)
        if environ.get(_DROPPED):
            _drop(environ)
        return response(environ, start_response)

    def _dispatch(self, request: Request) -> Response:
        if request.path.startswith("/_control/"):
            return self._control(request)
        with self.lock:
            self.requests += 1
        if slow := self.take("latency", request.path):
            self._wait(slow)
        instead = self._instead(request)
        if instead is not None:
            return instead
        with self.lock:
            before = self.writes
            response = self._handle(request)
            wrote = self.writes != before
        if self.rewrite is not None:
            response = self.rewrite(request, response)
        if wrote and (fault := self.take("commit_then_drop", request.path)):
            self._wait(fault)
            request.environ[_DROPPED] = True
        elif self.take("truncate", request.path):
            _truncate(response)
        return response

    def _handle(self, request: Request) -> Response:
        try:
            rule, parts = self._rules.bind_to_environ(request.environ).match()
            answer: Response = rule(request, **parts)
            return answer
        except HTTPException as error:
            return Response.force_type(error.get_response(request.environ), request.environ)

    def _instead(self, request: Request) -> Response | None:
        """The answer of a fault that keeps the request from the portal's own code."""
        path = request.path
        if self.take("outage", path):
            request.environ[_DROPPED] = True
            return Response()
        if self.take("expire_sessions", path):
            with self.lock:
                self.sessions.clear()
                self.save()
        if fault := self.take("status", path):
            wait = fault.options.get("retry_after")
            headers = {} if wait is None else {"Retry-After": str(wait)}
            return Response("fault", status=int(fault.options.get("code", 500)), headers=headers)
        if self.take("login_page", path):
            return page(LOGIN_PAGE)
        if self.take("maintenance", path):
            return page(MAINTENANCE_PAGE)
        if fault := self.take("oversize", path):
            return _oversize(int(fault.options.get("bytes", 50_000_000)))
        return None

    def _wait(self, fault: Fault) -> None:
        self.closing.wait(min(float(fault.options.get("seconds", 0)), _MAX_LATENCY_S))

    # -- the control API -------------------------------------------------------------------------

    def _control(self, request: Request) -> Response:
        verb = (request.method, request.path.removeprefix("/_control/").rstrip("/"))
        try:
            with self.lock:
                if verb == ("GET", "state"):
                    return reply(self.state())
                if verb == ("POST", "reports"):
                    return reply({"taken": self.load(_listed(request.get_json(force=True)))})
                if verb == ("DELETE", "reports"):
                    return reply({"gone": self.lose(_listed(request.get_json(force=True)))})
                if verb == ("POST", "answers"):
                    return reply({"answers": self.work_at(**request.get_json(force=True))})
                if verb == ("POST", "faults"):
                    self.faults.extend(Fault.of(f) for f in _listed(request.get_json(force=True)))
                    return reply({"faults": len(self.faults)})
                if verb == ("DELETE", "faults"):
                    self.faults.clear()
                    return reply({"faults": 0})
        except (ValueError, TypeError, KeyError, re.error) as error:
            return reply({"error": str(error)}, 400)
        return reply({"error": f"no such control: {' '.join(verb)}"}, 404)

    def state(self) -> dict[str, Any]:
        """What the control API shows."""
        return {
            "kind": self.kind,
            "reports": [report.neutral() for report in self.reports.values()],
            "answers": {id_: [a.neutral() for a in given] for id_, given in self.answers.items()},
            "requests": self.requests,
            "writes": self.writes,
            "faults": [asdict(f) for f in self.faults if f.count != 0],
        }

    # -- memory ----------------------------------------------------------------------------------

    def save(self) -> None:
        """Put everything that must outlive a kill on disk, in one rename."""
        if self._state_file is None:
            return
        kept = {**self.state(), "sessions": self.sessions, "store": self.store}
        fresh = self._state_file.with_suffix(".new")
        fresh.write_text(json.dumps(kept, ensure_ascii=False), "utf-8")
        fresh.replace(self._state_file)

    def _restore(self, kept: Mapping[str, Any]) -> None:
        self.reports = {r["id"]: SimReport.of(r) for r in kept["reports"]}
        self.answers = {id_: [SimAnswer.of(one) for one in given] for id_, given in kept["answers"].items()}
        self.sessions, self.store = dict(kept["sessions"]), dict(kept["store"])
        self.writes = int(kept["writes"])

    def close(self) -> None:
        """End every wait, so that the server can stop."""
        self.closing.set()


_Handler = Callable[..., Response]


def header(request: Request, name: str) -> str:
    """A header as it came, also one whose name has an underscore; empty where there is none."""
    return str(request.environ.get(_SENT, {}).get(name.lower(), ""))


def reply(data: Any, status: int = 200) -> Response:
    """A JSON answer."""
    body = json.dumps(data, ensure_ascii=False)
    return Response(body, status=status, content_type="application/json; charset=utf-8")


def page(html: str, status: int = 200) -> Response:
    """An HTML answer."""
    return Response(html, status=status, content_type="text/html; charset=utf-8")


def _listed(data: Any) -> list[Any]:
    return data if isinstance(data, list) else [data]


def _truncate(response: Response) -> None:
    """Half a body under the whole one's length: what a cut connection leaves."""
    body = response.get_data()
    response.response = [body[: len(body) // 2]]
    response.headers["Content-Length"] = str(len(body))


def _oversize(size: int) -> Response:
    def blocks() -> Iterator[bytes]:
        left = size
        while left > 0:
            yield b" " * min(left, 65_536)
            left -= 65_536

    answer = Response(blocks(), content_type="application/json")
    answer.content_length = size
    return answer


def _drop(environ: Mapping[str, Any]) -> None:
    """Close the connection without a word; the server's write after that goes nowhere."""
    connection = environ.get("werkzeug.socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


class _Quiet(WSGIRequestHandler):
    def make_environ(self) -> dict[str, Any]:
        """With the headers as they came: WSGI drops names with an underscore, which some APIs have."""
        return {
            **super().make_environ(),
            _SENT: {name.lower(): value for name, value in self.headers.items()},
        }

    def log(self, type: str, message: str, *args: Any) -> None:
        """A portal's access log is nobody's news."""


@dataclass(slots=True)
class Running:
    """A portal being served. `close` frees the port."""

    portal: Portal
    url: str
    _server: BaseWSGIServer
    _thread: threading.Thread

    def close(self) -> None:
        """Stop serving and give up the port."""
        self.portal.close()
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def serve(portal: Portal, port: int = 0, host: str = "127.0.0.1") -> Running:
    """Serve in a thread of this process; port 0 takes a free one."""
    portal.closing.clear()
    server = ThreadedWSGIServer(host, port, portal, handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    return Running(portal, f"http://{host}:{server.server_port}", server, thread)
