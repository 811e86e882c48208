"""Under a checkpoint held outside every tampering is found and placed; an honest ledger raises no alarm."""

from __future__ import annotations

import ast
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.verifier import PATH
from tests.factories import Office, seed
from tests.tampering import ledgers
from tests.tampering.changes import CHANGES, campaign, control, honest, judged, tampered
from tests.tampering.ledgers import Material

COUNT = 300


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory, _sqlite_template: Path) -> Iterator[Material]:
    folder = tmp_path_factory.mktemp("ledger")
    shutil.copyfile(_sqlite_template, folder / "office.db")
    url = f"sqlite:///{folder / 'office.db'}"
    seed(url)
    office = Office(url, folder)
    yield ledgers.worked(office)
    office.close()


def test_the_honest_ledger_raises_no_alarm(material: Material) -> None:
    assert honest(material) == []


@pytest.mark.postgres
def test_nor_does_that_of_postgresql(postgres_url: str, tmp_path: Path) -> None:
    seed(postgres_url)
    office = Office(postgres_url, tmp_path)
    assert honest(ledgers.worked(office)) == []
    office.is_sound()
    office.close()


def test_every_tampering_is_found_and_placed(material: Material) -> None:
    counts = campaign(material, COUNT, seed=random.randrange(1 << 32))
    print(counts)
    assert set(counts) == set(CHANGES)
    for name, (made, found, placed) in counts.items():
        assert made == found == placed == COUNT // len(CHANGES), name


def test_an_erasure_whose_record_is_erased_too_is_placed_with_it(material: Material) -> None:
    entries = [dict(entry) for entry in material.entries]
    record = next(entry for entry in entries if entry["kind"] == "erased")
    ((chain, seq, _),) = json.loads(record["data"])["entries"]
    record["data"] = record["salt"] = None
    places = [one[1:3] for one in judged(material, material.file(entries)).findings]
    assert places == [(chain, seq), (chain, record["seq"])]


def test_a_chain_computed_and_signed_anew_is_only_seen_from_outside(material: Material) -> None:
    alone, under_what_is_held = control(material)
    assert alone == 0  # the office's word against nobody's
    assert under_what_is_held > 0


def test_a_mail_with_the_checkpoint_alone_finds_the_rewriting_too(material: Material) -> None:
    dice = random.Random(7)
    for name in ("everything after computed anew", "removed and computed anew", "end cut off"):
        content, (chain, _) = tampered(material, name, dice)
        found = judged(material, content, material.mailed).findings
        assert found, (name, chain)


@pytest.mark.parametrize("name", ["honest", "any field", "everything after computed anew"])
def test_the_one_file_says_so_by_itself(material: Material, tmp_path: Path, name: str) -> None:
    """Copied somewhere, run by a Python that knows nothing of this project."""
    content, place = material.file(), None
    if name != "honest":
        content, place = tampered(material, name, random.Random(3))
    (tmp_path / "check.py").write_text(PATH.read_text("utf-8"), "utf-8")
    (tmp_path / "export.jsonl").write_bytes(content)
    (tmp_path / "held.jsonl").write_text(material.held, "utf-8")
    key = json.loads(material.held.splitlines()[0])["key"]["public"]
    command = [sys.executable, "check.py", "export.jsonl", "--checkpoint", "held.jsonl", "--key", key]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == (0 if place is None else 1), done.stderr
    assert ("ĐÚNG / IT HOLDS" in done.stdout) == (place is None)
    if place is not None:
        assert f"chuỗi / chain {place[0]}, mục / entry {place[1]}:" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [["missing.jsonl"], ["here.jsonl", "--key", "no key"], ["here.jsonl", "--checkpoint", "here.jsonl"]],
)
def test_what_cannot_be_checked_is_no_finding(
    material: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    from aggregator.verifier import motmoi_check

    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.jsonl").write_text("{}")
    with pytest.raises(SystemExit) as ended:
        motmoi_check.main(arguments)
    assert ended.value.code == 2


def test_the_verifier_is_under_300_lines_and_runs_on_python_3_8() -> None:
    text = PATH.read_text("utf-8")
    assert len(text.splitlines()) < 300
    tree = ast.parse(text, feature_version=(3, 8))
    taken = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    taken |= {one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names}
    taken = {name.split(".")[0] for name in taken}
    assert taken - set(sys.stdlib_module_names) == {"cryptography"}


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"\xff", b'{"format":["x"]}', b"[]", b'{"format":"motmoi/export/1"}\n', b"[" * 100_000,
     b"null", b'{"format":"motmoi/bundle/1","key":{"handovers":[]},"installation":"x"}'],
)  # fmt: skip
def test_what_is_no_ledger_at_all_is_refused_without_a_crash(material: Material, content: bytes) -> None:
    assert judged(material, content).findings
