"""Days of the past and single reports of a 1022 portal, over real sockets."""

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.sdk.contract import ConfigInvalid, Span
from connectors.portal_1022 import CONNECTOR

SINCE = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)  # midnight of 5 March in Vietnam
DAY = Span(SINCE, SINCE + timedelta(days=1))


def days(report, number):
    """As many reports on each of three days in a row, one an hour."""
    start = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
    return [
        report(1000 + day * 100 + n, created=(start + timedelta(days=day, hours=n)).isoformat())
        for day in range(3)
        for n in range(number)
    ]


def read(office, span=DAY, cursor=None):
    return list(CONNECTOR.backfill(office.context(), span, cursor))


def test_a_day_brings_its_own_reports_and_the_portals_count_of_them(open_office, report):
    batches = read(open_office(days(report, 12)))
    ids = [record.external_id for batch in batches for record in batch.records]
    assert ids == [str(1100 + n) for n in range(12)]
    assert {batch.source_count for batch in batches} == {12}
    assert [batch.complete for batch in batches] == [False, False, True]


def test_it_goes_on_behind_every_batch_and_loses_nothing(open_office, report):
    office = open_office(days(report, 12))
    whole = {record.external_id for batch in read(office) for record in batch.records}
    for stopped in read(office):
        rest = read(office, cursor=stopped.next_cursor)
        before = [batch for batch in read(office) if batch.next_cursor["page"] <= stopped.next_cursor["page"]]
        found = {record.external_id for batch in (*before, *rest) for record in batch.records}
        assert found == whole


def test_a_day_without_reports_is_an_empty_batch(open_office):
    (batch,) = read(open_office(3), Span(SINCE - timedelta(days=30), SINCE - timedelta(days=29)))
    assert (batch.records, batch.source_count, batch.complete) == ((), 0, True)


def test_a_portal_that_takes_no_notice_of_the_days_is_found_out(open_office, report, monkeypatch):
    office = open_office(days(report, 3))
    monkeypatch.setattr("connectors.portal_1022.sandbox._day", lambda given: None)
    with pytest.raises(ConfigInvalid, match="tungay"):
        read(office)


@pytest.mark.parametrize("who", ["context", "officer"])
def test_one_report_is_read_by_its_id(open_office, who):
    office = open_office(12)
    found = CONNECTOR.fetch(getattr(office, who)(), "1007")
    assert found is not None
    record, item = found
    assert record.external_id == "1007" and record.subject == "Ổ gà số 1007"
    assert CONNECTOR.remap(office.context(), item) == record
    assert CONNECTOR.fetch(getattr(office, who)(), "9999") is None
