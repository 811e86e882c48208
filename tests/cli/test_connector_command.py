"""The commands of a connector's author, before any portal is asked."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from aggregator.sdk.discovery import found_in

ROOT = Path(__file__).parents[2]
MANIFEST = """\
id: cong_mau
version: "1"
api: 1
maintainer: Lan
title: {vi: Cổng mẫu, en: Sample}
description: {vi: Đọc cổng mẫu, en: Reads a sample}
capabilities: {poll: full_snapshot, push_reply: true}
status_map: {Mới: new}
config_schema:
  type: object
  required: [base_url]
  properties:
    base_url: {type: string, title: Địa chỉ, order: 1}
    password: {type: string, secret: true, title: Mật khẩu, order: 2}
"""


def written(motmoi: Any, text: str = MANIFEST, code: str | None = None, name: str = "cong_mau") -> Path:
    folder = motmoi.folder / "var" / "connectors" / name
    folder.mkdir(parents=True)
    (folder / "connector.yaml").write_text(text, "utf-8")
    if code is not None:
        (folder / "__init__.py").write_text(code, "utf-8")
    return folder


def test_lint_names_place_rule_and_way_out_and_exits_one(motmoi: Any) -> None:
    folder = written(motmoi, MANIFEST.replace("push_reply", "push_replay"))
    ran = motmoi("connector", "lint", folder)
    assert ran.code == 1
    assert ran.out == (
        f"{folder}/connector.yaml:7:37: unknown-key: capabilities.push_replay: "
        "unknown key 'push_replay'; did you mean 'push_reply'?\n"
    )
    [finding] = motmoi("connector", "lint", folder.parent, "--json").document["findings"]
    assert (finding["line"], finding["column"], finding["rule"]) == (7, 37, "unknown-key")
    assert finding["path"] == "capabilities.push_replay"


def test_lint_finds_nothing_in_what_is_shipped(motmoi: Any) -> None:
    ran = motmoi("connector", "lint", ROOT / "connectors")
    assert ran.code == 0 and "nothing to say" in ran.out


def test_lint_of_a_folder_without_a_manifest_is_bad_usage(motmoi: Any) -> None:
    ran = motmoi("connector", "lint", motmoi.folder)
    assert ran.code == 2 and "connector.yaml" in ran.err
    assert motmoi("connector", "lint", motmoi.folder / "away").code == 2


def test_schema_is_one_that_editors_can_use_and_that_shipped_manifests_meet(motmoi: Any) -> None:
    schema = json.loads(motmoi("connector", "schema").out)
    Draft202012Validator.check_schema(schema)
    assert schema["properties"]["capabilities"]["properties"]["poll"]["enum"][0] == "incremental"
    described = schema["properties"]["capabilities"]["properties"].values()
    assert all(rule["description"] for rule in described)


def test_show_tells_what_a_channel_of_it_needs(motmoi: Any) -> None:
    folder = written(motmoi, code=WHOLE)
    ran = motmoi("connector", "show", "cong_mau")
    assert ran.code == 0
    for part in ("Cổng mẫu (Sample)", str(folder), "Mật khẩu", "read, answer", "Mới"):
        assert part in ran.out
    assert motmoi.json("connector", "show", folder)["config_schema"]["required"] == ["base_url"]


def test_show_of_a_broken_connector_gives_the_whole_traceback(motmoi: Any) -> None:
    written(motmoi, code="import surely_not_there\n")
    ran = motmoi("connector", "show", "cong_mau")
    assert ran.code == 1
    assert "Traceback" in ran.out and "surely_not_there" in ran.out
    assert motmoi("connector", "show", "cong_nau").code == 2
    assert "did you mean 'cong_mau'?" in motmoi("connector", "show", "cong_nau").err


def test_a_connector_that_leaves_the_process_is_broken_and_stops_nothing(motmoi: Any) -> None:
    written(motmoi, code="raise SystemExit(0)\n")
    known = {one["id"]: one for one in motmoi.json("connector", "list")}
    assert "SystemExit" in known["cong_mau"]["problem"] and known["portal_1022"]["problem"] is None


def test_a_manifest_for_another_release_of_the_contract_is_refused(motmoi: Any) -> None:
    written(motmoi, MANIFEST.replace("api: 1", "api: 2"), code=WHOLE)
    known = {one["id"]: one for one in motmoi.json("connector", "list")}
    assert ":3:6: unknown-api: " in known["cong_mau"]["problem"]


WHOLE = """
class Whole:
    def check(self, ctx): ...
    def poll(self, ctx, cursor): ...
    def remap(self, ctx, item): ...
    def push(self, ctx, command): ...
    def lookup(self, ctx, command): ...
    def fetch_attachment(self, ctx, ref): ...
CONNECTOR = Whole()
"""


def test_the_practice_portal_tells_its_interface_on_its_own_page(motmoi: Any) -> None:
    with motmoi.started("sandbox", "practice", "--port", 0) as process:
        url = process.stdout.readline().split()[-1]
        with urllib.request.urlopen(url) as answer:
            page = answer.read().decode()
    assert all(word in page for word in ("X-Ma-Ket-Noi", "/api/y-kien", "tiep"))


def test_a_manifest_alone_may_come_with_a_simulated_portal(motmoi: Any) -> None:
    into = motmoi.folder / "own"
    assert motmoi("connector", "new", "cong_moi", "--kind", "json", "--into", into).code == 0
    ran = motmoi("sandbox", into / "cong_moi", "--port", 0)
    assert ran.code == 2 and "no simulated portal" in ran.err
    sandbox = into / "cong_moi" / "sandbox.py"
    sandbox.write_text("from aggregator.sdk.practice import build, settings_for\n", "utf-8")
    assert found_in(into / "cong_moi").sandbox().build({}).kind == "practice"
    with motmoi.started("sandbox", into / "cong_moi", "--port", 0) as process:
        assert "http://127.0.0.1:" in process.stdout.readline()


def test_the_schema_that_editors_read_is_that_of_the_product(motmoi: Any) -> None:
    copy = ROOT / "connectors" / "connector.schema.json"
    told = motmoi("connector", "schema").out
    assert copy.read_text("utf-8") == told, f"motmoi connector schema > {copy.relative_to(ROOT)}"
    for manifest in (ROOT / "connectors").glob("*/connector.yaml"):
        assert manifest.read_text("utf-8").startswith(
            "# yaml-language-server: $schema=../connector.schema.json\n"
        )
