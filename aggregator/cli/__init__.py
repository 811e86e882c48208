"""The command `motmoi`: all that the product does, for scripts and for the person at the machine.

Exit codes: 0 done; 1 a finding (a check failed, a portal refused, a rule forbade it); 2 bad usage (also
an unknown setting, a missing file, a wrong mapping): the message names the thing and the way out; 3 it
could not be done (no database, an unexpected error, logged under an id); 130 interrupted.

What may surprise: with `--json` a failure is one JSON document too, `{"error": {code, message, hint}}`.
"""

from __future__ import annotations

import gc
import io
import logging
import secrets
import sys
from collections.abc import Sequence

import click

from aggregator.cli import (
    authoring,
    cases,
    certifying,
    channel_past,
    channels,
    conforming,
    connectors,
    cover,
    db,
    deadline_rules,
    demo,
    developing,
    held,
    importing,
    ledger,
    matching,
    outages,
    outbox,
    people,
    recording,
    reminding,
    retention,
    sealing,
    serve,
    sla,
    working_time,
)
from aggregator.cli.failing import exit_code, told
from aggregator.cli.frame import COULD_NOT, INTERRUPTED, Group
from aggregator.errors import AggregatorError
from aggregator.services.faults import origin

log = logging.getLogger(__name__)

#: Python looks for circular garbage every 700 new objects. A batch of a thousand reports is a hundred
#: thousand that all live until its commit, and looking through them again and again took a tenth of intake.
GC_AFTER = 10_000


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="motmoi", prog_name="motmoi", message="%(prog)s %(version)s")
def motmoi() -> None:
    """Một Mối: every feedback channel of a ward in one inbox.

    Settings: MOTMOI_DATABASE_URL, MOTMOI_DATA_DIR, MOTMOI_SECRET_KEY_FILE, MOTMOI_PORT, and
    MOTMOI_CONFIG (a TOML file for all else).

    Exit codes: 0 done, 1 a finding, 2 bad usage, 3 it could not be done (no database, an unexpected
    error, whose id is in the log), 130 interrupted.
    """


for _command in (
    demo.demo,
    serve.run,
    serve.web,
    serve.worker,
    db.db,
    people.user,
    channels.channel,
    connectors.connector,
    serve.sandbox,
    importing.import_,
    matching.match,
    cases.case,
    sla.sla,
    cover.cover,
    deadline_rules.rules,
    working_time.calendar,
    outbox.outbox,
    sealing.secrets,
    ledger.ledger,
    reminding.remind,
    reminding.mail,
    retention.retention,
):
    motmoi.add_command(_command)

ledger.ledger.add_command(certifying.certificate)
channels.channel.add_command(channel_past.backfill)
channels.channel.add_command(channel_past.reconcile)
channels.channel.add_command(outages.outages)

# What authors of connectors use stands in the module of its subject, and joins the group here.
for _command in (
    authoring.new,
    authoring.lint,
    authoring.schema,
    recording.record,
    recording.replay,
    developing.dev,
    conforming.conform,
):
    connectors.connector.add_command(_command)

for _command in (held.quarantine, held.canary):
    channels.channel.add_command(_command)


def main(args: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    given = list(sys.argv[1:] if args is None else args)
    _write_any_letter()
    gc.set_threshold(GC_AFTER)
    try:
        return int(motmoi.main(given, "motmoi", standalone_mode=False) or 0)
    except click.Abort:
        return INTERRUPTED
    except (click.ClickException, AggregatorError) as error:
        told(error, given)
        return exit_code(error)
    except Exception as error:  # noqa: BLE001 (the outermost edge)
        reference = secrets.token_hex(4)
        log.error("unexpected error %s: %s", reference, origin(error))
        told(
            AggregatorError(f"unexpected error, id {reference}", hint="The log has more under this id"), given
        )
        return COULD_NOT


def _write_any_letter() -> None:
    """Vietnamese on any locale: what a terminal cannot show must not end the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
