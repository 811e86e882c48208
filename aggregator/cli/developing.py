"""`motmoi connector dev`: what a connector makes of its portal's pages, shown again after every change.

    pages as they came -> items -> records with their hash -> what each expression gave -> next cursor

What may surprise: every look runs in a process of its own, because code that was imported once stays as
it was. Personal data is shown as the portal gives it: this is the author's own terminal, and nothing is
written down.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.connectors import connector_named
from aggregator.cli.frame import DONE, FINDING, Command, as_json, plain, show, table, wants_json
from aggregator.cli.signals import Stop
from aggregator.errors import InputInvalid

if TYPE_CHECKING:
    from aggregator.sdk.cassette_recorder import Taken
    from aggregator.sdk.cassette_run import Outcome
    from aggregator.sdk.discovery import Found
    from aggregator.services.authors_view import FieldSeen

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
LOOK_S = 0.4
#: A real portal is not asked more often than this, however often its connector is saved.
LIVE_GAP_S = 10.0
_SHOWN = 700
_WATCHED = (".yaml", ".yml", ".py", ".toml", ".json", ".html", ".xml", ".csv")


@click.command(cls=Command)
@click.argument("connector_id", metavar="ID|FOLDER")
@click.option("--config", "file", type=FILE, help="Ask the real portal, with this channel's file.")
@click.option("--scenario", type=FOLDER, help="Ask a recording (motmoi connector record).")
@click.option("--once", is_flag=True, help="Look once; also what --json does.")
@click.option("--pages", type=click.IntRange(1), default=1, show_default=True, help="Batches to read.")
@click.option(
    "--records", "count", type=click.IntRange(0), default=2, show_default=True, help="Records to show."
)
def dev(
    connector_id: str, file: Path | None, scenario: Path | None, once: bool, pages: int, count: int
) -> int:
    """Show what a connector makes of its portal's pages, again after each change of its files.

    Shown are the pages, the items, the first records with their revision hash, each expression or
    selector that gave nothing, and the next cursor. Exit 1 where the manifest is wrong, the poll fails or
    a record cannot be read.
    """
    if (file is None) == (scenario is None):
        raise InputInvalid("give --config FILE or --scenario FOLDER, one of them", field="scenario")
    if once or wants_json():
        return _look(connector_id, file, scenario, pages, count)
    return _keep_looking(connector_id, file, scenario, pages, count)


def _keep_looking(connector_id: str, file: Path | None, scenario: Path | None, pages: int, count: int) -> int:
    source = ["--config", str(file)] if file else ["--scenario", str(scenario)]
    line = [sys.executable, "-m", "aggregator.cli", "connector", "dev", connector_id, *source, "--once"]
    line += ["--pages", str(pages), "--records", str(count)]
    watched = [path for path in (_folder_of(connector_id), file, scenario) if path is not None]
    with Stop() as stop:
        seen: object = None
        while not stop.is_asked():
            before = _marks(watched)
            if before == seen:
                stop.pause(LOOK_S)
                continue
            seen, began = before, time.monotonic()
            subprocess.run(line, check=False)  # its words go where ours go
            at = datetime.now().astimezone()
            click.echo(f"\n--- {at:%H:%M:%S}, waiting for a change (Ctrl-C ends) ---")
            while file and not stop.is_asked() and time.monotonic() - began < LIVE_GAP_S:
                stop.pause(LOOK_S)
        return DONE


def _folder_of(connector_id: str) -> Path | None:
    found = connector_named(connector_id)
    return found.manifest.folder if found.manifest else Path(connector_id)


def _marks(paths: Sequence[Path]) -> list[tuple[str, int, int]]:
    """What changes when a file is saved: its time and size."""
    files = [f for path in paths for f in (path.rglob("*") if path.is_dir() else [path])]
    found = []
    for path in sorted(f for f in files if f.suffix in _WATCHED):
        try:
            stat = path.stat()
        except OSError:  # an editor is putting the new file in its place
            continue
        found.append((str(path), stat.st_mtime_ns, stat.st_size))
    return found


# One look -------------------------------------------------------------------------------------------


def _look(connector_id: str, file: Path | None, scenario: Path | None, pages: int, count: int) -> int:
    from aggregator.services.authors_view import fields_seen, nowhere
    from aggregator.services.rehearsal import rehearse_live, rehearse_recorded

    found = connector_named(connector_id)
    wrong = _slips(found, connector_id)
    if wrong or found.manifest is None:
        show({"findings": wrong, "problem": found.problem}, map(plain, wrong or [found.problem or ""]))
        return FINDING
    if file is not None:
        taken, outcome, config = rehearse_live(found, file, datetime.now(UTC).replace(microsecond=0), pages)
    else:
        assert scenario is not None
        taken, outcome, config = rehearse_recorded(found, scenario, pages)
    fields = fields_seen(found.manifest, config, outcome)
    missing = nowhere(found.manifest, config, taken)
    document = {**_document(taken, outcome, fields, count), "nowhere": missing}
    show(document, [*_page(taken, outcome, fields, count), *(f"NOTHING  {plain(line)}" for line in missing)])
    return FINDING if outcome.error or outcome.problems or outcome.unmatched else DONE


def _slips(found: Found, connector_id: str) -> list[str]:
    """What is wrong with the manifest, each with file, line and column."""
    from aggregator.sdk.lint import findings

    folder = found.manifest.folder if found.manifest else Path(connector_id)
    return [str(finding) for finding in findings(folder)]


def _document(
    taken: Sequence[Taken], outcome: Outcome, fields: Sequence[FieldSeen], count: int
) -> dict[str, Any]:
    from aggregator.services.rehearsal import news_mark

    records = outcome.records[:count]
    return {
        "pages": [{"ask": _asked(one), "status": one.status, "bytes": len(one.content)} for one in taken],
        "items": sum(len(batch.items) + len(batch.problems) for batch in outcome.batches),
        "records": [{"record": record, "revision": news_mark(record)} for record in records],
        "fields": fields, "nothing": [each.field for each in fields if _gave_nothing(each)],
        "problems": outcome.problems, "cursor": outcome.cursor, "error": outcome.error,
        "unmatched": outcome.unmatched,
    }  # fmt: skip


def _page(taken: Sequence[Taken], outcome: Outcome, fields: Sequence[FieldSeen], count: int) -> Iterator[str]:
    yield from _pages(taken)
    yield from _records(outcome, count)
    yield from _fields(fields)
    yield f"\nNEXT CURSOR  {plain(_cut(as_json(outcome.cursor)))}"
    yield from (f"PROBLEM      {plain(line)}" for line in outcome.problems)
    yield from (f"NOT RECORDED {plain(line)}" for line in outcome.unmatched)
    if outcome.error:
        yield f"ERROR        {plain(outcome.error)}"


def _pages(taken: Sequence[Taken]) -> Iterator[str]:
    yield f"PAGES  {len(taken)}"
    yield from table(("", "asked", "status", "bytes"), [
        (at, _asked(one), one.status, len(one.content)) for at, one in enumerate(taken, 1)
    ])  # fmt: skip
    if taken:
        last = taken[-1]
        text = last.content[: 4 * _SHOWN].decode("utf-8", "replace")
        yield f"\nLAST PAGE  {plain(_cut(text))}"


def _records(outcome: Outcome, count: int) -> Iterator[str]:
    from aggregator.services.rehearsal import news_mark

    items = [item for batch in outcome.batches for item in batch.items]
    bad = sum(len(batch.problems) for batch in outcome.batches)
    yield f"\nITEMS  {len(items) + bad}: {len(items)} records, {bad} that cannot be read"
    for item, record in list(zip(items, outcome.records, strict=False))[:count]:
        raw = _cut(item.content.decode("utf-8", "replace"))
        yield f"\nITEM {item.ref}  {plain(raw)}"
        yield f"RECORD {record.external_id}  revision {news_mark(record)[:12]}"
        yield plain(_cut(as_json(record), 3 * _SHOWN))


def _fields(fields: Sequence[FieldSeen]) -> Iterator[str]:
    yield ""
    yield from table(("field", "filled", "of", "said by", "expression"), [
        (each.field, each.filled, each.of, each.path, _cut(each.expression, 60)) for each in fields
    ])  # fmt: skip
    for each in fields:
        if _gave_nothing(each):
            told = f"{each.path}: {each.expression} gave nothing in {each.of} of {each.of} records"
            yield f"NOTHING  {plain(told)}"


def _gave_nothing(each: FieldSeen) -> bool:
    return bool(each.expression and each.of and not each.filled)


def _asked(one: Taken) -> str:
    return f"{one.method} {one.url}"


def _cut(text: str, size: int = _SHOWN) -> str:
    return text if len(text) <= size else f"{text[:size]}… ({len(text)} letters)"
