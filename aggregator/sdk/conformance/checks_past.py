"""The past and single reports: backfill, one report by its id, a kept item; and what helps find a fault."""

from __future__ import annotations

import json

from aggregator.sdk.conformance.checks import check
from aggregator.sdk.conformance.checks_poll import MANY
from aggregator.sdk.conformance.guard import offline
from aggregator.sdk.conformance.harness import ENDLESS, Channel, Trial, expect, fail, told
from aggregator.sdk.conformance.stages import START, Page
from aggregator.sdk.contract import Backfills, ChannelError, Cursor, Fetches, SchemaDrift, Span


@check("backfill")
def past_can_be_read(trial: Trial) -> None:
    connector = trial.subject.connector
    if trial.manifest.capabilities.backfill == "none" or not isinstance(connector, Backfills):
        fail("its capability backfill is none")
    by_date = trial.manifest.capabilities.backfill == "by_date"
    span = Span(since=START.replace(year=START.year - 1), until=START) if by_date else Span()
    with trial.channel(MANY) as channel:
        channel.poll()
        wanted = set(channel.known)
        batches, read, _cursor = _past(channel, connector, span, None)
        missing = sorted(wanted - read)
        expect(not missing, f"{len(missing)} reports of the past are missing: {', '.join(missing[:5])}")
        for boundary in {1, batches // 2} - {0, batches}:
            _count, before, cursor = _past(channel, connector, span, None, most=boundary)
            _count, after, _end = _past(channel, connector, span, cursor)
            lost = sorted(wanted - before - after)
            expect(not lost, f"cut off after batch {boundary} and resumed, it loses {', '.join(lost[:5])}")


def _past(
    channel: Channel, connector: Backfills, span: Span, cursor: Cursor | None, most: int = ENDLESS
) -> tuple[int, set[str], Cursor | None]:
    """Batches read (at most `most`), the ids in them, and the last cursor."""
    count, read, complete = 0, set[str](), False
    with channel.context() as ctx:
        for batch in connector.backfill(ctx, span, cursor):
            count, complete = count + 1, batch.complete
            read |= {record.external_id for record in batch.records}
            cursor = json.loads(json.dumps(batch.next_cursor))
            if count == most:
                expect(most < ENDLESS, "the backfill does not end")
                return count, read, cursor
    expect(complete, "the backfill's last batch is not complete")
    return count, read, cursor


@check("canary")
def one_report_by_its_id(trial: Trial) -> None:
    connector = trial.subject.connector
    if not trial.manifest.capabilities.fetch or not isinstance(connector, Fetches):
        fail("its capability fetch is off")
    with trial.channel(3) as channel:
        polled = channel.poll()
        chosen = polled.records[0]
        with channel.context() as ctx:
            found = connector.fetch(ctx, chosen.external_id)
            nobody = connector.fetch(ctx, "99999999")
        expect(found is not None, f"report {chosen.external_id} is not found by its id")
        same = (
            found is not None and found[0].external_id == chosen.external_id and found[0].body == chosen.body
        )
        expect(same, f"asked for report {chosen.external_id}, another came")
        expect(nobody is None, "a report that is not there was found")


@check("replay")
def kept_item_reads_the_same(trial: Trial) -> None:
    with trial.channel(6) as channel:
        polled = channel.poll()
        state = dict(channel.state)
        with offline() as guard:
            ctx = channel.stage.context(state)
            try:
                again = [channel.connector.remap(ctx, item) for item in polled.items]
            finally:
                ctx.http.close()
        expect(not guard.ports and not guard.strays, "reading a kept item again goes over the network")
        for before, after in zip(polled.records, again, strict=True):
            expect(
                told(before) == told(after), f"report {before.external_id} reads otherwise the second time"
            )


@check("diagnostics")
def errors_carry_evidence(trial: Trial) -> None:
    trial.needs(http=True)
    with trial.channel(3) as channel:
        channel.stage.rewrite(_another_page)
        try:
            channel.poll()
            fail("a page of another make is no error")
        except SchemaDrift as error:
            expect(error.evidence, f"no evidence with: {error.message}")
            _names_nobody(channel, error)
        channel.stage.mend()
        channel.stage.fault("status", code=500)
        try:
            Channel(channel.connector, channel.stage).poll()
            fail("a 500 is no error")
        except ChannelError as error:
            expect(
                error.evidence.get("status") == 500, f"the status is not among the evidence: {error.message}"
            )
            expect(error.evidence.get("url"), "the address is not among the evidence")


def _another_page(page: Page) -> Page:
    return page.changed(content=b"<html><body><h1>Moi</h1></body></html>", content_type="text/html")


def _names_nobody(channel: Channel, error: ChannelError) -> None:
    said = f"{error} {json.dumps(error.evidence, default=str, ensure_ascii=False)}"
    with channel.context() as ctx:
        leaked = [name for name, value in ctx.secrets.items() if len(value) > 2 and value in said]
    expect(not leaked, f"the error tells the secret {', '.join(leaked)}")


@check("simulator")
def simulated_portal(trial: Trial) -> None:
    expect(trial.subject.scenario.simulated, "it is judged on recorded exchanges alone: no sandbox.py")
