"""Answers on their way back to a 1022 portal: once each, whatever the network does."""

import random
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import requests

from aggregator.sdk.contract import (
    AuthFailed,
    ConfigInvalid,
    Permanent,
    PushCommand,
    SourceStatus,
    Transient,
    UnknownOutcome,
)
from aggregator.sdk.sandbox import Response
from connectors.portal_1022 import CONNECTOR
from tests.domain.test_proof_files import JPEG, PDF
from tests.out_files import laid_down

COMMAND = PushCommand(
    idempotency_key="6f1c2d3e-0000-4000-8000-000000000001",
    external_id="1002",
    kind="result",
    body="Phường đã vá ổ gà ngày 10/3.\nCảm ơn bà con.",
    status=SourceStatus.RESOLVED,
    at=datetime(2026, 3, 10, 2, 0, tzinfo=UTC),
)


def bodies(office, id_="1002"):
    return [a["body"] for a in office.portal.state()["answers"].get(id_, [])]


def test_answer_reaches_the_citizen_and_is_confirmed_by_the_next_poll(open_office):
    office = open_office(3)
    cursor = office.poll(ctx=office.officer()).cursor
    assert CONNECTOR.push(office.officer(), COMMAND).outcome == "sent"
    assert bodies(office) == [COMMAND.body]
    (record,) = office.poll(cursor, office.officer()).records
    assert record.status is SourceStatus.RESOLVED
    assert record.answers[0].body == COMMAND.body
    state = CONNECTOR.lookup(office.officer(), COMMAND)
    assert state.status is SourceStatus.RESOLVED and state.found == record.answers[0]


def files_at(office, id_="1002"):
    given = requests.get(f"{office.running.url}/public/gopy/{id_}").json()["thongTinXuLy"]
    return [(answer["hinhAnh"], answer["fileDinhKem"]) for answer in given]


@pytest.mark.parametrize("lost", ["xuly$", "admin/file$", None])
def test_files_stand_with_the_answer_once_whichever_reply_was_lost(open_office, tmp_path, lost):
    office = open_office(3)
    files = laid_down(tmp_path, ("sau.jpg", JPEG), ("QĐ 12.pdf", PDF))
    command = replace(COMMAND, attachments=files)
    if lost:
        office.fault("commit_then_drop", path=lost, count=1)
        with suppress(UnknownOutcome):  # a file is simply laid down once more, there and then
            CONNECTOR.push(office.officer(), command)
    CONNECTOR.push(office.officer(), replace(command, attempt=2))
    assert bodies(office) == [COMMAND.body]
    [([picture], [paper])] = files_at(office)
    assert requests.get(f"{office.running.url}/{picture}").content == JPEG
    assert requests.get(f"{office.running.url}/{paper}").content == PDF


@pytest.mark.parametrize(
    "said",
    [('{"msg": "OK"}', 200), ('{"message": "Payload Too Large"}', 413), ("Unsupported", 415)],
    ids=["not where it lies", "too large", "not this type"],
)
def test_a_file_the_portal_refuses_stays_here_counted_and_the_words_go(open_office, tmp_path, said):
    office = open_office(3)
    office.portal.rewrite = lambda request, response: (
        Response(said[0], said[1], content_type="application/json")
        if request.path == "/admin/file" and b"hong.pdf" in request.get_data()
        else response
    )
    files = laid_down(tmp_path, ("hong.pdf", PDF), ("sau.jpg", JPEG))
    result = CONNECTOR.push(office.officer(), replace(COMMAND, attachments=files))
    assert (result.outcome, result.files_left) == ("sent", 1) and "từ chối 1 tệp" in result.warning_vi
    assert bodies(office) == [COMMAND.body]
    assert [(len(pictures), len(papers)) for pictures, papers in files_at(office)] == [(1, 0)]


def test_a_file_that_lies_at_the_portal_is_not_laid_down_again_for_the_next_try(open_office, tmp_path):
    office = open_office(3)
    command = replace(COMMAND, attachments=laid_down(tmp_path, ("sau.jpg", JPEG)))
    office.fault("status", path="xuly$", count=1, status=500)
    with pytest.raises(UnknownOutcome):
        CONNECTOR.push(office.officer(), command)
    CONNECTOR.push(office.officer(), replace(command, attempt=2))
    assert list(office.portal.store["files"]) == ["public/tra-loi/1/sau.jpg"]
    assert len(files_at(office)) == 1 and "uploads" not in office.state


def test_our_reference_is_not_shown_to_citizens_unless_the_channel_wants_it(open_office):
    office = open_office(3)
    CONNECTOR.push(office.officer(), COMMAND)
    assert COMMAND.idempotency_key[:8] not in bodies(office)[0]
    labelled = {"config": {"reference_label": "Mã hồ sơ:"}}
    CONNECTOR.push(office.officer(**labelled), replace(COMMAND, external_id="1003"))
    assert bodies(office, "1003") == [f"{COMMAND.body}\nMã hồ sơ: 6f1c2d3e"]
    assert CONNECTOR.lookup(office.officer(**labelled), replace(COMMAND, external_id="1003")).found


@pytest.mark.parametrize(
    ("fault", "committed"),
    [
        ({"kind": "commit_then_drop"}, True),
        ({"kind": "commit_then_drop", "seconds": 5}, True),  # silence after the commit: our read times out
        ({"kind": "truncate", "path": "xuly$"}, True),
        ({"kind": "outage", "path": "xuly$"}, False),
        ({"kind": "latency", "seconds": 5, "path": "xuly$"}, None),  # it goes on after we hung up
        ({"kind": "status", "code": 500, "path": "xuly$"}, False),
        ({"kind": "status", "code": 502, "path": "xuly$"}, False),
        ({"kind": "status", "code": 503, "retry_after": 9, "path": "xuly$"}, False),
        ({"kind": "maintenance", "path": "xuly$"}, False),
        ({"kind": "login_page", "path": "xuly$"}, False),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else str(value),
)
def test_unclear_answer_is_unknown_and_a_lookup_tells(open_office, fault, committed):
    office = open_office(3)
    CONNECTOR.lookup(office.officer(), COMMAND)  # signed in, the officer's number known
    office.fault(**fault)
    with pytest.raises(UnknownOutcome):
        CONNECTOR.push(office.officer(read_timeout=0.3), COMMAND)
    if committed is not None:
        assert (CONNECTOR.lookup(office.officer(), COMMAND).found is not None) is committed
        again = CONNECTOR.push(office.officer(), replace(COMMAND, attempt=2))
        assert again.outcome == ("already_there" if committed else "sent")
        assert bodies(office) == [COMMAND.body]


def test_portal_that_cannot_be_reached_has_taken_nothing(open_office):
    office = open_office(3)
    ctx = office.officer()
    CONNECTOR.lookup(ctx, COMMAND)
    office.running.close()
    with pytest.raises(Transient):
        CONNECTOR.push(office.officer(), COMMAND)


def test_session_that_ended_is_renewed_and_the_answer_goes_out_once(open_office):
    office = open_office(3)
    CONNECTOR.lookup(office.officer(), COMMAND)
    office.fault("expire_sessions", path="xuly$")
    assert CONNECTOR.push(office.officer(), COMMAND).outcome == "sent"
    assert bodies(office) == [COMMAND.body]


def test_answer_finds_its_report_without_any_memory_of_the_poll(open_office):
    office = open_office(23)
    office.state.clear()
    for id_ in ("1001", "1012", "1023"):
        CONNECTOR.push(office.officer(), replace(COMMAND, external_id=id_))
        assert bodies(office, id_) == [COMMAND.body]


@pytest.mark.parametrize(
    ("kind", "status", "shown"),
    [
        ("result", SourceStatus.RESOLVED, "resolved"),
        ("progress", SourceStatus.IN_PROGRESS, "in_progress"),
        ("refusal", SourceStatus.REJECTED, "resolved"),  # the portal knows no refusal: closed with its reason
    ],
)
def test_status_is_written_in_the_portals_words(open_office, kind, status, shown):
    office = open_office(3)
    CONNECTOR.push(office.officer(), replace(COMMAND, kind=kind, status=status))
    assert office.portal.reports["1002"].status == shown


def test_resolve_by_put_where_the_portal_wants_it(open_office):
    office = open_office(3)
    config = {"resolve_method": "PUT", "paths": {"resolve": "/admin/xulythongtin/{id}"}}
    assert CONNECTOR.push(office.officer(config=config), COMMAND).outcome == "sent"


def test_refusals_say_what_a_person_must_do(open_office):
    office = open_office(3, sources=["motmoi"])
    with pytest.raises(ConfigInvalid, match="nguonGopY"):
        CONNECTOR.push(office.officer(config={"source_name": "lạ"}), COMMAND)
    with pytest.raises(Permanent, match="no word for"):
        CONNECTOR.push(office.officer(), replace(COMMAND, status=SourceStatus.REOPENED))
    with pytest.raises(Permanent, match="400"):
        CONNECTOR.push(office.officer(), replace(COMMAND, body=" "))
    with pytest.raises(Permanent, match="4444"):
        CONNECTOR.push(office.officer(), replace(COMMAND, external_id="4444"))
    with pytest.raises(ConfigInvalid, match="public part"):
        CONNECTOR.push(office.context(), COMMAND)
    assert CONNECTOR.lookup(office.officer(), replace(COMMAND, external_id="4444")) is None
    assert office.portal.writes == 0
    assert CONNECTOR.push(office.officer(config={"source_name": "motmoi"}), COMMAND).outcome == "sent"


def test_wrong_password_is_not_tried_again_and_again(open_office):
    office = open_office(3)
    config = {"scope": "officer", "auth": "jwt"}
    ctx = office.context(config=config, secrets={"username": "lan", "password": "cũ rồi"})
    with pytest.raises(AuthFailed):
        CONNECTOR.push(ctx, COMMAND)
    assert office.portal.requests == 1


def test_sixteen_answers_through_a_faulty_portal_are_shown_once_each(open_office):
    """Any mix of faults; the sender does what the contract says: look before every repeat."""
    chance = random.Random(1022)
    office = open_office(16)
    faults = [
        {"kind": "commit_then_drop"},
        {"kind": "truncate"},
        {"kind": "outage"},
        {"kind": "status", "code": 502},
        {"kind": "maintenance"},
        {"kind": "login_page"},
        {"kind": "expire_sessions"},
    ]
    failures = 0
    for id_ in (str(n) for n in range(1001, 1017)):
        command, attempt = replace(COMMAND, external_id=id_), 1
        for fault in chance.sample(faults, chance.randint(0, 3)):
            office.fault(**fault, path="xuly$")
        while True:
            try:
                CONNECTOR.push(office.officer(), replace(command, attempt=attempt))
                break
            except (UnknownOutcome, Transient, AuthFailed):
                attempt, failures = attempt + 1, failures + 1
    state = office.portal.state()
    assert {id_: len(given) for id_, given in state["answers"].items()} == {
        str(n): 1 for n in range(1001, 1017)
    }
    assert failures > 8


def test_blind_repeats_would_have_doubled_answers(open_office):
    """The control of the test above: without the look before, the same fault shows the answer twice."""
    office = open_office(3)
    office.fault("commit_then_drop")
    with pytest.raises(UnknownOutcome):
        CONNECTOR.push(office.officer(), COMMAND)
    CONNECTOR.push(office.officer(), COMMAND)  # attempt 1 again, as if nothing were known
    assert len(bodies(office)) == 2
