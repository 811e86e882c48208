"""Texts of a manifest with places to fill: ``/reports/{id}``, ``Bearer {secrets.token}``.

    {config.x}   a setting of the channel        {cursor} {until}   the window that is asked for
    {secrets.x}  a secret of the channel         {page} {offset} {size} {next}   which page
    {token}      what the sign-in gave           {id}               the report's id at the source

Promise: places are filled once, with values, and a value is never read for places again. In a path a
value is quoted, so that no id of a report can lead elsewhere. What may surprise: a place gives text;
``"{page:raw}"``, alone in its text, keeps a number a number. A parameter whose places all come out
empty is left out. A brace itself is written twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from aggregator.errors import BadRecord, ConfigInvalid
from aggregator.sdk.settings_schema import meant

__all__ = ["Fill", "Template", "compile_tree"]

_PLACE = re.compile(r"\{\{|\}\}|\{([a-z_]+(?:\.\w+)?)(?::([^{}]{1,40}))?\}|[{}]")

Fill = Callable[[Mapping[str, Any]], Any]


class Template:
    """A text with places. `names` are those it may use, ``config.x`` and ``secrets.x`` among them."""

    def __init__(self, text: Any, where: str, names: Collection[str]) -> None:
        if isinstance(text, bool) or not isinstance(text, str | int | float):
            raise ConfigInvalid(f"{where}: a text expected")
        self.where = where
        #: Literal texts, and (name, form) for each place.
        self._parts: list[str | tuple[str, str]] = []
        text, position = str(text), 0
        for match in _PLACE.finditer(text):
            self._parts.append(text[position : match.start()])
            self._parts.append(self._part(match, names))
            position = match.end()
        self._parts.append(text[position:])
        self._parts = [part for part in self._parts if part]
        self.places = frozenset(part[0] for part in self._parts if isinstance(part, tuple))
        raw = [part for part in self._parts if isinstance(part, tuple) and part[1] == "raw"]
        self.raw = bool(raw)
        if raw and len(self._parts) > 1:
            raise ConfigInvalid(f"{where}: {{{raw[0][0]}:raw}} stands alone or not at all")

    def _part(self, match: re.Match[str], names: Collection[str]) -> str | tuple[str, str]:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        name = match[1]
        if name is None:
            raise ConfigInvalid(f"{self.where}: a brace that belongs to no place; write it twice")
        if name not in names:
            known = ", ".join(f"{{{n}}}" for n in sorted(names))
            raise ConfigInvalid(
                f"{self.where}: nothing is called {{{name}}} here{meant(name, names)}", hint=f"known: {known}"
            )
        return name, match[2] or ""

    def complete(self, scope: Mapping[str, Any]) -> bool:
        """Whether every place has a value."""
        return all(_of(scope, name) not in (None, "") for name in self.places)

    def value(self, scope: Mapping[str, Any]) -> Any:
        """The filled text, or the value itself for ``:raw``; None where all its places are empty."""
        if self.raw:
            return _of(scope, str(self._parts[0][0]))
        found = [p if isinstance(p, str) else _shown(_of(scope, p[0]), p[1]) for p in self._parts]
        if self.places and not any(
            text for part, text in zip(self._parts, found, strict=True) if isinstance(part, tuple)
        ):
            return None
        return "".join(found)

    def text(self, scope: Mapping[str, Any]) -> str:
        """The filled text; empty places are empty."""
        return "".join(p if isinstance(p, str) else _shown(_of(scope, p[0]), p[1]) for p in self._parts)

    def path(self, scope: Mapping[str, Any]) -> str:
        """The filled path, each value quoted. `BadRecord` for an id that would leave its place."""
        return "".join(p if isinstance(p, str) else self._quoted(p, scope) for p in self._parts)

    def _quoted(self, place: tuple[str, str], scope: Mapping[str, Any]) -> str:
        text = _shown(_of(scope, place[0]), place[1])
        if place[0].startswith("config."):
            return text.strip("/")  # a setting may hold several steps of a path
        if text in ("", ".", ".."):
            raise BadRecord(f"{self.where}: {text!r} cannot stand in an address", field=place[0])
        return quote(text, safe="")


def compile_tree(tree: Any, where: str, names: Collection[str]) -> Fill:
    """A body: a table, list or text with places in its texts. Empty places are empty texts there."""
    if isinstance(tree, Mapping):
        table = {str(key): compile_tree(item, f"{where}.{key}", names) for key, item in tree.items()}
        return lambda scope: {key: fill(scope) for key, fill in table.items()}
    if isinstance(tree, list):
        items = [compile_tree(item, f"{where}[{n}]", names) for n, item in enumerate(tree)]
        return lambda scope: [fill(scope) for fill in items]
    if isinstance(tree, str):
        template = Template(tree, where, names)
        return template.value if template.raw else template.text
    return lambda scope: tree


def _of(scope: Mapping[str, Any], name: str) -> Any:
    table, _, key = name.partition(".")
    value = scope.get(table)
    return value.get(key) if key and isinstance(value, Mapping) else value


def _shown(value: Any, form: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime(form) if form else value.isoformat()
    return str(value)
