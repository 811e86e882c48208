"""From a manifest's words, and a channel's own over them, to a `Layout`, checked.

    connector.yaml: source, push  ->  Faces, each a whole layout (what all share, and a variant's own parts)
    Faces.load(settings)          ->  the face that a channel chose, its own entries over it, key by key

What may surprise: a wrong key, selector or expression is `ConfigInvalid` naming its path, inside the
manifest (``source.list.row``) or inside the channel's setting (``layout.list.row``), never a page that
reads as empty. The schema that editors complete from is made of the same classes.
"""

from __future__ import annotations

import string
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, is_dataclass
from dataclasses import fields as fields_of
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import soupsieve

from aggregator.sdk.contract import ConfigInvalid, Manifest
from aggregator.sdk.html_portal.layout import (
    ADDRESS,
    CSS,
    REPORT_FIELDS,
    Layout,
    Pick,
    fill,
    meanings,
)
from aggregator.sdk.safe_regex import compile_pattern
from aggregator.sdk.settings_schema import meant

__all__ = ["PUSH", "SOURCE", "Faces", "faces_of"]

_Part = TypeVar("_Part")
_LAYOUTS_KEPT = 500
_PICK_FORMS = '"css", "css@attr" or a table of css, attr, regex, date, value'


class Faces:
    """The layouts that a manifest offers. Raises `ConfigInvalid` naming the path inside the manifest."""

    def __init__(self, manifest: Manifest) -> None:
        self._ground = faces_of(manifest.source, manifest.push)
        properties = manifest.config_schema.get("properties", {})
        self._settings = {name: None for name, rule in properties.items() if not rule.get("secret")}
        for name, ground in self._ground.items():
            _build(ground, _path_in(manifest, name), self._settings)
        #: Parts that every face has: the settings and capabilities promise them, so no channel lacks them.
        self._promised = frozenset.intersection(*(frozenset(ground) for ground in self._ground.values()))

        #: Made once for each channel's settings: every report that is read asks for its layout.
        self._loaded: dict[str, Layout] = {}

    @property
    def first(self) -> str:
        """The face of a channel that chose none."""
        return next(iter(self._ground))

    def load(self, given: Mapping[str, Any], settings: Mapping[str, Any] | None = None) -> Layout:
        """The layout of a channel: the face it chose, its own entries over it. Raises `ConfigInvalid`.

        `settings` are the channel's, for the addresses that ask for them.
        """
        values = {name: (settings or {}).get(name) for name in self._settings if name != "layout"}
        key = repr((given, values))
        layout = self._loaded.get(key)
        if layout is None:
            layout = self._chosen(given, values)
            if len(self._loaded) >= _LAYOUTS_KEPT:
                self._loaded.clear()
            self._loaded[key] = layout
        return layout

    def _chosen(self, given: Mapping[str, Any], values: Mapping[str, Any]) -> Layout:
        own = dict(given)
        chosen = str(own.pop("preset", None) or self.first)
        if chosen != "none" and chosen not in self._ground:
            known = ", ".join((*self._ground, "none"))
            raise ConfigInvalid(f"layout.preset: {chosen!r} is not one of {known}")
        merged = _merged(self._ground.get(chosen, {}), own)
        if lacking := [part for part in meanings(Layout) if part in self._promised and part not in merged]:
            raise ConfigInvalid(f"layout: incomplete, not given: {', '.join(lacking)}")
        return _build(merged, lambda part: f"layout.{part}" if part else "layout", values)


def faces_of(source: Mapping[str, Any], push: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Name -> raw layout: the shared parts, and over each whole part the variant's own."""
    shared = {key: value for key, value in source.items() if key != "variants"}
    answers = {key: value for key, value in push.items() if key != "variants"}
    read, write = source.get("variants") or {"page": {}}, push.get("variants") or {}
    return {name: {**shared, **answers, **parts, **write.get(name, {})} for name, parts in read.items()}


def _path_in(manifest: Manifest, name: str) -> Callable[[str], str]:
    """Where in the manifest a part of a face was said."""

    def path(part: str) -> str:
        for section, data in (("source", manifest.source), ("push", manifest.push)):
            if part in ((data.get("variants") or {}).get(name) or {}):
                return f"{section}.variants.{name}.{part}"
            if part in data:
                return f"{section}.{part}"
        return f"source.variants.{name}" if manifest.source.get("variants") else "source"

    return path


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[key] = _merged(below, value) if both else value  # type: ignore[arg-type]
    return result


def _build(data: Mapping[str, Any], path: Callable[[str], str], settings: Mapping[str, Any]) -> Layout:
    layout = _Builder(settings).part(Layout, data, path)
    _judge(layout, path)
    return layout


# -- values --------------------------------------------------------------------------------------


class _Builder:
    """Makes parts of tables; an address may ask for the channel's `settings`."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = {f"config.{name}": value for name, value in settings.items()}

    def part(self, part: type[_Part], data: Any, path: Callable[[str], str]) -> _Part:
        here = path("")
        if not isinstance(data, Mapping):
            raise ConfigInvalid(f"{here}: a table expected")
        hints = get_type_hints(part, include_extras=True)
        for key in data:
            if key not in hints:
                known = meant(str(key), hints) or f"; known are {', '.join(hints)}"
                raise ConfigInvalid(f"{path(str(key))}: unknown{known}")
        values = {key: self.value(hints[key], value, path(key)) for key, value in data.items()}
        lacking = [f.name for f in fields_of(part) if _needed(f) and f.name not in values]  # type: ignore[arg-type]
        if lacking:
            raise ConfigInvalid(f"{here}: incomplete, not given: {', '.join(lacking)}")
        return part(**values)

    def value(self, kind: Any, value: Any, path: str) -> Any:
        """One value as its annotation says."""
        kind, note = _plain(kind)
        if kind is Pick:
            return self._pick(value, path)
        if is_dataclass(kind):
            return self.part(kind, value, _below(path))  # type: ignore[arg-type]
        if get_origin(kind) is tuple:
            listed = value if isinstance(value, list | tuple) else [value]
            return tuple(self.value(get_args(kind)[0], one, f"{path}[{n}]") for n, one in enumerate(listed))
        if get_origin(kind) is Mapping:
            return self._table(kind, value, path)
        if kind in (int, bool):
            if type(value) is not kind:
                raise ConfigInvalid(f"{path}: {'a number' if kind is int else 'true or false'} expected")
            return value
        if not isinstance(value, str | int | float | None):
            raise ConfigInvalid(f"{path}: a text expected")
        text = "" if value is None else str(value)
        return self._address(text, path) if note == ADDRESS else _css(text, path) if note == CSS else text

    def _table(self, kind: Any, value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise ConfigInvalid(f"{path}: a table expected")
        _, note = _plain(get_args(kind)[0])
        for key in value:
            if note == CSS:
                _css(str(key), path)
        return {str(key): self.value(get_args(kind)[1], one, f"{path}.{key}") for key, one in value.items()}

    def _pick(self, value: Any, path: str) -> Pick:
        if isinstance(value, str):
            css, _, attr = value.strip().partition("@")
            value = {"css": css.strip(), "attr": attr}
        known = meanings(Pick)
        if not isinstance(value, Mapping) or set(value) - set(known):
            raise ConfigInvalid(f"{path}: {_PICK_FORMS} expected")
        pick = self.part(Pick, value, _below(path))
        try:
            compile_pattern(pick.regex)
        except ValueError as error:
            raise ConfigInvalid(f"{path}.regex: {error}") from error
        return pick

    def _address(self, text: str, path: str) -> str:
        try:
            asked = [name or "" for _, name, _, _ in string.Formatter().parse(text) if name is not None]
        except ValueError as error:
            raise ConfigInvalid(f"{path}: {error}") from error
        known = ("page", "id", *sorted(self._settings))
        for name in asked:
            if name not in known:
                raise ConfigInvalid(f"{path}: {{{name}}} is unknown{meant(name, known)}")
        return fill(text, **{name: self._settings[name] or "" for name in asked if name in self._settings})


def _css(css: str, path: str) -> str:
    try:
        if css:
            soupsieve.compile(css)
    except soupsieve.SelectorSyntaxError as error:
        first = str(error).splitlines()[0]
        raise ConfigInvalid(f"{path}: {css!r} is no CSS selector: {first}") from error
    return css


def _below(path: str) -> Callable[[str], str]:
    return lambda key: f"{path}.{key}" if key else path


def _plain(kind: Any) -> tuple[Any, str]:
    """The type without its wrapping (`X | None`, `Annotated`), and what was noted about it."""
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(one for one in get_args(kind) if one is not type(None))
    if get_origin(kind) is Annotated:
        plain, note = get_args(kind)[:2]
        return plain, str(note)
    return kind, ""


def _needed(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _judge(layout: Layout, path: Callable[[str], str]) -> None:
    """What only several words together can get wrong."""
    pages = (layout.detail, *layout.detail.pages)
    named = {name for page in pages for name in (*page.fields, *page.labels.names.values())}
    unknown = sorted({*named, *layout.detail.required} - REPORT_FIELDS - {""})
    if unknown:
        hint = meant(unknown[0], REPORT_FIELDS) or f"; known are {', '.join(sorted(REPORT_FIELDS))}"
        raise ConfigInvalid(f"{path('detail')}: no such field: {', '.join(unknown)}{hint}")
    if layout.list.past_end not in ("", "empty", "last"):
        raise ConfigInvalid(f"{path('list')}.past_end: empty or last expected")
    if layout.list.next.given and not (layout.list.last or layout.list.total.given):
        raise ConfigInvalid(
            f"{path('list')}.next: needs `last` or `total` beside it: a renamed link would look like the end"
        )


# -- the schema of the manifest's sections -------------------------------------------------------


def _schema(kind: Any) -> dict[str, Any]:
    kind, note = _plain(kind)
    if kind is Pick:
        return {"type": ["string", "object"], **_part_schema(Pick)}
    if is_dataclass(kind):
        return {"type": "object", **_part_schema(kind)}
    if get_origin(kind) is tuple:
        return {"type": ["array", "string"], "items": _schema(get_args(kind)[0])}
    if get_origin(kind) is Mapping:
        return {"type": "object", "additionalProperties": _schema(get_args(kind)[1])}
    plain = {int: "integer", bool: "boolean"}.get(kind, "string")
    return {"type": plain, **({"format": "css-selector"} if note == CSS else {})}


def _part_schema(part: Any) -> dict[str, Any]:
    hints, told = get_type_hints(part, include_extras=True), meanings(part)
    needed = [field.name for field in fields_of(part) if _needed(field)]
    return {
        "properties": {key: {**_schema(hint), "description": told[key]} for key, hint in hints.items()},
        "additionalProperties": False,
        **({"required": needed} if needed else {}),
    }


def _section(keys: frozenset[str], about: str, about_variants: str) -> dict[str, Any]:
    """A section's schema. What is needed may stand in the variants, so it is judged when compiled."""
    properties = {key: rule for key, rule in _part_schema(Layout)["properties"].items() if key in keys}
    face = {"type": "object", "properties": properties, "additionalProperties": False}
    variants = {"type": "object", "description": about_variants, "additionalProperties": face}
    return {**face, "description": about, "properties": {**properties, "variants": variants}}


_READ = frozenset(meanings(Layout)) - {"reply"}
SOURCE: Mapping[str, Any] = _section(
    _READ, "How the pages are read.", "Portals of one kind that look different: name -> the parts of its own."
)
PUSH: Mapping[str, Any] = _section(
    frozenset(("reply",)), "How an answer is given.", "Name of a variant of `source` -> its reply form."
)
