"""What a page may cost: bytes over a slow line, statements on a busy database (see docs of the screens)."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from aggregator.sdk.contract import Location
from inbox_web import assets
from tests.web.office import Browser, Office, soup

LONG = "Kính gửi Ủy ban nhân dân phường, hố ga trước nhà mất nắp đã hơn hai tuần, trẻ em đi học nguy hiểm."


@pytest.fixture
def full(office: Office) -> Office:
    """A list of fifty cases with long Vietnamese texts."""
    office.receive(
        *(
            office.report(
                subject=f"{n}: {LONG[:75]}", body=f"{n} {LONG * 3}",
                location=Location(address=f"{n} đường Nguyễn Thị Minh Khai, khu phố 3"),
            )
            for n in range(1, 52)
        )
    )  # fmt: skip
    return office


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is asked of the database inside the block."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def packed(browser: Browser, address: str) -> int:
    """Bytes of the body as a browser gets it."""
    answer = browser.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    return len(answer.data)


def test_the_first_visit_and_the_next_fit_a_slow_line(full: Office, lan: Browser) -> None:
    page = lan.get("/")
    # 30 kB is the goal with everyday texts; these are as long as a row shows.
    assert len(page.data) <= 36_000, "raw"
    body = packed(lan, "/")
    files = set(re.findall(r"/static/[\w.]+", page.text))
    assert len(files) >= 3
    assert body <= 7_000, "a repeat visit: everything else is in the browser already"
    assert body + sum(packed(lan, name) for name in files) <= 60_000
    assert packed(lan, "/cases/1") <= 15_000


def test_static_files_never_change_under_one_address(lan: Browser) -> None:
    for name in assets._NAMES:
        with lan.client.application.test_request_context():
            address = assets.asset(name)
        answer = lan.get(address)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert re.search(r"\.[0-9a-f]{8}\.", address)
        assert lan.get(address.replace(".", ".0", 1)).status_code == 404


@pytest.mark.parametrize(
    ("address", "most"),
    [
        ("/", 6),
        ("/?view=overdue&unit=1", 6),
        ("/?q=ho+ga", 6),
        ("/?q=0901000001", 6),
        ("/arrived?after=3", 2),
        ("/by-hand", 5),
        ("/channels", 6),
    ],
)
def test_a_page_asks_the_database_few_questions(full: Office, lan: Browser, address: str, most: int) -> None:
    with statements() as asked:
        assert lan.get(address).status_code == 200
    questions = [text for text in asked if not text.startswith(("BEGIN", "COMMIT", "PRAGMA"))]
    assert len(questions) <= most, "\n".join(questions)


def test_compression_is_offered_and_real(full: Office, lan: Browser) -> None:
    plain, small = lan.get("/"), lan.get("/", headers={"Accept-Encoding": "gzip"})
    assert small.headers["Content-Encoding"] == "gzip"
    assert len(gzip.decompress(small.data)) == pytest.approx(len(plain.data), rel=0.01)
    assert "Accept-Encoding" in small.headers["Vary"]
    assert soup(plain).h1
