"""What people do with a case: once, seen by their ward only, in the ledger, with the clock right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from aggregator.domain.delivery import Delivery
from aggregator.domain.workflow import PAUSE_REASONS, ReplyKind, Status
from aggregator.errors import (
    AggregatorError,
    InputInvalid,
    MoveNotAllowed,
    NotAllowed,
    NotFound,
    StaleWrite,
)
from aggregator.sdk.contract import Attachment
from aggregator.storage.case_tables import cases
from aggregator.storage.report_tables import attachments
from tests.factories import MONDAY, VN, Office, record, together
from tests.people import WARD_B

#: Ten working days after Monday 2 March, at the close of the office.
DUE = datetime(2026, 3, 16, 17, 0, tzinfo=VN).astimezone(UTC)


def kinds(office: Office, case: int) -> list[str]:
    return [entry.kind for entry in office.page(case).timeline]


def status(office: Office, case: int) -> Status:
    return office.page(case).row.status


# The life of a case ---------------------------------------------------------------------------


def test_asking_the_citizen_by_status_pauses_the_clock_and_coming_back_lets_it_run(office: Office) -> None:
    case = office.opens("1")
    office.cases.move(office.lan, case, Status.NEEDS_INFO, "Xin ảnh chụp")
    assert office.row(case).stage == "paused"
    office.clock.forward(days=7)
    office.cases.move(office.lan, case, Status.IN_PROGRESS)
    row = office.row(case)
    assert (row.stage, row.due_at) == ("none", DUE + timedelta(days=7)), "the week's five working days"
    assert kinds(office, case) == ["opened", "paused", "moved", "resumed", "moved"]
    office.is_sound()


def test_a_pause_for_another_reason_outlasts_asking_the_citizen(office: Office) -> None:
    case = office.opens("1")
    office.cases.pause(office.lan, case, "site_visit")
    office.cases.move(office.lan, case, Status.NEEDS_INFO)
    office.cases.move(office.lan, case, Status.IN_PROGRESS)
    assert office.row(case).stage == "paused"
    office.is_sound()


def test_a_case_is_assigned_worked_on_and_closed_by_its_answer(office: Office) -> None:
    case = office.opens("1")
    unit = office.accounts.ensure_unit("27142", "Tổ trật tự", [])
    office.cases.assign(office.minh, case, unit_id=unit, officer_id=office.lan.id)
    assert status(office, case) is Status.ACCEPTED
    office.cases.note(office.lan, case, "Đã hẹn khảo sát.")
    office.cases.move(office.lan, case, Status.IN_PROGRESS)
    office.clock.forward(days=2)
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã vá xong ổ gà.")
    page = office.page(case)
    assert (page.row.status, page.row.stage, page.late) == (Status.RESOLVED, "done", False)
    assert page.row.closed_at == MONDAY + timedelta(days=2)
    assert (page.row.unit, page.row.officer) == ("Tổ trật tự", "Trần Thị Lan")
    assert kinds(office, case) == ["opened", "assigned", "noted", "moved", "replied"]
    assert [reply.body for reply in page.replies] == ["Đã vá xong ổ gà."]
    assert [one.state for one in page.replies[0].deliveries] == [Delivery.PENDING]
    office.is_sound()


def test_the_ledger_of_an_answer_names_its_sources_and_its_move(office: Office) -> None:
    case = office.opens("1")
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Xong.")
    told = office.page(case).timeline[-1].data
    assert (told["sources"], told["from"], told["to"]) == (["1022"], "new", "resolved")


@pytest.mark.parametrize("to", [Status.RESOLVED, Status.REJECTED, Status.MERGED])
def test_closing_needs_an_answer(office: Office, to: Status) -> None:
    case = office.opens("1")
    with pytest.raises(MoveNotAllowed, match="needs an answer"):
        office.cases.move(office.lan, case, to)
    assert status(office, case) is Status.NEW


REPLIES = [
    (ReplyKind.PROGRESS, Status.IN_PROGRESS, "a case nobody had begun is in progress now"),
    (ReplyKind.RESULT, Status.RESOLVED, "a result closes"),
    (ReplyKind.REFUSAL, Status.REJECTED, "a refusal closes"),
]


@pytest.mark.parametrize(("kind", "after", "note"), REPLIES, ids=[row[2] for row in REPLIES])
def test_an_answer_leaves_its_status(office: Office, kind: ReplyKind, after: Status, note: str) -> None:
    case = office.opens("1")
    office.cases.reply(office.lan, case, kind, "Trả lời.")
    assert status(office, case) is after


def test_a_closed_case_takes_another_result_and_no_progress_until_it_is_reopened(office: Office) -> None:
    case = office.opens("1")
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã xong.")
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Xin bổ sung ảnh.")
    for kind in (ReplyKind.PROGRESS, ReplyKind.REFUSAL):
        with pytest.raises(MoveNotAllowed):
            office.cases.reply(office.lan, case, kind, "Đang làm.")
    office.cases.move(office.lan, case, Status.IN_PROGRESS, "Dân báo chưa xong.")
    office.cases.reply(office.lan, case, ReplyKind.PROGRESS, "Làm lại.")
    assert status(office, case) is Status.IN_PROGRESS
    assert office.page(case).row.closed_at is None
    office.is_sound()


# How long an answer may be --------------------------------------------------------------------


def test_each_channel_has_its_own_limit(office: Office) -> None:
    office.channel("sms", kind="short")
    case = office.opens("1", slug="sms")
    with pytest.raises(InputInvalid, match="sms takes at most 100 characters, this answer has 101"):
        office.cases.reply(office.lan, case, ReplyKind.RESULT, "ổ" * 101)
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "ổ" * 100)
    assert office.count("replies") == 1


@pytest.mark.parametrize(
    "body", ["", "  \n ", "\u200b\x00"], ids=["nothing", "white space", "nothing to see"]
)
def test_an_empty_answer_is_none(office: Office, body: str) -> None:
    case = office.opens("1")
    with pytest.raises(InputInvalid, match="empty"):
        office.cases.reply(office.lan, case, ReplyKind.RESULT, body)


def test_where_no_answer_can_be_pushed_it_waits_for_a_person(office: Office) -> None:
    office.channel("letters", kind="paper")
    case = office.opens("1", slug="letters")
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã xong.")
    assert [one.state for one in office.page(case).replies[0].deliveries] == [Delivery.MANUAL]
    assert office.page(case).row.delivery_problem
    office.is_sound()


# One post, one effect -------------------------------------------------------------------------

POSTS: dict[str, Callable[[Office, int, str], Any]] = {
    "reply": lambda o, c, k: o.cases.reply(o.lan, c, ReplyKind.PROGRESS, "Đang làm.", once=k),
    "note": lambda o, c, k: o.cases.note(o.lan, c, "Ghi chú.", once=k),
    "assign": lambda o, c, k: o.cases.assign(o.lan, c, unit_id=None, officer_id=o.lan.id, once=k),
    "move": lambda o, c, k: o.cases.move(o.lan, c, Status.IN_PROGRESS, once=k),
    "pause": lambda o, c, k: o.cases.pause(o.lan, c, "site_visit", once=k),
    "merge": lambda o, c, k: o.cases.merge(o.lan, c, o.case_of("9"), once=k),
}


@pytest.mark.parametrize("post", POSTS.values(), ids=POSTS)
def test_the_same_post_twice_does_nothing_twice(
    office: Office, post: Callable[[Office, int, str], Any]
) -> None:
    case = office.opens("1")
    office.opens("9")
    first = post(office, case, "key-1")
    entries = office.count("ledger_entries")
    assert post(office, case, "key-1") == first
    assert office.count("ledger_entries") == entries
    office.is_sound()


@pytest.mark.parametrize("post", [POSTS["reply"], POSTS["pause"]], ids=["reply", "pause"])
def test_the_same_post_at_the_same_moment_does_nothing_twice(
    office: Office, post: Callable[[Office, int, str], Any]
) -> None:
    case = office.opens("1")
    results = together(*(lambda: post(office, case, "key-1") for _ in range(4)))
    assert len(set(results)) == 1
    assert len(kinds(office, case)) == 2
    office.is_sound()


@pytest.mark.parametrize("key", ["x" * 10_000, "a\x00b", "\ud800"], ids=["long", "NUL", "a lone surrogate"])
def test_a_strange_one_time_key_is_a_key(office: Office, key: str) -> None:
    case = office.opens("1")
    office.cases.note(office.lan, case, "Một.", once=key)
    office.cases.note(office.lan, case, "Hai.", once=key)
    assert kinds(office, case) == ["opened", "noted"]


def test_a_key_is_one_persons(office: Office) -> None:
    case = office.opens("1")
    office.cases.note(office.lan, case, "Lan.", once="key")
    office.cases.note(office.minh, case, "Minh.", once="key")
    assert kinds(office, case) == ["opened", "noted", "noted"]


def test_who_writes_on_an_old_page_is_told(office: Office) -> None:
    case = office.opens("1")
    drawn = office.page(case).row.version
    office.cases.move(office.minh, case, Status.IN_PROGRESS, version=drawn)
    with pytest.raises(StaleWrite):
        office.cases.reply(office.lan, case, ReplyKind.RESULT, "Xong.", version=drawn)
    assert office.count("replies") == 0
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Xong.", version=office.page(case).row.version)


def test_of_two_who_write_on_the_same_page_at_once_one_is_told(office: Office) -> None:
    case = office.opens("1")
    drawn = office.page(case).row.version

    def write(body: str) -> str:
        try:
            office.cases.reply(office.lan, case, ReplyKind.PROGRESS, body, version=drawn)
        except StaleWrite:
            return "stale"
        return "done"

    assert sorted(together(lambda: write("Một."), lambda: write("Hai."))) == ["done", "stale"]
    assert office.count("replies") == 1


def test_reading_a_case_makes_no_page_old(office: Office) -> None:
    case = office.opens("1")
    drawn = office.page(case).row.version
    office.cases.mark_read(office.lan, case)
    office.cases.mark_read(office.lan, case)
    assert not office.page(case).row.unread
    office.cases.note(office.lan, case, "Ghi.")
    office.cases.assign(office.lan, case, unit_id=None, officer_id=office.lan.id, version=drawn)


# Pauses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", PAUSE_REASONS)
def test_a_pause_gives_its_time_back(office: Office, reason: str) -> None:
    case = office.opens("1")
    assert office.page(case).row.due_at == DUE
    office.cases.pause(office.lan, case, reason, "Chờ.")
    assert (office.page(case).paused, office.page(case).row.stage) == (True, "paused")
    office.clock.forward(days=7)
    office.cases.resume(office.lan, case)
    page = office.page(case)
    assert (page.paused, page.row.due_at) == (False, DUE + timedelta(days=7))
    assert kinds(office, case) == ["opened", "paused", "resumed"]
    office.is_sound()


def test_only_a_running_clock_pauses_and_only_a_paused_one_resumes(office: Office) -> None:
    case = office.opens("1")
    with pytest.raises(MoveNotAllowed):
        office.cases.resume(office.lan, case)
    office.cases.pause(office.lan, case, "site_visit")
    with pytest.raises(MoveNotAllowed):
        office.cases.pause(office.lan, case, "site_visit")
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Xong.")
    for verb in (
        lambda: office.cases.resume(office.lan, case),
        lambda: office.cases.pause(office.lan, case, "site_visit"),
    ):
        with pytest.raises(MoveNotAllowed):
            verb()


def test_a_reason_to_pause_is_one_of_the_list(office: Office) -> None:
    case = office.opens("1")
    with pytest.raises(InputInvalid, match="no such reason"):
        office.cases.pause(office.lan, case, "holiday")


def test_waiting_for_the_citizen_ends_with_the_clock_running(office: Office) -> None:
    """The officer has what was asked for and moves on: the clock may not stand still unseen."""
    case = office.opens("1")
    office.cases.pause(office.lan, case, "needs_info")
    assert status(office, case) is Status.NEEDS_INFO
    office.clock.forward(days=7)
    office.cases.move(office.lan, case, Status.IN_PROGRESS)
    page = office.page(case)
    assert (page.paused, page.row.stage, page.row.due_at) == (False, "none", DUE + timedelta(days=7))
    office.is_sound()


def test_a_pause_for_another_reason_outlasts_a_move(office: Office) -> None:
    case = office.opens("1")
    office.cases.pause(office.lan, case, "force_majeure")
    office.cases.move(office.lan, case, Status.WAITING_UNIT)
    assert office.page(case).paused


def test_an_answer_while_paused_ends_the_pause_and_is_judged_with_it(office: Office) -> None:
    case = office.opens("1")
    office.clock.forward(days=7)
    office.cases.pause(office.lan, case, "other_body")
    office.clock.forward(days=60)
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Xong.")
    assert (office.page(case).paused, office.page(case).late) == (False, False)


def test_an_answer_in_the_very_second_of_the_deadline_is_in_time(office: Office) -> None:
    case, other = office.opens("1"), office.opens("2")
    office.clock.at = DUE + timedelta(milliseconds=600)
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Xong.")
    office.clock.at = DUE + timedelta(seconds=1)
    office.cases.reply(office.lan, other, ReplyKind.RESULT, "Xong.")
    assert (office.page(case).late, office.page(other).late) == (False, True)


def test_the_time_a_case_was_closed_is_not_counted_when_it_is_reopened(office: Office) -> None:
    case = office.opens("1")
    office.clock.forward(days=1)
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Xong.")
    office.clock.forward(days=7)
    office.cases.move(office.lan, case, Status.IN_PROGRESS, "Chưa xong.")
    page = office.page(case)
    assert (page.row.due_at, page.row.stage, page.late) == (DUE + timedelta(days=7), "none", None)
    office.is_sound()


# I13: a ward sees its own ---------------------------------------------------------------------

VERBS: dict[str, Callable[[Office, Any, int, int], Any]] = {
    "case": lambda o, who, c, r: o.cases.case(who, c),
    "find": lambda o, who, c, r: o.cases.find(who, str(c)),
    "find by code": lambda o, who, c, r: o.cases.find(who, f"26-{c:05}"),
    "mark_read": lambda o, who, c, r: o.cases.mark_read(who, c),
    "attachment": lambda o, who, c, r: o.cases.attachment(who, r),
    "reveal": lambda o, who, c, r: o.cases.reveal(who, r, "tò mò"),
    "reply": lambda o, who, c, r: o.cases.reply(who, c, ReplyKind.RESULT, "Xong."),
    "note": lambda o, who, c, r: o.cases.note(who, c, "Ghi."),
    "assign": lambda o, who, c, r: o.cases.assign(who, c, unit_id=None, officer_id=None),
    "move": lambda o, who, c, r: o.cases.move(who, c, Status.IN_PROGRESS),
    "pause": lambda o, who, c, r: o.cases.pause(who, c, "site_visit"),
    "resume": lambda o, who, c, r: o.cases.resume(who, c),
    "merge": lambda o, who, c, r: o.cases.merge(who, c, o.case_of("b")),
    "merge into": lambda o, who, c, r: o.cases.merge(who, o.case_of("b"), c),
    "split": lambda o, who, c, r: o.cases.split(who, c, [r]),
    "same": lambda o, who, c, r: o.duplicates.same(who, c, o.case_of("b")),
    "different": lambda o, who, c, r: o.duplicates.different(who, c, o.case_of("b")),
    "different the other way": lambda o, who, c, r: o.duplicates.different(who, o.case_of("b"), c),
    "recurs": lambda o, who, c, r: o.duplicates.recurs(who, c, o.case_of("b")),
    "compare": lambda o, who, c, r: o.comparing.cases(who, c, o.case_of("b")),
}
MISSING = [999, 0, -1, 2**63, 10**30]


def test_hue_is_told_the_same_of_a_hidden_and_of_a_missing_case(
    office: Office, subtests: pytest.Subtests
) -> None:
    office.opens("7")
    case = office.opens("1", attachments=(Attachment("a", "a.jpg"),), phone="0903123456")
    store_files(office)
    office.channel("of b", ward=WARD_B)
    office.opens("b", slug="of b")
    before = office.count("ledger_entries"), office.rows("SELECT version FROM cases ORDER BY id")
    for name, verb in VERBS.items():
        with subtests.test(name):
            told = set()
            for number, report in [(case, office.report("1")), *((one, one) for one in MISSING)]:
                with pytest.raises(NotFound) as refused:
                    verb(office, office.hue, number, report)
                told.add((str(refused.value), refused.value.message_vi))
            assert told == {("no such case", "Không tìm thấy vụ việc này.")}
    assert before == (office.count("ledger_entries"), office.rows("SELECT version FROM cases ORDER BY id"))


def store_files(office: Office) -> None:
    with office.db.write() as tx:
        tx.execute(update(attachments).values(state="stored", sha256="ab" * 32))


def test_a_file_is_there_for_its_ward_once_it_is_stored(office: Office) -> None:
    office.opens("1", attachments=(Attachment("a", "anh.jpg", "image/jpeg"),))
    ((number,),) = office.rows("SELECT id FROM attachments")
    with pytest.raises(NotFound):
        office.cases.attachment(office.lan, number)
    store_files(office)
    path, name, kind = office.cases.attachment(office.minh, number)
    assert (path.parent.name, name, kind) == ("ab", "anh.jpg", "image/jpeg")


def test_the_administrator_sees_everything_and_handles_nothing(office: Office) -> None:
    case = office.opens("1")
    assert office.cases.case(office.admin, case).row.id == case
    for verb in VERBS:
        if (
            verb not in ("case", "find", "find by code", "mark_read", "attachment", "merge", "merge into")
            and verb not in ("same", "recurs", "compare")
            and "different" not in verb
        ):
            with pytest.raises(NotAllowed):
                VERBS[verb](office, office.admin, case, office.report("1"))


def test_a_case_is_given_only_to_its_own_wards_people(office: Office) -> None:
    case = office.opens("1")
    theirs = office.accounts.ensure_unit(WARD_B, "Tổ của B", [])
    for unit, officer in ((theirs, None), (None, office.hue.id), (999, None), (None, 2**63)):
        with pytest.raises(InputInvalid):
            office.cases.assign(office.lan, case, unit_id=unit, officer_id=officer)


@pytest.mark.parametrize("code", ["", "26-99999", "x" * 10_000, "'; --", "a\x00", "\ud800", "٣", "9" * 30])
def test_a_code_that_names_nothing_finds_nothing(office: Office, code: str) -> None:
    office.opens("1")
    with pytest.raises(NotFound):
        office.cases.find(office.lan, code)


def test_a_code_finds_its_case(office: Office) -> None:
    case = office.opens("1")
    code = office.page(case).row.code
    assert code == "26-00001"
    assert office.cases.find(office.lan, f" {code} ") == office.cases.find(office.admin, str(case)) == case


# I12: who reported ----------------------------------------------------------------------------

NAME, PHONE, MAIL = "Phạm Thị Bí Mật", "0903 123 456", "bimat.pham@example.test"


def test_who_reported_is_in_no_plain_byte_of_the_database(sqlite_office: Office) -> None:
    office = sqlite_office
    person = {"name": NAME, "phone": PHONE, "email": MAIL, "id_number": "079185001234"}
    case = office.opens("1", **person)
    office.receives("1022", record("1", "Nói thêm.", **person), pages=[f"{NAME} {PHONE} {MAIL}".encode()])
    office.cases.reveal(office.lan, office.report("1"), "gọi hỏi địa chỉ")
    office.cases.reply(office.lan, case, ReplyKind.RESULT, "Xong.")
    office.db.close()
    stored = b"".join(path.read_bytes() for path in office.folder.glob("office.db*"))
    for word in (NAME, "Bí Mật", PHONE, "903123456", "0903123456", MAIL, "079185001234"):
        assert word.encode() not in stored, word


def test_who_reported_is_revealed_by_right_with_a_reason_that_is_kept(office: Office) -> None:
    case = office.opens("1", name=NAME, phone=PHONE)
    report = office.report("1")
    with pytest.raises(InputInvalid):
        office.cases.reveal(office.lan, report, "  ")
    assert "unmasked" not in kinds(office, case)
    assert office.cases.reveal(office.lan, report, "gọi hỏi địa chỉ") == {"name": NAME, "phone": PHONE}
    last = office.page(case).timeline[-1]
    assert (last.kind, last.who, last.data["reason"]) == ("unmasked", "Trần Thị Lan", "gọi hỏi địa chỉ")
    office.is_sound()


def test_nothing_on_the_page_of_a_case_says_who_reported(office: Office) -> None:
    case = office.opens("1", name=NAME, phone=PHONE, email=MAIL)
    assert office.page(case).reports[0].has_identity
    for word in (NAME, PHONE, "903123456", MAIL):
        assert word not in repr(office.page(case))


def test_who_asked_to_stay_unknown_is_never_revealed_and_never_stored(office: Office) -> None:
    case = office.opens("1", name=NAME, phone=PHONE, anonymous=True)
    with pytest.raises(NotAllowed, match="anonymous"):
        office.cases.reveal(office.lan, office.report("1"), "gọi hỏi")
    assert not office.page(case).reports[0].has_identity
    assert office.count("reporters") == 0
    assert office.rows("SELECT phone FROM match_traits") == [(None,)]


def test_who_asks_for_silence_later_gets_it_for_before(office: Office) -> None:
    office.opens("1", name=NAME, phone=PHONE)
    office.receives("1022", record("1", name=NAME, phone=PHONE, anonymous=True))
    assert office.count("reporters") == 0
    with pytest.raises(NotAllowed):
        office.cases.reveal(office.lan, office.report("1"), "gọi hỏi")


def test_the_hash_kept_for_good_does_not_give_a_telephone_number_away(office: Office) -> None:
    """Whoever knows all but the digits could try them all against a plain hash."""
    from aggregator.services.canonical import revision_hash

    one = record("1", phone=PHONE)
    assert revision_hash(one, office.vault.blind) != revision_hash(one, lambda value, kind: value)


# I11: every verb is in the chain --------------------------------------------------------------


def test_every_verb_leaves_an_entry_of_the_person_who_did_it(office: Office) -> None:
    case, other = office.opens("1", phone=PHONE), office.opens("2")
    lan = office.lan
    verbs: list[Callable[[], Any]] = [
        lambda: office.cases.note(lan, case, "Ghi."),
        lambda: office.cases.assign(lan, case, unit_id=None, officer_id=lan.id),
        lambda: office.cases.pause(lan, case, "site_visit"),
        lambda: office.cases.resume(lan, case),
        lambda: office.cases.move(lan, case, Status.WAITING_UNIT),
        lambda: office.cases.reveal(lan, office.report("1"), "gọi"),
        lambda: office.duplicates.different(lan, case, other),
        lambda: office.cases.merge(lan, other, case),
        lambda: office.cases.split(lan, case, [office.report("2")]),
        lambda: office.cases.reply(lan, case, ReplyKind.RESULT, "Xong."),
    ]
    for verb in verbs:
        before = office.count("ledger_entries")
        verb()
        news = office.rows(f"SELECT officer_id FROM ledger_entries ORDER BY id LIMIT 9 OFFSET {before}")
        assert news and {row[0] for row in news} == {lan.id}
        office.is_sound()


# Times are instants (I14) ---------------------------------------------------------------------


def test_a_time_without_a_zone_reaches_no_table(office: Office) -> None:
    case = office.opens("1")
    with pytest.raises(Exception, match="naive"), office.db.write() as tx:
        tx.execute(update(cases).where(cases.c.id == case).values(due_at=datetime(2026, 1, 1)))  # noqa: DTZ001


def test_a_clock_in_another_zone_tells_the_same_instants(office: Office) -> None:
    office.clock.at = MONDAY.astimezone(VN)
    case = office.opens("1")
    office.cases.note(office.lan, case, "Ghi.")
    assert office.page(case).timeline[-1].at == MONDAY
    office.is_sound()


def test_every_error_has_words_for_the_screen(office: Office) -> None:
    case = office.opens("1")
    for verb in (
        lambda: office.cases.pause(office.lan, case, "x"),
        lambda: office.cases.resume(office.lan, case),
        lambda: office.cases.reply(office.lan, case, ReplyKind.RESULT, ""),
        lambda: office.cases.case(office.hue, case),
        lambda: office.cases.merge(office.lan, case, case),
        lambda: office.cases.split(office.lan, case, []),
    ):
        with pytest.raises(AggregatorError) as refused:
            verb()
        assert refused.value.message_vi != refused.value.message


def test_the_page_of_a_large_case_stays_bounded(office: Office) -> None:
    """As many statements, whether a case holds one report or thirty."""
    from sqlalchemy import event

    text = "Ổ gà rất to trước số nhà 12 Lê Lợi, xe máy ngã nhiều lần"
    office.receives("1022", *(record(str(n), text, address="12 Lê Lợi") for n in range(30)))
    small, large = office.opens("99"), office.case_of("3")
    assert office.row(large).report_count == 30
    told: list[str] = []
    event.listen(office.db.reader, "before_cursor_execute", lambda *a: told.append(a[2]))
    office.cases.case(office.lan, small)
    few = len(told)
    office.cases.case(office.lan, large)
    assert len(told) - few <= few + 2 <= 28
