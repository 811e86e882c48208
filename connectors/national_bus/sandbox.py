"""A simulated bus: sign-in, sessions that end, services by name, error codes inside HTTP 200.

Scenario keys, all optional: ``reports`` (neutral), ``username``, ``password``, ``dstcode``,
``dstcode_in``, ``madonvi``, ``session_requests`` (a session ends after so many calls),
``expired_as`` (``code``, ``no_result`` or ``empty``: the three ways seen or feared of saying "your
session ended"), ``codes_as`` (``int`` or ``string``), ``dated`` (the list carries NGAYGUI).

What may surprise: like the one known client's counterpart, the bus takes the same answer twice and
shows it twice. A connector that sends blindly is found out by counting.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.sdk.sandbox import Portal, Request, Response, SimAnswer, SimReport, reply

AUTH = "/XrdAdapter/RestService/forward/mapi/login"
INTEGRATION = "/XrdAdapter/RestService/forward/mapi/g"
SHARE = "/XrdAdapter/RestService/forward/mapi/share"
WORDS = {
    "new": "Chờ xử lý",
    "accepted": "Đã tiếp nhận",
    "resolved": "Đã trả lời",
    "rejected": "Từ chối",
}
_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_EXPIRED, _UNKNOWN_SERVICE, _BAD_DATA = 9, 4, 5


def build(scenario: Mapping[str, Any], state_file: Path | None = None) -> Portal:
    """The simulated bus of a scenario."""
    return SimulatedBus(scenario, state_file)


def settings_for(url: str, scenario: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A channel's settings and secrets that fit the simulated bus at `url`."""
    config = {
        "adapter_url": url,
        "auth_endpoint": AUTH,
        "integration_endpoint": INTEGRATION,
        "share_endpoint": SHARE,
        "username": scenario.get("username", "phuong-nhieu-loc"),
        "dstcode": scenario.get("dstcode", "VN:GOV:000.00.00.G22:vpcpdvcprovider"),
        "dstcode_in": scenario.get("dstcode_in", "header"),
        "madonvi": scenario.get("madonvi", "000.00.00.H29"),
    }
    if scenario.get("dated"):
        config["fields"] = {"created": "NGAYGUI"}
    return config, {"password": scenario.get("password", "mat-khau-thu")}


class SimulatedBus(Portal):
    """The bus behind a security server, as far as its known client shows it."""

    kind = "national_bus"

    def __init__(self, scenario: Mapping[str, Any], state_file: Path | None) -> None:
        super().__init__(state_file=state_file)
        self.scenario = dict(scenario)
        config, secrets = settings_for("", scenario)
        self.account = (config["username"], secrets["password"])
        self.dstcode, self.dstcode_in = config["dstcode"], config["dstcode_in"]
        self.services = {
            "LayDanhSachHoiDapGuiTuDVCQG": self._list,
            "LayNoiDungTraLoiTheoCauHoi": self._read_back,
            "DongBoKetQuaHoiDapGuiTuDVCQG": self._take_answers,
            "LayDanhMucLinhVuc": self._categories,
        }
        self.route(AUTH, ["POST"])(self._sign_in)
        self.route(INTEGRATION, ["POST"])(self._call)
        self.route(SHARE, ["POST"])(self._call)
        self.load([report for report in scenario.get("reports", ()) if str(report["id"]) not in self.reports])

    # -- sessions --------------------------------------------------------------------------------

    def _sign_in(self, request: Request) -> Response:
        body = request.get_json(force=True)
        if not self._addressed(request) or (body.get("username"), body.get("password")) != self.account:
            return self._envelope(1, session=None)
        number = self.store["signed_in"] = int(self.store.get("signed_in", 0)) + 1
        session = hashlib.sha256(f"session {number}".encode()).hexdigest()[:32]
        self.sessions[session] = self.account[0]
        self.store.setdefault("uses", {})[session] = 0
        self.save()
        return self._envelope(0, session=session)

    def _addressed(self, request: Request) -> bool:
        given = request.headers if self.dstcode_in == "header" else request.args
        return bool(given.get("dstcode") == self.dstcode)

    def _holds(self, session: str) -> bool:
        limit = self.scenario.get("session_requests")
        if session not in self.sessions:
            return False
        uses = self.store.setdefault("uses", {})
        uses[session] = int(uses.get(session, 0)) + 1
        if limit and uses[session] > limit:
            del self.sessions[session]
            return False
        return True

    def _call(self, request: Request) -> Response:
        body = request.get_json(force=True)
        if not self._addressed(request):
            return reply({"message": "dstcode"}, 404)
        if not self._holds(str(body.get("session"))):
            return self._expired()
        service = self.services.get(str(body.get("service")))
        return service(request, body) if service else self._envelope(_UNKNOWN_SERVICE)

    def _expired(self) -> Response:
        said = self.scenario.get("expired_as", "code")
        if said == "code":
            return self._envelope(_EXPIRED)
        return self._envelope(0) if said == "no_result" else self._envelope(0, result=[])

    def _envelope(self, code: int, **more: Any) -> Response:
        as_text = self.scenario.get("codes_as") == "string"
        return reply({"error_code": str(code) if as_text else code, **more})

    # -- services --------------------------------------------------------------------------------

    def _list(self, request: Request, _body: Mapping[str, Any]) -> Response:
        rows = [row for report in self.reports.values() for row in self._rows(report)]
        if rows and self.take("bad_record", request.path):
            rows[len(rows) // 2] = {"HOIDAPID": rows[len(rows) // 2]["HOIDAPID"], "NOIDUNG": None}
        return self._envelope(0, result=rows)

    def _rows(self, report: SimReport) -> list[dict[str, Any]]:
        """A question without an answer is one row, with answers one row each."""
        item = self._item(report)
        given = self.answers.get(report.id, [])
        if not given:
            return [{**item, "TRALOIID": 0, "NOIDUNGTRALOI": ""}]
        return [{**item, **self._answer(report.id, n, answer)} for n, answer in enumerate(given, 1)]

    def _item(self, report: SimReport) -> dict[str, Any]:
        item: dict[str, Any] = {
            "HOIDAPID": int(report.id) if report.id.isdigit() else report.id,
            "MALINHVUC": _category_code(report.category),
            "MADONVI": self.scenario.get("madonvi", "000.00.00.H29"),
            "TENDONVI": "Ủy ban nhân dân thành phố",
            "NOIDUNG": "\n".join(part for part in (report.subject, report.body) if part),
            "HOVATEN": None if report.anonymous else report.name,
            "THUDIENTU": None if report.anonymous else report.email,
            "SODIENTHOAI": None if report.anonymous else report.phone,
            "DIACHI": report.address,
            "MATTHCDP": None,
            "TRANGTHAI": WORDS.get(report.status, "Đang xử lý"),
        }
        if self.scenario.get("dated"):
            item["NGAYGUI"] = report.created.astimezone(_ZONE).strftime("%d/%m/%Y %H:%M:%S")
        return item

    def _answer(self, report_id: str, number: int, answer: SimAnswer) -> dict[str, Any]:
        digits = "".join(c for c in report_id if c.isdigit()) or "0"
        return {
            "TRALOIID": int(digits) * 100 + number,
            "NOIDUNGTRALOI": answer.body,
            "NGUOITRALOI": answer.author,
            "NGAYTRALOI": answer.at.astimezone(_ZONE).strftime("%d/%m/%Y"),
        }

    def _read_back(self, _request: Request, body: Mapping[str, Any]) -> Response:
        report = self.reports.get(str(body.get("cauhoiid")))
        given = self.answers.get(report.id) if report else None
        if report is None or not given:
            return self._envelope(0, result=[])
        return self._envelope(0, result=self._rows(report))

    def _take_answers(self, _request: Request, body: Mapping[str, Any]) -> Response:
        data = body.get("data")
        if not isinstance(data, list) or not all(str(item.get("HOIDAPID")) in self.reports for item in data):
            return self._envelope(_BAD_DATA)
        for item in data:
            self.answer(str(item["HOIDAPID"]), item["NOIDUNGTRALOI"], item["NGUOITRALOI"], "resolved")
        return self._envelope(0, result=[])

    def _categories(self, _request: Request, _body: Mapping[str, Any]) -> Response:
        names = sorted({report.category for report in self.reports.values() if report.category})
        rows = [{"MALINHVUC": _category_code(n), "TENLINHVUC": n, "MANGANH": "G"} for n in names]
        return self._envelope(0, result=rows)


def _category_code(name: str | None) -> str | None:
    return None if name is None else "LV" + hashlib.sha256(name.encode()).hexdigest()[:4].upper()
