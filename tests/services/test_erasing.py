"""One person, erased: found wherever they are named, gone from everything, and not brought back."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from aggregator.domain.retention import Kind, Stays
from aggregator.domain.subject import GONE, Sought
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import InputInvalid, NotAllowed
from aggregator.sdk.contract import Answer
from aggregator.services.answer_files import Chosen
from aggregator.services.kept_files import lay_down, path_of
from aggregator.services.privacy.erasing import Way
from aggregator.services.privacy.forgetting import BLANK_TITLE
from aggregator.services.privacy.holds import HoldReason
from aggregator.storage import migrate  # noqa: F401 (all tables)
from aggregator.storage.belief_tables import discrepancies
from aggregator.storage.case_tables import cases, outbox
from aggregator.storage.privacy_tables import privacy_requests
from aggregator.storage.report_tables import attachments
from aggregator.storage.types import metadata
from aggregator.verifier import motmoi_check
from tests.domain.test_proof_files import PDF
from tests.factories import Office, batch, problem, record
from tests.people import WARD_A

NAME, PHONE, EMAIL = "Vũ Thị Hồng Ánh", "0912 345 678", "anh.vu@thu.example"
ANH = Sought(name=NAME, phone=PHONE, email=EMAIL)
WORDS = f"Tôi là {NAME}, gọi 0912.345.678: ổ gà sâu trước nhà, xe ngã nhiều lần."


def request(office: Office) -> int:
    """A registered request; its id."""
    at = office.clock()
    with office.db.write() as tx:
        made = insert(privacy_requests).values(
            ward_code=WARD_A, kind="erase", came_by="in_person", received_at=at, answer_due_at=at,
            done_due_at=at, calendar_version=1, entered_at=at, version=1,
        )  # fmt: skip
        return int(tx.execute(made.returning(privacy_requests.c.id)).scalar_one())


def sends(office: Office, external_id: str = "1", body: str = WORDS, **more: Any) -> int:
    given = {"name": NAME, "phone": PHONE, "email": EMAIL, "address": "12 Lê Lợi",
             "subject": f"Ổ gà nhà bà {NAME}", **more}  # fmt: skip
    office.receives("1022", record(external_id, body, **given))
    return office.case_of(external_id)


def found(office: Office, **more: Any) -> dict[int, set[str]]:
    cases = office.finding.find(office.minh, ANH, "Yêu cầu số 1", **more)
    return {report.id: set(report.by) for case in cases for report in case.reports}


def erase(office: Office, way: Way = Way.ALL, sought: Sought = ANH) -> Any:
    mine = [one for one, by in found(office).items() if by - {"text"}]
    return office.erasing.erase(office.minh, request(office), sought, mine, way)


def everything(office: Office) -> str:
    """Every value of every row of every table, sealed ones opened where they can be."""
    told = []
    with office.db.read() as tx:
        for table in metadata.sorted_tables:
            for row in tx.execute(table.select()):
                for name, value in zip(row._fields, row, strict=True):
                    told.append(_opened(office, table.name, name, value))
    return "\n".join(told)


def _opened(office: Office, table: str, column: str, value: Any) -> str:
    purposes = {"identity": "identity", "raw": "revision", "content": "payload", "held": "held"}
    if not isinstance(value, (bytes, memoryview)) or not bytes(value):
        return str(value)
    if column == "identity":
        return str(office.vault.open_json(bytes(value), "identity"))
    return office.vault.unpack(bytes(value), purposes[column]).decode("utf-8", "replace")


def names(text: str) -> list[str]:
    low = text.lower()
    return [word for word in (NAME.lower(), "vu thi hong anh", "0912.345.678", "0912 345 678", "912345678",
                              EMAIL) if word in low]  # fmt: skip


# Finding ---------------------------------------------------------------------------------------------


def test_the_person_is_found_by_index_by_sealed_name_and_by_the_words_of_others(office: Office) -> None:
    plain = {"subject": "Phản ánh", "email": ""}
    sends(office, "1")
    sends(office, "2", "Đèn đường hỏng hẻm 9.", name="Vu Thi Hong Anh", phone="0900000000", **plain)
    sends(office, "3", f"Nhà bà {NAME} lấn vỉa hè.", name="Lý Văn Út", phone="0987654321", **plain)
    sends(office, "4", "Rác.", name="Ai Khác", phone="0933333333", **plain)
    one, two, three = (office.report(number) for number in "123")
    assert found(office) == {one: {"phone", "email", "name", "text"}, two: {"name"}, three: {"text"}}


def test_a_look_is_in_the_ledger_without_a_word_of_the_person(office: Office) -> None:
    sends(office)
    found(office)
    ((data,),) = office.rows("SELECT data FROM ledger_entries WHERE kind = 'person_sought'")
    assert names(data) == [] and "Yêu cầu số 1" in data


def test_who_may_not_or_says_not_why_finds_nobody(office: Office) -> None:
    sends(office)
    for actor in (office.lan, office.admin, office.hue):
        with pytest.raises(NotAllowed):
            office.finding.find(actor, ANH, "Tò mò")
    with pytest.raises(InputInvalid):
        office.finding.find(office.minh, ANH, " ")
    with pytest.raises(InputInvalid):
        office.finding.find(office.minh, Sought(phone="113"), "Thử")


def test_an_anonymous_report_is_found_by_the_code_that_its_sender_knows(office: Office) -> None:
    case_id = sends(office, "1", "Quán nhậu ồn.", name=None, phone=None, email=None, anonymous=True,
                    subject="Ồn")  # fmt: skip
    assert found(office) == {}
    assert found(office, codes=[office.row(case_id).code]) == {office.report("1"): {"code"}}


def test_another_wards_people_are_not_found(office: Office) -> None:
    sends(office, "9", ward="26740")
    assert office.row(office.case_of("9")).ward_code == "26740"
    assert found(office) == {}


# Erasing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [Way.REDACT, Way.ALL])
def test_nothing_of_the_person_is_left_in_any_row(office: Office, way: Way) -> None:
    sends(office, "1")
    case_id = sends(office, "3", f"Nhà bà {NAME} lấn vỉa hè.", name="Lý Văn Út", phone="0987654321", email="")
    office.cases.note(office.lan, case_id, f"Đã gọi bà {NAME} số {PHONE}")
    office.cases.reply(office.lan, office.case_of("1"), ReplyKind.PROGRESS, f"Kính gửi bà {NAME}: đang làm.")
    assert len(names(everything(office))) > 4, "the control: she is everywhere"
    done = erase(office, way)
    assert (done.kept, done.answers, done.entries > 0) == ({}, 1, True)
    assert names(everything(office)) == []
    office.is_sound()


@pytest.mark.parametrize(
    ("words", "name", "stays"),
    [
        (f"Gửi bà {NAME}.", "QĐ 12", False),  # a paper beside her name is hers
        ("Đã xong.", f"QĐ bà {NAME}", False),
        ("Đã xong.", "Sau khi sửa", True),
    ],
)
def test_files_of_answers_go_with_words_or_names_that_name_the_person(
    office: Office, words: str, name: str, stays: bool
) -> None:
    case_id = sends(office)
    files = (Chosen(f"{name}.pdf", PDF),)
    office.cases.reply(office.lan, case_id, ReplyKind.PROGRESS, words, files=files)
    for path in (office.folder / "attachments").rglob("*"):
        os.utime(path, (0, 0))
    erase(office, Way.REDACT)
    (file,) = office.page(case_id).replies[0].files
    left = [path for path in (office.folder / "attachments").rglob("*") if path.is_file()]
    assert (file.there, bool(left)) == (stays, stays)
    assert names(everything(office)) == []


def test_redacting_leaves_the_matter_readable_and_compared(office: Office) -> None:
    case_id = sends(office)
    erase(office, Way.REDACT)
    page = office.page(case_id)
    assert page.reports[0].body == f"Tôi là {GONE}, gọi {GONE}: ổ gà sâu trước nhà, xe ngã nhiều lần."
    assert page.row.title == f"Ổ gà nhà bà {GONE}"
    assert not page.reports[0].has_identity
    assert office.count("match_traits") == 1


def test_erasing_all_leaves_no_word_and_the_case_with_its_clock(office: Office) -> None:
    case_id = sends(office)
    due_at = office.page(case_id).row.due_at
    erase(office, Way.ALL)
    page = office.page(case_id)
    assert (page.row.title, page.reports[0].body, page.reports[0].address) == (BLANK_TITLE, "", None)
    assert page.row.due_at == due_at
    assert office.count("match_traits") == office.count("match_keys") == 0


def test_only_the_identity_may_go_and_the_words_stay(office: Office) -> None:
    case_id = sends(office, body="Ổ gà sâu trước nhà 12 Lê Lợi.")
    erase(office, Way.IDENTITY)
    page = office.page(case_id)
    assert page.reports[0].body == "Ổ gà sâu trước nhà 12 Lê Lợi." and not page.reports[0].has_identity
    assert office.rows("SELECT phone FROM match_traits") == [(None,)]


def test_other_peoples_reports_of_the_same_case_stay_whole(office: Office) -> None:
    case_id = sends(office, "1")
    office.receives("zalo", record("z1", "Ổ gà sâu trước nhà số 12 Lê Lợi.", name="Lý Văn Út",
                                   phone="0987 654 321", address="12 Lê Lợi"))  # fmt: skip
    other = office.case_of("z1")
    if other != case_id:
        office.cases.merge(office.lan, other, case_id)
    erase(office, Way.ALL)
    page = office.page(case_id)
    mine, theirs = sorted(page.reports, key=lambda report: report.external_id)
    assert (mine.body, theirs.body) == ("", "Ổ gà sâu trước nhà số 12 Lê Lợi.")
    assert theirs.has_identity and page.row.title != BLANK_TITLE
    assert names(page.row.title) == []


def test_an_answer_that_waits_is_sent_without_the_name(office: Office) -> None:
    case_id = sends(office)
    office.cases.reply(office.lan, case_id, ReplyKind.RESULT, f"Kính gửi bà {NAME}: đã vá xong.")
    erase(office, Way.REDACT)
    assert office.rows("SELECT body FROM replies") == [(f"Kính gửi bà {GONE}: đã vá xong.",)]
    assert office.rows("SELECT state FROM outbox") == [("pending",)]


@pytest.mark.parametrize("state", ["leased", "confirming", "unclear"])
def test_an_answer_that_a_source_may_have_keeps_its_case_for_later(office: Office, state: str) -> None:
    case_id = sends(office)
    office.cases.reply(office.lan, case_id, ReplyKind.RESULT, f"Kính gửi bà {NAME}: đã vá xong.")
    with office.db.write() as tx:
        tx.execute(update(outbox).values(state=state))
    assert list(erase(office).kept.values()) == [Stays.SENDING]
    with office.db.write() as tx:
        tx.execute(update(outbox).values(state="acknowledged"))
    assert erase(office).kept == {}
    assert names(everything(office)) == []


def test_what_a_source_showed_otherwise_names_the_person_no_more(office: Office) -> None:
    sends(office)
    at = office.clock()
    with office.db.write() as tx:
        tx.execute(
            insert(discrepancies).values(
                channel_id=office.run("1022").channel_id, report_id=office.report("1"), kind="answer",
                about="x", ours="Đã vá.", theirs=f"Đã gọi {NAME}", author="", note="", found_at=at, reason="",
            )
        )  # fmt: skip
    erase(office, Way.REDACT)
    assert office.rows("SELECT ours, theirs FROM discrepancies") == [("Đã vá.", f"Đã gọi {GONE}")]


def test_somebody_of_the_same_name_stays_whole(office: Office) -> None:
    sends(office, "1")
    other = sends(
        office, "2", "Đèn hỏng.", phone="0987 654 321", email="khac@thu.example", address="9 Pasteur"
    )
    office.cases.reply(office.lan, other, ReplyKind.PROGRESS, f"Kính gửi bà {NAME}: đang làm.")
    office.erasing.erase(office.minh, request(office), ANH, [office.report("1")], Way.ALL)
    page = office.page(other)
    assert page.reports[0].has_identity and page.reports[0].subject == f"Ổ gà nhà bà {NAME}"
    assert page.replies[0].body == f"Kính gửi bà {NAME}: đang làm."


def test_a_held_case_and_a_legal_matter_stay(office: Office) -> None:
    case_id = sends(office)
    office.holds.put(office.minh, office.row(case_id).code, HoldReason.COMPLAINT)
    assert list(erase(office).kept.values()) == [Stays.HOLD]
    assert office.page(case_id).reports[0].has_identity


def test_files_pages_and_unreadable_items_go_too(office: Office) -> None:
    sends(office, "PA-77")
    page = f'[{{"id":"PA-77","sdt":"{PHONE}"}}]'.encode()
    bad = problem(page, external_id="PA-77")
    office.intake.receive(office.run("1022"), batch(record("8"), problems=[bad], pages=[page + b" "]))
    folder = office.folder / "attachments"
    digest = lay_down(folder, b"anh")
    path = path_of(folder, digest)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    with office.db.write() as tx:
        row = {"report_id": office.report("PA-77"), "ref": "/hong-anh.jpg", "filename": f"{NAME}.jpg"}
        tx.execute(attachments.insert().values(sha256=digest, state="stored", tries=1, **row))
    done = erase(office)
    assert done.files == 1 and not path.exists()
    assert names(everything(office)) == []
    assert office.rows("SELECT state FROM quarantine") == [("dismissed",)]


@pytest.mark.parametrize("way", list(Way))
def test_what_a_source_showed_beside_our_answers_goes_on_both_sides_and_is_not_brought_back(
    office: Office, way: Way
) -> None:
    """Two foreign answers (hers, and under a neighbour's report), one edit of ours, one reason of ours."""
    ours = f"Kính gửi bà {NAME}: đã vá xong ổ gà trước nhà, cảm ơn bà."
    anothers = {"name": "Lý Văn Út", "phone": "0987654321", "email": "", "subject": "Vỉa hè"}
    case_id = sends(office, "1")
    sends(office, "3", "Vỉa hè bị lấn.", **anothers)
    foreign = (Answer(f"Chào bà {NAME}, đơn vị khác xử lý.", author=NAME), Answer(f"{ours} ({PHONE})"))
    office.cases.reply(office.lan, case_id, ReplyKind.PROGRESS, ours)
    with office.db.write() as tx:
        tx.execute(update(outbox).values(state="sent", sent_at=office.clock(), attempts=1))
    sends(office, "1", answers=foreign)
    sends(office, "3", "Vỉa hè bị lấn.", answers=foreign[:1], **anothers)
    with office.db.write() as tx:
        tx.execute(update(discrepancies).where(discrepancies.c.id == 1).values(reason=f"Đã hỏi bà {NAME}"))
    assert office.rows("SELECT kind FROM discrepancies ORDER BY id") == [
        ("answer_foreign",), ("answer_edited",), ("answer_foreign",),
    ]  # fmt: skip
    assert sum(one.differences for one in office.finding.find(office.minh, ANH, "Yêu cầu")) == 3
    erase(office, way)

    def noted() -> list[str]:
        with office.db.read() as tx:
            rows = tx.execute(discrepancies.select()).all()
        return [str(value) for row in rows for value in row]

    assert names("\n".join(noted())) == [] and any(GONE in text for text in noted())
    if way is not Way.IDENTITY:
        assert names(everything(office)) == []
    count = len(noted())
    office.clock.forward(hours=2)
    sends(office, "1", answers=(*foreign, Answer(f"Lại gửi bà {NAME}.")), status_raw="Đã đóng")
    assert (len(noted()), names("\n".join(noted()))) == (count, [])
    office.is_sound()


def test_what_was_certified_before_still_verifies_and_the_ledger_is_clean(office: Office) -> None:
    case_id = sends(office)
    office.cases.note(office.lan, case_id, f"Đã gọi bà {NAME}")
    office.cases.reply(office.lan, case_id, ReplyKind.RESULT, f"Kính gửi bà {NAME}: đã vá xong.")
    view = office.certificates.issue(office.lan, case_id)
    _, proof = office.certificates.bundle(office.lan, view.id)
    assert motmoi_check.check(proof).findings == []
    erase(office)
    assert motmoi_check.check(proof).findings == [], "the paper in the citizen's hands holds"
    _, again = office.certificates.bundle(office.lan, view.id)
    assert motmoi_check.check(again).findings == [], "and so does what we hand out now"
    assert office.evidence.verify().findings == ()


def test_an_erasure_that_nobody_recorded_is_a_finding(office: Office) -> None:
    """The control: not every missing word is forgiven, only the recorded ones."""
    case_id = sends(office)
    office.cases.note(office.lan, case_id, "Ghi chú")
    with office.db.write() as tx:
        tx.exec_driver_sql("UPDATE ledger_entries SET data = NULL, salt = NULL WHERE kind = 'noted'")
    assert [finding.code for finding in office.evidence.verify().findings] == ["erased"]


# Not brought back ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("way", "body"), [(Way.ALL, ""), (Way.REDACT, "Tôi là [đã xoá], gọi [đã xoá]: ")])
def test_the_next_poll_does_not_bring_the_person_back(office: Office, way: Way, body: str) -> None:
    sends(office)
    erase(office, way)
    runs = office.count("report_revisions")
    sends(office)
    assert office.count("report_revisions") == runs, "unchanged at the source: nothing happens"
    sends(office, status_raw="Đã đóng", urgency_raw="2")
    page = office.page(office.case_of("1"))
    assert (page.reports[0].status_raw, page.reports[0].revision) == ("Đã đóng", 2), "its state is followed"
    assert page.reports[0].body.startswith(body) and not page.reports[0].has_identity
    assert names(everything(office)) == []
    office.is_sound()


def test_with_the_memory_taken_away_the_person_comes_back(office: Office) -> None:
    """The control of the test above."""
    sends(office)
    erase(office)
    with office.db.write() as tx:
        tx.exec_driver_sql("DELETE FROM forgotten")
    sends(office, status_raw="Đã đóng")
    assert names(everything(office))


def test_a_report_whose_id_names_its_sender_is_taken_in_no_more(office: Office) -> None:
    sends(office, EMAIL)
    erase(office)
    cases = office.count("cases")
    counts = office.receives("1022", record(EMAIL, WORDS + " Vẫn chưa làm.", name=NAME, phone=PHONE))
    assert (counts.seen, counts.stored, counts.unchanged) == (1, 0, 1)
    assert office.count("cases") == cases
    assert names(everything(office)) == []


def test_what_cannot_be_read_of_an_erased_report_is_kept_without_its_bytes(office: Office) -> None:
    sends(office)
    erase(office)
    bad = problem(f'{{"id":"1","hoten":"{NAME}"}}'.encode(), external_id="1")
    office.intake.receive(office.run("1022"), batch(problems=[bad]))
    assert office.count("quarantine") == 1
    assert names(everything(office)) == []


def test_another_report_of_the_same_person_comes_in_as_ever(office: Office) -> None:
    sends(office, "1")
    erase(office)
    case_id = sends(office, "2", "Đèn hỏng.")
    assert office.page(case_id).reports[0].has_identity, "a new matter is a new consent"


# A thousand people ------------------------------------------------------------------------------------

MANY = 1000


def _crowd() -> list[dict[str, str]]:
    family = ("Quách", "Lục", "Âu", "Nhan", "Tiêu", "Vương", "Khổng", "Đàm", "Giang", "Thạch")
    middle = ("Thuần", "Khiết", "Bội", "Tường", "Uyển", "Tịnh", "Hoàng", "Diệu", "Nhược", "Mẫn")
    given = ("Kha", "Nhiên", "Quỳnh", "Vi", "Sương", "Bách", "Đoan", "Lam", "Ngân", "Thư")
    people = [f"{a} {b} {c}" for a in family for b in middle for c in given]
    return [
        {"name": name, "phone": f"09{12_000_000 + 7919 * n:08d}", "email": f"nguoi{n}.gui@thu.example",
         "words": f"dau hieu rieng so {n * 104729}"}
        for n, name in enumerate(people)
    ]  # fmt: skip


#: Everything that is known of anybody of the crowd looks like one of these.
_TELLS = re.compile(
    r"dau hieu rieng so \d+|nguoi\d+\.gui@thu\.example|09\d{8}"
    rf"|(?:{'|'.join({one['name'].split()[0].lower() for one in _crowd()})}) \w+ \w+"
)


def _left(text: bytes, crowd: list[dict[str, str]]) -> int:
    """How many of the crowd these bytes tell of, by anything that is known of them."""
    told = set(_TELLS.findall(text.decode("utf-8", "replace").lower()))
    return sum(any(value.lower() in told for value in one.values()) for one in crowd)


def test_a_thousand_people_leave_no_byte_behind(office: Office, caplog: Any) -> None:
    """Every third is erased by request, the others by their term; then no file holds any of them."""
    crowd = _crowd()
    assert len(crowd) == MANY
    for start in range(0, MANY, 200):
        part = [
            record(
                f"P{n}", f"{one['name']} gọi {one['phone']}, {one['words']}.",
                subject=f"Việc của {one['name']}", address=f"{n} Lê Lợi",
                name=one["name"], phone=one["phone"], email=one["email"],
            )
            for n, one in enumerate(crowd[start : start + 200], start)
        ]  # fmt: skip
        pages = ["\n".join(str(one) for one in part).encode()]
        office.intake.receive(office.run("1022"), batch(*part, cursor={"page": start}, pages=pages))
    if office.db.dialect == "sqlite":
        assert _left(_bytes(office.folder), crowd) == MANY, "the control: all of them are there"
    for n in range(0, MANY, 250):
        one = crowd[n]
        sought = Sought(name=one["name"], phone=one["phone"], email=one["email"])
        office.erasing.erase(office.minh, request(office), sought, [office.report(f"P{n}")], Way.ALL)
    with office.db.write() as tx:
        tx.exec_driver_sql("UPDATE privacy_requests SET closed_at = received_at, asked = NULL")
        tx.execute(update(cases).values(is_open=False, status="done", closed_at=office.clock()))
    office.clock.forward(days=4000)
    office.retention.run(office.admin, [kind for kind in Kind if kind is not Kind.REQUESTS])
    assert _left(everything(office).encode(), crowd) == 0
    if office.db.dialect == "sqlite":
        assert _left(_bytes(office.folder), crowd), "why the database is written anew"
    office.retention.compact()
    if office.db.dialect == "sqlite":
        assert _left(_bytes(office.folder), crowd) == 0
    assert _left("\n".join(record.getMessage() for record in caplog.records).encode(), crowd) == 0
    assert office.evidence.verify().findings == ()


def _bytes(folder: Path) -> bytes:
    """The database's file, its log, and everything in the data folder."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
