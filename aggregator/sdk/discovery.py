"""Finding connectors: facts first, code on first use.

    entry points, then drop-in folders -> connector.yaml -> Found (listed, with its problem if it has one)
                                                             -> connector() lints a definition, imports code

Promise: one broken connector shows with its problem and stops nothing. A manifest is read without
importing the package that it describes. What may surprise: an id is taken once; a second connector
of the same id is listed under ``id (folder)`` with that as its problem, and a manifest that asks
for another contract version is refused rather than tried. A package may hold a manifest and no code;
its entry point names it all the same.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from aggregator.errors import ConfigInvalid
from aggregator.sdk.contract import Connector, Manifest, SourceStatus
from aggregator.sdk.levels import compiled
from aggregator.sdk.manifest import FILE, ManifestInvalid, load_manifest, own_code
from aggregator.sdk.settings_schema import complete, faults_of

__all__ = [
    "Found",
    "discover",
    "found_in",
    "load_manifest",
    "secret_names",
    "status_map_of",
    "validate_config",
    "with_defaults",
]

GROUP = "motmoi.connectors"
_METHODS = ("check", "poll", "remap", "push", "lookup", "fetch_attachment")


# -- settings of a channel -----------------------------------------------------------------------


def status_map_of(manifest: Manifest, own: Mapping[str, str]) -> dict[str, SourceStatus]:
    """The manifest's map with the channel's own entries over it (and before it: the first entry
    that says a status is the word used when writing back)."""
    merged = {**own, **{raw: ours for raw, ours in manifest.status_map.items() if raw not in own}}
    return {raw: SourceStatus(ours) for raw, ours in merged.items()}


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

    def sandbox(self) -> ModuleType | None:
        """The module of its simulated portal; None where it has none."""
        if self.manifest is None or not (self.manifest.folder / "sandbox.py").is_file():
            return None
        self.connector()  # a drop-in folder with code becomes a package by this
        if _has_code(self.manifest) or self.origin == "entry point":
            return importlib.import_module(f"{self.module}.sandbox")
        return _import_file(f"{self.module}_sandbox", self.manifest.folder / "sandbox.py")

    def _load(self, manifest: Manifest) -> Connector:
        try:
            _judge(manifest)
            connector: Connector = (
                self._import(manifest).CONNECTOR if _has_code(manifest) else compiled(manifest)
            )
        except ManifestInvalid as error:
            self.problem = told(error)
            raise ConfigInvalid(f"connector {self.id} failed to load: {error.message}") from error
        except (Exception, SystemExit) as error:  # the edge to foreign code
            self.problem = traceback.format_exc()
            raise ConfigInvalid(
                f"connector {self.id} failed to load: {type(error).__name__}: {error}",
                hint=f"The whole traceback: motmoi connector show {self.id}",
            ) from error
        missing = [name for name in _METHODS if not hasattr(connector, name)]
        if missing:
            self.problem = f"CONNECTOR lacks {', '.join(missing)}"
            raise ConfigInvalid(f"connector {self.id} failed to load: {self.problem}")
        self.problem = None
        return connector

    def _import(self, manifest: Manifest) -> ModuleType:
        if self.origin == "entry point":
            return importlib.import_module(self.module)
        return _import_folder(self.module, manifest.folder)


def _judge(manifest: Manifest) -> None:
    """Look a definition through before it is compiled: what a level does not read, it would ignore."""
    if manifest.kind == "python":
        return
    from aggregator.sdk.lint import findings  # brings the schema library

    if found := findings(manifest.folder):
        raise ManifestInvalid(tuple(found))


def told(error: ConfigInvalid) -> str:
    """All that is wrong with a manifest, a line each."""
    return "\n".join(map(str, error.findings)) if isinstance(error, ManifestInvalid) else str(error)


def _has_code(manifest: Manifest) -> bool:
    """A manifest of a kind may come with code of its own (a subclass), or be all there is."""
    return manifest.kind == "python" or own_code(manifest.folder)


def _import_folder(name: str, folder: Path) -> ModuleType:
    """Load a drop-in package by its path, so that its folder need not be on ``sys.path``."""
    return _import_file(name, folder / "__init__.py", [str(folder)])


def _import_file(name: str, file: Path, within: list[str] | None = None) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=within)
    if spec is None or spec.loader is None:
        raise ImportError(f"no package in {file.parent}")
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
            for child in sorted(p.parent for p in folder.glob(f"*/{FILE}")):
                _add(found, found_in(child))
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
        manifest = _installed(_package_folder(point.module))
    except ConfigInvalid as error:
        return Found(point.name, None, "entry point", told(error))
    except (Exception, SystemExit):  # noqa: BLE001 (finding a nested package imports its parents: foreign code)
        return Found(point.name, None, "entry point", traceback.format_exc())
    return Found(manifest.id, manifest, "entry point", module=point.module)


def _installed(folder: Path) -> Manifest:
    """Its manifest, read once while the file stays the same: a process may build the product many times."""
    try:
        file = (folder / FILE).stat()
    except OSError:
        return load_manifest(folder)  # says what is missing
    return _read(folder, file.st_mtime_ns, file.st_size)


@cache
def _read(folder: Path, _changed_ns: int, _size: int) -> Manifest:
    return load_manifest(folder)


def _package_folder(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigInvalid(f"entry point {module}: no such package")
    return Path(next(iter(spec.submodule_search_locations)))


def found_in(folder: Path) -> Found:
    """The connector in one folder, whole or broken."""
    origin = str(folder)
    try:
        manifest = load_manifest(folder)
    except ConfigInvalid as error:
        return Found(folder.name, None, origin, told(error))
    if manifest.kind == "python" and not (folder / "__init__.py").exists():
        return Found(manifest.id, manifest, origin, f"{folder}: __init__.py is missing")
    return Found(manifest.id, manifest, origin, module=f"motmoi_dropin_{manifest.id}")
