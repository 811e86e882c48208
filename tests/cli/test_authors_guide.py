"""The guide for connector authors does what it says: its own text is run, in an empty folder, over sockets.

    ```sh                  run by a shell, in the page's order; it must succeed
    ```sh terminal=NAME    runs beside the others, to the end
    ```LANGUAGE file=PATH  becomes that file
    ```text                every line was said by the commands above it; ... is anything

What is different here: the port (the page's own may be taken), and that pip installs into a folder and
asks no registry.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "adding-a-channel.md"
_BLOCK = re.compile(r"^```(\w+)(?: (\w+)=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHIMS = {
    "motmoi": '-m aggregator.cli "$@"',
    "pytest": '-m pytest -p no:cacheprovider -c /dev/null --rootdir=. "$@"',
    "pip": '-m pip -q "$@" --no-index --no-deps --no-build-isolation --target "$SITE"',
}


@dataclass
class Reader:
    """Somebody who types what the page says."""

    folder: Path
    port: int
    #: By the commands of the last block, and by all.
    said: list[str] = field(default_factory=list)
    all: list[str] = field(default_factory=list)
    beside: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.folder / "bin").mkdir()
        for name, arguments in _SHIMS.items():
            shim = self.folder / "bin" / name
            shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}\n')
            shim.chmod(0o755)
        own = {k: v for k, v in os.environ.items() if not k.startswith(("MOTMOI_", "PYTEST_", "COV_"))}
        site = self.folder / "site"
        path = f"{self.folder / 'bin'}:{own['PATH']}"
        self.env = {**own, "PATH": path, "PYTHONPATH": f"{ROOT}:{site}", "SITE": str(site)}

    def read(self, text: str) -> None:
        for language, key, value, body in _BLOCK.findall(text.replace("8090", str(self.port))):
            if key == "file":
                (self.folder / value).write_text(body, "utf-8")
            elif key == "terminal":
                self.start(body)
            elif language == "sh":
                self.said = []
                self.type(body)
            elif language == "text":
                for line in body.splitlines():
                    self.expect(line)
            else:
                pytest.fail(f"a block that nobody runs: {language}")

    def expect(self, line: str) -> None:
        form = re.escape(line).replace(re.escape("..."), ".*")
        assert any(re.fullmatch(form, one) for one in self.said), f"{line!r} is not in:\n" + "\n".join(
            self.said
        )

    def type(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command], cwd=self.folder, env=self.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        self.said += done.stdout.splitlines()
        self.all += done.stdout.splitlines()
        return done.stdout

    def start(self, command: str) -> None:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self.folder,
            env=self.env,
            text=True,
            stdout=subprocess.PIPE,
        )
        self.beside.append(process)
        assert process.stdout is not None
        assert str(self.port) in process.stdout.readline()

    def close(self) -> None:
        for process in self.beside:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    one = Reader(tmp_path_factory.mktemp("author"), port)
    try:
        one.read(GUIDE.read_text("utf-8"))
        yield one
    finally:
        one.close()


def test_the_guide_leads_from_an_empty_folder_to_a_bronze_connector(reader):
    """Its blocks have run when this is reached."""
    assert "y_kien: bronze (claims bronze)" in reader.all
    assert [line.split() for line in reader.all if line.startswith("   7")] == [["7", "7", "0", "0", "0"]]


def test_the_manifest_of_the_guide_is_short(reader):
    lines = (reader.folder / "var/connectors/y_kien/connector.yaml").read_text("utf-8").splitlines()
    assert len(lines) <= 40


def test_a_connector_of_a_package_outside_this_repository_is_polled_like_any_other(reader):
    [listed] = [line for line in reader.all if line.startswith("y_kien_goi ")]
    assert "entry point" in listed and "good" in listed
    assert any(line.startswith("y_kien_goi: bronze (") for line in reader.all)
    channel = (reader.folder / "var/connectors/y_kien/channel.toml").read_text("utf-8")
    channel = channel.replace('slug = "y-kien"', 'slug = "goi"').replace('"y_kien"', '"y_kien_goi"')
    (reader.folder / "goi.toml").write_text(channel, "utf-8")
    told = reader.type("motmoi channel add goi.toml && motmoi channel poll goi --json")
    assert '"stored": 7' in told
