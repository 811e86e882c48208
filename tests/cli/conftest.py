"""The command as a person or a script meets it.

    motmoi("case", "show", "5")    in this process: exit code, stdout, stderr
    motmoi.started("worker")       a process of its own, for what runs until it is stopped
    motmoi.product()               the same installation through its services, to arrange and to look

Every test has its own database and data folder; `motmoi` runs on SQLite, `either` on both engines.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aggregator import settings
from aggregator.bootstrap import Aggregator, build
from aggregator.cli import main


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


class Motmoi:
    """One installation, and its command."""

    def __init__(self, url: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        self.folder = folder
        self.env = {"MOTMOI_DATABASE_URL": url, "MOTMOI_DATA_DIR": str(folder / "var"), "MOTMOI_PORT": "0"}
        for name in [name for name in os.environ if name.startswith("MOTMOI_")]:
            monkeypatch.delenv(name)
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)
        self._capsys = capsys

    def __call__(self, *args: object) -> Ran:
        self._capsys.readouterr()
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        try:
            code = main([str(arg) for arg in args])
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
        said = self._capsys.readouterr()
        return Ran(code, said.out, said.err)

    def json(self, *args: object) -> Any:
        """The document of a command that must succeed."""
        ran = self(*args, "--json")
        assert ran.code == 0, ran.err
        return ran.document

    def run(self, *args: object, stdin: str | None = None, **env: str) -> Ran:
        """In a process of its own, to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "aggregator.cli", *map(str, args)],
            input=stdin, capture_output=True, encoding="utf-8", timeout=60, check=False,
            env={**os.environ, **self.env, **env}, stdin=subprocess.DEVNULL if stdin is None else None,
        )  # fmt: skip
        return Ran(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def started(self, *args: object) -> Iterator[subprocess.Popen[str]]:
        """A process that runs until the block ends."""
        process = subprocess.Popen(
            [sys.executable, "-m", "aggregator.cli", *map(str, args)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, encoding="utf-8",
            env={**os.environ, **self.env},
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)

    @contextmanager
    def product(self) -> Iterator[Aggregator]:
        """The installation through its services; a command must have set the database up before."""
        product = build(settings.load())
        try:
            yield product
        finally:
            product.close()

    def file(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return path


@pytest.fixture
def motmoi(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Motmoi:
    return Motmoi(sqlite_url, tmp_path, monkeypatch, capsys)


@pytest.fixture
def either(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Motmoi:
    return Motmoi(database_url, tmp_path, monkeypatch, capsys)


@pytest.fixture
def untouched(
    empty_database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Motmoi:
    return Motmoi(empty_database_url, tmp_path, monkeypatch, capsys)


REPORTS = """\
Mã phản ánh;Ngày nhận;Tiêu đề;Nội dung;Địa chỉ;Lĩnh vực
PA-1;20/11/2026 08:00;Ổ gà trước số 12 Lê Lợi;Ổ gà lớn, xe máy dễ ngã;12 Lê Lợi;Giao thông
PA-2;20/11/2026 09:30;Đèn đường hỏng;Hẻm 45 Trần Phú tối om ba ngày nay;45 Trần Phú;Chiếu sáng
PA-3;31/02/2026 10:00;Ngày không có thật;Dòng này sai ngày;1 Lê Lai;Khác
PA-4;21/11/2026 07:15;Rác tồn đọng;Rác chất đống ở góc chợ Bến Thành;Chợ Bến Thành;Rác thải
"""
MAPPING = """\
[columns]
external_id = "Mã phản ánh"
received_at = "Ngày nhận"
subject = "Tiêu đề"
body = "Nội dung"
address = "Địa chỉ"
category = "Lĩnh vực"
"""


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    """Four reports of a ward; the third has no possible date."""
    path = tmp_path / "phan-anh.csv"
    path.write_text(REPORTS, encoding="utf-8")
    return path


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "phan-anh.toml"
    path.write_text(MAPPING, encoding="utf-8")
    return path
