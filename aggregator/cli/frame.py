"""The frame of every command: `--json`, `-v`, `-q`, and where a command's words go.

    motmoi --json case show 5        the options stand anywhere: before, between or after the names
    motmoi case show 5 --json

Promise: what a command found goes to stdout, everything else to stderr. With `--json` stdout is one
JSON document. What may surprise: the text of citizens and portals is printed without its control
characters, because a terminal would obey them.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import logging
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from aggregator.cli import logs
from aggregator.domain.worktime import VN

_JSON = "motmoi.json"
_LOUDER = "motmoi.louder"


#: Exit codes; 130 is an interruption (128 + SIGINT), as shells have it.
DONE, FINDING, BAD_USAGE, COULD_NOT, INTERRUPTED = 0, 1, 2, 3, 130


class Command(click.Command):
    """A command with the common options. `usual`: the level its log shows without -v or -q."""

    def __init__(self, *args: Any, usual: int = logging.WARNING, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_common())
        self._usual = usual

    def invoke(self, ctx: click.Context) -> Any:
        logs.set_up(self._usual, ctx.meta.get(_LOUDER, 0))
        return super().invoke(ctx)


class Group(click.Group):
    """A group whose commands, and whose own line, take the common options."""

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_common())


def _common() -> list[click.Parameter]:
    return [
        click.Option(
            ["--json"], is_flag=True, expose_value=False, callback=_take_json,
            help="Print one JSON document; messages go to stderr.",
        ),
        click.Option(
            ["-v", "--verbose"], count=True, expose_value=False, callback=_take_louder,
            help="Show more of what happens; twice for all.",
        ),
        click.Option(
            ["-q", "--quiet"], count=True, expose_value=False, callback=_take_quieter,
            help="Show errors only.",
        ),
    ]  # fmt: skip


def _take_json(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_JSON] = True  # one table for the whole line of commands


def _take_louder(ctx: click.Context, _param: click.Parameter, value: int) -> None:
    ctx.meta[_LOUDER] = ctx.meta.get(_LOUDER, 0) + value


def _take_quieter(ctx: click.Context, _param: click.Parameter, value: int) -> None:
    ctx.meta[_LOUDER] = ctx.meta.get(_LOUDER, 0) - value


def wants_json() -> bool:
    """Whether the running command was asked for JSON."""
    ctx = click.get_current_context(silent=True)
    return bool(ctx and ctx.meta.get(_JSON))


# What is printed --------------------------------------------------------------------------------------


def show(document: Any, text: str | Iterable[str]) -> None:
    """The command's result: `document` as JSON, or `text` (lines) for a person."""
    if wants_json():
        click.echo(as_json(document))
        return
    for line in [text] if isinstance(text, str) else text:
        click.echo(line)


def say(text: str) -> None:
    """A message to the person at the terminal: never part of the result."""
    click.echo(plain(text), err=True)


def as_json(document: Any) -> str:
    """One JSON document; times are ISO in UTC with their offset."""
    return json.dumps(_jsonable(document), ensure_ascii=False, indent=2)


def _jsonable(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _jsonable(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_jsonable(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, enum.Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value


def table(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """Aligned columns under their headings; numbers to the right, `None` is a dash."""
    given = [list(row) for row in rows]
    cells = [[*headings], *([_cell(value) for value in row] for row in given)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    numbers = [
        bool(given) and all(isinstance(row[at], (int, float)) or row[at] is None for row in given)
        for at in range(len(headings))
    ]
    return [
        "  ".join(
            _padded(cell, width, right=right)
            for cell, width, right in zip(line, widths, numbers, strict=True)
        ).rstrip()
        for line in cells
    ]


def plain(text: str) -> str:
    """The text without control characters; tabs and line breaks stay."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")


def moment(at: datetime | None) -> str:
    """A time as the office reads it, to the minute; the machine's own zone does not matter."""
    return "-" if at is None else at.astimezone(VN).strftime("%d/%m/%Y %H:%M")


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return moment(value) if isinstance(value, datetime) else plain(" ".join(str(value).split()))


def _width(text: str) -> int:
    """Columns on a terminal: combining marks take none, East Asian wide letters two."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _padded(text: str, width: int, *, right: bool) -> str:
    gap = " " * (width - _width(text))
    return gap + text if right else text + gap
