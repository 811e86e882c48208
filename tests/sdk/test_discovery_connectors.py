"""Finding connectors: facts without code, and one broken package that stops nothing."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import yaml

from aggregator.errors import ConfigInvalid
from aggregator.sdk import discovery
from aggregator.sdk.contract import SourceStatus
from aggregator.sdk.discovery import (
    discover,
    load_manifest,
    secret_names,
    status_map_of,
    validate_config,
    with_defaults,
)

FACTS = {
    "id": "phuong_mau",
    "version": "1.0",
    "api": 1,
    "title": {"vi": "Cổng mẫu", "en": "Sample"},
    "description": {"vi": "Mẫu", "en": "Sample"},
    "maintainer": "Lan",
    "capabilities": {"poll": "full_snapshot", "push_reply": False},
    "status_map": {"Mới": "new", "Xong": "resolved"},
    "config_schema": {
        "type": "object",
        "additionalProperties": False,
        "required": ["base_url", "password"],
        "properties": {
            "base_url": {"type": "string", "pattern": "^https?://"},
            "page_size": {"type": "integer", "default": 15, "minimum": 1, "maximum": 100},
            "mode": {"type": "string", "enum": ["public", "officer"], "default": "public"},
            "paths": {
                "type": "object",
                "default": {},
                "additionalProperties": False,
                "properties": {"list": {"type": "string", "default": "/list"}},
            },
            "tags": {"type": "array", "items": {"type": "string"}},
            "password": {"type": "string", "secret": True},
        },
    },
}
CODE = """
class Whole:
    def check(self, ctx): ...
    def poll(self, ctx, cursor): ...
    def remap(self, ctx, item): ...
    def push(self, ctx, command): ...
    def lookup(self, ctx, command): ...
    def fetch_attachment(self, ctx, ref): ...
CONNECTOR = Whole()
"""


def written(folder: Path, code: str | None = CODE, **changes) -> Path:
    folder.mkdir(parents=True)
    facts = {k: v for k, v in {**FACTS, **changes}.items() if v is not None}
    (folder / "connector.yaml").write_text(yaml.safe_dump(facts, allow_unicode=True), "utf-8")
    if code is not None:
        (folder / "__init__.py").write_text(code, "utf-8")
    return folder


def test_manifest_is_read_without_running_the_package(tmp_path):
    manifest = load_manifest(written(tmp_path / "a", code="raise SystemExit('imported')"))
    assert (manifest.id, manifest.capabilities.poll, manifest.capabilities.push_reply) == (
        "phuong_mau",
        "full_snapshot",
        False,
    )
    assert secret_names(manifest) == {"password"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"api": 2}, "api: 2 is not the contract's version 1"),
        ({"maintainer": None}, "key 'maintainer' is missing"),
        ({"capabilties": {}}, "unknown key 'capabilties'; did you mean 'capabilities'?"),
        ({"version": 1.0}, "version: a text expected"),
        ({"title": {"en": "x"}}, "title: key 'vi' is missing"),
        ({"capabilities": {"poll": "often"}}, "capabilities.poll: 'often' is not incremental"),
        ({"capabilities": {"push_replies": True}}, "did you mean 'push_reply'?"),
        ({"capabilities": {"max_reply_chars": "many"}}, "capabilities.max_reply_chars"),
        ({"status_map": {"Xong": "resolve"}}, "did you mean 'resolved'?"),
        ({"config_schema": {"oneOf": []}}, "oneOf: this keyword is not supported"),
        ({"config_schema": {"required": ["x"], "properties": {}}}, "'x' is not among the properties"),
        (
            {"config_schema": {"properties": {"a": {"type": "text"}}}},
            "config_schema.properties.a.type: 'text' is not string | integer",
        ),
    ],
)
def test_wrong_manifest_names_the_file_and_the_key(tmp_path, changes, says):
    folder = written(tmp_path / "a", **changes)
    with pytest.raises(ConfigInvalid) as caught:
        load_manifest(folder)
    assert str(folder / "connector.yaml") in caught.value.message
    assert says in caught.value.message


def test_files_that_are_no_manifest_are_named(tmp_path):
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        load_manifest(tmp_path)
    (tmp_path / "connector.yaml").write_text("a: [", "utf-8")
    with pytest.raises(ConfigInvalid, match="not valid YAML"):
        load_manifest(tmp_path)


def test_broken_connectors_show_their_problem_and_stop_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(
        discovery, "entry_points", lambda group: [EntryPoint("gone", "no_such_package_x", group)]
    )
    written(tmp_path / "whole", id="whole")
    written(tmp_path / "crash", id="crash", code="1 / 0")
    written(tmp_path / "half", id="half", code="class H: pass\nCONNECTOR = H()")
    written(tmp_path / "future", id="future", api=9)
    written(tmp_path / "nocode", id="nocode", code=None)
    written(tmp_path / "zz_twin", id="whole")
    (tmp_path / "not-a-connector").mkdir()

    found = discover([tmp_path, tmp_path / "missing"])

    assert set(found) == {
        "gone",
        "whole",
        "crash",
        "half",
        "future",
        "nocode",
        f"whole ({tmp_path / 'zz_twin'})",
    }
    assert found["whole"].problem is None and found["whole"].connector() is found["whole"].connector()
    assert "no such package" in found["gone"].problem
    assert "api: 9" in found["future"].problem
    assert "__init__.py is missing" in found["nocode"].problem
    assert "already taken" in found[f"whole ({tmp_path / 'zz_twin'})"].problem
    with pytest.raises(ConfigInvalid, match="ZeroDivisionError"):
        found["crash"].connector()
    assert "1 / 0" in found["crash"].problem
    with pytest.raises(ConfigInvalid, match="CONNECTOR lacks check"):
        found["half"].connector()
    for name in ("gone", "future", "nocode"):
        with pytest.raises(ConfigInvalid, match=name):
            found[name].connector()


def test_installed_connector_is_listed_without_importing_it(tmp_path, monkeypatch):
    written(tmp_path / "goi_ngoai", id="goi_ngoai", code=CODE + "\nLOADED = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(
        discovery, "entry_points", lambda group: [EntryPoint("goi_ngoai", "goi_ngoai", group)]
    )
    found = discover()
    assert found["goi_ngoai"].manifest.title["vi"] == "Cổng mẫu" and "goi_ngoai" not in sys.modules
    found["goi_ngoai"].connector()
    assert sys.modules["goi_ngoai"].LOADED


def test_drop_in_may_be_of_several_files(tmp_path, monkeypatch):
    monkeypatch.setattr(discovery, "entry_points", lambda group: [])
    folder = written(tmp_path / "two", id="two_files", code="from .inner import CONNECTOR\n")
    (folder / "inner.py").write_text(CODE, "utf-8")
    assert discover([tmp_path])["two_files"].connector() is not None


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"base_url": "https://a.example"}, []),
        ({}, ["base_url: missing"]),
        ({"base_url": "a.example"}, ["base_url: does not have the form ^https?://"]),
        ({"base_url": 5}, ["base_url: string expected, not int"]),
        (
            {"base_url": "http://a", "page_sise": 5},
            ["page_sise: unknown setting; did you mean 'page_size'?"],
        ),
        ({"base_url": "http://a", "page_size": 0}, ["page_size: 0 is below 1"]),
        ({"base_url": "http://a", "page_size": 101}, ["page_size: 101 is above 100"]),
        ({"base_url": "http://a", "page_size": True}, ["page_size: integer expected, not bool"]),
        (
            {"base_url": "http://a", "mode": "oficer"},
            ["mode: 'oficer' is not one of public, officer; did you mean 'officer'?"],
        ),
        (
            {"base_url": "http://a", "paths": {"lst": "/x"}},
            ["paths.lst: unknown setting; did you mean 'list'?"],
        ),
        ({"base_url": "http://a", "tags": ["x", 5]}, ["tags[1]: string expected, not int"]),
    ],
)
def test_wrong_settings_are_named_in_sentences(tmp_path, config, says):
    manifest = load_manifest(written(tmp_path / "a"))
    assert validate_config(manifest, config) == says


def test_secrets_are_judged_where_they_are_given(tmp_path):
    manifest = load_manifest(written(tmp_path / "a"))
    config = {"base_url": "http://a"}
    assert validate_config(manifest, config, {}) == ["password: missing"]
    assert validate_config(manifest, config, {"password": "x"}) == []
    assert validate_config(manifest, config, {"password": "x", "pin": "1"}) == [
        "pin: not a secret of this connector"
    ]


def test_defaults_fill_in_at_every_depth_and_are_not_shared(tmp_path):
    manifest = load_manifest(written(tmp_path / "a"))
    full = with_defaults(manifest, {"base_url": "http://a"})
    assert full == {"base_url": "http://a", "page_size": 15, "mode": "public", "paths": {"list": "/list"}}
    full["paths"]["list"] = "/changed"
    assert with_defaults(manifest, {})["paths"] == {"list": "/list"}


def test_channels_own_words_for_states_come_first(tmp_path):
    manifest = load_manifest(written(tmp_path / "a"))
    merged = status_map_of(manifest, {"Hoàn thành": "resolved", "Mới": "accepted"})
    assert merged["Mới"] is SourceStatus.ACCEPTED and merged["Xong"] is SourceStatus.RESOLVED
    assert next(raw for raw, ours in merged.items() if ours is SourceStatus.RESOLVED) == "Hoàn thành"


def test_every_connector_of_this_product_has_a_good_manifest():
    root = Path(__file__).parents[2] / "connectors"
    for folder in sorted(p.parent for p in root.glob("*/connector.yaml")):
        manifest = load_manifest(folder)
        assert manifest.id == folder.name
        own = manifest.config_schema["properties"]
        assert validate_config(manifest, {k: r["default"] for k, r in own.items() if "default" in r}) == [
            f"{name}: missing"
            for name in manifest.config_schema.get("required", ())
            if "default" not in own[name] and not own[name].get("secret")
        ]
