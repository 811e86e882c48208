"""Complaints and denunciations: flagged or stopped, read by few, decided by a person, never by a rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from aggregator.domain.delivery import Delivery
from aggregator.domain.legal import LegalKind, LegalState
from aggregator.domain.workflow import ReplyKind, Status
from aggregator.errors import MoveNotAllowed, NotAllowed, NotFound
from aggregator.services.legal_matters import Confirm, Dismiss, Undo
from aggregator.services.views.inbox import InboxFilter
from tests.factories import MONDAY, Office, record

PETITION = "Tôi khiếu nại quyết định xử phạt hành chính số 12/QĐ-XPHC của phường."
DENOUNCES = "Tôi tố cáo ông Trần Văn Giả nhận hối lộ khi cấp phép xây dựng tại 5 Lê Lai."
MAYBE = "Đường ngập, nếu không xử lý chúng tôi sẽ khiếu nại lên thành phố."
HANDED = Confirm(LegalKind.KHIEU_NAI, "Ban tiếp công dân", "KN-07/2026", date(2026, 3, 2))


def arrives(office: Office, body: str, external_id: str = "1", **more: object) -> int:
    office.receives("1022", record(external_id, body, subject="", **more))
    return office.case_of(external_id)


def kinds(office: Office, case: int) -> list[str]:
    return [entry.kind for entry in office.cases.case(office.minh, case).timeline]


def test_what_only_may_be_one_is_flagged_and_its_clock_runs_on(office: Office) -> None:
    case = arrives(office, MAYBE)
    row = office.row(case)
    assert (row.legal, row.stage, row.is_open) == ("suspected", "none", True)
    page = office.page(case)
    assert page.legal is not None
    assert [words.quote for words in page.legal.words] == ["khiếu nại"]
    assert kinds(office, case) == ["opened", "legal_suspected"]
    with pytest.raises(MoveNotAllowed, match="decide that first"):
        office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã xử lý.")
    office.cases.reply(office.lan, case, ReplyKind.PROGRESS, "Đang khảo sát.")
    office.is_sound()


def test_what_clearly_is_one_stops_the_clock_at_once_and_is_not_counted_as_feedback(office: Office) -> None:
    case = arrives(office, PETITION)
    row = office.row(case)
    assert (row.legal, row.stage, row.is_open, row.next_at) == ("recognised", "paused", True, None)
    assert kinds(office, case) == ["opened", "legal_recognised", "legal_read"]
    total = office.figures.dashboard(office.minh).total
    assert (total.open, total.paused, total.legal, total.legal_done) == (0, 0, 1, 0)
    office.clock.forward(days=60)
    assert office.deadlines.sweep() == 0, "no stage comes while it stands still"
    office.is_sound()


def test_said_to_be_feedback_the_clock_reads_as_if_it_had_never_stopped(office: Office) -> None:
    plain = arrives(office, "Ổ gà trước 91 Trần Phú.", "2")
    case = arrives(office, PETITION)
    due = office.row(plain).due_at
    office.clock.forward(days=5)
    office.cases.decide_legal(office.minh, case, Dismiss("Chỉ hỏi về biển báo"))
    row = office.row(case)
    assert (row.legal, row.due_at, row.stage) == ("dismissed", due, "none")
    assert office.figures.dashboard(office.minh).total.open == 2
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã trả lời về biển báo.")
    assert office.row(case).late is False
    office.is_sound()


def test_a_confirmed_one_is_handed_over_and_that_can_be_undone(office: Office) -> None:
    case = arrives(office, PETITION)
    office.clock.forward(hours=3)
    office.cases.decide_legal(office.minh, case, HANDED)
    page = office.cases.case(office.minh, case)
    assert page.row.status is Status.HANDED_OVER
    assert page.row.legal is LegalState.CONFIRMED
    assert page.late is None, "no feedback deadline was owed"
    assert page.legal is not None
    assert (page.legal.register_no, page.legal.handed_to) == ("KN-07/2026", "Ban tiếp công dân")
    total = office.figures.dashboard(office.minh).total
    assert (total.done, total.legal, total.legal_done) == (0, 0, 1)
    office.cases.reply(office.minh, case, ReplyKind.PROGRESS, "Đơn đã chuyển Ban tiếp công dân.")
    with pytest.raises(MoveNotAllowed):
        office.cases.move(office.minh, case, Status.IN_PROGRESS)

    office.cases.decide_legal(office.minh, case, Undo("Vào nhầm sổ"))
    row = office.row(case)
    assert (row.legal, row.status, row.is_open, row.closed_at) == ("recognised", "new", True, None)
    assert row.stage == "paused"
    office.cases.decide_legal(office.minh, case, Dismiss("Là phản ánh"))
    assert office.row(case).due_at == office.page(arrives(office, "Rác ở 3 Lê Lai", "9")).row.due_at
    office.is_sound()


def test_a_person_may_find_one_where_the_rule_saw_none(office: Office) -> None:
    case = office.opens("1")
    office.cases.decide_legal(office.lan, case, replace(HANDED, kind=LegalKind.TO_CAO))
    assert office.row(case).status == "handed_over"
    with pytest.raises(NotAllowed):
        office.cases.note(office.lan, case, "Xem lại")
    office.cases.decide_legal(office.minh, case, Undo("Nhầm"))
    assert office.row(case).legal == "recognised", "restricted until somebody says that it may be read"
    office.is_sound()


def test_of_a_restricted_one_others_see_that_there_is_one_and_no_more(office: Office) -> None:
    case = arrives(office, DENOUNCES, name="Phạm Thị Tố", phone="0903123456", address="5 Lê Lai")
    page = office.cases.case(office.lan, case)
    assert page.row.masked and page.row.code and page.row.legal is LegalState.RECOGNISED
    assert (page.row.title, page.row.extract, page.row.address, page.row.channel) == ("", "", None, "")
    assert (page.reports, page.timeline, page.replies, page.legal) == ((), (), (), None)
    assert kinds(office, case).count("legal_read") == 1, "the look from outside is no look inside"
    for verb in (
        lambda: office.cases.note(office.lan, case, "x"),
        lambda: office.cases.assign(office.lan, case, unit_id=None, officer_id=office.lan.id),
        lambda: office.cases.decide_legal(office.lan, case, Dismiss("Tôi thấy không phải")),
        lambda: office.cases.reveal(office.lan, office.report("1"), "tò mò"),
    ):
        with pytest.raises(NotAllowed):
            verb()
    with pytest.raises(NotFound):
        office.cases.case(office.hue, case)
    named = replace(office.lan, legal=True)
    assert office.cases.case(named, case).reports[0].body == DENOUNCES


def test_search_finds_it_by_its_words_for_those_alone_who_may_read_it(office: Office) -> None:
    case = arrives(office, DENOUNCES, phone="0903123456")
    code = office.row(case).code

    def found(actor: object, q: str) -> list[int]:
        return [row.id for row in office.inbox.page(actor, InboxFilter(q=q)).rows]  # type: ignore[arg-type]

    assert found(office.minh, "hoi lo") == [case]
    assert found(office.lan, "hoi lo") == []
    assert found(office.lan, "0903123456") == []
    assert found(office.lan, code) == [case], "that there is one is no secret"
    assert found(office.hue, code) == []


def test_it_has_a_list_of_its_own_and_is_in_no_other(office: Office) -> None:
    clear, maybe = arrives(office, DENOUNCES), arrives(office, MAYBE, "2")

    def listed(view: str) -> list[int]:
        return sorted(row.id for row in office.inbox.page(office.lan, InboxFilter(view=view)).rows)

    page = office.inbox.page(office.lan, InboxFilter(view="legal"))
    assert sorted(row.id for row in page.rows) == [clear, maybe]
    assert (page.counts["legal"], page.counts["open"]) == (2, 1)
    assert listed("open") == listed("new") == [maybe]
    office.cases.decide_legal(office.minh, clear, HANDED)
    assert (listed("legal"), listed("legal_done"), listed("closed")) == ([maybe], [clear], [])


def test_none_is_joined_or_even_suggested_by_rule(office: Office) -> None:
    text = "Tố cáo nhóm bảo kê đỗ xe trước số nhà 12 Lê Lợi, đêm nào cũng vậy"
    first, second = (
        arrives(office, text, address="12 Lê Lợi"),
        arrives(office, text, "2", address="12 Lê Lợi"),
    )
    assert first != second
    assert office.cases.case(office.minh, second).suggestions == ()
    with pytest.raises(MoveNotAllowed, match="decide that first"):
        office.cases.merge(office.minh, second, first)


def test_an_answer_to_a_denouncer_goes_by_hand_and_only_before_the_right_eyes(office: Office) -> None:
    from aggregator.storage import outbox_queries

    case = arrives(office, DENOUNCES)
    office.cases.reply(office.minh, case, ReplyKind.PROGRESS, "Mời ông, bà đến trụ sở tiếp công dân.")
    (delivery,) = office.cases.case(office.minh, case).replies[0].deliveries
    assert delivery.state is Delivery.MANUAL, "the channel could send it, but shows it to others"
    with office.db.read() as tx:
        (row,) = outbox_queries.listed(tx, ward=office.lan.ward)
    assert row.legal == "recognised"


def test_a_revision_can_make_it_one_and_a_persons_word_holds_against_the_rule(office: Office) -> None:
    case = arrives(office, "Ổ gà trước 12 Lê Lợi.")
    office.cases.pause(office.lan, case, "site_visit")
    office.receives("1022", record("1", PETITION, subject=""))
    assert office.row(case).legal == "recognised"
    office.clock.forward(hours=1)
    office.cases.decide_legal(office.minh, case, Dismiss("Kèm quyết định để tham khảo"))
    assert office.row(case).stage == "none", "the visit that it waited for is no longer what it waits for"
    office.receives("1022", record("1", PETITION + " Xin sớm trả lời.", subject=""))
    assert office.row(case).legal == "dismissed", "the same words were decided on"
    office.receives("1022", record("1", PETITION + " " + DENOUNCES, subject=""))
    row = office.row(case)
    assert (row.legal, row.stage) == ("suspected", "none"), "new words ask again, without stopping the clock"
    office.is_sound()


def test_one_among_ordinary_reports_is_split_off_and_each_is_decided_by_itself(office: Office) -> None:
    text = "Ổ gà rất to trước số nhà 12 Lê Lợi, xe máy ngã nhiều lần"
    office.receives("1022", record("1", text, address="12 Lê Lợi"), record("2", text, address="12 Lê Lợi"))
    case = office.case_of("1")
    due = office.row(case).due_at
    office.receives("1022", record("2", PETITION, subject="", address="12 Lê Lợi"))
    assert office.row(case).legal == "recognised"
    office.clock.forward(days=1)
    apart = office.cases.split(office.minh, case, [office.report("2")])
    assert office.row(apart).legal == "recognised"
    office.cases.decide_legal(office.minh, case, Dismiss("Phản ánh ổ gà"))
    assert (office.row(case).due_at, office.row(case).stage) == (due, "none")
    office.cases.decide_legal(office.minh, apart, HANDED)
    assert office.row(apart).status == "handed_over"
    office.is_sound()


def test_the_clerks_own_word_in_a_spreadsheet_is_believed(office: Office) -> None:
    office.receives("1022", record("1", "Về việc ở tổ 5.", subject="", extra={"kind": "Tố cáo"}))
    assert office.row(office.case_of("1")).legal == "recognised"
    assert office.clock() == MONDAY, "at once"
