"""`motmoi import`: one file of reports, by hand, through the same path as a poll."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from aggregator.cli.channels import FILE, tell_run, when_free
from aggregator.cli.frame import FINDING, INTERRUPTED, Command, plain, say, show
from aggregator.cli.opening import opened
from aggregator.cli.signals import Stop
from aggregator.domain.runs import Counts
from aggregator.errors import ConfigInvalid, SchemaDrift

#: Seconds between two lines of progress where the terminal cannot overwrite one.
EVERY_S = 5.0
#: What is told of a row that could not be read.
PROBLEM = ("row", "field", "external_id", "error")


@click.command("import", cls=Command)
@click.argument("file", type=FILE)
@click.option("--channel", "slug", metavar="SLUG", required=True,
              help="The channel of these files, made where it is missing.")  # fmt: skip
@click.option("--mapping", metavar="FILE.toml", type=FILE,
              help="Which column is what. Without one, for a new channel, one is proposed.")  # fmt: skip
@click.option("--ward", metavar="CODE", help="The ward of a new channel, made where it is missing.")
def import_(file: Path, slug: str, mapping: Path | None, ward: str | None) -> int:
    """Take in the reports of FILE (CSV, also .gz, or Excel .xlsx), one report a row.

    Rows that are there already stay as they are, so an import that was stopped is simply started
    again. Rows that cannot be read are kept in quarantine and named.
    """
    with opened() as product:
        if mapping is None and product.importing.needs_mapping(slug):
            return _propose(file, slug, ward, product.importing.propose(file))
        chosen = product.channels.from_toml(mapping) if mapping else None
        with Stop() as stop:
            progress = _Progress(time.monotonic)
            done = when_free(
                lambda: product.importing.run(
                    file, slug, chosen, ward, stop=stop.is_asked, tell=progress.tell
                ),
                stop,
            )
            progress.end(done.result.counts)
    for problem in done.problems:
        say(f"Quarantined {problem.error}")
    more = {
        "file": file.name, "seconds": round(progress.seconds, 3), "rows_per_s": progress.rate,
        "problems": [
            {"file": file.name, **{name: getattr(one, name) for name in PROBLEM}} for one in done.problems
        ],
    }  # fmt: skip
    code = tell_run(slug, done.result, more, wrong=(ConfigInvalid.code, SchemaDrift.code))
    return INTERRUPTED if stop.is_asked() else code


def _propose(file: Path, slug: str, ward: str | None, proposal: Mapping[str, str]) -> int:
    toml = _toml(file, slug, ward, proposal)
    document = {"channel": slug, "proposal": {"columns": dict(proposal)}, "mapping": toml}
    say(f"Channel {slug} has no mapping yet. Save this one, correct it where it is wrong, and import again")
    say("with --mapping. Nothing was stored.")
    if "received_at" not in proposal:
        say("No column looks like the date of the report: received_at must be mapped.")
    show(document, plain(toml))
    return FINDING


def _toml(file: Path, slug: str, ward: str | None, proposal: Mapping[str, str]) -> str:
    columns = [
        f"{field:<11} = {json.dumps(heading, ensure_ascii=False)}" for field, heading in proposal.items()
    ]
    if "received_at" not in proposal:
        columns.insert(0, '# received_at = "the heading of the column with the date"')
    return "\n".join(
        [
            f"# Proposed from the headings of {plain(file.name)}, for",
            f"# motmoi import {plain(file.name)} --channel {slug} --mapping THIS-FILE.toml",
            "[columns]   # field = heading in the file",
            *columns,
            "",
            "[formats]",
            'timezone = "Asia/Ho_Chi_Minh"',
            '# dates = ["%m/%d/%Y %H:%M"]   # only where it is not 2026-11-22 14:30 or 22/11/2026 14:30',
            "",
            "[defaults]   # for empty cells and for fields without a column",
            f'ward = "{ward}"' if ward else '# ward = "the ward\'s code"',
        ]
    )


class _Progress:
    """Rows and rows per second on stderr: one line that moves on a terminal, else one now and then."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._start = self._told = clock()
        self._moves = sys.stderr.isatty()
        self._seen = 0

    @property
    def seconds(self) -> float:
        return self._clock() - self._start

    @property
    def rate(self) -> int:
        return round(self._seen / max(self.seconds, 0.001))

    def tell(self, counts: Counts) -> None:
        self._seen = counts.seen
        if self._moves or self._clock() - self._told >= EVERY_S:
            self._told = self._clock()
            self._print("\r" if self._moves else "")

    def end(self, counts: Counts) -> None:
        self._seen = counts.seen
        self._print("\r" if self._moves else "")
        if self._moves:
            click.echo("", err=True)

    def _print(self, before: str) -> None:
        line = f"{before}{self._seen:,} rows, {self.rate:,} rows/s"
        click.echo(line, err=True, nl=not self._moves)
