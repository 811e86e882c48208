"""What each kind of answer says, to whom, and what it changes."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from aggregator.domain.delivery import Delivery
from aggregator.domain.workflow import ReplyKind, Status
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed, NotFound
from aggregator.services import delivery_log
from aggregator.services.answer_settings import AnswerSettings
from aggregator.services.answers import Answers
from aggregator.services.cases import Cases
from aggregator.services.views.inbox import InboxFilter
from aggregator.settings import Settings
from aggregator.storage.case_tables import deadlines, outbox
from aggregator.storage.channel_tables import channels
from tests.factories import KINDS, Office, apart, batch
from tests.people import WARD_A, WARD_B

#: Sources by what they have a word for.
SOURCES = {
    **KINDS,
    "plain": KINDS["portal"],
    "final": dataclasses.replace(KINDS["portal"], push_kinds=("result", "refusal")),
    "all": dataclasses.replace(KINDS["portal"], push_kinds=tuple(kind.value for kind in ReplyKind)),
}


@pytest.fixture(autouse=True)
def sources(office: Office) -> None:
    office.cases = Cases(
        office.db, office.vault, office.deadlines, office.clock, lambda kind: SOURCES[kind],
        office.folder / "attachments",
    )  # fmt: skip


def one_of_each(office: Office) -> int:
    """A case with a report from each kind of source, in the order plain, final, all, paper."""
    found = []
    for number, kind in enumerate(("plain", "final", "all", "paper"), 1):
        office.channel(f"nguon-{kind}", kind=kind)
        found.append(office.opens(str(number), slug=f"nguon-{kind}"))
    for other in found[1:]:
        office.cases.merge(office.lan, other, found[0])
    return found[0]


def states(office: Office, reply: int) -> dict[str, tuple[str, str | None]]:
    """Kind of source -> the state of the answer's message there, and why."""
    query = (
        select(channels.c.kind, outbox.c.state, outbox.c.error_code)
        .join(channels, channels.c.id == outbox.c.channel_id)
        .where(outbox.c.reply_id == reply)
    )
    return {kind: (state, why) for kind, state, why in office.rows(query)}


def set_all(office: Office, reply: int, state: Delivery) -> None:
    with office.db.write() as tx:
        values: dict[str, Any] = {
            "state": state.value,
            "next_attempt_at": None,
            "fence": 1,
            "sent_at": office.clock(),
        }
        tx.execute(update(outbox).where(outbox.c.reply_id == reply).values(**values))


BY_HAND, SELF = ("manual", "no_kind"), ("pending", None)
TELLING = [
    # the kind, what it needs, the case afterwards, the plain source, the one of final answers
    ("result", {}, "resolved", SELF, SELF),
    ("progress", {}, "in_progress", SELF, BY_HAND),
    ("refusal", {}, "rejected", SELF, SELF),
    ("acknowledgement", {}, "accepted", SELF, BY_HAND),
    ("transfer", {"transfer_to": "Công ty Thoát nước đô thị"}, "rejected", SELF, SELF),
]


@pytest.mark.parametrize("kind, more, after, plain, final", TELLING, ids=[row[0] for row in TELLING])
def test_each_source_is_told_by_itself_or_through_a_person(
    office: Office, kind: str, more: dict[str, str], after: str, plain: Any, final: Any
) -> None:
    case = one_of_each(office)
    reply = office.cases.reply(office.lan, case, ReplyKind(kind), "Đã xem xét.", **more)
    assert states(office, reply) == {"plain": plain, "final": final, "all": SELF, "paper": ("manual", None)}
    assert office.row(case).status == after
    told = office.page(case).timeline[-1]
    assert told.data["kind"] == kind
    assert told.data.get("transfer_to") == more.get("transfer_to")
    assert office.row(case).delivery_problem, "somebody has to carry it"
    office.is_sound()


def test_a_transfer_names_the_body(office: Office) -> None:
    case = office.opens("1")
    for nobody in ("", "  ", "x" * 201):
        with pytest.raises(InputInvalid) as refused:
            office.cases.reply(office.lan, case, ReplyKind.TRANSFER, "Đã chuyển.", transfer_to=nobody)
        assert refused.value.field == "transfer_to"
    for kind in (ReplyKind.EXTENSION, ReplyKind.CORRECTION):
        with pytest.raises(InputInvalid):
            office.cases.reply(office.lan, case, kind, "Đã xem.")
    assert office.count("replies") == 0


def test_an_extension_is_told_with_its_date(office: Office) -> None:
    case = office.opens("1")
    office.cases.extend(office.lan, case, date(2026, 3, 20), "Chờ vật tư", "Xin thêm thời gian.")
    (reply,) = office.page(case).replies
    assert reply.kind == "extension"
    assert reply.body == "Xin thêm thời gian.\nThời hạn mới: 20/03/2026."
    assert office.rows("SELECT due_at IS NOT NULL FROM replies") in ([(1,)], [(True,)])


# Corrections ------------------------------------------------------------------------------------------


def test_a_correction_goes_to_who_got_the_first_behind_it_and_says_so(office: Office) -> None:
    case = one_of_each(office)
    first = office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã thay đèn số 12.")
    refused = states(office, first)
    assert refused["paper"] == ("manual", None)
    with office.db.write() as tx:  # one source refused it for good: it has nothing to correct
        dead = select(outbox.c.id).join(channels, channels.c.id == outbox.c.channel_id)
        dead = dead.where(channels.c.kind == "all")
        tx.execute(update(outbox).where(outbox.c.id.in_(dead)).values(state="dead", next_attempt_at=None))
    was = office.row(case)
    second = office.cases.correct(office.minh, case, first, "Đèn được thay là số 21.")
    assert states(office, second) == {"plain": SELF, "final": SELF, "paper": ("manual", None)}
    row = office.row(case)
    assert (row.status, row.closed_at, row.due_at, row.late) == (
        was.status,
        was.closed_at,
        was.due_at,
        was.late,
    )
    answers = office.page(case).replies
    assert answers[1].body == "Đính chính phúc đáp ngày 02/03/2026:\nĐèn được thay là số 21."
    assert answers[1].corrects_at == answers[0].at and answers[0].corrected_at == answers[1].at
    assert not answers[1].may_correct and answers[0].may_correct
    order = office.rows(select(outbox.c.report_id, outbox.c.seq).where(outbox.c.reply_id == second))
    assert {seq for _, seq in order} == {2}
    office.is_sound()


def test_correcting_a_correction_corrects_the_first_answer_again(office: Office) -> None:
    case = office.opens("1")
    first = office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã thay đèn số 12.")
    second = office.cases.correct(office.lan, case, first, "Đèn số 21.")
    third = office.cases.correct(office.lan, case, second, "Đèn số 22.")
    assert office.rows(f"SELECT corrects FROM replies WHERE id = {third}") == [(first,)]


def test_what_no_source_has_needs_no_correction(office: Office) -> None:
    case = office.opens("1")
    first = office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã xong.")
    set_all(office, first, Delivery.DEAD)
    with pytest.raises(MoveNotAllowed, match="no source"):
        office.cases.correct(office.lan, case, first, "Nhầm.")
    with pytest.raises(NotFound):
        office.cases.correct(office.lan, office.opens("2"), first, "Nhầm.")
    with pytest.raises(NotFound):
        office.cases.correct(office.hue, case, first, "Nhầm.")


def test_a_correction_is_as_short_as_its_channel_wants_its_heading_included(office: Office) -> None:
    office.channel("ngan", kind="short")
    case = office.opens("1", slug="ngan")
    first = office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã xong.")
    with pytest.raises(InputInvalid, match="100"):
        office.cases.correct(office.lan, case, first, "x" * 70)
    office.cases.correct(office.lan, case, first, "x" * 60)


def test_an_answer_that_can_still_be_taken_back_is_not_corrected(office: Office) -> None:
    AnswerSettings(office.db, office.clock, Settings()).put(
        office.admin, WARD_A, undo_s=30, acknowledges=False
    )
    case = office.opens("1")
    first = office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã xong.")
    with pytest.raises(MoveNotAllowed, match="not left"):
        office.cases.correct(office.lan, case, first, "Nhầm.")


# Acknowledgements -------------------------------------------------------------------------------------


def wants(office: Office, *, ward: bool, channel: str | None = None, slug: str = "1022") -> None:
    AnswerSettings(office.db, office.clock, Settings()).put(
        office.admin, WARD_A, undo_s=None, acknowledges=ward
    )
    if channel is not None:
        with office.db.write() as tx:
            tx.execute(
                update(channels).where(channels.c.slug == slug).values(options={"acknowledge": channel})
            )


CHOICES = [
    (False, None, 0, "off, as an office finds it"),
    (True, None, 1, "the ward asks for it"),
    (True, "ward", 1, "the channel was saved and leaves it to the ward"),
    (False, "yes", 1, "this channel asks for it"),
    (True, "no", 0, "this channel does without"),
]


@pytest.mark.parametrize("ward, channel, sent, note", CHOICES, ids=[row[-1] for row in CHOICES])
def test_senders_are_told_when_somebody_takes_their_case_on(
    office: Office, ward: bool, channel: str | None, sent: int, note: str
) -> None:
    case = office.opens("1")
    wants(office, ward=ward, channel=channel)
    office.cases.assign(office.lan, case, unit_id=None, officer_id=office.lan.id)
    replies = office.page(case).replies
    assert len(replies) == sent, note
    if sent:
        assert replies[0].kind == "acknowledgement" and f"mã {office.row(case).code}" in replies[0].body
    assert office.row(case).status == "accepted"
    office.is_sound()


def test_nobody_is_told_twice_that_a_report_came(office: Office) -> None:
    case = office.opens("1")
    wants(office, ward=True)
    office.cases.move(office.lan, case, Status.ACCEPTED)
    with pytest.raises(MoveNotAllowed, match="told already"):
        office.cases.reply(office.lan, case, ReplyKind.ACKNOWLEDGEMENT, "Đã nhận.")
    second = office.opens("2")
    office.cases.reply(office.lan, second, ReplyKind.ACKNOWLEDGEMENT, "Đã nhận.")
    assert office.row(second).status == "accepted"
    third = office.opens("3")
    office.cases.merge(office.lan, third, second)
    with pytest.raises(MoveNotAllowed, match="told already"):
        office.cases.reply(office.lan, second, ReplyKind.ACKNOWLEDGEMENT, "Đã nhận thêm.")
    told = office.rows("SELECT report_id FROM outbox ORDER BY id")
    assert len(told) == len(set(told)) == 3, "the one who joined later, and nobody again"
    office.is_sound()


def again(office: Office, number: int, *, slug: str = "1022", run: str = "poll") -> int:
    """Somebody else writes of the problem of case 1; the case that it joins."""
    (record,) = apart(1, 1)
    told = dataclasses.replace(
        record, external_id=f"again-{number}", occurred_at=record.occurred_at + timedelta(minutes=number)
    )
    office.intake.receive(office.run(slug, kind=run), batch(told, cursor={"n": number}))
    return office.case_of(f"again-{number}")


def told(office: Office) -> list[tuple[str, str]]:
    """(the report, what its sender was told), in the order of telling."""
    return office.rows(
        "SELECT reports.external_id, replies.kind FROM outbox JOIN reports ON reports.id = outbox.report_id"
        " JOIN replies ON replies.id = outbox.reply_id ORDER BY outbox.id"
    )


def test_who_joins_a_case_that_somebody_works_on_is_told_once_in_their_own_source(office: Office) -> None:
    wants(office, ward=True)
    case = office.opens("1")
    assert again(office, 1) == case and told(office) == [], "nobody has taken it on yet"
    office.cases.assign(office.lan, case, unit_id=None, officer_id=office.lan.id)
    office.channel("thu-hai")
    assert again(office, 2, slug="thu-hai") == again(office, 3) == case
    joined = [("again-2", "acknowledgement"), ("again-3", "acknowledgement")]
    assert told(office)[-2:] == joined and len(told(office)) == 4
    office.clock.forward(minutes=5)
    again(office, 3)
    office.cases.move(office.lan, case, Status.IN_PROGRESS)
    assert len(told(office)) == 4, "once"
    reply = office.page(case).replies[-1]
    assert reply.who == office.page(case).replies[0].who, "in the name of who took the case on"
    entries = office.rows("SELECT officer_id FROM ledger_entries WHERE kind = 'replied' ORDER BY id")
    assert entries == [(office.lan.id,), (None,), (None,)], "and nobody pressed a button for it"
    assert office.row(case).status == "in_progress"
    office.is_sound()


@pytest.mark.parametrize(
    "run, ward, closing, note",
    [
        ("poll", False, None, "receipts are off"),
        ("import", True, None, "a file of the past is no letter that came"),
        ("backfill", True, None, "nor is what was read of the past"),
        ("poll", True, ReplyKind.RESULT, "what they are owed is the answer"),
    ],
    ids=lambda value: None if not isinstance(value, str) else value,
)
def test_who_joins_is_not_told_by_itself_where(
    office: Office, run: str, ward: bool, closing: ReplyKind | None, note: str
) -> None:
    case = office.opens("1")
    office.cases.assign(office.lan, case, unit_id=None, officer_id=office.lan.id)
    wants(office, ward=ward)
    if closing:
        office.cases.reply(office.lan, case, closing, "Đã xong.")
        office.cases.move(office.lan, case, Status.IN_PROGRESS)
    before = told(office)
    again(office, 1, slug="khac" if run != "poll" else "1022", run=run)
    assert told(office) == before, note


def test_a_receipt_by_itself_can_be_taken_back_like_any_answer(office: Office) -> None:
    answers = Answers(office.deadlines, lambda kind: SOURCES[kind], undo_s=30)
    office.intake._admission._answers = answers
    wants(office, ward=True)
    case = office.opens("1")
    office.cases.move(office.lan, case, Status.ACCEPTED)
    again(office, 1)
    (left,) = office.rows("SELECT id FROM replies WHERE undo_until IS NOT NULL")
    office.cases.withdraw_reply(office.lan, case, left[0])
    assert states(office, left[0]) == {"portal": ("withdrawn", None)}
    office.is_sound()


def test_a_receipt_by_itself_is_nobodys_work(office: Office) -> None:
    case = one_of_each(office)
    wants(office, ward=True)
    office.cases.assign(office.lan, case, unit_id=None, officer_id=office.lan.id)
    (reply,) = office.rows("SELECT id FROM replies")
    assert states(office, reply[0]) == {"plain": SELF, "all": SELF}, "paper and final answers are left out"
    assert not office.row(case).delivery_problem


def test_a_receipt_meets_the_first_answer_only_where_the_rule_says_so(office: Office) -> None:
    def first_answer(case: int) -> set[bool]:
        report = office.rows(f"SELECT report_id FROM memberships WHERE case_id = {case}")[0][0]
        owed = select(deadlines.c.met_at).where(
            deadlines.c.report_id == report, deadlines.c.step == "first_answer"
        )
        return {met is not None for (met,) in office.rows(owed)}

    key = office.rulebook.add(
        office.admin,
        {"name": "Trả lời lần đầu", "step": "first_answer", "amount": 2, "unit": "working_days",
         "valid_from": office.clock().date()},
        why="Thử",
    )  # fmt: skip
    case = office.opens("1")
    office.cases.reply(office.lan, case, ReplyKind.ACKNOWLEDGEMENT, "Đã nhận.")
    assert first_answer(case) == {False}, "a receipt is no answer"
    office.rulebook.change(office.admin, key, {"by_acknowledgement": True}, why="Quyết định của phường")
    case = office.opens("2")
    office.cases.reply(office.lan, case, ReplyKind.ACKNOWLEDGEMENT, "Đã nhận.")
    assert first_answer(case) == {True}
    office.is_sound()


# Settings ---------------------------------------------------------------------------------------------


def test_a_wards_choice_is_its_administrators_and_in_the_ledger(office: Office) -> None:
    settings = AnswerSettings(office.db, office.clock, Settings(undo_s=45))
    with pytest.raises(NotAllowed):
        settings.put(office.lan, WARD_A, undo_s=10, acknowledges=True)
    with pytest.raises(InputInvalid):
        settings.put(office.admin, WARD_A, undo_s=601, acknowledges=False)
    with pytest.raises(NotFound):
        settings.put(office.admin, "99999", undo_s=1, acknowledges=False)
    settings.put(office.admin, WARD_A, undo_s=10, acknowledges=True, once="k")
    settings.put(office.admin, WARD_A, undo_s=10, acknowledges=True, once="k")
    chosen = {
        one.code: (one.undo_s, one.usual_s, one.acknowledges) for one in settings.of_wards(office.admin)
    }
    assert chosen[WARD_A] == (10, 45, True) and chosen[WARD_B] == (None, 45, False)
    assert [one.code for one in settings.of_wards(office.lan)] == [WARD_A]
    assert office.rows("SELECT count(*) FROM ledger_entries WHERE kind = 'answers_set'") == [(1,)]
    office.is_sound()


# In sight ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["result", "correction"])
def test_a_closed_case_stays_in_sight_until_its_answers_are_settled(office: Office, kind: str) -> None:
    def in_sight() -> list[int]:
        return [row.id for row in office.inbox.page(office.lan, InboxFilter(view="problem")).rows]

    office.channel("nguon-paper", kind="paper")
    case = office.opens("1", slug="nguon-paper")
    reply = office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã xong.")
    if kind == "correction":
        settle(office, case, reply)
        assert in_sight() == []
        reply = office.cases.correct(office.lan, case, reply, "Ở số 21.")
    assert not office.row(case).is_open and in_sight() == [case]
    settle(office, case, reply)
    assert in_sight() == []
    office.is_sound()


def settle(office: Office, case: int, reply: int) -> None:
    """A person carries the answer over."""
    set_all(office, reply, Delivery.SENT)
    with office.db.write() as tx:
        delivery_log.refresh_problems(tx, [case])
