"""One's own password, and the administrator's list of who signs in."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.web.office import PASSWORD, WARD, Browser, Office, soup

ADMIN_LIST = "/settings/accounts"


def _shown_once(page: object) -> str:
    return str(soup(page).select_one(".note.good code").text)


def _id(office: Office, login: str) -> int:
    admin = office.actor("quan-tri")
    return next(one.id for one in office.services.accounts.officers(admin) if one.login == login)


def test_an_officer_changes_the_password_that_was_handed_over(stranger: Browser, lan: Browser) -> None:
    assert soup(lan.get("/")).select_one(".who a[href='/account']").text == "Nguyễn Thị Lan"
    new = {"new": "mưa to đường ngập", "repeated": "mưa to đường ngập"}
    assert lan.submit("/account", "/account/password", old=PASSWORD, **new).status_code == 303
    assert lan.get("/").status_code == 200, "here she stays signed in"
    assert stranger.sign_in("lan").status_code == 422
    assert stranger.sign_in("lan", new["new"]).status_code == 303


def test_a_password_that_is_not_changed_says_at_which_field(lan: Browser) -> None:
    for filled, field in (
        ({"old": "sai", "new": "mat-khau-moi", "repeated": "mat-khau-moi"}, "old"),
        ({"old": PASSWORD, "new": "ngan", "repeated": "ngan"}, "new"),
        ({"old": PASSWORD, "new": "mat-khau-moi", "repeated": "mat-khau-cu"}, "repeated"),
    ):
        page = lan.submit("/account", "/account/password", **filled)
        assert page.status_code == 422
        assert soup(page).select_one("[aria-invalid]")["id"] == field
        assert "mat-khau" not in page.text, "what was typed is not sent back"


def test_an_administrator_gives_a_new_password_for_one_that_was_forgotten(
    office: Office, admin: Browser, lan: Browser, stranger: Browser
) -> None:
    page = admin.submit(ADMIN_LIST, f"{ADMIN_LIST}/{_id(office, 'lan')}/password")
    assert re.fullmatch(r"[a-z0-9]{4}(-[a-z0-9]{4}){3}", _shown_once(page))
    assert lan.get("/").status_code == 303, "who was signed in with the old one is out"
    assert stranger.sign_in("lan").status_code == 422
    assert stranger.sign_in("lan", _shown_once(page)).status_code == 303


def test_a_closed_account_opens_nothing_until_it_gets_a_new_password(
    office: Office, admin: Browser, lan: Browser, stranger: Browser
) -> None:
    its = f"{ADMIN_LIST}/{_id(office, 'lan')}"
    assert admin.submit(ADMIN_LIST, f"{its}/close").status_code == 303
    assert lan.get("/").status_code == 303
    assert stranger.sign_in("lan").status_code == 422
    assert "đã khoá" in admin.get(ADMIN_LIST).text
    again = _shown_once(admin.submit(ADMIN_LIST, f"{its}/password"))
    assert stranger.sign_in("lan", again).status_code == 303


def test_an_account_is_made_with_its_place(
    office: Office, admin: Browser, person: Callable[[str], Browser]
) -> None:
    given = {"login": "Tuan", "name": "Lê Anh Tuấn", "role": "officer", "ward": WARD, "unit_id": "1"}
    page = admin.submit(ADMIN_LIST, ADMIN_LIST, **given)
    _, tuan = office.services.accounts.sign_in("tuan", _shown_once(page))
    assert (tuan.name, tuan.role, tuan.ward, tuan.unit_id) == ("Lê Anh Tuấn", "officer", WARD, 1)
    page = admin.submit(ADMIN_LIST, ADMIN_LIST, **given)
    assert page.status_code == 422 and soup(page).select_one("[aria-invalid]")["id"] == "login"
    moved = {"role": "leader", "ward": WARD, "unit_id": ""}
    assert admin.submit(ADMIN_LIST, f"{ADMIN_LIST}/{tuan.id}/place", **moved).status_code == 303
    assert office.services.accounts.officers(office.actor("quan-tri"))[-1].role == "leader"


def test_nobody_else_sees_the_list(lan: Browser, minh: Browser) -> None:
    assert [who.get(ADMIN_LIST).status_code for who in (lan, minh)] == [403, 403]
