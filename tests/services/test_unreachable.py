"""The portal is down on the day of the deadline: who answered in time is not late, who answered late is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from aggregator.domain.workflow import ReplyKind
from aggregator.sdk.discovery import discover
from aggregator.storage import unreachable_queries
from aggregator.storage.case_tables import deadlines, outbox, replies
from aggregator.storage.outage_tables import unreachable_deadlines
from tests.factories import Office
from tests.services.outbox_world import (
    WARD_A,
    WARD_B,
    Portal,
    World,
    impatient,
    portal_config,
    simulated_portal,
)


@pytest.fixture
def office(database_url: str) -> Iterator[tuple[World, Portal]]:
    with simulated_portal() as portal:
        world = World(database_url, {"portal_1022": impatient(discover()["portal_1022"])})
        yield world, portal
        world.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def desk(request: pytest.FixtureRequest) -> Office:
    found: Office = request.getfixturevalue(f"{request.param}_office")
    return found


def answered(world: World, portal: Portal, *, due_in: timedelta) -> tuple[int, int, datetime]:
    """Lan answers now, by a deadline that long from now; case, message, due."""
    channel = world.channel("portal_1022", config=portal_config(portal), options={"settle_s": 1})
    case, report = world.case(channel=channel), world.report(channel, "1")
    message = world.answer(case, report, "Đã vá ổ gà.")
    due = world.clock() + due_in
    with world.db.write() as tx:
        tx.execute(
            insert(deadlines).values(
                report_id=report, step="result", origin="policy", due_at=due, due_soon_at=due,
                met_at=world.clock(),
            )
        )  # fmt: skip
    return case, message, due


def marks(world: World) -> list[Any]:
    with world.db.read() as tx:
        return list(tx.execute(select(unreachable_deadlines)))


def in_period(world: World, due: datetime, ward: str | None = WARD_A) -> int:
    with world.db.read() as tx:
        return unreachable_queries.count(tx, ward, due - timedelta(hours=1), due + timedelta(hours=1))


def test_answered_at_1640_and_the_portal_back_two_days_later(office: tuple[World, Portal]) -> None:
    world, portal = office
    portal.fault("outage", None)
    case, _, due = answered(world, portal, due_in=timedelta(minutes=20))
    for _ in range(6):
        world.work()
        world.clock.wait(600)
    (mark,) = marks(world)
    assert (mark.case_id, mark.due_at, mark.delivered_at) == (case, due, None)
    assert (in_period(world, due), in_period(world, due, WARD_B)) == (1, 0)
    world.clock.wait(2 * 86_400)
    portal.heal()
    world.work_until_quiet()
    (mark,) = marks(world)
    assert mark.delivered_at is not None and mark.delivered_at > due + timedelta(days=2)
    with world.db.read() as tx:
        (row,) = unreachable_queries.of_cases(tx, [case])
    assert (row.capability, row.slug) == ("write", "portal_1022")
    assert row.ended_at == mark.delivered_at
    with world.db.write() as tx:
        tx.execute(update(deadlines).values(met_at=None))
    assert in_period(world, due) == 0, "reopened: it is owed again, and the mark says nothing any more"


def test_what_is_delivered_in_time_or_answered_late_gets_no_mark(office: tuple[World, Portal]) -> None:
    world, portal = office
    answered(world, portal, due_in=timedelta(minutes=20))
    world.work_until_quiet()
    assert marks(world) == []
    portal.fault("outage", None)
    with world.db.write() as tx:
        tx.execute(update(replies).values(at=world.clock()))
    report = world.report(1, "2")
    world.answer(world.case(channel=1), report, "Đã vá.")
    late = world.clock() - timedelta(minutes=1)
    with world.db.write() as tx:
        tx.execute(
            insert(deadlines).values(
                report_id=report, step="result", origin="policy", due_at=late, due_soon_at=late,
                met_at=world.clock(),
            )
        )  # fmt: skip
    for _ in range(3):
        world.work()
        world.clock.wait(600)
    assert marks(world) == []


def test_a_delivery_that_is_late_for_no_reason_of_the_source_gets_no_mark(
    office: tuple[World, Portal],
) -> None:
    world, portal = office
    _, message, _ = answered(world, portal, due_in=timedelta(minutes=20))
    world.clock.wait(86_400)  # our worker was off
    world.work_until_quiet()
    assert world.view(message).sent_at is not None
    assert marks(world) == []


def test_the_answer_of_the_case_page_keeps_the_deadlines_that_are_weighed(desk: Office) -> None:
    """What an officer's answer meets is what is looked for when its delivery is late."""
    case = desk.opens("1")
    desk.cases.reply(desk.lan, case, ReplyKind.RESULT, "Đã vá ổ gà.")
    with desk.db.read() as tx:
        messages = list(tx.scalars(select(outbox.c.id)))
        owed = [row for row in tx.execute(select(deadlines)) if row.step in unreachable_queries.STEPS]
    later = max(row.due_at for row in owed) + timedelta(days=1)
    with desk.db.read() as tx:
        found = unreachable_queries.not_there_when_due(tx, messages, later)
        before = unreachable_queries.not_there_when_due(tx, messages, desk.clock())
    assert {row.step for row in found} == {row.step for row in owed if row.met_at} != set()
    assert "result" in {row.step for row in found}
    assert {row.case_id for row in found} == {case} and before == []
