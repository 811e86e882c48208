"""Files with an answer by a manifest alone, over real HTTP: in its form, its body, or laid down first."""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aggregator.sdk.contract import ConfigInvalid, Permanent, PushCommand, Transient, UnknownOutcome
from aggregator.sdk.json_portal import JsonPortal
from aggregator.sdk.lint import findings
from aggregator.sdk.sandbox import Fault, Request, Response, reply, serve
from aggregator.sdk.testing import context_for
from tests.out_files import laid_down
from tests.sdk.json_portals import NOW, portal_of
from tests.sdk.test_json_portal_answering import COMMAND, PUSH, REQUEST, SOURCE, Answered

BODY: dict[str, Any] = REQUEST["body"]  # type: ignore[assignment]
FORM = {"path": "/item/{id}/answers", "form": {"text": "{body}", "ref": "{key}"}}
UPLOAD = {"request": {"path": "/files", "form": {"name": "{file_name}"}}, "field": "file", "ref": "data.id"}
UPLOAD_JSON = {
    "request": {"path": "/files", "body": {"name": "{file_name}", "data": "{file_data}"}},
    "ref": "data.id",
}
IN_BODY = {**REQUEST, "body": {**BODY, "files": "{files:raw}"}}

WAYS = {
    "in the form": {"request": FORM, "files": {"field": "files"}},
    "in the body": {
        "request": IN_BODY,
        "files": {"entry": {"name": "{file_name}", "type": "{file_type}", "data": "{file_data}"}},
    },
    "laid down, then named": {"request": IN_BODY, "files": {"upload": UPLOAD}},
    "laid down as JSON": {
        "request": IN_BODY,
        "files": {"upload": UPLOAD_JSON, "entry": {"id": "{file_ref}"}},
    },
}


def manifest_push(way: dict[str, Any]) -> dict[str, Any]:
    return {"reply": {**PUSH["reply"], **way}}


class Filing(Answered):
    """Keeps files by number, and says which stand under its answers."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[tuple[str, bytes]] = []
        self.shown: list[list[tuple[str, bytes]]] = []
        self.most = 100_000
        self.route("/files", ("POST",))(self.take_file)

    def take_file(self, request: Request) -> Response:
        if request.is_json:
            given = request.get_json()
            one = (given["name"], base64.b64decode(given["data"]))
        else:
            sent = request.files["file"]
            one = (sent.filename or "", sent.read())
        if len(one[1]) > self.most:
            return reply({"error": "too large"}, 413)
        self.files.append(one)
        self.wrote()
        return reply({"data": {"id": len(self.files)}})

    def take_answer(self, request: Request, id_: str) -> Response:
        if self.says is not None:
            return self.says
        given = request.get_json() if request.is_json else dict(request.form)
        files = [(one.filename or "", one.read()) for one in request.files.getlist("files")]
        if sum(len(content) for _, content in files) > self.most:
            return reply({"error": "too large"}, 413)
        for entry in given.get("files", ()):
            number = entry["id"] if isinstance(entry, dict) and "id" in entry else entry
            inline = isinstance(entry, dict) and "data" in entry
            files.append(
                (entry["name"], base64.b64decode(entry["data"])) if inline else self.files[int(number) - 1]
            )
        self.taken.append(given)
        self.shown.append(files)
        self.lines[0]["answers"].append({"text": given["text"], "ref": given["ref"]})
        self.wrote()
        return reply({"ok": True, "answer": {"id": len(self.taken)}})


@pytest.fixture(params=WAYS.values(), ids=WAYS.keys())
def connector(request: pytest.FixtureRequest) -> JsonPortal:
    return portal_of(SOURCE, manifest_push(request.param))


@pytest.fixture
def command(tmp_path: Path) -> PushCommand:
    files = laid_down(
        tmp_path, ("Sau khi sửa.jpg", b"\xff\xd8" + bytes(2_000)), ("QĐ 12.pdf", b"%PDF-1.7 %%EOF")
    )
    return replace(COMMAND, attachments=files)


def hashes(files: list[tuple[str, bytes]]) -> list[tuple[str, str]]:
    return [(name, hashlib.sha256(content).hexdigest()) for name, content in files]


def wanted(command: PushCommand) -> list[tuple[str, str]]:
    return [(file.filename, file.sha256) for file in command.attachments]


def test_files_stand_under_the_answer_whichever_way_the_portal_takes_them(
    connector: JsonPortal, command: PushCommand
) -> None:
    given = Filing()
    with serve(given) as running:
        result = connector.push(context_for(running, connector.manifest, now=NOW), command)
    assert (result.outcome, result.files_left) == ("sent", 0)
    assert hashes(given.shown[0]) == wanted(command) and len(given.shown) == 1
    assert connector.manifest.capabilities.push_attachments


def test_an_answer_without_files_goes_as_before(connector: JsonPortal) -> None:
    given = Filing()
    with serve(given) as running:
        connector.push(context_for(running, connector.manifest, now=NOW), COMMAND)
    assert given.shown == [[]] and not given.files


@pytest.mark.parametrize("lost", ["answers$", "files$"])
def test_whichever_answer_of_the_portal_is_lost_words_and_files_stand_there_once(
    connector: JsonPortal, command: PushCommand, lost: str
) -> None:
    given, state = Filing(), {}
    given.faults.append(Fault("commit_then_drop", path=lost))
    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW, state=state)
        with suppress(Transient, UnknownOutcome):
            connector.push(ctx, command)
        connector.push(ctx, replace(command, attempt=2))
        connector.push(ctx, replace(command, attempt=3))
    assert [hashes(files) for files in given.shown] == [wanted(command)]
    assert not state.get("uploads"), "what is done needs not be remembered"


def test_a_file_that_was_taken_is_not_laid_down_again_when_its_answer_has_to_wait(
    command: PushCommand,
) -> None:
    connector = portal_of(SOURCE, manifest_push(WAYS["laid down, then named"]))
    given, state = Filing(), {}
    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW, state=state)
        given.says = reply({"error": "maintenance"}, 503)
        with pytest.raises(UnknownOutcome):
            connector.push(ctx, command)
        given.says = None
        connector.push(ctx, replace(command, attempt=2))
    assert len(given.files) == 2 and hashes(given.shown[0]) == wanted(command)


def test_the_names_of_a_refused_answers_files_are_not_used_again(command: PushCommand) -> None:
    connector = portal_of(SOURCE, manifest_push(WAYS["laid down, then named"]))
    given, state = Filing(), {}
    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW, state=state)
        given.says = reply({"ok": False})
        with pytest.raises(Permanent):
            connector.push(ctx, command)
        given.says = None
        connector.push(ctx, replace(command, attempt=2))
    assert len(given.files) == 4, "the portal may have tidied up meanwhile"


@pytest.mark.parametrize(
    ("way", "left"), [("in the form", 2), ("laid down, then named", 1), ("laid down as JSON", 1)]
)
def test_a_file_that_is_too_large_stays_here_and_the_words_go(
    command: PushCommand, way: str, left: int
) -> None:
    connector, given = portal_of(SOURCE, manifest_push(WAYS[way])), Filing()
    given.most = 1_000
    with serve(given) as running:
        result = connector.push(context_for(running, connector.manifest, now=NOW), command)
    assert (result.outcome, result.files_left) == ("sent", left)
    assert len(given.taken) == 1 and hashes(given.shown[0]) == wanted(command)[left:]


def test_a_refused_file_is_counted_too_where_the_reply_to_the_answer_was_lost(command: PushCommand) -> None:
    connector, given = portal_of(SOURCE, manifest_push(WAYS["laid down, then named"])), Filing()
    given.most, state = 1_000, dict[str, Any]()
    given.faults.append(Fault("commit_then_drop", path="answers$"))
    with serve(given) as running:
        ctx = context_for(running, connector.manifest, now=NOW, state=state)
        with pytest.raises(UnknownOutcome):
            connector.push(ctx, command)
        seen = connector.lookup(ctx, command)
    assert seen is not None and seen.found is not None and seen.files_left == 1
    assert "uploads" not in state


MISTAKES = [
    ({"request": REQUEST, "files": {"field": "files"}}, "files.field: for a request with a form"),
    ({"request": REQUEST, "files": {"upload": UPLOAD}}, "the files are sent nowhere"),
    ({"request": IN_BODY, "files": {"entry": "{file_name}"}}, "{file_data} is missing"),
    ({"request": IN_BODY, "files": {"upload": UPLOAD, "entry": "{file_name}"}}, "{file_ref} is missing"),
    ({"request": IN_BODY, "files": {"upload": {**UPLOAD_JSON, "field": "file"}}}, "a request with a form"),
    (
        {"request": IN_BODY, "files": {"upload": {**UPLOAD, "field": "", "request": {"path": "/files"}}}},
        "files.upload",
    ),
    ({"request": IN_BODY}, "nothing is called {files}"),
]


@pytest.mark.parametrize(("way", "words"), MISTAKES)
def test_a_manifest_by_which_files_would_be_lost_is_refused(way: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        portal_of(SOURCE, manifest_push(way))
    assert words in str(refused.value)


def manifest(kind: str, below: str) -> str:
    return f"""id: claims
version: "1"
api: 1
title: {{vi: Cổng, en: Portal}}
description: {{vi: Cổng, en: Portal}}
maintainer: Lan
kind: {kind}
capabilities: {{push_attachments: true}}
{below}
"""


JSON_CLAIM = """source:
  streams: [{request: {path: /x}, records: "@", map: {external_id: id, occurred_at: at, subject: s, body: b}}]
push: {reply: {request: {path: "/x/{id}", body: {text: "{body}"}}, success: {status: 200}}}"""
OPEN311_CLAIM = "source: {}"


@pytest.mark.parametrize(("kind", "below"), [("json", JSON_CLAIM), ("open311", OPEN311_CLAIM)])
def test_a_manifest_that_claims_files_and_says_no_way_is_told_the_way_out(
    tmp_path: Path, kind: str, below: str
) -> None:
    (tmp_path / "connector.yaml").write_text(manifest(kind, below), "utf-8")
    (found,) = findings(tmp_path)
    assert found.path == "capabilities.push_attachments"
    assert "nothing below push says how files go there" in found.message
    assert "push.reply.files" in found.suggestion
