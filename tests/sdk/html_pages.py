"""The ward's feedback page of docs/connector-html.md: a portal of pages, and a channel set up against it."""

import json
import re
from pathlib import Path

from aggregator.sdk.discovery import load_manifest
from aggregator.sdk.html_portal import HtmlPortal
from aggregator.sdk.sandbox import Portal, Response, page, serve
from aggregator.sdk.testing import context_for

DOCS = (Path(__file__).parents[2] / "docs" / "connector-html.md").read_text("utf-8")
MANIFEST = re.search(r"```yaml\n(.+?)```", DOCS, re.S)[1]
SUBCLASS = re.search(r"```python\n(.+?)```", DOCS, re.S)[1]
WORDS = {"new": "Mới", "in_progress": "Đang xử lý", "resolved": "Đã trả lời", "rejected": "Đóng"}


class FeedbackPage(Portal):
    """Links to the next page, a token that the login checks, a button that it looks at."""

    def __init__(self, reports, page_size=3):
        super().__init__()
        self.page_size = page_size
        self.changed, self.summary = ("", ""), None
        #: Asked for these, the portal shows report 1.
        self.mixed_up = set()
        self.route("/dang-nhap", ["GET", "POST"])(self._login)
        self.route("/gop-y")(self._list)
        self.route("/gop-y/xem", ["GET", "POST"])(self._report)
        self.route("/gop-y/tom-tat")(self._summary)
        self.load(reports)

    def _html(self, html):
        return page(f"<!doctype html><html><body>{html.replace(*self.changed)}</body></html>")

    def _login(self, request):
        if request.method == "GET":
            return self._html(
                '<form method="post"><input type="hidden" name="_t" value="7"><input name="ten">'
                '<input type="password" name="mk"><button name="nut" value="vao">Vào</button></form>'
            )
        sent = (request.form.get("_t"), request.form.get("ten"), request.form.get("mk"))
        if sent != ("7", "lan", "bi-mat"):
            return self._html("<form><input type='password' name='mk'></form>")
        self.sessions["s"] = "lan"
        response = self._html('<a id="thoat">Thoát</a>')
        response.set_cookie("s", "s")
        return response

    def _page(self, request, html):
        if request.cookies.get("s") not in self.sessions:
            return self._html('<form><input name="ten"><input type="password" name="mk"></form>')
        return self._html(f'<a id="thoat">Thoát</a>{html}')

    def _list(self, request):
        found, start = self.newest_first(), request.args.get("tu", 0, int)
        part = found[start:][: self.page_size]
        rows = "".join(
            f'<li><a href="/gop-y/xem?so={r.id}">{r.subject}</a> {r.changed.isoformat()}</li>' for r in part
        )
        more = start + self.page_size < len(found)
        link = f'<a class="sau" href="?tu={start + self.page_size}">Sau</a>' if more else ""
        end = "" if more else '<span class="het">Hết</span>'
        return self._page(request, f'<ul id="ds">{rows or "<li hidden class=trong></li>"}</ul>{link}{end}')

    def _report(self, request):
        number = request.args.get("so", "")
        report = self.reports.get("1" if number in self.mixed_up else number)
        if report is None:
            return Response("", 404)
        said = ""
        if request.method == "POST":
            self.answer(report.id, request.form["noi_dung"], status="resolved")
            report, said = self.reports[report.id], '<p class="da-gui"></p>'
        answers = "".join(
            f'<li><p>{a.body}</p><time datetime="{a.at.isoformat()}"></time></li>'
            for a in self.answers.get(report.id, ())
        )
        return self._page(
            request,
            f'{said}<div id="gop-y" data-so="{report.id}"><h1>{report.subject}</h1>'
            f'<div class="noi-dung">{report.body}</div><b class="trang-thai">{WORDS[report.status]}</b>'
            f'<time datetime="{report.created.isoformat()}"></time>'
            f"<dl><div><dt>Người gửi</dt><dd>{report.name}</dd></div></dl>"
            f'<div class="tep"></div><ul class="tra-loi">{answers}</ul>'
            '<form id="tra-loi" method="post"><textarea name="noi_dung"></textarea></form></div>',
        )

    def _summary(self, request):
        if self.summary is None:
            return Response("", 404)
        return self._page(request, f'<div id="tom-tat"><i>{self.summary}</i></div>')


def report(n, **more):
    return {
        "id": str(n),
        "subject": f"Góp ý {n}",
        "body": "Đèn đường hỏng.",
        "name": "Người Gửi",
        "created": f"2026-10-{n:02d}T01:00:00+00:00",
        **more,
    }


def connector_of(folder, text=MANIFEST, portal=HtmlPortal):
    (folder / "connector.yaml").write_text(text, "utf-8")
    return portal(load_manifest(folder))


class Channel:
    """A channel set up against one feedback page."""

    def __init__(self, connector, count=8, **config):
        self.connector = connector
        self.running = serve(FeedbackPage([report(n) for n in range(1, count + 1)]))
        self.portal = self.running.portal
        self.config = {"username": "lan", **config}
        self.state, self.cursor = {}, None

    def ctx(self):
        secrets = {"password": "bi-mat"}
        return context_for(self.running, self.connector.manifest, self.config, secrets, state=self.state)

    def poll(self):
        batches = list(self.connector.poll(self.ctx(), self.cursor))
        self.cursor = json.loads(json.dumps(batches[-1].next_cursor))
        return [record for batch in batches for record in batch.records]
