"""A simulated Zalo: signs its calls, grants tokens once, keeps the seven days, answers errors with 200.

Scenario keys: ``app_id``, ``oa_id``, ``app_secret``, ``oa_secret``, ``refresh_token`` (the first one).
`say` and `event` call an address of ours as Zalo would; what was sent to people is in ``/_control/state``
under the person's id. ``POST /v4/oa/access_token`` takes each refresh token once and for ever after
answers -14014.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from aggregator.sdk.sandbox import Portal, Request, Response, SimReport, header, reply

from .events import mac

__all__ = ["build"]

APP, OA = "1234567890123456789", "9876543210987654321"
APP_SECRET, OA_SECRET, FIRST_TOKEN = "bi-mat-ung-dung", "bi-mat-oa", "ma-lam-moi-1"
ACCESS_S = 90_000
WINDOW = timedelta(days=7)


def build(scenario: Mapping[str, Any], state_file: Path | None = None) -> Zalo:
    """The simulated OA of a scenario."""
    return Zalo(scenario, state_file)


class Zalo(Portal):
    """One OA and one application, as we see them."""

    kind = "zalo_oa"

    def __init__(self, scenario: Mapping[str, Any], state_file: Path | None = None) -> None:
        super().__init__(state_file=state_file)
        self.app_id, self.oa_id = str(scenario.get("app_id", APP)), str(scenario.get("oa_id", OA))
        self.app_secret = str(scenario.get("app_secret", APP_SECRET))
        self.oa_secret = str(scenario.get("oa_secret", OA_SECRET))
        self.store.setdefault("refresh", [str(scenario.get("refresh_token", FIRST_TOKEN))])
        self.store.setdefault("access", {})
        self.store.setdefault("seen", {})
        self.store.setdefault("refused", {})
        self.store.setdefault("renewals", 0)
        self.store.setdefault("sent", 0)
        self.route("/v4/oa/access_token", ["POST"])(self._renew)
        self.route("/v3.0/oa/message/cs", ["POST"])(self._message)
        self.route("/v2.0/oa/getoa")(self._own)
        self.route("/anh/<name>")(
            lambda _request, name: Response(b"\xff\xd8" + name.encode(), mimetype="image/jpeg")
        )

    # What Zalo sends

    def say(self, url: str, user: str, text: str, **more: Any) -> requests.Response:
        """A person writes to the OA."""
        return self.event(url, "user_send_text", user, {"text": text}, **more)

    def event(
        self, url: str, name: str, user: str, message: Mapping[str, Any] | None = None, *,
        at: datetime | None = None, msg_id: str | None = None, key: str | None = None, **headers: str,
    ) -> requests.Response:  # fmt: skip
        """Any event, signed; `key` signs with another key than the OA's."""
        moment = at or self.clock()
        stamp = str(int(moment.timestamp() * 1000))
        with self.lock:
            self.store["sent"] += 1
            number = msg_id or f"{self.store['sent']:016d}"
            self.store["seen"][user] = moment.isoformat()
            self.reports.setdefault(user, SimReport(user, "Zalo", created=moment))
        body: dict[str, Any] = {
            "app_id": self.app_id, "event_name": name, "timestamp": stamp, "sender": {"id": user},
            "recipient": {"id": self.oa_id}, "user_id_by_app": f"9{user}",
        }  # fmt: skip
        if message is not None:
            body["message"] = {**message, "msg_id": number}
        # Not as Python writes JSON by itself: the signature is over bytes, not over what they mean.
        raw = json.dumps(body, ensure_ascii=False, indent=1).encode()
        signature = mac(self.app_id, raw, stamp, key or self.oa_secret)
        given = {"Content-Type": "application/json", "X-ZEvent-Signature": f"mac={signature}", **headers}
        return requests.post(url, data=raw, headers=given, timeout=30)

    # What Zalo takes

    def _renew(self, request: Request) -> Response:
        spent = request.form.get("refresh_token", "")
        known = self.store["refresh"]
        if header(request, "secret_key") != self.app_secret or request.form.get("app_id") != self.app_id:
            return reply({"error": -14002, "error_name": "Invalid app"})
        if request.form.get("grant_type") != "refresh_token" or spent != known[-1]:
            return reply({"error": -14014, "error_name": "Invalid refresh token"})
        self.store["renewals"] += 1
        number = self.store["renewals"] + 1
        access, fresh = f"ma-truy-cap-{number}", f"ma-lam-moi-{number}"
        known.append(fresh)
        self.store["access"] = {access: (self.clock() + timedelta(seconds=ACCESS_S)).isoformat()}
        self.wrote()
        return reply({"access_token": access, "refresh_token": fresh, "expires_in": str(ACCESS_S)})

    def _message(self, request: Request) -> Response:
        if not self._is_valid(request):
            return reply({"error": -216, "message": "Access token is invalid"})
        asked = request.get_json(force=True)
        user, text = str(asked["recipient"]["user_id"]), str(asked["message"]["text"])
        if user in self.store["refused"]:
            return reply({"error": self.store["refused"][user], "message": "refused"})
        seen = self.store["seen"].get(user)
        if seen is None or self.clock() - datetime.fromisoformat(seen) > WINDOW:
            return reply({"error": -230, "message": "User has not interacted with the OA in the past 7 days"})
        self.answer(user, text, "OA")
        number = f"tl-{sum(map(len, self.answers.values()))}"
        return reply({"error": 0, "message": "Success", "data": {"message_id": number, "user_id": user}})

    def _own(self, request: Request) -> Response:
        if not self._is_valid(request):
            return reply({"error": -216, "message": "Access token is invalid"})
        return reply({"error": 0, "data": {"oa_id": self.oa_id, "name": "UBND phường thử nghiệm"}})

    def _is_valid(self, request: Request) -> bool:
        until = self.store["access"].get(header(request, "access_token"))
        return until is not None and self.clock() < datetime.fromisoformat(until)
