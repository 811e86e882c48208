"""What officers decide about the ward of a case, and what the next report of that street does."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from aggregator.domain.workflow import Status
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed, NotFound
from aggregator.services.learning import OFTEN
from tests.factories import Office, record
from tests.people import WARD_A, WARD_B

#: Phường 4, Quận 3 was split between Bàn Cờ (not served here) and Xuân Hòa (served as a third ward).
XUAN_HOA, BAN_CO = "27139", "27154"
SPLIT = "12 Cao Thắng, Phường 4, Quận 3"


@pytest.fixture(autouse=True)
def real_names(request: pytest.FixtureRequest) -> Iterator[None]:
    """Wards under the names that their codes have in the country."""
    for name in {"office", "sqlite_office"} & set(request.fixturenames):
        accounts = request.getfixturevalue(name).accounts
        accounts.ensure_ward(WARD_A, "Phường Nhiêu Lộc")
        accounts.ensure_ward(WARD_B, "Phường Sài Gòn")
        accounts.ensure_ward(XUAN_HOA, "Phường Xuân Hòa")
    yield


def comes(office: Office, number: str, address: str | None, body: str = "Cống nghẹt.", **more: object) -> int:
    """A report that opens a case of its own; the case."""
    words = f"{body} Việc số {int(number) * 7919}."
    office.receives("1022", record(number, words, subject="", address=address, **more))
    return office.case_of(number)


def ward_of(office: Office, number: str) -> str:
    return str(office.rows(f"SELECT ward_code FROM reports WHERE external_id = '{number}'")[0][0])


def guessed(office: Office, number: str) -> str | None:
    (guess,) = office.rows(f"SELECT CAST(place_guess AS TEXT) FROM reports WHERE external_id = '{number}'")[0]
    return json.loads(guess)["code"] if guess else None


def test_moving_a_case_takes_everything_along_and_teaches_its_street(office: Office) -> None:
    case = comes(office, "1", "12 Lê Lợi")
    code = office.placing.move(office.lan, case, WARD_B)
    assert (office.row(case).ward_code, office.row(case).code) == (WARD_B, code)
    with pytest.raises(NotFound):
        office.cases.case(office.lan, case)
    told = [entry.kind for entry in office.cases.case(office.hue, case).timeline]
    assert told[-2:] == ["ward_left", "ward_came"]
    office.is_sound()
    comes(office, "2", "14 Lê Lợi", body="Đèn đường tắt.")
    assert ward_of(office, "2") == WARD_B, "the next report of the street follows"
    comes(office, "3", "14 Lê Lợi, Phường Nhiêu Lộc", body="Cây gãy.")
    assert ward_of(office, "3") == WARD_A, "a ward of today that is named goes before"
    office.is_sound()


def test_a_moved_case_is_found_and_matched_in_its_new_ward(office: Office) -> None:
    case = comes(office, "1", "12 Lê Lợi", body="Cống nghẹt trước nhà, nước đen tràn ra đường.")
    office.placing.move(office.lan, case, WARD_B)
    again = record("2", "Cống nghẹt trước nhà, nước đen tràn ra đường. Việc số 7919.", subject="",
                   address="12 Lê Lợi", ward=WARD_B)  # fmt: skip
    office.receives("1022", again)
    assert office.case_of("2") == case
    assert office.row(case).report_count == 2


def test_what_was_merged_goes_along_and_splits_off_in_the_new_ward(sqlite_office: Office) -> None:
    office = sqlite_office
    one = comes(office, "1", "12 Lê Lợi")
    other = comes(office, "2", "300 Trần Phú", body="Đèn tắt.")
    office.cases.merge(office.lan, other, one)
    office.placing.move(office.lan, one, WARD_B)
    home = office.cases.split(office.hue, one, [office.report("2")])
    assert home == other
    assert office.row(home).ward_code == WARD_B
    office.is_sound()


def test_an_officer_decides_a_split_ward_once_for_its_street(office: Office) -> None:
    case = comes(office, "1", SPLIT)
    assert (ward_of(office, "1"), guessed(office, "1")) == (WARD_A, None), "open: nobody is told anything"
    office.placing.move(office.lan, case, XUAN_HOA)
    comes(office, "2", "40 Cao Thắng, P.4, Q.3", body="Rác ứ đọng.")
    assert ward_of(office, "2") == XUAN_HOA
    comes(office, "3", "40 Nguyễn Thiện Thuật, P.4, Q.3", body="Ổ gà.")
    assert ward_of(office, "3") == WARD_A, "another street was not decided"


def test_decisions_that_differ_make_it_ask_again(office: Office) -> None:
    for number, ward in (("1", XUAN_HOA), ("2", WARD_B)):
        case = comes(office, number, f"{number}2 Lê Lợi", body=f"Hố {number}.", ward=WARD_A)
        office.placing.move(office.lan, case, ward)
    comes(office, "3", "Lê Lợi", body="Đèn tắt.")
    assert ward_of(office, "3") == WARD_A, "it stays"
    assert guessed(office, "3") in (XUAN_HOA, WARD_B), "and its page asks"


def test_coordinates_go_before_a_rule(sqlite_office: Office) -> None:
    from aggregator.domain.place_table import table

    office = sqlite_office
    office.placing.move(office.lan, comes(office, "1", SPLIT), XUAN_HOA)
    places = table("79")
    assert places
    there = places.wards[BAN_CO]
    comes(office, "2", "40 Cao Thắng, P.4, Q.3", body="Rác.", lat=there.lat, lng=there.lng)
    assert (ward_of(office, "2"), guessed(office, "2")) == (WARD_A, BAN_CO)


def test_a_decision_taken_back_teaches_nothing_more(office: Office) -> None:
    office.placing.move(office.lan, comes(office, "1", "12 Lê Lợi"), WARD_B)
    ((street,),) = (office.placing.streets(office.lan),)
    (decision,) = street.decisions
    assert (street.street, street.about, decision.ward, decision.house) == (
        "Lê Lợi", "Phường Nhiêu Lộc", "Phường Sài Gòn", 12,
    )  # fmt: skip
    assert decision.case_id is None, "the case is another ward's now"
    office.placing.withdraw(office.lan, decision.id)
    office.placing.withdraw(office.lan, decision.id)
    assert office.placing.streets(office.lan) == ()
    comes(office, "2", "14 Lê Lợi", body="Đèn tắt.")
    assert ward_of(office, "2") == WARD_A
    office.is_sound()


def test_guidance_answers_closes_and_teaches(office: Office) -> None:
    case = comes(office, "1", "5 Lê Lợi, Phường 5, Quận Gò Vấp")
    (report,) = office.page(case).reports
    assert not report.place_served
    assert "Ủy ban nhân dân phường An Nhơn" in report.guidance
    assert "Phường 5, Quận Gò Vấp cũ nay thuộc phường An Nhơn" in report.guidance
    office.placing.guide(office.lan, case, "26876", report.guidance)
    page = office.page(case)
    assert page.row.status is Status.REJECTED
    assert page.replies[0].body == report.guidance
    (street,) = office.placing.streets(office.lan)
    assert street.decisions[0].cause == "guided"
    with pytest.raises(MoveNotAllowed):
        office.placing.guide(office.lan, case, "26876", "Một lần nữa.")
    office.is_sound()


def test_what_an_officer_confirmed_is_not_asked_again_not_even_after_a_revision(office: Office) -> None:
    body = "Cây đổ tại số 5, Phường 5, Quận Gò Vấp."
    case = comes(office, "1", None, body=body)
    assert guessed(office, "1")
    office.placing.confirm(office.lan, case)
    assert guessed(office, "1") is None
    office.receives("1022", record("1", f"{body} Vẫn chưa dọn.", subject=""))
    assert guessed(office, "1") is None
    office.is_sound()


def test_a_corrected_address_is_the_cases_own_and_teaches_its_ward(office: Office) -> None:
    case = comes(office, "1", "gần chợ", body="Rác đầy.")
    office.placing.correct(office.lan, case, " 12  Cao Thắng ")
    page = office.page(case)
    assert page.row.address == "12 Cao Thắng"
    assert page.reports[0].address == "gần chợ", "what the citizen wrote stays"
    (street,) = office.placing.streets(office.lan)
    assert (street.street, street.decisions[0].ward) == ("Cao Thắng", "Phường Nhiêu Lộc")
    with pytest.raises(InputInvalid):
        office.placing.correct(office.lan, case, "  ")
    office.is_sound()


def test_the_last_decision_about_a_report_is_the_one_that_counts(sqlite_office: Office) -> None:
    office = sqlite_office
    case = comes(office, "1", "12 Lê Lợi")
    office.placing.move(office.lan, case, WARD_B)
    office.placing.move(office.hue, case, WARD_A)
    comes(office, "2", "14 Lê Lợi", body="Đèn tắt.")
    assert (ward_of(office, "2"), guessed(office, "2")) == (WARD_A, None)


def test_who_may_not_see_a_case_cannot_move_it_and_who_sees_no_decision_cannot_take_it_back(
    sqlite_office: Office,
) -> None:
    office = sqlite_office
    case = comes(office, "1", "12 Lê Lợi")
    with pytest.raises(NotFound):
        office.placing.move(office.hue, case, WARD_B)
    with pytest.raises(NotAllowed):
        office.placing.move(office.admin, case, WARD_B)
    for wrong in (WARD_A, "26876", ""):
        with pytest.raises(InputInvalid):
            office.placing.move(office.lan, case, wrong)
    office.placing.move(office.lan, case, WARD_B)
    (street,) = office.placing.streets(office.lan)
    assert office.placing.streets(office.hue) == ()
    with pytest.raises(NotFound):
        office.placing.withdraw(office.hue, street.decisions[0].id)


def test_a_street_is_known_from_the_day_after_it_came_often_enough(office: Office) -> None:
    for number in range(1, OFTEN + 1):
        comes(office, str(number), f"{40 * number} Nguyễn Văn Quá", body=f"Hố {number}.")
    office.placing.move(office.lan, office.case_of("1"), WARD_B)
    assert office.rows("SELECT street, reports FROM streets") == [("nguyen van qua", OFTEN)]
    comes(office, "8", None, body="ngay 45 nguyen van qua bi ngap")
    assert ward_of(office, "8") == WARD_A, "not known yet: no street was read"
    office.clock.forward(days=1)
    comes(office, "9", None, body="ngay 47 nguyen van qua den tat")
    assert ward_of(office, "9") == WARD_B


def test_a_known_street_makes_one_of_several_wards_likely_and_only_asks(sqlite_office: Office) -> None:
    office = sqlite_office
    for number in range(1, OFTEN + 1):
        comes(office, str(number), f"{40 * number} Cao Thắng", body=f"Hố {number}.", ward=XUAN_HOA)
    office.clock.forward(days=1)
    comes(office, "9", SPLIT, body="Đèn tắt.")
    assert (ward_of(office, "9"), guessed(office, "9")) == (WARD_A, XUAN_HOA)


def test_streets_that_never_came_again_are_forgotten(sqlite_office: Office) -> None:
    office = sqlite_office
    comes(office, "1", "12 Lê Lợi")
    office.clock.forward(days=200)
    office.intake._learning._tidied = None
    comes(office, "2", "9 Hai Bà Trưng", body="Đèn tắt.")
    assert office.rows("SELECT street FROM streets") == [("hai ba trung",)]
