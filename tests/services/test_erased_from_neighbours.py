"""A person erased from what others sent: the next revision of those reports does not bring them back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aggregator.domain.subject import GONE
from aggregator.services.privacy.erasing import Way
from aggregator.services.privacy.known_again import together
from tests.factories import Office, batch, problem, record
from tests.services.test_erasing import ANH, NAME, PHONE, erase, everything, names, request, sends

#: Of the neighbour, who has never asked for anything.
UT = {"name": "Lý Văn Út", "phone": "0987654321", "email": "", "subject": "Vỉa hè", "address": "14 Lê Lợi"}
LITTER = f"Nhà bà {NAME} ({PHONE}) lấn vỉa hè."


def neighbour(office: Office, body: str = LITTER, **more: Any) -> int:
    return sends(office, "PA-3333", body, **{**UT, **more})


def revised(office: Office) -> dict[str, Any]:
    """The newest entry about a revision."""
    rows = office.rows("SELECT data FROM ledger_entries WHERE kind = 'revised' ORDER BY id DESC LIMIT 1")
    told: dict[str, Any] = json.loads(rows[0][0])
    return told


@pytest.mark.parametrize("way", [Way.REDACT, Way.ALL])
def test_a_neighbours_next_revision_names_the_person_no_more(office: Office, way: Way) -> None:
    sends(office, "1")
    case_id = neighbour(office)
    erase(office, way)
    assert names(everything(office)) == []
    (left,) = [one.body for one in office.page(case_id).reports if one.external_id == "PA-3333"]
    assert left.count(GONE) == 2
    again = f"{LITTER} Nay bà {NAME} vẫn chưa dọn."
    neighbour(office, again, status_raw="Đang xử lý")
    page = office.page(case_id)
    assert names(everything(office)) == []
    (theirs,) = [one for one in page.reports if one.external_id == "PA-3333"]
    assert (theirs.revision, theirs.status_raw, theirs.has_identity) == (2, "Đang xử lý", True)
    assert theirs.body == left, "the words that were left stay as they are"
    assert (revised(office)["revision"], revised(office)["withheld"]) == (2, "named")
    assert (
        revised(office)["hash"]
        == office.rows("SELECT revision_hash FROM report_revisions WHERE seq = 2 ORDER BY id DESC LIMIT 1")[
            0
        ][0]
    ), "what came is proven, and not kept"
    office.is_sound()


def test_who_is_named_by_others_alone_is_erased_from_their_channels_pages_too(office: Office) -> None:
    page = json.dumps({"id": "Z-0077", "noi_dung": LITTER}, ensure_ascii=False).encode()
    office.intake.receive(office.run("zalo"), batch(record("Z-0077", LITTER, **UT), pages=[page]))
    assert names(everything(office)), "the control"
    office.erasing.erase(office.minh, request(office), ANH, [], Way.REDACT)
    assert names(everything(office)) == []
    office.intake.receive(
        office.run("zalo"), batch(record("Z-0077", f"{LITTER} Vẫn vậy.", **UT), pages=[page + b" "])
    )
    assert names(everything(office)) == []


def test_what_cannot_be_read_of_a_neighbours_report_is_kept_without_its_bytes(office: Office) -> None:
    neighbour(office)
    bad = problem(f'{{"id":"PA-3333","noi_dung":"{LITTER}"}}'.encode(), external_id="PA-3333")
    office.intake.receive(office.run("1022"), batch(problems=[bad]))
    office.erasing.erase(office.minh, request(office), ANH, [], Way.REDACT)
    assert names(everything(office)) == [], "nor what waited already"
    office.intake.receive(office.run("1022"), batch(problems=[bad]))
    assert names(everything(office)) == []


def test_where_only_the_sender_is_erased_neighbours_words_stay_and_are_followed(office: Office) -> None:
    sends(office, "1")
    case_id = neighbour(office)
    erase(office, Way.IDENTITY)
    neighbour(office, "Vỉa hè vẫn bị lấn.")
    assert "Vỉa hè vẫn bị lấn." in {one.body for one in office.page(case_id).reports}
    assert "withheld" not in revised(office)


def test_a_second_weaker_erasure_does_not_open_the_door_again(office: Office) -> None:
    """Redacted first; then the same report once more, found by its case's code, by its sender only."""
    sends(office, "1")
    erase(office, Way.REDACT)
    office.erasing.erase(office.minh, request(office), ANH, [office.report("1")], Way.IDENTITY)
    sends(office, "1", status_raw="Đã đóng")
    assert names(everything(office)) == []


def test_a_neighbour_who_is_erased_later_does_not_bring_back_whom_they_named(office: Office) -> None:
    neighbour(office)
    office.erasing.erase(office.minh, request(office), ANH, [], Way.REDACT)
    office.erasing.erase(office.minh, request(office), ANH, [office.report("PA-3333")], Way.IDENTITY)
    case_id = neighbour(office, f"{LITTER} Vẫn vậy.")
    assert names(everything(office)) == []
    assert not office.page(case_id).reports[0].has_identity


@pytest.mark.parametrize(
    ("before", "after", "both"),
    [
        (None, "named", "named"),
        ("named", "named", "named"),
        ("named", "identity", "text"),  # neither the sender nor whom they named
        ("identity", "named", "text"),
        ("text", "identity", "text"),
        ("text", "named", "text"),
        ("identity", "text", "text"),
        ("gone", "text", "gone"),
        ("named", "gone", "gone"),
    ],
)
def test_two_erasures_hold_together(before: str | None, after: str, both: str) -> None:
    assert together(before, after) == both
