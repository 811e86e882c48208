"""How a command that failed says so: one message on stderr, one exit code, one document with `--json`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from aggregator.cli.frame import BAD_USAGE, COULD_NOT, FINDING, as_json, plain
from aggregator.cli.opening import SchemaOutdated
from aggregator.errors import AggregatorError, ConfigInvalid, InputInvalid, NotFound, SettingsInvalid

#: What was given is wrong: the person who typed it corrects it.
_USAGE = (InputInvalid, SettingsInvalid, ConfigInvalid, NotFound, SchemaOutdated)


def exit_code(error: Exception) -> int:
    """2 where what was given is wrong, 3 where the database is away, else 1."""
    if isinstance(error, click.ClickException):
        return error.exit_code if error.exit_code != FINDING else BAD_USAGE
    if isinstance(error, _USAGE):
        return BAD_USAGE
    # Told by its code: the class lives beside SQLAlchemy, whose import costs every `--help` its time.
    return COULD_NOT if getattr(error, "code", "") == "database_unavailable" else FINDING


def told(error: click.ClickException | AggregatorError, args: Sequence[str]) -> None:
    """Say what went wrong, and how to go on, on stderr; with `--json` as a document on stdout, too."""
    if isinstance(error, AggregatorError):
        message, hint, code = error.message, error.hint, error.code
    else:
        message, hint, code = error.format_message(), _help_of(error), "usage"
    click.echo(plain(" ".join(_sentence(part) for part in (message, hint) if part)), err=True)
    # Not from the context: the line may have been refused before it was read to its end.
    if "--json" in args:
        field = getattr(error, "field", "")
        click.echo(as_json({"error": {"code": code, "message": message, "hint": hint, "field": field}}))


def _help_of(error: click.ClickException) -> str:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return ""  # its message is the help
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    return f"See {ctx.command_path} --help" if ctx else ""


def _sentence(text: str) -> str:
    word = text.split(maxsplit=1)[0] if text.strip() else ""
    begun = text[:1].upper() + text[1:] if word.isalpha() else text  # no capital for "phan-anh.csv: ..."
    return begun if begun.endswith((".", "!", "?", ":")) else f"{begun}."
