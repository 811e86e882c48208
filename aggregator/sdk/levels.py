"""Connectors that are a manifest and nothing else: which class runs which ``kind`` of connector.yaml.

    connector.yaml (kind: json) -> compiled(manifest) -> JsonPortal(manifest), a `Connector`

Promise: a manifest compiles to the very class that a small subclass would extend, so every hook is at
hand when the words of the manifest run out. What may surprise: the classes are imported on first use,
so that a broken or heavy one costs nothing to the connectors that do not need it.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, cast

from aggregator.sdk.contract import ConfigInvalid, Connector, Manifest

__all__ = ["KINDS", "Implied", "Level", "compiled", "installed", "level_of"]

#: Kind -> ``module:class``.
KINDS: Mapping[str, str] = {
    "json": "aggregator.sdk.json_portal:JsonPortal",
    "html": "aggregator.sdk.html_portal:HtmlPortal",
    "sheet": "aggregator.sdk.sheet_drop:SheetDrop",
    "open311": "aggregator.sdk.open311:Open311Endpoint",
}


@dataclass(frozen=True, slots=True)
class Implied:
    """What a definition says without words: the manifest's own entries go over it."""

    capabilities: Mapping[str, Any] = field(default_factory=dict)
    #: JSON Schema of the channel's settings: an address, and what the way of signing in needs.
    config_schema: Mapping[str, Any] = field(default_factory=dict)


class Level(Protocol):
    """A class that runs manifests of one kind, and that a small subclass extends."""

    #: JSON Schema (2020-12) of the manifest's ``source`` and ``push`` sections.
    SOURCE: ClassVar[Mapping[str, Any]]
    PUSH: ClassVar[Mapping[str, Any]]

    @classmethod
    def implied(cls, source: Mapping[str, Any], push: Mapping[str, Any]) -> Implied:
        """Capabilities and settings that follow from the definition (already valid by the schemas)."""
        ...

    def __init__(self, manifest: Manifest) -> None:
        """Compile the definition. Raises `ConfigInvalid` naming the path inside the manifest."""
        ...


def installed(kind: str) -> bool:
    """Whether this installation has the class of a kind."""
    return importlib.util.find_spec(KINDS[kind].split(":")[0]) is not None


def level_of(kind: str) -> type[Level]:
    """The class of a kind. Raises `ConfigInvalid` for an unknown one, or one that is not installed."""
    if kind not in KINDS:
        raise ConfigInvalid(f"kind {kind!r} is unknown; known are python, {', '.join(KINDS)}")
    if not installed(kind):
        raise ConfigInvalid(f"kind {kind!r} is not part of this installation")
    module, name = KINDS[kind].split(":")
    return cast("type[Level]", getattr(importlib.import_module(module), name))


def compiled(manifest: Manifest) -> Connector:
    """The connector that a manifest without code is."""
    return cast("Connector", level_of(manifest.kind)(manifest))
