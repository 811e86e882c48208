"""`motmoi channel quarantine` and `motmoi channel canary`: what was not taken in, and pinned reports."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from aggregator.cli.channels import tell_run, when_free
from aggregator.cli.frame import Group, plain, show, table
from aggregator.cli.opening import opened
from aggregator.cli.signals import Stop

if TYPE_CHECKING:
    from aggregator.services.quarantine import ItemView

STATES = click.Choice(["open", "dismissed", "accepted", "replayed", "superseded"])


@click.group(cls=Group)
def quarantine() -> None:
    """What a channel sent that was not taken in, and why."""


@quarantine.command("list")
@click.argument("slug")
@click.option("--state", type=STATES, default="open", show_default=True, help="What became of the items.")
@click.option("--before", type=int, metavar="ID", help="Go on behind this item, towards older ones.")
def list_(slug: str, state: str, before: int | None) -> None:
    """List what is in quarantine of the channel SLUG, newest first, fifty at a time."""
    with opened() as product:
        page = product.quarantine.page(None, slug, state, before)
    rows = [
        (i.id, i.scope, i.external_id or i.raw_ref, i.field, i.tries, i.created_at, _why(i))
        for i in page.items
    ]
    lines = table(("item", "scope", "what", "field", "tries", "since", "why"), rows)
    if page.older is not None:
        lines += [f"\nOlder ones: motmoi channel quarantine list {slug} --before {page.older}"]
    show(page, lines if rows else f"Nothing is {state} in the quarantine of {slug}.")


@quarantine.command("show")
@click.argument("slug")
@click.argument("item", type=int)
def show_(slug: str, item: int) -> None:
    """Show ITEM beside what was taken in before; letters of values as x, digits as 9."""
    with opened() as product:
        found = product.quarantine.item(None, slug, item)
    signs = {"same": " ", "gone": "-", "added": "+"}
    lines = [f"{found.item.scope} {found.item.id}: {plain(_why(found.item))}", ""]
    for row in found.rows:
        if row.mark == "skipped":
            lines.append(f"  ... {row.skipped} equal lines")
        elif row.mark == "changed":
            lines += [f"- {plain(row.old)}", f"+ {plain(row.new)}"]
        else:
            lines.append(f"{signs[row.mark]} {plain(row.new or row.old)}")
    show(dataclasses.asdict(found), lines)


@quarantine.command()
@click.argument("slug")
@click.argument("item", type=int, required=False)
def replay(slug: str, item: int | None) -> int:
    """Read ITEM (or all records) again with today's connector, without network."""
    with opened() as product, Stop() as stop:
        result = when_free(lambda: product.quarantine.replay(None, slug, item), stop)
    return tell_run(slug, result)


@quarantine.command()
@click.argument("slug")
@click.argument("item", type=int)
def accept(slug: str, item: int) -> int:
    """Take the held page ITEM in: it is right so, and its look is the channel's from now on."""
    with opened() as product, Stop() as stop:
        result = when_free(lambda: product.quarantine.accept(None, slug, item), stop)
    return tell_run(slug, result, {"item": item})


@quarantine.command()
@click.argument("slug")
@click.argument("items", type=int, nargs=-1, required=True)
@click.option("--reason", required=True, help="Why nobody needs to look again; it goes into the ledger.")
def dismiss(slug: str, items: tuple[int, ...], reason: str) -> None:
    """Lay ITEMS aside. Their bytes stay."""
    with opened() as product:
        done = product.quarantine.dismiss(None, slug, items, reason)
    show({"channel": slug, "dismissed": done}, f"Dismissed: {done}.")


@click.group(cls=Group)
def canary() -> None:
    """Pinned reports: read again now and then, they must be what is stored."""


@canary.command("list")
@click.argument("slug")
def list_canaries(slug: str) -> None:
    """List the pinned reports of the channel SLUG."""
    with opened() as product:
        found = product.canaries.of(None, slug)
    if found is None:
        show(None, f"The source of {slug} cannot be asked for a single report.")
        return
    rows = [(one.external_id, one.pinned_at, one.checked_at) for one in found]
    show(found, table(("report", "pinned", "last read"), rows) if rows else "No report is pinned.")


@canary.command()
@click.argument("slug")
@click.argument("report")
def pin(slug: str, report: str) -> None:
    """Pin the stored report with the source's id REPORT: best two or three closed ones."""
    with opened() as product:
        product.canaries.pin(None, slug, report)
    show({"channel": slug, "pinned": report}, f"Pinned: {report}.")


@canary.command()
@click.argument("slug")
@click.argument("report")
def unpin(slug: str, report: str) -> None:
    """Take the pin off REPORT."""
    with opened() as product:
        product.canaries.unpin(None, slug, report)
    show({"channel": slug, "unpinned": report}, f"No longer pinned: {report}.")


def _why(item: ItemView) -> str:
    return "; ".join(cause[1] for cause in item.causes) or item.error
