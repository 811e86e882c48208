"""A 1022 portal at its worst: what each failure is called, and that no cursor moves over it."""

import logging

import pytest

from aggregator.sdk.contract import (
    AuthFailed,
    BotChallenge,
    ConfigInvalid,
    RateLimited,
    SchemaDrift,
    Transient,
)
from aggregator.sdk.sandbox import page, reply
from connectors.portal_1022 import CONNECTOR


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "outage"}, Transient),
        ({"kind": "status", "code": 500}, Transient),
        ({"kind": "status", "code": 408}, Transient),
        ({"kind": "status", "code": 429, "retry_after": 17}, RateLimited),
        ({"kind": "status", "code": 503, "retry_after": 17}, RateLimited),
        ({"kind": "status", "code": 404}, ConfigInvalid),
        ({"kind": "status", "code": 403}, AuthFailed),
        ({"kind": "latency", "seconds": 5}, Transient),
        ({"kind": "truncate"}, Transient),
        ({"kind": "login_page"}, AuthFailed),
        ({"kind": "maintenance"}, Transient),
        ({"kind": "oversize", "bytes": 50_000_000}, SchemaDrift),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else value.__name__,
)
def test_failure_of_the_list_has_its_name_and_yields_no_batch(open_office, fault, error):
    office = open_office(3)
    office.fault(**fault)
    with pytest.raises(error) as caught:
        next(CONNECTOR.poll(office.context(read_timeout=0.3), None))
    assert type(caught.value) is error
    if error is RateLimited:
        assert caught.value.retry_after == 17
    assert office.poll().ids == ["1001", "1002", "1003"]  # and it was over with the fault


@pytest.mark.parametrize(
    ("answer", "error", "note"),
    [
        ({"data": [], "totalElements": 9}, SchemaDrift, "empty though reports are counted"),
        ({"data": [], "totalElements": "9", "totalPages": 1}, SchemaDrift, "counted in text"),
        ({"items": []}, SchemaDrift, "key renamed"),
        ([], SchemaDrift, "another form"),
        ({"data": None, "totalElements": 3}, SchemaDrift, "nothing at all"),
        ('{"data": [{"id": 1', SchemaDrift, "cut, under the right length"),
        ("<html><h1>Trang chủ mới</h1></html>", SchemaDrift, "a page"),
        ('<html><div class="g-recaptcha"></div></html>', BotChallenge, "a challenge"),
        ("", SchemaDrift, "nothing under status 200"),
    ],
)
def test_page_that_is_not_the_list_is_never_nothing_new(open_office, answer, error, note):
    office = open_office(3)
    made = page(answer) if isinstance(answer, str) else reply(answer)
    office.portal.route("/moi/gopy")(lambda request: made)
    with pytest.raises(error) as caught:
        next(CONNECTOR.poll(office.context(config={"paths": {"list": "/moi/gopy"}}), None))
    assert type(caught.value) is error, note


def test_empty_portal_is_no_failure(open_office):
    polled = open_office([]).poll()
    assert polled.ids == [] and polled.batches[-1].complete


def test_oversize_message_names_the_size_and_the_limit(open_office):
    office = open_office(1)
    office.fault("oversize", bytes=50_000_000)
    with pytest.raises(SchemaDrift, match=r"50 MB body refused.*the limit is 20 MB"):
        next(CONNECTOR.poll(office.context(), None))


def test_details_that_fail_one_after_the_other_are_the_portals_failure(open_office):
    office = open_office(5)
    office.fault("status", code=500, path="/public/gopy/", count=None)
    with pytest.raises(Transient):
        office.poll()


def test_outage_in_the_middle_keeps_what_was_read_before_it(open_office):
    office = open_office(12)
    batches = CONNECTOR.poll(office.context(), None)
    first = next(batches)
    office.fault("outage")
    with pytest.raises(Transient):
        next(batches)
    assert office.poll(first.next_cursor).ids == [str(n) for n in range(1006, 1013)]


def test_unknown_user_agent_is_shut_out_until_the_channel_names_the_right_one(open_office):
    office = open_office(2, agents=["TramTiepNhan/"])
    with pytest.raises(AuthFailed):
        office.poll()
    assert len(office.poll(ctx=office.context(config={"user_agent": "TramTiepNhan/1.0"})).ids) == 2


def test_basic_on_every_request_with_vietnamese_letters(open_office):
    office = open_office(2, auth="basic")
    secrets = {"username": "lan", "password": "mật-khẩu-thử"}
    assert len(office.poll(ctx=office.context(config={"auth": "basic"}, secrets=secrets)).ids) == 2
    with pytest.raises(AuthFailed):
        office.poll(ctx=office.context(config={"auth": "basic"}, secrets={**secrets, "password": "sai"}))


def test_session_that_ends_between_pages_is_renewed_once(open_office):
    office = open_office(12)
    office.poll(ctx=office.officer())
    office.fault("expire_sessions", path="/admin/xulythongtin/91008")
    assert len(office.poll(ctx=office.officer()).ids) == 12
    assert office.portal.sessions.keys() == {office.state["token"]}


def test_token_is_kept_over_calls(open_office):
    office = open_office(1)
    office.poll(ctx=office.officer())
    token = office.state["token"]
    office.poll(ctx=office.officer())
    assert office.state["token"] == token and list(office.portal.sessions) == [token]


def test_json_demanded_in_accept_would_be_refused(open_office):
    office = open_office(1)
    ctx = office.context()
    url = f"{office.running.url}/public/gopy"
    assert ctx.http.get(url, headers={"Accept": "application/json"}, raw_status=True).status == 406
    assert ctx.http.get(url).status == 200


def test_neither_password_nor_citizen_appears_in_logs_or_errors(open_office, caplog):
    office = open_office(3)
    caplog.set_level(logging.DEBUG)
    office.poll(ctx=office.officer())
    office.fault("login_page", count=None)
    with pytest.raises(AuthFailed) as caught:
        office.poll(ctx=office.officer())
    said = caplog.text + str(caught.value) + repr(caught.value.evidence)
    for secret in ("mật-khẩu-thử", "0900000001", "Trần Thị Mẫu", office.state.get("token", "jwt.")):
        assert secret not in said
    assert "GET" in caplog.text and "/admin/gopy?…" in caplog.text


STEPS = ["Kết nối tới cổng", "Đăng nhập", "Đọc danh sách", "Đọc thử một phản ánh", "Quyền trả lời"]


@pytest.mark.parametrize(
    ("fault", "fails_at", "note"),
    [
        (None, None, "all well"),
        ({"kind": "outage", "count": None}, 0, "portal away"),
        ({"kind": "status", "code": 500, "path": "login"}, 1, "sign-in broken"),
        ({"kind": "status", "code": 404, "path": "/admin/gopy"}, 2, "wrong path"),
        ({"kind": "bad_record"}, 3, "first report unreadable"),
        ({"kind": "status", "code": 403, "path": "/admin/me"}, 4, "no right to reply"),
    ],
)
def test_check_names_the_step_that_fails_and_what_to_do(open_office, fault, fails_at, note):
    office = open_office(0 if note == "first report unreadable" else 2)
    if fault:
        office.fault(**fault)
    results = CONNECTOR.check(office.officer())
    assert [r.name for r in results] == STEPS[: len(results)]
    if fails_at is None:
        assert all(r.ok for r in results) and len(results) == 5
    else:
        assert [r.ok for r in results] == [True] * fails_at + [False]
        assert results[-1].hint and results[-1].detail
    assert office.portal.writes == 0


def test_check_tells_an_account_of_another_unit(open_office):
    office = open_office(2)
    results = CONNECTOR.check(office.officer(config={"unit_id": "26740"}))
    assert not results[-1].ok and "27142" in results[-1].detail
