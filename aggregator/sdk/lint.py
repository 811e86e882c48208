"""What is wrong with a ``connector.yaml``: file, line, column, the rule broken and a suggestion.

    text -> YAML -> contract version -> JSON Schema -> settings -> the level compiles it -> findings

Promise: every finding has a place in the file, and a later step is taken only where the earlier ones
found nothing, so one slip is told once. What may surprise: a level tells what it could not compile by
the path inside the manifest (``source.streams[0].map.body``); the place is found from that path. The
schema library is imported here, a tenth of a second, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aggregator.sdk.contract import API, ConfigInvalid
from aggregator.sdk.levels import KINDS, level_of
from aggregator.sdk.manifest import FILE, MAX_BYTES, manifest_of
from aggregator.sdk.marked_yaml import Marked, Step, YamlFault, read
from aggregator.sdk.schema_words import Flaw, flaws_of
from aggregator.sdk.settings_schema import check_schema

__all__ = ["Finding", "findings"]

#: A path inside a manifest, as the errors of a level name it.
_PATH = re.compile(
    r"\b(?:source|push|manual|config_schema|capabilities|status_map|answer_words|defaults)(?:\.[\w$-]+|\[\d+\])*"
)
_STEP = re.compile(r"\[(\d+)\]|([\w$-]+)")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong, at its place. Lines and columns count from 1."""

    file: Path
    line: int
    column: int
    #: A word that stays the same, for scripts and for looking it up.
    rule: str
    #: Where inside the manifest, ``source.streams[0].map.body``; empty for the whole file.
    path: str
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: {self.rule}: "
        about = f"{self.path}: " if self.path else ""
        return where + about + self.message + (f"; {self.suggestion}" if self.suggestion else "")


def findings(path: Path) -> list[Finding]:
    """All that is wrong with a manifest (a file, or the folder that holds it), in the file's order."""
    file = path / FILE if path.is_dir() else path
    try:
        if file.stat().st_size > MAX_BYTES:
            return [Finding(file, 1, 1, "too-large", "", f"more than {MAX_BYTES} bytes")]
        marked = read(file.read_text("utf-8"))
    except OSError as error:
        return [Finding(file, 1, 1, "unreadable", "", f"cannot be read: {error.strerror}")]
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return [Finding(file, line, 1, "not-utf-8", "", "not UTF-8", "save the file as UTF-8")]
    except YamlFault as fault:
        return [
            Finding(file, fault.line, fault.column, fault.rule, "", f"not valid YAML: {fault.message}",
                    fault.suggestion)
        ]  # fmt: skip
    found = [_placed(file, marked, flaw) for flaw in _flaws(marked.data, file.parent)]
    return sorted(found, key=lambda f: (f.line, f.column))


def _placed(file: Path, marked: Marked, flaw: Flaw) -> Finding:
    line, column = marked.at(flaw.path, key=flaw.key)
    return Finding(file, line, column, flaw.rule, shown(flaw.path), flaw.message, flaw.suggestion)


def _flaws(data: Any, folder: Path) -> list[Flaw]:
    if not isinstance(data, dict):
        return [Flaw("wrong-type", (), "a table of keys expected", "begin with the line `id: my_portal`")]
    if data.get("api", API) != API:
        return [
            Flaw("unknown-api", ("api",), f"{data['api']!r} is not the contract's version {API}",
                 "install a release of the connector made for this product")
        ]  # fmt: skip
    steps = (_kind_flaws(data), flaws_of(data), _settings_flaws(data), _compile_flaws(data, folder))
    for step in steps:
        if flaws := list(step):
            return flaws
    return []


def _kind_flaws(data: dict[str, Any]) -> Iterator[Flaw]:
    """A kind that this installation lacks; one that nobody knows is the schema's to tell."""
    kind = data.get("kind")
    if isinstance(kind, str) and kind in KINDS:
        try:
            level_of(kind)
        except ConfigInvalid as error:
            yield Flaw("kind-not-installed", ("kind",), error.message)


def _settings_flaws(data: dict[str, Any]) -> Iterator[Flaw]:
    for path, message in check_schema(data.get("config_schema", {})):
        yield Flaw("settings-schema", ("config_schema", *path), message)


def _compile_flaws(data: dict[str, Any], folder: Path) -> Iterator[Flaw]:
    """What only the level itself can judge: expressions, selectors, names that refer to one another."""
    try:
        manifest = manifest_of(data, folder)
        if manifest.kind != "python":
            level_of(manifest.kind)(manifest)
    except ConfigInvalid as error:
        path, message = _path_of(error.message)
        yield Flaw("not-compiled", path, message, error.hint)
    except Exception as error:  # noqa: BLE001 (an author is told, whatever a level stumbles over)
        yield Flaw("not-compiled", (), f"cannot be compiled: {type(error).__name__}: {error}")


def _path_of(message: str) -> tuple[tuple[Step, ...], str]:
    """The path that a level's message names, and the message without it where it stands in front."""
    match = _PATH.search(message)
    if match is None:
        return (), message
    path = tuple(int(index) if index else word for index, word in _STEP.findall(match[0]))
    return path, message[match.end() :].lstrip(": ") if match.start() == 0 else message


def shown(path: Iterable[Step]) -> str:
    """``source.streams[0].map``"""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")
