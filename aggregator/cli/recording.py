"""`motmoi connector record|replay`: a portal's answers kept without people, and run again without the portal.

Not to be mixed up with `motmoi channel replay`, which reads a channel's quarantined records again.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.connectors import connector_named
from aggregator.cli.frame import DONE, FINDING, Command, plain, say, show, table
from aggregator.errors import InputInvalid

if TYPE_CHECKING:
    from aggregator.sdk.cassette import Cassette
    from aggregator.sdk.cassette_record import Recorded
    from aggregator.sdk.cassette_run import Outcome
    from aggregator.sdk.contract import Connector, Context, PushCommand
    from aggregator.sdk.discovery import Found

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(cls=Command)
@click.argument("connector_id", metavar="ID|FOLDER")
@click.option(
    "--config", "file", type=FILE, required=True, help="A channel's file: [config], [secrets], [options]."
)
@click.option("--into", type=FOLDER, required=True, help="Where the recording goes; an old one is replaced.")
@click.option("--pages", type=click.IntRange(1), help="Stop after so many batches. Default: all there are.")
@click.option("--check/--no-check", "with_check", default=True, help="Try the set-up first. Default: yes.")
@click.option("--ignore", "ignored", multiple=True, metavar="NAME", help="This part tells no requests apart.")
@click.option(
    "--push", "push_file", type=FILE, help="Then send this answer (TOML). It really goes to the portal."
)
@click.option("--as", "origin", metavar="URL", help="Write this address in place of the portal's own.")
@click.option(
    "--doubtful", is_flag=True, help="Save also what cannot be proven clean. Read it all before you share it."
)
def record(
    connector_id: str, file: Path, into: Path, pages: int | None, with_check: bool, push_file: Path | None,
    ignored: tuple[str, ...], origin: str | None, doubtful: bool,
) -> int:  # fmt: skip
    """Fetch once from a real portal, take people and secrets out, and save the rest in a folder.

    Nothing is saved that cannot be proven clean. Exit 1 where a doubt is left, where the poll failed, or
    where the recording does not give what the portal gave.
    """
    from aggregator.sdk.cassette import save
    from aggregator.sdk.cassette_record import recording
    from aggregator.sdk.cassette_run import replay, write_expected
    from aggregator.services.rehearsal import changed_by_scrubbing, listened, settings_of

    found = connector_named(connector_id)
    pushes = (_command(push_file),) if push_file else ()
    first = partial(_checked, found.connector()) if with_check else None
    spec = settings_of(file, found)
    session, live = listened(found, spec, pages=pages, pushes=pushes, first=first, ignored=ignored)
    recorded = recording(session, origin=origin or "", doubtful=doubtful)
    again = replay(found.connector(), _manifest(found), recorded.cassette)
    apart = list(changed_by_scrubbing(live, again))
    save(recorded.cassette, into)
    write_expected(again, into)
    document = {
        "folder": into, "exchanges": len(recorded.cassette.exchanges), "records": len(again.records),
        "problems": again.problems, "error": live.error, "changed": recorded.changed,
        "emptied": recorded.emptied, "review": recorded.review, "doubts": recorded.doubts, "differs": apart,
    }  # fmt: skip
    show(document, _told(into, recorded, again, live.error, apart))
    return FINDING if live.error or apart or recorded.doubts else DONE


@click.command(cls=Command)
@click.argument("connector_id", metavar="ID|FOLDER")
@click.argument("folder", type=FOLDER)
@click.option("--update", is_flag=True, help="Take what came as what is expected from now on.")
def replay(connector_id: str, folder: Path, update: bool) -> int:
    """Run a connector on the recording in FOLDER, without network, and compare with its records.json.

    Exit 1 where something differs, with each field that does.
    """
    from aggregator.sdk.cassette import load
    from aggregator.sdk.cassette_run import differences, read_expected, write_expected
    from aggregator.sdk.cassette_run import replay as run_again

    found, cassette = connector_named(connector_id), load(folder)
    outcome = run_again(found.connector(), _manifest(found), cassette)
    if update:
        write_expected(outcome, folder)
    apart = list(differences(read_expected(folder), outcome.document()))
    document = {**outcome.document(), "differs": apart, "unmatched": outcome.unmatched}
    show(document, _replayed(outcome, apart, updated=update))
    return FINDING if apart or outcome.unmatched else DONE


def _manifest(found: Found) -> Any:
    from aggregator.services.connections import manifest_of

    return manifest_of(found)


def _checked(connector: Connector, ctx: Context) -> None:
    for step in connector.check(ctx):
        say(f"{'good' if step.ok else 'BAD'}  {step.name}: {step.detail}")


def _command(file: Path) -> PushCommand:
    """The answer in a TOML file: external_id and body; the rest has its usual values."""
    from aggregator.sdk.cassette import command_of

    try:
        given = tomllib.loads(file.read_text("utf-8"))
        usual = {
            "idempotency_key": f"recording-{given['external_id']}", "kind": "result", "status": "resolved",
            "at": datetime.now(UTC).replace(microsecond=0),
        }  # fmt: skip
        return command_of({**usual, **given})
    except KeyError as error:
        raise InputInvalid(f"{file}: key {error.args[0]!r} is missing", field=str(error.args[0])) from error
    except (OSError, TypeError, ValueError) as error:
        raise InputInvalid(f"{file}: {error}") from error


# What they print --------------------------------------------------------------------------------------


def _told(into: Path, recorded: Recorded, again: Outcome, error: str, apart: list[str]) -> Iterator[str]:
    cassette: Cassette = recorded.cassette
    yield f"{len(cassette.exchanges)} exchanges and {len(again.records)} records are in {into}"
    changed = {kind.value: count for kind, count in recorded.changed.items()}
    if recorded.emptied:
        changed["files emptied"] = recorded.emptied
    if changed:
        yield from ("", *table(("replaced", "places"), sorted(changed.items())))
    yield from _listed("Please look: these may be names", recorded.review)
    yield from _listed("Saved though it is not proven clean", recorded.doubts)
    yield from _listed("The recording does not give what the portal gave", apart)
    if error:
        yield f"\nThe poll ended with {plain(error)}"


def _listed(heading: str, lines: tuple[str, ...] | list[str]) -> Iterator[str]:
    if lines:
        yield f"\n{heading}:"
        yield from (f"  {plain(line)}" for line in lines)


def _replayed(outcome: Outcome, apart: list[str], *, updated: bool) -> Iterator[str]:
    told = "as expected" if not apart else f"{len(apart)} differences"
    yield f"{len(outcome.records)} records, {len(outcome.problems)} problems: {'saved' if updated else told}"
    if outcome.error:
        yield f"It ended with {plain(outcome.error)}"
    yield from _listed("Problems", outcome.problems)
    yield from _listed("Not recorded", outcome.unmatched)
    yield from _listed("Different", apart)
