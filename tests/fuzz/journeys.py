"""What a connector does at its portal: every call of the contract that the manifest promises."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import islice
from typing import cast

from aggregator.sdk.conformance.stages import START
from aggregator.sdk.contract import (
    Backfills,
    Batch,
    ByHand,
    Context,
    Fetches,
    PushCommand,
    PushResult,
    SourceStatus,
    Span,
)
from connectors.webhook.sandbox import SECRET
from connectors.zalo_oa.sandbox import APP, APP_SECRET, FIRST_TOKEN, OA, OA_SECRET
from tests.fuzz.played import HOST, Journey, Played, recorded

#: A poll of a handful of reports that has not ended after so many batches never would.
ENDLESS = 200
#: Enough reports for two pages, few enough that a journey is short.
REPORTS = 3
PORTALS = ("portal_1022", "national_bus", "hue_token", "open311", "district_html", "national_public")
#: Those that call us; they are asked little.
CALLERS = ("webhook", "zalo_oa")


class Endless(Exception):
    """A poll that does not come to its end."""


def batches(running: Iterator[Batch]) -> list[Batch]:
    """All that a poll brings."""
    found = list(islice(running, ENDLESS))
    if len(found) == ENDLESS:
        raise Endless(f"more than {ENDLESS} batches")
    return found


def walks(played: Played) -> Iterator[Journey]:
    """Each journey once the one before it was walked: they build upon what the first poll brought."""
    connector, can = played.connector, played.manifest.capabilities
    first: list[Batch] = []

    def poll(ctx: Context) -> list[Batch]:
        first[:] = batches(connector.poll(ctx, None))
        return first

    yield Journey("poll", poll)
    records = [record for batch in first for record in batch.records]
    assert len(records) == REPORTS, f"{played.id}: the healthy portal gives {len(records)} reports"
    played.items = [item for batch in first for item in batch.items]
    cursor, known = json.dumps(first[-1].next_cursor), records[0].external_id
    yield Journey("poll again", lambda ctx: batches(connector.poll(ctx, json.loads(cursor))))
    yield Journey("check", connector.check)
    if can.fetch:
        yield Journey("fetch", lambda ctx: cast("Fetches", connector).fetch(ctx, known))
    if can.backfill != "none":
        back = cast("Backfills", connector).backfill
        span = Span(START - timedelta(days=60), START)
        yield Journey("backfill", lambda ctx: batches(back(ctx, span, None)))
    if can.backfill != "none" and played.manifest.kind != "python":  # the levels can also be asked for ids
        yield Journey("backfill by id", lambda ctx: batches(back(ctx, Span(ids=(known,)), None)))
    refs = [file.ref for record in records for file in record.attachments]
    if can.attachments == "download" and refs:
        yield Journey("attachment", lambda ctx: connector.fetch_attachment(ctx, refs[0]))
    if can.push_reply:
        yield from answering(played, command(known))


def command(external_id: str) -> PushCommand:
    """An officer's answer."""
    return PushCommand(
        idempotency_key="k-1", external_id=external_id, kind="result", body="Đã khắc phục.",
            status=SourceStatus.RESOLVED,
        at=START, author_name="Lan", author_title="Công chức", unit_name="UBND phường Mẫu",
    )  # fmt: skip


def answering(played: Played, answer: PushCommand) -> Iterator[Journey]:
    """The way back: looked for, then sent, then looked for again."""
    yield Journey("lookup", lambda ctx: played.connector.lookup(ctx, answer))
    yield Journey("push", lambda ctx: played.connector.push(ctx, answer))
    yield Journey("lookup again", lambda ctx: played.connector.lookup(ctx, answer))


def _agency(played: Played) -> Iterator[Journey]:
    yield Journey("check", played.connector.check)
    yield from answering(played, command("1001"))


def _oa(played: Played) -> Iterator[Journey]:
    connector = played.connector
    yield Journey("check", connector.check)
    yield Journey("poll", lambda ctx: batches(connector.poll(ctx, None)))
    thread = {"v": 1, "number": "n-20261020", "user": "1111", "messages": []}
    raw = json.dumps(thread).encode()

    def push(ctx: Context) -> PushResult | None:
        with suppress(ByHand):  # on an ordinary day the seven days are over
            return connector.push(replace(ctx, last_raw=lambda _id: raw), command("n-20261020"))
        return None

    yield Journey("push", push)


@cache
def portal(id_: str) -> Played:
    """The connector with its journeys; recorded on first use."""
    if id_ == "webhook":
        config = {"callback_url": f"{HOST}/answers", "readback_url": f"{HOST}/reports/{{id}}/answers"}
        return recorded(id_, _agency, REPORTS, config=config, secrets={"secret": SECRET})
    if id_ == "zalo_oa":
        config = {"app_id": APP, "oa_id": OA, "base_url": HOST, "oauth_url": HOST}
        secrets = {"oa_secret": OA_SECRET, "app_secret": APP_SECRET, "refresh_token": FIRST_TOKEN}
        return recorded(id_, _oa, 0, config=config, secrets=secrets)
    return recorded(id_, walks, REPORTS)
