"""What a source gets of each kind of answer, over HTTP, and of corrections in their order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from aggregator.domain.delivery import Delivery
from aggregator.sdk.contract import ByHand, NoWord, PushCommand
from aggregator.storage.case_tables import outbox, replies
from tests.services.outbox_world import (
    Counter,
    Portal,
    World,
    beside_a_portal,
    counter_found,
    portal_config,
    simulated_portal,
)


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    with simulated_portal(count=9) as running:
        yield running


@pytest.fixture
def online(database_url: str, portal: Portal) -> Iterator[World]:
    with beside_a_portal(database_url, portal) as world:
        yield world


def shown(portal: Portal, number: str) -> str:
    return portal.running.portal.reports[number].status


def corrects(world: World, later: int, first: int) -> None:
    """Make the answer of one message the correction of another's."""
    with world.db.write() as tx:
        found = dict(tx.execute(select(outbox.c.id, outbox.c.reply_id)).all())
        mine = replies.c.id == found[later]
        tx.execute(update(replies).where(mine).values(corrects=found[first]))


KINDS = [
    ("acknowledgement", "in_progress", "no word for a receipt: told as progress"),
    ("progress", "in_progress", "its own word"),
    ("extension", "in_progress", "told as progress"),
    ("transfer", "waiting", "its own word: CHUYEN_TIEP"),
    ("refusal", "resolved", "it knows no refusal: closed, with the reason"),
    ("result", "resolved", "its own word"),
]


def test_the_1022_portal_shows_each_kind_in_its_own_words(online: World, portal: Portal) -> None:
    channel = online.channel("portal_1022", config=portal_config(portal))
    case = online.case(channel=channel)
    sent = {
        kind: online.answer(case, online.report(channel, str(number)), f"Phúc đáp {kind}.", kind=kind)
        for number, (kind, _, _) in enumerate(KINDS, 1)
    }
    online.work()
    for number, (kind, status, note) in enumerate(KINDS, 1):
        assert online.state(sent[kind]) is Delivery.SENT, note
        assert portal.read(str(number)) == [f"Phúc đáp {kind}."]
        assert shown(portal, str(number)) == status, note


def test_a_channels_own_words_go_over_the_manifests(online: World, portal: Portal) -> None:
    words = {"answer_words": {"transfer": "DA_XU_LY"}, "status_map": {"CHUYEN_TIEP": "in_progress"}}
    channel = online.channel("portal_1022", config=portal_config(portal), options=words)
    case = online.case(channel=channel)
    gone = online.answer(case, online.report(channel, "7"), "Đã chuyển nơi khác.", kind="transfer")
    begun = online.answer(case, online.report(channel, "8"), "Đang xem.", kind="progress")
    online.work()
    assert {online.state(gone), online.state(begun)} == {Delivery.SENT}
    assert (shown(portal, "7"), shown(portal, "8")) == ("resolved", "waiting")


def test_a_correction_comes_behind_the_answer_and_leaves_the_state_as_it_stands(
    online: World, portal: Portal
) -> None:
    channel = online.channel("portal_1022", config=portal_config(portal))
    case, report = online.case(channel=channel), online.report(channel, "9")
    portal.fault("outage", count=None)
    first = online.answer(case, report, "Đang chờ vật tư.", kind="progress")
    online.answer(case, report, "Đã thay đèn số 12.", kind="result")
    third = online.answer(
        case, report, "Đính chính phúc đáp ngày 02/03/2026:\nVật tư về rồi.", kind="correction"
    )
    corrects(online, third, first)
    online.work()
    assert portal.read("9") == []
    portal.heal()
    online.clock.wait(600)
    online.poll_succeeds(channel)
    online.work_until_quiet()
    assert [words.split(":")[0] for words in portal.read("9")] == [
        "Đang chờ vật tư.", "Đã thay đèn số 12.", "Đính chính phúc đáp ngày 02/03/2026",
    ]  # fmt: skip
    assert shown(portal, "9") == "resolved", "correcting a word of progress does not open the report again"


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def world(database_url: str, counter: Counter) -> Iterator[World]:
    found = {
        "all": counter_found(
            counter,
            "all",
            push_kinds=("result", "progress", "refusal", "transfer", "extension", "correction"),
        ),
        "final": counter_found(counter, "final", push_kinds=("result", "refusal")),
    }
    world = World(database_url, found)
    yield world
    world.close()


def sent(counter: Counter) -> list[tuple[str, str, str | None]]:
    return [(one.kind, one.status.value, one.corrects) for one in counter.commands]


def test_a_source_with_a_word_for_it_learns_what_is_corrected_who_goes_on_and_until_when(
    world: World, counter: Counter
) -> None:
    channel = world.channel("all")
    case, report = world.case(channel=channel), world.report(channel, "1")
    first = world.answer(case, report, "Đã xong.")
    second = world.answer(case, report, "Đính chính.", kind="correction")
    corrects(world, second, first)
    other = world.answer(case, world.report(channel, "2"), "Đã chuyển.", kind="transfer")
    due = datetime(2026, 12, 1, 10, tzinfo=UTC)
    with world.db.write() as tx:
        mine = select(outbox.c.reply_id).where(outbox.c.id == other).scalar_subquery()
        tx.execute(update(replies).where(replies.c.id == mine).values(transfer_to="Công ty X", due_at=due))
    world.work_until_quiet()
    assert sorted(sent(counter)) == [
        ("correction", "resolved", "ref-1"), ("result", "resolved", None), ("transfer", "rejected", None),
    ]  # fmt: skip
    told = next(one for one in counter.commands if one.kind == "transfer")
    assert (told.transfer_to, told.due_at) == ("Công ty X", due)


def test_what_has_no_word_there_waits_for_a_person_who_is_told_so(world: World, counter: Counter) -> None:
    channel = world.channel("final")
    case = world.case(channel=channel)
    late = world.answer(case, world.report(channel, "1"), "Xin lùi hạn.", kind="extension")
    gone = world.answer(case, world.report(channel, "2"), "Đã chuyển.", kind="transfer")
    world.work()
    assert world.state(late) is Delivery.MANUAL and world.state(gone) is Delivery.SENT
    assert "không nhận loại phúc đáp" in world.view(late).hint_vi
    assert sent(counter) == [("refusal", "rejected", None)]
    assert world.has_problem(case)


def test_once_the_word_is_named_the_answer_goes_after_all(world: World, counter: Counter) -> None:
    def lacks_word(_command: PushCommand) -> None:
        raise NoWord("the channel names no word for this")

    channel = world.channel("all")
    case = world.case(channel=channel)
    message = world.answer(case, world.report(channel, "1"), "Đã chuyển.", kind="transfer")
    counter.next_push = [lacks_word]
    world.work()
    assert world.state(message) is Delivery.MANUAL
    assert "chưa khai báo trạng thái" in world.view(message).hint_vi
    world.outbox.retry(world.lan, message)
    world.work_until_quiet()
    assert world.state(message) is Delivery.SENT
    assert issubclass(NoWord, ByHand)
    assert not world.has_problem(case)
