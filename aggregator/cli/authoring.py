"""`motmoi connector new|lint|schema`: an author's first commands. None of them opens a database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.cli.frame import DONE, FINDING, Command, as_json, plain, show
from aggregator.errors import InputInvalid

if TYPE_CHECKING:
    from aggregator.sdk.lint import Finding

_PATH = click.Path(exists=True, path_type=Path)


@click.command(cls=Command)
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=_PATH)
def lint(paths: tuple[Path, ...]) -> int:
    """Say what is wrong with manifests, and how to go on.

    PATH is a connector.yaml, the folder of one, or a folder of such folders. A finding is a line of
    file:line:column, the rule that is broken, and a suggestion. Exit 1 where there is one.
    """
    from aggregator.sdk.lint import findings

    files = [file for path in paths for file in _manifests(path)]
    found = [finding for file in files for finding in findings(file)]
    whole = f"{len(files)} manifest{'s' * (len(files) != 1)}, nothing to say"
    show({"files": files, "findings": found}, [_line(finding) for finding in found] or whole)
    return FINDING if found else DONE


@click.command(cls=Command)
def schema() -> None:
    """Print the JSON Schema of connector.yaml, for editors."""
    from aggregator.sdk.manifest_schema import manifest_schema

    click.echo(as_json(manifest_schema()))


def _manifests(path: Path) -> list[Path]:
    """The manifest that a path names, or those one folder below it."""
    from aggregator.sdk.manifest import FILE

    if path.is_file():
        return [path]
    if (path / FILE).exists():
        return [path / FILE]
    below = sorted(path.glob(f"*/{FILE}"))
    if not below:
        raise InputInvalid(f"no {FILE} in {path}, nor one folder below", field="path")
    return below


def _line(finding: Finding) -> str:
    return plain(str(finding))
