"""The page "Nhắc việc": ways, quiet hours and the calendar's address are a person's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from shutil import copytree

import pytest
from icalendar import Calendar

from tests.web.office import Browser, Office, soup

CHOSEN = {
    "in_app": "on", "by_mail": "on", "email": "lan@phuong-a.test", "quiet_from": "11:30", "quiet_to": "13:30",
}  # fmt: skip


@pytest.fixture
def office(_furnished: Path, tmp_path: Path) -> Iterator[Office]:
    """An office that has a mail server; nothing is sent here."""
    folder = tmp_path / "office"
    copytree(_furnished, folder)
    mail = {"smtp_host": "127.0.0.1", "smtp_from": "motmoi@phuong-a.test", "public_url": "http://localhost"}
    office = Office(f"sqlite:///{folder / 'motmoi.db'}", folder, **mail)
    yield office
    office.close()


def feed_of(browser: Browser) -> str:
    """The address that the page shows once, as a path."""
    page = browser.submit("/reminders", "/reminders/feed")
    address = soup(page).find(id="feed")["value"]
    assert address.startswith("http://localhost/ical/")
    return str(address.removeprefix("http://localhost"))


def test_what_was_chosen_is_kept_and_is_ones_own(lan: Browser, hue: Browser) -> None:
    form = {"in_app": None, "by_mail": None, "daily": None, **CHOSEN}
    assert lan.submit("/reminders", "/reminders", **form).status_code == 303
    page = soup(lan.get("/reminders"))
    assert page.find(id="email")["value"] == "lan@phuong-a.test"
    assert page.find("input", {"name": "quiet_from"})["value"] == "11:30"
    assert page.find("input", {"name": "by_mail"}).has_attr("checked")
    assert soup(hue.get("/reminders")).find(id="email")["value"] == ""


def test_a_refused_entry_keeps_what_was_typed_and_says_why(lan: Browser) -> None:
    answer = lan.submit("/reminders", "/reminders", **{**CHOSEN, "email": "lan tại phường"})
    assert answer.status_code == 422
    page = soup(answer)
    assert page.find(id="email")["value"] == "lan tại phường"
    assert "ten@donvi.gov.vn" in page.find(id="email-wrong").text


def test_a_calendar_opens_by_its_address_alone_until_it_is_revoked(
    office: Office, lan: Browser, stranger: Browser
) -> None:
    office.receive(office.report())
    cases = office.services.cases
    cases.assign(office.actor("lan"), 1, unit_id=None, officer_id=office.actor("lan").id)
    path = feed_of(lan)
    assert "ical/" not in lan.get("/reminders").text
    answer = stranger.get(path)
    assert answer.status_code == 200 and answer.mimetype == "text/calendar"
    assert len(Calendar.from_ical(answer.get_data()).walk("VEVENT")) == 1
    again = stranger.client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert lan.submit("/reminders", "/reminders/feed/revoke").status_code == 303
    gone, unknown = stranger.get(path), stranger.get("/ical/khong-co.ics")
    assert gone.status_code == unknown.status_code == 404
    assert soup(gone).find("main").text == soup(unknown).find("main").text


def test_reminders_stand_at_the_bell_in_words(office: Office, stranger: Browser) -> None:
    office.receive(office.report())
    officer = office.actor("lan")
    office.services.cases.assign(officer, 1, unit_id=None, officer_id=officer.id)
    due_at = office.services.cases.case(officer, 1).row.due_at
    office.clock.at = due_at + timedelta(days=7, hours=-1)
    office.services.reminders.tick()
    stranger.sign_in("lan")
    assert "1 nhắc việc chưa kịp báo đúng giờ" in stranger.get("/notices").text


def test_without_a_mail_server_the_page_says_so(tmp_path: Path, _furnished: Path) -> None:
    folder = tmp_path / "plain"
    copytree(_furnished, folder)
    plain = Office(f"sqlite:///{folder / 'motmoi.db'}", folder)
    browser = Browser(plain.app().test_client())
    browser.sign_in("lan")
    assert "Máy chủ thư chưa được cài đặt" in browser.get("/reminders").text
    assert browser.submit("/reminders", "/reminders").status_code == 303
    plain.close()
