"""The two faces of the simulated portal: the same reports, in pages that share no selector.

`TableFace` is a form-and-table application of 2012: labels in table rows, dates as 05/10/2026 08:30, a
list of answers, redirect after the form. `CardFace` is one of 2020: cards, definition lists, ISO times
beside local ones, radio buttons, the answer page straight after the form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import ClassVar, Protocol
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aggregator.sdk.sandbox import Request, SimAnswer, SimReport

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


@dataclass(frozen=True, slots=True)
class Shown:
    """One report with its answers, as a page shows them."""

    report: SimReport
    answers: tuple[SimAnswer, ...]


class Face(Protocol):
    """How one portal looks."""

    paths: ClassVar[Mapping[str, str]]
    names: ClassVar[Mapping[str, str]]
    words: ClassVar[Mapping[str, str]]
    redesign: ClassVar[Mapping[str, tuple[str, str]]]
    last_page_again: ClassVar[bool]
    redirects: ClassVar[bool]
    #: The form's field for files, as its page writes it.
    file_input: ClassVar[str]

    def login(self, token: str, error: str = "") -> str: ...
    def listing(self, shown: Sequence[Shown], total: int, bad: int | None) -> str: ...
    def detail(self, shown: Shown, token: str, notice: str, bad: bool) -> str: ...
    def list_path(self, page: int) -> str: ...
    def detail_path(self, report_id: str) -> str: ...
    def page_number(self, page: int | None, request: Request) -> int: ...
    def status_of(self, choice: str) -> str | None: ...


def _text(value: object) -> str:
    return escape("" if value is None else str(value))


def _local(at: datetime | None, form: str) -> str:
    return "" if at is None else at.astimezone(_ZONE).strftime(form)


class TableFace:
    """Rows and labels."""

    paths: ClassVar[Mapping[str, str]] = {
        "login": "/dang-nhap",
        "list": "/phan-anh",
        "detail": "/phan-anh/<report_id>",
        "reply": "/phan-anh/<report_id>/tra-loi",
        "file": "/tep/<report_id>/<int:number>/<path:name>",
    }
    names: ClassVar[Mapping[str, str]] = {
        "user": "ten_dang_nhap",
        "password": "mat_khau",
        "token": "_ma_bao_ve",
        "body": "noi_dung",
        "status": "trang_thai",
        "author": "nguoi_tra_loi",
        "files": "tep_kem",
    }
    words: ClassVar[Mapping[str, str]] = {
        "new": "Chờ xử lý",
        "accepted": "Đã tiếp nhận",
        "in_progress": "Đang xử lý",
        "waiting": "Chờ giải quyết",
        "needs_info": "Bổ sung thông tin",
        "resolved": "Đã xử lý",
        "rejected": "Từ chối xử lý",
        "duplicate": "Trùng",
        "reopened": "Phản ánh lại",
    }
    redesign: ClassVar[Mapping[str, tuple[str, str]]] = {
        "list": ('id="danh-sach"', 'id="ds-moi"'),
        "detail": ("<th>Thời gian gửi</th>", "<th>Gửi lúc</th>"),
        "label": ("<th>Điện thoại</th>", "<th>Số máy</th>"),
    }
    last_page_again: ClassVar[bool] = False
    redirects: ClassVar[bool] = True
    file_input: ClassVar[str] = '<input type="file" name="tep_kem" multiple>'

    def list_path(self, page: int) -> str:
        return f"/phan-anh?trang={page + 1}"

    def detail_path(self, report_id: str) -> str:
        return f"/phan-anh/{quote(report_id, safe='')}"

    def page_number(self, page: int | None, request: Request) -> int:
        return max(0, request.args.get("trang", 1, int) - 1)

    def status_of(self, choice: str) -> str | None:
        return choice if choice in self.words else None

    def login(self, token: str, error: str = "") -> str:
        told = f'<p class="loi">{_text(error)}</p>' if error else ""
        return f"""<!doctype html><html lang="vi"><head><title>Đăng nhập</title></head><body>
{told}<form id="dang-nhap" method="post" action="/dang-nhap">
<input type="hidden" name="_ma_bao_ve" value="{token}">
<label>Tên đăng nhập <input name="ten_dang_nhap"></label>
<label>Mật khẩu <input type="password" name="mat_khau"></label>
<button>Đăng nhập</button></form></body></html>"""

    def _frame(self, body: str) -> str:
        return f"""<!doctype html><html lang="vi"><head><title>Tiếp nhận phản ánh</title></head><body>
<div id="can-bo">Cán bộ trực <a href="/dang-xuat">Thoát</a></div>
{body}
</body></html>"""

    def listing(self, shown: Sequence[Shown], total: int, bad: int | None) -> str:
        rows = "\n".join(self._row(one, number == bad) for number, one in enumerate(shown))
        empty = "" if shown else '<p class="khong-co-phan-anh">Không có phản ánh nào.</p>'
        return self._frame(f"""<p>Tổng số: <span class="tong-so">{total} phản ánh</span></p>
<table id="danh-sach"><thead><tr><th>Tiêu đề</th><th>Trạng thái</th><th>Cập nhật</th><th>Xem</th></tr>
</thead><tbody>
{rows}
</tbody></table>{empty}""")

    def _row(self, one: Shown, bad: bool) -> str:
        report = one.report
        title = _text(report.subject)
        link = title if bad else f'<a class="xem" href="{self.detail_path(report.id)}">{title}</a>'
        changed = _local(report.changed, "%d/%m/%Y %H:%M:%S")
        views = len(one.answers) * 7 + 3
        return (
            f"<tr><td>{link}</td><td>{self.words[report.status]}</td>"
            f'<td>{changed}</td><td class="luot-xem">{views}</td></tr>'
        )

    def detail(self, shown: Shown, token: str, notice: str, bad: bool) -> str:
        report = shown.report
        facts = {
            "Người gửi": "Ẩn danh" if report.anonymous else report.name,
            "Điện thoại": None if report.anonymous else report.phone,
            "Thư điện tử": None if report.anonymous else report.email,
            "Nơi xảy ra": report.address,
            "Khu vực": report.area,
            "Lĩnh vực": report.category,
            "Mức độ": report.urgency,
            "Trạng thái": self.words[report.status],
            "Thời gian gửi": "hôm qua" if bad else _local(report.created, "%d/%m/%Y %H:%M"),
            "Hạn xử lý": _local(report.due, "%d/%m/%Y %H:%M"),
            "Lượt xem": len(shown.answers) + 1,
            "Tổ dân phố": "Tổ 5",
        }
        rows = "\n".join(
            f"<tr><th>{label}</th><td>{_text(value)}</td></tr>" for label, value in facts.items() if value
        )
        position = f'data-vi-do="{report.lat or ""}" data-kinh-do="{report.lng or ""}"'
        body = "".join(f"<p>{_text(line)}</p>" for line in report.body.splitlines())
        return self._frame(f"""{self._notice(notice)}<div id="chi-tiet" data-ma="{_text(report.id)}">
<h1>{_text(report.subject)}</h1><div class="noi-dung">{body}</div>
<div id="ban-do" {position}></div>
<table class="thong-tin">{rows}</table>
<ul class="tep-dinh-kem">{self._files(report)}</ul>
<ol class="phuc-dap">{self._answers(shown)}</ol>
{self._form(report, token)}</div>""")

    def _notice(self, notice: str) -> str:
        said = {
            "sent": ("thanh-cong", "Đã gửi phúc đáp."),
            "stale": ("het-hieu-luc", "Biểu mẫu đã hết hiệu lực, vui lòng mở lại."),
            "refused": ("loi", "Không nhận được phúc đáp: thiếu nội dung hoặc phản ánh đã đóng."),
        }.get(notice)
        return f'<div class="thong-bao {said[0]}">{said[1]}</div>' if said else ""

    def _files(self, report: SimReport) -> str:
        return "".join(
            f'<li><a href="../tep/{quote(report.id)}/{n}/{quote(file["filename"])}">Tải về</a></li>'
            for n, file in enumerate(report.attachments)
        )

    def _answers(self, shown: Shown) -> str:
        return "".join(
            f'<li id="pd-{n}"><div class="noi-dung-phuc-dap">{_text(a.body)}</div>'
            f'<span class="luc">{_local(a.at, "%d/%m/%Y %H:%M")}</span>'
            f'<span class="nguoi-tra-loi">{_text(a.author)}</span></li>'
            for n, a in enumerate(shown.answers, 1)
        )

    def _form(self, report: SimReport, token: str) -> str:
        if report.status in ("rejected", "duplicate"):
            return '<p class="da-dong">Phản ánh đã đóng.</p>'
        options = "".join(
            f'<option value="{key}">{self.words[key]}</option>'
            for key in ("accepted", "in_progress", "needs_info", "resolved", "rejected")
        )
        return f"""<form id="tra-loi" method="post" enctype="multipart/form-data"
action="{self.detail_path(report.id)}/tra-loi">
<input type="hidden" name="_ma_bao_ve" value="{token}">
<textarea name="noi_dung"></textarea><select name="trang_thai">{options}</select>
<input name="nguoi_tra_loi">{self.file_input}<button>Gửi</button></form>"""


#: What its form says for each state.
_RADIOS = {"A": "accepted", "P": "in_progress", "I": "needs_info", "D": "resolved", "R": "rejected"}


class CardFace:
    """Cards and definition lists."""

    paths: ClassVar[Mapping[str, str]] = {
        "login": "/account/login",
        "list": "/tiep-nhan/danh-sach/<int:page>",
        "detail": "/tiep-nhan/xem",
        "reply": "/tiep-nhan/tra-loi",
        "file": "/download/<report_id>/<int:number>",
    }
    names: ClassVar[Mapping[str, str]] = {
        "user": "Username",
        "password": "Password",
        "token": "__Token",
        "body": "Content",
        "status": "State",
        "files": "Files",
    }
    words: ClassVar[Mapping[str, str]] = {
        "new": "Chờ tiếp nhận",
        "accepted": "Đã tiếp nhận",
        "in_progress": "Đang giải quyết",
        "waiting": "Chờ giải quyết",
        "needs_info": "Bổ sung thông tin",
        "resolved": "Đã giải quyết",
        "rejected": "Từ chối",
        "duplicate": "Trùng",
        "reopened": "Phản ánh lại",
    }
    redesign: ClassVar[Mapping[str, tuple[str, str]]] = {
        "list": ("data-id=", "data-ma-so="),
        "detail": ("<dt>Nội dung phản ánh:</dt>", "<dt>Chi tiết:</dt>"),
        "label": ("<dt>Số ĐT:</dt>", "<dt>Số máy:</dt>"),
    }
    last_page_again: ClassVar[bool] = True
    redirects: ClassVar[bool] = False
    file_input: ClassVar[str] = '<input name="Files" type="file" multiple accept="image/*,.pdf">'

    def list_path(self, page: int) -> str:
        return f"/tiep-nhan/danh-sach/{page}"

    def detail_path(self, report_id: str) -> str:
        return f"/tiep-nhan/xem?ma={quote(report_id, safe='')}"

    def page_number(self, page: int | None, request: Request) -> int:
        return page or 0

    def status_of(self, choice: str) -> str | None:
        return _RADIOS.get(choice)

    def login(self, token: str, error: str = "") -> str:
        told = f'<div role="alert">{_text(error)}</div>' if error else ""
        return f"""<!DOCTYPE html><html><head><title>Login</title></head><body>{told}
<form class="login-box" method="POST"><input name="Username"><input type="password" name="Password">
<input type="hidden" name="__Token" value="{token}"><button>OK</button></form></body></html>"""

    def _frame(self, body: str) -> str:
        return f"""<!DOCTYPE html><html><head><title>Tiếp nhận</title></head><body>
<nav><span class="user-menu">Cán bộ</span></nav>{body}</body></html>"""

    def listing(self, shown: Sequence[Shown], total: int, bad: int | None) -> str:
        cards = "".join(self._card(one, number == bad) for number, one in enumerate(shown))
        cards = cards or '<p class="no-data">Chưa có dữ liệu</p>'
        return self._frame(
            f'<div class="summary" data-total="{total}"></div><section class="card-list">{cards}</section>'
        )

    def _card(self, one: Shown, bad: bool) -> str:
        report = one.report
        mark = "" if bad else f'data-id="{_text(report.id)}"'
        return f"""<article class="card" {mark}><h3>{_text(report.subject)}</h3>
<span class="state">{self.words[report.status]}</span><time>{report.changed.isoformat()}</time>
<span class="views">{len(one.answers)}</span></article>"""

    def detail(self, shown: Shown, token: str, notice: str, bad: bool) -> str:
        report = shown.report
        facts = {
            "Nội dung phản ánh": report.body,
            "Họ và tên công dân": "(giấu tên)" if report.anonymous else report.name,
            "Số ĐT": None if report.anonymous else report.phone,
            "Email": None if report.anonymous else report.email,
            "Địa bàn": report.area,
            "Chuyên mục": report.category,
            "Độ khẩn": report.urgency,
            "Tình trạng": self.words[report.status],
            "Ngày tiếp nhận": "vừa xong" if bad else _local(report.created, "%H:%M ngày %d-%m-%Y"),
            "Trả lời chậm nhất ngày": _local(report.due, "%d-%m-%Y"),
        }
        pairs = "".join(
            f"<div><dt>{label}:</dt><dd>{'<br>'.join(_text(value).splitlines())}</dd></div>"
            for label, value in facts.items()
            if value
        )
        place = f'<span class="addr">{_text(report.address)}</span>' if report.address else ""
        if report.lat is not None:
            place += f'<a href="https://maps.example/?q={report.lat},{report.lng}">Bản đồ</a>'
        return self._frame(f"""<main class="report">{self._notice(notice)}
<h2 class="report-title">{_text(report.subject)}</h2><dl class="meta">{pairs}</dl>
<div class="map-box">{place}</div><div class="files">{self._files(report)}</div>
<div class="timeline">{self._answers(shown)}</div>{self._form(report, token)}</main>""")

    def _notice(self, notice: str) -> str:
        said = {
            "sent": ("status", "ok", "Đã lưu"),
            "stale": ("alert", "token", "Token đã cũ"),
            "refused": ("alert", "error", "Không lưu được"),
        }.get(notice)
        return f'<div role="{said[0]}" class="{said[1]}">{said[2]}</div>' if said else ""

    def _files(self, report: SimReport) -> str:
        return "".join(
            f'<div class="file"><span class="file-name">{_text(file["filename"])}</span>'
            f'<a class="download" href="/download/{quote(report.id)}/{n}">Tải</a></div>'
            for n, file in enumerate(report.attachments)
        )

    def _answers(self, shown: Shown) -> str:
        return "".join(
            f'<div class="reply" data-reply="r{n}"><blockquote>{_text(a.body)}</blockquote>'
            f'<cite>{_text(a.author)}</cite><time datetime="{a.at.isoformat()}">gần đây</time></div>'
            for n, a in enumerate(shown.answers, 1)
        )

    def _form(self, report: SimReport, token: str) -> str:
        hidden = f'<input type="hidden" name="ReportId" value="{_text(report.id)}">'
        if report.status in ("rejected", "duplicate"):
            return f'<p class="locked">Đã khóa</p>{hidden}'
        radios = "".join(
            f'<label><input type="radio" name="State" value="{value}"> {self.words[key]}</label>'
            for value, key in _RADIOS.items()
        )
        return f"""<form name="AnswerForm" method="post" action="/tiep-nhan/tra-loi"
enctype="multipart/form-data">{hidden}<input type="hidden" name="__Token" value="{token}">
<textarea name="Content"></textarea>{radios}{self.file_input}<button>Lưu</button></form>"""


FACES: Mapping[str, Face] = {"table": TableFace(), "cards": CardFace()}
