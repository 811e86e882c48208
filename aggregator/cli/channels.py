"""`motmoi channel`: where reports come from."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from aggregator.cli.frame import BAD_USAGE, DONE, FINDING, INTERRUPTED, Group, moment, say, show, table
from aggregator.cli.opening import ensure_ward, opened
from aggregator.cli.signals import Stop

if TYPE_CHECKING:
    from aggregator.services.belief_views import DifferenceView
    from aggregator.services.polling import RunResult
    from aggregator.services.status_words import Statuses
    from aggregator.services.views.channel import ChannelView

T = TypeVar("T")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
#: How long a worker's poll of the same channel is waited for, and how long between two looks.
BUSY_S, BUSY_STEP_S = 30.0, 0.5
COUNTS = ("seen", "stored", "unchanged", "revised", "quarantined")


@click.group(cls=Group)
def channel() -> None:
    """Set channels up, check, read and steer them."""


@channel.command("list")
def list_() -> None:
    """List the channels with their lights and what came today."""
    with opened() as product:
        views = product.channels.list(None)
    headings = ("channel", "kind", "ward", "state", "last success", "waiting", "quarantined", "title")
    rows = [
        (v.slug, v.kind, v.ward_code, _state(v), v.last_success_at, v.outbox_waiting, v.quarantined, v.title)
        for v in views
    ]
    show(views, table(headings, rows) if views else "No channel yet: motmoi channel add FILE.toml")


@channel.command()
@click.argument("file", type=FILE)
@click.option("--ward", metavar="CODE", help="The ward its reports go to, where the file does not say.")
def add(file: Path, ward: str | None) -> None:
    """Make a channel from FILE (TOML: slug, kind, title, ward, [config], [secrets], [options]).

    The ward is made where it is missing.
    """
    with opened() as product:
        from aggregator.services import channel_spec

        spec = product.channels.from_toml(file)
        spec = {**spec, "ward": spec.get("ward") or ward or ""}
        checked = channel_spec.checked(spec, product.connectors)  # before a ward is made for it
        ensure_ward(product, checked.ward)
        slug = product.channels.add(spec)
        view = product.channels.view(None, slug)
    show(view, f"Made the channel {slug}. Look whether it works: motmoi channel check {slug}")


@channel.command()
@click.argument("slug")
def check(slug: str) -> int:
    """Try the channel SLUG step by step, over the network; exit 1 where a step fails."""
    with opened() as product:
        steps = product.channels.check(slug)
    rows = [("good" if step.ok else "BAD", step.name, step.detail, step.hint) for step in steps]
    ok = all(step.ok for step in steps)
    show({"ok": ok, "channel": slug, "steps": steps}, table(("", "step", "found", "what to do"), rows))
    return DONE if ok else FINDING


@channel.command()
@click.argument("slug")
@click.option("--dry-run", is_flag=True, help="Read and count, and write nothing anywhere.")
def poll(slug: str, dry_run: bool) -> int:
    """Read the channel SLUG once, now; exit 1 where that fails."""
    with opened() as product, Stop() as stop:
        result = when_free(lambda: product.polling.poll(slug, dry_run, stop=stop.is_asked), stop)
    code = tell_run(slug, result, {"dry_run": dry_run})
    return INTERRUPTED if stop.is_asked() else code


@channel.command()
@click.argument("slug")
def replay(slug: str) -> int:
    """Read again what the channel SLUG has in quarantine, without network."""
    with opened() as product, Stop() as stop:
        result = when_free(lambda: product.polling.replay(slug), stop)
    return tell_run(slug, result)


@channel.command()
@click.argument("slug")
@click.option("--most", type=click.IntRange(1, 10_000), default=200, show_default=True, help="Print so many.")
def differences(slug: str, most: int) -> int:
    """Where the source of SLUG shows something else than we believe; exit 1 where it does anywhere."""
    with opened() as product:
        page = product.beliefs.page(None, slug, size=most)
    headings = ("seen", "kind", "report", "case", "ours", "at the source")
    rows = [
        (one.found_at, one.kind.value, one.external_id, one.case_code, *_both_sides(one))
        for one in page.items
    ]
    document = {
        "channel": slug,
        "open": {kind.value: n for kind, n in page.counts.items()},
        "differences": page.items,
        "more": page.older is not None,
    }
    show(document, table(headings, rows) if rows else f"{slug}: the source shows what we believe.")
    return FINDING if rows else DONE


@channel.command()
@click.argument("slug")
@click.option(
    "--map",
    "mapped",
    multiple=True,
    metavar="WORD=STATUS",
    help="Say what a word means; WORD= takes it back. Repeat for several.",
)
def statuses(slug: str, mapped: tuple[str, ...]) -> int:
    """What the status words of SLUG's source mean, in and out; exit 1 where one has no meaning."""
    from aggregator.services.status_words import meaning

    given = [pair.rpartition("=") for pair in mapped]
    for pair, (_word, sign, _status) in zip(mapped, given, strict=True):
        if not sign:
            raise click.UsageError(f"--map {pair}: write it as WORD=STATUS")
    meanings = [(word, meaning(status) if status else None) for word, _, status in given]
    with opened() as product:
        for word, status in meanings:
            moved = product.status_words.say(None, slug, word, status)
            say(f"{word!r}: {status or 'as the connector says'}; {moved} stored reports follow")
        found = product.status_words.of(None, slug)
    lines = [*table(("word", "means", "said by"), _known_rows(found))]
    if found.unknown:
        rows = [(one.word, one.reports, one.since) for one in found.unknown]
        lines += ["", *table(("not understood", "reports", "since"), rows)]
    rows_out = [
        (way.kind.value, way.word or "-", "a person" if way.carried else "") for way in found.ways_out
    ]
    show(found, [*lines, "", *table(("our answer", "told as", "brought by"), rows_out)])
    return FINDING if found.unknown else DONE


@channel.command()
@click.argument("slug")
def pause(slug: str) -> None:
    """Stop reading from and writing to the channel SLUG until it is resumed."""
    with opened() as product:
        product.channels.pause(None, slug)
        view = product.channels.view(None, slug)
    show(view, f"The channel {slug} is paused.")


@channel.command()
@click.argument("slug")
def resume(slug: str) -> None:
    """Let the channel SLUG go on, at once; also where it had stopped for a person."""
    with opened() as product:
        product.channels.resume(None, slug)
        view = product.channels.view(None, slug)
    show(view, f"The channel {slug} goes on.")


def when_free(work: Callable[[], T], stop: Stop) -> T:
    """Do it as soon as nobody else reads the channel; `ChannelBusy` where that takes too long."""
    from aggregator.services.polling import ChannelBusy

    waited = 0.0
    while True:
        try:
            return work()
        except ChannelBusy as busy:
            if waited >= BUSY_S or stop.is_asked():
                raise
            if not waited:
                say(f"Waiting: {busy.message}.")
        stop.pause(BUSY_STEP_S)
        waited += BUSY_STEP_S


# What they print --------------------------------------------------------------------------------------


def tell_run(
    slug: str, result: RunResult, more: dict[str, Any] | None = None, wrong: Collection[str] = ()
) -> int:
    """Print how a run ended; its exit code. `wrong`: error codes that mean something given was wrong."""
    counts = {name: getattr(result.counts, name) for name in COUNTS}
    document = {
        "channel": slug, "outcome": result.outcome, **counts, "run": result.run_id,
        "source_count": result.source_count, "cut_short": result.cut_short,
        "error": {"code": result.error_code, "message": result.error} if result.error else None,
        **(more or {}),
    }  # fmt: skip
    lines = table(COUNTS, [tuple(counts.values())])
    if result.error:
        say(f"Not finished ({result.error_code}): {result.error}")
    elif result.cut_short:
        say("Stopped before the end; the next run goes on from there.")
    show(document, lines)
    if result.outcome == "ok":
        return DONE
    return BAD_USAGE if result.error_code in wrong else FINDING


def _known_rows(found: Statuses) -> list[tuple[str, str, str]]:
    return [(one.word, one.status.value, "this channel" if one.own else "connector") for one in found.known]


def _state(view: ChannelView) -> str:
    if view.paused:
        return "paused"
    return f"{view.state} since {moment(view.down_since)}" if view.down_since else view.state


def _both_sides(one: DifferenceView) -> tuple[str, str]:
    """Statuses and deadlines as they are; of words only how many letters: a terminal keeps what it shows."""
    if one.our_due or one.their_due:
        return moment(one.our_due), moment(one.their_due)
    if one.our_status or one.their_status:
        return one.our_status, one.their_status
    ours, theirs = (sum(len(part.text) for part in side) for side in (one.ours, one.theirs))
    return f"{ours} letters", f"{theirs} letters"
