"""Answers carried to a JSON portal by its manifest alone, over real HTTP: once, and never in doubt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aggregator.sdk.contract import (
    AuthFailed,
    ChannelError,
    Permanent,
    PushCommand,
    SourceStatus,
    Transient,
    UnknownOutcome,
)
from aggregator.sdk.json_portal import JsonPortal
from aggregator.sdk.sandbox import Fault, Request, Response, page, reply, serve
from aggregator.sdk.simulated import LOGIN_PAGE
from aggregator.sdk.testing import context_for
from tests.sdk.json_portals import MAP, NOW, Lists, line, portal_of, stream

REQUEST = {
    "path": "/item/{id}/answers",
    "body": {
        "text": "{body}",
        "state": "{status}",
        "ref": "{key}",
        "by": "{author} ({unit})",
        "on": "{at:%d/%m/%Y}",
    },
}
PUSH = {
    "reply": {
        "request": REQUEST,
        "kinds": ["result", "refusal"],
        "success": {"path": "ok", "equals": True},
        "already_exists": {"status": 409},
        "remote_ref": "answer.id",
        "errors": [
            {"path": "ok", "equals": False, "class": "permanent"},
            {"path": "code", "differs": 0, "class": "auth_failed"},
        ],
    }
}
SOURCE = {
    "map": {**MAP, "answers": {"each": "answers", "body": "text", "remote_ref": "ref"}},
    "streams": [stream(detail={"request": {"path": "/item/{id}"}, "record": "data"})],
}
COMMAND = PushCommand(
    idempotency_key="8f2c-0001",
    external_id="PA-1",
    kind="result",
    body="Đã thay bóng đèn.",
    status=SourceStatus.RESOLVED,
    at=NOW,
    author_name="Lan",
    unit_name="UBND phường",
)


class Answered(Lists):
    """Takes answers; `says` is said instead where it is set."""

    def __init__(self) -> None:
        super().__init__([line(1, answers=[])])
        self.says: Response | None = None
        self.taken: list[dict[str, Any]] = []
        self.route("/item/<id_>/answers", ("POST",))(self.take_answer)

    def take_answer(self, request: Request, id_: str) -> Response:
        if self.says is not None:
            return self.says
        given = request.get_json(force=True)
        self.taken.append(given)
        self.lines[0]["answers"].append({"text": f"<p>{given['text']}</p>", "ref": given["ref"]})
        self.wrote()
        return reply({"ok": True, "answer": {"id": len(self.taken)}})


@pytest.fixture
def connector() -> JsonPortal:
    return portal_of(SOURCE, PUSH)


def test_an_answer_arrives_in_the_portals_words_and_is_read_back(connector: JsonPortal) -> None:
    given = Answered()
    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW)
        result = connector.push(ctx, COMMAND)
        state = connector.lookup(ctx, COMMAND)
    assert (result.outcome, result.remote_ref) == ("sent", "1")
    assert given.taken == [
        {
            "text": "Đã thay bóng đèn.",
            "state": "Xong",
            "ref": "8f2c-0001",
            "by": "Lan (UBND phường)",
            "on": "20/01/2026",
        }
    ]
    assert state is not None and state.found is not None and state.found.remote_ref == "8f2c-0001"
    assert connector.manifest.capabilities.idempotency == "read_back"
    assert connector.manifest.capabilities.push_reply and connector.manifest.capabilities.push_status


def test_a_lost_answer_is_unclear_and_the_repeat_finds_it_there(connector: JsonPortal) -> None:
    given = Answered()
    given.faults.append(Fault("commit_then_drop"))
    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW)
        with pytest.raises(UnknownOutcome):
            connector.push(ctx, COMMAND)
        again = connector.push(ctx, replace(COMMAND, attempt=2))
    assert again.outcome == "already_there" and len(given.taken) == 1


def test_a_portal_that_keeps_our_key_is_asked_by_sending_again(connector: JsonPortal) -> None:
    streams = [{key: value for key, value in SOURCE["streams"][0].items() if key != "detail"}]
    keyed = portal_of({"streams": streams}, PUSH)
    assert keyed.manifest.capabilities.idempotency == "natural_key"
    with serve(Answered()) as running:
        state = keyed.lookup(context_for(running, keyed.manifest, now=NOW), COMMAND)
    assert state is not None and state.found is None, "not gone: it may be there, or not"


SAID: list[tuple[str, Response, type[ChannelError] | str]] = [
    ("it had the answer before", reply({"message": "đã có"}, 409), "already_there"),
    ("a clear no in words", reply({"ok": False}), Permanent),
    ("a clear no by status", reply({"message": "sai"}, 422), Permanent),
    ("a login page", page(LOGIN_PAGE), UnknownOutcome),
    ("a page about nothing", page("<h1>Xin chào</h1>"), UnknownOutcome),
    ("an answer without the word", reply({"message": "?"}), UnknownOutcome),
    ("a code that is no good", reply({"code": 5}), AuthFailed),
    ("no right", reply({"message": "không"}, 403), AuthFailed),
    ("a broken server", reply({"message": "lỗi"}, 500), UnknownOutcome),
]


@pytest.mark.parametrize(("note", "said", "meaning"), SAID, ids=[row[0] for row in SAID])
def test_only_a_clear_yes_is_a_yes(
    connector: JsonPortal, note: str, said: Response, meaning: type[ChannelError] | str
) -> None:
    given = Answered()
    given.says = said
    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW)
        if isinstance(meaning, str):
            assert connector.push(ctx, COMMAND).outcome == meaning
        else:
            with pytest.raises(meaning):
                connector.push(ctx, COMMAND)


def test_what_never_left_may_be_sent_again(connector: JsonPortal) -> None:
    ctx = context_for("http://127.0.0.1:9", connector.manifest, now=NOW)
    with pytest.raises(Transient):
        connector.push(ctx, COMMAND)


def test_what_the_portal_has_no_word_for_is_refused_before_it_is_sent(connector: JsonPortal) -> None:
    given = Answered()
    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW)
        for command in (replace(COMMAND, kind="progress"), replace(COMMAND, status=SourceStatus.WAITING)):
            with pytest.raises(Permanent):
                connector.push(ctx, command)
        assert connector.lookup(ctx, replace(COMMAND, external_id="PA-9")) is None
    assert given.requests == 1


def test_a_channel_that_only_reads_says_so() -> None:
    connector = portal_of(SOURCE)
    with serve(Answered()) as running, pytest.raises(Permanent):
        connector.push(context_for(running, connector.manifest, now=NOW), COMMAND)
    assert not connector.manifest.capabilities.push_reply
