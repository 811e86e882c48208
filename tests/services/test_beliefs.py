"""What a portal shows beside what we believe: found, told once, and put right by a person."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from aggregator.domain.beliefs import Kind, Remedy
from aggregator.domain.workflow import ReplyKind, Status
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed, NotFound
from aggregator.sdk.contract import SourceStatus
from aggregator.services.belief_views import DifferenceView
from aggregator.storage import belief_queries, case_queries
from aggregator.storage.channel_tables import channels
from tests.factories import Office, apart
from tests.services.beliefs_world import A_DAY, OURS, SLUG, THEIRS, Beside, beside_a_portal
from tests.services.polling_world import WARD_B
from tests.web.test_budgets import statements


@pytest.fixture
def both(database_url: str, tmp_path: Path) -> Iterator[Beside]:
    with beside_a_portal(database_url, tmp_path) as made:
        yield made


@pytest.fixture
def beside(sqlite_url: str, tmp_path: Path) -> Iterator[Beside]:
    with beside_a_portal(sqlite_url, tmp_path) as made:
        yield made


# A colleague answered at the portal ----------------------------------------------------------------


def test_a_colleagues_answer_is_adopted_and_stops_the_clock_when_it_was_given(both: Beside) -> None:
    case = both.case_of("1")
    both.colleague("1", THEIRS, status="resolved")
    given = both.clock()
    both.polled(minutes=240)
    one = both.only()
    assert (one.kind, one.case_id, one.adopted_as) == (Kind.ANSWER_FOREIGN, case, ReplyKind.RESULT)
    assert "".join(part.text for part in one.theirs) == THEIRS and one.written_at == given
    (event,) = both.events(case, "source_differs")
    assert event["what"] == "answer_foreign" and THEIRS not in str(event), "hashes only"

    both.app.beliefs.settle(both.lan, one.id, Remedy.ADOPT)
    row = both.row_of(case)
    assert (row.status, row.closed_at, row.is_open) == (Status.RESOLVED, given, False)
    (adopted,) = both.events(case, "answer_adopted")
    assert adopted["answered_at"] == given.isoformat() < adopted["seen_at"]
    (reply,) = both.app.cases.case(both.lan, case).replies
    assert (reply.body, reply.at, [one.state for one in reply.deliveries]) == (
        THEIRS,
        given,
        ["acknowledged"],
    )
    both.delivered()
    both.polled()
    assert (both.differences(), both.citizens_read("1")) == ([], [THEIRS]), (
        "nothing was sent, nothing differs"
    )
    both.is_sound()


def test_a_colleagues_word_on_the_progress_leaves_the_case_open(beside: Beside) -> None:
    case = beside.case_of("1")
    beside.colleague("1", THEIRS)
    beside.polled()
    one = beside.only()
    assert one.adopted_as is ReplyKind.PROGRESS
    beside.app.beliefs.settle(beside.lan, one.id, Remedy.ADOPT)
    row = beside.row_of(case)
    assert (row.status, row.is_open, row.closed_at) == (Status.IN_PROGRESS, True, None)
    beside.is_sound()


def test_what_is_not_ours_is_not_told_again_until_it_says_something_else(beside: Beside) -> None:
    beside.colleague("1", THEIRS)
    beside.polled()
    beside.app.beliefs.settle(beside.lan, beside.only().id, Remedy.NOT_OURS)
    beside.edits("1", subject="Ổ gà lớn, sửa lại tiêu đề")
    beside.polled()
    assert beside.differences() == []
    beside.colleague("1", THEIRS + " Xong ngày 12/11.")
    beside.polled()
    assert beside.only().kind is Kind.ANSWER_FOREIGN
    (before,) = beside.differences(is_open=False)
    assert (before.how, before.settled_by) == ("not_ours", "Trần Thị Lan")


def test_words_that_the_portal_writes_under_every_report_are_settled_once_for_the_channel(
    beside: Beside,
) -> None:
    received = "Cổng 1022 đã tiếp nhận phản ánh của bạn."
    beside.colleague("1", received)
    beside.colleague("2", received)
    beside.polled()
    assert beside.kinds() == [Kind.ANSWER_FOREIGN] * 2
    beside.app.beliefs.settle(beside.lan, beside.differences()[0].id, Remedy.AUTOMATIC)
    assert beside.differences() == []
    beside.colleague("3", received)
    beside.polled()
    assert beside.differences() == []
    beside.is_sound()


def test_an_adopted_answer_goes_to_the_other_reports_of_the_case_too(beside: Beside) -> None:
    first, second = beside.case_of("1"), beside.case_of("2")
    beside.app.duplicates.merge(beside.lan, second, first)
    beside.colleague("1", THEIRS, status="resolved")
    beside.polled()
    one = beside.only()
    assert one.others == 1
    beside.app.beliefs.settle(beside.lan, one.id, Remedy.ADOPT)
    beside.delivered()
    assert (beside.citizens_read("1"), beside.citizens_read("2")) == ([THEIRS], [THEIRS])
    assert beside.row_of(first).closed_at > one.adopted_at, "the others were answered only now"
    beside.is_sound()


def test_a_report_that_was_answered_before_we_first_saw_it_is_told(sqlite_url: str, tmp_path: Path) -> None:
    with beside_a_portal(sqlite_url, tmp_path, count=1) as office:
        office.control("POST", "reports", {"id": "9", "subject": "Cây đổ tại 5 Pasteur", "status": "resolved",
                                           "created": office.clock().isoformat()})  # fmt: skip
        office.colleague("9", THEIRS, status="resolved")
        office.polled()
        assert (office.only().kind, office.only().external_id) == (Kind.ANSWER_FOREIGN, "9")


# Our answer at the portal ---------------------------------------------------------------------------


def test_our_words_edited_at_the_portal_become_an_event_and_stay_as_they_were_here(beside: Beside) -> None:
    case = beside.case_of("1")
    beside.answered(case)
    assert beside.differences() == []
    edited = OURS.replace("10/11", "12/11")
    beside.colleague("1", edited)
    beside.polled(A_DAY)
    one = beside.only()
    assert (one.kind, one.note) == (Kind.ANSWER_EDITED, "edited")
    assert [part.text.strip() for part in one.ours if part.only] == ["10/11."]
    assert [part.text.strip() for part in one.theirs if part.only] == ["12/11."]
    assert [event["what"] for event in beside.events(case, "source_differs")] == ["answer_edited"]
    assert beside.app.cases.case(beside.lan, case).replies[0].body == OURS
    beside.polled(A_DAY)
    assert len(beside.events(case, "source_differs")) == 1, "told once"
    beside.colleague("1", OURS)
    beside.polled(A_DAY)
    (gone,) = beside.differences(is_open=False)
    assert (beside.differences(), gone.how, gone.settled_by) == ([], "agrees", None)
    assert [event["how"] for event in beside.events(case, "difference_settled")] == ["agrees"]
    beside.is_sound()


def test_an_answer_that_vanished_is_sent_again_only_after_a_look(both: Beside) -> None:
    case = both.case_of("1")
    both.answered(case)
    both.colleague("1", status="resolved")
    both.polled(A_DAY)
    one = both.only()
    assert (one.kind, one.note) == (Kind.ANSWER_MISSING, "removed")
    both.app.beliefs.settle(both.lan, one.id, Remedy.SEND_AGAIN)
    assert both.states() == ["confirming"]
    both.colleague("1", OURS)  # it comes back by itself, before the worker's round
    both.delivered()
    assert both.citizens_read("1") == [OURS], "the look found it: nothing was pushed"
    both.polled(A_DAY)
    both.colleague("1")
    both.polled(A_DAY)
    both.app.beliefs.settle(both.lan, both.only().id, Remedy.SEND_AGAIN)
    both.delivered()
    assert both.citizens_read("1") == [OURS], "not there: pushed once more"
    both.polled(A_DAY)
    assert both.differences() == []
    both.is_sound()


def test_an_answer_that_no_poll_has_shown_is_asked_for_once(beside: Beside) -> None:
    case, other = beside.case_of("1"), beside.case_of("2")
    beside.answered(other)  # this source does show answers
    beside.app.cases.reply(beside.lan, case, ReplyKind.PROGRESS, OURS)
    beside.delivered()
    beside.colleague("1")  # taken, and lost again before any poll came by
    beside.polled(minutes=30)
    assert (beside.differences(), beside.app.unseen.tick()) == ([], 0), "the usual polls come first"
    beside.clock.wait(minutes=40)
    assert beside.app.unseen.tick() == 1
    beside.asked()
    assert beside.only().kind is Kind.ANSWER_MISSING
    beside.clock.wait(minutes=10)
    assert beside.app.unseen.tick() == 0


def test_what_changes_at_the_portal_alone_makes_the_case_unread(beside: Beside) -> None:
    case = beside.case_of("1")
    beside.app.cases.mark_read(beside.lan, case)
    beside.colleague("1", THEIRS)
    beside.polled()
    assert beside.row_of(case).unread


def test_the_usual_poll_asks_as_often_for_many_reports_as_for_few(sqlite_office: Office) -> None:
    def asked(count: int, start: int) -> int:
        known = apart(count, start)
        sqlite_office.receives("1022", *known)
        with statements() as said:
            sqlite_office.receives("1022", *known)
        assert not [one for one in said if "discrepancies" in one or "INSERT INTO source_looks" in one]
        return len(said)

    assert asked(200, 1000) == asked(2, 1)


def test_the_usual_way_of_an_answer_leaves_no_difference(beside: Beside) -> None:
    case = beside.case_of("1")
    beside.app.cases.reply(beside.lan, case, ReplyKind.RESULT, OURS)
    beside.polled(minutes=1)
    beside.delivered()
    for minutes in (1, 3, 5, 15, 60):
        beside.polled(minutes)
        assert beside.differences() == []
    assert beside.told("source_differs") == 0


# Status and deadline --------------------------------------------------------------------------------


def test_a_report_that_is_opened_again_at_the_portal_is_opened_here_by_a_person(both: Beside) -> None:
    case = both.case_of("1")
    both.answered(case)
    both.clock.wait(hours=1)
    both.edits("1", status="in_progress")
    both.polled()
    one = both.only()
    assert (one.kind, one.our_status, one.their_status) == (Kind.SOURCE_REOPENED, "resolved", "in_progress")
    both.app.beliefs.settle(both.lan, one.id, Remedy.REOPEN)
    assert both.row_of(case).status == Status.IN_PROGRESS
    both.polled()
    assert both.differences() == []
    both.is_sound()


def test_a_report_closed_at_the_portal_without_a_word_is_told_and_may_stay(beside: Beside) -> None:
    beside.edits("2", status="resolved")
    beside.polled()
    one = beside.only()
    assert (one.kind, one.raw) == (Kind.SOURCE_CLOSED, "DA_XU_LY")
    with pytest.raises(InputInvalid):
        beside.app.beliefs.settle(beside.lan, one.id, Remedy.KNOWN)
    beside.app.beliefs.settle(beside.lan, one.id, Remedy.KNOWN, reason="Cổng đóng nhầm, đã báo 1022")
    assert beside.differences(is_open=False)[0].reason == "Cổng đóng nhầm, đã báo 1022"
    with pytest.raises(MoveNotAllowed):
        beside.app.beliefs.settle(beside.lan, one.id, Remedy.KNOWN, reason="lần nữa")


def test_a_status_word_without_a_meaning_is_told_once_a_channel_and_goes_when_it_has_one(
    sqlite_office: Office,
) -> None:
    def words() -> list[str]:
        with sqlite_office.db.read() as tx:
            found = belief_queries.open_words(tx, sqlite_office.run("1022").channel_id)
        return [row.theirs for row in found.values()]

    strange = {"status_raw": "Chờ phân công", "status": SourceStatus.UNMAPPED}
    reports = apart(3, **strange)
    sqlite_office.receives("1022", *reports[:2])
    assert words() == ["Chờ phân công"]
    sqlite_office.receives("1022", dataclasses.replace(reports[2], status=SourceStatus.ACCEPTED))
    assert words() == ["Chờ phân công"], "a new report brings nothing to compare"
    sqlite_office.receives("1022", dataclasses.replace(reports[1], status=SourceStatus.ACCEPTED))
    assert words() == []


def test_a_later_deadline_of_the_portal_waits_for_a_person_who_sees_first_what_it_changes(
    database_url: str, tmp_path: Path
) -> None:
    with beside_a_portal(database_url, tmp_path, count=1) as office:
        case = office.case_of("1")
        first = office.clock() + timedelta(days=1)
        office.edits("1", due=first.isoformat())
        office.polled()
        counted = office.row_of(case).due_at
        assert abs(counted - first) < timedelta(days=1), "a first deadline is counted at once"
        office.edits("1", due=(first + timedelta(days=2)).isoformat())
        office.polled()
        one = office.only()
        assert (one.kind, one.our_due, office.row_of(case).due_at) == (Kind.DEADLINE_LATER, counted, counted)
        (effect,) = office.app.beliefs.preview(office.lan, Remedy.TAKE_DEADLINE, ids=[one.id])
        assert effect.due_now == counted and effect.due_then is not None and effect.due_then > counted
        office.app.beliefs.settle(office.lan, one.id, Remedy.TAKE_DEADLINE)
        assert office.row_of(case).due_at == effect.due_then
        office.edits("1", due=first.isoformat())
        office.polled()
        assert (office.row_of(case).due_at, office.differences()) == (counted, []), "earlier: counted at once"
        assert [event["what"] for event in office.events(case, "source_differs")] == [
            "deadline_later", "deadline_earlier",
        ]  # fmt: skip
        office.is_sound()


# One report, asked for now ---------------------------------------------------------------------------


def test_a_person_asks_the_portal_for_one_report_and_learns_that_it_is_gone(both: Beside) -> None:
    both.edits("2", status="resolved")
    both.polled()
    one = both.only()
    both.control("DELETE", "reports", ["2"])
    both.app.beliefs.settle(both.lan, one.id, Remedy.ASK)
    both.asked()
    assert both.kinds() == [Kind.SOURCE_CLOSED, Kind.REPORT_GONE]
    both.is_sound()


def test_a_report_that_the_portal_gave_another_number_is_found_again_by_its_words_and_time(
    both: Beside,
) -> None:
    before = next(one for one in both.control("GET", "state")["reports"] if one["id"] == "2")
    both.edits("2", status="resolved")
    both.polled()
    closed = both.only()
    both.control("DELETE", "reports", ["2"])
    both.app.beliefs.settle(both.lan, closed.id, Remedy.ASK)
    both.asked()
    assert Remedy.MOVED not in gone(both).remedies and gone(both).moved is None
    for id_, changes in (("77", {"body": "Cây đổ chắn lối đi."}), ("78", {})):
        both.control("POST", "reports", {**before, **changes, "id": id_, "updated": both.clock().isoformat()})
    both.polled()
    moved = gone(both).moved
    assert moved is not None and moved.external_id == "78" and moved.case_id == both.case_of("78")
    with pytest.raises(NotFound):
        both.app.beliefs.settle(both.hue, gone(both).id, Remedy.MOVED)
    both.app.beliefs.settle(both.lan, gone(both).id, Remedy.MOVED)
    (settled,) = [
        one for one in both.events(both.case_of("2"), "difference_settled") if one["how"] == "moved"
    ]
    assert settled["now"] == moved.report_id
    both.app.beliefs.settle(both.lan, closed.id, Remedy.ASK)
    both.asked()
    assert Kind.REPORT_GONE not in both.kinds(), "the old number is not told again"
    both.is_sound()


def gone(world: Beside) -> DifferenceView:
    return next(one for one in world.differences() if one.kind is Kind.REPORT_GONE)


def test_a_report_that_is_open_there_names_the_word_to_set_and_offers_no_second_answer(
    beside: Beside,
) -> None:
    beside.app.cases.reply(beside.lan, beside.case_of("1"), ReplyKind.RESULT, OURS)
    beside.delivered()
    beside.colleague("1", OURS, status="in_progress")  # before it was ever read as done
    beside.polled()
    beside.polled(A_DAY)
    one = next(one for one in beside.differences() if one.kind is Kind.SOURCE_OPEN)
    assert one.closing_word == "DA_XU_LY" and Remedy.SEND_AGAIN not in one.remedies
    with beside.app.db.write() as tx:
        options = {"allow_private": True, "answer_words": {"result": "Đã giải quyết"}}
        tx.execute(update(channels).values(options=options))
    assert beside.differences()[0].closing_word == "Đã giải quyết", "the channel's own word goes first"


# Who sees what, and many at once ---------------------------------------------------------------------


def test_another_ward_sees_and_settles_nothing(beside: Beside) -> None:
    beside.edits("2", status="resolved")
    beside.polled()
    one = beside.only()
    assert beside.app.beliefs.summary(beside.hue) == ()
    for act in (
        lambda: beside.app.beliefs.page(beside.hue, SLUG),
        lambda: beside.app.beliefs.of_case(beside.hue, one.case_id),
        lambda: beside.app.beliefs.settle(beside.hue, one.id, Remedy.KNOWN, reason="xem thử"),
        lambda: beside.app.beliefs.settle(beside.hue, one.id, Remedy.ASK),
    ):
        with pytest.raises(NotFound):
            act()
    assert beside.app.beliefs.preview(beside.hue, Remedy.KNOWN, ids=[one.id]) == ()
    assert beside.app.beliefs.page(beside.admin, SLUG).counts == {Kind.SOURCE_CLOSED: 1}
    with pytest.raises(NotAllowed):
        beside.app.beliefs.settle(beside.admin, one.id, Remedy.KNOWN, reason="không phải việc của tôi")


def test_a_difference_follows_its_report_to_another_ward(both: Beside) -> None:
    both.edits("2", status="resolved")
    both.polled()
    one = both.only()
    both.app.placing.move(both.lan, one.case_id, WARD_B)
    assert (both.differences(), both.app.beliefs.summary(both.lan)) == ([], ())
    (theirs,) = both.app.beliefs.page(both.hue, SLUG).items
    assert theirs.id == one.id, "seen where its case is, though the channel is another ward's"
    both.app.beliefs.settle(both.hue, one.id, Remedy.KNOWN, reason="cổng đóng nhầm")
    both.is_sound()


def test_of_a_restricted_matter_only_who_may_read_it_learns_anything(beside: Beside) -> None:
    beside.colleague("1", THEIRS, status="resolved")
    beside.polled()
    one = beside.only()
    with beside.app.db.write() as tx:
        case_queries.change_quietly(tx, one.case_id, legal="recognised")
    assert (beside.differences(), beside.app.beliefs.of_case(beside.lan, one.case_id)) == ([], ())
    with pytest.raises(NotFound):
        beside.app.beliefs.settle(beside.lan, one.id, Remedy.NOT_OURS)
    assert [item.id for item in beside.app.beliefs.page(beside.minh, SLUG).items] == [one.id]
    with pytest.raises(MoveNotAllowed):
        beside.app.beliefs.settle(beside.minh, one.id, Remedy.ADOPT)
    assert beside.app.beliefs.page(beside.minh, SLUG).items[0].settled_at is None


def test_a_press_that_arrives_twice_is_one_press(beside: Beside) -> None:
    beside.colleague("1", THEIRS, status="resolved")
    beside.polled()
    one = beside.only()
    for _ in range(2):
        beside.app.beliefs.settle(beside.lan, one.id, Remedy.ADOPT, once="khoa-mot-lan")
    assert len(beside.app.cases.case(beside.lan, one.case_id).replies) == 1


def test_many_are_settled_one_by_one_and_a_refused_one_stops_no_other(beside: Beside) -> None:
    for number in ("1", "2", "3"):
        beside.colleague(number, f"{THEIRS} Số {number}.", status="resolved")
    beside.polled()
    effects = beside.app.beliefs.preview(beside.lan, Remedy.ADOPT, slug=SLUG, kind=Kind.ANSWER_FOREIGN)
    ids = [effect.item.id for effect in effects]
    assert len(ids) == 3
    beside.app.beliefs.settle(beside.minh, ids[1], Remedy.NOT_OURS)
    settled = beside.app.beliefs.settle_many(beside.lan, ids, Remedy.ADOPT)
    assert (settled.done, [code for code, *_ in settled.refused]) == (2, [effects[1].item.case_code])
    assert beside.differences() == []
    beside.is_sound()


def test_pages_follow_each_other_without_gap_or_repeat(beside: Beside) -> None:
    for number in ("1", "2", "3"):
        beside.colleague(number, f"{THEIRS} Số {number}.")
    beside.polled()
    first = beside.app.beliefs.page(beside.lan, SLUG, size=2)
    rest = beside.app.beliefs.page(beside.lan, SLUG, size=2, before=first.older)
    assert [len(first.items), len(rest.items), rest.older] == [2, 1, None]
    assert len({one.id for one in (*first.items, *rest.items)}) == 3
