"""A portal that fails: each failure has its class, no cursor moves over it, and afterwards all is well."""

from __future__ import annotations

from typing import Any

from aggregator.sdk.conformance.checks import check
from aggregator.sdk.conformance.checks_contract import noting
from aggregator.sdk.conformance.checks_poll import expect_all, some_of
from aggregator.sdk.conformance.harness import Channel, NotApplicable, NotMet, Trial, expect, fail
from aggregator.sdk.conformance.stages import Page, Rewrite
from aggregator.sdk.contract import (
    AuthFailed,
    ChannelError,
    RateLimited,
    SchemaDrift,
    Transient,
)

_REPORTS = 11
#: Faults of every line, whatever is spoken on it.
_OF_EVERY_LINE = ("outage", "latency", "truncate")
_Kinds = type[ChannelError] | tuple[type[ChannelError], ...]


def raised(channel: Channel, kinds: _Kinds, **options: Any) -> ChannelError:
    """The error that a poll ends with now; it must be one of these, and bring nothing but its cause."""
    try:
        polled = channel.poll(**options)
    except ChannelError as error:
        if isinstance(error, kinds):
            return error
        raise NotMet(f"{type(error).__name__} came, {_names(kinds)} expected: {error.message}") from error
    raise NotMet(f"no error: the poll says all is well, with {len(polled.records)} records")


def _names(kinds: _Kinds) -> str:
    return " or ".join(kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))


def recovers(channel: Channel) -> None:
    """When the failure is over, everything arrives, whatever was committed before."""
    channel.stage.mend()
    channel.poll()
    channel.follow_up(1)
    expect_all(channel)


def requests_of(channel: Channel) -> list[str]:
    """The paths that a first poll asks for. The channel is as new afterwards."""
    paths: list[str] = []

    channel.stage.rewrite(noting(paths))
    channel.poll()
    channel.stage.mend()
    channel.cursor, channel.state = None, {}
    channel.known.clear()
    return paths


def at_request(number: int, change: Rewrite) -> Rewrite:
    """`change` for the request of this number (from 0) alone."""
    seen = iter(range(1_000_000))

    def spoil(page: Page) -> Page:
        return change(page) if next(seen) == number else page

    return spoil


def server_error(page: Page) -> Page:
    """A 500."""
    return page.changed(status=500, content=b"error")


@check("error-500")
def server_errors(trial: Trial) -> None:
    trial.needs(http=True)
    with trial.channel(_REPORTS) as channel:
        start = channel.stage.now
        channel.stage.rewrite(server_error)
        raised(channel, Transient)
        recovers(channel)
        channel = Channel(channel.connector, channel.stage)
        for number in some_of(range(len(requests_of(channel)))):
            channel = Channel(channel.connector, channel.stage)
            channel.stage.now = start
            channel.stage.rewrite(at_request(number, server_error))
            try:
                channel.poll()
            except Transient:
                pass
            except ChannelError as error:
                fail(f"500 at request {number + 1} is Transient, not {type(error).__name__}")
            recovers(channel)


@check("error-outage")
def outage(trial: Trial) -> None:
    _fails_by(trial, "outage", Transient)


@check("error-timeout")
def stops_talking(trial: Trial) -> None:
    _fails_by(trial, "latency", Transient, seconds=5, read_timeout=0.1)


@check("error-truncated")
def breaks_off(trial: Trial) -> None:
    _fails_by(trial, "truncate", (Transient, SchemaDrift))


@check("error-login-page")
def login_page(trial: Trial) -> None:
    _fails_by(trial, "login_page", AuthFailed)


@check("error-maintenance")
def maintenance(trial: Trial) -> None:
    _fails_by(trial, "maintenance", (Transient, SchemaDrift))


def _fails_by(trial: Trial, kind: str, error: _Kinds, *, read_timeout: float = 5.0, **options: Any) -> None:
    """The fault at every request, and then only once the poll is under way."""
    trial.needs(network=True, http=kind not in _OF_EVERY_LINE)
    with trial.channel(_REPORTS) as channel:
        channel.stage.fault(kind, **options)
        raised(channel, error, read_timeout=read_timeout)
        recovers(channel)


@check("error-429")
def rate_limit(trial: Trial) -> None:
    trial.needs(http=True)
    with trial.channel(_REPORTS) as channel:
        channel.stage.fault("status", code=429, retry_after=17)
        error = raised(channel, RateLimited)
        told = getattr(error, "retry_after", None)
        expect(told == 17, f"the portal asked for 17 seconds, the error says {told}")
        recovers(channel)


@check("error-429-silent")
def rate_limit_without_word(trial: Trial) -> None:
    _fails_by(trial, "status", RateLimited, code=429)


@check("error-session-ends")
def session_ends(trial: Trial) -> None:
    trial.needs(http=True)
    with trial.channel(_REPORTS) as channel:
        paths = requests_of(channel)
        channel.poll()
        if not channel.stage.signed_in():
            raise NotApplicable("nobody signs in")
        for number in some_of(range(len(paths))):
            channel.poll()  # signed in again, whatever the round before ended with
            later = Channel(channel.connector, channel.stage)
            later.state = dict(channel.state)
            channel.stage.end_sessions_at(number)
            later.poll()
            expect_all(later)
            channel.stage.mend()
            channel.state = later.state


@check("error-bad-record")
def bad_record(trial: Trial) -> None:
    trial.needs(http=True)
    with trial.channel(_REPORTS) as channel:
        channel.poll()  # signed in: a page on that way must not use the fault up
        channel.cursor = None
        channel.known.clear()
        fault = channel.stage.fault("bad_record", count=1)
        try:
            channel.poll()
        except ChannelError as error:
            fail(f"one bad record ends the poll: {error}")
        if fault.count:
            raise NotApplicable("its simulated portal plays no bad record")
        expect(channel.quarantined, "the bad record was taken or dropped without a word")
        bad = {problem.error.external_id for problem in channel.quarantined}
        missing = (channel.stage.ids() or set()) - channel.known.keys() - bad
        nameless = sum(problem.error.external_id is None for problem in channel.quarantined)
        expect(
            len(missing) <= nameless,
            f"for one bad record, others are missing: {', '.join(sorted(missing)[:5])}",
        )
        for problem in channel.quarantined:
            expect(problem.item.content, "the bad record's raw bytes are not kept")
