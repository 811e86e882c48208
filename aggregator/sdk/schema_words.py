"""What JSON Schema finds in a manifest, in words that an author can act on.

    manifest -> Draft 2020-12 -> Flaw(rule, path inside the manifest, message, suggestion)

What may surprise: where a value may have one of several forms, the form is told that the author most
likely meant, the one whose faults lie deepest, and not every form's complaints.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from aggregator.sdk.levels import KINDS
from aggregator.sdk.manifest_schema import manifest_schema
from aggregator.sdk.marked_yaml import Step
from aggregator.sdk.settings_schema import meant

__all__ = ["Flaw", "flaws_of"]


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing wrong, not yet at its place in the file."""

    #: A word that stays the same, for scripts and for looking it up.
    rule: str
    path: tuple[Step, ...]
    message: str
    suggestion: str = ""
    #: The place is the key, not its value.
    key: bool = False


#: jsonschema's `ValidationError`; its type information calls every field "perhaps unset", which none is.
_Error = Any

_TYPES = {
    "object": "a table of keys",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
_LIMITS = {
    "minimum": "is below {}",
    "maximum": "is above {}",
    "exclusiveMinimum": "is not above {}",
    "exclusiveMaximum": "is not below {}",
    "minLength": "has fewer than {} characters",
    "maxLength": "has more than {} characters",
    "minItems": "has fewer than {} entries",
    "maxItems": "has more than {} entries",
    "minProperties": "has fewer than {} entries",
    "maxProperties": "has more than {} entries",
    "multipleOf": "is no multiple of {}",
}


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(manifest_schema())


def flaws_of(data: Mapping[str, Any]) -> list[Flaw]:
    """All that the schema refuses in a manifest, each once."""
    told: dict[tuple[str, tuple[Step, ...], str], Flaw] = {}
    for error in _validator().iter_errors(data):
        for flaw in _words(error):
            told.setdefault((flaw.rule, flaw.path, flaw.message), flaw)
    return list(told.values())


def _words(error: _Error) -> Iterator[Flaw]:
    path = tuple(error.absolute_path)
    rule = error.validator
    if rule in ("anyOf", "oneOf"):
        yield from _of_forms(error, path)
    elif rule in ("additionalProperties", "unevaluatedProperties"):
        yield from _unknown_keys(error, path)
    elif rule == "required":
        yield _missing(error, path)
    elif rule == "not" and not error.validator_value:  # a section that only a definition has
        way_out = f"it goes with kind: {', '.join(KINDS)}"
        yield Flaw("unknown-key", path, "not for kind python", way_out, key=True)
    elif rule == "type":
        message = f"{_form(error)} expected, not {_value(error.instance)}"
        yield Flaw("wrong-type", path, message, _way_out(error))
    elif rule in ("enum", "const"):
        yield _unknown_word(error, path)
    elif rule == "pattern":
        message = f"{_value(error.instance)} does not have the form {error.validator_value}"
        yield Flaw("wrong-form", path, message, _example(error))
    elif rule == "not" and "propertyNames" in error.absolute_schema_path:
        yield Flaw(
            "unsupported-keyword", (*path, error.instance), "this keyword is not supported", "", key=True
        )
    elif rule in _LIMITS:
        message = f"{_value(error.instance)} {_LIMITS[rule].format(error.validator_value)}"
        yield Flaw("limit", path, message, _example(error))
    else:
        yield Flaw(str(rule), path, error.message, _example(error))


def _unknown_keys(error: _Error, path: tuple[Step, ...]) -> Iterator[Flaw]:
    known = list(_known_keys(error))
    for key in error.instance:
        if key not in known and repr(key) in error.message:
            near = meant(key, known).removeprefix("; ")
            suggestion = near or (f"known are {', '.join(known)}" if known else "")
            yield Flaw("unknown-key", (*path, key), f"unknown key {key!r}", suggestion, key=True)


def _known_keys(error: _Error) -> Iterator[str]:
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    yield from schema.get("properties", {})
    for part in schema.get("allOf", ()):
        if isinstance(part, Mapping):
            yield from part.get("properties", {})


def _missing(error: _Error, path: tuple[Step, ...]) -> Flaw:
    name = next(n for n in error.validator_value if error.message.startswith(repr(n)))
    rule = error.schema.get("properties", {}).get(name, {}) if isinstance(error.schema, Mapping) else {}
    if not rule and not path:  # the condition of a kind names it, the table of all keys describes it
        rule = manifest_schema()["properties"].get(name, {})
    shown = _first_example(rule)
    suggestion = f"e.g. `{name}: {shown}`" if shown else str(rule.get("description", ""))
    return Flaw("missing-key", path, f"key {name!r} is missing", suggestion, key=True)


def _unknown_word(error: _Error, path: tuple[Step, ...]) -> Flaw:
    words = [error.validator_value] if error.validator == "const" else error.validator_value
    known = [_value(w, quoted=False) for w in words]
    near = meant(str(error.instance), known).removeprefix("; ")
    message = f"{_value(error.instance)} is not {' | '.join(known)}"
    return Flaw("unknown-word", path, message, near)


def _of_forms(error: _Error, path: tuple[Step, ...]) -> Iterator[Flaw]:
    """The faults of the form most likely meant: not of another type, and wrong at the greatest depth."""
    forms: dict[Any, list[_Error]] = {}
    for fault in error.context or ():
        forms.setdefault(fault.schema_path[0], []).append(fault)
    near = [faults for faults in forms.values() if not any(_other_form(f, error) for f in faults)]
    if near:
        best = max(near, key=lambda faults: (max(len(f.absolute_path) for f in faults), -len(faults)))
        for fault in best:
            yield from _words(fault)
    elif not forms:  # oneOf, and more than one fits
        yield Flaw(
            "ambiguous", path, "fits more than one of the forms that are possible here", _example(error)
        )
    else:
        expected = list(
            dict.fromkeys(_form(f) for faults in forms.values() for f in faults if _other_form(f, error))
        )
        message = f"{' or '.join(expected)} expected, not {_value(error.instance)}"
        yield Flaw("wrong-type", path, message, _way_out(error))


def _other_form(fault: _Error, whole: _Error) -> bool:
    """Whether the form wants another type of value altogether, and not another word or another key."""
    if len(fault.absolute_path) != len(whole.absolute_path):
        return False
    if fault.validator == "type":
        return True
    words = {"enum": fault.validator_value, "const": [fault.validator_value]}.get(fault.validator)
    return words is not None and not any(type(word) is type(fault.instance) for word in words)


def _form(fault: _Error) -> str:
    if fault.validator == "type":
        kinds = [fault.validator_value] if isinstance(fault.validator_value, str) else fault.validator_value
        return " or ".join(_TYPES[k] for k in kinds)
    words = [fault.validator_value] if fault.validator == "const" else fault.validator_value
    return " | ".join(_value(w, quoted=False) for w in words)


def _way_out(error: _Error) -> str:
    if error.validator_value == "string" and isinstance(error.instance, int | float):
        return f'put it into quotes: "{_value(error.instance)}"'
    return _example(error)


def _example(error: _Error) -> str:
    rule = error.schema if isinstance(error.schema, Mapping) else {}
    shown = _first_example(rule)
    return f"e.g. {shown}" if shown else str(rule.get("description", ""))


def _first_example(rule: Any) -> str:
    examples = rule.get("examples") if isinstance(rule, Mapping) else None
    if isinstance(examples, Sequence) and examples:
        return json.dumps(examples[0], ensure_ascii=False)
    if isinstance(rule, Mapping) and "const" in rule:
        return json.dumps(rule["const"])
    return ""


def _value(value: Any, *, quoted: bool = True) -> str:
    """A value as an author would recognise it; a whole table or list by its kind."""
    if isinstance(value, dict):
        return "a table of keys"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        text = value if len(value) <= 60 else f"{value[:57]}..."
        return repr(text) if quoted else text
    return json.dumps(value, default=str)  # a set or a date, where the file names such a tag
