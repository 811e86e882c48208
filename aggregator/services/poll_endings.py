"""How a run ends: what its success or failure writes on the channel, the run and the ledger.

What may surprise: only a poll says how the portal is. An import fails because of its file, a replay
because of old bytes; both end their run and their lease and leave the channel's health alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain import breaker as breakers
from aggregator.domain import polling as rules
from aggregator.domain.breaker import Breaker
from aggregator.domain.outages import Capability
from aggregator.domain.polling import DOWN, HELD, State, Verdict
from aggregator.domain.runs import Counts, Run
from aggregator.domain.text import clean
from aggregator.errors import AggregatorError, AuthFailed, ChannelError, RateLimited, SchemaDrift
from aggregator.sdk.answers import Response
from aggregator.sdk.contract import Batch, Span
from aggregator.services import holding, ledger, outage_log
from aggregator.services.clock import Clock
from aggregator.services.faults import origin
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.storage import alarm_queries, channel_queries, outbox_claims, quarantine_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Database, Tx
from aggregator.storage.vault import Vault

log = logging.getLogger(__name__)

LONGEST_ERROR = 500
#: What a person is asked to do where a channel stopped for one.
ALARMS = {State.NEEDS_REAUTH: "reconnect", State.MISCONFIGURED: "settings", State.BROKEN: "defect"}
SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Claim:
    """A channel that is this worker's until the lease ends."""

    run: Run
    channel: ChannelRow
    deadline: datetime
    cursor: Mapping[str, Any] | None
    #: Settings over the channel's own, for this run alone (the file of an import).
    config: Mapping[str, Any] | None = None
    #: What a backfill asks for; None for a run that reads what is new.
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended. `outcome`: ok, failed, or lost (another worker took the channel over)."""

    outcome: str
    counts: Counts
    #: None for a dry run, which leaves no trace.
    run_id: int | None = None
    source_count: int | None = None
    #: The run stopped at its deadline, or was asked to; the rest comes with the next one.
    cut_short: bool = False
    error_code: str | None = None
    error: str | None = None
    error_vi: str | None = None


@dataclass(slots=True)
class Progress:
    """What a run has done so far."""

    counts: Counts = field(default_factory=Counts)
    batches: int = 0
    source_count: int | None = None
    cut_short: bool = False
    requests: int = 0
    bytes_read: int = 0
    #: What the connector keeps, sealed; None where it kept what it had.
    state: bytes | None = None
    #: What the portal said last: evidence, where the run failed.
    last_answer: Response | None = None
    #: Asked to hear the counts after each batch.
    tell: Callable[[Counts], None] | None = None

    def took(self, batch: Batch, counts: Counts) -> None:
        self.batches += 1
        self.counts += counts
        if self.tell is not None:
            self.tell(self.counts)
        if batch.source_count is not None:
            self.source_count = batch.source_count


class Endings:
    """Writes endings, each in one transaction. Raises `LeaseLost` where another worker took over."""

    def __init__(self, db: Database, vault: Vault, clock: Clock) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock

    def close(self, claim: Claim, progress: Progress, error: Exception | None) -> RunResult:
        """End the run as what it was."""
        if claim.run.kind != "poll":
            self._close_quietly(claim, progress, error)
        elif error is None:
            self._succeeded(claim, progress)
        else:
            self._failed(claim, progress, error)
        return result_of(claim, progress, error)

    def _close_quietly(self, claim: Claim, progress: Progress, error: Exception | None) -> None:
        _tell_defect(claim, error)
        with self._db.write() as tx:
            kept = {} if progress.state is None else {"connector_state": progress.state}
            channel_queries.finish(tx, claim.run, kept, _run_values(progress, error, self._clock()))

    def _succeeded(self, claim: Claim, progress: Progress) -> None:
        channel, now = claim.channel, self._clock()
        due = rules.next_slot(channel.next_due_at, _interval(channel), now)
        breaker = breakers.after(_breaker(channel), None, due)
        whole = breaker.state is breakers.State.CLOSED
        back = whole and State(channel.state) in DOWN
        if not whole:  # it answers again: the second look is soon
            due = min(due, now + breakers.NEXT_PROBE)
        health: dict[str, Any] = {
            "failures": 0, "last_error_code": None, "last_error": None, "last_error_vi": None,
            "last_try_at": now, "last_success_at": now, **_breaker_values(breaker),
            **({"state": State.OK.value, "down_since": None} if whole else {}),
        }  # fmt: skip
        if progress.counts.stored:
            health["last_item_at"] = now
        if progress.state is not None:
            health["connector_state"] = progress.state
        slot = _next(claim, now, now if progress.cut_short else due)
        with self._db.write() as tx:
            if back:
                ledger.lock(tx, [SYSTEM])  # the chain before the rows, as everybody who writes both does
            outage_log.attempt(tx, channel.id, Capability.READ, now, ok=True)
            if whole:
                health |= _writable_again(tx, channel, now)
            channel_queries.finish(tx, claim.run, health, _run_values(progress, None, now), slot)
            quarantine_queries.supersede_pages(tx, channel.id)
            self._close_alarms(tx, claim, progress, back, now)
            if back:
                told = {"channel": channel.slug, "was": channel.state, "since": _since(channel, now)}
                ledger.append(tx, [Draft(SYSTEM, "channel_back", now, told, channel_id=channel.id)])
        if back:
            log.info("channel %s is back", channel.slug)

    def _close_alarms(self, tx: Tx, claim: Claim, progress: Progress, back: bool, now: datetime) -> None:
        kinds = [
            *((*ALARMS.values(), holding.ALARM) if back else ()),
            *([SILENCE] if progress.counts.stored else ()),
        ]
        if kinds:
            alarm_queries.close(tx, claim.channel.id, kinds, now)

    def _failed(self, claim: Claim, progress: Progress, error: Exception) -> None:
        channel, now = claim.channel, self._clock()
        verdict = rules.after_failure(
            error,
            was=State(channel.state),
            failures=channel.failures,
            last_code=channel.last_error_code,
            first_s=float(channel.options.get("retry_first_s", 30.0)),
        )
        down = verdict.state in DOWN and State(channel.state) not in DOWN
        then = now + (verdict.wait if verdict.wait is not None else _interval(channel))
        values = _unwell(channel, verdict, error, now)
        values |= _breaker_values(breakers.after(_breaker(channel), error, then))
        evidence = error.evidence if isinstance(error, ChannelError) else {}
        page = outage_log.page(self._vault, progress.last_answer, evidence)
        with self._db.write() as tx:
            if down:
                ledger.lock(tx, [SYSTEM])
            outage_log.attempt(
                tx,
                channel.id,
                Capability.READ,
                now,
                ok=False,
                code=verdict.code,
                evidence=evidence,
                page=page,
            )
            channel_queries.finish(
                tx, claim.run, values, _run_values(progress, error, now), _next(claim, now, then)
            )
            if verdict.state in HELD:
                alarm_queries.open_one(tx, channel.id, ALARMS[verdict.state], {"code": verdict.code}, now)
            if isinstance(error, SchemaDrift):
                holding.hold(tx, self._vault, claim.run, error, now)
            if down:
                told = {
                    "channel": channel.slug, "state": verdict.state.value, "code": verdict.code,
                    "since": _since(channel, now), "evidence": _evidence(error),
                }  # fmt: skip
                ledger.append(tx, [Draft(SYSTEM, "channel_down", now, told, channel_id=channel.id)])
        _tell_defect(claim, error)
        if down:
            log.warning("channel %s is down (%s): %s", channel.slug, verdict.state.value, texts(error)[0])


def _unwell(channel: ChannelRow, verdict: Verdict, error: Exception, now: datetime) -> dict[str, Any]:
    """What a failed poll writes on the schedule row."""
    english, vietnamese = texts(error)
    values: dict[str, Any] = {
        "state": verdict.state.value, "failures": verdict.failures, "last_error_code": verdict.code,
        "last_error": english, "last_error_vi": vietnamese, "last_try_at": now,
    }  # fmt: skip
    if not isinstance(error, RateLimited):
        values["down_since"] = channel.down_since or now
    if isinstance(error, AuthFailed):
        values["connector_state"] = None  # a session that ended is not to be tried again
    return values


def _writable_again(tx: Tx, channel: ChannelRow, now: datetime) -> dict[str, Any]:
    """The portal answered, so answers may try at once, unless the portal asked them to wait.

    Failed writes are forgotten only where reading had failed, too: a portal that can be read and
    refuses writes must not look well after every poll.
    """
    current = channel_queries.by_id(tx, channel.id)
    waiting = current.write_open_until is not None and current.write_open_until > now
    if waiting and current.write_error_code == RateLimited.code:
        return {}
    outbox_claims.wake(tx, channel.id, now)
    failed = {"write_failures": 0} if channel.last_error_code is not None else {}
    return {"write_open_until": None, **failed}


def _breaker(channel: ChannelRow) -> Breaker:
    state = breakers.State(channel.breaker)
    return Breaker(state, channel.breaker_failures, channel.breaker_probes, channel.breaker_until)


def _breaker_values(breaker: Breaker) -> dict[str, Any]:
    return {
        "breaker": breaker.state.value, "breaker_failures": breaker.failures,
        "breaker_probes": breaker.probes, "breaker_until": breaker.until,
    }  # fmt: skip


def _interval(channel: ChannelRow) -> timedelta:
    return timedelta(seconds=channel.interval_s)


def _next(claim: Claim, now: datetime, then: datetime) -> tuple[datetime, datetime] | None:
    """When it was due and will be; None for a channel that is never due by itself."""
    was = claim.channel.next_due_at
    return None if was is None else (was, then)


def _since(channel: ChannelRow, now: datetime) -> str:
    return (channel.down_since or now).isoformat()


def _run_values(progress: Progress, error: Exception | None, now: datetime) -> dict[str, Any]:
    return {
        "finished_at": now, "outcome": "ok" if error is None else "failed",
        "error_code": code_of(error), "error": texts(error)[0] if error is not None else None,
        "requests": progress.requests, "bytes": progress.bytes_read, "source_count": progress.source_count,
    }  # fmt: skip


def _tell_defect(claim: Claim, error: Exception | None) -> None:
    """Where it happened, and never what it says: the message may quote people's data."""
    if error is not None and not isinstance(error, ChannelError):
        log.error("channel %s, run %d: defect: %s", claim.channel.slug, claim.run.run_id, origin(error))


def result_of(claim: Claim, progress: Progress, error: Exception | None) -> RunResult:
    english, vietnamese = texts(error) if error is not None else (None, None)
    return RunResult(
        "ok" if error is None else "failed", progress.counts, claim.run.run_id, progress.source_count,
        progress.cut_short, code_of(error), english, vietnamese,
    )  # fmt: skip


def code_of(error: Exception | None) -> str | None:
    if error is None:
        return None
    return error.code if isinstance(error, AggregatorError) else rules.DEFECT


def texts(error: Exception) -> tuple[str, str]:
    """What happened, in English and Vietnamese; of a defect only where it happened."""
    if isinstance(error, AggregatorError):
        # Cleaned: it may quote a page, and of what stands there no database takes everything.
        return clean(str(error))[:LONGEST_ERROR], clean(error.message_vi)[:LONGEST_ERROR]
    where = origin(error)
    return where[:LONGEST_ERROR], f"Lỗi phần mềm: {where}"[:LONGEST_ERROR]


def _evidence(error: Exception) -> dict[str, Any]:
    """What was seen, small enough for the ledger: numbers and short texts, never the page."""
    if not isinstance(error, ChannelError):
        return {"defect": origin(error)[:LONGEST_ERROR]}
    return {
        key: value if isinstance(value, int) else clean(str(value))[:300]
        for key, value in error.evidence.items()
        if key != "content"
    }
