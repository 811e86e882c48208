"""A simulated 1022 portal, with the quirks that the real ones were seen to have.

Scenario keys: ``reports``, ``accounts`` ({login: password}), ``auth`` (none | basic | jwt: who may
use /admin), ``agents`` (beginnings of the User-Agents let in; empty: all), ``sources`` (the closed
list of nguonGopY), ``unit`` ({id, name}), ``category_ids`` ({name: id}).

Quirks: 403 to unknown User-Agents; 406 to a demanded application/json; no maTinhTrangXuLy while in
progress; ngayHetHan empty or epoch milliseconds; ngayXuLy with ``.0``; day and hour as two texts in
Vietnam time; coordinates 0 where unknown; a page past the end repeats the last one; an unknown
source name is 404; a submitted report's id comes back under changing names, or not at all.
"""

from __future__ import annotations

import base64
import mimetypes
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.sdk.contract import SourceStatus
from aggregator.sdk.sandbox import Portal, Request, Response, SimAnswer, SimFile, SimReport, reply

__all__ = ["SCENARIO", "build", "settings_for"]

#: What the conformance suite judges the connector on: an officer's account, and several pages.
SCENARIO: Mapping[str, Any] = {
    "auth": "jwt",
    "accounts": {"lan": "mật-khẩu-thử"},
    "config": {"scope": "officer", "page_size": 5},
}

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_PROCESSING = "9"  # an officer's number of a report: its id behind a 9
_LABELS = {
    "CHUA_XU_LY": "Chưa xử lý",
    "DANG_XU_LY": "Đang xử lý",
    "CHUYEN_TIEP": "Đã chuyển tiếp",
    "DA_XU_LY": "Đã xử lý",
}
_CODES = {
    SourceStatus.NEW: "CHUA_XU_LY",
    SourceStatus.ACCEPTED: "DANG_XU_LY",
    SourceStatus.IN_PROGRESS: "DANG_XU_LY",
    SourceStatus.REOPENED: "DANG_XU_LY",
    SourceStatus.NEEDS_INFO: "DANG_XU_LY",
    SourceStatus.WAITING: "CHUYEN_TIEP",
    SourceStatus.RESOLVED: "DA_XU_LY",
    SourceStatus.REJECTED: "DA_XU_LY",
    SourceStatus.DUPLICATE: "DA_XU_LY",
}
_OURS = {
    "CHUA_XU_LY": "new",
    "DANG_XU_LY": "in_progress",
    "CHUYEN_TIEP": "waiting",
    "DA_XU_LY": "resolved",
}
_URGENCY = {"1": "Bình thường", "2": "Khẩn", "3": "Nhẹ"}
_Handler = Callable[..., Response]


def build(scenario: Mapping[str, Any], state_file: Path | None = None) -> Portal:
    """The simulated portal of a scenario; with `state_file` as it was when it was last killed."""
    portal = Portal1022(scenario, state_file)
    known = [r for r in scenario.get("reports", ()) if str(r["id"]) not in portal.reports]
    portal.load(known)
    return portal


def settings_for(url: str, scenario: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A channel's settings and secrets that fit the simulated portal at `url`: its first account."""
    auth = scenario.get("auth", "none")
    config = {"base_url": url, "auth": auth, **scenario.get("config", {})}
    login, password = next(iter(scenario.get("accounts", {}).items()), ("", ""))
    return config, {} if auth == "none" else {"username": login, "password": password}


class Portal1022(Portal):
    """Paths and field names as in the portal's description."""

    kind = "portal_1022"

    def __init__(self, scenario: Mapping[str, Any], state_file: Path | None = None) -> None:
        super().__init__(state_file=state_file)
        self.auth = str(scenario.get("auth", "none"))
        self.accounts: dict[str, str] = dict(scenario.get("accounts", {}))
        self.agents: list[str] = list(scenario.get("agents", ()))
        self.sources: list[str] = list(scenario.get("sources", ()))
        self.unit: dict[str, str] = {"id": "27142", "name": "UBND phường", **scenario.get("unit", {})}
        self._add_routes()

    def _add_routes(self) -> None:
        public, officer = self._public, self._officer
        self.route("/public/gopy")(public(self.listing))
        self.route("/public/gopy", ["POST"])(public(self.submit))
        self.route("/public/gopy/<id_>")(public(self.detail))
        self.route("/public/tep/<id_>/<int:number>/<name>")(public(self.file))
        self.route("/admin/login", ["POST"])(self._at_the_gate(self.login))
        self.route("/admin/me")(officer(self.me))
        self.route("/public/tra-loi/<int:number>/<name>")(public(self.answer_file))
        self.route("/admin/file", ["POST"])(officer(self.take_file))
        self.route("/admin/gopy")(officer(self.listing))
        self.route("/admin/xulythongtin/<number>")(officer(self.officer_detail))
        self.route("/admin/xulythongtin/<number>", ["PUT"])(officer(self.resolve))
        self.route("/admin/xuluthongtin/<number>/xuly", ["POST"])(officer(self.resolve))
        self.route("/admin/xuluthongtin/<number>/chuyentiep", ["POST"])(officer(self.forward))

    # -- who gets in -----------------------------------------------------------------------------

    def _at_the_gate(self, handler: _Handler) -> _Handler:
        @wraps(handler)
        def guarded(request: Request, **parts: Any) -> Response:
            agent = request.headers.get("User-Agent", "")
            if self.agents and not agent.startswith(tuple(self.agents)):
                return Response("<h1>403 Forbidden</h1>", status=403, content_type="text/html")
            if request.headers.get("Accept", "").startswith("application/json"):
                return reply({"error": "Not Acceptable"}, 406)
            return handler(request, **parts)

        return guarded

    def _public(self, handler: _Handler) -> _Handler:
        """Behind Basic authentication where the portal wants it on every request."""

        def guarded(request: Request, **parts: Any) -> Response:
            if self.auth == "basic" and not self._basic(request):
                return _unauthorised()
            return handler(request, **parts)

        return self._at_the_gate(guarded)

    def _officer(self, handler: _Handler) -> _Handler:
        def guarded(request: Request, **parts: Any) -> Response:
            if not self._signed_in(request):
                return _unauthorised()
            return handler(request, **parts)

        return self._at_the_gate(guarded)

    def _signed_in(self, request: Request) -> bool:
        if self.auth == "basic":
            return self._basic(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.auth == "none" or token in self.sessions

    def _basic(self, request: Request) -> bool:
        given = request.authorization
        if given is None or given.type != "basic" or given.username is None:
            return False
        return self.accounts.get(given.username) == given.password

    def login(self, request: Request) -> Response:
        given = request.get_json(force=True)
        name = str(given.get("tenDangNhap"))
        if name not in self.accounts or self.accounts[name] != given.get("matKhau"):
            return reply({"message": "Sai tên đăng nhập hoặc mật khẩu"}, 401)
        token = f"jwt.{secrets.token_hex(12)}.sig"
        self.sessions[token] = name
        self.save()
        return reply({"access_token": token, "token_type": "Bearer"})

    def me(self, request: Request) -> Response:
        return reply({"coQuanId": self.unit["id"], "tenCoQuan": self.unit["name"], "dichVuCong": False})

    # -- reading ---------------------------------------------------------------------------------

    def listing(self, request: Request) -> Response:
        args, officer = request.args, request.path.startswith("/admin")
        chosen = sorted(self.reports.values(), key=lambda r: _natural(r.id))
        if args.get("kieu", "desc") != "asc":
            chosen.reverse()
        if args.get("keyword"):
            chosen = [r for r in chosen if args["keyword"].lower() in f"{r.subject} {r.body}".lower()]
        if args.get("coquan") and args["coquan"] != self.unit["id"]:
            chosen = []
        first, last = (_day(args.get(name)) for name in ("tungay", "denngay"))
        chosen = [r for r in chosen if (not first or _local(r) >= first) and (not last or _local(r) <= last)]
        size = max(1, args.get("size", 15, int))
        pages = max(1, -(-len(chosen) // size))
        number = min(max(1, args.get("page", 1, int)), pages)  # past the end: the last page again
        if self.take("repeat_page", request.path):
            number = 1
        lines = [self._line(r, officer) for r in chosen[(number - 1) * size : number * size]]
        if self.take("bad_record", request.path):
            lines += _BAD_LINES
        return reply({"data": lines, "totalPages": pages, "totalElements": len(chosen)})

    def _line(self, report: SimReport, officer: bool) -> dict[str, Any]:
        # A word that we do not know goes out as it is: portals invent them.
        code = next((known for ours, known in _CODES.items() if ours == report.status), report.status)
        local = report.created.astimezone(_ZONE)
        line: dict[str, Any] = {
            "id": _wire_id(report.id),
            "tieuDe": report.subject,
            "noiDung": report.body,
            "tenChuDe": report.category,
            "tenCoQuan": self.unit["name"],
            "tinhTrangXuLy": _LABELS.get(code, code),
            "maTinhTrangXuLy": code,
            "ngayDienRa": f"{local:%d/%m/%Y}",
            "thoiGianDienRa": f"{local:%H:%M}",
            "noiDienRa": report.address,
            "tenPhuongXa": report.area,
            "capDoSuCo": report.urgency,
            "tenCapDoSuCo": _URGENCY.get(report.urgency or "", report.urgency),
            "hinhAnh": [self._file_url(report, n) for n in range(len(report.attachments))],
            "danhGia": None,
            "quanTam": self.requests % 7,  # a counter that moves by itself
            "binhLuan": 0,
        }
        if code == "DANG_XU_LY":
            del line["maTinhTrangXuLy"]
        if officer:
            line["xuLyThongTinId"] = _wire_id(_PROCESSING + report.id)
            line.update(daXem=True, xuatBan=True, latitude=report.lat or 0, longitude=report.lng or 0)
        return line

    def detail(self, request: Request, id_: str) -> Response:
        report = self.reports.get(id_)
        if report is None:
            bad = next((line for line in _BAD_LINES if line.get("id") == id_), None)
            return reply(bad, 200) if bad else reply({"message": "Không tìm thấy"}, 404)
        answers = self._handled(report)
        contact = {"tenDayDu": None if report.anonymous else report.name, "isAnDanh": report.anonymous}
        place = {"latitude": report.lat or 0, "longitude": report.lng or 0}
        line = self._line(report, officer=False)
        return reply({**line, **place, "thongTinLienHe": contact, "thongTinXuLy": answers})

    def officer_detail(self, request: Request, number: str) -> Response:
        report = self.reports.get(number.removeprefix(_PROCESSING))
        if report is None:
            return reply({"message": "Không tìm thấy"}, 404)
        answers = self._handled(report)
        due = report.due.astimezone(_ZONE) if report.due else None
        contact = {
            "tenDayDu": report.name,
            "soDienThoai": report.phone,
            "email": report.email,
            "isAnDanh": report.anonymous,
        }
        return reply(
            {
                "id": _wire_id(number),
                "gopY": {**self._line(report, officer=True), "thongTinXuLy": answers},
                "hanPhanHoi": f"{due:%d/%m/%Y}" if due else "",
                "ngayHetHan": int(due.timestamp() * 1000) if due else "",
                "maTinhTrangXuLyCuaDonVi": {"new": 1, "resolved": 3}.get(report.status, 2),
                "coQuanQuanLy": {"id": self.unit["id"], "ten": self.unit["name"], "coQuanQuanLyCha": None},
                "coQuanLienQuans": [],
                "thongTinLienHe": contact,
                "noiDungXuLy": answers[-1]["noiDungXuLy"] if answers else "",
                "tonDong": False,
                "chuyenTiepCon": [],
            }
        )

    def _handled(self, report: SimReport) -> list[dict[str, Any]]:
        given = self.answers.get(report.id, [])
        return [self._answer(report, number, answer) for number, answer in enumerate(given, 1)]

    def _answer(self, report: SimReport, number: int, answer: SimAnswer) -> dict[str, Any]:
        return {
            "xuLyId": f"{report.id}-{number}",
            "coQuanId": self.unit["id"],
            "tenCoQuan": answer.author or self.unit["name"],
            "ngayXuLy": f"{answer.at.astimezone(_ZONE):%Y-%m-%d %H:%M:%S}.0",
            "noiDungXuLy": answer.body,
            "hinhAnh": [url for url, file in self._laid_down(answer) if file.is_picture],
            "fileDinhKem": [url for url, file in self._laid_down(answer) if not file.is_picture],
            "soLuotDanhGia": self.requests % 5,
        }

    def _file_url(self, report: SimReport, number: int) -> str:
        return f"public/tep/{report.id}/{number}/{report.attachments[number]['filename']}"

    def file(self, request: Request, id_: str, number: int, name: str) -> Response:
        report = self.reports.get(id_)
        if report is None or number >= len(report.attachments):
            return reply({"message": "Không tìm thấy"}, 404)
        entry = report.attachments[number]
        kind = entry.get("content_type") or "application/octet-stream"
        return Response(base64.b64decode(entry["base64"]), content_type=kind)

    # -- writing ---------------------------------------------------------------------------------

    def _knows_source(self, given: Mapping[str, Any]) -> Response | None:
        name = given.get("nguonGopY")
        if name is None or not self.sources or name in self.sources:
            return None
        return reply({"message": f"NguonGopY {name} does not exist"}, 404)

    def resolve(self, request: Request, number: str) -> Response:
        given = request.get_json(force=True)
        report = self.reports.get(number.removeprefix(_PROCESSING))
        if report is None:
            return reply({"message": "Không tìm thấy"}, 404)
        unknown = self._knows_source(given)
        if unknown is not None:
            return unknown
        text, code = str(given.get("noiDungXuLy") or "").strip(), given.get("chuyenTrangThai")
        if not text or code not in _OURS:
            return reply({"message": "noiDungXuLy, chuyenTrangThai: không hợp lệ"}, 400)
        named = [*given.get("hinhAnhs", ()), *given.get("fileDinhKem", ())]
        if any(one.get("url") not in self.store.get("files", {}) for one in named):
            return reply({"message": "Tệp không tồn tại"}, 400)
        files = [SimFile(**self.store["files"][one["url"]]["file"]) for one in named]
        self.answer(report.id, text, self.unit["name"], _OURS[code], files)
        return reply({"msg": "OK"})

    def take_file(self, request: Request) -> Response:
        """A file for an answer to come: it lies here, and nobody is shown it yet."""
        given = request.get_json(force=True)
        content = base64.b64decode(given["base64Content"])
        kind = mimetypes.guess_type(given["ten"])[0] or "application/octet-stream"
        held = self.store.setdefault("files", {})
        url = f"public/tra-loi/{len(held) + 1}/{given['ten']}"
        file = SimFile.taken(given["ten"], kind, content)
        held[url] = {"file": asdict(file), "base64": given["base64Content"]}
        self.save()
        return reply({"url": url})

    def answer_file(self, request: Request, number: int, name: str) -> Response:
        held = self.store.get("files", {}).get(f"public/tra-loi/{number}/{name}")
        if held is None:
            return reply({"message": "Không tìm thấy"}, 404)
        return Response(base64.b64decode(held["base64"]), content_type=held["file"]["content_type"])

    def _laid_down(self, answer: SimAnswer) -> list[tuple[str, SimFile]]:
        """The addresses of an answer's files."""
        held = {one["file"]["sha256"]: url for url, one in self.store.get("files", {}).items()}
        return [(held[file.sha256], file) for file in answer.files]

    def forward(self, request: Request, number: str) -> Response:
        report = self.reports.get(number.removeprefix(_PROCESSING))
        if report is None:
            return reply({"message": "Không tìm thấy"}, 404)
        report.status, report.updated = "waiting", self.clock()
        self.wrote()
        return reply({"msg": "OK"})

    def submit(self, request: Request) -> Response:
        given = request.get_json(force=True)
        unknown = self._knows_source(given)
        if unknown is not None:
            return unknown
        number = max((int(i) for i in self.reports if i.isdigit()), default=1000) + 1
        self.reports[str(number)] = SimReport(
            id=str(number),
            subject=str(given.get("tieuDe") or ""),
            body=str(given.get("noiDungYKien") or ""),
            name=given.get("tenDayDu"),
            phone=given.get("soDienThoai"),
            email=given.get("email"),
            address=given.get("noiDienRa"),
            created=_event(given) or self.clock(),
            lat=float(given.get("latitude") or 0) or None,
            lng=float(given.get("longitude") or 0) or None,
        )
        self.wrote()
        shapes: tuple[Any, ...] = (
            {"id": number},
            {"data": {"id": number}},
            {"yKienId": number},
            {"msg": "OK"},
        )
        return reply(shapes[number % len(shapes)], 201)


_BAD_LINES: list[dict[str, Any]] = [
    {"tieuDe": "Bản ghi không có mã", "ngayDienRa": "05/01/2026", "thoiGianDienRa": "08:00"},
    {"id": "hong-1", "tieuDe": "Ngày không có thật", "ngayDienRa": "31/02/2026", "thoiGianDienRa": "25:61"},
]


def _day(given: str | None) -> date | None:
    return datetime.strptime(given, "%d/%m/%Y").date() if given else None  # noqa: DTZ007 (a day has no zone)


def _local(report: SimReport) -> date:
    return report.created.astimezone(_ZONE).date()


def _event(given: Mapping[str, Any]) -> datetime | None:
    text = f"{given.get('ngayDienRa', '')} {given.get('thoiGianDienRa') or '00:00'}"
    try:
        return datetime.strptime(text, "%d/%m/%Y %H:%M").replace(tzinfo=_ZONE)
    except ValueError:
        return None


def _unauthorised() -> Response:
    return reply({"message": "Unauthorized"}, 401)


def _wire_id(id_: str) -> int | str:
    return int(id_) if id_.isdigit() else id_


def _natural(id_: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"\d+|\D+", id_)]
