"""A portal to practise on: what it answers is told only by the pages that it shows at its own address.

    motmoi sandbox practice --port 8090     then read http://127.0.0.1:8090/

It looks like no connector that is shipped: an access code in a header of its own, lists sorted by the
time of the last change, pages marked by a "continue" token, codes for states, times of the office's zone
without a zone, markup in the text. The guide for authors makes a connector for it, step by step.

Scenario keys: ``reports``, ``code`` (the access code), ``page_size``.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.sdk.contract import SourceStatus
from aggregator.sdk.sandbox import Portal, Request, Response, SimReport, page, reply

__all__ = ["CODE", "build", "settings_for"]

#: The access code that the portal's page gives to everybody.
CODE = "ma-thuc-hanh"

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_FORM = "%d/%m/%Y %H:%M"
_STATES = {
    SourceStatus.NEW: "CHO",
    SourceStatus.ACCEPTED: "NHAN",
    SourceStatus.IN_PROGRESS: "XULY",
    SourceStatus.RESOLVED: "XONG",
    SourceStatus.REJECTED: "TUCHOI",
}
_OURS = {state: ours for ours, state in _STATES.items()}
_WORDS = {"CHO": "Chờ tiếp nhận", "NHAN": "Đã tiếp nhận", "XULY": "Đang xử lý", "XONG": "Đã xử lý",
          "TUCHOI": "Từ chối"}  # fmt: skip


def build(scenario: Mapping[str, Any], state_file: Path | None = None) -> Portal:
    """The simulated portal of a scenario; some reports of its own where the scenario has none."""
    portal = PracticePortal(scenario, state_file)
    reports = scenario.get("reports", _EXAMPLES)
    portal.load(one for one in reports if str(one["id"]) not in portal.reports)
    return portal


def settings_for(url: str, scenario: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A channel's settings and secrets that fit the portal at `url`."""
    return {"base_url": url}, {"token": str(scenario.get("code", CODE))}


class PracticePortal(Portal):
    """Citizens' opinions ("ý kiến") of an invented commune."""

    kind = "practice"

    def __init__(self, scenario: Mapping[str, Any], state_file: Path | None = None) -> None:
        super().__init__(state_file=state_file)
        self.code = str(scenario.get("code", CODE))
        self.page_size = int(scenario.get("page_size", 5))
        self.route("/")(self.manual)
        self.route("/api/y-kien")(self.listing)
        self.route("/api/y-kien/<id_>")(self.one)
        self.route("/api/y-kien/<id_>/tra-loi", ["POST"])(self.reply_to)

    def manual(self, _request: Request) -> Response:
        """All that anybody is told about the interface."""
        states = "".join(f"<li><code>{code}</code>: {word}</li>" for code, word in _WORDS.items())
        return page(_MANUAL.format(size=self.page_size, code=html.escape(self.code), states=states))

    def listing(self, request: Request) -> Response:
        """A page of the opinions that changed since ``tu``, the longest unchanged first."""
        if (refused := self._refused(request)) is not None:
            return refused
        since = request.args.get("tu", "")
        try:
            start = datetime.strptime(since, _FORM).replace(tzinfo=_ZONE) if since else None
            after = base64.b64decode(request.args.get("tiep", "")).decode()
        except ValueError:
            return reply({"thanhCong": False, "loi": "tham số sai"}, 400)
        if self.take("repeat_page", request.path):
            after = ""
        rows = sorted((r for r in self.reports.values() if start is None or r.changed >= start), key=_place)
        rest = [row for row in rows if _place(row) > after]
        shown = [self._row(row) for row in rest[: self.page_size]]
        if shown and self.take("bad_record", request.path):
            shown[0]["guiLuc"] = "hôm qua"
        token = _place(rest[self.page_size - 1]) if len(rest) > self.page_size else None
        following = token and base64.b64encode(token.encode()).decode()
        return reply({"thanhCong": True, "tong": len(rows), "danhSach": shown, "tiep": following})

    def one(self, request: Request, id_: str) -> Response:
        """One opinion, with its answers."""
        if (refused := self._refused(request)) is not None:
            return refused
        if id_ not in self.reports:
            return reply({"thanhCong": False, "loi": "không có ý kiến này"}, 404)
        return reply({"thanhCong": True, "yKien": self._row(self.reports[id_])})

    def reply_to(self, request: Request, id_: str) -> Response:
        """Take an answer, with the state that the opinion has from then on."""
        if (refused := self._refused(request)) is not None:
            return refused
        if id_ not in self.reports:
            return reply({"thanhCong": False, "loi": "không có ý kiến này"}, 404)
        given = request.get_json(force=True)
        if not given.get("noiDung") or given.get("trangThai") not in _OURS:
            return reply({"thanhCong": False, "loi": "thiếu nội dung hoặc trạng thái"}, 400)
        self.answer(id_, str(given["noiDung"]), "UBND xã", str(_OURS[given["trangThai"]]))
        return reply({"thanhCong": True, "soTraLoi": len(self.answers[id_])})

    def _refused(self, request: Request) -> Response | None:
        if request.headers.get("X-Ma-Ket-Noi") != self.code:
            return reply({"thanhCong": False, "loi": "mã kết nối sai"}, 401)
        return None

    def _row(self, report: SimReport) -> dict[str, Any]:
        return {
            "ma": report.id,
            "guiLuc": _local(report.created),
            "suaLuc": _local(report.changed),
            "tieuDe": report.subject,
            "noiDung": f"<p>{html.escape(report.body)}</p>",
            "trangThai": _STATES.get(SourceStatus(report.status), "XULY"),
            "linhVuc": {"ten": report.category},
            "nguoiGui": {
                "hoTen": report.name,
                "dienThoai": report.phone,
                "thu": report.email,
                "anDanh": report.anonymous,
            },
            "noiXayRa": {
                "diaChi": report.address,
                "khuVuc": report.area,
                "toaDo": None if report.lat is None else [report.lng, report.lat],
            },
            "traLoi": [
                {"so": number, "noiDung": answer.body, "luc": _local(answer.at), "nguoi": answer.author}
                for number, answer in enumerate(self.answers.get(report.id, ()), 1)
            ],
        }


def _place(report: SimReport) -> str:
    """Where it stands in the list. A page begins behind the last one shown, so that an opinion that is
    edited while somebody turns the pages pushes no other one past its reader."""
    return f"{report.changed.isoformat()} {report.id}"


def _local(at: datetime) -> str:
    return at.astimezone(_ZONE).strftime(_FORM)


def _example(number: int, subject: str, body: str, where: str, category: str) -> dict[str, Any]:
    return {
        "id": f"YK-{number}", "subject": subject, "body": body, "address": where, "category": category,
        "name": f"Nguyễn Thị Thử {number}", "phone": f"090000{number:04d}", "area": "Xã Thực Hành",
        "lat": round(10.7 + number / 1000, 3), "lng": 106.6,
        "created": f"2026-11-{10 + number:02d}T08:15:00+07:00",
    }  # fmt: skip


_EXAMPLES = [
    _example(1, "Đèn đường tắt", "Ba bóng đèn đường ấp 2 tắt cả tuần.", "Ấp 2", "Chiếu sáng"),
    _example(2, "Rác chưa thu gom", "Rác chất đống trước chợ từ thứ hai.", "Chợ Thực Hành", "Môi trường"),
    _example(3, "Ổ gà", "Ổ gà sâu giữa đường liên ấp 3-4.", "Đường liên ấp 3-4", "Giao thông"),
    _example(4, "Nước đục", "Nước máy đục vào buổi sáng.", "Ấp 1", "Cấp nước"),
    _example(5, "Loa to", "Quán hát loa kéo sau 22 giờ.", "Ấp 5", "An ninh trật tự"),
    _example(6, "Cây nghiêng", "Cây bên đường nghiêng về phía trường học.", "Trường tiểu học", "Cây xanh"),
    _example(7, "Cống nghẹt", "Cống đầu hẻm nghẹt, mưa là ngập.", "Hẻm 7, ấp 2", "Thoát nước"),
]

_MANUAL = """<!doctype html>
<html lang="vi"><head><meta charset="utf-8"><title>Tài liệu kết nối: Ý kiến xã Thực Hành</title>
<style>body{{font-family:sans-serif;max-width:46rem;margin:2rem auto;line-height:1.5}}
pre{{background:#f3f3f3;padding:1rem;overflow:auto}}</style></head><body>
<h1>Ý kiến xã Thực Hành: tài liệu kết nối</h1>
<p>Mọi yêu cầu gửi kèm đầu mục <code>X-Ma-Ket-Noi</code>. Mã dùng thử: <code>{code}</code>.
Giờ ghi theo giờ Việt Nam, dạng <code>ngày/tháng/năm giờ:phút</code>.</p>
<h2>Danh sách: GET /api/y-kien</h2>
<p>Tham số <code>tu</code>: chỉ lấy ý kiến gửi hoặc sửa từ lúc này, ví dụ <code>20/11/2026 08:00</code>.
Ý kiến sửa lâu nhất đứng trước. Mỗi trang {size} ý kiến; <code>tiep</code> trong câu trả lời là tham số
<code>tiep</code> của trang sau, không có là hết.</p>
<pre>{{"thanhCong": true, "tong": 12, "tiep": "NQ==",
 "danhSach": [{{
   "ma": "YK-1", "guiLuc": "20/11/2026 08:15", "suaLuc": "20/11/2026 09:00",
   "tieuDe": "Đèn đường tắt", "noiDung": "&lt;p&gt;Ba bóng đèn đường ấp 2 tắt cả tuần.&lt;/p&gt;",
   "trangThai": "CHO", "linhVuc": {{"ten": "Chiếu sáng"}},
   "nguoiGui": {{"hoTen": "…", "dienThoai": "…", "thu": "…", "anDanh": false}},
   "noiXayRa": {{"diaChi": "Ấp 2", "khuVuc": "Xã Thực Hành", "toaDo": [106.6, 10.7]}},
   "traLoi": [{{"so": 1, "noiDung": "…", "luc": "20/11/2026 09:00", "nguoi": "UBND xã"}}]}}]}}</pre>
<p>Tọa độ ghi kinh độ trước, vĩ độ sau; không rõ thì <code>null</code>. Trạng thái:</p><ul>{states}</ul>
<h2>Một ý kiến: GET /api/y-kien/MÃ</h2>
<pre>{{"thanhCong": true, "yKien": {{…}}}}</pre>
<h2>Trả lời: POST /api/y-kien/MÃ/tra-loi</h2>
<pre>{{"noiDung": "…", "trangThai": "XONG"}}  →  {{"thanhCong": true, "soTraLoi": 1}}</pre>
</body></html>
"""
