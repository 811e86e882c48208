"""Sources that call us: whose word is believed, and what a call may cost."""

from __future__ import annotations

from dataclasses import replace

from aggregator.sdk.conformance.checks import check
from aggregator.sdk.conformance.harness import Channel, NotApplicable, Trial, expect, fail
from aggregator.sdk.contract import AuthFailed, ChannelError, TakesWebhooks, WebhookRequest

#: Bodies that are no report, whatever the source's form is.
_RUBBISH = (b"", b"{", b"null", b"[]", b"[1]", b'{"x": 1}', b"\xff\xfe\x00", b"<html></html>", b'"' * 5000)


def _taker(trial: Trial) -> TakesWebhooks:
    if not trial.subject.scenario.called:
        raise NotApplicable("nobody calls it")
    connector = trial.subject.connector
    if not isinstance(connector, TakesWebhooks):
        fail("it has no handle_webhook")
    return connector


def _calls(channel: Channel) -> list[WebhookRequest]:
    found = channel.stage.calls()
    expect(found, "its simulated source sends nothing")
    return found or []


@check("call-signature")
def believes_the_source_alone(trial: Trial) -> None:
    taker = _taker(trial)
    with trial.channel(3) as channel:
        genuine = _calls(channel)[0]
        forged: dict[str, WebhookRequest] = {
            "another body": replace(genuine, body=genuine.body.replace(b"e", b"o", 1) + b" "),
            "no signature": replace(genuine, headers={"content-type": "application/json"}),
        }
        for what, request in forged.items():
            with channel.context() as ctx:
                try:
                    taker.handle_webhook(ctx, request)
                except AuthFailed:
                    continue
            fail(f"a call with {what} is believed")


@check("call-quiet")
def asks_nobody_back(trial: Trial) -> None:
    taker = _taker(trial)
    with trial.channel(3) as channel:
        for request in _calls(channel):
            with channel.context() as ctx:
                taker.handle_webhook(ctx, request)
                expect(ctx.http.requests == 0, "it uses the network while the source waits for its answer")


@check("call-unreadable")
def bears_what_is_no_report(trial: Trial) -> None:
    taker = _taker(trial)
    with trial.channel(1) as channel:
        for body in _RUBBISH:
            request = replace(_calls(channel)[0], body=body, verified=True)
            with channel.context() as ctx:
                try:
                    answer = taker.handle_webhook(ctx, request)
                except ChannelError:
                    continue
            brought = answer.batch is not None and bool(answer.batch.records)
            expect(not brought, f"{body[:20]!r} became a report")
