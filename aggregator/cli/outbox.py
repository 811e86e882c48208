"""`motmoi outbox`: answers on their way to their sources."""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import datetime

import click

from aggregator.cli.frame import DONE, FINDING, Group, say, show, table
from aggregator.cli.opening import opened
from aggregator.cli.signals import Stop
from aggregator.domain.delivery import NEEDS_PERSON, Delivery
from aggregator.domain.worktime import VN


@click.group(cls=Group)
def outbox() -> None:
    """Answers on their way to their sources."""


@outbox.command("list")
@click.option("--state", type=click.Choice([state.value for state in Delivery]),
              help="Only these; without it, all that their source has not shown yet.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), default=500, show_default=True, help="At most so many.")
def list_(state: str | None, limit: int) -> None:
    """List answers on their way, oldest first."""
    with opened() as product:
        found = product.outbox.list(None, Delivery(state) if state else None, limit=limit + 1)
    views = found[:limit]
    headings = ("id", "channel", "report", "state", "attempts", "next try", "sent", "page", "error")
    rows = [
        (
            v.id,
            v.channel_slug,
            v.external_id,
            v.state.value,
            v.attempts,
            v.next_attempt_at,
            v.sent_at,
            v.url if v.state in NEEDS_PERSON else None,
            v.error,
        )
        for v in views
    ]
    show(views, table(headings, rows) if views else "Nothing is on its way.")
    if len(found) > limit:
        say(f"There are more than these {limit}: --limit shows them, or --state those of one state.")


@outbox.command()
@click.argument("message_id", metavar="ID", type=int)
@click.option(
    "--at", "done_at", help="When it was done, as 2026-11-10T09:30 (Viet Nam time); without it, now."
)
@click.option("--ref", "reference", default="", help="The number that the source showed for it.")
def tick(message_id: int, done_at: str | None, reference: str) -> None:
    """Say that a person brought the answer ID to its source."""
    from aggregator.services.errands import Done

    with opened() as product:
        state = product.errands.tick(None, message_id, Done(_instant(done_at), reference))
    show({"id": message_id, "state": state.value}, f"Answer {message_id} is {state.value}: ticked off.")


@outbox.command()
@click.argument("message_id", metavar="ID", type=int)
def untick(message_id: int) -> None:
    """Take the tick of the answer ID back; not once its source has shown it."""
    with opened() as product:
        state = product.errands.untick(None, message_id)
    show({"id": message_id, "state": state.value}, f"Answer {message_id} is {state.value} again.")


def _instant(given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        at = datetime.fromisoformat(given)
    except ValueError as error:
        raise click.BadParameter(
            f"{given!r} is no time; as in 2026-11-10T09:30", param_hint="--at"
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=VN)


@outbox.command()
def drain() -> int:
    """Deliver now all that is due; exit 1 where an answer needs a person."""
    from aggregator.services.polling import owner_name

    ends: Counter[str] = Counter()
    with opened() as product, Stop() as stop:
        while not stop.is_asked():
            done = product.outbox.drain(owner_name("drain"), stop=stop.is_asked)
            if not done.total:
                break
            ends.update(dataclasses.asdict(done))
    counts = {name: ends[name] for name in ("sent", "waiting", "failed", "lost")}
    show(counts, table(tuple(counts), [tuple(counts.values())]))
    return FINDING if counts["failed"] else DONE


@outbox.command()
@click.argument("message_id", metavar="ID", type=int)
def retry(message_id: int) -> None:
    """Make the answer ID due now; it is looked for at its source first wherever it may have arrived."""
    with opened() as product:
        view = product.outbox.retry(None, message_id)
    show(view, f"Answer {view.id} to {view.channel_slug} is {view.state.value} and due now.")
