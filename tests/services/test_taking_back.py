"""An answer can be taken back until it leaves: then it never was, for the clock and for citizens."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, update

from aggregator.domain.delivery import Delivery
from aggregator.domain.workflow import ReplyKind, Status
from aggregator.errors import InputInvalid, MoveNotAllowed, NotFound
from aggregator.services.answer_files import Again, Chosen
from aggregator.services.answer_settings import AnswerSettings
from aggregator.services.cases import Cases
from aggregator.services.outbox import Outbox
from aggregator.settings import Settings
from aggregator.storage import outbox_claims
from aggregator.storage.case_tables import deadlines, outbox
from tests.domain.test_proof_files import PDF
from tests.factories import KINDS, Office, record, together
from tests.people import WARD_A
from tests.services.test_cases import DUE

Act = Callable[[Office, int], int]


@pytest.fixture(autouse=True)
def thirty_seconds(office: Office) -> None:
    """As an installation is set up: an answer waits half a minute."""
    office.cases = Cases(
        office.db, office.vault, office.deadlines, office.clock, lambda kind: KINDS[kind],
        office.folder / "attachments", undo_s=30,
    )  # fmt: skip
    office.placing._cases = office.bodies._cases = office.cases


def state(office: Office, case: int) -> dict[str, Any]:
    """All that an answer may change, but for the row's version and what tells of the answer itself."""
    row = dict(office.row(case)._mapping)
    for passing in ("version", "unread", "remind_at"):
        del row[passing]
    columns = (deadlines.c.step, deadlines.c.due_at, deadlines.c.due_soon_at, deadlines.c.met_at)
    owed = office.rows(select(deadlines.c.id, *columns).order_by(deadlines.c.id))
    page = office.page(case)
    clock = dataclasses.replace(page.clock, units=())  # whose time it is counts up to now
    return {"row": row, "owed": owed, "clock": clock, "deadline": page.deadline_vi, "moves": page.moves}


def messages(office: Office) -> list[str]:
    return [row[0] for row in office.rows("SELECT state FROM outbox ORDER BY id")]


def claim(office: Office) -> Any:
    """What a worker takes now; None where nothing is due."""
    batch = Outbox(office.db, office.vault, {}, office.clock, Settings()).claim("worker")
    return batch and batch.messages[0]


def says(kind: ReplyKind, **more: Any) -> Act:
    return lambda office, case: office.cases.reply(office.lan, case, kind, "Đã xem xét.", **more)


def extends(office: Office, case: int) -> int:
    office.cases.extend(office.lan, case, date(2026, 3, 20), "Chờ vật tư", "Xin lùi hạn.")
    return office.page(case).replies[-1].id


def asked_first(office: Office, case: int) -> int:
    office.cases.move(office.lan, case, Status.NEEDS_INFO, "Xin ảnh")
    office.clock.forward(days=2)
    return 0


ANSWERS: list[tuple[str, Act]] = [
    ("a result", says(ReplyKind.RESULT)),
    ("a refusal", says(ReplyKind.REFUSAL)),
    ("progress", says(ReplyKind.PROGRESS)),
    ("a receipt", says(ReplyKind.ACKNOWLEDGEMENT)),
    ("a transfer", says(ReplyKind.TRANSFER, transfer_to="Công ty Thoát nước")),
    ("an extension", extends),
]


@pytest.mark.parametrize("answer", [row[1] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
@pytest.mark.parametrize("before", ["new", "asked"])
def test_taken_back_it_never_was(office: Office, answer: Act, before: str) -> None:
    case = office.opens("1")
    if before == "asked":
        asked_first(office, case)
        if answer is extends:
            return  # told while the citizen is asked, an extension moves nothing that could be compared
    was = state(office, case)
    office.clock.forward(hours=1)
    given = answer(office, case)
    office.clock.forward(seconds=12)
    assert claim(office) is None, "nothing leaves while it can be taken back"
    assert office.cases.withdraw_reply(office.lan, case, given) == given
    assert state(office, case) == was
    assert messages(office) == ["withdrawn"]
    office.clock.forward(days=1)
    assert claim(office) is None, "nor ever after"
    reply = office.page(case).replies[-1]
    assert reply.withdrawn_by == "Trần Thị Lan" and reply.body.startswith(("Đã xem xét.", "Xin lùi hạn."))
    assert office.page(case).timeline[-1].kind == "reply_withdrawn"
    office.is_sound()


def test_after_its_time_the_answer_leaves_and_stands(office: Office) -> None:
    case = office.opens("1")
    given = office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã xong.")
    office.clock.forward(seconds=29)
    assert claim(office) is None
    assert office.page(case).replies[0].undo_s == 1
    office.clock.forward(seconds=1)
    assert office.page(case).replies[0].undo_s is None
    with pytest.raises(MoveNotAllowed, match="may have left"):
        office.cases.withdraw_reply(office.lan, case, given)
    assert claim(office) is not None
    assert office.row(case).status == "resolved"
    office.is_sound()


def test_a_poll_that_reaches_the_source_again_does_not_send_it_early(office: Office) -> None:
    case = office.opens("1")
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã xong.")
    with office.db.write() as tx:
        outbox_claims.wake(tx, office.row(case).channel_id, office.clock())
    assert claim(office) is None
    office.clock.forward(seconds=30)
    assert claim(office) is not None


def test_one_message_that_was_carried_already_keeps_them_all(office: Office) -> None:
    case = office.opens("1")
    paper = office.channel("giay", kind="paper")
    assert paper
    other = office.opens("2", slug="giay")
    office.cases.merge(office.lan, other, case)
    given = office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã xong.")
    was = state(office, case)
    assert sorted(messages(office)) == ["manual", "pending"]
    with office.db.write() as tx:
        (by_hand,) = tx.execute(select(outbox.c.id).where(outbox.c.state == "manual")).scalars()
        outbox_claims.decide(tx, by_hand, [Delivery.MANUAL], state=Delivery.SENT, sent_at=office.clock())
    with pytest.raises(MoveNotAllowed):
        office.cases.withdraw_reply(office.lan, case, given)
    assert sorted(messages(office)) == ["pending", "sent"], "all of it or nothing"
    assert state(office, case)["owed"] == was["owed"]
    office.is_sound()


def test_two_people_and_a_second_click_take_it_back_once(office: Office) -> None:
    case = office.opens("1")
    given = office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã xong.")
    first = office.cases.withdraw_reply(office.lan, case, given, once="k1")
    assert office.cases.withdraw_reply(office.lan, case, given, once="k1") == first, "the same click twice"
    with pytest.raises(MoveNotAllowed, match="before"):
        office.cases.withdraw_reply(office.minh, case, given, once="k2")
    assert [entry.kind for entry in office.page(case).timeline].count("reply_withdrawn") == 1
    with pytest.raises(NotFound):
        office.cases.withdraw_reply(office.hue, case, given)
    office.is_sound()


@pytest.mark.parametrize("number", range(4))
def test_a_worker_and_a_person_at_the_same_instant_never_both_win(office: Office, number: int) -> None:
    case = office.opens("1")
    given = office.cases.reply(office.lan, case, ReplyKind.RESULT, f"Đã xong lần {number}.")
    with office.db.write() as tx:  # a worker whose clock is ahead
        tx.execute(update(outbox).values(next_attempt_at=office.clock()))

    def take_back() -> str:
        try:
            office.cases.withdraw_reply(office.lan, case, given)
        except MoveNotAllowed:
            return "too late"
        return "taken back"

    claimed, said = together(lambda: claim(office), take_back)
    assert (claimed is None) == (said == "taken back"), "one of the two, and only one"
    assert office.row(case).status == ("new" if claimed is None else "resolved")
    assert messages(office) == ["withdrawn" if claimed is None else "leased"]
    office.is_sound()


def test_what_a_person_did_since_stays(office: Office) -> None:
    case = office.opens("1")
    given = office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã xong.")
    office.clock.forward(seconds=5)
    office.cases.move(office.minh, case, Status.IN_PROGRESS, "Chưa xong")
    assert office.row(case).due_at > DUE, "the seconds between do not count"
    office.clock.forward(seconds=5)
    office.cases.withdraw_reply(office.lan, case, given)
    row = office.row(case)
    assert (row.status, row.is_open) == ("in_progress", True)
    assert row.due_at == DUE, "the clock never stood still"
    assert {met for (met,) in office.rows(select(deadlines.c.met_at))} == {None}
    office.is_sound()


def test_the_later_of_two_answers_goes_first(office: Office) -> None:
    case = office.opens("1")
    was = state(office, case)
    first = office.cases.reply(office.lan, case, ReplyKind.PROGRESS, "Đang xem.")
    office.clock.forward(seconds=5)
    second = office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã xong.")
    with pytest.raises(MoveNotAllowed, match="later answer"):
        office.cases.withdraw_reply(office.lan, case, first)
    assert [reply.undo_s is not None for reply in office.page(case).replies] == [False, True]
    office.cases.withdraw_reply(office.lan, case, second)
    office.cases.withdraw_reply(office.lan, case, first)
    assert state(office, case) == was
    office.is_sound()


def test_a_taken_back_answer_does_not_hold_up_the_next(office: Office) -> None:
    case = office.opens("1")
    office.cases.withdraw_reply(
        office.lan, case, office.cases.reply(office.lan, case, ReplyKind.RESULT, "Nhầm vụ việc.")
    )
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã xong.")
    office.clock.forward(seconds=30)
    claimed = claim(office)
    assert claimed is not None and claimed.body == "Đã xong."


def test_a_ward_says_how_long(office: Office) -> None:
    case = office.opens("1")
    AnswerSettings(office.db, office.clock, Settings()).put(
        office.admin, WARD_A, undo_s=0, acknowledges=False
    )
    office.cases.reply(office.lan, case, ReplyKind.PROGRESS, "Đang xem.")
    assert office.page(case).replies[0].undo_s is None
    assert claim(office) is not None, "sent at once"


def test_taking_back_where_the_citizen_was_sent_elsewhere_asks_about_the_place_again(office: Office) -> None:
    office.accounts.ensure_ward(WARD_A, "Phường Nhiêu Lộc")
    where = "12 Cao Thắng, Phường 2, Quận 3"  # today a part of Phường Bàn Cờ, which nobody serves here
    office.receives("1022", record("1", "Cống nghẹt.", subject="", address=where))
    case = office.case_of("1")
    guess = office.page(case).reports[0].place
    assert guess == "Phường Bàn Cờ"
    given = office.placing.guide(office.lan, case, "27154", "Đề nghị gửi đến phường Bàn Cờ.")
    assert office.page(case).reports[0].place is None
    assert office.placing.streets(office.lan) != ()
    office.cases.withdraw_reply(office.lan, case, given)
    assert office.page(case).reports[0].place == guess
    assert office.placing.streets(office.lan) == (), "nothing was learned from it"
    office.is_sound()


def test_files_of_an_answer_taken_back_go_again_in_their_own_case_and_for_nobody_else(
    office: Office,
) -> None:
    case, other = office.opens("1"), office.opens("2")
    first = office.cases.reply(office.lan, case, ReplyKind.RESULT, "Nhầm.", files=(Chosen("a.pdf", PDF),))
    office.cases.withdraw_reply(office.lan, case, first)
    again = (Again(office.page(case).replies[0].files[0].id),)
    with pytest.raises(InputInvalid, match="no longer there"):
        office.cases.reply(office.lan, other, ReplyKind.RESULT, "Đã xong.", files=again)
    with pytest.raises(NotFound):
        office.cases.reply(office.hue, case, ReplyKind.RESULT, "Đã xong.", files=again)
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã xong.", files=again)
    gone, stands = office.page(case).replies
    assert [file.filename for file in stands.files] == ["a.pdf"] and stands.files[0].id != gone.files[0].id
    paths = {office.cases.answer_file(office.lan, one.files[0].id)[0] for one in (gone, stands)}
    assert len(paths) == 1, "the same content is one file"
