"""The simulated public pages of answered reports: a list, and two pages for each report.

Scenario keys, all optional: ``reports`` (neutral), ``page_size`` (the portal's own upper limit),
``answers`` (id -> text; a report without one gets a plain one), ``answer_files`` (id -> file names).

As the pages of 2022: fragments without a frame, a text box each for question and answer, "name - province
- date" in one line, paging by ``page_index`` from 1 with an empty list past the end. What may surprise:
`redesigned` may be set at run time to ``list``, ``detail``, ``answer`` or ``date``, to see whether a
connector notices, and to ``challenge`` for a page that wants a person to prove to be one.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aggregator.sdk.sandbox import Portal, Request, Response, SimReport, page

#: For judging the connector: small pages, so that every boundary is tried.
SCENARIO = {"page_size": 5}
_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_JSP = "/p/phananhkiennghi/jsp"
_REDESIGN = {
    "list": ('class="list-pakn"', 'class="ds-pakn"'),
    "detail": ('class="post-info"', 'class="info"'),
    "answer": ('class="showContent"', 'class="content-view"'),
    "date": (" - ", " | "),
}


def build(scenario: Mapping[str, Any], state_file: Path | None = None) -> Portal:
    """The simulated portal of a scenario."""
    return SimulatedPublicPages(scenario, state_file)


def settings_for(url: str, scenario: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A channel's settings and secrets that fit the simulated portal at `url`."""
    return {"base_url": url, "history_pages": 0}, {}


class SimulatedPublicPages(Portal):
    """List, question and answer; nothing can be written."""

    kind = "national_public"

    def __init__(self, scenario: Mapping[str, Any], state_file: Path | None) -> None:
        super().__init__(state_file=state_file)
        self.page_size = int(scenario.get("page_size", 40))
        self.answered: Mapping[str, str] = scenario.get("answers", {})
        self.answer_files: Mapping[str, list[str]] = scenario.get("answer_files", {})
        self.redesigned = ""
        self.route(f"{_JSP}/pakn_just_answer.jsp")(self._list)
        self.route(f"{_JSP}/pakn-detail.jsp")(self._detail)
        self.route(f"{_JSP}/pakn_answer_byid.jsp")(self._answer)
        self.route("/files/<report_id>/<name>")(self._file)
        self.load([report for report in scenario.get("reports", ()) if str(report["id"]) not in self.reports])

    def _list(self, request: Request) -> Response:
        number = request.args.get("page_index", 1, int) - 1
        if self.take("repeat_page", request.path):
            number = 0
        size = min(self.page_size, request.args.get("record_per_page", 10, int))
        keyword = request.args.get("keyword", "").casefold()
        found = [one for one in self.newest_first() if keyword in f"{one.subject} {one.body}".casefold()]
        part = found[number * size :][:size]
        bad = len(part) // 2 if part and self.take("bad_record", request.path) else None
        items = "".join(_item(report, n == bad) for n, report in enumerate(part))
        return self._page(f'<div class="list-pakn">{items}</div>', "list")

    def _detail(self, request: Request) -> Response:
        report = self.reports.get(request.args.get("id", ""))
        if report is None:
            return page("<p>Không tìm thấy</p>", 404)
        day = report.created.astimezone(_ZONE).strftime("%d/%m/%Y")
        if self.take("bad_record", request.path):
            day = "mới đây"
        name = "Ẩn danh" if report.anonymous else report.name or ""
        files = _files(report.id, [file["filename"] for file in report.attachments])
        info = f"{name} - {report.area or 'Toàn quốc'} - {day}"
        return self._page(
            f'<div class="post-info">{escape(info)}</div>'
            f'<textarea class="showContent" readonly>{escape(report.body)}</textarea>'
            f'<div class="file"><div class="content">{files}</div></div>',
            "detail",
        )

    def _answer(self, request: Request) -> Response:
        report = self.reports.get(request.args.get("pakn_id", ""))
        if report is None:
            return page("<p>Không tìm thấy</p>", 404)
        given = self.answers.get(report.id)
        text = given[-1].body if given else self.answered.get(report.id, "Đã tiếp thu và xử lý.")
        files = _files(report.id, self.answer_files.get(report.id, []))
        return self._page(
            f'<textarea class="showContent" readonly>{escape(text)}</textarea>'
            f'<div id="list-file-attach"><div class="content">{files}</div></div>',
            "answer",
        )

    def _file(self, request: Request, report_id: str, name: str) -> Response:
        report = self.reports.get(report_id)
        if report is None:
            return Response("", 404)
        for file in report.attachments:
            if file["filename"] == name:
                return Response(base64.b64decode(file["base64"]), content_type=file["content_type"])
        return Response(f"{report_id} {name}".encode(), content_type="application/pdf")

    def _page(self, html: str, kind: str) -> Response:
        if self.redesigned == "challenge" and kind != "list":
            return page("<title>Just a moment...</title><div class='cf-challenge'></div>")
        if self.redesigned == kind or (self.redesigned == "date" and kind == "detail"):
            html = html.replace(*_REDESIGN[self.redesigned])
        return page(html)


def _item(report: SimReport, without_link: bool) -> str:
    title = escape(report.subject)
    address = f"/p/phananhkiennghi/pakn-detail.html?id={quote(report.id, safe='')}"
    link = title if without_link else f'<a href="{address}">{title}</a>'
    return f'<div class="item"><h3>{link}</h3><p class="date">{report.changed:%d/%m/%Y %H:%M:%S}</p></div>'


def _files(report_id: str, names: list[str]) -> str:
    return "".join(
        f'<a class="link" href="/files/{quote(report_id)}/{quote(name)}">{escape(name)}</a>' for name in names
    )
