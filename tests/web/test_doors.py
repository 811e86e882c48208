"""Every route says who may use it; what a person may not see does not exist for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from aggregator.domain.people import RIGHTS, Right, Role
from inbox_web import security
from inbox_web.access import Door, rule_of
from tests.web.office import Browser, Office

LOGIN_OF = {Role.OFFICER: "lan", Role.LEADER: "minh", Role.ADMIN: "quan-tri"}


def routes(app: Flask) -> list[tuple[str, str, Any]]:
    """(method, address with every number 1 and every name 'cong-1022', its view) of the whole router."""
    found = []
    for rule in app.url_map.iter_rules():
        values = {name: 1 if "id" in name else "cong-1022" for name in rule.arguments}
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            with app.test_request_context():
                address = app.url_map.bind("localhost").build(rule.endpoint, values)
            found.append((method, address, app.view_functions[rule.endpoint]))
    return found


def test_every_route_declares_its_rule(app: Flask) -> None:
    without = [address for _, address, view in routes(app) if rule_of(view) is None]
    assert not without, "add access.open_to to these"


def test_a_route_without_a_rule_is_closed(office: Office) -> None:
    app = office.app()
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    answer = app.test_client().get("/forgotten")
    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_only_what_everybody_may_see_opens_without_signing_in(app: Flask, stranger: Browser) -> None:
    token = stranger.form("/sign-in", "/sign-in")["csrf_token"]
    for method, address, view in routes(app):
        if address == "/sign-out":  # open to all, and leads to the same place
            continue
        answer = stranger.client.open(address, method=method, data={"csrf_token": token})
        turned_away = answer.status_code == 303 and answer.location.startswith("/sign-in")
        assert turned_away == (rule_of(view) is not Door.PUBLIC), address


@pytest.mark.parametrize("role", list(Role))
def test_a_right_opens_its_pages_and_no_others(
    app: Flask, person: Callable[[str], Browser], office: Office, role: Role
) -> None:
    office.receive(office.report())
    browser = person(LOGIN_OF[role])
    token = browser.form("/", "/language")["csrf_token"]
    for method, address, view in routes(app):
        rule = rule_of(view)
        if isinstance(rule, Right):
            # Posted without its fields: whatever comes of it, it is not "not allowed".
            answer = browser.client.open(address, method=method, data={"csrf_token": token})
            assert (answer.status_code == 403) == (rule not in RIGHTS[role]), (role, address)


def test_a_hidden_case_and_a_missing_one_answer_with_the_same_bytes(
    app: Flask, office: Office, lan: Browser, hue: Browser
) -> None:
    office.receive(office.report())
    assert lan.get("/cases/1").status_code == 200
    hidden, missing = hue.get("/cases/1"), hue.get("/cases/999999")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.data == missing.data
    assert _headers(hidden) == _headers(missing)


def test_no_form_of_a_hidden_case_tells_that_it_exists(app: Flask, office: Office, hue: Browser) -> None:
    office.receive(office.report())
    token = hue.form("/", "/language")["csrf_token"]
    filled = {
        "csrf_token": token, "kind": "result", "body": "x", "text": "x", "status": "accepted", "reason": "x",
        "reason_code": "needs_info", "into_id": "1", "report_id": "1", "own_report_id": "1", "unit_id": "1",
    }  # fmt: skip
    for method, address, _view in routes(app):
        if method == "POST" and address.startswith("/cases/1/"):
            there = hue.client.post(address, data=filled)
            gone = {**filled, "report_id": "999", "own_report_id": "999", "into_id": "999"}
            absent = hue.client.post(address.replace("/1/", "/999999/"), data=gone)
            assert there.status_code == absent.status_code == 404, address
            assert there.data == absent.data, address


def test_another_wards_case_is_in_no_list_count_or_search(office: Office, hue: Browser, lan: Browser) -> None:
    office.receive(office.report(subject="Hố ga Lê Lợi"))
    assert "Hố ga Lê Lợi" in lan.get("/").text
    for address in ("/", "/?view=new", "/?q=ho+ga", "/?q=26-00001", "/?channel=cong-1022"):
        page = hue.get(address).text
        assert "Hố ga Lê Lợi" not in page and "/cases/1" not in page, address
    assert hue.get("/arrived?after=0").json == {"n": 0}
    assert lan.get("/arrived?after=0").json == {"n": 1}


def test_every_answer_carries_the_security_headers(app: Flask, office: Office, lan: Browser) -> None:
    office.receive(office.report())
    for address in ("/", "/cases/1", "/channels", "/by-hand", "/nope", "/cases/99", "/healthz", "/dashboard"):
        answer = lan.get(address)
        for name, value in security.HEADERS.items():
            assert answer.headers[name] == value, (address, name)
        assert answer.headers["Cache-Control"] == "no-store", address


def test_pages_hold_no_inline_script_or_style(office: Office, lan: Browser, minh: Browser) -> None:
    from bs4 import BeautifulSoup

    office.receive(office.report())
    pages = [
        lan.get(address) for address in ("/", "/cases/1", "/channels", "/by-hand", "/channels/cong-1022")
    ]
    for answer in [*pages, minh.get("/dashboard")]:
        page = BeautifulSoup(answer.text, "lxml")
        assert not page.find_all("style") and not page.find_all(style=True)
        assert [script["src"] for script in page.find_all("script")] and not page.script.text
        handlers = [tag for tag in page.find_all(True) for name in tag.attrs if name.startswith("on")]
        assert not handlers


def test_a_form_without_its_token_changes_nothing(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    form = lan.form("/cases/1", "/cases/1/move")
    for token in ({}, {"csrf_token": "made-up"}):
        answer = lan.client.post(
            "/cases/1/move", data={"status": "accepted", "version": form["version"], **token}
        )
        assert answer.status_code == 400
        assert "Chưa có gì thay đổi" in answer.text
    assert "Tiếp nhận" in lan.get("/cases/1").text, "still new"


def test_a_token_of_another_browser_is_refused(office: Office, lan: Browser, minh: Browser) -> None:
    office.receive(office.report())
    stolen = minh.form("/cases/1", "/cases/1/move")
    assert lan.client.post("/cases/1/move", data={**stolen, "status": "accepted"}).status_code == 400


def _headers(answer: Any) -> list[tuple[str, str]]:
    return sorted((name, value) for name, value in answer.headers.items() if name != "Date")
