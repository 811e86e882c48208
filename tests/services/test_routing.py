"""The ward a report goes to: never one that is not served here, and only where its text leaves no doubt."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.domain.places import Learned
from aggregator.sdk.contract import Location, Record
from aggregator.services.canonical import Canonical, canonical
from aggregator.services.routing import destination
from tests.factories import MONDAY, VN, Office, record
from tests.people import WARD_A, WARD_B

IN_B = "Cây đổ tại số 5, Phường Sài Gòn."
NOT_SERVED = "Cây đổ tại số 5, Phường 5, Quận Gò Vấp."


@pytest.fixture(autouse=True)
def real_names(request: pytest.FixtureRequest) -> None:
    """Wards A and B under the names that their codes have in the country."""
    for name in {"office", "sqlite_office"} & set(request.fixturenames):
        accounts = request.getfixturevalue(name).accounts
        accounts.ensure_ward(WARD_A, "Phường Nhiêu Lộc")
        accounts.ensure_ward(WARD_B, "Phường Sài Gòn")


def placed(office: Office) -> list[tuple[str, str | None]]:
    """External id's ward and the guessed ward, in the order received."""
    rows = office.rows("SELECT ward_code, CAST(place_guess AS TEXT) FROM reports ORDER BY external_id")
    return [(ward, json.loads(guess)["code"] if guess else None) for ward, guess in rows]


@pytest.mark.parametrize(
    ("more", "expected", "note"),
    [
        ({"body": IN_B}, (WARD_B, WARD_B), "named for sure and served here: it goes there, and says why"),
        ({"body": NOT_SERVED}, (WARD_A, "26876"), "named for sure, not served here: it stays, with a note"),
        ({"body": "Phường 9, Quận 3: rác."}, (WARD_A, None), "the channel's own ward under its old name"),
        ({"body": "Rác ở phường 5."}, (WARD_A, None), "open"),
        ({"body": "Rác đầy đường."}, (WARD_A, None), "no ward named"),
        ({"body": IN_B, "ward": WARD_A}, (WARD_A, None), "the source's own word goes before the text"),
        ({"body": IN_B, "area": "Phường Nhiêu Lộc"}, (WARD_A, None), "so does an area that is the channel's"),
        ({"body": IN_B, "address": "5 Lê Lợi, P.5, Gò Vấp"}, (WARD_A, None), "two places in one report"),
    ],
)
def test_a_new_report_goes_where_its_text_leaves_no_doubt(
    sqlite_office: Office, more: dict[str, str], expected: tuple[str, str | None], note: str
) -> None:
    sqlite_office.receives("1022", record("1", subject="", **more))
    assert placed(sqlite_office) == [expected], note
    sqlite_office.is_sound()


def test_a_routed_report_is_on_the_other_wards_chain_on_both_engines(office: Office) -> None:
    office.receives("1022", record("1", IN_B, subject=""), record("2", "Ổ gà.", subject=""))
    assert placed(office) == [(WARD_B, WARD_B), (WARD_A, None)]
    office.is_sound()


def test_a_stored_report_never_moves_and_its_note_follows_its_text(sqlite_office: Office) -> None:
    sqlite_office.receives("1022", record("1", "Ổ gà.", subject=""))
    sqlite_office.receives("1022", record("1", IN_B, subject=""))
    assert placed(sqlite_office) == [(WARD_A, WARD_B)]
    sqlite_office.receives("1022", record("1", "Ổ gà rất to.", subject=""))
    assert placed(sqlite_office) == [(WARD_A, None)]


def test_a_routed_report_still_says_why_after_a_revision(sqlite_office: Office) -> None:
    sqlite_office.receives("1022", record("1", IN_B, subject=""))
    sqlite_office.receives("1022", record("1", f"{IN_B} Vẫn chưa dọn.", subject=""))
    assert placed(sqlite_office) == [(WARD_B, WARD_B)]


def values(text: str) -> Canonical:
    found = Record(
        external_id="1", body=text, subject="", occurred_at=MONDAY, location=Location(area=text[:40])
    )
    return canonical(found, VN)


_NAMES = st.sampled_from(
    [
        "Phường ",
        "P.",
        "xã ",
        "quận ",
        "13 ",
        "3 ",
        "Sài Gòn",
        "Nhiêu Lộc",
        "Gò Vấp",
        "Bà Điểm",
        ", ",
        "Hóc Môn",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(_NAMES, max_size=10).map("".join),
    st.sets(st.sampled_from([WARD_B, "26876", "27592", "demo"])),
    st.sampled_from([None, WARD_B, "99999"]),
)
def test_no_text_and_no_source_sends_a_report_to_a_ward_that_is_not_here(
    text: str, others: set[str], vouched: str | None
) -> None:
    wards = {code: f"Phường, xã {code}" for code in (WARD_A, *others)}
    assert destination(wards, WARD_A, vouched, values(text), Learned()).ward in wards


def test_a_ward_that_is_not_the_countrys_ward_of_its_code_is_never_guessed_about() -> None:
    known = {WARD_B: "Phường Sài Gòn"}
    assert destination({"demo": "Thử", **known}, "demo", None, values(IN_B), Learned()) == ("demo", None)
    assert destination({WARD_A: "Phường 9, Quận 3", **known}, WARD_A, None, values(IN_B), Learned()) == (
        WARD_A,
        None,
    )
    old = {WARD_A: "Phường Nhiêu Lộc", WARD_B: "Phường Bến Nghé"}
    assert destination(old, WARD_A, None, values(IN_B), Learned()).ward == WARD_A
