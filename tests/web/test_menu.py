"""The menu says where one is, also on pages that stand below its own and on forms that came back."""

from __future__ import annotations

from typing import Any

from tests.web.office import Browser, Office, soup


def _marked(page: Any) -> list[str]:
    menu = soup(page).select_one("header nav")
    return [entry.find(string=True).strip() for entry in menu.select("[aria-current]")]


#: A page, and the entry of the menu that it stands below.
PAGES = [
    ("/", "Hộp thư"),
    ("/cases/1", "Hộp thư"),
    ("/cases/1/refuse", "Hộp thư"),  # a page of another module, below the case
    ("/cases/1/certificates", "Hộp thư"),
    ("/dashboard/outages", "Số liệu"),
    ("/channels/cong-1022/outages", "Kênh"),
    ("/differences", "Kênh"),
    ("/by-hand", "Chuyển tay"),
    ("/entries/new", "Ghi nhận"),
    ("/cover/fields", "Trực thay"),
    ("/settings/calendars", "Thiết lập"),
    ("/matching", "Thiết lập"),
    ("/streets", "Thiết lập"),
    ("/legal/readers", "Thiết lập"),
]


def test_every_page_marks_its_entry(office: Office, minh: Browser) -> None:
    office.receive(office.report())
    assert {path: _marked(minh.get(path)) for path, _ in PAGES} == {path: [entry] for path, entry in PAGES}


def test_an_answer_that_is_refused_leaves_one_in_the_inbox(office: Office, lan: Browser) -> None:
    office.receive(office.report())
    page = lan.submit("/cases/1", "/cases/1/reply", kind="result", body=" ")
    assert page.status_code == 422
    assert _marked(page) == ["Hộp thư"]


def test_pages_of_the_settings_lead_to_each_other(minh: Browser) -> None:
    for path in ("/streets", "/legal/readers"):
        tabs = soup(minh.get(path)).select("nav.tabs a")
        assert {"/streets", "/legal/readers", "/settings/deadlines"} <= {tab["href"] for tab in tabs}
        assert [tab["href"] for tab in tabs if tab.get("aria-current")] == [path]
