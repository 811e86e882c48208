"""`motmoi connector new`: a folder that works before its author has changed a word."""

from __future__ import annotations

import hashlib
import hmac
import json
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aggregator.sdk.contract import AuthFailed, SourceStatus, WebhookRequest
from aggregator.sdk.discovery import found_in, load_manifest, validate_config
from aggregator.sdk.lint import findings
from aggregator.sdk.sandbox import Portal, reply, serve
from aggregator.sdk.scaffold import KINDS
from aggregator.sdk.testing import context_for

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
ROWS = [
    {"id": 7, "created_at": "2026-11-20T08:00:00", "title": "Ổ gà", "content": "Ổ gà ở Lê Lợi",
     "status": "Mới"},
    {"id": 8, "created_at": "hôm qua", "title": "Đèn hỏng", "content": "Hẻm tối"},
]  # fmt: skip


def made(motmoi: Any, kind: str, name: str = "cong_moi") -> Path:
    ran = motmoi(
        "connector", "new", name, "--kind", kind, "--into", motmoi.folder / "own", "--maintainer", "Lan"
    )
    assert ran.code == 0, ran.err
    return motmoi.folder / "own" / name


def settings_wrong(folder: Path) -> list[str]:
    channel = tomllib.loads((folder / "channel.toml").read_text("utf-8"))
    assert channel["kind"] == "cong_moi"
    return validate_config(load_manifest(folder), channel.get("config", {}), channel.get("secrets"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_made_has_nothing_to_correct(motmoi: Any, kind: str) -> None:
    folder = made(motmoi, kind)
    assert findings(folder) == []
    assert found_in(folder).connector() is not None
    files = {str(path.relative_to(folder)) for path in folder.rglob("*.*")}
    assert {"connector.yaml", "README.md", "quality.yaml", "samples/README.md", "test_cong_moi.py"} <= files
    assert not settings_wrong(folder)
    code = [line for line in (folder / "test_cong_moi.py").read_text("utf-8").splitlines() if line]
    assert len(code) <= 5
    first = (folder / "connector.yaml").read_text("utf-8").splitlines()[0]
    schema = folder / first.partition("$schema=")[2]
    assert json.loads(schema.read_text("utf-8"))["title"].startswith("connector.yaml")


def test_nothing_that_is_there_is_overwritten(motmoi: Any) -> None:
    folder = made(motmoi, "python")
    (folder / "README.md").write_text("mine", "utf-8")
    schema = folder.parent / "connector.schema.json"
    schema.write_text("mine", "utf-8")
    ran = motmoi("connector", "new", "cong_moi", "--kind", "python", "--into", folder.parent)
    assert ran.code == 2 and "exists already" in ran.err
    made(motmoi, "python", "cong_hai")
    assert (folder / "README.md").read_text("utf-8") == schema.read_text("utf-8") == "mine"


@pytest.mark.parametrize("name", ["Cổng-Xã", "../len", "1022", "a"])
def test_a_name_that_no_module_could_have_is_refused(motmoi: Any, name: str) -> None:
    ran = motmoi("connector", "new", name, "--kind", "python", "--into", motmoi.folder / "own")
    assert ran.code == 2 and "small letters" in ran.err.lower()
    assert not (motmoi.folder / "own").exists()


def test_a_title_may_hold_what_yaml_would_stumble_over(motmoi: Any) -> None:
    into = motmoi.folder / "own"
    title = 'Cổng "1022": {thử} #1'
    assert (
        motmoi("connector", "new", "cong_moi", "--kind", "python", "--into", into, "--title", title).code == 0
    )
    assert motmoi.json("connector", "show", into / "cong_moi")["title"] == title


def test_new_python_connector_reads_a_list_and_quarantines_what_it_cannot(motmoi: Any) -> None:
    found = found_in(made(motmoi, "python"))
    portal = Portal()
    portal.route("/reports")(lambda request: reply({"data": ROWS}))
    with serve(portal) as running:
        ctx = context_for(running, found.manifest, now=NOW)
        assert [step.ok for step in found.connector().check(ctx)] == [True]
        [batch] = found.connector().poll(ctx, None)
        ctx.http.close()
    [record], [problem] = batch.records, batch.problems
    assert (record.external_id, record.status, record.occurred_at.hour) == ("7", SourceStatus.NEW, 8)
    assert "data[1]" in str(problem.error)


def test_new_webhook_connector_believes_its_key_alone(motmoi: Any) -> None:
    found = found_in(made(motmoi, "webhook"))
    ctx = context_for("http://127.0.0.1:1", found.manifest, secrets={"key": "khoa-thu"}, now=NOW)
    body = json.dumps(ROWS[0]).encode()
    signature = hmac.new(b"khoa-thu", body, hashlib.sha256).hexdigest()
    call = WebhookRequest("POST", {"x-signature": signature}, {}, body, NOW)
    reply = found.connector().handle_webhook(ctx, call)
    assert reply.batch and reply.batch.records[0].subject == "Ổ gà"
    with pytest.raises(AuthFailed):
        found.connector().handle_webhook(ctx, WebhookRequest("POST", {}, {}, body, NOW))
    ctx.http.close()
