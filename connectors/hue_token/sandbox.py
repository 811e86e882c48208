"""A simulated Hue-type portal, with the quirks that its one known client copes with.

Scenario keys: ``reports``, ``token``, ``agency``, ``dated_by`` (changed | sent: what TuNgay is compared
with), ``config`` (of the channel).

Quirks: everything asked is a text; the category's name is spelled ``TenChuyenMu`` now and then; a dash in a
date is doubled now and then; coordinates are numbers, texts or null; a wrong token is code 401 under status
200; a page past the end is empty.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.sdk.contract import SourceStatus
from aggregator.sdk.sandbox import Portal, Request, Response, SimReport, reply

__all__ = ["SCENARIO", "build", "settings_for"]

SCENARIO: Mapping[str, Any] = {
    "token": "ma-truy-cap-thu",
    "agency": "000.00.16.H57",
    "config": {"page_size": "5"},
}

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_DONE = frozenset((SourceStatus.RESOLVED, SourceStatus.REJECTED, SourceStatus.DUPLICATE))
_LABELS = {SourceStatus.NEW: "Đã tiếp nhận", SourceStatus.ACCEPTED: "Đã tiếp nhận"}


def build(scenario: Mapping[str, Any], state_file: Path | None = None) -> Portal:
    """The simulated portal of a scenario; with `state_file` as it was when it was last killed."""
    portal = HuePortal(scenario, state_file)
    portal.load([r for r in scenario.get("reports", ()) if str(r["id"]) not in portal.reports])
    return portal


def settings_for(url: str, scenario: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A channel's settings and secrets that fit the simulated portal at `url`."""
    given = {**SCENARIO, **scenario}
    config = {"base_url": url, "agency": given["agency"], **given["config"]}
    return config, {"token": given["token"]}


class HuePortal(Portal):
    """Paths and field names as the known client uses them."""

    kind = "hue_token"

    def __init__(self, scenario: Mapping[str, Any], state_file: Path | None = None) -> None:
        super().__init__(state_file=state_file)
        given = {**SCENARIO, **scenario}
        self.token, self.agency = str(given["token"]), str(given["agency"])
        self.dated_by = str(given.get("dated_by", "changed"))
        self.route("/theodonvi", ("POST",))(self.by_agency)
        self.route("/chitiet")(self.detail)
        self.route("/chuyenmuc")(self.topics)
        self.route("/tep/<id_>/<int:number>/<name>")(self.file)

    def _refused(self, request: Request) -> Response | None:
        if request.headers.get("token") == self.token:
            return None
        return reply({"code": 401, "message": "Token không hợp lệ", "data": None})

    def by_agency(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        asked = request.get_json(force=True)
        if not all(isinstance(value, str) for value in asked.values()):
            return reply({"code": 400, "message": "Tham số không hợp lệ", "data": None}, 400)
        chosen = [r for r in self.reports.values() if self._is_asked(r, asked)]
        chosen.sort(key=lambda r: (r.created, r.id), reverse=True)
        size, number = int(asked["Perpage"]), int(asked["Page"])
        if self.take("repeat_page", request.path):
            number = 1
        lines = [self._line(r) for r in chosen[(number - 1) * size : number * size]]
        if self.take("bad_record", request.path):
            lines.append({**_BAD_LINE})
        return reply({"code": 200, "message": "OK", "data": lines, "totalrow": len(chosen)})

    def _is_asked(self, report: SimReport, asked: Mapping[str, str]) -> bool:
        done = SourceStatus(report.status) in _DONE
        at = report.changed if self.dated_by == "changed" else report.created
        inside = _day(asked["TuNgay"]) <= at.astimezone(_ZONE).date() <= _day(asked["DenNgay"])
        return inside and asked["MaDinhDanh"] == self.agency and asked["LoaiXuLy"] == ("1" if done else "0")

    def detail(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        report = self.reports.get(request.args.get("id", ""))
        data = {**self._line(report), "NguonID": 3} if report else None
        return reply({"code": 200 if report else 404, "message": "", "data": data})

    def topics(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        names = sorted({r.category for r in self.reports.values() if r.category})
        return reply({"code": 200, "message": "", "data": [{"ChuyenMucID": n, "TenChuyenMuc": t} for n, t in
                                                            enumerate(names, 1)]})  # fmt: skip

    def _line(self, report: SimReport) -> dict[str, Any]:
        odd = sum(report.id.encode()) % 3
        answers = self.answers.get(report.id, [])
        status = SourceStatus(report.status)
        label = "Đã xử lý" if status in _DONE else _LABELS.get(status, "Đang xử lý")
        return {
            "PhanAnhID": int(report.id) if report.id.isdigit() else report.id,
            "TaiKhoan": None if report.anonymous else report.name,
            "ChuyenMucID": "1",
            "TenChuyenMu" if odd == 1 else "TenChuyenMuc": report.category,
            "TieuDe": report.subject,
            "NoiDungPhanAnh": report.body or report.subject,
            "NgayPhanAnh": _written(report.created, odd),
            "KinhDo": str(report.lng) if odd and report.lng else report.lng,
            "ViDo": str(report.lat) if odd and report.lat else report.lat,
            "DiaChiSuKien": report.address,
            "NoiDungTraLoi": answers[-1].body if answers else None,
            "FileTraLoi": None,
            "NgayTraLoi": _written(answers[-1].at, odd) if answers else None,
            "NgayCapNhat": _written(report.changed, odd),
            "DonViThuLy": (answers[-1].author if answers else "") or "UBND phường",
            "TrangThai": label,
            "DenNgay": _written(report.due, odd) if report.due else None,
            "CongKhai": "1",
            "DanhGia": None,
            "DanhSachFileDinhKem": [
                {
                    "FileName": file["filename"],
                    "FileName_Thumb": "",
                    "OpenFile": f"tep/{report.id}/{number}/{file['filename']}",
                }
                for number, file in enumerate(report.attachments)
            ],
            "DanhSachFileDinhKem_Kq": [],
        }

    def file(self, request: Request, id_: str, number: int, name: str) -> Response:
        report = self.reports.get(id_)
        if report is None or number >= len(report.attachments):
            return reply({"code": 404, "message": "Không tìm thấy"}, 404)
        entry = report.attachments[number]
        kind = entry.get("content_type") or "application/octet-stream"
        return Response(base64.b64decode(entry["base64"]), content_type=kind)


_BAD_LINE: Mapping[str, Any] = {
    "PhanAnhID": "hong-1",
    "TieuDe": "Ngày không có thật",
    "NoiDungPhanAnh": "Ngày không có thật",
    "NgayPhanAnh": "31/02/2026 25:61",
    "TrangThai": "Đã tiếp nhận",
}


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _written(at: datetime, odd: int) -> str:
    """A time as the portal writes it; now and then a dash is doubled."""
    text = f"{at.astimezone(_ZONE):%Y-%m-%d %H:%M:%S}"
    return text.replace("-", "--", 1) if odd == 2 else text
