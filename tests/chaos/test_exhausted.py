"""A full disk, and a database that restarts under the work: a clear 503, nothing acknowledged lost, and
it goes on by itself (R12, R13)."""

from __future__ import annotations

import resource
import threading
from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.served_office import Person, Web, furnished, notes, web
from tests.postgres_server import OwnServer

CASE = 1
SENT_AGAIN = "Hãy gửi lại: mỗi biểu mẫu có mã riêng nên không bị ghi hai lần"


def test_on_a_full_disk_nothing_is_said_to_be_saved_that_is_not_and_then_it_goes_on(
    sqlite_url: str, tmp_path: Path
) -> None:
    product = furnished(sqlite_url, tmp_path)
    with web(sqlite_url, tmp_path) as running:
        lan = Person(running.url)
        said = [_noted(lan, f"Trước khi đầy {number}.") for number in range(5)]
        form = lan.form(CASE)
        assert form is not None
        _disk_full(running, tmp_path)
        refused, saved = [], []
        for number in range(200):
            text = f"Khi đầy {number}: " + "dài " * 500
            answer = lan.send(CASE, form | {"once": f"{form['once']}{number}"}, text)
            assert answer.status_code in (302, 303, 503), answer.status_code
            (refused if answer.status_code == 503 else saved).append(text.strip())
            if len(refused) == 10:
                break
        assert len(refused) == 10 and "Retry-After" in answer.headers and SENT_AGAIN in answer.text
        assert lan.form(CASE) is not None or answer.status_code == 503  # reading needs no room, or says so

        _room_again(running)
        said += [_noted(lan, f"Khi có chỗ lại {number}.") for number in range(5)]

    assert sorted(notes(product, CASE)) == sorted(said + saved)
    assert not product.evidence.verify().findings
    product.close()


def _noted(lan: Person, text: str) -> str:
    form = lan.form(CASE)
    assert form is not None
    assert lan.send(CASE, form, text).status_code in (302, 303)
    return text


def _disk_full(running: Web, folder: Path) -> None:
    """No file of the process may grow beyond the smallest size that any of its files has."""
    sizes = [path.stat().st_size for path in folder.iterdir() if path.name.startswith("motmoi.db")]
    _, most = resource.prlimit(running.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (max(4096, min(sizes)), most))


def _room_again(running: Web) -> None:
    _, most = resource.prlimit(running.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (most, most))


@pytest.mark.postgres
def test_a_database_that_restarts_under_four_people_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with OwnServer(durable=True) as server:
        url = server.url("postgres")
        _migrated(url)
        product = furnished(url, tmp_path)
        with web(url, tmp_path) as running:
            people = [_Busy(running.url, number) for number in range(4)]
            for one in people:
                one.start()
            for round_ in range(1, 4):
                # In mid work: so many notes have been saved since the last restart.
                wanted = round_ * 12
                while sum(len(one.saved) for one in people) < wanted and any(o.is_alive() for o in people):
                    threading.Event().wait(0.01)
                server.stop()
                server.start()
            for one in people:
                one.join(timeout=120)
        found = Counter(notes(product, CASE))

        assert [one.odd for one in people] == [[]] * 4, "another answer than saved, or 503 in words"
        assert sum(one.refused for one in people) > 0, "no restart hit anybody's work"
        assert found == Counter(text for one in people for text in one.saved)
        assert sum(len(one.saved) for one in people) == 4 * _Busy.NOTES
        assert not product.evidence.verify().findings
        product.close()


def _migrated(url: str) -> None:
    from aggregator.storage.migrate import upgrade

    upgrade(url)


class _Busy(threading.Thread):
    """A person who writes notes, and sends a refused form again until it is taken."""

    NOTES = 25

    def __init__(self, url: str, number: int) -> None:
        super().__init__(daemon=True)
        self._lan, self._number = Person(url), number
        self.saved: list[str] = []
        self.refused = 0
        self.odd: list[str] = []

    def run(self) -> None:
        for number in range(self.NOTES):
            text = f"Ghi chú {number} của người {self._number}."
            while (form := self._lan.form(CASE)) is None:
                self._refused()
            while (answer := self._lan.send(CASE, form, text)).status_code == 503:
                if SENT_AGAIN not in answer.text:
                    self.odd.append(answer.text[:200])
                self._refused()
            if answer.status_code not in (302, 303):
                self.odd.append(f"{answer.status_code}: {answer.text[:200]}")
            self.saved.append(text)

    def _refused(self) -> None:
        self.refused += 1
        threading.Event().wait(0.05)
