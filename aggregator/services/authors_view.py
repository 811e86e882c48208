"""Which expression or selector of a manifest gave nothing: what its author looks for first.

    fields_seen     each mapped field, in how many of the records it held something
    nowhere         each selector and label of a page portal that stands on none of the pages that came

Promise: each is told with its place in the manifest, so that it is found at once; `nowhere` also where the
poll failed and no record was made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bs4 import BeautifulSoup

from aggregator.sdk.cassette_recorder import Taken
from aggregator.sdk.cassette_run import Outcome
from aggregator.sdk.contract import Manifest, Record
from aggregator.sdk.html import soup, text_of

_GIVEN_BY_EVERY_SOURCE = ("external_id", "occurred_at", "subject", "body")
#: Selectors that stand somewhere on a page that is as it should be; others are marks of rare pages.
_STRUCTURE = frozenset(
    ("container", "row", "id", "total", "label", "value", "signed_in", "form", "css", "ref", "body", "at")
)
#: Names of an HTML manifest -> where the value is in a `Record`.
_SHORT = {
    "name": "person.name", "phone": "person.phone", "email": "person.email", "address": "person.address",
    "place": "location.address", "area": "location.area", "ward_code": "location.ward_code",
    "lat": "location.lat", "lng": "location.lng", "category": "category_raw", "urgency": "urgency_raw",
    "status": "status_raw", "created": "occurred_at", "updated": "updated_at", "due": "due_at",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldSeen:
    """One field: where the manifest says it, how, and in how many records it held something."""

    field: str
    #: ``source.streams[0].map.person.phone``; empty where the connector is code.
    path: str
    expression: str
    filled: int
    of: int


def fields_seen(manifest: Manifest, config: Mapping[str, Any], outcome: Outcome) -> list[FieldSeen]:
    """Each field that the manifest maps, and each other one that came."""
    records = [_flat(record) for record in outcome.records]
    said = {field: (path, text) for field, path, text in _said(manifest.source, config)}
    names = [*said, *(n for n in _GIVEN_BY_EVERY_SOURCE if n not in said)]
    came = {name for record in records for name, value in record.items() if value}
    names += sorted(came - {*names, "person.anonymous"})
    return [
        FieldSeen(name, *said.get(name, ("", "")), sum(_filled(r, name) for r in records), len(records))
        for name in names
    ]


def _filled(record: Mapping[str, Any], name: str) -> bool:
    return bool(record.get(name) not in (None, "", [], ()))


def _flat(record: Record) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in Record.__dataclass_fields__:
        value = getattr(record, name)
        if name in ("person", "location"):
            found |= {f"{name}.{part}": getattr(value, part) for part in value.__dataclass_fields__}
        elif name == "extra":
            found |= {f"extra.{key}": part for key, part in value.items()}
        elif name not in ("volatile", "status", "kind"):
            found[name] = value
    return found


def _said(node: Any, config: Mapping[str, Any], path: str = "source") -> Iterator[tuple[str, str, str]]:
    """Field, place in the manifest, and expression, of every ``map``, ``fields`` and ``labels.names``."""
    if isinstance(node, list):
        for at, item in enumerate(node):
            yield from _said(item, config, f"{path}[{at}]")
        return
    if not isinstance(node, Mapping):
        return
    for key, value in node.items():
        where = f"{path}.{key}"
        if key == "variants" and isinstance(value, Mapping):
            wanted = _variant(value, config)
            yield from _said(value.get(wanted), config, f"{where}.{wanted}")
        elif key in ("map", "fields") and isinstance(value, Mapping):
            yield from _mapped(value, where)
        elif key == "names" and path.endswith(".labels") and isinstance(value, Mapping):
            for label, field in value.items():
                yield _SHORT.get(str(field), str(field)), f"{where}[{label!r}]", f"label {label!r}"
        else:
            yield from _said(value, config, where)


def _variant(variants: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Which of the manifest's page layouts the settings choose."""
    return str((config.get("layout") or {}).get("preset") or next(iter(variants), ""))


def _mapped(table: Mapping[str, Any], path: str, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    for name, value in table.items():
        where = f"{path}.{name}"
        if name in ("person", "location", "extra") and isinstance(value, Mapping) and not prefix:
            yield from _mapped(value, where, f"{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield prefix + (name if prefix else _SHORT.get(name, name)), where, text


# -- selectors on the pages that came ------------------------------------------------------------


def nowhere(manifest: Manifest, config: Mapping[str, Any], taken: Sequence[Taken]) -> list[str]:
    """Selectors and labels of a page portal that stand on none of its pages, each with its place."""
    if manifest.kind != "html":
        return []
    pages = [soup(one.content) for one in taken if one.content.lstrip()[:1] == b"<"]
    words = "\n".join(text_of(page) for page in pages)
    selectors, said = _selectors(manifest.source, config), _said(manifest.source, config)
    missing = [f"{path}: {css!r}" for path, css in selectors if not _stands(css, pages)]
    labels = [(path, text.removeprefix("label ")) for _, path, text in said if text.startswith("label ")]
    missing += [path for path, label in labels if label.strip("'") not in words]
    return [f"{each} stands nowhere on {len(pages)} pages" for each in missing] if pages else []


def _stands(css: str, pages: Sequence[BeautifulSoup]) -> bool:
    return any(page.select_one(css) is not None for page in pages)


def _selectors(node: Any, config: Mapping[str, Any], path: str = "source") -> Iterator[tuple[str, str]]:
    for key, value in node.items() if isinstance(node, Mapping) else ():
        where = f"{path}.{key}"
        css = value.partition("@")[0].strip() if isinstance(value, str) else ""
        if key == "variants":
            wanted = _variant(value, config)
            yield from _selectors(value.get(wanted), config, f"{where}.{wanted}")
        elif css and (key in _STRUCTURE or path.endswith(".fields")):
            yield where, css
        elif key not in ("names", "dates", "anonymous", "required"):
            yield from _selectors(value, config, where)
