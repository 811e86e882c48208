"""Answers on their way: once, in order, and never sent blindly; what people see and decide."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from aggregator.domain.delivery import STUBBORN, Delivery
from aggregator.errors import (
    AuthFailed,
    ConfigInvalid,
    NotAllowed,
    NotFound,
    Permanent,
    RateLimited,
    SchemaDrift,
    Transient,
    UnknownOutcome,
)
from aggregator.sdk.contract import PushCommand, PushResult, SourceStatus
from aggregator.services.delivering import RUN, DrainResult
from aggregator.services.evidence import Evidence
from aggregator.storage.db import Tx
from tests.services.outbox_world import (
    Counter,
    Portal,
    World,
    beside_a_portal,
    counter_found,
    portal_config,
    simulated_portal,
)

WORDS = "Đã lấp ổ gà trước số 12. Cảm ơn ông/bà."
LATER = "Đã nghiệm thu."


#: What a push does before, or instead of, taking the answer.
Step = Callable[[PushCommand], None]


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def world(database_url: str, counter: Counter) -> Iterator[World]:
    """A ward with a source that can be read back, one that cannot, and one without a write call."""
    found = {
        "counter": counter_found(counter),
        "deaf": counter_found(counter, "deaf", idempotency="none"),
        "paper": counter_found(counter, "paper", push_reply=False, idempotency="none"),
    }
    world = World(database_url, found)
    yield world
    world.close()


@pytest.fixture(scope="module")
def portal() -> Iterator[Portal]:
    with simulated_portal(count=40) as running:
        yield running


@pytest.fixture
def online(database_url: str, portal: Portal) -> Iterator[World]:
    with beside_a_portal(database_url, portal) as world:
        yield world


def fail(
    error: Exception, *, after: Callable[[PushCommand], None] | None = None
) -> Callable[[PushCommand], None]:
    def failing(command: PushCommand) -> None:
        if after is not None:
            after(command)
        raise error

    return failing


def one(world: World, kind: str = "counter", words: str = WORDS, **more: Any) -> tuple[int, int, int, int]:
    """A channel, a case, its report "7", and an answer on its way."""
    channel = world.channel(kind, **more)
    case, report = world.case(channel=channel), world.report(channel, "7")
    return channel, case, report, world.answer(case, report, words)


# Over HTTP, against a simulated portal ----------------------------------------------------------------


def test_an_answer_reaches_the_portal_once_and_a_poll_confirms_it(online: World, portal: Portal) -> None:
    channel, case, report, message = one(online, "portal_1022", config=portal_config(portal))
    assert online.work().sent == 1
    assert portal.read("7") == [WORDS]
    assert online.state(message) is Delivery.SENT
    assert online.work().total == 0

    online.poll_shows(channel, report, ["  " + WORDS.replace(" ", "\n") + " "])
    assert online.state(message) is Delivery.ACKNOWLEDGED
    assert [entry["state"] for entry in online.log_of(message)] == ["sent", "acknowledged"]
    assert not online.has_problem(case)


def test_a_poll_takes_the_chain_before_the_messages_as_workers_do(online: World, portal: Portal) -> None:
    """The other way round a poll and a batch could wait for each other."""
    channel, _, report, _ = one(online, "portal_1022", config=portal_config(portal))
    online.work()
    told: list[str] = []
    event.listen(online.db.engine, "before_cursor_execute", lambda *a: told.append(a[2]))
    online.poll_shows(channel, report, [WORDS])

    tables = [statement.split()[1] if statement.startswith("UPDATE") else statement for statement in told]
    heads = next(number for number, said in enumerate(tables) if "ledger_heads" in said)
    assert heads < tables.index("outbox")


def test_an_answer_that_was_taken_though_the_line_dropped_is_looked_up_not_repeated(
    online: World, portal: Portal
) -> None:
    _channel, _, _, message = one(online, "portal_1022", config=portal_config(portal))
    portal.fault("commit_then_drop")
    writes = portal.writes()
    assert online.work().waiting == 1
    assert online.state(message) is Delivery.CONFIRMING

    online.clock.wait(59)
    assert online.work().total == 0, "the portal still has its settling time"
    online.clock.wait(1)
    assert online.work().sent == 1
    assert portal.read("7") == [WORDS]
    assert portal.writes() == writes + 1
    assert online.state(message) is Delivery.ACKNOWLEDGED, "its words were seen"
    assert [entry["state"] for entry in online.log_of(message)] == ["confirming", "acknowledged"]


def test_a_portal_that_was_away_gets_everything_once_and_in_order(online: World, portal: Portal) -> None:
    channel = online.channel("portal_1022", config=portal_config(portal))
    case = online.case(channel=channel)
    first, second = online.report(channel, "1"), online.report(channel, "2")
    for report in (first, second):
        online.answer(case, report, "Đang kiểm tra.", kind="progress")
        online.clock.wait(1)
        online.answer(case, report, WORDS)
    portal.fault("outage", count=None, path=None)
    for _ in range(20):
        online.work()
        assert all(online.view(row.id).held for row in online.rows())
        assert "Tự gửi lại" in online.view(online.rows()[-1].id).hint_vi
        online.clock.wait(300)
    assert portal.read("1") == portal.read("2") == []
    assert all(row.state == "pending" for row in online.rows())
    assert sum(row.attempts for row in online.rows()) <= 20, "one probe a pause, whatever the queue"

    portal.heal()
    online.clock.wait(300)
    online.work()
    assert portal.read("1") == portal.read("2") == ["Đang kiểm tra.", WORDS]


def test_an_outage_costs_no_reply_even_where_the_portal_answers_nonsense(
    online: World, portal: Portal
) -> None:
    _, _, _, message = one(online, "portal_1022", config=portal_config(portal))
    for kind in ("maintenance", "login_page", "truncate"):
        portal.fault(kind, count=1, path="xuly$")
    online.work_until_quiet()
    assert portal.read("7") == [WORDS]
    assert online.state(message) in (Delivery.SENT, Delivery.ACKNOWLEDGED)


# Never blind ------------------------------------------------------------------------------------------


def test_a_worker_that_died_between_push_and_settle_doubles_nothing(world: World, counter: Counter) -> None:
    _, _, _, message = one(world)
    claimed = world.outbox.claim("dies")
    assert claimed is not None
    counter.take(PushCommand(idempotency_key="k", external_id="7", kind="result", body=WORDS,
                             status=SourceStatus.RESOLVED, at=world.clock()))  # fmt: skip
    world.clock.wait(world.settings.lease_s - 1)
    assert world.work().total == 0, "the lease still runs"
    world.clock.wait(1)
    assert world.work().sent == 1
    assert counter.taken["7"] == [WORDS]
    assert counter.pushes == 0
    assert world.state(message) is Delivery.ACKNOWLEDGED


def test_a_worker_that_died_before_its_push_loses_nothing(world: World, counter: Counter) -> None:
    one(world)
    assert world.outbox.claim("dies") is not None
    world.clock.wait(world.settings.lease_s)
    assert world.work().sent == 1
    assert counter.taken["7"] == [WORDS]
    assert counter.looks == 1, "looked first: nobody could know"


def test_a_dead_workers_message_is_left_for_the_channels_own_settling_time(
    world: World, counter: Counter
) -> None:
    one(world, options={"settle_s": 600})
    assert world.outbox.claim("dies") is not None
    world.clock.wait(world.settings.push_deadline_s + 599)
    assert world.work().total == 0
    world.clock.wait(1)
    assert world.work().sent == 1


def test_a_worker_that_wakes_up_late_finds_its_word_dropped(world: World, counter: Counter) -> None:
    _, _, _, message = one(world)
    slow = world.outbox.claim("slow")
    assert slow is not None
    world.clock.wait(world.settings.lease_s)
    taken_over = world.another_worker().claim("quick")
    assert taken_over is not None and taken_over.messages[0].look_first
    counter.next_push.append(fail(Permanent("no")))
    assert world.outbox.deliver(slow) == DrainResult(lost=1)
    assert world.state(message) is Delivery.CONFIRMING
    assert world.log_of(message) == []


def test_what_is_absent_after_settling_is_pushed_again_in_the_same_try(
    world: World, counter: Counter
) -> None:
    _, _, _, message = one(world)
    counter.next_push.append(fail(UnknownOutcome("lost")))
    world.work()
    world.clock.wait(60)
    assert world.work().sent == 1
    assert (counter.pushes, counter.looks) == (2, 1)
    assert [command.attempt for command in counter.commands] == [1, 2]
    assert {command.idempotency_key for command in counter.commands} == {counter.commands[0].idempotency_key}
    assert world.state(message) is Delivery.SENT


def test_a_look_that_fails_keeps_the_message_in_doubt(world: World, counter: Counter) -> None:
    _, _, _, message = one(world)
    counter.next_push.append(fail(UnknownOutcome("lost"), after=counter.take))
    for error in (Transient("away"), SchemaDrift("maintenance page"), KeyError("bug")):
        counter.next_look.append(lambda error=error: fail(error)(None))  # type: ignore[misc]
    for _ in range(4):
        world.work()
        assert world.state(message) is Delivery.CONFIRMING
        world.clock.wait(300)
    world.work()
    assert counter.taken["7"] == [WORDS]
    assert counter.pushes == 1


def test_two_answers_with_the_same_words_are_two_answers(world: World, counter: Counter) -> None:
    channel, case, report, first = one(world)
    second = world.answer(case, report, WORDS)
    counter.next_push += [lambda command: None, fail(UnknownOutcome("lost"))]
    world.work()
    assert (world.state(first), world.state(second)) == (Delivery.SENT, Delivery.CONFIRMING)
    world.poll_shows(channel, report, [WORDS])
    assert (world.state(first), world.state(second)) == (Delivery.ACKNOWLEDGED, Delivery.CONFIRMING)
    world.clock.wait(60)
    world.work()
    assert counter.taken["7"] == [WORDS, WORDS]
    world.poll_shows(channel, report, [WORDS, WORDS])
    assert world.state(second) is Delivery.ACKNOWLEDGED


def test_a_bug_in_a_connector_is_treated_as_may_have_left(
    world: World, counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    _, _, _, message = one(world)
    counter.next_push.append(fail(KeyError("Nguyễn Văn Tám 0900000001"), after=counter.take))
    world.work()
    assert world.state(message) is Delivery.CONFIRMING
    assert f"outbox message {message}" in caplog.text and "KeyError" in caplog.text
    assert "0900000001" not in caplog.text
    world.clock.wait(60)
    world.work()
    assert counter.taken["7"] == [WORDS]


def test_a_refusal_in_words_that_no_database_takes_is_settled_all_the_same(
    world: World, counter: Counter
) -> None:
    _, _, _, message = one(world)
    counter.next_push.append(fail(Permanent("refused: '\x00\ud800'", message_vi="\x00")))
    world.work()
    assert (world.state(message), world.view(message).error) == (Delivery.DEAD, "refused: ''")


def test_a_report_that_vanished_at_the_source_is_a_persons_matter(world: World, counter: Counter) -> None:
    _, case, _, message = one(world)
    counter.next_push.append(fail(UnknownOutcome("lost")))
    world.work()
    counter.lookup = lambda *_: None  # type: ignore[method-assign, assignment]
    world.clock.wait(60)
    assert world.work().failed == 1
    assert world.state(message) is Delivery.UNCLEAR
    assert world.has_problem(case)


# Order ------------------------------------------------------------------------------------------------


def test_a_later_answer_waits_for_the_earlier_one_of_its_report_alone(world: World, counter: Counter) -> None:
    channel, case, report, first = one(world)
    second = world.answer(case, report, LATER)
    other = world.answer(case, world.report(channel, "8"), WORDS)
    counter.next_push.append(fail(UnknownOutcome("lost")))
    world.work()
    assert world.state(first) is Delivery.CONFIRMING
    assert world.state(second) is Delivery.PENDING
    assert "phúc đáp trước" in world.view(second).hint_vi
    assert world.state(other) is Delivery.SENT
    world.clock.wait(60)
    world.work()
    assert counter.taken["7"] == [WORDS, LATER]


def test_an_answer_that_was_refused_does_not_hold_the_next_one(world: World, counter: Counter) -> None:
    _, case, report, first = one(world)
    second = world.answer(case, report, LATER)
    counter.next_push.append(fail(Permanent("too long")))
    result = world.work()
    assert (result.failed, result.sent) == (1, 1)
    assert (world.state(first), world.state(second)) == (Delivery.DEAD, Delivery.SENT)
    assert world.view(first).error == "too long"


def test_a_long_queue_of_one_channel_does_not_starve_another(world: World, counter: Counter) -> None:
    channel, quiet = world.channel("counter"), world.channel("counter", slug="quiet")
    world.many_answers(channel, 2 * RUN)
    case = world.case(channel=quiet)
    message = world.answer(case, world.report(quiet, "b"), WORDS)
    assert world.work(limit=RUN + 1).sent == RUN + 1
    assert world.state(message) is Delivery.SENT


# The channel ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error, state, hint",
    [
        (AuthFailed("401"), "needs_reauth", "đăng nhập lại"),
        (ConfigInvalid("404"), "misconfigured", "Cài đặt của kênh"),
    ],
)
def test_a_channel_that_needs_a_person_holds_its_queue_and_counts_nothing(
    world: World, counter: Counter, error: Exception, state: str, hint: str
) -> None:
    channel, case, _, message = one(world)
    other = world.answer(case, world.report(channel, "8"), WORDS)
    counter.next_push.append(fail(error))
    world.work()
    assert world.schedule(channel).state == state
    assert [row.attempts for row in world.rows()] == [0, 0]
    assert (world.state(message), world.state(other)) == (Delivery.PENDING, Delivery.PENDING)
    assert hint in world.view(message).hint_vi
    world.clock.wait(86_400)
    assert world.work().total == 0

    world.set_schedule(channel, state="ok")
    assert world.work().sent == 2


def test_a_paused_channel_sends_nothing(world: World) -> None:
    channel, _, _, message = one(world)
    world.set_schedule(channel, paused=True)
    assert world.work().total == 0
    assert "tạm dừng" in world.view(message).hint_vi
    world.set_schedule(channel, paused=False)
    assert world.work().sent == 1


def test_a_failing_channel_is_probed_with_growing_pauses_and_tells_why(
    world: World, counter: Counter
) -> None:
    channel, case, _, _ = one(world)
    for number in range(5):
        world.answer(case, world.report(channel, f"a{number}"), WORDS)
    counter.next_push += [fail(Transient("no route"))] * 3
    pauses = []
    for failures in (1, 2, 3):
        assert world.work().waiting == 1, "one probe, then the channel is left alone"
        row = world.schedule(channel)
        assert (row.write_failures, row.write_error_code, row.write_error) == (
            failures,
            "transient",
            "no route",
        )
        pauses.append((row.write_open_until - world.clock()).total_seconds())
        world.clock.at = row.write_open_until
    assert 15 <= pauses[0] <= 30 <= pauses[1] <= 60 <= pauses[2] <= 120
    assert world.work().sent == 6
    row = world.schedule(channel)
    assert (row.write_failures, row.write_open_until, row.write_error) == (0, None, None)


def test_a_channel_that_asks_to_wait_is_waited_for_as_told(world: World, counter: Counter) -> None:
    channel, _, _, message = one(world)
    counter.next_push.append(fail(RateLimited("429", retry_after=90)))
    world.work()
    assert world.rows()[0].attempts == 0
    assert world.schedule(channel).write_failures == 0
    world.clock.wait(89)
    assert world.work().total == 0
    assert "gửi chậm lại" in world.view(message).hint_vi
    world.clock.wait(1)
    assert world.work().sent == 1


def test_a_poll_that_succeeds_wakes_the_queue(world: World, counter: Counter) -> None:
    channel, _, _, _ = one(world)
    counter.next_push.append(fail(Transient("away")))
    world.work()
    assert world.work().total == 0
    world.poll_succeeds(channel)
    assert world.work().sent == 1


def test_a_poll_that_succeeds_does_not_cut_the_settling_time_short(world: World, counter: Counter) -> None:
    channel, _, _, _ = one(world)
    counter.next_push.append(fail(UnknownOutcome("lost")))
    world.work()
    world.poll_succeeds(channel)
    assert world.work().total == 0
    counter.next_look.append(lambda: fail(Transient("away"))(counter.commands[0]))
    world.clock.wait(60)
    world.work()
    assert world.work().total == 0, "could not look: backs off"
    world.poll_succeeds(channel)
    assert world.work().sent == 1, "settled before that look already"


def test_a_poll_that_succeeds_does_not_overrule_a_portal_that_asks_to_wait(
    world: World, counter: Counter
) -> None:
    channel, _, _, message = one(world)
    counter.next_push.append(fail(RateLimited("429", retry_after=90)))
    world.work()
    world.poll_succeeds(channel)
    world.outbox.retry(None, message)
    assert world.work().total == 0
    world.clock.wait(90)
    assert world.work().sent == 1


def test_a_poll_that_succeeds_leaves_a_lease_alone(world: World, counter: Counter) -> None:
    channel, _, _, _ = one(world)
    counter.next_push.append(fail(UnknownOutcome("lost")))
    counter.next_look.append(lambda: fail(Transient("away"))(counter.commands[0]))
    world.work()
    world.clock.wait(60)
    world.work()
    world.clock.wait(300)
    assert world.outbox.claim("at work") is not None
    world.poll_succeeds(channel)
    assert world.work().total == 0


def test_an_answer_says_who_gives_it_when_and_what_it_means(world: World, counter: Counter) -> None:
    _channel, case, report, _ = one(world, words="Không thuộc thẩm quyền.")
    for kind in ("progress", "refusal"):
        world.answer(case, report, f"{kind}.", kind=kind)
    world.work()
    told = [(command.kind, command.status.value) for command in counter.commands]
    assert told == [("result", "resolved"), ("progress", "in_progress"), ("refusal", "rejected")]
    first = counter.commands[0]
    assert (first.author_name, first.author_title, first.unit_name) == ("Trần Thị Lan", "Cán bộ", "Phường A")
    assert (first.external_id, first.body, first.attempt) == ("7", "Không thuộc thẩm quyền.", 1)


def test_a_push_that_worked_with_a_warning_is_sent(world: World, counter: Counter) -> None:
    _, _, _, message = one(world)
    counter.push = lambda *_: PushResult("sent", "r1", warning="the status could not be set")  # type: ignore[method-assign, assignment]
    assert world.work().sent == 1
    assert world.view(message).error == "the status could not be set"
    assert world.rows()[0].remote_ref == "r1"


# A person decides -------------------------------------------------------------------------------------


def test_a_channel_without_a_write_call_hands_the_answer_to_a_person(world: World, counter: Counter) -> None:
    channel, case, report, message = one(world, "paper")
    assert world.state(message) is Delivery.MANUAL
    assert world.has_problem(case)
    assert world.work().total == 0
    (item,) = world.errands.page(world.lan).rows
    assert (item.delivery.id, item.case_id, item.body, item.kind) == (message, case, WORDS, "result")
    assert "dán nội dung" in item.delivery.hint_vi

    ticked = world.errands.tick(world.lan, message, once="form-1")
    assert ticked is Delivery.SENT
    assert world.errands.tick(world.lan, message, once="form-1") is Delivery.SENT, "the same post"
    row = world.rows()[0]
    assert (row.officer_id, row.sent_at) == (world.lan.id, world.clock())
    assert not world.has_problem(case)
    assert [one.need for one in world.errands.page(world.lan).rows] == []
    with pytest.raises(NotAllowed):
        world.errands.tick(world.lan, message, once="form-2")

    world.poll_shows(channel, report, [WORDS])
    assert world.state(message) is Delivery.ACKNOWLEDGED
    assert [entry["state"] for entry in world.log_of(message)] == ["sent", "acknowledged"]


def test_an_answer_carried_over_but_not_ticked_is_confirmed_by_the_next_poll(world: World) -> None:
    channel, case, report, message = one(world, "paper")
    world.poll_shows(channel, report, ["another office's answer"])
    assert world.state(message) is Delivery.MANUAL
    world.poll_shows(channel, report, [WORDS])
    assert world.state(message) is Delivery.ACKNOWLEDGED
    assert not world.has_problem(case)


@pytest.mark.parametrize("arrived", [True, False])
def test_where_a_source_cannot_be_read_back_a_person_says_whether_it_arrived(
    world: World, counter: Counter, arrived: bool
) -> None:
    _, case, _, message = one(world, "deaf")
    counter.next_push.append(fail(UnknownOutcome("lost"), after=counter.take if arrived else None))
    assert world.work().failed == 1
    assert world.state(message) is Delivery.UNCLEAR
    assert world.has_problem(case)
    world.clock.wait(86_400)
    assert world.work().total == 0, "no worker ever decides this"
    with pytest.raises(NotAllowed):
        world.outbox.retry(world.lan, message)

    world.errands.resolve_unclear(world.lan, message, arrived, once="form")
    world.errands.resolve_unclear(world.lan, message, arrived, once="form")
    assert not world.has_problem(case)
    world.work()
    assert world.state(message) is Delivery.SENT
    assert counter.taken["7"] == [WORDS]
    assert counter.looks == 0


def test_a_person_who_looks_before_the_source_has_settled_is_asked_to_look_again(
    world: World, counter: Counter
) -> None:
    _, _, _, message = one(world, "deaf")
    counter.next_push.append(fail(UnknownOutcome("lost")))
    world.work()
    world.clock.wait(59)
    with pytest.raises(NotAllowed) as early:
        world.errands.resolve_unclear(world.lan, message, False)
    assert "sau 1 giây" in early.value.message_vi
    assert world.state(message) is Delivery.UNCLEAR
    world.clock.wait(1)
    assert world.errands.resolve_unclear(world.lan, message, False) is Delivery.PENDING


def test_a_dead_worker_and_no_reading_back_needs_a_person(world: World, counter: Counter) -> None:
    _, _, _, message = one(world, "deaf")
    assert world.outbox.claim("dies") is not None
    world.clock.wait(world.settings.lease_s)
    assert world.work().failed == 1
    assert world.state(message) is Delivery.UNCLEAR
    assert (counter.pushes, counter.looks) == (0, 0)


def test_a_failure_before_anything_was_said_waits_even_where_nothing_can_be_read_back(
    world: World, counter: Counter
) -> None:
    _, _, _, message = one(world, "deaf")
    counter.next_push.append(fail(Transient("no route")))
    world.work()
    assert world.state(message) is Delivery.PENDING
    world.clock.wait(30)
    assert world.work().sent == 1


def test_a_refused_answer_is_tried_again_when_a_person_asks_and_looked_up_first(
    world: World, counter: Counter
) -> None:
    _, case, _, message = one(world)
    counter.next_push.append(fail(Permanent("closed at the source")))
    world.work()
    assert world.state(message) is Delivery.DEAD
    assert world.has_problem(case)
    world.outbox.retry(world.lan, message)
    assert not world.has_problem(case)
    assert world.work().sent == 1
    assert counter.looks == 1
    assert [e["state"] for e in world.log_of(message)] == ["dead", "confirming", "sent"]
    with pytest.raises(NotAllowed):
        world.outbox.retry(None, message)


def test_retry_opens_a_channel_that_backs_off(world: World, counter: Counter) -> None:
    _, _, _, message = one(world)
    counter.next_push.append(fail(Transient("away")))
    world.work()
    world.outbox.retry(None, message)
    assert world.work().sent == 1


def test_a_refused_answer_may_be_carried_over_by_hand(world: World, counter: Counter) -> None:
    _channel, case, _report, message = one(world)
    counter.next_push.append(fail(Permanent("too long")))
    world.work()
    world.errands.tick(world.lan, message)
    assert world.state(message) is Delivery.SENT
    assert not world.has_problem(case)


def test_an_answer_that_keeps_failing_marks_its_case_and_is_tried_on(world: World, counter: Counter) -> None:
    _channel, case, _, message = one(world)
    counter.next_push += [fail(Transient("away"))] * (STUBBORN + 1)
    for _ in range(STUBBORN):
        world.work()
        assert not world.has_problem(case)
        world.clock.wait(300)
    world.work()
    assert world.has_problem(case)
    world.clock.wait(300)
    world.work()
    assert world.state(message) is Delivery.SENT
    assert not world.has_problem(case)


def test_hue_of_ward_b_neither_sees_nor_decides_ward_as_answers(world: World) -> None:
    _, _, _, message = one(world, "paper")
    assert world.errands.page(world.hue).rows == ()
    assert world.outbox.list(world.hue) == ()
    acts: list[Callable[[int], Any]] = [
        lambda id_: world.errands.tick(world.hue, id_),
        lambda id_: world.errands.resolve_unclear(world.hue, id_, True),
        lambda id_: world.outbox.retry(world.hue, id_),
    ]
    for act in acts:
        with pytest.raises(NotFound) as hidden:
            act(message)
        with pytest.raises(NotFound) as missing:
            act(999_999)
        assert str(hidden.value).replace(str(message), "?") == str(missing.value).replace("999999", "?")
    assert [view.id for view in world.outbox.list(world.minh)] == [message]
    assert world.state(message) is Delivery.MANUAL


# Seen at the source -----------------------------------------------------------------------------------


def test_words_seen_before_our_first_try_are_somebody_elses(world: World) -> None:
    channel, _, report, message = one(world)
    world.poll_shows(channel, report, [WORDS])
    assert world.state(message) is Delivery.PENDING


def test_a_message_in_doubt_is_confirmed_by_a_poll_and_the_worker_finds_its_lease_gone(
    world: World, counter: Counter
) -> None:
    channel, _, report, message = one(world)
    claimed = world.outbox.claim("slow")
    assert claimed is not None
    world.poll_shows(channel, report, [WORDS])
    assert world.state(message) is Delivery.ACKNOWLEDGED
    assert world.outbox.deliver(claimed) == DrainResult(lost=1)
    assert world.state(message) is Delivery.ACKNOWLEDGED


def test_another_channels_poll_confirms_nothing(world: World) -> None:
    _, _, report, message = one(world)
    world.work()
    world.poll_shows(world.channel("deaf"), report, [WORDS])
    assert world.state(message) is Delivery.SENT


# Evidence ---------------------------------------------------------------------------------------------


def test_every_step_is_in_the_ledger_with_evidence_and_without_words(world: World, counter: Counter) -> None:
    channel, _case, report, message = one(world)
    evidence = {"status": 503, "body_sha256": "ab" * 32, "url": "http://portal/7", "marker": "Nguyễn Tám"}
    counter.next_push += [fail(Transient("away")), fail(UnknownOutcome("503", evidence=evidence))]
    world.work()
    world.clock.wait(30)
    world.work()
    world.clock.wait(300)
    world.work()
    world.poll_shows(channel, report, [WORDS])
    log = world.log_of(message)
    assert [entry["state"] for entry in log] == ["pending", "confirming", "sent", "acknowledged"]
    assert [entry["attempt"] for entry in log] == [1, 2, 3, 3]
    assert [entry.get("error") for entry in log] == ["transient", "unknown_outcome", None, None]
    assert log[1]["evidence"] == {"status": 503, "body_sha256": "ab" * 32}
    assert all(entry["report"] == report and entry["channel"] == "counter" for entry in log)
    assert WORDS not in str(log) and "Tám" not in str(log)
    assert Evidence(world.db).verify().findings == ()


# Several workers --------------------------------------------------------------------------------------


def test_drains_that_race_deliver_each_answer_once_and_in_order(world: World, counter: Counter) -> None:
    channel, case, report, _ = one(world, words="0")
    for number in range(1, 8):
        world.answer(case, report, str(number))
        world.answer(case, world.report(channel, f"other {number}"), WORDS)
    errors: list[BaseException] = []

    def drain(name: str) -> None:
        try:
            worker = world.another_worker()
            while world.rows(state=("pending", "leased", "confirming")):
                worker.drain(name, 3)
        except BaseException as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=drain, args=(f"worker-{n}",)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert counter.taken["7"] == [str(number) for number in range(8)]
    assert all(counter.taken[f"other {number}"] == [WORDS] for number in range(1, 8))
    assert all(row.attempts == 1 for row in world.rows())


def test_a_claim_costs_the_same_however_long_the_queues_are_and_whatever_waits_in_front(world: World) -> None:
    """In the database's own units, for time would measure the machine: SQLite's steps, PostgreSQL's pages."""
    channel, held = world.channel("counter"), world.channel("counter", slug="held")
    world.set_schedule(held, paused=True)
    world.many_answers(channel, 300)
    short = _cost_of_a_claim(world)
    world.many_answers(channel, 1500)
    world.many_answers(held, 1500, ago=timedelta(days=1))
    world.many_answers(channel, 1500, ago=timedelta(days=-1))  # pending, later
    world.many_answers(channel, 1500, ago=timedelta(days=2), behind=True)
    long = _cost_of_a_claim(world)
    print(f"cost of a claim: {short} with 300 messages waiting, {long} with 6,300")
    assert long <= 1.3 * short, "but for the height of the indexes nothing grows"


def _cost_of_a_claim(world: World) -> int:
    with world.db.write() as tx:
        if world.db.dialect == "postgresql":
            tx.exec_driver_sql("ANALYZE")
            # A few hundred rows it reads from end to end; what is asked is how the way by the index grows.
            tx.exec_driver_sql("SET LOCAL enable_seqscan = off")
            return _pages_of_a_claim(world, tx)
        steps = [0]

        def step() -> None:
            steps[0] += 1

        raw = tx.connection.dbapi_connection
        assert raw is not None
        with tx.begin_nested() as undone:
            raw.set_progress_handler(step, 1)
            assert world.outbox.deliveries.claim_in(tx, "counting", 20) is not None
            raw.set_progress_handler(None, 1)
            undone.rollback()
        return steps[0]


def _pages_of_a_claim(world: World, tx: Tx) -> int:
    said: list[tuple[str, Any]] = []

    def listen(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        said.append((statement, parameters))

    with tx.begin_nested() as undone:
        event.listen(world.db.engine, "before_cursor_execute", listen)
        assert world.outbox.deliveries.claim_in(tx, "counting", 20) is not None
        event.remove(world.db.engine, "before_cursor_execute", listen)
        undone.rollback()
    pages = 0
    with tx.begin_nested() as undone:
        for statement, parameters in said:
            explained = tx.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
            plan = explained.scalar_one()[0]["Plan"]
            pages += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        undone.rollback()
    return pages
