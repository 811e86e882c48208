"""When something is wrong with us, the person is told in words, and the log can be found again."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from aggregator import bootstrap
from aggregator.settings import Settings
from inbox_web import create_app
from inbox_web.access import Door, open_to
from tests.web.office import Browser, Office


def test_an_unforeseen_error_shows_a_number_that_the_log_has_too(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    app = office.app()

    @open_to(Door.PUBLIC)
    def broken() -> str:
        raise ZeroDivisionError("Đặng Văn Thử 0901000001")

    app.add_url_rule("/broken", "broken", broken)
    with caplog.at_level(logging.ERROR):
        answer = app.test_client().get("/broken?secret=1")
    assert answer.status_code == 500
    number = re.search(r'<b class="code">(\w{8})</b>', answer.text)
    assert number and number[1] in caplog.text
    assert "0901000001" not in answer.text and "secret" not in caplog.text


def test_a_database_that_does_not_answer_is_no_crash(tmp_path: Path) -> None:
    services = bootstrap.build(
        Settings(database_url="postgresql://nobody@127.0.0.1:1/none?connect_timeout=2", data_dir=tmp_path)
    )
    client = create_app(services).test_client()
    assert client.get("/healthz").status_code == 200, "the process lives"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "Phản ánh không bị mất" in answer.text
    services.close()


def test_ready_when_the_database_answers(stranger: Browser) -> None:
    assert stranger.get("/readyz").status_code == 200


def test_a_form_as_large_as_a_film_is_not_read(lan: Browser) -> None:
    token = lan.form("/", "/language")["csrf_token"]
    answer = lan.client.post("/cases/1/note", data={"csrf_token": token, "text": "x" * 600_000})
    assert answer.status_code == 413


def test_unknown_addresses_answer_in_the_persons_words(lan: Browser, stranger: Browser) -> None:
    assert "Không có trang hoặc vụ việc này" in lan.get("/cases/abc").text
    assert stranger.get("/wp-login.php").status_code == 404
    assert lan.client.delete("/").status_code == 405
