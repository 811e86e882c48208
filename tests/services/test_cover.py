"""Absence and cover on both engines: whose list a case is in, and that nothing has to be put back."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from aggregator.domain.cover import AbsenceReason, span
from aggregator.domain.people import Actor, Role
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed, NotFound, StaleWrite
from aggregator.services import cover
from aggregator.services.views.inbox import InboxFilter
from aggregator.storage.db import Database
from tests.factories import MONDAY, Office, record, together
from tests.people import WARD_A, WARD_B

FRIDAY = date(2026, 3, 6)


@pytest.fixture
def tu(office: Office) -> Actor:
    return hire(office, "tu", "Phan Văn Tú")


@pytest.fixture
def hoa(office: Office) -> Actor:
    return hire(office, "hoa", "Vũ Thị Hoa")


def hire(office: Office, login: str, name: str, ward: str = WARD_A) -> Actor:
    office.accounts.add(login, name, Role.OFFICER, ward, "mat-khau-thu")
    return Actor(office.absences.find(login), login, name, Role.OFFICER, ward)


def goes(
    office: Office, who: Actor, substitute: Actor | None, first: int = 2, last: int = 6, **more: Any
) -> Any:
    """`who` enters their own absence in this week of March."""
    starts, ends = span(date(2026, 3, first), date(2026, 3, last))
    chosen = substitute.id if substitute else None
    return office.absences.add(more.pop("by", who), who.id, starts, ends, substitute_id=chosen, **more)


def mine(office: Office, who: Actor, **wanted: Any) -> list[int]:
    page = office.inbox.page(who, InboxFilter(view="mine", **wanted))
    assert wanted or page.counts["mine"] == len(page.rows)
    return [row.id for row in page.rows]


def handles(office: Office, who: Actor, *fields: str) -> None:
    office.fields.set_officer(office.minh, who.id, fields)


# Whose list a case is in ----------------------------------------------------------------------


def test_work_that_arrives_while_lan_is_away_is_in_her_covers_list_and_in_hers(
    office: Office, tu: Actor
) -> None:
    handles(office, office.lan, "thoat_nuoc")
    goes(office, office.lan, tu)
    case_id = office.opens("1", category_raw="Thoát nước")
    assert office.row(case_id).officer_id == office.lan.id, "she stays the owner"
    assert mine(office, tu) == mine(office, office.lan) == [case_id]
    assert mine(office, office.minh) == []
    (row,) = office.inbox.page(tu, InboxFilter(view="mine")).rows
    assert row.cover is not None
    assert (row.cover.owner, row.cover.name) == (office.lan.name, tu.name)
    (told,) = office.inbox.page(tu, InboxFilter()).stands_in
    assert told.owner == office.lan.name
    office.is_sound()


def test_the_owner_has_it_back_by_itself_when_the_absence_is_over(office: Office, tu: Actor) -> None:
    goes(office, office.lan, tu, last=3)
    case_id = office.opens("1")
    office.cases.assign(office.minh, case_id, unit_id=None, officer_id=office.lan.id)
    version = office.row(case_id).version
    assert mine(office, tu) == [case_id]
    office.clock.at = span(date(2026, 3, 3), date(2026, 3, 3))[1] - timedelta(seconds=1)
    assert mine(office, tu) == [case_id], "to the last second"
    office.clock.forward(seconds=1)
    assert mine(office, tu) == []
    assert mine(office, office.lan) == [case_id]
    assert office.page(case_id).row.cover is None
    assert office.row(case_id).version == version, "nothing was written: no form went stale"


def test_ending_an_absence_early_gives_the_work_back_at_once(office: Office, tu: Actor) -> None:
    goes(office, office.lan, tu)
    case_id = office.opens("1")
    office.cases.assign(office.minh, case_id, unit_id=None, officer_id=office.lan.id)
    (absence,) = office.absences.board(tu).away
    office.absences.end(office.lan, absence.id, version=absence.version)
    assert mine(office, tu) == []
    assert mine(office, office.lan) == [case_id]
    board = office.absences.board(office.lan)
    assert board.away == () and board.past[0].ended_at == MONDAY


def test_where_the_first_substitute_is_away_too_the_next_answers(
    office: Office, tu: Actor, hoa: Actor
) -> None:
    goes(office, office.lan, tu)
    assert goes(office, tu, hoa, first=3, last=3) == ()
    case_id = office.opens("1")
    office.cases.assign(office.minh, case_id, unit_id=None, officer_id=office.lan.id)
    assert (mine(office, tu), mine(office, hoa)) == ([case_id], [])
    office.clock.forward(days=1)
    assert (mine(office, tu), mine(office, hoa)) == ([], [case_id])
    office.clock.forward(days=1)
    assert (mine(office, tu), mine(office, hoa)) == ([case_id], [])


def test_pages_of_ones_own_and_covered_work_come_in_one_order_each_case_once(
    office: Office, tu: Actor
) -> None:
    owners = [office.lan.id, tu.id, office.minh.id]
    cases = [office.opens(str(n), occurred_at=MONDAY - timedelta(days=n % 5)) for n in range(1, 13)]
    for number, case_id in enumerate(cases):
        office.cases.assign(office.minh, case_id, unit_id=None, officer_id=owners[number % 3])
    goes(office, office.lan, tu)
    expected = [row.id for row in office.inbox.page(tu, InboxFilter()).rows if row.id in
                {case for n, case in enumerate(cases) if n % 3 < 2}]  # fmt: skip
    seen: list[int] = []
    after = ""
    while True:
        page = office.inbox.page(tu, InboxFilter(view="mine", size=3, after=after))
        seen += [row.id for row in page.rows]
        if not (after := page.next):
            break
    assert seen == expected and len(seen) == 8


def test_the_cover_answers_and_passes_on_like_the_owner(office: Office, tu: Actor) -> None:
    goes(office, office.lan, tu)
    one, two = office.opens("1"), office.opens("2")
    for case_id in (one, two):
        office.cases.assign(office.minh, case_id, unit_id=None, officer_id=office.lan.id)
    office.cases.reply(tu, one, ReplyKind.RESULT, "Đã sửa xong.")
    office.cases.assign(tu, two, unit_id=None, officer_id=office.minh.id)
    office.clock.forward(days=7)
    assert mine(office, office.lan) == [], "what was passed on does not come back"
    office.is_sound()


# Nobody answers -------------------------------------------------------------------------------


def test_an_absence_without_a_substitute_warns_who_enters_it_and_the_leader(office: Office) -> None:
    (gap,) = goes(office, office.lan, None)
    assert (gap.officer, gap.last, gap.start) == (office.lan.name, office.lan.name, MONDAY)
    (told,) = office.inbox.page(office.minh, InboxFilter()).nobody_for
    assert told.owner == office.lan.name
    assert office.inbox.page(office.lan, InboxFilter()).nobody_for == (), "a line for leaders"
    assert [one.officer for one in office.absences.board(office.minh).gaps] == [office.lan.name]


def test_a_circle_of_substitutes_is_a_warning_and_not_an_endless_loop(office: Office, tu: Actor) -> None:
    assert goes(office, office.lan, tu) == ()
    gaps = goes(office, tu, office.lan, first=4, last=5)
    assert {(gap.officer, gap.why.value) for gap in gaps} == {
        (office.lan.name, "cycle"), (tu.name, "cycle")
    }  # fmt: skip
    office.clock.forward(days=2)
    assert mine(office, tu) == []


def test_another_substitute_closes_the_gap(office: Office, tu: Actor) -> None:
    goes(office, office.lan, None)
    (absence,) = office.absences.board(office.minh).away
    assert office.absences.substitute(office.minh, absence.id, tu.id, version=absence.version) == ()
    with pytest.raises(StaleWrite):
        office.absences.substitute(office.lan, absence.id, None, version=absence.version)
    assert office.absences.board(office.minh).gaps == ()


def test_who_has_left_the_office_stands_in_for_nobody(office: Office, tu: Actor) -> None:
    goes(office, office.lan, tu)
    office.accounts.deactivate(office.admin, tu.id)
    (told,) = office.inbox.page(office.minh, InboxFilter()).nobody_for
    assert told.owner == office.lan.name


# Who may, and what is refused -----------------------------------------------------------------


def test_officers_enter_their_own_leaders_everybodys_of_the_ward_and_nobody_anothers(
    office: Office, tu: Actor
) -> None:
    with pytest.raises(NotAllowed):
        goes(office, office.lan, tu, by=tu)
    with pytest.raises(NotFound):
        goes(office, office.lan, None, by=office.hue)
    goes(office, office.lan, tu, by=office.minh)
    (absence,) = office.absences.board(office.minh).away
    with pytest.raises(NotAllowed):
        office.absences.end(tu, absence.id)
    with pytest.raises(NotFound):
        office.absences.end(office.hue, absence.id)
    board = office.absences.board(office.hue)
    assert (board.away, board.coming, board.past, board.gaps) == ((), (), (), ())
    assert {one.ward_code for one in board.people} == {WARD_B}


def test_why_somebody_is_away_is_for_them_and_their_leader(office: Office, tu: Actor) -> None:
    goes(office, office.lan, tu, reason=AbsenceReason.SICK, note="nằm viện")
    seen = {who.login: office.absences.board(who).away[0] for who in (office.lan, office.minh, tu)}
    assert [seen[login].reason for login in ("lan", "minh", "tu")] == ["sick", "sick", ""]
    assert seen["tu"].note == ""
    (told,) = office.rows("SELECT data FROM ledger_entries WHERE kind = 'absence_entered'")
    assert "sick" not in told[0] and "viện" not in told[0]


@pytest.mark.parametrize(
    ("first", "last", "what"),
    [
        (date(2026, 2, 20), date(2026, 3, 1), "over already"),
        (date(2026, 3, 2), date(2027, 6, 1), "longer than a year"),
        (date(2026, 3, 6), date(2026, 3, 9), "shares Friday with the one that is there"),
    ],
)
def test_what_cannot_be_an_absence_is_refused(office: Office, first: date, last: date, what: str) -> None:
    goes(office, office.lan, None)
    starts, ends = span(first, last)
    with pytest.raises(InputInvalid):
        office.absences.add(office.lan, office.lan.id, starts, ends)
    assert office.count("absences") == 1, what


def test_a_substitute_is_somebody_else_of_the_same_ward(office: Office) -> None:
    for nobody in (office.lan, office.hue, office.admin):
        with pytest.raises(InputInvalid):
            goes(office, office.lan, nobody)
    assert office.count("absences") == 0


def test_a_form_sent_twice_enters_one_absence(office: Office, tu: Actor) -> None:
    for _ in range(2):
        goes(office, office.lan, tu, once="twice")
    together(*[lambda: goes(office, tu, None, once="at-the-same-time")] * 2)
    assert office.count("absences") == 2
    (absence, _) = office.absences.board(office.minh).away
    for _ in range(2):
        office.absences.end(office.minh, absence.id, once="end")
    with pytest.raises(MoveNotAllowed):
        office.absences.end(office.minh, absence.id)
    office.is_sound()


# Who handles what -----------------------------------------------------------------------------


def test_one_officer_of_a_field_gets_its_cases_two_share_them_out(office: Office, tu: Actor) -> None:
    unit = office.accounts.ensure_unit(WARD_A, "Tổ Hạ tầng", ["thoat_nuoc"])
    handles(office, office.lan, "thoat_nuoc", "dien")
    one = office.opens("1", category_raw="Thoát nước")
    assert (office.row(one).unit_id, office.row(one).officer_id) == (unit, office.lan.id)
    told = office.page(one).suggestion
    assert told is not None
    assert told.reason_vi == "Tổ Hạ tầng phụ trách lĩnh vực Thoát nước, ngập. Trần Thị Lan phụ trách."
    goes(office, office.lan, tu, last=4)
    told = office.page(one).suggestion
    assert told is not None
    assert told.reason_vi.endswith("Trần Thị Lan phụ trách; đang nghỉ đến 04/03, Phan Văn Tú trực thay.")
    handles(office, tu, "thoat_nuoc")
    two = office.opens("2", category_raw="Thoát nước")
    assert office.row(two).officer_id is None
    told = office.page(two).suggestion
    assert told is not None and told.officer_id is None
    assert "cùng phụ trách, tự phân công" in told.reason_vi
    office.is_sound()


def test_who_moves_to_another_ward_leaves_their_fields_behind(office: Office) -> None:
    handles(office, office.lan, "thoat_nuoc")
    office.accounts.change(office.admin, office.lan.id, role=Role.OFFICER, ward=WARD_B)
    assert office.row(office.opens("1", category_raw="Thoát nước")).officer_id is None


def test_only_leaders_and_administrators_say_who_handles_what(office: Office) -> None:
    with pytest.raises(NotAllowed):
        office.fields.set_officer(office.lan, office.lan.id, ["dien"])
    with pytest.raises(NotFound):
        office.fields.set_officer(office.minh, office.hue.id, ["dien"])
    with pytest.raises(NotFound):
        office.fields.set_unit(office.minh, WARD_B, "Tổ", ["dien"])
    with pytest.raises(InputInvalid):
        office.fields.set_officer(office.minh, office.lan.id, ["không có"])
    office.fields.set_unit(office.minh, WARD_A, "Tổ Một", ["dien", "cap_nuoc"])
    office.fields.set_unit(office.minh, WARD_A, "Tổ Hai", ["dien"])
    assert [(unit.name, unit.fields) for unit in office.fields.board(office.lan).units] == [
        ("Tổ Một", ("cap_nuoc",)), ("Tổ Hai", ("dien",))
    ]  # fmt: skip


def test_a_field_that_nobody_covers_is_told_two_weeks_ahead(office: Office, tu: Actor) -> None:
    everything = list(office.fields.check(office.minh))
    assert len(everything) == 16 and everything[0].people == (), "nobody was named for anything"
    codes = [gap.category for gap in everything]
    handles(office, office.lan, *codes)
    handles(office, tu, "dien")
    assert office.fields.check(office.minh, ward=WARD_A) == ()
    goes(office, office.lan, None, first=12, last=13)
    found = office.fields.check(office.minh)
    assert {gap.category for gap in found} == set(codes) - {"dien"}, "electricity has Tú"
    assert found[0].people == (office.lan.name,)
    assert found[0].start == span(date(2026, 3, 12), FRIDAY + timedelta(days=7))[0]
    with pytest.raises(NotFound):
        office.fields.check(office.minh, ward=WARD_B)


# Who is told ----------------------------------------------------------------------------------


def test_reminders_go_to_who_answers_and_the_owner_hears_of_it(office: Office, tu: Actor) -> None:
    owned, free = office.opens("1"), office.opens("2")
    office.cases.assign(office.minh, owned, unit_id=None, officer_id=office.lan.id)

    def asked(db: Database) -> dict[int, cover.Receivers]:
        with db.read() as tx:
            return cover.receivers(tx, [office.row(owned), office.row(free)], office.clock())

    assert asked(office.db)[owned] == cover.Receivers(office.lan.id, ())
    assert asked(office.db)[free] == cover.Receivers(None, (office.minh.id,)), "nobody's: the leaders"
    goes(office, office.lan, tu)
    assert asked(office.db)[owned] == cover.Receivers(tu.id, (office.lan.id,))
    goes(office, tu, None)
    assert asked(office.db)[owned] == cover.Receivers(None, (office.lan.id, office.minh.id))


def test_what_joins_a_case_is_told_to_the_owner_and_to_the_cover(office: Office, tu: Actor) -> None:
    case_id = office.opens("1")
    office.cases.assign(office.minh, case_id, unit_id=None, officer_id=office.lan.id)
    goes(office, office.lan, tu)
    (first,) = office.page(case_id).reports
    office.receives("1022", record("1b", first.body, subject="", address=first.address))
    assert office.case_of("1b") == case_id
    for person in (office.lan, tu):
        assert [(told.kind, told.case_id) for told in office.notices.page(person).rows] == [
            ("joined", case_id)
        ]  # fmt: skip
    assert office.notices.page(office.minh).rows == ()
