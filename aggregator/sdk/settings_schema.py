"""The part of JSON Schema that channel settings use, judged in sentences a person can act on.

Read: ``type required enum default additionalProperties properties items minimum maximum minLength
maxLength pattern``. All else that only describes (``title``, ``description``, ``secret``, ``order``,
``examples``, ``labels``: the words for the values of an enum) is left to the form. What may surprise: a
schema that uses a keyword which *would* change the verdict and is not read here (``oneOf``, ``$ref`` ...)
is refused when the manifest is loaded, so nothing is ever half checked.
"""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

__all__ = ["KEYWORDS", "TYPES", "UNREAD", "check_schema", "complete", "faults_of", "meant"]

#: What a setting may be.
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict, Mapping),
    "null": (type(None),),
}
#: Keywords that are read, and what each may be; ``type`` has its own rule.
KEYWORDS: Mapping[str, tuple[str, ...]] = {
    "type": ("string", "array"),
    "required": ("array",),
    "properties": ("object",),
    "additionalProperties": ("boolean", "object"),
    "items": ("object",),
    "enum": ("array",),
    "minimum": ("number",),
    "maximum": ("number",),
    "minLength": ("integer",),
    "maxLength": ("integer",),
    "pattern": ("string",),
    "title": ("string",),
    "description": ("string",),
    "secret": ("boolean",),
    "order": ("number",),
    "examples": ("array",),
    "labels": ("object",),
}
#: Keywords that would change the verdict and are not read here.
UNREAD = frozenset(
    (
        "$ref",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "if",
        "then",
        "else",
        "patternProperties",
        "dependentRequired",
        "const",
        "prefixItems",
        "exclusiveMinimum",
        "exclusiveMaximum",
    )
)


def meant(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the nearest known word, or nothing."""
    near = difflib.get_close_matches(word, [str(k) for k in known], n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def check_schema(schema: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
    """What is wrong with a schema itself: where inside it, and a sentence."""
    if not isinstance(schema, Mapping):
        return [(path, "a table expected")]
    faults = [
        ((*path, key), f"{' or '.join(kinds)} expected, not {type(schema[key]).__name__}")
        for key, kinds in KEYWORDS.items()
        if key in schema and not any(_is(schema[key], kind) for kind in kinds)
    ]
    if faults:
        return faults
    faults = [((*path, key), "this keyword is not supported") for key in schema if key in UNREAD]
    unknown = [t for t in _types(schema) if not isinstance(t, str) or t not in TYPES]
    faults += [((*path, "type"), f"{t!r} is unknown") for t in unknown]
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        if not isinstance(name, str) or name not in properties:
            faults.append(((*path, "required"), f"{name!r} is not among the properties"))
    try:
        re.compile(schema.get("pattern", ""))
    except (re.error, OverflowError, RecursionError) as error:
        faults.append(((*path, "pattern"), f"no regular expression: {error}"))
    for name, rule in properties.items():
        faults += check_schema(rule, (*path, "properties", name))
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            faults += check_schema(schema[key], (*path, key))
    return faults


def complete(schema: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with defaults filled in, at every depth."""
    full = dict(config)
    for name, rule in schema.get("properties", {}).items():
        if name not in full and "default" in rule:
            full[name] = copy.deepcopy(rule["default"])
        if isinstance(full.get(name), Mapping) and "properties" in rule:
            full[name] = complete(rule, full[name])
    return full


def faults_of(
    schema: Mapping[str, Any], value: Any, where: str = "", skip_required: Collection[str] = ()
) -> list[str]:
    """What is wrong with a value, one sentence each, naming the setting."""
    name = where.rstrip(".") or "settings"
    kinds = _types(schema)
    if kinds and not any(_is(value, kind) for kind in kinds):
        return [f"{name}: {' or '.join(kinds)} expected, not {type(value).__name__}"]
    problems = _limits(schema, value, name)
    if isinstance(value, Mapping):
        problems += _object_faults(schema, value, where, skip_required)
    elif isinstance(value, list | tuple) and "items" in schema:
        for position, item in enumerate(value):
            problems += faults_of(schema["items"], item, f"{name}[{position}].")
    return problems


def _object_faults(
    schema: Mapping[str, Any], value: Mapping[str, Any], where: str, skip_required: Collection[str]
) -> list[str]:
    properties = schema.get("properties", {})
    missing = [n for n in schema.get("required", ()) if n not in value and n not in skip_required]
    problems = [f"{where}{n}: missing" for n in missing if "default" not in properties.get(n, {})]
    for key, item in value.items():
        if key in properties:
            problems += faults_of(properties[key], item, f"{where}{key}.")
        elif schema.get("additionalProperties") is False:
            problems.append(f"{where}{key}: unknown setting{meant(str(key), properties)}")
        elif isinstance(schema.get("additionalProperties"), Mapping):
            problems += faults_of(schema["additionalProperties"], item, f"{where}{key}.")
    return problems


def _limits(schema: Mapping[str, Any], value: Any, name: str) -> list[str]:
    problems: list[str] = []
    if "enum" in schema and value not in schema["enum"]:
        choices = [str(c) for c in schema["enum"]]
        problems.append(f"{name}: {value!r} is not one of {', '.join(choices)}{meant(str(value), choices)}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if "minimum" in schema and value < schema["minimum"]:
            problems.append(f"{name}: {value} is below {schema['minimum']}")
        if "maximum" in schema and value > schema["maximum"]:
            problems.append(f"{name}: {value} is above {schema['maximum']}")
    if isinstance(value, str):
        if len(value) < schema.get("minLength", 0):
            problems.append(f"{name}: at least {schema['minLength']} characters expected")
        if len(value) > schema.get("maxLength", len(value)):
            problems.append(f"{name}: at most {schema['maxLength']} characters expected")
        if "pattern" in schema and not re.search(schema["pattern"], value):
            problems.append(f"{name}: does not have the form {schema['pattern']}")
    return problems


def _types(schema: Mapping[str, Any]) -> list[str]:
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else list(kinds)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):  # Python's True is an int; a setting's is not
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, TYPES[kind])
