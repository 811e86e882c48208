"""A simulated Open311 endpoint: GeoReport v2 in JSON and XML, with mySociety's updates.

Scenario keys: ``reports``, ``api_key`` (asked of everybody who writes; with ``private: true`` of readers,
too), ``limit`` (rows an answer holds; the rest is cut off without a word, as the standard has it),
``tokens`` (ids of reports that show only a token until ``number`` is called), ``no_updates: true``.

Quirks: dates filter by the time of the request alone; ids are numbers in JSON and text in XML; an unknown
id is 404 with a list of errors; an update whose ``update_id`` is known is refused with "already exists".
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from aggregator.sdk.contract import SourceStatus
from aggregator.sdk.sandbox import Portal, Request, Response, SimReport, reply

__all__ = ["build"]

_WORDS = {
    SourceStatus.NEW: "open",
    SourceStatus.ACCEPTED: "open",
    SourceStatus.IN_PROGRESS: "in_progress",
    SourceStatus.WAITING: "internal_referral",
    SourceStatus.NEEDS_INFO: "investigating",
    SourceStatus.REOPENED: "reopened",
    SourceStatus.RESOLVED: "fixed",
    SourceStatus.REJECTED: "no_further_action",
    SourceStatus.DUPLICATE: "duplicate",
}
_OURS = {word: ours.value for ours, word in reversed(_WORDS.items())} | {
    "closed": "resolved",
    "not_councils_responsibility": "rejected",
}


def build(scenario: Mapping[str, Any], state_file: Path | None = None) -> Portal:
    """The simulated endpoint of a scenario; with `state_file` as it was when it was last killed."""
    portal = Open311Portal(scenario, state_file)
    portal.load([r for r in scenario.get("reports", ()) if str(r["id"]) not in portal.reports])
    return portal


class Open311Portal(Portal):
    """Paths and names of GeoReport v2."""

    kind = "open311"

    def __init__(self, scenario: Mapping[str, Any], state_file: Path | None = None) -> None:
        super().__init__(state_file=state_file)
        self.api_key = str(scenario.get("api_key", ""))
        self.private = bool(scenario.get("private"))
        self.limit = int(scenario.get("limit", 1000))
        self.tokens = {str(id_) for id_ in scenario.get("tokens", ())}
        self.has_updates = not scenario.get("no_updates")
        self.route("/discovery.<kind>")(self.discovery)
        self.route("/services.<kind>")(self.services)
        self.route("/requests.<kind>")(self.requests_)
        self.route("/requests/<id_>.<kind>")(self.request_)
        self.route("/tokens/<token>.<kind>")(self.token)
        self.route("/tep/<id_>.jpg")(self.picture)
        self.route("/servicerequestupdates.<kind>")(self.updates)
        self.route("/servicerequestupdates.<kind>", ["POST"])(self.update)

    def number(self, id_: str) -> None:
        """The report gets its number."""
        self.tokens.discard(id_)

    # -- reading ---------------------------------------------------------------------------------

    def picture(self, request: Request, id_: str) -> Response:
        report = self.reports.get(id_)
        if report is None or not report.attachments:
            return Response("", 404)
        return Response(base64.b64decode(report.attachments[0]["base64"]), content_type="image/jpeg")

    def discovery(self, request: Request, kind: str) -> Response:
        endpoint = {
            "specification": "http://wiki.open311.org/GeoReport_v2",
            "url": request.host_url.rstrip("/"),
            "changeset": "2026-01-05T00:00:00Z",
            "type": "production",
            "formats": ["text/xml", "application/json"],
        }
        if kind == "xml":
            inner = "".join(f"<{name}>{_xml(value)}</{name}>" for name, value in endpoint.items())
            return _xml_reply(f"<discovery><endpoints><endpoint>{inner}</endpoint></endpoints></discovery>")
        return reply({"changeset": "2026-01-05T00:00:00Z", "contact": "mẫu", "endpoints": [endpoint]})

    def services(self, request: Request, kind: str) -> Response:
        names = sorted({report.category or "Khác" for report in self.reports.values()})
        rows = [{"service_code": _code(name), "service_name": name, "type": "realtime"} for name in names]
        return _rows(rows, kind, "services", "service")

    def requests_(self, request: Request, kind: str) -> Response:
        if (refused := self._refused(request, kind)) is not None:
            return refused
        args = request.args
        if args.get("service_request_id"):
            ids = args["service_request_id"].split(",")
            found = [self.reports[id_] for id_ in ids if id_ in self.reports]
        else:
            found = self._within(args.get("start_date"), args.get("end_date"))
        if args.get("service_code"):
            found = [r for r in found if _code(r.category or "Khác") == args["service_code"]]
        found.sort(key=lambda r: (r.created, r.id), reverse=True)
        rows = [self._row(report, kind, request.host_url) for report in found[: self.limit]]
        if self.take("bad_record", request.path):
            rows += [{"service_request_id": "hong-1", "description": "Không có ngày", "status": "open"}]
        return _rows(rows, kind, "service_requests", "request")

    def request_(self, request: Request, id_: str, kind: str) -> Response:
        if (refused := self._refused(request, kind)) is not None:
            return refused
        report = self.reports.get(id_)
        if report is None:
            return _error(404, "service_request_id not found", kind)
        row = self._row(report, kind, request.host_url)
        return _rows([row], kind, "service_requests", "request")

    def token(self, request: Request, token: str, kind: str) -> Response:
        id_ = token.removeprefix("tk-")
        row = {"token": token, "service_request_id": "" if id_ in self.tokens else id_}
        return _rows([row], kind, "service_requests", "request")

    def updates(self, request: Request, kind: str) -> Response:
        if not self.has_updates:
            return _error(404, "no such method", kind)
        since, until = _instant(request.args.get("start_date")), _instant(request.args.get("end_date"))
        rows = [
            {
                "update_id": self.store.get("refs", {}).get(f"{id_}/{number}", f"{id_}-{number}"),
                "service_request_id": id_,
                "status": _WORDS[SourceStatus(self.reports[id_].status)].upper(),
                "updated_datetime": answer.at.isoformat(),
                "description": answer.body,
            }
            for id_, answers in self.answers.items()
            for number, answer in enumerate(answers, 1)
            if since <= answer.at <= until
        ]
        return _rows(rows[: self.limit], kind, "service_requests_updates", "request_update")

    def _within(self, start: str | None, end: str | None) -> list[SimReport]:
        since, until = _instant(start), _instant(end)
        return [report for report in self.reports.values() if since <= report.created <= until]

    def _row(self, report: SimReport, kind: str, host: str) -> dict[str, Any]:
        numbered = report.id not in self.tokens
        wire_id: Any = int(report.id) if kind == "json" and report.id.isdigit() else report.id
        row = {
            "service_request_id": wire_id if numbered else None,
            "token": None if numbered else f"tk-{report.id}",
            "status": _WORDS[SourceStatus(report.status)],
            "status_notes": None,
            "service_name": report.category or "Khác",
            "service_code": _code(report.category or "Khác"),
            "title": report.subject,
            "description": report.body,
            "agency_responsible": "UBND phường",
            "requested_datetime": report.created.isoformat(),
            "updated_datetime": report.changed.isoformat(),
            "expected_datetime": report.due.isoformat() if report.due else None,
            "address": report.address,
            "lat": report.lat,
            "long": report.lng,
            "media_url": f"{host}tep/{report.id}.jpg" if report.attachments else None,
            "extended_attributes": {"ward": report.area} if report.area else None,
        }
        if self.private and not report.anonymous:
            row |= {"first_name": report.name, "phone": report.phone, "email": report.email}
        return row

    def _refused(self, request: Request, kind: str) -> Response | None:
        if self.private and request.args.get("api_key") != self.api_key:
            return _error(403, "api_key missing or invalid", kind)
        return None

    # -- writing ---------------------------------------------------------------------------------

    def update(self, request: Request, kind: str) -> Response:
        given = request.form
        if self.api_key and given.get("api_key") != self.api_key:
            return _error(403, "api_key missing or invalid", kind)
        report = self.reports.get(given.get("service_request_id", ""))
        if report is None:
            return _error(404, "service_request_id not found", kind)
        status = given.get("status", "").lower()
        if not given.get("description", "").strip() or status not in _OURS:
            return _error(400, "description or status is not valid", kind)
        refs = self.store.setdefault("refs", {})
        if given.get("update_id") in refs.values():
            return _error(400, "update_id already exists", kind)
        self.answer(report.id, given["description"], "UBND phường", _OURS[status])
        refs[f"{report.id}/{len(self.answers[report.id])}"] = given.get("update_id")
        self.save()
        return _rows(
            [{"update_id": given.get("update_id")}], kind, "service_request_updates", "request_update"
        )


def _code(name: str) -> str:
    return f"{sum(name.encode()) % 9973:04}"


def _instant(text: str | None) -> datetime:
    at = datetime.fromisoformat(text) if text else datetime(1970, 1, 1, tzinfo=UTC)
    return at.astimezone(UTC)


def _error(code: int, description: str, kind: str) -> Response:
    return _rows([{"code": code, "description": description}], kind, "errors", "error", code)


def _rows(rows: Iterable[Mapping[str, Any]], kind: str, root: str, name: str, status: int = 200) -> Response:
    if kind != "xml":
        return reply(list(rows), status)
    inner = "".join(
        f"<{name}>{''.join(f'<{key}>{_xml(value)}</{key}>' for key, value in row.items())}</{name}>"
        for row in rows
    )
    return _xml_reply(f"<{root}>{inner}</{root}>", status)


def _xml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{key}>{_xml(one)}</{key}>" for key, one in value.items())
    if isinstance(value, list):
        return "".join(f"<format>{escape(str(one))}</format>" for one in value)
    return "" if value is None else escape(str(value))


def _xml_reply(body: str, status: int = 200) -> Response:
    whole = f'<?xml version="1.0" encoding="utf-8"?>{body}'
    return Response(whole, status=status, content_type="text/xml; charset=utf-8")
