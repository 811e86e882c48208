"""Answers as updates, and what an endpoint may do to a poll, over real sockets, in both formats."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aggregator.sdk.answers import Response
from aggregator.sdk.contract import (
    AuthFailed,
    ConfigInvalid,
    Permanent,
    RateLimited,
    SchemaDrift,
    SourceStatus,
    Transient,
    UnknownOutcome,
)
from aggregator.sdk.open311.wire import rows_of
from tests.connectors.open311.conftest import CONNECTOR


def test_answer_stands_at_the_endpoint_with_our_key_and_its_status(city, answer):
    office = city(2)
    result = CONNECTOR.push(office.context(), answer())
    assert result.outcome == "sent" and result.remote_ref == "mm-1001"
    (given,) = office.portal.answers["1001"]
    assert given.body == "Đã vá xong, cảm ơn bà con."
    assert office.portal.reports["1001"].status == "resolved"
    state = CONNECTOR.lookup(office.context(), answer())
    assert state.status is SourceStatus.RESOLVED and state.found.remote_ref == "mm-1001"


def test_same_answer_twice_is_one_update(city, answer):
    office = city(1)
    CONNECTOR.push(office.context(), answer())
    again = CONNECTOR.push(office.context(), answer(attempt=2))
    assert again.outcome == "already_there"
    blind = CONNECTOR.push(office.context(), answer())  # the endpoint itself refuses the key it knows
    assert blind.outcome == "already_there"
    assert len(office.portal.answers["1001"]) == 1


def test_lost_answer_is_unknown_and_then_found(city, answer):
    office = city(1)
    office.fault("commit_then_drop", path="servicerequestupdates")
    with pytest.raises(UnknownOutcome):
        CONNECTOR.push(office.context(), answer())
    assert CONNECTOR.lookup(office.context(), answer()).found is not None


def test_request_that_is_gone_takes_no_answer(city, answer):
    office = city(1)
    with pytest.raises(Permanent):
        CONNECTOR.push(office.context(), answer("9999"))
    assert CONNECTOR.lookup(office.context(), answer("9999")) is None


def test_wrong_key_is_a_matter_of_the_account(city, answer):
    office = city(1, api_key="khoá-thử")
    with pytest.raises(AuthFailed):
        CONNECTOR.push(office.context(secrets={"api_key": "sai"}), answer())
    assert office.portal.answers == {}


@pytest.mark.parametrize(
    ("fault", "error", "note"),
    [
        ({"kind": "status", "code": 500}, Transient, "a server in trouble"),
        ({"kind": "status", "code": 429, "retry_after": 30}, RateLimited, "asked to wait"),
        ({"kind": "outage"}, Transient, "closed without a word"),
        ({"kind": "truncate"}, Transient, "cut in the middle"),
        ({"kind": "login_page"}, AuthFailed, "a login page with status 200"),
        ({"kind": "maintenance"}, (Transient, SchemaDrift), "a notice with status 200"),
        ({"kind": "oversize", "bytes": 40_000_000}, SchemaDrift, "far too large"),
        ({"kind": "status", "code": 404}, ConfigInvalid, "a wrong address"),
    ],
)
def test_every_failure_says_what_to_do_next(city, fault, error, note):
    office = city(1)
    office.fault(**fault)
    with pytest.raises(error):
        office.poll()


@pytest.mark.parametrize(
    ("body", "note"),
    [
        (
            b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><service_requests>&b;</service_requests>',
            "bomb",
        ),
        (b'<!DOCTYPE x SYSTEM "http://127.0.0.1/x"><service_requests/>', "a document type from elsewhere"),
        (b"<service_requests><request>", "broken off"),
        (b"", "nothing at all"),
        (b"\x00\xff\xfe", "no text"),
    ],
)
def test_xml_that_cannot_be_trusted_is_drift(body, note):
    with pytest.raises(SchemaDrift):
        rows_of(Response(200, {"Content-Type": "text/xml"}, body, "http://x/requests.xml"), "xml")


@pytest.mark.parametrize(
    ("body", "note"),
    [
        (b'{"service_requests": {"a": 1}}', "a table where the list stood"),
        (b'{"items": []}', "another name"),
        (b"[1, 2]", "no rows"),
        (b'"text"', "no list"),
        (b"null", "null"),
    ],
)
def test_json_of_another_shape_is_drift_and_never_nothing_new(body, note):
    with pytest.raises(SchemaDrift):
        rows_of(Response(200, {"Content-Type": "application/json"}, body, "http://x/requests.json"), "json")


def test_times_of_a_slipping_clock_are_mended_or_refused(city):
    office = city(1)
    report = office.portal.reports["1001"]
    report.updated = report.created - timedelta(hours=1)
    (one,) = office.poll().records
    assert one.updated_at is None or one.updated_at >= one.occurred_at
