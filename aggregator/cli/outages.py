"""`motmoi channel outages`: when channels could not be used, and for how long, as a table or JSON."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import click

from aggregator.cli.channel_past import DAY
from aggregator.cli.frame import DONE, FINDING, Command, moment, show, table
from aggregator.cli.opening import opened
from aggregator.errors import InputInvalid
from aggregator.services.views.outages import ChannelOutages, OutageView


@click.command(cls=Command)
@click.argument("slug", required=False)
@click.option("--all", "every", is_flag=True, help="All channels, summed up.")
@click.option("--from", "first", type=DAY, help="The first day, as 2026-11-01; without it, thirty days.")
@click.option("--to", "last", type=DAY, help="The last day; without it, today.")
def outages(slug: str | None, every: bool, first: datetime | None, last: datetime | None) -> int:
    """When the channel SLUG could not be used; exit 1 where something is out now.

    Certain is the time between failed tries, without the time in which nobody tried; at most it lasted
    until the first good try.
    """
    if every == (slug is not None):
        raise InputInvalid("say which channel, or --all", hint="motmoi channel outages SLUG")
    days = (_day(first), _day(last))
    with opened() as product:
        if slug is None:
            return _sums(product.outages.by_channel(*days))
        return _spans(slug, product.outages.in_period(slug, *days))


def _sums(found: tuple[ChannelOutages, ...]) -> int:
    document = {"channels": [_sum(one) for one in found]}
    headings = ("channel", "outages", "out now", "at least", "at most", "longest", "perhaps ours")
    rows = [
        (one.slug, one.count, one.open, _length(one.at_least), _length(one.at_most), _length(one.longest),
         one.ours)
        for one in found
    ]  # fmt: skip
    show(document, table(headings, rows))
    return FINDING if any(one.open for one in found) else DONE


def _spans(slug: str, found: tuple[OutageView, ...]) -> int:
    headings = (
        "id",
        "what",
        "first failed",
        "last failed",
        "works again",
        "tries",
        "at least",
        "at most",
        "",
    )
    rows = [
        (one.id, one.span.capability, moment(one.span.began_at), moment(one.span.last_failed_at),
         moment(one.span.ended_at), one.span.attempts, _length(one.at_least), _length(one.at_most),
         "our network?" if one.span.ours_maybe else "")
        for one in found
    ]  # fmt: skip
    show({"channel": slug, "outages": [_outage(one) for one in found]}, table(headings, rows))
    return FINDING if any(one.span.ended_at is None for one in found) else DONE


def _sum(one: ChannelOutages) -> dict[str, Any]:
    return {
        "channel": one.slug, "title": one.title, "ward": one.ward_code, "outages": one.count,
        "open": one.open, "perhaps_ours": one.ours, "at_least_s": round(one.at_least.total_seconds()),
        "at_most_s": round(one.at_most.total_seconds()), "longest_s": round(one.longest.total_seconds()),
    }  # fmt: skip


def _outage(one: OutageView) -> dict[str, Any]:
    span = one.span
    return {
        "id": one.id, "capability": span.capability.value, "ok_before": span.ok_before,
        "first_failed": span.began_at, "last_failed": span.last_failed_at, "works_again": span.ended_at,
        "attempts": span.attempts, "not_tried": [[since, until] for since, until in span.gaps],
        "perhaps_ours": span.ours_maybe, "at_least_s": round(one.at_least.total_seconds()),
        "at_most_s": round(one.at_most.total_seconds()),
        "first": {"code": one.first_code, "status": one.first_status},
        "last": {"code": one.last_code, "status": one.last_status},
    }  # fmt: skip


def _length(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _day(at: datetime | None) -> date | None:
    return None if at is None else at.date()
