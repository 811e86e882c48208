"""A simulated agency that pushes: it signs its calls, takes answers once a key, and shows them again.

Scenario keys: ``reports`` (neutral), ``secret``, ``key_id``. `call` sends to an address of ours what a
real agency would; its own paths are ``POST /answers`` and ``GET /reports/<id>/answers``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from werkzeug.urls import iri_to_uri

from aggregator.sdk.contract import WebhookRequest
from aggregator.sdk.sandbox import Portal, Request, Response, SimFile, SimReport, reply

from .signing import KEY, SIGNATURE, TIMESTAMP, signature

__all__ = ["build", "calls", "settings_for"]

SECRET = "khoa-ky-thu-nghiem-dai-hon-ba-muoi-hai-ky-tu"


def build(scenario: Mapping[str, Any], state_file: Path | None = None) -> Agency:
    """The simulated agency of a scenario."""
    agency = Agency(scenario, state_file)
    agency.load([one for one in scenario.get("reports", ()) if str(one["id"]) not in agency.reports])
    return agency


def calls(agency: Portal, url: str) -> list[WebhookRequest]:
    """All reports of the agency served at `url`, five a call, signed now."""
    assert isinstance(agency, Agency)
    agency.files = url
    reports = list(agency.reports.values())
    found = []
    for start in range(0, len(reports), 5):
        body = json.dumps({"reports": [agency.dressed(one) for one in reports[start : start + 5]]}).encode()
        headers = {name.lower(): value for name, value in agency.headers(body).items()}
        found.append(WebhookRequest("POST", headers, {}, body, agency.clock()))
    return found


def settings_for(url: str, scenario: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """A channel's settings and secrets that fit the simulated agency at `url`."""
    config = {"callback_url": f"{url}/answers", "readback_url": f"{url}/reports/{{id}}/answers"}
    config["files_url"] = f"{url}/files"
    return config, {"secret": str(scenario.get("secret", SECRET))}


#: Of an answer, as its read-back address shows it.
_SHOWN = ("body", "kind", "transfer_to", "due_at", "corrects")


class Agency(Portal):
    """An agency's case software, as we see it."""

    kind = "webhook"

    def __init__(self, scenario: Mapping[str, Any], state_file: Path | None = None) -> None:
        super().__init__(state_file=state_file)
        self.secret = str(scenario.get("secret", SECRET))
        self.key_id = str(scenario.get("key_id", "1"))
        self.store.setdefault("keys", {})
        self.route("/answers", ["GET"])(lambda _request: reply({"error": "send answers by POST"}, 405))
        self.route("/answers", ["POST"])(self._take)
        self.route("/reports/<number>/answers")(self._show)
        self.route("/files/<number>/<int:at>/<name>")(self._file)
        #: Where its files can be asked for; set by who serves it.
        self.files = ""
        #: Bytes of an answer above which its server says 413.
        self.most = 30_000_000

    # What it sends

    def call(
        self, url: str, reports: Any, *, at: datetime | None = None, **headers: str
    ) -> requests.Response:
        """One signed call with these reports (as the schema has them); `headers` replace its own."""
        body = json.dumps(reports, ensure_ascii=False).encode()
        return requests.post(url, data=body, headers={**self.headers(body, at), **headers}, timeout=30)

    def headers(self, body: bytes, at: datetime | None = None) -> dict[str, str]:
        timestamp = str(int((at or self.clock()).timestamp()))
        return {
            "Content-Type": "application/json",
            TIMESTAMP: timestamp,
            KEY: self.key_id,
            SIGNATURE: signature(self.secret, timestamp, body),
        }

    def dressed(self, report: SimReport) -> dict[str, Any]:
        """A neutral report in the published form."""
        return {
            "id": report.id, "sent_at": report.created.isoformat(), "updated_at": report.changed.isoformat(),
            "subject": report.subject, "body": report.body, "status": report.status,
            "category": report.category, "due_at": report.due.isoformat() if report.due else None,
            "person": {"name": report.name, "phone": report.phone, "anonymous": report.anonymous},
            "location": {
                "address": report.address, "area": report.area, "lat": report.lat, "lng": report.lng,
            },
            "attachments": [
                {"url": f"{self.files}/files/{report.id}/{at}/{one['filename']}", "filename": one["filename"]}
                for at, one in enumerate(report.attachments)
            ],
        }  # fmt: skip

    # What it takes

    def _take(self, request: Request) -> Response:
        body, key = request.get_data(), request.headers.get("Idempotency-Key", "")
        if not self._is_ours(request, body):
            return reply({"error": "signature"}, 401)
        if len(body) > self.most:
            return reply({"error": "too large"}, 413)
        answer = json.loads(body)
        if key in self.store["keys"]:
            return reply({"ref": self.store["keys"][key]}, 409)
        if answer["id"] not in self.reports:
            return reply({"error": "no such report"}, 404)
        self.store["keys"][key] = f"TL-{len(self.store['keys']) + 1}"
        self.store.setdefault(f"answers/{answer['id']}", []).append(
            {"key": key, **{name: answer[name] for name in _SHOWN if name in answer}}
        )
        files = [_taken(one) for one in answer.get("files", ())]
        self.answer(answer["id"], answer["body"], answer["author"], answer["status"], files)
        return reply({"ref": self.store["keys"][key], "files": len(files)}, 201)

    def _show(self, request: Request, number: str) -> Response:
        if not self._is_ours(request, iri_to_uri(request.url).encode()):
            return reply({"error": "signature"}, 401)
        if number not in self.reports:
            return reply({"error": "no such report"}, 404)
        return reply(
            {"status": self.reports[number].status, "answers": self.store.get(f"answers/{number}", [])}
        )

    def _file(self, request: Request, number: str, at: int, name: str) -> Response:
        if not self._is_ours(request, iri_to_uri(request.url).encode()):
            return reply({"error": "signature"}, 401)
        held = self.reports[number].attachments[at] if number in self.reports else None
        if held is None:
            return reply({"error": "no such file"}, 404)
        return Response(base64.b64decode(held["base64"]), content_type=held.get("content_type"))

    def _is_ours(self, request: Request, body: bytes) -> bool:
        timestamp = request.headers.get(TIMESTAMP, "")
        return request.headers.get(SIGNATURE) == signature(self.secret, timestamp, body)


def _taken(sent: Mapping[str, Any]) -> SimFile:
    return SimFile.taken(sent["filename"], sent["content_type"], base64.b64decode(sent["content"]))
