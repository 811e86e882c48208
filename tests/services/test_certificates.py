"""Certificates: made of ledger entries, the same until something changes, hidden from who must not see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from aggregator.domain.ledger import instant
from aggregator.domain.workflow import ReplyKind, Status
from aggregator.domain.worktime import VN
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed, NotFound
from aggregator.services import certificate_statement, ledger
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.services.legal_matters import Dismiss
from aggregator.settings import CertificateSettings, Settings
from aggregator.storage.case_tables import replies
from aggregator.storage.ledger_tables import ledger_entries as table
from aggregator.verifier import motmoi_check
from tests.factories import MONDAY, Office, record
from tests.people import WARD_A

DONE = ReplyKind.RESULT


def answered(office: Office, external_id: str = "PA-0007", **more: Any) -> int:
    case_id = office.opens(external_id, due_at=MONDAY + timedelta(hours=9), **more)
    office.clock.forward(hours=3)
    office.cases.reply(office.lan, case_id, DONE, "Đã thay nắp hố ga.")
    return case_id


def statement(office: Office, certificate_id: int) -> dict[str, Any]:
    _, bundle = office.certificates.bundle(office.lan, certificate_id)
    found: dict[str, Any] = json.loads(bundle)["statement"]
    return found


def dig(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


# Issuing -------------------------------------------------------------------------------------------


def test_the_same_state_is_certified_once(office: Office) -> None:
    case_id = answered(office)
    first = office.certificates.issue(office.lan, case_id)
    office.clock.forward(hours=1)
    assert office.certificates.issue(office.minh, case_id) == first
    assert office.count("certificates") == 1
    assert first.verdict["code"] == "in_time"
    office.is_sound()


def test_a_later_one_supersedes_and_says_so(office: Office) -> None:
    case_id = answered(office)
    first = office.certificates.issue(office.lan, case_id)
    office.clock.forward(hours=1)
    office.cases.move(office.lan, case_id, Status.IN_PROGRESS)
    office.clock.forward(days=1)
    office.cases.reply(office.lan, case_id, DONE, "Nay đã xong hẳn.")
    second = office.certificates.issue(office.lan, case_id)
    assert second.serial != first.serial and second.stands
    assert statement(office, second.id)["supersedes"] == first.serial
    assert office.certificates.found(first.token).view.superseded_by == second.serial
    assert second.verdict["code"] == "late", "what was reopened is judged by its last result"


def test_late_is_said_as_plainly_as_in_time(office: Office) -> None:
    case_id = office.opens("PA-0009", due_at=MONDAY + timedelta(hours=2))
    office.clock.forward(days=2)
    office.cases.reply(office.lan, case_id, DONE, "Đã xong.")
    verdict = office.certificates.issue(office.lan, case_id).verdict
    assert verdict["code"] == "late"
    assert verdict["sentence"].endswith("kết luận: xử lý quá hạn.")


@pytest.mark.parametrize(
    ("due_in", "answered_in", "note"),
    [
        (timedelta(hours=16), timedelta(hours=3), "24:00 of the day that ends"),
        (timedelta(hours=9), timedelta(hours=9, seconds=30), "late within its minute"),
        (timedelta(hours=9), timedelta(hours=9), "in its very second"),
        (timedelta(hours=9), timedelta(days=3), "days late"),
    ],
)
def test_the_verifier_finds_every_time_of_the_sentence_in_the_ledger(
    office: Office, due_in: timedelta, answered_in: timedelta, note: str
) -> None:
    case_id = office.opens(due_at=MONDAY + due_in)
    office.clock.at = MONDAY + answered_in
    office.cases.reply(office.lan, case_id, DONE, "Xong.")
    _, bundle = office.certificates.bundle(office.lan, office.certificates.issue(office.lan, case_id).id)
    work = motmoi_check.check(bundle)
    assert work.findings == [], note
    exact = f"{(MONDAY + answered_in).astimezone(VN):%H:%M:%S ngày %d/%m/%Y}"
    assert f"answered {exact}" in work.told["at"], "to the second, as the paper has it on top"


def test_what_no_answer_has_finished_is_not_certified(office: Office) -> None:
    case_id = office.opens()
    office.cases.reply(office.lan, case_id, ReplyKind.PROGRESS, "Đang làm.")
    with pytest.raises(MoveNotAllowed):
        office.certificates.issue(office.lan, case_id)
    office.cases.reply(office.lan, case_id, DONE, "Xong.")
    office.cases.move(office.lan, case_id, Status.IN_PROGRESS)
    with pytest.raises(MoveNotAllowed):
        office.certificates.issue(office.lan, case_id)


def test_an_answer_from_before_deadlines_were_told_proves_no_deadline(office: Office) -> None:
    case_id = answered(office)
    _forget_deadlines(office, case_id)
    verdict = office.certificates.issue(office.lan, case_id).verdict
    assert verdict["code"] == "unproven" and verdict["due_at"] is None
    assert "nhật ký khi đó chưa ghi hạn" in verdict["sentence"]


def _forget_deadlines(office: Office, case_id: int) -> None:
    """The entry as the version before wrote it."""
    with office.db.write() as tx:
        mine = (table.c.case_id == case_id) & (table.c.kind == "replied")
        data = json.loads(tx.execute(select(table.c.data).where(mine)).scalar_one())
        for name in ("deadlines", "body_sha256"):
            del data[name]
        tx.execute(update(table).where(mine).values(data=json.dumps(data)))


def test_a_merged_report_brings_the_time_it_came_at(office: Office) -> None:
    one, two = office.opens("1"), office.opens("2", slug="zalo")
    office.cases.merge(office.lan, two, one)
    office.cases.reply(office.lan, one, DONE, "Xong.")
    told = statement(office, office.certificates.issue(office.lan, one).id)
    assert {row["source_id"] for row in told["reports"]} == {"1", "2"}
    assert all(row["received_at"] for row in told["reports"])
    with pytest.raises(MoveNotAllowed, match="merged"):
        office.certificates.issue(office.lan, two)


def test_a_process_that_dies_before_the_proof_leaves_no_paper_without_one(office: Office) -> None:
    case_id = answered(office)
    view = office.certificates.issue(office.lan, case_id)
    before = office.certificates.bundle(office.lan, view.id)[1]
    with office.db.write() as tx:
        tx.execute(text("UPDATE certificates SET bundle = NULL"))
    after = office.certificates.bundle(office.lan, view.id)[1]
    assert json.loads(after)["statement"] == json.loads(before)["statement"]
    assert office.certificates.bundle(office.lan, view.id)[1] == after, "and from then on the same bytes"


# What is in it --------------------------------------------------------------------------------------


def test_every_fact_is_in_the_statement_and_in_its_entry(office: Office) -> None:
    case_id = office.opens("PA-0007", due_at=MONDAY + timedelta(days=30))
    office.cases.assign(office.lan, case_id, unit_id=None, officer_id=office.lan.id)
    office.clock.forward(hours=1)
    office.cases.pause(office.lan, case_id, "site_visit")
    office.clock.forward(hours=5)
    office.cases.resume(office.lan, case_id)
    office.cases.extend(office.lan, case_id, (MONDAY + timedelta(days=21)).date(), "Chờ vật tư của ông Thử")
    office.cases.reply(office.lan, case_id, DONE, "Đã xong.")
    _, bundle = office.certificates.bundle(office.lan, office.certificates.issue(office.lan, case_id).id)
    document = json.loads(bundle)
    entries = {
        (one["chain"], one["seq"]): {**one, "data": one["data"] and json.loads(one["data"])}
        for one in document["entries"]
    }
    for fact in document["statement"]["facts"]:
        assert dig(document["statement"], fact["name"]) == fact["value"], fact
        assert dig(entries[fact["chain"], fact["seq"]], fact["field"]) == fact["value"], fact
    assert {row["kind"] for row in document["statement"]["acts"]} >= {
        "assigned", "paused", "resumed", "extended", "replied",
    }  # fmt: skip


def test_no_personal_data_and_no_words_of_anybody_leave_the_house(office: Office) -> None:
    secret = (
        "Đặng Văn Thử",
        "0901000123",
        "thu@example.vn",
        "Trần Thị Lan",
        "Ổ gà rất to",
        "ông Thử",
        "hẻm 8",
    )
    office.receives(
        "1022",
        record("1", "Ổ gà rất to ở hẻm 8.", name="Đặng Văn Thử", phone="0901000123", email="thu@example.vn"),
    )
    case_id = office.case_of("1")
    office.cases.assign(office.lan, case_id, unit_id=None, officer_id=office.lan.id)
    office.cases.note(office.lan, case_id, "Gọi ông Thử trước.")
    office.cases.pause(office.lan, case_id, "site_visit", "Hẹn ông Thử ở hẻm 8")
    office.cases.resume(office.lan, case_id)
    office.cases.reply(office.lan, case_id, DONE, "Kính gửi ông Đặng Văn Thử: đã vá ổ gà ở hẻm 8.")
    _, bundle = office.certificates.bundle(office.lan, office.certificates.issue(office.lan, case_id).id)
    for words in secret:
        assert words not in bundle.decode(), words


def test_officers_are_named_where_the_office_wants_it(office: Office) -> None:
    office.certifying(Settings(certificate=CertificateSettings(officer_names=True)))
    case_id = office.opens()
    office.cases.assign(office.lan, case_id, unit_id=None, officer_id=office.lan.id)
    office.cases.reply(office.lan, case_id, DONE, "Xong.")
    told = statement(office, office.certificates.issue(office.minh, case_id).id)
    assert told["acts"][0]["officer"] == "Trần Thị Lan"
    assert told["issued_by"] == {"role": "leader", "unit": None, "name": "Lê Văn Minh"}


def test_an_outage_over_the_deadline_is_told_with_its_evidence(office: Office) -> None:
    case_id = office.opens("PA-0007", due_at=MONDAY + timedelta(hours=9))
    channel_id = office.row(case_id).channel_id
    _outage(office, channel_id, began=MONDAY + timedelta(hours=6), ended=MONDAY + timedelta(days=2))
    office.clock.at = MONDAY + timedelta(hours=8)
    office.cases.reply(office.lan, case_id, DONE, "Xong.")
    office.clock.at = MONDAY + timedelta(days=2, hours=1)
    view = office.certificates.issue(office.lan, case_id)
    (row,) = statement(office, view.id)["outages"]
    assert (row["capability"], row["status"], row["body_sha256"]) == ("write", 503, "ab" * 32)
    assert view.verdict["unreachable"] is True
    assert (
        "Kênh 1022 không nhận được phúc đáp trong các lần thử từ 14:00 ngày 02/03/2026 "
        "đến 07:55 ngày 04/03/2026, dùng lại được lúc 08:00 ngày 04/03/2026"
    ) in view.verdict["sentence"]


def _outage(office: Office, channel_id: int, *, began: Any, ended: Any) -> None:
    same: Mapping[str, Any] = {"outage": 1, "channel": "1022", "capability": "write"}
    with office.db.write() as tx:
        ledger.append(tx, [
            Draft(SYSTEM, "outage_began", began, {
                **same, "at": instant(began), "code": "transient", "status": 503, "body_sha256": "ab" * 32,
            }, channel_id=channel_id),
            Draft(SYSTEM, "outage_ended", ended, {
                **same, "began_at": instant(began), "last_failed_at": instant(ended - timedelta(minutes=5)),
                "ended_at": instant(ended), "attempts": 577, "gaps": [], "ours_maybe": False,
            }, channel_id=channel_id),
        ])  # fmt: skip


# Who may ---------------------------------------------------------------------------------------------


def test_hue_and_a_missing_certificate_get_the_same_words(office: Office) -> None:
    case_id = answered(office)
    view = office.certificates.issue(office.lan, case_id)
    for of in (
        lambda actor, id_: office.certificates.bundle(actor, id_),
        lambda actor, id_: office.certificates.printed(actor, id_),
        lambda actor, id_: office.certificates.withdraw(actor, id_, "x"),
    ):
        with pytest.raises(NotFound) as hidden:
            of(office.hue, view.id)
        with pytest.raises(NotFound) as missing:
            of(office.lan, 999_999)
        assert str(hidden.value) == str(missing.value)
    with pytest.raises(NotFound) as hidden:
        office.certificates.issue(office.hue, case_id)
    with pytest.raises(NotFound) as missing:
        office.certificates.issue(office.hue, 999_999)
    assert str(hidden.value) == str(missing.value)
    with pytest.raises(NotAllowed):
        office.certificates.issue(office.admin, case_id)
    assert office.certificates.of_case(office.admin, case_id).all == [view], "who sees all may look"


def test_a_possible_denunciation_is_not_certified_before_somebody_decides(office: Office) -> None:
    office.receives("1022", record("8", "Tôi tố cáo ông Giả nhận tiền.", subject="", address="8 Pasteur"))
    case_id = office.case_of("8")
    with pytest.raises(MoveNotAllowed):
        office.certificates.issue(office.minh, case_id)
    with pytest.raises(NotAllowed):
        office.certificates.issue(office.lan, case_id)
    office.cases.decide_legal(office.minh, case_id, Dismiss("Chỉ là phản ánh."))
    office.cases.reply(office.minh, case_id, DONE, "Xong.")
    assert office.certificates.issue(office.minh, case_id).stands


def test_what_becomes_a_restricted_matter_is_shown_to_nobody_any_more(office: Office) -> None:
    case_id = answered(office)
    view = office.certificates.issue(office.lan, case_id)
    with office.db.write() as tx:
        tx.execute(text(f"UPDATE cases SET legal = 'recognised' WHERE id = {case_id}"))
    with pytest.raises(NotFound) as hidden:
        office.certificates.found(view.token)
    with pytest.raises(NotFound) as missing:
        office.certificates.found("0" * 32)
    assert str(hidden.value) == str(missing.value)
    with pytest.raises(NotFound):
        office.certificates.bundle(office.lan, view.id)


# Looking up ------------------------------------------------------------------------------------------


def test_a_paper_is_found_by_its_serial_and_by_its_code(office: Office) -> None:
    view = office.certificates.issue(office.lan, answered(office))
    for code in (view.serial, f" {view.serial.lower()} ", view.token, view.token.upper()):
        assert office.certificates.found(code).view == view, code
    assert (
        office.certificates.found(view.serial).address == f"https://motmoi.phuong-a.test/verify/{view.token}"
    )
    guessed = view.serial[:-1] + ("0" if view.serial[-1] != "0" else "1")
    for code in (guessed, view.serial[:14], "", "%", "x" * 5000, "\x00"):
        with pytest.raises(NotFound):
            office.certificates.found(code)


def test_a_withdrawn_one_stays_and_says_so(office: Office) -> None:
    case_id = answered(office)
    view = office.certificates.issue(office.lan, case_id)
    with pytest.raises(InputInvalid):
        office.certificates.withdraw(office.lan, view.id, "  ")
    office.certificates.withdraw(office.minh, view.id, "Lập nhầm.")
    office.certificates.withdraw(office.minh, view.id, "Lần nữa.")
    found = office.certificates.found(view.token).view
    assert found == replace(view, withdrawn_at=office.clock()) and not found.stands
    assert office.rows("SELECT count(*) FROM ledger_entries WHERE kind = 'certificate_withdrawn'") == [(1,)]
    assert office.certificates.issue(office.lan, case_id).serial != view.serial, "a new one may follow"
    office.is_sound()


def test_an_answer_that_can_still_be_taken_back_is_not_certified(office: Office) -> None:
    case_id = office.opens("PA-0007", due_at=MONDAY + timedelta(hours=9))
    office.cases.reply(office.lan, case_id, DONE, "Gửi nhầm.")
    _undo_until(office, office.clock() + timedelta(minutes=5))
    with pytest.raises(MoveNotAllowed, match="taken back"):
        office.certificates.issue(office.lan, case_id)
    office.clock.forward(minutes=6)
    assert office.certificates.issue(office.lan, case_id).stands


def _undo_until(office: Office, at: Any) -> None:
    with office.db.write() as tx:
        tx.execute(update(replies).values(undo_until=at))


def test_a_flood_is_counted_and_what_waits_is_never_left_out(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MOST_REPORTS", "MOST_DELIVERIES"):
        monkeypatch.setattr(certificate_statement, name, 2)
    cases = [office.opens(str(n), slug=f"kenh-{n}") for n in range(1, 5)]
    for other in cases[1:]:
        office.cases.merge(office.lan, other, cases[0])
    office.cases.reply(office.lan, cases[0], DONE, "Xong.")
    _delivered(office, cases[0], but=4)
    view = office.certificates.issue(office.lan, cases[0])
    told = statement(office, view.id)
    assert (len(told["reports"]), told["reports_in_all"]) == (2, 4)
    assert len(told["deliveries"]) == 2
    assert "phúc đáp chưa tới Kênh kenh-4" in view.verdict["sentence"]
    assert "phúc đáp được chuyển tới Kênh kenh-1" in view.verdict["sentence"]


def _delivered(office: Office, case_id: int, but: int) -> None:
    """Every message but this one has arrived, as the worker writes it down."""
    rows = office.rows(f"SELECT id, reply_id, report_id FROM outbox WHERE case_id = {case_id} ORDER BY id")
    with office.db.write() as tx:
        ledger.append(tx, [
            Draft(WARD_A, "delivery", office.clock(), {
                "outbox": id_, "reply": reply, "report": report, "channel": f"kenh-{n}", "attempt": 1,
                "state": "pending" if n == but else "sent", **({"error": "transient"} if n == but else {}),
            }, case_id=case_id)
            for n, (id_, reply, report) in enumerate(rows, 1)
        ])  # fmt: skip
