"""`motmoi channel backfill` and `motmoi channel reconcile`: a channel's past, read and counted."""

from __future__ import annotations

from datetime import date, datetime

import click

from aggregator.cli.frame import DONE, FINDING, INTERRUPTED, Command, say, show, table
from aggregator.cli.opening import opened
from aggregator.cli.signals import Stop

DAY = click.DateTime(formats=["%Y-%m-%d"])
#: How long is waited where a poll of the host goes first.
STEP_S = 0.5


@click.command(cls=Command)
@click.argument("slug")
@click.option("--from", "first", type=DAY, help="The first day, as 2026-11-01.")
@click.option("--to", "last", type=DAY, help="The last day; without it, the first alone.")
@click.option("--ids", help="Ids at the source, separated by commas.")
def backfill(slug: str, first: datetime | None, last: datetime | None, ids: str | None) -> int:
    """Read days, or single reports, of the channel SLUG again, on the path of its polls.

    Interrupted, it goes on where a worker runs; exit 1 where it fails.
    """
    from aggregator.services.polling import owner_name

    with opened() as product, Stop() as stop:
        work = product.backfills
        until = last or first
        number = work.start(
            None, slug, first=_day(first), last=_day(until), ids=ids.split(",") if ids else ()
        )
        owner, view = owner_name("backfill"), work.view(None, slug, number)
        while view.state == "active" and not stop.is_asked():
            if work.tick(owner, stop.is_asked, number) is None:
                stop.pause(STEP_S)
            view = work.view(None, slug, number)
            say(f"{view.asked}{'' if view.total is None else f' of {view.total}'} read")
    names = ("state", "total", "seen", "stored", "unchanged", "revised", "quarantined", "missing")
    if view.error:
        say(f"Not finished: {view.error}")
    show(view, table(names, [tuple(getattr(view, name) for name in names)]))
    if view.state == "done":
        return DONE
    return INTERRUPTED if view.state == "active" else FINDING


@click.command(cls=Command)
@click.argument("slug")
@click.option("--from", "first", type=DAY, required=True, help="The first day, as 2026-11-01.")
@click.option("--to", "last", type=DAY, required=True, help="The last day.")
def reconcile(slug: str, first: datetime, last: datetime) -> int:
    """Compare days of the channel SLUG with the source's own count; exit 1 where reports lack."""
    from aggregator.cli.channels import when_free

    with opened() as product, Stop() as stop:
        days = when_free(
            lambda: product.reconciling.count(None, slug, first.date(), last.date(), stop.is_asked), stop
        )
    rows = [(day.day, day.source, day.held, day.quarantined, day.missing) for day in days]
    found = [
        {
            "day": day.day, "source": day.source, "held": day.held, "quarantined": day.quarantined,
            "missing": day.missing, "counted_at": day.counted_at,
        }
        for day in days
    ]  # fmt: skip
    show(
        {"channel": slug, "days": found},
        table(("day", "source says", "we hold", "quarantined", "lack"), rows),
    )
    return FINDING if any(day.missing > 0 for day in days) else DONE


def _day(at: datetime | None) -> date | None:
    return None if at is None else at.date()
