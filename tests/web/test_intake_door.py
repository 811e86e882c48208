"""The door for sources that call: no session and no form token, a bounded body, plain answers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from aggregator.sdk.contract import AuthFailed, Capabilities, Manifest, WebhookReply, WebhookRequest
from aggregator.sdk.discovery import Found
from inbox_web.intake import CALL_LIMIT, MAX_CALL_BYTES
from tests.web.office import WARD, Browser, Office

SCHEMA: dict[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}


class Bell:
    """A source that shakes hands by GET and calls by POST with a word in a header."""

    def handle_webhook(self, _ctx: Any, call: WebhookRequest) -> WebhookReply:
        if call.method == "GET":
            return WebhookReply(body=call.query["challenge"].encode(), content_type="text/plain")
        if call.headers.get("x-word") != "mở":
            raise AuthFailed("wrong word", message_vi="Sai mật khẩu")
        raise KeyError("whatever happens next")


@pytest.fixture
def client(app: Flask, office: Office) -> FlaskClient:
    can = dataclasses.replace(Capabilities(), poll="none", webhook=True)
    words = {"vi": "Chuông", "en": "Bell"}
    manifest = Manifest("bell", "1", 1, words, words, "tests", can, SCHEMA, {}, {}, Path())
    office.services.connectors["bell"] = Found("bell", manifest, "tests", _loaded=Bell())  # type: ignore
    office.services.channels.add({"slug": "chuong", "kind": "bell", "ward": WARD})
    return app.test_client()


def test_a_handshake_is_answered_and_leaves_nothing(client: FlaskClient, office: Office) -> None:
    answer = client.get("/intake/chuong?challenge=42")
    assert (answer.status_code, answer.text) == (200, "42")
    assert "Set-Cookie" not in answer.headers
    view = office.services.webhooks.view(None, "chuong")
    assert view is not None and (view.taken, view.waiting) == (0, 0)


def test_a_call_needs_no_session_and_a_wrong_one_is_refused_in_json(client: FlaskClient) -> None:
    answer = client.post("/intake/chuong", data=b"{}")
    assert answer.status_code == 401
    assert answer.json == {"status": "refused", "error": "wrong word"}
    assert client.post("/intake/chuong", data=b"{}", headers={"X-Word": "mở"}).status_code == 202


def test_no_channel_and_one_that_takes_no_calls_answer_alike(client: FlaskClient) -> None:
    known, unknown = client.post("/intake/cong-1022"), client.post("/intake/khong-co")
    assert known.status_code == unknown.status_code == 404
    assert known.data == unknown.data


def test_a_body_is_bounded(client: FlaskClient) -> None:
    answer = client.post("/intake/chuong", data=b"x" * (MAX_CALL_BYTES + 1), headers={"X-Word": "mở"})
    assert answer.status_code == 413 and answer.json["status"] == "refused"


def test_who_calls_too_often_is_asked_to_wait_and_the_others_are_not(client: FlaskClient) -> None:
    most = int(CALL_LIMIT.split()[0])
    answers = [client.get("/intake/khong-co", environ_base={"REMOTE_ADDR": "192.0.2.7"}) for _ in range(most)]
    assert {answer.status_code for answer in answers} == {404}
    refused = client.get("/intake/khong-co", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert refused.status_code == 429 and refused.headers["Retry-After"] == "60"
    assert client.get("/intake/khong-co", environ_base={"REMOTE_ADDR": "192.0.2.8"}).status_code == 404


def test_the_channels_page_shows_the_address_and_what_was_refused(
    client: FlaskClient, admin: Browser, lan: Browser
) -> None:
    client.post("/intake/chuong", data=b"{}")
    client.post("/intake/chuong", data=b"{}", headers={"X-Word": "mở"})
    page = admin.get("/channels/chuong").text
    assert "/intake/chuong" in page and "1 bị từ chối" in page and "Sai mật khẩu" in page
    assert "Các cuộc gọi không đọc được" in page
    admin.submit("/channels/chuong", "/channels/chuong/calls/replay")
    assert "đang chờ đọc" in admin.get("/channels/chuong").text
    assert lan.get("/channels/chuong").status_code == 200
