"""Finding connectors: facts first, code on first use.

    entry points, then drop-in folders -> connector.yaml -> Found (listed, with its problem if it has one)
                                                             -> connector() imports the code

Promise: one broken connector shows with its problem and stops nothing. A manifest is read without
importing the package that it describes. What may surprise: an id is taken once; a second connector
of the same id is listed under ``id (folder)`` with that as its problem, and a manifest that asks
for another contract version is refused rather than tried.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

import yaml

from aggregator.errors import ConfigInvalid
from aggregator.sdk.contract import API, Capabilities, Connector, Manifest, SourceStatus
from aggregator.sdk.levels import compiled
from aggregator.sdk.settings_schema import check_schema, complete, faults_of, meant

__all__ = [
    "Found",
    "discover",
    "load_manifest",
    "secret_names",
    "status_map_of",
    "validate_config",
    "with_defaults",
]

GROUP = "motmoi.connectors"
_MANIFEST = "connector.yaml"
_REQUIRED = ("id", "version", "api", "title", "description", "maintainer", "capabilities", "config_schema")
_OPTIONAL = ("status_map", "defaults", "kind", "source", "push")


# -- manifests -----------------------------------------------------------------------------------


def load_manifest(folder: Path) -> Manifest:
    """The facts in ``connector.yaml``; `ConfigInvalid` names the file and the key that is wrong."""
    path = folder / _MANIFEST
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigInvalid(f"{path}: cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{path}: not valid YAML: {error}") from error
    if not isinstance(data, dict):
        raise ConfigInvalid(f"{path}: a table of keys expected")
    _check_keys(path, data)
    return Manifest(
        id=_text(path, data, "id"),
        version=_text(path, data, "version"),
        api=data["api"],
        title=_words(path, data, "title"),
        description=_words(path, data, "description"),
        maintainer=_text(path, data, "maintainer"),
        capabilities=_capabilities(path, data["capabilities"]),
        config_schema=_schema(path, data["config_schema"]),
        status_map=_statuses(path, data.get("status_map") or {}),
        defaults=_table(path, data, "defaults"),
        folder=folder,
        kind=str(data.get("kind") or "python"),
        source=_table(path, data, "source"),
        push=_table(path, data, "push"),
    )


def _check_keys(path: Path, data: Mapping[str, Any]) -> None:
    for key in _REQUIRED:
        if key not in data:
            raise ConfigInvalid(f"{path}: key {key!r} is missing")
    for key in data:
        if key not in _REQUIRED and key not in _OPTIONAL:
            raise ConfigInvalid(f"{path}: unknown key {key!r}{meant(str(key), (*_REQUIRED, *_OPTIONAL))}")
    if data["api"] != API:
        raise ConfigInvalid(
            f"{path}: api: {data['api']!r} is not the contract's version {API}",
            hint="Install a release of the connector made for this product",
        )


def _text(path: Path, data: Mapping[str, Any], key: str) -> str:
    value = data[key]
    if not isinstance(value, str) or not value.strip():
        raise ConfigInvalid(f"{path}: {key}: a text expected (in quotes where it looks like a number)")
    return value


def _words(path: Path, data: Mapping[str, Any], key: str) -> dict[str, str]:
    value = data[key]
    if not isinstance(value, dict) or not {"vi", "en"} <= set(value):
        raise ConfigInvalid(f"{path}: {key}: texts for vi and en expected")
    return {str(k): str(v) for k, v in value.items()}


def _table(path: Path, data: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key) or {}
    if not isinstance(value, dict):
        raise ConfigInvalid(f"{path}: {key}: a table expected")
    return value


def _capabilities(path: Path, data: Any) -> Capabilities:
    if not isinstance(data, dict):
        raise ConfigInvalid(f"{path}: capabilities: a table expected")
    hints = get_type_hints(Capabilities)
    names = [f.name for f in fields(Capabilities)]
    for key, value in data.items():
        if key not in names:
            raise ConfigInvalid(f"{path}: capabilities.{key} is unknown{meant(str(key), names)}")
        choices = get_args(hints[key])
        if (choices and value not in choices) or (not choices and type(value) is not hints[key]):
            expected = " | ".join(map(str, choices)) or hints[key].__name__
            raise ConfigInvalid(f"{path}: capabilities.{key}: {value!r} is not {expected}")
    return Capabilities(**data)


def _schema(path: Path, data: Any) -> dict[str, Any]:
    problems = check_schema(data)
    if problems:
        raise ConfigInvalid(f"{path}: config_schema: {problems[0]}")
    return dict(data)


def _statuses(path: Path, data: Any) -> dict[str, str]:
    if not isinstance(data, dict):
        raise ConfigInvalid(f"{path}: status_map: a table expected")
    known = [s.value for s in SourceStatus]
    for raw, ours in data.items():
        if ours not in known:
            raise ConfigInvalid(f"{path}: status_map.{raw}: {ours!r} is unknown{meant(str(ours), known)}")
    return {str(raw): str(ours) for raw, ours in data.items()}


def status_map_of(manifest: Manifest, own: Mapping[str, str]) -> dict[str, SourceStatus]:
    """The manifest's map with the channel's own entries over it (and before it: the first entry
    that says a status is the word used when writing back)."""
    merged = {**own, **{raw: ours for raw, ours in manifest.status_map.items() if raw not in own}}
    return {raw: SourceStatus(ours) for raw, ours in merged.items()}


# -- settings of a channel -----------------------------------------------------------------------


def validate_config(
    manifest: Manifest, config: Mapping[str, Any], secrets: Mapping[str, str] | None = None
) -> list[str]:
    """What is wrong with a channel's settings, one sentence each; empty where all is well.

    Required secrets are judged only where `secrets` is given.
    """
    hidden = secret_names(manifest)
    problems = faults_of(manifest.config_schema, config, skip_required=hidden)
    if secrets is not None:
        required = manifest.config_schema.get("required", ())
        problems += [f"{name}: missing" for name in required if name in hidden and not secrets.get(name)]
        problems += [f"{name}: not a secret of this connector" for name in secrets if name not in hidden]
    return problems


def with_defaults(manifest: Manifest, config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the schema's defaults where nothing was given."""
    return complete(manifest.config_schema, config)


def secret_names(manifest: Manifest) -> frozenset[str]:
    """The settings that are stored encrypted."""
    properties = manifest.config_schema.get("properties", {})
    return frozenset(name for name, rule in properties.items() if rule.get("secret"))


# -- discovery -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Found:
    """One connector, whole or broken. `origin` says where it came from, `problem` what is wrong."""

    id: str
    manifest: Manifest | None
    origin: str
    problem: str | None = None
    module: str = ""
    _loaded: Connector | None = None

    def connector(self) -> Connector:
        """The connector itself, imported on first use; `ConfigInvalid` where that fails."""
        if self._loaded is None:
            if self.manifest is None or (self.problem and not self.module):
                raise ConfigInvalid(f"connector {self.id} cannot be used: {self.problem}")
            self._loaded = self._load(self.manifest)
        return self._loaded

    def _load(self, manifest: Manifest) -> Connector:
        try:
            connector: Connector = (
                self._import(manifest).CONNECTOR if _has_code(manifest) else compiled(manifest)
            )
        except Exception as error:  # the edge to foreign code
            self.problem = traceback.format_exc()
            raise ConfigInvalid(
                f"connector {self.id} failed to load: {type(error).__name__}: {error}",
                hint="The connector's page shows the whole traceback",
            ) from error
        missing = [
            n
            for n in ("check", "poll", "remap", "push", "lookup", "fetch_attachment")
            if not hasattr(connector, n)
        ]
        if missing:
            self.problem = f"CONNECTOR lacks {', '.join(missing)}"
            raise ConfigInvalid(f"connector {self.id} failed to load: {self.problem}")
        self.problem = None
        return connector

    def _import(self, manifest: Manifest) -> ModuleType:
        if self.origin == "entry point":
            return importlib.import_module(self.module)
        return _import_folder(self.module, manifest.folder)


def _has_code(manifest: Manifest) -> bool:
    """A manifest of a kind may come with code of its own (a subclass), or be all there is."""
    code = manifest.folder / "__init__.py"
    return manifest.kind == "python" or (code.exists() and "CONNECTOR" in code.read_text("utf-8"))


def _import_folder(name: str, folder: Path) -> ModuleType:
    """Load a drop-in package by its path, so that its folder need not be on ``sys.path``."""
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no package in {folder}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def discover(folders: Sequence[Path] = ()) -> dict[str, Found]:
    """Every connector by id: installed ones, then the sub-folders of `folders`."""
    found: dict[str, Found] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        _add(found, _from_entry_point(point))
    for folder in folders:
        if folder.is_dir():
            for child in sorted(p.parent for p in folder.glob(f"*/{_MANIFEST}")):
                _add(found, _from_folder(child))
    return found


def _add(found: dict[str, Found], item: Found) -> None:
    if item.id in found:
        where = item.manifest.folder if item.manifest else item.origin
        key = f"{item.id} ({where})"
        found[key] = Found(
            key, None, item.origin, f"the id {item.id!r} is already taken by another connector"
        )
    else:
        found[item.id] = item


def _from_entry_point(point: EntryPoint) -> Found:
    try:
        folder = _package_folder(point.module)
        manifest = load_manifest(folder)
    except ConfigInvalid as error:
        return Found(point.name, None, "entry point", str(error))
    except Exception:  # noqa: BLE001 (finding a nested package imports its parents: foreign code)
        return Found(point.name, None, "entry point", traceback.format_exc())
    return Found(manifest.id, manifest, "entry point", module=point.module)


def _package_folder(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigInvalid(f"entry point {module}: no such package")
    return Path(next(iter(spec.submodule_search_locations)))


def _from_folder(folder: Path) -> Found:
    origin = str(folder)
    try:
        manifest = load_manifest(folder)
    except ConfigInvalid as error:
        return Found(folder.name, None, origin, str(error))
    if manifest.kind == "python" and not (folder / "__init__.py").exists():
        return Found(manifest.id, manifest, origin, f"{folder}: __init__.py is missing")
    return Found(manifest.id, manifest, origin, module=f"motmoi_dropin_{manifest.id}")
