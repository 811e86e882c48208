"""Expressions of a manifest: a JMESPath path, and filters behind it.

    TenChuyenMuc || TenChuyenMu
    NgayPhanAnh | replace('--', '-') | date('%d/%m/%Y %H:%M', '%d/%m/%Y')
    'proposal'

    expression = path { "|" filter }
    filter     = name [ "(" argument { "," argument } ")" ] | a name of the manifest's own `filters`
    argument   = 'text' | "text" | number | true | false | null

Promise: an expression is compiled once, when the manifest is loaded; what is wrong with it is
`ConfigInvalid` naming its place in the manifest. Run over any portal's data it gives a value or
`BadRecord`, nothing else: it has no loops, no calls besides the fixed filters (see `filters`), and
nothing in a portal's content can become a part of it.

What may surprise: outside brackets a single ``|`` always begins a filter. JMESPath's own pipe is written
in brackets: ``(data | [0]) | strip``. Inside a quoted argument only that quote is escaped, by a
backslash; every other backslash stays, as patterns need it. Plain paths (``a.b.c``) and choices of them
(``a || b``) do not go through the JMESPath library, which is many times slower.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from aggregator.errors import BadRecord, ConfigInvalid
from aggregator.sdk.filters import FILTERS, Env, Filter
from aggregator.sdk.settings_schema import meant
from aggregator.sdk.values import Unreadable

__all__ = ["Env", "Expression", "Words", "compile_expression"]

Expression = Callable[[Any, Env], Any]

_LONGEST = 2_000
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_LITERAL = re.compile(r"'([^'\\`]*)'")
_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\((.*)\))?\s*", re.DOTALL)
_ARGUMENT = re.compile(
    r"\s*(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|(-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?|true|false|null))\s*(,|$)",
    re.DOTALL,
)
#: What a path can raise over data of another form than it was written for.
_FAILS = (
    JMESPathError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Words:
    """What a manifest has named: tables for `lookup`, and filters in a row under one name."""

    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    filters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, section: Mapping[str, Any], where: str) -> Words:
        """The words of a section's ``tables`` and ``filters``, each tried. Raises `ConfigInvalid`."""
        tables = {
            str(name): {str(key): value for key, value in table.items()}
            for name, table in (section.get("tables") or {}).items()
        }
        words = cls(tables, dict(section.get("filters") or {}))
        for name, row in words.filters.items():
            if name in FILTERS:
                raise ConfigInvalid(f"{where}.filters.{name}: a filter of this name is there already")
            compile_expression(f"@ | {row}", f"{where}.filters.{name}", cls(tables))
        return words

    def calls(self, parts: Sequence[str], where: str) -> list[str]:
        """Filters one by one, those under a name unfolded; a name in a name's filters is not looked up."""
        unfolded: list[str] = []
        for part in parts:
            row = self.filters.get(part.strip())
            unfolded += [part] if row is None else _split(row, where)
        return unfolded


def compile_expression(text: Any, where: str, words: Words | None = None) -> Expression:
    """The expression as a function of data and `Env`, or `ConfigInvalid` naming `where`.

    The function raises `BadRecord` with ``field=where`` and nothing else.
    """
    if not isinstance(text, str) or not text.strip():
        raise ConfigInvalid(f"{where}: an expression expected, for example data.title")
    if len(text) > _LONGEST:
        raise ConfigInvalid(f"{where}: the expression is longer than {_LONGEST} characters")
    path, *parts = _split(text, where)
    words = words or Words()
    steps = [_filter(call, where, words) for call in words.calls(parts, where)]
    find, safe = _path(path.strip(), where)
    return find if safe and not steps else _guarded(find, steps, where)


def _guarded(find: Expression, steps: Sequence[Filter], where: str) -> Expression:
    name = where.partition(".map.")[2] or where

    def run(data: Any, env: Env) -> Any:
        try:
            value = find(data, env)
            for step in steps:
                value = step(value, env)
        except Unreadable as error:
            raise BadRecord(f"{name}: {error}", field=name) from None
        except _FAILS as error:
            raise BadRecord(f"{name}: cannot be read ({type(error).__name__})", field=name) from error
        return value

    return run


# -- paths ---------------------------------------------------------------------------------------


def _path(text: str, where: str) -> tuple[Expression, bool]:
    """The path, and whether it can never fail."""
    choices = [_simple(part.strip()) for part in text.split("||")]
    if all(choice is not None for choice in choices):
        return _choice([choice for choice in choices if choice is not None]), True
    try:
        parsed = jmespath.compile(text)
    except _FAILS as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigInvalid(
            f"{where}: {text!r} is no JMESPath expression: {reason}",
            hint="names with other letters than a-z, 0-9 and _ go in double quotes, texts in single ones",
        ) from error
    return lambda data, env: parsed.search(data), False


def _simple(text: str) -> Expression | None:
    """A plain path or a text in quotes; None for what is neither."""
    if match := _LITERAL.fullmatch(text):
        value = match[1]
        return lambda data, env: value
    if not _PLAIN.fullmatch(text):
        return None
    names = text.split(".")
    return _one_step(names[0]) if len(names) == 1 else _many_steps(names)


def _one_step(name: str) -> Expression:
    return lambda data, env: data.get(name) if isinstance(data, dict) else None


def _many_steps(names: Sequence[str]) -> Expression:
    def walk(data: Any, env: Env) -> Any:
        for name in names:
            if not isinstance(data, dict):
                return None
            data = data.get(name)
        return data

    return walk


def _choice(choices: Sequence[Expression]) -> Expression:
    if len(choices) == 1:
        return choices[0]

    def first(data: Any, env: Env) -> Any:
        value = None
        for choice in choices:
            value = choice(data, env)
            if value or (value == 0 and value is not False):  # JMESPath's truth: a number 0 is a value
                return value
        return value

    return first


# -- filters -------------------------------------------------------------------------------------


def _split(text: str, where: str) -> list[str]:
    """The parts between single ``|`` outside quotes and brackets."""
    parts, start, depth, quote = [], 0, 0, ""
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\\" and quote:
            position += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"`":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == "|" and text[position + 1 : position + 2] == "|":
            position += 1
        elif char == "|" and depth == 0:
            parts.append(text[start:position])
            start = position + 1
        position += 1
    if quote or depth:
        raise ConfigInvalid(f"{where}: {text!r}: a quote or a bracket is not closed")
    return [*parts, text[start:]]


def _filter(call: str, where: str, words: Words) -> Filter:
    match = _CALL.fullmatch(call)
    if match is None:
        raise ConfigInvalid(
            f"{where}: {call.strip()!r} is no filter",
            hint=f"after | stands one of {', '.join(FILTERS)}; put JMESPath's own pipe in brackets",
        )
    name, given = match[1], match[2]
    if name not in FILTERS:
        raise ConfigInvalid(
            f"{where}: no filter {name!r}{meant(name, (*FILTERS, *words.filters))}",
            hint=f"there are {', '.join((*FILTERS, *words.filters))}",
        )
    args = _arguments(given or "", f"{where}: {name}")
    if name == "lookup" and args and args[0] not in words.tables:
        raise ConfigInvalid(f"{where}: lookup: no table {args[0]!r}{meant(str(args[0]), words.tables)}")
    try:
        return FILTERS[name](args)
    except ValueError as error:
        raise ConfigInvalid(f"{where}: {name}: {error}") from error


def _arguments(text: str, where: str) -> list[Any]:
    args: list[Any] = []
    position = 0
    text = text.strip()
    while position < len(text):
        match = _ARGUMENT.match(text, position)
        if match is None or (match[4] == "," and match.end() == len(text)):
            raise ConfigInvalid(f"{where}: arguments are texts in quotes, numbers, true, false or null")
        single, double, word = match[1], match[2], match[3]
        if single is not None:
            args.append(single.replace("\\'", "'"))
        elif double is not None:
            args.append(double.replace('\\"', '"'))
        else:
            args.append(json.loads(word))
        position = match.end()
    return args
