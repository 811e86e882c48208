"""`motmoi connector new|lint|schema`: an author's first commands. None of them opens a database."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.cli.frame import DONE, FINDING, Command, plain, show
from aggregator.domain.worktime import VN
from aggregator.errors import InputInvalid

if TYPE_CHECKING:
    from aggregator.sdk.lint import Finding

_PATH = click.Path(exists=True, path_type=Path)


#: As `aggregator.sdk.scaffold` has them, whose import would cost every `--help` its time.
KINDS = ("json", "html", "sheet", "open311", "webhook", "python")


@click.command(cls=Command)
@click.argument("name")
@click.option("--kind", required=True, type=click.Choice(KINDS), help="What reads the source.")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="FOLDER",
    help="Where the new folder is made; the present one where nothing is said.",
)
@click.option("--title", default="", help="What people call the portal.")
@click.option(
    "--maintainer", default="", help="Who answers for the connector; your login where nothing is said."
)
def new(name: str, kind: str, into: Path, title: str, maintainer: str) -> None:
    """Make the folder of a new connector.

    NAME is its id for ever: small letters, digits and _. Nothing that exists is overwritten.

    \b
    json      a portal that answers JSON         open311  a GeoReport v2 endpoint
    html      pages for people                   webhook  a portal that calls us (Python)
    sheet     CSV or Excel files to download     python   anything else
    """
    from aggregator.sdk.scaffold import scaffold

    today = datetime.now(VN).date()
    made = scaffold(name, kind, into, title=title, maintainer=maintainer or _login(), today=today)
    folder = into / name
    lines = [f"made {path}" for path in made]
    channel = f"--config {folder / 'channel.toml'}"
    lines += [
        "",
        "Now say in connector.yaml where things stand, and in channel.toml where the portal is:",
        f"  motmoi connector lint {folder}",
        f"  motmoi connector dev {folder} {channel}",
        f"  motmoi connector record {folder} {channel} --check --into {folder / 'recorded'}",
        f"  motmoi connector conform {folder}",
    ]
    show({"folder": folder, "made": made}, lines)


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
    from aggregator.sdk.manifest_schema import schema_text

    click.echo(schema_text(), nl=False)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user that has no name
        return ""


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
