"""Several units on one case: one leads, each other has its task, its own deadline and its done mark."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from aggregator.errors import InputInvalid, MoveNotAllowed, NotFound, StaleWrite
from aggregator.sdk.contract import Record
from tests.factories import MONDAY, VN, Office, record
from tests.people import WARD_A, WARD_B


@pytest.fixture
def units(office: Office) -> tuple[int, int, int]:
    return tuple(office.accounts.ensure_unit(WARD_A, name, []) for name in ("Tổ Một", "Tổ Hai", "Tổ Ba"))  # type: ignore[return-value]


@pytest.fixture
def case_id(office: Office, units: tuple[int, int, int]) -> int:
    case_id = office.opens("1")
    office.cases.assign(office.lan, case_id, unit_id=units[0], officer_id=office.lan.id)
    return case_id


def due(office: Office, case_id: int) -> str:
    return f"{office.row(case_id).due_at.astimezone(VN):%d/%m}"


def kinds(office: Office, case_id: int) -> list[str]:
    return [entry.kind for entry in office.page(case_id).timeline]


def test_a_second_unit_gives_fifteen_days_and_its_leaving_gives_ten_again(
    office: Office, units: tuple[int, int, int], case_id: int
) -> None:
    assert due(office, case_id) == "16/03", "10 working days from Monday the 2nd"
    office.case_units.join(office.lan, case_id, units[1], "Khảo sát mặt đường", date(2026, 3, 6))
    assert due(office, case_id) == "23/03"
    office.case_units.join(office.lan, case_id, units[2], "Cử xe")
    office.case_units.leave(office.lan, case_id, units[1])
    assert due(office, case_id) == "23/03", "one still works beside the lead"
    office.case_units.leave(office.lan, case_id, units[2])
    assert due(office, case_id) == "16/03"
    assert kinds(office, case_id)[-4:] == ["unit_joined", "unit_joined", "unit_left", "unit_left"]
    office.is_sound()


def test_each_unit_has_its_task_its_own_deadline_and_its_done_mark(
    office: Office, units: tuple[int, int, int], case_id: int
) -> None:
    office.case_units.join(office.lan, case_id, units[1], "Khảo sát", date(2026, 3, 6))
    office.case_units.join(office.lan, case_id, units[2], "Cử xe", date(2026, 3, 5))
    page = office.page(case_id)
    assert [(one.unit, one.task) for one in page.units] == [("Tổ Hai", "Khảo sát"), ("Tổ Ba", "Cử xe")]
    assert page.next_unit is not None
    assert page.next_unit.due_at == datetime(2026, 3, 5, 17, tzinfo=VN), "the earliest, at closing time"
    before = office.row(case_id).due_at
    office.case_units.done(office.lan, case_id, units[2])
    page = office.page(case_id)
    assert page.units[1].done_at == MONDAY and page.units[1].who == office.lan.name
    assert page.next_unit is not None and page.next_unit.unit == "Tổ Hai"
    assert office.row(case_id).due_at == before, "done is no answer to the citizen"
    with pytest.raises(MoveNotAllowed):
        office.case_units.done(office.lan, case_id, units[2])


def test_who_takes_the_lead_works_beside_itself_no_longer(
    office: Office, units: tuple[int, int, int], case_id: int
) -> None:
    office.case_units.join(office.lan, case_id, units[1], "Khảo sát")
    office.clock.forward(days=1)
    office.cases.assign(office.lan, case_id, unit_id=units[1], officer_id=None)
    page = office.page(case_id)
    assert page.units == () and due(office, case_id) == "16/03"
    shares = [(share.unit, share.seconds) for share in page.clock.units]
    assert shares[1:] == [("Tổ Một", 27_000), ("Tổ Hai", 0)], "whose time it was follows the lead"
    office.is_sound()


def test_a_case_with_several_units_keeps_a_lead(
    office: Office, units: tuple[int, int, int], case_id: int
) -> None:
    office.case_units.join(office.lan, case_id, units[1], "Khảo sát")
    with pytest.raises(MoveNotAllowed):
        office.cases.assign(office.lan, case_id, unit_id=None, officer_id=office.lan.id)
    free = office.opens("2")
    with pytest.raises(MoveNotAllowed):
        office.case_units.join(office.lan, free, units[1], "Khảo sát")


def test_what_cannot_be_is_refused(office: Office, units: tuple[int, int, int], case_id: int) -> None:
    elsewhere = office.accounts.ensure_unit(WARD_B, "Tổ lạ", [])
    wrong: list[dict[str, Any]] = [
        {"unit_id": units[0]},  # the lead itself
        {"unit_id": elsewhere},  # another ward's
        {"unit_id": 2**70},  # no row can have that id
        {"task": "  "},
        {"until": date(2026, 3, 1)},  # past
        {"until": date(2026, 3, 7)},  # a Saturday
        {"until": date(2026, 3, 24)},  # after the case's own deadline
    ]
    for given in wrong:
        values = {"unit_id": units[1], "task": "Khảo sát", "until": None} | given
        with pytest.raises(InputInvalid):
            office.case_units.join(office.lan, case_id, **values)
    assert office.count("case_units") == 0
    assert due(office, case_id) == "16/03", "a refusal leaves the rule as it was"
    with pytest.raises(NotFound):
        office.case_units.join(office.hue, case_id, units[1], "Khảo sát")


def test_a_form_sent_twice_and_a_stale_page(
    office: Office, units: tuple[int, int, int], case_id: int
) -> None:
    version = office.row(case_id).version
    for _ in range(2):
        office.case_units.join(office.lan, case_id, units[1], "Khảo sát", version=version, once="key")
    assert office.count("case_units") == 1
    with pytest.raises(StaleWrite):
        office.case_units.join(office.minh, case_id, units[2], "Cử xe", version=version)


def test_a_report_that_joins_is_counted_like_the_rest_and_split_off_like_one_alone(
    office: Office, units: tuple[int, int, int], case_id: int
) -> None:
    office.case_units.join(office.lan, case_id, units[1], "Khảo sát")
    same: Record = record("1b", office.page(case_id).reports[0].body, subject="",
                          address=office.page(case_id).reports[0].address)  # fmt: skip
    office.receives("1022", same)
    assert office.case_of("1b") == case_id
    assert due(office, case_id) == "23/03"
    alone = office.cases.split(office.lan, case_id, [office.report("1b")])
    assert due(office, alone) == "16/03"
    office.is_sound()


def test_a_case_that_moves_to_another_ward_leaves_its_units_there(
    office: Office, units: tuple[int, int, int], case_id: int
) -> None:
    office.case_units.join(office.lan, case_id, units[1], "Khảo sát")
    office.placing.move(office.lan, case_id, WARD_B)
    assert office.page(case_id).units == ()
    assert due(office, case_id) == "16/03"
    office.is_sound()
