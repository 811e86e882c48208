"""Keeping outages: every failed try is written down, a good one ends what it proves to work again.

    failed try: chain | span begun or extended | the try, its page | ledger
    good try:   is something of this channel out?  no: nothing is written

`attempt` is called in the transaction that writes the channel's health, before its rows are touched,
because it may lock the chain. Ledger, on the installation's chain: each failed sign-in and each failed
post ("attempt_failed"), the beginning and the end of each outage. A failed read has no entry of its own:
a portal that is away for a month would else fill the chain with what two entries say.

What may surprise: tries may come in another order than they were made, from several workers. One that
comes late is put where it belongs: it extends the span backwards, or is a short span of its own; a good
one that comes late splits the span. Known exception: the last good try alone is remembered, so a failed
try that is told after two good ones that followed it ends at the latest of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from aggregator.domain import outages as rules
from aggregator.domain.ledger import instant
from aggregator.domain.outages import Attempt, Capability, Span
from aggregator.domain.text import clean
from aggregator.sdk.answers import Response
from aggregator.services import ledger
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.storage import channel_queries, outage_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Tx
from aggregator.storage.outage_queries import Failure, Outage, Seen
from aggregator.storage.vault import Vault

#: Of one body so much is kept; the hash is the whole body's.
MOST_KEPT = 64 * 1024
#: A page is kept with the first try of an outage, and where it says something else at most so often: a
#: portal that puts the time on its error page would else leave one for every try.
PAGE_EVERY = timedelta(days=1)
PURPOSE = "outage-evidence"
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Page:
    """A body as it is kept: sealed, perhaps only its beginning; `sha256` and `size` are the whole one's."""

    sha256: str
    size: int
    content_type: str
    sealed: bytes


def page(vault: Vault, answer: Response | None, evidence: Mapping[str, Any]) -> Page | None:
    """The body that `evidence` speaks of, sealed; None where `answer` is another one, or has none."""
    body = answer.content if answer is not None else b""
    digest = hashlib.sha256(body).hexdigest()
    if answer is None or not body or digest != evidence.get("body_sha256"):
        return None
    kind = answer.content_type[:100] or "application/octet-stream"
    return Page(digest, len(body), kind, vault.pack(body[:MOST_KEPT], PURPOSE))


def attempt(
    tx: Tx,
    channel_id: int,
    capability: str,
    at: datetime,
    *,
    ok: bool,
    code: str = "",
    evidence: Mapping[str, Any] = _NOTHING,
    page: Page | None = None,
) -> None:
    """Write down how a try at a channel ended: `capability` (read, sign_in, write) is what was tried.

    `code` and `evidence` are the error's. A failure that is not the source's (wrong settings, a defect)
    leaves nothing.
    """
    tried = Capability(capability)
    if ok:
        _worked(tx, channel_id, tried, at)
    elif (concerned := rules.concerns(tried, code)) is not None:
        ledger.lock(tx, [SYSTEM])
        channel = channel_queries.by_id(tx, channel_id)
        failure = Failure(
            at, tried, _seen(code, evidence), _text(evidence, "url"), _number(evidence, "bytes")
        )
        outage = _failed(tx, channel, concerned, failure)
        _keep(tx, outage, failure, page)
        if concerned is Capability.SIGN_IN or tried is Capability.WRITE:
            ledger.append(tx, [_failed_entry(channel, failure)])
        _look_around(tx)


# A try that failed ------------------------------------------------------------------------------------


def _failed(tx: Tx, channel: ChannelRow, concerned: Capability, failure: Failure) -> Outage:
    """Put the failure into the span that it belongs to; that span, stored."""
    near = outage_queries.around(tx, channel.id, failure.at, concerned)
    home = next((one for one in near if _reaches_back_to(one, failure.at)), None)
    if home is None:
        return _begin(tx, channel, concerned, failure, near)
    if failure.at >= home.span.last_failed_at:
        span, last = rules.extended(home.span, _attempt(failure)), failure.seen
        return _store(tx, channel, home, replace(home, span=span, last=last))
    known = sorted([*outage_queries.attempts(tx, home.id), failure], key=lambda one: one.at)
    span = _joined(concerned, known, home.span)
    return _store(tx, channel, home, replace(home, span=span, first=known[0].seen, last=known[-1].seen))


def _reaches_back_to(outage: Outage, at: datetime) -> bool:
    """No good try is known between `at` and the outage's first failed one."""
    before = outage.span.ok_before
    return outage.span.began_at <= at or before is None or before < at


def _begin(
    tx: Tx, channel: ChannelRow, concerned: Capability, failure: Failure, later: Sequence[Outage]
) -> Outage:
    """A new span, open unless a later good try is known already."""
    good = outage_queries.known_good(tx, channel.id, concerned, failure.tried)
    after = [
        at for at in (good, *(one.span.ok_before for one in later)) if at is not None and at > failure.at
    ]
    before = good if good is not None and good <= failure.at else None
    span = rules.begun(concerned, _attempt(failure), before)
    span = replace(span, ended_at=min(after, default=None))
    stored = outage_queries.add(tx, channel.id, span, failure.seen, failure.seen)
    outage = Outage(stored, channel.id, span, failure.seen, failure.seen)
    _tell(tx, channel, None, outage, failure.at)
    return outage


def _joined(capability: Capability, failures: Sequence[Failure], was: Span) -> Span:
    """One span of these failures, ended and preceded as it was."""
    first, *rest = failures
    span = rules.begun(capability, _attempt(first), was.ok_before)
    for failure in rest:
        span = rules.extended(span, _attempt(failure))
    return replace(span, ended_at=was.ended_at, ours_maybe=was.ours_maybe and not span.answered)


def _keep(tx: Tx, outage: Outage, failure: Failure, page: Page | None) -> None:
    outage_queries.add_attempt(tx, outage.id, failure)
    if page is None or outage_queries.has_evidence(tx, outage.id, page.sha256):
        return
    last = outage_queries.last_page(tx, outage.id)
    if last is None or failure.at - last >= PAGE_EVERY:
        kept = {
            "sha256": page.sha256, "size": page.size, "content_type": page.content_type,
            "content": page.sealed, "kept_at": failure.at,
        }  # fmt: skip
        outage_queries.add_evidence(tx, outage.id, kept)


def _look_around(tx: Tx) -> None:
    """Mark the silent spans that our own network may have made, and take the mark from those it did not."""
    silent = outage_queries.silent(tx)
    if not silent:
        return
    well = outage_queries.well_hosts(tx, min(one.began_at for one, _ in silent))
    ours = rules.ours_maybe([one for one, _ in silent], well)
    for now in (True, False):
        changed = [one.id for one, was in silent if (one.id in ours) is now and was is not now]
        if changed:
            outage_queries.mark(tx, changed, now)


# A try that worked ------------------------------------------------------------------------------------


def _worked(tx: Tx, channel_id: int, tried: Capability, at: datetime) -> None:
    if not outage_queries.any_around(tx, channel_id, at) or not _ended_by(tx, channel_id, tried, at):
        return
    ledger.lock(tx, [SYSTEM])
    channel = channel_queries.by_id(tx, channel_id)
    for outage in _ended_by(tx, channel_id, tried, at):  # again: another worker may have been here
        if at >= outage.span.last_failed_at:
            _end(tx, channel, outage, at)
        else:
            _split(tx, channel, outage, at)


def _ended_by(tx: Tx, channel_id: int, tried: Capability, at: datetime) -> list[Outage]:
    near = outage_queries.around(tx, channel_id, at)
    return [one for one in near if one.span.began_at <= at and rules.ends(one.span, tried)]


def _end(tx: Tx, channel: ChannelRow, outage: Outage, at: datetime) -> None:
    if not outage.span.sure:
        outage_queries.remove(tx, outage.id)  # asked to wait for a while, and that was all
        return
    _store(tx, channel, outage, replace(outage, span=replace(outage.span, ended_at=at)))


def _split(tx: Tx, channel: ChannelRow, outage: Outage, at: datetime) -> None:
    """A good try in the middle of the span has come to be known: it is two."""
    known = outage_queries.attempts(tx, outage.id)
    early, late = [one for one in known if one.at <= at], [one for one in known if one.at > at]
    if not early or not late:
        return  # the tries are forgotten: so old a word changes nothing any more
    capability, was = outage.span.capability, outage.span
    second = replace(_joined(capability, late, was), ok_before=at)
    first = replace(_joined(capability, early, was), ended_at=at)
    _store(tx, channel, outage, replace(outage, span=first, last=early[-1].seen))
    stored = outage_queries.add(tx, channel.id, second, late[0].seen, late[-1].seen)
    outage_queries.move_attempts(tx, outage.id, at, stored)
    _tell(tx, channel, None, Outage(stored, channel.id, second, late[0].seen, late[-1].seen), at)


# Storing and telling ----------------------------------------------------------------------------------


def _store(tx: Tx, channel: ChannelRow, was: Outage, now: Outage) -> Outage:
    outage_queries.change(tx, now.id, now.span, now.first, now.last)
    _tell(tx, channel, was, now, now.span.ended_at or now.span.last_failed_at)
    return now


def _tell(tx: Tx, channel: ChannelRow, was: Outage | None, now: Outage, at: datetime) -> None:
    """The ledger's entries of a beginning and an end; each is told once it is sure."""
    told = was is not None and was.span.sure
    drafts = []
    if now.span.sure and not told:
        drafts.append(Draft(SYSTEM, "outage_began", at, _began_data(channel, now), channel_id=channel.id))
    ended = now.span.ended_at
    if now.span.sure and ended is not None and (was is None or was.span.ended_at != ended):
        drafts.append(Draft(SYSTEM, "outage_ended", at, _ended_data(channel, now), channel_id=channel.id))
    ledger.append(tx, drafts)


def _began_data(channel: ChannelRow, outage: Outage) -> dict[str, Any]:
    return {
        "outage": outage.id, "channel": channel.slug, "capability": outage.span.capability.value,
        "at": instant(outage.span.began_at), **_said(outage.first),
    }  # fmt: skip


def _ended_data(channel: ChannelRow, outage: Outage) -> dict[str, Any]:
    span = outage.span
    assert span.ended_at is not None
    return {
        "outage": outage.id, "channel": channel.slug, "capability": span.capability.value,
        "began_at": instant(span.began_at), "last_failed_at": instant(span.last_failed_at),
        "ended_at": instant(span.ended_at), "attempts": span.attempts,
        "gaps": [[instant(since), instant(until)] for since, until in span.gaps],
        "ours_maybe": span.ours_maybe,
    }  # fmt: skip


def _failed_entry(channel: ChannelRow, failure: Failure) -> Draft:
    data = {
        "channel": channel.slug, "capability": failure.tried.value, "at": instant(failure.at),
        **_said(failure.seen),
    }  # fmt: skip
    return Draft(SYSTEM, "attempt_failed", failure.at, data, channel_id=channel.id)


def _said(seen: Seen) -> dict[str, Any]:
    """What was seen, as the ledger keeps it: a code, a number and a hash, never a word of the page."""
    return {"code": seen.code, "status": seen.status, "body_sha256": seen.sha256}


def _attempt(failure: Failure) -> Attempt:
    return Attempt(failure.at, failure.tried, failure.seen.code, failure.seen.status is not None)


def _seen(code: str, evidence: Mapping[str, Any]) -> Seen:
    return Seen(code, _number(evidence, "status"), _text(evidence, "body_sha256"))


def _number(evidence: Mapping[str, Any], name: str) -> int | None:
    found = evidence.get(name)
    return found if isinstance(found, int) and 0 <= found < 2**31 else None


def _text(evidence: Mapping[str, Any], name: str) -> str | None:
    found = evidence.get(name)
    # A source's words: of what they may hold no database takes everything.
    return clean(found)[:500] if isinstance(found, str) else None
