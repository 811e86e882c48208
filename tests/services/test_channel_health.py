"""What a channel tells of itself: the breaker that all workers share, and tasks for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from aggregator.errors import AuthFailed, Transient
from aggregator.storage.channel_tables import channel_alarms
from tests.services.polling_world import World


@pytest.fixture
def both(database_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(database_url, tmp_path)
    yield made
    made.app.close()


def alarms(world: World) -> list[tuple[str, bool]]:
    """Kind, and whether it is over, of every alarm there was."""
    with world.app.db.read() as tx:
        rows = tx.execute(select(channel_alarms).order_by(channel_alarms.c.id))
        return [(row.kind, row.closed_at is not None) for row in rows]


def test_an_open_breaker_lets_one_probe_through_whoever_asks(both: World) -> None:
    source = both.channel()
    source.send("1", files=["anh"])
    source.files["anh"] = b"..."
    source.go_wrong = [None, *[Transient("timeout")] * 5]
    for _ in range(6):
        both.poll_when_due()
    assert both.row().breaker == "open"
    assert both.polling.claim("worker-1") is None
    assert both.polling.attachments.tick() == 0
    both.due()
    probe = both.polling.claim("worker-1")
    assert probe is not None and both.row().breaker == "half_open"
    assert both.polling.claim("worker-2") is None
    both.polling.run(probe)
    assert (both.row().breaker, both.row().breaker_probes) == ("half_open", 1)
    both.poll_when_due()
    assert both.row().breaker == "closed"
    assert both.polling.attachments.tick() == 1


def test_a_person_may_probe_before_the_time(both: World) -> None:
    both.channel().go_wrong = [Transient("timeout")] * 5
    for _ in range(5):
        both.poll_when_due()
    both.channels.poll_now(both.admin, "a")
    assert both.polling.claim("worker-1") is not None


def test_a_login_that_stops_working_is_one_task_until_a_poll_succeeds(both: World) -> None:
    both.channel().go_wrong = [AuthFailed("401"), AuthFailed("401")]
    both.poll_when_due()
    both.channels.resume(both.admin, "a")
    both.poll_when_due()
    assert alarms(both) == [("reconnect", False)]
    both.channels.change("a", {"secrets": {"password": "moi"}}, actor=both.admin)
    assert alarms(both) == [("reconnect", False)]
    both.poll_when_due()
    assert alarms(both) == [("reconnect", True)]
