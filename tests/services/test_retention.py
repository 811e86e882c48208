"""What is due is forgotten, and only that: by kind, after a dry run, whatever ends the run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from aggregator.domain.retention import STARTING, Certainty, Kind, Stays, ranges
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed, NotFound, StaleWrite
from aggregator.services.kept_files import lay_down, path_of
from aggregator.services.privacy.forgetting import BLANK_TITLE
from aggregator.services.privacy.holds import HoldReason
from aggregator.services.privacy.retention import BATCH
from aggregator.storage.case_tables import outbox
from aggregator.storage.report_tables import attachments
from tests.factories import Office, apart, record

YEARS_11 = 11 * 366
PHONE, NAME = "0912 345 678", "Vũ Thị Hồng Ánh"


def closed(office: Office, external_id: str = "1", **more: Any) -> int:
    """A case of one report, answered and delivered."""
    (one,) = apart(1, int(external_id), name=NAME, phone=PHONE, **more)
    office.receives("1022", one)
    case_id = office.case_of(external_id)
    office.cases.note(office.lan, case_id, f"Đã gọi {NAME}")
    office.cases.reply(office.lan, case_id, ReplyKind.RESULT, f"Kính gửi {NAME}, đã xử lý.")
    with office.db.write() as tx:
        tx.execute(update(outbox).values(state="acknowledged"))
    return case_id


def due(office: Office) -> dict[Kind, int]:
    return {line.kind: line.count for line in office.retention.plan(office.admin) if line.count}


def stays(office: Office, kind: Kind) -> dict[Stays, int]:
    (line,) = office.retention.plan(office.admin, [kind])
    return dict(line.stays)


def photo(office: Office, external_id: str, content: bytes, *, fresh: bool = False) -> Path:
    """A stored attachment of this report; written long ago unless `fresh`."""
    folder = office.folder / "attachments"
    digest = lay_down(folder, content)
    path = path_of(folder, digest)
    if not fresh:
        os.utime(path, (1_700_000_000, 1_700_000_000))
    with office.db.write() as tx:
        tx.execute(
            attachments.insert().values(
                report_id=office.report(external_id), ref=f"/anh/{external_id}-vu-thi-hong-anh.jpg",
                filename="Vũ Thị Hồng Ánh.jpg", sha256=digest, size=len(content), state="stored", tries=1,
            )
        )  # fmt: skip
    return path


def test_nothing_is_due_before_its_time(office: Office) -> None:
    closed(office)
    office.clock.forward(days=29)
    assert due(office) == {}
    assert not office.retention.run(office.admin)


def test_each_kind_goes_when_its_own_period_is_over(office: Office) -> None:
    case_id = closed(office)
    office.clock.forward(days=366)
    assert due(office) == {Kind.RAW: 1}
    office.clock.forward(days=400)
    assert due(office) == {Kind.RAW: 1, Kind.IDENTITY: 1}
    done = office.retention.run(office.admin)
    assert done == {"raw": 1, "identity": 1}
    assert due(office) == {}
    page = office.page(case_id)
    assert not page.reports[0].has_identity
    assert page.reports[0].body, "the words are kept longer"
    office.is_sound()


def test_after_the_longest_period_no_word_is_left_and_all_that_proves_is(office: Office) -> None:
    case_id = closed(office)
    before = office.page(case_id)
    office.clock.forward(days=YEARS_11)
    assert set(due(office)) == {Kind.IDENTITY, Kind.RAW, Kind.TEXT, Kind.ANSWERS, Kind.NOTES}
    office.retention.run(office.admin)
    after = office.page(case_id)
    assert after.row.title == BLANK_TITLE
    assert (after.reports[0].body, after.reports[0].address, after.replies[0].body) == ("", None, "")
    assert after.row.code == before.row.code and after.late == before.late
    assert [entry.kind for entry in after.timeline[: len(before.timeline)]] == [
        entry.kind for entry in before.timeline
    ]
    assert office.count("match_traits") == office.count("match_keys") == 0
    assert office.rows("SELECT count(*) FROM report_revisions WHERE length(raw) > 0") == [(0,)]
    office.is_sound()


def test_the_ledger_names_what_was_erased_and_by_which_rule(office: Office) -> None:
    case_id = closed(office)
    office.retention_policy.change(office.admin, Kind.NOTES, 30, why="Thử")
    office.clock.forward(days=31)
    office.retention.run(office.admin, [Kind.NOTES])
    told = office.page(case_id).timeline[-1]
    assert told.kind == "erased"
    assert told.data["what"] == ["notes"] and told.data["rule"] == 1
    (chain, first, last) = told.data["entries"][0]
    query = f"SELECT count(*) FROM ledger_entries WHERE chain = '{chain}' AND data IS NULL AND salt IS NULL"
    assert office.rows(f"{query} AND seq BETWEEN {first} AND {last}") == [(last - first + 1,)]


def test_a_number_that_was_matched_by_its_telephone_is_so_no_more(office: Office) -> None:
    closed(office)
    assert office.rows("SELECT phone IS NULL FROM match_traits") in ([(0,)], [(False,)])
    keys = office.count("match_keys")
    office.clock.forward(days=800)
    office.retention.run(office.admin, [Kind.IDENTITY])
    assert office.rows("SELECT phone FROM match_traits") == [(None,)]
    assert office.count("match_keys") == keys - 1, "found by its place and words as before"


@pytest.mark.parametrize("kind", [Kind.IDENTITY, Kind.TEXT, Kind.NOTES])
def test_a_held_case_stays_whole_until_the_hold_is_lifted(office: Office, kind: Kind) -> None:
    case_id = closed(office)
    code = office.row(case_id).code
    office.holds.put(office.minh, code, HoldReason.COMPLAINT, "Đơn số 12")
    office.clock.forward(days=YEARS_11)
    assert stays(office, kind) == {Stays.HOLD: 1} and kind not in due(office)
    assert not office.retention.run(office.admin, [kind])
    office.holds.lift(office.minh, case_id)
    assert office.retention.run(office.admin, [kind]) == {kind.value: 1}


def test_an_answer_on_its_way_keeps_the_case(office: Office) -> None:
    closed(office)
    with office.db.write() as tx:
        tx.execute(update(outbox).values(state="unclear"))
    office.clock.forward(days=YEARS_11)
    assert stays(office, Kind.TEXT) == {Stays.SENDING: 1}


def test_a_legal_matter_stays(office: Office) -> None:
    office.receives(
        "1022", record("9", "Tôi viết đơn tố cáo ông chủ tịch nhận hối lộ.", subject="Đơn tố cáo")
    )
    case_id = office.case_of("9")
    with office.db.write() as tx:
        from aggregator.storage.case_tables import cases

        at = office.clock()
        tx.execute(update(cases).where(cases.c.id == case_id).values(is_open=False, closed_at=at))
    office.clock.forward(days=YEARS_11)
    assert stays(office, Kind.TEXT) == {Stays.LEGAL: 1}


def test_what_changed_at_its_source_gets_its_period_anew(office: Office) -> None:
    closed(office)
    office.clock.forward(days=700)
    (again,) = apart(1, 1, name=NAME, phone=PHONE, status_raw="Đã xem lại")
    office.receives("1022", again)
    office.clock.forward(days=100)
    assert Kind.IDENTITY not in due(office)


def test_a_file_goes_when_the_last_report_that_names_it_goes(office: Office) -> None:
    closed(office, "1")
    office.clock.forward(days=1000)
    closed(office, "2")
    path = photo(office, "1", b"chung")
    photo(office, "2", b"chung")
    office.clock.forward(days=1000)
    office.retention.run(office.admin, [Kind.FILES])
    assert path.exists(), "the second report still shows it"
    assert office.rows("SELECT filename, ref, state FROM attachments ORDER BY id")[0][2] == "erased"
    office.clock.forward(days=1000)
    office.retention.run(office.admin, [Kind.FILES])
    assert not path.exists()
    assert office.count("removed_files") == 0


def test_a_file_that_is_being_used_again_waits_for_the_next_look(office: Office) -> None:
    closed(office)
    path = photo(office, "1", b"vua gui lai", fresh=True)
    office.clock.forward(days=YEARS_11)
    office.retention.run(office.admin, [Kind.FILES])
    assert path.exists() and office.count("removed_files") == 1
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert office.retention.look_around() == 1
    assert not path.exists()


def test_files_that_a_crash_left_are_found(office: Office) -> None:
    folder = office.folder / "attachments"
    left = path_of(folder, lay_down(folder, b"khong ai goi"))
    os.utime(left, (1_700_000_000, 1_700_000_000))
    closed(office)
    kept = photo(office, "1", b"con dung")
    assert office.retention.look_around() == 1
    assert kept.exists() and not left.exists()


def test_a_run_that_was_ended_goes_on_where_it_was(office: Office) -> None:
    office.receives("1022", *apart(BATCH + 7))
    for number in range(1, BATCH + 8):
        case_id = office.case_of(str(number))
        office.cases.reply(office.lan, case_id, ReplyKind.RESULT, "Đã xử lý.")
    with office.db.write() as tx:
        tx.execute(update(outbox).values(state="sent"))
    office.clock.forward(days=YEARS_11)
    looked = iter((False, True, True, True, True))
    done = office.retention.run(office.admin, [Kind.TEXT], stop=lambda: next(looked))
    assert done == {"text": BATCH}, "whole batches and nothing else"
    assert office.retention.runs(office.admin)[0].finished_at is None
    assert due(office)[Kind.TEXT] == 7
    assert office.retention.run(office.admin, [Kind.TEXT], limit=3) == {"text": 3}
    assert office.retention.run(office.admin, [Kind.TEXT]) == {"text": 4}
    office.is_sound()


def test_pages_settled_items_and_calls_go_by_their_own_age(office: Office) -> None:
    from tests.factories import batch, problem

    run = office.run("1022")
    office.intake.receive(run, batch(record("1"), problems=[problem()], pages=[b"<html>1</html>"]))
    office.clock.forward(days=400)
    assert stays(office, Kind.QUARANTINE) == {Stays.OPEN: 1}, "waits for a person"
    assert stays(office, Kind.PAGES) == {Stays.OPEN: 1}, "its bytes, too"
    assert due(office) == {Kind.PAGES: 1}
    office.retention.run(office.admin)
    office.rows("SELECT 1")
    with office.db.write() as tx:
        tx.exec_driver_sql("UPDATE quarantine SET state = 'dismissed', settled_at = seen_at")
    assert due(office) == {Kind.PAGES: 1, Kind.QUARANTINE: 1}
    office.retention.run(office.admin)
    assert due(office) == {}
    assert office.rows("SELECT error, external_id, error_code FROM quarantine")[0][:2] == ("", None)
    assert all(not bytes(content) for (content,) in office.rows("SELECT content FROM raw_payloads"))
    office.is_sound()


# Rules and switch ------------------------------------------------------------------------------------


def test_the_starting_set_calls_itself_a_proposal(office: Office) -> None:
    rules = office.retention_policy.rules(office.admin)
    assert {view.rule.kind: view.rule.days for view in rules} == STARTING
    assert {view.rule.certainty for view in rules} == {Certainty.PROPOSAL}


def test_a_rule_is_decided_only_with_its_paper_and_keeps_its_past(office: Office) -> None:
    change = office.retention_policy.change
    change(office.admin, Kind.TEXT, None, why="Chờ ý kiến lưu trữ")
    change(office.admin, Kind.TEXT, 1825, source="Quyết định 12/QĐ-UBND", why="Theo quyết định")
    (view,) = [v for v in office.retention_policy.rules(office.admin) if v.rule.kind is Kind.TEXT]
    assert (view.rule.days, view.rule.certainty) == (1825, Certainty.DECIDED)
    assert [one.rule.days for one in view.before] == [None, STARTING[Kind.TEXT]]
    kinds = [
        kind for (kind,) in office.rows("SELECT kind FROM ledger_entries WHERE chain = '*' ORDER BY seq")
    ]
    assert kinds[-2:] == ["retention_rule", "retention_rule"]


@pytest.mark.parametrize("days", [0, 29, 36_501])
def test_an_impossible_period_is_refused(office: Office, days: int) -> None:
    with pytest.raises(InputInvalid):
        office.retention_policy.change(office.admin, Kind.TEXT, days, why="Thử")


def test_who_may_not_sets_nothing_and_sees_nothing(office: Office) -> None:
    for actor in (office.lan, office.minh, office.hue):
        with pytest.raises(NotAllowed):
            office.retention_policy.change(actor, Kind.TEXT, 100, why="Thử")
        with pytest.raises(NotAllowed):
            office.retention.plan(actor)
    with pytest.raises(NotAllowed):
        office.holds.list(office.lan)


def test_by_night_nothing_is_forgotten_before_somebody_saw_the_dry_run(office: Office) -> None:
    closed(office)
    office.clock.forward(days=YEARS_11, hours=16)  # past midnight in Viet Nam
    office.retention.tick()
    seen = {line.kind.value: line.count for line in office.retention.plan(office.admin)}
    assert seen["text"] == 1, "switched off"
    with pytest.raises(StaleWrite):
        office.retention_policy.turn(office.admin, True, {**seen, "text": 0}, seen)
    office.retention_policy.turn(office.admin, True, seen, seen)
    office.retention.tick()
    assert due(office) == {}
    runs = office.retention.runs(office.admin)
    assert [run.cause for run in runs] == ["night"] and runs[0].finished_at
    office.retention.tick()
    assert len(office.retention.runs(office.admin)) == 1, "once a night"
    assert not office.retention.erasing().waits


def test_by_day_the_worker_forgets_nothing(office: Office) -> None:
    closed(office)
    office.clock.forward(days=YEARS_11)
    seen = {line.kind.value: line.count for line in office.retention.plan(office.admin)}
    office.retention_policy.turn(office.admin, True, seen, seen)
    office.retention.tick()
    assert due(office)


# Holds -----------------------------------------------------------------------------------------------


def test_a_hold_is_in_the_ledger_and_another_wards_case_is_not_found(office: Office) -> None:
    case_id = closed(office)
    code = office.row(case_id).code
    office.holds.put(office.minh, code, HoldReason.INSPECTION)
    with pytest.raises(MoveNotAllowed):
        office.holds.put(office.minh, code, HoldReason.COURT)
    (view,) = office.holds.list(office.minh)
    assert (view.code, view.reason, view.who) == (code, HoldReason.INSPECTION, office.minh.name)
    office.holds.lift(office.minh, case_id)
    assert office.holds.list(office.minh) == ()
    assert [entry.kind for entry in office.page(case_id).timeline[-2:]] == ["hold_set", "hold_lifted"]
    with pytest.raises(NotFound):
        office.holds.put(office.minh, "26-99999", HoldReason.COURT)
    with pytest.raises(InputInvalid):
        office.holds.put(office.minh, code, HoldReason.OTHER)


def test_places_become_ranges() -> None:
    places = [("27142", 5), ("26740", 1), ("27142", 6), ("27142", 9), ("27142", 5)]
    assert ranges(places) == [["26740", 1, 1], ["27142", 5, 6], ["27142", 9, 9]]
