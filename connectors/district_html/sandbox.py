"""A simulated officers' portal with two faces: rows in a table, or cards.

Scenario keys, all optional: ``reports`` (neutral), ``face`` (``table`` or ``cards``), ``username``,
``password``, ``page_size``, ``session_requests`` (a session ends after so many pages), ``charset``
(``utf-8`` or ``windows-1258``), ``nfd`` (texts in decomposed form), ``order`` (``changed``: an edited
report moves to the top; ``created``: it stays where it is), ``file_input`` (the form's field for files as
HTML, where it is not the face's), ``max_upload`` (bytes of files above which the server answers 413).

As on real portals: an ended session gets the login page with status 200 whatever was asked for; the
form's token is checked and used up; a page past the end is empty on one face and the last page again
on the other; the same answer is taken twice and shown twice. What may surprise: `redesigned` may be
set at run time to ``list``, ``detail``, ``label`` or ``empty``, to see whether a connector notices, and
`forms_too_old` to the number of forms whose token is to count as used up.
"""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from werkzeug.utils import redirect

from aggregator.sdk.sandbox import Portal, Request, Response, SimReport
from aggregator.sdk.simulated import SimFile
from connectors.district_html.faces import FACES, Face, Shown

_COOKIE = "PHIEN"
_TOKENS_KEPT = 50
_TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")


def build(scenario: Mapping[str, Any], state_file: Path | None = None) -> Portal:
    """The simulated portal of a scenario."""
    return SimulatedDistrict(scenario, state_file)


def settings_for(url: str, scenario: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A channel's settings and secrets that fit the simulated portal at `url`."""
    config = {
        "base_url": url,
        "username": scenario.get("username", "canbo"),
        "layout": {"preset": scenario.get("face", "table")},
    }
    return config, {"password": scenario.get("password", "mat-khau-thu")}


class SimulatedDistrict(Portal):
    """Login, token, list, pages, files and a reply form, in HTML only."""

    kind = "district_html"

    def __init__(self, scenario: Mapping[str, Any], state_file: Path | None) -> None:
        super().__init__(state_file=state_file)
        self.scenario = dict(scenario)
        config, secrets = settings_for("", scenario)
        self.account = (config["username"], secrets["password"])
        self.face: Face = FACES[scenario.get("face", "table")]
        self.page_size = int(scenario.get("page_size", 10))
        self.redesigned = ""
        self.forms_too_old = 0
        paths = self.face.paths
        self.route(paths["login"], ["GET", "POST"])(self._login)
        self.route(paths["list"])(self._list)
        self.route(paths["detail"])(self._detail)
        self.route(paths["reply"], ["POST"])(self._reply)
        self.route(paths["file"])(self._file)
        self.load([report for report in scenario.get("reports", ()) if str(report["id"]) not in self.reports])

    # -- sessions and tokens ---------------------------------------------------------------------

    def _mark(self, kind: str) -> str:
        number = self.store[kind] = int(self.store.get(kind, 0)) + 1
        return hashlib.sha256(f"{kind} {number}".encode()).hexdigest()[:32]

    def _token(self) -> str:
        token = self._mark("token")
        self.store["tokens"] = [*self.store.get("tokens", []), token][-_TOKENS_KEPT:]
        return token

    def _spend(self, token: str | None) -> bool:
        tokens: list[str] = self.store.get("tokens", [])
        if token not in tokens:
            return False
        self.store["tokens"] = [kept for kept in tokens if kept != token]
        return True

    def _login(self, request: Request) -> Response:
        if request.method == "GET":
            return self._page(self.face.login(self._token()))
        face, form = self.face, request.form
        if not self._spend(form.get(face.names["token"])):
            return self._page(face.login(self._token(), "Phiên làm việc không hợp lệ"))
        if (form.get(face.names["user"]), form.get(face.names["password"])) != self.account:
            return self._page(face.login(self._token(), "Sai tên đăng nhập hoặc mật khẩu"))
        session = self._mark("session")
        self.sessions[session] = str(self.account[0])
        self.store.setdefault("uses", {})[session] = 0
        self.save()
        response = redirect(face.list_path(0), 303, Response)
        response.set_cookie(_COOKIE, session, httponly=True)
        return response

    def _signed_in(self, request: Request) -> bool:
        session = request.cookies.get(_COOKIE, "")
        if session not in self.sessions:
            return False
        uses = self.store.setdefault("uses", {})
        uses[session] = int(uses.get(session, 0)) + 1
        limit = self.scenario.get("session_requests")
        if limit and uses[session] > int(limit):
            del self.sessions[session]
            return False
        return True

    # -- pages -----------------------------------------------------------------------------------

    def _list(self, request: Request, page: int | None = None) -> Response:
        if not self._signed_in(request):
            return self._page(self.face.login(self._token()))
        number = self.face.page_number(page, request)
        if self.take("repeat_page", request.path):
            number = 0
        found = self.newest_first()
        if self.scenario.get("order") == "created":
            found.sort(key=lambda report: (report.created, report.id), reverse=True)
        last = max(0, (len(found) - 1) // self.page_size)
        if self.face.last_page_again:
            number = min(number, last)
        part = found[number * self.page_size :][: self.page_size]
        bad = len(part) // 2 if part and self.take("bad_record", request.path) else None
        if self.redesigned == "empty":
            return self._page(self.face.listing([], 0, None))
        html = self.face.listing([self._shown(report) for report in part], len(found), bad)
        return self._page(html.replace(*self.face.redesign["list"]) if self.redesigned == "list" else html)

    def _detail(self, request: Request, report_id: str | None = None) -> Response:
        if not self._signed_in(request):
            return self._page(self.face.login(self._token()))
        report = self.reports.get(report_id or request.args.get("ma", ""))
        if report is None:
            return self._page("<!doctype html><title>404</title><p>Không tìm thấy</p></html>", 404)
        return self._shown_detail(request, report, "sent" if request.args.get("xong") else "")

    def _shown_detail(self, request: Request, report: SimReport, notice: str) -> Response:
        bad = self.take("bad_record", request.path) is not None
        html = self.face.detail(self._shown(report), self._token(), notice, bad)
        if self.redesigned in ("detail", "label"):
            html = html.replace(*self.face.redesign[self.redesigned])
        return self._page(html)

    def _reply(self, request: Request, report_id: str | None = None) -> Response:
        if not self._signed_in(request):
            return self._page(self.face.login(self._token()))
        names, form = self.face.names, request.form
        report = self.reports.get(report_id or form.get("ReportId", ""))
        if report is None:
            return self._page("<!doctype html><title>404</title></html>", 404)
        body = form.get(names["body"], "").strip()
        status = self.face.status_of(form.get(names["status"], ""))
        fresh = self._spend(form.get(names["token"]))
        files = self._files_of(request)
        if sum(file.size for file in files) > int(self.scenario.get("max_upload", 20_000_000)):
            return Response("<h1>413 Request Entity Too Large</h1>", 413, content_type="text/html")
        if self.forms_too_old or not fresh:
            self.forms_too_old = max(0, self.forms_too_old - 1)
            return self._shown_detail(request, report, "stale")
        if report.status in ("rejected", "duplicate") or not body or status is None:
            return self._shown_detail(request, report, "refused")
        author = form.get(names.get("author", ""), "") or "Cán bộ trực"
        self.answer(report.id, body, author, status, files)
        if self.face.redirects:
            return redirect(f"{self.face.detail_path(report.id)}?xong=1", 303, Response)
        return self._shown_detail(request, self.reports[report.id], "sent")

    def _files_of(self, request: Request) -> list[SimFile]:
        sent = request.files.getlist(self.face.names["files"])
        return [SimFile.taken(one.filename or "", one.mimetype, one.read()) for one in sent if one.filename]

    def _file(self, request: Request, report_id: str, number: int, name: str = "") -> Response:
        if not self._signed_in(request):
            return self._page(self.face.login(self._token()))
        report = self.reports.get(report_id)
        if report is None or number >= len(report.attachments):
            return Response("", 404)
        file = report.attachments[number]
        return Response(base64.b64decode(file["base64"]), content_type=file["content_type"])

    def _shown(self, report: SimReport) -> Shown:
        return Shown(report, tuple(self.answers.get(report.id, ())))

    def _page(self, html: str, status: int = 200) -> Response:
        if "file_input" in self.scenario:  # a portal with another field for files, or with none
            html = html.replace(self.face.file_input, str(self.scenario["file_input"]))
        if self.scenario.get("nfd"):
            html = unicodedata.normalize("NFD", html)
        charset = str(self.scenario.get("charset", "utf-8"))
        content = html.encode() if charset == "utf-8" else encode_1258(html)
        return Response(content, status, content_type=f"text/html; charset={charset}")


def encode_1258(text: str) -> bytes:
    """The text as old Windows programs write it: base letter, then the tone as a mark of its own."""
    pieces: list[bytes] = []
    for letter in unicodedata.normalize("NFC", text):
        marks = unicodedata.normalize("NFD", letter)
        tone = "".join(mark for mark in marks if mark in _TONES)
        base = unicodedata.normalize("NFC", "".join(mark for mark in marks if mark not in _TONES))
        spelled = letter if _fits(letter) else base + tone
        pieces.append(spelled.encode("cp1258", "xmlcharrefreplace"))
    return b"".join(pieces)


def _fits(letter: str) -> bool:
    try:
        letter.encode("cp1258")
    except UnicodeEncodeError:
        return False
    return True
