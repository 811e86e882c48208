"""A list of requests that is not whole is found out, whatever it looks like, over real sockets."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from aggregator.sdk.contract import SchemaDrift
from tests.connectors.open311.conftest import NOW, a_report


def lately(count):
    """Requests of the last hours, a quarter of an hour apart."""
    return [a_report(n, created=(NOW - timedelta(minutes=15 * n)).isoformat()) for n in range(1, count + 1)]


def leaving_out(portal, dropped):
    """The portal's lists show no request of these ids; their own pages stay."""
    portal._within = lambda start, end, whole=portal._within: [
        report for report in whole(start, end) if report.id not in dropped
    ]


def test_endpoint_with_a_limit_of_its_own_is_found_out_in_the_first_poll_and_read_with_its_setting(city):
    office = city(lately(24), limit=10)
    with pytest.raises(SchemaDrift, match="a list of 10 requests was cut off") as caught:
        office.poll()
    assert "limit to 10" in caught.value.hint and caught.value.evidence["content"]
    assert len(set(office.poll(config={"limit": 10}).ids)) == 24


def test_list_that_loses_its_newest_requests_is_found_out(city):
    office = city(lately(8))
    cursor = office.poll().cursor
    office.portal.load([a_report(99, created=(NOW + timedelta(minutes=1)).isoformat())])
    office.now += timedelta(minutes=30)
    leaving_out(office.portal, {"99"})
    assert "99" not in office.poll(cursor).ids  # nobody can tell: it was never seen
    leaving_out(office.portal, {"1", "2"})
    with pytest.raises(SchemaDrift, match="leaves out requests that the endpoint has"):
        office.poll(cursor)


def test_emptied_list_is_no_quiet_night(city):
    office = city(lately(3))
    cursor = json.loads(json.dumps(office.poll().cursor))
    leaving_out(office.portal, {"1", "2", "3"})
    with pytest.raises(SchemaDrift, match="3 known ones are missing"):
        office.poll(cursor)


def test_request_that_its_owner_deleted_is_forgotten(city):
    office = city(lately(3))
    cursor = office.poll().cursor
    del office.portal.reports["1"]
    cursor = office.poll(cursor).cursor
    assert [id_ for id_, *_ in cursor["lately"]] == ["3", "2"]
    assert office.poll(cursor).batches[-1].complete


def test_list_of_open_requests_alone_may_lose_those_that_were_closed(city):
    office = city(lately(3))
    cursor = office.poll().cursor
    office.portal.load([{**lately(3)[0], "status": "resolved"}])
    leaving_out(office.portal, {"1"})
    polled = office.poll(cursor)
    assert polled.one("1").status == "resolved"  # read by its id, as every open one


def test_endpoint_that_takes_no_notice_of_dates_is_found_out(city):
    old = [a_report(n, created=(NOW - timedelta(days=20, minutes=n)).isoformat()) for n in range(1, 9)]
    office = city(old)
    office.portal._within = lambda _start, _end: list(office.portal.reports.values())
    with pytest.raises(SchemaDrift, match="8 of 8 requests are not of the span"):
        office.poll()


def test_list_as_long_as_one_that_was_whole_is_not_doubted_again(city):
    office = city(lately(12))
    cursor = office.poll().cursor
    before = office.portal.requests
    office.poll(cursor)
    # The updates, the list over the overlap, what is behind it, and the open ones by id.
    assert office.portal.requests - before == 4
