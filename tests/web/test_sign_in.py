"""Coming in, being turned away, going out."""

from __future__ import annotations

import pytest

from tests.web.office import PASSWORD, Browser, Office, soup


def test_who_is_not_signed_in_is_asked_to_and_led_back(stranger: Browser) -> None:
    answer = stranger.get("/?view=overdue&q=hố ga")
    assert answer.status_code == 303
    assert answer.location.startswith("/sign-in?next=")

    form = stranger.form(answer.location, "/sign-in")
    answer = stranger.client.post("/sign-in", data={**form, "login": "lan", "password": PASSWORD})
    assert answer.status_code == 303
    page = stranger.get(answer.location)
    assert "Quá hạn" in soup(page).h1.text
    assert "Nguyễn Thị Lan" in page.text


def test_wrong_password_and_unknown_login_get_the_same_words(stranger: Browser) -> None:
    wrong = stranger.sign_in("lan", "sai mật khẩu")
    unknown = stranger.sign_in("khong-co-ai", "sai mật khẩu")
    assert wrong.status_code == unknown.status_code == 422
    words = [soup(answer).find(role="alert").text.strip() for answer in (wrong, unknown)]
    assert words[0] == words[1]
    assert "mật khẩu" in words[0].lower()


def test_too_many_failures_say_how_long_to_wait_and_then_let_in(stranger: Browser, office: Office) -> None:
    for _ in range(8):
        answer = stranger.sign_in("lan", "sai")
    assert "giây" in soup(answer).find(role="alert").text
    assert stranger.sign_in("lan").status_code == 422, "also the right password waits"
    office.clock.wait(minutes=2)
    assert stranger.sign_in("lan").status_code == 303


def test_a_machine_that_guesses_is_slowed_down(stranger: Browser) -> None:
    form = stranger.form("/sign-in", "/sign-in")
    codes = {
        stranger.client.post("/sign-in", data={**form, "login": f"x{n}", "password": "y"}).status_code
        for n in range(70)
    }
    assert 429 in codes


def test_sign_out_ends_the_session_on_the_server_too(lan: Browser) -> None:
    token = lan.client.get_cookie("motmoi").value
    assert lan.submit("/", "/sign-out").status_code == 303
    assert lan.client.get_cookie("motmoi") is None
    lan.client.set_cookie("motmoi", token)
    assert lan.get("/").status_code == 303, "a stolen copy of the cookie opens nothing"


def test_an_idle_session_ends(lan: Browser, office: Office) -> None:
    office.clock.wait(hours=9)
    assert lan.get("/").status_code == 303


def test_a_page_left_open_does_not_keep_anybody_signed_in(lan: Browser, office: Office) -> None:
    for _ in range(3):
        office.clock.wait(hours=3)
        answer = lan.get("/arrived?after=0", headers={"Accept": "application/json"})
    assert answer.status_code == 401, "it asked all day, but nobody was there"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "javascript:alert(1)",
        "/\t/evil.example",
        "http:evil",
    ],
)
def test_signing_in_never_leads_to_another_site(stranger: Browser, target: str) -> None:
    answer = stranger.sign_in("lan", next=target)
    assert answer.status_code == 303
    assert answer.location == "/"


def test_cookies_are_for_us_alone(lan: Browser, stranger: Browser) -> None:
    answer = stranger.sign_in("lan")
    cookies = answer.headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie
        assert "Max-Age" not in cookie, "they end with the browser"


def test_over_https_cookies_are_bound_to_this_very_host(office: Office, tmp_path: object) -> None:
    secure = Office(str(office.services.db.url), office.services.settings.data_dir, secure_cookies=True)
    browser = Browser(secure.app().test_client())
    with browser.client:
        form = browser.client.get("/sign-in", base_url="https://mot.example")
        names = [cookie.split("=")[0] for cookie in form.headers.getlist("Set-Cookie")]
        assert names == ["__Host-motmoi_form"]
        assert "Secure" in form.headers["Set-Cookie"]
        assert form.headers["Strict-Transport-Security"]
    secure.close()


def test_behind_a_trusted_proxy_each_person_keeps_their_own_back_off(office: Office) -> None:
    behind = Office(str(office.services.db.url), office.services.settings.data_dir, trusted_proxies=1)
    app = behind.app()

    def sign_in(address: str, password: str) -> int:
        browser = Browser(app.test_client())
        browser.client.environ_base["HTTP_X_FORWARDED_FOR"] = address
        return browser.sign_in("lan", password).status_code

    for _ in range(8):
        sign_in("198.51.100.7", "sai mật khẩu")

    assert sign_in("198.51.100.7", PASSWORD) != 303
    assert sign_in("198.51.100.8", PASSWORD) == 303
    behind.close()
