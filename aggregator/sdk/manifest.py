"""The facts of a connector, from its ``connector.yaml``.

    connector.yaml -> marked_yaml -> load_manifest() -> Manifest
                                        | anything not as it should be
                                        v
                                     lint.findings() -> ManifestInvalid: file:line:column, rule, suggestion

Promise: the folder's code is not imported, and a manifest that loads here is whole except for its
``source`` and ``push`` sections, which `lint.findings` judges before they are first used. What may
surprise: the checks here only say yes or no, because every start of the product runs them; the words
for a person, and the schema library that finds them, are fetched when there is something to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from aggregator.domain.hand_form import DATE_FORMAT, LABELS, FormField, HandForm, Value
from aggregator.sdk.contract import API, AnswerKind, Capabilities, ConfigInvalid, Manifest, SourceStatus
from aggregator.sdk.levels import level_of
from aggregator.sdk.marked_yaml import YamlFault, read
from aggregator.sdk.placeholders import Template
from aggregator.sdk.settings_schema import check_schema

if TYPE_CHECKING:
    from aggregator.sdk.lint import Finding

__all__ = [
    "DEFAULTS",
    "FILE",
    "ID",
    "ManifestInvalid",
    "choices",
    "load_manifest",
    "manifest_of",
    "url_places",
]

FILE = "connector.yaml"
#: Of a connector. It names a Python module and the channel's kind.
ID = re.compile(r"[a-z][a-z0-9_]{1,62}")
#: A channel's own options go over these; the numbers are above zero (``min_gap_s`` may be zero).
DEFAULTS = ("interval_s", "min_gap_s", "deadline_s", "max_bytes")
#: A manifest is written by hand; more than this is another file.
MAX_BYTES = 1_000_000

_ALWAYS = ("id", "version", "api", "title", "description", "maintainer")
_KEYS = frozenset(
    (
        *_ALWAYS, "capabilities", "config_schema", "status_map", "answer_words", "defaults", "kind",
        "source", "push", "manual",
    )
)  # fmt: skip


class ManifestInvalid(ConfigInvalid):
    """A ``connector.yaml`` that cannot be used; `findings` say where and why, in the file's order."""

    def __init__(self, found: tuple[Finding, ...]) -> None:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        super().__init__(f"{found[0]}{more}")
        self.findings = found


class _Doubt(Exception):
    """Something is not as it should be; `lint.findings` finds the words for it."""


def load_manifest(folder: Path) -> Manifest:
    """The manifest in `folder`. Raises `ManifestInvalid` with all that is wrong."""
    path = folder / FILE
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _Doubt(FILE)
        return manifest_of(read(path.read_text("utf-8")).data, folder)
    except Exception as error:  # a level reads what nobody has judged yet: any error may come of it
        from aggregator.sdk.lint import findings

        found = findings(path)
        if not found:  # it was mended in this very moment, or a level cannot make up its mind
            raise ConfigInvalid(f"{path}: cannot be read: {type(error).__name__}: {error}") from error
        cause = None if isinstance(error, _Doubt | YamlFault) else error
        raise ManifestInvalid(tuple(found)) from cause


def manifest_of(data: Any, folder: Path) -> Manifest:
    """The manifest that a document is. Raises without a word for a person where it is none."""
    if not isinstance(data, dict) or data.get("api") != API or not _KEYS.issuperset(data):
        raise _Doubt("keys")
    kind, source, push = data.get("kind", "python"), data.get("source", {}), data.get("push", {})
    if not (isinstance(source, dict) and isinstance(push, dict)):
        raise _Doubt("source, push")
    if kind == "python":
        if "source" in data or "push" in data:
            raise _Doubt("source, push")
        capabilities, schema = data["capabilities"], data["config_schema"]
    else:
        implied = level_of(kind).implied(source, push)
        _check_files(data.get("capabilities", {}), implied.capabilities, folder)
        capabilities = {**implied.capabilities, **data.get("capabilities", {})}
        schema = over(implied.config_schema, data.get("config_schema", {}))
    return Manifest(
        id=_id(data["id"]),
        version=_text(data["version"]),
        api=API,
        title=_words(data["title"]),
        description=_words(data["description"]),
        maintainer=_text(data["maintainer"]),
        capabilities=_capabilities(capabilities),
        config_schema=_settings(schema),
        status_map=_statuses(data.get("status_map", {})),
        answer_words=_answer_words(data.get("answer_words", {})),
        defaults=_defaults(data.get("defaults", {})),
        folder=folder,
        kind=kind,
        source=source,
        push=push,
        manual=_hand_form(data.get("manual", {}), schema),
    )


def own_code(folder: Path) -> bool:
    """Whether a manifest of a kind comes with code of its own (a subclass), or is all there is."""
    code = folder / "__init__.py"
    return code.exists() and "CONNECTOR" in code.read_text("utf-8")


def _check_files(claimed: Mapping[str, Any], implied: Mapping[str, Any], folder: Path) -> None:
    """A manifest that claims to take files and does not say how would lose them without a word."""
    if claimed.get("push_attachments") and not implied.get("push_attachments") and not own_code(folder):
        raise ConfigInvalid(
            "capabilities.push_attachments: nothing below push says how files go there",
            hint="say it (kind json: push.reply.files; kind html: reply.file_field), or leave the claim out: "
            "then the files stay with the officer, who is told so before sending",
        )


def over(below: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`own` laid over `below` at every depth; of ``required`` lists the union."""
    merged = dict(below)
    for key, value in own.items():
        there = merged.get(key)
        if isinstance(there, Mapping) and isinstance(value, Mapping):
            merged[key] = over(there, value)
        elif key == "required" and isinstance(there, list | tuple) and isinstance(value, list):
            merged[key] = [*there, *(name for name in value if name not in there)]
        else:
            merged[key] = value
    return merged


@cache
def choices() -> Mapping[str, tuple[Any, ...] | list[Any] | type]:
    """Capability -> the words of which it has one (a tuple) or several (a list), or its type."""
    hints = get_type_hints(Capabilities)
    return {f.name: _choice(hints[f.name]) for f in fields(Capabilities)}


def _choice(hint: Any) -> tuple[Any, ...] | list[Any] | type:
    if get_origin(hint) is tuple:
        return list(get_args(get_args(hint)[0]))
    return get_args(hint) or hint


def _capabilities(data: Mapping[str, Any]) -> Capabilities:
    for key, value in data.items():
        if not _fits(value, choices()[key]):
            raise _Doubt(key)
    taken: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
    return Capabilities(**taken)


def _fits(value: Any, allowed: tuple[Any, ...] | list[Any] | type) -> bool:
    if isinstance(allowed, tuple):
        return value in allowed
    if isinstance(allowed, list):
        return isinstance(value, list | tuple) and all(one in allowed for one in value) and _no_doubles(value)
    return type(value) is allowed


def _no_doubles(values: Sequence[Any]) -> bool:
    return len(set(values)) == len(values)


def _id(value: Any) -> str:
    if not isinstance(value, str) or ID.fullmatch(value) is None:
        raise _Doubt("id")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Doubt("a text")
    return value


def _words(value: Any) -> dict[str, str]:
    return {"vi": _text(value["vi"]), "en": _text(value["en"]), **{k: _text(v) for k, v in value.items()}}


def _settings(schema: Any) -> dict[str, Any]:
    if check_schema(schema):
        raise _Doubt("config_schema")
    return dict(schema)


def _statuses(data: Any) -> dict[str, str]:
    return {raw: SourceStatus(ours).value for raw, ours in data.items()}


def _answer_words(data: Any) -> dict[str, str]:
    kinds = get_args(AnswerKind)
    if any(kind not in kinds for kind in data):
        raise _Doubt("answer_words")
    return {kind: _text(word) for kind, word in data.items()}


def _hand_form(data: Mapping[str, Any], schema: Mapping[str, Any]) -> HandForm:
    if not {"url", "fields"}.issuperset(data):
        raise _Doubt("manual")
    if url := data.get("url", ""):
        Template(url, "manual.url", url_places(schema))
    usual = HandForm()
    fields_ = tuple(_form_field(one) for one in data["fields"]) if "fields" in data else usual.fields
    return HandForm(fields_, url)


def url_places(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The places that the address of a report's page may have."""
    return ("external_id", *(f"config.{name}" for name in schema.get("properties", {})))


def _form_field(data: Mapping[str, Any]) -> FormField:
    if not {"value", "label", "format", "max"}.issuperset(data):
        raise _Doubt("manual.fields")
    value = Value(data["value"])
    label = _words(data["label"]) if "label" in data else LABELS[value]
    most = data.get("max")
    if most is not None and (type(most) is not int or most < 1):
        raise _Doubt("manual.fields.max")
    return FormField(value, label, _text(data.get("format", DATE_FORMAT)), most)


def _defaults(data: Any) -> dict[str, Any]:
    for key, value in data.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if key not in DEFAULTS or not number or value < 0 or (value == 0 and key != "min_gap_s"):
            raise _Doubt(key)
    return dict(data)
