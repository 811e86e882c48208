"""Personal-data requests: their terms, what is handed out or put out of sight, and no name elsewhere."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from aggregator.domain.privacy import Asks, CameBy, Outcome, Owed, Terms, owed, terms
from aggregator.domain.retention import Kind, Stays
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed, NotFound, StaleWrite
from aggregator.services.privacy.register import Asked
from aggregator.services.views.inbox import InboxFilter
from tests.factories import RULES, VN, Office, record

NAME, PHONE = "Vũ Thị Hồng Ánh", "0912 345 678"


def asks(office: Office, kind: Asks = Asks.ACCESS, **more: Any) -> int:
    return office.register.enter(
        office.minh, kind, CameBy.IN_PERSON, more.pop("at", office.clock()),
        Asked(name=NAME, phone=PHONE, words="Tôi muốn biết phường giữ gì về tôi."), **more,
    )  # fmt: skip


def report(office: Office, external_id: str = "1") -> int:
    office.receives("1022", record(external_id, "Ổ gà.", name=NAME, phone=PHONE))
    return office.report(external_id)


def local(at: datetime) -> str:
    return f"{at.astimezone(VN):%a %d/%m %H:%M}"


@pytest.mark.parametrize(
    ("received", "answer", "done", "note"),
    [
        ("2026-03-02T08:00", "Wed 04/03 17:00", "Tue 17/03 17:00", "Monday morning"),
        ("2026-03-05T16:59", "Mon 09/03 17:00", "Fri 20/03 17:00", "a weekend between"),
        ("2026-03-06T20:00", "Tue 10/03 17:00", "Sun 22/03 00:00", "ends on a day off: not moved"),
        ("2026-04-28T09:00", "Mon 04/05 17:00", "Wed 13/05 17:00", "30 April and 1 May between"),
    ],
)
def test_two_working_days_to_answer_and_fifteen_to_do(
    office: Office, received: str, answer: str, done: str, note: str
) -> None:
    with office.db.read() as tx:
        due = terms(RULES.book(tx).calendar("27142"), datetime.fromisoformat(received).replace(tzinfo=VN))
    assert local(due.answer_due_at) == answer, note
    assert local(due.done_due_at) == done, note


def test_who_asks_is_on_the_requests_page_and_nowhere_else(office: Office) -> None:
    number = asks(office)
    view = office.register.request(office.minh, number)
    assert view.asked is not None and view.asked["name"] == NAME
    office.register.answer(office.minh, number, f"Kính gửi bà {NAME}: …")
    every = "\n".join(str(row) for row in office.rows("SELECT * FROM ledger_entries"))
    every += "\n".join(str(row) for row in office.rows("SELECT * FROM privacy_requests"))
    assert NAME not in every and PHONE not in every and PHONE.replace(" ", "") not in every
    kinds = [
        kind for (kind,) in office.rows("SELECT kind FROM ledger_entries WHERE chain <> '*' ORDER BY seq")
    ]
    assert kinds == ["privacy_request", "privacy_request_read", "privacy_request_answered"]


def test_a_request_is_answered_then_done_then_closed(office: Office) -> None:
    number = asks(office, Asks.RESTRICT)
    with pytest.raises(MoveNotAllowed):
        office.register.close(office.minh, number, Outcome.DONE)
    office.register.answer(office.minh, number, "Chúng tôi sẽ thực hiện.")
    (view,) = office.register.list(office.minh)
    assert (view.owed, view.answered_at) == (Owed.DONE, office.clock())
    office.register.close(office.minh, number, Outcome.DONE)
    assert office.register.list(office.minh) == ()
    (closed,) = office.register.list(office.minh, is_open=False)
    assert (closed.outcome, closed.owed) == (Outcome.DONE, Owed.NOTHING)
    with pytest.raises(MoveNotAllowed):
        office.register.answer(office.minh, number, "Nữa")


def test_a_form_that_comes_twice_is_one_request(office: Office) -> None:
    assert asks(office, once="k") == asks(office, once="k")
    assert office.count("privacy_requests") == 1


def test_two_people_do_not_write_over_each_other(office: Office) -> None:
    number = asks(office)
    version = office.register.request(office.minh, number).version
    office.register.answer(office.minh, number, "Một", version=version)
    with pytest.raises(StaleWrite):
        office.register.answer(office.minh, number, "Hai", version=version)


def test_only_who_answers_for_personal_data_sees_the_register_and_only_of_the_ward(office: Office) -> None:
    number = asks(office)
    for actor in (office.lan, office.hue, office.admin):
        with pytest.raises(NotAllowed):
            office.register.list(actor)
        assert office.register.late(actor) == 0
    with pytest.raises(NotFound):
        office.register.request(office.minh, number + 1)
    with pytest.raises(InputInvalid):
        office.register.enter(office.minh, Asks.ACCESS, CameBy.POST, office.clock(), Asked(name=" "))


def test_what_is_most_pressing_is_owed_first(office: Office) -> None:
    number = asks(office)
    row = office.register.request(office.minh, number)
    due = Terms(row.answer_due_at, row.done_due_at)
    at = office.clock()
    assert owed(due, None, None, at) is Owed.ANSWER
    assert owed(due, None, None, office.clock.forward(days=1, hours=16)) is Owed.ANSWER_SOON
    assert owed(due, None, None, office.clock.forward(days=2)) is Owed.ANSWER_LATE
    assert owed(due, at, None, office.clock.forward(days=9)) is Owed.DONE_SOON
    assert owed(due, at, None, office.clock.forward(days=9)) is Owed.DONE_LATE
    assert owed(due, at, at, office.clock()) is Owed.NOTHING


def test_leaders_are_told_once_a_stage_and_nothing_of_the_person(office: Office) -> None:
    office.reminder_choices.choose(
        office.minh, email="minh@phuong-a.test", in_app=True, by_mail=True, daily=False, weekly=False,
        quiet_from="", quiet_to="",
    )  # fmt: skip
    number = asks(office)
    assert office.request_reminders.tick() == 0
    office.clock.forward(days=1, hours=16)
    assert (office.request_reminders.tick(), office.request_reminders.tick()) == (1, 0)
    office.clock.forward(days=2)
    assert office.request_reminders.tick() == 1
    assert office.register.late(office.minh) == 1
    bodies = list(office.rows("SELECT subject, body FROM mails ORDER BY id"))
    assert f"số {number} (xem dữ liệu) đã quá hạn trả lời" in bodies[1][1]
    assert NAME not in str(bodies)


# Access ----------------------------------------------------------------------------------------------


def test_the_person_gets_what_is_theirs_and_nothing_of_others(office: Office) -> None:
    mine = report(office)
    case_id = office.case_of("1")
    office.receives("zalo", record("z", "Ổ gà ấy.", name="Lý Văn Út", phone="0987654321"))
    if office.case_of("z") != case_id:
        office.cases.merge(office.lan, office.case_of("z"), case_id)
    office.cases.reveal(office.lan, mine, "Gọi hỏi thêm chỗ hỏng")
    office.cases.reply(office.lan, case_id, ReplyKind.RESULT, "Đã vá xong.")
    number = asks(office)
    document = office.granting.document(office.minh, number, [mine])
    (one,) = document["reports"]
    assert one["person"] == {"name": NAME, "phone": PHONE}
    assert [answer["text"] for answer in one["answers"]] == ["Đã vá xong."]
    assert [look["reason"] for look in one["identity_looked_up"]] == ["Gọi hỏi thêm chỗ hỏng"]
    assert "Lý Văn Út" not in json.dumps(document, ensure_ascii=False)
    view = office.register.request(office.minh, number)
    assert [(act.report_id, act.act) for act in view.acts] == [(mine, "exported")]


def test_an_open_request_keeps_what_it_is_about(office: Office) -> None:
    mine = report(office)
    office.cases.reply(office.lan, office.case_of("1"), ReplyKind.RESULT, "Xong.")
    with office.db.write() as tx:
        tx.exec_driver_sql("UPDATE outbox SET state = 'sent'")
    number = asks(office)
    office.granting.document(office.minh, number, [mine])
    office.clock.forward(days=4000)
    (line,) = office.retention.plan(office.admin, [Kind.IDENTITY])
    assert (line.count, dict(line.stays)) == (0, {Stays.REQUEST: 1})


def test_the_register_forgets_its_own_people_in_time(office: Office) -> None:
    number = asks(office)
    office.register.answer(office.minh, number, "Đã trả lời.")
    office.register.close(office.minh, number, Outcome.DONE)
    office.clock.forward(days=1826)
    assert office.retention.run(office.admin, [Kind.REQUESTS]) == {"requests": 1}
    view = office.register.request(office.minh, number)
    assert (view.asked, view.answer, view.outcome) == (None, None, Outcome.DONE)


# Restriction -----------------------------------------------------------------------------------------


def test_a_restricted_identity_is_shown_to_nobody_who_handles_the_case(office: Office) -> None:
    mine = report(office)
    number = asks(office, Asks.RESTRICT)
    assert office.granting.restrict(office.minh, number, [mine]) == 1
    assert office.granting.restrict(office.minh, number, [mine]) == 0
    with pytest.raises(NotAllowed):
        office.cases.reveal(office.lan, mine, "Gọi hỏi thêm")
    assert office.cases.reveal(office.minh, mine, "Trả lời yêu cầu")["name"] == NAME
    assert office.page(office.case_of("1")).reports[0].restricted
    assert office.inbox.page(office.lan, InboxFilter(q=PHONE)).rows == (), "not by the telephone either"
    assert len(office.inbox.page(office.minh, InboxFilter(q=PHONE)).rows) == 1
    assert office.granting.lift(office.minh, number, [mine]) == 1
    assert office.cases.reveal(office.lan, mine, "Gọi hỏi thêm")["name"] == NAME
    told = [entry.kind for entry in office.page(office.case_of("1")).timeline]
    assert [kind for kind in told if "identity" in kind] == ["identity_restricted", "identity_lifted"]


def test_another_wards_report_is_neither_handed_out_nor_restricted(office: Office) -> None:
    office.receives("1022", record("b", "Đèn hỏng.", name=NAME, phone=PHONE, ward="26740"))
    number = asks(office)
    theirs = office.report("b")
    assert office.granting.document(office.minh, number, [theirs])["reports"] == []
    assert office.granting.restrict(office.minh, number, [theirs]) == 0
