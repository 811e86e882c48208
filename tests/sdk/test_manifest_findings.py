"""What an author is told of a wrong connector.yaml: file, line, column, rule, suggestion."""

import copy
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.errors import ConfigInvalid
from aggregator.sdk import levels, schema_words
from aggregator.sdk.discovery import found_in
from aggregator.sdk.lint import findings
from aggregator.sdk.manifest import MAX_BYTES, ManifestInvalid, load_manifest, over

CONNECTORS = Path(__file__).parents[2] / "connectors"
SHIPPED = {
    name: yaml.load((CONNECTORS / name / "connector.yaml").read_text("utf-8"), yaml.CSafeLoader)
    for name in ("portal_1022", "spreadsheet", "district_html", "open311")
}
HEAD = """\
id: phuong_mau
version: "1.0"
api: 1
title: {vi: Cổng mẫu, en: Sample}
description: {vi: Mẫu, en: Sample}
maintainer: Lan
"""
#: Lines 1 to 11 of every manifest of a kind python below.
PYTHON = (
    HEAD
    + """\
capabilities:
  poll: incremental
config_schema:
  type: object
  properties: {}
"""
)
#: A level of a test: it reads ``source: {rows, columns}`` and wants each column to be a word.
TOY = """
from aggregator.sdk.contract import ConfigInvalid
from aggregator.sdk.levels import Implied

class Toy:
    SOURCE = {
        "type": "object",
        "required": ["rows"],
        "additionalProperties": False,
        "properties": {
            "rows": {"type": "string", "examples": ["data.items"]},
            "columns": {"type": "array", "items": {"$ref": "#/$defs/column"}},
            "paging": {"anyOf": [{"enum": ["none", "links"]}, {"$ref": "#/$defs/pages"}]},
        },
        "$defs": {
            "column": {"type": "object", "properties": {"expr": {"type": "string"}}, "required": ["expr"]},
            "pages": {
                "type": "object",
                "properties": {"param": {"type": "string"}, "size": {"type": "integer", "minimum": 1}},
                "additionalProperties": False,
            },
        },
    }
    PUSH = {"type": "object", "additionalProperties": False}

    @classmethod
    def implied(cls, source, push):
        return Implied(
            {"poll": "full_snapshot", "fetch": bool(source["rows"])},
            {"type": "object", "required": ["base_url"], "properties": {"base_url": {"type": "string"}}},
        )

    def __init__(self, manifest):
        for at, column in enumerate(manifest.source.get("columns", ())):
            if not column["expr"].isidentifier():
                raise ConfigInvalid(f"source.columns[{at}].expr: {column['expr']!r} is no word")

    def check(self, ctx): ...
    def poll(self, ctx, cursor): ...
    def remap(self, ctx, item): ...
    def push(self, ctx, command): ...
    def lookup(self, ctx, command): ...
    def fetch_attachment(self, ctx, ref): ...
"""


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A kind of connector.yaml that only this test knows."""
    (tmp_path / "toy_level_of_a_test.py").write_text(TOY, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(levels.KINDS, "toy", "toy_level_of_a_test:Toy")
    schema_words._validator.cache_clear()
    yield
    sys.modules.pop("toy_level_of_a_test", None)
    schema_words._validator.cache_clear()


def written(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "connector.yaml").write_text(textwrap.dedent(text), "utf-8")
    return folder


def said(folder: Path) -> list[str]:
    return [str(f).removeprefix(f"{folder / 'connector.yaml'}:") for f in findings(folder)]


#: A few bytes of YAML that unfold to a million values.
BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{c}: &{c} [{','.join([f'*{p}'] * 10)}]\n" for p, c in zip("abcde", "bcdef", strict=True)
)


@pytest.mark.parametrize(
    ("text", "says", "note"),
    [
        (
            PYTHON.replace("maintainer", "maintaner"),
            "1:1: missing-key: key 'maintainer' is missing; Who answers for it.\n"
            "6:1: unknown-key: maintaner: unknown key 'maintaner'; did you mean 'maintainer'?",
            "a slip of the pen",
        ),
        (
            PYTHON.replace('"1.0"', "1.0"),
            '2:10: wrong-type: version: a text expected, not 1.0; put it into quotes: "1.0"',
            "a version that is a number",
        ),
        (
            PYTHON.replace("api: 1", "api: 2"),
            "3:6: unknown-api: api: 2 is not the contract's version 1; "
            "install a release of the connector made for this product",
            "made for another product release; nothing else is judged",
        ),
        (
            PYTHON.replace("incremental", "incrementel"),
            "8:9: unknown-word: capabilities.poll: 'incrementel' is not incremental | full_snapshot | none; "
            "did you mean 'incremental'?",
            "a word of a closed list",
        ),
        (
            PYTHON + "status_map:\n  Xong: resolve\n",
            "13:9: unknown-word: status_map.Xong: 'resolve' is not new | accepted | in_progress | waiting | "
            "needs_info | resolved | rejected | duplicate | reopened | unmapped; did you mean 'resolved'?",
            "our word for a state",
        ),
        (
            PYTHON + "status_map:\n  Xong: resolved\n  Xong: rejected\n",
            "14:3: duplicate-key: not valid YAML: the key 'Xong' stands here twice",
            "YAML itself would keep the last and say nothing",
        ),
        (
            PYTHON + "defaults: {interval: 5}\n",
            "12:12: unknown-key: defaults.interval: unknown key 'interval'; did you mean 'interval_s'?",
            "a default that nobody would read",
        ),
        (
            PYTHON + "defaults: {interval_s: 0}\n",
            "12:24: limit: defaults.interval_s: 0 is not above 0; Seconds between two polls.",
            "a poll without pause",
        ),
        (
            PYTHON + "source: {}\n",
            "12:1: unknown-key: source: not for kind python; it goes with kind: json, html, sheet, open311",
            "a definition that no code reads",
        ),
        (
            PYTHON.replace("properties: {}", "required: [x]\n  properties: {}"),
            "11:13: settings-schema: config_schema.required: 'x' is not among the properties",
            "a setting that is required and not there",
        ),
        (
            PYTHON.replace("properties: {}", "oneOf: []"),
            "11:3: unsupported-keyword: config_schema.oneOf: this keyword is not supported",
            "a keyword that nobody would judge by",
        ),
        (
            PYTHON.replace("id: phuong_mau", "id: Phường-Mẫu"),
            "1:5: wrong-form: id: 'Phường-Mẫu' does not have the form ^[a-z][a-z0-9_]{1,62}$; "
            'e.g. "portal_1022"',
            "an id that no module could have",
        ),
        (
            PYTHON.replace("  poll", "\tpoll"),
            "8:1: not-yaml: not valid YAML: found character that cannot start any token; "
            "indent with spaces, not with tabs",
            "tabs",
        ),
        (
            PYTHON.replace("maintainer: Lan", "maintainer: Lan: ward"),
            "6:16: not-yaml: not valid YAML: mapping values are not allowed in this context; "
            "put a text that holds ': ' into quotes, or look at the indentation",
            "a colon in a text",
        ),
        (
            "- a\n",
            "1:1: wrong-type: a table of keys expected; begin with the line `id: my_portal`",
            "a list",
        ),
        (
            PYTHON.replace("incremental", "incremental\n  push_kinds: [result, reslut]"),
            "9:24: unknown-word: capabilities.push_kinds[1]: 'reslut' is not result | progress | refusal | "
            "acknowledgement | transfer | extension | correction; did you mean 'result'?",
            "a kind of answer that there is not",
        ),
        (
            PYTHON + "answer_words: {transfr: CHUYEN}\n",
            "12:16: unknown-key: answer_words.transfr: unknown key 'transfr'; did you mean 'transfer'?",
            "a word for no kind of answer",
        ),
        (
            "",
            "1:1: wrong-type: a table of keys expected; begin with the line `id: my_portal`",
            "an empty file",
        ),
        (
            "a: &a [*a]\n",
            "1:4: holds-itself: not valid YAML: a value that holds itself",
            "YAML can say this",
        ),
        (BOMB, "5:4: too-large: not valid YAML: more than 50000 values", "a few bytes, a million values"),
        ("# " + "x" * MAX_BYTES, f"1:1: too-large: more than {MAX_BYTES} bytes", "some other file"),
    ],
)
def test_a_wrong_manifest_is_told_by_place_rule_and_way_out(tmp_path, text, says, note):
    folder = written(tmp_path / "a", text)
    assert said(folder) == says.splitlines(), note
    with pytest.raises(ManifestInvalid) as caught:
        load_manifest(folder)
    assert list(caught.value.findings) == findings(folder)


def test_what_is_nested_too_deeply_for_any_reader_is_refused(tmp_path):
    assert re.match(
        r"1:\d+: (too-deep|not-yaml): ", said(written(tmp_path / "a", "[" * 3000 + "]" * 3000))[0]
    )


def test_files_that_cannot_be_read_are_named(tmp_path):
    assert said(tmp_path) == ["1:1: unreadable: cannot be read: No such file or directory"]
    (tmp_path / "connector.yaml").write_bytes(HEAD.encode("utf-16"))
    assert said(tmp_path) == ["1:1: not-utf-8: not UTF-8; save the file as UTF-8"]


def test_words_are_read_as_editors_read_them(tmp_path):
    words = (
        "status_map:\n  no: rejected\n  01: new\n  1: accepted\n  2026-01-05: waiting\n  null: duplicate\n"
    )
    manifest = load_manifest(written(tmp_path / "a", PYTHON.replace("Lan", "no") + words))
    assert manifest.maintainer == "no"
    assert list(manifest.status_map) == ["no", "01", "1", "2026-01-05", "null"]


def test_tables_may_share_entries_by_reference(tmp_path):
    text = PYTHON + "status_map: &own\n  Mới: new\ndefaults: {interval_s: 60}\n"
    text = text.replace("{}", "{a: &t {type: string, title: A}, b: {<<: *t, title: B}}")
    properties = load_manifest(written(tmp_path / "a", text)).config_schema["properties"]
    assert properties["b"] == {"type": "string", "title": "B"}


def test_a_definition_says_what_its_words_need_not(toy, tmp_path):
    own = "capabilities: {fetch: false}\n"
    own += "config_schema: {required: [unit], properties: {unit: {type: string}}}\n"
    manifest = load_manifest(written(tmp_path / "a", HEAD + own + "kind: toy\nsource: {rows: a}\n"))
    assert (manifest.capabilities.poll, manifest.capabilities.fetch) == ("full_snapshot", False)
    assert set(manifest.config_schema["properties"]) == {"base_url", "unit"}
    assert manifest.config_schema["required"] == ["base_url", "unit"]


def test_own_entries_go_over_implied_ones_at_every_depth():
    below = {"properties": {"a": {"type": "string", "title": "A"}}, "required": ["a"]}
    own = {"properties": {"a": {"title": "B"}}, "required": ["a", "b"]}
    assert over(below, own) == {"properties": {"a": {"type": "string", "title": "B"}}, "required": ["a", "b"]}


@pytest.mark.parametrize(
    ("source", "says", "note"),
    [
        ("{rows: a, columns: [{expr: b}]}", "", "all is well"),
        (
            "{rows: a, colums: []}",
            "8:19: unknown-key: source.colums: unknown key 'colums'; did you mean 'columns'?",
            "listed, and refused before its first use",
        ),
        (
            "{columns: []}",
            "8:1: missing-key: source: key 'rows' is missing; e.g. `rows: \"data.items\"`",
            "the level reads it at once",
        ),
        (
            "{rows: a, columns: [{expr: b}, {exp: c}]}",
            "8:40: missing-key: source.columns[1]: key 'expr' is missing",
            "inside a list",
        ),
        (
            "{rows: a, columns: [{expr: b}, {expr: c d}]}",
            "8:47: not-compiled: source.columns[1].expr: 'c d' is no word",
            "only the level can know",
        ),
        (
            "{rows: a, paging: {param: p, size: 0}}",
            "8:44: limit: source.paging.size: 0 is below 1",
            "of two forms, the one that was meant",
        ),
        (
            "{rows: a, paging: link}",
            "8:27: unknown-word: source.paging: 'link' is not none | links; did you mean 'links'?",
            "the nearest word of a form",
        ),
        (
            "{rows: a, paging: 5}",
            "8:27: wrong-type: source.paging: none | links or a table of keys expected, not 5",
            "none of the forms",
        ),
        (
            "rows",
            "8:9: wrong-type: source: a table of keys expected, not 'rows'; How the source is read.",
            "not even a table",
        ),
    ],
)
def test_a_wrong_definition_is_told_by_its_place_and_never_used(toy, tmp_path, source, says, note):
    folder = written(tmp_path / "a", HEAD + f"kind: toy\nsource: {source}\n")
    assert said(folder) == says.splitlines(), note
    found = found_in(folder)
    if not says:
        assert found.connector() and found.problem is None
        return
    with pytest.raises(ConfigInvalid):
        found.connector()
    assert found.problem == "\n".join(f"{folder / 'connector.yaml'}:{line}" for line in says.splitlines())


def test_a_kind_that_is_not_installed_is_told(monkeypatch, tmp_path):
    monkeypatch.setitem(levels.KINDS, "toy", "no_such_level_of_a_test:Toy")
    folder = written(tmp_path / "a", HEAD + "kind: toy\nsource: {}\n")
    assert said(folder) == ["7:7: kind-not-installed: kind: kind 'toy' is not part of this installation"]
    folder = written(tmp_path / "b", HEAD + "kind: jsn\nsource: {}\n")
    assert "did you mean 'json'?" in said(folder)[0] and said(folder)[0].startswith(
        "7:7: unknown-word: kind:"
    )


def test_finding_connectors_fetches_no_schema_library():
    code = "from aggregator.sdk.discovery import discover; discover(); print('jsonschema' in sys.modules)"
    code = f"import sys; {code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


VALUES = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    " ",
    "x",
    "new",
    "true",
    [],
    ["x"],
    {},
    {"type": "string"},
    {"vi": "a"},
    {1: 2},
]


def places(value, path=()):
    """Every path inside a document."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield from places(below, (*path, key))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    choice=st.randoms(use_true_random=False), value=st.sampled_from(VALUES), name=st.sampled_from([*SHIPPED])
)
def test_what_loads_has_no_findings_and_what_has_findings_does_not_load(tmp_path, choice, value, name):
    """The quick look at every start and the long one of lint agree, whatever is done to a good manifest."""
    data = copy.deepcopy(SHIPPED[name])
    *parents, last = choice.choice([path for path in places(data) if path])
    inside = data
    for key in parents:
        inside = inside[key]
    if choice.random() < 0.2:
        del inside[last]
    else:
        inside[last] = value
    (tmp_path / "connector.yaml").write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")
    found = findings(tmp_path)
    assert all(one.line > 0 and one.column > 0 and one.message for one in found)
    try:
        manifest = load_manifest(tmp_path)
    except ManifestInvalid as error:
        assert found and list(error.findings) == found
    else:
        assert manifest.kind != "python" or not found, found
