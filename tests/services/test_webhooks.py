"""Calls of sources: kept before they are answered, taken in once, refused where they are not the source's."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from aggregator.errors import AuthFailed, LeaseLost, NotAllowed, NotFound, SchemaDrift
from aggregator.sdk.contract import Batch, Context, Permanent, RawItem, WebhookReply, WebhookRequest
from aggregator.services.polling import owner_name
from aggregator.services.webhooks import MOST_LEFT, unverified
from aggregator.storage import webhook_queries
from aggregator.storage.webhook_tables import webhook_calls
from tests.services.polling_world import Source, World, found

KEY = b"chung-ta-biet"


class Caller(Source):
    """A source that calls: ``[{"id", "body"}]`` signed over the bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.key = KEY
        self.defect = False

    def handle_webhook(self, ctx: Context, call: WebhookRequest) -> WebhookReply:
        if self.defect:
            raise KeyError("a defect of the connector")
        if call.method == "GET":
            return WebhookReply(None, body=call.query.get("challenge", "").encode())
        if not call.verified and call.headers.get("x-signature") != sign(call.body, self.key):
            raise AuthFailed("the signature is wrong", message_vi="Sai chữ ký")
        if call.headers.get("x-kind") == "other":
            raise Permanent("not a call of ours")
        try:
            rows = json.loads(call.body)
        except ValueError as error:
            raise SchemaDrift("no JSON") from error
        items = tuple(RawItem(json.dumps(row).encode(), ref=row["id"]) for row in rows)
        records = tuple(self.remap(ctx, item) for item in items)
        named = call.headers.get("x-delivery", "")
        return WebhookReply(Batch(records, items, None, complete=True), body=b'{"ok":1}', delivery=named)


def sign(body: bytes, key: bytes = KEY) -> str:
    return hmac.digest(key, body, hashlib.sha256).hex()


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    world = World(database_url, tmp_path)
    yield world
    world.app.close()


@pytest.fixture
def caller(world: World) -> Caller:
    return called(world)


def called(world: World, slug: str = "a", **can: Any) -> Caller:
    source = world.sources[slug] = Caller()
    kind = f"source_{slug}"
    facts = {"webhook": True, "poll": "none", **can}
    world.app.connectors[kind] = found(kind, source, **facts)  # type: ignore[index]
    config = {"base_url": f"http://{slug}.example.vn"}
    world.channels.add({"slug": slug, "kind": kind, "title": slug, "ward": "27142", "config": config})
    return source


@pytest.fixture
def call(world: World) -> Callable[..., WebhookReply]:
    def made(*ids: str, slug: str = "a", body: bytes | None = None, **headers: str) -> WebhookReply:
        rows = [{"id": number, "body": f"Ổ gà trước nhà số {number}"} for number in ids]
        body = json.dumps(rows).encode() if body is None else body
        given = {"x-signature": sign(body), **{k.replace("_", "-"): v for k, v in headers.items()}}
        return world.app.webhooks.take(slug, unverified("POST", given, {}, body, world.clock()))

    return made


def left(world: World) -> list[Any]:
    with world.app.db.read() as tx:
        return list(tx.execute(select(webhook_calls).order_by(webhook_calls.c.id)))


def tick(world: World) -> int:
    return int(world.app.webhooks.tick(owner_name()))


def test_a_call_is_kept_sealed_before_it_is_answered_and_in_the_inbox_after_the_next_tick(
    world: World, caller: Caller, call: Callable[..., WebhookReply]
) -> None:
    assert call("1", "2").status == 200
    [row] = left(world)
    assert row.state == "waiting" and "Ổ gà".encode() not in row.content
    assert world.stored() == {}
    assert tick(world) == 1
    assert world.stored() == {"1": 1, "2": 1}
    [row] = left(world)
    assert (row.state, row.content) == ("done", None), "the revisions hold the bytes now"


@pytest.mark.parametrize(
    ("again", "kept"),
    [
        ({}, 1),  # the very same bytes
        ({"x_delivery": "d-1"}, 1),  # the source names the delivery: other bytes would be the same, too
    ],
)
def test_the_same_delivery_twice_is_nothing_twice(
    world: World, caller: Caller, call: Callable[..., WebhookReply], again: dict[str, str], kept: int
) -> None:
    for _ in range(2):
        assert call("1", **again).status == 200
        tick(world)
    assert len(left(world)) == kept and world.stored() == {"1": 1}
    view = world.app.webhooks.view(world.admin, "a")
    assert (view.taken, view.repeated, view.refused) == (1, 1, 0)


def test_the_same_content_under_another_name_adds_nothing(
    world: World, caller: Caller, call: Callable[..., WebhookReply]
) -> None:
    for name in ("d-1", "d-2"):
        call("1", x_delivery=name)
    tick(world)
    assert world.stored() == {"1": 1}
    assert world.runs()[0].unchanged == 1


def test_a_wrong_signature_is_refused_counted_and_leaves_no_bytes(
    world: World, caller: Caller, call: Callable[..., WebhookReply]
) -> None:
    assert call("1", x_signature="no").status == 401
    assert left(world) == [] and tick(world) == 0
    view = world.app.webhooks.view(world.admin, "a")
    assert (view.taken, view.refused, view.why_vi) == (0, 1, "Sai chữ ký")
    lights = {light.name: light for light in world.channels.view(world.admin, "a").lights}
    assert lights["signed_in"].state == "bad" and "Sai chữ ký" in lights["signed_in"].cause_vi
    call("1")
    lights = {light.name: light for light in world.channels.view(world.admin, "a").lights}
    assert [light.state for light in lights.values()][:4] == ["good"] * 4


def test_a_call_of_another_kind_is_told_so_and_not_kept(
    world: World, caller: Caller, call: Callable[..., WebhookReply]
) -> None:
    assert call("1", x_kind="other").status == 400
    assert left(world) == []


def test_what_cannot_be_read_is_kept_answered_once_and_read_after_the_fix(
    world: World, caller: Caller, call: Callable[..., WebhookReply]
) -> None:
    caller.defect = True
    reply = call("1")
    assert reply.status == 202, "neither lost nor repeated for ever"
    assert tick(world) == 0 and world.stored() == {}
    assert world.channels.view(world.admin, "a").quarantined == 1
    with pytest.raises(NotAllowed):
        world.app.webhooks.replay(world.lan, "a")
    with pytest.raises(NotFound):
        world.app.webhooks.view(world.hue, "a")
    caller.defect = False
    assert world.app.webhooks.replay(world.admin, "a") == 1
    tick(world)
    assert world.stored() == {"1": 1}


def test_one_bad_call_never_stops_the_next(
    world: World, caller: Caller, call: Callable[..., WebhookReply]
) -> None:
    assert call(body=b"<html>").status == 202
    call("2")
    tick(world)
    assert world.stored() == {"2": 1}
    assert [row.state for row in left(world)] == ["kept", "done"]


def test_a_secret_changed_between_door_and_tick_loses_nothing(
    world: World, caller: Caller, call: Callable[..., WebhookReply]
) -> None:
    call("1")
    caller.key = b"another"
    tick(world)
    assert world.stored() == {"1": 1}


def test_the_door_is_open_while_a_poll_runs_and_what_came_waits_for_it(
    world: World, call: Callable[..., WebhookReply]
) -> None:
    called(world, poll="incremental")
    claim = world.polling.claim("worker-1")
    assert claim is not None
    assert call("7").status == 200
    assert tick(world) == 0, "the poll has the channel"
    world.polling.run(claim)
    assert tick(world) == 1 and world.stored() == {"7": 1}


def test_a_paused_channel_keeps_what_comes_until_it_goes_on(
    world: World, caller: Caller, call: Callable[..., WebhookReply]
) -> None:
    world.channels.pause(world.admin, "a")
    assert call("1").status == 200
    assert tick(world) == 0
    world.channels.resume(world.admin, "a")
    assert tick(world) == 1


def test_a_day_of_single_calls_leaves_one_run_an_hour(
    world: World, caller: Caller, call: Callable[..., WebhookReply]
) -> None:
    for number in range(6):
        call(str(number))
        tick(world)
        world.clock.wait(minutes=20)
    runs = world.runs()
    assert [run.kind for run in runs] == ["webhook"] * len(runs)
    assert len(runs) <= 3 and sum(run.stored for run in runs) == 6
    assert all(run.outcome == "ok" for run in runs)


def test_a_worker_that_dies_between_intake_and_its_mark_doubles_nothing(
    world: World, caller: Caller, call: Callable[..., WebhookReply], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise Killed

    call("1")
    with monkeypatch.context() as dying, pytest.raises(Killed):
        dying.setattr(webhook_queries, "done", killed)
        tick(world)
    world.clock.wait(minutes=5)
    world.polling.reap()
    assert tick(world) == 1
    assert world.stored() == {"1": 1} and left(world)[0].state == "done"


def test_many_calls_at_once_are_each_taken_once_by_several_workers(
    world: World, caller: Caller, call: Callable[..., WebhookReply]
) -> None:
    callers = [threading.Thread(target=call, args=(str(n % 5),)) for n in range(15)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join()
    workers = [threading.Thread(target=tick, args=(world,)) for _ in range(3)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    tick(world)
    assert world.stored() == {str(n): 1 for n in range(5)}
    assert {row.state for row in left(world)} == {"done"}


def test_a_door_behind_which_nobody_reads_closes_before_the_disk_is_full(
    world: World, caller: Caller, call: Callable[..., WebhookReply], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_LEFT > 1_000
    monkeypatch.setattr("aggregator.services.webhooks.MOST_LEFT", 2)
    assert [call(str(n)).status for n in range(3)] == [200, 200, 503]


def test_deliveries_are_forgotten_after_a_month_and_unread_ones_never(
    world: World, caller: Caller, call: Callable[..., WebhookReply]
) -> None:
    call("1")
    call(body=b"<html>")
    tick(world)
    world.clock.wait(days=31)
    assert world.app.webhooks.prune() == 1
    assert [row.state for row in left(world)] == ["kept"]


def test_a_lease_that_was_lost_leaves_the_call_waiting(
    world: World, caller: Caller, call: Callable[..., WebhookReply], monkeypatch: pytest.MonkeyPatch
) -> None:
    call("1")

    def taken_over(*_: Any, **__: Any) -> None:
        raise LeaseLost("another worker took over")

    with monkeypatch.context() as lost:
        lost.setattr("aggregator.storage.channel_queries.commit_batch", taken_over)
        assert tick(world) == 0
    assert left(world)[0].state == "waiting"
    world.clock.at += timedelta(minutes=5)
    assert tick(world) == 1 and world.stored() == {"1": 1}


def test_a_channel_that_takes_no_calls_has_no_door(world: World, call: Callable[..., WebhookReply]) -> None:
    world.channel("b")
    for slug in ("b", "nowhere"):
        with pytest.raises(NotFound):
            call("1", slug=slug)
    assert world.app.webhooks.view(world.admin, "b") is None
