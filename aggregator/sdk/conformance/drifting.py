"""What becomes of a poll under a drift: everything came, it was quarantined, it was an error, or silence.

    healthy poll -> what it brings      the same poll under the drift -> what is missing, and was a word said?

Two readings are tried: of a channel that never polled, and of one that knows the portal and to which new
reports have come. What may surprise: rows that a connector lists but does not bring are a word (the
product watches `Batch.listed` and `source_count` against the channel's own past); an empty page of a
connector that counts nothing is silence.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from aggregator.sdk.conformance.drifts import Drift, drifts_of
from aggregator.sdk.conformance.harness import Channel, Polled, Trial
from aggregator.sdk.conformance.stages import Page
from aggregator.sdk.contract import ChannelError

__all__ = ["Outcome", "Seen", "drifted", "pages_of"]

_KNOWN, _NEW = 12, 3


class Outcome(enum.StrEnum):
    """What a drift led to."""

    WHOLE = "all came"
    POORER = "all came, some fields did not"
    QUARANTINED = "quarantined"
    ERROR = "error"
    COUNTED = "fewer, and the count tells"
    SILENT = "SILENT"


@dataclass(frozen=True, slots=True)
class Seen:
    """One drift and its outcome."""

    drift: Drift
    outcome: Outcome
    why: str


def pages_of(channel: Channel) -> list[Page]:
    """What a first poll is served. The channel knows the portal afterwards."""
    pages: list[Page] = []

    def keep(page: Page) -> Page:
        if page.status < 300:
            pages.append(page)
        return page

    channel.stage.rewrite(keep)
    channel.poll()
    channel.stage.mend()
    return pages


def drifted(trial: Trial, count: int, seed: int = 0) -> Iterator[Seen]:
    """`count` drifts, each tried on a channel of its own: new and experienced in turn."""
    reports = trial.reports(_KNOWN + _NEW)
    fillable = trial.subject.scenario.fillable
    with trial.channel(reports[:_KNOWN]) as experienced:
        pages = pages_of(experienced)
        if fillable:
            experienced.stage.put(reports[_KNOWN:])
        starts = [Channel(experienced.connector, experienced.stage), experienced]
        healthy = [_copy(start) for start in starts]
        expected = [(_told(start.poll()), start) for start in healthy]
        for number, drift in enumerate(drifts_of(pages, count, seed)):
            start, (wanted, whole) = starts[number % 2], expected[number % 2]
            yield _tried(_copy(start), drift, wanted, whole)


def _copy(channel: Channel) -> Channel:
    made = Channel(channel.connector, channel.stage)
    made.cursor, made.state = channel.cursor, dict(channel.state)
    made.known = {id_: list(seen) for id_, seen in channel.known.items()}
    return made


@dataclass(frozen=True, slots=True)
class _Told:
    """What one poll brought: news, and the counts beside it."""

    ids: frozenset[str]
    listed: int | None
    total: int | None


def _told(polled: Polled) -> _Told:
    listed = [batch.listed for batch in polled.batches if batch.listed is not None]
    totals = [batch.source_count for batch in polled.batches if batch.source_count is not None]
    return _Told(frozenset(polled.ids), sum(listed) if listed else None, totals[-1] if totals else None)


def _tried(channel: Channel, drift: Drift, wanted: _Told, whole: Channel) -> Seen:
    channel.stage.rewrite(drift.rewrite)
    try:
        polled = channel.poll()
    except ChannelError as error:
        return Seen(drift, Outcome.ERROR, f"{type(error).__name__}: {error.message}")
    finally:
        channel.stage.mend()
    told = _told(polled)
    missing = wanted.ids - told.ids - {id_ for id_ in wanted.ids if channel.known.get(id_)}
    if len(polled.problems) >= max(len(missing), 1):
        return Seen(drift, Outcome.QUARANTINED, str(polled.problems[0].error))
    if not missing:
        poorer = [id_ for id_ in wanted.ids if channel.known.get(id_, [""])[-1] != whole.known[id_][-1]]
        return Seen(drift, Outcome.POORER if poorer else Outcome.WHOLE, "")
    fewer = f"{len(missing)} of {len(wanted.ids)} reports are missing"
    if told.listed is not None and told.listed < (wanted.listed or 0):
        return Seen(drift, Outcome.COUNTED, f"{fewer}; {told.listed} rows listed, {wanted.listed} before")
    if told.total is not None and (told.total > len(channel.known) or told.total != wanted.total):
        return Seen(drift, Outcome.COUNTED, f"{fewer}; the source counts {told.total}")
    return Seen(drift, Outcome.SILENT, fewer)
