"""What the last month would have been under other thresholds."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from aggregator.errors import InputInvalid, NotAllowed, NotFound
from aggregator.services import match_preview
from aggregator.services.match_preview import Change
from aggregator.services.match_rules import Scope
from tests.factories import Office, apart
from tests.people import WARD_A, WARD_B
from tests.services.test_match_rules import HERE, pothole


def two_holes(office: Office) -> None:
    """Two days of reports: one hole told three times, and nine other problems."""
    office.receives("1022", pothole("1"), *apart(9, 20))
    office.clock.forward(hours=20)
    office.receives("app", pothole("2", occurred_at=office.clock()))
    office.receives("1022", pothole("3", occurred_at=office.clock()))
    office.clock.forward(days=1)


def test_stricter_thresholds_list_what_would_no_longer_join(office: Office) -> None:
    two_holes(office)
    found = office.previews.preview(office.minh, HERE, same=0.9999)
    assert (found.judged, found.joined_now, found.joined_then) == (12, 2, 0)
    assert found.counts == {Change.APART: 2}
    row = found.rows[0]
    assert row.report.report_id in (office.report("2"), office.report("3"))
    assert row.report.code == office.page(office.case_of("1")).row.code
    assert row.report.address == "12 Lê Lợi"
    assert "12 Lê Lợi" in row.other.excerpt or "12 le loi" in row.other.excerpt
    assert any("12 Lê Lợi" in reason.text_vi for reason in row.reasons)
    assert found.asked_then > found.asked_now == 0
    assert sum(day.then for day in found.days) == found.asked_then


def test_looser_thresholds_list_what_would_join_and_what_officers_said_of_it(office: Office) -> None:
    office.match_rules.set(office.minh, HERE, same=0.9999, why="Thử")
    two_holes(office)
    office.duplicates.different(office.lan, office.case_of("1"), office.case_of("2"))
    found = office.previews.preview(office.minh, HERE, same=0.9)
    assert found.counts[Change.JOINS] == 2
    assert (found.wrong, found.right) == (1, 0)
    told = {row.report.report_id: row.told for row in found.rows if row.change is Change.JOINS}
    assert told[office.report("2")] == "different"
    back = office.previews.preview(office.minh, HERE, back=True)
    assert back.counts == found.counts, "taken back, the product's own .9 holds again"


def test_a_proposal_that_changes_nothing_judges_nothing_again(office: Office) -> None:
    two_holes(office)
    found = office.previews.preview(office.minh, HERE)
    assert (found.judged, found.rows, found.joined_now, found.days) == (0, (), 0, ())


def test_only_the_scope_is_judged_again(office: Office) -> None:
    two_holes(office)
    found = office.previews.preview(office.minh, Scope(WARD_A, "giao_thong"), same=0.9999)
    assert found.judged == 3 and found.counts == {Change.APART: 2}
    assert office.previews.preview(office.minh, Scope(WARD_A, "thoat_nuoc"), same=0.9999).judged == 0


def test_it_writes_nothing_and_holds_no_transaction_while_it_computes(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_holes(office)
    told: list[str] = []
    event.listen(office.db.engine, "before_cursor_execute", lambda *given: told.append(given[2]))
    opened = 0
    read = office.db.read

    def counted() -> Any:
        nonlocal opened
        opened += 1
        return read()

    monkeypatch.setattr(office.db, "read", counted)
    office.previews.preview(office.minh, HERE, same=0.9999)
    assert opened == 3, "who may, the past, and what the listed page shows"
    assert not [one for one in told if one.split()[0] in ("INSERT", "UPDATE", "DELETE")]


def test_a_large_scope_is_cut_to_its_newest_and_says_so(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_holes(office)
    monkeypatch.setattr(match_preview, "MOST_JUDGED", 2)
    found = office.previews.preview(office.minh, HERE, same=0.9999)
    assert (found.judged, found.shortened, found.counts) == (2, True, {Change.APART: 2})


def test_differences_come_in_pages(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    two_holes(office)
    monkeypatch.setattr(match_preview, "PER_PAGE", 1)
    first, second, beyond = (
        office.previews.preview(office.minh, HERE, same=0.9999, page=page) for page in (1, 2, 99)
    )
    assert first.pages == 2 and first.rows != second.rows
    assert beyond.page == 2 and beyond.rows == second.rows


def test_who_could_not_set_it_gets_no_preview(office: Office) -> None:
    two_holes(office)
    with pytest.raises(NotAllowed):
        office.previews.preview(office.lan, HERE, same=0.95)
    with pytest.raises(NotFound):
        office.previews.preview(office.minh, Scope(WARD_B, None), same=0.95)
    with pytest.raises(InputInvalid, match="days"):
        office.previews.preview(office.minh, HERE, same=0.95, days=400)
    with pytest.raises(InputInvalid, match="same"):
        office.previews.preview(office.minh, HERE, same=0.2)


def test_a_restricted_legal_matter_is_counted_and_never_listed(office: Office) -> None:
    """A leader of every ward need not be one who may read complaints."""
    two_holes(office)
    with office.db.write() as tx:
        tx.exec_driver_sql(f"UPDATE cases SET legal = 'recognised' WHERE id = {office.case_of('1')}")
    found = office.previews.preview(office.minh, HERE, same=0.9999)
    assert found.counts == {Change.APART: 2} and found.rows == ()
