"""A full disk, and a database that restarts under the work: a clear 503, nothing acknowledged lost, and
it goes on by itself (R12, R13)."""

from __future__ import annotations

import contextlib
import resource
import secrets
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select

from aggregator.bootstrap import Aggregator
from aggregator.storage.case_tables import replies
from tests.chaos.served_office import Person, Web, furnished, notes, web
from tests.domain.test_proof_files import PDF
from tests.postgres_server import OwnServer

CASE = 1
#: An empty cluster with our tables needs 70.
SMALL_MB = 160
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
        _no_file_grows(running, tmp_path)
        said += _until_ten_are_refused(lan, form)
        _room_again(running)
        said += [_noted(lan, f"Khi có chỗ lại {number}.") for number in range(5)]

    assert sorted(notes(product, CASE)) == sorted(said)
    assert not product.evidence.verify().findings
    product.close()


@pytest.mark.postgres
def test_on_a_full_disk_of_the_database_server_nothing_is_lost_either_and_then_it_goes_on(
    tmp_path: Path,
) -> None:
    with _small_disk() as disk, OwnServer(durable=True, place=disk / "data") as server:
        url = server.url("postgres")
        _migrated(url)
        product = furnished(url, tmp_path)
        with web(url, tmp_path) as running:
            lan = Person(running.url)
            said = [_noted(lan, f"Trước khi đầy {number}.") for number in range(5)]
            form = lan.form(CASE)
            assert form is not None
            with _filled(disk):
                said += _until_ten_are_refused(lan, form)
                assert sorted(notes(product, CASE)) == sorted(said), "there, disk full or not"
            said += [_noted(lan, f"Khi có chỗ lại {number}.") for number in range(5)]
            with _filled(disk):
                _no_room_for_its_log(server.plain_url)
                assert lan.send(CASE, form | {"once": f"{form['once']}-log"}, "Không lưu.").status_code == 503
            server.stop()  # it stopped itself; who minds services starts it again
            server.start()
            while lan.form(CASE) is None:
                threading.Event().wait(0.05)
            said.append(_noted(lan, "Khi máy chủ chạy lại."))

        assert sorted(notes(product, CASE)) == sorted(said)
        assert not product.evidence.verify().findings
        product.close()


@pytest.mark.postgres
def test_where_the_folder_of_files_is_full_an_answer_is_not_half_saved(
    postgres_url: str, tmp_path: Path
) -> None:
    """The database lies elsewhere and has room."""
    product = furnished(postgres_url, tmp_path)
    with web(postgres_url, tmp_path) as running:
        lan = Person(running.url)
        form = lan.answer_form(CASE)
        _no_file_grows(running, tmp_path)
        paper = {"files": ("qd.pdf", PDF.replace(b"%%EOF", b" " * 100_000 + b"%%EOF"), "application/pdf")}
        refused = lan.answer(CASE, form, "Đã thay nắp hố ga.", paper)
        assert refused.status_code == 503 and "Retry-After" in refused.headers
        assert "đầy" in refused.text and _answers(product) == []
        assert _noted(lan, "Chưa gửi được văn bản.")
        _room_again(running)
        assert lan.answer(CASE, form, "Đã thay nắp hố ga.", paper).status_code in (302, 303)

    assert _answers(product) == ["Đã thay nắp hố ga."]
    assert not product.evidence.verify().findings
    product.close()


def _answers(product: Aggregator) -> list[str]:
    with product.db.read() as tx:
        return list(tx.scalars(select(replies.c.body)))


def _until_ten_are_refused(lan: Person, form: dict[str, str]) -> list[str]:
    """Write on until there is no room left; what was said to be saved."""
    refused, saved = 0, []
    for number in range(600):
        text = f"Khi đầy {number}: {secrets.token_hex(900)}"
        answer = lan.send(CASE, form | {"once": f"{form['once']}{number}"}, text)
        assert answer.status_code in (302, 303, 503), answer.status_code
        if answer.status_code != 503:
            saved.append(text)
        elif (refused := refused + 1) == 10:
            break
    assert refused == 10 and "Retry-After" in answer.headers and SENT_AGAIN in answer.text
    assert lan.form(CASE) is not None, "reading needs no room"
    return saved


def _noted(lan: Person, text: str) -> str:
    form = lan.form(CASE)
    assert form is not None
    assert lan.send(CASE, form, text).status_code in (302, 303)
    return text


@contextlib.contextmanager
def _small_disk() -> Iterator[Path]:
    """A file system of its own that is soon full; skips where we may not make one."""
    place = Path(tempfile.mkdtemp(prefix="motmoi-small-"))  # the server's user must reach it
    options = ["-t", "tmpfs", "-o", f"size={SMALL_MB}m,mode=755", "tmpfs", str(place)]
    try:
        subprocess.run(["mount", *options], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        place.rmdir()
        pytest.skip("a small disk needs the right to mount one (root with CAP_SYS_ADMIN)")
    try:
        (place / "data").mkdir()
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        place.rmdir()


@contextlib.contextmanager
def _filled(disk: Path) -> Iterator[None]:
    """No byte is left on it meanwhile."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        for size in (1 << 20, 1 << 12):
            with contextlib.suppress(OSError):
                while True:
                    filler.write(bytes(size))
    try:
        yield
    finally:
        (disk / "filler").unlink()


def _no_room_for_its_log(plain_url: str) -> None:
    """A server that cannot write its log ends in mid statement, as it must."""
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(plain_url, autocommit=True) as tx:
        while True:
            tx.execute("SELECT pg_logical_emit_message(true, 'full', 'x'), pg_switch_wal()")


def _no_file_grows(running: Web, folder: Path) -> None:
    """No file of the process may be longer than its database's shortest; 4 kB where that lies elsewhere."""
    sizes = [path.stat().st_size for path in folder.iterdir() if path.name.startswith("motmoi.db")] or [0]
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
