"""YAML that remembers where each of its words stands.

    text -> read() -> Marked(data) -> .at(("source", "streams", 0, "map")) -> line 14, column 7

Promise: what cannot be read is one `YamlFault` with its place; a file of a few bytes that unfolds into
millions of values, or that holds itself, is refused. What may surprise: words are read as YAML 1.2 and
as editors read them, not as YAML 1.1: ``no`` is a text and not False, ``01`` keeps its zero, a date
stays a text, and a key is always the text that was written. A key given twice is an error, because the
first would be lost without a word.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.constructor import ConstructorError

try:  # libyaml, where PyYAML was built with it: ten times as fast
    from yaml import CSafeLoader as _Reader
except ImportError:  # pragma: no cover (depends on the wheel)
    from yaml import SafeLoader as _Reader  # type: ignore[assignment]

__all__ = ["MISFITS", "Marked", "Step", "YamlFault", "read"]

#: What the library raises, besides its own errors, for a value that its tag does not fit (`!!float x`).
MISFITS = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)

#: A manifest of the longest kind holds some thousand values; aliases may unfold to no more than this.
MAX_VALUES = 50_000

Step = str | int


class YamlFault(Exception):
    """A text that is no YAML, or one that is refused. Lines and columns count from 1."""

    def __init__(self, rule: str, message: str, line: int, column: int, suggestion: str = "") -> None:
        super().__init__(message)
        self.rule, self.message, self.suggestion = rule, message, suggestion
        self.line, self.column = line, column


@dataclass(frozen=True, slots=True)
class Marked:
    """A document's values, and where they stand."""

    data: Any
    _root: yaml.Node | None

    def at(self, path: Sequence[Step], *, key: bool = False) -> tuple[int, int]:
        """Line and column of a value (or of its `key`); of the nearest value around it where it is absent."""
        node, mark = self._root, self._root.start_mark if self._root else None
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            node, mark = found[1], (found[0] if key else found[1]).start_mark
        return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def read(text: str) -> Marked:
    """The document in `text`. Raises `YamlFault`."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return Marked(None, None)
        _size(root, {})
        return Marked(loader.construct_document(root), root)
    except yaml.YAMLError as error:
        raise _fault(error, text) from error
    except RecursionError as error:
        raise YamlFault("too-deep", "values are nested too deeply", 1, 1) from error
    except MISFITS as error:
        raise YamlFault("bad-tag", f"a value does not fit its tag ({type(error).__name__})", 1, 1) from error
    finally:
        loader.dispose()


def _child(node: yaml.Node | None, step: Step) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((k, v) for k, v in node.value if k.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node unfolds to; 0 in `known` marks one that is still being counted."""
    if (size := known.get(id(node))) is not None:
        if size == 0:
            raise _refused("holds-itself", "a value that holds itself", node)
        return size
    known[id(node)] = 0
    children: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        children = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    known[id(node)] = size = 1 + sum(_size(child, known) for child in children)
    if size > MAX_VALUES:
        raise _refused("too-large", f"more than {MAX_VALUES} values", node)
    return size


def _refused(rule: str, message: str, node: yaml.Node) -> YamlFault:
    return YamlFault(rule, message, node.start_mark.line + 1, node.start_mark.column + 1)


def _fault(error: yaml.YAMLError, text: str) -> YamlFault:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:  # a character that no YAML may hold: the reader tells its position only
        before = text[: getattr(error, "position", 0)]
        line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    else:
        line, column = mark.line, mark.column
    problem = getattr(error, "problem", None) or str(getattr(error, "reason", error))
    rule = "duplicate-key" if isinstance(error, _Twice) else "not-yaml"
    lines = text.splitlines()
    return YamlFault(
        rule, problem, line + 1, column + 1, _way_out(problem, lines[line] if line < len(lines) else "")
    )


def _way_out(problem: str, line: str) -> str:
    if "\t" in line and "cannot start any token" in problem:
        return "indent with spaces, not with tabs"
    if "mapping values are not allowed" in problem:
        return "put a text that holds ': ' into quotes, or look at the indentation"
    if "cannot start any token" in problem:
        return "put a text that begins with such a character into quotes"
    if "found undefined alias" in problem:
        return "put a text that begins with * or & into quotes"
    return ""


class _Twice(ConstructorError):
    """A key that a table has already."""


class _Loader(_Reader):
    """Words as in YAML 1.2's core schema, keys as written."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A table; raises for a key that is no word, or that stands in it twice."""
        own = [key.value for key, _value in node.value]
        self.flatten_mapping(node)  # "<<": entries of another table come first, and our own over them
        table: dict[Hashable, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise ConstructorError(None, None, "a key must be one word or text", key.start_mark)
            if key.value in table and own.count(key.value) > 1:
                raise _Twice(None, None, f"the key {key.value!r} stands here twice", key.start_mark)
            table[key.value] = self.construct_object(value, deep=deep)
        return table


def _map(loader: _Loader, node: yaml.MappingNode) -> Any:
    table: dict[Hashable, Any] = {}
    yield table
    table.update(loader.construct_mapping(node))


for _tag, _words, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("merge", r"<<", "<"),
):  # fmt: skip
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_words})$"), [c.strip("\0") for c in _first]
    )
_Loader.add_constructor("tag:yaml.org,2002:map", _map)
