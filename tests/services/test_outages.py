"""Outages as they are kept: from every failed try, over HTTP, with what was seen; nothing for good ones."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from aggregator.domain.outages import Attempt, Capability, Span, spans
from aggregator.errors import AuthFailed, ConfigInvalid, RateLimited, Transient
from aggregator.sdk.discovery import discover
from aggregator.sdk.sandbox import serve
from aggregator.services import outage_log
from aggregator.storage import channel_queries, outage_queries
from aggregator.storage.ledger_tables import ledger_entries
from aggregator.storage.outage_queries import Outage
from aggregator.storage.outage_tables import outage_attempts, outage_evidence, outages
from connectors.portal_1022 import sandbox
from tests.factories import together
from tests.services.outbox_world import Portal, impatient, portal_config, simulated_portal
from tests.services.outbox_world import World as OutboxWorld
from tests.services.polling_world import World

READ, SIGN_IN, WRITE = Capability.READ, Capability.SIGN_IN, Capability.WRITE
EVER = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC))


@pytest.fixture
def both(database_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(database_url, tmp_path)
    yield made
    made.app.close()


@pytest.fixture
def office(database_url: str) -> Iterator[tuple[OutboxWorld, Portal]]:
    found = impatient(discover()["portal_1022"])
    with simulated_portal() as portal:
        world = OutboxWorld(database_url, {"portal_1022": found})
        yield world, portal
        world.close()


def kept(world: Any, channel: int = 1) -> list[Outage]:
    db = getattr(world, "db", None) or world.app.db
    with db.read() as tx:
        return outage_queries.overlapping(tx, [channel], *EVER)


def counted(world: Any, table: Any) -> int:
    db = getattr(world, "db", None) or world.app.db
    with db.read() as tx:
        return int(tx.scalar(select(func.count()).select_from(table)) or 0)


def told(world: Any, *kinds: str) -> list[tuple[str, dict[str, Any]]]:
    db = getattr(world, "db", None) or world.app.db
    with db.read() as tx:
        query = select(ledger_entries).where(ledger_entries.c.kind.in_(kinds))
        return [(row.kind, json.loads(row.data)) for row in tx.execute(query.order_by(ledger_entries.c.id))]


# Reading ----------------------------------------------------------------------------------------------


def test_polls_that_fail_make_one_span_and_good_ones_cost_no_row(both: World) -> None:
    source = both.channel()
    source.go_wrong = [None, Transient("reset"), Transient("reset"), None, None]
    for _ in range(5):
        both.poll_when_due()
    (outage,) = kept(both)
    assert outage.span.capability is READ and outage.span.attempts == 2
    assert outage.span.ok_before is not None and outage.span.ended_at is not None
    assert outage.span.ok_before < outage.span.began_at < outage.span.ended_at
    assert (counted(both, outage_attempts), counted(both, outages)) == (2, 1)
    assert [kind for kind, _ in told(both, "outage_began", "outage_ended", "attempt_failed")] == [
        "outage_began",
        "outage_ended",
    ], "a failed read has no entry of its own"


def test_a_refused_account_is_its_own_outage_and_in_the_ledger(both: World) -> None:
    both.channel().go_wrong = [AuthFailed("401", evidence={"status": 401, "body_sha256": "ab" * 32})]
    both.poll_when_due()
    (outage,) = kept(both)
    assert (outage.span.capability, outage.first.status) == (SIGN_IN, 401)
    ((_, failed),) = told(both, "attempt_failed")
    assert (failed["capability"], failed["code"], failed["status"]) == ("read", "auth_failed", 401)
    both.channels.resume(both.admin, "a")
    both.poll_when_due()
    assert kept(both)[0].span.ended_at == both.clock()


def test_our_own_faults_are_no_outage(both: World) -> None:
    both.channel().go_wrong = [ConfigInvalid("404")]
    both.poll_when_due()
    both.channel("b").go_wrong = [ValueError("a defect"), RateLimited("429", retry_after=5)]
    both.poll_when_due("b")
    both.poll_when_due("b")
    both.poll_when_due("b")
    assert kept(both, 1) == kept(both, 2) == []
    assert counted(both, outages) == 0, "having been asked to wait for a moment leaves nothing either"


def test_a_maintenance_page_with_200_is_kept_as_it_came(both: World) -> None:
    portal = sandbox.build({"auth": "none", "reports": [{"id": "1", "subject": "Ổ gà"}]})
    with serve(portal) as running:
        config = {"base_url": running.url, "scope": "officer", "auth": "none"}
        spec = {
            "slug": "cong", "kind": "portal_1022", "title": "Cổng", "ward": "27142", "config": config,
            "options": {"allow_private": True, "min_gap_s": 0},
        }  # fmt: skip
        both.channels.add(spec)
        Portal(running).fault("maintenance", 2, path=None)
        both.poll_when_due("cong")
        both.poll_when_due("cong")
        Portal(running).heal()
        both.poll_when_due("cong")
    (outage,) = kept(both)
    assert (outage.span.capability, outage.span.attempts, outage.first.status) == (READ, 2, 200)
    assert outage.span.answered and outage.span.ended_at == both.clock()
    with both.app.db.read() as tx:
        (page,) = tx.execute(select(outage_evidence)).all()
    body = both.app.vault.unpack(page.content, outage_log.PURPOSE)
    assert hashlib.sha256(body).hexdigest() == page.sha256 == outage.first.sha256
    assert b"<html" in body.lower()


def test_sources_that_fall_silent_together_are_not_blamed(both: World) -> None:
    both.channel("a").go_wrong = [Transient("no route"), Transient("no route")]
    both.channel("b").go_wrong = [Transient("no route")]
    both.polling.poll("a")
    assert not kept(both, 1)[0].span.ours_maybe, "one silent portal alone is its own trouble"
    both.clock.wait(seconds=30)
    both.polling.poll("b")
    assert kept(both, 1)[0].span.ours_maybe and kept(both, 2)[0].span.ours_maybe
    both.clock.wait(seconds=30)
    both.polling.poll("b")  # b answers while a does not: the network is there
    both.polling.poll("a")
    assert not kept(both, 1)[0].span.ours_maybe


# Writing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "options", "code", "status"),
    [
        ("outage", {}, "unknown_outcome", None),
        ("status", {"code": 503}, "unknown_outcome", 503),
        ("maintenance", {}, "unknown_outcome", 200),
    ],
)
def test_an_answer_that_cannot_be_delivered_makes_a_write_outage(
    office: tuple[OutboxWorld, Portal], fault: str, options: dict[str, Any], code: str, status: int | None
) -> None:
    world, portal = office
    channel = world.channel("portal_1022", config=portal_config(portal), options={"settle_s": 1})
    case, report = world.case(channel=channel), world.report(channel, "1")
    world.answer(case, report, "Đã vá ổ gà.")
    portal.fault(fault, None, **options)
    for _ in range(3):
        world.work()
        world.clock.wait(120)
    (outage,) = kept(world)
    assert outage.span.capability is WRITE and outage.span.ended_at is None
    assert (outage.first.code, outage.first.status) == (code, status)
    entries = told(world, "attempt_failed")
    assert len(entries) == outage.span.attempts >= 2, "each failed post has its entry"
    assert all(entry["capability"] == "write" for _, entry in entries)
    portal.heal()
    world.work_until_quiet()
    (outage,) = kept(world)
    assert outage.span.ended_at is not None
    ((_, ended),) = told(world, "outage_ended")
    assert ended["attempts"] == outage.span.attempts and ended["ours_maybe"] is False
    assert portal.read("1") == ["Đã vá ổ gà."]


def test_a_portal_that_is_read_well_and_refuses_writes_is_out_for_writing_alone(
    office: tuple[OutboxWorld, Portal],
) -> None:
    world, portal = office
    channel = world.channel("portal_1022", config=portal_config(portal))
    world.answer(world.case(channel=channel), world.report(channel, "1"), "Đã vá.")
    portal.fault("status", 1, code=403)
    world.work()
    (outage,) = kept(world)
    assert (outage.span.capability, outage.span.tried) == (SIGN_IN, WRITE)
    with world.db.write() as tx:
        outage_log.attempt(tx, channel, "read", world.clock(), ok=True)
    assert kept(world)[0].span.ended_at is None, "that it can be read says nothing of writing"
    world.set_schedule(channel, state="ok")
    world.outbox.retry(None, 1)
    world.work()
    assert kept(world)[0].span.ended_at == world.clock()


def test_a_check_by_hand_is_a_try_at_signing_in(both: World) -> None:
    portal = sandbox.build(
        {"auth": "jwt", "accounts": {"lan": "mật-khẩu-mới"}, "reports": [{"id": "1", "subject": "Ổ gà"}]}
    )
    with serve(portal) as running:
        spec = {
            "slug": "cong", "kind": "portal_1022", "title": "Cổng", "ward": "27142",
            "config": {"base_url": running.url, "scope": "officer", "auth": "jwt"},
            "secrets": {"username": "lan", "password": "mật-khẩu-cũ"},
            "options": {"allow_private": True, "min_gap_s": 0},
        }  # fmt: skip
        both.channels.add(spec)
        assert not all(step.ok for step in both.channels.check("cong"))
        (outage,) = kept(both)
        assert (outage.span.capability, outage.span.tried, outage.first.status) == (SIGN_IN, SIGN_IN, 401)
        assert [entry["capability"] for _, entry in told(both, "attempt_failed")] == ["sign_in"]
        both.clock.wait(hours=1)
        both.channels.change("cong", {"secrets": {"password": "mật-khẩu-mới"}})
        assert all(step.ok for step in both.channels.check("cong"))
        assert kept(both)[0].span.ended_at == both.clock()


def test_workers_that_fail_at_the_same_moment_open_one_outage(both: World) -> None:
    both.channel()
    at = both.clock()

    def fail(second: int) -> None:
        with both.app.db.write() as tx:
            seen = at + timedelta(seconds=second)
            outage_log.attempt(tx, 1, "write", seen, ok=False, code="unknown_outcome")

    together(*(partial(fail, second) for second in (3, 1, 0, 2)))
    (outage,) = kept(both)
    assert (outage.span.began_at, outage.span.attempts) == (at, 4)
    assert outage.span.last_failed_at == at + timedelta(seconds=3)
    assert len(told(both, "attempt_failed")) == 4 and len(told(both, "outage_began")) == 1


# In any order -----------------------------------------------------------------------------------------


def told_in(world: World, order: list[Attempt], channel: int) -> list[Span]:
    """The spans as kept when the tries are told in this order, each with its channel's health."""
    best: dict[str, datetime] = {}
    for one in order:
        with world.app.db.write() as tx:
            outage_log.attempt(tx, channel, one.tried, one.at, ok=not one.code, code=one.code)
            if not one.code:
                name = "last_write_at" if one.tried is WRITE else "last_success_at"
                best[name] = max(one.at, best.get(name, one.at))
                channel_queries.update_channel(tx, channel, {}, {name: best[name]})
    return sorted((one.span for one in kept(world, channel)), key=lambda span: span.began_at)


def test_tries_of_several_workers_make_the_same_spans_in_whatever_order_they_are_told(both: World) -> None:
    chance = random.Random(7)
    for number in range(12):
        both.channel(f"k{number}")
        at, tries = both.clock(), []
        for _ in range(14):
            at += timedelta(minutes=chance.choice([1, 5, 40]))
            tries.append(Attempt(at, WRITE, chance.choice(["", "transient", "transient"])))
        shuffled = list(tries)
        for i in range(0, len(shuffled) - 1, 2):  # two workers, each a little late now and then
            if chance.random() < 0.5:
                shuffled[i], shuffled[i + 1] = shuffled[i + 1], shuffled[i]
        found = told_in(both, shuffled, number + 1)
        assert [_shape(span) for span in found] == [_shape(span) for span in spans(WRITE, tries)]


def _shape(span: Span) -> tuple[Any, ...]:
    return span.began_at, span.last_failed_at, span.ended_at, span.attempts, span.gaps


# What it costs ----------------------------------------------------------------------------------------


def test_a_portal_that_stays_away_keeps_a_page_a_day_and_one_entry(both: World) -> None:
    both.channel()
    start = both.clock()
    with both.app.db.write() as tx:
        for n in range(3 * 24):
            body = f"<html>{'x' * 3000} {n}</html>".encode()
            digest = hashlib.sha256(body).hexdigest()
            page = outage_log.Page(digest, len(body), "text/html", body)
            outage_log.attempt(
                tx, 1, "read", start + timedelta(hours=n), ok=False, code="transient",
                evidence={"status": 503, "body_sha256": digest, "bytes": len(body)}, page=page,
            )  # fmt: skip
        pages = int(tx.scalar(select(func.count()).select_from(outage_evidence)) or 0)
    (outage,) = kept(both)
    assert outage.span.attempts == 72 == counted(both, outage_attempts)
    assert pages == 3, "one page a day, though each says something else"
    assert len(told(both, "outage_began", "attempt_failed")) == 1
